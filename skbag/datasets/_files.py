"""Rows of one file after the other, as pyarrow reads them; errors name file and row."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

FORMATS = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".txt": "fasttext",
    ".ft": "fasttext",
}
"""By the end of a file's name, once that of a compression is taken off."""

COMPRESSIONS = {".gz", ".zst", ".bz2"}

LABEL = re.compile(r"(?<!\S)__label__(\S+)\s*")
"""A label of fastText's format, wherever it stands in the line."""

BLOCK_SIZE = 1 << 22
"""Bytes of a CSV or JSON file that are parsed at once: no row may have more. pyarrow
reads up to 32 blocks ahead, whatever the size of the file."""


class Columns(NamedTuple):
    """What is read of each row.

    Parameters
    ----------
    text : str or None
        Name of the column of texts; None where labels alone are wanted.
    label : str or None
        Name of the column of labels, or None.
    multilabel : bool
        Whether a line of fastText's format has any number of labels.
    """

    text: str | None
    label: str | None
    multilabel: bool

    @property
    def names(self) -> list[str]:
        """Names of the columns, each once."""
        return list(dict.fromkeys(n for n in (self.text, self.label) if n is not None))


class Rows(NamedTuple):
    """Some rows of a file.

    Parameters
    ----------
    where : str
        Path of the file, or "the dataset".
    first : int
        Number of the first of them in it, from 1.
    texts, labels : list or None
        As read, with None where a value is missing.
    """

    where: str
    first: int
    texts: list[Any] | None
    labels: list[Any] | None


def format_of(path: Path) -> str:
    """Format of a file by the end of its name.

    Raises
    ------
    ValueError
        If the name does not say it.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in COMPRESSIONS:
        suffixes.pop()
    if not suffixes or suffixes[-1] not in FORMATS:
        raise ValueError(
            f"The format of {str(path)!r} cannot be told by its name, which should end "
            f"in one of {sorted(FORMATS)}, with {sorted(COMPRESSIONS)} if compressed. "
            "Give file_format."
        )
    return FORMATS[suffixes[-1]]


def files_of(source: Any, file_format: str | None) -> list[Path]:
    """Paths of a file, of a folder's files in the order of their names, or of several.

    Raises
    ------
    FileNotFoundError
        If there is no such file or folder.
    ValueError
        If a folder holds none of the formats.
    """
    if not isinstance(source, (str, os.PathLike)):
        return [path for each in source for path in files_of(each, file_format)]
    path = Path(source).expanduser()
    if not path.exists():
        raise FileNotFoundError(f"There is no file or folder {str(path)!r}.")
    if not path.is_dir():
        return [path]
    found = [file for file in sorted(path.iterdir()) if _is_data(file, file_format)]
    if not found:
        raise ValueError(
            f"The folder {str(path)!r} holds no file whose name ends in one of "
            f"{sorted(FORMATS)}."
        )
    return found


def _is_data(file: Path, file_format: str | None) -> bool:
    if file.name.startswith((".", "_")) or not file.is_file():
        return False
    if file_format is not None:
        return True
    with suppress(ValueError):
        return bool(format_of(file))
    return False


def rows_of_file(
    path: Path, file_format: str | None, columns: Columns, batch_size: int
) -> Iterator[Rows]:
    """Rows of a file, some at a time.

    Raises
    ------
    ValueError
        If it is damaged or lacks a column: with its path, and how many rows were read.
    """
    import pyarrow as pa

    kind = file_format or format_of(path)
    if kind == "fasttext":
        yield from _rows_of_lines(path, columns, batch_size)
        return
    n_read = 0
    try:
        for batch in _record_batches(path, kind, columns, batch_size):
            yield rows_of_batch(batch, columns, str(path), n_read + 1)
            n_read += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        line = _bad_json_line(path) if kind == "json" else None
        _refuse_damaged(str(path), n_read, line, error)


def rows_of_dataset(dataset: Any, columns: Columns, batch_size: int) -> Iterator[Rows]:
    """Rows of a `pyarrow.dataset.Dataset`, with its own filter.

    Raises
    ------
    ValueError
        As `rows_of_file`.
    """
    import pyarrow as pa

    _check_columns("the dataset", dataset.schema.names, columns)
    n_read = 0
    try:
        scanner = dataset.scanner(columns=columns.names, batch_size=batch_size)
        for batch in scanner.to_batches():
            yield rows_of_batch(batch, columns, "the dataset", n_read + 1)
            n_read += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        _refuse_damaged("the dataset", n_read, None, error)


def rows_of_batch(batch: Any, columns: Columns, where: str, first: int) -> Rows:
    """Rows of a record batch, as Python's values."""
    texts, labels = (
        None if name is None else batch.column(batch.schema.names.index(name))
        for name in (columns.text, columns.label)
    )
    return Rows(
        where,
        first,
        None if texts is None else texts.to_pylist(),
        None if labels is None else labels.to_pylist(),
    )


# -- what pyarrow reads ----------------------------------------------------------------


