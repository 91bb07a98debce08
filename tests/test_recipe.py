"""The rules behind "auto"."""

import numpy as np
import pytest
import scipy.sparse as sp

from skbag import _recipe
from skbag._bags import Bags


@pytest.mark.parametrize(
    ("width", "expected"), [(1, 1), (2**20, 2), (2**21, 3), (2**30, 8)]
)
def test_min_df_is_the_smallest_that_bounds_the_table(width, expected):
    # 16 features in one text, 4 in two, 4 in nine.
    counts = np.array([1] * 16 + [2] * 4 + [9] * 4)
    assert _recipe.auto_min_df(counts, width) == expected


@pytest.mark.parametrize(
    ("n_samples", "n_outputs", "expected"),
    [(10, 3, 16), (5_000, 6, 64), (50_000, 53, 512), (10**7, 1, 1024)],
)
def test_batch_size_grows_with_the_samples_within_bounds(
    n_samples, n_outputs, expected
):
    assert _recipe.auto_batch_size(n_samples, n_outputs) == expected


def test_batch_size_keeps_scores_in_cache():
    size = _recipe.auto_batch_size(10**7, 200)
    assert size * 200 <= _recipe.SCORES_PER_BATCH < 2 * size * 200


def unit_bags(n=50, n_ids=30, seed=0):
    X = sp.csr_array(sp.random(n, n_ids, density=0.2, random_state=seed))
    X = sp.csr_array(X / np.maximum(np.sqrt((X * X).sum(axis=1)), 1e-9)[:, np.newaxis])
    return Bags.from_csr(X)


def test_learning_rate_of_unrelated_unit_texts_is_the_constant():
    bags = Bags.from_csr(sp.csr_array(np.eye(64)))
    assert _recipe.auto_learning_rate(bags, 16) == _recipe.LEARNING_RATE


def test_learning_rate_does_not_depend_on_the_scale_of_the_values():
    bags = unit_bags()
    scaled = bags.with_weights(bags.weights * 100)
    assert _recipe.auto_learning_rate(scaled, 16) == pytest.approx(
        _recipe.auto_learning_rate(bags, 16) / 1e4, rel=1e-4
    )


def test_learning_rate_is_stable_for_the_direction_a_batch_shares():
    bags = unit_bags()
    X = bags.to_csr().toarray()
    largest = np.linalg.eigvalsh(X.T @ X / len(X)).max()
    rate = _recipe.auto_learning_rate(bags, 1000)
    assert rate == pytest.approx(1 / (1000 * largest), rel=0.02)


def test_bags_are_left_alone():
    # Unsorted ids, which scipy likes to sort in place.
    ids, weights = np.array([3, 0, 1, 2, 0]), np.array([0.1, 0.9, 0.5, 0.6, 0.7])
    bags = Bags(ids.astype("i"), np.array([0, 2, 5]), weights.astype("f"), 4)
    _recipe.auto_learning_rate(bags, 2)
    _recipe.carried_weights(bags, np.ones(2), 0.1)
    np.testing.assert_array_equal(bags.ids, ids)
    np.testing.assert_array_equal(bags.weights, weights.astype("f"))


def test_learning_rate_of_empty_texts_is_the_constant():
    bags = Bags.from_csr(sp.csr_array((4, 3)))
    assert _recipe.auto_learning_rate(bags, 16) == _recipe.LEARNING_RATE


def test_heavy_samples_get_what_one_step_can_carry():
    bags = unit_bags(3)
    weights = _recipe.carried_weights(bags, np.array([0.5, 2.0, 100.0]), 0.1)
    np.testing.assert_allclose(weights, [0.5, 2.0, 5.0], rtol=1e-5)
    assert _recipe.carried_weights(bags, None, 0.1) is None


def test_skill_is_accuracy_above_chance():
    codes = np.array([0, 0, 0, 1])
    assert _recipe.skill(0.75, codes) == 0
    assert _recipe.skill(0.5, codes) == 0
    assert _recipe.skill(1.0, codes) == pytest.approx(1)


def test_hard_classes_get_fewer_epochs_and_more_penalty():
    hard, easy = (_recipe.auto_epochs(s, 50_000, 1e6) for s in (0.0, 1.0))
    assert (hard, easy) == (2, 4)
    assert _recipe.auto_alpha(0.0, 50_000) > _recipe.auto_alpha(0.9, 50_000)


def test_much_work_gets_fewer_epochs():
    assert _recipe.auto_epochs(1.0, 50_000, 1e9) == 3
    assert _recipe.auto_epochs(1.0, 10**6, 1e9) == 2


def test_few_samples_get_more_epochs_and_a_limited_penalty():
    assert _recipe.auto_epochs(0.0, 4_000, 1e6) == 5
    assert _recipe.auto_epochs(0.0, 10, 1e6) == _recipe.MOST_EPOCHS
    assert _recipe.auto_alpha(0.0, 10) == _recipe.LARGEST_ALPHA


@pytest.mark.parametrize("n", [2, 3, 10, 500, 5_000, 10**6])
def test_some_samples_are_held_out_but_never_most(n):
    assert 0 <= _recipe.held_out(n) <= n / 3
    assert _recipe.held_out(n) <= 4096
