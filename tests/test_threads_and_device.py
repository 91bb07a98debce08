"""Thread counts are scoped; devices are checked before anything else happens."""

import sys
import threading

import joblib
import pytest
import torch

from skbag._device import CUDA_WORK, resolve_device
from skbag._statistics import Statistics
from skbag._threads import keeps_torch_settings, n_threads, torch_threads


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


def test_no_wish_leaves_torch_alone():
    before = torch.get_num_threads()
    with torch_threads(None):
        assert torch.get_num_threads() == before


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


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_reading_and_counting_keep_to_n_jobs_too(
    method, corpus, make_classifier, monkeypatch
):
    """The two sort by torch."""
    seen = []
    count = Statistics.count.__func__

    def counting(cls, *arguments):
        seen.append(torch.get_num_threads())
        return count(cls, *arguments)

    monkeypatch.setattr(Statistics, "count", classmethod(counting))
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        clf = make_classifier(n_jobs=1)
        more = {"classes": sorted(set(corpus.labels))} if method != "fit" else {}
        getattr(clf, method)(*corpus, **more)
    finally:
        torch.set_num_threads(before)
    assert seen == [1]
