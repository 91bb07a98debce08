"""Vectors are kept once for each word, in one width, and must be finite."""

import numpy as np
import pytest

from skbag._text.found_vectors import FoundVectors


def test_rows_come_in_the_order_of_the_ids():
    found = FoundVectors({"b": 5, "a": 2, "c": 9}, None)
    found.put("b", [1, 2])
    found.put("b", [7, 7])
    found.put("a", [5, 6])
    _check(found, [2, 5], [[5, 6], [1, 2]])


@pytest.mark.parametrize("order", [["a", "c"], ["c", "a"]])
def test_rows_of_a_matrix(order):
    found = FoundVectors({"b": 5, "a": 2, "c": 9}, 2)
    rows = {"a": [5, 6], "c": [3, 4]}
    found.put_all(order, np.array([rows[word] for word in order], dtype=np.float16))
    _check(found, [2, 9], [[5, 6], [3, 4]])
    assert len(FoundVectors({}, None).arrays()[0]) == 0


def _check(found, expected_ids, expected_rows):
    ids, rows = found.arrays()
    assert (len(found), found.width) == (len(expected_ids), 2)
    np.testing.assert_array_equal(ids, expected_ids)
    np.testing.assert_array_equal(rows, expected_rows)
    assert (ids.dtype, rows.dtype) == (np.int32, np.float32)


def test_one_width():
    found = FoundVectors({"a": 0, "b": 1}, None)
    found.put("a", [1, 2])
    with pytest.raises(ValueError, match="'b' has 3 numbers, but vectors before it ha"):
        found.put("b", [1, 2, 3])
    with pytest.raises(ValueError, match=r"'a' has no numbers\. Pass vectors"):
        FoundVectors({"a": 0}, None).put("a", [])
    with pytest.raises(ValueError, match=r"2 numbers, but embedding_dim=3\. Set embed"):
        FoundVectors({"a": 0}, 3).put("a", [1, 2])


def test_numbers_only():
    found = FoundVectors({"a": 0, "b": 1}, None)
    with pytest.raises(ValueError, match="vectors are not made of numbers: could not"):
        found.put_all(["a"], np.array([["x", "y"]]))
    with pytest.raises(ValueError, match="'b' holds numbers that are not finite in fl"):
        found.put_all(["a", "b"], np.array([[1.0], [1e39]]))
    with pytest.raises(ValueError, match="'a' has 2 dimensions"):
        found.put("a", [[1, 2]])
