"""Epochs of local steps by several ranks, which are threads here."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from skbag._core.communicator import SINGLE_PROCESS, total
from skbag._training.column_trainer import ColumnTrainer
from skbag._training.local_trainer import LocalTrainer
from skbag._training.progress import Diverged
from tests.threads import on_processes
from tests.training.column_problems import problem, trained_arrays

N_BATCHES = 6


def made(rank, *, n_outputs=3, labels=False, **more):
    """Problem of one rank: samples of its own, the same number of batches."""
    return problem(
        n=N_BATCHES * 8,
        n_outputs=n_outputs,
        labels=labels,
        seed=rank,
        batch_size=8,
        rate=more.pop("rate", 0.1),
        alpha=0.01,
        n_steps=40,
        weighted=more.pop("weighted", False),
    )


def trainer_of(problem, communicator, n_exchanges=2):
    own = np.bincount(problem.bags.ids, minlength=problem.bags.n_ids).astype(float)
    documents = total(communicator, own)
    return LocalTrainer(problem.by_columns(), documents, n_exchanges, communicator)


def trained(n_ranks, n_epochs=2, **more):
    """Trainers of all ranks, trained."""

    def train(rank):
        trainer = trainer_of(made(rank.rank, **more), rank)
        for epoch in range(n_epochs):
            order = np.random.default_rng(epoch).permutation(N_BATCHES)
            progress = trainer.run_epoch(order)
        return trainer, progress

    return on_processes(n_ranks, train)


def arrays_of(trainer):
    predictor = trainer.export()
    return [predictor.dense, predictor.layers[0][1], *trainer.accumulators]


@pytest.mark.parametrize(
    "options",
    [{}, {"labels": True}, {"weighted": True}, {"n_outputs": 1}, {"n_outputs": 33}],
)
def test_all_ranks_have_the_same_bits_every_time(options):
    results = trained(3, **options)
    again = trained(3, **options)
    for trainer, progress in [*results, *again]:
        for one, other in zip(
            arrays_of(trainer), arrays_of(results[0][0]), strict=True
        ):
            np.testing.assert_array_equal(one, other)
        assert progress.loss == results[0][1].loss


def test_one_process_trains_as_if_nothing_was_exchanged():
    own = made(0)
    local = trainer_of(own, SINGLE_PROCESS, n_exchanges=3)
    plain = own.by_columns()
    order = np.arange(N_BATCHES)
    for _ in range(2):
        losses = [each.run_epoch(order).loss for each in (local, plain)]
        assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    for one, other in zip(arrays_of(local), trained_arrays(plain), strict=False):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)


def test_ranks_with_the_same_samples_train_as_one_of_them():
    """Averages of what all have learnt alike are what one has learnt."""

    def train(rank):
        trainer = trainer_of(made(0), rank, n_exchanges=1)
        trainer.run_epoch(np.arange(N_BATCHES))
        return trainer

    together = on_processes(2, train)[0]
    alone = made(0).by_columns()
    alone.run_epoch(np.arange(N_BATCHES))
    one, other = together.export().dense, alone.export().dense
    # What is averaged is the same; what is summed goes on in the same direction.
    cosine = (one * other).sum() / np.sqrt((one**2).sum() * (other**2).sum())
    assert cosine > 0.95


def test_scores_are_those_before_the_steps():
    """And the rows of scored samples are in the order of their numbers."""

    def train(rank):
        own = made(rank.rank)
        trainer = trainer_of(own, rank)
        before = trainer.score(own.bags, (len(own.bags),))
        return (
            own,
            before,
            trainer.run_epoch(np.array([5, 0, 1, 2, 3, 4]), np.array([1, 5])),
        )

    for own, _, progress in on_processes(2, train):
        wanted = [*range(8, 16), *range(40, len(own.bags))]
        assert progress.rows.tolist() == wanted
        assert progress.scores.shape == (len(wanted), own.n_outputs)
        # Batch 5 came first: nothing had been learnt.
        np.testing.assert_allclose(progress.scores[8:], 0, atol=2)
        assert progress.kept.shape == (len(wanted),)
        # An empty bag has nothing that could be kept.
        is_empty = np.diff(own.bags.offsets)[wanted] == 0
        np.testing.assert_array_equal(progress.kept[is_empty], 0)
        kept = progress.kept[~is_empty]
        assert ((kept >= 0.5) & (kept <= 1 + 1e-9)).all()


def test_a_rank_that_diverges_stops_all_in_the_state_of_the_last_exchange():
    def train(rank):
        own = made(rank.rank)
        if rank.rank == 1:
            own = replace(own, schedule=replace(own.schedule, learning_rate=1e30))
        trainer = trainer_of(own, rank)
        before = arrays_of(trainer)
        with pytest.raises(Diverged):
            trainer.run_epoch(np.arange(N_BATCHES))
        return before, arrays_of(trainer)

    for before, after in on_processes(2, train):
        for one, other in zip(before, after, strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_restored_state_goes_on_to_the_same_bits():
    def train(rank):
        trainer = trainer_of(made(rank.rank), rank)
        order = np.arange(N_BATCHES)
        trainer.run_epoch(order)
        state = trainer.state()
        other = trainer_of(made(rank.rank), rank)
        other.restore(state)
        trainer.run_epoch(order)
        other.run_epoch(order)
        return arrays_of(trainer), arrays_of(other)

    for one, other in on_processes(2, train):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("n_ranks", [2, 3, 5])
@pytest.mark.parametrize("n_outputs", [1, 2, 17, 40])
@pytest.mark.parametrize("labels", [False, True])
def test_columns_dealt_out_are_those_of_one_process(n_ranks, n_outputs, labels):
    """To the bit: a column is trained alone."""
    own = made(0, n_outputs=n_outputs, labels=labels)
    order, scored = np.arange(N_BATCHES)[::-1].copy(), np.array([2, 4])

    def train(rank):
        plain = own.by_columns()
        trainer = ColumnTrainer(
            plain.bags,
            plain.codes,
            plain.edges,
            plain.sample_weight,
            plain.label_weights,
            own.predictor(),
            None,
            own.schedule,
            communicator=rank,
        )
        progress = [trainer.run_epoch(order, scored) for _ in range(2)][-1]
        state = trainer.state()
        return (*arrays_of(trainer), progress.scores, state["table"]), progress.loss

    alone = own.by_columns()
    progress = [alone.run_epoch(order, scored) for _ in range(2)][-1]
    wanted = (*arrays_of(alone), progress.scores, alone.state()["table"])
    for arrays, loss in on_processes(n_ranks, train):
        for one, other in zip(arrays, wanted, strict=True):
            np.testing.assert_array_equal(one, other)
        assert loss == pytest.approx(progress.loss)
