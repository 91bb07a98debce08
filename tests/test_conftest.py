"""What the tests share does what it says: the limit of time, and axes that rotate."""

from __future__ import annotations

from itertools import product
from types import SimpleNamespace

import pytest

from tests import conftest


def called(monkeypatch, *, seconds, marks=(), long=False, slowness=1.0):
    """Let a test use so much processor time, by the hook around its call."""
    clock = iter([5.0, 5.0 + seconds])
    monkeypatch.setattr(conftest, "seconds_used", clock.__next__)
    monkeypatch.setattr(conftest, "LONG", long)
    monkeypatch.setattr(conftest, "slowness", lambda: slowness)
    item = SimpleNamespace(
        nodeid="tests/test_a.py::test_b",
        get_closest_marker=lambda name: name if name in marks else None,
    )
    hook = conftest.pytest_runtest_call(item)
    next(hook)
    with pytest.raises(StopIteration, match="what it returned"):
        hook.send("what it returned")


def test_a_test_that_uses_too_much_time_fails(monkeypatch):
    words = r"test_a\.py::test_b used 2\.5 s of .* may use 2 s\. .* pytest\.mark\.slow"
    with pytest.raises(pytest.fail.Exception, match=words):
        called(monkeypatch, seconds=2.5)


@pytest.mark.parametrize(
    "allowed",
    [
        {"seconds": 1.9},
        {"seconds": 60, "marks": ["slow"]},
        {"seconds": 60, "marks": ["cluster"]},
        {"seconds": 60, "long": True},
        {"seconds": 2.9, "slowness": 1.5},
    ],
    ids=str,
)
def test_other_tests_do_not(allowed, monkeypatch):
    called(monkeypatch, **allowed)


AXES = {"letter": "abcde", "flag": [True, False], "number": {"one": 1, "ten": 10}}


def test_in_short_each_value_of_an_axis_is_taken_and_the_longest_once(monkeypatch):
    monkeypatch.setattr(conftest, "LONG", False)
    names, cases = conftest.rotating(**AXES).args
    assert names == list(AXES)
    letters, flags, numbers = zip(*cases, strict=True)
    assert "".join(letters) == "abcde"
    assert set(flags) == {True, False}
    assert set(numbers) == {1, 10}
    # No two axes go in step.
    assert len(set(zip(flags, numbers, strict=True))) == 4


def test_in_the_long_form_all_combinations_are_taken(monkeypatch):
    monkeypatch.setattr(conftest, "LONG", True)
    mark = conftest.rotating(**AXES)
    assert list(map(tuple, mark.args[1])) == list(
        product("abcde", [True, False], [1, 10])
    )
    assert mark.kwargs["ids"][1] == "a-True-ten"
