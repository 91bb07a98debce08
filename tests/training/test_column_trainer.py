"""Training by columns is torch's training, in whatever blocks and threads."""

from __future__ import annotations

import signal
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skbag._model.predictor import Predictor
from skbag._targets.label_sets import LabelSets
from skbag._training import column_trainer
from skbag._training.progress import Diverged, Schedule
from tests.conftest import examples
from tests.training.column_problems import problem, trained_arrays

WIDTHS = [1, 2, 4, 5, 8, 9, 16, 17, 33, 70]
"""One to five blocks of 1, 4, 8 and 16 lanes, with padding and without."""


@pytest.fixture
def many_threads(monkeypatch):
    """Have as many threads as there are blocks, however small the work."""
    monkeypatch.setattr(column_trainer, "WORK_PER_THREAD", 1)


def assert_same_training(one, other, *, rtol=2e-3, atol=2e-4):
    for a, b in zip(trained_arrays(one), trained_arrays(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)


def assert_same_bits(one, other):
    for a, b in zip(trained_arrays(one), trained_arrays(other), strict=True):
        np.testing.assert_array_equal(a, b)


@st.composite
def problems(draw):
    n_outputs = draw(st.sampled_from(WIDTHS), label="n_outputs")
    return problem(
        n=draw(st.integers(1, 40), label="n"),
        n_outputs=n_outputs,
        labels=draw(st.booleans(), label="labels"),
        delta=draw(st.sampled_from([None, np.inf, 0.7]), label="delta"),
        seed=draw(st.integers(0, 1000), label="seed"),
        batch_size=draw(st.integers(1, 16), label="batch_size"),
        rate=draw(st.sampled_from([0.02, 0.1, 0.2]), label="rate"),
        # With the largest each step halves the scale, and it soon folds.
        alpha=draw(st.sampled_from([0.0, 0.01, 30.0]), label="alpha"),
        n_steps=draw(st.sampled_from([None, 5, 200]), label="n_steps"),
        weighted=draw(st.booleans(), label="weighted"),
    )


@given(problems(), st.integers(1, 4), st.integers(0, 1000))
@examples(60)
def test_same_as_torch(made, n_epochs, seed):
    by_columns, by_torch = made.by_columns(), made.by_torch()
    rng = np.random.default_rng(seed)
    for epoch in range(n_epochs):
        order = rng.permutation(made.n_batches)
        n_scored = int(rng.integers(made.n_batches + 1)) if epoch < 2 else 0
        scored = np.sort(rng.permutation(made.n_batches)[:n_scored])
        found = by_columns.run_epoch(order, scored)
        expected = by_torch.run_epoch(order, scored)
        assert found.loss == pytest.approx(expected.loss, rel=1e-3, abs=1e-4)
        np.testing.assert_array_equal(found.rows, expected.rows)
        assert (found.scores is None) == (expected.scores is None)
        if found.scores is not None:
            np.testing.assert_allclose(
                found.scores, expected.scores, rtol=2e-3, atol=1e-3
            )
    assert_same_training(by_columns, by_torch)


@pytest.mark.parametrize("n_outputs", WIDTHS)
@pytest.mark.parametrize("labels", [False, True])
def test_a_start_has_fewer_rows_and_sums_of_its_own(n_outputs, labels):
    rng = np.random.default_rng(n_outputs)
    table, intercept, squares = (
        rng.uniform(0.1, 0.5, size=shape).astype(np.float32)
        for shape in [(21, n_outputs), n_outputs, n_outputs]
    )
    made = problem(n_outputs=n_outputs, labels=labels).having(
        start=Predictor(table, ((None, intercept),)), accumulators=(squares,)
    )
    by_columns, by_torch = made.by_columns(), made.by_torch()
    assert_same_bits(by_columns, by_torch)
    for trainer in (by_columns, by_torch):
        trainer.run_epoch(np.arange(made.n_batches))
    assert_same_training(by_columns, by_torch)
    # What it started from is left alone.
    np.testing.assert_array_equal(made.start.dense, table)
    assert (made.accumulators[0] == squares).all()
    assert (by_columns.accumulators[0] != squares).any()


@pytest.mark.usefixtures("many_threads")
@pytest.mark.parametrize("n_outputs", WIDTHS)
@pytest.mark.parametrize("labels", [False, True])
def test_same_bits_with_any_number_of_threads(n_outputs, labels):
    made = problem(n_outputs=n_outputs, labels=labels, alpha=5.0, weighted=True)
    alone = made.by_columns(1)
    last = np.arange(made.n_batches - 2, made.n_batches)
    progresses = [alone.run_epoch(np.arange(made.n_batches), last)]
    for n_threads in (2, 3):
        trainer = made.by_columns(n_threads)
        assert trainer._n_threads == min(n_threads, len(trainer._blocks))
        progresses.append(trainer.run_epoch(np.arange(made.n_batches), last))
        assert_same_bits(trainer, alone)
    for progress in progresses[1:]:
        assert progress.loss == progresses[0].loss
        np.testing.assert_array_equal(progress.scores, progresses[0].scores)


@pytest.mark.parametrize("n_outputs", [16, 33])
def test_same_bits_with_and_without_avx2(n_outputs):
    made = problem(n_outputs=n_outputs, alpha=5.0, weighted=True, labels=True)
    trainers = made.by_columns(), made.by_columns()
    trainers[1]._samples.has_avx2 = False
    for trainer in trainers:
        trainer.run_epoch(np.arange(made.n_batches))
    assert_same_bits(*trainers)


def test_a_column_does_not_know_the_others():
    made = problem(n_outputs=20, labels=True, alpha=0.1)
    whole = made.by_columns()
    whole.run_epoch(np.arange(made.n_batches))
    table = whole.export().dense
    for column in (0, 7, 19):
        single = made.having(
            n_outputs=1,
            codes=LabelSets.from_csr(made.codes.to_csr()[:, [column]]),
        ).by_columns()
        single.run_epoch(np.arange(made.n_batches))
        np.testing.assert_array_equal(single.export().dense[:, 0], table[:, column])


@pytest.mark.parametrize("alpha", [0.0, 0.5, 30.0])
def test_goes_on_from_its_state_to_the_same_bits(alpha):
    made = problem(n_outputs=17, alpha=alpha, n_steps=15)
    whole, first, second = (made.by_columns() for _ in range(3))
    orders = [np.arange(made.n_batches), np.arange(made.n_batches)[::-1].copy()]
    for order in orders:
        whole.run_epoch(order)
    first.run_epoch(orders[0])
    second.restore(first.state())
    assert_same_bits(first, second)
    second.run_epoch(orders[1])
    assert_same_bits(second, whole)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("table", np.zeros((30, 4), np.float32)),
        ("table", np.zeros((29, 3), np.float32)),
        ("intercept", np.zeros(4, np.float32)),
        ("accumulators", [np.zeros(2, np.float32)]),
        ("accumulators", []),
    ],
)
def test_state_of_another_shape_is_refused(name, value):
    trainer = problem().by_columns()
    state = trainer.state()
    state[name] = value
    with pytest.raises(ValueError):
        trainer.restore(state)


