"""The first guess: what class counts say of each token by itself."""

import copy
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from skbag._core.bags import Bags
from skbag._training.initial_table import (
    PRIOR_STRENGTH,
    SHRINKAGE,
    change_of_initial_table,
    initial_table,
    own_part_of_initial_table,
)
from skbag._weighting.document_counts import DocumentCounts


def statistics_of(holds, codes, sample_weight=None):
    bags = Bags.from_csr(sp.csr_array(np.asarray(holds, dtype=np.float32)))
    return DocumentCounts.count(bags, np.asarray(codes), 2, sample_weight)


def naive_guess(holds, codes):
    """Document by document, with PRIOR_STRENGTH more of usual classes for each."""
    signs = [2 * code - 1 for code in codes]
    usual = sum(signs) / len(signs)
    guesses = []
    for column in np.transpose(holds):
        of_holders = [sign for sign, has in zip(signs, column, strict=True) if has]
        mean = (sum(of_holders) + PRIOR_STRENGTH * usual) / (
            len(of_holders) + PRIOR_STRENGTH
        )
        guesses.append([SHRINKAGE * (mean - usual)])
    return guesses


@given(
    st.lists(
        st.tuples(st.lists(st.booleans(), min_size=3, max_size=3), st.integers(0, 1)),
        min_size=1,
        max_size=30,
    )
)
def test_is_half_of_how_far_the_mean_class_is_from_usual(documents):
    holds, codes = [one for one, _ in documents], [code for _, code in documents]
    guess = initial_table(statistics_of(holds, codes))
    assert guess.dtype == np.float32
    np.testing.assert_allclose(guess, naive_guess(holds, codes), atol=1e-6)


def test_a_token_that_every_text_holds_says_nothing():
    guess = initial_table(statistics_of([[1, 1], [1, 0], [1, 0]], [0, 1, 1]))
    np.testing.assert_allclose(guess[0], 0, atol=1e-7)
    assert guess[1] < 0


def test_a_text_of_weight_two_counts_twice():
    weighted = statistics_of([[1, 0], [0, 1]], [0, 1], np.array([2.0, 1.0]))
    repeated = statistics_of([[1, 0], [1, 0], [0, 1]], [0, 0, 1])
    np.testing.assert_allclose(initial_table(weighted), initial_table(repeated))


def test_own_part_is_what_is_missing_without_the_sample():
    rng = np.random.default_rng(0)
    holds, codes = rng.random((12, 5)) < 0.5, rng.integers(0, 2, size=12)
    counts = statistics_of(holds, codes)
    bags = Bags.from_csr(sp.csr_array(rng.uniform(0.1, 1, size=(12, 5)) * holds))
    found = own_part_of_initial_table(counts, bags, codes)
    prior = counts.class_totals[1] / counts.n_documents
    for row in range(12):
        others = np.arange(12) != row
        left = statistics_of(holds[others], codes[others])
        # The prior is that of all: it is hardly moved by one of many.
        second = left.class_counts[:, [1]].toarray().ravel() + PRIOR_STRENGTH * prior
        table = 2 * SHRINKAGE * (second / (left.df + PRIOR_STRENGTH) - prior)
        own = bags.slice(row, row + 1)
        score = (own.weights * table[own.ids]).sum()
        whole = (own.weights * initial_table(counts)[own.ids, 0]).sum()
        np.testing.assert_allclose(found[row], whole - score, rtol=1e-4, atol=1e-6)


def after_no_step(make_classifier, texts, labels, **parameters):
    return make_classifier(
        max_iter=1, learning_rate_init=1e-12, alpha=0.0, **parameters
    ).fit(texts, labels)


def test_training_of_two_classes_begins_there(corpus, make_classifier):
    texts, labels = corpus
    two = np.where(np.asarray(labels) == labels[0], "one", "other")
    clf = after_no_step(make_classifier, texts, two)
    guess = initial_table(clf._model.featurizer.document_counts)
    np.testing.assert_allclose(clf.embedding_, guess, rtol=1e-4, atol=1e-7)
    assert np.abs(clf.embedding_).max() > 0.1


