"""Write the lists of docs/inventories as inventories that intersphinx can read.

A line of a list is ``domain:role name location title``; a ``$`` at the end of the
location stands for the name, and without a title the name is shown. conf.py says why
there are lists of our own.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config


def as_inventory(project: str, lines: list[str]) -> bytes:
    """Return an inventory of version 2, as Sphinx writes it.

    Parameters
    ----------
    project : str
    lines : list of str
        Of the form above; empty lines and comments (``#``) are left out.
    """
    entries = []
    for line in lines:
        if line and not line.startswith("#"):
            role, name, location, *title = line.split(maxsplit=3)
            entries.append(f"{name} {role} 1 {location} {title[0] if title else '-'}\n")
    head = (
        "# Sphinx inventory version 2\n"
        f"# Project: {project}\n"
        "# Version: \n"
        "# The remainder of this file is compressed using zlib.\n"
    )
    return head.encode() + zlib.compress("".join(entries).encode())


def write_inventories(app: Sphinx, config: Config) -> None:
    """Write all of them, before intersphinx looks for them."""
    for name, (_, written) in config.intersphinx_mapping.items():
        lines = Path(app.srcdir, "inventories", f"{name}.txt").read_text("utf-8")
        path = Path(app.srcdir, written)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(as_inventory(name, lines.splitlines()))


def setup(app: Sphinx) -> dict[str, Any]:
    """Do so when the settings have been read."""
    # Intersphinx reads the settings at the default priority, and changes them.
    app.connect("config-inited", write_inventories, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
