"""skops, which asks which types to trust, needs to be told of one."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

skops_io = pytest.importorskip("skops.io")

TRUSTED = ["skbag._classifier.EmbeddingBagClassifier"]
"""As docs/reliability.md says."""

MODELS = {
    "default": {},
    "hidden layer": {"embedding_dim": 8, "hidden_layer_sizes": (6,)},
    "plain encoder": {"analyzer": "char_wb", "ngram_range": (2, 3)},
    "plain encoder, short texts": {
        "token_pattern": r"\w+",
        "short_text_features": True,
    },
    "given vocabulary": {"vocabulary": ["oven", "sail", "fern", "soup"]},
    "early stopping": {"early_stopping": True},
}
models = pytest.mark.parametrize("parameters", MODELS.values(), ids=MODELS)


@models
def test_one_type_is_to_be_trusted(parameters, corpus, new_corpus, make_classifier):
    clf = make_classifier(**parameters).fit(*corpus)
    data = skops_io.dumps(clf)
    assert skops_io.get_untrusted_types(data=data) == TRUSTED
    loaded = skops_io.loads(data, trusted=TRUSTED)
    assert loaded.get_params() == clf.get_params()
    assert_array_equal(
        loaded.predict_proba(new_corpus.texts), clf.predict_proba(new_corpus.texts)
    )
    if not clf.early_stopping:
        loaded.partial_fit(*new_corpus), clf.partial_fit(*new_corpus)
        assert_array_equal(loaded.embedding_, clf.embedding_)


def test_without_trust_nothing_is_loaded(corpus, make_classifier):
    data = skops_io.dumps(make_classifier().fit(*corpus))
    with pytest.raises(TypeError, match=r"skbag\._classifier\.EmbeddingBagClassifier"):
        skops_io.loads(data)


def test_in_a_pipeline_and_on_a_matrix(make_classifier):
    X, y = np.repeat(np.eye(3), 20, axis=0), np.repeat(["a", "b", "c"], 20)
    pipeline = make_pipeline(FunctionTransformer(), make_classifier()).fit(X, y)
    data = skops_io.dumps(pipeline)
    assert skops_io.get_untrusted_types(data=data) == TRUSTED
    loaded = skops_io.loads(data, trusted=TRUSTED)
    assert_array_equal(loaded.predict(X), pipeline.predict(X))
