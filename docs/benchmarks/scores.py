"""Scores of predictions, in numpy: the same code in every environment."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

BINS = 15


def accuracy(truth: Sequence[str], predicted: Sequence[str]) -> float:
    """Percentage of labels that are right."""
    right = sum(str(a) == str(b) for a, b in zip(truth, predicted, strict=True))
    return 100 * right / len(truth)


def log_loss(truth: Sequence[str], classes: Sequence[str], p: np.ndarray) -> float:
    """Mean of -ln of the probability given to the true class.

    A class that was never seen in training has probability 0, and 0 counts as 1e-15.
    """
    p = _normalised(p)
    column = {str(c): i for i, c in enumerate(classes)}
    given = [
        row[column[label]] if label in column else 0.0
        for row, label in zip(p, truth, strict=True)
    ]
    return float(-np.mean(np.log(np.clip(given, 1e-15, 1.0))))


def calibration_error(
    truth: Sequence[str], classes: Sequence[str], p: np.ndarray
) -> float:
    """Expected calibration error of the first choice, in 15 bins of equal width."""
    p = _normalised(p)
    first = p.argmax(axis=1)
    confidence = p[np.arange(len(p)), first]
    names = [str(c) for c in classes]
    pairs = zip(first, truth, strict=True)
    right = np.array([names[i] == label for i, label in pairs], dtype=float)
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, weights=right - confidence, minlength=BINS)
    return float(np.abs(gaps).sum() / len(p))


def geometric_mean(values: Sequence[float]) -> float:
    """Mean of ratios."""
    return math.exp(math.fsum(math.log(value) for value in values) / len(values))


def spread(values: Sequence[float]) -> float:
    """How much the largest is above the smallest, as a share of the smallest."""
    return max(values) / min(values) - 1


def _normalised(p: np.ndarray) -> np.ndarray:
    p = np.asarray(p, dtype=np.float64)
    return p / p.sum(axis=1, keepdims=True)
