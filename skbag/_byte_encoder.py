r"""Words and bigrams of the default token pattern, counted by numpy.

A string is hashed once, to its id in a *lexicon* that keeps its bytes. A feature is a
pair of numbers in one key of 64 bits, ``left << 32 | right``: for a bigram the lexicon
ids of both words, for all else a role and the lexicon id of the one string. Keys are
exact, so that two features are never taken for one and a key tells the name.

Documents go through in chunks. All occurrences of a chunk become numbers ``document
<< 32 | id``: sorted, they are the bags, and equal neighbours are the counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._bags import Bags
from skbag._byte_tokenizer import (
    Spans,
    Tokens,
    hash_spans,
    prefixes,
    suffixes,
    tokenize,
)
from skbag._dtypes import ID_DTYPE, OFFSET_DTYPE, WEIGHT_DTYPE
from skbag._features import (
    PREFIX_LENGTHS,
    SUFFIX_LENGTHS,
    FeatureKind,
    Role,
)
from skbag._interner import GrowingArray, Interner

_CHUNK_CHARACTERS = 1 << 18
"""Texts worked on at once: their arrays stay in the cache of a core."""

_NGRAM_RANGES = ((1, 1), (1, 2), (2, 2))

_HALF = np.uint64(32)
_LOW_HALF = np.uint64(0xFFFFFFFF)
_FIRST_ROLE = (1 << 32) - 1 - len(Role)
"""The left halves from here on are roles; below, lexicon ids. All bits set, which is
what a missing id (-1) makes of the left half wherever it stands, is neither: such a
key belongs to no feature."""

_AFFIXES: tuple[tuple[Role, Callable[..., Any], int], ...] = (
    *((Role.PREFIX, prefixes, length) for length in PREFIX_LENGTHS),
    *((Role.SUFFIX, suffixes, length) for length in SUFFIX_LENGTHS),
)
_MISSING = -1
_TOO_SHORT = -2
_NOT_KNOWN_YET = -3


class ByteEncoder:
    r"""Encoder for the token pattern ``\w+|[^\w\s]``.

    The new features of one chunk of documents are numbered together.

    Parameters
    ----------
    lowercase : bool
        Whether tokens are those of ``text.lower()``.

    ngram_range : (1, 1), (1, 2) or (2, 2)
        Whether to count tokens, tokens and bigrams, or bigrams.

    short_text_features : bool
        Whether to count the short-text features also.

    Raises
    ------
    ValueError
        If ``ngram_range`` is another.
    """

    def __init__(
        self,
        lowercase: bool = True,
        ngram_range: tuple[int, int] = (1, 1),
        short_text_features: bool = False,
    ) -> None:
        if tuple(ngram_range) not in _NGRAM_RANGES:
            raise ValueError(
                f"ngram_range must be one of {_NGRAM_RANGES}, got {ngram_range!r}. "
                "PlainEncoder takes any."
            )
        self._lowercase = lowercase
        self._ngram_range = ngram_range
        self._short_text_features = short_text_features
        self._lexicon = _Lexicon(b"")
        self._features = Interner()

    @property
    def n_ids(self) -> int:
        """Number of features known."""
        return len(self._features)

    @property
    def kinds(self) -> NDArray[np.uint8]:
        """``FeatureKind`` of each id, of shape (n_ids,)."""
        left, _ = _unpack(self._features.keys)
        kinds = np.full(len(left), FeatureKind.NGRAM, dtype=np.uint8)
        for role in Role:
            kinds[left == _FIRST_ROLE + role] = role.kind
        return kinds

    def learn(self, documents: Sequence[str]) -> Bags:
        """Count features; see :class:`~skbag._encoder.Encoder`.

        A document that is not a ``str`` raises, and leaves those before it learnt.
        """
        chunks = _chunks(documents)
        return Bags.concatenate([self._learn_chunk(chunk) for chunk in chunks])

    def encode(self, documents: Sequence[str], n_threads: int = 1) -> Bags:
        """Count known features; see :class:`~skbag._encoder.Encoder`."""
        chunks = list(_chunks(documents))
        if n_threads == 1 or len(chunks) == 1:
            return Bags.concatenate([self._encode_chunk(chunk) for chunk in chunks])
        with ThreadPoolExecutor(n_threads) as executor:
            return Bags.concatenate(list(executor.map(self._encode_chunk, chunks)))

    def select(self, ids: NDArray[np.int32]) -> ByteEncoder:
        """Return an encoder of these features; see :class:`~skbag._encoder.Encoder`.

        Strings that none of the features needs are left behind.
        """
        left, right = _unpack(self._features.keys[ids])
        is_ngram = left < _FIRST_ROLE
        needed = np.zeros(len(self._lexicon), dtype=np.bool_)
        needed[left[is_ngram]] = True
        needed[right] = True
        new_ids = np.cumsum(needed) - 1
        left[is_ngram] = new_ids[left[is_ngram]]

        selected = ByteEncoder(
            self._lowercase, self._ngram_range, self._short_text_features
        )
        strings = self._lexicon.strings().take(np.flatnonzero(needed))
        selected._lexicon = _Lexicon(strings.to_lines())
        selected._features = Interner(_pack(left, new_ids[right]))
        return selected

    def names(self) -> list[str]:
        """Return the name of each feature, in the order of the ids."""
        strings = self._lexicon.lines().decode("utf-8", "surrogatepass").split("\n")
        left, right = _unpack(self._features.keys)
        return [
            f"{strings[one]} {strings[other]}"
            if one < _FIRST_ROLE
            else Role(one - _FIRST_ROLE).name_of(strings[other])
            for one, other in zip(left.tolist(), right.tolist(), strict=True)
        ]

    def _learn_chunk(self, documents: Sequence[str]) -> Bags:
        tokens = tokenize(documents, self._lowercase)
        words = self._lexicon.add(tokens.spans)
        affixes = None
        if self._short_text_features:
            affixes = self._lexicon.add_affixes(tokens.spans, words)
        return self._count(tokens, words, affixes, self._features.add)

    def _encode_chunk(self, documents: Sequence[str]) -> Bags:
        tokens = tokenize(documents, self._lowercase)
        words = self._lexicon.look_up(tokens.spans)
        affixes = None
        if self._short_text_features:
            affixes = self._lexicon.look_up_affixes(tokens.spans, words)
        return self._count(tokens, words, affixes, self._features.lookup)

    def _count(
        self,
        tokens: Tokens,
        words: NDArray[np.int32],
        affixes: NDArray[np.int32] | None,
        find: Callable[[NDArray[np.uint64]], NDArray[np.int32]],
    ) -> Bags:
        """Bags of the features of one chunk, whose ids ``find`` finds by their keys."""
        occurrences = list(self._occurrences(tokens, words, affixes))
        rows = np.concatenate([rows for rows, _ in occurrences])
        ids = find(np.concatenate([keys for _, keys in occurrences]))
        return _to_bags(rows, ids, len(tokens.offsets) - 1, self.n_ids)

    def _occurrences(
        self,
        tokens: Tokens,
        words: NDArray[np.int32],
        affixes: NDArray[np.int32] | None,
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.uint64]]]:
        """Yield the row and the key of each occurrence, by groups."""
        shortest, longest = self._ngram_range
        lengths = np.diff(tokens.offsets)
        rows = np.repeat(np.arange(len(lengths), dtype=np.int64), lengths)
        if shortest == 1:
            yield rows, _pack_role(Role.TOKEN, words)
        if longest == 2:
            pairs = np.flatnonzero(rows[:-1] == rows[1:])
            yield rows[pairs], _pack(words[pairs], words[pairs + 1])
        if affixes is None:
            return
        filled = np.flatnonzero(lengths)
        firsts, lasts = tokens.offsets[filled], tokens.offsets[filled + 1] - 1
        yield filled, _pack_role(Role.FIRST, words[firsts])
        yield filled, _pack_role(Role.LAST, words[lasts])
        for (role, _, _), parts in zip(_AFFIXES, affixes.T, strict=True):
            found = np.flatnonzero(parts >= 0)
            yield rows[found], _pack_role(role, parts[found])

    def __getstate__(self) -> dict[str, Any]:
        return {
            "lowercase": self._lowercase,
            "ngram_range": self._ngram_range,
            "short_text_features": self._short_text_features,
            "strings": self._lexicon.lines(),
            "keys": self._features.keys,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._lowercase = state["lowercase"]
        self._ngram_range = state["ngram_range"]
        self._short_text_features = state["short_text_features"]
        self._lexicon = _Lexicon(state["strings"])
        self._features = Interner(state["keys"])


class _Lexicon:
    """Distinct strings and their ids, and the ids of the affixes of strings.

    Two strings with the same hash of 64 bits would be taken for one: among a million
    strings the chance is 3 in 100 million.

    Parameters
    ----------
    lines : bytes
        The strings in the order of their ids, each followed by a newline.
    """

    def __init__(self, lines: bytes) -> None:
        self._lines = GrowingArray(np.frombuffer(lines, dtype=np.uint8))
        strings = self.strings()
        self._ids = Interner(hash_spans(strings))
        # Of each string the ids of its affixes, if it has been met as a word, and so
        # they all have one; else the first is _NOT_KNOWN_YET and the row says nothing.
        affixes = _affix_ids(strings, self.look_up)
        affixes[(affixes == _MISSING).any(axis=1), 0] = _NOT_KNOWN_YET
        self._affixes = GrowingArray(affixes)

    def __len__(self) -> int:
        return len(self._ids)

    def lines(self) -> bytes:
        """Return the strings in the order of their ids, each followed by a newline."""
        return self._lines.values.tobytes()

    def strings(self) -> Spans:
        """Return the strings in the order of their ids."""
        return Spans.from_lines(self.lines())

    def look_up(self, strings: Spans) -> NDArray[np.int32]:
        """Ids of strings, _MISSING for those without one."""
        return self._ids.lookup(hash_spans(strings))

    def add(self, strings: Spans) -> NDArray[np.int32]:
        """Ids of strings; those without one get the next."""
        n_before = len(self)
        ids = self._ids.add(hash_spans(strings))
        n_new = len(self) - n_before
        if n_new:
            where = np.flatnonzero(ids >= n_before)
            occurrence = np.empty(n_new, dtype=np.int64)
            occurrence[ids[where] - n_before] = where
            lines = strings.take(occurrence).to_lines()
            self._lines.append(np.frombuffer(lines, dtype=np.uint8))
            affixes = np.full((n_new, len(_AFFIXES)), _NOT_KNOWN_YET, dtype=ID_DTYPE)
            self._affixes.append(affixes)
        return ids

    def look_up_affixes(
        self, spans: Spans, words: NDArray[np.int32]
    ) -> NDArray[np.int32]:
        """Ids of the affixes of words.

        Parameters
        ----------
        spans : Spans
            The words.

        words : ndarray of shape (n_words,), dtype=int32
            Their ids, _MISSING if they have none.

        Returns
        -------
        affixes : ndarray of shape (n_words, n_affixes), dtype=int32
            _MISSING for an affix without an id, _TOO_SHORT where there is none.
        """
        if not len(self):
            return _affix_ids(spans, self.look_up)
        affixes: NDArray[np.int32] = self._affixes.values.take(words, axis=0)
        rest = np.flatnonzero((affixes[:, 0] == _NOT_KNOWN_YET) | (words == _MISSING))
        if len(rest):
            affixes[rest] = _affix_ids(spans.take(rest), self.look_up)
        return affixes

    def add_affixes(self, spans: Spans, words: NDArray[np.int32]) -> NDArray[np.int32]:
        """Ids of the affixes of words, as ``look_up_affixes``; none is _MISSING.

        Affixes without an id get the next.
        """
        affixes = self._affixes.values.take(words, axis=0)
        rest = np.flatnonzero(affixes[:, 0] == _NOT_KNOWN_YET)
        if not len(rest):
            return affixes
        new_words, first = np.unique(words[rest], return_index=True)
        new = _affix_ids(spans.take(rest[first]), self.add)
        self._affixes.values[new_words] = new
        return self._affixes.values.take(words, axis=0)


def _affix_ids(
    words: Spans, find: Callable[[Spans], NDArray[np.int32]]
) -> NDArray[np.int32]:
    """Ids of the affixes of words, of shape (n_words, n_affixes)."""
    # Only the bytes of these words, not of the whole text they may be in.
    words = Spans.from_lines(words.to_lines())
    ids = np.full((len(words), len(_AFFIXES)), _TOO_SHORT, dtype=ID_DTYPE)
    for column, (_, cut, length) in enumerate(_AFFIXES):
        which, affixes = cut(words, length)
        ids[which, column] = find(affixes)
    return ids


def _pack(left: NDArray[Any], right: NDArray[Any]) -> NDArray[np.uint64]:
    keys = left.astype(np.uint64)
    keys <<= _HALF
    keys |= right.astype(np.uint64)
    return keys


def _pack_role(role: Role, strings: NDArray[Any]) -> NDArray[np.uint64]:
    keys = strings.astype(np.uint64)
    keys |= np.uint64(_FIRST_ROLE + role) << _HALF
    return keys


def _unpack(keys: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    left, right = keys >> _HALF, keys & _LOW_HALF
    return left.astype(np.int64), right.astype(np.int64)


def _to_bags(
    rows: NDArray[np.int64], ids: NDArray[np.int32], n_rows: int, n_ids: int
) -> Bags:
    """Count equal ids of equal rows; ids of -1 are left out."""
    occurrences = rows << 32
    occurrences |= ids  # an id of -1 makes it -1 altogether,
    occurrences.sort()
    occurrences = occurrences[np.searchsorted(occurrences, 0) :]  # and the first.
    begins = np.empty(len(occurrences), dtype=np.bool_)
    begins[:1] = True
    np.not_equal(occurrences[1:], occurrences[:-1], out=begins[1:])
    where = np.flatnonzero(begins)
    unique = occurrences[where]
    counts = np.diff(where, append=len(occurrences))
    first_of_rows = np.arange(n_rows + 1, dtype=np.int64) << 32
    return Bags(
        ids=(unique & 0xFFFFFFFF).astype(ID_DTYPE),
        offsets=np.searchsorted(unique, first_of_rows).astype(OFFSET_DTYPE),
        weights=counts.astype(WEIGHT_DTYPE),
        n_ids=n_ids,
    )


def _chunks(documents: Sequence[str]) -> Iterator[Sequence[str]]:
    """Cut documents into chunks, at least one, at the same places every time."""
    start, n_characters = 0, 0
    for stop, text in enumerate(documents):
        if n_characters > _CHUNK_CHARACTERS:
            yield documents[start:stop]
            start, n_characters = stop, 0
        n_characters += len(text)
    yield documents[start:]
