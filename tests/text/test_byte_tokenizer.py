import re
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skbag._text.byte_tokenizer import (
    Spans,
    hash_spans,
    hash_string,
    prefixes,
    suffixes,
    tokenize,
)
from skbag._text.token_rules import DEFAULT_TOKENS, RULES

ANY_CHARACTER = st.characters(exclude_categories=())
TEXTS = st.one_of(
    st.text(ANY_CHARACTER),
    st.text("aB_9 .\nİßé\x00\ud800\udfff\u200d👍🏽\u0301", max_size=60),
    st.text("aé .\n中の\u0e01\u0e34\u3099\u0301\u0947\ufe0f\u200d❤", max_size=60),
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
    "x" * 64 + " " + "y" * 65 + " " + "é" * 100,
    "!?" * 50,
]


PINNED_HASHES = [
    17511437127852498108,
    3244099888911798771,
    13965036705785265735,
    1501594323425567253,
]


each_rule = pytest.mark.parametrize(
    "rule", RULES, ids=lambda rule: f"rule {rule.version}"
)


def expected_tokens(text, lowercase, rule=DEFAULT_TOKENS):
    return re.findall(rule.pattern, text.lower() if lowercase else text)


def strings(spans):
    lines = spans.to_lines().decode("utf-8", "surrogatepass")
    return lines.split("\n")[:-1]


def tokens_of(documents, lowercase, rule=DEFAULT_TOKENS):
    tokens = tokenize(documents, lowercase, rule)
    found = strings(tokens.spans)
    assert len(found) == len(tokens.spans)
    return [
        found[start:stop]
        for start, stop in zip(tokens.offsets[:-1], tokens.offsets[1:], strict=True)
    ]


def spans_of(words):
    lines = "".join(f"{word}\n" for word in words)
    return Spans.from_lines(lines.encode("utf-8", "surrogatepass"))


@each_rule
@pytest.mark.parametrize("lowercase", [True, False])
@pytest.mark.parametrize("text", TRICKY)
def test_tricky_text_by_itself(text, lowercase, rule):
    expected = expected_tokens(text, lowercase, rule)
    assert tokens_of([text], lowercase, rule) == [expected]
    assert rule.tokens(text.lower() if lowercase else text) == expected


@each_rule
@pytest.mark.parametrize("lowercase", [True, False])
def test_tricky_texts_together(lowercase, rule):
    assert tokens_of(TRICKY, lowercase, rule) == [
        expected_tokens(text, lowercase, rule) for text in TRICKY
    ]


@settings(deadline=None, max_examples=200)
@given(st.lists(TEXTS, max_size=5), st.booleans(), st.sampled_from(RULES))
def test_any_texts(documents, lowercase, rule):
    assert tokens_of(documents, lowercase, rule) == [
        expected_tokens(text, lowercase, rule) for text in documents
    ]
    for text in documents:
        assert rule.tokens(text) == expected_tokens(text, False, rule)


@pytest.mark.slow
@each_rule
@pytest.mark.parametrize("around", ["x{}y", "{}", "中{}\u0301"])
def test_every_character(around, rule):
    # In blocks, each code point by itself and after and before each class.
    before, after = around.split("{}")
    documents = [
        f"{after} {before}".join(map(chr, range(start, start + 0x1000)))
        for start in range(0, sys.maxunicode + 1, 0x1000)
    ]
    assert tokens_of(documents, False, rule) == [
        expected_tokens(text, False, rule) for text in documents
    ]


def test_no_documents():
    tokens = tokenize([], lowercase=True)
    assert len(tokens.spans) == 0
    assert tokens.offsets.tolist() == [0]
    assert len(hash_spans(tokens.spans)) == 0


@each_rule
def test_threads_fill_the_classes_together(rule):
    fresh = replace(rule)
    text = "".join(map(chr, range(0x80, 0x3200)))
    expected = [expected_tokens(text, False, rule)]
    with ThreadPoolExecutor(8) as executor:
        for found in executor.map(tokens_of, [[text]] * 8, [False] * 8, [fresh] * 8):
            assert found == expected


def test_equal_words_hash_alike_wherever_they_are():
    # Next to other bytes, in ASCII and in other company, once and again.
    words = ["a", "sevenxy", "eight_by", "nine_byte", "é" * 4, "l" * 64, "m" * 65]
    documents = [" ".join(words), *(f"{word}中{word}\u00e9" for word in words)]
    documents += [f".{word}!" for word in words]
    spans = tokenize(documents, lowercase=False).spans
    hash_of = {}
    for word, hashed in zip(strings(spans), hash_spans(spans).tolist(), strict=True):
        assert hash_of.setdefault(word, hashed) == hashed
    assert set(words) < set(hash_of)
    assert len(set(hash_of.values())) == len(hash_of)


def test_hash_tells_words_apart():
    rng = np.random.default_rng(0)
    letters = np.array(list("ab"))
    words = {
        "".join(rng.choice(letters, length))
        for length in rng.integers(1, 100, 5000).tolist()
    }
    # One byte changed anywhere.
    for length in (8, 9, 16, 17, 63, 64, 65, 200):
        words |= {"a" * i + "c" + "a" * (length - i - 1) for i in range(length)}
    hashes = hash_spans(spans_of(words))
    assert len(np.unique(hashes)) == len(words)


def test_hash_is_the_same_for_ever():
    spans = spans_of(["a", "refugee", "internationally", "é" * 50])
    assert hash_spans(spans).tolist() == PINNED_HASHES


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.text(ANY_CHARACTER.filter(lambda c: c != "\n"), min_size=1)),
    st.integers(1, 6),
)
def test_affixes_cut_characters(words, length):
    spans = spans_of(words)
    longer = [i for i, word in enumerate(words) if len(word) > length]

    which, found = prefixes(spans, length)
    assert which.tolist() == longer
    assert strings(found) == [words[i][:length] for i in longer]

    which, found = suffixes(spans, length)
    assert which.tolist() == longer
    assert strings(found) == [words[i][-length:] for i in longer]


def test_lines_round_trip():
    for lines in (b"", b"one\n", "zwei\n\u00fcber\n".encode()):
        assert Spans.from_lines(lines).to_lines() == lines


def test_spans_of_lines_can_be_hashed():
    assert len(hash_spans(Spans.from_lines(b""))) == 0
    assert hash_spans(Spans.from_lines(b"a\n")) == hash_spans(spans_of(["a"]))


@pytest.mark.slow
def test_large_texts():
    words = tokens_of(["Word, " * 400_000], lowercase=True)[0]
    assert len(words) == 800_000
    assert set(words) == {"word", ","}
    assert tokens_of(["X" * 10_000_000], lowercase=True) == [["x" * 10_000_000]]


@given(st.lists(st.binary(max_size=90).filter(lambda b: b"\n" not in b)))
@settings(deadline=None)
def test_hash_of_one_string_is_that_of_many(strings):
    spans = Spans.from_lines(b"".join(string + b"\n" for string in strings))
    assert [hash_string(string) for string in strings] == hash_spans(spans).tolist()
