"""Batches on the device or brought there one by one: the same ones, in order."""

import numpy as np
import pytest
import torch

from skbag._core.bags import Bags
from skbag._training import torch_setup
from skbag._training.batches import make_batches
from skbag._training.devices import Placement, free_bytes

CPU = torch.device("cpu")


def batches(n=23, batch_size=5):
    rng = np.random.default_rng(0)
    bags = Bags.from_csr((rng.random((n, 9)) < 0.4).astype(np.float32))
    return make_batches(
        bags, rng.integers(3, size=n), lambda bags, first: None, batch_size=batch_size
    )


def assert_same(one, other):
    assert (one.start, one.stop) == (other.start, other.stop)
    for a, b in zip(one.tensors(), other.tensors(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("max_bytes_on_device", [None, 0, 10**9])
@pytest.mark.parametrize("order", [[3, 0, 4, 1, 2], [2], [], [1, 1]])
def test_visits_in_order(max_bytes_on_device, order):
    made = batches()
    placement = Placement(made, CPU, max_bytes_on_device)
    visited = list(placement.visit(np.array(order, dtype=np.int64)))
    assert len(visited) == len(order)
    for batch, number in zip(visited, order, strict=True):
        assert_same(batch, made[number])


def test_is_a_sequence():
    made = batches()
    placement = Placement(made, CPU, 0)
    assert len(placement) == len(made)
    for batch, expected in zip(placement, made, strict=True):
        assert_same(batch, expected)


def test_what_fits_is_resident():
    made = batches()
    n_bytes = sum(batch.nbytes for batch in made)
    assert Placement(made, CPU, n_bytes).is_resident
    assert not Placement(made, CPU, n_bytes - 1).is_resident


def test_bytes_are_those_of_all_tensors():
    batch = batches()[0]
    n_entries = len(batch.ids)
    # ids, weights, row_texts, row_weights: 4 bytes an entry each.
    rest = batch.offsets.nbytes + batch.rows.nbytes + batch.row_offsets.nbytes
    assert batch.nbytes == 16 * n_entries + rest + batch.codes.nbytes


def test_memory_of_the_cpu_is_not_limited_here():
    assert free_bytes(CPU) is None


@pytest.mark.parametrize(
    "parameters", [{"loss": "cross_entropy"}, {"embedding_dim": 4, "dropout": 0.2}]
)
def test_same_model_where_batches_do_not_fit(
    parameters, corpus, make_classifier, monkeypatch
):
    expected = make_classifier(**parameters).fit(*corpus)
    placements = []

    def streaming(made, device, max_bytes_on_device):
        placements.append(Placement(made, device, 0))
        return placements[-1]

    monkeypatch.setattr(torch_setup, "Placement", streaming)
    clf = make_classifier(**parameters).fit(*corpus)
    assert not placements[0].is_resident
    np.testing.assert_array_equal(clf.embedding_, expected.embedding_)
    np.testing.assert_array_equal(clf.intercept_, expected.intercept_)
