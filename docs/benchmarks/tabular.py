"""Numbers: tables of them alone, and columns of them beside texts.

    python docs/benchmarks/tabular.py [--data FOLDER] [--validation] [--output FILE]

Tables are those that scikit-learn ships and some made up; accuracy is that of five-fold
cross-validation. Texts are the docstrings that `skbag.datasets` loads and, where a
FOLDER is given (that of run.py), some of its sets, each with columns of numbers:

======== ==============================================================================
layout   ten numbers made of the text: lengths, shares of capitals and digits, ...
signal   five noisy numbers, with other means in each class
mixed    four such, four mixtures of two of them, one with heavy tails, a constant
noise    twenty numbers that know nothing of the class
======== ==============================================================================

Methods are trained on the training part and judged by the test part; with
``--validation`` by a quarter of the training part, for choices to be made on. Prints
Markdown tables of accuracies in percent and seconds of fit, means over ``--seeds``.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_wine,
    make_classification,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

sys.path.insert(0, str(Path(__file__).parent))

import data
from report import markdown

from skbag import EmbeddingBagClassifier
from skbag.datasets import load_docstrings

SETS = ("trec6", "sst2", "tweet_hate", "20news", "imdb")
SIGNAL = {"trec6": 1.0, "tweet_hate": 0.3}
"""Distance of the means of classes in standard deviations; 0.5 for the others."""
MOST_CLASSES = 10
"""Of a logistic regression, which takes minutes beyond."""
MOST_CHARACTERS, MOST_TEXTS = 2000, 5000

Results = dict[str, dict[str, list[dict[str, float]]]]


# -- tables ----------------------------------------------------------------------------


def tables() -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Name, values and classes of each."""
    for load in (load_breast_cancer, load_wine, load_digits, load_iris):
        yield load.__name__.removeprefix("load_"), *load(return_X_y=True)
    X, y = load_diabetes(return_X_y=True)
    yield "diabetes, in thirds", X, np.digitize(y, np.quantile(y, [1 / 3, 2 / 3]))
    made = make_classification(
        3000, 20, n_informative=8, n_redundant=8, n_classes=3, random_state=0
    )
    yield "made, of many scales", made[0] * np.logspace(-2, 3, 20) + 5, made[1]
    made = make_classification(
        500, 100, n_informative=10, n_redundant=20, random_state=1
    )
    yield "made, wide", *made


TABLE_METHODS: dict[str, Callable[[int], Any]] = {
    "skbag": lambda seed: EmbeddingBagClassifier(random_state=seed),
    "skbag, cross-entropy": lambda seed: EmbeddingBagClassifier(
        loss="cross_entropy", max_iter=50, random_state=seed
    ),
    "LogisticRegression": lambda seed: make_pipeline(
        StandardScaler(), LogisticRegression(max_iter=1000)
    ),
    "LinearSVC": lambda seed: make_pipeline(
        StandardScaler(), LinearSVC(random_state=seed)
    ),
}


def measure_tables(n_seeds: int) -> Results:
    """Results of each method on each table."""
    results: Results = {}
    for name, X, y in tables():
        for method, make in TABLE_METHODS.items():
            for seed in range(n_seeds):
                folds = StratifiedKFold(5, shuffle=True, random_state=seed)
                for train, test in folds.split(X, y):
                    found = _measure(make(seed), X[train], y[train], X[test], y[test])
                    results.setdefault(name, {}).setdefault(method, []).append(found)
        sys.stderr.write(f"{name}\n")
    return results


def _measure(model: Any, X: Any, y: Any, X_test: Any, y_test: Any) -> dict[str, float]:
    start = perf_counter()
    model.fit(X, y)
    seconds = perf_counter() - start
    accuracy = float(100 * np.mean(model.predict(X_test) == y_test))
    return {"accuracy": accuracy, "fit_seconds": seconds}


# -- texts with numbers ----------------------------------------------------------------


def layout(texts: list[str]) -> np.ndarray:
    """Ten numbers of each text."""
    rows = []
    for text in texts:
        words, length = text.split(), max(len(text), 1)
        shares = [
            sum(map(str.isupper, text)) / length,
            sum(map(str.isdigit, text)) / length,
            sum(not (c.isalnum() or c.isspace()) for c in text) / length,
            text.count(",") / length,
        ]
        counts = [text.count(c) for c in "\n?!"]
        mean_length = np.mean([len(word) for word in words] or [0])
        rows.append([len(text), len(words), mean_length, *shares, *counts])
    return np.array(rows, dtype=float)


