"""How many bytes a fit takes at its peak, from its sizes."""

from __future__ import annotations

from dataclasses import dataclass

from skbag._training.column_trainer import LANES

_COUNTED_PAIR = 12  # a float64 and an int32

_ENTRY_BEING_COUNTED = 8
"""Of tables, or of the samples that hold each token and where they go: `class_counts`
takes no more threads than that allows."""

_PAIR_BEING_WEIGHED = 12
"""A copy, where most of the tokens have not been met."""

_ENTRY = 8
"""An int32 and a float32."""

_NUMBER_BEING_JOINED = 24
"""An entry, twice, and its weight as a float64."""

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
    n_pairs : int
        Pairs of a token and a class that are met, or a bound of them; 0 where they
        are not counted.
    n_batch_rows : int
        Rows that the batches touch, each once per batch, or a bound of them.
    width, n_outputs : int
        Columns of the table, and of the scores that training computes.
    batch_size : int
    n_progressive : int
        Samples of the first epoch that are scored before it trains on them.
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
    by_columns : bool
        Whether `ColumnTrainer` trains, which needs no transposed batches.
    visits : float
        Of a sample in an epoch, on average: it is in so many batches.
    n_numbers : int
        Columns of numbers, which are an entry of each sample.
    """

    n_samples: int
    n_entries: int
    n_ids: int
    n_classes: int
    n_pairs: int
    n_batch_rows: int
    width: int
    n_outputs: int
    batch_size: int
    n_progressive: int
    n_head: int
    n_tables: int
    bytes_per_entry: int
    n_labels: int = 0
    n_validation_entries: int = 0
    counts_freed: int = 0
    by_columns: bool = False
    visits: float = 1.0
    n_numbers: int = 0


@dataclass(frozen=True)
class Footprint:
    """Bytes by what they are for.

    Parameters
    ----------
    table : int
        One copy of it.
    n_tables : int
    document_counts : int
        Counts by class while they are made and used; most of it is free again before
        training.
    batches : int
    scores : int
        Scores and gradients of a batch and of the progressive samples, and layers
        above the bag.
    total : int
        At the peak, which is less than the sum: not all are there at once.
    """

    table: int
    n_tables: int
    document_counts: int
    batches: int
    scores: int
    total: int


def footprint(size: FitSize) -> Footprint:
    """Estimate the peak of a fit above what is allocated already."""
    kept_counts = _COUNTED_PAIR * size.n_pairs
    document_counts = _counting(size) if size.n_pairs else 0
    # By their numbers before and after pruning.
    id_weights = 8 * size.n_ids if size.n_pairs else 0
    table = 4 * size.n_ids * size.width
    batches = (
        size.bytes_per_entry * size.n_entries
        # Codes, offsets and weights of the samples.
        + 24 * size.n_samples
        # Pairs of a sample and a label.
        + 16 * size.n_labels
    )
    if size.n_numbers:
        # Entries of tokens are joined with them, for all samples at once or, in batches
        # that are kept, for a few.
        numbers = size.n_samples * size.n_numbers
        joined = _ENTRY * size.n_entries + _NUMBER_BEING_JOINED * numbers
        batches += joined if size.by_columns else _ENTRY * numbers
    batches = int(size.visits * batches) + 8 * size.n_validation_entries
    padding = 0
    if size.by_columns:
        padding = 4 * size.n_ids * (_n_lanes(size.width) - size.width)
        step = _step_of_columns(size)
    else:
        # Numbers of rows and where each starts.
        batches += 12 * size.n_batch_rows + _BATCH * _n_batches(size)
        step = _step_of_torch(size)
    progressive = 8 * size.n_progressive * size.n_outputs
    # What is exported comes when progressive scores are gone.
    beside_training = max(progressive, (size.n_tables - 1) * table)
    batched = kept_counts + id_weights + batches
    training = batched - size.counts_freed + table + padding + step + beside_training
    return Footprint(
        table=table,
        n_tables=size.n_tables,
        document_counts=document_counts,
        batches=batches,
        scores=step + progressive,
        total=_WORKING + max(document_counts, batched, training),
    )


def _n_batches(size: FitSize) -> int:
    return -(-size.n_samples // size.batch_size)


def _n_lanes(width: int) -> int:
    """Columns with those that fill up the last block."""
    whole, rest = divmod(width, LANES[-1])
    last = next(lanes for lanes in (0, *LANES) if lanes >= rest)
    return whole * LANES[-1] + last


def _step_of_columns(size: FitSize) -> int:
    """Bytes of gradients, and of the losses of batches."""
    n_lanes = _n_lanes(size.width)
    return 4 * size.batch_size * n_lanes + 8 * n_lanes * _n_batches(size)


def _step_of_torch(size: FitSize) -> int:
    """Bytes of what a step makes."""
    rows_of_a_batch = -(-size.n_batch_rows // max(_n_batches(size), 1))
    return (
        # The gradient of the touched rows, and the rows themselves.
        8 * min(size.n_ids, rows_of_a_batch) * size.width
        # Scores, slack, gradient, value.
        + 16 * size.batch_size * size.n_outputs
        # Weights, gradients, their squared sums and roots, and a copy.
        + 20 * size.n_head
    )


def _counting(size: FitSize) -> int:
    """Bytes at the peak of counting by class, and of making weights of the counts."""
    counting = (
        _ENTRY_BEING_COUNTED * size.n_entries
        + _COUNTED_PAIR * size.n_pairs
        + 40 * size.n_ids
    )
    weighing = (_COUNTED_PAIR + _PAIR_BEING_WEIGHED) * size.n_pairs + 48 * size.n_ids
    return max(counting, weighing)
