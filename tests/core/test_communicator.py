"""What ranks have in common: cuts, rows, weights; each as one process would have it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threads import on_processes

from skbag._core.bags import Bags
from skbag._core.communicator import (
    SINGLE_PROCESS,
    broadcast,
    check_same,
    concatenate_weights,
    generator_of_process,
    share_of,
    total,
    weights_on_all,
)
from skbag._training.sharding import (
    cut_positions,
    exchange_bags,
    n_own_rows,
    own_rows,
    whole_table,
)

sizes = st.lists(st.integers(0, 30), min_size=1, max_size=4).filter(sum)


@given(sizes, st.integers(1, 20))
def test_cuts_leave_nothing_out_and_give_each_rank_its_share(sizes, batch_size):
    edges = cut_positions(sizes, batch_size)
    n = sum(sizes)
    assert len(edges) - 1 == -(-n // batch_size)
    assert edges[0].tolist() == [0] * len(sizes)
    assert edges[-1].tolist() == sizes
    assert (np.diff(edges, axis=0) >= 0).all()
    ends = np.minimum(np.arange(len(edges)) * batch_size, n)
    shares = ends[:, np.newaxis] * np.array(sizes) / n
    assert (np.abs(edges - shares) < 1).all()


@given(st.integers(1, 100), st.integers(1, 20))
def test_one_rank_has_batches_of_the_size_asked_for(n, batch_size):
    expected = [*range(0, n, batch_size), n]
    assert cut_positions([n], batch_size).ravel().tolist() == expected


@given(sizes, st.integers(1, 20), st.integers(0, 200))
def test_a_batch_after_the_first_samples_has_none_of_them(sizes, batch_size, first):
    first = min(first, sum(sizes))
    edges, shares = cut_positions(sizes, batch_size), share_of(first, sizes)
    for number, edge in enumerate(edges):
        if number * batch_size >= first:
            assert (edge >= shares).all()


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("n_ids", [1, 2, 7])
def test_rows_are_dealt_out_and_put_together(n, n_ids):
    table = np.arange(n_ids * 2, dtype=np.float32).reshape(n_ids, 2)

    def back(rank):
        own = own_rows(table, rank)
        assert len(own) == n_own_rows(n_ids, rank)
        return whole_table(rank, own)

    for found in on_processes(n, back):
        np.testing.assert_array_equal(found, table)


def random_bags(rng, n, n_ids):
    counts = rng.integers(0, 3, size=(n, n_ids)) * (rng.random((n, n_ids)) < 0.5)
    rows, ids = np.nonzero(counts)
    return Bags(
        ids.astype(np.int32),
        np.searchsorted(rows, np.arange(n + 1)),
        counts[rows, ids].astype(np.float32),
        n_ids,
    )


@given(sizes, st.integers(1, 9), st.integers(0, 2**31))
def test_bags_are_swapped_for_the_entries_of_own_rows(sizes, batch_size, seed):
    """The twin: all bags as one dense matrix, batch after batch."""
    rng = np.random.default_rng(seed)
    n_ids = int(rng.integers(1, 12))
    bags = [random_bags(rng, size, n_ids) for size in sizes]
    dense = [each.to_csr().toarray() for each in bags]
    edges = cut_positions(sizes, batch_size)
    first = int(rng.integers(0, len(edges) - 1))
    some = edges[first : first + int(rng.integers(2, 5))]

    def swapped(rank):
        own = bags[rank.rank].slice(*some[[0, -1], rank.rank])
        return exchange_bags(rank, own, some).to_csr().toarray()

    expected = np.concatenate(
        [
            each[start:stop]
            for starts, stops in zip(some, some[1:], strict=False)
            for each, start, stop in zip(dense, starts, stops, strict=True)
        ]
    )
    for rank, found in enumerate(on_processes(len(sizes), swapped)):
        np.testing.assert_array_equal(found, expected[:, rank :: len(sizes)])


def test_sums_are_taken_in_the_order_of_the_ranks():
    values = [1e30, 1.0, -1e30]
    found = on_processes(3, lambda rank: total(rank, values[rank.rank]))
    assert found == [(1e30 + 1.0) - 1e30] * 3
    assert on_processes(3, lambda rank: broadcast(rank, rank.rank)) == [0, 0, 0]
    assert total(SINGLE_PROCESS, 5) == broadcast(SINGLE_PROCESS, 5) == 5


def test_own_generators_differ_and_the_common_one_stays_alike():
    def draw(rank):
        rng = np.random.default_rng(0)
        own = generator_of_process(rank, rng)
        own.permutation(5 + rank.rank)
        return own.integers(2**62), rng.integers(2**62)

    (one, common), (other, also_common) = on_processes(2, draw)
    assert one != other
    assert common == also_common
    rng = np.random.default_rng(0)
    assert generator_of_process(SINGLE_PROCESS, rng) is rng


def test_facts_that_differ_are_told_on_all_ranks():
    def check(rank):
        with pytest.raises(
            ValueError,
            match="must agree on alpha, but it is 1 on rank 0 and 2 on rank 2",
        ):
            check_same(rank, {"loss": "x", "alpha": "2" if rank.rank == 2 else "1"})
        return True

    assert all(on_processes(3, check))
    check_same(SINGLE_PROCESS, {"alpha": "1"})


def test_weights_of_some_ranks_are_against_ones():
    found = on_processes(
        2, lambda rank: weights_on_all(rank, None if rank.rank else np.full(2, 3.0), 2)
    )
    assert [each.tolist() for each in found] == [[3, 3], [1, 1]]
    assert on_processes(2, lambda rank: weights_on_all(rank, None, 2)) == [None, None]
    assert weights_on_all(SINGLE_PROCESS, None, 2) is None
    assert concatenate_weights([(2, None), (1, np.array([4.0]))]).tolist() == [1, 1, 4]
    assert concatenate_weights([(2, None), (1, None)]) is None
