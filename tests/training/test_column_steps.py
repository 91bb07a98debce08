"""Steps of columns are those of a loop over numpy arrays; wrong shapes are refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skbag._core.threads import Cancelled
from skbag._targets.label_sets import LabelSets
from skbag._training.column_steps import Samples, run_epoch
from tests.conftest import examples
from tests.training.column_problems import problem

SMALLEST_SCALE = 0.01


def signs_of(made):
    """Whether each column is that of the sample, +1 or -1."""
    n = len(made.bags)
    signs = np.full((n, made.n_outputs), -1.0)
    if isinstance(made.codes, LabelSets):
        signs[made.codes.to_csr().toarray() > 0] = 1
    elif made.n_outputs == 1:
        signs[made.codes == 1] = 1
    else:
        signs[np.arange(n), made.codes] = 1
    return signs


def weights_of(made):
    """What each column of each sample weighs."""
    weights = np.ones((len(made.bags), made.n_outputs))
    if made.label_weights is not None:
        weights = np.where(signs_of(made) > 0, made.label_weights, weights)
    if made.sample_weight is not None:
        weights *= made.sample_weight[:, None]
    return weights


def residual_slopes(made, rows, z):
    """Half the slopes of squared errors, or of Huber's loss, and the values."""
    residuals = z - made.codes[rows].astype(np.float64)
    slopes, values = residuals.copy(), residuals**2
    beyond = np.abs(residuals) > made.delta
    slopes[beyond] = made.delta * np.sign(residuals[beyond])
    values[beyond] = 2 * made.delta * np.abs(residuals[beyond]) - made.delta**2
    return slopes, values


def hinge_slopes(made, rows, z):
    """Half the slopes of squared hinges, and the values."""
    signs = signs_of(made)[rows]
    slack = np.maximum(1 - signs * z, 0)
    return -signs * slack, slack**2


def naive_epoch(made, table, intercept, squares, order, rates):
    """Steps in double precision, of all columns at once."""
    alpha, intercept_step = made.schedule.alpha, 0.1 / rates[0]
    table, intercept, squares = (
        array.astype(np.float64) for array in (table, intercept, squares)
    )
    weights, of_loss = weights_of(made), hinge_slopes
    if made.delta is not None:
        of_loss = residual_slopes
    X = made.bags.to_csr().toarray().astype(np.float64)
    losses, scores = [], []
    for batch, rate in zip(order, rates, strict=True):
        rows = slice(made.edges[batch], made.edges[batch + 1])
        z = X[rows] @ table + intercept
        slopes, values = of_loss(made, rows, z)
        gradient = 2 * slopes * weights[rows]
        losses.append((weights[rows] * values).sum())
        scores.append(z)
        sums = gradient.sum(axis=0)
        squares += sums**2
        intercept -= intercept_step * rate * sums / np.sqrt(squares)
        table *= max(1 - rate * alpha * len(z), 0.5)
        table -= rate * X[rows].T @ gradient
    return table, intercept, squares, np.array(losses), scores


def samples_of(made, **changes):
    has_labels, are_numbers = isinstance(made.codes, LabelSets), made.delta is not None
    arguments = {
        "ids": made.bags.ids,
        "offsets": made.bags.offsets,
        "weights": made.bags.weights,
        "edges": made.edges,
        "classes": None if has_labels or are_numbers else made.codes,
        "class_shift": int(made.n_outputs == 1 and not has_labels),
        "label_offsets": made.codes.offsets if has_labels else None,
        "labels": made.codes.labels if has_labels else None,
        "label_weights": as_float32(made.label_weights),
        "targets": made.codes if are_numbers else None,
        "delta": made.delta if are_numbers else np.inf,
        "sample_weights": as_float32(made.sample_weight),
        "n_ids": made.bags.n_ids,
        "n_outputs": made.n_outputs,
    }
    return Samples(**{**arguments, **changes})


def as_float32(array):
    return None if array is None else array.astype(np.float32)


