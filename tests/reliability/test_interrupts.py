"""Ctrl-C at any moment: the estimator is as before the call or finished, not between.

Three ways to be interrupted: a signal at a random time, as Ctrl-C is; an exception set
from another thread; and, to come by moments that no timer hits, an exception at one of
the calls and returns in skbag's own code.
"""

from __future__ import annotations

import ctypes
import functools
import pickle
import random
import signal
import sys
import threading
import time
import warnings
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import sklearn
import torch
from numpy.testing import assert_array_equal

import skbag
from tests.conftest import rotating

# What Python swallows in a destructor is none of ours.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

ROOMS = str(Path(skbag.__file__).parent)


CLASSES = ["garden", "kitchen", "sea"]
CONFIGURATIONS = {
    "default": {"n_jobs": 1},
    "hidden layer": {"embedding_dim": 8, "hidden_layer_sizes": (6,), "n_jobs": 2},
    "plain encoder": {"analyzer": "char_wb", "ngram_range": (2, 3), "n_jobs": 1},
    "early stopping": {"early_stopping": True, "embedding_dim": 4},
}


def global_state():
    """What interrupts must leave as it was."""
    return {
        "random": random.getstate(),
        "numpy": [str(part) for part in np.random.get_state()],  # noqa: NPY002
        "torch": torch.get_rng_state().tolist(),
        "threads": torch.get_num_threads(),
        "threads of a new thread": in_a_new_thread(torch.get_num_threads),
        "dtype": torch.get_default_dtype(),
        "gradients": torch.is_grad_enabled(),
        "inference": torch.is_inference_mode_enabled(),
        "warnings": list(warnings.filters),
        "scikit-learn": sklearn.get_config(),
        "errors of numpy": np.geterr(),
        "profiler": sys.getprofile(),
    }


def in_a_new_thread(function):
    answers = []
    thread = threading.Thread(target=lambda: answers.append(function()))
    thread.start()
    thread.join()
    return answers[0]


# -- three ways to be interrupted ------------------------------------------------------


def by_signal(call, moment):
    """Run a call, interrupted after a share of a usual run's time."""

    def interrupt(*_):
        raise KeyboardInterrupt

    earlier = signal.signal(signal.SIGALRM, interrupt)
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, max(moment * call.seconds, 1e-6))
            call()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:
        return True
    finally:
        signal.signal(signal.SIGALRM, earlier)
    return False


def by_thread(call, moment):
    """The same, of a call in another thread, by an exception set from this one."""
    interrupted = []

    def run():
        try:
            call()
        except KeyboardInterrupt:
            interrupted.append(True)

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(moment * call.seconds)
    if thread.is_alive():
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread.ident), ctypes.py_object(KeyboardInterrupt)
        )
    try:
        thread.join()
    finally:
        thread.join()
    return bool(interrupted)


def by_event(call, moment):
    """The same, at a share of the events that a profiler sees in skbag's code."""
    wanted = int(moment * call.n_events)
    try:
        with profiler(wanted):
            call()
    except KeyboardInterrupt:
        return True
    return False


class profiler:
    """Counts calls and returns in skbag's code, and interrupts at one of them."""

    def __init__(self, wanted=None):
        self.wanted = wanted
        self.n_events = 0

    def __enter__(self):
        sys.setprofile(self.see)
        return self

    def __exit__(self, *_):
        sys.setprofile(None)

    def see(self, frame, event, argument):
        caller = frame.f_back
        if not frame.f_code.co_filename.startswith(ROOMS) and not (
            caller is not None and caller.f_code.co_filename.startswith(ROOMS)
        ):
            return
        self.n_events += 1
        if self.n_events == self.wanted:
            raise KeyboardInterrupt


class Call:
    """A call of a method, and how long it usually is."""

    def __init__(self, clf, method, data):
        self.run = lambda: getattr(clf, method)(*data)
        self.seconds = self.n_events = 0

    def __call__(self):
        self.run()

    def measured_by(self, twin):
        with profiler() as seen:
            twin()
        self.n_events = seen.n_events
        return self


