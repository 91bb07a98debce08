"""Labels of classes: what a list of strings gives is what an array of them gives."""

from __future__ import annotations

import warnings

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from skbag._targets.labels import distinct_labels


@given(st.lists(st.text(max_size=3) | st.sampled_from("ab"), min_size=1))
def test_lists_of_strings_give_what_arrays_of_them_give(labels):
    as_array = np.array(labels)
    if any(label.endswith("\0") for label in labels):
        as_array = np.array([label.rstrip("\0") for label in labels])
    with warnings.catch_warnings():
        # Of nearly as many classes as samples.
        warnings.simplefilter("ignore")
        classes, codes = distinct_labels(labels)
        expected, expected_codes = distinct_labels(as_array)
    assert classes.dtype == expected.dtype
    assert classes.tolist() == expected.tolist()
    np.testing.assert_array_equal(codes, expected_codes)
    assert codes.dtype == np.int64


def test_labels_are_sorted_by_code_point():
    classes, codes = distinct_labels(["b", "\U0001f600", "B", "\uffff", "b", "B"] * 2)
    assert classes.tolist() == ["B", "b", "\uffff", "\U0001f600"]
    assert codes.tolist() == [1, 3, 0, 2, 1, 0] * 2


def test_many_classes_are_warned_of_as_scikit_learn_does():
    """Which it does since 1.6.1."""
    labels = [f"class {i}" for i in range(30)]
    messages = []
    for given_labels in (labels, np.array(labels)):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            distinct_labels(given_labels)
        messages.append([str(warning.message) for warning in caught])
    assert messages[0] == messages[1]


def test_subclasses_of_strings_are_labels():
    classes, codes = distinct_labels([np.str_("a"), "b", np.str_("a"), "b"])
    assert classes.tolist() == ["a", "b"]
    assert codes.tolist() == [0, 1, 0, 1]
