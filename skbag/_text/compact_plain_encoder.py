"""`PlainEncoder` without its terms: a feature is a fingerprint, its place its id."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.dtypes import ID_DTYPE
from skbag._text.analysis import check_parameters
from skbag._text.byte_tokenizer import hash_string
from skbag._text.features import FeatureKind, Role
from skbag._text.fingerprints import Fingerprints
from skbag._text.plain_encoder import PlainEncoder
from skbag._text.subwords import checked_range
from skbag._text.token_rules import parameters_of_state, state_of_parameters


class CompactPlainEncoder(PlainEncoder):
    """Encoder of some of the features of a `PlainEncoder`; learns none, names none.

    Made by `compact`. Ids ascend with the fingerprints of the features.
    """

    _fingerprints: Fingerprints

    @classmethod
    def compact(
        cls, encoder: PlainEncoder, ranked: NDArray[np.int32]
    ) -> tuple[CompactPlainEncoder, NDArray[np.int32]]:
        """Return an encoder of some features, and the old id of each of its own.

        Parameters
        ----------
        encoder : PlainEncoder
        ranked : ndarray of shape (n,), dtype=int32
            Ids, the most important first. Of features that share a fingerprint the
            first is kept.

        Raises
        ------
        ValueError
            If a feature is of a type that does not hash alike in every process.
        """
        keys = list(encoder._ids)
        hashes = np.fromiter(
            (hash_string(_bytes_of(keys[i])) for i in ranked.tolist()),
            dtype=np.uint64,
            count=len(ranked),
        )
        fingerprints, ids = Fingerprints.of_hashes(hashes)
        _, which = np.unique(ids, return_index=True)
        compacted = cls.__new__(cls)
        compacted._parameters = dict(encoder._parameters)
        compacted._short_text_features = encoder._short_text_features
        compacted._subword_ngram_range = encoder._subword_ngram_range
        compacted._fingerprints = fingerprints
        return compacted, ranked[which]

    @property
    def n_ids(self) -> int:
        """Number of features known."""
        return len(self._fingerprints)

    @property
    def kinds(self) -> NDArray[np.uint8]:
        """Refuse: fingerprints do not tell."""
        raise TypeError("a compact encoder does not know kinds of features")

    def learn(self, documents: Sequence[str]) -> Bags:
        """Refuse: a feature is known by its fingerprint, a new one cannot be told."""
        raise TypeError("a compact encoder learns no features")

    def select(self, ids: NDArray[np.int32]) -> PlainEncoder:
        """Refuse: ids are in the order of the fingerprints."""
        raise TypeError("a compact encoder cannot be made from another")

    def names(self) -> list[str]:
        """Refuse: fingerprints have no names."""
        raise TypeError("a compact encoder has no names")

    def _find(self, key: Hashable, kind: FeatureKind) -> int | None:
        found = self._find_bytes(_bytes_of(key))
        return None if found < 0 else found

    @cached_property
    def _find_bytes(self) -> Callable[[bytes], int]:
        return self._fingerprints.bytes_finder()

    def __getstate__(self) -> dict[str, Any]:
        """Plain state; part of what files and pickles of every version hold."""
        return {
            **state_of_parameters(self._parameters),
            "short_text_features": self._short_text_features,
            "subword_ngram_range": self._subword_ngram_range,
            "features": self._fingerprints.to_state(),
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._parameters = parameters_of_state(state)
        check_parameters(self._parameters)
        self._short_text_features = bool(state["short_text_features"])
        self._subword_ngram_range = checked_range(state.get("subword_ngram_range"))
        self._fingerprints = Fingerprints.from_state(state["features"])


def parts(encoder: PlainEncoder) -> NDArray[np.int32]:
    """Features that a text has, as a rule, that has this one: one token shorter.

    "to be or" has the parts "to be" and "be or"; n-grams of characters likewise.

    Returns
    -------
    parts : ndarray of shape (n_ids, 2), dtype=int32
        -1 for none.
    """
    ids: dict[Hashable, int] = encoder._ids
    split = {"word": _parts_of_words, "char": _parts_of_text, "char_wb": _parts_of_text}
    analyzer = encoder._parameters["analyzer"]
    parts_of = split.get(analyzer if isinstance(analyzer, str) else "", _no_parts)
    rows = [[ids.get(part, -1) for part in parts_of(key)] for key in ids]
    return np.array(rows, dtype=ID_DTYPE).reshape(len(ids), 2)


def _parts_of_words(key: Any) -> tuple[Hashable, Hashable]:
    if isinstance(key, str):
        tokens = key.split(" ")
        return " ".join(tokens[:-1]) or None, " ".join(tokens[1:]) or None
    if isinstance(key, tuple) and len(key) == 3 and key[0] is FeatureKind.SKIP:
        return key[1], key[2]
    if isinstance(key, tuple) and key[0] in (Role.FIRST, Role.LAST):
        return key[1], None
    return None, None


def _parts_of_text(key: Any) -> tuple[Hashable, Hashable]:
    return key[:-1], key[1:]


def _no_parts(key: Any) -> tuple[Hashable, Hashable]:
    return None, None


def _bytes_of(key: Hashable) -> bytes:
    """Bytes that stand for a feature, the same in every process.

    Terms are UTF-8, in which no byte is 0xff; all else starts with one.

    Raises
    ------
    ValueError
        If the feature is of a type that may not look the same elsewhere.
    """
    if isinstance(key, str):
        return key.encode("utf-8", "surrogatepass")
    if isinstance(key, bytes):
        return b"\xffb" + key
    if isinstance(key, (Role, FeatureKind)):
        return b"\xffr%d" % (key if isinstance(key, Role) else -1)
    if isinstance(key, (int, float, np.integer, np.floating)):
        # Equal numbers are one feature, whatever their types.
        is_whole = isinstance(key, (int, np.integer)) or float(key).is_integer()
        return b"\xffn" + repr(int(key) if is_whole else float(key)).encode()
    if isinstance(key, tuple):
        items = [_bytes_of(item) for item in key]
        return b"\xfft" + b"".join(b"%d:%s" % (len(item), item) for item in items)
    if key is None:
        return b"\xff0"
    raise ValueError(
        f"The analyzer gives features of type {type(key).__name__}, such as "
        f"{key!r:.80}; compressed models need strings, numbers, or tuples of them. "
        "Return those, fit again and compress."
    )
