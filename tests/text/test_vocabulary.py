"""Vocabularies that are shared, grown and interrupted."""

from __future__ import annotations

import _thread
import copy
import pickle
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from skbag._core.communicator import SINGLE_PROCESS
from skbag._text import vocabulary_encoder
from skbag._text.vocabulary_encoder import VocabularyEncoder
from tests.conftest import LONG, rotating
from tests.text.test_vocabulary_encoder import (
    ALL_OPTIONS,
    DOCUMENTS,
    OPTIONS,
    TEXTS,
    assert_same_bags,
    by_name,
    ids_of,
    kinds_by_name,
    plain_encoder,
)

EVERYTHING = {
    "ngram_range": (1, 3),
    "short_text_features": True,
    "subword_ngram_range": (3, 4),
}
# Words that are affixes and subwords of others, so that these come and go.
SOME_TEXTS = st.lists(
    st.lists(
        st.sampled_from("refugee refuge refu fuge gee ugee a b Café é ? 中文".split()),
        max_size=8,
    ).map(" ".join),
    max_size=3,
)
OPERATIONS = st.lists(
    st.tuples(
        st.sampled_from(
            ["learn", "encode", "select", "pickle", "copy", "rebuild", "fail"]
        ),
        SOME_TEXTS,
        st.randoms(use_true_random=False),
    ),
    min_size=1,
    max_size=6,
)


@pytest.fixture
def short_shards(monkeypatch):
    monkeypatch.setattr(vocabulary_encoder, "CHARACTERS_PER_THREAD", 10)


def assert_same_state(encoder, other):
    assert encoder.n_ids == other.n_ids
    assert_array_equal(encoder.keys, other.keys)
    assert_array_equal(encoder.lines, other.lines)
    assert pickle.dumps(encoder) == pickle.dumps(other)


def random_texts(n, n_words, seed=0, length=8):
    rng = np.random.default_rng(seed)
    return [
        " ".join(f"word{i}" for i in rng.zipf(1.2, size=length) % n_words)
        for _ in range(n)
    ]


# -- whatever is done to it ------------------------------------------------------------


def change(operation, texts, draw, encoder, plain):
    """Do the same to both; what they are then, and what else is to stay as it is."""
    if operation == "learn":
        n_threads = draw.choice([1, 2, 3])
        found = by_name(encoder, encoder.learn(texts, n_threads))
        assert found == by_name(plain, plain.learn(texts))
    elif operation == "encode":
        encoder.encode(texts)
    elif operation == "select":
        names = encoder.names()
        kept = draw.sample(names, draw.randint(0, len(names)))
        encoder = encoder.select(ids_of(encoder, kept))
        plain = plain.select(ids_of(plain, kept))
    elif operation == "pickle":
        encoder = pickle.loads(pickle.dumps(encoder))
    elif operation == "copy":
        encoder = draw.choice([copy.copy, copy.deepcopy])(encoder)
        plain = copy.deepcopy(plain)
    elif operation == "rebuild":
        names = encoder.names()
        table = encoder.feature_table(SINGLE_PROCESS)
        kept = draw.sample(range(len(names)), draw.randint(0, len(names)))
        some = replace(table, keys=table.keys[kept])
        encoder = encoder.with_features(some)
        assert encoder.names() == [names[i] for i in kept]
        table = plain.feature_table(SINGLE_PROCESS)
        own = ids_of(plain, encoder.names())
        some = replace(table, keys=table.keys[own], kinds=table.kinds[own])
        plain = plain.with_features(some)
        assert plain.names() == encoder.names()
    else:
        with pytest.raises(TypeError, match="NoneType"):
            encoder.learn([*texts, None], draw.choice([1, 2]))
    return encoder, plain


@settings(deadline=None, max_examples=1000 if LONG else 80)
@given(options=OPTIONS, operations=OPERATIONS, texts=SOME_TEXTS)
def test_it_stays_the_twin_of_the_plain_encoder(options, operations, texts):
    encoder, plain = VocabularyEncoder(**options), plain_encoder(**options)
    before = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vocabulary_encoder, "CHARACTERS_PER_THREAD", 4)
        for operation in operations:
            if operation[0] in ("copy", "select"):
                before.append((encoder, pickle.dumps(encoder), plain))
            encoder, plain = change(*operation, encoder, plain)
            assert kinds_by_name(encoder) == kinds_by_name(plain)
            for new in (texts, operation[1]):
                assert by_name(encoder, encoder.encode(new)) == by_name(
                    plain, plain.encode(new)
                )
    for old, state, plain in before:
        assert pickle.dumps(old) == state
        assert by_name(old, old.encode(texts)) == by_name(plain, plain.encode(texts))


