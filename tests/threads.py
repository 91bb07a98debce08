"""Communicator that are threads of one process: what they say goes by lists."""

from __future__ import annotations

import threading


class ThreadRank:
    """One of several; a `Communicator`, for numpy's part of it."""

    def __init__(self, rank, received, barrier):
        self.rank, self.world_size = rank, len(received)
        self._told, self._barrier = received, barrier

    def stage(self, stage):
        """Nothing to note."""

    def all_gather(self, value):
        """All values, in the order of the ranks."""
        self._told[self.rank] = value
        self._barrier.wait()
        found = list(self._told)
        self._barrier.wait()
        return found

    def all_reduce(self, x):
        """Sum of the arrays of all, in the order of the ranks."""
        first, *others = self.all_gather(x)
        for other in others:
            first = first + other
        return first

    def all_to_all(self, values):
        """What each rank has for this one."""
        return [each[self.rank] for each in self.all_gather(list(values))]


def on_processes(n, function):
    """Call ``function(rank)`` on n ranks at a time; their results, in order."""
    received, barrier, results = (
        [None] * n,
        threading.Barrier(n, timeout=30),
        [None] * n,
    )

    def run(rank):
        try:
            results[rank] = function(ThreadRank(rank, received, barrier))
        except BaseException as error:
            results[rank] = error
            barrier.abort()

    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        if isinstance(result, BaseException) and not isinstance(
            result, threading.BrokenBarrierError
        ):
            raise result
    return results
