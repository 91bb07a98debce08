"""How the estimator is pickled and copied: as serialisable state, with versions."""

from __future__ import annotations

import inspect
import warnings
from dataclasses import replace
from typing import Any, ClassVar, TypeVar

import numpy as np

from skbag._core.dtypes import native
from skbag._model.model import Model
from skbag._persistence.schema import check_state
from skbag._persistence.state import (
    FORMAT,
    model_from_state,
    model_state,
    resume_from_state,
    resume_state,
)
from skbag._persistence.target_state import targets_from_state, targets_state
from skbag._text.columns_encoder import ColumnsEncoder
from skbag._version import __version__
from skbag.exceptions import InconsistentVersionWarning, ModelFileError

_Estimator = TypeVar("_Estimator", bound="PlainStateMixin")


class PlainStateMixin:
    """Pickles the fitted model as serialisable state, of no private class."""

    _predicts_numbers: ClassVar[bool] = False
    """Whether `y` is numbers, not classes or labels."""

    def __getstate__(self) -> dict[str, Any]:
        """Parameters, fitted attributes and the model as serialisable state."""
        self._share_arrays()
        state: dict[str, Any] = dict(super().__getstate__())  # type: ignore
        state.pop("_vocabulary", None)
        if "_model" in state:
            state["_model"] = model_state(state["_model"])
        if "_resume" in state:
            state["_resume"] = resume_state(state["_resume"])
        if "_targets" in state:
            state["_targets"] = targets_state(state["_targets"])
        return {**state, "_skbag_version": __version__, "_skbag_format": FORMAT}

    def _share_arrays(self) -> None:
        """Let nothing change the arrays of the model in place from here on."""
        resume = vars(self).get("_resume")
        if resume is not None and resume.stream is not None:
            self._resume = replace(resume, stream=None)

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        version = state.pop("_skbag_version", "unknown")
        format_ = state.pop("_skbag_format", 0)
        if not 1 <= format_ <= FORMAT:
            raise ModelFileError(
                f"This {type(self).__name__} was pickled by skbag {version} in format "
                f"{format_}; skbag {__version__} reads formats 1 to {FORMAT}. Install "
                f"skbag {version}, or fit it again."
            )
        if version != __version__:
            warnings.warn(
                InconsistentVersionWarning(
                    estimator_name=type(self).__name__,
                    current_skbag_version=__version__,
                    original_skbag_version=version,
                ),
                stacklevel=2,
            )
        self._restore_state(state)

    def _restore_state(self, state: dict[str, Any]) -> None:
        """Become the estimator that the state is of; parameters new since get defaults.

        Raises
        ------
        ModelFileError
            If the state is not sound.
        """
        state = {**_defaults(type(self)), **state}
        if "temperature_" in state:
            # Its name before 0.1; it has always been the inverse.
            state["inverse_temperature_"] = state.pop("temperature_")
        for name, value in state.items():
            if isinstance(value, np.ndarray):
                state[name] = native(value)
        check_state(state)
        if "_model" in state:
            # Format 1 knew only classes at first.
            kind = state.get("_targets", {"kind": "classes"})
            state["_targets"] = targets_from_state(
                kind, state.get("classes_"), are_numbers=self._predicts_numbers
            )
            model = model_from_state(state["_model"], state["_targets"])
            n_ids, n_columns = (
                len(model.predictor.embedding),
                state.get("n_features_in_"),
            )
            if model.encoder is None and n_columns != n_ids:
                # Rows of the table would be read that are not there.
                raise ModelFileError(
                    f"This is not a sound model: {n_columns} columns, {n_ids} rows."
                )
            _check_columns(model, n_columns, state.get("feature_names_in_"))
            state["_model"] = model
            if "_resume" in state:
                state["_resume"] = resume_from_state(state["_resume"], model)
        vars(self).update(state)

    def __copy__(self: _Estimator) -> _Estimator:
        # Shares the model, which nothing changes: fits make a new one, and so does the
        # next part of a stream.
        self._share_arrays()
        copied = type(self).__new__(type(self))
        vars(copied).update(vars(self))
        vars(copied).pop("_vocabulary", None)
        return copied


def _check_columns(model: Model, n_columns: Any, names: Any) -> None:
    """Raise where columns of a data frame are others than those of the encoder."""
    if not isinstance(model.encoder, ColumnsEncoder):
        return
    own = [column.name for column in model.encoder.columns]
    if n_columns != len(own) or (
        names is not None and np.asarray(names).tolist() != own
    ):
        raise ModelFileError(
            f"This is not a sound model: features of the columns {own}, but "
            f"{n_columns!r:.30} columns named {names!r:.200}."
        )


def _defaults(estimator: type) -> dict[str, Any]:
    parameters = inspect.signature(estimator).parameters
    return {name: parameters[name].default for name in parameters}
