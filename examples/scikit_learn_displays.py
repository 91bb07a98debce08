"""
scikit-learn's own displays
===========================

All of scikit-learn's displays that ask an estimator for its predictions take raw texts:
the estimator is one of its own kind. Here are those that one looks at most.

Run it with ``python examples/scikit_learn_displays.py``; it needs matplotlib
(``pip install "skbag[plot]"``). The texts are docstrings of the installed libraries;
the task is to predict which library one comes from, or whether it is torch.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.calibration import CalibrationDisplay
from sklearn.metrics import (
    ConfusionMatrixDisplay,
    PrecisionRecallDisplay,
    RocCurveDisplay,
)
from sklearn.model_selection import (
    LearningCurveDisplay,
    ValidationCurveDisplay,
    train_test_split,
)

from skbag import EmbeddingBagClassifier
from skbag.datasets import load_docstrings

texts, labels = load_docstrings(return_X_y=True)
train_texts, test_texts, train_labels, test_labels = train_test_split(
    texts, labels, train_size=3000, test_size=2000, stratify=labels, random_state=0
)
clf = EmbeddingBagClassifier(random_state=0).fit(train_texts, train_labels)

# %%
# Which classes are taken for which
# ---------------------------------
# In percent of each class's texts.
display = ConfusionMatrixDisplay.from_estimator(
    clf, test_texts, test_labels, normalize="true", values_format=".0%", cmap="Blues"
)
display.ax_.set_title("Predictions, as shares of each library")
accuracy = np.mean(clf.predict(test_texts) == test_labels)
print(f"Accuracy: {accuracy:.3f}")

# %%
# Two classes: ROC, precision and recall, calibration
# ---------------------------------------------------
# Is it torch, or another library?
is_torch = EmbeddingBagClassifier(random_state=0)
is_torch.fit(train_texts, train_labels == "torch")
y = test_labels == "torch"
figure, axes = plt.subplots(1, 3, figsize=(14, 4.5), layout="constrained")
RocCurveDisplay.from_estimator(is_torch, test_texts, y, ax=axes[0])
PrecisionRecallDisplay.from_estimator(is_torch, test_texts, y, ax=axes[1])
CalibrationDisplay.from_estimator(
    is_torch, test_texts, y, n_bins=8, strategy="quantile", ax=axes[2]
)
titles = ("ROC: is it torch?", "Precision and recall", "Calibration")
for ax, title in zip(axes, titles, strict=True):
    ax.set_title(title)

# %%
# Would more texts help?
# ----------------------
display = LearningCurveDisplay.from_estimator(
    clf,
    train_texts,
    train_labels,
    train_sizes=np.array([0.1, 0.3, 1.0]),
    cv=3,
    score_name="Accuracy",
)
display.ax_.set_title("Accuracy by number of texts")

# %%
# Would another value of a parameter help?
# ----------------------------------------
# The points to the right of the chosen strength of the penalty lose accuracy.
display = ValidationCurveDisplay.from_estimator(
    clf,
    train_texts,
    train_labels,
    param_name="alpha",
    param_range=[1e-6, 1e-5, 1e-4, 1e-3, 1e-2],
    cv=3,
    score_name="Accuracy",
)
display.ax_.set(title="Accuracy by strength of the penalty", xscale="log")
print(f"alpha chosen by itself: {clf.alpha_:.2g}")

# %%
# Where there is a screen, the pictures are shown.
if plt.get_backend().lower() != "agg":
    plt.show()
