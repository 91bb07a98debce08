"""Ranks that are threads of one process: what they say goes by lists."""

from __future__ import annotations

import threading


class ThreadRank:
    """One of several; as `skbag._core.communicator.Ranks`, for numpy's part of it."""

    def __init__(self, rank, told, barrier):
        self.rank, self.n_ranks = rank, len(told)
        self._told, self._barrier = told, barrier

    def enter(self, stage):
        """Nothing to note."""

    def gather(self, value):
        """All values, in the order of the ranks."""
        self._told[self.rank] = value
        self._barrier.wait()
        found = list(self._told)
        self._barrier.wait()
        return found

    def trade(self, values):
        """What each rank has for this one."""
        return [each[self.rank] for each in self.gather(list(values))]


def on_ranks(n, function):
    """Call ``function(rank)`` on n ranks at a time; their results, in order."""
    told, barrier, results = [None] * n, threading.Barrier(n, timeout=30), [None] * n

    def run(rank):
        try:
            results[rank] = function(ThreadRank(rank, told, barrier))
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
