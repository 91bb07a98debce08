"""What every encoder does, however it finds and numbers its features."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from skbag._text import vocabulary_encoder
from skbag._text.compact_encoders import (
    CompactPlainEncoder,
    CompactSelection,
    CompactVocabularyEncoder,
)
from skbag._text.encoder import Encoder, LearningEncoder
from skbag._text.features import SHORT_TEXT_KINDS, FeatureKind
from skbag._text.hashed_encoder import HashedEncoder
from skbag._text.plain_encoder import PlainEncoder
from skbag._text.vocabulary_encoder import VocabularyEncoder
from tests.conftest import rotating
from tests.text.test_vocabulary_encoder import (
    ALL_OPTIONS,
    DOCUMENTS,
    TOKEN_PATTERN,
    assert_same_bags,
    by_name,
    ids_of,
    in_order,
)


def plain(**options):
    return PlainEncoder(token_pattern=TOKEN_PATTERN, **options)


def buckets(**options):
    return HashedEncoder(
        1000, default_tokens=True, token_pattern=TOKEN_PATTERN, **options
    )


def buckets_one_by_one(**options):
    return HashedEncoder(1000, token_pattern=TOKEN_PATTERN, **options)


WITH_NAMES = {"vocabulary": VocabularyEncoder, "plain": plain}
LEARNING = {
    **WITH_NAMES,
    "buckets": buckets,
    "buckets, one by one": buckets_one_by_one,
}
SHORT = {"ngram_range": (1, 2), "short_text_features": True}
OPTIONS = {
    "words": {},
    "short texts": SHORT,
    "subwords": {**SHORT, "subword_ngram_range": (3, 4)},
}
ALL_OPTIONS = {
    ", ".join(str(value) for value in options.values()): options
    for options in ALL_OPTIONS
}


def split_on_x(text):
    return text.split("x")


def pairs_of_characters(text):
    return zip(text, text[1:], strict=False)


PLAIN = {
    "tokenizer": {"tokenizer": split_on_x, "token_pattern": None},
    "characters": {"analyzer": "char", "ngram_range": (1, 3)},
    "no strings": {"analyzer": pairs_of_characters},
    "given vocabulary": {"vocabulary": ["river", "cold"]},
}


def learnt(make):
    """An encoder that knows the features of some of the documents, not of all."""
    encoder = make()
    encoder.learn(DOCUMENTS[:4])
    return encoder


def every_other(encoder):
    return np.arange(0, encoder.n_ids, 2, dtype=np.int32)


def a_part(make):
    encoder = learnt(make)
    return encoder.select(every_other(encoder))


def compact(kind, make):
    encoder = learnt(make)
    return kind.compact(encoder, every_other(encoder))[0]


def selection(make):
    encoder = learnt(make)
    return CompactSelection(encoder, every_other(encoder))


def with_everything(make):
    return lambda: make(**OPTIONS["subwords"])


READING = {
    **{
        f"{name}, {options}": lambda make=make, options=options: learnt(
            lambda: make(**OPTIONS[options])
        )
        for name, make in LEARNING.items()
        for options in OPTIONS
    },
    **{
        f"plain, {name}": lambda options=options: learnt(
            lambda: PlainEncoder(**options)
        )
        for name, options in PLAIN.items()
    },
    "a part of a vocabulary": lambda: a_part(with_everything(VocabularyEncoder)),
    "a part of plain": lambda: a_part(with_everything(plain)),
    "compact vocabulary": lambda: compact(
        CompactVocabularyEncoder, with_everything(VocabularyEncoder)
    ),
    "compact plain": lambda: compact(CompactPlainEncoder, with_everything(plain)),
    "selection of a vocabulary": lambda: selection(with_everything(VocabularyEncoder)),
    "selection of buckets": lambda: selection(with_everything(buckets)),
}
DUPLICATES = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda encoder: pickle.loads(pickle.dumps(encoder)),
}

# The encoder of a tokenizer warns that there is no use for a pattern beside it.
pytestmark = pytest.mark.filterwarnings("ignore:The parameter 'token_pattern' will")
reading = pytest.mark.parametrize("read", READING.values(), ids=READING)
learning = pytest.mark.parametrize("make", LEARNING.values(), ids=LEARNING)
with_names = pytest.mark.parametrize("make", WITH_NAMES.values(), ids=WITH_NAMES)


def assert_sound(bags, encoder):
    """Of what is learnt ids may be in any order, but each once."""
    assert bags.n_ids == encoder.n_ids
    assert bags.ids.dtype == np.int32
    assert bags.offsets.dtype == np.int64
    assert ((bags.ids >= 0) & (bags.ids < encoder.n_ids)).all()
    for row in range(len(bags)):
        ids = bags.slice(row, row + 1).ids
        assert len(np.unique(ids)) == len(ids)


# -- those that read -------------------------------------------------------------------


@reading
def test_is_an_encoder(read):
    encoder = read()
    assert isinstance(encoder, Encoder)
    assert isinstance(encoder, LearningEncoder) == hasattr(encoder, "learn")


@reading
def test_dtypes_and_order(read):
    encoder = read()
    bags = encoder.encode(DOCUMENTS)
    assert len(bags) == len(DOCUMENTS)
    assert len(bags.ids) > 0
    assert_sound(bags, encoder)
    for row in range(len(bags)):
        assert (np.diff(bags.slice(row, row + 1).ids) > 0).all()
    assert bags.weights.dtype == np.float32
    assert isinstance(encoder.releases_gil, bool)


@reading
def test_no_documents(read):
    encoder = read()
    bags = encoder.encode([])
    assert bags.offsets.tolist() == [0]
    assert_sound(bags, encoder)


@reading
def test_a_text_alone_is_read_as_in_company(read):
    encoder = read()
    together = encoder.encode(DOCUMENTS)
    for row, text in enumerate(DOCUMENTS):
        assert_same_bags(encoder.encode([text]), together.slice(row, row + 1))


@reading
def test_encode_does_not_change_the_encoder(read):
    encoder = read()
    before = pickle.dumps(encoder)
    encoder.encode(DOCUMENTS)
    encoder.encode(DOCUMENTS[:1])
    assert pickle.dumps(encoder) == before


@rotating(read=READING, duplicate=DUPLICATES)
def test_copies_read_the_same(read, duplicate):
    encoder = read()
    twin = duplicate(encoder)
    assert pickle.dumps(twin) == pickle.dumps(encoder)
    assert_same_bags(twin.encode(DOCUMENTS), encoder.encode(DOCUMENTS))


@reading
def test_many_threads_share_an_encoder(read):
    encoder = read()
    expected = encoder.encode(DOCUMENTS)
    # A loaded one has not found out yet whatever is found out when first asked.
    encoder = pickle.loads(pickle.dumps(encoder))
    with ThreadPoolExecutor(8) as executor:
        for bags in executor.map(encoder.encode, [DOCUMENTS] * 16):
            assert_same_bags(bags, expected)


@reading
def test_occurrences_are_what_is_counted(read):
    encoder = read()
    bags = encoder.encode(DOCUMENTS)
    for row, text in enumerate(DOCUMENTS):
        counts = np.zeros(encoder.n_ids)
        for id_, _ in encoder.occurrences(text):
            counts[id_] += 1
        found = bags.slice(row, row + 1).to_csr().toarray()[0]
        np.testing.assert_array_equal(counts, found)


# -- those that learn ------------------------------------------------------------------


@learning
@pytest.mark.parametrize("options", OPTIONS)
def test_each_feature_has_a_kind(make, options):
    encoder = learnt(lambda: make(**OPTIONS[options]))
    assert encoder.kinds.dtype == np.uint8
    assert encoder.kinds.shape == (encoder.n_ids,)
    np.testing.assert_array_equal(copy.deepcopy(encoder).kinds, encoder.kinds)


@rotating(options=ALL_OPTIONS, make=LEARNING)
def test_encode_after_learn_gives_the_same(options, make):
    encoder = make(**options)
    bags = encoder.learn(DOCUMENTS)
    assert_same_bags(encoder.encode(DOCUMENTS), in_order(bags))
    assert bags.n_ids == encoder.n_ids == len(encoder.kinds)
    if isinstance(encoder, HashedEncoder):
        assert encoder.n_ids == 1000


LEARNT_DTYPES = {
    "vocabulary": np.uint8,
    "plain": np.float32,
    "buckets": np.uint8,
    "buckets, one by one": np.float32,
}


@pytest.mark.parametrize("name", LEARNING)
def test_dtypes_and_order_of_what_is_learnt(name):
    encoder = LEARNING[name](**OPTIONS["subwords"])
    bags = encoder.learn(DOCUMENTS)
    assert_sound(bags, encoder)
    assert bags.weights.dtype == LEARNT_DTYPES[name]


@rotating(options=ALL_OPTIONS, make=LEARNING)
def test_threads_learn_the_same(options, make, monkeypatch):
    monkeypatch.setattr(vocabulary_encoder, "CHARACTERS_PER_THREAD", 15)
    encoder = make(**options)
    expected = [encoder.learn(DOCUMENTS[:3]), encoder.learn(DOCUMENTS * 2)]
    for n_threads in (2, 3, 7):
        other = make(**options)
        found = [other.learn(DOCUMENTS[:3]), other.learn(DOCUMENTS * 2, n_threads)]
        for bags, before in zip(found, expected, strict=True):
            assert_same_bags(bags, before)
            assert bags.weights.dtype == before.weights.dtype
        assert pickle.dumps(other) == pickle.dumps(encoder)


@pytest.mark.parametrize("make", [VocabularyEncoder, buckets])
def test_a_failed_learn_changes_nothing(make, monkeypatch):
    monkeypatch.setattr(vocabulary_encoder, "CHARACTERS_PER_THREAD", 15)
    encoder, twin = (learnt(lambda: make(**SHORT)) for _ in range(2))
    before = pickle.dumps(encoder)
    for documents in ([*DOCUMENTS, None], [*DOCUMENTS, b"bytes"], [5, *DOCUMENTS]):
        for n_threads in (1, 3):
            with pytest.raises(TypeError, match="expected a str"):
                encoder.learn(documents, n_threads)
            assert pickle.dumps(encoder) == before
    assert_same_bags(encoder.encode(DOCUMENTS), twin.encode(DOCUMENTS))
    assert_same_bags(encoder.learn(DOCUMENTS), twin.learn(DOCUMENTS))


@learning
@pytest.mark.parametrize("documents", [[], [""], ["", " \n", "\u3000"]])
def test_nothing_to_count(documents, make):
    encoder = make(**OPTIONS["subwords"])
    for bags in (encoder.learn(documents), encoder.encode(documents)):
        assert bags.offsets.tolist() == [0] * (len(documents) + 1)
        assert_sound(bags, encoder)
    assert len(encoder.encode(DOCUMENTS).ids) == 0


@learning
@pytest.mark.parametrize("options", ["short texts", "subwords"])
@pytest.mark.parametrize("name", ["copy", "deepcopy", "pickle"])
def test_without_short_text_features(name, options, make):
    """What is left is counted as before, also after a copy; and it learns on."""
    duplicate = {"copy": copy.copy, **DUPLICATES}[name]
    encoder = learnt(lambda: make(**OPTIONS[options]))
    before = pickle.dumps(encoder)
    fewer, old_ids = encoder.without_short_text_features()
    assert pickle.dumps(encoder) == before
    assert encoder.has_short_text_features
    fewer = duplicate(fewer)
    assert not fewer.has_short_text_features
    assert old_ids.shape == (fewer.n_ids,)
    assert old_ids.dtype == np.int32
    expected = encoder.encode(DOCUMENTS).to_csr().toarray()
    found = fewer.encode(DOCUMENTS).to_csr().toarray()
    np.testing.assert_array_equal(
        found, np.where(old_ids >= 0, expected[:, old_ids], 0)
    )
    is_left = ~np.isin(encoder.kinds, SHORT_TEXT_KINDS)
    assert found.sum() == expected[:, is_left].sum()
    assert_same_bags(fewer.learn(DOCUMENTS), duplicate(fewer).learn(DOCUMENTS))
    kinds = fewer.kinds[np.unique(fewer.encode(DOCUMENTS).ids)]
    assert not np.isin(kinds, SHORT_TEXT_KINDS).any()
    for text in DOCUMENTS:
        ids = [id_ for id_, _ in fewer.occurrences(text)]
        assert sorted(set(ids)) == fewer.encode([text]).ids.tolist()


@learning
def test_what_was_not_learnt_is_left_out(make):
    encoder = make(**SHORT)
    encoder.learn(["one two"])
    bags = encoder.encode(["three four", "two three"])
    assert np.diff(bags.offsets).tolist() == [0, 1]
    assert bags.weights.tolist() == [1]


@learning
def test_learn_is_deterministic(make):
    encoders = make(**SHORT), make(**SHORT)
    for documents in (DOCUMENTS[3:], DOCUMENTS):
        assert_same_bags(*(encoder.learn(documents) for encoder in encoders))
    assert pickle.dumps(encoders[0]) == pickle.dumps(encoders[1])


@rotating(
    options=ALL_OPTIONS, make=LEARNING, duplicate=DUPLICATES, is_part=[False, True]
)
def test_copies_learn_the_same(options, make, duplicate, is_part):
    encoder = make(**options)
    encoder.learn(DOCUMENTS[:4])
    if is_part and not isinstance(encoder, HashedEncoder):
        encoder = encoder.select(np.arange(0, encoder.n_ids, 3, dtype=np.int32))
    assert_a_copy_learns_the_same(encoder, duplicate)


@rotating(options=PLAIN, duplicate=DUPLICATES)
def test_copies_of_functions_and_vocabularies_learn_the_same(options, duplicate):
    encoder = learnt(lambda: PlainEncoder(**options))
    twin = assert_a_copy_learns_the_same(encoder, duplicate)
    assert twin.names() == encoder.names()


def assert_a_copy_learns_the_same(encoder, duplicate):
    twin = duplicate(encoder)
    before = pickle.dumps(encoder)
    bags = twin.learn(DOCUMENTS)
    assert pickle.dumps(encoder) == before
    assert_same_bags(bags, encoder.learn(DOCUMENTS))
    assert pickle.dumps(twin) == pickle.dumps(encoder)
    np.testing.assert_array_equal(twin.kinds, encoder.kinds)
    return twin


# -- those whose features have names ---------------------------------------------------


@with_names
def test_without_features_there_are_no_names(make):
    encoder = make(**OPTIONS["subwords"])
    encoder.learn(["", " \n"])
    assert encoder.n_ids == 0
    assert encoder.names() == []
    assert encoder.kinds.shape == (0,)


@with_names
def test_learn_only_appends(make):
    encoder = make(**SHORT)
    encoder.learn(DOCUMENTS[:2])
    names = encoder.names()
    encoder.learn(DOCUMENTS)
    assert encoder.names()[: len(names)] == names


@with_names
def test_select_renumbers_and_leaves_the_old_encoder_alone(make):
    encoder = make(**SHORT)
    encoder.learn(["one two three"])
    before = pickle.dumps(encoder)
    kept = ["…ree", "one two", "<last> three", "two"]

    selected = encoder.select(ids_of(encoder, kept))

    assert selected.names() == kept
    assert selected.kinds.tolist() == [
        FeatureKind.AFFIX,
        FeatureKind.NGRAM,
        FeatureKind.EDGE,
        FeatureKind.TERM,
    ]
    bags = selected.encode(["two three two one two"])
    assert bags.n_ids == 4
    assert by_name(selected, bags) == [{"two": 3, "…ree": 1, "one two": 1}]
    assert pickle.dumps(encoder) == before


@with_names
def test_select_nothing(make):
    encoder = make(**SHORT)
    encoder.learn(DOCUMENTS)
    selected = encoder.select(np.array([], np.int32))
    assert selected.n_ids == 0
    assert len(selected.encode(DOCUMENTS).ids) == 0


@with_names
def test_learn_after_select_appends_what_was_left_out(make):
    encoder = make(**SHORT)
    encoder.learn(["refugee camp"])
    selected = encoder.select(ids_of(encoder, ["refugee"]))
    bags = selected.learn(["refugee camp"])
    assert selected.names()[0] == "refugee"
    assert sorted(selected.names()) == sorted(encoder.names())
    np.testing.assert_array_equal(np.sort(bags.ids), np.arange(encoder.n_ids))


@with_names
def test_a_part_of_what_was_left_out_is_learnt_again(make):
    """Of one word some features were kept."""
    encoder = make(**OPTIONS["subwords"])
    encoder.learn(["refugee camp"])
    kept = ["refugee", "refu…", "…fug…", "refugee camp"]
    selected = encoder.select(ids_of(encoder, kept))
    selected = pickle.loads(pickle.dumps(selected))
    selected.encode(["refugee", "camp"])  # looks up what there is
    selected.learn(["refugee camp"])
    assert sorted(selected.names()) == sorted(encoder.names())


@with_names
def test_what_a_selection_learns_the_old_encoder_does_not(make):
    encoder = make()
    encoder.learn(["one two three"])
    before = pickle.dumps(encoder)
    selected = encoder.select(ids_of(encoder, ["three"]))
    bags = selected.learn(["one three"])
    assert selected.names() == ["three", "one"]
    np.testing.assert_array_equal(np.sort(bags.ids), [0, 1])
    assert pickle.dumps(encoder) == before
    assert encoder.names() == ["one", "two", "three"]
