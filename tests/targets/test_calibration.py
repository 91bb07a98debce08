"""Temperature and offset are those of the best probabilities, held by their priors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, logit

from skbag._targets.calibration import (
    DEFAULT_INVERSE_TEMPERATURE,
    PRIOR_STD,
    SOFTPLUS_PRIOR_STD,
    USUAL_SOFTPLUS,
    Calibration,
    blend,
    fit_label_inverse_temperature,
    fit_offset,
    fit_softplus,
    offset_prior_std,
)
from skbag._targets.links import label_log_probabilities
from tests.conftest import examples


def draw(n, inverse_temperature, offset, seed=0, mean=0.0):
    rng = np.random.default_rng(seed)
    scores = rng.normal(mean, 1, size=(n, 1)).astype(np.float32)
    p = expit(inverse_temperature * scores[:, 0] + offset)
    return scores, (rng.random(n) < p).astype(np.int64)


def loss(theta, scores, codes, weights, log_odds, usual):
    weights = np.ones(len(codes)) if weights is None else weights
    n = weights.sum() ** 2 / (weights**2).sum()
    z = np.exp(theta[0]) * scores[:, 0] + theta[1] * log_odds
    each = np.logaddexp(0, np.where(codes == 1, -z, z))
    prior = ((theta[0] - np.log(usual)) / PRIOR_STD) ** 2
    prior += (theta[1] / offset_prior_std(log_odds)) ** 2
    return n * np.average(each, weights=weights) + prior / 2


@given(
    st.integers(1, 200),
    st.sampled_from([0.5, 3.0, 12.0]),
    st.sampled_from([-4.0, 0.0, 3.0]),
    st.sampled_from([0.003, 0.1, 0.5, 0.9]),
    st.booleans(),
    st.integers(0, 50),
)
@examples(60)
def test_no_other_is_better(n, inverse_temperature, offset, share, weighted, seed):
    scores, codes = draw(n, inverse_temperature, offset, seed)
    weights = np.linspace(0.5, 3, n) if weighted else None
    log_odds = logit(share)
    found = fit_offset(scores, codes, log_odds, weights)
    rest = (scores, codes, weights, log_odds, DEFAULT_INVERSE_TEMPERATURE)
    best = minimize(loss, [np.log(2.0), 0.0], rest, method="Nelder-Mead")
    factor = (
        found.score_offset * found.inverse_temperature / log_odds if log_odds else 0.0
    )
    own = loss([np.log(found.inverse_temperature), factor], *rest)
    assert own <= best.fun + 1e-3


def test_many_samples_tell_both():
    scores, codes = draw(100_000, 5.0, 3.0, mean=-1)
    found = fit_offset(scores, codes, logit(0.05))
    assert found.inverse_temperature == pytest.approx(5, rel=0.05)
    assert found.score_offset * found.inverse_temperature == pytest.approx(3, rel=0.05)


def test_the_rarer_a_class_the_freer_the_offset():
    spreads = [offset_prior_std(logit(share)) for share in (0.5, 0.3, 0.1, 0.01)]
    assert spreads == sorted(spreads)
    assert spreads[2] == pytest.approx(1, abs=0.01)
    assert offset_prior_std(logit(0.99)) == 1


def test_even_classes_have_no_offset():
    scores, codes = draw(500, 3.0, 0.3)
    found = fit_offset(scores, codes, 0.0)
    assert found.score_offset * found.inverse_temperature == 0
    rest = (scores, codes, None, 0.0, DEFAULT_INVERSE_TEMPERATURE)
    best = minimize_scalar(lambda t: loss([t, 0.0], *rest), bracket=(0, 2))
    assert np.log(found.inverse_temperature) == pytest.approx(best.x, abs=1e-3)


def test_mean_probability_is_the_share_of_the_class():
    scores, codes = draw(5000, 6.0, 4.0, mean=-1.5)
    found = fit_offset(scores, codes, logit(codes.mean()))
    p = expit(found.inverse_temperature * (scores[:, 0] + found.score_offset))
    assert p.mean() == pytest.approx(codes.mean(), rel=0.02)


def test_nothing_to_learn_from():
    nothing = np.empty((0, 1), dtype=np.float32), np.empty(0, dtype=np.int64)
    found = fit_offset(*nothing, -3.0, usual=7.0)
    assert (
        found.inverse_temperature,
        found.score_offset * found.inverse_temperature,
    ) == (7.0, 0.0)
    unsound = np.full((3, 1), np.inf, dtype=np.float32)
    assert fit_offset(unsound, np.array([0, 1, 0]), 1.0).score_offset == 0


def test_few_samples_that_are_all_right_do_not_make_a_model_sure():
    """Six samples, right by next to nothing: without a prior, 100 was the answer."""
    scores = np.full((6, 1), 0.05, dtype=np.float32)
    assert fit_offset(scores, np.ones(6, np.int64), 0.0).inverse_temperature < 4
    # Hundreds do.
    scores = np.full((600, 1), 0.05, dtype=np.float32)
    assert fit_offset(scores, np.ones(600, np.int64), 0.0).inverse_temperature > 50


# -- several classes -------------------------------------------------------------------


def draw_classes(n, width, inverse_temperature, offset, seed=0):
    rng = np.random.default_rng(seed)
    scores = rng.normal(-1, 0.7, size=(n, width)).astype(np.float32)
    shares = np.log1p(np.exp(inverse_temperature * (scores.astype(float) + offset)))
    p = shares / shares.sum(axis=1, keepdims=True)
    codes = np.array([rng.choice(width, p=row) for row in p])
    return scores, codes


def softplus_loss(theta, scores, codes, weights, usual):
    """As the docstring says it."""
    weights = np.ones(len(codes)) if weights is None else weights
    n = weights.sum() ** 2 / (weights**2).sum()
    powers = np.exp(theta[0]) * (scores.astype(np.float64) + theta[1])
    shares = np.logaddexp(0, powers)
    true = shares[np.arange(len(codes)), codes]
    each = np.log(shares.sum(axis=1)) - np.log(true)
    away = theta - [np.log(usual.inverse_temperature), usual.score_offset]
    prior = ((away / SOFTPLUS_PRIOR_STD) ** 2).sum()
    return n * np.average(each, weights=weights) + prior / 2


@given(
    st.integers(1, 150),
    st.integers(3, 6),
    st.sampled_from([2.0, 8.0]),
    st.sampled_from([0.2, 0.8]),
    st.booleans(),
    st.integers(0, 50),
)
@examples(40)
def test_no_other_softplus_is_better(n, width, factor, offset, weighted, seed):
    scores, codes = draw_classes(n, width, factor, offset, seed)
    weights = np.linspace(0.5, 3, n) if weighted else None
    found = fit_softplus(scores, codes, weights)
    rest = (scores, codes, weights, USUAL_SOFTPLUS)
    best = minimize(softplus_loss, [np.log(6.0), 0.5], rest, method="Nelder-Mead")
    own = np.array([np.log(found.inverse_temperature), found.score_offset])
    assert softplus_loss(own, *rest) <= best.fun + 1e-2
    assert found.link == "softplus"


def test_many_samples_tell_temperature_and_offset():
    scores, codes = draw_classes(16_000, 4, 8.0, 0.6)
    found = fit_softplus(scores, codes)
    assert found.inverse_temperature == pytest.approx(8, rel=0.15)
    assert found.score_offset == pytest.approx(0.6, abs=0.05)


def test_a_softplus_of_nothing_is_the_usual_one():
    nothing = np.empty((0, 3), dtype=np.float32), np.empty(0, dtype=np.int64)
    earlier = Calibration(3.0, 0.1, "softplus")
    assert fit_softplus(*nothing) == USUAL_SOFTPLUS
    assert fit_softplus(*nothing, usual=earlier) == earlier
    unsound = np.full((2, 3), np.nan, dtype=np.float32)
    assert fit_softplus(unsound, np.array([0, 1])) == USUAL_SOFTPLUS


def test_scores_far_below_zero_are_no_harm():
    scores = np.full((50, 3), -1e4, dtype=np.float32)
    scores[:, 0] += 1
    found = fit_softplus(scores, np.zeros(50, dtype=np.int64))
    assert np.isfinite([found.inverse_temperature, found.score_offset]).all()


def test_calibrations_of_one_kind_are_mixed():
    one, other = Calibration(2.0, 1.0), Calibration(8.0, 3.0)
    mixed = blend(one, other, 0.5)
    assert mixed.inverse_temperature == pytest.approx(4.0)
    assert mixed.score_offset == pytest.approx(2.0)
    assert blend(one, USUAL_SOFTPLUS, 0.1) == USUAL_SOFTPLUS


# -- labels ----------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
def test_temperature_of_labels_minimises_their_log_loss(weighted):
    rng = np.random.default_rng(3)
    scores = rng.normal(size=(700, 4)).astype(np.float32)
    indicator = rng.random((700, 4)) < 1 / (1 + np.exp(-2.5 * scores))
    weights = rng.uniform(0.1, 3, size=700) if weighted else None

    def log_loss(inverse_temperature):
        rows = np.where(
            indicator,
            label_log_probabilities(scores, inverse_temperature),
            label_log_probabilities(-scores, inverse_temperature),
        )
        return -np.average(rows.sum(axis=1), weights=weights)

    best = fit_label_inverse_temperature(scores, np.nonzero(indicator), weights)
    assert log_loss(best) <= min(log_loss(best * 0.98), log_loss(best * 1.02))


def test_temperature_of_no_labels_and_of_separable_ones():
    empty = (np.empty(0, np.int64), np.empty(0, np.int64))
    nothing = np.empty((0, 3), np.float32)
    assert fit_label_inverse_temperature(nothing, empty) == DEFAULT_INVERSE_TEMPERATURE
    separable = np.array([[-1.0, 1.0]], dtype=np.float32)
    assert (
        1
        < fit_label_inverse_temperature(separable, (np.array([0]), np.array([1])))
        <= 100
    )
