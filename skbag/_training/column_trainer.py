"""Training on the CPU where each column of the table is a task by itself.

The twin of `Trainer` for a table of scores and the squared hinge, or squared errors, by
`column_steps`:
columns are trained in blocks, several in threads, with the same bits for any number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.communicator import SINGLE_PROCESS, Communicator
from skbag._core.dtypes import WEIGHT_DTYPE
from skbag._core.threads import map_in_threads
from skbag._model.predictor import Predictor
from skbag._targets.label_sets import Codes, LabelSets
from skbag._training import column_steps
from skbag._training.progress import (
    INTERCEPT_STEP,
    LARGEST_LOSS,
    LARGEST_STEP,
    NO_BATCHES,
    SMALLEST_SCALE,
    SMALLEST_SQUARES,
    Diverged,
    Progress,
    Schedule,
)

LANES = (1, 4, 8, 16)
"""Columns of a block: as many as are needed, up to a line of the processor's cache."""

SMALLEST_RATE = 1e-300
"""Below this a step of the intercepts by it is none, and no ratio is finite."""

WORK_PER_THREAD = 2e7
"""Numbers of the table that an epoch moves, below which one thread does it: starting
others would take longer than they save."""


@dataclass(frozen=True, eq=False)
class Block:
    """Some columns of the table while they are trained.

    Parameters
    ----------
    table : ndarray of shape (n_ids, lanes), dtype=float32
        ``scale`` times too large; lanes beyond `n` are padding.
    first, n : int
        The columns are `first` to ``first + n`` of the whole table.
    intercept, squares : ndarray of shape (lanes,), dtype=float32
    """

    table: NDArray[np.float32]
    first: int
    n: int
    intercept: NDArray[np.float32]
    squares: NDArray[np.float32]


