"""State of numbers is read back as it was; what no fit could have made is refused."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import skbag
from skbag import EmbeddingBagClassifier, EmbeddingBagRegressor
from skbag._persistence.schema import TARGETS
from skbag._persistence.target_state import targets_from_state, targets_state
from skbag._targets.classification_targets import ClassTargets
from skbag._targets.regression_targets import learn_numbers
from skbag.exceptions import ModelFileError

VALUES = np.random.default_rng(0).gamma(2.0, size=(50, 2))


def targets_of(loss, n_outputs=2):
    return learn_numbers(VALUES[:, :n_outputs], None, loss, is_1d=n_outputs == 1)


def read(state):
    TARGETS(state, "_targets")
    return targets_from_state(state, None, are_numbers=True)


@pytest.mark.parametrize("loss", ["squared_error", "huber", "poisson"])
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_what_is_read_is_what_was_written(loss, n_outputs):
    targets = targets_of(loss, n_outputs)
    state = targets_state(targets)
    again = targets_state(read(state))
    assert state.keys() == again.keys()
    for name, value in state.items():
        assert_array_equal(again[name], value)


def array(*numbers):
    return np.array(numbers, dtype=np.float64)


UNSOUND = {
    "another kind": ({"kind": "classes"}, "another kind of estimator"),
    "no kind": ({"kind": "words"}, "kind is 'words'"),
    "fewer scales": ({"scale": array(1)}, "'scale' of 1 outputs for 2"),
    "no outputs": ({"center": array()}, "'center' of 0 outputs"),
    "a scale of zero": ({"scale": array(0, 1)}, "scale holds 0.0, less than"),
    "a negative scale": ({"scale": array(1, -1)}, "scale holds -1.0, less than"),
    "negative squares": ({"squares": array(-1, 1)}, "holds -1.0, less than 0"),
    "a scale that is no number": ({"scale": array(np.nan, 1)}, "are not finite"),
    "a center beyond bounds": ({"center": array(1e200, 1)}, "more than 1e"),
    "infinite squares": ({"squares": array(np.inf, 1)}, "are not finite"),
    "no weight": ({"weight": 0.0}, "weight is 0.0"),
    "a weight that is no number": ({"weight": np.nan}, "weight is nan"),
    "a weight of another type": ({"weight": "5"}, "weight is '5', of type str"),
    "a rule that is none": ({"rule": "modes"}, "no units 'modes'"),
    "the rule of logarithms": ({"rule": "mean"}, "no units 'mean'"),
    "a link without its rule": ({"has_log_link": True}, "no units 'moments'"),
    "one dimension of two": ({"is_1d": True}, "2 outputs of one dimension"),
    "edges of one output": ({"edges": [array(1)]}, "'edges' of 1 outputs for 2"),
    "edges that fall": ({"edges": [array(2, 1), array()]}, "do not ascend"),
    "edges twice": ({"edges": [array(1, 1), array()]}, "do not ascend"),
    "too many edges": ({"edges": [np.arange(4.0), array()]}, r"shape \(4,\)"),
    "a table of edges": ({"edges": [np.ones((1, 1)), array()]}, "has 2 dimensions"),
    "edges that are no numbers": ({"edges": [array(np.nan), array()]}, "not finite"),
    "edges of another type": ({"edges": [np.arange(2), array()]}, "holds int64"),
    "edges that are no arrays": ({"edges": [[1.0], array()]}, "is of type list"),
}


@pytest.mark.parametrize(("changes", "match"), UNSOUND.values(), ids=UNSOUND)
def test_unsound_state_is_refused(changes, match):
    with pytest.raises(ModelFileError, match=match):
        read({**targets_state(targets_of("squared_error")), **changes})


@pytest.mark.parametrize("name", list(targets_state(targets_of("huber"))))
def test_each_field_is_needed(name):
    state = targets_state(targets_of("huber"))
    del state[name]
    with pytest.raises(ModelFileError, match=f"{name} is missing"):
        read(state)


def test_a_center_of_logarithms_is_refused():
    state = {**targets_state(targets_of("poisson")), "center": array(1, 0)}
    with pytest.raises(ModelFileError, match="'center' of logarithms"):
        read(state)


def test_numbers_are_no_state_of_a_classifier():
    state = targets_state(targets_of("huber"))
    with pytest.raises(ModelFileError, match="another kind of estimator"):
        targets_from_state(state, np.array(["a", "b"]))
    classes = np.array(["a", "b"])
    assert isinstance(
        targets_from_state(targets_state(ClassTargets(classes)), classes), ClassTargets
    )


def test_a_model_of_one_kind_is_none_of_the_other(corpus, numbers_corpus):
    """The state of one estimator in the pickle of the other."""
    clf = EmbeddingBagClassifier(random_state=0).fit(*corpus)
    reg = EmbeddingBagRegressor(random_state=0).fit(*numbers_corpus)
    for one, other in ((clf, reg), (reg, clf)):
        with pytest.raises(ModelFileError, match="not the state of a sound model"):
            type(one).__new__(type(one)).__setstate__(other.__getstate__())


def test_a_file_says_which_estimator_it_holds(corpus, numbers_corpus):
    for kind, samples in (
        (EmbeddingBagClassifier, corpus),
        (EmbeddingBagRegressor, numbers_corpus),
    ):
        file = io.BytesIO()
        skbag.save(kind(random_state=0).fit(*samples), file)
        file.seek(0)
        assert type(skbag.load(file)) is kind
