"""Refuse a fit that the memory cannot hold, before anything large is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.available_memory import available_bytes
from skbag._targets.label_sets import LabelSets
from skbag._targets.losses import MANY_CLASSES
from skbag._text.encoder import LearningEncoder
from skbag._text.features import SHORT_TEXT_KINDS
from skbag._training.footprint import FitSize, Footprint, footprint
from skbag._training.plan import (
    Moments,
    Plan,
    Problem,
    clusters_of,
    goes_by_columns,
)
from skbag._training.samples import LazyBags, Samples
from skbag._training.settings import Settings

SMALL = 2**26
"""Bytes that nobody lacks: to ask the system takes longer than to fit a few texts."""

DIMENSIONS = 64
"""What `embedding_dim` is suggested where the table is wider."""

_PER_BUCKET = 32
"""Bytes of a bucket beside its rows: whether it was met, its kind, counts, weight."""

_NO_LIMITS = Moments(mean_squared_norm=1.0, eigenvalue=0.0, max_sample_weight=1.0)


@dataclass(frozen=True, eq=False)
class Task:
    """A fit whose features are known, with nothing made for it yet.

    Parameters
    ----------
    counts : Samples
        Whose `X` are `LazyBags`, pruned.
    encoder : LearningEncoder or None
        None for the rows of a matrix.
    settings : Settings
    n_progressive : int
        Samples of the first epoch that are scored before it trains on them.
    n_pairs_before : int, default=0
        Counts by class that new ones are added to.
    n_tables : int, default=2
        How often the table is there at most, early stopping aside.
    prunes : bool, default=True
        Whether features are pruned, which those that join a model are not.
    alone : bool, default=True
        Whether no other process trains the same model.
    visits : float, default=1.0
        Of a sample in an epoch, on average: see `with_visits`.
    """

    counts: Samples
    encoder: LearningEncoder | None
    settings: Settings
    n_progressive: int
    n_pairs_before: int = 0
    n_tables: int = 2
    prunes: bool = True
    alone: bool = True
    visits: float = 1.0


def check_memory(task: Task) -> None:
    """Raise where a fit would take more memory than there is.

    Raises
    ------
    MemoryError
        With the estimate and the parameters that bring it down.
    """
    total = footprint(fit_size(task)).total
    if total <= SMALL:
        return
    available = available_bytes()
    if available is None or total <= available:
        return
    # Only now is it worth a look at all entries.
    size = fit_size(task, exactly=True)
    needed = footprint(size)
    if needed.total <= available:
        return
    raise MemoryError(
        f"To fit {size.n_samples:,} samples takes about {_amount(needed.total)} of "
        f"memory, but {_amount(available)} are available. The table of "
        f"{size.n_ids:,} rows and {size.width:,} columns takes "
        f"{_amount(needed.table)}, {size.n_tables} times at the peak; the batches take "
        f"{_amount(needed.batches)}, counts by class "
        f"{_amount(needed.document_counts)}, scores {_amount(needed.scores)}. "
        f"To bring it down: {'; '.join(_remedies(task, size, needed))}."
    )


def check_buckets(n_buckets: int, settings: Settings, n_outputs: int) -> None:
    """Raise where memory cannot hold so many buckets, before any is made.

    Raises
    ------
    MemoryError
    """
    width = settings.training.embedding_dim or n_outputs
    n_tables = 2 + (settings.validation_fraction is not None)
    needed = n_buckets * (4 * width * n_tables + _PER_BUCKET)
    available = available_bytes() if needed > SMALL else None
    if available is None or needed <= available:
        return
    raise MemoryError(
        f"n_buckets={n_buckets:,} with {width:,} columns takes about "
        f"{_amount(needed)} of memory, but {_amount(available)} are available. Use "
        "fewer buckets, for instance n_buckets=2**20"
        + (f", or embedding_dim={DIMENSIONS}" if width > DIMENSIONS else "")
        + "."
    )


def fit_size(task: Task, *, exactly: bool = False) -> FitSize:
    """Sizes of a fit: by bounds at once, or, a little later, by its entries."""
    counts, bags, targets = task.counts, task.counts.X, task.counts.targets
    training, weighting = task.settings.training, task.settings.weighting
    loss, n_classes = targets.loss(training.loss), targets.n_groups
    clusters = clusters_of(loss, np.zeros(n_classes, dtype=np.int64))
    problem = Problem.of(
        targets, loss, clusters, np.ones(n_classes, np.int64), len(bags), _NO_LIMITS
    )
    plan = Plan.make(problem, training, task.n_progressive)
    # All scores are computed where something depends on them, whatever the loss.
    validated = task.settings.validation_fraction is not None
    all_scores = plan.needs_scores or validated
    batch_size = plan.batch_size
    n_batches = -(-len(bags) // batch_size)
    if exactly:
        documents = _documents_by_id(bags)
        n_entries = int(documents.sum())
        n_pairs = _different(documents * _repeats(counts), n_classes)
        n_batch_rows = _different(documents, n_batches)
    else:
        n_entries = len(bags.counts.ids)
        n_pairs = min(
            int(np.ceil(n_entries * _repeats(counts))), bags.n_ids * n_classes
        )
        n_batch_rows = min(n_entries, bags.n_ids * n_batches)
    counted = weighting.use_idf or weighting.supervised
    changed = counted or weighting.sublinear_tf or weighting.norm is not None
    layers: tuple[int, ...] = ()
    if training.embedding_dim is not None:
        last = targets.n_outputs if clusters is None else clusters.n_rows
        layers = (training.embedding_dim, *training.hidden_layer_sizes, last)
    fraction = task.settings.validation_fraction or 0.0
    has_vectors = task.settings.begins_with_vectors
    by_columns = not has_vectors and task.alone and goes_by_columns(loss, training)
    # What two classes start from is kept beside what is made of it.
    keeps_start = by_columns and weighting.supervised and targets.has_two_classes
    return FitSize(
        n_samples=len(bags),
        n_entries=n_entries,
        n_ids=bags.n_ids,
        n_classes=n_classes,
        n_pairs=n_pairs + task.n_pairs_before if counted else 0,
        n_batch_rows=n_batch_rows,
        width=plan.width,
        n_outputs=problem.n_outputs if all_scores else problem.n_scores,
        batch_size=batch_size,
        n_progressive=task.n_progressive,
        n_head=sum(m * n for m, n in zip(layers, layers[1:], strict=False)),
        # Vectors that tokens begin with, and the rows that lie below what is learnt.
        n_tables=task.n_tables
        + (fraction > 0)
        + keeps_start
        + _tables_of_vectors(task.settings),
        # Where nothing changes them, ids and weights are those of the samples.
        bytes_per_entry=8 * (not by_columns)
        + 4 * (bags.new_ids is not None)
        + 4 * changed
        + 8 * (training.dropout > 0),
        n_labels=len(counts.codes.labels) if isinstance(counts.codes, LabelSets) else 0,
        n_validation_entries=int(n_entries * fraction / (1 - fraction)),
        counts_freed=0
        if bags.new_ids is None
        else bags.counts.ids.nbytes + bags.counts.weights.nbytes,
        by_columns=by_columns,
        visits=task.visits,
        n_numbers=0 if bags.numbers is None else bags.numbers.shape[1],
    )


def _tables_of_vectors(settings: Settings) -> int:
    if settings.adds_vectors or settings.text_encoder is not None:
        # The table that they are added to stays until all of it is there.
        return 1
    if not settings.begins_with_vectors:
        return 0
    return 1 if settings.training.freeze_embedding else 2


def _repeats(counts: Samples) -> float:
    """How often an entry is counted by class: once for each label of its sample."""
    if not isinstance(counts.codes, LabelSets):
        # Of numbers there is one group for each output.
        return float(counts.codes.shape[1]) if counts.codes.ndim == 2 else 1.0
    lengths = np.diff(counts.X.counts.offsets)
    n_labels = np.diff(counts.codes.offsets)
    return float(lengths @ n_labels) / max(len(counts.X.counts.ids), 1)


def _different(documents: NDArray[Any], n: int) -> int:
    """In how many of `n` batches, or classes, tokens are by chance, all together."""
    missed = np.power(1 - 1 / n, documents, dtype=np.float64)
    return int(np.ceil((n * (1 - missed)).sum()))


def _documents_by_id(bags: LazyBags) -> NDArray[np.int64]:
    """Number of entries of each id that is left, those without any left out."""
    ids = bags.counts.ids
    if bags.new_ids is None and bags.n_ids > len(ids):
        # A table of all ids may be what memory cannot hold.
        return np.asarray(np.unique(ids, return_counts=True)[1])
    documents = np.bincount(ids, minlength=bags.counts.n_ids)
    if bags.new_ids is not None:
        documents = documents[bags.new_ids >= 0]
    return np.asarray(documents[documents > 0])


def _remedies(task: Task, size: FitSize, needed: Footprint) -> list[str]:
    """What applies, what helps most first."""
    by_table = [*_fewer_columns(task, size), *_fewer_rows(task, size)]
    if task.settings.validation_fraction is not None:
        by_table.append("early_stopping=False (one table less)")
    training = task.settings.training
    by_samples = ["smaller parts of the samples, in partial_fit"]
    if training.dropout:
        by_samples.append("dropout=0")
    by_scores = []
    if training.batch_size is not None:
        by_scores.append(f"a smaller batch_size (now {size.batch_size:,})")
    if training.hidden_layer_sizes:
        by_scores.append(
            f"smaller hidden_layer_sizes (now {training.hidden_layer_sizes})"
        )
    sizes = (
        needed.table * needed.n_tables,
        max(needed.batches, needed.document_counts),
        needed.scores,
    )
    remedies = zip(sizes, (by_table, by_samples, by_scores), strict=True)
    ranked = sorted(remedies, key=lambda pair: -pair[0])
    # What is a small part of the whole brings nothing down.
    return [
        remedy
        for n_bytes, of_kind in ranked
        if 10 * n_bytes >= needed.total
        for remedy in of_kind
    ]


def _fewer_columns(task: Task, size: FitSize) -> list[str]:
    """Give the remedies for a wide table."""
    dim = task.settings.training.embedding_dim
    if task.settings.begins_with_vectors:
        return [f"vectors of fewer than {dim} numbers, or embedding_init=None"]
    if dim is not None:
        return [f"a smaller embedding_dim (now {dim:,})"]
    if size.width > DIMENSIONS:
        remedies = [
            f"embedding_dim={DIMENSIONS} (None takes a column of the table for each of "
            f"{size.width:,} classes)"
        ]
        if size.width >= MANY_CLASSES and task.counts.targets.one_of_all:
            remedies.append("loss='adaptive_softmax' with it, which is faster")
        return remedies
    return []


def _fewer_rows(task: Task, size: FitSize) -> list[str]:
    """Give the remedies for a long table."""
    if task.encoder is None:
        return [
            f"fewer columns in X (now {size.n_ids:,}): select some, or hash them into "
            "fewer"
        ]
    text, pruning = task.settings.text, task.settings.pruning
    if text.vocabulary is not None:
        return ["a smaller vocabulary"]
    remedies = []
    if task.prunes:
        remedies.append(f"a higher min_df (now {pruning.min_df!r})")
        remedies.append(f"a smaller max_features (now {pruning.max_features!r})")
    if np.isin(task.encoder.kinds, SHORT_TEXT_KINDS).any():
        remedies.append("short_text_features=False")
    if text.ngram_range[1] > 1:
        remedies.append(f"a smaller ngram_range (now {text.ngram_range})")
    return remedies


def _amount(n_bytes: int) -> str:
    """Bytes in a unit that fits.

    >>> _amount(3 * 2**29), _amount(2**20)
    ('1.5 GiB', '1 MiB')
    """
    if n_bytes >= 2**30:
        return f"{n_bytes / 2**30:.1f} GiB"
    return f"{-(-n_bytes // 2**20)} MiB"
