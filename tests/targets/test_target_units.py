"""Units are NumPy's means, deviations and quantiles, of parts as of the whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skbag._targets.target_units import (
    RULES,
    TargetMoments,
    TargetUnits,
    weighted_quantiles,
)
from tests.conftest import examples


@st.composite
def weighted_numbers(draw):
    seed = draw(st.integers(0, 1000), label="seed")
    n = draw(st.integers(1, 30), label="n")
    rng = np.random.default_rng(seed)
    values = rng.normal(5, 3, size=(n, draw(st.integers(1, 3), label="outputs")))
    if draw(st.booleans(), label="ties"):
        values = values.round()
    weights = (
        rng.integers(1, 4, size=n) if draw(st.booleans(), label="weights") else None
    )
    return values, weights


def repeated(values, weights):
    return values if weights is None else np.repeat(values, weights, axis=0)


def as_float(weights):
    return None if weights is None else weights.astype(np.float64)


@given(weighted_numbers())
@examples(40)
def test_moments_are_those_of_repeated_samples(numbers):
    values, weights = numbers
    moments = TargetMoments.of(values, as_float(weights))
    many = repeated(values, weights)
    assert moments.weight == len(many)
    np.testing.assert_allclose(moments.mean, many.mean(axis=0))
    expected = many.std(axis=0)
    expected[expected < 1e-9] = 1
    np.testing.assert_allclose(moments.deviations, expected)


@given(weighted_numbers(), weighted_numbers())
@examples(40)
def test_moments_of_parts_add_up(one, other):
    n_outputs = min(one[0].shape[1], other[0].shape[1])
    parts = [(v[:, :n_outputs], w) for v, w in (one, other)]
    together = TargetMoments.of(*_floats(parts[0])) + TargetMoments.of(
        *_floats(parts[1])
    )
    many = np.concatenate([repeated(v, w) for v, w in parts])
    whole = TargetMoments.of(many, None)
    np.testing.assert_allclose(together.mean, whole.mean)
    np.testing.assert_allclose(together.squares, whole.squares, atol=1e-9)


def _floats(part):
    return part[0], as_float(part[1])


@given(weighted_numbers(), st.sampled_from([0.1, 0.25, 0.5, 0.75, 0.9]))
@examples(40)
def test_quantiles_are_those_of_repeated_samples(numbers, share):
    values, weights = numbers
    found = weighted_quantiles(values, as_float(weights), np.array([share]))[0]
    expected = np.quantile(
        repeated(values, weights), share, axis=0, method="inverted_cdf"
    )
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("rule", RULES)
def test_codes_become_numbers_again(rule):
    values = np.random.default_rng(0).uniform(1, 9, size=(50, 2))
    units = TargetUnits.of(rule, values, None)
    codes = units.encode(values)
    assert codes.dtype == np.float32
    np.testing.assert_allclose(units.decode(codes), values, rtol=1e-6)


def test_units_of_each_rule():
    values = np.array([[0.0], [1.0], [2.0], [3.0], [100.0]])
    of = {rule: TargetUnits.of(rule, values, None) for rule in RULES}
    assert (of["moments"].center, of["moments"].scale) == (values.mean(), values.std())
    assert (of["mean"].center, of["mean"].scale) == (0, values.mean())
    # An outlier changes neither.
    assert (of["quartiles"].center, of["quartiles"].scale) == (2, 2 / 1.349)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("value", [0.1, 7.0, 1e80])
def test_a_constant_is_zero_or_one_exactly(rule, value):
    units = TargetUnits.of(rule, np.full((7, 1), value), None)
    assert (units.encode(np.full((7, 1), value)) == float(rule == "mean")).all()


def test_quartiles_that_are_one_number_give_way_to_the_deviation():
    values = np.array([[0.0]] * 9 + [[10.0]])
    alone = TargetUnits.of("quartiles", values, None)
    assert (alone.rule, alone.center, alone.scale) == ("moments", 1, values.std())
    spread = np.arange(10.0)[:, np.newaxis]
    units = TargetUnits.of("quartiles", np.hstack([values, spread]), None)
    assert units.rule == "quartiles"
    assert units.scale[0] == values.std()


def test_units_change_where_samples_have_doubled():
    values = np.random.default_rng(0).normal(size=(64, 1))
    first = TargetUnits.of("moments", values[:32], None)
    soon = first + TargetMoments.of(values[32:60], None)
    late = soon + TargetMoments.of(values[60:], None)
    assert soon.scale == first.scale
    whole = TargetUnits.of("moments", values, None)
    np.testing.assert_allclose([late.center, late.scale], [whole.center, whole.scale])
    fixed = TargetUnits.of("quartiles", values[:9], None)
    assert (fixed + TargetMoments.of(values, None)).scale == fixed.scale
