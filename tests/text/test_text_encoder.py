"""Encoders of whole texts: whatever they give becomes one vector of norm 1 a text."""

import functools
import pickle
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given
from hypothesis import strategies as st

from skbag._core.bags import Bags
from skbag._text import text_encoder as module
from skbag._text import token_cache
from skbag._text.text_encoder import TextEncoder, is_text_encoder
from skbag._text.token_cache import shared_tokens
from tests.conftest import examples

TEXTS = ["late parcel", "refund my money", "", "refund", "my my"]


def letters(texts):
    """Counts of some letters."""
    return np.array([[float(text.count(c)) for c in "aempu"] for text in texts])


class Counted:
    """An encoder that notes what it was asked for."""

    def __init__(self):
        self.asked = []

    def encode(self, texts):
        assert type(texts) is list
        self.asked.append(texts)
        return letters(texts)

    def __call__(self, texts):
        raise AssertionError("encode is tried first, as sentence-transformers have it")


def naive(texts):
    rows = []
    for row in letters(texts):
        length = sum(x * x for x in row) ** 0.5
        rows.append([x / length if length else 0.0 for x in row])
    return np.array(rows)


@pytest.mark.parametrize(
    "source",
    [
        letters,
        Counted(),
        functools.partial(letters),
        SimpleNamespace(encode=letters),
        lambda texts: letters(texts).tolist(),
        lambda texts: list(letters(texts)),
        lambda texts: letters(texts).astype(np.float16),
        lambda texts: letters(texts).astype(int),
        lambda texts: torch.from_numpy(letters(texts)),
        lambda texts: 1e-200 * letters(texts),
        lambda texts: 1e200 * letters(texts),
        lambda texts: np.asfortranarray(letters(texts)),
    ],
)
def test_vectors_have_norm_1(source):
    assert is_text_encoder(source)
    encoder = TextEncoder.measured(source, TEXTS[0])
    assert encoder.width == 5
    vectors = encoder.encode(TEXTS)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, naive(TEXTS), rtol=1e-6)
    assert not vectors[2].any()
    assert encoder.encode([]).shape == (0, 5)


@pytest.mark.parametrize("value", ["model", b"model", str, Counted, 3, None, [letters]])
def test_what_is_no_encoder(value):
    assert not is_text_encoder(value)


def test_long_lists_go_in_parts(monkeypatch):
    monkeypatch.setattr(module, "TEXTS_AT_ONCE", 2)
    source = Counted()
    encoder = TextEncoder(source, 5)
    np.testing.assert_allclose(encoder.encode(TEXTS), naive(TEXTS), rtol=1e-6)
    assert list(map(len, source.asked)) == [2, 2, 1]


