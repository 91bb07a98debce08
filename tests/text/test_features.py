import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from skbag._text.features import (
    FeatureKind,
    Role,
    name_of_skip_pair,
    short_text_features,
    skip_pairs,
)
from skbag._text.subwords import subwords


def names(tokens):
    return [role.name_of(string) for role, string in short_text_features(tokens)]


def test_no_tokens_have_no_features():
    assert names([]) == []


def test_single_token_is_first_and_last():
    assert names(["end"]) == ["<first> end", "<last> end"]


def test_affixes_are_shorter_than_their_token():
    assert names(["abcd"])[2:] == ["…bcd"]
    assert names(["abcde"])[2:] == ["abcd…", "…cde"]
    assert names(["abcdef"])[2:] == ["abcd…", "abcde…", "…def"]


def test_every_occurrence_counts():
    assert names(["abcd", "abcd"])[2:] == ["…bcd", "…bcd"]


def test_kinds_fit_a_byte_and_cover_all_roles():
    assert [role.kind for role in Role] == [
        FeatureKind.TERM,
        FeatureKind.EDGE,
        FeatureKind.EDGE,
        FeatureKind.AFFIX,
        FeatureKind.AFFIX,
        FeatureKind.SUBWORD,
    ]
    assert [int(kind) for kind in FeatureKind] == list(range(8))


@given(st.sets(st.text("a<>…", min_size=1, max_size=4)))
def test_subwords_that_differ_have_names_that_differ(strings):
    assert len({Role.SUBWORD.name_of(string) for string in strings}) == len(strings)


@given(st.lists(st.text("abcdefg<>…!", min_size=1, max_size=9), max_size=4))
def test_no_subword_of_default_tokens_is_named_as_another_feature(texts):
    tokens = re.findall(r"\w+|[^\w\s]", " ".join(texts))
    of_subwords = {
        Role.SUBWORD.name_of(part)
        for token in tokens
        for part in subwords(token, (2, 6))
    }
    others = {*tokens, *map(" ".join, pairwise(tokens)), *names(tokens)}
    others |= {name_of_skip_pair(*pair) for pair in skip_pairs(tokens)}
    assert not of_subwords & others


@given(st.lists(st.text(min_size=1)))
def test_skip_pairs_have_one_or_two_tokens_between_them(tokens):
    n = len(tokens)
    places = [(i, j) for i in range(n) for j in range(n) if 2 <= j - i <= 3]
    expected = sorted((tokens[i], tokens[j]) for i, j in places)
    assert sorted(skip_pairs(tokens)) == expected


@given(st.lists(st.text(min_size=1)))
def test_affixes_cut_characters(tokens):
    affixes = [
        (role, string)
        for role, string in short_text_features(tokens)
        if role.kind == FeatureKind.AFFIX
    ]
    expected = []
    for token in tokens:
        expected += [(Role.PREFIX, token[:4])] if len(token) > 4 else []
        expected += [(Role.PREFIX, token[:5])] if len(token) > 5 else []
        expected += [(Role.SUFFIX, token[-3:])] if len(token) > 3 else []
    assert affixes == expected
