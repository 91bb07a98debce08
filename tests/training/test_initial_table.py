"""The first guess: what class counts say of each token by itself."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from skbag._core.bags import Bags
from skbag._training.initial_table import (
    PRIOR_STRENGTH,
    SHRINKAGE,
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
