"""Categories: one feature each, missing values one of their own."""

import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skbag._core.communicator import SINGLE_PROCESS
from skbag._text.category_encoder import CategoryEncoder
from skbag._text.encoder import LearningEncoder
from skbag._text.features import FeatureKind

VALUES = st.lists(st.none() | st.sampled_from(["red", "blue", "", "<missing>"]))


def counted(bags, names):
    """Bags by name, one dict for each."""
    return [
        {
            names[id_]: float(weight)
            for id_, weight in zip(bag.ids.tolist(), bag.weights, strict=True)
        }
        for bag in (bags.slice(i, i + 1) for i in range(len(bags)))
    ]


@given(VALUES, VALUES)
def test_each_value_is_one_feature(learnt, values):
    encoder = CategoryEncoder()
    bags = encoder.learn(learnt)
    known = list(dict.fromkeys(learnt))
    assert isinstance(encoder, LearningEncoder)
    assert encoder.n_ids == bags.n_ids == len(known)
    assert bags.ids.tolist() == [known.index(value) for value in learnt]
    assert set(encoder.kinds.tolist()) <= {FeatureKind.CATEGORY}
    bags = encoder.encode(values)
    expected = [[known.index(value)] if value in known else [] for value in values]
    assert [bags.slice(i, i + 1).ids.tolist() for i in range(len(bags))] == expected
    found = [[id_ for id_, _ in encoder.occurrences(value)] for value in values]
    assert found == expected


def test_names_and_spans():
    encoder = CategoryEncoder(["red", None])
    assert encoder.names() == ["red", "<missing>"]
    ((id_, red),) = encoder.occurrences("red")
    assert (id_, red.name, red.spans) == (0, "red", ((0, 3),))
    ((id_, missing),) = encoder.occurrences(None)
    assert (id_, missing.name, missing.spans) == (1, "<missing>", None)
    assert not list(encoder.occurrences("<missing>"))


def test_select_and_features():
    encoder = CategoryEncoder(["red", None, "blue"])
    assert encoder.select(np.array([2, 1], dtype=np.int32)).names() == [
        "blue",
        "<missing>",
    ]
    table = encoder.feature_table(SINGLE_PROCESS)
    assert encoder.with_features(table).names() == ["red", "<missing>", "blue"]
    fewer = replace(table, keys=table.keys[[2, 1]])
    assert encoder.with_features(fewer).names() == ["blue", "<missing>"]


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))]
)
def test_a_copy_learns_for_itself(copied):
    encoder = CategoryEncoder(["red", None])
    copied = copied(encoder)
    copied.learn(["blue"])
    assert encoder.names() == ["red", "<missing>"]
    assert copied.names() == ["red", "<missing>", "blue"]


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"categories": ["a", "a"], "missing_id": None}, "there twice"),
        ({"categories": ["a", 1], "missing_id": None}, "is no string"),
        ({"categories": ["a"], "missing_id": 2}, "none of the ids"),
        ({"categories": ["a"], "missing_id": True}, "none of the ids"),
    ],
)
def test_damaged_state_is_refused(state, message):
    with pytest.raises(ValueError, match=message):
        CategoryEncoder.__new__(CategoryEncoder).__setstate__(state)
