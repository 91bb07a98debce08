"""Accuracy with and without subwords, on clean texts and on misspelt ones.

``python docs/benchmarks/subwords.py FOLDER`` prints a table. Models are trained on the
texts as they are; only test texts are misspelt (`typos`), the same for all methods.
fastText is measured where it is installed. The time is the processor's, all threads
together.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path
from typing import Any

import data
import numpy as np
from typos import misspell

from skbag import EmbeddingBagClassifier

SHARE, TYPO_SEED = 0.1, 0
RANGE = (3, 6)


class Skbag:
    """The estimator, with the interface of `FasttextMethod`."""

    def __init__(self, **parameters: Any) -> None:
        self.parameters = parameters

    def fit(self, texts: list[str], labels: list[str], seed: int) -> None:
        """Train."""
        self.model = EmbeddingBagClassifier(random_state=seed, **self.parameters)
        self.model.fit(texts, labels)

    def predict(self, texts: list[str]) -> Any:
        """Labels of texts."""
        return self.model.predict(texts)


def methods(n_threads: int) -> dict[str, Any]:
    """Name and method of each row."""
    rows: dict[str, Any] = {
        "skbag": Skbag(n_jobs=n_threads),
        f"skbag, subwords {RANGE}": Skbag(n_jobs=n_threads, subword_ngram_range=RANGE),
    }
    try:
        from methods.fasttext_method import FasttextMethod
    except ImportError:
        return rows
    for epochs in (5, 25):
        for with_subwords in (False, True):
            name = f"fastText, pairs, {epochs} epochs"
            rows[name + f", subwords {RANGE}" * with_subwords] = FasttextMethod(
                2, epochs, n_threads, RANGE if with_subwords else (0, 0)
            )
    return rows


def measure(
    train: tuple[list[str], list[str]],
    test: tuple[list[str], list[str]],
    seeds: int,
    n_threads: int,
) -> dict[str, dict[str, float]]:
    """Mean accuracies in percent over seeds, and the median seconds of a fit."""
    texts, labels = test
    misspelt = misspell(texts, SHARE, TYPO_SEED)
    found: dict[str, dict[str, list[float]]] = {}
    for seed in range(seeds):
        for name, method in methods(n_threads).items():
            row = found.setdefault(name, {"clean": [], "typos": [], "seconds": []})
            started = time.process_time()
            method.fit(*train, seed)
            row["seconds"].append(time.process_time() - started)
            for column, given in (("clean", texts), ("typos", misspelt)):
                right = np.asarray(method.predict(given)) == np.asarray(labels)
                row[column].append(100 * float(right.mean()))
    return {
        name: {
            "clean": statistics.mean(row["clean"]),
            "typos": statistics.mean(row["typos"]),
            "seconds": statistics.median(row["seconds"]),
        }
        for name, row in found.items()
    }


def table(results: dict[str, dict[str, dict[str, float]]]) -> str:
    """Markdown, one row per data set and method."""
    lines = ["| data | method | clean | typos | fit, s |", "|---|---|---|---|---|"]
    for name, rows in results.items():
        for method, row in rows.items():
            cells = f"{row['clean']:.2f} | {row['typos']:.2f} | {row['seconds']:.2f}"
            lines.append(f"| {name} | {method} | {cells} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", nargs="+", default=["clinc150", "tweet_emoji"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    data.check(options.folder, options.data)
    results = {}
    for name in options.data:
        train, test = (data.read(options.folder, name, p) for p in ("train", "test"))
        results[name] = measure(train, test, options.seeds, options.threads)
    print(table(results))


if __name__ == "__main__":
    main()
