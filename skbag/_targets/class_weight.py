"""The estimator's `class_weight`: a factor of samples, or of the labels they have."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_class_weight

_LARGEST_FLOAT = float(np.finfo(np.float64).max)


def total_weight(
    sample_weight: NDArray[np.float64] | None,
    class_weight: Any,
    classes: NDArray[Any],
    codes: NDArray[np.int64],
    counts: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Product of sample and class weights.

    `counts` are the numbers of samples of each class whose weight is not 0.
    """
    by_class = np.ones(len(classes))
    # A sample of weight 0 is as good as absent, so it does not count for "balanced".
    present = codes if sample_weight is None else codes[sample_weight > 0]
    if class_weight == "balanced":
        named = np.flatnonzero(counts)
        # As compute_class_weight does, which takes samples and no counts.
        by_class[named] = counts.sum() / (len(named) * counts[named])
    else:
        by_class[:] = compute_class_weight(
            class_weight, classes=classes, y=classes[present]
        )
    if not (np.isfinite(by_class) & (by_class >= 0)).all():
        raise ValueError(
            "class_weight must be finite and not negative, got "
            f"{dict(zip(classes.tolist(), by_class.tolist(), strict=True))}."
        )
    product = by_class[codes]
    largest = float(product.max(initial=0)) * len(codes)
    if sample_weight is not None:
        largest *= float(sample_weight.max(initial=0))
    if largest > _LARGEST_FLOAT:
        raise ValueError(
            "The sample weights times class_weight are too large for their sum to be "
            "finite. Only proportions matter to fit: scale them, for instance to 1 on "
            "average."
        )
    if sample_weight is not None:
        product = product * sample_weight
    if not product.any():
        raise ValueError(
            "The sample weights times class_weight are all zero: nothing is left to "
            "learn from. Give at least one class a positive weight."
        )
    return product


def label_weight(
    class_weight: Any, counts: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """Weight of having each label against not having it, or None where all are 1.

    "balanced" is ``(n - n_l) / n_l`` for a label that n_l of n samples have, the ratio
    of the two weights that ``compute_class_weight("balanced")`` gives the two classes
    of that label alone; 1 for a label that none or all have.

    Parameters
    ----------
    class_weight : dict, 'balanced' or None
    counts : ndarray of shape (n_labels + 1,), dtype=float64
        Number of samples with each label, and in the end of all samples.

    Returns
    -------
    weights : ndarray of shape (n_labels,), dtype=float64, or None

    Raises
    ------
    ValueError
        If a dict names what is no label, or gives it what is no weight.
    """
    if class_weight is None:
        return None
    n_with, n_labels = counts[:-1], len(counts) - 1
    weights = np.ones(n_labels)
    if class_weight == "balanced":
        n_without = counts[-1] - n_with
        both = (n_with > 0) & (n_without > 0)
        weights[both] = n_without[both] / n_with[both]
        return weights
    for label, weight in class_weight.items():
        if not isinstance(label, Integral) or not 0 <= int(label) < n_labels:
            raise ValueError(
                f"class_weight names {label!r}, but y has labels numbered 0 to "
                f"{n_labels - 1}, one per column. Pass a dict of label number to "
                "weight."
            )
        if not isinstance(weight, Real) or not 0 <= float(weight) < np.inf:
            raise ValueError(
                f"class_weight must be finite and not negative, got {weight!r} for "
                f"label {label}."
            )
        weights[int(label)] = float(weight)
    return weights
