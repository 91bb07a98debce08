"""Tokens of strings read where they lie: those of the regular expression."""

from __future__ import annotations

import re
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skbag._text.documents import Documents, TokenClasses
from skbag._text.token_rules import DEFAULT_TOKENS, RULES
from skbag._text.vocabulary import Vocabulary
from skbag._text.vocabulary_encoder import NEVER, VocabularyOptions, token_classes

ANY_CHARACTER = st.characters(exclude_categories=())
TEXTS = st.one_of(
    st.text(ANY_CHARACTER),
    # One, two and four bytes a character.
    st.text(st.characters(max_codepoint=0xFF)),
    st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=())),
    st.text("aB_9 .\nİßé\x00\ud800\udfff\u200d👍🏽\u0301", max_size=60),
    st.text("aé .\n中の\u0e01\u0e34\u3099\u0301\u0947\ufe0f\u200d❤", max_size=60),
    st.text("ΣσςΑά İI\u0307\u0301.", max_size=20),
)

TRICKY = [
    "",
    "   \t\r\n",
    "\n",
    "a",
    ".",
    "Hello, WORLD!",
    "snake_case __init__ 3.14",
    "İstanbul İ",  # lower() is longer
    "ΟΔΥΣΣΕΥΣ ΟΔΥΣ. ΣΑΣ",  # final sigma
    "\ud800lone\udc00 \udfff\ud800 surrogates",
    "a\x00b\x00 \x00",  # NUL is a symbol
    "zero\u200bwidth\u200djoiner \ufeff",
    "👍🏽 👨‍👩‍👧 🇩🇪",
    "cafe\u0301 café naïve",
    "line\u2028paragraph\u2029nel\x85vt\x0bff\x0cfs\x1cgs\x1drs\x1eus\x1f",
    "nbsp\u00a0em\u2003ideographic\u3000space",
    "中文句子没有空格。日本語 한국어",
    "हिन्दी ภาษาไทย עברית العربية",
    "\u0301 \u0301a\u0301\u0302. \u200d❤\ufe0f\u200d🔥 1\ufe0f\u20e3",
    "が か\u3099a中\ufe00b中 \u0e01\u0e34\u0e48\u0e01",
    "می\u200cخواهم",
    "½ ² ① Ⅷ 𝟘 𐏓 ª",
    "\u212a\u212b",  # Kelvin and Angstrom signs lower to ASCII and Latin-1
    "ȺȾ",  # lower to characters of more bytes
    "x" * 64 + " " + "y" * 65 + " " + "é" * 100,
    "!?" * 50,
]

each_rule = pytest.mark.parametrize(
    "rule", RULES, ids=lambda rule: f"rule {rule.version}"
)


def expected_tokens(text, lowercase, rule=DEFAULT_TOKENS):
    return re.findall(rule.pattern, text.lower() if lowercase else text)


def tokens_of(documents, lowercase, rule=DEFAULT_TOKENS, classes=None):
    """Distinct tokens of each document, and how often each and each pair occurs."""
    options = VocabularyOptions(lowercase, (1, 2), tokens=rule)
    found = []
    for document in documents:
        vocabulary = Vocabulary(options, classes or token_classes(rule))
        texts = Documents((document,), lowercase, None, NEVER)
        ids, _, counts = vocabulary.learn(texts, 0, 0)
        found.append(_in_order(vocabulary, ids.tolist(), counts.tolist()))
    return found


def _in_order(vocabulary, ids, counts):
    lines = vocabulary.lines(vocabulary.n_known_strings).tobytes()
    strings = lines.decode("utf-8", "surrogatepass").split("\n")[:-1]
    keys = vocabulary.feature_keys(len(vocabulary)).tolist()
    of_pairs = {}
    for id_, count in zip(ids, counts, strict=True):
        left, right = keys[id_] >> 32, keys[id_] & 0xFFFFFFFF
        name = (strings[right],)
        if left < 1 << 31:
            name = (strings[left], strings[right])
        of_pairs[name] = int(count)
    return strings, of_pairs


def summary(tokens):
    """What `tokens_of` is to tell of these tokens."""
    counts = {}
    for names in (
        [(token,) for token in tokens],
        list(zip(tokens, tokens[1:], strict=False)),
    ):
        for name in names:
            counts[name] = counts.get(name, 0) + 1
    return list(dict.fromkeys(tokens)), counts


