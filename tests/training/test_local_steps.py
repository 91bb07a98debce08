"""Tables that ranks have trained by themselves become one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from skbag._core.bags import Bags
from skbag._core.communicator import SINGLE_PROCESS
from skbag._targets.label_sets import LabelSets
from skbag._training.local_steps import (
    BIN_EDGES,
    N_BINS,
    Changes,
    ExchangeSamples,
    sum_shares,
    visit_bins,
)
from tests.conftest import examples
from tests.threads import on_processes

N_IDS, WIDTH = 30, 3


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def changes_of(n_ranks, rng, *, n_ids=N_IDS, width=WIDTH):
    """What ranks make of a table: before, after, kept, visited, all of each rank."""
    before = rng.normal(size=(n_ids, width)).astype(np.float32)
    kept = rng.uniform(0.8, 1, n_ranks)
    visited = rng.random((n_ranks, n_ids)) < 0.5
    moves = rng.normal(size=(n_ranks, n_ids, width)) * visited[:, :, np.newaxis]
    after = (kept[:, np.newaxis, np.newaxis] * before + moves).astype(np.float32)
    return before, after, kept, visited


def reduced(before, after, kept, visited):
    """The changes as each rank gets them."""

    def reduce(rank):
        own = rank.rank
        return Changes.reduce(rank, before, after[own], kept[own], visited[own])

    return on_processes(len(after), reduce)


def samples_of(rng, n, labels=False, weighted=False):
    matrix = sp.random(
        n, N_IDS, 0.2, format="csr", random_state=np.random.RandomState(0)
    )
    codes = rng.integers(WIDTH, size=n)
    if labels:
        indicator = sp.csr_array(rng.random((n, WIDTH)) < 0.4).astype(np.int64)
        codes = LabelSets.from_csr(indicator)
    return ExchangeSamples(
        Bags.from_csr(matrix),
        codes,
        rng.uniform(0.5, 2, n).astype(np.float32) if weighted else None,
        np.array([1, 2, 3], dtype=np.float32) if labels else None,
    )


def squared_hinge(scores, samples):
    """Loss of samples: a naive twin."""
    signs = -np.ones(scores.shape)
    if isinstance(samples.codes, LabelSets):
        signs[samples.codes.rows, samples.codes.labels] = 1
    else:
        signs[np.arange(len(scores)), samples.codes] = 1
    losses = np.maximum(1 - signs * scores, 0) ** 2
    if samples.label_weights is not None:
        losses = np.where(signs > 0, losses * samples.label_weights, losses)
    if samples.weight is not None:
        losses = losses * samples.weight[:, np.newaxis]
    return losses.sum()


@pytest.mark.parametrize("n_ranks", [2, 3])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_rows_lie_between_the_average_and_the_sum_of_the_changes(n_ranks, share, rng):
    before, after, kept, visited = changes_of(n_ranks, rng)
    changes, *others = reduced(before, after, kept, visited)
    bins = rng.integers(N_BINS, size=N_IDS)
    shares = np.where(np.arange(N_BINS) == 2, share, 0.5)
    table = changes.table(shares, bins)
    for row in range(N_IDS):
        change = sum(after[i, row] - kept[i] * before[row] for i in range(n_ranks))
        n_visiting = max(visited[:, row].sum(), 1)
        mean = np.prod(kept) ** (1 / n_visiting) * before[row] + change / n_visiting
        whole = np.prod(kept) * before[row] + change
        t = shares[bins[row]]
        np.testing.assert_allclose(
            table[row], (1 - t) * mean + t * whole, rtol=1e-4, atol=1e-5
        )
        assert changes.row_shares(shares, bins)[row] == pytest.approx(
            t + (1 - t) / n_visiting
        )
    for other in others:
        np.testing.assert_array_equal(other.average, changes.average)
        np.testing.assert_array_equal(other.move, changes.move)


def test_a_change_of_one_rank_alone_is_kept_whole(rng):
    before, after, kept, _ = changes_of(2, rng)
    after[0, 10:], after[1, :10] = kept[0] * before[10:], kept[1] * before[:10]
    visited = np.array([np.arange(N_IDS) < 10, np.arange(N_IDS) >= 10])
    changes = reduced(before, after, kept, visited)[0]
    # The penalty is that of both.
    whole = (
        np.where(
            visited[0][:, np.newaxis],
            after[0] - kept[0] * before,
            after[1] - kept[1] * before,
        )
        + np.prod(kept) * before
    )
    for shares in (np.zeros(N_BINS), np.ones(N_BINS)):
        table = changes.table(shares, np.zeros(N_IDS, dtype=np.int64))
        np.testing.assert_allclose(table, whole, atol=1e-5)


def test_one_process_keeps_its_table(rng):
    before, after, kept, visited = changes_of(1, rng)
    changes = Changes.reduce(
        SINGLE_PROCESS, before, after[0], float(kept[0]), visited[0]
    )
    table = changes.table(np.full(N_BINS, 0.5), np.zeros(N_IDS, dtype=np.int64))
    np.testing.assert_allclose(table, after[0], atol=1e-5)


@pytest.mark.parametrize("labels", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_shares_make_the_loss_of_all_samples_least(labels, weighted, rng):
    parts = changes_of(3, rng)
    changes = reduced(*parts)[0]
    bins = rng.integers(N_BINS, size=N_IDS)
    own = [samples_of(rng, n, labels, weighted) for n in (40, 0, 80)]
    intercept = rng.normal(size=WIDTH).astype(np.float32)

    def loss(shares):
        table = changes.table(np.asarray(shares), bins)
        return sum(
            squared_hinge(each.bags.to_csr() @ table + intercept, each) for each in own
        )

    found = on_processes(
        3, lambda rank: sum_shares(rank, changes, bins, intercept, own[rank.rank])
    )
    for shares in found:
        np.testing.assert_array_equal(shares, found[0])
    assert ((found[0] >= 0) & (found[0] <= 1)).all()
    best = minimize(loss, np.full(N_BINS, 0.5), bounds=[(0, 1)] * N_BINS)
    assert loss(found[0]) <= best.fun * 1.01


def test_bins_whose_sum_tells_the_classes_are_summed(rng):
    """And those whose sum tells nothing are averaged."""
    bins = np.where(np.arange(N_IDS) < 15, 1, 4)
    changes = reduced(*changes_of(2, rng))[0]
    samples = samples_of(rng, 2000)
    useful = np.where(bins[:, np.newaxis] == 1, changes.move, 0)
    changes = replace(changes, average=np.zeros_like(useful))
    codes = (samples.bags.to_csr() @ useful).argmax(axis=1)
    shares = sum_shares(
        SINGLE_PROCESS,
        changes,
        bins,
        np.zeros(WIDTH, dtype=np.float32),
        replace(samples, codes=codes),
    )
    assert shares[1] > 0.5
    assert shares[4] < 0.1


def test_bins_that_no_sample_holds_stay_averages(rng):
    changes = reduced(*changes_of(2, rng))[0]
    bins = np.where(np.arange(N_IDS) < 15, 0, 5)
    samples = samples_of(rng, 30)
    ids = samples.bags.ids % 15
    bags = Bags(ids, samples.bags.offsets, samples.bags.weights, N_IDS)
    shares = sum_shares(
        SINGLE_PROCESS,
        changes,
        bins,
        np.zeros(WIDTH, dtype=np.float32),
        ExchangeSamples(bags, samples.codes, None, None),
    )
    np.testing.assert_array_equal(shares[1:], 0)


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=20), st.integers(1, 128))
@examples(50)
def test_bins_are_those_of_the_samples_between_two_exchanges(counts, n_shares):
    bins = visit_bins(np.array(counts, dtype=np.float64), n_shares)
    naive = [sum(count / n_shares >= edge for edge in BIN_EDGES) for count in counts]
    assert bins.tolist() == naive
