"""One text at a time gives what many at a time give."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings

from skbag import EmbeddingBagClassifier
from skbag._text import byte_reader, single_text
from skbag._text.byte_encoder import ByteEncoder
from tests.text.test_byte_encoder import ALL_OPTIONS, DOCUMENTS, OPTIONS, TEXTS


def same(one, other):
    assert one.ids.tolist() == other.ids.tolist()
    assert one.offsets.tolist() == other.offsets.tolist()
    assert one.weights.tolist() == other.weights.tolist()
    assert one.n_ids == other.n_ids
    for name in ("ids", "offsets", "weights"):
        assert getattr(one, name).dtype == getattr(other, name).dtype


def by_arrays(encoder, text):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(byte_reader, "MOST_CHARACTERS", -1)
        return encoder.encode([text])


@given(TEXTS, TEXTS, OPTIONS)
@settings(deadline=None)
def test_same_as_by_arrays(learnt, texts, options):
    encoder = ByteEncoder(**options)
    encoder.learn(learnt)
    for text in texts + learnt:
        same(encoder.encode([text]), by_arrays(encoder, text))


@pytest.mark.parametrize("options", ALL_OPTIONS)
def test_same_for_tricky_texts(options):
    encoder = ByteEncoder(**options)
    encoder.learn(DOCUMENTS[::2])
    for text in DOCUMENTS:
        for _ in range(2):  # the second time from memory
            same(encoder.encode([text]), by_arrays(encoder, text))


def test_what_is_learnt_later_is_found():
    encoder = ByteEncoder(ngram_range=(1, 2))
    encoder.learn(["one two"])
    assert len(encoder.encode(["three one two"]).ids) == 3
    encoder.learn(["three one"])
    assert len(encoder.encode(["three one two"]).ids) == 5


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(single_text, "_MOST_WORDS", 3)
    encoder = ByteEncoder()
    encoder.learn(["a b c d e f g h"])
    for text in ["a b", "c d e", "f a", "a b c d e f g h a", "h z"]:
        same(encoder.encode([text]), by_arrays(encoder, text))
        assert len(encoder.reader._one_text._words) <= 3


def test_memory_is_not_pickled():
    encoder = ByteEncoder()
    encoder.learn(["a b c"])
    before = pickle.dumps(encoder)
    encoder.encode(["a b"])
    assert pickle.dumps(encoder) == before


@pytest.mark.parametrize("options", [{}, {"embedding_dim": 4}])
def test_scores_are_the_same_alone_and_in_company(options):
    X = [text + " a b c" for text in DOCUMENTS] * 3
    clf = EmbeddingBagClassifier(random_state=0, **options).fit(X, [0, 1, 2] * 9)
    alone = np.concatenate([clf.decision_function([text]) for text in X])
    np.testing.assert_array_equal(alone, clf.decision_function(X))
    binary = EmbeddingBagClassifier(random_state=0, **options).fit(X, [0, 1, 1] * 9)
    alone = np.concatenate([binary.decision_function([text]) for text in X])
    np.testing.assert_array_equal(alone, binary.decision_function(X))
