"""Texts and labels from files, part by part."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from itertools import chain
from numbers import Integral
from typing import Any

from skbag.datasets._files import (
    FORMATS,
    Columns,
    Rows,
    files_of,
    rows_of_dataset,
    rows_of_file,
)

Part = tuple[list[str], "list[Any] | None"]


def read_texts(
    source: Any,
    *,
    text: str = "text",
    label: str | None = "label",
    batch_size: int = 10_000,
    file_format: str | None = None,
    multilabel: bool = False,
    label_dtype: Callable[[Any], Any] | None = None,
    progress: bool = False,
) -> TextParts:
    """Read texts and labels from where they lie, part by part.

    Memory holds a part, and not the files. pyarrow (``pip install "skbag[files]"``)
    reads them; Parquet and Arrow only in the columns that are asked for.

    .. versionadded:: 0.1

    Parameters
    ----------
    source : str, path-like, a sequence of these, or a pyarrow Dataset or Table
        A file; a folder, whose files are read in the order of their names; several of
        these; or a `pyarrow.dataset.Dataset`, which may be filtered, partitioned, or on
        another file system.
    text : str, default="text"
        Name of the column of texts. Of no meaning in fastText's format.
    label : str or None, default="label"
        Name of the column of labels or numbers; None reads no labels. A column of
        lists, for several labels, gives lists.
    batch_size : int, default=10000
        Texts of each part; the last one may have fewer.
    file_format : {"parquet", "csv", "tsv", "json", "arrow", "fasttext"}, default=None
        By default told by the end of each name: .parquet, .csv, .tsv, .jsonl (.ndjson,
        .json), .arrow (.feather), .txt (.ft) for fastText's lines; all but Parquet and
        Arrow also with .gz, .zst or .bz2 after it. JSON is one object a line.
    multilabel : bool, default=False
        Whether lines of fastText's format have any number of labels, which are then
        given as lists. Without it a line of several labels is refused.
    label_dtype : callable, default=None
        What makes a label of what was read, such as ``int`` or ``float``. By default
        labels are what the file holds: str for CSV, which has no types, and for
        fastText's format; what was stored for the others.
    progress : bool, default=False
        Whether to show how many texts have been read: a bar by rich or tqdm, if one of
        them is installed; if not, a printed line for each part.

    Returns
    -------
    parts : TextParts
        To be iterated over, as often as wanted: each time it yields, from the
        beginning, tuples of a list of str and a list of labels, or None.

    Raises
    ------
    ValueError
        If a parameter is none of those above, or a name does not tell the format. While
        iterating: if a file is damaged or lacks a column, or a text or label is
        missing, with the file and the row; the rows before it are yielded first.
    TypeError
        While iterating: if a text is no str.
    FileNotFoundError
        If there is no such file.
    ImportError
        If pyarrow is not installed.

    See Also
    --------
    stream_fit : Learn from the parts.

    Notes
    -----
    Rows and lines are counted from 1, rows of CSV without the header. An empty text is
    a text; an empty label is a missing one. In fastText's format what begins with
    ``__label__`` is a label wherever it stands, as in fastText itself. pyarrow before
    20 reads a JSON file as a whole.

    Examples
    --------
    >>> import pyarrow
    >>> from skbag.datasets import read_texts
    >>> table = pyarrow.table({"text": ["oven", "sail", "wave"], "topic": [0, 1, 1]})
    >>> for texts, labels in read_texts(table, label="topic", batch_size=2):
    ...     print(texts, labels)
    ['oven', 'sail'] [0, 1]
    ['wave'] [1]
    """
    _check_parameters(batch_size, file_format)
    if not find_spec("pyarrow"):
        raise ImportError(
            'read_texts needs pyarrow: pip install "skbag[files]". Without it, '
            "partial_fit takes parts that you read by other means."
        )
    columns = Columns(text, label, multilabel)
    return TextParts(
        _read_source(source, file_format),
        columns,
        int(batch_size),
        label_dtype,
        progress,
    )


class TextParts:
    """Parts of texts and labels, read again each time that one iterates over them.

    Made by `read_texts`.

    Parameters
    ----------
    rows_of_source : callable
        Gives the rows of the source from its beginning, for columns and a batch size.
    columns : Columns
        What is read of each row.
    batch_size : int
        Texts of each part.
    label_dtype : callable or None
        What makes a label of what was read.
    progress : bool
        Whether to show how many texts have been read.
    """

    def __init__(
        self,
        rows_of_source: Callable[[Columns, int], Iterator[Rows]],
        columns: Columns,
        batch_size: int,
        label_dtype: Callable[[Any], Any] | None,
        progress: bool,
    ) -> None:
        self._rows_of_source = rows_of_source
        self._columns = columns
        self._batch_size = batch_size
        self._label_dtype = label_dtype
        self._progress = progress

    def __iter__(self) -> Iterator[Part]:
        """Yield tuples of a list of str and a list of labels, or None."""
        parts = self._parts(self._columns)
        return _with_progress(parts) if self._progress else parts

    def labels(self) -> Iterator[list[Any]]:
        """Yield the labels alone, part by part: of Parquet, without reading texts.

        Raises
        ------
        ValueError
            If labels are not read (``label=None``), and as in iterating.
        """
        if self._columns.label is None:
            raise ValueError("No labels are read. Give read_texts the name of a label.")
        for _, labels in self._parts(self._columns._replace(text=None)):
            yield labels or []

    def _parts(self, columns: Columns) -> Iterator[Part]:
        has_labels = columns.label is not None
        texts: list[str] = []
        labels: list[Any] = []
        size = self._batch_size
        try:
            for rows in self._rows_of_source(columns, size):
                for some_texts, some_labels in self._checked(rows):
                    texts += some_texts
                    labels += some_labels
                    n_whole = max(len(texts), len(labels)) // size * size
                    for start in range(0, n_whole, size):
                        part = slice(start, start + size)
                        yield texts[part], labels[part] if has_labels else None
                    texts, labels = texts[n_whole:], labels[n_whole:]
        except Exception:
            if texts or labels:
                yield texts, labels if has_labels else None
            raise
        if texts or labels:
            yield texts, labels if has_labels else None

    def _checked(self, rows: Rows) -> Iterator[tuple[list[str], list[Any]]]:
        """Rows up to the first that is not sound, and then its error."""
        errors: list[tuple[int, Exception]] = []
        n_sound = len((rows.texts if rows.texts is not None else rows.labels) or [])
        labels = list(rows.labels or [])
        for i, text in enumerate(rows.texts or []):
            if not isinstance(text, str):
                errors.append((i, _bad_text(text, rows, i)))
                break
        for i, label in enumerate(rows.labels or []):
            try:
                labels[i] = self._label(label)
            except (ValueError, TypeError) as error:
                errors.append((i, ValueError(f"{_place(rows, i)}: {error}")))
                break
        for i, _ in errors:
            n_sound = min(n_sound, i)
        yield (rows.texts or [])[:n_sound], labels[:n_sound]
        for i, found in errors:
            if i == n_sound:
                raise found

    def _label(self, label: Any) -> Any:
        """Check a label, or all of a list of them, and convert."""
        if isinstance(label, list):
            return [self._label(each) for each in label]
        if label is None or label != label or label == "":
            raise ValueError(
                "the label is missing or empty. Fill it, or leave such rows out, for "
                "instance with pyarrow.dataset.dataset(source).filter("
                'field("label").is_valid())'
            )
        if self._label_dtype is None:
            return label
        try:
            return self._label_dtype(label)
        except (ValueError, TypeError) as error:
            raise ValueError(
                f"the label {label!r} cannot be converted by label_dtype: {error}"
            ) from error


def _place(rows: Rows, i: int) -> str:
    return f"{rows.where}, row {rows.first + i:,}"


def _bad_text(text: Any, rows: Rows, i: int) -> Exception:
    if text is None:
        return ValueError(
            f"{_place(rows, i)}: the text is missing. Fill it or leave such rows out, "
            'for instance with pyarrow.dataset.dataset(source).filter(field("text")'
            ".is_valid())."
        )
    return TypeError(
        f"{_place(rows, i)}: the text is {text!r}, of type {type(text).__name__}, "
        "expected str. Give the name of the column of texts as text."
    )


def _check_parameters(batch_size: Any, file_format: Any) -> None:
    is_integer = isinstance(batch_size, Integral) and not isinstance(batch_size, bool)
    if not is_integer or batch_size < 1:
        raise ValueError(
            f"batch_size must be an integer of at least 1, got {batch_size!r}."
        )
    if file_format not in {None, *FORMATS.values()}:
        raise ValueError(
            f"file_format must be one of {sorted(set(FORMATS.values()))} or None, got "
            f"{file_format!r}."
        )


def _read_source(
    source: Any, file_format: str | None
) -> Callable[[Columns, int], Iterator[Rows]]:
    """Return a function that reads the rows of a source, from its beginning."""
    import pyarrow as pa
    import pyarrow.dataset as ds

    if isinstance(source, (pa.Table, pa.RecordBatch)):
        source = ds.dataset(source)
    if isinstance(source, ds.Dataset):
        return lambda columns, size: rows_of_dataset(source, columns, size)
    if hasattr(source, "__next__"):
        raise TypeError(
            f"source is an iterator ({type(source).__name__}), which can be read once. "
            "Give paths or a pyarrow.dataset.Dataset."
        )
    files = files_of(source, file_format)
    if not files:
        raise ValueError("source names no file.")

    def read(columns: Columns, size: int) -> Iterator[Rows]:
        return chain.from_iterable(
            rows_of_file(file, file_format, columns, size) for file in files
        )

    return read


def _with_progress(parts: Iterable[Part]) -> Iterator[Part]:
    """Show the number of texts while going over parts."""
    if find_spec("rich"):
        from rich.console import Console
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        words = TextColumn("{task.completed:,.0f} texts")
        console = Console(stderr=True)
        with Progress(
            SpinnerColumn(), words, TimeElapsedColumn(), console=console
        ) as p:
            task = p.add_task("", total=None)
            for part in parts:
                yield part
                p.advance(task, len(part[0]))
    elif find_spec("tqdm"):
        from tqdm import tqdm

        with tqdm(unit=" texts", unit_scale=True) as bar:
            for part in parts:
                yield part
                bar.update(len(part[0]))
    else:
        n_texts = 0
        for part in parts:
            yield part
            n_texts += len(part[0])
            sys.stderr.write(f"{n_texts:,} texts\n")
