"""Classes without a sample: next to no probability, until samples come.

Not in a part of a stream, whose later parts may have them; nor in clusters of so many
classes that each has next to none.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from skbag._model.predictor import Predictor

ABSENT = 30.0
"""How far below the others the score of a class without any sample ends."""


def without_absent(predictor: Predictor, counts: NDArray[np.int64]) -> Predictor:
    """Lower the intercepts of classes without a sample.

    Parameters
    ----------
    predictor : Predictor
        Of one class for each sample.
    counts : ndarray of shape (n_classes,), dtype=int64
        Number of samples of each.
    """
    absent = counts == 0
    if predictor.clusters is not None or not absent.any():
        return predictor
    *below, (coef, intercept) = predictor.layers
    if len(absent) == 2:
        absent = absent[1:]
        least = -ABSENT if absent[0] else ABSENT
        intercept = np.full_like(intercept, least)
    else:
        least = intercept[~absent].min(initial=0) - ABSENT
        intercept = np.where(absent, least, intercept).astype(intercept.dtype)
    return replace(predictor, layers=(*below, (coef, intercept)))


def with_present(predictor: Predictor, counts: NDArray[np.int64]) -> Predictor:
    """Undo `without_absent` where there are samples now.

    Steps of an intercept are small: it would not come back.
    """
    if predictor.clusters is not None:
        return predictor
    *below, (coef, intercept) = predictor.layers
    if len(intercept) == 1:
        restored = np.where(np.abs(intercept) == ABSENT, 0, intercept)
    else:
        usual = intercept[intercept >= intercept.max() - ABSENT / 2].min()
        is_back = (intercept < usual) & (counts > 0)
        restored = np.where(is_back, usual, intercept)
    return replace(predictor, layers=(*below, (coef, restored.astype(intercept.dtype))))
