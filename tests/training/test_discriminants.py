"""Linear discriminants are scikit-learn's, with shrinkage those of a naive solve."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from skbag._training.discriminants import PSEUDO_COUNT, Discriminants


def made_up(n=120, n_classes=3, n_features=5, seed=0):
    rng = np.random.default_rng(seed)
    y = np.append(np.arange(n_classes), rng.integers(n_classes, size=n - n_classes))
    mix = rng.normal(size=(n_features, n_features))
    X = rng.normal(size=(n, n_features)) @ mix + rng.normal(size=(n_classes, 1))[y]
    return (X + 3).astype(np.float32), y


def numbers(y, n_classes):
    outputs = 1 if n_classes == 2 else np.arange(n_classes)
    return np.where(y[:, None] == outputs, 1.0, -1.0)


def naive(X, y, n_classes, weight, shrinkage):
    """Scores of each class by the densities, up to what all classes share."""
    X, unit = X.astype(np.float64), 0.0
    mean = np.average(X, axis=0, weights=weight)
    unit = np.average(np.square(X - mean), axis=0, weights=weight).mean()
    means = np.array(
        [
            np.average(X[y == c], axis=0, weights=weight[y == c])
            for c in range(n_classes)
        ]
    )
    left = X - means[y]
    covariance = (left * weight[:, None]).T @ left / weight.sum()
    inverse = np.linalg.inv(covariance + shrinkage * unit * np.eye(X.shape[1]))
    sums = np.array([weight[y == c].sum() for c in range(n_classes)])
    priors = (sums + PSEUDO_COUNT) / (weight.sum() + PSEUDO_COUNT * n_classes)
    scores = [
        np.log(prior) - ((X - m) @ inverse * (X - m)).sum(axis=1) / 2
        for prior, m in zip(priors, means, strict=True)
    ]
    return np.array(scores).T


def differences(scores):
    """What is left of scores of several classes, or of one output, to compare."""
    if scores.shape[1] == 1:
        return scores
    return scores - scores.mean(axis=1, keepdims=True)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_without_shrinkage_it_is_that_of_scikit_learn(n_classes):
    X, y = made_up(400, n_classes)
    coef, intercept = Discriminants.of(X, numbers(y, n_classes), None).coefficients(
        1e-10
    )
    shares = np.bincount(y) / len(y)
    peer = LinearDiscriminantAnalysis(solver="lsqr", priors=shares).fit(X, y)
    expected = peer.decision_function(X).reshape(len(X), -1)
    scores = X @ coef.T + intercept
    # Priors are smoothed a little.
    np.testing.assert_allclose(differences(scores), differences(expected), atol=0.05)


@settings(max_examples=30, deadline=None)
@given(
    st.integers(2, 5),
    st.sampled_from([0.03, 0.3, 3.0]),
    st.booleans(),
    st.integers(0, 99),
)
def test_scores_are_those_of_the_densities(n_classes, shrinkage, weighted, seed):
    X, y = made_up(60, n_classes, seed=seed)
    weight = np.random.default_rng(seed).uniform(0.5, 3, len(y))
    weight = weight if weighted else np.ones(len(y))
    coef, intercept = Discriminants.of(
        X, numbers(y, n_classes), weight if weighted else None
    ).coefficients(shrinkage)
    scores = X.astype(np.float64) @ coef.T + intercept
    expected = naive(X, y, n_classes, weight, shrinkage)
    if n_classes == 2:
        expected = expected[:, 1:] - expected[:, :1]
    np.testing.assert_allclose(
        differences(scores), differences(expected), rtol=1e-2, atol=1e-2
    )


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("n", [4, 9, 20])
def test_fewer_samples_than_features(n, n_classes):
    X, y = made_up(n, n_classes, n_features=30)
    weight = np.random.default_rng(0).uniform(0.5, 2, n)
    model = Discriminants.of(X, numbers(y, n_classes), weight)
    assert len(model.variances) < n
    coef, intercept = model.coefficients(0.3)
    new = made_up(50, n_classes, n_features=30, seed=1)[0]
    scores = new.astype(np.float64) @ coef.T + intercept
    means = naive(X, y, n_classes, weight, 0.3)
    expected = means[:, 1:] - means[:, :1] if n_classes == 2 else means
    own = X.astype(np.float64) @ coef.T + intercept
    np.testing.assert_allclose(differences(own), differences(expected), atol=2e-2)
    assert np.isfinite(scores).all()


def test_each_of_several_labels_is_one_of_two_classes():
    X, _ = made_up(90)
    rng = np.random.default_rng(1)
    labels = np.where(rng.random((90, 3)) < 0.4, 1.0, -1.0)
    coef, intercept = Discriminants.of(X, labels, None).coefficients(0.3)
    for k in range(3):
        own, own_intercept = Discriminants.of(X, labels[:, [k]], None).coefficients(0.3)
        # Three labels share what their priors are smoothed by.
        np.testing.assert_allclose(coef[k], own[0], rtol=1e-4, atol=1e-5)
        assert intercept[k] == pytest.approx(own_intercept[0], abs=0.05)


def test_a_class_without_samples_comes_last():
    X, y = made_up()
    outputs = np.where(y[:, None] == np.arange(4), 1.0, -1.0)
    coef, intercept = Discriminants.of(X, outputs, None).coefficients(0.3)
    assert not coef[3].any()
    assert intercept[3] == intercept[:3].min() - 3
    three, _ = Discriminants.of(X, outputs[:, :3], None).coefficients(0.3)
    np.testing.assert_allclose(coef[:3], three, rtol=1e-6)


@pytest.mark.parametrize("present", [-1.0, 1.0])
def test_a_label_that_all_or_none_have_is_told_by_its_share(present):
    X, _ = made_up(50)
    labels = np.full((50, 2), present)
    labels[:25, 1] = -present
    coef, intercept = Discriminants.of(X, labels, None).coefficients(0.3)
    assert not coef[0].any()
    assert coef[1].any()
    assert np.isfinite(intercept).all()
    assert np.sign(intercept[0]) == present


def test_vectors_that_are_all_alike_say_nothing():
    coef, intercept = Discriminants.of(
        np.ones((6, 2), np.float32), numbers(np.arange(6) % 2, 2), None
    ).coefficients(1.0)
    np.testing.assert_allclose(coef, 0, atol=1e-6)
    np.testing.assert_allclose(intercept, 0, atol=1e-6)
