"""Samples that a training is scored by after each epoch, and does not train on."""

from __future__ import annotations

import warnings

import numpy as np
import torch
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.communicator import Communicator, broadcast, concatenate_weights
from skbag._targets.label_sets import as_array
from skbag._training.plan import max_progressive_samples
from skbag._training.samples import Samples
from skbag._training.sharding import cut_positions, exchange_bags
from skbag._training.trainer import Trainer

MAX_AT_ONCE = 4096
"""Samples scored together: like batches, so that scores stay small."""


class Validation:
    """Samples of all ranks, in parts; each rank has the entries of its own rows.

    Parameters
    ----------
    samples : Samples
        Weighted bags, of this rank.
    communicator : Communicator
    """

    def __init__(self, samples: Samples, communicator: Communicator) -> None:
        self._samples = samples
        self._communicator = communicator
        step = min(MAX_AT_ONCE, max_progressive_samples(samples.targets.n_outputs))
        edges = cut_positions(communicator.all_gather(len(samples)), step)
        self._parts: list[tuple[Bags, NDArray[np.int64]]] = []
        for number in range(len(edges) - 1):
            some = edges[number : number + 2]
            own = samples.X.slice(*some[:, communicator.rank].tolist())
            self._parts.append((exchange_bags(communicator, own, some), some))

    def score(self, trainer: Trainer, device: torch.device) -> float:
        """Mean agreement of all ranks' samples with the state of a trainer so far."""
        samples, communicator, values = self._samples, self._communicator, []
        targets = samples.targets
        for part, edges in self._parts:
            scores = trainer.score(
                torch.from_numpy(part.ids).to(device),
                torch.from_numpy(part.offsets.astype(np.int32)).to(device),
                torch.from_numpy(part.weights).to(device),
                tuple((edges[1] - edges[0]).tolist()),
            )
            predictions = targets.predict_codes(scores.cpu().numpy())
            codes = samples.codes[slice(*edges[:, communicator.rank])]
            values.append(targets.sample_scores(predictions, codes))
        received = communicator.all_gather((np.concatenate(values), samples.weight))
        weights = concatenate_weights(
            [(len(each), weight) for each, weight in received]
        )
        each = np.concatenate([each for each, _ in received])
        return broadcast(communicator, float(np.average(each, weights=weights)))

    def arrays(self) -> list[NDArray[np.generic]]:
        """All that scores depend on."""
        found: list[NDArray[np.generic]] = [as_array(self._samples.codes)]
        for part, edges in self._parts:
            found += [part.ids, part.offsets, part.weights, edges]
        if self._samples.weight is not None:
            found.append(self._samples.weight)
        return found


def split_validation(
    strata: NDArray[np.int64] | None,
    n_samples: int,
    fraction: float,
    random_state: np.random.RandomState,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row numbers for training and for validation, stratified where possible.

    Parameters
    ----------
    strata : ndarray of shape (n_samples,), dtype=int64, or None
        Classes to have in both parts, if possible; None for a split at random.
    n_samples : int
    fraction : float
        Share of the samples to validate by.
    random_state : RandomState

    Raises
    ------
    ValueError
        If a part would be empty.

    Warns
    -----
    UserWarning
        Where a class is too small to stand in both parts.
    """
    # Imported here: prediction does not need it.
    from sklearn.model_selection import train_test_split

    n_validation = int(np.ceil(fraction * n_samples))
    if strata is not None and not _can_stratify(strata, n_validation):
        warnings.warn(
            "The validation samples of early_stopping are not stratified: "
            f"{n_validation} of {n_samples} samples cannot hold each of "
            f"{len(np.unique(strata))} classes, or a class has a single sample. Raise "
            "validation_fraction or merge rare classes.",
            UserWarning,
            stacklevel=2,
        )
        strata = None
    train, validation = train_test_split(
        np.arange(n_samples),
        test_size=fraction,
        stratify=strata,
        random_state=random_state,
    )
    return train, validation


def _can_stratify(strata: NDArray[np.int64], n_validation: int) -> bool:
    """Whether each class can stand in both parts."""
    counts = np.bincount(strata)
    smallest_part = min(n_validation, len(strata) - n_validation)
    return bool(
        counts[counts > 0].min() >= 2 and smallest_part >= np.count_nonzero(counts)
    )
