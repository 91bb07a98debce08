"""`ByteEncoder` without its strings: a string is a fingerprint, its place its id.

Features stay pairs of ids, exact among the known strings, and take two bytes each or
less. What strings are for besides names, the affixes of words, is made of the words of
the texts instead.
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
from skbag._text.analyzers import Occurrence, check_parameters
from skbag._text.byte_encoder import (
    _AFFIX_COLUMNS,
    _N_COLUMNS,
    _WHOLE_ROLES,
    ByteEncoder,
)
from skbag._text.byte_tokenizer import Spans, hash_spans, hash_string
from skbag._text.encoder import Encoder
from skbag._text.feature_keys import _FIRST_ROLE, _SKIP, _pack, _pack_role, _unpack
from skbag._text.features import FeatureKind, Role
from skbag._text.interner import Interner
from skbag._text.lexicon import AFFIX_ROLES, Fingerprints, affix_ids
from skbag._text.plain_encoder import PlainEncoder
from skbag._text.subwords import RaggedRows, checked_range
from skbag._text.token_rules import parameters_of_state, state_of_parameters


class CompactByteEncoder(ByteEncoder):
    """Encoder of some of the features of a `ByteEncoder`; learns none, names none.

    Made by `compact`. Ids ascend with the keys of the features.
    """

    _lexicon: Any  # Fingerprints in the place of a Lexicon.

    @classmethod
    def compact(
        cls, encoder: ByteEncoder, ranked: NDArray[np.int32]
    ) -> tuple[CompactByteEncoder, NDArray[np.int32]]:
        """Return an encoder of some features, and the old id of each of its own.

        Parameters
        ----------
        encoder : ByteEncoder
        ranked : ndarray of shape (n,), dtype=int32
            Ids, the most important first. Where two strings share a fingerprint,
            features that differ by them become one: the first.
        """
        left, right = _unpack(encoder._features.keys[ranked])
        is_pair = left < _FIRST_ROLE
        skip = left[is_pair] & _SKIP
        first = left[is_pair] - skip
        needed = np.unique(np.concatenate([first, right]))
        hashes = hash_spans(encoder._lexicon.strings().take(needed))
        fingerprints, new_ids = Fingerprints.of_hashes(hashes)
        right = new_ids[np.searchsorted(needed, right)]
        left[is_pair] = new_ids[np.searchsorted(needed, first)] | skip
        keys, which = np.unique(_pack(left, right), return_index=True)
        compacted = cls.__new__(cls)
        compacted._lowercase = encoder._lowercase
        compacted._ngram_range = encoder._ngram_range
        compacted._short_text_features = encoder._short_text_features
        compacted._subword_ngram_range = encoder._subword_ngram_range
        compacted._rule = encoder._rule
        lexicon: Any = fingerprints
        compacted._know(lexicon, Interner(keys))
        return compacted, ranked[which]

    def _features_by_word(self) -> NDArray[np.int32]:
        """As in `ByteEncoder`, without those of affixes."""
        roles = _WHOLE_ROLES if self._short_text_features else (Role.TOKEN,)
        return np.stack([self._features_in_role(role) for role in roles], axis=1)

    def _look_up(self, spans: Spans) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        words = self._lexicon.look_up(spans)
        n_columns = _N_COLUMNS if self._short_text_features else 1
        own = np.full((len(words), n_columns), -1, dtype=ID_DTYPE)
        known = np.flatnonzero(words >= 0)
        by_word = self._by_word.values
        own[known, : by_word.shape[1]] = by_word.take(words[known], axis=0)
        if self._short_text_features and len(words):
            _, first, numbers = np.unique(
                hash_spans(spans), return_index=True, return_inverse=True
            )
            affixes = affix_ids(spans.take(first), self._lexicon.look_up)
            columns = zip(AFFIX_ROLES, affixes.T, strict=True)
            keys = np.stack([_pack_role(*column) for column in columns], axis=1)
            features = self._features.lookup(keys.ravel()).reshape(affixes.shape)
            own[:, _AFFIX_COLUMNS] = features.take(numbers.ravel(), axis=0)
        return words, own

    def _subwords_of_known_words(self) -> RaggedRows:
        """None: they are made of the words of the texts, like those of unknown ones."""
        rows = RaggedRows()
        rows.grow(len(self._lexicon))
        return rows

    def learn(self, documents: Sequence[str]) -> Bags:
        """Refuse: a feature is known by its fingerprint, a new one cannot be told."""
        raise TypeError("a compact encoder learns no features")

    def select(self, ids: NDArray[np.int32]) -> ByteEncoder:
        """Refuse: ids are in the order of the keys."""
        raise TypeError("a compact encoder cannot be made from another")

    def names(self) -> list[str]:
        """Refuse: fingerprints have no names."""
        raise TypeError("a compact encoder has no names")

    def __getstate__(self) -> dict[str, Any]:
        """Plain state; part of what files and pickles of every version hold.

        Features are in groups: bigrams, skip pairs, then those of each role.
        """
        keys, n = self._features.keys, len(self._lexicon)
        left, right = _unpack(keys)
        groups = []
        for first, n_left in _groups(n):
            some = slice(*np.searchsorted(left, [first, first + n_left]))
            numbers = (left[some] - first) * n + right[some]
            groups.append(pack_sorted(numbers.astype(np.uint64), n_left * n))
        return {
            "lowercase": self._lowercase,
            "ngram_range": self._ngram_range,
            "short_text_features": self._short_text_features,
            "subword_ngram_range": self._subword_ngram_range,
            "token_rule": self._rule.version,
            "strings": self._lexicon.to_state(),
            "features": groups,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._read_options(state)
        lexicon: Any = Fingerprints.from_state(state["strings"])
        n = len(lexicon)
        keys = []
        # Later versions may know more roles.
        for (first, n_left), packed in zip(_groups(n), state["features"], strict=False):
            numbers = unpack_sorted(packed, n_left * n).astype(np.int64)
            keys.append(_pack(numbers // max(n, 1) + first, numbers % max(n, 1)))
        if len(state["features"]) > len(keys):
            raise ValueError("features in unknown roles")
        self._know(lexicon, Interner.checked(np.concatenate(keys)))


def byte_backoffs(encoder: ByteEncoder) -> NDArray[np.int32]:
    """Features that a text must have that has this one: the words of a pair, ...

    Returns
    -------
    parts : ndarray of shape (n_ids, 2), dtype=int32
        -1 for none.
    """
    left, right = _unpack(encoder._features.keys)
    of_word = encoder._features_in_role(Role.TOKEN)
    found = np.full((len(left), 2), -1, dtype=ID_DTYPE)
    is_pair = np.flatnonzero(left < _FIRST_ROLE)
    found[is_pair, 0] = of_word[left[is_pair] & ~_SKIP]
    found[is_pair, 1] = of_word[right[is_pair]]
    is_edge = (left == _FIRST_ROLE + Role.FIRST) | (left == _FIRST_ROLE + Role.LAST)
    found[is_edge, 0] = of_word[right[is_edge]]
    return found


def _groups(n_strings: int) -> list[tuple[int, int]]:
    """First left half and number of left halves of each group of keys, ascending."""
    return [
        (0, n_strings),
        (_SKIP, n_strings),
        *((_FIRST_ROLE + role, 1) for role in Role),
    ]


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


def plain_backoffs(encoder: PlainEncoder) -> NDArray[np.int32]:
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


class CompactSelection:
    """Encoder that leaves out features of another; learns none, names none.

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
    def kinds(self) -> NDArray[np.uint8]:
        """``FeatureKind`` of each id, of shape (n_ids,)."""
        return self.encoder.kinds[self._new_ids >= 0]

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

    def learn(self, documents: Sequence[str]) -> Bags:
        """Refuse: the features left out are gone."""
        raise TypeError("a compact encoder learns no features")

    def select(self, ids: NDArray[np.int32]) -> Encoder:
        """Refuse: ids are in the order of the other's."""
        raise TypeError("a compact encoder cannot be made from another")

    def names(self) -> list[str]:
        """Refuse, like the other compact encoders."""
        raise TypeError("a compact encoder has no names")

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
