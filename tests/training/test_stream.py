"""A part of a stream costs what its part costs, and changes nothing where it fails."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skbag._core.bags import Bags
from skbag._core.growing import GrowingRows
from skbag._model.predictor import Predictor
from skbag._training.stream import RowUpdate, TouchedRows

CLASSES = ["garden", "kitchen", "sea"]
CONFIGURATIONS = {
    "default": {},
    "buckets": {"n_buckets": 512},
    "layers": {"embedding_dim": 4},
    "plain weights": {"supervised_weighting": False, "use_idf": False},
    "plain encoder": {"analyzer": "char_wb", "ngram_range": (2, 3)},
    "penalty": {"alpha": 1e-3},
}
configurations = pytest.mark.parametrize(
    "parameters", CONFIGURATIONS.values(), ids=CONFIGURATIONS
)


def parts(corpus, size=12):
    for start in range(0, len(corpus.texts), size):
        some = slice(start, start + size)
        yield corpus.texts[some], corpus.labels[some]


def test_rows_that_are_put_after_others():
    growing = GrowingRows(np.arange(3.0))
    first = growing.first(3)
    longer = growing.put(3, np.array([7.0, 8.0]))
    assert_array_equal(longer, [0, 1, 2, 7, 8])
    assert_array_equal(growing.put(3, np.array([9.0])), [0, 1, 2, 9])
    assert len(growing) == 4
    assert growing.capacity >= 5
    assert_array_equal(first, [0, 1, 2])


def test_touched_rows_are_a_table_of_their_own():
    bags = Bags(
        np.array([5, 2, 5, 9], dtype=np.int32),
        np.array([0, 2, 4]),
        np.ones(4, dtype=np.float32),
        10,
    )
    table = np.arange(12, dtype=np.float32).reshape(6, 2)
    before = Predictor(table, ((None, np.zeros(2, dtype=np.float32)),))
    touched = TouchedRows.of(bags)
    assert_array_equal(touched.ids, [2, 5, 9])
    assert_array_equal(touched.bags.ids, [1, 0, 1, 2])
    own = touched.from_table(before)
    assert_array_equal(own.dense, [[4, 5], [10, 11], [0, 0]])
    own.dense[:] = -1
    growing = GrowingRows(table.copy())
    after, update = touched.into_table(own, growing, 6, 10)
    assert_array_equal(after.dense[:6], table)
    update.apply()
    expected = np.vstack([table, np.zeros((4, 2))])
    expected[[2, 5, 9]] = -1
    assert_array_equal(after.dense, expected)
    update.undo()
    assert_array_equal(after.dense, np.vstack([table, np.zeros((4, 2))]))


@configurations
def test_a_stream_is_the_same_where_each_part_is_pickled(
    parameters, corpus, new_corpus, make_classifier
):
    """Then no array is changed in place."""
    kept = make_classifier(**parameters)
    pickled = make_classifier(**parameters)
    for part in parts(corpus):
        kept.partial_fit(*part, classes=CLASSES)
        pickled = pickle.loads(pickle.dumps(pickled))
        pickled.partial_fit(*part, classes=CLASSES)
    assert_array_equal(kept.embedding_, pickled.embedding_)
    assert_array_equal(
        kept.decision_function(new_corpus.texts),
        pickled.decision_function(new_corpus.texts),
    )


@configurations
def test_copies_stay_as_they_were(parameters, corpus, new_corpus, make_classifier):
    clf = make_classifier(**parameters).partial_fit(*corpus, classes=CLASSES)
    clf.partial_fit(*corpus)
    copied, deep = copy.copy(clf), copy.deepcopy(clf)
    table, scores = clf.embedding_, clf.decision_function(new_corpus.texts)
    before = table.copy()
    clf.partial_fit(["a quokka by the sea"], ["garden"])
    clf.partial_fit(["a quokka by the sea"], ["garden"])
    assert_array_equal(table, before)
    for other in (copied, deep):
        assert_array_equal(other.decision_function(new_corpus.texts), scores)
        other.partial_fit(["a wombat by the sea"], ["garden"])
    assert_array_equal(
        copied.decision_function(new_corpus.texts),
        deep.decision_function(new_corpus.texts),
    )


@pytest.mark.parametrize(
    "parameters",
    # A penalty changes all rows, in a table of its own.
    [each for each in CONFIGURATIONS.values() if "alpha" not in each],
)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_interrupted_while_rows_are_written(
    moment, parameters, corpus, new_corpus, make_classifier, monkeypatch
):
    clf = make_classifier(**parameters).partial_fit(*corpus, classes=CLASSES)
    clf.partial_fit(*corpus)
    scores = clf.decision_function(new_corpus.texts)
    original = RowUpdate.apply

    def apply(self):
        if moment == "after":
            original(self)
        raise KeyboardInterrupt("by hand")

    monkeypatch.setattr(RowUpdate, "apply", apply)
    with pytest.raises(KeyboardInterrupt, match="by hand"):
        clf.partial_fit(["a quokka by the sea"], ["garden"])
    monkeypatch.undo()
    assert_array_equal(clf.decision_function(new_corpus.texts), scores)
    clf.partial_fit(["a quokka by the sea"], ["garden"])
    assert (clf.decision_function(new_corpus.texts) != scores).any()


def test_rows_of_other_tokens_stay_where_they_are(corpus, make_classifier):
    clf = make_classifier().partial_fit(*corpus, classes=CLASSES)
    clf.partial_fit(["a quokka"], ["garden"])
    table = clf._model.predictor.dense
    before = table.copy()
    clf.partial_fit(["quokka quokka"], ["sea"])
    after = clf._model.predictor.dense
    assert np.shares_memory(after, table)
    changed = np.flatnonzero((after[: len(before)] != before).any(axis=1))
    names = clf._model.encoder.names()
    assert changed.size
    assert all("quok" in names[i] or "kka" in names[i] for i in changed)


def test_texts_without_a_known_token(corpus, make_classifier):
    clf = make_classifier().partial_fit(*corpus, classes=CLASSES)
    n_ids = len(clf.vocabulary_)
    clf.partial_fit(["", " "], ["garden", "sea"])
    assert len(clf.vocabulary_) == n_ids
    assert clf.score(*corpus) > 0.9


def test_a_matrix_streams_too(make_classifier):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 5))
    y = (X[:, 0] > 0).astype(int)
    clf = make_classifier()
    for start in range(0, 60, 6):
        clf.partial_fit(X[start : start + 6], y[start : start + 6], classes=[0, 1])
    assert clf.score(X, y) >= 0.9
