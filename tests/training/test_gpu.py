"""On a CUDA device: the same model within rounding, usable without the device."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

import skbag

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here"),
]
CLASSES = ["garden", "kitchen", "sea"]
CONFIGURATIONS = {
    "default": {},
    "two layers": {"embedding_dim": 8},
    "hidden layer": {"embedding_dim": 8, "hidden_layer_sizes": (6,)},
    "cross-entropy": {"loss": "cross_entropy"},
    "dropout": {"dropout": 0.2},
    "early stopping": {"early_stopping": True},
}
configurations = pytest.mark.parametrize(
    "parameters", CONFIGURATIONS.values(), ids=CONFIGURATIONS
)


@configurations
def test_same_model_as_on_the_cpu(parameters, corpus, new_corpus, make_classifier):
    cpu = make_classifier(device="cpu", **parameters).fit(*corpus)
    gpu = make_classifier(device="cuda", **parameters).fit(*corpus)
    assert gpu.vocabulary_ == cpu.vocabulary_
    assert gpu.n_iter_ == cpu.n_iter_
    assert_allclose(gpu.loss_curve_, cpu.loss_curve_, rtol=1e-2, atol=1e-4)
    assert_allclose(
        gpu.decision_function(new_corpus.texts),
        cpu.decision_function(new_corpus.texts),
        atol=1e-2,
    )
    assert gpu.score(*new_corpus) > 0.95


@configurations
def test_fit_repeats(parameters, corpus, make_classifier):
    first, second = (
        make_classifier(device="cuda", **parameters).fit(*corpus) for _ in range(2)
    )
    assert_allclose(second.embedding_, first.embedding_, atol=1e-5)


def test_first_device_by_number(corpus, make_classifier):
    clf = make_classifier(device="cuda:0").fit(*corpus)
    assert clf.score(*corpus) == 1


def test_device_that_is_not_there(corpus, make_classifier):
    with pytest.raises(ValueError, match="device='cuda:99' was asked for"):
        make_classifier(device="cuda:99").fit(*corpus)


def test_partial_fit_and_warm_start(corpus, new_corpus, make_classifier):
    clf = make_classifier(device="cuda", embedding_dim=8)
    clf.partial_fit(*corpus, classes=CLASSES).partial_fit(*new_corpus)
    assert clf.score(*new_corpus) > 0.9
    clf.set_params(warm_start=True).fit(*corpus)
    assert clf.score(*corpus) == 1


def test_on_a_matrix(make_classifier):
    X, y = np.repeat(np.eye(3), 30, axis=0), np.repeat([0, 1, 2], 30)
    assert make_classifier(device="cuda").fit(X, y).score(X, y) == 1


def test_global_generator_of_the_device_is_left_alone(corpus, make_classifier):
    before = torch.cuda.get_rng_state()
    make_classifier(device="cuda", dropout=0.2, embedding_dim=4).fit(*corpus)
    assert torch.equal(torch.cuda.get_rng_state(), before)


WITHOUT_DEVICE = """
import pickle, sys
import numpy as np
import skbag

with open(sys.argv[1], "rb") as file:
    clf, texts, labels, expected = pickle.load(file)
assert np.array_equal(clf.predict_proba(texts), expected)
assert np.array_equal(skbag.load(sys.argv[2]).predict_proba(texts), expected)
assert "torch" not in sys.modules
try:
    clf.fit(texts, labels)
except ValueError as error:
    assert "torch sees 0 CUDA devices" in str(error), error
else:
    raise AssertionError("trained on a device that is not there")
clf.set_params(device="auto").partial_fit(texts, labels)
assert clf.score(texts, labels) == 1
"""


@pytest.mark.slow  # A torch that knows CUDA takes seconds to import.
@configurations
def test_pickle_and_file_are_used_where_there_is_no_device(
    parameters, corpus, make_classifier, tmp_path
):
    clf = make_classifier(device="cuda", **parameters).fit(*corpus)
    assert b"torch" not in pickle.dumps(clf)
    if clf.early_stopping:
        clf.set_params(early_stopping=False)  # for partial_fit, which refuses it
    expected = clf.predict_proba(corpus.texts)
    file, model = tmp_path / "clf.pickle", tmp_path / "clf.safetensors"
    file.write_bytes(pickle.dumps((clf, *corpus, expected)))
    skbag.save(clf, model)
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_DEVICE, str(file), str(model)],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    loaded = pickle.loads(pickle.dumps(clf))
    assert_array_equal(loaded.predict_proba(corpus.texts), expected)


@configurations
def test_batches_that_do_not_fit_are_brought_one_by_one(
    parameters, corpus, make_classifier, monkeypatch
):
    resident = make_classifier(device="cuda", **parameters).fit(*corpus)
    monkeypatch.setattr("skbag._training.devices.SHARE_OF_DEVICE", 0.0)
    streamed = make_classifier(device="cuda", **parameters).fit(*corpus)
    assert_allclose(streamed.embedding_, resident.embedding_, atol=1e-5)
