"""Compiled modules: every ``.pyx`` of the package. All else stands in pyproject.toml."""

from __future__ import annotations

import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "initializedcheck": False,
    "cdivision": True,
    "embedsignature": True,
}

# Sums are to come out the same on every machine: no multiply-add in one rounding.
FLAGS = ["/O2"] if sys.platform == "win32" else ["-O3", "-ffp-contract=off"]


def extensions() -> list[Extension]:
    """One extension for each ``.pyx``, named by where it is."""
    return [
        Extension(
            ".".join(source.with_suffix("").parts),
            [source.as_posix()],
            extra_compile_args=FLAGS,
        )
        for source in sorted(Path("skbag").rglob("*.pyx"))
    ]


setup(ext_modules=cythonize(extensions(), compiler_directives=DIRECTIVES))
