"""What of an estimator goes into a file, and how many bytes that is."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from skbag._persistence.packing import CannotPack
from skbag._persistence.safetensors_file import size_of_state

CALLABLES = ("preprocessor", "tokenizer", "analyzer", "strip_accents")
"""Parameters that may be functions."""

REQUESTING = ("fit", "partial_fit", "score")
"""Methods that take sample weights."""


@dataclass(frozen=True, eq=False)
class FileContent:
    """The arguments of `write_state`.

    Parameters
    ----------
    state : dict
        Plain state.
    replace_callable : callable
        See `Packer`.
    about : dict
        What a reader has to know before the state.
    names : dict of str to str
        The functions that no file can hold: parameter and name.
    has_callbacks : bool
        Whether callbacks are left out.
    """

    state: dict[str, Any]
    replace_callable: Callable[[str, Any], Any]
    about: dict[str, Any]
    names: dict[str, str]
    has_callbacks: bool

    @classmethod
    def of(cls, estimator: Any) -> FileContent:
        """Content for an EmbeddingBagClassifier."""
        state = estimator.__getstate__()
        if isinstance(state["checkpoint"], os.PathLike):
            state["checkpoint"] = os.fspath(state["checkpoint"])
        functions = {name: state[name] for name in CALLABLES if callable(state[name])}
        names = {name: name_of(each) for name, each in functions.items()}
        about = {
            "estimator": "EmbeddingBagClassifier",
            "callables": names,
            "requests": _requests(state.pop("_metadata_request", None)),
        }
        for name in ("_skbag_version", "_skbag_format"):
            del state[name]
        has_callbacks = bool(state.pop("_skl_callbacks", None))

        def replace(place: str, function: Any) -> dict[str, str]:
            name = place.rpartition(".")[2]
            if name not in CALLABLES:
                raise CannotPack(
                    f"{place} is a function, which skbag.save cannot store."
                )
            if function is not functions.get(name):
                raise ValueError(
                    f"{name} was changed after the fit: the model was fitted with "
                    f"{name_of(function)}. Set it back, or fit again, before saving."
                )
            return {"$callable": name}

        return cls(state, replace, about, names, has_callbacks)


def file_size(estimator: Any) -> int:
    """Bytes of the file that `skbag.save` would write.

    Raises
    ------
    CannotPack, ValueError
        If it cannot be saved.
    """
    content = FileContent.of(estimator)
    return size_of_state(content.state, content.replace_callable, content.about)


def name_of(function: Any) -> str:
    """Module and name of a function, or of the class of an object that is called."""
    module = getattr(function, "__module__", None) or type(function).__module__
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    return f"{module}.{name}"


def _requests(metadata_request: Any) -> dict[str, dict[str, Any]]:
    """What was set by ``set_fit_request`` and its like, by method."""
    if metadata_request is None:
        return {}
    found = {m: getattr(metadata_request, m).requests for m in REQUESTING}
    return {method: dict(requests) for method, requests in found.items() if requests}
