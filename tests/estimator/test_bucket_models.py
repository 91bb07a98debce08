"""Whole models whose features are hashed into buckets."""

from __future__ import annotations

import copy
import pickle
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skbag._text.buckets import Buckets, key_of
from skbag._text.features import FeatureKind, Role

# Fits by the dozen.
pytestmark = pytest.mark.slow

HALF = np.uint64(32)
MANY = 2**20
CLASSES = ["garden", "kitchen", "sea"]


def key_of_feature(name, kind):
    """Key of a feature of default tokens, by its name."""
    strings = name.split(" ")
    if kind == FeatureKind.EDGE:
        return key_of(strings[1:], Role.FIRST if strings[0] == "<first>" else Role.LAST)
    if kind == FeatureKind.AFFIX:
        role = Role.SUFFIX if name[0] == "…" else Role.PREFIX
        return key_of([name.strip("…")], role)
    if kind == FeatureKind.SUBWORD:
        return key_of([name.strip("…")])
    return key_of(strings[::2] if kind == FeatureKind.SKIP else strings)


def without_collisions(exact, texts):
    """Find a number of buckets in which no two features meet, and where they are.

    Of the features of a model and of texts that it is to be asked about.
    """
    encoder = copy.deepcopy(exact._model.encoder)
    encoder.learn(texts)
    names, kinds = encoder.names(), encoder.kinds
    keys = list(map(key_of_feature, names, kinds))
    # As `Buckets.of_one`, of all at once.
    mixed = np.array(keys, dtype=np.uint64) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ mixed >> HALF) * np.uint64(0x94D049BB133111EB) >> HALF
    which = {FeatureKind(k): np.flatnonzero(kinds == k) for k in np.unique(kinds)}
    where = np.empty(len(names), dtype=np.int64)
    for n_buckets in range(MANY, MANY + 10_000):
        buckets = Buckets(n_buckets, which)
        for kind, ids in which.items():
            first, size = buckets.ranges[kind]
            where[ids] = first + (mixed[ids] * np.uint64(size) >> HALF).astype(np.int64)
        if len(np.unique(where)) == len(where):
            return n_buckets, where[: exact._model.encoder.n_ids]
    raise AssertionError("features meet in any number of buckets")


@pytest.fixture
def small_corpus(corpus):
    return corpus.texts[:60], corpus.labels[:60]


@pytest.fixture
def texts_to_tell(new_corpus):
    return [*new_corpus.texts[:20], "words never met", "garlick soup", "", "soup"]


OPTIONS = [
    {},
    {"short_text_features": False},
    {"subword_ngram_range": (3, 4)},
    {"use_idf": False, "supervised_weighting": False},
    {"embedding_dim": 8},
    {"norm": "l1", "ngram_range": (2, 2)},
]


# In most of these texts no pair of words is one of another text.
@pytest.mark.filterwarnings("ignore:.* have no token in common")
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_without_collisions_it_is_the_exact_model(
    options, small_corpus, texts_to_tell, make_classifier
):
    """After renumbering, and but for the order in which a bag is added up."""
    exact = make_classifier(min_df=1, **options).fit(*small_corpus)
    n_buckets, rows = without_collisions(exact, texts_to_tell)
    hashed = make_classifier(n_buckets=n_buckets, **options).fit(*small_corpus)

    close = {"rtol": 1e-3, "atol": 1e-4}
    assert_allclose(hashed.embedding_[rows], exact.embedding_, **close)
    others = np.ones(n_buckets, dtype=bool)
    others[rows] = False
    assert not hashed.embedding_[others].any()
    for method in ("decision_function", "predict_proba", "transform"):
        expected = getattr(exact, method)(texts_to_tell)
        assert_allclose(getattr(hashed, method)(texts_to_tell), expected, **close)
    assert_allclose(hashed.loss_curve_, exact.loss_curve_, **close)


