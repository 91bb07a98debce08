r"""What a token is, by default: rules that say it of every character.

A rule is a regular expression and, for the tokenizer of bytes, a class for each
character; and the lengths of the short-text features (see `features`). Tests hold the
expression and the classes equal over all of Unicode. A rule never changes: a model
names the one that it was fitted with, and keeps it. A better rule is a new one, with
a new version.

Rule 1 is ``\w+|[^\w\s]``. Python's ``\w`` has no combining marks, so that it cuts words
of Hindi at each vowel sign; and a sentence of Chinese is one word.

Rule 2 is the default. As in the word boundaries of Unicode (UAX #29)

- combining marks, and the joiners U+200C and U+200D, belong to the word before them;
  where there is none, as after an emoji, each is a token by itself, as in rule 1;
- each character of Han, Hiragana and Katakana, and each letter of the scripts of South
  East Asia without spaces (Thai, Lao, Khmer, Myanmar and others whose line breaks need
  a dictionary), is a token by itself, with the marks after it.

Pairs of tokens are then pairs of characters, which are what such texts differ in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

SPACE, WORD, SYMBOL, CHARACTER, MARK, UNKNOWN = range(6)
"""Classes of characters. Each run of WORD, each SYMBOL and each CHARACTER is a token; a
MARK belongs to the WORD or CHARACTER before it, and else is a SYMBOL."""

_MARKS = """
    300-36F 483-489 591-5BD 5BF 5C1-5C2 5C4-5C5 5C7 610-61A 64B-65F 670 6D6-6DC
    6DF-6E4 6E7-6E8 6EA-6ED 711 730-74A 7A6-7B0 7EB-7F3 7FD 816-819 81B-823 825-827
    829-82D 859-85B 898-89F 8CA-8E1 8E3-903 93A-93C 93E-94F 951-957 962-963 981-983
    9BC 9BE-9C4 9C7-9C8 9CB-9CD 9D7 9E2-9E3 9FE A01-A03 A3C A3E-A42 A47-A48 A4B-A4D
    A51 A70-A71 A75 A81-A83 ABC ABE-AC5 AC7-AC9 ACB-ACD AE2-AE3 AFA-AFF B01-B03 B3C
    B3E-B44 B47-B48 B4B-B4D B55-B57 B62-B63 B82 BBE-BC2 BC6-BC8 BCA-BCD BD7 C00-C04
    C3C C3E-C44 C46-C48 C4A-C4D C55-C56 C62-C63 C81-C83 CBC CBE-CC4 CC6-CC8 CCA-CCD
    CD5-CD6 CE2-CE3 CF3 D00-D03 D3B-D3C D3E-D44 D46-D48 D4A-D4D D57 D62-D63 D81-D83
    DCA DCF-DD4 DD6 DD8-DDF DF2-DF3 E31 E34-E3A E47-E4E EB1 EB4-EBC EC8-ECE F18-F19
    F35 F37 F39 F3E-F3F F71-F84 F86-F87 F8D-F97 F99-FBC FC6 102B-103E 1056-1059
    105E-1060 1062-1064 1067-106D 1071-1074 1082-108D 108F 109A-109D 135D-135F
    1712-1715 1732-1734 1752-1753 1772-1773 17B4-17D3 17DD 180B-180D 180F 1885-1886
    18A9 1920-192B 1930-193B 1A17-1A1B 1A55-1A5E 1A60-1A7C 1A7F 1AB0-1ACE 1B00-1B04
    1B34-1B44 1B6B-1B73 1B80-1B82 1BA1-1BAD 1BE6-1BF3 1C24-1C37 1CD0-1CD2 1CD4-1CE8
    1CED 1CF4 1CF7-1CF9 1DC0-1DFF 200C-200D 20D0-20F0 2CEF-2CF1 2D7F 2DE0-2DFF
    302A-302F 3099-309A A66F-A672 A674-A67D A69E-A69F A6F0-A6F1 A802 A806 A80B
    A823-A827 A82C A880-A881 A8B4-A8C5 A8E0-A8F1 A8FF A926-A92D A947-A953 A980-A983
    A9B3-A9C0 A9E5 AA29-AA36 AA43 AA4C-AA4D AA7B-AA7D AAB0 AAB2-AAB4 AAB7-AAB8
    AABE-AABF AAC1 AAEB-AAEF AAF5-AAF6 ABE3-ABEA ABEC-ABED FB1E FE00-FE0F FE20-FE2F
    101FD 102E0 10376-1037A 10A01-10A03 10A05-10A06 10A0C-10A0F 10A38-10A3A 10A3F
    10AE5-10AE6 10D24-10D27 10EAB-10EAC 10EFD-10EFF 10F46-10F50 10F82-10F85
    11000-11002 11038-11046 11070 11073-11074 1107F-11082 110B0-110BA 110C2
    11100-11102 11127-11134 11145-11146 11173 11180-11182 111B3-111C0 111C9-111CC
    111CE-111CF 1122C-11237 1123E 11241 112DF-112EA 11300-11303 1133B-1133C
    1133E-11344 11347-11348 1134B-1134D 11357 11362-11363 11366-1136C 11370-11374
    11435-11446 1145E 114B0-114C3 115AF-115B5 115B8-115C0 115DC-115DD 11630-11640
    116AB-116B7 1171D-1172B 1182C-1183A 11930-11935 11937-11938 1193B-1193E 11940
    11942-11943 119D1-119D7 119DA-119E0 119E4 11A01-11A0A 11A33-11A39 11A3B-11A3E
    11A47 11A51-11A5B 11A8A-11A99 11C2F-11C36 11C38-11C3F 11C92-11CA7 11CA9-11CB6
    11D31-11D36 11D3A 11D3C-11D3D 11D3F-11D45 11D47 11D8A-11D8E 11D90-11D91
    11D93-11D97 11EF3-11EF6 11F00-11F01 11F03 11F34-11F3A 11F3E-11F42 13440
    13447-13455 16AF0-16AF4 16B30-16B36 16F4F 16F51-16F87 16F8F-16F92 16FE4
    16FF0-16FF1 1BC9D-1BC9E 1CF00-1CF2D 1CF30-1CF46 1D165-1D169 1D16D-1D172
    1D17B-1D182 1D185-1D18B 1D1AA-1D1AD 1D242-1D244 1DA00-1DA36 1DA3B-1DA6C 1DA75
    1DA84 1DA9B-1DA9F 1DAA1-1DAAF 1E000-1E006 1E008-1E018 1E01B-1E021 1E023-1E024
    1E026-1E02A 1E08F 1E130-1E136 1E2AE 1E2EC-1E2EF 1E4EC-1E4EF 1E8D0-1E8D6
    1E944-1E94A E0100-E01EF
