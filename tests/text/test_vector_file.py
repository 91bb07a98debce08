"""Text files of vectors are read line by line; what is wrong with one is said."""

import gzip
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skbag._text import vector_file
from skbag._text.pretrained import find_vectors
from skbag._text.vector_file import first_words
from skbag._text.vocabulary_encoder import VocabularyEncoder


@pytest.fixture
def encoder():
    encoder = VocabularyEncoder(ngram_range=(1, 2), short_text_features=True)
    encoder.learn(["Sail über it .", "sail the"])
    return encoder


def write(path, lines):
    path.write_bytes(b"".join(line.encode() + b"\n" for line in lines))
    return path


def test_a_file_is_read_as_a_stream(encoder, tmp_path, monkeypatch):
    many = (f"w{i} 0.5 0.5" for i in range(30_000))
    path = write(tmp_path / "many", itertools.chain(many, ["sail 1 2"]))
    held = []
    original = vector_file._token_of

    def watched(line, width):
        held.append(len(line))
        return original(line, width)

    monkeypatch.setattr(vector_file, "_token_of", watched)
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
    path.write_bytes(b"a" * (vector_file.LONGEST_LINE + 5))
    with pytest.raises(ValueError, match=r"line 1: expected"):
        find_vectors(path, encoder, 2)
    with pytest.raises(FileNotFoundError, match="No such file"):
        find_vectors(tmp_path / "none", encoder, 2)


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


WIDTHS = {
    "by header": (
        ["3 2", "sail 1 2", "it 1 2 3"],
        r"line 3: expected a token .* 2 num",
    ),
    "by line": (["sail 1 2", "it 1 2 3"], r"line 2: expected a token .* 2 numbers"),
}


@pytest.mark.parametrize("name", WIDTHS)
def test_a_width_that_is_not_given_is_that_of_the_file(name, encoder, tmp_path):
    lines, message = WIDTHS[name]
    with pytest.raises(ValueError, match=message):
        find_vectors(write(tmp_path / "file", lines), encoder, None)
    found = find_vectors(write(tmp_path / "file", lines[-2:-1]), encoder, None)
    np.testing.assert_array_equal(found.rows, [[1, 2]])


def test_the_first_words_of_a_file(tmp_path):
    lines = ["4 2", "sail 1 2", "it 1", ". . 1 2", "über 1 2", "last 3 4"]
    path = tmp_path / "file"
    for written in (lines, lines[1:]):
        write(path, written)
        path.write_bytes(path.read_bytes().replace(b". . ", b"\xe6\x97 "))
        assert first_words(path, 9) == ["sail", "über", "last"]
    assert first_words(path, 1) == ["sail"]
    path.write_bytes(gzip.compress(b"sail 1 2\nit 3 4\n"))
    assert first_words(path, 2) == ["sail", "it"]
    path.write_bytes(b"")
    assert first_words(path, 2) == []


@given(
    st.lists(
        st.text(st.characters(exclude_categories=("Z", "C")), min_size=1), min_size=1
    ),
    st.integers(1, 10),
)
def test_the_first_words_are_those_in_the_order_written(tmp_path_factory, words, n):
    path = tmp_path_factory.mktemp("words") / "file"
    write(path, [f"{len(words)} 2", *(f"{word} 0.5 1" for word in words)])
    assert first_words(path, n) == words[:n]
