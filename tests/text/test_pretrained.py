"""Every kind of source gives the same rows; what is wrong with one is said."""

import gzip
import itertools
import re
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skbag._text import pretrained
from skbag._text.pretrained import find_vectors
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


def test_a_file_is_read_as_a_stream(encoder, tmp_path, monkeypatch):
    many = (f"w{i} 0.5 0.5" for i in range(30_000))
    path = write(tmp_path / "many", itertools.chain(many, ["sail 1 2"]))
    held = []
    original = pretrained._token_of

    def watched(line, width):
        held.append(len(line))
        return original(line, width)

    monkeypatch.setattr(pretrained, "_token_of", watched)
    assert len(find_vectors(path, encoder, 2).rows) == 1
    assert len(held) == 30_001
    assert max(held) < 20


MALFORMED = {
    "too few numbers": (["sail 1 2", "it 1"], r"line 2: expected a token .* 2 numbers"),
    "too many numbers": (["sail 1 2", "it 1 2 3"], r"line 2: expected"),
    "not a number": (["4 2", "sail 1 2", "it 1 x"], r"line 3: .*got b'it 1 x'"),
    "no token": (["sail 1 2", " 1 2"], r"line 2: expected"),
    "empty line": (["sail 1 2", "", "it 1 2"], r"line 3: expected"),
    "not finite": (["sail 1 nan"], r"vector of 'sail' holds numbers that are not fini"),
    "too large": (["sail 1 1e39"], r"vector of 'sail' holds numbers that are not fini"),
    "announced": (["3 2", "sail 1 2"], r"ends after 1 of the 3 vectors"),
    "width by header": (
        ["3 300"],
        r"vectors of 300 numbers, but embedding_dim=2\. Set",
    ),
    "width by line": (
        ["sail 1 2 3"],
        r"line 1 of .* has 3 numbers, but embedding_dim=2",
    ),
    "no vectors": (["Hello"], r"line 1: expected a token"),
    "no overlap": (
        ["hello 1 2"],
        r"no vector for any of the 5 tokens .*'sail'.*lowercase",
    ),
    "empty": ([], r"no vector for any"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_files(name, encoder, tmp_path):
    lines, message = MALFORMED[name]
    with pytest.raises(ValueError, match=message):
        find_vectors(write(tmp_path / "file", lines), encoder, 2)


def test_files_of_other_kinds(encoder, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"\xff\xfe 1 2\nsail 1 2\n")
    with pytest.raises(ValueError, match=r"line 1: expected a token in UTF-8"):
        find_vectors(path, encoder, 2)
    path.write_bytes(b"2 2\nsail \x00\x00\x80\x3f\x00\x00\x00\x40it \x00\x00\n")
    with pytest.raises(ValueError, match=r"line 2: .*not binary ones"):
        find_vectors(path, encoder, 2)
    whole = gzip.compress(b"sail 1 2\n" * 100)
    path.write_bytes(whole[:-10])
    with pytest.raises(ValueError, match=r"file is a damaged gzip file"):
        find_vectors(path, encoder, 2)
    path.write_bytes(b"a" * (pretrained.LONGEST_LINE + 5))
    with pytest.raises(ValueError, match=r"line 1: expected"):
        find_vectors(path, encoder, 2)
    with pytest.raises(FileNotFoundError, match="No such file"):
        find_vectors(tmp_path / "none", encoder, 2)


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

    class Hashed:
        def names(self):
            raise AttributeError("There is no vocabulary.")

    with pytest.raises(ValueError, match=re.escape("hashed features have none")):
        find_vectors(VECTORS, Hashed(), 2)


@pytest.mark.parametrize("header", [b"", b"3 2\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"", b"\n", b" \n\n"])
def test_what_editors_and_fasttext_write(header, mark, end, encoder, tmp_path):
    """A byte order mark, blank last lines, a word cut within a character."""
    path = tmp_path / "file"
    path.write_bytes(mark + header + b"sail 1 2\n\xe6\x97 3 4\nit 5 6\n" + end)
    found = find_vectors(path, encoder, 2)
    np.testing.assert_array_equal(found.rows, [[1, 2], [5, 6]])


def test_a_file_in_another_encoding(encoder, tmp_path):
    lines = ["sail 1 2", *(f"caf\xe9{i} 1 2" for i in range(20))]
    (tmp_path / "file").write_bytes("\n".join(lines).encode("latin-1"))
    with pytest.warns(UserWarning, match="20 of 21 tokens are not in UTF-8 and were"):
        find_vectors(tmp_path / "file", encoder, 2)
