"""Labels of any type become codes and come back; so do sets of labels."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.metrics import f1_score, hamming_loss, log_loss

from skbag._targets.calibration import Calibration
from skbag._targets.classification_targets import (
    ClassTargets,
    LabelTargets,
    announced_targets,
    learn_targets,
)
from skbag._targets.labels import check_same_classes, encode_labels, learn_classes
from skbag._targets.targets import skill_score

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


# -- labels ----------------------------------------------------------------------------

INDICATOR = np.array([[1, 0, 1], [0, 0, 0], [0, 1, 1], [1, 1, 1]])
FORMS = {
    "array": INDICATOR,
    "bool": INDICATOR.astype(bool),
    "whole floats": INDICATOR.astype(float),
    "lists": INDICATOR.tolist(),
    "list of arrays": list(INDICATOR),
    "frame": pd.DataFrame(INDICATOR, columns=["a", "b", "c"]),
    "csr": sp.csr_array(INDICATOR),
    "csc matrix": sp.csc_matrix(INDICATOR),
    "csr with stored zeros": sp.csr_array(
        ([1, 0, 1, 1, 1, 1, 1, 1], [0, 1, 2, 1, 2, 0, 1, 2], [0, 3, 3, 5, 8]),
        shape=(4, 3),
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_an_indicator_matrix_is_sets_of_labels(form):
    targets, codes = learn_targets(FORMS[form])
    assert isinstance(targets, LabelTargets)
    assert targets.classes.tolist() == [0, 1, 2]
    assert targets.n_outputs == 3
    np.testing.assert_array_equal(codes.to_csr().toarray(), INDICATOR)
    again = targets.encode(FORMS[form])
    np.testing.assert_array_equal(again.to_csr().toarray(), INDICATOR)
    assert targets.sparse == sp.issparse(FORMS[form])


def test_the_users_matrix_is_left_alone():
    y = FORMS["csr with stored zeros"].copy()
    learn_targets(y)
    assert y.nnz == 8


@pytest.mark.parametrize("form", ["array", "csr"])
def test_scores_come_back_in_the_form_of_y(form):
    targets, _ = learn_targets(FORMS[form])
    scores = np.where(INDICATOR, 0.5, -0.5).astype("f")
    parts = [targets.predict_codes(scores[:1]), targets.predict_codes(scores[1:])]
    y = targets.collect(parts)
    assert sp.issparse(y) == (form == "csr")
    assert y.dtype == np.int64
    np.testing.assert_array_equal(y.toarray() if form == "csr" else y, INDICATOR)


COLLECTIONS = {
    "lists": [["a", "b"], ["a"]],
    "sets": [{"a"}, {"b"}],
    "tuples of numbers": [(1, 2), (3,)],
    "equal lengths": [["a", "b"], ["a", "c"]],
    "array of lists": np.array([["a", "b"], ["a"]], dtype=object),
    "series of arrays": pd.Series([np.array(["a", "b"]), np.array(["a"])]),
}


@pytest.mark.parametrize("name", COLLECTIONS)
def test_collections_of_labels_are_shown_the_way(name):
    with pytest.raises(ValueError, match=r"y holds collections.*MultiLabelBinarizer"):
        learn_targets(COLLECTIONS[name])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
@pytest.mark.parametrize("y", [[["a"], ["b"]], np.array([["a"], ["b"]])], ids=str)
def test_a_column_of_labels_is_one_class_each(y):
    assert isinstance(learn_targets(y)[0], ClassTargets)


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (
            [[1, 2], [0, 1]],
            r"holds .*2.* besides 0 and 1\. Fit one classifier per",
        ),
        (np.array([["a", "b"], ["c", "d"]]), "2 axes and holds other things than"),
        (sp.csr_array([[1], [0]]), "at least 2 labels, got 1 column"),
        (np.array([[1, np.nan], [0, 1]]), "y contains NaN"),
    ],
    ids=["other numbers", "strings", "one column", "nan"],
)
def test_other_matrices_are_no_labels(y, words):
    with pytest.raises(ValueError, match=words):
        learn_targets(y)


def test_later_y_must_be_of_the_kind_and_width_of_the_first():
    labels, classes = learn_targets(INDICATOR)[0], learn_targets(["a", "b"])[0]
    with pytest.raises(ValueError, match="y must be an indicator matrix of 3 columns"):
        labels.encode([0, 1, 2])
    with pytest.raises(ValueError, match="y has 2 columns, but there are 3 labels"):
        labels.encode(INDICATOR[:, :2])
    with pytest.raises(ValueError, match="the earlier calls had one class per sample"):
        classes.encode(INDICATOR)


def test_warm_start_wants_the_same_kind():
    labels, classes = learn_targets(INDICATOR)[0], learn_targets(["a", "b"])[0]
    labels.check_same(labels)
    with pytest.raises(ValueError, match="one class per sample, but y is an indicator"):
        labels.check_same(classes)
    with pytest.raises(ValueError, match="an indicator matrix, but y is one class"):
        classes.check_same(labels)
    with pytest.raises(ValueError, match=r"with the 3 labels.*but y has 2 columns"):
        LabelTargets(2, False).check_same(labels)


def test_announced_classes_are_the_numbers_of_the_columns():
    targets = announced_targets(np.arange(3), INDICATOR)
    assert isinstance(targets, LabelTargets)
    assert isinstance(announced_targets(np.array(["a", "b"]), ["a"]), ClassTargets)
    with pytest.raises(ValueError, match=r"numbers of the 3 columns of y, range\(3"):
        announced_targets(np.array(["a", "b", "c"]), INDICATOR)


def test_a_regression_takes_signs():
    codes = np.array([0, 2, 1])
    signs = ClassTargets(np.arange(3)).numbers(codes)
    assert signs.tolist() == [[1, -1, -1], [-1, -1, 1], [-1, 1, -1]]
    two = ClassTargets(np.array(["a", "b"])).numbers(np.array([0, 1]))
    assert two.tolist() == [[-1], [1]]
    targets, sets = learn_targets(np.array([[0, 1, 1], [0, 0, 0], [1, 0, 0]]))
    assert targets.numbers(sets).tolist() == [[-1, 1, 1], [-1, -1, -1], [1, -1, -1]]
    assert targets.numbers(sets[1:]).tolist() == [[-1, -1, -1], [1, -1, -1]]


def test_targets_of_two_processes_are_those_of_both():
    parts = [learn_targets(y, is_part=True) for y in (["b", "b"], ["c", "a"])]
    both = [targets for targets, _ in parts]
    for (targets, codes), expected in zip(parts, ([1, 1], [2, 0]), strict=True):
        merged, new_codes = targets.merge(both, codes)
        assert merged.classes.tolist() == ["a", "b", "c"]
        assert new_codes.tolist() == expected
    one, codes = learn_targets(["a", "a"], is_part=True)
    with pytest.raises(ValueError, match="at least 2 classes, got 1 class: 'a'"):
        one.merge([one, one], codes)


def test_skill_is_accuracy_above_the_majority_baseline():
    assert skill_score(0.75, 0.75) == 0
    assert skill_score(0.5, 0.75) == 0
    assert skill_score(1.0, 0.75) == pytest.approx(1)


def test_accuracy_chance_and_agreement_of_labels():
    targets, codes = learn_targets(INDICATOR)
    predicted = np.array([[1, 0, 0], [0, 0, 0], [1, 0, 0], [1, 1, 1]])
    predictions = sp.csr_array(predicted > 0)
    accuracies = targets.accuracies(predictions, codes)
    assert accuracies.mean() == pytest.approx(1 - hamming_loss(INDICATOR, predicted))
    np.testing.assert_allclose(
        targets.sample_scores(predictions, codes),
        [
            f1_score(true, found, zero_division=1)
            for true, found in zip(INDICATOR, predicted, strict=True)
        ],
    )
    always = np.broadcast_to([1, 1, 1], INDICATOR.shape)  # each as often as not or more
    assert targets.majority_baseline(
        targets.counts(codes), len(codes)
    ) == pytest.approx(1 - hamming_loss(INDICATOR, always))


@pytest.mark.parametrize("link", ["softmax", "softplus"])
@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("weighted", [False, True])
def test_log_loss_of_classes(n_classes, link, weighted):
    rng = np.random.default_rng(0)
    targets, codes = learn_targets(np.arange(20) % n_classes)
    scores = rng.normal(size=(20, targets.n_outputs)).astype(np.float32)
    calibration = Calibration(3.0, 0.25, "softmax" if n_classes == 2 else link)
    weights = rng.uniform(0.5, 2, 20) if weighted else None
    probabilities = targets.probabilities(scores + np.float32(0.25), calibration)
    expected = log_loss(codes, probabilities, sample_weight=weights, normalize=False)
    found = targets.log_loss(scores, codes, weights, calibration)
    assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("weighted", [False, True])
def test_log_loss_of_labels(weighted):
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=(20, 3))
    targets, codes = learn_targets(y)
    scores = rng.normal(size=(20, 3)).astype(np.float32)
    weights = rng.uniform(0.5, 2, 20) if weighted else None
    calibration = Calibration(2.0)
    probabilities = targets.probabilities(scores, calibration)
    expected = sum(
        log_loss(y[:, k], probabilities[:, k], sample_weight=weights, normalize=False)
        for k in range(3)
    )
    found = targets.log_loss(scores, codes, weights, calibration)
    assert found == pytest.approx(expected, rel=1e-5)