@pytest.mark.parametrize("n_outputs", [1, 3, 16, 21])
def test_scores_are_those_of_the_exported_state(n_outputs):
    made = problem(n_outputs=n_outputs, alpha=1.0)
    trainer = made.by_columns()
    trainer.run_epoch(np.arange(made.n_batches))
    assert trainer._scale < 1
    np.testing.assert_allclose(
        trainer.score(made.bags, (len(made.bags),)),
        trainer.export().scores(made.bags),
        rtol=1e-5,
        atol=1e-6,
    )


def test_export_is_a_copy():
    made = problem()
    trainer = made.by_columns()
    before = trainer.export()
    trainer.run_epoch(np.arange(made.n_batches))
    assert not before.dense.any()
    assert not before.layers[0][1].any()
    assert trainer.whole(before) is before


def test_what_it_is_trained_on_and_from():
    def shapes(**options):
        return sorted(array.shape for array in problem(**options).by_columns().arrays())

    assert len(shapes()) == 8
    assert len(shapes(weighted=True)) == 9
    assert len(shapes(labels=True, weighted=True)) == 11


def test_one_thread_for_little_work():
    made = problem(n_outputs=70)
    assert made.by_columns(3)._n_threads == 1


# -- what ends it ----------------------------------------------------------------------


@pytest.mark.usefixtures("many_threads")
@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("n_outputs", [1, 3, 40])
def test_diverges_before_the_unsound_step(n_outputs, n_threads):
    made = problem(n_outputs=n_outputs, rate=1e7)
    trainer = made.by_columns(n_threads)
    with pytest.raises(Diverged, match=r"unsound in step [1-9]"):
        trainer.run_epoch(np.arange(made.n_batches))
    assert all(np.isfinite(array).all() for array in trained_arrays(trainer))
    with pytest.raises(Diverged, match="the loss of a batch"):
        made.by_torch().run_epoch(np.arange(made.n_batches))


