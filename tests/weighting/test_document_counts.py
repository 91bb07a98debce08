"""Documents are counted as a loop would, in whatever way; counts add up."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from skbag._core.bags import Bags
from skbag._weighting import class_counts
from skbag._weighting.document_counts import DocumentCounts


def corpus(seed=0, n=30, n_ids=12, n_classes=3):
    rng = np.random.default_rng(seed)
    counts = rng.poisson(0.6, size=(n, n_ids)).astype(np.float32)
    counts[0] = 0  # an empty text
    return Bags.from_csr(sp.csr_array(counts)), rng.integers(n_classes, size=n)


@pytest.fixture(params=["in a table", "id by id"], scope="module")
def way_of_counting(request):
    with pytest.MonkeyPatch.context() as patch:
        numbers = 2**10 if request.param == "in a table" else 0
        patch.setattr(class_counts, "CELLS_PER_ENTRY", numbers)
        yield


@pytest.mark.usefixtures("way_of_counting")
@given(st.integers(0, 10_000), st.booleans())
@settings(deadline=None, max_examples=30)
def test_counts_are_those_of_a_loop(seed, weighted):
    bags, codes = corpus(seed, n=8, n_ids=5)
    share = np.random.default_rng(seed).uniform(0.5, 2, size=8) if weighted else None
    expected = np.zeros((5, 3))
    totals = np.zeros(3)
    for row in range(8):
        one = 1.0 if share is None else share[row]
        totals[codes[row]] += one
        for token in bags.ids[bags.offsets[row] : bags.offsets[row + 1]]:
            expected[token, codes[row]] += one
    document_counts = DocumentCounts.count(bags, codes, 3, share)
    np.testing.assert_allclose(document_counts.class_counts.toarray(), expected)
    np.testing.assert_allclose(document_counts.class_totals, totals)
    np.testing.assert_allclose(document_counts.df, expected.sum(axis=1))
    assert document_counts.n_documents == pytest.approx(totals.sum())


def test_added_counts_are_those_of_all_texts_at_once():
    bags, codes = corpus(n_ids=10)
    fewer = Bags.from_csr(bags.slice(0, 12).to_csr()[:, :7])
    first = DocumentCounts.count(fewer, codes[:12], 3)
    both = DocumentCounts.flush(*first.add(bags.slice(12, 30), codes[12:]), 10)
    expected = DocumentCounts.count(bags, codes, 3).class_counts.toarray()
    expected[7:] -= DocumentCounts.count(
        bags.slice(0, 12), codes[:12], 3
    ).class_counts.toarray()[7:]
    np.testing.assert_allclose(both.class_counts.toarray(), expected)
    assert both.n_documents == 30


def test_rows_of_counts():
    bags, codes = corpus()
    whole = DocumentCounts.count(bags, codes, 3)
    some = np.array([7, 2])
    table = whole.class_counts.toarray()
    rows = whole.rows(some)
    np.testing.assert_array_equal(rows.class_counts.toarray(), table[some])
    np.testing.assert_array_equal(rows.df, whole.df[some])
    assert rows.n_documents == whole.n_documents


@given(st.lists(st.integers(-1, 11), max_size=20))
@settings(deadline=None)
def test_moved_counts_are_rows_of_the_table_or_nothing(old_ids):
    bags, codes = corpus()
    document_counts = DocumentCounts.count(bags, codes, 3)
    moved = document_counts.moved(np.array(old_ids, dtype=np.int32))
    table = np.vstack([document_counts.class_counts.toarray(), np.zeros(3)])
    np.testing.assert_array_equal(moved.class_counts.toarray(), table[old_ids, :])
    np.testing.assert_array_equal(moved.df, table[old_ids, :].sum(axis=1))
    assert moved.n_documents == document_counts.n_documents


@given(st.integers(0, 10_000), st.sets(st.integers(0, 11), min_size=1))
@settings(deadline=None, max_examples=30)
def test_pending_counts_of_some_ids_are_rows_of_all(seed, ids):
    bags, codes = corpus(seed)
    none = DocumentCounts.count(bags.slice(0, 0), codes[:0], 3)
    totals, pending = none.add(bags, codes)
    more = pending + totals.add(bags.slice(0, 9), codes[:9])[1]
    of_all = none.flush(more)
    assert_array_equal(more.ids(3), np.flatnonzero(of_all.df))
    ids = np.array(sorted(ids))
    some = more.of_ids(ids, totals)
    assert_array_equal(some.df, of_all.df[ids])
    assert_array_equal(some.class_counts.toarray(), of_all.class_counts.toarray()[ids])
    assert some.n_documents == totals.n_documents
