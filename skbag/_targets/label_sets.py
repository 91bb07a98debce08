"""Label sets: what the codes of samples are where each may have several labels.

An indicator matrix as the two index arrays of its CSR form. Sliced and taken from by
rows like the (n_samples,) array of codes of samples with one class each, so that what
only hands codes on need not ask which they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class LabelSets:
    """The labels of each sample.

    Parameters
    ----------
    labels : ndarray of shape (nnz,), dtype=int64
        In ``[0, n_labels)``, ascending and unique within each sample.
    offsets : ndarray of shape (n_samples + 1,), dtype=int64
        Sample ``i`` has ``labels[offsets[i]:offsets[i + 1]]``.
    n_labels : int
    """

    labels: NDArray[np.int64]
    offsets: NDArray[np.int64]
    n_labels: int

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, rows: slice | NDArray[np.int64]) -> LabelSets:
        if not isinstance(rows, slice):
            return LabelSets.from_csr(self.to_csr()[rows])
        start, stop, _ = rows.indices(len(self))
        offsets = self.offsets[start : stop + 1]
        labels = self.labels[offsets[0] : offsets[-1]]
        return LabelSets(labels, offsets - offsets[0], self.n_labels)

    @classmethod
    def from_csr(cls, indicator: Any) -> LabelSets:
        """Sets of the rows of a matrix without explicit zeros or duplicates."""
        indicator.sort_indices()
        return cls(
            indicator.indices.astype(np.int64),
            indicator.indptr.astype(np.int64),
            indicator.shape[1],
        )

    def to_csr(self) -> sp.csr_array:
        """Return the indicator matrix, dtype=int64."""
        ones = np.ones(len(self.labels), dtype=np.int64)
        shape = (len(self), self.n_labels)
        return sp.csr_array((ones, self.labels, self.offsets), shape=shape)

    @property
    def rows(self) -> NDArray[np.int64]:
        """The sample of each of `labels`."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    def pairs(self) -> NDArray[np.int64]:
        """Sample and label of each label there is, (nnz, 2)."""
        return np.stack([self.rows, self.labels], axis=1)

    def counts(self, weights: NDArray[np.float64] | None = None) -> NDArray[Any]:
        """(Weighted) number of samples with each label, (n_labels,)."""
        if weights is not None:
            weights = weights[self.rows]
        return np.bincount(self.labels, weights, minlength=self.n_labels)


Codes: TypeAlias = NDArray[Any] | LabelSets
"""What `y` is encoded as: the class of each sample, int64; its labels; or its numbers,
float32 of shape (n_samples, n_outputs)."""


def as_array(codes: Codes) -> NDArray[Any]:
    """Codes as one array: classes, (nnz, 2) pairs of sample and label, or numbers."""
    return codes.pairs() if isinstance(codes, LabelSets) else codes


def one_each(codes: Codes) -> tuple[NDArray[np.int64] | None, NDArray[np.int64]]:
    """Samples taken once for each of their labels, and that label.

    Returns
    -------
    rows : ndarray of shape (nnz,), dtype=int64, or None
        Which sample; None where each has one class, and is taken once.
    codes : ndarray of shape (nnz,) or (n_samples,), dtype=int64
    """
    if isinstance(codes, LabelSets):
        return codes.rows, codes.labels
    return None, codes


def together(parts: list[Codes]) -> Codes:
    """Codes of samples that follow each other, all of one kind (at least one part)."""
    sets = [part for part in parts if isinstance(part, LabelSets)]
    if not sets:
        return np.concatenate([as_array(part) for part in parts])
    lengths = np.concatenate([np.diff(part.offsets) for part in sets])
    return LabelSets(
        np.concatenate([part.labels for part in sets]),
        np.concatenate([[0], np.cumsum(lengths)]),
        sets[0].n_labels,
    )
