r"""Words and bigrams of the default tokens, learnt and counted by numpy.

A string is hashed once, to its id in a *lexicon* that keeps its bytes. A feature is a
pair of numbers in one key of 64 bits (see `feature_keys`). Keys are exact, so that two
features are never taken for one and a key gives the name. What a word has by itself,
its subwords above all, is found once for each word and not for each of its occurrences.

Documents go through in chunks. All occurrences of a chunk become numbers ``document
<< 32 | id``: sorted, they are the bags, and equal neighbours are the counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.dtypes import ID_DTYPE, native
from skbag._text.analyzers import Occurrence
from skbag._text.byte_reader import (
    NGRAM_RANGES,
    WORDS_AT_ONCE,
    ByteOptions,
    ByteReader,
    SubwordHits,
    count_chunk,
)
from skbag._text.byte_tokenizer import Spans, Tokens, tokenize
from skbag._text.encoder import Sort, chunks, edges, in_few_bytes
from skbag._text.feature_keys import (
    FIRST_ROLE,
    SKIP,
    check_keys,
    kinds_of_keys,
    pack,
    pack_role,
    unpack,
)
from skbag._text.features import Role, name_of_skip_pair
from skbag._text.interner import GrowingArray, Interner
from skbag._text.lexicon import Lexicon, affix_ids
from skbag._text.subwords import RaggedRows, subword_ids
from skbag._text.token_rules import DEFAULT_TOKENS, DefaultTokens


class WordTable:
    """What learning knows of the words it has met, by the id of their strings.

    Sets ``by_word``, ``is_met`` and ``subwords`` as words are met.

    Parameters
    ----------
    options : ByteOptions
    lexicon : Lexicon
    features : Interner
        New features are added to it.
    by_word : ndarray of shape (n_strings, n_columns), dtype=int32
        See `table_of_words`; copied.
    """

    def __init__(
        self,
        options: ByteOptions,
        lexicon: Lexicon,
        features: Interner,
        by_word: NDArray[np.int32],
    ) -> None:
        self._options = options
        self._lexicon = lexicon
        self._features = features
        # For each string the ids of the features that it has by itself as a word, -1
        # for none. Rows of strings met as parts of words only are not filled.
        self.by_word = GrowingArray(by_word.copy())
        self._is_met = GrowingArray(np.zeros(len(lexicon), dtype=np.bool_))
        self._subwords = RaggedRows()

    def meet(
        self, tokens: Tokens, words: NDArray[np.int32]
    ) -> tuple[NDArray[np.int32], SubwordHits | None]:
        """Make the features that the words of a chunk have by themselves.

        Sets:
            - rows of ``by_word`` and of the subwords, of words met for the first time
            - the features and the strings of the lexicon

        Returns
        -------
        by_word : ndarray of shape (n_tokens, n_columns), dtype=int32
        subwords : SubwordHits or None
        """
        options = self._options
        self._grow()
        new = np.flatnonzero(~self._is_met.values[words])
        if len(new):
            new_words, first = np.unique(words[new], return_index=True)
            self._is_met.values[new_words] = True
            self._meet_new(tokens.spans.take(new[first]), new_words)
        if options.short_text_features:
            _, firsts, lasts = edges(tokens.offsets)
            for role, places in ((Role.FIRST, firsts), (Role.LAST, lasts)):
                strings = words[places]
                lacks = self.by_word.values[strings, role] < 0
                self._make(role, role, strings[lacks], strings[lacks])
        subwords = None
        if options.subword_ngram_range is not None:
            subwords = self._subwords.take(words)
        return self.by_word.values.take(words, axis=0), subwords

    def _meet_new(self, spans: Spans, words: NDArray[np.int32]) -> None:
        """Make the features of words, their affixes and their subwords."""
        options = self._options
        if options.ngram_range[0] == 1:
            self._make(Role.TOKEN, 0, words, words)
        if options.affixes:
            ids = affix_ids(spans, options.affixes, self._lexicon.add)
            self._grow()
            columns = zip(options.affixes, ids.T, strict=True)
            for column, (affix, strings) in enumerate(columns, options.n_whole_columns):
                has = strings >= 0
                self._make(affix.role, column, words[has], strings[has])
        if options.subword_ngram_range is not None:
            self._meet_subwords(spans, words, options.subword_ngram_range)

    def _meet_subwords(
        self, spans: Spans, words: NDArray[np.int32], ngram_range: tuple[int, int]
    ) -> None:
        """Make the subwords of words, and note them with the words."""
        for start in range(0, len(words), WORDS_AT_ONCE):
            part_of_words = slice(start, start + WORDS_AT_ONCE)
            part = Spans(
                spans.text, spans.starts[part_of_words], spans.ends[part_of_words]
            )
            which, strings = subword_ids(part, ngram_range, self._lexicon.add)
            ids = self._features.add(pack_role(Role.SUBWORD, strings))
            self._subwords.set(words[part_of_words], which, ids)
        self._grow()

    def _grow(self) -> None:
        """Add rows for the strings that are new in the lexicon."""
        n_new = len(self._lexicon) - len(self._is_met)
        shape = (n_new, self.by_word.values.shape[1])
        self.by_word.append(np.full(shape, -1, dtype=ID_DTYPE))
        self._is_met.append(np.zeros(n_new, dtype=np.bool_))
        if self._options.subword_ngram_range is not None:
            self._subwords.grow(len(self._lexicon))

    def _make(
        self, role: Role, column: int, words: NDArray[Any], strings: NDArray[Any]
    ) -> None:
        """Make the features that use strings in a role, and note them with words."""
        ids = self._features.add(pack_role(role, strings))
        self.by_word.values[words, column] = ids


class ByteEncoder:
    """Encoder for the default tokens; a `LearningEncoder`.

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

    tokens : DefaultTokens
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
        tokens: DefaultTokens = DEFAULT_TOKENS,
    ) -> None:
        if tuple(ngram_range) not in NGRAM_RANGES:
            raise ValueError(
                f"ngram_range must be one of {NGRAM_RANGES}, got {ngram_range!r}. "
                "PlainEncoder takes any."
            )
        options = ByteOptions(
            lowercase, ngram_range, short_text_features, subword_ngram_range, tokens
        )
        self._set(options, Lexicon(b""), Interner())

    def _set(self, options: ByteOptions, lexicon: Lexicon, features: Interner) -> None:
        """Take over options, strings and the keys of features."""
        self.options = options
        self.lexicon = lexicon
        self.features = features
        # Of the words met, for learning; and for reading, until more is learnt.
        self._words: WordTable | None = None
        self._reader: ByteReader | None = self._make_reader()

    def _make_reader(self) -> ByteReader:
        strings = self.lexicon.strings
        return ByteReader(self.options, self.lexicon, self.features, strings)

    @property
    def reader(self) -> ByteReader:
        """What reads texts by all that is known now."""
        if self._reader is None:
            # Threads that get here together make the same.
            self._reader = self._make_reader()
        return self._reader

    @property
    def n_ids(self) -> int:
        """Number of features known."""
        return len(self.features)

    @property
    def kinds(self) -> NDArray[np.uint8]:
        """``FeatureKind`` of each id, of shape (n_ids,)."""
        return kinds_of_keys(self.features.keys)

    def learn(self, documents: Sequence[str]) -> Bags:
        """Count features; see `LearningEncoder`.

        A document that is not a ``str`` raises, and leaves those before it learnt.

        Sets:
            - ``lexicon`` and ``features``, to which new ones are appended
        """
        # Imported here: predicting must not need torch.
        from skbag._core.sorting import sort

        if self._words is None:
            by_word = self.reader.by_word
            self._words = WordTable(self.options, self.lexicon, self.features, by_word)
        self._reader = None
        # Narrowed part by part: a fit keeps the counts of all texts.
        parts = [
            in_few_bytes(self._learn_chunk(chunk, self._words, sort))
            for chunk in chunks(documents)
        ]
        return Bags.concatenate(parts)

    @property
    def releases_gil(self) -> bool:
        """Yes: numpy releases the interpreter's lock."""
        return True

    def encode(self, documents: Sequence[str]) -> Bags:
        """Count known features; see `Encoder`."""
        return self.reader.encode(documents)

    def select(self, ids: NDArray[np.int32]) -> ByteEncoder:
        """Return an encoder of these features; see `LearningEncoder`.

        Strings that none of the features needs are left behind.
        """
        left, right = unpack(self.features.keys[ids])
        is_pair = left < FIRST_ROLE
        first = left[is_pair]
        skip = first & SKIP
        first -= skip
        needed = np.zeros(len(self.lexicon), dtype=np.bool_)
        needed[first] = True
        needed[right] = True
        new_ids = np.cumsum(needed) - 1
        left[is_pair] = new_ids[first] | skip
        strings = self.lexicon.strings().take(np.flatnonzero(needed))
        lexicon = Lexicon(strings.to_lines())
        selected = ByteEncoder.__new__(ByteEncoder)
        selected._set(self.options, lexicon, Interner(pack(left, new_ids[right])))
        return selected

    def absorb(self, features: dict[str, Any]) -> NDArray[np.int32]:
        """Know more features; see `LearningEncoder`.

        Strings that none of them needs come along.
        """
        lines = features["strings"].tobytes()
        strings = self.lexicon.add(Spans.from_lines(lines)).astype(np.int64)
        left, right = unpack(features["keys"])
        is_pair = left < FIRST_ROLE
        skip = left & SKIP
        pairs = np.flatnonzero(is_pair)
        left[pairs] = strings[left[pairs] - skip[pairs]] | skip[pairs]
        ids = self.features.add(pack(left, strings[right]))
        # Tables of what words have by themselves are out of date.
        self._set(self.options, self.lexicon, self.features)
        return ids

    def names(self) -> list[str]:
        """Return the name of each feature, in the order of the ids."""
        strings = self.lexicon.lines().decode("utf-8", "surrogatepass").split("\n")
        left, right = unpack(self.features.keys)

        def name(one: int, other: int) -> str:
            if one >= FIRST_ROLE:
                return Role(one - FIRST_ROLE).name_of(strings[other])
            if one >= SKIP:
                return name_of_skip_pair(strings[one - SKIP], strings[other])
            return f"{strings[one]} {strings[other]}"

        return list(map(name, left.tolist(), right.tolist()))

    def occurrences(self, text: str) -> Iterator[tuple[int, Occurrence]]:
        """Find known features; see `Encoder`."""
        return self.reader.occurrences(text)

    def _learn_chunk(
        self, documents: Sequence[str], table: WordTable, sort: Sort
    ) -> Bags:
        options, features = self.options, self.features
        tokens = tokenize(documents, options.lowercase, options.tokens)
        words = self.lexicon.add(tokens.spans)
        by_word, subwords = table.meet(tokens, words)
        return count_chunk(
            options, tokens, words, by_word, subwords, features, features.add, sort
        )

    def __getstate__(self) -> dict[str, Any]:
        """Serialisable state; part of what files and pickles of every version hold."""
        return {
            **self.options.state(),
            "strings": np.frombuffer(self.lexicon.lines(), dtype=np.uint8),
            "keys": self.features.keys,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        options = ByteOptions.from_state(state)
        lexicon = Lexicon.checked(state["strings"])
        keys = native(state["keys"])
        if keys.ndim != 1 or keys.dtype != np.uint64:
            raise ValueError("keys are not an array of uint64")
        check_keys(keys, len(lexicon))
        self._set(options, lexicon, Interner.checked(keys))
