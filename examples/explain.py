"""
Explain: which words decide
===========================

What each class is known by, which tokens are alike, and what each word of a text adds
to the prediction, exactly. The texts are docstrings of the installed libraries; the
task is to predict which library one comes from.

Run it with ``python examples/explain.py``. It needs no network and takes seconds (the
first run reads the libraries, which takes some more).
"""

import numpy as np
from sklearn.model_selection import train_test_split

from skbag import EmbeddingBagClassifier
from skbag.datasets import load_docstrings

texts, labels = load_docstrings(return_X_y=True)
train_texts, test_texts, train_labels, test_labels = train_test_split(
    texts, labels, train_size=4000, test_size=500, stratify=labels, random_state=0
)
clf = EmbeddingBagClassifier(random_state=0).fit(train_texts, train_labels)
print(f"Accuracy: {clf.score(test_texts, test_labels):.3f}\n")

# %%
# What each class is known by
# ---------------------------
for label, tokens in clf.top_tokens(k=6).items():
    print(f"{label:12} {', '.join(repr(token) for token, _ in tokens)}")

# %%
# Which tokens are alike
# ----------------------
# Alike are those that speak for the same classes, as the table holds their scores.
print(f"\nLike 'matrix': {[token for token, _ in clf.most_similar('matrix', k=6)]}\n")

# %%
# Why this prediction?
# --------------------
# A terminal gets the strongest features of each text.
some = sorted(test_texts, key=len)[20:22]
explanation = clf.explain(some)
print(explanation)

# %%
# A notebook shows the texts with their words tinted.
explanation

# %%
# Every feature, and where it stands
# ----------------------------------
one = explanation[0]
best = np.argsort(-np.abs(one.contributions).max(axis=1))[:5]
print("\nThe five strongest occurrences in the first:")
for i in best:
    parts = [one.texts[0][start:end] for start, end in one.spans[i]]
    print(f"  {one.features[i]!r} stands at {parts} {one.spans[i]}")
assert np.allclose(explanation.scores, clf.decision_function(some), atol=1e-5)
print("The contributions and the intercept sum to the decision function.")

# sphinx_gallery_thumbnail_path = "drawings/thumbnails/explain.svg"
