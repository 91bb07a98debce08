"""Thread counts are scoped; devices are checked before anything else happens."""

import os
import subprocess
import sys
import threading
from contextlib import nullcontext

import joblib
import numpy as np
import pytest
import torch

from skbag._core.threads import keeps_torch_settings, n_threads, torch_threads
from skbag._training.devices import resolve_device
from skbag._training.plan import CUDA_WORK


def test_numbers_of_threads(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    cores = joblib.cpu_count()
    assert n_threads(None) == cores
    assert n_threads(-1) == cores
    assert n_threads(3) == 3
    assert n_threads(-1000) == 1


def test_limit_of_a_worker_is_kept(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert n_threads(None) == 1


def test_zero_threads_mean_nothing():
    with pytest.raises(ValueError, match="n_jobs == 0 has no meaning"):
        n_threads(0)


def test_torch_gets_its_threads_back():
    before = torch.get_num_threads()
    with torch_threads(1):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
    with pytest.raises(KeyError, match="inside"), torch_threads(1):
        raise KeyError("inside")
    assert torch.get_num_threads() == before


def test_no_wish_is_one_thread_of_torch():
    """They spin at the end of each step, which is for idle machines only."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with torch_threads(None):
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
        with torch_threads(2):
            assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


FORKED = """
import os, sys, warnings
import torch
from skbag import EmbeddingBagClassifier

# Newer Pythons warn of forks in a process of several threads: that is what is tried.
warnings.simplefilter("ignore", DeprecationWarning)
torch.set_num_threads(2)
texts = ["red apple", "green pear", "blue sea", "deep water"] * 50
labels = [0, 0, 1, 1] * 50
for parameters in ({}, {"embedding_dim": 8, "hidden_layer_sizes": (8,)}):
    options = dict(random_state=0, n_jobs=2, **parameters)
    clf = EmbeddingBagClassifier(**options).fit(texts, labels)
    expected = clf.predict_proba(texts).tolist()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            again = EmbeddingBagClassifier(**options).fit(texts, labels)
            same = again.predict_proba(texts).tolist() == expected
            clf.partial_fit(texts, labels)
            right = clf.predict(texts * 200).tolist() == labels * 200
            code = 0 if same and right else 2
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code:
        sys.exit(f"{parameters}: {code}")
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_fits():
    """OpenMP's threads are not forked: with more than one it would wait for ever."""
    command = [sys.executable, "-c", FORKED]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "parameters",
    [{}, {"embedding_dim": 8}, {"embedding_dim": 8, "hidden_layer_sizes": (8,)}],
    ids=str,
)
def test_inside_autocast_it_is_the_same_model(parameters, corpus, make_classifier):
    clf = make_classifier(**parameters).fit(*corpus)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        under = make_classifier(**parameters).fit(*corpus)
        assert torch.is_autocast_enabled("cpu")
        parts = make_classifier(**parameters)
        parts.partial_fit(*corpus, classes=sorted(set(corpus.labels)))
        assert torch.is_autocast_enabled("cpu")
    assert not torch.is_autocast_enabled("cpu")
    expected = clf.predict_proba(corpus.texts)
    np.testing.assert_array_equal(under.predict_proba(corpus.texts), expected)
    plain = make_classifier(**parameters)
    plain.partial_fit(*corpus, classes=sorted(set(corpus.labels)))
    np.testing.assert_array_equal(
        parts.predict_proba(corpus.texts), plain.predict_proba(corpus.texts)
    )


@pytest.mark.parametrize("error", [None, ValueError("now")])
@pytest.mark.parametrize("kind", ["cpu", "cuda", "mps"])
def test_autocast_of_any_device_is_off_inside_and_back_afterwards(kind, error):
    if not torch.amp.is_autocast_available(kind):
        pytest.skip(f"this torch has no autocast for {kind}")

    @keeps_torch_settings
    def call():
        inside.append(torch.is_autocast_enabled(kind))
        if error is not None:
            raise error

    inside = []
    torch.set_autocast_enabled(kind, True)
    try:
        with nullcontext() if error is None else pytest.raises(ValueError, match="now"):
            call()
        assert torch.is_autocast_enabled(kind)
    finally:
        torch.set_autocast_enabled(kind, False)
    assert inside == [False]


def test_small_tasks_stay_on_the_cpu():
    assert resolve_device("auto", 1.0) == torch.device("cpu")


def test_large_tasks_go_where_there_is_cuda(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert resolve_device("auto", 2 * CUDA_WORK) == torch.device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve_device("auto", 2 * CUDA_WORK) == torch.device("cpu")


@pytest.mark.parametrize(
    ("device", "words"),
    [
        ("gpu please", "is not a device name. Expected 'auto', 'cpu', 'cuda'"),
        ("meta", "device='meta' is not supported"),
        ("cuda:99", "but torch sees .* CUDA devices. Use device='auto' or 'cpu'"),
    ],
)
def test_devices_that_are_not_there(device, words):
    with pytest.raises(ValueError, match=words):
        resolve_device(device, 1.0)


# -- come what may ---------------------------------------------------------------------


@keeps_torch_settings
def work():
    with torch_threads(torch.get_num_threads() + 1), torch.no_grad():
        pass
    with torch_threads(torch.get_num_threads() + 1), torch.inference_mode(False):
        pass


class InterruptAt:
    """Interrupts at the n-th call or return, of Python or C, that a profiler sees."""

    def __init__(self, n):
        self.left = n

    def __call__(self, frame, event, argument):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


def test_settings_of_torch_are_put_back_wherever_ctrl_c_comes():
    """Also while the error is still looked at, and holds what would put them back."""
    before = torch.get_num_threads(), torch.is_grad_enabled()
    n_interrupted = 0
    for n in range(1, 1000):
        try:
            sys.setprofile(InterruptAt(n))
            work()
            sys.setprofile(None)
        except KeyboardInterrupt as error:
            sys.setprofile(None)
            n_interrupted += 1
            found = torch.get_num_threads(), torch.is_grad_enabled()
            assert found == before, (n, error)
        else:
            break
    assert 50 < n_interrupted < 500


def test_a_new_thread_beside_a_fit_does_not_keep_its_number_of_threads():
    before = torch.get_num_threads()
    wanted = 1 if before > 1 else 2
    inside, outside = threading.Event(), threading.Event()

    @keeps_torch_settings
    def first():
        with torch_threads(wanted):
            inside.set()
            outside.wait(30)

    @keeps_torch_settings
    def second():
        with torch_threads(before + 1):
            outside.set()
            one.join()

    one, other = threading.Thread(target=first), threading.Thread(target=second)
    one.start()
    inside.wait(30)
    other.start()
    other.join()
    found = []
    new = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    new.start()
    new.join()
    assert found == [before]
    assert torch.get_num_threads() == before
