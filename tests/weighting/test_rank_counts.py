"""Blocks of counts, and weights made of them, are those of all documents at once."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from threads import on_processes

from skbag._core.bags import Bags
from skbag._targets.label_sets import LabelSets
from skbag._text.features import FeatureKind
from skbag._weighting.document_counts import DocumentCounts
from skbag._weighting.rank_counts import CountBlock
from skbag._weighting.weighting import Weighting


def documents(seed, n_ids, several, n=30, n_classes=3):
    """Bags, more of the first ids than of the last, and labels."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(3 / (1 + np.arange(n_ids)), size=(n, n_ids))
    bags = Bags.from_csr(sp.csr_array(counts.astype(np.float32)))
    if not several:
        return bags, rng.integers(n_classes, size=n)
    indicator = rng.integers(0, 2, (n, n_classes))
    return bags, LabelSets.from_csr(sp.csr_array(indicator))


def assert_same(found, expected):
    assert found.exclusive == expected.exclusive
    assert found.class_counts.has_sorted_indices
    np.testing.assert_allclose(
        found.class_counts.toarray(), expected.class_counts.toarray()
    )
    np.testing.assert_allclose(found.class_totals, expected.class_totals)
    np.testing.assert_allclose(found.df, expected.df)
    assert found.n_documents == pytest.approx(expected.n_documents)


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 1000),
    n=st.integers(2, 4),
    n_ids=st.sampled_from([1, 2, 12, 40]),
    several=st.booleans(),
    weighted=st.booleans(),
)
def test_blocks_are_rows_of_the_counts_of_all(seed, n, n_ids, several, weighted):
    bags, codes = documents(seed, n_ids, several)
    rng = np.random.default_rng(seed)
    ranks = rng.integers(n, size=len(bags))
    weight = rng.uniform(0.5, 2, len(bags)) if weighted else None
    expected = DocumentCounts.count(bags, codes, 3, weight)
    kinds = rng.choice([FeatureKind.TERM, FeatureKind.NGRAM], n_ids).astype(np.uint8)
    weighting = Weighting(True, True, "l2", supervised=True)
    weights, mean = weighting.weights_and_mean(expected, kinds)
    # The numbers of tokens on each rank are its own; some are of nothing that is kept.
    numbers = [rng.permutation(n_ids + 2) for _ in range(n)]

    def of(rank):
        which = np.flatnonzero(ranks == rank.rank)
        own_ids = numbers[rank.rank].astype(np.int32)
        own = bags.take(which).renumber(own_ids[:n_ids], n_ids + 2)
        ids = np.full(n_ids + 2, -1, dtype=np.int32)
        ids[own_ids[:n_ids]] = np.arange(n_ids)
        counts = DocumentCounts.count(
            own, codes[which], 3, None if weight is None else weight[which]
        )
        block = CountBlock.of(rank, counts, ids, n_ids)
        own_weights, own_mean = weighting.weights_and_mean(
            block.counts, kinds[block.ids], rank
        )
        return block, block.gather(), own_weights, own_mean

    results = on_processes(n, of)
    assert_same(results[0][1], expected)
    table = expected.class_counts.toarray()
    stop = 0
    for block, gathered, _, own_mean in results:
        assert block.ids.start == stop
        stop = block.ids.stop
        np.testing.assert_allclose(
            block.counts.class_counts.toarray(), table[block.ids]
        )
        np.testing.assert_allclose(block.counts.df, expected.df[block.ids])
        assert own_mean == results[0][3] == pytest.approx(mean)
        for name in ("data", "indices", "indptr"):
            found, first = (
                getattr(counts.class_counts, name)
                for counts in (gathered, results[0][1])
            )
            np.testing.assert_array_equal(found, first)
            assert found.dtype == first.dtype
        np.testing.assert_array_equal(gathered.df, results[0][1].df)
    assert stop == n_ids
    joined = np.concatenate([own for _, _, own, _ in results])
    np.testing.assert_allclose(joined, weights, rtol=1e-6)
    assert joined.dtype == np.float32


def test_counts_of_whole_numbers_are_exact():
    bags, codes = documents(0, 20, several=False)
    expected = DocumentCounts.count(bags, codes, 3)

    def of(rank):
        own = DocumentCounts.count(
            bags.take(rows[rank.rank]), codes[rows[rank.rank]], 3
        )
        return CountBlock.of(rank, own, None, 20).gather()

    rows = [np.arange(0, 7), np.arange(7, 7), np.arange(7, 30)]
    for found in on_processes(3, of):
        for name in ("data", "indices", "indptr"):
            np.testing.assert_array_equal(
                getattr(found.class_counts, name), getattr(expected.class_counts, name)
            )
        np.testing.assert_array_equal(found.df, expected.df)


def test_blocks_are_even_in_what_they_count():
    """Not in tokens: nearly all is counted of the first of these."""
    rng = np.random.default_rng(0)
    ids = np.minimum(rng.geometric(0.01, 40_000) - 1, 3999).astype(np.int32)
    bags = Bags(ids, np.arange(40_001), np.ones(len(ids), np.float32), 4000)
    codes = rng.integers(50, size=len(bags))

    def of(rank):
        rows = np.arange(rank.rank, len(bags), 4)
        own = DocumentCounts.count(bags.take(rows), codes[rows], 50)
        block = CountBlock.of(rank, own, None, 4000)
        return np.diff(own.class_counts.indptr), block.ids

    results = on_processes(4, of)
    entries = np.sum([own for own, _ in results], axis=0)
    work = [entries[ids].sum() + ids.stop - ids.start for _, ids in results]
    assert max(work) < 1.1 * min(work)


def test_large_counts_travel_as_they_are():
    counts = sp.csr_array(np.array([[2.0**60, 0.0], [0.5, 300.0]]))
    own = DocumentCounts.of_classes(counts, np.array([1.0, 2.0]))

    def of(rank):
        return CountBlock.of(rank, own, None, 2).gather()

    for found in on_processes(2, of):
        np.testing.assert_array_equal(
            found.class_counts.toarray(), 2 * counts.toarray()
        )
        np.testing.assert_array_equal(found.class_totals, [2.0, 4.0])