@pytest.mark.parametrize(
    "edges",
    [
        pytest.param((0, 15, 30, 60), id="all weights made anew with each part"),
        pytest.param((0, 30, 36, 37, 50, 60), id="weights of new tokens between"),
    ],
)
def test_without_collisions_it_is_the_exact_model_batch_by_batch(
    edges, small_corpus, texts_to_tell, make_classifier
):
    def fitted(**parameters):
        clf = make_classifier(**parameters)
        texts, labels = small_corpus
        for start, stop in pairwise(edges):
            part = slice(start, stop)
            clf.partial_fit(texts[part], labels[part], classes=CLASSES)
        return clf

    exact = fitted()
    hashed = fitted(n_buckets=without_collisions(exact, texts_to_tell)[0])
    assert_allclose(
        hashed.decision_function(texts_to_tell),
        exact.decision_function(texts_to_tell),
        rtol=1e-3,
        atol=1e-4,
    )


@pytest.mark.parametrize("n_buckets", [64, 1000, 2**14])
def test_there_are_so_many_rows(n_buckets, corpus, make_classifier):
    clf = make_classifier(n_buckets=n_buckets).fit(*corpus)
    assert clf.embedding_.shape == (n_buckets, 3)
    assert clf.coef_.shape == (3, n_buckets)
    assert clf.score(*corpus) > (0.9 if n_buckets > 64 else 0.5)


def test_columns_have_names_as_ever(corpus, make_classifier):
    clf = make_classifier(n_buckets=1024).fit(*corpus)
    names = [f"embeddingbagclassifier{i}" for i in range(3)]
    assert clf.get_feature_names_out().tolist() == names
    assert clf.transform(corpus.texts).shape == (120, 3)


def test_there_is_no_vocabulary(corpus, make_classifier):
    clf = make_classifier(n_buckets=1024).fit(*corpus)
    assert not hasattr(clf, "vocabulary_")
    message = "with n_buckets=1024 features are hashed .* Fit with n_buckets=None"
    with pytest.raises(AttributeError, match=message):
        clf.vocabulary_  # noqa: B018


@pytest.mark.parametrize(
    "options",
    [
        {"analyzer": "char_wb", "ngram_range": (2, 4)},
        {"token_pattern": r"\w\w+", "ngram_range": (1, 3)},
        {"tokenizer": str.split, "subword_ngram_range": (3, 5)},
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:The parameter 'token_pattern':UserWarning")
def test_any_analyzer(options, corpus, texts_to_tell, make_classifier):
    exact = make_classifier(min_df=1, **options).fit(*corpus)
    hashed = make_classifier(n_buckets=MANY, **options).fit(*corpus)
    assert np.count_nonzero(hashed.embedding_.any(axis=1)) <= len(exact.embedding_)
    agree = hashed.predict(texts_to_tell) == exact.predict(texts_to_tell)
    assert agree.mean() > 0.95


def test_memory_does_not_grow_with_the_stream(make_classifier):
    clf = make_classifier(n_buckets=64)
    rng = np.random.default_rng(0)

    def part():
        """Forty texts of words never met before, and enough to fill all buckets."""
        words = rng.integers(10**9, size=(40, 30)).astype(str).tolist()
        return [" ".join(text) for text in words], [CLASSES[i % 3] for i in range(40)]

    sizes = []
    for _ in range(6):
        clf.partial_fit(*part(), classes=CLASSES)
        sizes.append(len(pickle.dumps(clf)))
        assert clf.embedding_.shape == (64, 3)
    # All counts are filled by the first; the curve of losses has a number per call.
    assert sizes[-1] - sizes[0] < 200


def test_weights_are_those_of_the_bucket(corpus, make_classifier):
    """In buckets so few that features meet, counts are of texts that hold any."""
    clf = make_classifier(n_buckets=64, short_text_features=False).fit(*corpus)
    model = clf._model
    counts = model.featurizer.document_counts.df
    assert len(counts) == len(model.featurizer.id_weights) == 64
    assert counts.max() <= 120
    assert_array_equal(np.flatnonzero(counts), np.flatnonzero(model.encoder._is_met))


def test_neutral_pruning_is_no_pruning(corpus, make_classifier):
    expected = make_classifier(n_buckets=1024).fit(*corpus)
    for neutral in ({"min_df": 1}, {"min_df": 0.0}, {"max_df": 1.0}):
        clf = make_classifier(n_buckets=1024, **neutral).fit(*corpus)
        assert_array_equal(clf.embedding_, expected.embedding_)
