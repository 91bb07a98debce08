"""Every kind of source gives the same rows; what is wrong with one is said."""

import gzip
import re
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skbag._text.hashed_encoder import HashedEncoder
from skbag._text.pretrained import (
    find_more_vectors,
    find_vectors,
    frequent_words,
)
from skbag._text.vocabulary_encoder import VocabularyEncoder

VECTORS = {
    "sail": [0.5, -1.0],
    "über": [3.0, 0.25],
    "unused": [9.0, 9.0],
    ".": [1e-3, 2.0],
}


@pytest.fixture
def encoder():
    """Knows five tokens, of which three have vectors, and pairs."""
    encoder = VocabularyEncoder(ngram_range=(1, 2), short_text_features=True)
    encoder.learn(["Sail über it .", "sail the"])
    return encoder


def write(path, lines, opened=open):
    with opened(path, "wb") as file:
        file.write(b"".join(line.encode() + b"\n" for line in lines))
    return path


def lines_of(vectors):
    return [" ".join([word, *map(repr, v)]) for word, v in vectors.items()]


def sources(folder):
    words, matrix = list(VECTORS), np.array(list(VECTORS.values()))
    lines = lines_of(VECTORS)
    return {
        "mapping": VECTORS,
        "mapping of arrays": {w: np.array(v, np.float16) for w, v in VECTORS.items()},
        "pair": (words, matrix),
        "list pair": [words, matrix.tolist()],
        "array of words": (np.array(words), matrix),
        "keyed vectors": SimpleNamespace(
            key_to_index={w: i for i, w in enumerate(words)}, vectors=matrix
        ),
        "GloVe": str(write(folder / "glove.txt", lines)),
        "vec": write(folder / "some.vec", ["4 2", *lines]),
        "gzip": write(folder / "some.vec.gz", ["4 2", *lines], gzip.open),
        "gzip by another name": write(folder / "glove", lines, gzip.open),
        "trailing spaces": write(folder / "spaces", [line + " " for line in lines]),
        "Windows": write(folder / "windows", [line + "\r" for line in lines]),
        "a token with spaces": write(folder / "dots", [". . . 0.5 7", *lines]),
        "first of two": write(folder / "twice", [*lines, "sail 7 7"]),
    }


SOURCES = (
    "mapping",
    "mapping of arrays",
    "pair",
    "list pair",
    "array of words",
    "keyed vectors",
    "GloVe",
    "vec",
    "gzip",
    "gzip by another name",
    "trailing spaces",
    "Windows",
    "a token with spaces",
    "first of two",
)


@pytest.mark.parametrize("name", SOURCES)
def test_sources(name, encoder, tmp_path):
    found = find_vectors(sources(tmp_path)[name], encoder, 2)
    names = encoder.names()
    rows = {names[i]: row for i, row in zip(found.ids, found.rows, strict=True)}
    assert set(rows) == {"sail", "über", "."}
    for word, row in rows.items():
        np.testing.assert_allclose(row, VECTORS[word], rtol=1e-3)
    assert found.rows.dtype == np.float32
    assert {names[i] for i in found.tokens} == {"sail", "über", "it", ".", "the"}
    assert found.coverage == 3 / 5
    assert found.ids.tolist() == sorted(found.ids.tolist())


def test_the_first_of_two_rows_counts(encoder):
    pair = (["sail", "sail"], np.array([[1.0, 1.0], [2.0, 2.0]]))
    np.testing.assert_array_equal(find_vectors(pair, encoder, 2).rows, [[1, 1]])


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=("Z", "C")), min_size=1, max_size=6),
        st.lists(
            st.floats(width=32, allow_nan=False, allow_infinity=False),
            min_size=3,
            max_size=3,
        ),
        min_size=1,
        max_size=8,
    ),
    st.booleans(),
)
def test_a_file_is_read_as_the_mapping_it_holds(tmp_path_factory, vectors, has_header):
    encoder = VocabularyEncoder(lowercase=False)
    encoder.learn([" ".join(vectors)])
    known = set(encoder.names()) & set(vectors)
    lines = lines_of(vectors)
    if has_header:
        lines.insert(0, f"{len(vectors)} 3")
    path = write(tmp_path_factory.mktemp("vectors") / "file", lines)
    if not known:
        with pytest.raises(ValueError, match="no vector for any"):
            find_vectors(path, encoder, 3)
        return
    found, expected = (find_vectors(each, encoder, 3) for each in (path, vectors))
    np.testing.assert_array_equal(found.ids, expected.ids)
    np.testing.assert_array_equal(found.rows, expected.rows)


