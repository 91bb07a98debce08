"""Each example has what the gallery needs: a title, and a place."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples"
if not FOLDER.is_dir():
    pytest.skip("examples/ is not in this installation", allow_module_level=True)
EXAMPLES = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.py"))


@pytest.mark.parametrize("name", EXAMPLES)
def test_it_begins_with_an_underlined_title(name):
    text = (FOLDER / name).read_text(encoding="utf-8")
    docstring = ast.get_docstring(ast.parse(text)) or ""
    title, underline, empty, *_ = [*docstring.splitlines(), "", "", ""]
    assert underline == "=" * len(title), docstring
    assert title and not empty


@pytest.mark.parametrize("name", EXAMPLES)
def test_its_folder_has_an_introduction(name):
    assert (FOLDER / name).with_name("README.rst").is_file()


@pytest.mark.parametrize("name", EXAMPLES)
def test_its_thumbnail_is_there(name):
    text = (FOLDER / name).read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.startswith("# sphinx_gallery_thumbnail_path = "):
            path = ast.literal_eval(line.partition(" = ")[2])
            assert (FOLDER.parent / "docs" / path).is_file()
