"""Putting back what checks of the input set for the whole program."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import numpy as np
import sklearn

_P = ParamSpec("_P")
_R = TypeVar("_R")


def keeps_global_settings(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Decorate a method that leaves two settings as they were, come what may.

    scikit-learn's configuration and numpy's error state are set around checks by
    context managers, which Ctrl-C may end between two steps of their own. So this
    belongs outside of all other decorators.
    """

    @wraps(function)
    def keeping(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        errors, config = np.geterr(), sklearn.get_config()

        def put_back() -> None:
            if np.geterr() != errors:
                np.seterr(**errors)
            if sklearn.get_config() != config:
                sklearn.set_config(**config)

        try:
            return function(*args, **kwargs)
        finally:
            # Twice: it is Ctrl-C that may have ended the first.
            try:
                put_back()
            finally:
                put_back()

    return keeping
