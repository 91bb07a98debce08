"""Label sets are the rows of an indicator matrix, whatever is done with them."""

import numpy as np
import pytest
import scipy.sparse as sp

from skbag._targets.label_sets import LabelSets, as_array, one_each

INDICATOR = np.array([[1, 0, 1], [0, 0, 0], [0, 1, 1], [1, 1, 1]])


@pytest.fixture
def sets():
    return LabelSets.from_csr(sp.csr_array(INDICATOR))


@pytest.mark.parametrize(
    "rows",
    [slice(1, 3), slice(None, 2), slice(3, 3), np.array([3, 0, 0]), np.array([], int)],
    ids=str,
)
def test_rows_are_those_of_the_matrix(rows, sets):
    part = sets[rows]
    assert len(part) == len(INDICATOR[rows])
    assert part.labels.dtype == part.offsets.dtype == np.int64
    np.testing.assert_array_equal(part.to_csr().toarray(), INDICATOR[rows])


def test_pairs_and_counts(sets):
    rows, labels = sets.pairs().T
    np.testing.assert_array_equal(rows, np.nonzero(INDICATOR)[0])
    np.testing.assert_array_equal(labels, np.nonzero(INDICATOR)[1])
    np.testing.assert_array_equal(sets.counts(), INDICATOR.sum(axis=0))
    weights = np.array([0.5, 2, 3, 0])
    np.testing.assert_allclose(sets.counts(weights), weights @ INDICATOR)


def test_codes_of_one_class_pass_as_they_are(sets):
    codes = np.array([2, 0, 1])
    assert as_array(codes) is codes
    rows, same = one_each(codes)
    assert rows is None
    assert same is codes
    np.testing.assert_array_equal(as_array(sets), sets.pairs())
    rows, single = one_each(sets)
    np.testing.assert_array_equal(np.stack([rows, single], 1), sets.pairs())
