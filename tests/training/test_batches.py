"""Batches hold the texts in order, and their transpose."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from skbag._core.bags import Bags
from skbag._training import batches as batches_module
from skbag._training.batches import make_batches, transpose


def weightless(bags, first):
    return None


def random_bags(seed, n=11, n_ids=40, density=0.15):
    rng = np.random.default_rng(seed)
    X = sp.random(n, n_ids, density=density, random_state=seed, format="csr")
    return Bags.from_csr(X), rng.integers(3, size=n)


@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.05, 0.5]))
@settings(deadline=None)
def test_transpose_is_that_of_scipy(seed, density):
    bags, _ = random_bags(seed, density=density)
    rows, row_starts, order = transpose(bags, 100)
    row_offsets = np.append(row_starts, len(order))
    texts = np.repeat(np.arange(len(bags)), np.diff(bags.offsets))
    made = sp.csr_array(
        (bags.weights[order], texts[order], row_offsets), shape=(len(rows), len(bags))
    )
    expected = bags.to_csr().T.tocsr()
    np.testing.assert_array_equal(rows, np.flatnonzero(np.diff(expected.indptr)))
    np.testing.assert_array_equal(made.toarray(), expected.toarray()[rows])


def test_entries_of_a_row_come_in_the_order_of_the_texts():
    bags, _ = random_bags(0, density=0.5)
    _, row_starts, order = transpose(bags, 100)
    row_offsets = np.append(row_starts, len(order))
    for start, stop in zip(row_offsets, row_offsets[1:], strict=False):
        assert (np.diff(order[start:stop]) > 0).all()


def test_batches_cover_the_samples_in_order():
    bags, codes = random_bags(1)
    weight = np.arange(11, dtype=np.float32)

    def weights_from(bags, first):
        return weight[first : first + len(bags)]

    batches = make_batches(bags, codes, weights_from, batch_size=4)
    assert [(b.start, b.stop, len(b)) for b in batches] == [
        (0, 4, 4),
        (4, 8, 4),
        (8, 11, 3),
    ]
    np.testing.assert_array_equal(torch.cat([b.ids for b in batches]), bags.ids)
    np.testing.assert_array_equal(torch.cat([b.weights for b in batches]), bags.weights)
    np.testing.assert_array_equal(torch.cat([b.codes for b in batches]), codes)
    np.testing.assert_array_equal(torch.cat([b.sample_weight for b in batches]), weight)
    assert all(b.order is None for b in batches)


def test_order_is_kept_for_dropout():
    bags, codes = random_bags(2)
    for batch in make_batches(bags, codes, weightless, batch_size=4, keep_order=True):
        torch.testing.assert_close(batch.weights[batch.order], batch.row_weights)


def test_a_batch_of_empty_texts():
    bags = Bags.from_csr(sp.csr_array((3, 5)))
    (batch,) = make_batches(bags, np.zeros(3, int), weightless, batch_size=8)
    assert len(batch.rows) == 0
    assert batch.row_offsets.tolist() == [0]


@given(st.integers(0, 10_000), st.sampled_from([1, 3, 4, 20]), st.booleans())
@settings(deadline=None)
def test_each_batch_is_transposed(seed, batch_size, few_at_once):
    bags, codes = random_bags(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches_module, "ENTRIES_AT_ONCE", 10 if few_at_once else 10_000)
        batches = make_batches(bags, codes, weightless, batch_size=batch_size)
    assert sum(map(len, batches)) == len(bags)
    for batch in batches:
        expected = bags.slice(batch.start, batch.stop).to_csr()
        forward = (batch.weights, batch.ids, batch.offsets)
        backward = (batch.row_weights, batch.row_texts, batch.row_offsets)
        np.testing.assert_array_equal(
            sp.csr_array(forward, shape=expected.shape).toarray(), expected.toarray()
        )
        shape = (len(batch.rows), len(batch))
        np.testing.assert_array_equal(
            sp.csr_array(backward, shape=shape).toarray(),
            expected.toarray().T[batch.rows.numpy()],
        )
        assert len(batch.rows) == len(
            set(bags.ids[slice(*bags.offsets[[batch.start, batch.stop]])])
        )
