"""How many threads work, and putting torch's setting back afterwards."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from joblib import cpu_count


def n_threads(n_jobs: int | None) -> int:
    """Number of threads that `n_jobs` means.

    None is all cores, or the share that joblib's worker processes are given through
    ``OMP_NUM_THREADS``. Negative numbers count from all cores, as in joblib.

    Raises
    ------
    ValueError
        If `n_jobs` is 0.
    """
    if n_jobs == 0:
        raise ValueError(
            "n_jobs == 0 has no meaning. Use None, 1, or -1 for all cores."
        )
    cores = _n_cores()
    if n_jobs is None:
        limit = os.environ.get("OMP_NUM_THREADS", "")
        return min(cores, int(limit)) if limit.isdigit() and int(limit) else cores
    return n_jobs if n_jobs > 0 else max(1, cores + 1 + n_jobs)


@cache
def _n_cores() -> int:
    # Asking the system takes as long as predicting a short text.
    return int(cpu_count())


@contextmanager
def torch_threads(n_jobs: int | None) -> Iterator[None]:
    """Let torch use `n_jobs` threads inside, and what it used before outside.

    None leaves torch's own setting alone.
    """
    import torch

    before = torch.get_num_threads()
    if n_jobs is not None:
        torch.set_num_threads(n_threads(n_jobs))
    try:
        yield
    finally:
        if torch.get_num_threads() != before:
            torch.set_num_threads(before)