def numbers(
    kind: str, texts: list[str], y: np.ndarray, distance: float, seed: int
) -> np.ndarray:
    """Columns of numbers, (n_texts, n_columns)."""
    # Of all parts the same means.
    means = np.random.default_rng(7).normal(size=(y.max() + 1, 5)) * distance
    rng = np.random.default_rng(seed)
    signal = means[y] + rng.normal(size=(len(y), 5))
    if kind == "layout":
        return layout(texts)
    if kind == "noise":
        return rng.normal(size=(len(y), 20))
    if kind == "signal":
        return signal
    mixtures = signal[:, :2] @ np.random.default_rng(8).normal(size=(2, 4))
    mixtures += 0.1 * rng.normal(size=mixtures.shape)
    tail, constant = np.exp(2 * signal[:, :1]), np.full((len(y), 1), 3.0)
    return np.hstack([signal[:, :4], mixtures, tail, constant])


KINDS = ("layout", "signal", "mixed", "noise")


def read(folder: Path | None, validation: bool, seed: int) -> Iterator[Any]:
    """Name, texts and classes of both parts of each set of texts."""
    found = load_docstrings()
    sets = [("docstrings", (found.data, found.target), None)]
    if folder is not None:
        for name in SETS:
            sets.append(
                (name, *(data.read(folder, name, part) for part in ("train", "test")))
            )
    for name, train, test in sets:
        texts, labels = train
        if validation or test is None:
            share = 0.25 if validation else 0.2
            parts = train_test_split(
                texts, labels, test_size=share, random_state=seed, stratify=labels
            )
            texts, test_texts, labels, test_labels = parts
        else:
            test_texts, test_labels = test
        order = np.random.default_rng(seed).permutation(len(texts))[:MOST_TEXTS]
        classes, y = np.unique(np.asarray(labels), return_inverse=True)
        test_y = np.searchsorted(classes, np.asarray(test_labels))
        cut = [texts[i][:MOST_CHARACTERS] for i in order]
        test_rows = np.random.default_rng(0).permutation(len(test_y))[:MOST_TEXTS]
        cut_test = [test_texts[i][:MOST_CHARACTERS] for i in test_rows]
        yield name, cut, y[order], cut_test, test_y[test_rows]


def frame(texts: list[str], values: np.ndarray | None) -> pd.DataFrame:
    """Data frame of texts and numbers."""
    columns: dict[str, Any] = {"text": texts}
    if values is not None:
        columns |= {f"x{j}": column for j, column in enumerate(values.T)}
    return pd.DataFrame(columns)


def _by_column(X: pd.DataFrame, classifier: Any) -> Any:
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    names = [name for name in X if name != "text"]
    return make_pipeline(
        ColumnTransformer(
            [("text", vectorizer, "text"), ("numbers", StandardScaler(), names)]
        ),
        classifier,
    )


TEXT_METHODS: dict[str, Callable[[pd.DataFrame, int], Any]] = {
    "skbag, text alone": lambda X, seed: make_pipeline(
        ColumnTransformer([("text", "passthrough", ["text"])]),
        EmbeddingBagClassifier(random_state=seed),
    ),
    "skbag": lambda X, seed: EmbeddingBagClassifier(random_state=seed),
    "LinearSVC": lambda X, seed: _by_column(X, LinearSVC(random_state=seed)),
    "LogisticRegression": lambda X, seed: _by_column(
        X, LogisticRegression(C=10, max_iter=1000)
    ),
}


def measure_texts(folder: Path | None, validation: bool, n_seeds: int) -> Results:
    """Results of each method on texts with each kind of numbers."""
    results: Results = {}
    for seed in range(n_seeds):
        for name, texts, y, test_texts, test_y in read(folder, validation, seed):
            distance = SIGNAL.get(name, 0.5)
            for kind in KINDS:
                X = frame(texts, numbers(kind, texts, y, distance, seed))
                test_numbers = numbers(kind, test_texts, test_y, distance, 100 + seed)
                X_test = frame(test_texts, test_numbers)
                own = results.setdefault(f"{name}, {kind}", {})
                for method, make in TEXT_METHODS.items():
                    if method == "LogisticRegression" and y.max() >= MOST_CLASSES:
                        continue
                    found = _measure(make(X, seed), X, y, X_test, test_y)
                    own.setdefault(method, []).append(found)
            sys.stderr.write(f"{name}, {seed}\n")
    return results


def table(results: Results, figure: str) -> str:
    """Means of one figure: a row for each set, a column for each method."""
    methods = list(dict.fromkeys(m for found in results.values() for m in found))
    digits = 1 if figure == "accuracy" else 2
    rows = []
    for name, found in results.items():
        cells = []
        for method in methods:
            own = [each[figure] for each in found.get(method, [])]
            cells.append(f"{np.mean(own):.{digits}f}" if own else "")
        rows.append([name, *cells])
    return markdown(["set", *methods], rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=None)
    parser.add_argument("--validation", action="store_true")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=None)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    results = {
        "tables": measure_tables(options.seeds),
        "texts with numbers": measure_texts(
            options.data, options.validation, options.seeds
        ),
    }
    for name, found in results.items():
        for figure in ("accuracy", "fit_seconds"):
            sys.stdout.write(f"\n{name}, {figure}:\n\n{table(found, figure)}\n")
    if options.output is not None:
        options.output.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
