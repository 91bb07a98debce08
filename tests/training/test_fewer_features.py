"""A stream drops the short-text features once its texts are many."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import skbag
from skbag._text import text_options
from skbag._text.features import SHORT_TEXT_KINDS
from skbag._training import fewer_features
from skbag._training.fewer_features import without_short_text_features

CLASSES = ["garden", "kitchen", "sea"]
CONFIGURATIONS = {
    "vocabulary": {},
    "buckets": {"n_buckets": 2**16},
    "layers": {"embedding_dim": 4},
    "subwords": {"subword_ngram_range": (3, 4)},
}
configurations = pytest.mark.parametrize(
    "parameters", CONFIGURATIONS.values(), ids=CONFIGURATIONS
)


@pytest.fixture(autouse=True)
def few_texts_are_many(monkeypatch):
    for module in (fewer_features, text_options):
        monkeypatch.setattr(module, "MANY_TEXTS_OF_A_STREAM", 60)


def learn(clf, corpus, start=0, stop=120, size=20):
    for first in range(start, stop, size):
        some = slice(first, first + size)
        clf.partial_fit(corpus.texts[some], corpus.labels[some], classes=CLASSES)
    return clf


def has_short_text_features(clf):
    return clf._model.encoder.has_short_text_features


def counts_of_short_text_features(clf):
    featurizer = clf._model.featurizer
    counts, encoder = featurizer.document_counts, featurizer.encoder
    df = counts.flush(featurizer.pending, encoder.n_ids).df
    return df[np.isin(encoder.kinds, SHORT_TEXT_KINDS)].sum()


@configurations
def test_they_are_dropped_once_texts_are_many(
    parameters, corpus, new_corpus, make_classifier
):
    clf = learn(make_classifier(**parameters), corpus, stop=40)
    assert has_short_text_features(clf)
    assert counts_of_short_text_features(clf) > 0
    learn(clf, corpus, start=40)
    assert not has_short_text_features(clf)
    assert counts_of_short_text_features(clf) == 0
    assert clf.score(*new_corpus) > 0.9


def test_a_first_part_of_many_texts_goes_without(corpus, make_classifier):
    assert not has_short_text_features(learn(make_classifier(), corpus, size=60))
    assert has_short_text_features(make_classifier().fit(*corpus))


@pytest.mark.parametrize("asked_for", [True, False])
def test_what_is_asked_for_stays(asked_for, corpus, make_classifier):
    clf = learn(make_classifier(short_text_features=asked_for), corpus)
    assert has_short_text_features(clf) == asked_for


def test_they_are_dropped_after_a_fit(corpus, make_classifier):
    clf = make_classifier().fit(corpus.texts[:40], corpus.labels[:40])
    clf.partial_fit(corpus.texts[:10], corpus.labels[:10])
    assert has_short_text_features(clf)
    clf.partial_fit(corpus.texts[40:60], corpus.labels[40:60])
    assert not has_short_text_features(clf)


@configurations
def test_counts_go_on_as_if_they_had_never_been(parameters, corpus, make_classifier):
    """Weights are those of a stream of the other features, where all are made anew."""
    clf = make_classifier(**parameters)
    plain = make_classifier(**parameters, short_text_features=False)
    learn(clf, corpus, stop=60)
    learn(plain, corpus, stop=60, size=60)
    found, expected = clf._model.featurizer, plain._model.featurizer
    weights = [each.weigh(corpus.texts) for each in (found, expected)]
    if "n_buckets" in parameters:
        # Other buckets of the same features: a rare collision may differ.
        lengths = [np.diff(bags.offsets) for bags in weights]
        assert (lengths[0] == lengths[1]).mean() > 0.9
        return
    names = [each.encoder.names() for each in (found, expected)]
    assert sorted(names[0]) == sorted(names[1])
    tables = [bags.to_csr().toarray() for bags in weights]
    order = [np.argsort(each) for each in names]
    assert_allclose(tables[0][:, order[0]], tables[1][:, order[1]], rtol=1e-5)


@configurations
def test_rows_of_the_other_features_stay(parameters, corpus, make_classifier):
    clf = learn(make_classifier(**parameters), corpus, stop=40)
    before, resume = clf._model, clf._resume
    table = before.predictor.dense.copy()
    after, resumed = without_short_text_features(before, resume)
    assert_array_equal(before.predictor.dense, table)
    assert resumed.stream is None
    _, old_ids = before.encoder.without_short_text_features()
    assert_array_equal(
        after.predictor.dense,
        np.where(old_ids[:, np.newaxis] >= 0, table[old_ids], 0),
    )


@configurations
def test_a_call_that_fails_drops_nothing(
    parameters, corpus, new_corpus, make_classifier, monkeypatch
):
    clf = learn(make_classifier(**parameters), corpus, stop=40)
    before = pickle.dumps(clf)

    def fail(*arguments, **keywords):
        raise KeyboardInterrupt("by hand")

    monkeypatch.setattr("skbag._training.run.TrainingRun.epoch", fail)
    with pytest.raises(KeyboardInterrupt, match="by hand"):
        clf.partial_fit(corpus.texts[:30], corpus.labels[:30])
    monkeypatch.undo()
    assert pickle.dumps(clf) == before


@configurations
def test_a_stream_goes_on_from_a_file(
    parameters, corpus, new_corpus, make_classifier, tmp_path
):
    kept = learn(make_classifier(**parameters), corpus, stop=80)
    skbag.save(kept, tmp_path / "model.skbag")
    loaded = skbag.load(tmp_path / "model.skbag")
    for clf in (kept, loaded):
        learn(clf, corpus, start=80)
    assert not has_short_text_features(loaded)
    assert_array_equal(
        kept.decision_function(new_corpus.texts),
        loaded.decision_function(new_corpus.texts),
    )
    assert loaded.explain(new_corpus.texts[:1]).features == (
        kept.explain(new_corpus.texts[:1]).features
    )


@pytest.mark.parametrize("n_jobs", [2, 3])
def test_any_number_of_threads(n_jobs, corpus, new_corpus, make_classifier):
    scores = [
        learn(make_classifier(n_jobs=n), corpus).decision_function(new_corpus.texts)
        for n in (1, n_jobs)
    ]
    assert_array_equal(*scores)
