"""`ByteEncoder` without its strings: a string is a fingerprint, its place its id.

Features stay pairs of ids, exact among the known strings, and take two bytes each or
less. What strings are for besides names, the affixes of words, is made of the words of
the texts instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.dtypes import ID_DTYPE
from skbag._core.elias_fano import pack_sorted, unpack_sorted
from skbag._text.byte_encoder import (
    _AFFIX_COLUMNS,
    _FIRST_ROLE,
    _N_COLUMNS,
    _SKIP,
    _WHOLE_ROLES,
    ByteEncoder,
    _pack,
    _pack_role,
    _unpack,
)
from skbag._text.byte_tokenizer import Spans, hash_spans
from skbag._text.features import Role
from skbag._text.fingerprints import Fingerprints
from skbag._text.interner import Interner
from skbag._text.lexicon import AFFIX_ROLES, affix_ids
from skbag._text.subwords import RaggedRows


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


def parts(encoder: ByteEncoder) -> NDArray[np.int32]:
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
