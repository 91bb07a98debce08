"""Accuracy and fit time against TF-IDF + LinearSVC, on data of your own.

    python docs/benchmarks/run.py --data FOLDER [--names 20news imdb ...]

FOLDER holds, for each name, NAME.train.parquet and NAME.test.parquet with the columns
`text` and `label`. Fits alternate between the methods, so that both see the same
machine. Writes results.json and prints a Markdown table.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import sklearn
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

import skbag
from skbag import EmbeddingBagClassifier

SAME_TOKENS = r"(?u)\w+|[^\w\s]"

METHODS: dict[str, Callable[[int], Any]] = {
    "skbag": lambda seed: EmbeddingBagClassifier(random_state=seed),
    "TF-IDF(1,2) + LinearSVC": lambda seed: make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LinearSVC()
    ),
    "the same, skbag's tokens": lambda seed: make_pipeline(
        TfidfVectorizer(
            ngram_range=(1, 2), sublinear_tf=True, token_pattern=SAME_TOKENS
        ),
        LinearSVC(),
    ),
}


def read(folder: Path, name: str, part: str) -> tuple[list[str], list[str]]:
    """Texts and labels of one part of a data set."""
    frame = pd.read_parquet(folder / f"{name}.{part}.parquet")
    return frame["text"].tolist(), frame["label"].astype(str).tolist()


def measure(estimator: Any, data: tuple[Any, ...]) -> dict[str, float]:
    """Fit and predict once, from Python strings to labels."""
    X, y, X_test, y_test = data
    started = time.perf_counter()
    estimator.fit(X, y)
    fitted = time.perf_counter()
    predicted = estimator.predict(X_test)
    done = time.perf_counter()
    return {
        "accuracy": 100 * accuracy_score(y_test, predicted),
        "fit_seconds": fitted - started,
        "predict_seconds": done - fitted,
    }


def summary(runs: list[dict[str, float]]) -> dict[str, float]:
    """Mean accuracy, median times."""
    return {
        "accuracy": statistics.mean(run["accuracy"] for run in runs),
        "fit_seconds": statistics.median(run["fit_seconds"] for run in runs),
        "predict_seconds": statistics.median(run["predict_seconds"] for run in runs),
        "runs": len(runs),
    }


def machine() -> dict[str, str]:
    """Where and with what the figures were made."""
    return {
        "date": date.today().isoformat(),
        "processor": f"{platform.machine()}, {torch.get_num_threads()} threads",
        "python": platform.python_version(),
        "skbag": skbag.__version__,
        "scikit-learn": sklearn.__version__,
        "torch": torch.__version__,
    }


def table(results: dict[str, dict[str, dict[str, float]]]) -> str:
    """Markdown: a row a data set, accuracy and fit seconds a method."""
    methods = list(METHODS)
    lines = [
        "| data | " + " | ".join(methods) + " | fit time, ratio |",
        "|---|" + "---|" * (len(methods) + 1),
    ]
    for name, by_method in results.items():
        cells = [
            f"{by_method[m]['accuracy']:.2f} %, {by_method[m]['fit_seconds']:.1f} s"
            for m in methods
        ]
        best = min(by_method[m]["fit_seconds"] for m in methods[1:])
        ratio = by_method["skbag"]["fit_seconds"] / best
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {ratio:.2f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument(
        "--names", nargs="+", default=["20news", "imdb", "debian_section"]
    )
    parser.add_argument("--repeats", type=int, default=3, help="seeds of skbag")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent)
    options = parser.parse_args()
    # The first fit in a process pays for starting torch: not a fit's cost.
    EmbeddingBagClassifier().fit(["a b", "c d"] * 8, [0, 1] * 8)
    results: dict[str, dict[str, dict[str, float]]] = {}
    for name in options.names:
        data = (
            *read(options.data, name, "train"),
            *read(options.data, name, "test"),
        )
        runs: dict[str, list[dict[str, float]]] = {method: [] for method in METHODS}
        for seed in range(options.repeats):
            for method, make in METHODS.items():
                if method == "skbag" or seed == 0:  # LinearSVC gives the same again
                    runs[method].append(measure(make(seed), data))
        results[name] = {method: summary(done) for method, done in runs.items()}
        print(name, json.dumps(results[name], indent=1), flush=True)
    report = {"machine": machine(), "results": results}
    (options.output / "results.json").write_text(json.dumps(report, indent=1) + "\n")
    print(table(results))


if __name__ == "__main__":
    main()
