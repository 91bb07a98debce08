"""Ctrl-C ends kernels that go over many entries without the lock."""

from __future__ import annotations

import signal
import threading
import time

import numpy as np
import pytest

from skbag._core.bag_kernels import sum_rows
from skbag._weighting.count_kernels import count_by_class
from skbag._weighting.weight_kernels import weigh

LENGTH, N_STORED = 200_000, 5


def stored_bags():
    ids = np.tile(np.arange(LENGTH, dtype=np.int32), N_STORED)
    return ids, np.arange(N_STORED + 1) * LENGTH


def weigh_many():
    # Norms without factors: the kernel ends long before the memory does.
    ids, offsets = stored_bags()
    rows = np.resize(np.arange(N_STORED), 300)
    weigh(ids, offsets, np.ones(len(ids), np.uint8), rows, None, None, True, 2)


def count_many(largest_table):
    ids, offsets = stored_bags()
    rows = np.resize(np.arange(N_STORED), 1000)
    classes = np.zeros(1000, dtype=np.int64)
    count_by_class(
        ids, offsets, rows, None, None, classes, None, LENGTH, 1, largest_table
    )


def sum_many(width):
    ids, offsets = stored_bags()
    table = np.ones((LENGTH, width), dtype=np.float32)
    weights = np.ones(len(ids), dtype=np.float32)
    sums = np.zeros((N_STORED, width), dtype=np.float32)
    while True:  # Between two calls Python looks itself.
        sum_rows(ids, offsets, weights, table, sums)


@pytest.mark.parametrize(
    "work",
    [
        weigh_many,
        lambda: count_many(2**40),
        lambda: count_many(0),
        lambda: sum_many(1),
        lambda: sum_many(40),
    ],
    ids=["weigh", "count in a table", "count id by id", "sum numbers", "sum rows"],
)
def test_ctrl_c_is_answered_within_a_second(work):
    sent = []

    def interrupt():
        sent.append(time.monotonic())
        signal.raise_signal(signal.SIGINT)

    timer = threading.Timer(0.05, interrupt)
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            work()
            time.sleep(1)
    finally:
        timer.cancel()
    assert time.monotonic() - sent[0] < 1
