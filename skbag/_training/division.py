"""How several processes divide the training of one model.

**Columns.** Where columns of the table are tasks by themselves (see `ColumnTrainer`),
every rank gets the bags of all samples and trains its share of the columns: the model
is that of one process, and nothing is sent during an epoch.

**Local steps.** Where those bags are too many to be sent, or to be held, each rank
trains all columns on its own samples, and the tables are combined a few times in each
epoch: see `local_steps`. A model of its own, of about the same accuracy.

**Rows.** All else: layers above the table, other losses, dropout, GPUs. Each rank
trains its rows of the table for the samples of all, and steps are taken in common.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from skbag._core.available_memory import available_bytes
from skbag._core.communicator import SINGLE_PROCESS, Communicator, total
from skbag._training.plan import CUDA_WORK, goes_by_columns
from skbag._training.samples import Samples
from skbag._training.settings import TrainingOptions
from skbag._training.sharding import gather_samples

ENTRY_BYTES = 8
"""Of an id and a weight."""

LARGEST_SHARE = 0.25
"""Of the memory there is, that entries of other ranks may take."""

GATHER_SECONDS = 40e-9
"""Of an entry that all ranks get: packed, sent over 10 Gbit/s, and put in order."""

ENTRY_SECONDS, COLUMN_SECONDS = 4e-9, 0.35e-9
"""Of an entry in an epoch, and of each column for it."""

EXCHANGE_SECONDS = 5e-9
"""Of a byte of the table in an exchange: sent twice, and gone over some fifteen
times."""

N_EPOCHS = 3
"""Usual number, for an estimate."""

MIN_SHARD, MIN_SAMPLES_PER_CLASS = 1000, 32
"""Of each rank for local steps; with fewer a table is learnt by heart between two
exchanges (clinc150: 18,000 texts of 150 classes lose 0.5 points on 8 ranks)."""

MAX_CLASS_DISTANCE = 0.1
"""Total variation distance of the classes of a rank from those of all, beyond what
chance explains, up to which local steps are taken."""

N_EXCHANGES, SAMPLES_BETWEEN_EXCHANGES = 4, 2**20
"""In an epoch, at least; and samples of a rank from one to the next, at most."""


class Division(Enum):
    """What a rank trains."""

    COLUMNS = "its columns, on the samples of all"
    LOCAL = "all, on its samples, between exchanges"
    ROWS = "its rows, in common steps"


@dataclass(frozen=True, eq=False)
class Share:
    """What one rank trains on.

    Parameters
    ----------
    samples : Samples
        Of this rank, or of all.
    communicator : Communicator
        Who has other samples.
    options : TrainingOptions
    gathered : bool
        Whether the samples are those of all.
    """

    samples: Samples
    communicator: Communicator
    options: TrainingOptions
    gathered: bool = False


def share(
    samples: Samples, options: TrainingOptions, communicator: Communicator
) -> Share:
    """Return what this rank trains on.

    Parameters
    ----------
    samples : Samples
        Weighted bags of this rank.
    options : TrainingOptions
        What is left to a rule is decided in those of the result.
    communicator : Communicator
    """
    if communicator.world_size == 1:
        return Share(samples, communicator, options)
    division = division_of(samples, options, communicator)
    options = replace(options, local_steps=division is Division.LOCAL)
    if division is not Division.COLUMNS:
        return Share(samples, communicator, options)
    gathered = gather_samples(communicator, samples)
    return Share(gathered, SINGLE_PROCESS, options, gathered=True)


def division_of(
    samples: Samples, options: TrainingOptions, communicator: Communicator
) -> Division:
    """How training is divided; the same on all ranks."""
    loss = samples.targets.loss(options.loss)
    if not goes_by_columns(loss, options):
        return Division.ROWS
    if options.local_steps:
        return Division.LOCAL
    sizes = Sizes.of(samples, communicator)
    if options.device == "auto" and sizes.work > CUDA_WORK and _has_cuda(communicator):
        return Division.ROWS
    fits = sizes.fits(communicator)
    may_be_local = options.local_steps is None and shards_are_alike(
        samples, communicator
    )
    pays = sizes.seconds_by_columns > 2 * sizes.seconds_local
    if may_be_local and (pays or not fits):
        return Division.LOCAL
    return Division.COLUMNS if fits else Division.ROWS


def n_exchanges(n_samples: int, n_shards: int) -> int:
    """How often local tables are combined in an epoch."""
    return max(N_EXCHANGES, -(-n_samples // (n_shards * SAMPLES_BETWEEN_EXCHANGES)))


@dataclass(frozen=True)
class Sizes:
    """What the seconds of an epoch depend on.

    Parameters
    ----------
    n_entries, n_samples : int
        Of all ranks.
    n_ids, width : int
        Of the table.
    world_size : int
    """

    n_entries: int
    n_samples: int
    n_ids: int
    width: int
    world_size: int

    @classmethod
    def of(cls, samples: Samples, communicator: Communicator) -> Sizes:
        """Sizes of the samples of all ranks."""
        own = np.array([len(samples), len(samples) * samples.X.mean_length])
        n_samples, n_entries = total(communicator, own).astype(np.int64).tolist()
        return cls(
            n_entries,
            n_samples,
            samples.X.n_ids,
            samples.targets.n_outputs,
            communicator.world_size,
        )

    @property
    def work(self) -> float:
        """Numbers that the epochs move."""
        return float(self.n_entries) * (self.width + 16) * N_EPOCHS

    @property
    def seconds_by_columns(self) -> float:
        """Gathering all entries, and all epochs of a share of the columns."""
        gathering = GATHER_SECONDS * self.n_entries
        columns = -(-self.width // self.world_size)
        return gathering + N_EPOCHS * self._epoch(self.n_entries, columns)

    @property
    def seconds_local(self) -> float:
        """All epochs of a share of the samples, with their exchanges."""
        table = 4 * self.n_ids * (self.width + 1)
        exchanges = n_exchanges(self.n_samples, self.world_size) * table
        epoch = self._epoch(self.n_entries / self.world_size, self.width)
        return N_EPOCHS * (epoch + exchanges * EXCHANGE_SECONDS)

    def fits(self, communicator: Communicator) -> bool:
        """Whether each rank has memory for the entries of all."""
        available = [b for b in communicator.all_gather(available_bytes()) if b]
        return ENTRY_BYTES * self.n_entries <= LARGEST_SHARE * min(
            available, default=np.inf
        )

    @staticmethod
    def _epoch(n_entries: float, n_columns: int) -> float:
        return n_entries * (ENTRY_SECONDS + COLUMN_SECONDS * n_columns)


def shards_are_alike(samples: Samples, communicator: Communicator) -> bool:
    """Whether each rank has enough samples, and all ranks the same mix of classes."""
    own = samples.targets.counts(samples.codes)
    counts: NDArray[np.int64] = np.stack(communicator.all_gather(own))
    n_samples = np.array(communicator.all_gather(len(samples)))
    n_classes = counts.shape[1]
    if n_samples.min() < max(MIN_SHARD, MIN_SAMPLES_PER_CLASS * n_classes):
        return False
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    of_all = counts.sum(axis=0) / max(counts.sum(), 1)
    distances = np.abs(shares - of_all).sum(axis=1) / 2
    by_chance = np.sqrt(n_classes / n_samples)
    return bool((distances <= MAX_CLASS_DISTANCE + by_chance).all())


def _has_cuda(communicator: Communicator) -> bool:
    # Imported here: most trainings do without torch.
    import torch

    return any(communicator.all_gather(torch.cuda.is_available()))
