"""Ctrl-C ends kernels that go over many entries without the lock."""

from __future__ import annotations

import signal
import threading
import time

import numpy as np
import pytest

from skbag._core.bag_kernels import sum_rows
from skbag._core.bags import Bags
from skbag._core.join_kernels import put_entries
from skbag._targets.label_sets import LabelSets
from skbag._weighting.class_counts import class_counts
from skbag._weighting.weight_kernels import Rows

LENGTH, N_STORED = 200_000, 5


@pytest.fixture(autouse=True)
def python_answers_ctrl_c():
    """Python leaves the signal alone where it was started to ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def stored_bags():
    ids = np.tile(np.arange(LENGTH, dtype=np.int32), N_STORED)
    return ids, np.arange(N_STORED + 1) * LENGTH


def weigh_many():
    ids, offsets = stored_bags()
    rows = np.resize(np.arange(N_STORED), 300)
    counts = np.ones(len(ids), np.uint8)
    weighed = Rows(ids, offsets, counts, rows, None, None, True, 2)
    n_places = len(rows) * LENGTH
    out = np.empty(n_places, np.int32), np.zeros(len(rows) + 1, np.int64)
    weighed.weigh(0, len(rows), *out, np.empty(n_places, np.float32), 0, bytearray(1))


def count_many(label_step):
    """Bags of thousands of labels: of one in a table, of different ones id by id."""
    ids, offsets = stored_bags()
    bags = Bags(ids, offsets, np.ones(len(ids), np.uint8), LENGTH)
    labels = np.tile(np.arange(5000) * label_step, N_STORED)
    ends = np.arange(N_STORED + 1) * 5000
    class_counts(bags, LabelSets(labels, ends, 5000), 1 + 4999 * label_step)


def sum_many(width):
    ids, offsets = stored_bags()
    table = np.ones((LENGTH, width), dtype=np.float32)
    weights = np.ones(len(ids), dtype=np.float32)
    sums = np.zeros((N_STORED, width), dtype=np.float32)
    while True:  # Between two calls Python looks itself.
        sum_rows(ids, offsets, weights, table, sums)


def join_many():
    ids, offsets = stored_bags()
    counts, numbers = np.ones(len(ids), np.uint8), np.arange(LENGTH, dtype=np.int32)
    out = np.empty(len(ids), np.int32), np.empty(len(ids), np.uint8)
    while True:
        put_entries(ids, offsets, counts, numbers, offsets[:-1].copy(), *out)


@pytest.mark.parametrize(
    "work",
    [
        weigh_many,
        lambda: count_many(0),
        lambda: count_many(1),
        lambda: sum_many(1),
        lambda: sum_many(40),
        join_many,
    ],
    ids=[
        "weigh",
        "count in a table",
        "count id by id",
        "sum numbers",
        "sum rows",
        "join",
    ],
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
