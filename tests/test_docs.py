"""The Python on the pages under docs/ runs as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

FOLDER = Path(__file__).parent.parent / "docs"
if not FOLDER.is_dir():
    pytest.skip("docs/ is not in this installation", allow_module_level=True)

# Each page, and the optional packages that it needs.
PAGES = {
    "calibration.md": ["sklearn>=1.8"],
    "compressing.md": [],
    "exporting.md": ["onnx", "onnxruntime"],
    "guide/streaming.md": ["pandas", "pyarrow"],
    "inspecting.md": [],
    "reliability.md": ["skops"],
    "tuning.md": ["optuna_integration", "sklearn>=1.7"],
}


class Block(NamedTuple):
    line: int
    """Where its first line stands on the page, from 1."""

    code: str


def python_blocks(page: str) -> list[Block]:
    """The blocks of a page that are marked as Python, in order."""
    fences = re.finditer(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    return [
        Block(page.count("\n", 0, fence.start(1)) + 1, fence.group(1))
        for fence in fences
    ]


def run(page: str, name: str) -> dict[str, object]:
    """Run the blocks of a page in one namespace; errors name the page's own lines."""
    namespace: dict[str, object] = {"__name__": name}
    for block in python_blocks(page):
        code = "\n" * (block.line - 1) + block.code
        exec(compile(code, name, "exec"), namespace)
    return namespace


@pytest.mark.parametrize("name", PAGES)
def test_page_runs(name, tmp_path, monkeypatch):
    for package in PAGES[name]:
        module, _, version = package.partition(">=")
        reason = f"{name} needs the package {package}"
        pytest.importorskip(module, minversion=version or None, reason=reason)
    page = (FOLDER / name).read_text(encoding="utf-8")
    assert python_blocks(page)
    monkeypatch.chdir(tmp_path)
    run(page, name)


def test_every_page_with_python_is_run():
    pages = {
        path.relative_to(FOLDER).as_posix(): path.read_text(encoding="utf-8")
        for path in FOLDER.rglob("*.md")
    }
    assert {name for name, page in pages.items() if python_blocks(page)} == set(PAGES)


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
