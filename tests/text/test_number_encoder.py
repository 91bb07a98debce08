"""A column of numbers has one feature, which is not counted."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skbag._core.communicator import SINGLE_PROCESS
from skbag._text.features import FeatureKind
from skbag._text.number_encoder import NumberEncoder


def test_a_number_has_an_empty_bag():
    encoder = NumberEncoder()
    for bags in (encoder.learn([1.0, float("nan")]), encoder.encode([2.0, 3.0])):
        assert (len(bags), bags.n_ids, len(bags.ids)) == (2, 1, 0)
    assert encoder.n_ids == 1
    assert_array_equal(encoder.kinds, [FeatureKind.NUMBER])
    assert len(encoder.kinds_since(1)) == 0


def test_the_feature_has_no_name_beside_that_of_the_column():
    encoder = NumberEncoder()
    assert encoder.names() == [""]
    ((id_, occurrence),) = encoder.occurrences(1.5)
    assert (id_, occurrence.name, occurrence.spans) == (0, "", None)


def test_the_feature_stays():
    encoder = NumberEncoder()
    assert encoder.select(np.array([0], dtype=np.int32)) is encoder
    with pytest.raises(ValueError, match="left out"):
        encoder.select(np.empty(0, dtype=np.int32))
    table = encoder.feature_table(SINGLE_PROCESS)
    assert table.strings.to_list() == [b""]
    assert encoder.with_features(table) is encoder
    other, ids = encoder.without_short_text_features()
    assert other is encoder
    assert_array_equal(ids, [0])
