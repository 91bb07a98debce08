"""
Pictures of a model
===================

How training went, what each class is known by, why a text got its prediction, and where
tokens and texts lie: the displays of ``skbag.displays``. They work as those of
scikit-learn do: ``from_estimator`` draws, ``ax=`` says where to, and the artists are
attributes, to be changed at will.

Run it with ``python examples/pictures.py``; it needs matplotlib
(``pip install "skbag[plot]"``). The texts are docstrings of the installed libraries;
the task is to predict which library one comes from.
"""

import matplotlib.pyplot as plt
from sklearn.model_selection import train_test_split

from skbag import EmbeddingBagClassifier
from skbag.datasets import load_docstrings
from skbag.displays import (
    EmbeddingMapDisplay,
    TokenContributionsDisplay,
    TopTokensDisplay,
    TrainingHistoryDisplay,
)

texts, labels = load_docstrings(return_X_y=True)
train_texts, test_texts, train_labels, test_labels = train_test_split(
    texts, labels, train_size=4000, test_size=1000, stratify=labels, random_state=0
)
clf = EmbeddingBagClassifier(early_stopping=True, max_iter=10, random_state=0)
clf.fit(train_texts, train_labels)
print(f"Accuracy: {clf.score(test_texts, test_labels):.3f}")

# %%
# How training went
# -----------------
# Of each epoch the mean loss, and the score on the samples that ``early_stopping`` has
# of validation. The model kept is that of the best epoch.
history = TrainingHistoryDisplay.from_estimator(clf)
print(f"Best epoch: {history.best_epoch} of {clf.n_iter_}")

# %%
# What each class is known by
# ---------------------------
# The tokens that add most to the score of each class.
strongest = TopTokensDisplay.from_estimator(clf, k=6)
print(f"{len(strongest.bars_)} classes")

# %%
# Why this prediction?
# --------------------
# Each token's part in the score of the class predicted, or of one named by
# ``class_label``. All bars sum to the score, exactly.
text = min(test_texts, key=lambda text: abs(len(text) - 160))
reasons = TokenContributionsDisplay.from_estimator(clf, text)
score = clf.decision_function([text]).max()
print(f"Score {score:.3f}; the bars sum to {reasons.score:.3f}")

# %%
# Where tokens lie
# ----------------
# The strongest tokens of three of the classes, as PCA sees their rows in the table.
# Names that would cover others are left out, and counted below the title.
EmbeddingMapDisplay.from_estimator(clf, class_labels=["numpy", "torch", "sklearn"])

# %%
# Where texts lie
# ---------------
# Vectors of ``transform``, coloured by their labels: to the left by PCA, to the right
# by t-SNE, which takes longer, and keeps neighbours together at the price of all else.
figure, axes = plt.subplots(1, 2, figsize=(12, 5), layout="constrained")
for method, ax in zip(("pca", "tsne"), axes, strict=True):
    EmbeddingMapDisplay.from_estimator(
        clf, test_texts, test_labels, method=method, max_points=500, ax=ax
    )

# %%
# Where there is a screen, the pictures are shown.
if plt.get_backend().lower() != "agg":
    plt.show()
