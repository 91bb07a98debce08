"""
Several labels per text
=======================

A docstring may speak of arrays, of files and of errors at once. The task here
is which of a dozen tags a docstring deserves; the tags themselves are read off words
that are then taken out of the text, so that they must be guessed from the rest.
"""

import re

import numpy as np
from sklearn.metrics import classification_report, f1_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import MultiLabelBinarizer

from skbag import EmbeddingBagClassifier
from skbag.datasets import load_docstrings

# %%
# Tags and the words that give them away; every text may have any number of tags.
WORDS = {
    "arrays": "array arrays ndarray",
    "charts": "plot plots axes figure",
    "dates": "date dates datetime time",
    "errors": "error errors exception raise raises raised",
    "files": "file files path directory",
    "frames": "dataframe series column columns",
    "matrices": "matrix matrices",
    "models": "model models estimator fit",
    "random": "random seed",
    "shapes": "shape shapes dimension dimensions",
    "strings": "string strings str text",
    "tensors": "tensor tensors",
}
tag_of = {word: tag for tag, words in WORDS.items() for word in words.split()}

texts, labels = [], []
for text in load_docstrings(return_X_y=True)[0]:
    words = re.findall(r"\w+|[^\w\s]", text.lower())
    labels.append(sorted({tag_of[word] for word in words if word in tag_of}))
    texts.append(" ".join(word for word in words if word not in tag_of))
print(f"{len(texts)} texts, {np.mean([len(tags) for tags in labels]):.2f} tags each")

# %%
# ``MultiLabelBinarizer`` makes an indicator matrix of lists of labels, and lists of
# predictions. With ``sparse_output=True`` it stays small however many labels there are.
binarizer = MultiLabelBinarizer(sparse_output=True)
y = binarizer.fit_transform(labels)
train_texts, test_texts, train_y, test_y = train_test_split(
    texts, y, train_size=6000, random_state=0
)

# %%
# One fit learns all tags; each has its own loss and its own probability.
clf = EmbeddingBagClassifier(random_state=0).fit(train_texts, train_y)
predicted = clf.predict(test_texts)
print(
    classification_report(
        test_y, predicted, target_names=binarizer.classes_, zero_division=0
    )
)

# %%
# The probabilities of a text need not sum to 1. The most probable tags, whether or not
# they are more probable than not:
numbers, probabilities = clf.top_k(test_texts[:3], 3)
for text, row, values in zip(test_texts, numbers, probabilities, strict=False):
    named = [
        f"{tag} {value:.2f}"
        for tag, value in zip(binarizer.classes_[row], values, strict=True)
    ]
    print(f"{text[:60]:60s}  {', '.join(named)}")

# %%
# Labels that matter more
# -----------------------
# A weight for having a label against not having it makes rare ones be named more often.
for class_weight in (None, "balanced"):
    clf = EmbeddingBagClassifier(class_weight=class_weight, random_state=0)
    predicted = clf.fit(train_texts, train_y).predict(test_texts)
    scores = [
        f"{average} F1 {f1_score(test_y, predicted, average=average):.3f}"
        for average in ("micro", "macro")
    ]
    print(f"class_weight={class_weight}: {', '.join(scores)}")

# sphinx_gallery_thumbnail_path = "drawings/thumbnails/tags.svg"
