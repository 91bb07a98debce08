"""Weights of tokens: scikit-learn's TF-IDF, and the class-informed factors."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfTransformer

from skbag._core.bags import Bags
from skbag._text.features import FeatureKind
from skbag._weighting.divergence import PRIOR_STRENGTH, class_divergence
from skbag._weighting.document_counts import DocumentCounts
from skbag._weighting.weighting import (
    INFORMED_SHARE,
    KIND_FACTORS,
    Weighting,
    class_informed_factors,
    informed_share,
)


def corpus(seed=0, n=30, n_ids=12, n_classes=3):
    rng = np.random.default_rng(seed)
    counts = rng.poisson(0.6, size=(n, n_ids)).astype(np.float32)
    counts[0] = 0  # an empty text
    return Bags.from_csr(sp.csr_array(counts)), rng.integers(n_classes, size=n)


@pytest.mark.parametrize("norm", ["l1", "l2", None])
@pytest.mark.parametrize("use_idf", [True, False])
@pytest.mark.parametrize("sublinear_tf", [True, False])
def test_unsupervised_weights_are_those_of_tfidf_transformer(
    norm, use_idf, sublinear_tf
):
    bags, codes = corpus()
    weighting = Weighting(use_idf, sublinear_tf, norm, supervised=False)
    id_weights = weighting.id_weights(DocumentCounts.count(bags, codes, 3), None)
    expected = TfidfTransformer(
        norm=norm, use_idf=use_idf, sublinear_tf=sublinear_tf
    ).fit_transform(sp.csr_matrix(bags.to_csr()))
    np.testing.assert_allclose(
        weighting.apply(bags, id_weights).to_csr().toarray(),
        expected.toarray(),
        rtol=1e-5,
    )


def test_no_weighting_keeps_the_values():
    bags, _ = corpus()
    weighting = Weighting(False, False, None, supervised=False)
    assert weighting.apply(bags, None).weights is bags.weights


def naive_divergence(document_counts):
    """The formula of the docstring, densely."""
    prior = document_counts.class_totals / document_counts.class_totals.sum()
    out = []
    for n_jc in document_counts.class_counts.toarray():
        q = (n_jc + PRIOR_STRENGTH * prior) / (n_jc.sum() + PRIOR_STRENGTH)
        out.append(sum(a * np.log(a / b) for a, b in zip(q, prior, strict=True) if b))
    return np.array(out)


@given(st.integers(0, 10_000))
@settings(deadline=None, max_examples=50)
def test_divergence_is_that_of_the_formula(seed):
    bags, codes = corpus(seed, n=20, n_ids=9, n_classes=4)
    document_counts = DocumentCounts.count(bags, codes, 4)
    np.testing.assert_allclose(
        class_divergence(document_counts), naive_divergence(document_counts), atol=1e-12
    )


def test_a_token_of_one_class_says_more_than_one_of_all():
    bags = Bags.from_csr(sp.csr_array([[1, 1], [1, 1], [0, 1], [0, 1.0]]))
    document_counts = DocumentCounts.count(bags, np.array([0, 0, 1, 1]), 2)
    (sure, idle), _ = class_informed_factors(document_counts, None)
    assert sure > 1 > idle >= 0.5


def test_kinds_are_discounted():
    bags, codes = corpus(n_ids=len(FeatureKind))
    document_counts = DocumentCounts.count(bags, codes, 3)
    plain, _ = class_informed_factors(document_counts, None)
    kinds = np.array(list(FeatureKind), dtype=np.uint8)
    np.testing.assert_allclose(
        class_informed_factors(document_counts, kinds)[0] / plain,
        [KIND_FACTORS[kind] for kind in FeatureKind],
    )


def test_factors_stay_one_where_classes_are_told_by_nothing():
    bags = Bags.from_csr(sp.csr_array(np.ones((4, 3))))
    document_counts = DocumentCounts.count(bags, np.array([0, 1, 0, 1]), 2)
    np.testing.assert_allclose(class_informed_factors(document_counts, None)[0], 1)


def test_weights_are_positive_and_finite_for_tokens_never_counted():
    bags, codes = corpus()
    wider = Bags(bags.ids, bags.offsets, bags.weights, bags.n_ids + 5)
    weighting = Weighting(True, True, "l2", supervised=True)
    weights = weighting.id_weights(DocumentCounts.count(wider, codes, 3), None)
    assert np.isfinite(weights).all()
    assert (weights > 0).all()


def counts_of(class_sizes, exclusive=True):
    sizes = np.array(class_sizes, dtype=np.float64)
    nothing = sp.csr_array((1, len(sizes)))
    return DocumentCounts(nothing, sizes, np.zeros(1), sizes.sum(), exclusive)


def test_even_classes_decide_half_of_a_weight():
    assert informed_share(counts_of([5, 5])) == pytest.approx(INFORMED_SHARE)
    assert informed_share(counts_of([5] * 7)) == pytest.approx(INFORMED_SHARE)


def test_the_rarer_a_class_the_less_is_decided():
    shares = [informed_share(counts_of([n, 1000 - n])) for n in (500, 100, 10, 1, 0)]
    assert shares == sorted(shares, reverse=True)
    # The entropy of one in a hundred is 0.08 bits.
    assert shares[2] == pytest.approx(0.0808 * INFORMED_SHARE, rel=1e-3)
    assert shares[-1] == 0


def test_one_class_and_sets_of_labels():
    assert informed_share(counts_of([5])) == INFORMED_SHARE
    assert informed_share(counts_of([1, 900], exclusive=False)) == INFORMED_SHARE
