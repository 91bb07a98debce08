"""What a feature of a text can be, and what it is called.

Besides its tokens and their n-grams a text may have *short-text features*, which
help where a few words have to decide:

==========================  ===========================  ==================
feature                     of the tokens "the refugee"  its name
==========================  ===========================  ==================
the first token             the                          ``<first> the``
the last token              refugee                      ``<last> refugee``
prefixes of 4, 5 characters refu, refug                  ``refu…``, ``refug…``
the suffix of 3 characters  gee                          ``…gee``
==========================  ===========================  ==================

and *skip pairs*: two tokens in order with one or two others between them (Guthrie et
al., "A Closer Look at Skip-gram Modelling", LREC 2006). "to be or not" has three, named
``to <skip> or``, ``be <skip> not`` and ``to <skip> not``.

It may also have *subwords*: runs of characters of each token (see `subwords`). Their
names show where the token goes on, by ``…``, and where it begins or ends, by ``<`` and
``>``: ``<ref…``, ``…fug…`` and ``…gee>`` are some of "refugee".

A text of one token has it first and last. A prefix or suffix belongs to every
occurrence of a token with *more* characters than it; a character is one element of a
``str``. A default token is a run of word characters with their marks or one symbol, so
it can be neither ``<first>`` nor ``<skip>`` nor hold ``…`` or ``<`` together with
another character: the names are unambiguous. Under another pattern two features may
share a name; they stay two.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import IntEnum

from skbag._text.token_rules import DEFAULT_TOKENS, DefaultTokens


class FeatureKind(IntEnum):
    """Features that are weighted alike; one uint8 for each id of an encoder."""

    TERM = 0
    """A single token, or any feature of a character or callable analyzer."""

    NGRAM = 1
    """Two or more tokens in a row."""

    EDGE = 2
    """The first or the last token of a text."""

    AFFIX = 3
    """The prefix or the suffix of a token."""

    SKIP = 4
    """Two tokens with one or two between them."""

    SUBWORD = 5
    """A run of characters of a token."""

    CATEGORY = 6
    """A value of a column of categories."""

    NUMBER = 7
    """A column of numbers, with the number as its weight."""


SHORT_TEXT_KINDS = (FeatureKind.EDGE, FeatureKind.AFFIX, FeatureKind.SKIP)
"""The kinds of the short-text features."""


PARTS = (*SHORT_TEXT_KINDS, FeatureKind.SUBWORD)
"""The kinds that are neither whole tokens nor runs of them."""


class Role(IntEnum):
    """How a feature that holds one string uses it."""

    TOKEN = 0
    FIRST = 1
    LAST = 2
    PREFIX = 3
    SUFFIX = 4
    SUBWORD = 5

    @property
    def kind(self) -> FeatureKind:
        """The kind of a feature with this role."""
        return _KINDS[self]

    def name_of(self, string: str) -> str:
        """Return the name of the feature that uses ``string`` in this role.

        >>> [role.name_of("the") for role in Role]
        ['the', '<first> the', '<last> the', 'the…', '…the', '…the…']
        >>> Role.SUBWORD.name_of("<the"), Role.SUBWORD.name_of("the>")
        ('<the…', '…the>')
        """
        if self is Role.SUBWORD:
            before = "" if string.startswith("<") else "…"
            return before + string + ("" if string.endswith(">") else "…")
        return _NAMES[self].format(string)


_KINDS = (
    FeatureKind.TERM,
    FeatureKind.EDGE,
    FeatureKind.EDGE,
    FeatureKind.AFFIX,
    FeatureKind.AFFIX,
    FeatureKind.SUBWORD,
)
_NAMES = ("{}", "<first> {}", "<last> {}", "{}…", "…{}")


def short_text_features(
    tokens: Sequence[str], rule: DefaultTokens = DEFAULT_TOKENS
) -> Iterator[tuple[Role, str]]:
    """Yield the short-text features of the tokens of one text.

    >>> for role, string in short_text_features(["the", "refugee"]):
    ...     print(role.name_of(string))
    <first> the
    <last> refugee
    refu…
    refug…
    …gee
    """
    if tokens:
        yield Role.FIRST, tokens[0]
        yield Role.LAST, tokens[-1]
    for token in tokens:
        for role, affix in affixes(token, rule):
            if affix is not None:
                yield role, affix


def skip_pairs(
    tokens: Sequence[str], rule: DefaultTokens = DEFAULT_TOKENS
) -> Iterator[tuple[str, str]]:
    """Yield the skip pairs of the tokens of one text.

    >>> [name_of_skip_pair(*pair) for pair in skip_pairs(["to", "be", "or", "not"])]
    ['to <skip> or', 'be <skip> not', 'to <skip> not']
    """
    for distance in rule.skip_distances:
        yield from zip(tokens, tokens[distance:], strict=False)


def name_of_skip_pair(one: str, other: str) -> str:
    """Return the name of a skip pair."""
    return f"{one} <skip> {other}"


def affixes(
    token: str, rule: DefaultTokens = DEFAULT_TOKENS
) -> Iterator[tuple[Role, str | None]]:
    """Yield each prefix and suffix of a token; None for one as long as the token.

    >>> list(affixes("rats"))
    [(<Role.PREFIX: 3>, None), (<Role.PREFIX: 3>, None), (<Role.SUFFIX: 4>, 'ats')]
    """
    for length in rule.prefix_lengths:
        yield Role.PREFIX, token[:length] if len(token) > length else None
    for length in rule.suffix_lengths:
        yield Role.SUFFIX, token[-length:] if len(token) > length else None
