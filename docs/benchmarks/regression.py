"""Numbers from texts: EmbeddingBagRegressor with default parameters against its peers.

    python docs/benchmarks/regression.py --data FOLDER [--validation] [--output FILE]

Fits each method on each set of number_sets.py, in turns, and prints Markdown tables: R2
on the test part (with ``--validation`` on a fifth of the training part, for choices to be
made on), seconds of processor time of the fit, on one thread, medians over the repeats;
and what predicts five grades best.
FOLDER is that of run.py; ``--smoke`` runs all of it on made-up texts.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import RidgeCV
from sklearn.metrics import accuracy_score, cohen_kappa_score, r2_score
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVR

sys.path.insert(0, str(Path(__file__).parent))

import number_sets
from number_sets import Part
from report import markdown

from skbag import EmbeddingBagClassifier, EmbeddingBagRegressor

MAX_TRAIN, MAX_TEST = 10_000, 10_000
"""Texts of each part, drawn at random."""

SKBAG = "skbag"
ALPHAS = 10.0 ** np.arange(-1, 2, 0.5)
N_BINS = 10
"""Groups of numbers that fastText tells apart."""

Predict = Callable[[list[str]], NDArray[Any]]
Fit = Callable[[Part, int], Predict]


def skbag(**parameters: Any) -> Fit:
    """Fit of the regressor, on one thread as the others."""
    return lambda train, seed: (
        EmbeddingBagRegressor(random_state=seed, n_jobs=1, **parameters)
        .fit(*train)
        .predict
    )


def ridge(n: int) -> Fit:
    """TF-IDF of words, or of pairs as well, and ridge regression of the best penalty."""
    return lambda train, seed: (
        make_pipeline(
            TfidfVectorizer(ngram_range=(1, n), sublinear_tf=True),
            RidgeCV(ALPHAS, cv=3),
        )
        .fit(*train)
        .predict
    )


def svr(train: Part, seed: int) -> Predict:
    """TF-IDF of words and pairs, and a linear support vector regression."""
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    model = make_pipeline(vectorizer, LinearSVR(random_state=seed)).fit(*train)
    predict: Predict = model.predict
    return predict


def fasttext_by_bins(train: Part, seed: int) -> Predict:
    """Classes of fastText for groups of numbers, and the mean of those it expects."""
    import fasttext
    from methods.fasttext_method import PREFIX, normalise

    inner = np.arange(1, N_BINS) / N_BINS
    codes = np.searchsorted(np.unique(np.quantile(train.y, inner)), train.y)
    means = {c: train.y[codes == c].mean() for c in np.unique(codes).tolist()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.txt"
        with path.open("w", encoding="utf-8") as file:
            for text, code in zip(train.texts, codes.tolist(), strict=True):
                file.write(f"{PREFIX}{code} {normalise(text)}\n")
        model = fasttext.train_supervised(
            str(path), lr=0.5, dim=10, wordNgrams=2, epoch=5, thread=1, seed=seed,
            verbose=0,
        )  # fmt: skip

    def predict(texts: list[str]) -> NDArray[Any]:
        found = [model.predict(normalise(text), k=-1) for text in texts]
        return np.array(
            [
                sum(
                    p * means[int(name[len(PREFIX) :])]
                    for name, p in zip(names, shares, strict=True)
                )
                for names, shares in found
            ]
        )

    return predict


METHODS: dict[str, Fit] = {
    SKBAG: skbag(),
    "skbag, poisson": skbag(loss="poisson"),
    "TF-IDF + RidgeCV": ridge(1),
    "TF-IDF(1, 2) + RidgeCV": ridge(2),
    "TF-IDF(1, 2) + LinearSVR": svr,
    "fastText by bins": fasttext_by_bins,
}
Rows = dict[str, dict[str, dict[str, Any]]]
"""Figures by set and method."""


def read(folder: Path, name: str, validation: bool) -> tuple[Part, Part]:
    """Texts to fit on, and texts to judge by."""
    rng = np.random.default_rng(0)
    train = number_sets.SETS[name](folder, "train")
    order = rng.permutation(len(train.y))
    if validation:
        n = len(order) // 5
        train, test = train.take(order[n:]), train.take(order[:n])
    else:
        train, test = train.take(order), number_sets.SETS[name](folder, "test")
    kept = rng.permutation(len(test.y))[:MAX_TEST]
    return train.take(np.arange(min(len(train.y), MAX_TRAIN))), test.take(kept)


def measure(
    train: Part, test: Part, methods: list[str], repeats: int
) -> dict[str, dict[str, Any]]:
    """R2 and seconds of the fits of each method, in turns."""
    found: dict[str, dict[str, Any]] = {m: {"r2": [], "seconds": []} for m in methods}
    few = train.take(np.arange(min(len(train.y), 100)))
    for method in methods:
        # A first fit imports.
        if not (method == "skbag, poisson" and train.y.min() < 0):
            METHODS[method](few, 0)
    for seed in range(repeats):
        for method in methods:
            if method == "skbag, poisson" and train.y.min() < 0:
                continue
            started = time.process_time()
            predict = METHODS[method](train, seed)
            found[method]["seconds"].append(time.process_time() - started)
            found[method]["r2"].append(r2_score(test.y, predict(test.texts)))
    return {method: row for method, row in found.items() if row["r2"]}


def rounded(train: Part, test: Part) -> NDArray[np.int64]:
    """Grades of a regressor, rounded."""
    reg = EmbeddingBagRegressor(random_state=0).fit(*train)
    return np.clip(reg.predict(test.texts).round(), 0, train.y.max()).astype(np.int64)


def one_vs_rest(train: Part, test: Part) -> NDArray[np.int64]:
    """Grades of a classifier, which knows no order."""
    clf = EmbeddingBagClassifier(random_state=0)
    return np.asarray(clf.fit(train.texts, train.y.astype(int)).predict(test.texts))


def expected(train: Part, test: Part) -> NDArray[np.int64]:
    """Means of the grades by the probabilities of that classifier, rounded."""
    clf = EmbeddingBagClassifier(random_state=0)
    clf.fit(train.texts, train.y.astype(int))
    means = (clf.predict_proba(test.texts) * clf.classes_).sum(axis=1)
    return np.asarray(means.round().astype(np.int64))


def thresholds(train: Part, test: Part) -> NDArray[np.int64]:
    """Number of thresholds that are exceeded, each a label (Frank and Hall, 2001)."""
    labels = train.y[:, np.newaxis] > np.arange(train.y.max())
    clf = EmbeddingBagClassifier(random_state=0)
    clf.fit(train.texts, labels.astype(int))
    return np.asarray(clf.predict(test.texts).sum(axis=1))


OF_GRADES: dict[str, Callable[[Part, Part], NDArray[np.int64]]] = {
    "regressor, rounded": rounded,
    "one-vs-rest": one_vs_rest,
    "one-vs-rest, mean of the grades": expected,
    "thresholds as labels": thresholds,
}


def measure_grades(train: Part, test: Part) -> dict[str, dict[str, float]]:
    """Accuracy, mean absolute error and quadratic kappa of five grades."""
    y = number_sets.grades(test.y, train.y)
    graded = Part(train.texts, number_sets.grades(train.y, train.y).astype(float))
    found = {}
    for name, grade in OF_GRADES.items():
        predicted = grade(graded, test)
        found[name] = {
            "accuracy": float(accuracy_score(y, predicted)),
            "error": float(np.abs(y - predicted).mean()),
            "kappa": float(cohen_kappa_score(y, predicted, weights="quadratic")),
        }
    return found


def table_of_r2(rows: Rows) -> str:
    """R2 of each method on each set."""
    methods = list(dict.fromkeys(m for row in rows.values() for m in row))
    lines = [
        [
            name,
            *(f"{median(row[m]['r2']):.3f}" if m in row else "-" for m in methods),
        ]
        for name, row in rows.items()
    ]
    return markdown(["data", *methods], lines)


def table_of_seconds(rows: Rows) -> str:
    """Seconds of the fits, and how many of skbag's fit into the best ridge's."""
    methods = list(dict.fromkeys(m for row in rows.values() for m in row))
    lines = []
    for name, row in rows.items():
        seconds = {m: median(row[m]["seconds"]) for m in row}
        best = max(
            (m for m in row if "Ridge" in m),
            key=lambda m: median(row[m]["r2"]),
            default=SKBAG,
        )
        cells = [f"{seconds[m]:.2f}" if m in seconds else "-" for m in methods]
        lines.append([name, *cells, f"{seconds[best] / seconds[SKBAG]:.0f}"])
    return markdown(["data", *methods, "best ridge / skbag"], lines)


def table_of_grades(rows: Rows) -> str:
    """Accuracy, mean absolute error and quadratic kappa."""
    head = ["data", *(next(iter(rows.values())) if rows else [])]
    lines = [
        [
            name,
            *(
                f"{x['accuracy']:.3f} / {x['error']:.3f} / {x['kappa']:.3f}"
                for x in row.values()
            ),
        ]
        for name, row in rows.items()
    ]
    return markdown(head, lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path)
    parser.add_argument("--names", nargs="+", default=list(number_sets.SETS))
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--validation", action="store_true")
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    if options.data is None and not options.smoke:
        parser.error("--data FOLDER, or --smoke")
    warnings.simplefilter("ignore")
    rows: Rows = {}
    grades: Rows = {}
    for name in ["made_up"] if options.smoke else options.names:
        if options.smoke:
            train, test = number_sets.made_up(), number_sets.made_up(400, seed=1)
        else:
            train, test = read(options.data, name, options.validation)
        rows[name] = measure(train, test, options.methods, options.repeats)
        grades[name] = measure_grades(train, test)  # type: ignore[assignment]
        if options.output:
            found = {"numbers": rows, "grades": grades}
            options.output.write_text(json.dumps(found, indent=1) + "\n")
        print(f"{name}: {len(train.y):,} / {len(test.y):,} texts", file=sys.stderr)
    print(
        f"{table_of_r2(rows)}\n\n{table_of_seconds(rows)}\n\n{table_of_grades(grades)}"
    )


if __name__ == "__main__":
    main()