def test_is_scaled_to_the_norm_of_the_samples(corpus, make_classifier):
    texts, labels = corpus
    two = np.where(np.asarray(labels) == labels[0], "one", "other")
    clf = after_no_step(make_classifier, texts, two, norm=None)
    featurizer = clf._model.featurizer
    norm = np.sqrt(featurizer.weigh(texts).to_csr().power(2).sum() / len(texts))
    assert norm > 2
    guess = initial_table(featurizer.document_counts)
    np.testing.assert_allclose(clf.embedding_, guess / norm, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(
    "parameters",
    [{"embedding_dim": 4}, {"supervised_weighting": False}],
    ids=["two layers", "no class counts"],
)
def test_otherwise_the_table_begins_at_zero(parameters, corpus, make_classifier):
    texts, labels = corpus
    two = np.where(np.asarray(labels) == labels[0], "one", "other")
    clf = after_no_step(make_classifier, texts, two, **parameters)
    np.testing.assert_allclose(clf.embedding_, 0, atol=1e-6)


def test_with_more_classes_the_table_begins_at_zero(corpus, make_classifier):
    texts, labels = corpus
    three = np.arange(len(labels)) % 3
    clf = after_no_step(make_classifier, texts, three)
    np.testing.assert_allclose(clf.embedding_, 0, atol=1e-6)


# -- streams ---------------------------------------------------------------------------


@given(st.integers(0, 10_000), st.integers(0, 9), st.integers(0, 4))
@settings(deadline=None)
def test_changes_lead_from_one_table_to_the_next(seed, n_before, n_new):
    """By the class shares at the end; tokens that were unknown had a score of 0."""
    rng = np.random.default_rng(seed)
    n_ids = n_before + n_new
    earlier, more = rng.integers(0, 5, size=(2, n_ids, 2)).astype(float)
    earlier[n_before:] = 0
    totals = rng.uniform(50, 90, size=2)
    before = DocumentCounts.of_classes(sp.csr_array(earlier[:n_before]), totals / 2)
    after = DocumentCounts.of_classes(sp.csr_array(earlier + more), totals)
    at_the_end = DocumentCounts.of_classes(sp.csr_array(earlier), totals)
    np.testing.assert_allclose(
        change_of_initial_table(before, after),
        initial_table(after) - initial_table(at_the_end),
        atol=1e-6,
    )


@pytest.mark.parametrize("parameters", [{}, {"n_buckets": 2**12}])
def test_rows_of_a_stream_follow_the_counts(parameters, binary_corpus, make_classifier):
    """Without steps they are what the counts say, whenever these are summed up."""
    classes = sorted(set(binary_corpus.labels))
    clf = make_classifier(learning_rate_init=1e-30, **parameters)
    n_compared = 0
    for start in range(0, 100, 20):
        part = (column[start : start + 20] for column in binary_corpus)
        clf.partial_fit(*part, classes=classes)
        featurizer = clf._model.featurizer
        if featurizer.pending is None:
            n_compared += 1
            table = initial_table(featurizer.document_counts)
            np.testing.assert_allclose(clf.embedding_, table, rtol=1e-3, atol=1e-3)
    assert 2 <= n_compared < 5


@pytest.mark.parametrize(
    "parameters",
    [{"embedding_dim": 4}, {"supervised_weighting": False}, {"norm": None}],
    ids=["two layers", "no class counts", "any norm"],
)
def test_otherwise_rows_of_a_stream_do_not(parameters, binary_corpus, make_classifier):
    clf = make_classifier(learning_rate_init=1e-30, **parameters)
    for _ in range(3):
        clf.partial_fit(*binary_corpus, classes=sorted(set(binary_corpus.labels)))
    np.testing.assert_allclose(clf.embedding_, 0, atol=1e-6)


@pytest.mark.parametrize("parameters", [{}, {"n_buckets": 2**12}])
def test_a_stream_of_two_classes_is_the_same_pickled(
    parameters, binary_corpus, make_classifier
):
    """Also with other numbers of threads; copies stay as they were."""
    kept = make_classifier(**parameters)
    pickled = make_classifier(**parameters, n_jobs=3)
    classes = sorted(set(binary_corpus.labels))
    for start in range(0, 100, 20):
        part = [column[start : start + 20] for column in binary_corpus]
        before = copy.copy(kept)
        table = None if start == 0 else before.embedding_.copy()
        kept.partial_fit(*part, classes=classes)
        pickled = pickle.loads(pickle.dumps(pickled))
        pickled.partial_fit(*part, classes=classes)
        if table is not None:
            np.testing.assert_array_equal(before.embedding_, table)
    np.testing.assert_array_equal(kept.embedding_, pickled.embedding_)
    assert kept.score(*binary_corpus) > 0.9


def test_a_failed_call_leaves_the_rows(binary_corpus, make_classifier, monkeypatch):
    clf = make_classifier()
    clf.partial_fit(*binary_corpus, classes=sorted(set(binary_corpus.labels)))
    before = pickle.dumps(clf)

    def fail(self):
        raise KeyboardInterrupt("by hand")

    monkeypatch.setattr("skbag._training.stream.RowUpdate.apply", fail)
    with pytest.raises(KeyboardInterrupt, match="by hand"):
        clf.partial_fit(*binary_corpus)
    assert pickle.dumps(clf) == before
