"""Texts and labels from files of each format, sound and damaged."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skbag.datasets import read_texts
from tests.conftest import examples

pa = pytest.importorskip("pyarrow", reason="files are read by pyarrow")
from pyarrow import dataset as ds  # noqa: E402
from pyarrow import parquet  # noqa: E402

TEXTS = ['plain, "quoted"', "two\nlines", "", " ünïcode \u2028 🦘 ", "007"]
LABELS = ["sea", "kitchen", "sea", "garden", "kitchen"]
LINES = [" ".join(text.split()) for text in TEXTS]


def as_csv(texts, labels, delimiter=","):
    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=delimiter)
    writer.writerows([["other", "text", "label"]])
    writer.writerows(zip(range(len(texts)), texts, labels, strict=True))
    return written.getvalue().encode()


def as_json(texts, labels):
    rows = zip(texts, labels, strict=True)
    lines = [json.dumps({"label": y, "text": x, "other": [1]}) for x, y in rows]
    return "\n".join(lines).encode()


def as_lines(texts, labels):
    rows = zip(texts, labels, strict=True)
    return "".join(f"__label__{y} {x}\n" for x, y in rows).encode()


def as_table(texts, labels):
    return pa.table({"text": texts, "other": range(len(texts)), "label": labels})


def write(path, content):
    """Write bytes, compressed as the name says."""
    kinds = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}
    with pa.output_stream(str(path), compression=kinds.get(path.suffix)) as file:
        file.write(content)
    return path


WRITERS = {
    "a.csv": lambda path: write(path, as_csv(TEXTS, LABELS)),
    "a.csv.gz": lambda path: write(path, as_csv(TEXTS, LABELS)),
    "a.csv.zst": lambda path: write(path, as_csv(TEXTS, LABELS)),
    "a.tsv": lambda path: write(path, as_csv(TEXTS, LABELS, "\t")),
    "a.jsonl": lambda path: write(path, as_json(TEXTS, LABELS)),
    "A.JSON.gz": lambda path: write(path, as_json(TEXTS, LABELS)),
    "a.ndjson.zst": lambda path: write(path, as_json(TEXTS, LABELS)),
    "a.parquet": lambda path: parquet.write_table(
        as_table(TEXTS, LABELS), path, row_group_size=2
    ),
    "a.feather": lambda path: ds.write_dataset(
        as_table(TEXTS, LABELS), path.with_suffix(""), format="feather"
    ),
}


def joined(parts):
    texts, labels = [], []
    for some_texts, some_labels in parts:
        texts += some_texts
        labels += some_labels
    return texts, labels


@pytest.mark.parametrize("batch_size", [1, 2, 5, 100])
@pytest.mark.parametrize("name", WRITERS)
def test_each_format_gives_the_same_texts(name, batch_size, tmp_path):
    WRITERS[name](tmp_path / name)
    source = tmp_path / name
    if not source.exists():
        source = source.with_suffix("")  # a folder of Feather files
    parts = read_texts(source, batch_size=batch_size)
    sizes = [len(texts) for texts, _ in parts]
    assert sizes == [batch_size] * (5 // batch_size) + [5 % batch_size] * (
        5 % batch_size > 0
    )
    assert joined(parts) == (TEXTS, LABELS)  # a second time, too
    assert [y for labels in parts.labels() for y in labels] == LABELS


@pytest.mark.parametrize("name", ["a.txt", "a.ft.gz", "a.ft.zst"])
def test_lines_of_fasttext(name, tmp_path):
    path = write(tmp_path / name, as_lines(LINES, LABELS))
    assert joined(read_texts(path, batch_size=2)) == (LINES, LABELS)


def test_labels_of_fasttext_stand_anywhere(tmp_path):
    path = write(tmp_path / "a.txt", b"\xef\xbb\xbf__label__a one __label__b two\r\nno")
    found = joined(read_texts(path, multilabel=True))
    assert found == (["one two", "no"], [["a", "b"], []])
    texts_alone = read_texts(path, label=None)
    assert list(texts_alone) == [(["one two", "no"], None)]
    with pytest.raises(ValueError, match=r"a.txt, line 1 has 2 labels: \['a', 'b'\]"):
        list(read_texts(path))


@examples(30)
@given(st.lists(st.text(max_size=20), max_size=8), st.integers(1, 4))
def test_any_texts_come_back(tmp_path_factory, texts, batch_size):
    folder = tmp_path_factory.mktemp("any")
    # Without what UTF-8 cannot hold, and NUL, which no CSV reader agrees on.
    texts = [
        re.sub("[\x00\ud800-\udfff]", "", text).replace("\r", " ") for text in texts
    ]
    labels = [f"class {i % 2}" for i in range(len(texts))]
    write(folder / "a.csv", as_csv(texts, labels))
    write(folder / "a.jsonl", as_json(texts, labels))
    for name in ("a.csv", "a.jsonl") if texts else ("a.csv",):
        parts = read_texts(folder / name, batch_size=batch_size)
        assert joined(parts) == (texts, labels)


def test_folders_and_several_files_follow_each_other(tmp_path):
    write(tmp_path / "b.csv", as_csv(["third"], ["x"]))
    write(tmp_path / "a.jsonl", as_json(["first", "second"], ["x", "y"]))
    write(tmp_path / "README", b"no data")
    write(tmp_path / "_SUCCESS.csv", b"")
    parts = read_texts(tmp_path, batch_size=2)
    assert list(parts) == [(["first", "second"], ["x", "y"]), (["third"], ["x"])]
    parts = read_texts([tmp_path / "b.csv", str(tmp_path / "a.jsonl")])
    assert joined(parts)[0] == ["third", "first", "second"]


def test_datasets_and_tables_with_their_filters(tmp_path):
    table = as_table(TEXTS, LABELS)
    ds.write_dataset(table, tmp_path / "parts", format="parquet")
    dataset = ds.dataset(tmp_path / "parts").filter(ds.field("label") == "sea")
    assert joined(read_texts(dataset)) == ([TEXTS[0], TEXTS[2]], ["sea", "sea"])
    assert joined(read_texts(table)) == (TEXTS, LABELS)


def test_no_labels_lists_of_labels_and_numbers(tmp_path):
    assert list(read_texts(as_table(["a"], ["x"]), label=None)) == [(["a"], None)]
    table = as_table(["a", "b"], [["x", "y"], []])
    assert joined(read_texts(table))[1] == [["x", "y"], []]
    path = write(tmp_path / "a.csv", as_csv(["a", "b"], ["1", "2.5"]))
    assert joined(read_texts(path, label_dtype=float))[1] == [1.0, 2.5]
    with pytest.raises(
        ValueError, match=r"csv, row 2: the label '2\.5' cannot be conv"
    ):
        list(read_texts(path, label_dtype=int))


def test_only_what_is_asked_for_is_read_of_parquet(tmp_path):
    path = tmp_path / "a.parquet"
    parquet.write_table(as_table(["a" * 10**6], ["x"]), path)
    content = bytearray(path.read_bytes())
    column = parquet.read_metadata(path).row_group(0).column(0)
    start = column.dictionary_page_offset or column.data_page_offset
    content[start : start + 20] = b"\xff" * 20
    path.write_bytes(content)
    assert list(read_texts(path).labels()) == [["x"]]
    with pytest.raises(ValueError, match=re.escape(f"{path} is damaged")):
        list(read_texts(path))


# -- what is wrong ---------------------------------------------------------------------


def read_until_error(parts):
    texts = []
    with pytest.raises((ValueError, TypeError)) as caught:
        for some, _ in parts:
            texts += some
    return texts, str(caught.value)


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.txt", "a.parquet"])
@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_a_missing_label_names_file_and_row_after_the_rows_before(
    name, batch_size, tmp_path
):
    path = tmp_path / name
    texts, labels = list("abcdef"), ["x", "y", "x", "y", "", "x"]
    if name == "a.parquet":
        labels[4] = None
        parquet.write_table(as_table(texts, labels), path)
    else:
        write = {"a.csv": as_csv, "a.jsonl": as_json, "a.txt": as_lines}[name]
        path.write_bytes(write(texts, labels).replace(b"__label__ ", b""))
    found, message = read_until_error(read_texts(path, batch_size=batch_size))
    assert found == texts[:4]
    told = "line 5 has no label" if name == "a.txt" else "row 5: the label is missing"
    assert message.startswith(f"{path}, {told}")


def test_missing_texts_and_texts_that_are_none():
    found, message = read_until_error(read_texts(as_table(["a", None], ["x", "y"])))
    assert found == ["a"]
    assert "the dataset, row 2: the text is missing" in message
    table = as_table([1, 2], ["x", "y"])
    with pytest.raises(TypeError, match="row 1: the text is 1, of type int, expected"):
        list(read_texts(table))
    with pytest.raises(ValueError, match="row 1: the label is missing"):
        list(read_texts(as_table(["a"], [float("nan")])))


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.txt"])
def test_a_damaged_line_is_named(name, tmp_path):
    writer = {"a.csv": as_csv, "a.jsonl": as_json, "a.txt": as_lines}[name]
    content = writer(["text"] * 40, ["x"] * 40).splitlines(keepends=True)
    line = 30
    content[line - 1] = {
        "a.csv": b"1,2,3,4,5\n",
        "a.jsonl": b'{"text": "x\n',
        "a.txt": b"__label__x caf\xe9\n",
    }[name]
    path = tmp_path / name
    path.write_bytes(b"".join(content))
    found, message = read_until_error(read_texts(path))
    assert message.startswith(str(path))
    assert re.search(rf"(Row #|[Ll]ine ){line}\b", message), message
    assert found in ([], ["text"] * (line - 1))


@pytest.mark.parametrize("name", ["a.csv.gz", "a.jsonl.gz", "a.txt.zst", "a.parquet"])
def test_a_file_that_is_cut_off_is_named(name, tmp_path):
    path = tmp_path / name
    texts, labels = [f"text {i * i}" for i in range(3000)], ["x"] * 3000
    if name == "a.parquet":
        parquet.write_table(as_table(texts, labels), path)
    else:
        form = {"a.csv.gz": as_csv, "a.jsonl.gz": as_json, "a.txt.zst": as_lines}
        write(path, form[name](texts, labels))
    path.write_bytes(path.read_bytes()[:-100])
    found, message = read_until_error(read_texts(path, batch_size=500))
    assert message.startswith(f"{path} is damaged")
    assert found == texts[: len(found)]


def test_other_columns_are_told(tmp_path):
    path = write(tmp_path / "a.csv", as_csv(["a"], ["x"]))
    with pytest.raises(ValueError, match=r"has no column 'review'; it has .*'text'"):
        list(read_texts(path, text="review"))
    with pytest.raises(ValueError, match="the dataset has no column 'stars'"):
        list(read_texts(as_table(["a"], ["x"]), label="stars"))
    path = write(tmp_path / "a.jsonl", as_json(["a"], ["x"]))
    with pytest.raises(ValueError, match=r"a\.jsonl has no column 'stars'; it has"):
        list(read_texts(path, label="stars"))


def test_parameters_are_checked(tmp_path):
    path = write(tmp_path / "a.dat", as_csv(["a"], ["x"]))
    with pytest.raises(ValueError, match=r"cannot be told by its name.*Give file_form"):
        list(read_texts(path))
    assert joined(read_texts(path, file_format="csv")) == (["a"], ["x"])
    with pytest.raises(ValueError, match=r"file_format must be one of .* got 'xls'"):
        read_texts(path, file_format="xls")
    for size in (0, 2.5, True):
        with pytest.raises(ValueError, match="batch_size must be an integer of at lea"):
            read_texts(path, batch_size=size)
    with pytest.raises(FileNotFoundError, match=r"There is no file .*nowhere\.csv"):
        read_texts(tmp_path / "nowhere.csv")
    with pytest.raises(TypeError, match=r"source is an iterator .* read once"):
        read_texts(iter([path]))
    with pytest.raises(ValueError, match="source names no file"):
        read_texts([])
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="holds no file whose name ends in"):
        read_texts(tmp_path / "empty")
    with pytest.raises(ValueError, match="No labels are read"):
        list(read_texts(path, label=None, file_format="csv").labels())


def test_pyarrow_is_asked_for_in_words(monkeypatch):
    monkeypatch.setattr("skbag.datasets._read_texts.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"needs pyarrow: pip install \"skbag\[files"):
        read_texts("a.csv")


@pytest.mark.parametrize("installed", ["rich", "tqdm", None])
def test_progress_is_shown_on_stderr(installed, monkeypatch, capfd):
    if installed:
        pytest.importorskip(installed, reason="shows the progress")

    def find_spec(name):
        return name in (installed, "pyarrow") or None

    monkeypatch.setattr("skbag.datasets._read_texts.find_spec", find_spec)
    parts = read_texts(as_table(["a"] * 1234, ["x"] * 1234), progress=True)
    with suppress(AttributeError):
        sys.stderr.flush()
    assert len(joined(parts)[0]) == 1234
    printed = capfd.readouterr()
    assert not printed.out
    assert re.search("1,234 texts|1.23k texts", printed.err)
