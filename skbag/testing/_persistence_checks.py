"""Checks of what is stored, copied, or sent to another process."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from typing import Any
from unittest import SkipTest

from sklearn.base import clone

from skbag.testing._answers import (
    answers,
    assert_same,
    fitted,
    is_deterministic,
    new_texts,
)
from skbag.testing._corpus import corpus_for

PROGRAM = """
import os, pickle, sys
answer = os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)  # what the estimator prints
path, task = pickle.load(sys.stdin.buffer)
sys.path[:] = path
from skbag.testing._answers import answers, fitted
estimator, texts, to_fit = pickle.loads(task)
found = answers(fitted(estimator) if to_fit else estimator, texts)
pickle.dump(found, answer)
answer.close()
"""

SECONDS = 600
"""After which another process is given up."""


def check_pickle(estimator: Any) -> None:
    """A fitted estimator can be pickled, and answers the same afterwards.

    Searches with ``n_jobs`` send it to other processes, joblib writes it to a file.
    """
    copied, texts = fitted(estimator), new_texts(estimator)
    expected = answers(copied, texts)
    for protocol in (2, pickle.HIGHEST_PROTOCOL):
        loaded = pickle.loads(pickle.dumps(copied, protocol))
        assert_same(answers(loaded, texts), expected, "After pickling")
    assert_same(answers(copied, texts), expected, "The one that was pickled")


def check_pickle_unfitted(estimator: Any) -> None:
    """An unfitted estimator can be pickled, cloned, and then fitted.

    It is what a search sends to its workers.
    """
    texts = new_texts(estimator)
    loaded = pickle.loads(pickle.dumps(clone(estimator)))
    expected = answers(fitted(estimator), texts)
    found = answers(fitted(loaded), texts)
    if is_deterministic(estimator):
        assert_same(found, expected, "Pickled before its fit")


def check_deepcopy(estimator: Any) -> None:
    """A deep copy answers the same, and a fit of it leaves the original as it is.

    Parts of a model that are shared with the copy change under its owner.
    """
    copied, texts = fitted(estimator), new_texts(estimator)
    expected = answers(copied, texts)
    twin = copy.deepcopy(copied)
    assert_same(answers(twin, texts), expected, "A deep copy")
    y = corpus_for(estimator, len(texts)).y
    twin.fit([f"{text} other words" for text in texts], y)
    assert_same(answers(copied, texts), expected, "After a fit of its deep copy")


def check_answers_in_another_process(estimator: Any) -> None:
    """A model that is loaded in another process answers the same there.

    Python's ``hash`` of a str differs from process to process: features hashed by it
    are others after a restart, and nothing says so.
    """
    copied, texts = fitted(estimator), new_texts(estimator)
    found = _in_another_process(copied, texts, to_fit=False)
    assert_same(found, answers(copied, texts), "In another process")


def check_fit_in_another_process(estimator: Any) -> None:
    """The same fit in another process gives the same model.

    The order of a set of str is another one in each: a vocabulary made from one has
    its columns shuffled, and a model trained on them other bits.
    """
    if not is_deterministic(estimator):
        return
    texts = new_texts(estimator)
    found = _in_another_process(estimator, texts, to_fit=True)
    assert_same(found, answers(fitted(estimator), texts), "Fitted in another process")


def _in_another_process(
    estimator: Any, texts: list[str], *, to_fit: bool
) -> dict[str, Any]:
    """Answers by a process whose hashes of str are others."""
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    task = pickle.dumps((estimator, texts, to_fit))
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM],
        input=pickle.dumps((sys.path, task)),
        capture_output=True,
        timeout=SECONDS,
        env={**os.environ, "PYTHONHASHSEED": seed},
    )
    if result.returncode:
        message = result.stderr.decode(errors="replace").strip()
        if "on <module '__main__'" in message:
            raise SkipTest("What __main__ defines cannot be loaded elsewhere.")
        raise AssertionError(f"In another process: {message[-2000:]}")
    found: dict[str, Any] = pickle.loads(result.stdout)
    return found


CHECKS = (
    check_pickle,
    check_pickle_unfitted,
    check_deepcopy,
    check_answers_in_another_process,
    check_fit_in_another_process,
)
