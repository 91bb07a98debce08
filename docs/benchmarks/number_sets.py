"""Texts with numbers: from the data folder, and from texts that ship with programs.

None is a data set that others use: what each number is, and what that says of a regressor,
stands in regression.md. Parts that are not given are split by the file that a text is
from, so that no file is in both.
"""

from __future__ import annotations

import ast
import gzip
import os
import re
import sysconfig
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

N_FIRST_CHARACTERS, N_FIRST_WORDS = 300, 12
"""Of a message and of a description that are shown."""

CHANGES = Path("/usr/share/doc")
"""Where Debian and its derivatives keep the changes of packages."""

ENTRY = re.compile(
    r"^\S+ \([^)]+\)[^\n]*\n(.*?)\n -- .*?>  \w+, +\d+ \w+ (\d{4}) ", re.M | re.S
)
"""Text of an entry of a Debian changelog, and the year in its last line."""


class Part(NamedTuple):
    """Texts, and a number for each."""

    texts: list[str]
    y: NDArray[np.float64]

    def take(self, rows: NDArray[np.int64]) -> Part:
        """Return some of them."""
        return Part([self.texts[i] for i in rows], self.y[rows])


def _table(folder: Path, name: str, part: str) -> list[dict[str, Any]]:
    import pyarrow.parquet

    rows: list[dict[str, Any]]
    rows = pyarrow.parquet.read_table(folder / f"{name}.{part}.parquet").to_pylist()
    return rows


def _part(pairs: Iterator[tuple[str, float]]) -> Part:
    texts, numbers = zip(*pairs, strict=True)
    return Part(list(texts), np.array(numbers, dtype=np.float64))


def tags(folder: Path, part: str) -> Part:
    """Number of debtags of a Debian package, from its description."""
    rows = _table(folder, "debian_tags", part)
    return _part((row["text"], len(row["label"])) for row in rows)


def message_lines(folder: Path, part: str) -> Part:
    """ln(1 + lines) of a message to a newsgroup, from subject and beginning."""

    def pairs() -> Iterator[tuple[str, float]]:
        for row in _table(folder, "20news", part):
            head, _, body = row["text"].partition("\n\n")
            lines = re.search(r"^Lines:\s*(\d+)\s*$", head, re.M)
            subject = re.search(r"^Subject:(.*)$", head, re.M)
            if lines and subject:
                text = f"{subject.group(1)}\n{body[:N_FIRST_CHARACTERS]}"
                yield text, np.log1p(int(lines.group(1)))

    return _part(pairs())


def words_to_come(folder: Path, part: str) -> Part:
    """ln(1 + words) that follow the first dozen of a description."""

    def pairs() -> Iterator[tuple[str, float]]:
        for row in _table(folder, "debian_section", part):
            words = row["text"].split()
            if len(words) > N_FIRST_WORDS:
                first = " ".join(words[:N_FIRST_WORDS])
                yield first, np.log1p(len(words) - N_FIRST_WORDS)

    return _part(pairs())


def _in_part(file: Path | str, part: str) -> bool:
    """Whether a file is in a part: one in five is in the test part."""
    return (zlib.crc32(str(file).encode()) % 5 == 0) == (part == "test")


class Function(NamedTuple):
    """A function: its docstring, and what is counted."""

    text: str
    n_lines: int
    n_parameters: int


@cache
def _functions(part: str) -> list[Function]:
    """Functions of the standard library and of installed packages."""
    found: dict[str, Function] = {}
    for root in (Path(os.__file__).parent, Path(sysconfig.get_paths()["purelib"])):
        for path in sorted(root.rglob("*.py")):
            own = path.relative_to(root)
            if {"test", "tests", "site-packages"} & set(own.parts):
                continue
            if not _in_part("/".join(own.parts[:3]), part):
                continue
            try:
                tree = ast.parse(path.read_text(encoding="utf-8"))
            except (SyntaxError, ValueError):
                continue
            for function in _documented(tree):
                found.setdefault(function.text, function)
    return list(found.values())


def _documented(tree: ast.AST) -> Iterator[Function]:
    """Yield the functions of a module that have a docstring and code."""
    for node in ast.walk(tree):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        text = ast.get_docstring(node) or ""
        if len(text) < 20 or len(node.body) < 2 or node.end_lineno is None:
            continue
        own = node.args
        n_parameters = len(own.posonlyargs) + len(own.args) + len(own.kwonlyargs)
        n_lines = node.end_lineno - node.body[1].lineno + 1
        yield Function(text[:1000], n_lines, n_parameters)


def code_lines(folder: Path, part: str) -> Part:
    """ln(lines) of the code of a Python function, from its docstring."""
    del folder
    return _part((f.text, float(np.log(f.n_lines))) for f in _functions(part))


def parameters(folder: Path, part: str) -> Part:
    """Number of parameters of a Python function, from its docstring."""
    del folder
    return _part((f.text, f.n_parameters) for f in _functions(part))


def years(folder: Path, part: str) -> Part:
    """Year of an entry in the changelog of a Debian package, which it does not name."""
    del folder

    def pairs() -> Iterator[tuple[str, float]]:
        seen = set()
        for name in ("changelog.Debian.gz", "changelog.gz"):
            for path in sorted(CHANGES.glob(f"*/{name}")):
                if path.is_symlink() or not _in_part(path.parent.name, part):
                    continue
                with gzip.open(path, "rt", encoding="utf-8", errors="replace") as file:
                    entries = ENTRY.findall(file.read())
                for text, year in entries:
                    words = " ".join(re.sub(r"\b(19|20)\d\d\b", " ", text).split())
                    if len(words) >= 20 and words not in seen:
                        seen.add(words)
                        yield words[:1500], int(year)

    return _part(pairs())


SETS = {
    function.__name__: function
    for function in (tags, message_lines, words_to_come, code_lines, parameters, years)
}


def made_up(n_texts: int = 1200, seed: int = 0) -> Part:
    """Texts whose words each add something to a number, with noise."""
    rng = np.random.default_rng(seed)
    numbers = rng.integers(0, 300, size=(n_texts, 12))
    effects = np.random.default_rng(0).normal(size=300)
    y = effects[numbers].sum(axis=1) + rng.normal(size=n_texts)
    return Part([" ".join(f"word{i}" for i in row) for row in numbers.tolist()], y)


def grades(y: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.int64]:
    """Cut numbers into five grades of about as many of the others."""
    edges = np.unique(np.quantile(others, [0.2, 0.4, 0.6, 0.8]))
    return np.searchsorted(edges, y)
