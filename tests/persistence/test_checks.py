"""Checks of values in a state: what passes, what is named as damaged, and how."""

from __future__ import annotations

import numpy as np
import pytest

from skbag._persistence import checks
from skbag.exceptions import ModelFileError

NUMBERS = checks.array(np.float32, least=0, most=10)

PASSING = [
    (checks.a(bool), True),
    (checks.a(str), "a"),
    (checks.one_of(None, "l2"), None),
    (checks.integer(0, 5), 5),
    (checks.number(0, 1), np.float64(0.5)),
    (checks.number(0), 10**25),
    (checks.optional(checks.integer()), None),
    (checks.items(checks.integer(), 2), (1, 2)),
    (NUMBERS, np.array([0, 10], dtype=np.float32)),
    (NUMBERS, np.array([1], dtype=">f4")),
    (NUMBERS, np.empty(0, dtype=np.float32)),
    (checks.fields({"a": checks.integer()}), {"a": 1, "of a later version": []}),
    (checks.fields({}, {"a": checks.integer()}), {}),
    (checks.feature, (1, ("a", None), True)),
    (checks.features, ["a", "b"]),
    (checks.features, []),
    (checks.features, ["a", 1, ("a", "b")]),
    (checks.classes, np.array(["a", 1], dtype=object)),
    (checks.names, np.array(["a"], dtype=object)),
]


@pytest.mark.parametrize(("check", "value"), PASSING)
def test_what_a_fit_could_have_made(check, value):
    check(value, "here")


REFUSED = [
    (checks.a(int), True, "here is True, of type bool"),
    (checks.a(str), [], "here is of type list"),
    (checks.one_of(None, "l2"), "l3", "here is 'l3', of type str"),
    (checks.one_of(0, 1), True, "here is True"),
    (checks.one_of("a"), np.array(["a", "b"]), "here is of type ndarray"),
    (checks.integer(0, 5), 6, "here is 6, of type int"),
    (checks.integer(), 1.0, "here is 1.0, of type float"),
    (checks.number(0), float("nan"), "here is nan"),
    (checks.number(0), float("inf"), "here is inf"),
    (checks.number(0), 10**400, "here is 1000"),
    (checks.number(0), np.ones(2), "here is of type ndarray"),
    (checks.items(checks.integer(), 2), [1], "here has 1 items, not 2"),
    (checks.items(checks.integer()), ["a"], "here is 'a'"),
    (NUMBERS, [1.0], "here is of type list"),
    (NUMBERS, np.ones(1), "here holds float64, not float32"),
    (NUMBERS, np.ones((1, 1), np.float32), "here has 2 dimensions"),
    (NUMBERS, np.array([np.nan], np.float32), "not finite"),
    (NUMBERS, np.array([-1, 1], np.float32), r"here holds -1\.0, less than 0"),
    (NUMBERS, np.array([1, 11], np.float32), r"here holds 11\.0, more than 10"),
    (checks.array(np.float32, least=5e-324), np.zeros(1, np.float32), "less than"),
    (checks.fields({"a": checks.integer()}), {}, r"here\.a is missing"),
    (checks.fields({"a": checks.integer()}), {"a": "b"}, r"here\.a is 'b'"),
    (checks.fields({}), [], "here is of type list"),
    (checks.by_kind({"x": checks.fields({})}), {"kind": []}, r"here\.kind is of type"),
    (checks.feature, ("a", ["b"]), "here is of type list"),
    (checks.features, ["a", ["b"]], "here is of type list"),
    (checks.features, "ab", "here is 'ab'"),
    (checks.classes, np.empty(0), "here holds float64 in 1 dim"),
    (checks.classes, np.array([1j]), "here holds complex128"),
    (checks.classes, np.array([{}], dtype=object), "here is of type dict"),
    (checks.names, np.array(["a", 1], dtype=object), "here is 1, of type int"),
]


@pytest.mark.parametrize(("check", "value", "message"), REFUSED)
def test_what_no_fit_could_have_made(check, value, message):
    with pytest.raises(ModelFileError, match=message):
        check(value, "here")


def test_tuples_within_tuples_end_somewhere():
    value = "a"
    for _ in range(checks.DEEPEST + 1):
        value = (value,)
    with pytest.raises(ModelFileError, match="here is of type tuple"):
        checks.feature(value, "here")
