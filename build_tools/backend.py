"""The build backend: setuptools, which finds a compiler and leaves modules in place.

Where no C compiler works, the build asks for one from PyPI. The compiled modules of a
wheel also stand in the source tree afterwards, so that it is complete: tests,
documentation and a Python started in it find the package as it was built.
"""

from __future__ import annotations

import os
import shutil
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import c_compiler
from setuptools import build_meta
from setuptools.build_meta import (
    build_sdist,
    get_requires_for_build_sdist,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

READ_ONLY = (
    "The folder {folder} cannot be written to, and a build leaves the compiled modules "
    "in it. Copy the source to a folder of your own and install from there."
)


def get_requires_for_build_wheel(config_settings: Any = None) -> list[str]:
    """List what building a wheel needs: a compiler too, if there is none."""
    check_writable()
    own = build_meta.get_requires_for_build_wheel(config_settings)
    return own + c_compiler.requirements()


def get_requires_for_build_editable(config_settings: Any = None) -> list[str]:
    """List what an editable installation needs: a compiler too, if there is none."""
    check_writable()
    own = build_meta.get_requires_for_build_editable(config_settings)
    return own + c_compiler.requirements()


def build_wheel(
    wheel_directory: str, config_settings: Any = None, metadata_directory: Any = None
) -> str:
    """Build a wheel; its compiled modules stand in the source tree too."""
    with build_folder() as folder:
        name = build_meta.build_wheel(
            wheel_directory, config_settings, metadata_directory
        )
        put_in_place(folder)
    return name


def build_editable(
    wheel_directory: str, config_settings: Any = None, metadata_directory: Any = None
) -> str:
    """Compile in the source tree, and build a wheel that refers to it."""
    with build_folder():
        return build_meta.build_editable(
            wheel_directory, config_settings, metadata_directory
        )


def check_writable() -> None:
    """Fail with a reason, where setuptools would name a file of its own."""
    for folder in (Path.cwd(), Path.cwd() / "skbag"):
        if not os.access(folder, os.W_OK):
            raise SystemExit(READ_ONLY.format(folder=folder))


@contextmanager
def build_folder() -> Iterator[Path]:
    """Let setuptools build in a new folder, with a compiler that works.

    New, as setuptools puts whatever it finds in its ``build/lib`` into the wheel, also
    modules that are no longer in the source; and so that two builds do not meet.
    """
    with TemporaryDirectory(prefix="skbag-") as name:
        folder = Path(name)
        variables, compiler_type = c_compiler.settings(folder / "zig")
        # Objects lie below the last one by the whole path of their source: short names.
        lines = ["[build]", f"build_base = {folder}"]
        lines += [f"build_lib = {folder / 'lib'}", f"build_temp = {folder / 'temp'}"]
        if compiler_type:
            lines.append(f"compiler = {compiler_type}")
        configuration = folder / "setup.cfg"
        configuration.write_text("\n".join(lines), encoding="utf-8")
        variables["DIST_EXTRA_CONFIG"] = str(configuration)
        before = os.environ.copy()
        os.environ.update(variables)
        try:
            yield folder
        finally:
            os.environ.clear()
            os.environ.update(before)


def put_in_place(folder: Path) -> None:
    """Copy the compiled modules of a build to their sources.

    Each replaces the former in one step: a process that has that open keeps it.
    """
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    library = folder / "lib"
    for module in library.rglob(f"*{suffix}"):
        place = module.relative_to(library)
        new = place.with_name(f".{place.name}.{os.getpid()}")
        shutil.copy2(module, new)
        os.replace(new, place)
