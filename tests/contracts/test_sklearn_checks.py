"""scikit-learn's own battery of checks, for the default and other configurations."""

from __future__ import annotations

from collections import Counter

import pytest
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.utils.estimator_checks import (
    check_classifier_multioutput,
    check_estimator,
    parametrize_with_checks,
)

from skbag import EmbeddingBagClassifier, EmbeddingBagRegressor
from skbag.tuning import TimedSearchCV

STOCHASTIC = {
    "check_sample_weight_equivalence_on_dense_data": (
        "Training is stochastic: a sample of weight 2 is one larger step, a sample "
        "given twice is two steps, so the two models are alike but not equal."
    ),
    "check_sample_weight_equivalence_on_sparse_data": (
        "As on dense data: one step of weight 2 is not two steps of weight 1."
    ),
}


POSITIVE = {
    **STOCHASTIC,
    "check_regressor_multioutput": "Its numbers are negative, whatever the tags say.",
}


def expected_to_fail(estimator):
    """Return checks that cannot pass, with the reason."""
    is_poisson = getattr(estimator, "loss", None) == "poisson"
    return POSITIVE if is_poisson else STOCHASTIC


def battery(*estimators):
    """Parametrize a test over all checks of some estimators."""
    mark = parametrize_with_checks(
        list(estimators), expected_failed_checks=expected_to_fail
    )
    # Before scikit-learn 1.9 it is a generator, which pytest no longer wants.
    return pytest.mark.parametrize(mark.args[0], list(mark.args[1]), **mark.kwargs)


@battery(EmbeddingBagClassifier(), EmbeddingBagRegressor())
def test_check(estimator, check):
    check(estimator)


@pytest.mark.slow
@battery(
    EmbeddingBagClassifier(embedding_dim=8),
    EmbeddingBagClassifier(embedding_dim=8, hidden_layer_sizes=(8,), max_iter=40),
    EmbeddingBagClassifier(loss="cross_entropy"),
    EmbeddingBagClassifier(loss="adaptive_softmax", embedding_dim=8),
    EmbeddingBagRegressor(loss="huber"),
    EmbeddingBagRegressor(loss="poisson"),
    EmbeddingBagRegressor(embedding_dim=8),
    EmbeddingBagRegressor(embedding_dim=8, hidden_layer_sizes=(8,), max_iter=40),
)
def test_check_of_other_models(estimator, check):
    check(estimator)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("estimator", "n_checks"),
    [(EmbeddingBagClassifier(), 55), (EmbeddingBagRegressor(), 60)],
    ids=["classifier", "regressor"],
)
def test_nearly_all_checks_really_run(estimator, n_checks):
    """An estimator that takes texts only would be given one check."""
    results = check_estimator(
        estimator,
        on_skip=None,
        on_fail=None,
        expected_failed_checks=STOCHASTIC,
    )
    counts = Counter(result["status"] for result in results)
    assert counts["passed"] >= n_checks
    assert counts["failed"] == 0
    assert counts["xfail"] <= len(STOCHASTIC)


@pytest.mark.slow
@battery(
    TimedSearchCV(
        EmbeddingBagClassifier(max_iter=2),
        {"max_iter": [1, 2]},
        time_budget=0.01,
        cv=2,
        random_state=0,
    )
)
def test_check_of_a_search(estimator, check):
    """Those that GridSearchCV passes, and some more."""
    check(estimator)


def test_scikit_learn_expects_the_same_of_its_own_sgd():
    generator = pytest.importorskip(
        "sklearn.utils._test_common.instance_generator",
        reason="scikit-learn keeps its list of expected failures elsewhere",
    )
    for estimator in (SGDClassifier, SGDRegressor):
        expected = generator.PER_ESTIMATOR_XFAIL_CHECKS[estimator]
        assert STOCHASTIC.keys() <= expected.keys()


def names_of(estimator):
    checks = parametrize_with_checks([estimator]).args[1]
    return {getattr(check, "func", check).__name__ for _, check in checks}


def test_several_outputs_are_checked_too():
    assert "check_regressor_multioutput" in names_of(EmbeddingBagRegressor())


def test_labels_are_checked_too():
    """scikit-learn has checks for what says that it takes several labels."""
    names = names_of(EmbeddingBagClassifier())
    assert {
        "check_classifiers_multilabel_representation_invariance",
        "check_classifiers_multilabel_output_format_predict",
        "check_classifiers_multilabel_output_format_predict_proba",
        "check_classifiers_multilabel_output_format_decision_function",
    } <= names
    assert not {name for name in names if "multilabel" in name} & names_of(
        EmbeddingBagClassifier(loss="adaptive_softmax", embedding_dim=8)
    )


def test_labels_pass_the_check_of_several_outputs():
    """Meant for estimators of several classes per output too, so not run by itself."""
    clf = EmbeddingBagClassifier()
    check_classifier_multioutput("EmbeddingBagClassifier", clf)
