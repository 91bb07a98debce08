"""The Python in README.md and under docs/ runs, and prints, as it stands there."""

from __future__ import annotations

import codeop
import doctest
import io
import re
from contextlib import redirect_stdout
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import pytest

FOLDER = Path(__file__).parents[2] / "docs"
if not FOLDER.is_dir():
    pytest.skip("docs/ is not in this installation", allow_module_level=True)

# Made when the site is built.
MADE = ("_build", "gallery", "generated")

# Each page, from docs/, and the optional packages that it needs.
PAGES: dict[str, list[str]] = {
    "../README.md": [],
    "contributing/a_loss.md": [],
    "contributing/a_tokenizer.md": [],
    "guide/calibration.md": ["sklearn>=1.8"],
    "guide/cluster_search.md": ["distributed", "joblib>=1.5"],
    "guide/compressing.md": [],
    "guide/data_frames.md": ["pandas", "polars", "pyarrow"],
    "guide/data_parallel.md": [],
    "guide/displays.md": ["matplotlib"],
    "guide/explaining.md": ["pandas"],
    "guide/duplicates.md": ["pandas"],
    "guide/exporting.md": ["onnx", "onnxruntime", "skl2onnx"],
    "guide/first_model.md": [],
    "guide/from_fasttext.md": ["fasttext"],
    "guide/from_tfidf.md": [],
    "guide/from_torch.md": [],
    "guide/gpu.md": [],
    "guide/imbalance.md": [],
    "guide/labelling_next.md": ["matplotlib"],
    "guide/large_data.md": [],
    "guide/multilabel.md": [],
    "guide/novelty.md": ["matplotlib"],
    "guide/pretrained_vectors.md": [],
    "guide/regression.md": [],
    "guide/saving_and_serving.md": ["skops"],
    "guide/scoring_at_scale.md": ["dask.dataframe", "distributed", "pyarrow"],
    "guide/short_and_noisy.md": [],
    "guide/streaming.md": ["pandas", "pyarrow"],
    "guide/suspect_labels.md": ["matplotlib"],
    "guide/testing.md": ["pandas", "pytest"],
    "guide/tuning.md": ["optuna_integration", "sklearn>=1.7"],
    "how_it_works.md": [],
    "index.md": [],
    "reliability.md": ["skops"],
}

# Pages whose blocks but the first need a package each, and none of the others.
BY_BLOCK = ("guide/neighbours.md",)

# Those that start a cluster.
CLUSTER = {
    "guide/cluster_search.md",
    "guide/data_parallel.md",
    "guide/scoring_at_scale.md",
}


class Block(NamedTuple):
    line: int
    """Where its first line stands on the page, from 1."""

    code: str

    output: str
    """What it prints, by the block marked as text that follows it; "..." is anything,
    and a decimal fraction may differ by one in its last place."""


FENCES = re.compile(
    r"^```python\n(.*?)^```$(?:\n\n?```text\n(.*?)^```$)?", re.DOTALL | re.MULTILINE
)


def python_blocks(page: str) -> list[Block]:
    """The blocks of a page that are marked as Python, in order."""
    return [
        Block(
            page.count("\n", 0, fence.start(1)) + 1,
            fence.group(1),
            fence.group(2) or "",
        )
        for fence in FENCES.finditer(page)
    ]


def run(page: str, name: str) -> dict[str, object]:
    """Run the blocks of a page in one namespace; errors name the page's own lines."""
    return run_blocks(python_blocks(page), name)


def run_blocks(blocks: list[Block], name: str) -> dict[str, object]:
    """Run blocks of a page in one namespace."""
    namespace: dict[str, object] = {"__name__": name}
    for block in blocks:
        code = "\n" * (block.line - 1) + block.code
        with redirect_stdout(io.StringIO()) as printed:
            exec(compile(code, name, "exec"), namespace)
        check_output(block, printed.getvalue(), name)
    return namespace


FRACTION = re.compile(r"-?\d+\.(\d+)")


def rounded_as(wanted: str, printed: str) -> str:
    """Write printed fractions as they are wanted where they are nearly the same."""
    lines = printed.splitlines(keepends=True)
    pairs = zip_longest(wanted.splitlines()[: len(lines)], lines, fillvalue="")
    return "".join(_line_rounded_as(*pair) for pair in pairs)


def _line_rounded_as(wanted: str, printed: str) -> str:
    fractions = list(FRACTION.finditer(wanted))
    if len(fractions) != len(FRACTION.findall(printed)):
        return printed
    in_turn = iter(fractions)

    def nearly(found: re.Match[str]) -> str:
        other = next(in_turn)
        last_place = 10.0 ** -len(other[1])
        is_near = abs(float(found[0]) - float(other[0])) < 1.01 * last_place
        return other[0] if is_near else found[0]

    return FRACTION.sub(nearly, printed)


def check_output(block: Block, printed: str, name: str) -> None:
    """Compare what a block has printed with the page."""
    if not doctest.OutputChecker().check_output(
        block.output, rounded_as(block.output, printed), doctest.ELLIPSIS
    ):
        raise AssertionError(
            f"The block at line {block.line} of {name} prints\n{printed}\n"
            f"but the page says that it prints\n{block.output}"
        )