def assert_tokens(documents, lowercase, rule, classes=None):
    found = tokens_of(documents, lowercase, rule, classes)
    for text, each in zip(documents, found, strict=True):
        assert each == summary(expected_tokens(text, lowercase, rule))


@each_rule
@pytest.mark.parametrize("lowercase", [True, False])
def test_tricky_texts(lowercase, rule):
    assert_tokens(TRICKY, lowercase, rule)
    for text in TRICKY:
        assert rule.tokens(text) == expected_tokens(text, False, rule)


@settings(deadline=None, max_examples=200)
@given(st.lists(TEXTS, max_size=5), st.booleans(), st.sampled_from(RULES))
def test_any_texts(documents, lowercase, rule):
    assert_tokens(documents, lowercase, rule)
    for text in documents:
        assert rule.tokens(text) == expected_tokens(text, False, rule)


@settings(deadline=None)
@given(st.binary(max_size=40), st.booleans(), st.sampled_from(RULES))
def test_random_bytes(data, lowercase, rule):
    wide = data[: len(data) & ~1].decode("utf-16-le", "surrogatepass")
    assert_tokens([wide, data.decode("latin-1")], lowercase, rule)


@each_rule
def test_class_of_every_code_point(rule):
    codes = np.arange(sys.maxunicode + 1, dtype=np.uint32)
    expected = rule.classes(codes).tolist()
    classes = TokenClasses(rule.marks, rule.characters)
    assert [classes.class_of(code) for code in range(len(codes))] == expected
    # Once more: from memory.
    assert [classes.class_of(code) for code in range(0x3000)] == expected[:0x3000]


def test_which_characters_lower_to_more_than_one():
    """All others are lowered one by one, wherever they stand."""
    texts = {chr(code): chr(code).lower() for code in range(sys.maxunicode + 1)}
    assert [text for text, lower in texts.items() if len(lower) != 1] == ["İ"]
    # What `str.lower` makes of a character beside letters, and before a full stop.
    depends = [
        text for text, lower in texts.items() if f"A{text}.".lower() != f"a{lower}."
    ]
    assert depends == ["Σ"]


@pytest.mark.slow
@each_rule
@pytest.mark.parametrize("lowercase", [True, False])
@pytest.mark.parametrize("around", ["x{}y", "{}", "中{}\u0301"])
def test_every_character(around, lowercase, rule):
    # In blocks, each code point by itself and after and before each class.
    before, after = around.split("{}")
    documents = [
        f"{after} {before}".join(map(chr, range(start, start + 0x1000)))
        for start in range(0, sys.maxunicode + 1, 0x1000)
    ]
    assert_tokens(documents, lowercase, rule)


@each_rule
def test_threads_fill_the_classes_together(rule):
    classes = TokenClasses(rule.marks, rule.characters)
    text = "".join(map(chr, range(0x80, 0x3200)))
    expected = summary(expected_tokens(text, False, rule))
    with ThreadPoolExecutor(8) as executor:
        for found in executor.map(
            lambda _: tokens_of([text], False, rule, classes), range(8)
        ):
            assert found == [expected]


def test_subclasses_of_str_are_read_as_they_are():
    class Loud(str):
        def lower(self):
            return 5

    for text in ("Plain", "Ünder", "İstanbul ΣΑΣ", "👍 Up"):
        assert_tokens([np.str_(text)], True, DEFAULT_TOKENS)
        found = tokens_of([Loud(text)], True)
        assert found == [summary(expected_tokens(text, True))]


def test_what_a_text_is_replaced_by_is_a_str():
    vocabulary = Vocabulary(VocabularyOptions(), token_classes(DEFAULT_TOKENS))
    texts = Documents(("plain", "é"), True, lambda text: 5, NEVER)
    with pytest.raises(TypeError, match="replaced by one of type int"):
        vocabulary.learn(texts, 0, 0)


@pytest.mark.slow
def test_large_texts():
    found = tokens_of(["Word, " * 400_000, "X" * 10_000_000], lowercase=True)
    assert found[0] == (
        ["word", ","],
        {
            ("word",): 400_000,
            (",",): 400_000,
            ("word", ","): 400_000,
            (",", "word"): 399_999,
        },
    )
    assert found[1] == (["x" * 10_000_000], {("x" * 10_000_000,): 1})
