"""State of vocabularies that is damaged: refused, or read as what it says."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skbag._text.feature_keys import FIRST_ROLE, SKIP, key_of_role
from skbag._text.features import Role
from skbag._text.vocabulary_encoder import VocabularyEncoder

EVERYTHING = {
    "ngram_range": (1, 3),
    "short_text_features": True,
    "subword_ngram_range": (3, 4),
}
TEXT = "the refugee crossed the river"


def as_lines(*strings):
    return np.frombuffer(b"".join(strings), dtype=np.uint8)


def with_last_key(state, key):
    keys = state["keys"].copy()
    keys[-1] = key
    return {**state, "keys": keys}


DAMAGES = {
    "a string twice": lambda s: {**s, "strings": np.append(s["strings"], s["strings"])},
    "an empty string twice": lambda s: {
        **s,
        "strings": np.append(s["strings"], as_lines(b"\n\n")),
    },
    "a newline inside": lambda s: {
        **s,
        "strings": as_lines(
            s["strings"].tobytes().replace(b"crossed", b"cross\nd").replace(b"ver", b"")
        ),
        "keys": np.append(s["keys"], np.uint64(key_of_role(Role.TOKEN, 10**6))),
    },
    "no newline at the end": lambda s: {**s, "strings": s["strings"][:-1]},
    "not in UTF-8": lambda s: {
        **s,
        "strings": np.append(s["strings"], as_lines(b"\xff\xfe\n")),
    },
    "strings of another type": lambda s: {**s, "strings": s["strings"].view(np.int8)},
    "strings in rows": lambda s: {**s, "strings": s["strings"][None]},
    "a key twice": lambda s: with_last_key(s, s["keys"][0]),
    "a role twice": lambda s: with_last_key(s, s["keys"][1]),
    "a string that is not there": lambda s: with_last_key(s, 2**31 - 1),
    "a pair of one that is not there": lambda s: with_last_key(s, 1000 << 32),
    "a skip pair of one that is not there": lambda s: with_last_key(
        s, SKIP + 1000 << 32
    ),
    "an unknown role": lambda s: with_last_key(s, FIRST_ROLE + 200 << 32),
    "all bits": lambda s: with_last_key(s, 2**64 - 1),
    "a role that the options lack": lambda s: {
        **with_last_key(s, key_of_role(Role.FIRST, 0)),
        "short_text_features": False,
        "subword_ngram_range": None,
    },
    "keys of another type": lambda s: {**s, "keys": s["keys"].view(np.int64)},
    "keys in rows": lambda s: {**s, "keys": s["keys"][None]},
    "no range": lambda s: {**s, "ngram_range": (0, 1)},
    "a range of one": lambda s: {**s, "ngram_range": (1,)},
    "a range of floats": lambda s: {**s, "ngram_range": (1.0, 2.0)},
    "no subwords": lambda s: {**s, "subword_ngram_range": (1, 3)},
    "accents": lambda s: {**s, "strip_accents": "all"},
    "stop words": lambda s: {**s, "stop_words": [5]},
    "another language": lambda s: {**s, "stop_words": "french"},
    "lower case": lambda s: {**s, "lowercase": "yes"},
    "an unknown rule": lambda s: {**s, "token_rule": 99},
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damaged_state_is_refused(damage):
    encoder = VocabularyEncoder(**EVERYTHING)
    encoder.learn([TEXT])
    state = encoder.__getstate__()
    again = VocabularyEncoder.__new__(VocabularyEncoder)
    again.__setstate__(state)
    assert pickle.dumps(again) == pickle.dumps(encoder)
    with pytest.raises(ValueError, match=r"\w"):
        VocabularyEncoder.__new__(VocabularyEncoder).__setstate__(damage(state))


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_state_with_any_bytes_is_read_or_refused(data):
    encoder = VocabularyEncoder(**EVERYTHING)
    encoder.learn([TEXT])
    state = encoder.__getstate__()
    for name in ("strings", "keys"):
        values = bytearray(state[name].tobytes())
        for _ in range(data.draw(st.integers(0, 3))):
            place = data.draw(st.integers(0, len(values) - 1))
            values[place] = data.draw(st.integers(0, 255))
        state[name] = np.frombuffer(bytes(values), dtype=state[name].dtype)
    again = VocabularyEncoder.__new__(VocabularyEncoder)
    try:
        again.__setstate__(state)
    except ValueError:
        return
    bags = again.encode([TEXT, "the refugees' river crossed"])
    assert bags.ids.max(initial=-1) < again.n_ids
    again.learn([TEXT, "another river"])
    assert len(again.names()) == again.n_ids
    list(again.occurrences(TEXT))
    again.select(np.arange(again.n_ids, dtype=np.int32))