# -- threads, parts and copies ---------------------------------------------------------


@settings(deadline=None, max_examples=40)
@given(first=TEXTS, more=TEXTS, options=OPTIONS)
def test_threads_do_not_change_what_is_learnt(first, more, options):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vocabulary_encoder, "CHARACTERS_PER_THREAD", 3)
        encoder = VocabularyEncoder(**options)
        expected = [encoder.learn(first), encoder.learn(more)]
        for n_threads in (2, 3, 7):
            other = VocabularyEncoder(**options)
            for documents, bags in zip((first, more), expected, strict=True):
                found = other.learn(documents, n_threads)
                assert_same_bags(found, bags)
                assert found.weights.dtype == bags.weights.dtype
            assert_same_state(other, encoder)


@rotating(options=[*ALL_OPTIONS, EVERYTHING], n_threads=[1, 2, 3, 7])
def test_parts_give_what_all_at_once_gives(options, n_threads, short_shards):
    texts = DOCUMENTS + random_texts(300, 200)
    at_once = VocabularyEncoder(**options)
    expected = at_once.learn(texts)
    encoder = VocabularyEncoder(**options)
    for start, stop in ((0, 1), (1, 40), (40, 40), (40, len(texts))):
        bags = encoder.learn(texts[start:stop], n_threads)
        assert_array_equal(bags.ids, expected.slice(start, stop).ids)
        assert_array_equal(bags.weights, expected.slice(start, stop).weights)
        encoder = pickle.loads(pickle.dumps(encoder))
        encoder.encode(texts[:3])
    assert_same_state(encoder, at_once)


def test_many_blocks():
    """Texts are read some at a time: those at the edges are like the others."""
    texts = [*random_texts(3000, 2000), *[""] * 40_000, "the end"]
    at_once, one_by_one = VocabularyEncoder(), VocabularyEncoder()
    bags = at_once.learn(texts)
    for row, text in enumerate(texts[:3000]):
        assert_array_equal(one_by_one.learn([text]).ids, bags.slice(row, row + 1).ids)
    assert np.diff(bags.offsets)[3000:].tolist() == [0] * 40_000 + [2]
    encoded = at_once.encode(texts)
    assert_array_equal(encoded.offsets, bags.offsets)


@pytest.mark.parametrize("n_words", [40, 60, 300, 70_000])
def test_a_long_text_of_so_many_words(n_words):
    words = [f"w{i}" for i in np.random.default_rng(0).integers(n_words, size=100_000)]
    encoder = VocabularyEncoder(ngram_range=(1, 2))
    expected = Counter(words) + Counter(map(" ".join, pairwise(words)))
    for bags in (encoder.learn([" ".join(words)]), encoder.encode([" ".join(words)])):
        assert len(bags.ids) == len(expected) == encoder.n_ids
        names = encoder.names()
        sample = range(0, len(bags.ids), 97)
        assert all(expected[names[bags.ids[i]]] == bags.weights[i] for i in sample)
    assert_array_equal(bags.ids, np.arange(encoder.n_ids))


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_a_copy_and_the_old_one_learn_apart(duplicate):
    encoder = VocabularyEncoder(**EVERYTHING)
    encoder.learn(["the refugee crossed the river"])
    twins = [duplicate(encoder) for _ in range(3)]
    before = pickle.dumps(encoder)
    texts = ["one camp", "another refugees' camp", "the river rose", "one refugee"]
    for twin, text in zip(twins, texts, strict=False):
        twin.learn([text])
        assert pickle.dumps(encoder) == before
    encoder.learn([texts[3]])
    for twin, text in zip([*twins, encoder], texts, strict=True):
        alone = VocabularyEncoder(**EVERYTHING)
        alone.learn(["the refugee crossed the river"])
        alone.learn([text])
        assert_same_state(twin, alone)
        assert_same_bags(twin.encode(texts), alone.encode(texts))


def test_encoders_that_share_a_vocabulary_learn_at_one_time():
    encoder = VocabularyEncoder(**EVERYTHING)
    encoder.learn(random_texts(50, 100))
    twins = [copy.copy(encoder) for _ in range(8)]
    texts = [random_texts(400, 500, seed) for seed in range(len(twins))]
    with ThreadPoolExecutor(len(twins)) as executor:
        bags = list(executor.map(lambda twin, some: twin.learn(some), twins, texts))
    for twin, some, found in zip(twins, texts, bags, strict=True):
        alone = pickle.loads(pickle.dumps(encoder))
        assert_same_bags(found, alone.learn(some))
        assert_same_state(twin, alone)


