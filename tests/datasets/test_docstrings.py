"""Docstrings of tiny packages, and of a real one."""

from __future__ import annotations

import gc
import gzip
import json
import os
import re
import sys
import textwrap
import warnings

import joblib
import numpy as np
import pytest

from skbag.datasets import _docstrings, load_docstrings

RED = "Paint a thing red: the colour of ripe tomatoes."
BLUE = "Paint a thing blue: the colour of a clear sky."


def write(folder, files):
    """Write ``files`` (name: source) into a folder."""
    for name, source in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(source), encoding="utf-8")


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder to import from that holds the packages redlib and bluelib."""
    folder = tmp_path / "site"
    boom = "raise RuntimeError('imported')\n"
    write(
        folder,
        {
            "redlib/__init__.py": f'"""{RED}"""\n{boom}',
            "redlib/_core.py": '''
                class Brush:
                    """A brush, which is wide enough for redlib and all."""

                    async def paint(self):
                        """Paint slowly,

                            but    surely, and never over the edge of the page.
                        """

                if True:
                    try:
                        def late():
                            """Come late: within an if, within a try statement."""
                    except ImportError:
                        def late():
                            """Come late: within the handler of an exception."""
                lambda: 0
            ''',
            "bluelib/__init__.py": f'"""{BLUE}"""\n{boom}',
        },
    )
    monkeypatch.syspath_prepend(folder)
    return folder


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A cache of the test's own."""
    folder = tmp_path / "home"
    monkeypatch.setenv("SKBAG_DATA", str(folder))
    return folder


def load(*libraries, **parameters):
    parameters = {"min_length": 10, "cache": False, **parameters}
    return load_docstrings(libraries=libraries, **parameters)


# -- what is collected -----------------------------------------------------------------


def test_docstrings_of_everything_that_has_one(site):
    docstrings = load("redlib", mask_names=False)
    assert sorted(docstrings.data) == [
        "A brush, which is wide enough for redlib and all.",
        "Come late: within an if, within a try statement.",
        "Come late: within the handler of an exception.",
        RED,
        "Paint slowly, but surely, and never over the edge of the page.",
    ]


def test_bunch(site):
    docstrings = load("redlib", "bluelib")
    assert docstrings.target_names == ["redlib", "bluelib"]
    assert isinstance(docstrings.target, np.ndarray)
    assert docstrings.target.dtype.kind == "U"
    assert len(docstrings.data) == len(docstrings.target) == 6
    assert docstrings.target[docstrings.data.index(BLUE)] == "bluelib"
    assert np.count_nonzero(docstrings.target == "redlib") == 5
    assert "Texts: 6," in docstrings.DESCR
    assert "): 5\n" in docstrings.DESCR


def test_return_X_y(site):
    docstrings = load("redlib", "bluelib")
    X, y = load("redlib", "bluelib", return_X_y=True)
    assert X == docstrings.data
    np.testing.assert_array_equal(y, docstrings.target)


def test_packages_are_not_imported(site):
    # Importing redlib raises.
    load("redlib", "bluelib")
    assert not {"redlib", "bluelib"} & set(sys.modules)


def test_a_single_module(site):
    write(site, {"onefile.py": f'"""{RED}"""'})
    assert load("onefile").data == [RED]


def test_a_namespace_package(site):
    write(site, {"folder/inner.py": f'"""{RED}"""'})
    assert load("folder").data == [RED]


@pytest.mark.parametrize(
    "name",
    [
        "tests/a.py",
        "sub/test/a.py",
        "testing/a.py",
        "_vendor/other/a.py",
        "externals/a.py",
        "conftest.py",
        "test_it.py",
        "it_test.py",
        "data.txt",
    ],
)
def test_left_out(site, name):
    write(site, {f"bluelib/{name}": '"""Nobody is meant to learn from this text."""'})
    assert load("bluelib").data == [BLUE]


def test_a_folder_above_may_be_called_tests(tmp_path, monkeypatch):
    write(tmp_path / "tests", {"inside/__init__.py": f'"""{RED}"""'})
    monkeypatch.syspath_prepend(tmp_path / "tests")
    assert load("inside").data == [RED]


