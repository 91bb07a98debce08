"""What tokens say of labels: the textbook sum over all labels, none visited."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from skbag._core.bags import Bags
from skbag._targets.label_sets import LabelSets
from skbag._weighting.divergence import (
    PRIOR_STRENGTH,
    class_divergence,
    label_divergence,
)
from skbag._weighting.document_counts import DocumentCounts
from skbag._weighting.weighting import Weighting

SHARES = np.array([0.0, 0.02, 0.1, 0.3, 0.5, 0.7, 0.95, 1.0])


def corpus(seed=0, n=60, n_ids=15, weighted=True):
    rng = np.random.default_rng(seed)
    indicator = (rng.random((n, len(SHARES))) < SHARES).astype(int)
    counts = (rng.random((n, n_ids)) < 0.3).astype("f")
    sets = LabelSets.from_csr(sp.csr_array(indicator))
    weight = rng.random(n) + 0.1 if weighted else None
    return Bags.from_csr(sp.csr_array(counts)), sets, weight


def naive(bags, sets, weight):
    """The formula, for each token and label by itself."""
    has = bags.to_csr().toarray() > 0
    indicator = sets.to_csr().toarray()
    weight = np.ones(len(sets)) if weight is None else weight
    result = np.zeros(bags.n_ids)
    for token in range(bags.n_ids):
        own = weight * has[:, token]
        for label in range(sets.n_labels):
            prior = weight @ indicator[:, label] / weight.sum()
            q = own @ indicator[:, label] + PRIOR_STRENGTH * prior
            q /= own.sum() + PRIOR_STRENGTH
            for a, b in ((q, prior), (1 - q, 1 - prior)):
                if 1e-9 < prior < 1 - 1e-9:
                    result[token] += a * np.log(a / b)
    return result


@given(st.integers(0, 10**6), st.booleans())
def test_divergence_is_that_of_the_formula(seed, weighted):
    bags, sets, weight = corpus(seed, n=30, n_ids=6, weighted=weighted)
    document_counts = DocumentCounts.count(bags, sets, sets.n_labels, weight)
    np.testing.assert_allclose(
        class_divergence(document_counts), naive(bags, sets, weight), atol=1e-9
    )


@pytest.mark.parametrize("weighted", [False, True])
def test_counts_are_products_of_the_indicators(weighted):
    bags, sets, weight = corpus(weighted=weighted)
    document_counts = DocumentCounts.count(bags, sets, sets.n_labels, weight)
    has, indicator = bags.to_csr().toarray(), sets.to_csr().toarray()
    weight = np.ones(len(sets)) if weight is None else weight
    expected = (has * weight[:, None]).T @ indicator
    np.testing.assert_allclose(document_counts.class_counts.toarray(), expected)
    np.testing.assert_allclose(document_counts.class_totals, weight @ indicator)
    np.testing.assert_allclose(document_counts.df, weight @ has)
    assert document_counts.n_documents == pytest.approx(weight.sum())


def test_added_counts_are_those_of_all_texts_at_once():
    bags, sets, weight = corpus()
    fewer = Bags.from_csr(bags.slice(0, 20).to_csr()[:, :9])
    first = DocumentCounts.count(fewer, sets[:20], sets.n_labels, weight[:20])
    both = DocumentCounts.flush(
        *first.add(bags.slice(20, 60), sets[20:], weight[20:]), bags.n_ids
    )
    whole = DocumentCounts.count(bags, sets, sets.n_labels, weight)
    np.testing.assert_allclose(both.class_totals, whole.class_totals)
    assert both.n_documents == pytest.approx(whole.n_documents)
    np.testing.assert_allclose(both.df[:9], whole.df[:9])
    np.testing.assert_allclose(
        both.class_counts.toarray()[:9], whole.class_counts.toarray()[:9]
    )


def test_no_labels_at_all_say_nothing():
    empty = sp.csr_array((4, 3))
    prior, counts = np.zeros(5), np.array([1.0, 0, 2, 4])
    of_labels = sp.csr_array((4, 5))
    assert (label_divergence(of_labels, prior, counts, 3.0) == 0).all()
    sets = LabelSets.from_csr(sp.csr_array((4, 5), dtype=int))
    document_counts = DocumentCounts.count(Bags.from_csr(empty), sets, 5)
    weights = Weighting(True, True, "l2", supervised=True).id_weights(
        document_counts, None
    )
    assert np.isfinite(weights).all()
    assert (weights > 0).all()


def test_a_telling_token_says_more_than_one_that_is_everywhere():
    indicator = np.array([[1, 0], [1, 0], [0, 1], [0, 1]])
    has = np.array([[1, 1], [1, 1], [0, 1], [0, 1]])
    sets = LabelSets.from_csr(sp.csr_array(indicator))
    document_counts = DocumentCounts.count(
        Bags.from_csr(sp.csr_array(has, dtype="f")), sets, 2
    )
    telling, everywhere = class_divergence(document_counts)
    assert telling > 0.1
    assert everywhere == pytest.approx(0, abs=1e-12)
