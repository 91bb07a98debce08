"""scikit-learn's own displays take raw texts from the estimator."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.calibration import CalibrationDisplay
from sklearn.metrics import (
    ConfusionMatrixDisplay,
    DetCurveDisplay,
    PrecisionRecallDisplay,
    RocCurveDisplay,
    confusion_matrix,
    roc_auc_score,
)
from sklearn.model_selection import LearningCurveDisplay, ValidationCurveDisplay


@pytest.fixture(autouse=True)
def no_figure_is_left():
    plt.switch_backend("agg")
    yield
    plt.close("all")


def test_confusion_matrix(make_classifier, corpus, new_corpus):
    clf = make_classifier().fit(*corpus)
    display = ConfusionMatrixDisplay.from_estimator(clf, *new_corpus)
    expected = confusion_matrix(new_corpus.labels, clf.predict(new_corpus.texts))
    np.testing.assert_array_equal(display.confusion_matrix, expected)
    assert list(display.display_labels) == list(clf.classes_)


@pytest.mark.parametrize("kind", [list, np.array])
def test_curves_of_two_classes(make_classifier, binary_corpus, kind):
    texts, labels = binary_corpus
    clf = make_classifier().fit(texts[:50], labels[:50])
    X, y = kind(texts[50:]), labels[50:]
    roc = RocCurveDisplay.from_estimator(clf, X, y)
    expected = roc_auc_score(np.array(y) == "good", clf.decision_function(X))
    assert roc.roc_auc == pytest.approx(expected)
    PrecisionRecallDisplay.from_estimator(clf, X, y)
    DetCurveDisplay.from_estimator(clf, X, y)
    calibration = CalibrationDisplay.from_estimator(clf, X, y, n_bins=3)
    np.testing.assert_array_equal(calibration.y_prob, clf.predict_proba(X)[:, 1])


def test_learning_curve(make_classifier, corpus):
    display = LearningCurveDisplay.from_estimator(
        make_classifier(max_iter=2), *corpus, train_sizes=[0.3, 1.0], cv=2
    )
    assert display.train_sizes.tolist() == [18, 60]
    assert display.test_scores.shape == (2, 2) and display.test_scores.min() > 0.5


def test_validation_curve(make_classifier, corpus):
    display = ValidationCurveDisplay.from_estimator(
        make_classifier(max_iter=2),
        *corpus,
        param_name="alpha",
        param_range=[1e-6, 1e-3],
        cv=2,
    )
    assert display.test_scores.shape == (2, 2)