def test_only_new_features_are_looked_for(encoder):
    n_known = encoder.n_ids
    encoder.learn(["unused thing"])
    found = find_vectors(VECTORS, encoder, 2, n_known=n_known, coverage=3 / 5)
    assert [encoder.names()[i] for i in found.ids] == ["unused"]
    assert found.coverage == pytest.approx(4 / 7)
    # None of them new: the source is not even read.
    found = find_vectors(
        "no such file", encoder, 2, n_known=encoder.n_ids, coverage=4 / 7
    )
    assert len(found.ids) == 0
    assert found.coverage == pytest.approx(4 / 7)


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ({"sail": [1.0]}, ValueError, r"'sail' has 1 numbers, but embedding_dim=2"),
        ({"sail": 1.0}, ValueError, r"'sail' has 0 dimensions"),
        ({"sail": ["a", "b"]}, ValueError, r"'sail' is not made of numbers"),
        ((["sail"], np.ones((2, 2))), ValueError, r"1 words and a matrix of shape"),
        ((["sail"], np.ones((1, 3))), ValueError, r"3 numbers, but embedding_dim=2"),
        (
            SimpleNamespace(key_to_index={"sail": 0}, vectors=np.ones(2)),
            ValueError,
            r"matrix of one row per word, got 1 dim",
        ),
        (7, TypeError, r"embedding_init must be a mapping.*got 7 of type int"),
        (np.ones((3, 2)), TypeError, r"of type ndarray"),
    ],
)
def test_bad_sources(source, error, message, encoder):
    with pytest.raises(error, match=message):
        find_vectors(source, encoder, 2)


def test_without_tokens_to_look_up():
    with pytest.raises(ValueError, match=r"embedding_init needs texts"):
        find_vectors(VECTORS, None, 2)
    pairs = VocabularyEncoder(ngram_range=(2, 2))
    pairs.learn(["to be"])
    with pytest.raises(ValueError, match=r"single tokens.*ngram_range start at 1"):
        find_vectors(VECTORS, pairs, 2)

    with pytest.raises(ValueError, match=re.escape("hashed features have none")):
        find_vectors(VECTORS, HashedEncoder(64), 2)


@pytest.mark.parametrize("name", SOURCES)
def test_frequent_words_come_first(name, tmp_path):
    source = sources(tmp_path)[name]
    expected = ["sail", "über", "unused", "."]
    if name == "a token with spaces":
        expected.insert(0, ". . .")
    assert frequent_words(source, 3) == expected[:3]
    assert frequent_words(source, 9)[: len(expected)] == expected


@pytest.mark.parametrize("name", SOURCES)
def test_more_words_join_the_encoder(name, encoder, tmp_path):
    n_ids, names = encoder.n_ids, encoder.names()
    grown, found = find_more_vectors(sources(tmp_path)[name], encoder, 9)
    assert (encoder.n_ids, encoder.names()) == (n_ids, names)
    assert grown.names() == [*names, "unused"]
    assert [grown.names()[i] for i in found.ids] == ["sail", "über", ".", "unused"]
    np.testing.assert_allclose(found.rows[-1], [9, 9])
    assert found.coverage == 3 / 5
    bag = grown.encode(["unused sail unused"])
    assert dict(zip(bag.ids.tolist(), bag.weights.tolist(), strict=True))[n_ids] == 2


def test_only_words_that_are_one_token_join(encoder):
    words = ["two words", "un-used", "Great", "[pad]", "good"]
    vectors = {word: [1.0, 2.0] for word in ["sail", *words, "two", "great", "good"]}
    grown, _ = find_more_vectors(vectors, encoder, 99)
    # "Great" is read as "great", which has a vector; its own is never asked for.
    assert grown.names()[encoder.n_ids :] == ["two", "great", "good"]
    assert set(grown.kinds_since(encoder.n_ids)) == {0}
    assert find_more_vectors(vectors, encoder, 2)[0].names() == encoder.names()


def test_none_of_the_tokens_of_the_texts_has_a_vector(encoder):
    with pytest.raises(ValueError, match="no vector for any of the 5 tokens"):
        find_more_vectors({"other": [1.0], "words": [2.0]}, encoder, 9)
    with pytest.raises(ValueError, match=r"'it' has 1 numbers, but vectors before it"):
        find_more_vectors({"sail": [1.0, 2.0], "it": [2.0]}, encoder, 9)
