"""Thread counts are scoped; devices are checked before anything else happens."""

import joblib
import pytest
import torch

from skbag._device import CUDA_WORK, resolve_device
from skbag._threads import n_threads, torch_threads


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
