"""The public functions that write an estimator to a file and read it back."""

from __future__ import annotations

import os
import warnings
from typing import Any

import sklearn
from sklearn.utils._param_validation import InvalidParameterError

from skbag._classifier import EmbeddingBagClassifier
from skbag._core.threads import n_threads
from skbag._estimator.embedding_bag import BaseEmbeddingBag
from skbag._persistence.fields import UNSOUND
from skbag._persistence.safetensors_file import (
    CALLABLES,
    REQUESTING,
    FileContent,
    Target,
    name_of_target,
    read_state,
    write_state,
)
from skbag._persistence.schema import ATTRIBUTES
from skbag._regressor import EmbeddingBagRegressor
from skbag._text.text_encoder import is_text_encoder
from skbag.exceptions import ModelFileError

ESTIMATORS: dict[str, type[BaseEmbeddingBag]] = {
    kind.__name__: kind for kind in (EmbeddingBagClassifier, EmbeddingBagRegressor)
}
"""The estimators that files may hold, by the name in the file."""


def save(estimator: BaseEmbeddingBag, path: Target) -> None:
    """Write an estimator, fitted or not, to one file that any machine can load.

    A safetensors file: numbers as tensors, the rest as JSON in its header, and a
    digest. An earlier file at `path` is replaced in one step, after the new one is
    safely on disk: at whatever moment the process is killed, `path` is the old file or
    the new one.

    .. versionadded:: 0.1

    Parameters
    ----------
    estimator : EmbeddingBagClassifier or EmbeddingBagRegressor
        Functions among its parameters (`tokenizer`, `preprocessor`, `analyzer`,
        `strip_accents`) and the `text_encoder` cannot be stored: they are to be passed
        to `load`.
    path : str, path-like or binary file object
        By custom it ends in ``.safetensors``. A link is followed. What is no regular
        file (a pipe, a device) is written into, and so is a file object, from where it
        stands.

    Raises
    ------
    TypeError
        If it is neither of these estimators, or a parameter or label is of a type
        that no file can hold; the message says which.
    ValueError
        If a function was changed after `fit`.
    OSError
        If the file cannot be written; an earlier one is left as it was.

    Warns
    -----
    UserWarning
        If functions have to be passed to `load`; or callbacks, or an object of vectors
        as `embedding_init`, are left out.

    See Also
    --------
    load : Read the file.

    Examples
    --------
    >>> import os, tempfile
    >>> import skbag
    >>> clf = skbag.EmbeddingBagClassifier(random_state=0)
    >>> clf = clf.fit(["my parcel is late", "refund my money"], ["delivery", "payment"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.safetensors")
    ...     skbag.save(clf, path)
    ...     skbag.load(path).predict(["where is my parcel"])
    array(['delivery'], dtype='<U8')
    """
    if type(estimator) not in ESTIMATORS.values():
        raise TypeError(
            "skbag.save stores an EmbeddingBagClassifier or EmbeddingBagRegressor, got "
            f"{type(estimator).__name__}. Pass the estimator alone, for instance "
            "pipeline[-1], or use joblib.dump."
        )
    content = FileContent.of(estimator)
    write_state(path, content.state, content.replace_callable, content.about)
    if content.names:
        warnings.warn(
            "Functions cannot be stored in a file. Pass them when loading: "
            f"skbag.load(path, {_as_arguments(content.names)}).",
            UserWarning,
            stacklevel=2,
        )
    if content.has_callbacks:
        warnings.warn(
            "Callbacks cannot be stored in a file: set them again after loading.",
            UserWarning,
            stacklevel=2,
        )
    if content.source is not None:
        warnings.warn(
            f"The {content.source} of embedding_init is left out of the file: the "
            "model needs nothing of it. To fit again, set it after loading; "
            "set_params(embedding_init=None) before saving says that this is meant.",
            UserWarning,
            stacklevel=2,
        )


