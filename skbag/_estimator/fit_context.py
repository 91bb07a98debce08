"""What surrounds a call of ``fit``: settings, callbacks and other processes.

Settings of numpy and scikit-learn are put back; scikit-learn's callbacks are called
where it has them (1.9 and later); a fit joins those of other processes.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np
import sklearn
from sklearn.utils._param_validation import InvalidParameterError

from skbag._core.communicator import SINGLE_PROCESS, Communicator

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


try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks

    HAS_CALLBACKS = True
except ImportError:
    HAS_CALLBACKS = False
    _Method = TypeVar("_Method", bound=Callable[..., Any])

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Nothing to support."""

    def with_callbacks(method: _Method) -> _Method:
        """Return the method as it is."""
        return method


__all__ = ["HAS_CALLBACKS", "CallbackSupportMixin", "EpochTasks", "with_callbacks"]


class EpochTasks:
    """The tasks that a fit announces: itself, and one after the other each epoch.

    Parameters
    ----------
    estimator : estimator
        The one being fitted, inside a method decorated by `with_callbacks`.
    max_epochs : int or None
        None where it is not known before training.
    data : dict
        What callbacks may ask for: `X`, `y` and `metadata`.
    """

    def __init__(
        self, estimator: Any, max_epochs: int | None, data: dict[str, Any]
    ) -> None:
        self._estimator = estimator
        self._data = data
        self._fit: Any = None
        self._epoch: Any = None
        if HAS_CALLBACKS:
            self._fit = estimator._init_callback_context(max_subtasks=max_epochs)
            self._fit.call_on_fit_task_begin(estimator=estimator, **data)

    @property
    def have_callbacks(self) -> bool:
        """Whether there is a callback."""
        return bool(getattr(self._estimator, "_skl_callbacks", None))

    def begin_epoch(self) -> None:
        """Announce an epoch."""
        if self._fit is not None:
            self._epoch = self._fit.subcontext(task_name="epoch")
            self._epoch.call_on_fit_task_begin(estimator=self._estimator, **self._data)

    def end_epoch(self, fitted_attributes: Callable[[], dict[str, Any]]) -> bool:
        """Announce its end.

        Parameters
        ----------
        fitted_attributes : callable
            Gives the attributes of the estimator as if training stopped now; called
            only if a callback wants them.

        Returns
        -------
        stop : bool
            Whether a callback asks to stop.
        """
        if self._epoch is None:
            return False
        return bool(
            self._epoch.call_on_fit_task_end(
                estimator=self._estimator,
                reconstruction_attributes=fitted_attributes,
                **self._data,
            )
        )

    def end_fit(self, fitted_attributes: Callable[[], dict[str, Any]]) -> None:
        """Announce the end of the fit."""
        if self._fit is not None:
            self._fit.call_on_fit_task_end(
                estimator=self._estimator,
                reconstruction_attributes=fitted_attributes,
                **self._data,
            )


_Fit = TypeVar("_Fit", bound=Callable[..., Any])


def communicator_of(estimator: Any) -> AbstractContextManager[Communicator]:
    """Who fits an estimator together, for as long as a fit lasts."""
    if not estimator.distributed:
        return nullcontext(SINGLE_PROCESS)
    from skbag._training.process_group import joined

    return joined()


def sends_parameter_errors(fit: _Fit) -> _Fit:
    """Decorate a ``fit`` whose parameters are checked before it can join others.

    They are in their fits already, and would wait.
    """

    @wraps(fit)
    def telling(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return fit(self, *args, **kwargs)
        except InvalidParameterError as error:
            if self.distributed:
                from skbag._training.process_group import send_error

                send_error(error)
            raise

    return telling  # type: ignore[return-value]
