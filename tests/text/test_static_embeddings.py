"""Words get the mean of the vectors of their pieces, whoever cuts them."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skbag._text.found_vectors import FoundVectors
from skbag._text.static_embeddings import (
    check_tokenizer,
    read_static_embeddings,
    whole_words,
)

WORD_PIECES = ["[PAD]", "[UNK]", "sail", "##s", "##ing", "the", ".", "oven"]


class WordPiece:
    """A tokenizer that takes the longest piece first."""

    def __init__(self, pieces=WORD_PIECES, pads=False):
        self.pieces, self.pads = list(pieces), pads
        self.model = SimpleNamespace(unk_token="[UNK]")

    def get_vocab(self):
        # In any order.
        return {piece: i for i, piece in reversed(list(enumerate(self.pieces)))}

    def cut(self, word):
        ids, start = [], 0
        while start < len(word):
            for stop in range(len(word), start, -1):
                piece = ("##" if start else "") + word[start:stop]
                if piece in self.pieces:
                    ids.append(self.pieces.index(piece))
                    start = stop
                    break
            else:
                return [self.pieces.index("[UNK]")]
        return ids

    def encode_batch(self, words, add_special_tokens=True):
        assert not add_special_tokens
        cut = [self.cut(word) for word in words]
        longest = max(map(len, cut), default=0) if self.pads else 0
        return [
            SimpleNamespace(
                ids=ids + [0] * (longest - len(ids)),
                attention_mask=[1] * len(ids) + [0] * (longest - len(ids)),
            )
            for ids in cut
        ]


def embeddings(width=3, pads=False, **more):
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(len(WORD_PIECES), width)).astype(np.float32)
    return SimpleNamespace(tokenizer=WordPiece(pads=pads), embedding=matrix, **more)


def found_in(source, words, width=None):
    found = FoundVectors({word: i for i, word in enumerate(words)}, width)
    read_static_embeddings(source, found)
    ids, rows = found.arrays()
    return dict(zip(ids.tolist(), rows, strict=True))


@pytest.mark.parametrize("pads", [False, True])
def test_means_of_pieces(pads):
    source = embeddings(pads=pads)
    E = source.embedding
    rows = found_in(source, ["sails", "oven", "unknown", "sailing"])
    assert sorted(rows) == [0, 1, 3]
    np.testing.assert_allclose(rows[0], (E[2] + E[3]) / 2, rtol=1e-6)
    np.testing.assert_array_equal(rows[1], E[7])
    np.testing.assert_allclose(rows[3], (E[2] + E[4]) / 2, rtol=1e-6)


@given(st.lists(st.sampled_from(["sail", "##s", "##ing", "the", "x"]), max_size=5))
def test_any_words_are_the_naive_means(parts):
    word = "".join(part.removeprefix("##") for part in parts) or "sail"
    source = embeddings()
    pieces = [i for i in source.tokenizer.cut(word) if i != 1]
    rows = found_in(source, [word])
    if not pieces:
        assert rows == {}
    else:
        expected = source.embedding[pieces].astype(np.float64).mean(axis=0)
        np.testing.assert_allclose(rows[0], expected, rtol=1e-5, atol=1e-6)


def test_pieces_that_share_vectors_and_have_weights():
    matrix = np.array([[1.0, 2.0], [3.0, 5.0]], dtype=np.float16)
    mapping = np.array([0, 0, 1, 0, 0, 0, 0, 1])
    weights = np.linspace(0.5, 2, 8)
    source = SimpleNamespace(
        tokenizer=WordPiece(), embedding=matrix, token_mapping=mapping, weights=weights
    )
    rows = found_in(source, ["sails"])
    # Older numpy would keep to float16.
    wide = matrix.astype(np.float64)
    expected = (weights[2] * wide[1] + weights[3] * wide[0]) / 2
    np.testing.assert_allclose(rows[0], expected, rtol=1e-6)


def test_whole_words_in_the_order_of_their_numbers():
    source = embeddings()
    assert whole_words(source, 99) == ["[PAD]", "[UNK]", "sail", "the", ".", "oven"]
    assert whole_words(source, 3) == ["[PAD]", "[UNK]", "sail"]
    for mark in ("\u2581", "\u0120"):
        source.tokenizer.pieces = ["<s>", f"{mark}the", "re", mark, f"{mark}sail"]
        assert whole_words(source, 99) == ["the", "sail"]


def test_what_is_wrong():
    source = embeddings()
    with pytest.raises(ValueError, match="vectors have 3 numbers, but embedding_dim=2"):
        found_in(source, ["sail"], width=2)
    source.embedding = source.embedding[:3]
    with pytest.raises(
        ValueError, match=r"number 7 to a piece .* but there are 3 vect"
    ):
        found_in(source, ["sail", "oven"])
    source.embedding = np.ones(3)
    with pytest.raises(ValueError, match="one row per piece, got 1 dimensions"):
        found_in(source, ["sail"])
    source.embedding = np.full((8, 2), np.nan)
    with pytest.raises(ValueError, match="'oven' holds numbers that are not finite"):
        found_in(source, ["oven"])
    source.tokenizer = str
    with pytest.raises(
        TypeError, match=r"type lacks get_vocab and encode_batch\. Pass"
    ):
        check_tokenizer(source)
