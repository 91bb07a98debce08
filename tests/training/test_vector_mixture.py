"""The share of a second model is that of least log-loss, drawn towards one half."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skbag._targets.classification_targets import learn_targets
from skbag._training.vector_mixture import STEP, SharePrior, fit_mixture

PRIOR = SharePrior(0.5, 0.25)


def scores_of(codes, n_classes, noise, seed):
    rng = np.random.default_rng(seed)
    outputs = 1 if n_classes == 2 else np.arange(n_classes)
    truth = np.where(codes[:, None] == outputs, 1.0, -1.0)
    return (truth + noise * rng.normal(size=truth.shape)).astype(np.float32)


def fitted(first, second, codes, n_classes, weight=None, prior=PRIOR, absent=()):
    is_present = ~np.isin(np.arange(first.shape[1]), absent)
    targets, _ = learn_targets(np.arange(n_classes))
    shares = np.full(n_classes, 1 / n_classes)

    def calibrate(scores, codes, weight):
        return targets.fit_calibration(scores, codes, weight, shares)

    found = fit_mixture(
        first, second, codes, weight, targets, calibrate, prior, is_present
    )
    return found, targets, calibrate


@pytest.mark.parametrize("n_classes", [2, 4])
def test_what_is_better_counts_for_more(n_classes):
    codes = np.arange(400) % n_classes
    good, bad = (scores_of(codes, n_classes, noise, 0) for noise in (0.5, 30.0))
    assert fitted(good, bad, codes, n_classes)[0].share < 0.3
    assert fitted(bad, good, codes, n_classes)[0].share > 0.7
    alike = scores_of(codes, n_classes, 0.5, 1)
    assert 0.3 <= fitted(good, alike, codes, n_classes)[0].share <= 0.7


@pytest.mark.parametrize("n_classes", [2, 4])
def test_of_few_samples_it_stays_near_one_half(n_classes):
    codes = np.arange(n_classes)
    good, bad = (scores_of(codes, n_classes, noise, 0) for noise in (0.5, 30.0))
    assert 0.2 <= fitted(good, bad, codes, n_classes)[0].share <= 0.8
    none = good[:0], bad[:0].astype(np.float64), codes[:0]
    assert fitted(*none, n_classes)[0].share == 0.5


@settings(max_examples=20, deadline=None)
@given(
    st.sampled_from([2, 3]),
    st.integers(6, 60),
    st.integers(0, 99),
    st.floats(0.2, 5),
    st.sampled_from([PRIOR, SharePrior(0.8, 0.15), SharePrior(0.0, 1.0)]),
)
def test_no_share_beside_it_is_better(n_classes, n, seed, noise, prior):
    codes = np.arange(n) % n_classes
    first = scores_of(codes, n_classes, 1.0, seed)
    second = 7 * scores_of(codes, n_classes, noise, seed + 1).astype(np.float64)
    found, targets, calibrate = fitted(first, second, codes, n_classes, prior=prior)

    def loss(share):
        mixed = (1 - share) * first + share * found.scale * second
        mixed = mixed.astype(np.float32)
        calibration = calibrate(mixed, codes, None)
        loss = targets.log_loss(mixed, codes, None, calibration)
        return loss + ((share - prior.mean) / prior.std) ** 2 / 2

    own = loss(found.share)
    for beside in (found.share - STEP, found.share + STEP):
        if 0 <= round(beside, 6) <= 1:
            assert loss(beside) >= own - 1e-6 * abs(own)


def test_absent_classes_are_on_no_scale():
    codes = np.arange(90) % 3
    first, second = (scores_of(codes, 4, 1.0, seed) for seed in (0, 1))
    expected = fitted(first[:, :3], second[:, :3].astype(float), codes, 3)[0]
    first[::2, 3] = -300
    found = fitted(first, second.astype(float), codes, 4, absent=(3,))[0]
    assert found.scale == expected.scale
    assert fitted(first, second.astype(float), codes, 4)[0].scale > 5 * found.scale
    assert fitted(first, second.astype(float), codes, 4, absent=range(4))[0].scale == 1


def test_the_scale_of_either_is_nothing():
    codes = np.arange(90) % 3
    first, second = (scores_of(codes, 3, 1.0, seed) for seed in (0, 1))
    one, _, _ = fitted(first, second.astype(np.float64), codes, 3)
    other, _, _ = fitted(first, 50 * second.astype(np.float64), codes, 3)
    assert other.share == one.share
    assert other.scale == pytest.approx(one.scale / 50)
    np.testing.assert_allclose(
        one.mix(first, second), other.mix(first, 50 * second), rtol=1e-5, atol=1e-6
    )


def test_a_model_that_says_nothing():
    codes = np.arange(60) % 3
    first = scores_of(codes, 3, 0.5, 0)
    found, _, _ = fitted(first, np.zeros(first.shape), codes, 3)
    assert found.scale == 1.0
    np.testing.assert_allclose(
        found.mix(first, np.zeros(first.shape)), (1 - found.share) * first, rtol=1e-6
    )


def test_weights_count():
    codes = np.arange(200) % 2
    first, second = (scores_of(codes, 2, 1.0, seed) for seed in (0, 1))
    second[:100] *= -1
    weight = np.repeat([0.01, 1.0], 100)
    for_last = fitted(first, second.astype(np.float64), codes, 2, weight)[0]
    for_first = fitted(first, second.astype(np.float64), codes, 2, weight[::-1])[0]
    assert for_first.share < for_last.share