WAYS = {"event": by_event, "thread": by_thread}
if hasattr(signal, "setitimer"):
    WAYS["signal"] = by_signal


# -- tests -----------------------------------------------------------------------------


def bits(clf, texts):
    arrays = [clf.embedding_, *(clf.predict_proba(part) for part in (texts, texts[:1]))]
    return [array.tobytes() for array in arrays]


@rotating(
    way_and_method=list(product(WAYS, ["fit", "partial_fit"])),
    name=list(CONFIGURATIONS),
)
def test_the_estimator_is_as_before_or_finished(
    way_and_method, name, corpus, new_corpus, make_classifier, n_cases
):
    way, method = way_and_method
    parameters = CONFIGURATIONS[name]
    if method == "partial_fit":
        parameters = {**parameters, "early_stopping": False}
    clf = make_classifier(**parameters).fit(*corpus)
    before = pickle.dumps(clf)
    seconds = np.inf
    for _ in range(3):
        finished = pickle.loads(before)
        started = time.perf_counter()
        getattr(finished, method)(*new_corpus)
        seconds = min(seconds, time.perf_counter() - started)
    ends = [bits(pickle.loads(before), corpus.texts), bits(finished, corpus.texts)]
    rng = random.Random(0)
    n_interrupted = 0
    call = Call(clf, method, new_corpus).measured_by(
        Call(pickle.loads(before), method, new_corpus)
    )
    globals_before = global_state()
    for case in range(n_cases(5, 100)):
        clf = pickle.loads(before)
        call.run = Call(clf, method, new_corpus).run
        call.seconds = seconds
        n_interrupted += WAYS[way](call, rng.random())
        # Before anything else: what follows might put it right.
        assert global_state() == globals_before, case
        assert bits(clf, corpus.texts) in ends, case
    # Timers may all come too late on a busy machine.
    assert n_interrupted > 0 or way != "event"
    # And it can be used: it goes on as one that was never interrupted.
    twin = pickle.loads(pickle.dumps(clf))
    if not clf.early_stopping:
        clf.partial_fit(*new_corpus), twin.partial_fit(*new_corpus)
    clf.fit(*new_corpus), twin.fit(*new_corpus)
    assert_array_equal(clf.embedding_, twin.embedding_)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_first_call_leaves_nothing_or_a_fitted_estimator(
    method, corpus, make_classifier, n_cases
):
    make_classifier = functools.partial(make_classifier, n_jobs=1)
    data = (*corpus, CLASSES) if method == "partial_fit" else corpus
    twin = make_classifier()
    call = Call(None, method, data).measured_by(Call(twin, method, data))
    rng = random.Random(1)
    for _ in range(n_cases(15, 100)):
        clf = make_classifier()
        call.run = Call(clf, method, data).run
        if by_event(call, rng.random()) and vars(clf) == clf.get_params():
            continue
        assert bits(clf, corpus.texts) == bits(twin, corpus.texts)


def test_an_interrupted_prediction_changes_nothing(
    corpus, new_corpus, make_classifier, n_cases
):
    """Words met one at a time are remembered; half a memory would be a wrong one."""
    clf = make_classifier().fit(*corpus)
    expected = bits(pickle.loads(pickle.dumps(clf)), new_corpus.texts)
    rng = random.Random(2)

    class Predict(Call):
        def __init__(self, clf):
            self.run = lambda: [clf.predict([text]) for text in new_corpus.texts]

    call = Predict(None).measured_by(Predict(pickle.loads(pickle.dumps(clf))))
    before = global_state()
    n_interrupted = 0
    for _ in range(n_cases(15, 100)):
        trial = pickle.loads(pickle.dumps(clf))
        call.run = Predict(trial).run
        n_interrupted += by_event(call, rng.random())
        assert global_state() == before
        assert bits(trial, new_corpus.texts) == expected
    # Not all: Python drops what is raised while it collects garbage.
    assert n_interrupted > 0