@pytest.mark.parametrize("n_outputs", [1, 3, 40])
def test_a_score_that_is_no_number_diverges(n_outputs):
    """In every column, even in that of a class that no sample has."""
    for column in range(0, n_outputs, 7):
        table = np.zeros((30, n_outputs), dtype=np.float32)
        table[:, column] = np.nan
        made = problem(n_outputs=n_outputs)
        made = made.having(
            codes=np.full(40, (column + 1) % n_outputs),
            start=Predictor(table, ((None, np.zeros(n_outputs, np.float32)),)),
        )
        for trainer in (made.by_columns(), made.by_torch()):
            with pytest.raises(Diverged, match="the loss of a batch"):
                trainer.run_epoch(np.array([0]))


def test_blocks_that_stopped_early_have_scales_of_their_own():
    """The last block alone diverges: the others have finished the epoch."""
    table = np.zeros((30, 20), dtype=np.float32)
    table[:, 19] = 1e7
    made = problem(n_outputs=20, alpha=0.5).having(
        start=Predictor(table, ((None, np.zeros(20, np.float32)),))
    )
    trainer, others = made.by_columns(), made.having(start=None).by_columns()
    with pytest.raises(Diverged, match="in step 0"):
        trainer.run_epoch(np.arange(made.n_batches))
    others.run_epoch(np.arange(made.n_batches))
    found, expected = trainer.export().dense, others.export().dense
    np.testing.assert_allclose(found[:, :16], expected[:, :16], rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(found[:, 16:], table[:, 16:])


def test_a_step_beyond_the_numbers_of_a_table():
    made = problem(rate=1e37)
    with pytest.raises(Diverged, match=r"a step of 1e\+37 is beyond"):
        made.by_columns().run_epoch(np.arange(made.n_batches))


def test_the_rate_falls_to_zero_and_stays_there():
    made = problem(n_steps=5)
    trainer = made.by_columns()
    trainer.run_epoch(np.arange(made.n_batches))
    before = trained_arrays(trainer)
    trainer.run_epoch(np.arange(made.n_batches))
    for array, earlier in zip(trained_arrays(trainer)[:2], before[:2], strict=True):
        np.testing.assert_array_equal(array, earlier)


def test_another_schedule_between_two_epochs():
    made = problem()
    by_columns, by_torch = made.by_columns(), made.by_torch()
    for trainer in (by_columns, by_torch):
        trainer.run_epoch(np.arange(made.n_batches))
        trainer.schedule = Schedule(0.1, 0.3, 17)
        trainer.run_epoch(np.arange(made.n_batches))
        # As in a part of a stream.
        trainer.schedule = Schedule(0.1, 0.0, None, 50.0, 40.0)
        trainer.run_epoch(np.arange(made.n_batches))
    assert_same_training(by_columns, by_torch)


@pytest.mark.usefixtures("many_threads")
@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("batch_size", [16, 2000])
def test_ctrl_c_ends_a_long_epoch(n_threads, batch_size):
    made = problem(2000, n_outputs=32, batch_size=batch_size, rate=1e-4)
    trainer = made.by_columns(n_threads)
    # A minute of steps.
    order = np.zeros(30_000_000 // batch_size, dtype=np.int64)
    sent = []

    def interrupt():
        sent.append(time.monotonic())
        signal.raise_signal(signal.SIGINT)

    timer = threading.Timer(0.3, interrupt)
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            trainer.run_epoch(order)
    finally:
        timer.cancel()
    assert time.monotonic() - sent[0] < 1
