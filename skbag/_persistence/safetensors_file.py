"""Files: one safetensors file for a fitted estimator, written whole or not at all.

The numbers are tensors, named by their place in the state; everything else is JSON in
the metadata of the header; one more tensor is a digest over all of it. Reading runs no
code from the file and trusts nothing in it.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import platform
import re
import secrets
import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import safetensors
import sklearn
from numpy.typing import NDArray

from skbag._persistence.packing import Arrays, CannotPack, Packer, unpack
from skbag._persistence.state import FORMAT
from skbag._text.pretrained import KeyedVectors
from skbag._text.static_embeddings import StaticEmbeddings
from skbag._text.text_encoder import is_text_encoder
from skbag._version import __version__
from skbag.exceptions import ModelFileError

LARGEST_HEADER = 2**24
"""Bytes of the header of a file, at most. JSON takes up to 25 times as much memory once
it is read; all that can be large is in tensors."""

_JSON, _DIGEST = "skbag", "sha256"

Target = str | os.PathLike[str] | BinaryIO
"""Where a file is: its path, or a binary file object at its place."""


def write_state(
    path: Target,
    state: dict[str, Any],
    replace_callable: Callable[[str, Any], Any],
    about: dict[str, Any],
) -> None:
    """Write serialisable state to a file, in place of an earlier one.

    What is no regular file, such as a pipe or a device, is written into.

    Parameters
    ----------
    path : str, path or binary file object
    state : dict
    replace_callable : callable
        See `Packer`.
    about : dict
        What a reader has to know before the state, beside format and versions.

    Raises
    ------
    CannotPack, ValueError
        If the state holds what a file cannot.
    OSError
        If the file cannot be written; an earlier one is as it was then.
    """
    from safetensors.numpy import save, save_file

    text, arrays = _tensors(state, replace_callable, about)
    if not isinstance(path, (str, os.PathLike)):
        check_file_object(path, "write")
        path.write(save(arrays, {_JSON: text}))
        return
    name = os.fspath(path)
    _check_folder(name)
    if os.path.exists(name) and not os.path.isfile(name):
        with open(name, "wb") as file:
            file.write(save(arrays, {_JSON: text}))
        return

    def write(temporary: str) -> None:
        try:
            save_file(arrays, temporary, {_JSON: text})
        except safetensors.SafetensorError as error:
            raise OSError(f"{name} cannot be written: {error}") from error

    _replace_file(name, write)


def size_of_state(
    state: dict[str, Any],
    replace_callable: Callable[[str, Any], Any],
    about: dict[str, Any],
) -> int:
    """Bytes of the file that `write_state` would write; parameters are its."""
    from safetensors.numpy import save

    text, arrays = _tensors(state, replace_callable, about)
    return len(save(arrays, {_JSON: text}))


def _tensors(
    state: dict[str, Any],
    replace_callable: Callable[[str, Any], Any],
    about: dict[str, Any],
) -> tuple[str, Arrays]:
    """JSON text and arrays of a file."""
    packer = Packer(replace_callable)
    packed, arrays = packer.pack(state, ""), packer.arrays
    content = {
        "format": FORMAT,
        "versions": {
            "skbag": __version__,
            "scikit-learn": sklearn.__version__,
            "numpy": np.__version__,
        },
        **about,
        "state": packed,
    }
    text = json.dumps(content, allow_nan=False, separators=(",", ":"))
    if len(text) > LARGEST_HEADER // 2:
        raise ValueError(
            f"The estimator holds {len(text) / 2**20:.0f} MiB that are neither numbers "
            f"nor long lists of strings; skbag.save stores {LARGEST_HEADER // 2**21} "
            "MiB of that. Use joblib.dump."
        )
    # A tensor: of several metadata safetensors keeps no order.
    arrays[_DIGEST] = _digest(text, arrays)
    return text, arrays


def read_state(
    path: Target,
    callables_of: Callable[[dict[str, Any]], dict[str, Any]],
) -> dict[str, Any]:
    """Read serialisable state from a file.

    Parameters
    ----------
    path : str, path or binary file object
    callables_of : callable
        Called with what stands beside the state; gives the functions to put in.

    Raises
    ------
    ModelFileError
        If the file is damaged, not of skbag or of a later format.
    OSError
        If it cannot be opened.
    """
    name = name_of_target(path)
    text, arrays = _read_tensors(path)
    try:
        content = json.loads(text)
        format_, versions = content["format"], content["versions"]
        writer = str(versions["skbag"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _damaged(name, f"its JSON cannot be read ({error!r:.200})") from error
    if type(format_) is not int or format_ < 1:
        raise _damaged(name, f"there is no format {format_!r:.50}")
    if format_ > FORMAT:
        raise ModelFileError(
            f"{name} is of format {format_}, written by skbag {writer}; skbag "
            f"{__version__} reads formats up to {FORMAT}. Install skbag {writer} or "
            "newer."
        )
    return {
        "about": content,
        "state": unpack(content.get("state"), arrays, callables_of(content)),
    }


def name_of_target(path: Target) -> str:
    """Return what messages call a file."""
    if isinstance(path, (str, os.PathLike)):
        return os.fspath(path)
    return f"<{type(path).__name__}>"


def check_file_object(file: Any, method: str) -> None:
    """Raise where something is neither a path nor a binary file object.

    Raises
    ------
    TypeError
    """
    if not hasattr(file, method) or hasattr(file, "encoding"):
        mode = "wb" if method == "write" else "rb"
        raise TypeError(
            "Files are paths or binary file objects, got "
            f"{type(file).__name__}. Pass a path, or open(path, {mode!r})."
        )


def _read_tensors(path: Target) -> tuple[str, Arrays]:
    """JSON text and arrays of a file, both as they were written."""
    name = name_of_target(path)
    try:
        if not isinstance(path, (str, os.PathLike)):
            check_file_object(path, "read")
            metadata, arrays = _tensors_of_bytes(name, path.read())
        elif os.path.exists(name) and not os.path.isfile(name):
            with open(name, "rb") as stream:
                metadata, arrays = _tensors_of_bytes(name, stream.read())
        else:
            _check_header(name)
            with safetensors.safe_open(name, framework="numpy") as file:
                metadata = file.metadata() or {}
                arrays = {key: file.get_tensor(key) for key in file.keys()}
    except (OSError, TypeError, ModelFileError):
        raise
    except Exception as error:
        # Some versions give what numpy makes of a hostile shape or type.
        raise _damaged(name, f"it is no safetensors file ({error!r:.200})") from error
    if _JSON not in metadata or _DIGEST not in arrays:
        raise ModelFileError(
            f"{name} is a safetensors file, but not one of skbag. Pass a file that "
            "skbag.save has written."
        )
    text, digest = metadata[_JSON], arrays.pop(_DIGEST)
    if digest.tobytes() != _digest(text, arrays).tobytes():
        raise _damaged(name, "its content is not what was written")
    return text, arrays


def _tensors_of_bytes(name: str, data: bytes) -> tuple[dict[str, str], Arrays]:
    """Metadata and arrays of the bytes of a file."""
    from safetensors.numpy import load

    length = int.from_bytes(data[:8], "little")
    _check_length(name, len(data), length)
    header = json.loads(data[8 : 8 + length])
    return header.get("__metadata__") or {}, load(data)


def _check_header(name: str) -> None:
    """Raise where the header says more than it may, before it is parsed."""
    with open(name, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        length = int.from_bytes(file.read(8), "little")
    _check_length(name, size, length)


def _check_length(name: str, size: int, length: int) -> None:
    if size < 8 or length > size - 8:
        raise _damaged(name, f"it ends after {size} bytes")
    if length > LARGEST_HEADER:
        raise _damaged(name, f"its header of {length} bytes is too large")


def _damaged(name: str, what: str) -> ModelFileError:
    return ModelFileError(
        f"{name} is damaged or not a file of skbag: {what}. Pass a file that "
        "skbag.save has written, undamaged."
    )


def _digest(text: str, arrays: Arrays) -> NDArray[np.uint8]:
    """Digest of all that a file says, in an order of its own."""
    digest = hashlib.sha256(text.encode("ascii", "replace"))
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(repr((name, array.dtype.str, array.shape)).encode())
        digest.update(np.ascontiguousarray(array).data.cast("B") if array.size else b"")
    return np.frombuffer(digest.digest(), dtype=np.uint8)


def _check_folder(name: str) -> None:
    """Raise where a file cannot be; the message names what was given."""
    folder = os.path.dirname(os.path.realpath(name))
    if not os.path.isdir(folder):
        raise FileNotFoundError(
            errno.ENOENT, f"There is no folder {folder!r}. Make it first", name
        )
    if os.path.isdir(name):
        raise IsADirectoryError(
            errno.EISDIR, "This is a folder. Name a file in it", name
        )
    if not os.path.exists(name) and not os.access(folder, os.W_OK):
        raise PermissionError(errno.EACCES, "Its folder cannot be written to", name)


def _replace_file(path: str, write: Callable[[str], None]) -> None:
    """Put a new file in the place of an old one: whichever is seen is whole.

    Written beside the target, so that renaming stays within one file system, and
    synced before: a crash leaves the old file or the new one. It is written in a folder
    of its own, as safetensors makes temporary files, too. What killed saves to the same
    path have left is removed first.
    """
    target = os.path.realpath(path)
    _remove_leftovers(target)
    folder = f"{target}.{_host()}-{os.getpid()}-{secrets.token_hex(4)}.tmp"
    os.mkdir(folder)
    temporary = os.path.join(folder, "new")
    try:
        # Made here: the permissions shall be those of any new file, or of the old one.
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        mode = os.stat(target if os.path.exists(target) else temporary).st_mode
        write(temporary)
        os.chmod(temporary, stat.S_IMODE(mode))
        with open(temporary, "r+b") as file:
            os.fsync(file.fileno())
        os.replace(temporary, target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    _sync_folder(os.path.dirname(target))


def _remove_leftovers(target: str) -> None:
    """Remove what saves to the same path have left whose process is gone."""
    folder, name = os.path.split(target)
    for entry in os.listdir(folder):
        pattern = rf"\.{_host()}-(\d+)-[0-9a-f]{{8}}\.tmp"
        match = re.fullmatch(pattern, entry.removeprefix(name))
        if match and entry.startswith(name) and not _is_running(int(match[1])):
            shutil.rmtree(os.path.join(folder, entry), ignore_errors=True)


def _host() -> str:
    """Return a name of this machine, among others that share its files."""
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def _is_running(process: int) -> bool:
    """Whether a process of this machine is running, as far as can be seen."""
    if os.name == "nt":  # There os.kill would end it.
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    return True


def _sync_folder(folder: str) -> None:
    """Make a renaming last; Windows has no such call and no such need."""
    if os.name != "nt":
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


CALLABLES = ("preprocessor", "tokenizer", "analyzer", "strip_accents", "text_encoder")
"""Parameters that may be functions, or objects that do as one."""

REQUESTING = ("fit", "partial_fit", "score")
"""Methods that take sample weights."""


@dataclass(frozen=True, eq=False)
class FileContent:
    """The arguments of `write_state`.

    Parameters
    ----------
    state : dict
        Serialisable state.
    replace_callable : callable
        See `Packer`.
    about : dict
        What a reader has to know before the state.
    names : dict of str to str
        The functions that no file can hold: parameter and name.
    has_callbacks : bool
        Whether callbacks are left out.
    source : str or None
        Kind of the object that `embedding_init` was, which is left out, if it was one:
        the model needs nothing of it.
    """

    state: dict[str, Any]
    replace_callable: Callable[[str, Any], Any]
    about: dict[str, Any]
    names: dict[str, str]
    has_callbacks: bool
    source: str | None = None

    @classmethod
    def of(cls, estimator: Any) -> FileContent:
        """Content for an estimator."""
        state = estimator.__getstate__()
        if isinstance(state["checkpoint"], os.PathLike):
            state["checkpoint"] = os.fspath(state["checkpoint"])
        functions = {
            name: state[name] for name in CALLABLES if _is_function(state, name)
        }
        names = {name: name_of(each) for name, each in functions.items()}
        about = {
            "estimator": type(estimator).__name__,
            "callables": names,
            "requests": _requests(state.pop("_metadata_request", None)),
        }
        for name in ("_skbag_version", "_skbag_format"):
            del state[name]
        has_callbacks = bool(state.pop("_skl_callbacks", None))
        source = None
        if isinstance(state["embedding_init"], (KeyedVectors, StaticEmbeddings)):
            source = type(state["embedding_init"]).__name__
            state["embedding_init"] = None

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

        return cls(state, replace, about, names, has_callbacks, source)


def _is_function(state: dict[str, Any], name: str) -> bool:
    """Whether a parameter is a function, or an encoder of texts."""
    value = state.get(name)
    return callable(value) or is_text_encoder(value)


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