def test_files_that_cannot_be_parsed_are_skipped(site):
    write(site, {"bluelib/template.py": '"""A fine text here."""\n{{ name }} = = 1'})
    (site / "bluelib" / "null.py").write_bytes(b'"""A fine text here."""\0')
    (site / "bluelib" / "coding.py").write_bytes(b"# coding: latin-0\n'''Oh my!'''")
    (site / "bluelib" / "bytes.py").write_bytes(b'"""A text that is \xff not UTF-8."""')
    assert load("bluelib").data == [BLUE]


def test_invalid_escapes_do_not_warn(site):
    write(site, {"bluelib/escape.py": r'"""A text with \d an invalid escape."""'})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        docstrings = load("bluelib")
    assert not caught
    assert r"A text with \d an invalid escape." in docstrings.data


def test_lone_surrogates(site, home):
    write(site, {"bluelib/odd.py": r'"""A lone surrogate \ud800 in a text."""'})
    first = load("bluelib", cache=True).data
    assert "A lone surrogate \ud800 in a text." in first
    assert load("bluelib", cache=True).data == first


def test_repeated_texts(site):
    write(site, {"redlib/again.py": f'"""{RED}"""', "bluelib/red.py": '"""Shared."""'})
    assert load("redlib").data.count(RED) == 1
    # A text of both has no label.
    write(site, {"redlib/blue.py": f'"""{BLUE}"""'})
    docstrings = load("redlib", "bluelib")
    assert BLUE not in docstrings.data
    assert docstrings.target_names == ["redlib"]


def test_lengths(site):
    assert load("redlib", min_length=60).data == [
        "Paint slowly, but surely, and never over the edge of the page."
    ]
    short = load("redlib", max_length=20).data
    assert "Paint a thing red:" in short  # cut at the end of a word
    assert max(map(len, short)) <= 20
    exactly = load("bluelib", max_length=len(BLUE)).data
    assert exactly == [BLUE]
    write(site, {"one.py": f'"""{"x" * 50}"""'})
    assert load("one", max_length=20).data == ["x" * 20]


def test_order_is_fixed_and_mixes_the_classes(site):
    forward = load("redlib", "bluelib")
    backward = load("bluelib", "redlib")
    assert forward.data == backward.data
    np.testing.assert_array_equal(forward.target, backward.target)
    assert backward.target_names == ["bluelib", "redlib"]
    # The order is that of the texts alone: no library's depends on the others'.
    both = load("redlib", "bluelib", mask_names=False).data
    alone = load("redlib", mask_names=False).data
    assert [text for text in both if text in alone] == alone


def test_the_garbage_collector_is_left_as_it_was(site, monkeypatch):
    def fail(files):
        raise RuntimeError("while collecting")

    assert gc.isenabled()
    load("redlib")
    assert gc.isenabled()
    gc.disable()
    try:
        load("redlib")
        assert not gc.isenabled()
    finally:
        gc.enable()
    monkeypatch.setattr(_docstrings, "_docstrings", fail)
    with pytest.raises(RuntimeError, match="while collecting"):
        load("redlib")
    assert gc.isenabled()


# -- names -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("torch.nn.Linear", "library.nn.Linear"),
        ("`numpy.ndarray`", "`library.ndarray`"),
        ("import numpy as np; np.array", "import library as library; library.array"),
        ("SciPy, NumPy and PyTorch", "library, library and library"),
        ("scikit-learn scikit learn", "library library"),
        ("scikit_learn scikitlearn", "library library"),
        ("__torch_function__ torch2", "__library_function__ library2"),
        ("https://scikit-learn.org/", "https://library.org/"),
        ("CPython and Python3", "library and library3"),
        ("torchlight snippet inspire", "torchlight snippet inspire"),
        ("pythonic", "pythonic"),
        ("ñp épython", "ñp épython"),
    ],
)
def test_names_are_masked(text, masked):
    mask = _docstrings._masker(("numpy", "scipy", "sklearn", "torch", "python"))
    assert mask(text) == masked


