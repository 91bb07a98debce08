"""Bags are a CSR matrix, and torch's EmbeddingBag agrees."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from skbag._core.bags import IDS_PER_ENTRY, MOST_IDS_PER_ENTRY, Bags


@st.composite
def matrices(draw, max_rows=7, max_columns=6):
    """Small CSR arrays with empty rows, empty columns and negative values."""
    n_rows = draw(st.integers(1, max_rows))
    n_columns = draw(st.integers(1, max_columns))
    cells = st.sampled_from([0.0, 0.0, 0.0, 1.0, 2.0, -1.5])
    values = draw(
        st.lists(cells, min_size=n_rows * n_columns, max_size=n_rows * n_columns)
    )
    return sp.csr_array(np.reshape(values, (n_rows, n_columns)))


@given(matrices())
@settings(deadline=None)
def test_round_trip_through_csr(X):
    bags = Bags.from_csr(X)
    assert len(bags) == X.shape[0]
    np.testing.assert_array_equal(bags.to_csr().toarray(), X.toarray())
    assert (bags.ids.dtype, bags.offsets.dtype, bags.weights.dtype) == (
        np.int32,
        np.int64,
        np.float32,
    )


@pytest.mark.parametrize("n_more_ids", [0, 50 * IDS_PER_ENTRY, 50 * MOST_IDS_PER_ENTRY])
@given(matrices())
@settings(deadline=None)
def test_compacted_bags_have_the_columns_that_occur(n_more_ids, X):
    """In each way: by sorting the entries where there are many more ids."""
    bags = Bags.from_csr(X)
    ids, compacted = replace(bags, n_ids=bags.n_ids + n_more_ids).compacted()
    columns = np.unique(X.indices)
    np.testing.assert_array_equal(ids, columns)
    assert ids.dtype == compacted.ids.dtype == np.int32
    np.testing.assert_array_equal(compacted.to_csr().toarray(), X.toarray()[:, columns])


@given(matrices())
@settings(deadline=None)
def test_embedding_bag_is_the_matrix_product(X):
    bags = Bags.from_csr(X)
    table = np.random.default_rng(0).normal(size=(X.shape[1], 3)).astype(np.float32)
    by_torch = torch.nn.functional.embedding_bag(
        torch.from_numpy(bags.ids.astype(np.int64)),
        torch.from_numpy(table),
        torch.from_numpy(bags.offsets),
        mode="sum",
        per_sample_weights=torch.from_numpy(bags.weights),
        include_last_offset=True,
    ).numpy()
    np.testing.assert_allclose(by_torch, X @ table, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(by_torch, bags.to_csr() @ table, rtol=1e-5, atol=1e-6)


@given(matrices(), st.data())
@settings(deadline=None)
def test_slice_is_row_slicing(X, data):
    start = data.draw(st.integers(0, X.shape[0]))
    stop = data.draw(st.integers(start, X.shape[0]))
    part = Bags.from_csr(X).slice(start, stop)
    np.testing.assert_array_equal(part.to_csr().toarray(), X.toarray()[start:stop])


@given(matrices())
@settings(deadline=None)
def test_row_sums_count_empty_bags_as_zero(X):
    bags = Bags.from_csr(X)
    np.testing.assert_allclose(bags.row_sums(bags.weights), X.toarray().sum(axis=1))


@given(matrices())
@settings(deadline=None)
def test_concatenate_stacks(X):
    bags = Bags.from_csr(X)
    both = Bags.concatenate([bags, bags])
    np.testing.assert_array_equal(
        both.to_csr().toarray(), np.vstack([X.toarray(), X.toarray()])
    )


def test_any_sparse_format_and_index_width():
    X = sp.csr_array(np.eye(3))
    for made in (X.tocsc(), X.tocoo(), sp.csr_matrix(X)):
        np.testing.assert_array_equal(Bags.from_csr(made).to_csr().toarray(), np.eye(3))
    wide = sp.csr_array(
        (X.data, X.indices.astype(np.int64), X.indptr.astype(np.int64)), shape=(3, 3)
    )
    np.testing.assert_array_equal(Bags.from_csr(wide).ids, [0, 1, 2])


def malformed(**changes):
    X = sp.csr_array(np.ones((3, 4)))
    for name, values in changes.items():
        setattr(X, name, np.asarray(values, dtype=np.int32))
    return X


@pytest.mark.parametrize(
    "changes",
    [
        {"indptr": [0, 9, 8, 12]},
        {"indptr": [1, 4, 8, 12]},
        {"indptr": [0, 4, 8, 99]},
    ],
)
def test_malformed_offsets_are_refused(changes):
    with pytest.raises(
        ValueError, match="malformed CSR matrix: indptr must start at 0"
    ):
        Bags.from_csr(malformed(**changes))


@pytest.mark.parametrize("column", [4, -1, 2**31 - 1])
def test_ids_out_of_range_are_refused(column):
    X = malformed()
    X.indices[5] = column
    with pytest.raises(ValueError, match=r"column indices must lie in \[0, 4\)"):
        Bags.from_csr(X)


def test_too_wide_a_matrix_is_refused():
    X = sp.csr_array((2, 2**31 + 5))
    with pytest.raises(ValueError, match="Hash the columns into fewer"):
        Bags.from_csr(X)