class ColumnTrainer:
    """Epochs of steps over batches; holds the mutable state of training.

    Parameters
    ----------
    bags : Bags
        Weighted, in the order of the batches.
    codes : ndarray of shape (n_samples,), dtype=int64, or LabelSets
        Or numbers, of shape (n_samples, n_outputs), dtype=float32.
    edges : ndarray of shape (n_batches + 1,), dtype=int64
        The first sample of each batch, and the end.
    sample_weight : ndarray of shape (n_samples,) or None
    label_weights : ndarray of shape (n_outputs,) or None
        Of having each label.
    predictor : Predictor
        What training starts from: a table of scores and intercepts.
    accumulators : sequence of ndarray or None
        Squared-gradient sums of the intercepts from an earlier training.
    schedule : Schedule
    n_threads : int
        At most so many threads train blocks of columns.
    delta : float
        Residual beyond which the squared error of numbers goes on as a line.
    communicator : Communicator
        Who has the same samples, and trains other columns: each rank its share.
    """

    def __init__(
        self,
        bags: Bags,
        codes: Codes,
        edges: NDArray[np.int64],
        sample_weight: NDArray[Any] | None,
        label_weights: NDArray[Any] | None,
        predictor: Predictor,
        accumulators: tuple[NDArray[np.float32], ...] | None,
        schedule: Schedule,
        n_threads: int = 1,
        delta: float = np.inf,
        communicator: Communicator = SINGLE_PROCESS,
    ) -> None:
        self.schedule = schedule
        self._communicator = communicator
        self.bags = bags
        self.codes = codes
        self.edges = edges
        self._n_steps_done = 0
        self._scale = 1.0
        self.sample_weight = _float32(sample_weight)
        self.label_weights = _float32(label_weights)
        has_labels = isinstance(codes, LabelSets)
        are_numbers = not isinstance(codes, LabelSets) and codes.ndim == 2
        width = predictor.n_outputs
        self._samples = column_steps.Samples(
            bags.ids,
            bags.offsets,
            bags.weights,
            edges,
            None if isinstance(codes, LabelSets) or are_numbers else codes,
            1 if width == 1 and not has_labels else 0,
            codes.offsets if isinstance(codes, LabelSets) else None,
            codes.labels if isinstance(codes, LabelSets) else None,
            self.label_weights,
            np.ascontiguousarray(codes) if are_numbers else None,
            delta,
            self.sample_weight,
            bags.n_ids,
            width,
        )
        self._width = width
        intercept = predictor.layers[0][1]
        squares = np.full(width, SMALLEST_SQUARES, dtype=WEIGHT_DTYPE)
        if accumulators is not None:
            squares = accumulators[0]
        rank, world_size = communicator.rank, communicator.world_size
        self._columns = slice(
            width * rank // world_size, width * (rank + 1) // world_size
        )
        self._set_blocks(predictor.dense, intercept, squares)
        work = float(len(bags.ids)) * width
        most = max(1, min(n_threads, len(self._blocks), int(work / WORK_PER_THREAD)))
        self._n_threads = most

    @property
    def n_batches(self) -> int:
        """Number of batches."""
        return len(self.edges) - 1

    @property
    def n_entries(self) -> int:
        """Number of entries of all bags."""
        return len(self.bags.ids)

    @property
    def accumulators(self) -> tuple[NDArray[np.float32], ...]:
        """Squared-gradient sums of the intercepts, copied."""
        return (self._joined([block.squares for block in self._blocks]),)

    def run_epoch(
        self, order: NDArray[np.int64], scored: NDArray[np.int64] = NO_BATCHES
    ) -> Progress:
        """Train once on each batch; see `Trainer.run_epoch`.

        Where the loss of a block of columns is unsound, it stays in its last sound
        state, and the others finish the epoch.
        """
        rates = self.schedule.rates(self._n_steps_done, len(order))
        if rates.max(initial=0) > LARGEST_STEP:
            raise Diverged(
                f"a step of {rates.max():.3g} is beyond the numbers of a table"
            )
        score_rows, rows = self._score_rows(order, scored)
        before = np.empty((len(rows), self._width), dtype=WEIGHT_DTYPE)
        losses = np.zeros((len(self._blocks), len(order)))
        ends = np.zeros(len(self._blocks), dtype=np.int64)
        scales = np.zeros(len(self._blocks))
        cancel = bytearray(1)

        def run(thread: int) -> None:
            for i in range(thread, len(self._blocks), self._n_threads):
                block = self._blocks[i]
                ends[i], scales[i] = column_steps.run_epoch(
                    self._samples,
                    block.table,
                    self._scale,
                    block.first,
                    block.n,
                    block.intercept,
                    block.squares,
                    order,
                    rates,
                    self.schedule.alpha,
                    INTERCEPT_STEP / max(self.schedule.learning_rate, SMALLEST_RATE),
                    LARGEST_LOSS,
                    SMALLEST_SCALE,
                    score_rows,
                    before,
                    losses[i],
                    cancel,
                )

        map_in_threads(run, range(self._n_threads), cancel)
        received = self._communicator.all_gather((losses, ends, scales))
        all_losses, all_ends, all_scales = map(
            np.concatenate, zip(*received, strict=True)
        )
        self._fold(scales, all_scales)
        self._n_steps_done += len(order)
        if (all_ends < len(order)).any():
            step = int(all_ends.min())
            raise Diverged(f"the loss of a batch is unsound in step {step} of an epoch")
        return Progress(
            loss=float(all_losses.sum() / max(len(self.bags), 1)),
            scores=self._of_all(before) if len(scored) else None,
            rows=rows,
        )

    def bags_to_score(self, own_bags: Bags, edges: NDArray[np.int64]) -> Bags:
        """Return what `score` takes for samples: their bags."""
        return own_bags

    def score(self, bags: Bags, parts: tuple[int, ...]) -> NDArray[np.float32]:
        """Scores of bags by the state so far."""
        scores = np.empty((len(bags), self._width), dtype=WEIGHT_DTYPE)
        scale = WEIGHT_DTYPE(self._scale)
        for block in self._blocks:
            columns = slice(block.first, block.first + block.n)
            sums = bags.matmul(block.table) * scale + block.intercept
            scores[:, columns] = sums[:, : block.n]
        return self._of_all(scores)

    def export(self) -> Predictor:
        """Copy the state so far: of all columns, so all ranks call it."""
        table = self._joined_table(self._scale)
        intercept = self._joined([block.intercept for block in self._blocks])
        return Predictor(table, ((None, intercept),))

    def whole(self, predictor: Predictor) -> Predictor:
        """Return what is whole already: there is one process."""
        return predictor

    def own_part(self, table: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return all rows of a table."""
        return table

    def state(self) -> dict[str, Any]:
        """Serialisable state of what training has changed, to the bit."""
        return {
            "table": self._joined_table(),
            "scale": self._scale,
            "intercept": self._joined([block.intercept for block in self._blocks]),
            "accumulators": list(self.accumulators),
            "n_steps_done": self._n_steps_done,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from the state of a trainer made in the same way."""
        shape = (self.bags.n_ids, self._width)
        table, intercept = state["table"], state["intercept"]
        (squares,) = state["accumulators"]
        if table.shape != shape or not intercept.shape == squares.shape == shape[1:]:
            raise ValueError("a table, or intercepts, of another shape")
        self._scale = float(state["scale"])
        self._set_blocks(table, intercept, squares)
        self._n_steps_done = int(state["n_steps_done"])

    def arrays(self) -> list[NDArray[Any]]:
        """All that is trained on and from."""
        codes = self.codes
        if isinstance(codes, LabelSets):
            arrays: list[NDArray[Any]] = [codes.offsets, codes.labels]
        else:
            arrays = [codes]
        bags = self.bags
        arrays += [bags.ids, bags.offsets, bags.weights, self.edges]
        for weight in (self.sample_weight, self.label_weights):
            if weight is not None:
                arrays.append(weight)
        for block in self._blocks:
            arrays += [block.table, block.intercept, block.squares]
        return arrays

    def _score_rows(
        self, order: NDArray[np.int64], scored: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where the scores of each step go, -1 for nowhere, and of which samples."""
        starts, stops = self.edges[scored], self.edges[scored + 1]
        place = np.full(self.n_batches, -1, dtype=np.int64)
        place[scored] = np.cumsum(stops - starts) - (stops - starts)
        rows = [np.arange(*bounds) for bounds in zip(starts, stops, strict=True)]
        return place[order], np.concatenate([NO_BATCHES, *rows])

    def _set_blocks(
        self,
        table: NDArray[np.float32],
        intercept: NDArray[np.float32],
        squares: NDArray[np.float32],
    ) -> None:
        """Copy the own columns of a whole state into blocks."""
        self._blocks = _blocks_of(
            table, self.bags.n_ids, intercept, squares, self._columns
        )

    def _fold(
        self, scales: NDArray[np.float64], all_scales: NDArray[np.float64]
    ) -> None:
        """Take over the scale of all blocks, which is one unless some have stopped."""
        if (all_scales == all_scales[0]).all():
            self._scale = float(all_scales[0])
            return
        for block, scale in zip(self._blocks, scales, strict=True):
            block.table[:] *= WEIGHT_DTYPE(scale)
        self._scale = 1.0

    def _joined_table(self, scale: float = 1.0) -> NDArray[np.float32]:
        """Put the columns of the blocks together, times a scale."""
        table = np.empty((self.bags.n_ids, self._width), dtype=WEIGHT_DTYPE)
        for block in self._blocks:
            column_steps.copy_columns(block.table, scale, block.n, block.first, table)
        return self._of_all(table)

    def _joined(self, parts: list[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Put what each block has of its columns together."""
        joined = np.empty(self._width, dtype=WEIGHT_DTYPE)
        for part, block in zip(parts, self._blocks, strict=True):
            joined[block.first : block.first + block.n] = part[: block.n]
        return self._of_all(joined)

    def _of_all(self, columns: NDArray[np.float32]) -> NDArray[np.float32]:
        """Put together what each rank has of its columns, the last axis."""
        if self._communicator.world_size == 1:
            return columns
        own = np.ascontiguousarray(columns[..., self._columns])
        return np.concatenate(self._communicator.all_gather(own), axis=-1)


def _blocks_of(
    table: NDArray[np.float32],
    n_ids: int,
    intercept: NDArray[np.float32],
    squares: NDArray[np.float32],
    wanted: slice,
) -> list[Block]:
    """Cut columns of a table into blocks, copied; rows beyond it are zero."""
    starts_at_zero = not table.any()
    blocks = []
    for first in range(wanted.start, wanted.stop, LANES[-1]):
        columns = slice(first, min(first + LANES[-1], wanted.stop))
        n = columns.stop - first
        lanes = next(lanes for lanes in LANES if lanes >= n)
        own = _zeros_in_lines(n_ids, lanes)
        if not starts_at_zero:
            own[: len(table), :n] = table[:, columns]
        padded = np.zeros((2, lanes), dtype=WEIGHT_DTYPE)
        padded[0, :n], padded[1, :n] = intercept[columns], squares[columns]
        blocks.append(Block(own, first, n, padded[0], padded[1]))
    return blocks


def _zeros_in_lines(n_ids: int, lanes: int) -> NDArray[np.float32]:
    """Zeros of which each row of 16 is one line of the processor's cache."""
    size = n_ids * lanes
    # Filled, and not np.zeros: large arrays then have huge pages where there are some.
    memory = np.empty(size + LANES[-1], dtype=WEIGHT_DTYPE)
    memory.fill(0)
    start = -memory.ctypes.data % 64 // memory.itemsize
    return memory[start : start + size].reshape(n_ids, lanes)


def _float32(array: NDArray[Any] | None) -> NDArray[np.float32] | None:
    return None if array is None else np.ascontiguousarray(array, dtype=WEIGHT_DTYPE)