def _record_batches(
    path: Path, kind: str, columns: Columns, batch_size: int
) -> Iterator[Any]:
    if kind in ("csv", "tsv"):
        return _csv_batches(path, "," if kind == "csv" else "\t", columns)
    if kind == "json":
        return _json_batches(path, columns)
    import pyarrow.dataset as ds

    dataset = ds.dataset(path, format="parquet" if kind == "parquet" else "ipc")
    _check_columns(str(path), dataset.schema.names, columns)
    scanner = dataset.scanner(columns=columns.names, batch_size=batch_size)
    return iter(scanner.to_batches())


def _csv_batches(path: Path, delimiter: str, columns: Columns) -> Iterator[Any]:
    import pyarrow as pa
    from pyarrow import csv

    def opened(names: list[str]) -> Any:
        return csv.open_csv(
            path,
            csv.ReadOptions(use_threads=False, block_size=BLOCK_SIZE),
            csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            csv.ConvertOptions(
                include_columns=names,
                column_types=dict.fromkeys(names, pa.string()),
            ),
        )

    try:
        reader = opened(columns.names)
    except KeyError:
        _check_columns(str(path), opened([]).schema.names, columns)
        raise
    return iter(reader)


def _json_batches(path: Path, columns: Columns) -> Iterator[Any]:
    import pyarrow as pa
    from pyarrow import json as arrow_json

    options = arrow_json.ReadOptions(use_threads=False, block_size=BLOCK_SIZE)
    with pa.input_stream(str(path), compression="detect") as stream:
        if hasattr(arrow_json, "open_json"):
            batches = arrow_json.open_json(stream, options)
        else:  # before pyarrow 20: the file as a whole
            batches = arrow_json.read_json(stream, options).to_reader()
        _check_columns(str(path), batches.schema.names, columns)
        yield from batches


def _check_columns(where: str, names: Sequence[str], columns: Columns) -> None:
    for name in columns.names:
        if name not in names:
            raise ValueError(
                f"{where} has no column {name!r}; it has {list(names)}. Give their "
                "names as text and label (label=None where there are no labels)."
            )


def _refuse_damaged(
    where: str, n_read: int, line: int | None, error: Exception
) -> NoReturn:
    place = "" if line is None else f" Line {line:,} is no JSON object."
    raise ValueError(
        f"{where} is damaged, or not what its name says. {n_read:,} rows were read; "
        f"then pyarrow says: {error}.{place}"
    ) from error


def _bad_json_line(path: Path) -> int | None:
    """Find the first line that is no JSON object, from 1."""
    number = 0
    with suppress(OSError):  # cut off while compressed
        for number, line in enumerate(_lines(path), start=1):
            try:
                if line.strip() and not isinstance(json.loads(line), dict):
                    return number
            except ValueError:
                return number
    return None


# -- fastText's lines ------------------------------------------------------------------


def _lines(path: Path) -> Iterator[bytes]:
    import pyarrow as pa

    with pa.input_stream(str(path), compression="detect") as stream:
        yield from io.BufferedReader(stream)


def _rows_of_lines(path: Path, columns: Columns, batch_size: int) -> Iterator[Rows]:
    texts: list[Any] = []
    labels: list[Any] = []
    number = 0
    try:
        for number, line in enumerate(_lines(path), start=1):
            text, names = _parsed(line, str(path), number)
            texts.append(text)
            labels.append(_label(names, str(path), number, columns))
            if len(texts) == batch_size:
                yield _rows(path, number, texts, labels, columns)
                texts, labels = [], []
    except OSError as error:
        if texts:
            yield _rows(path, number, texts, labels, columns)
        _refuse_damaged(str(path), number, None, error)
    except ValueError:
        if texts:
            n_before = min(len(texts), len(labels))
            before = texts[:n_before], labels[:n_before]
            yield _rows(path, number - 1, *before, columns)
        raise
    if texts:
        yield _rows(path, number, texts, labels, columns)


def _rows(
    path: Path, last: int, texts: list[Any], labels: list[Any], columns: Columns
) -> Rows:
    return Rows(
        str(path),
        last - len(texts) + 1,
        None if columns.text is None else texts,
        None if columns.label is None else labels,
    )


def _parsed(line: bytes, where: str, number: int) -> tuple[str, list[str]]:
    try:
        text = line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"{where}, line {number:,} is not UTF-8: {error}.") from error
    return LABEL.sub("", text), LABEL.findall(text)


def _label(names: list[str], where: str, number: int, columns: Columns) -> Any:
    if columns.multilabel or columns.label is None:
        return names
    if not names:
        raise ValueError(
            f"{where}, line {number:,} has no label, which begins with __label__. Give "
            "label=None to read texts alone, or multilabel=True where texts may have "
            "none."
        )
    if len(names) > 1:
        raise ValueError(
            f"{where}, line {number:,} has {len(names)} labels: {names}. Give "
            "multilabel=True, and a classifier of several labels."
        )
    return names[0]