def load(path: Target, **callables: Any) -> Any:
    """Read an estimator from a file that `save` has written.

    No code from the file is run, whatever is in it, and what is in it is checked: a
    damaged file raises. Files written by older versions are read by all newer ones.

    .. versionadded:: 0.1

    Parameters
    ----------
    path : str, path-like or binary file object
        File on this machine; a file object is read from where it stands to its end.
    **callables : callable or object
        The functions that the estimator had as parameters when it was saved, by name:
        `tokenizer`, `preprocessor`, `analyzer`, `strip_accents`; and the
        `text_encoder`.

    Returns
    -------
    estimator : EmbeddingBagClassifier or EmbeddingBagRegressor
        It predicts the same, bit for bit, as the one that was saved, and goes on
        learning from where that one was.

    Raises
    ------
    ModelFileError
        If the file is damaged, not of skbag, or of a later format than this version
        reads.
    TypeError
        If a function is missing or not wanted.
    OSError
        If the file cannot be opened.

    Warns
    -----
    UserWarning
        If the file names paths as `checkpoint` or `embedding_init`, which are left out:
        a file is not to say what the next fit reads and writes.
    """
    name = name_of_target(path)

    def functions(about: dict[str, Any]) -> dict[str, Any]:
        return _wanted(name, about.get("callables"), callables)

    content = read_state(path, functions)
    about, state = content["about"], content["state"]
    kind = ESTIMATORS.get(str(about.get("estimator")))
    if kind is None or type(state) is not dict:
        raise ModelFileError(f"{name} does not hold an estimator of skbag.")
    # An attribute of that name would hide a method, or what is made when it is needed.
    private = [key for key in state if str(key).startswith("_")]
    hidden = [key for key in state if type(key) is not str or hasattr(kind, key)]
    hidden += sorted(set(private) - ATTRIBUTES.keys())
    if hidden:
        raise ModelFileError(f"{name} sets {hidden[0]!r:.50}.")
    estimator = kind.__new__(kind)
    try:
        estimator._restore_state(state)
    except ModelFileError:
        raise
    except UNSOUND as error:
        raise ModelFileError(
            f"{name} does not hold a sound model: {error!r:.200}. Save the estimator "
            "again, or take an undamaged copy."
        ) from error
    try:
        estimator._validate_params()
        _set_requests(estimator, about.get("requests") or {})
        _check_sizes(estimator.get_params(deep=False))
    except (InvalidParameterError, TypeError, ValueError, AttributeError) as error:
        raise ModelFileError(
            f"{name} holds parameters that do not exist: {error}"
        ) from error
    _forget_paths(estimator)
    return estimator


def _check_sizes(parameters: dict[str, Any]) -> None:
    """Raise where a parameter is a number that no computation could take."""
    for name, value in parameters.items():
        for item in value if isinstance(value, (tuple, list)) else (value,):
            if isinstance(item, int) and not -(2**63) <= item < 2**63:
                raise ValueError(f"{name} is an integer of {item.bit_length()} bits")
    n_threads(parameters["n_jobs"])


def _forget_paths(estimator: BaseEmbeddingBag) -> None:
    """Do not let a file say where the next fit is to read and write."""
    for name in ("checkpoint", "embedding_init"):
        value = getattr(estimator, name)
        if isinstance(value, (str, os.PathLike)):
            setattr(estimator, name, None)
            warnings.warn(
                f"{name}={os.fspath(value)!r:.200} stands in the file, where anybody "
                "may have written it, and is left out. If the next fit is to use that "
                f"path, set it: set_params({name}=...).",
                UserWarning,
                stacklevel=3,
            )


def _wanted(path: str, names: Any, given: dict[str, Any]) -> dict[str, Any]:
    """Return the functions given, if they are those that the file lacks."""
    if not isinstance(names, dict) or not set(names) <= set(CALLABLES):
        raise ModelFileError(f"{path} lacks functions that do not exist.")
    missing = {name: names[name] for name in names if name not in given}
    if missing:
        raise TypeError(
            f"{path} was saved without its functions, which no file can "
            f"hold. Pass them: skbag.load(path, {_as_arguments(missing)})."
        )
    if surplus := sorted(set(given).difference(names)):
        raise TypeError(
            f"{path} has no function {surplus[0]!r}; it was saved with "
            f"{sorted(names) or 'none'}. Change parameters after loading, with "
            "set_params."
        )
    for name, function in given.items():
        is_encoder = name == "text_encoder" and is_text_encoder(function)
        if not (callable(function) or is_encoder):
            raise TypeError(f"{name} must be a function, got {function!r:.80}.")
    return given


def _as_arguments(names: dict[str, str]) -> str:
    return ", ".join(f"{parameter}={name}" for parameter, name in names.items())


def _set_requests(estimator: Any, requests: dict[str, dict[str, Any]]) -> None:
    for method, of_method in requests.items():
        if method not in REQUESTING:
            raise ValueError(f"there is no method {method!r:.50} that takes metadata")
        with sklearn.config_context(enable_metadata_routing=True):
            getattr(estimator, f"set_{method}_request")(**of_method)
