"""Counting the ids of one document: those of a `Counter`, whatever the ids are."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skbag._text.vocabulary_encoder import VocabularyEncoder

WORDS = [f"w{i}" for i in range(70_000)]


@pytest.fixture(scope="module")
def encoder():
    """Word ``w<i>`` has id i."""
    encoder = VocabularyEncoder()
    encoder.learn([" ".join(WORDS)])
    return encoder


def counted(bags):
    return dict(zip(bags.ids.tolist(), bags.weights.tolist(), strict=True))


@given(
    ids=st.lists(st.integers(0, 69_999), max_size=120),
    times=st.sampled_from([1, 2, 255, 256, 300]),
    step=st.sampled_from([1, 7, 256, 4096]),
)
def test_counts_are_those_of_a_counter(ids, times, step, encoder):
    ids = [i // step * step for i in ids]
    expected = {id_: n * times for id_, n in Counter(ids).items()}
    text = " ".join(WORDS[i] for i in ids * times)
    encoded = encoder.encode([text, "w1"]).slice(0, 1)
    assert counted(encoded) == expected
    assert encoded.ids.tolist() == sorted(expected)
    learnt = encoder.learn([text])
    assert counted(learnt) == expected
    assert learnt.ids.tolist() == list(dict.fromkeys(ids))


# -- ids chosen to want the same places ------------------------------------------------

KNOWN = 0x9E3779B97F4A7C15
"""A factor that everybody knows."""


def places(ids, factor, n_bits):
    with np.errstate(over="ignore"):
        return ids.astype(np.uint64) * np.uint64(factor) >> np.uint64(64 - n_bits)


def n_probes(ids, factor, n_bits=13):
    """Places looked at when ids are put into a table."""
    is_taken, n = bytearray(1 << n_bits), 0
    for place in places(ids, factor, n_bits).tolist():
        n += 1
        while is_taken[place]:
            place = (place + 1) % len(is_taken)
            n += 1
        is_taken[place] = True
    return n


def test_chosen_ids_take_as_few_probes_as_others():
    rng = np.random.default_rng(0)
    every = rng.permutation(2**20)
    chosen = every[np.argsort(places(every, KNOWN, 32), kind="stable")[:3000]]
    assert n_probes(chosen, KNOWN) > 100 * len(chosen)
    factors = rng.integers(2**64, size=9, dtype=np.uint64) | np.uint64(1)
    # One in a hundred needs more than this.
    assert np.median([n_probes(chosen, factor) for factor in factors]) < 2 * len(chosen)
    others = [n_probes(every[:3000], factor) for factor in factors]
    assert np.median(others) < 2 * len(chosen)


def test_chosen_ids_are_counted(encoder):
    """The ids of a text may be chosen; they are counted as others are."""
    ids = np.arange(70_000)
    chosen = ids[np.argsort(places(ids, KNOWN, 32), kind="stable")[:8000]]
    bags = encoder.encode([" ".join(WORDS[i] for i in chosen.tolist())])
    assert bags.ids.tolist() == sorted(chosen.tolist())
