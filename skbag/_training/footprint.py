"""How many bytes a fit will take, from the sizes of what it works on.

Pure functions of numbers. What is counted comes on top of the counts of the samples,
which are there already when the sizes are known; docs/benchmarks/scale.py compares the
estimates with what was measured.
"""

from __future__ import annotations

from dataclasses import dataclass

COUNTING_TABLE = 2**24
"""Largest table of tokens and classes that is counted in, in numbers."""

_COUNTED_CELL = 12  # a float64 and an int32
_CELL_BEING_SORTED = 56
_CELL_BEING_WEIGHED = 56
_BATCH = 6000
"""Bytes of the objects of a batch, whatever it holds."""

_WORKING = 2**24
"""Bytes of the arrays that a fit works with, a few thousand entries at a time."""


@dataclass(frozen=True)
class FitSize:
    """What decides how much memory a fit takes.

    Parameters
    ----------
    n_samples, n_entries, n_ids, n_classes : int
        Of the samples to train on, their bags together, the table, the task.
    n_cells : int
        Pairs of a token and a class that are met, or a bound of them; 0 where they
        are not counted.
    n_batch_rows : int
        Rows that the batches touch, each once per batch, or a bound of them.
    width, n_outputs : int
        Columns of the table, and of the scores that training computes.
    batch_size : int
    n_watched : int
        Samples that the first epoch is judged by.
    n_head : int
        Numbers in the layers above the bag.
    n_tables : int
        How often the table is there at most: trained, exported, best, carried over.
    bytes_per_entry : int
        What the batches keep of an entry.
    n_labels : int
        Of all samples together, where one may have several; else 0.
    n_validation_entries : int
        Entries of the bags held out for early stopping.
    counts_freed : int
        Bytes of what is there already that the batches make superfluous.
    """

    n_samples: int
    n_entries: int
    n_ids: int
    n_classes: int
    n_cells: int
    n_batch_rows: int
    width: int
    n_outputs: int
    batch_size: int
    n_watched: int
    n_head: int
    n_tables: int
    bytes_per_entry: int
    n_labels: int = 0
    n_validation_entries: int = 0
    counts_freed: int = 0


@dataclass(frozen=True)
class Footprint:
    """Bytes by what they are for.

    Parameters
    ----------
    table : int
        One copy of it.
    n_tables : int
    statistics : int
        Counts by class while they are made and used; most of it is free again before
        training.
    batches : int
    scores : int
        Scores and gradients of a batch and of the samples watched, and the layers
        above the bag.
    total : int
        At the peak, which is less than the sum: not all are there at once.
    """

    table: int
    n_tables: int
    statistics: int
    batches: int
    scores: int
    total: int


def footprint(size: FitSize) -> Footprint:
    """Estimate the peak of a fit above what is allocated already."""
    kept_counts = _COUNTED_CELL * size.n_cells
    statistics = _counting(size) if size.n_cells else 0
    id_weights = 4 * size.n_ids if size.n_cells else 0
    table = 4 * size.n_ids * size.width
    n_batches = -(-size.n_samples // size.batch_size)
    batches = (
        size.bytes_per_entry * size.n_entries
        # Numbers of rows and where each starts.
        + 12 * size.n_batch_rows
        # Codes, offsets and weights of the samples.
        + 24 * size.n_samples
        # Pairs of a sample and a label.
        + 16 * size.n_labels
        + _BATCH * n_batches
        + 8 * size.n_validation_entries
    )
    rows_of_a_batch = min(size.n_ids, -(-size.n_batch_rows // max(n_batches, 1)))
    step = (
        # The gradient of the touched rows, and the rows themselves.
        8 * rows_of_a_batch * size.width
        # Scores, slack, gradient, value.
        + 16 * size.batch_size * size.n_outputs
        # Weights, gradients, their squared sums and roots, and a copy.
        + 20 * size.n_head
    )
    watched = 8 * size.n_watched * size.n_outputs
    # What is exported comes when scores are no longer watched.
    more = max(watched, (size.n_tables - 1) * table)
    batched = kept_counts + id_weights + batches
    training = batched - size.counts_freed + table + step + more
    return Footprint(
        table=table,
        n_tables=size.n_tables,
        statistics=statistics,
        batches=batches,
        scores=step + watched,
        total=_WORKING + max(statistics, batched, training),
    )


def _counting(size: FitSize) -> int:
    """Bytes at the peak of counting by class, and of making weights of the counts."""
    n_all = size.n_ids * size.n_classes
    if n_all <= min(COUNTING_TABLE, 2 * size.n_entries):
        counting = 8 * n_all + _COUNTED_CELL * size.n_cells
    else:
        counting = _CELL_BEING_SORTED * size.n_cells
    weighing = (_COUNTED_CELL + _CELL_BEING_WEIGHED) * size.n_cells + 48 * size.n_ids
    return max(counting, weighing)
