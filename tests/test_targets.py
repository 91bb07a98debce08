"""Labels of any type become codes and come back."""

import numpy as np
import pytest

from skbag._targets import (
    check_same_classes,
    encode_labels,
    learn_classes,
)

LABELS = {
    "str": ["b", "a", "b"],
    "object": np.array(["b", "a", "b"], dtype=object),
    "int with gaps": [7, -3, 7],
    "bool": [True, False, True],
    "whole floats": [2.0, 1.0, 2.0],
    "leading zeros and spaces": ["007", "0 7", "007"],
}


@pytest.mark.parametrize("name", LABELS)
def test_codes_point_at_the_classes(name):
    y = np.asarray(LABELS[name])
    classes, codes = learn_classes(LABELS[name])
    np.testing.assert_array_equal(classes[codes], y)
    assert classes.dtype == y.dtype
    assert list(classes) == sorted(set(y.tolist()))
    np.testing.assert_array_equal(encode_labels(LABELS[name], classes), codes)


def test_one_class_is_nothing_to_tell_apart():
    with pytest.raises(ValueError, match="at least 2 classes, got 1 class: 'a'"):
        learn_classes(["a", "a"])


def test_continuous_labels_are_no_classes():
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        learn_classes([0.5, 1.5])


def test_unseen_labels_are_named():
    with pytest.raises(ValueError, match=r"not among the classes: \['c'\]"):
        encode_labels(["a", "c"], np.array(["a", "b"]))


def test_warm_start_wants_the_same_classes():
    check_same_classes(np.array([1, 2]), np.array([1, 2]))
    with pytest.raises(ValueError, match="goes on with the classes of the earlier fit"):
        check_same_classes(np.array([1, 3]), np.array([1, 2]))
