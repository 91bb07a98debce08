"""Each check finds the fault that it is made for, and sound estimators pass."""

from __future__ import annotations

from unittest import SkipTest

import pytest

from skbag.testing import text_checks
from skbag.testing._battery import all_checks
from tests.testing.broken_estimators import FAULTS, SOUND

OTHER_PROCESS = {"check_answers_in_another_process", "check_fit_in_another_process"}


def parametrize_quickly(argument, cases):
    """Mark what starts another process, which takes seconds."""
    return pytest.mark.parametrize(
        argument,
        [
            pytest.param(
                *case, marks=[pytest.mark.slow] if case[-1] in OTHER_PROCESS else []
            )
            for case in cases
        ],
    )


def check_named(name, estimator):
    return next(c for c in text_checks(estimator) if c.__name__ == name)


@parametrize_quickly("kind, name", FAULTS.items())
def test_the_fault_is_found_by_its_check(kind, name):
    check = check_named(name, kind())
    with pytest.raises(Exception, match=r".") as caught:
        check(kind())
    assert not isinstance(caught.value, SkipTest)


@parametrize_quickly(
    "estimator, name",
    [(each, check.__name__) for each in SOUND for check in text_checks(each)],
)
def test_sound_estimators_pass(estimator, name):
    check_named(name, estimator)(estimator)


def test_each_check_finds_a_fault():
    """None is there that cannot fail."""
    assert {check.__name__ for check in all_checks()} == set(FAULTS.values())
    assert len(FAULTS) == len(set(FAULTS.values())) >= 15


def test_every_check_says_why_it_is_made():
    for check in all_checks():
        what, *why = (check.__doc__ or "").strip().split("\n\n")
        assert what.endswith("."), check.__name__
        assert why, f"{check.__name__} gives no reason"
