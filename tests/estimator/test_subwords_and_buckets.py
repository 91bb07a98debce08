"""What models with subwords, with buckets, or both do as those without."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skbag._text.features import FeatureKind

CLASSES = ["garden", "kitchen", "sea"]
CODES = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
MISSPELT = ["garlick", "blosom", "orchrad", "anchors", "captian", "harbor"]
MANY = 2**20
FEATURES = {
    "subwords": {"subword_ngram_range": (3, 6)},
    "short subwords": {"subword_ngram_range": (2, 5)},
    "buckets": {"n_buckets": MANY},
    "few buckets, subwords": {"n_buckets": 512, "subword_ngram_range": (3, 6)},
}
features = pytest.mark.parametrize("parameters", FEATURES.values(), ids=FEATURES)
learning = pytest.mark.parametrize("name", ["subwords", "buckets"])


def known(clf):
    """Names of the features that it knows, or numbers of the buckets."""
    if hasattr(clf, "vocabulary_"):
        return set(clf.vocabulary_)
    return set(np.flatnonzero(clf.embedding_.any(axis=1)).tolist())


def assert_met(clf, before, names):
    """Compare what it knows with what it knew before it met new words."""
    assert before < known(clf)
    if hasattr(clf, "vocabulary_"):
        assert names <= known(clf) - before
    else:
        assert clf.embedding_.shape == (clf.n_buckets, 3)


@features
def test_one_at_a_time_and_all_together(
    parameters, corpus, new_corpus, make_classifier
):
    clf = make_classifier(**parameters).fit(*corpus)
    texts = [*new_corpus.texts, *MISSPELT, "words never met", "", "x", "soup"]
    alone = np.concatenate([clf.decision_function([text]) for text in texts])
    assert_array_equal(alone, clf.decision_function(texts))


@pytest.mark.parametrize("short", [True, False])
@pytest.mark.parametrize(
    "parameters",
    [{"subword_ngram_range": (3, 5)}, {"n_buckets": 1024}],
    ids=["subwords", "buckets"],
)
def test_the_plain_path_gives_the_same_model(
    parameters, short, corpus, new_corpus, make_classifier
):
    """Of the same features, found by other means, and added up in another order."""
    parameters = {**parameters, "short_text_features": short}
    fast = make_classifier(**parameters).fit(*corpus)
    # Another spelling of the default pattern takes the plain path.
    plain = make_classifier(token_pattern=r"\w+|[^\w\s]", **parameters).fit(*corpus)
    assert known(fast) == known(plain)
    texts = [*new_corpus.texts, *MISSPELT]
    found, expected = (clf.decision_function(texts) for clf in (fast, plain))
    assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


@learning
def test_partial_fit_meets_new_features(name, corpus, make_classifier):
    clf = make_classifier(**FEATURES[name])
    texts, labels = corpus
    for start in range(0, 120, 40):
        part = slice(start, start + 40)
        clf.partial_fit(texts[part], labels[part], classes=CLASSES)
    before = known(clf)
    assert clf.score(*corpus) > 0.9
    clf.partial_fit(["zebrafish in the garden"], ["garden"])
    assert_met(clf, before, {"zebrafish", "<zebr…", "…fish>"})


@learning
def test_warm_start_meets_new_features(name, corpus, new_corpus, make_classifier):
    clf = make_classifier(**FEATURES[name], warm_start=True).fit(*corpus)
    before = known(clf)
    clf.fit([*new_corpus.texts, "zebrafish"], [*new_corpus.labels, "sea"])
    assert_met(clf, before, {"zebrafish", "…fish>"})


def test_default_is_without_either(corpus, make_classifier):
    clf = make_classifier().fit(*corpus)
    assert clf.subword_ngram_range == "auto"
    assert clf.n_buckets is None
    assert FeatureKind.SUBWORD not in clf._model.encoder.kinds
    assert len(clf.vocabulary_) == len(clf.embedding_)


def codes(n, *, seed):
    """Single tokens of ten capitals; in half of them four are replaced by digits."""
    rng = np.random.default_rng(seed)
    has_digits = rng.integers(0, 2, n)
    numbers = rng.integers(10, 36, (n, 10))
    for row in np.flatnonzero(has_digits):
        numbers[row, rng.choice(10, 4, replace=False)] = rng.integers(0, 10, 4)
    return ["".join(CODES[i] for i in row) for row in numbers], has_digits


def test_codes_get_subwords_by_default(make_classifier):
    X, y = codes(600, seed=0)
    new, truth = codes(300, seed=1)
    assert make_classifier().fit(X, y).score(new, truth) > 0.95
    by_hand = make_classifier(subword_ngram_range=(2, 4)).fit(X, y)
    by_rule = make_classifier().fit(X, y)
    assert_array_equal(by_rule.decision_function(new), by_hand.decision_function(new))


@pytest.mark.parametrize(
    "parameters",
    [{"subword_ngram_range": None}, {"token_pattern": r"\S+"}],
)
def test_codes_without_subwords(parameters, make_classifier):
    X, y = codes(600, seed=0)
    new, truth = codes(300, seed=1)
    with pytest.warns(UserWarning, match="subword_ngram_range=") as caught:
        clf = make_classifier(**parameters).fit(X, y)
    assert len(caught) == 1
    assert clf.score(new, truth) < 0.7


def test_a_stream_of_codes_begins_without_subwords(make_classifier):
    X, y = codes(100, seed=0)
    clf = make_classifier().partial_fit(X, y, classes=[0, 1])
    assert FeatureKind.SUBWORD not in clf._model.encoder.kinds
