"""Odd proportions: memory grows with the input, whatever that consists of.

What numpy and Python allocate is traced, at one size and at twice that. Times are in
docs/benchmarks/scale.py.
"""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skbag._core.bags import Bags
from skbag._model import model as model_module
from skbag._model.model import Featurizer, Model
from skbag._model.predictor import Predictor
from skbag._targets import calibration, classification_targets, links
from skbag._targets import labels as labels_module
from skbag._targets.calibration import fit_softplus
from skbag._targets.links import log_probabilities
from skbag._text.vocabulary_encoder import VocabularyEncoder
from skbag._training import plan
from skbag._weighting.document_counts import DocumentCounts
from skbag._weighting.weighting import Weighting

pytestmark = pytest.mark.slow

PLAIN = Weighting(use_idf=False, sublinear_tf=False, norm=None, supervised=False)
MIB = 2**20


def traced(function, *arguments):
    """Result of a call, and the most bytes it held at a time."""
    tracemalloc.start()
    try:
        result = function(*arguments)
        return result, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def short_texts(n):
    return [f"this one is of {i % 3} and {i % 50}" for i in range(n)]


def long_document(n):
    return [*short_texts(300), " ".join(short_texts(n))]


def empty_documents(n):
    return [*short_texts(300), *[""] * n]


def distinct_words(n):
    return [" ".join(f"w{j}" for j in range(i, i + 20)) for i in range(0, n, 20)]


INPUTS = {
    "long document": (long_document, 10_000),
    "empty documents": (empty_documents, 50_000),
    "distinct words": (distinct_words, 20_000),
}


@pytest.mark.filterwarnings("ignore:.* have no token in common")
@pytest.mark.parametrize("name", INPUTS)
def test_twice_the_input_takes_twice_the_memory(name, n_cases, make_classifier):
    make, size = INPUTS[name]
    peaks = []
    for n in (size, 2 * size):
        texts = make(n * n_cases(1, 20))
        labels = [i % 3 for i in range(len(texts))]
        clf = make_classifier(max_iter=1, n_jobs=1, batch_size=256)
        clf, of_fit = traced(clf.fit, texts, labels)
        _, of_predict = traced(clf.predict, texts)
        peaks.append((of_fit, of_predict))
    (fit_half, predict_half), (fit_all, predict_all) = peaks
    assert fit_all < 2.4 * fit_half
    assert predict_all < 2.4 * predict_half


def test_one_long_text_does_not_widen_the_others(make_classifier):
    """As an array of NumPy's strings these would be 1,000 times the longest."""
    texts = [*short_texts(1000), "word " * 100_000]
    labels = [i % 2 for i in range(1001)]
    clf, peak = traced(make_classifier(max_iter=1, n_jobs=1).fit, texts, labels)
    assert peak < 100 * len(texts[-1])
    _, peak = traced(clf.predict, texts)
    assert peak < 100 * len(texts[-1])


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.filterwarnings("ignore:The validation samples:UserWarning")
def test_a_class_of_one_sample(early_stopping, make_classifier):
    texts, labels = [*short_texts(500), "nothing like it"], ["a"] * 500 + ["b"]
    clf = make_classifier(early_stopping=early_stopping).fit(texts, labels)
    assert clf.predict_proba(texts).shape == (501, 2)
    assert clf.predict(["this one is of 1"]) == ["a"]


# -- many classes ----------------------------------------------------------------------


N_CLASSES = 20_000


@pytest.fixture(scope="module")
def many_classes():
    """A model of 20,000 classes that knows a few words."""
    encoder = VocabularyEncoder()
    encoder.learn(short_texts(10))
    rng = np.random.default_rng(0)
    table = rng.normal(size=(encoder.n_ids, N_CLASSES)).astype("f")
    fitted = Predictor(table, ((None, rng.normal(size=N_CLASSES).astype("f")),))
    return Model(
        Featurizer(encoder, PLAIN, None, None), fitted, calibration.UNCALIBRATED
    )


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("text", ["", "this one"])
def test_classes_are_predicted_in_bounded_memory(text, n_threads, many_classes):
    n = 1000
    codes, peak = traced(
        many_classes.map_scores, links.predicted_codes, [text] * n, n_threads
    )
    chunk = 4 * model_module.NUMBERS_PER_CHUNK
    assert peak < 3 * n_threads * chunk < 4 * n * N_CLASSES * n_threads
    assert_array_equal(codes, many_classes.scores([text]).argmax())


