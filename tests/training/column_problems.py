"""Small trainings of a table of scores, for `ColumnTrainer` and its torch twin."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._model.predictor import Predictor
from skbag._targets.label_sets import Codes, LabelSets
from skbag._targets.losses import LOSSES, OfLabels, label_weights
from skbag._targets.regression_losses import SquaredError
from skbag._training.batches import make_batches
from skbag._training.column_trainer import ColumnTrainer
from skbag._training.devices import Placement
from skbag._training.network import Network
from skbag._training.progress import Schedule
from skbag._training.trainer import Trainer


@dataclass(frozen=True, eq=False)
class ColumnProblem:
    """What both trainers are made of."""

    bags: Bags
    codes: Codes
    n_outputs: int
    batch_size: int
    schedule: Schedule
    sample_weight: NDArray[np.float64] | None = None
    label_weights: NDArray[np.float64] | None = None
    delta: float | None = None
    start: Predictor | None = None
    accumulators: tuple[NDArray[np.float32], ...] | None = None

    @property
    def edges(self) -> NDArray[np.int64]:
        n = len(self.bags)
        return np.append(np.arange(0, n, self.batch_size), n)

    @property
    def n_batches(self) -> int:
        return len(self.edges) - 1

    def predictor(self) -> Predictor:
        if self.start is not None:
            return self.start
        table = np.zeros((self.bags.n_ids, self.n_outputs), dtype=np.float32)
        return Predictor(table, ((None, np.zeros(self.n_outputs, np.float32)),))

    def by_columns(self, n_threads: int = 1) -> ColumnTrainer:
        return ColumnTrainer(
            self.bags,
            self.codes,
            self.edges,
            self.sample_weight,
            # What the loss of labels makes of them.
            label_weights(self.loss()),
            self.predictor(),
            self.accumulators,
            self.schedule,
            n_threads,
            np.inf if self.delta is None else self.delta,
        )

    def by_torch(self) -> Trainer:
        def weights(bags: Bags, first: int) -> NDArray[np.float64] | None:
            weight = self.sample_weight
            return None if weight is None else weight[first : first + len(bags)]

        batches = make_batches(
            self.bags, self.codes, weights, batch_size=self.batch_size
        )
        network = Network.from_predictor(self.predictor(), self.bags.n_ids)
        return Trainer(
            network,
            self.loss(),
            Placement(batches, torch.device("cpu")),
            self.schedule,
            accumulators=self.accumulators,
        )

    def loss(self):
        if self.delta is not None:
            return SquaredError("huber", self.delta)
        loss = LOSSES["squared_hinge"]
        if isinstance(self.codes, LabelSets):
            return OfLabels(loss, self.label_weights)
        return loss

    def having(self, **changes) -> ColumnProblem:
        return replace(self, **changes)


def problem(
    n=40,
    n_ids=30,
    n_outputs=3,
    *,
    labels=False,
    seed=0,
    batch_size=8,
    rate=0.1,
    alpha=0.0,
    n_steps=None,
    weighted=False,
    mean_length=6.0,
    delta=None,
):
    """Random samples; about one bag in eight is empty, and one has every id.

    Of numbers where there is a `delta`, beyond which their squared error is a line.
    """
    rng = np.random.default_rng(seed)
    lengths = np.minimum(rng.poisson(mean_length, size=n), n_ids)
    lengths[rng.random(n) < 0.125] = 0
    lengths[0] = n_ids
    ids = [rng.permutation(n_ids)[:length] for length in lengths]
    weights = rng.uniform(0.1, 0.6, size=lengths.sum())
    bags = Bags(
        np.concatenate(ids).astype(np.int32),
        np.append(0, np.cumsum(lengths)),
        weights.astype(np.float32),
        n_ids,
    )
    label_weights = None
    if delta is not None:
        codes = rng.normal(size=(n, n_outputs)).astype(np.float32)
    elif labels:
        has = rng.random((n, n_outputs)) < 0.3
        codes = LabelSets.from_csr(sp.csr_array(has))
        label_weights = rng.uniform(0.5, 5, size=n_outputs) if weighted else None
    else:
        codes = rng.integers(2 if n_outputs == 1 else n_outputs, size=n)
    return ColumnProblem(
        bags,
        codes,
        n_outputs,
        batch_size,
        Schedule(rate, alpha, n_steps),
        rng.uniform(0.2, 2, size=n) if weighted else None,
        label_weights,
        delta,
    )


def trained_arrays(trainer):
    """Return table, intercepts and the sums of squared gradients."""
    predictor = trainer.export()
    return [predictor.dense, predictor.layers[-1][1], *trainer.accumulators]
