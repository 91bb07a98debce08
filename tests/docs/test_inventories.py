"""The lists of other projects' names become inventories that Sphinx reads."""

from __future__ import annotations

import importlib.util
import posixpath
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "docs" / "_ext" / "inventories.py"
if not SCRIPT.is_file():
    pytest.skip("docs/ is not in this installation", allow_module_level=True)
inventory_file = pytest.importorskip("sphinx.util.inventory").InventoryFile
spec = importlib.util.spec_from_file_location("inventories", SCRIPT)
inventories = importlib.util.module_from_spec(spec)
spec.loader.exec_module(inventories)


def test_names_are_found_where_the_list_says(tmp_path):
    path = tmp_path / "some.inv"
    lines = [
        "# A comment.",
        "",
        "py:class some.Thing api.html#$",
        "std:term x y.html#z An X",
    ]
    path.write_bytes(inventories.as_inventory("some", lines))
    with path.open("rb") as file:
        found = inventory_file.load(file, "https://example.org", posixpath.join)
    assert (
        found["py:class"]["some.Thing"].uri == "https://example.org/api.html#some.Thing"
    )
    term = found["std:term"]["x"]
    assert (term.uri, term.display_name) == ("https://example.org/y.html#z", "An X")
