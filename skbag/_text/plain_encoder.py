"""Any way of analysing a text, in plain Python, with the meaning of CountVectorizer."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.communicator import Communicator
from skbag._core.dtypes import ID_DTYPE
from skbag._text.analyzers import (
    Features,
    Occurrence,
    build_analysis,
    build_locator,
    check_parameters,
    vectorizer,
)
from skbag._text.encoder import bag_arrays
from skbag._text.feature_keys import FIRST_ROLE, SKIP, key_of_role, unpack
from skbag._text.feature_table import FeatureTable, Strings
from skbag._text.features import SHORT_TEXT_KINDS, FeatureKind, Role, name_of_skip_pair
from skbag._text.subwords import checked_range
from skbag._text.token_rules import (
    DEFAULT_TOKENS,
    DefaultTokens,
    parameters_of_state,
    rule_of_features,
    state_of_parameters,
)

_PLAIN_TERM, _SKIP_PAIR = 255, 254
"""What a key is made of, in pickled state, where it is not a `Role`."""

_OBJECT = b"\xff"
"""Begins what stands for a term that is no string: a byte that no UTF-8 holds."""

Find = Callable[[Hashable, FeatureKind], "int | None"]
"""Gives the id of a feature; None for one that is not known."""

BagArrays = tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class PlainAnalysis:
    """How the features of a text are found by plain Python.

    Parameters
    ----------
    parameters : dict
        Of :class:`~sklearn.feature_extraction.text.CountVectorizer`.
    short_text_features : bool
    subword_ngram_range : tuple (min_n, max_n) or None
    tokens : DefaultTokens
        The lengths of short-text features; the tokens are those of the parameters.
    """

    parameters: dict[str, Any]
    short_text_features: bool = False
    subword_ngram_range: tuple[int, int] | None = None
    tokens: DefaultTokens = DEFAULT_TOKENS

    @cached_property
    def features(self) -> Callable[[str], Features]:
        """Function from a text to the keys of its features, grouped by kind."""
        return build_analysis(
            self.parameters,
            with_short_text_features=self.short_text_features,
            subword_ngram_range=self.subword_ngram_range,
            rule=self.tokens,
        )

    def count(self, documents: Sequence[str], find: Find) -> BagArrays:
        """Ids, offsets and weights of the bags of documents."""

        def counts(text: str) -> dict[int, int]:
            bag: Counter[int] = Counter()
            for kind, keys in self.features(text):
                for key, count in Counter(keys).items():
                    id_ = find(key, kind)
                    if id_ is not None:
                        bag[id_] += count
            return bag

        return bag_arrays(map(counts, documents))

    def occurrences(self, text: str, find: Find) -> Iterator[tuple[int, Occurrence]]:
        """Find the known features of a text; see `Encoder`."""
        locate = build_locator(
            self.parameters,
            with_short_text_features=self.short_text_features,
            subword_ngram_range=self.subword_ngram_range,
            rule=self.tokens,
        )
        for occurrence in locate(text):
            id_ = find(occurrence.key, occurrence.kind)
            if id_ is not None:
                yield id_, occurrence

    def state(self) -> dict[str, Any]:
        """Serialisable state; part of what files and pickles of every version hold."""
        return {
            **state_of_parameters(self.parameters),
            "short_text_features": self.short_text_features,
            "subword_ngram_range": self.subword_ngram_range,
            "feature_rule": self.tokens.version,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> PlainAnalysis:
        """Read what `state` gave, checked.

        Raises
        ------
        ValueError, TypeError, KeyError
        """
        parameters = parameters_of_state(state)
        check_parameters(parameters)
        return cls(
            parameters,
            bool(state["short_text_features"]),
            checked_range(state.get("subword_ngram_range")),
            rule_of_features(state),
        )


class PlainEncoder:
    """Encoder for any analyzer, tokenizer, token pattern or given vocabulary.

    The parameters not listed are those of
    :class:`~sklearn.feature_extraction.text.CountVectorizer`, whose own parts analyse
    the texts. A new feature gets the next id when it is first seen.

    A feature is what CountVectorizer takes it for: a term, which for word n-grams is
    the joined string. So a token that holds a space and the bigram that reads the same
    are one feature, of the kind that came first. Short-text features are kept apart
    from terms whatever a tokenizer may give.

    Parameters
    ----------
    vocabulary : mapping of terms to ids, or iterable of terms, default=None
        The terms to know, used as CountVectorizer does. Nothing is learnt then, nor
        are there short-text features. If word n-grams are counted, a term that holds
        a space is of the kind NGRAM.

    short_text_features : bool, default=False
        Whether to count the short-text features also. They are those of the tokens
        left when stop words are gone; analyzers other than ``"word"`` have no tokens,
        and therefore none.

    subword_ngram_range : tuple (min_n, max_n) or None, default=None
        Characters of the subwords to count also, of the same tokens; None for none.

    tokens : DefaultTokens
        The lengths of short-text features; the tokens are those of the parameters.

    Raises
    ------
    ValueError
        For a vocabulary that CountVectorizer refuses, in its words.
    """

    def __init__(
        self,
        *,
        strip_accents: str | Callable[[str], str] | None = None,
        lowercase: bool = True,
        preprocessor: Callable[[str], str] | None = None,
        tokenizer: Callable[[str], Iterable[str]] | None = None,
        stop_words: str | Iterable[str] | None = None,
        token_pattern: str | None = r"(?u)\b\w\w+\b",
        ngram_range: tuple[int, int] = (1, 1),
        analyzer: str | Callable[[str], Iterable[Hashable]] = "word",
        vocabulary: Mapping[Any, int] | Iterable[Any] | None = None,
        short_text_features: bool = False,
        subword_ngram_range: tuple[int, int] | None = None,
        tokens: DefaultTokens = DEFAULT_TOKENS,
    ) -> None:
        parameters: dict[str, Any] = {
            "strip_accents": strip_accents,
            "lowercase": lowercase,
            "preprocessor": preprocessor,
            "tokenizer": tokenizer,
            "stop_words": stop_words,
            "token_pattern": token_pattern,
            "ngram_range": ngram_range,
            "analyzer": analyzer,
        }
        self.analysis = PlainAnalysis(
            parameters, short_text_features, subword_ngram_range, tokens
        )
        self._fixed = vocabulary is not None
        # In the order of the ids; the keys are those of `build_analysis`.
        self.ids: dict[Hashable, int] = {}
        self._kinds = bytearray()
        if vocabulary is not None:
            self.ids = _validated_vocabulary(vocabulary)
            if lowercase and preprocessor is None and not callable(analyzer):
                _warn_of_upper_case(self.ids)
            self._kinds = bytearray(map(self._kind_of_term, self.ids))

    @property
    def n_ids(self) -> int:
        """Number of features known."""
        return len(self.ids)

    @property
    def kinds(self) -> NDArray[np.uint8]:
        """``FeatureKind`` of each id, of shape (n_ids,)."""
        return self.kinds_since(0)

    def kinds_since(self, first: int) -> NDArray[np.uint8]:
        """``FeatureKind`` of the ids from `first` on; see `LearningEncoder`."""
        return np.array(self._kinds[first:], dtype=np.uint8)

    def learn(self, documents: Sequence[str], n_threads: int = 1) -> Bags:
        """Count features, in one thread; see `LearningEncoder`."""
        find = self._find if self._fixed else self._find_or_add
        return Bags(*self.analysis.count(documents, find), self.n_ids)

    @property
    def releases_gil(self) -> bool:
        """No: plain Python holds the interpreter's lock."""
        return False

    def encode(self, documents: Sequence[str]) -> Bags:
        """Count known features; see `Encoder`."""
        return Bags(*self.analysis.count(documents, self._find), self.n_ids)

    def select(self, ids: NDArray[np.int32]) -> PlainEncoder:
        """Return an encoder of these features; see `Encoder`.

        One with a given vocabulary still learns nothing.
        """
        selected = PlainEncoder.__new__(PlainEncoder)
        selected.analysis = self.analysis
        keys = list(self.ids)
        selected._fixed = self._fixed
        selected.ids = {keys[old]: new for new, old in enumerate(ids.tolist())}
        selected._kinds = bytearray(self.kinds[ids].tobytes())
        return selected

    @property
    def has_short_text_features(self) -> bool:
        """Whether the short-text features are counted."""
        return self.analysis.short_text_features

    def without_short_text_features(self) -> tuple[PlainEncoder, NDArray[np.int32]]:
        """Return an encoder of the other features; see `LearningEncoder`."""
        old_ids = np.flatnonzero(~np.isin(self.kinds, SHORT_TEXT_KINDS))
        selected = self.select(old_ids.astype(ID_DTYPE))
        selected.analysis = replace(self.analysis, short_text_features=False)
        return selected, old_ids.astype(ID_DTYPE)

    def feature_table(self, communicator: Communicator) -> FeatureTable:
        """Features that have been learnt; see `MergeableEncoder`.

        Terms that are no strings are told apart as a dict does it, so they are
        numbered by all ranks together: pickles of equal objects may differ.
        """
        terms, makes, seconds = self._parts()
        others = [part for part in (*terms, *seconds) if not isinstance(part, str)]
        objects = list(dict.fromkeys(chain(*communicator.all_gather(others))))
        number_of = {term: number for number, term in enumerate(objects)}
        strings: dict[bytes, int] = {}

        def string(term: Any) -> int:
            if isinstance(term, str):
                data = term.encode("utf-8", "surrogatepass")
            else:
                data = _OBJECT + str(number_of[term]).encode()
            return strings.setdefault(data, len(strings))

        later = iter(seconds)
        keys = [
            (string(term) | SKIP) << 32 | string(next(later))
            if make == _SKIP_PAIR
            else key_of_role(
                Role.TOKEN if make == _PLAIN_TERM else Role(make), string(term)
            )
            for make, term in zip(makes.tolist(), terms, strict=True)
        ]
        table = Strings.of(list(strings))
        return FeatureTable(table, np.array(keys, np.uint64), self.kinds, objects)

    def with_features(self, table: FeatureTable) -> PlainEncoder:
        """Return an encoder of these features; see `MergeableEncoder`."""

        def term_of(data: bytes) -> Any:
            if data.startswith(_OBJECT):
                return table.objects[int(data.removeprefix(_OBJECT))]
            return data.decode("utf-8", "surrogatepass")

        terms = list(map(term_of, table.strings.to_list()))
        left, right = unpack(table.keys)

        def key(one: int, other: int) -> Hashable:
            if one < FIRST_ROLE:
                return FeatureKind.SKIP, terms[one - SKIP], terms[other]
            role = Role(one - FIRST_ROLE)
            return terms[other] if role is Role.TOKEN else (role, terms[other])

        encoder = PlainEncoder.__new__(PlainEncoder)
        encoder.analysis, encoder._fixed = self.analysis, self._fixed
        keys = map(key, left.tolist(), right.tolist())
        encoder.ids = {term: number for number, term in enumerate(keys)}
        encoder._kinds = bytearray(table.kinds.tobytes())
        return encoder

    def names(self) -> list[str]:
        """Return the name of each feature, in the order of the ids."""
        return [_name(key) for key in self.ids]

    def occurrences(self, text: str) -> Iterator[tuple[int, Occurrence]]:
        """Find known features; see `Encoder`."""
        return self.analysis.occurrences(text, self._find)

    def __getstate__(self) -> dict[str, Any]:
        """Serialisable state; part of what files and pickles of every version hold.

        A key is stored as its string or term, by what it is made of (a role, a skip
        pair or a plain term) and, for a skip pair, by its second string.
        """
        terms, makes, seconds = self._parts()
        return {
            **self.analysis.state(),
            "fixed": self._fixed,
            "kinds": self.kinds,
            "terms": terms,
            "makes": makes,
            "seconds": seconds,
        }

    def _parts(self) -> tuple[list[Any], NDArray[np.uint8], list[Any]]:
        """Terms and makes of all features, and second strings of the skip pairs."""
        keys: list[Any] = list(self.ids)
        makes = np.full(len(keys), _PLAIN_TERM, dtype=np.uint8)
        seconds: list[Any] = []
        if self.analysis.short_text_features or self.analysis.subword_ngram_range:
            for i, key in enumerate(keys):
                if isinstance(key, tuple) and isinstance(key[0], (Role, FeatureKind)):
                    make, keys[i], *second = key
                    makes[i] = _SKIP_PAIR if second else make
                    seconds += second
        return keys, makes, seconds

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.analysis = PlainAnalysis.from_state(state)
        self._fixed = bool(state["fixed"])
        kinds, terms = state["kinds"], _keys_of(state)
        self.ids = {term: number for number, term in enumerate(terms)}
        self._kinds = bytearray(kinds.tobytes())
        if len(self.ids) != len(terms):
            raise ValueError("a term is there twice")

    def _find(self, key: Hashable, kind: FeatureKind) -> int | None:
        return self.ids.get(key)

    def _find_or_add(self, key: Hashable, kind: FeatureKind) -> int:
        id_ = self.ids.setdefault(key, len(self.ids))
        if id_ == len(self._kinds):
            self._kinds.append(kind)
        return id_

    def _kind_of_term(self, term: Hashable) -> FeatureKind:
        """Kind of a term of a given vocabulary, as far as the term shows it."""
        parameters = self.analysis.parameters
        if (
            parameters["analyzer"] == "word"
            and parameters["ngram_range"][1] > 1
            and isinstance(term, str)
            and " " in term
        ):
            return FeatureKind.NGRAM
        return FeatureKind.TERM


