"""Whether the compiled modules of a source tree are as new as their sources."""

from __future__ import annotations

import re
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

MESSAGE = (
    "Compiled modules are missing or older than their sources: run "
    "`python -m pip install -e .` ({names})"
)
CIMPORT = re.compile(r"^\s*(?:from\s+([\w.]+)\s+)?cimport\s+([\w., ]*)", re.MULTILINE)


def sources(source: Path, package: Path) -> set[Path]:
    """The files that Cython reads to compile one: it, and what it includes by name."""
    found: set[Path] = set()
    waiting = [source, source.with_suffix(".pxd")]
    while waiting:
        path = waiting.pop()
        if path in found or not path.exists():
            continue
        found.add(path)
        for module, names in CIMPORT.findall(path.read_text(encoding="utf-8")):
            parts = re.split(r"[, ]+", names)
            for name in [module, *(f"{module}.{part}".strip(".") for part in parts)]:
                waiting.append(package.parent / f"{name.replace('.', '/')}.pxd")
    return found


def outdated(package: Path) -> list[str]:
    """Sources in a package whose compiled module is missing or older."""
    names = []
    for source in sorted(package.rglob("*.pyx")):
        compiled = [
            path.stat().st_mtime
            for path in map(source.with_suffix, EXTENSION_SUFFIXES)
            if path.exists()
        ]
        newest = max(path.stat().st_mtime for path in sources(source, package))
        # The first suffix is the one that Python takes.
        if not compiled or compiled[0] < newest:
            names.append(source.relative_to(package.parent).as_posix())
    return names
