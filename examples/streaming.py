"""
Streaming: learning from texts as they come
===========================================

``partial_fit`` learns from one batch after the other, none of which has to be kept.
Here each batch is predicted before it is learnt; its labels were unknown to the model
until then, so this is progressive validation. On the way new words join the
vocabulary, and the model is saved and loaded without losing its place. In the end it
is compared with one that had all texts at once.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import joblib
import numpy as np
from sklearn.model_selection import train_test_split

from skbag import EmbeddingBagClassifier
from skbag.datasets import load_docstrings

# %%
# A stream
# --------
# Docstrings of installed libraries; the task: which library. In earnest this would
# read from a file, a queue or a database.
texts, labels = load_docstrings(return_X_y=True)
texts, test_texts, labels, test_labels = train_test_split(
    texts, labels, test_size=0.25, stratify=labels, random_state=0
)
classes = np.unique(labels)


def stream(batch_size=1000):
    """Yield batches of texts and labels, the last one shorter."""
    for start in range(0, len(texts), batch_size):
        stop = start + batch_size
        yield texts[start:stop], labels[start:stop]


# %%
# Predict, then learn
# -------------------
# All labels that will ever come are announced with the first batch; words need not be.
# Halfway the model is saved and loaded. Both go on, to see whether they stay the same.
# (In a new process the first batch takes the time of importing torch, too.)
clf = EmbeddingBagClassifier(random_state=0)
resumed = None
n_texts, n_features, seconds = 0, [], 0.0
print("batch   texts so far   accuracy before learning it   features   seconds")
for number, (batch_texts, batch_labels) in enumerate(stream(), start=1):
    accuracy = ""
    if number > 1:
        accuracy = f"{clf.score(batch_texts, batch_labels):.3f}"
    started = perf_counter()
    clf.partial_fit(batch_texts, batch_labels, classes=classes)
    elapsed = perf_counter() - started
    seconds += elapsed
    n_texts += len(batch_texts)
    n_features.append(clf.embedding_.shape[0])
    print(
        f"{number:5d} {n_texts:14d} {accuracy:>29s} {n_features[-1]:10d} {elapsed:9.2f}"
    )
    if resumed is not None:
        resumed.partial_fit(batch_texts, batch_labels)
    elif number == 7:
        with TemporaryDirectory() as folder:
            path = Path(folder, "halfway.joblib")
            joblib.dump(clf, path)
            resumed = joblib.load(path)
        print("      (saved and loaded)")

scores = clf.decision_function(test_texts)
assert np.array_equal(scores, resumed.decision_function(test_texts))
print("\nThe loaded model ended up bit by bit where the other did.\n")

# %%
# Words that came later
# ---------------------
# A new feature (a word or a pair of words) gets the next free id, and those before keep
# theirs. So these are words that the first batch did not have, for each library the one
# that speaks for it most.
later = {
    word: i
    for word, i in clf.vocabulary_.items()
    if i >= n_features[0] and word.isalpha()
}
words, ids = list(later), list(later.values())
print("Learnt after the first batch:")
for name, coefficients in zip(clf.classes_, clf.coef_[:, ids], strict=True):
    print(f"  {name:8s} {words[coefficients.argmax()]}")

# %%
# All at once
# -----------
# With all texts at hand ``fit`` makes several passes over them, and knows from the
# start which words matter.
started = perf_counter()
at_once = EmbeddingBagClassifier(random_state=0).fit(texts, labels)
seconds_at_once = perf_counter() - started
print(f"\nOn {len(test_texts)} texts that neither has seen:")
for name, model, taken in [
    (f"partial_fit, {number} batches", clf, seconds),
    (f"fit, {at_once.n_iter_} epochs", at_once, seconds_at_once),
]:
    accuracy = model.score(test_texts, test_labels)
    print(f"  {name:24s} accuracy {accuracy:.3f}  [{taken:.1f} s]")

# %%
# In bounded memory
# -----------------
# A vocabulary grows as long as new words come. ``n_buckets`` hashes features into a
# table of fixed size instead: what it takes is known before the first batch, at the
# price of the names, and of features that now and then share a row.
bounded = EmbeddingBagClassifier(n_buckets=2**17, random_state=0)
sizes = []
for batch_texts, batch_labels in stream():
    bounded.partial_fit(batch_texts, batch_labels, classes=classes)
    sizes.append(bounded.embedding_.nbytes)
accuracy = bounded.score(test_texts, test_labels)
print(
    f"  n_buckets=2**17          accuracy {accuracy:.3f}; its table had "
    f"{sizes[0] / 2**20:.0f} MiB after the first batch, {sizes[-1] / 2**20:.0f} at the "
    f"end\n  (the vocabulary's: {clf.embedding_.nbytes / 2**20:.0f} MiB and growing)"
)

# sphinx_gallery_thumbnail_path = "drawings/thumbnails/streaming.svg"
