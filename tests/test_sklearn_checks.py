"""scikit-learn's own battery of checks, for the default and other configurations."""

from __future__ import annotations

from collections import Counter

import pytest
from sklearn.linear_model import SGDClassifier
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks

from skbag import EmbeddingBagClassifier

EXPECTED_FAILURES = {
    "check_sample_weight_equivalence_on_dense_data": (
        "Training is stochastic: a sample of weight 2 is one larger step, a sample "
        "given twice is two steps, so the two models are alike but not equal."
    ),
    "check_sample_weight_equivalence_on_sparse_data": (
        "As on dense data: one step of weight 2 is not two steps of weight 1."
    ),
}


def expected_failures(estimator):
    return EXPECTED_FAILURES


@parametrize_with_checks(
    [
        EmbeddingBagClassifier(),
        EmbeddingBagClassifier(embedding_dim=8),
        EmbeddingBagClassifier(embedding_dim=8, hidden_layer_sizes=(8,), max_iter=40),
        EmbeddingBagClassifier(loss="cross_entropy"),
        EmbeddingBagClassifier(early_stopping=True),
    ],
    expected_failed_checks=expected_failures,
)
def test_check(estimator, check):
    check(estimator)


def test_nearly_all_checks_really_run():
    """An estimator that takes texts only would be given one check."""
    results = check_estimator(
        EmbeddingBagClassifier(),
        on_skip=None,
        on_fail=None,
        expected_failed_checks=EXPECTED_FAILURES,
    )
    by_status = Counter(result["status"] for result in results)
    assert by_status["passed"] >= 55
    assert by_status["failed"] == 0
    assert by_status["xfail"] <= len(EXPECTED_FAILURES)


def test_expected_failures_are_those_of_scikit_learns_own_sgd_classifier():
    generator = pytest.importorskip(
        "sklearn.utils._test_common.instance_generator",
        reason="scikit-learn keeps its list of expected failures elsewhere",
    )
    of_scikit_learn = generator.PER_ESTIMATOR_XFAIL_CHECKS[SGDClassifier]
    assert EXPECTED_FAILURES.keys() <= of_scikit_learn.keys()
