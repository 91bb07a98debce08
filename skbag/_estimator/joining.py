"""How a call of ``fit`` joins those of other processes, or tells them that it cannot.

Without `distributed` nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from typing import Any, TypeVar

from sklearn.utils._param_validation import InvalidParameterError

from skbag._core.communicator import ALONE, Ranks

_Method = TypeVar("_Method", bound=Callable[..., Any])


def ranks_of(estimator: Any) -> AbstractContextManager[Ranks]:
    """Who fits an estimator together, for as long as a fit lasts."""
    if not estimator.distributed:
        return nullcontext(ALONE)
    from skbag._training.process_group import joined

    return joined()


def tells_bad_parameters(fit: _Method) -> _Method:
    """Decorate a ``fit`` whose parameters are checked before it can join others.

    They are in their fits already, and would wait.
    """

    @wraps(fit)
    def telling(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return fit(self, *args, **kwargs)
        except InvalidParameterError as error:
            if self.distributed is True:
                from skbag._training.process_group import tell_others

                tell_others(error)
            raise

    return telling  # type: ignore[return-value]