"""
"""Code points of the general categories Mn, Mc and Me in Unicode 15.1, and the joiners.
Listed, since what Python knows of Unicode depends on its version."""

_CHARACTERS = """
    3005-3007 3021-3029 3038-303C 3041-3096 309D-309F 30A1-30FA 30FC-30FF 31F0-31FF
    3400-4DBF 4E00-9FFF F900-FAFF FF66-FF9F 1AFF0-1AFFE 1B000-1B16F 20000-2FFFD
    30000-3FFFD
    E01-E30 E32-E33 E40-E46 E81-E82 E84 E86-E8A E8C-EA3 EA5 EA7-EB0 EB2-EB3 EBD
    EC0-EC4 EC6 EDC-EDF 1000-102A 103F 1050-1055 105A-105D 1061 1065-1066 106E-1070
    1075-1081 108E 1780-17B3 17D7 17DC 1950-196D 1970-1974 1980-19AB 19B0-19C9
    1A20-1A54 1AA7 A9E0-A9E4 A9E6-A9EF A9FA-A9FE AA60-AA76 AA7A AA7E-AAAF AAB1
    AAB5-AAB6 AAB9-AABD AAC0 AAC2 AADB-AADD 11700-1171A 11740-11746
"""
"""Han, Hiragana and Katakana, with what is not assigned yet in their blocks; then the
letters (Lo, Lm) whose Line_Break property is SA."""

Ranges = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class DefaultTokens:
    """What the default tokens are, and what short-text features are made of them.

    All that depends on it reads it here; saved models name its version.

    Parameters
    ----------
    version : int
        By which saved models name the rule.
    pattern : str
        Regular expression of a token.
    marks, characters : tuple of (first, last)
        Code points of the classes MARK and CHARACTER.
    prefix_lengths, suffix_lengths : tuple of int
        Number of characters of the prefixes and suffixes that are features.
    skip_distances : tuple of int
        From the first token of a skip pair to the second.
    """

    version: int
    pattern: str
    marks: Ranges = ()
    characters: Ranges = ()
    prefix_lengths: tuple[int, ...] = (4, 5)
    suffix_lengths: tuple[int, ...] = (3,)
    skip_distances: tuple[int, ...] = (2, 3)

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """The pattern, compiled."""
        return re.compile(self.pattern)

    def tokens(self, text: str) -> list[str]:
        """Return the tokens of one text, by the regular expression."""
        # The first expression is the fastest, and mostly all rules are alike.
        is_alike = text.isascii() or _may_differ(text) is None
        regex = _FIRST_RULE.regex if is_alike else self.regex
        tokens: list[str] = regex.findall(text)
        return tokens

    def classes(self, code_points: NDArray[np.uint32]) -> NDArray[np.uint8]:
        """Class of the character of each code point."""
        classes: NDArray[np.uint8] = self._class_table[code_points]
        unknown = code_points[classes == UNKNOWN]
        if not len(unknown):
            return classes
        for block in np.unique(unknown >> 8).tolist():
            # Threads that get here together write the same.
            self._fill(block << 8, (block + 1) << 8)
        filled: NDArray[np.uint8] = self._class_table[code_points]
        return filled

    @cached_property
    def _class_table(self) -> NDArray[np.uint8]:
        """Class of each code point, found out when first needed: a cache."""
        table = np.full(0x110000, UNKNOWN, dtype=np.uint8)
        for ranges, class_ in ((self.marks, MARK), (self.characters, CHARACTER)):
            for first, last in ranges:
                table[first : last + 1] = class_
        return table

    def _fill(self, start: int, stop: int) -> None:
        known = self._class_table[start:stop]
        classes = [
            character_class(chr(code_point)) for code_point in range(start, stop)
        ]
        self._class_table[start:stop] = np.where(known == UNKNOWN, classes, known)


def character_class(character: str) -> int:
    r"""Class of a character by the rules of ``\w`` and ``\s``."""
    if character.isalnum() or character == "_":
        return WORD
    return SPACE if character.isspace() else SYMBOL


def _ranges(listed: str) -> Ranges:
    """Read code points.

    >>> _ranges("41-43 5F")
    ((65, 67), (95, 95))
    """
    pairs = (part.partition("-") for part in listed.split())
    return tuple((int(one, 16), int(other or one, 16)) for one, _, other in pairs)


def _in_brackets(ranges: Ranges) -> str:
    """Write code points as part of a set in a regular expression, in ASCII."""

    def escaped(code: int) -> str:
        return rf"\u{code:04x}" if code < 0x10000 else rf"\U{code:08x}"

    return "".join(
        escaped(first) if first == last else f"{escaped(first)}-{escaped(last)}"
        for first, last in ranges
    )


def _second_rule() -> DefaultTokens:
    marks, characters = _ranges(_MARKS), _ranges(_CHARACTERS)
    mark, character = _in_brackets(marks), _in_brackets(characters)
    word = rf"[^\W{character}]+"
    pattern = (
        # First what most tokens are. What is ASCII after a word is not looked up: the
        # marks beyond U+FFFF are tried one by one.
        rf"{word}(?:(?=[^\x00-\x7f])[{mark}]+(?:{word})?)*"
        rf"|[{character}][{mark}]*"
        r"|[^\w\s]"
    )
    return DefaultTokens(2, pattern, marks, characters)


_may_differ = re.compile(
    r"[^\x00-\u02ff\u0370-\u0482\u1e00-\u1fff\u2010-\u20cf\u2100-\u2bff\uac00-\ud7ff"
    r"\U0001f000-\U0001faff]"
).search
"""Finds what is neither Latin, Greek, Cyrillic, Hangul, punctuation nor emoji. A test
holds that all rules have the same classes for all else."""

_FIRST_RULE = DefaultTokens(1, r"(?u)\w+|[^\w\s]")

RULES = (_FIRST_RULE, _second_rule())
"""All there have been, by version."""

DEFAULT_TOKENS = RULES[-1]

DEFAULT_PATTERN = "default"
"""What stands for the pattern of the default rule as a value of `token_pattern`."""


def rule_of_pattern(pattern: str | None) -> DefaultTokens | None:
    """Return the newest rule that has this pattern; None for one of the user's."""
    return next((rule for rule in reversed(RULES) if rule.pattern == pattern), None)


