"""Several labels per text: debian_tags against one-vs-rest and fastText, in one run.

Micro and macro F1, precision of the first 1, 3 and 5 labels, and seconds to fit (from
raw texts) and to predict, by the clock and, for machines that are shared, of all cores
together. Prints a Markdown table:

    python docs/benchmarks/multilabel.py FOLDER [--repeats 3] [--only NAME ...]

FOLDER holds debian_tags.train.parquet and debian_tags.test.parquet, with the columns
`text` and `label`, a list of labels. fastText gets texts with the same tokens, one by
one in spaces, and names the labels whose probability is above one half.
"""

from __future__ import annotations

import argparse
import re
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MultiLabelBinarizer

from skbag import EmbeddingBagClassifier
from skbag._model.top_k import best_columns

TOKEN = re.compile(r"\w+|[^\w\s]")
N_BEST = 5

Predicted = tuple[Any, np.ndarray]
"""An indicator matrix, and the numbers of the best labels of each text."""


def read(folder: Path, part: str) -> tuple[list[str], list[list[str]]]:
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(folder / f"debian_tags.{part}.parquet")
    return table.column("text").to_pylist(), table.column("label").to_pylist()


def skbag(**parameters: Any) -> Callable[[list[str], Any, int], Any]:
    def fit(texts: list[str], Y: Any, seed: int) -> Callable[[list[str]], Predicted]:
        clf = EmbeddingBagClassifier(random_state=seed, **parameters).fit(texts, Y)
        return lambda new: (clf.predict(new), clf.top_k(new, N_BEST)[0])

    return fit


def one_vs_rest(
    texts: list[str], Y: Any, seed: int
) -> Callable[[list[str]], Predicted]:
    pipeline = make_pipeline(
        TfidfVectorizer(sublinear_tf=True),
        # The solver that takes the least time on sparse texts.
        OneVsRestClassifier(LogisticRegression(C=10, solver="liblinear")),
    ).fit(texts, Y)

    def predict(new: list[str]) -> Predicted:
        return pipeline.predict(new), best_columns(pipeline.predict_proba(new), N_BEST)

    return predict


def fasttext(dim: int, epochs: int) -> Callable[[list[str], Any, int], Any]:
    def fit(texts: list[str], Y: Any, seed: int) -> Callable[[list[str]], Predicted]:
        from fasttext import train_supervised

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "train.txt"
            with path.open("w", encoding="utf-8") as file:
                for i, text in enumerate(texts):
                    labels = Y.indices[Y.indptr[i] : Y.indptr[i + 1]]
                    names = " ".join(f"__label__{label}" for label in labels)
                    file.write(f"{names} {normal(text)}\n")
            model = train_supervised(
                input=str(path), loss="ova", lr=0.5, dim=dim, wordNgrams=2,
                epoch=epochs, thread=2, seed=seed, verbose=0,
            )  # fmt: skip

        def predict(new: list[str]) -> Predicted:
            named = sp.lil_array((len(new), Y.shape[1]), dtype=np.int64)
            best = np.zeros((len(new), N_BEST), dtype=np.int64)
            for i, text in enumerate(new):
                names, probabilities = model.predict(normal(text), k=60)
                numbers = np.array([int(name[9:]) for name in names])
                best[i] = numbers[:N_BEST]
                named[i, numbers[np.asarray(probabilities) > 0.5]] = 1
            return named.tocsr(), best

        return predict

    return fit


def normal(text: str) -> str:
    return " ".join(TOKEN.findall(text.lower()))


METHODS: dict[str, Callable[[list[str], Any, int], Any]] = {
    "skbag": skbag(),
    "skbag, cross_entropy": skbag(loss="cross_entropy"),
    "skbag, embedding_dim=128": skbag(embedding_dim=128),
    "fastText ova, dim 10, 5 epochs": fasttext(10, 5),
    "fastText ova, dim 100, 5 epochs": fasttext(100, 5),
    "fastText ova, dim 100, 25 epochs": fasttext(100, 25),
    "OneVsRest(TF-IDF + LR(C=10))": one_vs_rest,
}
SLOW = "OneVsRest"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", nargs="+", default=list(METHODS))
    options = parser.parse_args()
    train_texts, train_labels = read(options.folder, "train")
    test_texts, test_labels = read(options.folder, "test")
    binarizer = MultiLabelBinarizer(sparse_output=True)
    Y = binarizer.fit_transform(train_labels).tocsr()
    known = set(binarizer.classes_)
    truth = binarizer.transform([known.intersection(x) for x in test_labels]).tocsr()
    fit_seconds: dict[str, list[float]] = {name: [] for name in options.only}
    cpu_seconds: dict[str, list[float]] = {name: [] for name in options.only}
    predict_seconds: dict[str, list[float]] = {name: [] for name in options.only}
    scores: dict[str, list[list[float]]] = {name: [] for name in options.only}
    for repeat in range(options.repeats):
        for name in options.only:
            if repeat and name.startswith(SLOW):
                continue
            started, cpu_started = time.perf_counter(), time.process_time()
            predict = METHODS[name](train_texts, Y, repeat)
            fitted = time.perf_counter()
            cpu_seconds[name].append(time.process_time() - cpu_started)
            named, best = predict(test_texts)
            fit_seconds[name].append(fitted - started)
            predict_seconds[name].append(time.perf_counter() - fitted)
            scores[name].append(measured(truth, named, best))
    print(
        "| method | micro F1 | macro F1 | p@1 | p@3 | p@5 | fit s | of cores | predict s |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for name in options.only:
        cells = [f"{100 * mean:.2f}" for mean in np.mean(scores[name], axis=0)]
        cells.append(f"{statistics.median(fit_seconds[name]):.1f}")
        cells.append(f"{statistics.median(cpu_seconds[name]):.1f}")
        cells.append(f"{statistics.median(predict_seconds[name]):.1f}")
        print(f"| {name} | {' | '.join(cells)} |")


def measured(truth: Any, named: Any, best: np.ndarray) -> list[float]:
    """Micro F1, macro F1 and precision of the first 1, 3 and 5."""
    averages = [
        float(f1_score(truth, named, average=average, zero_division=0))
        for average in ("micro", "macro")
    ]
    hits = truth.toarray()[np.arange(len(best))[:, None], best]
    return averages + [float(hits[:, :k].mean()) for k in (1, 3, N_BEST)]


if __name__ == "__main__":
    main()