def test_only_names_of_the_libraries_in_the_task_are_masked(site):
    write(site, {"bluelib/more.py": '"""A redlib in a BlueLib and in numpy."""'})
    assert "A redlib in a library and in numpy." in load("bluelib").data
    assert "A library in a library and in numpy." in load("redlib", "bluelib").data
    assert (
        "A redlib in a BlueLib and in numpy."
        in load("redlib", "bluelib", mask_names=False).data
    )


# -- refusals --------------------------------------------------------------------------


def test_a_library_that_is_not_installed(site):
    message = r"not installed, or not as source files: \['greenlib'\]\. .*'sklearn'"
    with pytest.raises(ValueError, match=message):
        load("redlib", "greenlib")
    with pytest.raises(ValueError, match=r"not installed.*\['sys', 'os\.path'\]"):
        load("sys", "os.path")


def test_by_default_what_is_not_installed_is_left_out(site, monkeypatch):
    monkeypatch.setattr(_docstrings, "_DEFAULT_LIBRARIES", ("redlib", "greenlib"))
    docstrings = load_docstrings(min_length=10, cache=False)
    assert docstrings.target_names == ["redlib"]


def test_a_module_without_a_spec_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "byhand", type(sys)("byhand"))
    with pytest.raises(ValueError, match=r"not installed.*\['byhand'\]"):
        load("byhand")


def test_libraries_as_a_str():
    with pytest.raises(TypeError, match=r"got the str 'joblib'\. Pass \('joblib',\)"):
        load_docstrings(libraries="joblib")


@pytest.mark.parametrize("lengths", [(0, 5), (6, 5), (-1, -1)])
def test_lengths_out_of_range(lengths):
    with pytest.raises(ValueError, match="1 <= min_length <= max_length, got min_leng"):
        load_docstrings(min_length=lengths[0], max_length=lengths[1])


@pytest.mark.parametrize("libraries", [("redlib",), ()])
def test_no_texts(site, libraries):
    with pytest.raises(ValueError, match="No docstring of at least 900 characters"):
        load(*libraries, min_length=900)


# -- cache -----------------------------------------------------------------------------


def forbid_reading_sources(monkeypatch):
    def fail(*args):
        raise AssertionError("the cache was not used")

    monkeypatch.setattr(_docstrings, "_collect", fail)


def cache_files(folder):
    return sorted(folder.iterdir()) if folder.exists() else []


def test_the_second_call_reads_the_cache(site, home, monkeypatch):
    first = load("redlib", "bluelib", cache=True)
    assert len(cache_files(home)) == 1
    forbid_reading_sources(monkeypatch)
    second = load("redlib", "bluelib", cache=True)
    assert second.data == first.data
    np.testing.assert_array_equal(second.target, first.target)
    assert second.target_names == first.target_names
    assert second.DESCR == first.DESCR


def test_without_cache_nothing_is_read_or_written(site, home):
    load("redlib", cache=False)
    assert not home.exists()
    load("redlib", cache=True)
    (path,) = cache_files(home)
    path.write_bytes(b"damaged")
    load("redlib", cache=False)
    assert path.read_bytes() == b"damaged"


def test_data_home_comes_before_the_environment(site, home, tmp_path):
    load("redlib", cache=True, data_home=tmp_path / "a" / "b")
    assert len(cache_files(tmp_path / "a" / "b")) == 1
    assert not home.exists()


def test_the_default_is_in_the_home_folder(site, tmp_path, monkeypatch):
    monkeypatch.delenv("SKBAG_DATA")
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path / "user"))
    load("redlib", cache=True)
    assert len(cache_files(tmp_path / "user" / "skbag_data")) == 1


def test_a_user_without_a_home(site, monkeypatch):
    def no_home(path):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(_docstrings.Path, "expanduser", no_home)
    assert RED in load("redlib", cache=True).data


@pytest.mark.parametrize(
    "parameters", [{"min_length": 11}, {"max_length": 999}, {"mask_names": False}]
)
def test_other_parameters_have_another_file(site, home, parameters):
    load("redlib", cache=True)
    load("redlib", cache=True, **parameters)
    assert len(cache_files(home)) == 2


