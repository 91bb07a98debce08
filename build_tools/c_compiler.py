"""The C compiler of a build: the one that is there, or else zig's from PyPI."""

from __future__ import annotations

import importlib.util
import os
import shlex
import sys
import sysconfig
from pathlib import Path
from tempfile import TemporaryDirectory

import setuptools  # noqa: F401  (it brings distutils)

ZIG = "ziglang>=0.17,<0.18"
"""The compiler from PyPI: clang with headers and libraries of C. No release of zig
promises anything of the next one, so those that were not tried are not taken."""

# Headers and a shared library: a compiler without the headers of C is of no use.
PROGRAM = """
#include <stdlib.h>
#include <string.h>
void *skbag_probe(size_t n) { return memset(malloc(n + 1), 0, n + 1); }
"""

NO_HEADERS = (
    "Building skbag needs the headers of Python, and there is no {path}. Install them "
    "(Debian, Ubuntu: apt install python3-dev; Fedora: dnf install python3-devel), or "
    "use a Python that has them."
)
BROKEN_CC = (
    "Building skbag needs a C compiler, and the one that the environment variable CC "
    "names does not work: CC={cc!r}: {problem}. Correct CC, or unset it: then the "
    "compiler that Python was built with is tried, and one from PyPI is used if that "
    "is missing."
)
NO_COMPILER = (
    "Building skbag needs a C compiler. The one that Python was built with does not "
    "work ({problem}), and ziglang is not installed. Install a compiler (Debian, "
    "Ubuntu: apt install gcc libc6-dev; macOS: xcode-select --install; Windows: the "
    "Build Tools for Visual Studio), or `python -m pip install '{zig}'`, or build "
    "without --no-build-isolation, which installs ziglang for the time of the build."
)


def requirements() -> list[str]:
    """What a build needs of PyPI to compile: nothing, or zig."""
    problem = reason_for_zig()
    if problem is None:
        return []
    print(f"No C compiler works ({problem}): the build takes {ZIG} from PyPI.")
    return [ZIG]


def reason_for_zig() -> str | None:
    """Say why the compiler that is there does not do, or None if it does.

    Raises
    ------
    SystemExit
        Without the headers of Python, or if CC names a compiler that does not work.
    """
    header = Path(sysconfig.get_path("include"), "Python.h")
    if not header.is_file():
        raise SystemExit(NO_HEADERS.format(path=header))
    problem = problem_with_compiler()
    if problem is not None and "CC" in os.environ:
        raise SystemExit(BROKEN_CC.format(cc=os.environ["CC"], problem=problem))
    return problem


def problem_with_compiler() -> str | None:
    """Say why setuptools cannot compile and link with what it would use, if so."""
    from distutils.ccompiler import new_compiler
    from distutils.sysconfig import customize_compiler

    with TemporaryDirectory() as folder:
        source = Path(folder, "probe.c")
        source.write_text(PROGRAM, encoding="ascii")
        try:
            compiler = new_compiler()
            customize_compiler(compiler)
            objects = compiler.compile([str(source)], output_dir=folder)
            compiler.link_shared_object(objects, str(Path(folder, "probe.so")))
        # Each compiler class of setuptools has errors of its own, and on Windows the
        # search for Visual Studio has more. All of them mean that it does not compile.
        except Exception as error:
            return str(error) or type(error).__name__
    return None


def settings(folder: Path) -> tuple[dict[str, str], str]:
    """Environment variables and the type of compiler that a build is to have.

    Parameters
    ----------
    folder : Path
        Where zig may keep what it makes of its libraries.

    Returns
    -------
    environment : dict of str to str
        To add to the environment of the process; empty if its own compiler works.
    compiler_type : str
        As setuptools names them; empty for its default.
    """
    problem = reason_for_zig()
    if problem is None:
        return {}, ""
    specification = importlib.util.find_spec("ziglang")
    if specification is None or specification.origin is None:
        raise SystemExit(NO_COMPILER.format(problem=problem, zig=ZIG))
    package = Path(specification.origin).parent
    zig = shlex.quote(package.joinpath("zig").as_posix())
    # Without -mcpu the code would be for the processor of this machine alone.
    compiler = f"{zig} cc -mcpu=baseline"
    undefined = " -undefined dynamic_lookup" if sys.platform == "darwin" else ""
    return {
        "CC": compiler,
        "CXX": f"{zig} c++ -mcpu=baseline",
        "LDSHARED": f"{compiler} -shared{undefined}",
        "AR": f"{zig} ar",
        # Not the flags that Python was built with, which may be gcc's alone.
        "CFLAGS": os.environ.get("CFLAGS", "-DNDEBUG -fwrapv -O3 -Wall"),
        "ZIG_GLOBAL_CACHE_DIR": str(folder),
        "ZIG_LOCAL_CACHE_DIR": str(folder),
    }, ("mingw32" if sys.platform == "win32" else "")
