"""Small encoders that only read: what `compress` makes of those that learn.

A string is a fingerprint, its place its id. Features of the default tokens stay pairs
of ids, exact among the known strings, and take two bytes each or less. What strings are
for besides names, the affixes of words, is made of the words of the texts instead.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.dtypes import ID_DTYPE
from skbag._core.elias_fano import Packed, pack_sorted, unpack_sorted
from skbag._text.analyzers import Occurrence
from skbag._text.documents import Documents
from skbag._text.encoder import Encoder
from skbag._text.feature_keys import FIRST_ROLE, SKIP, features_in_role, pack, unpack
from skbag._text.features import FeatureKind, Role
from skbag._text.fingerprints import Fingerprints
from skbag._text.hashing import hash_string, hash_strings
from skbag._text.plain_encoder import PlainAnalysis, PlainEncoder
from skbag._text.vocabulary_encoder import (
    NEVER,
    VocabularyEncoder,
    VocabularyOptions,
    empty_vocabulary,
    known_occurrences,
)


class CompactVocabularyEncoder:
    """Encoder of some of the features of a `VocabularyEncoder`; only reads.

    Made by `compact`. Ids ascend with the keys of the features.

    Parameters
    ----------
    options : VocabularyOptions
    strings : Fingerprints
    keys : ndarray of shape (n_ids,), dtype=uint64
        Of the features.
    """

    def __init__(
        self,
        options: VocabularyOptions,
        strings: Fingerprints,
        keys: NDArray[np.uint64],
    ) -> None:
        self.options = options
        self.n_ids = len(keys)
        self._strings = strings
        self._keys = keys
        # Without the strings themselves, affixes and subwords are made of the words of
        # the texts.
        self._vocabulary = empty_vocabulary(options)
        self._vocabulary.set_fingerprints(strings.values, strings.bits)
        self._vocabulary.set_features(keys)

    @classmethod
    def compact(
        cls, encoder: VocabularyEncoder, ranked: NDArray[np.int32]
    ) -> tuple[CompactVocabularyEncoder, NDArray[np.int32]]:
        """Return an encoder of some features, and the old id of each of its own.

        Parameters
        ----------
        encoder : VocabularyEncoder
        ranked : ndarray of shape (n,), dtype=int32
            Ids, the most important first. Where two strings share a fingerprint,
            features that differ by them become one: the first.
        """
        left, right = unpack(encoder.keys[ranked])
        is_pair = left < FIRST_ROLE
        skip = left[is_pair] & SKIP
        first = left[is_pair] - skip
        needed = np.unique(np.concatenate([first, right]))
        strings = encoder.strings
        hashes = hash_strings([strings[i] for i in needed.tolist()])
        fingerprints, new_ids = Fingerprints.of_hashes(hashes)
        right = new_ids[np.searchsorted(needed, right)]
        left[is_pair] = new_ids[np.searchsorted(needed, first)] | skip
        keys, which = np.unique(pack(left, right), return_index=True)
        return cls(encoder.options, fingerprints, keys), ranked[which]

    @property
    def releases_gil(self) -> bool:
        """Yes: nothing of a string but its memory is looked at."""
        return True

    def encode(self, documents: Sequence[str]) -> Bags:
        """Count known features; see `Encoder`."""
        options = self.options
        texts = Documents(tuple(documents), options.lowercase, options.replace, NEVER)
        return Bags(*self._vocabulary.encode(texts, self.n_ids), self.n_ids)

    def occurrences(self, text: str) -> Iterator[tuple[int, Occurrence]]:
        """Find known features; see `Encoder`."""
        return known_occurrences(self.options, self._vocabulary, self.n_ids, text)

    def __getstate__(self) -> dict[str, Any]:
        """Serialisable state; part of what files and pickles of every version hold.

        Features are in groups: bigrams, skip pairs, then those of each role.
        """
        keys, n = self._keys, len(self._strings)
        left, right = unpack(keys)
        groups = []
        for first, n_left in _groups(n):
            group = slice(*np.searchsorted(left, [first, first + n_left]))
            numbers = (left[group] - first) * n + right[group]
            groups.append(pack_sorted(numbers.astype(np.uint64), n_left * n))
        return {
            **self.options.state(),
            "strings": self._strings.to_state(),
            "features": groups,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        options = VocabularyOptions.from_state(state)
        strings = Fingerprints.from_state(state["strings"])
        n = len(strings)
        keys = []
        # Later versions may know more roles.
        for (first, n_left), packed in zip(_groups(n), state["features"], strict=False):
            numbers = unpack_sorted(packed, n_left * n).astype(np.int64)
            keys.append(pack(numbers // max(n, 1) + first, numbers % max(n, 1)))
        if len(state["features"]) > len(keys):
            raise ValueError("features in unknown roles")
        CompactVocabularyEncoder.__init__(self, options, strings, np.concatenate(keys))


def vocabulary_backoffs(encoder: VocabularyEncoder) -> NDArray[np.int32]:
    """Back-off features of each: those that a text must have that has it.

    Those of a pair are its words, that of a first or last word the word; of three
    tokens or more the last.

    Returns
    -------
    backoffs : ndarray of shape (n_ids, 2), dtype=int32
        -1 for none.
    """
    keys = encoder.keys
    left, right = unpack(keys)
    of_word = features_in_role(keys, Role.TOKEN, len(encoder.strings))
    backoffs = np.full((len(left), 2), -1, dtype=ID_DTYPE)
    is_pair = np.flatnonzero(left < FIRST_ROLE)
    backoffs[is_pair, 0] = of_word[left[is_pair] & ~SKIP]
    backoffs[is_pair, 1] = of_word[right[is_pair]]
    is_edge = (left == FIRST_ROLE + Role.FIRST) | (left == FIRST_ROLE + Role.LAST)
    backoffs[is_edge, 0] = of_word[right[is_edge]]
    return backoffs


def _groups(n_strings: int) -> list[tuple[int, int]]:
    """First left half and number of left halves of each group of keys, ascending."""
    return [
        (0, n_strings),
        (SKIP, n_strings),
        *((FIRST_ROLE + role, 1) for role in Role),
    ]


class CompactPlainEncoder:
    """Encoder of some of the features of a `PlainEncoder`; only reads.

    Made by `compact`. A feature is a fingerprint, its id the place of that.

    Parameters
    ----------
    analysis : PlainAnalysis
    fingerprints : Fingerprints
    """

    def __init__(self, analysis: PlainAnalysis, fingerprints: Fingerprints) -> None:
        self._analysis = analysis
        self._fingerprints = fingerprints

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
        keys = list(encoder.ids)
        hashes = np.fromiter(
            (hash_string(_bytes_of(keys[i])) for i in ranked.tolist()),
            dtype=np.uint64,
            count=len(ranked),
        )
        fingerprints, ids = Fingerprints.of_hashes(hashes)
        _, which = np.unique(ids, return_index=True)
        return cls(encoder.analysis, fingerprints), ranked[which]

    @property
    def n_ids(self) -> int:
        """Number of features known."""
        return len(self._fingerprints)

    @property
    def releases_gil(self) -> bool:
        """No: plain Python holds the interpreter's lock."""
        return False

    def encode(self, documents: Sequence[str]) -> Bags:
        """Count known features; see `Encoder`."""
        return Bags(*self._analysis.count(documents, self._find), self.n_ids)

    def occurrences(self, text: str) -> Iterator[tuple[int, Occurrence]]:
        """Find known features; see `Encoder`."""
        return self._analysis.occurrences(text, self._find)

    def _find(self, key: Hashable, kind: FeatureKind) -> int | None:
        id_ = self._find_bytes(_bytes_of(key))
        return None if id_ < 0 else id_

    @cached_property
    def _find_bytes(self) -> Callable[[bytes], int]:
        return self._fingerprints.finder()

    def __getstate__(self) -> dict[str, Any]:
        """Serialisable state; part of what files and pickles of every version hold."""
        return {**self._analysis.state(), "features": self._fingerprints.to_state()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._analysis = PlainAnalysis.from_state(state)
        self._fingerprints = Fingerprints.from_state(state["features"])


def plain_backoffs(encoder: PlainEncoder) -> NDArray[np.int32]:
    """Back-off features of each: those that a text has, as a rule, that has it.

    "to be or" backs off to "to be" and "be or"; n-grams of characters likewise.

    Returns
    -------
    backoffs : ndarray of shape (n_ids, 2), dtype=int32
        -1 for none.
    """
    ids: dict[Hashable, int] = encoder.ids
    split = {
        "word": _backoffs_of_words,
        "char": _backoffs_of_text,
        "char_wb": _backoffs_of_text,
    }
    analyzer = encoder.analysis.parameters["analyzer"]
    backoffs_of = split.get(analyzer if isinstance(analyzer, str) else "", _no_backoffs)
    rows = [[ids.get(part, -1) for part in backoffs_of(key)] for key in ids]
    return np.array(rows, dtype=ID_DTYPE).reshape(len(ids), 2)


def _backoffs_of_words(key: Any) -> tuple[Hashable, Hashable]:
    if isinstance(key, str):
        tokens = key.split(" ")
        return " ".join(tokens[:-1]) or None, " ".join(tokens[1:]) or None
    if isinstance(key, tuple) and len(key) == 3 and key[0] is FeatureKind.SKIP:
        return key[1], key[2]
    if isinstance(key, tuple) and key[0] in (Role.FIRST, Role.LAST):
        return key[1], None
    return None, None


def _backoffs_of_text(key: Any) -> tuple[Hashable, Hashable]:
    return key[:-1], key[1:]


def _no_backoffs(key: Any) -> tuple[Hashable, Hashable]:
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


class CompactSelection:
    """Encoder that leaves out features of another; only reads.

    For encoders that have no compact twin, nor can select: such as hash into buckets.

    Parameters
    ----------
    encoder : Encoder
    ids : ndarray of shape (n,), dtype=int32
        Its features that stay, ascending.
    """

    def __init__(self, encoder: Encoder, ids: NDArray[np.int32]) -> None:
        self.encoder = encoder
        self.n_ids = len(ids)
        self._new_ids = np.full(encoder.n_ids, -1, dtype=ID_DTYPE)
        self._new_ids[ids] = np.arange(len(ids), dtype=ID_DTYPE)

    @property
    def releases_gil(self) -> bool:
        """Whether the other does."""
        return self.encoder.releases_gil

    def encode(self, documents: Sequence[str]) -> Bags:
        """Count features; see `Encoder`."""
        return self.encoder.encode(documents).renumber(self._new_ids, self.n_ids)

    def occurrences(self, text: str) -> Iterator[tuple[int, Occurrence]]:
        """Find features; see `Encoder`."""
        for id_, occurrence in self.encoder.occurrences(text):
            new_id = int(self._new_ids[id_])
            if new_id >= 0:
                yield new_id, occurrence

    def packed_ids(self) -> Packed:
        """The ids of the other encoder that stay, packed."""
        ids = np.flatnonzero(self._new_ids >= 0).astype(np.uint64)
        return pack_sorted(ids, len(self._new_ids))

    @classmethod
    def unpacked(cls, encoder: Encoder, packed: Any) -> CompactSelection:
        """Put together what is stored apart.

        Raises
        ------
        ValueError, TypeError, KeyError
            If the ids are not those of the encoder.
        """
        return cls(encoder, unpack_sorted(packed, encoder.n_ids).astype(ID_DTYPE))