def test_others_read_while_a_copy_learns():
    encoder = VocabularyEncoder(**EVERYTHING)
    encoder.learn(random_texts(300, 300))
    new = random_texts(20, 2000, seed=1)
    half = np.arange(0, encoder.n_ids, 2, dtype=np.int32)

    def read(reader):
        return (
            reader.encode(new).ids.tobytes(),
            reader.select(half).names(),
            list(reader.occurrences(new[0])),
            reader.names()[-1],
            pickle.dumps(reader),
        )

    expected = read(encoder)
    learner, done = copy.copy(encoder), threading.Event()

    def learn():
        for seed in range(10):
            learner.learn(random_texts(200, 10**6, seed))
        done.set()

    thread = threading.Thread(target=learn)
    thread.start()
    with ThreadPoolExecutor(4) as executor:
        found = list(executor.map(read, [encoder] * 4))
        while not done.is_set():
            found += executor.map(read, [encoder] * 4)
    thread.join()
    assert all(each == expected for each in found)
    alone = pickle.loads(pickle.dumps(encoder))
    for seed in range(10):
        alone.learn(random_texts(200, 10**6, seed))
    assert_same_state(learner, alone)


# -- interrupts ------------------------------------------------------------------------


def interrupted(work):
    """Processor time of all threads from an interrupt on to the end of the work."""
    told = []

    def interrupt():
        told.append(time.process_time())
        _thread.interrupt_main()

    timer = threading.Timer(0.2, interrupt)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        work()
    timer.join()
    return time.process_time() - told[0]


# Some seconds of work, of which little is done.
MANY = {
    "many texts": [" ".join(random_texts(10, 50))] * 300_000,
    "a long text": [" ".join([*random_texts(10, 50), ""]) * 60_000, "and another"],
}


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("texts", MANY.values(), ids=MANY)
def test_an_interrupt_ends_learning_soon(texts, n_threads):
    encoder = VocabularyEncoder(**EVERYTHING)
    encoder.learn(DOCUMENTS)
    before = pickle.dumps(encoder)
    assert interrupted(lambda: encoder.learn(texts, n_threads)) < n_threads
    assert interrupted(lambda: encoder.encode(texts)) < 1
    assert pickle.dumps(encoder) == before
    twin = pickle.loads(before)
    for some in (DOCUMENTS, random_texts(10, 500)):
        assert_same_bags(encoder.encode(some), twin.encode(some))
        assert_same_bags(encoder.learn(some, n_threads), twin.learn(some))
    assert_same_state(encoder, twin)


# -- memory ----------------------------------------------------------------------------


def test_memory_is_that_of_what_is_new():
    encoder = VocabularyEncoder(ngram_range=(1, 2))
    words = [f"word{i}" for i in range(1000)]
    text = " ".join(words)
    encoder.learn([text])
    n_ids, n_bytes = encoder.n_ids, encoder.lines.nbytes
    assert n_ids == 1999
    assert n_bytes == len(text) + 1
    assert encoder.keys.nbytes == 8 * n_ids
    bags = encoder.learn([text] * 20)
    assert (encoder.n_ids, encoder.lines.nbytes) == (n_ids, n_bytes)
    assert bags.ids.nbytes + bags.weights.nbytes == 20 * n_ids * (4 + 1)
    # What arrays hold is what they take: no room is left behind them.
    counted = encoder._vocabulary.learn(
        encoder._documents([text], bytes(1)), n_ids, len(encoder.strings)
    )
    for array in counted:
        assert memoryview(array.base).nbytes == array.nbytes


def test_strings_that_many_ngrams_begin_with_are_kept_once():
    encoder = VocabularyEncoder(ngram_range=(3, 3))
    encoder.learn(["a b c", "a b d", "a b e a b"])
    assert sorted(encoder.strings) == sorted(
        b"a,b,c,d,e,a b,b c,b d,b e,e a".split(b",")
    )
    selected = encoder.select(ids_of(encoder, ["a b d"]))
    assert sorted(selected.strings) == [b"a", b"a b", b"b", b"d"]


def test_copies_share_what_they_know():
    encoder = VocabularyEncoder()
    encoder.learn(DOCUMENTS)
    for duplicate in (copy.copy, copy.deepcopy):
        twin = duplicate(encoder)
        assert twin._vocabulary is encoder._vocabulary
        twin.learn(DOCUMENTS)
        assert twin._vocabulary is encoder._vocabulary  # Nothing was new.