def steps_of(made, samples, lanes=16, n=None, **changes):
    """Arguments of `run_epoch` for the first columns, each batch once."""
    n_batches = made.n_batches
    n = min(lanes, made.n_outputs) if n is None else n
    arguments = {
        "samples": samples,
        "table": np.zeros((made.bags.n_ids, lanes), np.float32),
        "scale": 1.0,
        "first": 0,
        "n": n,
        "intercept": np.zeros(lanes, np.float32),
        "squares": np.full(lanes, 1e-8, np.float32),
        "order": np.arange(n_batches),
        "rates": np.full(n_batches, made.schedule.learning_rate),
        "alpha": made.schedule.alpha,
        "intercept_step": 0.1 / made.schedule.learning_rate,
        "largest_loss": 1e8,
        "smallest_scale": SMALLEST_SCALE,
        "score_rows": made.edges[:-1],
        "scores": np.zeros((len(made.bags), made.n_outputs), np.float32),
        "losses": np.zeros(n_batches),
        "cancel": bytes(1),
    }
    return {**arguments, **changes}


@given(st.data())
@examples(60)
def test_steps_are_those_of_a_loop(data):
    lanes = data.draw(st.sampled_from([1, 4, 8, 16]), label="lanes")
    n = data.draw(st.integers(1, lanes), label="n")
    seed = data.draw(st.integers(0, 1000), label="seed")
    made = problem(
        n=data.draw(st.integers(1, 40), label="samples"),
        n_outputs=n,
        labels=data.draw(st.booleans(), label="labels"),
        delta=data.draw(st.sampled_from([None, np.inf, 0.7]), label="delta"),
        seed=seed,
        batch_size=data.draw(st.integers(1, 16), label="batch_size"),
        alpha=data.draw(st.sampled_from([0.0, 0.1, 30.0]), label="alpha"),
        weighted=data.draw(st.booleans(), label="weighted"),
    )
    rng = np.random.default_rng(seed)
    order = rng.permutation(made.n_batches)
    score_rows = made.edges[order].copy()
    score_rows[::3] = -1
    start = {
        "table": rng.uniform(-0.5, 0.5, size=(made.bags.n_ids, lanes)),
        "intercept": rng.uniform(-0.5, 0.5, size=lanes),
        "squares": rng.uniform(0.1, 2, size=lanes),
    }
    start = {name: array.astype(np.float32) for name, array in start.items()}
    rates = np.linspace(0.1, 0.02, made.n_batches)
    arguments = steps_of(
        made,
        samples_of(made),
        lanes,
        order=order,
        rates=rates,
        intercept_step=0.1 / rates[0],
        score_rows=score_rows,
        **{name: array.copy() for name, array in start.items()},
    )
    n_steps, scale = run_epoch(**arguments)
    own = (array[..., :n] for array in start.values())
    table, intercept, squares, losses, scores = naive_epoch(made, *own, order, rates)
    close = {"rtol": 2e-3, "atol": 2e-4}
    assert n_steps == made.n_batches
    assert SMALLEST_SCALE <= scale <= 1
    np.testing.assert_allclose(arguments["table"][:, :n] * scale, table, **close)
    np.testing.assert_allclose(arguments["intercept"][:n], intercept, **close)
    np.testing.assert_allclose(arguments["squares"][:n], squares, **close)
    np.testing.assert_allclose(arguments["losses"], losses, **close)
    for batch, row, z in zip(order, score_rows, scores, strict=True):
        rows = slice(made.edges[batch], made.edges[batch + 1])
        expected = np.zeros_like(z) if row < 0 else z
        np.testing.assert_allclose(arguments["scores"][rows], expected, **close)


def test_steps_before_an_unsound_one_are_counted():
    made = problem(n_outputs=3, rate=1e7)
    arguments = steps_of(made, samples_of(made))
    n_steps, _ = run_epoch(**arguments)
    assert 0 < n_steps < made.n_batches
    table = arguments["table"].copy()
    order = np.arange(made.n_batches)[n_steps:]
    assert run_epoch(**{**arguments, "order": order})[0] == 0
    np.testing.assert_array_equal(arguments["table"], table)


