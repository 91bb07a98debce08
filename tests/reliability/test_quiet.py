"""Nothing is written, and nothing global is changed, whether a call works or not."""

from __future__ import annotations

import locale
import os
import random
import signal
import sys
import threading
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn
import torch

METHODS = ("predict", "predict_proba", "predict_log_proba", "transform")
CONFIGURATIONS = {
    "default": {},
    "hidden layer": {"embedding_dim": 8, "hidden_layer_sizes": (6,), "dropout": 0.2},
    "plain encoder": {"analyzer": "char_wb", "ngram_range": (2, 3)},
    "early stopping": {"early_stopping": True, "loss": "cross_entropy"},
}


def global_state():
    return {
        "random": random.getstate(),
        "numpy": [str(part) for part in np.random.get_state()],  # noqa: NPY002
        "numpy errors": (np.geterr(), np.geterrcall()),
        "numpy printing": str(np.get_printoptions()),
        "torch": torch.get_rng_state().tolist(),
        "threads": torch.get_num_threads(),
        "gradients": torch.is_grad_enabled(),
        "scikit-learn": sklearn.get_config(),
        "warnings": list(warnings.filters),
        "locale": locale.setlocale(locale.LC_ALL),
        "directory": os.getcwd(),
        "environment": dict(os.environ),
        "recursion": sys.getrecursionlimit(),
        "hooks": (sys.excepthook, sys.unraisablehook, threading.excepthook),
        "signals": [signal.getsignal(each) for each in (2, 15)],
        "running": set(threading.enumerate()),
    }


@pytest.mark.parametrize("name", CONFIGURATIONS)
@pytest.mark.parametrize("as_matrix", [False, True])
def test_nothing_is_written_and_nothing_changed(
    name, as_matrix, corpus, make_classifier, capfd
):
    X = sp.csr_array(np.eye(120)) if as_matrix else corpus.texts
    clf = make_classifier(**CONFIGURATIONS[name])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        before = global_state()
        clf.fit(X, corpus.labels)
        if not clf.early_stopping:
            clf.partial_fit(X, corpus.labels)
        for method in METHODS:
            getattr(clf, method)(X)
            getattr(clf, method)(X[:1])
        with pytest.raises(ValueError, match="missing label"):
            clf.fit(X, [None, *corpus.labels[1:]])
        with pytest.raises(ValueError, match="fitted on"):
            clf.predict(corpus.texts if as_matrix else np.eye(3))
        assert global_state() == before
    assert capfd.readouterr() == ("", "")