def test_another_version_has_another_file(site, home):
    write(site, {"redlib-1.0.dist-info/METADATA": "Name: redlib\nVersion: 1.0\n"})
    before = load("redlib", cache=True)
    assert "redlib (1.0): 5" in before.DESCR
    (site / "redlib-1.0.dist-info").rename(site / "redlib-1.1.dist-info")
    write(site, {"redlib-1.1.dist-info/METADATA": "Name: redlib\nVersion: 1.1\n"})
    write(site, {"redlib/new.py": '"""Something new in version 1.1."""'})
    assert "Something new in version 1.1." in load("redlib", cache=True).data
    assert len(cache_files(home)) == 2


def test_without_a_version_the_files_tell(site, home):
    load("redlib", cache=True)
    write(site, {"redlib/new.py": '"""Something new in redlib."""'})
    assert "Something new in library." in load("redlib", cache=True).data
    path = site / "redlib" / "new.py"
    path.write_text('"""Something else in redlib."""')
    os.utime(path, ns=(2**61, 2**61))
    assert "Something else in library." in load("redlib", cache=True).data


def damage_nothing_left(path):
    path.write_bytes(b"")


def damage_cut_short(path):
    path.write_bytes(path.read_bytes()[:-20])


def damage_flipped(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def damage_no_gzip(path):
    path.write_bytes(gzip.decompress(path.read_bytes()))


def damage_no_json(path):
    path.write_bytes(gzip.compress(b'{"key": '))


def damage_no_text(path):
    path.write_bytes(gzip.compress(b"\xff\xfe\xfd"))


def damage_other_content(path):
    path.write_bytes(gzip.compress(b"[1, 2]"))


def damage_other_key(path):
    content = json.loads(gzip.decompress(path.read_bytes()))
    content["key"]["min_length"] += 1
    path.write_bytes(gzip.compress(json.dumps(content).encode()))


def damage_other_pairs(path):
    content = json.loads(gzip.decompress(path.read_bytes()))
    content["pairs"][0] = [1, "redlib"]
    path.write_bytes(gzip.compress(json.dumps(content).encode()))


def damage_no_pairs(path):
    content = json.loads(gzip.decompress(path.read_bytes()))
    del content["pairs"]
    path.write_bytes(gzip.compress(json.dumps(content).encode()))


@pytest.mark.parametrize(
    "damage",
    [value for name, value in sorted(globals().items()) if name.startswith("damage_")],
)
def test_a_damaged_file_is_replaced(site, home, damage):
    expected = load("redlib", cache=True).data
    (path,) = cache_files(home)
    whole = path.read_bytes()
    damage(path)
    assert load("redlib", cache=True).data == expected
    assert path.read_bytes() == whole


def test_a_folder_that_cannot_be_written(site, tmp_path):
    file = tmp_path / "file"
    file.write_text("not a folder")
    assert RED in load("redlib", cache=True, data_home=file).data
    assert RED in load("redlib", cache=True, data_home=file / "below").data
    assert file.read_text() == "not a folder"


def test_writing_that_fails_leaves_nothing_behind(site, home, monkeypatch):
    def full(path, target):
        raise OSError("No space left on device")

    monkeypatch.setattr(_docstrings.Path, "replace", full)
    assert RED in load("redlib", cache=True).data
    assert cache_files(home) == []


# -- the real thing --------------------------------------------------------------------


def test_a_real_library():
    docstrings = load_docstrings(libraries=("joblib",))
    assert len(docstrings.data) > 50
    assert all(100 <= len(text) <= 1000 for text in docstrings.data)
    assert not any(re.search(r"(?i)\bjoblib\b", text) for text in docstrings.data)
    assert f"joblib ({joblib.__version__})" in docstrings.DESCR


def test_the_standard_library():
    files = _docstrings._source_files("python")
    names = {path.name for path in files}
    assert {"argparse.py", "shutil.py"} <= names
    assert not any("site-packages" in path.parts for path in files)


def test_torch_is_not_imported(new_process):
    code = (
        "import sys; from skbag.datasets import load_docstrings; "
        "load_docstrings(libraries=('joblib',), cache=False); "
        "assert 'torch' not in sys.modules"
    )
    done = new_process(code)
    assert done.returncode == 0, done.stderr
