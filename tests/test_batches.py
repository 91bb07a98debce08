"""Batches hold the texts in order, and their transpose."""

import numpy as np
import scipy.sparse as sp
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from skbag._bags import Bags
from skbag._batches import make_batches, transpose

CPU = torch.device("cpu")


def random_bags(seed, n=11, n_ids=40, density=0.15):
    rng = np.random.default_rng(seed)
    X = sp.random(n, n_ids, density=density, random_state=seed, format="csr")
    return Bags.from_csr(X), rng.integers(3, size=n)


@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.05, 0.5]))
@settings(deadline=None)
def test_transpose_is_that_of_scipy(seed, density):
    bags, _ = random_bags(seed, density=density)
    rows, row_offsets, order = transpose(bags)
    texts = np.repeat(np.arange(len(bags)), np.diff(bags.offsets))
    made = sp.csr_array(
        (bags.weights[order], texts[order], row_offsets), shape=(len(rows), len(bags))
    )
    expected = bags.to_csr().T.tocsr()
    np.testing.assert_array_equal(rows, np.flatnonzero(np.diff(expected.indptr)))
    np.testing.assert_array_equal(made.toarray(), expected.toarray()[rows])


def test_entries_of_a_row_come_in_the_order_of_the_texts():
    bags, _ = random_bags(0, density=0.5)
    _, row_offsets, order = transpose(bags)
    for start, stop in zip(row_offsets, row_offsets[1:], strict=False):
        assert (np.diff(order[start:stop]) > 0).all()


def test_batches_cover_the_samples_in_order():
    bags, codes = random_bags(1)
    weight = np.arange(11, dtype=np.float32)
    batches = make_batches(bags, codes, weight, batch_size=4, device=CPU)
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
    for batch in make_batches(
        bags, codes, None, batch_size=4, device=CPU, keep_order=True
    ):
        torch.testing.assert_close(batch.weights[batch.order], batch.row_weights)


def test_a_batch_of_empty_texts():
    bags = Bags.from_csr(sp.csr_array((3, 5)))
    (batch,) = make_batches(bags, np.zeros(3, int), None, batch_size=8, device=CPU)
    assert len(batch.rows) == 0
    assert batch.row_offsets.tolist() == [0]
