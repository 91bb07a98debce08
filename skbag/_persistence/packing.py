"""Serialisable state to JSON and arrays, and back; no code from a file is run.

Dicts, lists, tuples, sets, strings, numbers and numpy arrays keep their exact type.
Arrays, and long lists whose items are alike, become arrays with a name, which is their
place in the state; the rest is JSON, in which an object with one key that starts with
``$`` stands for what JSON has no word for.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._text.text_encoder import is_text_encoder
from skbag.exceptions import ModelFileError

LONG_LIST = 64
"""Longer lists become arrays if their items are alike."""

_LARGEST_CHARACTER = 0x10FFFF
_PLAIN_KINDS = "biuf"
_TIME_TYPE = re.compile(r"[mM]8(\[\d{0,6}(Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as)\])?")

Arrays = dict[str, NDArray[Any]]


class CannotPack(TypeError):
    """A value that no file can hold; the message names its place and type."""


class Packer:
    """Packs one state.

    Parameters
    ----------
    replace_callable : callable
        Called with the place of a function, or of an encoder of texts, in the state and
        the function; gives what is to be packed in its place, or raises.

    Attributes
    ----------
    arrays : dict of str to ndarray
        The arrays met so far: C-contiguous, little-endian numbers or flags.
    """

    def __init__(self, replace_callable: Callable[[str, Any], Any]) -> None:
        self.arrays: Arrays = {}
        self._replace_callable = replace_callable

    def pack(self, value: Any, place: str) -> Any:
        """Return what JSON can say of a value; arrays are put aside.

        Parameters
        ----------
        value : object
        place : str
            Where in the state the value is; it becomes the name of arrays.

        Raises
        ------
        CannotPack
            If the value is neither plain nor a function.
        """
        kind = type(value)
        if value is None or kind in (bool, int, str):
            return value
        if kind is float:
            # As text: JSON has no infinities, and repr is exact.
            return value if np.isfinite(value) else {"$float": repr(value)}
        if kind is dict:
            return self._pack_dict(value, place)
        if kind is list:
            return self._pack_list(value, place)
        if kind is tuple:
            return {"$tuple": self._pack_list(list(value), place)}
        if kind in (set, frozenset):
            return {"$set": self._pack_list(sorted(value, key=repr), place)}
        if isinstance(value, np.ndarray):
            return self._pack_array(value, place)
        if isinstance(value, np.generic):
            return {"$scalar": self._pack_array(np.asarray(value), place)}
        if kind is np.random.RandomState and _is_mersenne_twister(value):
            return {"$random_state": self.pack(value.get_state(legacy=True), place)}
        if callable(value) or is_text_encoder(value):
            return self._replace_callable(place, value)
        raise CannotPack(
            f"{place} is {value!r:.80} of type {kind.__name__}, which skbag.save "
            "cannot store: it takes numbers, strings, arrays and lists, tuples, sets "
            "and dicts of them. Change it, or use joblib.dump."
        )

    def _pack_dict(self, value: dict[Any, Any], place: str) -> Any:
        if all(type(key) is str and not key.startswith("$") for key in value):
            if len(value) <= LONG_LIST:
                return {
                    key: self.pack(v, _join(place, key)) for key, v in value.items()
                }
        keys = self._pack_list(list(value), _join(place, "keys"))
        return {"$dict": [keys, self._pack_list(list(value.values()), place)]}

    def _pack_list(self, value: list[Any], place: str) -> Any:
        if len(value) > LONG_LIST:
            kinds = set(map(type, value))
            if kinds == {str}:
                return self._put_strings(value, place)
            if kinds == {float} or (kinds == {int} and _fit_64_bits(value)):
                return {"$list": self._put(np.array(value), place)}
            if kinds == {tuple} and len(set(map(len, value))) == 1:
                columns = zip(*value, strict=True)
                return {
                    "$rows": [
                        self._pack_list(list(column), _join(place, i))
                        for i, column in enumerate(columns)
                    ]
                }
        return [self.pack(item, _join(place, i)) for i, item in enumerate(value)]

    def _pack_array(self, value: NDArray[Any], place: str) -> Any:
        dtype, shape = value.dtype, list(value.shape)
        if dtype.kind in _PLAIN_KINDS and dtype.itemsize <= 8:
            return {"$array": self._put(value, place)}
        if dtype.kind == "U":
            # As code points: no character is beyond what UTF-32 can say.
            if dtype.itemsize == 0:
                return self._pack_array(value.astype("U1"), place)
            flat = np.ascontiguousarray(value.ravel(), dtype.newbyteorder("="))
            points = flat.view(np.uint32).reshape(value.size, dtype.itemsize // 4)
            return {"$text": self._put(points, place), "shape": shape}
        if dtype.kind in "mM":
            name = self._put(value.astype(np.int64), place)
            return {"$time": name, "dtype": dtype.newbyteorder("=").str[1:]}
        if dtype.kind in "OT":
            items = self._pack_list(value.ravel().tolist(), place)
            return {"$objects": items, "shape": shape, "kind": dtype.kind}
        raise CannotPack(
            f"{place} is an array of dtype {dtype}, which skbag.save cannot store. Use "
            "joblib.dump."
        )

    def _put_strings(self, value: list[str], place: str) -> Any:
        # Line ends and lone surrogates may be in them: lengths say where each ends.
        encoded = [text.encode("utf-8", "surrogatepass") for text in value]
        lengths = np.fromiter(map(len, encoded), np.int64, len(encoded))
        data = np.frombuffer(b"".join(encoded), dtype=np.uint8)
        return {
            "$strings": self._put(data, _join(place, "text")),
            "lengths": self._put(lengths, _join(place, "lengths")),
        }

    def _put(self, array: NDArray[Any], place: str) -> str:
        little = array.dtype.newbyteorder("<")
        self.arrays[place] = np.asarray(array, dtype=little, order="C")
        return place


def unpack(packed: Any, arrays: Arrays, callables: dict[str, Any]) -> Any:
    """Make the state that was packed.

    Parameters
    ----------
    packed : object
        As parsed from JSON.
    arrays : dict of str to ndarray
    callables : dict of str to callable
        What stands for ``{"$callable": name}``.

    Raises
    ------
    ModelFileError
        If it was not made by a `Packer`.
    """
    try:
        return _Unpacker(arrays, callables).unpack(packed)
    except ModelFileError:
        raise
    except Exception as error:
        # Whatever a damaged file makes of the calls below is one error to the caller.
        raise ModelFileError(
            f"The file is damaged: its content cannot be put together ({error!r:.200})."
        ) from error


class _Unpacker:
    def __init__(self, arrays: Arrays, callables: dict[str, Any]) -> None:
        self._arrays = arrays
        self._callables = callables

    def unpack(self, packed: Any) -> Any:
        if isinstance(packed, list):
            return [self.unpack(item) for item in packed]
        if not isinstance(packed, dict):
            return packed
        word = next((key for key in packed if key.startswith("$")), None)
        if word is None:
            return {key: self.unpack(value) for key, value in packed.items()}
        return getattr(self, f"_make_{word[1:]}")(packed[word], packed)

    def _make_float(self, value: Any, _: Any) -> float:
        return {"inf": np.inf, "-inf": -np.inf, "nan": np.nan}[value]

    def _make_tuple(self, value: Any, _: Any) -> tuple[Any, ...]:
        return tuple(self._list(value))

    def _make_set(self, value: Any, _: Any) -> set[Any]:
        return set(self._list(value))

    def _make_dict(self, value: Any, _: Any) -> dict[Any, Any]:
        keys, values = map(self._list, value)
        return dict(zip(keys, values, strict=True))

    def _make_list(self, value: Any, _: Any) -> list[Any]:
        numbers: list[Any] = self._array(value, "if", 1).tolist()
        return numbers

    def _make_rows(self, value: Any, _: Any) -> list[Any]:
        return list(zip(*map(self._list, value), strict=True))

    def _make_strings(self, value: Any, packed: Any) -> list[str]:
        data = self._array(value, "u", 1).tobytes()
        lengths = self._array(packed["lengths"], "i", 1)
        if lengths.min(initial=0) < 0 or lengths.sum() != len(data):
            raise ValueError("strings and their lengths do not fit")
        ends = np.cumsum(lengths).tolist()
        starts = [0, *ends[:-1]]
        return [
            data[start:end].decode("utf-8", "surrogatepass")
            for start, end in zip(starts, ends, strict=True)
        ]

    def _make_array(self, value: Any, _: Any) -> NDArray[Any]:
        return self._arrays[value]

    def _make_scalar(self, value: Any, _: Any) -> Any:
        return self.unpack(value)[()]

    def _make_text(self, value: Any, packed: Any) -> NDArray[Any]:
        points = self._array(value, "u", 2)
        if points.max(initial=0) > _LARGEST_CHARACTER:
            raise ValueError("characters beyond Unicode")
        width = points.shape[1]
        if width == 0:
            raise ValueError("texts of fewer bytes than characters")
        texts = np.ascontiguousarray(points, dtype=np.uint32).view(f"U{width}")
        return texts.reshape(packed["shape"])

    def _make_time(self, value: Any, packed: Any) -> NDArray[Any]:
        # A string of numpy's may describe any type, of any size.
        if not _TIME_TYPE.fullmatch(packed["dtype"]):
            raise ValueError("not a type of times")
        return self._array(value, "i").astype(np.dtype(packed["dtype"]))

    def _make_objects(self, value: Any, packed: Any) -> NDArray[Any]:
        items = self._list(value)
        if packed["kind"] == "T":
            array: NDArray[Any] = np.array(items, dtype=np.dtypes.StringDType())
        else:
            # Filled one by one: numpy would look into items that are sequences.
            array = np.empty(len(items), dtype=object)
            for i, item in enumerate(items):
                array[i] = item
        return array.reshape(packed["shape"])

    def _make_random_state(self, value: Any, _: Any) -> np.random.RandomState:
        name, keys, position, has_gauss, gauss = self.unpack(value)
        keys = np.asarray(keys)
        # numpy does not look: it would draw from beyond the keys.
        if not (
            name == "MT19937"
            and keys.shape == (624,)
            and keys.dtype.kind in "iu"
            and 0 <= keys.min() <= keys.max() < 2**32
            and type(position) is type(has_gauss) is int
            and 0 <= position <= 624
            and has_gauss in (0, 1)
            and np.isfinite(gauss)
        ):
            raise ValueError("not the state of a random generator")
        random_state = np.random.RandomState()
        random_state.set_state((name, keys, position, has_gauss, gauss))
        return random_state

    def _make_callable(self, value: Any, _: Any) -> Any:
        return self._callables[value]

    def _list(self, packed: Any) -> list[Any]:
        items = self.unpack(packed)
        if not isinstance(items, list):
            raise ValueError("not a list")
        return items

    def _array(self, name: Any, kinds: str, ndim: int | None = None) -> NDArray[Any]:
        array = self._arrays[name]
        if array.dtype.kind not in kinds or (ndim is not None and array.ndim != ndim):
            raise ValueError(f"{name} is not the array it should be")
        return array


def _join(place: str, key: Any) -> str:
    return f"{place}.{key}" if place else str(key)


def _is_mersenne_twister(random_state: np.random.RandomState) -> bool:
    """Whether it is of the one bit generator whose state has a layout of its own."""
    return bool(random_state.get_state(legacy=False)["bit_generator"] == "MT19937")


def _fit_64_bits(numbers: list[int]) -> bool:
    return -(2**63) <= min(numbers) and max(numbers) < 2**63
