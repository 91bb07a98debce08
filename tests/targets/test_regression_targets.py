"""Numbers become codes and groups, scores become numbers, and R2 is scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import r2_score

from skbag._targets.label_sets import LabelSets
from skbag._targets.regression_targets import bin_edges, learn_numbers
from tests.conftest import examples

Y = np.random.default_rng(0).gamma(2.0, size=(60, 2))


def targets_of(values, loss="squared_error", weight=None):
    return learn_numbers(values, weight, loss, is_1d=values.shape[1] == 1)


@given(st.integers(0, 1000), st.integers(1, 40), st.booleans(), st.integers(2, 6))
@examples(60)
def test_each_bin_holds_numbers(seed, n, are_whole, n_bins):
    values = np.random.default_rng(seed).gamma(2.0, 3, size=(n, 1))
    if are_whole:
        values = values.round()
    (edges,) = bin_edges(values, None, n_bins)
    assert (np.diff(edges) > 0).all()
    assert len(edges) <= min(n_bins, len(np.unique(values))) - 1
    counts = np.bincount(np.searchsorted(edges, values[:, 0]), minlength=len(edges) + 1)
    assert counts.min() > 0
    if not are_whole and n >= n_bins:
        assert counts.max() - counts.min() <= 1 + n // n_bins
    assert not np.isin(edges, values).any()


def test_samples_without_weight_make_no_bin():
    weight = np.ones(60)
    weight[30:] = 0
    for one, other in zip(
        bin_edges(Y, weight), bin_edges(Y[:30], weight[:30]), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_groups_of_one_output_are_the_bins_of_the_numbers():
    targets = targets_of(Y[:, :1])
    groups = targets.groups(targets.encode(Y[:, 0]))
    np.testing.assert_array_equal(groups, np.searchsorted(targets.edges[0], Y[:, 0]))
    assert targets.n_groups == 4
    assert targets.one_group_each
    assert targets.counts(targets.encode(Y[:, 0])).tolist() == [15, 15, 15, 15]


def test_groups_of_several_outputs_are_one_of_each():
    targets = targets_of(Y)
    codes = targets.encode(Y)
    groups = targets.groups(codes)
    assert isinstance(groups, LabelSets)
    assert not targets.one_group_each
    alone = [targets_of(Y[:, [j]]) for j in range(2)]
    expected = [
        each.groups(each.encode(Y[:, j])) + 4 * j for j, each in enumerate(alone)
    ]
    np.testing.assert_array_equal(groups.labels.reshape(-1, 2), np.transpose(expected))
    np.testing.assert_array_equal(targets.counts(codes), [15] * 8)


@pytest.mark.parametrize("n_outputs", [1, 2])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", ["squared_error", "huber", "poisson"])
def test_score_is_the_r2_of_scikit_learn(n_outputs, weighted, loss):
    rng = np.random.default_rng(1)
    values = Y[:, :n_outputs]
    targets = targets_of(values, loss)
    scores = rng.normal(size=values.shape).astype(np.float32)
    weight = rng.uniform(size=60) if weighted else None
    codes = targets.encode(values)
    predictions = targets.predict_codes(scores)
    each = targets.sample_scores(predictions, codes)
    found = targets.mean_score(np.average(each, axis=0, weights=weight))
    predicted = targets.collect([predictions]).reshape(values.shape)
    expected = r2_score(values, predicted, sample_weight=weight)
    assert found == pytest.approx(expected, rel=1e-5)
    skill = targets.skill_score(scores, codes, weight, targets.counts(codes), 60)
    assert skill == pytest.approx(max(expected, 0), rel=1e-5)


def test_score_of_a_constant():
    targets = targets_of(np.full((9, 1), 3.0))
    codes = targets.encode(np.full(9, 3.0))
    for shift, expected in ((0.0, 1.0), (0.5, 0.0)):
        each = targets.sample_scores(codes + shift, codes)
        assert targets.mean_score(each.mean(axis=0)) == expected


@pytest.mark.parametrize("loss", ["squared_error", "huber", "poisson"])
def test_scores_in_units_of_y(loss):
    targets = targets_of(Y, loss)
    scores = np.random.default_rng(2).normal(size=Y.shape).astype(np.float32)
    factor, offset = targets.score_units()
    linear = scores * factor + offset
    expected = np.exp(linear) if loss == "poisson" else linear
    found = targets.collect([targets.predict_codes(scores)])
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_changed_units_leave_predictions(loss):
    before = targets_of(Y[:8], loss)
    after = before.with_more(Y[8:], None)
    factor, offset = after.change_of_scores(before)
    scores = np.random.default_rng(2).normal(size=Y.shape)
    found = after.collect([after.predict_codes(scores * factor + offset)])
    np.testing.assert_allclose(found, before.collect([before.predict_codes(scores)]))
    assert before.change_of_scores(before) is None


def test_other_outputs_are_refused():
    targets = targets_of(Y)
    with pytest.raises(ValueError, match="y has 1 outputs, but there are 2"):
        targets.encode(Y[:, 0])
    with pytest.raises(
        ValueError, match="the 1 outputs of the earlier fit, but y has 2"
    ):
        targets.check_same(targets_of(Y[:, :1]))


def test_another_link_is_refused():
    with pytest.raises(ValueError, match="Set the loss back"):
        targets_of(Y, "poisson").check_same(targets_of(Y))


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ([[1.0], [-2.0]], "y holds -2 at position 1.*squared_error"),
        ([[0.0], [0.0]], "0 in all samples, which no score gives"),
    ],
)
def test_numbers_without_a_logarithm_are_refused(values, match):
    with pytest.raises(ValueError, match=match):
        targets_of(np.array(values), "poisson").check_rates()
