"""
Around a label: wrong ones, repeated ones, unknown ones
=======================================================

Before and after a fit: texts that are there twice, labels that the other texts
contradict, and texts of a class that training did not have. The texts are docstrings of
the installed libraries; the label is the library.

Run it with ``python examples/around_a_label.py``. It needs no network and takes half a
minute (the first run reads the libraries, which takes some more).
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import train_test_split

from skbag import EmbeddingBagClassifier
from skbag.datasets import load_docstrings
from skbag.labels import find_duplicates, novelty_threshold, suspect_labels

texts, labels = load_docstrings(return_X_y=True)
train_texts, test_texts, train_labels, test_labels = train_test_split(
    texts, labels, train_size=4000, test_size=2000, stratify=labels, random_state=0
)
train_labels = np.array(train_labels, dtype=object)
test_labels = np.array(test_labels, dtype=object)

# %%
# The same text twice
# -------------------
print(find_duplicates(train_texts, train_labels, test_texts, normalize=True))

# %%
# Which labels look wrong?
# ------------------------
# One label in twenty is given to another library; five models look for them, each at
# texts that it has not seen.
rng = np.random.default_rng(0)
libraries = np.unique(train_labels)
noisy = train_labels.copy()
wrong = rng.choice(len(noisy), len(noisy) // 20, replace=False)
for i in wrong:
    noisy[i] = rng.choice(libraries[libraries != noisy[i]])

clf = EmbeddingBagClassifier(random_state=0)
suspects = suspect_labels(clf, train_texts, noisy, n=len(wrong))
n_found = len(set(suspects.indices) & set(wrong))
print(
    f"\n{n_found} of the {len(wrong)} most suspect labels are wrong. The first three:"
)
for i in range(3):
    words = ", ".join(repr(word) for word, _ in suspects.words[i])
    print(f"  {suspects.labels[i]}, rather {suspects.suggested[i]}, by {words}")

# %%
# What is taken for what:
display = ConfusionMatrixDisplay.from_predictions(
    suspects.labels, suspects.suggested, colorbar=False, xticks_rotation=45
)
display.ax_.set(title="Suspect labels", xlabel="Suggested", ylabel="Label")
display.figure_.tight_layout()

# %%
# Is this text outside of what I know?
# ------------------------------------
# Train without one library, and look at how usual its texts are against others.
left_out = "torch"
known = [i for i, label in enumerate(train_labels) if label != left_out]
fitted, held_out = known[:-500], known[-500:]
clf.fit([train_texts[i] for i in fitted], train_labels[fitted])
threshold = novelty_threshold(clf, [train_texts[i] for i in held_out], keep=0.9)

scores = clf.score_samples(test_texts)
is_new = test_labels == left_out
fig, ax = plt.subplots(layout="constrained")
bins = np.linspace(scores.min(), 0, 30)
ax.hist(scores[~is_new], bins, density=True, alpha=0.6, label="known libraries")
ax.hist(scores[is_new], bins, density=True, alpha=0.6, label=left_out)
ax.axvline(threshold, color="grey", linestyle="--", label="threshold, keep=0.9")
ax.set(xlabel="score_samples", ylabel="Density")
ax.legend(loc="upper left")
print(f"\n{(scores[~is_new] >= threshold).mean():.0%} of the known texts are kept,")
print(f"{(scores[is_new] < threshold).mean():.0%} of {left_out}'s are told apart.")
plt.show()
