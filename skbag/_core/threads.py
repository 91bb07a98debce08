"""How many threads work, and putting torch's settings back afterwards."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager
from functools import cache, wraps
from typing import ParamSpec, TypeVar

from joblib import cpu_count
from joblib.parallel import get_active_backend

MOST_THREADS = 64
"""More are never started on a machine of fewer cores: OpenMP ends the process where
the system refuses it a thread."""

_P = ParamSpec("_P")
_T = TypeVar("_T")
_R = TypeVar("_R")


def n_threads(n_jobs: int | None) -> int:
    """Number of threads that `n_jobs` means.

    None is all cores, or the share of them that is left where joblib already works in
    parallel: in its worker processes what it says by ``OMP_NUM_THREADS``, in threads
    and in daemonic processes one. Negative numbers count from there, as in joblib.

    Raises
    ------
    ValueError
        If `n_jobs` is 0.
    """
    if n_jobs is None:
        return _share(_omp_limit)
    if n_jobs == 0:
        raise ValueError(
            "n_jobs == 0 has no meaning. Use None, 1, or -1 for all cores."
        )
    if n_jobs > 0:
        return min(int(n_jobs), max(MOST_THREADS, _n_cores()))
    return max(1, _share(_omp_limit_of_worker) + 1 + int(n_jobs))


def _share(limit: Callable[[], int]) -> int:
    """Return how many threads are left for one who works here, besides the limit."""
    if _works_beside_others():
        return 1
    return min(_n_cores(), limit())


def _works_beside_others() -> bool:
    """Whether this is a daemonic process, or one of several threads of joblib."""
    if multiprocessing.current_process().daemon:
        return True
    # The main thread first: to ask joblib takes ten times as long. A worker process
    # of joblib works in its main thread.
    if threading.current_thread() is threading.main_thread():
        return False
    return _is_inside_joblib()


def _is_inside_joblib() -> bool:
    backend, _ = get_active_backend()
    return bool(backend.nesting_level)


def _omp_limit() -> int:
    limit = os.environ.get("OMP_NUM_THREADS", "")
    return int(limit) if limit.isdigit() and int(limit) else _n_cores()


def _omp_limit_of_worker() -> int:
    # Outside of joblib's workers -1 means all cores, as in joblib itself.
    return _omp_limit() if _is_inside_joblib() else _n_cores()


@cache
def _n_cores() -> int:
    # Asking the system takes as long as predicting a short text.
    return int(cpu_count())


def map_in_threads(
    function: Callable[[_T], _R], items: Sequence[_T], cancel: bytearray
) -> list[_R]:
    """Call a function with each item, each in a thread of its own that may sleep.

    The first of them in this thread: to start one takes up to some milliseconds.

    Where a call fails, or the user interrupts, the first byte of `cancel` is set: the
    others look at it now and then and end. The first error is raised when all have.
    """
    if len(items) == 1:
        return [function(items[0])]

    def call(item: _T) -> _R:
        try:
            return function(item)
        except BaseException:
            cancel[0] = 1
            raise

    results: list[_R] = []
    futures: list[Future[_R]] = []
    with ThreadPoolExecutor(len(items) - 1) as executor:
        try:
            for item in items[1:]:
                futures.append(executor.submit(call, item))
            results.append(call(items[0]))
            while not _have_ended(futures):
                pass
        except Cancelled:
            pass  # By one of the others, whose error is the one to raise.
        except BaseException:
            cancel[0] = 1
            raise
    for future in futures:
        error = future.exception()
        if error is not None and not isinstance(error, Cancelled):
            raise error
    return results + [future.result() for future in futures]


def _have_ended(futures: list[Future[_R]]) -> bool:
    """Wait a little for all to end or one to fail; whether that is so.

    Not longer: there are systems where Ctrl-C does not end a wait.
    """
    done, others = wait(futures, timeout=0.2, return_when=FIRST_EXCEPTION)
    return not others or any(future.exception() is not None for future in done)


class Cancelled(Exception):
    """Work was ended because that of another thread had failed."""


_is_forked = False
"""Whether this process was forked from one that had imported skbag."""


def _note_fork() -> None:
    global _is_forked
    _is_forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)


def n_torch_threads(n_jobs: int | None) -> int:
    """Number of torch's threads that `n_jobs` means.

    None is one. torch's threads spin while they wait for each other at the end of each
    step, of which a fit takes thousands. On two idle cores two of them made fits of
    five data sets 1.05 to 1.28 times as fast; beside other processes such fits took 4
    to 80 times as long, and most machines are shared.

    A forked process has one in any case: OpenMP's threads are not forked with it, and
    it would wait for them for ever.
    """
    if _is_forked or n_jobs is None:
        return 1
    return n_threads(n_jobs)


@contextmanager
def torch_threads(n_jobs: int | None) -> Iterator[None]:
    """Let torch use the threads that `n_jobs` means inside, those before outside."""
    import torch

    before = torch.get_num_threads()
    wanted = n_torch_threads(n_jobs)
    try:
        if wanted != before:
            torch.set_num_threads(wanted)
        yield
    finally:
        if torch.get_num_threads() != before:
            torch.set_num_threads(before)


def one_blas_thread() -> AbstractContextManager[None]:
    """Let BLAS use one thread inside, as many as before outside.

    How several share a product decides in which order sums are added up.
    """
    # Imported here, like torch: few need it.
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[None] = threadpool_limits(1, user_api="blas")
    return limits


_KINDS = ("cpu", "cuda", "mps")
"""Kinds of device that torch.autocast may have been switched on for."""


def _autocast_kinds() -> list[str]:
    """Return the kinds of device that torch.autocast is switched on for here."""
    import torch

    # Older torch has no autocast for "mps".
    return [
        kind
        for kind in _KINDS
        if torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)
    ]


_under_way: dict[object, int] = {}
"""torch's number of threads before each fit that is under way, the oldest first."""


def keeps_torch_settings(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Decorate a function that leaves torch's settings as they were, come what may.

    A context manager alone does not: Ctrl-C may come when its ``__exit__`` has been
    called and has not begun. And a thread that asks for torch's number of threads for
    the first time gets what another has set for its fit, and would put that back.

    Where torch has not been imported there are no settings.
    """

    @wraps(function)
    def keeping(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        if "torch" not in sys.modules:
            return function(*args, **kwargs)
        import torch

        oldest = next(iter(list(_under_way.values())), 0)
        threads = max(torch.get_num_threads(), oldest)
        gradients = torch.is_grad_enabled()
        call = object()
        autocast = _autocast_kinds()

        def put_back() -> None:
            if torch.get_num_threads() != threads:
                torch.set_num_threads(threads)
            if torch.is_grad_enabled() != gradients:
                torch.set_grad_enabled(gradients)
            for kind in autocast:
                torch.set_autocast_enabled(kind, True)
            _under_way.pop(call, None)

        try:
            _under_way[call] = threads
            # Inside torch.autocast the layers would get half their precision.
            for kind in autocast:
                torch.set_autocast_enabled(kind, False)
            return function(*args, **kwargs)
        finally:
            # Twice: it is Ctrl-C that may have ended the first.
            try:
                put_back()
            finally:
                put_back()

    return keeping
