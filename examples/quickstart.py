"""
Quickstart: from raw texts to a model that another process uses
===============================================================

The whole way on real texts that need no network: the docstrings of the installed
libraries. The task is to predict from a docstring which library it comes from; the
names of the libraries are masked in the texts, or it would be none. The script fits,
reports, tunes, saves, and predicts in a new process that never imports torch.

Run it with ``python examples/quickstart.py``. It takes well under a minute on two
cores, and prints where the time goes.
"""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import joblib
from sklearn.metrics import classification_report
from sklearn.model_selection import GridSearchCV, train_test_split

from skbag import EmbeddingBagClassifier
from skbag.datasets import load_docstrings

script_started = perf_counter()

# %%
# Texts and labels
# ----------------
# The first call reads the source files of the libraries, which takes some ten seconds;
# later calls find the texts in the folder ``~/skbag_data`` (or in ``SKBAG_DATA``).
started = perf_counter()
texts, labels = load_docstrings(return_X_y=True)
seconds = perf_counter() - started
train_texts, test_texts, train_labels, test_labels = train_test_split(
    texts, labels, test_size=0.25, stratify=labels, random_state=0
)
print(f"{len(texts)} docstrings of {len(set(labels))} libraries [{seconds:.1f} s]")
print(f"One of {test_labels[0]}: {test_texts[0][:60]}...\n")

# %%
# Fit
# ---
# Raw texts go in as they are. No parameter has to be set; ``random_state`` makes the
# result repeat. The first fit in a process also imports torch.
started = perf_counter()
clf = EmbeddingBagClassifier(random_state=0).fit(train_texts, train_labels)
seconds = perf_counter() - started
print(f"Fitted on {len(train_texts)} texts in {clf.n_iter_} epochs [{seconds:.1f} s]")

started = perf_counter()
predicted = clf.predict(test_texts)
seconds = perf_counter() - started
print(f"Predicted {len(test_texts)} texts [{seconds:.2f} s]")
accuracy = (predicted == test_labels).mean()
print(f"Accuracy: {accuracy:.3f}\n")
print(classification_report(test_labels, predicted, digits=3))

# %%
# Tune
# ----
# The parameters are those of the estimator itself, so every search of scikit-learn
# works on them. Here a third of the training texts and four candidates, in two
# processes. (The guard is a habit worth having where processes are started: some kinds
# of them read the script again.)
grid = {"ngram_range": [(1, 1), (1, 2)], "supervised_weighting": [False, True]}
if __name__ == "__main__":
    started = perf_counter()
    search = GridSearchCV(EmbeddingBagClassifier(random_state=0), grid, cv=3, n_jobs=2)
    search.fit(train_texts[::3], train_labels[::3])
    seconds = perf_counter() - started
    print(f"Grid search, 4 candidates x 3 folds [{seconds:.1f} s]")
    results = search.cv_results_
    for params, score in zip(
        results["params"], results["mean_test_score"], strict=True
    ):
        print(f"  {score:.3f}  {params}")
    print(f"Best: {search.best_params_}\n")

# %%
# Save, and predict somewhere else
# --------------------------------
# A fitted estimator holds numpy arrays only: whoever loads it needs neither a GPU nor
# the time that importing torch takes.
sentences = [
    "Compute the eigenvalues of a banded symmetric matrix.",
    "Split the samples into folds and fit the estimator on each of them.",
    "Open a connection to the server and send the headers of the request.",
]
elsewhere = """
import json, sys
import joblib

model_path, sentences = sys.argv[1], json.loads(sys.argv[2])
clf = joblib.load(model_path)
answer = {
    "labels": clf.predict(sentences).tolist(),
    "probabilities": clf.predict_proba(sentences).tolist(),
    "torch_imported": "torch" in sys.modules,
}
print(json.dumps(answer))
"""
if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        path = Path(folder, "model.joblib")
        joblib.dump(clf, path, compress=3)
        print(f"Saved, compressed: {path.stat().st_size / 2**20:.1f} MiB")
        started = perf_counter()
        process = subprocess.run(
            [sys.executable, "-c", elsewhere, str(path), json.dumps(sentences)],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        seconds = perf_counter() - started
    answer = json.loads(process.stdout)
    print(f"Loaded and used in a new process [{seconds:.1f} s, start included]")
    assert not answer["torch_imported"]
    assert answer["probabilities"] == clf.predict_proba(sentences).tolist()
    print(
        "torch was not imported there; the probabilities are, bit by bit, those here."
    )
    print()
    for sentence, label, row in zip(
        sentences, answer["labels"], answer["probabilities"], strict=True
    ):
        print(sentence)
        best_first = sorted(zip(row, clf.classes_, strict=True), reverse=True)[:3]
        shown = ", ".join(f"{name} {share:.2f}" for share, name in best_first)
        print(f"  -> {label}  ({shown})")
    print(f"\nAll of this, imports aside: {perf_counter() - script_started:.1f} s")

# sphinx_gallery_thumbnail_path = "drawings/thumbnails/quickstart.svg"
