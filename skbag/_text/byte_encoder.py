r"""Words and bigrams of the default token pattern, counted by numpy.

A string is hashed once, to its id in a *lexicon* that keeps its bytes. A feature is a
pair of numbers in one key of 64 bits, ``left << 32 | right``: for a bigram the lexicon
ids of both words, for a skip pair the same with the highest bit set, for all else a
role and the lexicon id of the one string. Keys are exact, so that two features are
never taken for one and a key tells the name. What a word has by itself, its subwords
above all, is found once for each word and not for each of its occurrences.

Documents go through in chunks. All occurrences of a chunk become numbers ``document
<< 32 | id``: sorted, they are the bags, and equal neighbours are the counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.dtypes import ID_DTYPE, native
from skbag._text.analyzers import Occurrence, build_locator
from skbag._text.byte_tokenizer import Spans, Tokens, hash_spans, tokenize
from skbag._text.encoder import Sort, chunks, edges, in_few_bytes, to_bags
from skbag._text.feature_keys import (
    _FIRST_ROLE,
    _SKIP,
    _check_keys,
    _key_by_strings,
    _key_of_role,
    _pack,
    _pack_role,
    _unpack,
)
from skbag._text.features import SKIP_DISTANCES, FeatureKind, Role, name_of_skip_pair
from skbag._text.interner import GrowingArray, Interner
from skbag._text.lexicon import AFFIX_ROLES, Lexicon, affix_ids
from skbag._text.single_text import MOST_CHARACTERS, OneText
from skbag._text.subwords import RaggedRows, checked_range, subword_ids
from skbag._text.token_rules import DEFAULT_RULE, TokenRule, rule_of_version

_NGRAM_RANGES = ((1, 1), (1, 2), (2, 2))

_WHOLE_ROLES = (Role.TOKEN, Role.FIRST, Role.LAST)

_N_COLUMNS = len(_WHOLE_ROLES) + len(AFFIX_ROLES)

_AFFIX_COLUMNS = slice(len(_WHOLE_ROLES), _N_COLUMNS)
"""Columns of the table of the features that a word has by itself."""

_WORDS_AT_ONCE = 1 << 13
"""Words whose subwords are found together."""

_PARAMETERS: dict[str, Any] = {
    "analyzer": "word",
    "preprocessor": None,
    "strip_accents": None,
    "tokenizer": None,
    "stop_words": None,
}
"""What `PlainEncoder` needs to be told to find the same features."""

_Find = Callable[[NDArray[np.uint64]], NDArray[np.int32]]


class ByteEncoder:
    """Encoder for the default tokens.

    The new features of one chunk of documents are numbered together.

    Parameters
    ----------
    lowercase : bool
        Whether tokens are those of ``text.lower()``.

    ngram_range : (1, 1), (1, 2) or (2, 2)
        Whether to count tokens, tokens and bigrams, or bigrams.

    short_text_features : bool
        Whether to count the short-text features also.

    subword_ngram_range : tuple (min_n, max_n) or None
        Characters of the subwords to count also; None for none.

    rule : TokenRule
        What a token is.

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
        subword_ngram_range: tuple[int, int] | None = None,
        rule: TokenRule = DEFAULT_RULE,
    ) -> None:
        if tuple(ngram_range) not in _NGRAM_RANGES:
            raise ValueError(
                f"ngram_range must be one of {_NGRAM_RANGES}, got {ngram_range!r}. "
                "PlainEncoder takes any."
            )
        self._lowercase = lowercase
        self._ngram_range = ngram_range
        self._short_text_features = short_text_features
        self._subword_ngram_range = subword_ngram_range
        self._rule = rule
        self._know(Lexicon(b""), Interner())

    def _know(self, lexicon: Lexicon, features: Interner) -> None:
        """Take over strings and the keys of features."""
        self._lexicon = lexicon
        self._features = features
        # For each string the ids of the features that it has by itself as a word, -1
        # for none. Learning a word may make some that its row lacks; and learning does
        # not fill the rows of strings that it has met as parts of words only.
        self._by_word = GrowingArray(self._features_by_word())
        self._all_rows_filled = True
        self._is_met = GrowingArray(np.zeros(len(lexicon), dtype=np.bool_))
        # The subwords of the words met by learning, which all are features; and those
        # of all known words, as far as they are, made when `encode` first needs them.
        self._subwords_met = RaggedRows()
        self._subwords_known: RaggedRows | None = None
        self._one_text: OneText | None = None

    @property
    def n_ids(self) -> int:
        """Number of features known."""
        return len(self._features)

    @property
    def kinds(self) -> NDArray[np.uint8]:
        """``FeatureKind`` of each id, of shape (n_ids,)."""
        left, _ = _unpack(self._features.keys)
        kinds = np.where(left < _SKIP, FeatureKind.NGRAM, FeatureKind.SKIP)
        kinds = kinds.astype(np.uint8)
        has_role = np.flatnonzero(left >= _FIRST_ROLE)
        of_roles = np.array([role.kind for role in Role], dtype=np.uint8)
        kinds[has_role] = of_roles[left[has_role] - _FIRST_ROLE]
        return kinds

    def learn(self, documents: Sequence[str]) -> Bags:
        """Count features; see `Encoder`.

        A document that is not a ``str`` raises, and leaves those before it learnt.
        """
        # Imported here: predicting must not need torch.
        from skbag._core.sorting import sort

        self._one_text = None
        self._subwords_known = None
        self._all_rows_filled = not self._short_text_features
        # Narrowed part by part: a fit keeps the counts of all texts.
        parts = [
            in_few_bytes(self._learn_chunk(chunk, sort)) for chunk in chunks(documents)
        ]
        return Bags.concatenate(parts)

    @property
    def releases_gil(self) -> bool:
        """Yes: numpy lets go of the interpreter's lock."""
        return True

    def encode(self, documents: Sequence[str]) -> Bags:
        """Count known features; see `Encoder`."""
        if not self._all_rows_filled:
            # Threads that get here together find the same.
            self._by_word = GrowingArray(self._features_by_word())
            self._all_rows_filled = True
        if len(documents) == 1 and len(documents[0]) <= MOST_CHARACTERS:
            return self._encode_one(documents[0])
        return Bags.concatenate(
            [self._encode_chunk(chunk) for chunk in chunks(documents)]
        )

    def select(self, ids: NDArray[np.int32]) -> ByteEncoder:
        """Return an encoder of these features; see `Encoder`.

        Strings that none of the features needs are left behind.
        """
        left, right = _unpack(self._features.keys[ids])
        is_pair = left < _FIRST_ROLE
        first = left[is_pair]
        skip = first & _SKIP
        first -= skip
        needed = np.zeros(len(self._lexicon), dtype=np.bool_)
        needed[first] = True
        needed[right] = True
        new_ids = np.cumsum(needed) - 1
        left[is_pair] = new_ids[first] | skip

        selected = ByteEncoder(
            self._lowercase,
            self._ngram_range,
            self._short_text_features,
            self._subword_ngram_range,
            self._rule,
        )
        strings = self._lexicon.strings().take(np.flatnonzero(needed))
        lexicon = Lexicon(strings.to_lines())
        selected._know(lexicon, Interner(_pack(left, new_ids[right])))
        return selected

    def absorb(self, features: dict[str, Any]) -> NDArray[np.int32]:
        """Know more features; see `Encoder`.

        Strings that none of them needs come along.
        """
        lines = features["strings"].tobytes()
        strings = self._lexicon.add(Spans.from_lines(lines)).astype(np.int64)
        left, right = _unpack(features["keys"])
        is_pair = left < _FIRST_ROLE
        skip = left & _SKIP
        pairs = np.flatnonzero(is_pair)
        left[pairs] = strings[left[pairs] - skip[pairs]] | skip[pairs]
        ids = self._features.add(_pack(left, strings[right]))
        # Tables of what words have by themselves are made anew.
        self._know(self._lexicon, self._features)
        return ids

    def names(self) -> list[str]:
        """Return the name of each feature, in the order of the ids."""
        strings = self._lexicon.lines().decode("utf-8", "surrogatepass").split("\n")
        left, right = _unpack(self._features.keys)

        def name(one: int, other: int) -> str:
            if one >= _FIRST_ROLE:
                return Role(one - _FIRST_ROLE).name_of(strings[other])
            if one >= _SKIP:
                return name_of_skip_pair(strings[one - _SKIP], strings[other])
            return f"{strings[one]} {strings[other]}"

        return list(map(name, left.tolist(), right.tolist()))

    def occurrences(self, text: str) -> Iterator[tuple[int, Occurrence]]:
        """Find known features; see `Encoder`."""
        locate = build_locator(
            {
                **_PARAMETERS,
                "token_pattern": self._rule.pattern,
                "lowercase": self._lowercase,
                "ngram_range": self._ngram_range,
            },
            with_short_text_features=self._short_text_features,
            subword_ngram_range=self._subword_ngram_range,
        )
        string, feature = self._lexicon.finder(), self._features.finder()
        for occurrence in locate(text):
            key = _key_by_strings(occurrence.key, string)
            id_ = -1 if key < 0 else feature(key)
            if id_ >= 0:
                yield id_, occurrence

    def _features_by_word(self) -> NDArray[np.int32]:
        """Ids of the features that each string has by itself as a word."""
        n_strings = len(self._lexicon)
        if not self._short_text_features:
            return self._features_in_role(Role.TOKEN)[:, np.newaxis]
        columns = [self._features_in_role(role) for role in _WHOLE_ROLES]
        affixes = affix_ids(self._lexicon.strings(), self._lexicon.look_up)
        for role, strings in zip(AFFIX_ROLES, affixes.T, strict=True):
            features = np.append(self._features_in_role(role), ID_DTYPE(-1))
            columns.append(features.take(strings))
        return np.stack(columns, axis=1).reshape(n_strings, _N_COLUMNS)

    def _features_in_role(self, role: Role) -> NDArray[np.int32]:
        """Id of the feature that uses each string in a role, -1 for none."""
        left, right = _unpack(self._features.keys)
        which = np.flatnonzero(left == _FIRST_ROLE + role)
        features = np.full(len(self._lexicon), -1, dtype=ID_DTYPE)
        features[right[which]] = which
        return features

    def _learn_chunk(self, documents: Sequence[str], sort: Sort) -> Bags:
        tokens = tokenize(documents, self._lowercase, self._rule)
        words = self._lexicon.add(tokens.spans)
        self._meet(tokens, words)
        own = self._by_word.values.take(words, axis=0)
        more = self._subwords_met.take(words) if self._subword_ngram_range else None
        return self._count(tokens, words, own, more, self._features.add, sort)

    def _encode_chunk(self, documents: Sequence[str]) -> Bags:
        tokens = tokenize(documents, self._lowercase, self._rule)
        words, own = self._look_up(tokens.spans)
        more = None
        if self._subword_ngram_range is not None:
            more = self._look_up_subwords(tokens.spans, words)
        return self._count(tokens, words, own, more, self._features.lookup, np.sort)

    def _encode_one(self, document: str) -> Bags:
        if self._one_text is None:
            self._one_text = OneText(
                self._rule,
                self._lexicon.finder(),
                self._features.finder(),
                self._by_word.values,
                _key_of_role,
                skip=_SKIP << 32,
                n_ids=self.n_ids,
                lowercase=self._lowercase,
                has_words=self._ngram_range[0] == 1,
                has_bigrams=self._ngram_range[1] == 2,
                has_more=self._short_text_features,
                subword_ngram_range=self._subword_ngram_range,
            )
        return self._one_text.encode(document)

    def _look_up(self, spans: Spans) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Lexicon ids of tokens, and the features each has by itself; -1 for none."""
        words = self._lexicon.look_up(spans)
        unknown = np.flatnonzero(words < 0)
        by_word = self._by_word.values
        if not len(by_word):
            return words, np.full((len(words), by_word.shape[1]), -1, dtype=ID_DTYPE)
        own = by_word.take(words, axis=0)
        own[unknown] = -1
        if self._short_text_features and len(unknown):
            affixes = affix_ids(spans.take(unknown), self._lexicon.look_up)
            columns = zip(AFFIX_ROLES, affixes.T, strict=True)
            keys = np.stack([_pack_role(*column) for column in columns], axis=1)
            features = self._features.lookup(keys.ravel()).reshape(affixes.shape)
            own[unknown, _AFFIX_COLUMNS] = features
        return words, own

    def _look_up_subwords(
        self, spans: Spans, words: NDArray[np.int32]
    ) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Token and feature of each occurrence of a subword that is known."""
        if self._subwords_known is None:
            # Threads that get here together find the same.
            self._subwords_known = self._subwords_of_known_words()
        has_row = words >= 0
        has_row[has_row] = self._subwords_known.is_set(words[has_row])
        tokens = np.flatnonzero(has_row)
        which, ids = self._subwords_known.take(words[tokens])
        others = np.flatnonzero(~has_row)
        if not len(others):
            return tokens[which], ids
        others_spans = spans.take(others)
        _, first, number = np.unique(
            hash_spans(others_spans), return_index=True, return_inverse=True
        )
        found = RaggedRows()
        found.grow(len(first))
        found.set(np.arange(len(first)), *self._find_subwords(others_spans.take(first)))
        more_which, more_ids = found.take(number.ravel())
        return (
            np.concatenate([tokens[which], others[more_which]]),
            np.concatenate([ids, more_ids]),
        )

    def _subwords_of_known_words(self) -> RaggedRows:
        """The subwords of each string that is a word in any feature."""
        rows = RaggedRows()
        rows.grow(len(self._lexicon))
        left, right = _unpack(self._features.keys)
        is_word = np.zeros(len(self._lexicon), dtype=np.bool_)
        is_word[right[(left < _FIRST_ROLE) | (left == _FIRST_ROLE + Role.TOKEN)]] = True
        is_word[left[left < _FIRST_ROLE] & ~_SKIP] = True
        strings, words = self._lexicon.strings(), np.flatnonzero(is_word)
        for start in range(0, len(words), _WORDS_AT_ONCE):
            some = words[start : start + _WORDS_AT_ONCE]
            rows.set(some, *self._find_subwords(strings.take(some)))
        return rows

    def _find_subwords(
        self, words: Spans
    ) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Word and feature of each subword that is known, of words of any kind."""
        assert self._subword_ngram_range is not None
        which, strings = subword_ids(
            words, self._subword_ngram_range, self._lexicon.look_up
        )
        ids = self._features.lookup(_pack_role(Role.SUBWORD, strings))
        found = np.flatnonzero(ids >= 0)
        return which[found], ids[found]

    def _meet(self, tokens: Tokens, words: NDArray[np.int32]) -> None:
        """Make the features that the words of a chunk have by themselves."""
        self._make_rows()
        new = np.flatnonzero(~self._is_met.values[words])
        if len(new):
            new_words, first = np.unique(words[new], return_index=True)
            self._is_met.values[new_words] = True
            if self._ngram_range[0] == 1:
                self._make(Role.TOKEN, 0, new_words, new_words)
            if self._short_text_features:
                spans = tokens.spans.take(new[first])
                affixes = affix_ids(spans, self._lexicon.add)
                self._make_rows()
                for column, (role, strings) in enumerate(
                    zip(AFFIX_ROLES, affixes.T, strict=True), len(_WHOLE_ROLES)
                ):
                    has = strings >= 0
                    self._make(role, column, new_words[has], strings[has])
            if self._subword_ngram_range is not None:
                self._meet_subwords(tokens.spans.take(new[first]), new_words)
        if self._short_text_features:
            _, firsts, lasts = edges(tokens.offsets)
            for role, places in ((Role.FIRST, firsts), (Role.LAST, lasts)):
                strings = words[places]
                lacks = self._by_word.values[strings, role] < 0
                self._make(role, role, strings[lacks], strings[lacks])

    def _meet_subwords(self, spans: Spans, words: NDArray[np.int32]) -> None:
        """Make the subwords of words, and note them with the words."""
        assert self._subword_ngram_range is not None
        for start in range(0, len(words), _WORDS_AT_ONCE):
            some = slice(start, start + _WORDS_AT_ONCE)
            which, strings = subword_ids(
                Spans(spans.text, spans.starts[some], spans.ends[some]),
                self._subword_ngram_range,
                self._lexicon.add,
            )
            ids = self._features.add(_pack_role(Role.SUBWORD, strings))
            self._subwords_met.set(words[some], which, ids)
        self._make_rows()

    def _make_rows(self) -> None:
        """Add to the tables of words what the lexicon has more."""
        n_new = len(self._lexicon) - len(self._is_met)
        shape = (n_new, self._by_word.values.shape[1])
        self._by_word.append(np.full(shape, -1, dtype=ID_DTYPE))
        self._is_met.append(np.zeros(n_new, dtype=np.bool_))
        if self._subword_ngram_range is not None:
            self._subwords_met.grow(len(self._lexicon))

    def _make(
        self,
        role: Role,
        column: int,
        words: NDArray[Any],
        strings: NDArray[Any],
    ) -> None:
        """Make the features that use strings in a role, and note them with words."""
        ids = self._features.add(_pack_role(role, strings))
        self._by_word.values[words, column] = ids

    def _count(
        self,
        tokens: Tokens,
        words: NDArray[np.int32],
        own: NDArray[np.int32],
        more: tuple[NDArray[np.int64], NDArray[np.int32]] | None,
        find: _Find,
        sort: Sort,
    ) -> Bags:
        """Bags of one chunk.

        Parameters
        ----------
        tokens : Tokens
        words : ndarray of shape (n_tokens,), dtype=int32
            Lexicon ids; -1 for unknown words.
        own : ndarray of shape (n_tokens, n_columns), dtype=int32
            The features that each token has by itself; -1 for none.
        more : tuple of two ndarrays of shape (n,) or None
            Token and feature of each occurrence of a subword.
        find : callable
            Finds the ids of bigrams by their keys.
        sort : callable
            Sorts whole numbers.
        """
        parts = list(self._occurrences(tokens, words, own, more, find))
        rows = np.concatenate([rows for rows, _ in parts])
        ids = np.concatenate([ids for _, ids in parts])
        return to_bags(rows, ids, len(tokens.offsets) - 1, self.n_ids, sort)

    def _occurrences(
        self,
        tokens: Tokens,
        words: NDArray[np.int32],
        own: NDArray[np.int32],
        more: tuple[NDArray[np.int64], NDArray[np.int32]] | None,
        find: _Find,
    ) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32]]]:
        """Yield the row and the feature of each occurrence, by groups."""
        shortest, longest = self._ngram_range
        lengths = np.diff(tokens.offsets)
        rows = np.repeat(np.arange(len(lengths), dtype=ID_DTYPE), lengths)
        if shortest == 1:
            yield rows, own[:, 0]
        if longest == 2:
            yield _pairs(rows, words, 1, find)
        if self._short_text_features:
            for distance in SKIP_DISTANCES:
                yield _pairs(rows, words, distance, find)
            filled, firsts, lasts = edges(tokens.offsets)
            yield filled.astype(ID_DTYPE), own[firsts, Role.FIRST]
            yield filled.astype(ID_DTYPE), own[lasts, Role.LAST]
            for column in range(len(_WHOLE_ROLES), _N_COLUMNS):
                ids = own[:, column]
                found = np.flatnonzero(ids >= 0)
                yield rows[found], ids[found]
        if more is not None:
            yield rows.take(more[0]), more[1]

    def __getstate__(self) -> dict[str, Any]:
        """Plain state; part of what files and pickles of every version hold."""
        return {
            "lowercase": self._lowercase,
            "ngram_range": self._ngram_range,
            "short_text_features": self._short_text_features,
            "subword_ngram_range": self._subword_ngram_range,
            "token_rule": self._rule.version,
            "strings": np.frombuffer(self._lexicon.lines(), dtype=np.uint8),
            "keys": self._features.keys,
        }

    def _read_options(self, state: dict[str, Any]) -> None:
        """Take over the options in plain state, if they are sound."""
        lowercase, ngram_range = state["lowercase"], tuple(state["ngram_range"])
        short_text_features = state["short_text_features"]
        if ngram_range not in _NGRAM_RANGES or not (
            type(lowercase) is type(short_text_features) is bool
        ):
            raise ValueError("unknown options")
        # Files from before there was a second rule do not say.
        self._rule = rule_of_version(state.get("token_rule", 1))
        self._lowercase = lowercase
        self._ngram_range = ngram_range
        self._short_text_features = short_text_features
        self._subword_ngram_range = checked_range(state.get("subword_ngram_range"))

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._read_options(state)
        lexicon = Lexicon.checked(state["strings"])
        keys = native(state["keys"])
        if keys.ndim != 1 or keys.dtype != np.uint64:
            raise ValueError("keys are not an array of uint64")
        _check_keys(keys, len(lexicon))
        self._know(lexicon, Interner.checked(keys))


def _pairs(
    rows: NDArray[np.int32], words: NDArray[np.int32], distance: int, find: _Find
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Find rows and features of pairs of words: bigrams, or skip pairs if farther."""
    in_one_text = rows[:-distance] == rows[distance:]
    keys = _pack(words[:-distance], words[distance:])[in_one_text]
    if distance > 1:
        keys |= np.uint64(_SKIP << 32)
    ids = find(keys)
    # Often unknown, and then not worth sorting.
    found = np.flatnonzero(ids >= 0)
    return rows[:-distance][in_one_text].take(found), ids.take(found)