REFUSED = {
    "sparse": (
        lambda texts: sp.csr_array(letters(texts)),
        TypeError,
        r"gave a sparse matrix, not an array of shape \(2, n_numbers\)",
    ),
    "words": (lambda texts: texts, TypeError, "gave a list that is no array of numb"),
    "ragged": (
        lambda texts: [[1.0], [1.0, 2.0]],
        TypeError,
        "gave a list that is no array of numbers",
    ),
    "a tensor of a graph": (
        lambda texts: torch.ones(2, 5, requires_grad=True),
        TypeError,
        r"gave a Tensor that is no array.*Convert it, as \.cpu\(\)\.numpy\(\)",
    ),
    "nothing": (lambda texts: None, ValueError, r"shape \(\), not an array"),
    "one number a text": (
        lambda texts: letters(texts)[:, 0],
        ValueError,
        r"shape \(2,\), not an array of shape \(2, n_numbers\) for 2 texts",
    ),
    "one vector": (lambda texts: letters(texts)[:1], ValueError, r"shape \(1, 5\)"),
    "no numbers": (lambda texts: np.ones((2, 0)), ValueError, r"shape \(2, 0\)"),
    "tokens": (lambda texts: np.ones((2, 3, 5)), ValueError, r"shape \(2, 3, 5\)"),
    "not a number": (
        lambda texts: np.where(np.eye(2, 5) > 0, np.nan, 1),
        ValueError,
        "not finite, of 'late parcel'. Give zeros",
    ),
    "infinite": (
        lambda texts: [[1.0] * 5, [np.inf] * 5],
        ValueError,
        "not finite, of 'refund my money'",
    ),
    "another width": (
        lambda texts: letters(texts)[:, :3],
        ValueError,
        "vectors of 3 numbers, but those of fit had 5. Pass the encoder that",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name):
    source, error, words = REFUSED[name]
    with pytest.raises(error, match=words):
        TextEncoder(source, 5).encode(TEXTS[:2])


@pytest.mark.parametrize("text", [None, 3, ["late", "parcel"], b"late"])
def test_texts_are_str(text):
    with pytest.raises(TypeError, match="text_encoder encodes texts, but X holds"):
        TextEncoder(letters, 5).encode(["late", text])


def test_what_the_encoder_raises_is_left_as_it_is():
    def offline(texts):
        raise ConnectionError("no network")

    with pytest.raises(ConnectionError, match="no network"):
        TextEncoder(offline, 5).encode(TEXTS)


@examples(40)
@given(
    st.lists(st.text("aem p", max_size=8), min_size=1, max_size=6),
    st.integers(1, 7),
    st.integers(0, 99),
)
def test_numbers_are_entries_after_those_of_the_bag(texts, n_ids, seed):
    shape = len(texts), n_ids
    matrix = sp.csr_array(sp.random(*shape, density=0.5, random_state=seed))
    joined = TextEncoder(letters, 5).join(Bags.from_csr(matrix), texts)
    assert joined.n_ids == n_ids + 5
    expected = np.hstack([matrix.toarray(), naive(texts)])
    np.testing.assert_allclose(joined.to_csr().toarray(), expected, rtol=1e-6)
    # Zeros, too, so that entries can be told by their places.
    lengths = np.diff(joined.offsets)
    assert (lengths == np.diff(matrix.indptr) + 5).all()
    assert (joined.ids[joined.offsets[1:] - 1] == n_ids + 4).all()


# -- kept within `shared_tokens` -------------------------------------------------------


def test_shared_vectors_are_asked_for_once():
    source, other = Counted(), Counted()
    expected = TextEncoder(letters, 5).encode([*TEXTS, *TEXTS])
    with shared_tokens():
        encoder = TextEncoder(source, 5)
        np.testing.assert_array_equal(encoder.encode([*TEXTS, *TEXTS]), expected)
        assert source.asked == [TEXTS]
        np.testing.assert_array_equal(encoder.encode(TEXTS[::-1]), expected[4::-1])
        TextEncoder(source, 5).encode(["refund", "new", "new"])
        assert source.asked == [TEXTS, ["new"]]
        TextEncoder(other, 5).encode(TEXTS[:1])
        assert other.asked == [TEXTS[:1]]
        assert encoder.encode([]).shape == (0, 5)
    encoder.encode(TEXTS[:1])
    assert source.asked[2:] == [TEXTS[:1]]


def test_no_more_are_kept_than_there_is_room_for(monkeypatch):
    monkeypatch.setattr(token_cache, "MAX_NUMBERS_KEPT", 3 * 5)
    source = Counted()
    with shared_tokens():
        for _ in range(2):
            vectors = TextEncoder(source, 5).encode(TEXTS)
            np.testing.assert_allclose(vectors, naive(TEXTS), rtol=1e-6)
    assert source.asked == [TEXTS, TEXTS[3:]]


def test_a_text_that_cannot_be_encoded_leaves_nothing():
    def picky(texts):
        return letters(texts) / (0 if "" in texts else 1)

    with shared_tokens(), np.errstate(invalid="ignore", divide="ignore"):
        encoder = TextEncoder(picky, 5)
        with pytest.raises(ValueError, match="not finite"):
            encoder.encode(TEXTS)
        np.testing.assert_allclose(encoder.encode(TEXTS[:2]), naive(TEXTS[:2]))


def test_it_pickles_where_its_source_does():
    encoder = pickle.loads(pickle.dumps(TextEncoder(letters, 5)))
    np.testing.assert_array_equal(
        encoder.encode(TEXTS), TextEncoder(letters, 5).encode(TEXTS)
    )
