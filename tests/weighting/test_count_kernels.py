"""Documents are counted as a loop would, in a table and id by id."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from skbag._weighting.count_kernels import count_by_class
from tests.conftest import examples

IN_A_TABLE, ID_BY_ID = 2**40, 0
both_ways = pytest.mark.parametrize(
    "largest_table", [IN_A_TABLE, ID_BY_ID], ids=["in a table", "id by id"]
)


def stored_bags(rng, n, n_ids):
    lengths = rng.integers(0, n_ids + 1, size=n) * (rng.random(n) < 0.8)
    ids = [rng.permutation(n_ids)[:length] for length in lengths]
    offsets = np.append(0, np.cumsum(lengths)).astype(np.int64)
    return np.concatenate([np.empty(0), *ids]).astype(np.int32), offsets


def naive_counts(ids, offsets, rows, new_ids, class_offsets, classes, weights, shape):
    counts = np.zeros(shape)
    for i, row in enumerate(rows):
        bag = ids[offsets[row] : offsets[row + 1]]
        bag = bag if new_ids is None else new_ids[bag]
        own = classes[i : i + 1]
        if class_offsets is not None:
            own = classes[class_offsets[i] : class_offsets[i + 1]]
        for id_ in bag[bag >= 0]:
            counts[id_, own] += 1 if weights is None else weights[i]
    return counts


def check(arguments, shape, largest_table):
    """Compare with a loop; return the matrix."""
    expected = naive_counts(*arguments, shape)
    indptr, indices, counts = count_by_class(*arguments, *shape, largest_table)
    assert (indptr.dtype, indices.dtype, counts.dtype) == (np.int64, np.int32, float)
    found = sp.csr_array((counts, indices, indptr), shape=shape)
    for i in range(shape[0]):
        own = indices[indptr[i] : indptr[i + 1]]
        assert (np.diff(own) > 0).all()
    # Of one sum, in the order of the documents: the same bits.
    np.testing.assert_array_equal(found.toarray(), expected)
    return found


@both_ways
@given(st.data())
@examples(100)
def test_counts_are_those_of_a_loop(largest_table, data):
    seed = data.draw(st.integers(0, 1000), label="seed")
    rng = np.random.default_rng(seed)
    n, n_ids, n_classes = (
        data.draw(st.integers(1, most), label=name)
        for name, most in [("n", 12), ("n_ids", 9), ("n_classes", 40)]
    )
    ids, offsets = stored_bags(rng, n, n_ids)
    # In any order, and some of them repeated.
    rows = rng.integers(n, size=data.draw(st.integers(0, 20), label="n_rows"))
    new_ids = class_offsets = weights = None
    classes = rng.integers(n_classes, size=len(rows))
    if data.draw(st.booleans(), label="labels"):
        has = rng.random((len(rows), n_classes)) < 0.3
        classes = np.ascontiguousarray(np.nonzero(has)[1])
        class_offsets = np.append(0, np.cumsum(has.sum(axis=1)))
    if data.draw(st.booleans(), label="weighted"):
        weights = rng.uniform(0.1, 2, size=len(rows))
    n_new = n_ids
    if data.draw(st.booleans(), label="renumbered"):
        n_new = (n_ids + 1) // 2
        new_ids = np.full(n_ids, -1, dtype=np.int32)
        new_ids[rng.permutation(n_ids)[:n_new]] = np.arange(n_new)
    arguments = ids, offsets, rows, new_ids, class_offsets, classes, weights
    check(arguments, (n_new, n_classes), largest_table)


@pytest.mark.parametrize("n_classes", [64, 65, 900, 5000])
@pytest.mark.parametrize("n_touched", [16, 17, 64, 65, 66, 300])
def test_an_id_of_many_classes(n_touched, n_classes):
    """Few of many, sorted by insertion or by a heap, or most of them."""
    rng = np.random.default_rng(n_touched)
    classes = rng.integers(n_classes, size=3 * n_touched)
    classes[:n_touched] = np.arange(n_touched)[::-1] * (n_classes // n_touched)
    n = len(classes)
    ids, offsets = np.zeros(n, dtype=np.int32), np.arange(n + 1)
    classes %= n_classes
    arguments = ids, offsets, np.arange(n), None, None, classes, None
    counts = check(arguments, (1, n_classes), ID_BY_ID)
    assert counts.nnz == len(np.unique(classes))


@both_ways
def test_documents_of_weight_0_are_not_counted(largest_table):
    """Thousands of them, of which each once took memory that was not asked for."""
    n = 5000
    classes = np.zeros(n, dtype=np.int64)
    weights = np.zeros(n)
    weights[[7, 9]] = 0.5
    classes[9] = 1
    ids, offsets = np.zeros(n, dtype=np.int32), np.arange(n + 1)
    arguments = ids, offsets, np.arange(n), None, None, classes, weights
    counts = check(arguments, (1, 2), largest_table)
    assert counts.nnz == 2


@both_ways
def test_nothing_to_count(largest_table):
    none, offsets = np.empty(0, dtype=np.int64), np.array([0, 0, 2])
    ids = np.array([0, 1], dtype=np.int32)
    for rows, classes in [(none, none), (np.array([0]), np.array([1]))]:
        arguments = ids, offsets, rows, None, None, classes, None
        assert not check(arguments, (2, 3), largest_table).nnz
    left_out = np.full(2, -1, dtype=np.int32)
    arguments = ids, offsets, np.array([1]), left_out, None, np.array([1]), None
    assert not check(arguments, (2, 3), largest_table).nnz


def int64(*values):
    return np.array(values, dtype=np.int64)


WRONG = {
    "a row beyond the last": {"rows": int64(0, 2)},
    "a row before the first": {"rows": int64(0, -1)},
    "fewer ids": {"ids": np.zeros(1, np.int32)},
    "fewer classes": {"classes": int64(0)},
    "a class beyond the last": {"classes": int64(0, 3)},
    "a class before the first": {"classes": int64(-1, 0)},
    "fewer weights": {"weights": np.ones(1)},
    "fewer offsets of classes": {"class_offsets": int64(0, 1)},
    "offsets beyond the classes": {"class_offsets": int64(0, 1, 3)},
}


@both_ways
@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG)
def test_arrays_that_do_not_fit_are_refused(changes, largest_table):
    arguments = {
        "ids": np.array([0, 1, 1], dtype=np.int32),
        "offsets": int64(0, 2, 3),
        "rows": int64(0, 1),
        "new_ids": None,
        "class_offsets": None,
        "classes": int64(0, 2),
        "weights": None,
        **changes,
    }
    with pytest.raises(IndexError):
        count_by_class(**arguments, n_ids=2, n_classes=3, largest_table=largest_table)


def test_more_classes_than_numbers_for_them():
    with pytest.raises(ValueError, match="classes can be counted"):
        count_by_class(
            np.zeros(1, np.int32),
            int64(0, 1),
            int64(0),
            None,
            None,
            int64(0),
            None,
            1,
            2**31,
            0,
        )
