"""The build backend asks for a compiler, leaves modules in place, and no settings."""

from __future__ import annotations

import os
import sysconfig
from configparser import ConfigParser
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "build_tools"
if not FOLDER.is_dir():
    pytest.skip("build_tools/ is not in this installation", allow_module_level=True)
pytest.importorskip("setuptools", minversion="77", reason="needs setuptools>=77")

# setuptools warns if others have imported distutils, as they do in Python 3.11.
pytestmark = pytest.mark.filterwarnings("ignore:.*[Dd]istutils:UserWarning")

SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")


@pytest.fixture
def backend(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(FOLDER))
    import backend

    (tmp_path / "skbag" / "_core").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return backend


@pytest.mark.parametrize("kind", ["wheel", "editable"])
def test_what_the_compiler_needs_is_asked_for(kind, backend, monkeypatch):
    name = f"get_requires_for_build_{kind}"
    monkeypatch.setattr(backend.build_meta, name, lambda settings: ["a"])
    monkeypatch.setattr(backend.c_compiler, "requirements", lambda: ["ziglang"])
    assert getattr(backend, name)() == ["a", "ziglang"]


def test_a_source_that_cannot_be_written_to_is_told(backend, monkeypatch):
    monkeypatch.setattr(
        os, "access", lambda path, mode: path != Path.cwd() / "skbag" or mode != os.W_OK
    )
    with pytest.raises(SystemExit, match=r"skbag cannot be written to.*Copy"):
        backend.get_requires_for_build_wheel()


def test_a_build_has_a_folder_and_settings_that_end_with_it(backend, monkeypatch):
    variables = {"CC": "zig cc", "CFLAGS": "-O3"}
    monkeypatch.setenv("CFLAGS", "-O1")
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(
        backend.c_compiler, "settings", lambda folder: (dict(variables), "mingw32")
    )
    before = os.environ.copy()
    with pytest.raises(ZeroDivisionError), backend.build_folder() as folder:
        assert {name: os.environ[name] for name in variables} == variables
        configuration = ConfigParser(interpolation=None)
        configuration.read(os.environ["DIST_EXTRA_CONFIG"])
        assert configuration["build"]["build_lib"] == str(folder / "lib")
        assert configuration["build"]["compiler"] == "mingw32"
        raise ZeroDivisionError
    assert not folder.exists()
    assert os.environ.copy() == before


def test_compiled_modules_are_copied_to_their_sources(backend, tmp_path):
    library = tmp_path / "build" / "lib" / "skbag" / "_core"
    library.mkdir(parents=True)
    (library / f"module{SUFFIX}").write_text("new")
    (library / "other.py").write_text("")
    place = tmp_path / "skbag" / "_core" / f"module{SUFFIX}"
    place.write_text("old")
    with place.open() as in_use:
        backend.put_in_place(tmp_path / "build")
        assert in_use.read() == "old"
    assert place.read_text() == "new"
    assert [path.name for path in place.parent.iterdir()] == [place.name]
