"""Compiled modules: every ``.pyx`` of the package. The rest: pyproject.toml."""

from __future__ import annotations

import os
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "initializedcheck": False,
    "cdivision": True,
    "embedsignature": True,
    # Nothing in the modules is shared and changed, but what a caller hands to a kernel;
    # two calls may not write into one object at a time, as with an array of numpy.
    "freethreading_compatible": True,
}

# Sums are to come out the same on every machine: no multiply-add in one rounding.
# Without -g0, names for debuggers are five sixths of a module.
FLAGS = ["-O3", "-ffp-contract=off", "-g0"]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
"""See build_tools/sanitize."""


class BuildExtensions(build_ext):
    """Compile, by the flags that the compiler understands.

    setuptools lets Cython translate each module, if that or what it includes is newer
    than its last translation.
    """

    def build_extensions(self) -> None:
        """Compile each extension."""
        for extension in self.extensions:
            if self.compiler.compiler_type == "msvc":
                extension.extra_compile_args = ["/O2"]
            elif os.environ.get("SKBAG_SANITIZE") == "1":
                extension.extra_compile_args = ["-O1", "-g", *FLAGS[1:2], *SANITIZERS]
                extension.extra_link_args = SANITIZERS
            else:
                extension.extra_compile_args = FLAGS
        super().build_extensions()


def extensions() -> list[Extension]:
    """One extension for each ``.pyx``, named by where it is."""
    made = []
    for source in sorted(Path("skbag").rglob("*.pyx")):
        name = ".".join(source.with_suffix("").parts)
        extension = Extension(
            name,
            [source.as_posix()],
            include_dirs=[source.parent.as_posix(), "skbag/_core"],
        )
        extension.cython_directives = DIRECTIVES
        # Not beside the source, so that two Pythons, or two builds, do not meet.
        extension.cython_c_in_temp = True
        made.append(extension)
    return made


setup(ext_modules=extensions(), cmdclass={"build_ext": BuildExtensions})