def test_no_steps_and_no_samples_change_nothing():
    made = problem(n_outputs=3)
    arguments = steps_of(made, samples_of(made), order=np.empty(0, np.int64))
    assert run_epoch(**arguments) == (0, 1.0)
    empty = made.having(bags=made.bags.slice(0, 0), codes=made.codes[:0])
    for edges in (np.array([0]), np.array([0, 0])):
        samples = samples_of(empty, edges=edges)
        arguments = steps_of(made, samples, order=np.zeros(len(edges) - 1, np.int64))
        assert run_epoch(**arguments) == (len(edges) - 1, 1.0)
    assert not arguments["table"].any()


def test_another_thread_ends_the_work():
    made = problem()
    with pytest.raises(Cancelled, match="ended by another thread"):
        run_epoch(**steps_of(made, samples_of(made), cancel=bytearray([1])))


def int64(*values):
    return np.array(values, dtype=np.int64)


WRONG_SAMPLES = {
    "no offsets": {"offsets": int64()},
    "no edges": {"edges": int64()},
    "offsets beyond the ids": {"ids": np.zeros(3, np.int32)},
    "offsets that fall": {"offsets": int64(0, *[50, 5] * 19, 100, 100)},
    "offsets that start late": {"offsets": int64(1, *[5] * 40)},
    "fewer weights": {"weights": np.zeros(3, np.float32)},
    "edges that fall": {"edges": int64(0, 90, 40)},
    "edges before the end": {"edges": int64(0, 39)},
    "edges beyond the end": {"edges": int64(0, 41)},
    "fewer classes": {"classes": int64(0, 1)},
    "fewer sample weights": {"sample_weights": np.ones(39, np.float32)},
    "neither classes nor labels": {"classes": None},
    "classes and labels": {"label_offsets": np.zeros(41, np.int64)},
    "no labels": {"classes": None, "label_offsets": np.zeros(41, np.int64)},
    "fewer labels": {
        "classes": None,
        "label_offsets": np.arange(41),
        "labels": int64(1, 2),
    },
    "fewer offsets of labels": {
        "classes": None,
        "label_offsets": np.arange(40),
        "labels": np.zeros(40, np.int64),
    },
    "fewer label weights": {"label_weights": np.ones(2, np.float32)},
    "classes and targets": {"targets": np.zeros((40, 3), np.float32)},
    "fewer targets": {"classes": None, "targets": np.zeros((39, 3), np.float32)},
    "targets of fewer columns": {
        "classes": None,
        "targets": np.zeros((40, 2), np.float32),
    },
}


@pytest.mark.parametrize("changes", WRONG_SAMPLES.values(), ids=WRONG_SAMPLES)
def test_wrong_samples_are_refused(changes):
    with pytest.raises((IndexError, ValueError)):
        samples_of(problem(), **changes)


WRONG_STEPS = {
    "2 lanes": {"table": np.zeros((30, 2), np.float32)},
    "no column": {"n": 0},
    "more columns than lanes": {"n": 17},
    "columns beyond the outputs": {"n": 4},
    "columns from beyond the outputs": {"first": 1},
    "columns from below 0": {"first": -1},
    "fewer rows": {"table": np.zeros((29, 16), np.float32)},
    "fewer intercepts": {"intercept": np.zeros(3, np.float32)},
    "fewer squares": {"squares": np.zeros(3, np.float32)},
    "fewer rates": {"rates": np.zeros(4)},
    "fewer losses": {"losses": np.zeros(4)},
    "fewer rows of scores": {"score_rows": np.zeros(4, np.int64)},
    "scores beyond the end": {"score_rows": int64(0, 0, 0, 0, 33)},
    "no room for scores": {"scores": np.zeros((0, 3), np.float32)},
    "scores of fewer columns": {"scores": np.zeros((40, 2), np.float32)},
    "a batch beyond the last": {"order": int64(0, 5)},
    "a batch before the first": {"order": int64(-1)},
    "nothing to cancel by": {"cancel": b""},
}


@pytest.mark.parametrize("changes", WRONG_STEPS.values(), ids=WRONG_STEPS)
def test_wrong_steps_are_refused(changes):
    made = problem()
    with pytest.raises((IndexError, ValueError)):
        run_epoch(**steps_of(made, samples_of(made), **changes))
