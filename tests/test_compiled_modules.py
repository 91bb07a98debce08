"""Modules that are not compiled, or no longer as their sources, are told at once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

import skbag
from skbag._compiled_modules import explain, not_compiled
from tests import compiled_modules

PACKAGE = Path(skbag.__file__).parent


@pytest.fixture
def package(tmp_path):
    """Write files of a package, each with its text and the time of its last change."""

    def write(**files):
        folder = tmp_path / "skbag"
        for name, (text, time) in files.items():
            module, _, kind = name.rpartition("_")
            suffix = EXTENSION_SUFFIXES[0] if kind == "so" else f".{kind}"
            path = folder / "_core" / f"{module}{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            os.utime(path, (time, time))
        return folder

    return write


FROM_MODULE = "from skbag._core.b cimport (\n    f,\n)\n"


@pytest.mark.parametrize(
    "files",
    [
        {"a_pyx": ("", 5)},
        {"a_pyx": ("", 5), "a_so": ("", 4)},
        {"a_pyx": ("", 3), "a_pxd": ("", 5), "a_so": ("", 4)},
        {"a_pyx": (FROM_MODULE, 3), "b_pxd": ("", 5), "a_so": ("", 4)},
        {
            "a_pyx": ("from skbag._core cimport x, b\n", 3),
            "b_pxd": ("", 5),
            "a_so": ("", 4),
        },
        {"a_pyx": ("cimport skbag._core.b\n", 3), "b_pxd": ("", 5), "a_so": ("", 4)},
        {
            "a_pyx": (FROM_MODULE, 3),
            "b_pxd": ("from skbag._core.c cimport g", 3),
            "c_pxd": ("", 5),
            "a_so": ("", 4),
        },
    ],
    ids=["missing", "older", "own header", "header", "of package", "module", "second"],
)
def test_a_module_that_is_older_than_a_source_is_outdated(files, package):
    assert compiled_modules.outdated(package(**files)) == ["skbag/_core/a.pyx"]


def test_a_module_newer_than_its_sources_is_not(package):
    folder = package(
        a_pyx=(FROM_MODULE, 3), b_pxd=("", 3), a_so=("", 4), other_pxd=("", 5)
    )
    assert compiled_modules.outdated(folder) == []
    assert not_compiled(folder) == []


@pytest.mark.slow
def test_the_tests_do_not_start_with_an_outdated_module(tmp_path):
    package, tests = tmp_path / "skbag", tmp_path / "tests"
    package.mkdir()
    (package / "a.pyx").write_text("")
    tests.mkdir()
    for name in ("conftest.py", "compiled_modules.py"):
        shutil.copy(Path(__file__).with_name(name), tests)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 4
    assert "run `python -m pip install -e .` (skbag/a.pyx)" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.slow
def test_importing_a_source_tree_that_is_not_compiled_says_what_to_do(tmp_path):
    endings = [f"*{suffix}" for suffix in EXTENSION_SUFFIXES]
    compiled = shutil.ignore_patterns("__pycache__", *endings)
    package = shutil.copytree(PACKAGE, tmp_path / "skbag", ignore=compiled)
    (package / "_core" / "absent.pyx").write_text("")
    (package / "_core" / "__init__.py").write_text("import skbag._core.absent\n")
    command = [sys.executable, "-c", "import skbag"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert "ImportError: No module named 'skbag._core.absent'" in done.stderr
    assert "_core/absent.pyx" in done.stderr
    assert f"`python -m pip install -e .` in {tmp_path}, or" in done.stderr


def test_other_import_errors_are_left_as_they_are(monkeypatch):
    monkeypatch.setattr(skbag._compiled_modules, "not_compiled", lambda package: [])
    explain(ImportError("No module named 'sklearn'"))