def rule_of_version(version: object) -> DefaultTokens:
    """Return the rule that a saved model names.

    Raises
    ------
    ValueError
        If there is none.
    """
    for rule in RULES:
        if type(version) is int and rule.version == version:
            return rule
    raise ValueError(f"there is no token rule {version!r:.50}")


def rule_of_features(state: dict[str, Any]) -> DefaultTokens:
    """Return the rule by which a saved encoder makes short-text features.

    Files from before it was named have the lengths of the first.
    """
    return rule_of_version(state.get("feature_rule", state.get("token_rule", 1)))


def state_of_parameters(parameters: dict[str, Any]) -> dict[str, Any]:
    """Serialisable state of a vectorizer's parameters; of a rule, its version."""
    rule = rule_of_pattern(parameters["token_pattern"])
    if rule is None:
        return {"parameters": dict(parameters)}
    named = {**parameters, "token_pattern": None}
    return {"parameters": named, "token_rule": rule.version}


def parameters_of_state(state: dict[str, Any]) -> dict[str, Any]:
    """Read the parameters of a vectorizer.

    Raises
    ------
    ValueError
        If they name a rule that is not there.
    """
    parameters = dict(state["parameters"])
    # Files from before there was a second rule hold its pattern.
    if "token_rule" in state:
        parameters["token_pattern"] = rule_of_version(state["token_rule"]).pattern
    return parameters