def marks_of(name: str) -> list[pytest.MarkDecorator]:
    """Of pages that start a cluster, read many texts, or need other packages."""
    if name in CLUSTER:
        return [pytest.mark.cluster]
    page = (FOLDER / name).read_text(encoding="utf-8")
    is_slow = "load_docstrings" in page or PAGES[name]
    return [pytest.mark.slow] if is_slow else []


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=marks_of(name)) for name in PAGES]
)
def test_page_runs(name, tmp_path, monkeypatch, request):
    for package in PAGES[name]:
        module, _, version = package.partition(">=")
        reason = f"{name} needs the package {package}"
        pytest.importorskip(module, minversion=version or None, reason=reason)
    page = (FOLDER / name).read_text(encoding="utf-8")
    assert python_blocks(page)
    if "load_docstrings" in page:
        # Not kept in the user's folder.
        folder = request.getfixturevalue("docstrings_folder")
        monkeypatch.setenv("SKBAG_DATA", folder)
    monkeypatch.chdir(tmp_path)
    run(page, name)


OURS = {"sklearn", "numpy", "pandas", "skbag"}
"""Packages that blocks of `BY_BLOCK` import beside the one that they are about."""


def package_of(block: Block) -> str:
    (package,) = set(re.findall(r"^(?:from|import) (\w+)", block.code, re.M)) - OURS
    return package


def blocks_by_package() -> list[object]:
    """Each block of `BY_BLOCK` but the first, with the page's first block."""
    found = []
    for name in BY_BLOCK:
        first, *others = python_blocks((FOLDER / name).read_text(encoding="utf-8"))
        for block in others:
            package = package_of(block)
            marks = pytest.mark.cluster if package == "ray" else pytest.mark.slow
            case = pytest.param(name, package, [first, block], marks=marks, id=package)
            found.append(case)
    return found


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "package", "blocks"), blocks_by_package())
def test_block_about_another_package(name, package, blocks, tmp_path, monkeypatch):
    pytest.importorskip(package, reason=f"a block of {name} needs {package}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENTOML_HOME", str(tmp_path))
    monkeypatch.setenv("BENTOML_DO_NOT_TRACK", "1")
    run_blocks(blocks, name)


@pytest.mark.parametrize(
    "name", [name for name in (*PAGES, *BY_BLOCK) if name.startswith("guide/")]
)
def test_blocks_can_be_pasted_into_a_console(name):
    """The console of Python before 3.13 ends a compound statement at an empty line.

    It needs one there, and takes none inside.
    """
    for block in python_blocks((FOLDER / name).read_text(encoding="utf-8")):
        lines: list[str] = []
        for line in [*block.code.splitlines(), ""]:
            lines.append(line)
            if codeop.compile_command("\n".join(lines), name) is not None:
                lines = []
        assert not lines


def test_every_page_with_python_is_run():
    paths = [path.relative_to(FOLDER) for path in FOLDER.rglob("*.md")]
    pages = [path for path in paths if path.parts[0] not in MADE]
    with_python = {
        path.as_posix()
        for path in [*pages, Path("../README.md")]
        if python_blocks((FOLDER / path).read_text(encoding="utf-8"))
    }
    assert with_python == {*PAGES, *BY_BLOCK}


SAMPLE = """\
# A page

```python
x = 1
```

```
not = python
```

```sh
exit 1
```

```python
y = x + 1

z = y + 1
```
"""


def test_blocks_share_a_namespace():
    assert [block.line for block in python_blocks(SAMPLE)] == [4, 16]
    found = run(SAMPLE, "sample")
    assert (found["x"], found["y"], found["z"]) == (1, 2, 3)
    assert "not" not in found


def test_errors_name_the_line_of_the_page():
    with pytest.raises(ZeroDivisionError, match="division by zero") as caught:
        run(SAMPLE.replace("z = y + 1", "z = y / 0"), "sample.md")
    last = caught.traceback[-1]
    assert (Path(last.path).name, last.lineno + 1) == ("sample.md", 18)


PRINTING = """\
```python
print("one")
print("two and", 3.25)
```

```text
one
two and 3.2...
```
"""


def test_what_is_printed_is_what_the_page_says():
    (block,) = python_blocks(PRINTING)
    assert block.output == "one\ntwo and 3.2...\n"
    run(PRINTING, "sample.md")


@pytest.mark.parametrize(
    ("wanted", "printed", "seen_as"),
    [
        ("0.91, 5", "0.92, 5", "0.91, 5"),
        ("0.91, 5", "0.93, 6", "0.93, 6"),
        ("-0.0 0.9", "0.04 0.8", "-0.0 0.9"),
        ("0.9 ...", "0.8 and 0.7", "0.8 and 0.7"),
        ("91 of 100", "92 of 100", "92 of 100"),
        ("a 0...\nb 0.5\n", "a 0.2\nb 0.6\n", "a 0.2\nb 0.5\n"),
        ("a 0.5\n", "a 0.6\nb 0.6\n", "a 0.5\nb 0.6\n"),
        ("a 0.5\nb 0.6\n", "a 0.6\n", "a 0.5\n"),
    ],
)
def test_fractions_may_differ_in_the_last_place(wanted, printed, seen_as):
    assert rounded_as(wanted, printed) == seen_as


@pytest.mark.parametrize(
    "page",
    [
        PRINTING.replace('"one"', '"won"'),
        PRINTING.replace("3.25", "3.35"),
        PRINTING.replace('print("one")', "pass"),
        PRINTING.replace("```text", "In prose:\n\n```text"),
        PRINTING.partition("\n\n")[0],
    ],
    ids=["another word", "another number", "a line less", "not next", "not shown"],
)
def test_what_is_printed_otherwise_is_an_error(page):
    words = "The block at line 2 of sample.md prints"
    with pytest.raises(AssertionError, match=words):
        run(page, "sample.md")
