"""A build takes the compiler that is there, or else asks for zig; errors say why."""

from __future__ import annotations

import os
import shlex
import shutil
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "build_tools"
if not FOLDER.is_dir():
    pytest.skip("build_tools/ is not in this installation", allow_module_level=True)
pytest.importorskip("setuptools", minversion="77", reason="needs setuptools>=77")

# setuptools warns if others have imported distutils, as they do in Python 3.11.
pytestmark = pytest.mark.filterwarnings("ignore:.*[Dd]istutils:UserWarning")

PROBLEM = "command 'gcc' failed: No such file or directory"


@pytest.fixture
def c_compiler(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.delenv("CC", raising=False)
    import c_compiler

    return c_compiler


@pytest.fixture
def without_compiler(c_compiler, monkeypatch):
    monkeypatch.setattr(c_compiler, "problem_with_compiler", lambda: PROBLEM)
    return c_compiler


def test_a_compiler_that_works_is_taken(c_compiler, monkeypatch, tmp_path):
    monkeypatch.setattr(c_compiler, "problem_with_compiler", lambda: None)
    assert c_compiler.requirements() == []
    assert c_compiler.settings(tmp_path) == ({}, "")


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_a_compiler_that_compiles_and_links_has_no_problem(c_compiler, monkeypatch):
    monkeypatch.setenv("CC", "cc")
    assert c_compiler.problem_with_compiler() is None


@pytest.mark.skipif(os.name != "posix", reason="CC is for Unix")
def test_a_compiler_that_is_missing_has_one(c_compiler, monkeypatch):
    monkeypatch.setenv("CC", "/no/such/compiler")
    assert "/no/such/compiler" in c_compiler.problem_with_compiler()


def test_without_a_compiler_the_build_needs_zig(without_compiler, capsys):
    (requirement,) = without_compiler.requirements()
    assert requirement.startswith("ziglang")
    assert f"No C compiler works ({PROBLEM})" in capsys.readouterr().out


def test_a_compiler_named_by_the_user_is_not_replaced(without_compiler, monkeypatch):
    monkeypatch.setenv("CC", "my-cc -m32")
    with pytest.raises(SystemExit, match=r"CC='my-cc -m32': command .*or unset it"):
        without_compiler.requirements()


def test_headers_of_python_are_needed(c_compiler, monkeypatch, tmp_path):
    monkeypatch.setattr(c_compiler.sysconfig, "get_path", lambda name: str(tmp_path))
    with pytest.raises(SystemExit, match=r"no .*Python\.h.*apt install python3-dev"):
        c_compiler.requirements()


def test_without_compiler_and_zig_the_error_says_what_to_install(
    without_compiler, monkeypatch, tmp_path
):
    monkeypatch.setattr(without_compiler.importlib.util, "find_spec", lambda name: None)
    words = r"gcc' failed.*apt install gcc.*pip install 'ziglang.*no-build-isolation"
    with pytest.raises(SystemExit, match=words):
        without_compiler.settings(tmp_path)


def test_zig_compiles_for_every_processor_from_a_path_with_spaces(
    without_compiler, monkeypatch, tmp_path
):
    origin = tmp_path / "with space" / "ziglang" / "__init__.py"
    spec = ModuleSpec("ziglang", None, origin=str(origin))
    monkeypatch.setattr(without_compiler.importlib.util, "find_spec", lambda name: spec)
    variables, _ = without_compiler.settings(tmp_path / "cache")
    zig = origin.with_name("zig").as_posix()
    assert shlex.split(variables["CC"]) == [zig, "cc", "-mcpu=baseline"]
    assert shlex.split(variables["LDSHARED"])[:4] == [
        *shlex.split(variables["CC"]),
        "-shared",
    ]
    assert variables["ZIG_GLOBAL_CACHE_DIR"] == str(tmp_path / "cache")
