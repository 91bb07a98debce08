"""Training by several processes, each of which has the whole table: local SGD.

Between two exchanges each rank trains by itself, by `ColumnTrainer`; `local_steps` says
how what they have learnt becomes one table.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.communicator import Communicator, total
from skbag._core.dtypes import WEIGHT_DTYPE
from skbag._model.predictor import Predictor
from skbag._training.column_trainer import ColumnTrainer
from skbag._training.local_steps import (
    Changes,
    ExchangeSamples,
    sum_shares,
    visit_bins,
)
from skbag._training.progress import NO_BATCHES, Diverged, Progress, Schedule

MAX_EXCHANGE_SAMPLES = 4096
"""Samples of all ranks by which an exchange is decided: half of them just trained on,
half next."""

MAX_EXCHANGE_SCORES = 2**18
"""Scores of a rank's samples at most, where outputs are many."""


class LocalTrainer:
    """Epochs of local steps; holds the mutable state of training.

    A batch has a part on each rank, which is the batch of that rank's step.

    Parameters
    ----------
    steps : ColumnTrainer
        Of this rank's samples; trained in place. All ranks start from the same state.
    document_counts : ndarray of shape (n_ids,), dtype=float64
        Number of samples of all ranks that hold each id.
    n_exchanges : int
        In an epoch.
    communicator : Communicator
    """

    def __init__(
        self,
        steps: ColumnTrainer,
        document_counts: NDArray[np.float64],
        n_exchanges: int,
        communicator: Communicator,
    ) -> None:
        self._steps = steps
        self._communicator = communicator
        self._n_exchanges = n_exchanges
        self._bins = visit_bins(document_counts, n_exchanges * communicator.world_size)
        self._n_samples = total(communicator, len(steps.bags))

    @property
    def schedule(self) -> Schedule:
        """Schedule of the steps of each rank."""
        return self._steps.schedule

    @schedule.setter
    def schedule(self, schedule: Schedule) -> None:
        self._steps.schedule = schedule

    @property
    def n_batches(self) -> int:
        """Number of batches."""
        return self._steps.n_batches

    @property
    def accumulators(self) -> tuple[NDArray[np.float32], ...]:
        """Squared-gradient sums of the intercepts, copied."""
        return self._steps.accumulators

    def run_epoch(
        self, order: NDArray[np.int64], scored: NDArray[np.int64] = NO_BATCHES
    ) -> Progress:
        """Train once on each batch; see `Trainer.run_epoch`.

        Raises
        ------
        Diverged
            On all ranks where one diverges, in the state of the last exchange.
        """
        segments = [s for s in np.array_split(order, self._n_exchanges) if len(s)]
        loss, parts = 0.0, []
        for number, segment in enumerate(segments):
            after = segments[(number + 1) % len(segments)]
            progress, row_shares = self._run_segment(segment, after, scored)
            loss += progress.loss * len(self._steps.bags)
            if progress.scores is not None:
                kept = self._kept_shares(progress.rows, row_shares)
                parts.append((progress.rows, progress.scores, kept))
        mean = total(self._communicator, loss) / max(self._n_samples, 1)
        if not len(scored):
            return Progress(loss=mean, scores=None, rows=NO_BATCHES)
        rows, scores, kept = map(np.concatenate, zip(*parts, strict=True))
        at = np.argsort(rows, kind="stable")
        return Progress(loss=mean, scores=scores[at], rows=rows[at], kept=kept[at])

    def _run_segment(
        self,
        segment: NDArray[np.int64],
        after: NDArray[np.int64],
        scored: NDArray[np.int64],
    ) -> tuple[Progress, NDArray[np.float64]]:
        """Train on some batches, and exchange.

        Sets what `run_epoch` sets.

        Returns
        -------
        progress : Progress
        row_shares : ndarray of shape (n_ids,), dtype=float64
            How much of the change of each row has become the table's.
        """
        steps, communicator = self._steps, self._communicator
        before = steps.state()
        table = before["table"] * WEIGHT_DTYPE(before["scale"])
        rates = steps.schedule.rates(before["n_steps_done"], len(segment))
        sizes = np.diff(steps.edges)[segment]
        progress, failure = None, None
        try:
            progress = steps.run_epoch(segment, scored[np.isin(scored, segment)])
        except Diverged as error:
            failure = str(error)
        failures = [each for each in communicator.all_gather(failure) if each]
        if failures or progress is None:
            steps.restore(before)
            raise Diverged(failures[0])
        changes = Changes.reduce(
            communicator,
            table,
            steps.export().dense,
            float(np.prod(steps.schedule.kept(rates, sizes))),
            self._visited(segment),
        )
        intercept, squares = self._mean_of_intercepts()
        samples = self._exchange_samples(segment, after)
        shares = sum_shares(communicator, changes, self._bins, intercept, samples)
        steps.restore(
            {
                **steps.state(),
                "table": changes.table(shares, self._bins),
                "scale": 1.0,
                "intercept": intercept,
                "accumulators": [squares],
            }
        )
        return progress, changes.row_shares(shares, self._bins)

    def _mean_of_intercepts(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return means over the ranks of intercepts and of their squared gradients."""
        ((_, intercept),) = self._steps.export().layers
        own = np.stack([intercept, *self._steps.accumulators])
        mean = total(self._communicator, own) / self._communicator.world_size
        return mean[0].astype(WEIGHT_DTYPE), mean[1].astype(WEIGHT_DTYPE)

    def _visited(self, segment: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which rows the samples of some batches hold."""
        bags, edges = self._steps.bags, self._steps.edges
        visited = np.zeros(bags.n_ids, dtype=np.bool_)
        for batch in segment.tolist():
            first, last = bags.offsets[edges[batch]], bags.offsets[edges[batch + 1]]
            visited[bags.ids[first:last]] = True
        return visited

    def _exchange_samples(
        self, segment: NDArray[np.int64], after: NDArray[np.int64]
    ) -> ExchangeSamples:
        """Samples of the last batches of a segment and of the first of the next."""
        steps = self._steps
        width = len(steps.accumulators[0])
        n_most = MAX_EXCHANGE_SAMPLES // self._communicator.world_size
        half = max(min(n_most, MAX_EXCHANGE_SCORES // width) // 2, 1)
        rows = np.unique(
            np.concatenate(
                [self._rows(segment[::-1], half), self._rows(after, half), NO_BATCHES]
            )
        )
        weight = steps.sample_weight
        return ExchangeSamples(
            steps.bags.take(rows),
            steps.codes[rows],
            None if weight is None else weight[rows],
            steps.label_weights,
        )

    def _rows(self, batches: NDArray[np.int64], n_most: int) -> NDArray[np.int64]:
        """Numbers of the first samples of some batches, in their order."""
        rows: list[NDArray[np.int64]] = []
        n_left = n_most
        for batch in batches.tolist():
            start, stop = self._steps.edges[batch : batch + 2].tolist()
            rows.append(np.arange(start, min(stop, start + n_left)))
            n_left -= len(rows[-1])
            if n_left <= 0:
                break
        return np.concatenate([NO_BATCHES, *rows])

    def _kept_shares(
        self, rows: NDArray[np.int64], row_shares: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """How much of what a step on each sample did to its own score is kept."""
        bags = self._steps.bags.take(rows)
        squares = np.square(bags.weights.astype(np.float64))
        number = np.repeat(np.arange(len(bags)), np.diff(bags.offsets))
        kept = np.bincount(number, squares * row_shares[bags.ids], minlength=len(bags))
        whole = np.bincount(number, squares, minlength=len(bags))
        return np.asarray(kept / np.maximum(whole, 1e-300))

    def bags_to_score(self, own_bags: Bags, edges: NDArray[np.int64]) -> Bags:
        """Return what `score` takes for own samples: their bags."""
        return own_bags

    def score(self, bags: Bags, parts: Sequence[int]) -> NDArray[np.float32]:
        """Scores of bags of this rank by the state so far."""
        return self._steps.score(bags, tuple(parts))

    def export(self) -> Predictor:
        """Copy the state so far: the same on all ranks between two epochs."""
        return self._steps.export()

    def whole(self, predictor: Predictor) -> Predictor:
        """Return what is whole already."""
        return predictor

    def own_part(self, table: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return all rows: each rank has them."""
        return table

    def state(self) -> dict[str, Any]:
        """Serialisable state of what training has changed; the same on all ranks."""
        return self._steps.state()

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from the state of a trainer made in the same way."""
        self._steps.restore(state)

    def arrays(self) -> list[NDArray[Any]]:
        """All that is trained on and from."""
        return self._steps.arrays()