def _keys_of(state: dict[str, Any]) -> list[Hashable]:
    """Keys of the features in serialisable state, in the order of the ids.

    Raises
    ------
    ValueError
        If the state is damaged.
    """
    kinds, makes, terms = state["kinds"], state["makes"], list(state["terms"])
    seconds = iter(state["seconds"])
    if not kinds.dtype == makes.dtype == np.uint8:
        raise ValueError("kinds are not small numbers")
    if not kinds.shape == makes.shape == (len(terms),):
        raise ValueError("terms, kinds and makes differ in number")
    if kinds.max(initial=0) > max(FeatureKind):
        raise ValueError("unknown kind of feature")
    made = np.flatnonzero(makes != _PLAIN_TERM).tolist()
    if made and not (state["short_text_features"] or state.get("subword_ngram_range")):
        raise ValueError("short-text features of an encoder that makes none")
    if np.count_nonzero(makes == _SKIP_PAIR) != len(state["seconds"]):
        raise ValueError("skip pairs and their second tokens differ in number")
    for i in made:
        if makes[i] == _SKIP_PAIR:
            terms[i] = (FeatureKind.SKIP, terms[i], next(seconds))
        else:
            terms[i] = (Role(makes[i]), terms[i])
    return terms


def _validated_vocabulary(
    vocabulary: Mapping[Any, int] | Iterable[Any],
) -> dict[Hashable, int]:
    """Check a given vocabulary as CountVectorizer does; terms in the order of ids."""
    checker = vectorizer(vocabulary=vocabulary)
    checker._validate_vocabulary()
    in_order = sorted(checker.vocabulary_.items(), key=itemgetter(1))
    return {term: int(index) for term, index in in_order}


def _warn_of_upper_case(terms: Iterable[Hashable]) -> None:
    """Warn of terms that no lower-cased text can hold, as CountVectorizer does."""
    if any(isinstance(term, str) and any(map(str.isupper, term)) for term in terms):
        warnings.warn(
            "Upper case characters found in vocabulary while 'lowercase' is True: "
            "these terms will never be found. Use lowercase=False, or write them in "
            "lower case.",
            UserWarning,
            stacklevel=2,
        )


def _name(key: Hashable) -> str:
    if isinstance(key, tuple) and len(key) == 2 and isinstance(key[0], Role):
        return key[0].name_of(key[1])
    if isinstance(key, tuple) and len(key) == 3 and key[0] is FeatureKind.SKIP:
        return name_of_skip_pair(key[1], key[2])
    return str(key)
