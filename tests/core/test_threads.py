"""Work in threads ends together: all of it, or with the first error."""

from __future__ import annotations

import signal
import threading
import time

import pytest
from threadpoolctl import threadpool_info

from skbag._core.threads import Cancelled, map_in_threads, one_blas_thread


def wait_for(cancel, seconds=20.0):
    """Work until another thread has failed, as kernels do."""
    for _ in range(int(seconds * 200)):
        if cancel[0]:
            raise Cancelled("ended by another thread")
        time.sleep(0.005)
    return "not cancelled"


@pytest.mark.parametrize("n", [1, 2, 5])
def test_results_are_in_the_order_of_the_items(n):
    cancel = bytearray(1)
    all_have_begun = threading.Barrier(n, timeout=20)

    def slower_for_the_first(item):
        all_have_begun.wait()
        time.sleep(0.01 * (n - item))
        return item, threading.get_ident()

    found = map_in_threads(slower_for_the_first, range(n), cancel)
    assert [item for item, _ in found] == list(range(n))
    assert not cancel[0]
    threads = [thread for _, thread in found]
    assert len(set(threads)) == n
    assert threads[0] == threading.get_ident()


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_the_error_of_one_ends_the_others(failing):
    cancel = bytearray(1)

    def fail_or_wait(item):
        if item == failing:
            raise LookupError(f"item {item}")
        return wait_for(cancel)

    with pytest.raises(LookupError, match=f"item {failing}"):
        map_in_threads(fail_or_wait, range(3), cancel)
    assert cancel[0]


def test_the_error_of_the_only_one():
    with pytest.raises(ZeroDivisionError):
        map_in_threads(lambda item: 1 / item, [0], bytearray(1))


def test_ctrl_c_ends_all():
    cancel = bytearray(1)
    sent = []

    def wait_or_interrupt(item):
        if item == 1:
            time.sleep(0.1)
            sent.append(time.monotonic())
            signal.raise_signal(signal.SIGINT)
        return wait_for(cancel)

    n_before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        map_in_threads(wait_or_interrupt, range(2), cancel)
    assert time.monotonic() - sent[0] < 1
    assert threading.active_count() == n_before


def test_a_thread_that_does_not_start_ends_those_that_have(monkeypatch):
    cancel = bytearray(1)
    start = threading.Thread.start
    n_started = []

    def start_one(thread):
        if n_started:
            raise RuntimeError("can't start new thread")
        n_started.append(1)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_one)
    with pytest.raises(RuntimeError, match="can't start"):
        map_in_threads(lambda item: wait_for(cancel), range(3), cancel)
    assert cancel[0]


def test_blas_has_one_thread_inside():
    def numbers():
        return [
            library["num_threads"]
            for library in threadpool_info()
            if library["user_api"] == "blas"
        ]

    before = numbers()
    with pytest.raises(ZeroDivisionError), one_blas_thread():
        assert set(numbers()) <= {1}
        raise ZeroDivisionError
    assert numbers() == before