@pytest.mark.parametrize("use", [log_probabilities, links.probabilities])
def test_probabilities_take_little_more_than_themselves(use, many_classes):
    texts = ["this one", ""] * 500
    result, peak = traced(many_classes.map_scores, lambda z: use(z, 1.5), texts)
    assert result.dtype == np.float64
    assert peak < 1.2 * result.nbytes + 16 * 4 * model_module.NUMBERS_PER_CHUNK
    assert_array_equal(result[:2], use(many_classes.scores(texts[:2]), 1.5))


@pytest.mark.parametrize("width", [1, 150, 2**15, 10**9])
@pytest.mark.parametrize("length", [0, 3, 2**16, 2**20])
def test_chunks_have_few_texts_or_few_scores(width, length):
    featurizer = Featurizer(VocabularyEncoder(), PLAIN, None, None)
    X = ["x" * length] * 300
    parts = featurizer.chunks(X, 2, width)
    assert [text for part in parts for text in part] == X
    for part in parts:
        assert (
            len(part) == 1 or len(part) * width <= 1.1 * model_module.NUMBERS_PER_CHUNK
        )


def test_scores_watched_are_bounded(corpus, make_classifier, monkeypatch):
    monkeypatch.setattr(plan, "MAX_PROGRESSIVE_SCORES", 21)
    seen = []

    def spy(scores, *arguments):
        seen.append(scores.size)
        return fit_softplus(scores, *arguments)

    monkeypatch.setattr(classification_targets, "fit_softplus", spy)
    make_classifier(batch_size=2, max_iter=1).fit(*corpus)
    classes = sorted(set(corpus.labels))
    make_classifier(batch_size=2, max_iter=1).partial_fit(
        *corpus, classes=classes
    ).partial_fit(*corpus)
    assert len(seen) == 3
    assert all(0 < size <= 21 for size in seen)


@pytest.mark.parametrize("width", [3, 40])
def test_calibration_of_blocks_is_that_of_all_at_once(width, monkeypatch):
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(500, width)).astype("f")
    codes = rng.integers(width, size=500)
    expected = fit_softplus(scores, codes)
    monkeypatch.setattr(calibration, "_NUMBERS_AT_ONCE", 70)
    found = fit_softplus(scores, codes)
    assert found.inverse_temperature == pytest.approx(expected.inverse_temperature)
    assert found.score_offset == pytest.approx(expected.score_offset)


def test_temperature_takes_little_more_than_its_scores():
    scores = np.random.default_rng(0).normal(size=(419, N_CLASSES)).astype("f")
    _, peak = traced(fit_softplus, scores, np.arange(419))
    # A few blocks.
    assert peak < scores.nbytes + 60 * MIB


def test_counts_by_class_take_what_the_documents_hold():
    def count(n):
        rng = np.random.default_rng(0)
        ids = rng.integers(50_000, size=(n, 10)).astype(np.int32)
        ids.sort(axis=1)
        bags = Bags(ids.ravel(), np.arange(n + 1) * 10, np.ones(10 * n, "f"), 50_000)
        counts = DocumentCounts.count(bags, np.arange(n) % N_CLASSES, N_CLASSES)
        return Weighting(True, True, "l2", True).id_weights(counts, None)

    _, half = traced(count, 20_000)
    _, whole = traced(count, 40_000)
    assert whole < 2.4 * half
    assert whole < 200 * 10 * 40_000


def test_labels_of_many_classes_are_coded():
    for labels in (
        [f"class {i % N_CLASSES}" for i in range(2 * N_CLASSES)],
        np.array([f"class {i % N_CLASSES}" for i in range(2 * N_CLASSES)], object),
        np.arange(2 * N_CLASSES) % N_CLASSES,
    ):
        (classes, codes), peak = traced(labels_module.learn_classes, labels)
        assert len(classes) == N_CLASSES
        assert_array_equal(classes[codes], np.asarray(labels))
        assert_array_equal(labels_module.encode_labels(labels, classes), codes)
        assert peak < 1000 * len(labels)
