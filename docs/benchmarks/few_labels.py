"""Few labels: skbag with default parameters against its peers.

    python docs/benchmarks/few_labels.py --data FOLDER [--validation] [--output FILE]

Draws 4, 8, 16, 32 and 64 texts of each class of each data set, several times, and trains
each method on them. FOLDER is that of run.py. The texts to judge by are a sample of the
test part, the same for all draws; with ``--validation`` a sample of the training part,
which nothing is drawn from, for choices to be made on. Classes of fewer texts give all
that they have. Prints Markdown tables of accuracies in percent; writes every figure to a
JSON file. ``--resume`` measures what is not in that file.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import ComplementNB
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

sys.path.insert(0, str(Path(__file__).parent))

import data
from methods.catalogue import SAME_TOKENS
from report import markdown

from skbag import EmbeddingBagClassifier

NAMES = (*data.NAMES, "tweet_hate")
SIZES = (4, 8, 16, 32, 64)
N_DRAWS = 10
MAX_TEST = 3_000
"""Texts to judge by, at most."""

SKBAG = "skbag"
Rows = dict[str, dict[str, float]]
"""Accuracy of each method, by what `key` makes of data set, size and draw."""


def _logistic(seed: int, **text: Any) -> Any:
    del seed  # The same for every seed.
    return make_pipeline(
        TfidfVectorizer(**text), LogisticRegression(C=10, max_iter=1000)
    )


def _svc(seed: int, **text: Any) -> Any:
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, **text)
    return make_pipeline(vectorizer, LinearSVC(random_state=seed))


def _naive_bayes(seed: int, **text: Any) -> Any:
    del seed
    return make_pipeline(TfidfVectorizer(**text), ComplementNB())


METHODS: dict[str, Callable[[int], Any]] = {
    SKBAG: lambda seed: EmbeddingBagClassifier(random_state=seed),
    "LogisticRegression": _logistic,
    "LinearSVC": _svc,
    "ComplementNB": _naive_bayes,
    "LogisticRegression, skbag's tokens": lambda seed: _logistic(
        seed, token_pattern=SAME_TOKENS
    ),
    "LinearSVC, skbag's tokens": lambda seed: _svc(seed, token_pattern=SAME_TOKENS),
    "ComplementNB, skbag's tokens": lambda seed: _naive_bayes(
        seed, token_pattern=SAME_TOKENS
    ),
}


@dataclass(frozen=True)
class Texts:
    """Texts with their labels."""

    texts: list[str]
    y: np.ndarray

    def take(self, rows: np.ndarray) -> Texts:
        """Return some of them."""
        return Texts([self.texts[i] for i in rows], self.y[rows])


def read(folder: Path, name: str, validation: bool) -> tuple[Texts, Texts]:
    """Texts to draw from, and texts to judge by."""
    texts, labels = data.read(folder, name, "train")
    train = Texts(texts, np.array(labels))
    rng = np.random.default_rng(0)
    if validation:
        order = rng.permutation(len(texts))
        n_test = min(MAX_TEST, len(texts) // 3)
        return train.take(order[n_test:]), train.take(order[:n_test])
    texts, labels = data.read(folder, name, "test")
    test = Texts(texts, np.array(labels))
    return train, test.take(rng.permutation(len(texts))[:MAX_TEST])


def draw(pool: Texts, size: int, seed: int) -> Texts:
    """Draw so many texts of each class, or all where there are fewer, in any order."""
    rng = np.random.default_rng(seed)
    rows = [
        rng.permutation(np.flatnonzero(pool.y == label))[:size]
        for label in np.unique(pool.y)
    ]
    return pool.take(rng.permutation(np.concatenate(rows)))


def key(name: str, size: int, seed: int) -> str:
    """What a draw is called in the file of figures."""
    return f"{name}, {size} a class, draw {seed}"


def accuracy(method: str, train: Texts, test: Texts, seed: int) -> float:
    """Accuracy of a method in percent."""
    model = METHODS[method](seed).fit(train.texts, train.y)
    return float(100 * np.mean(model.predict(test.texts) == test.y))


def means(
    rows: Rows, names: list[str], sizes: list[int], n_draws: int
) -> dict[tuple[str, int], dict[str, float]]:
    """Mean over the draws, by data set and size, of methods that have them all."""
    found = {}
    for name in names:
        for size in sizes:
            draws = [rows[key(name, size, seed)] for seed in range(n_draws)]
            known = [m for m in METHODS if all(m in figures for figures in draws)]
            found[name, size] = {m: mean(row[m] for row in draws) for m in known}
    return found


def lead(figures: dict[str, float]) -> float:
    """How far skbag is ahead of the best of its peers; not a number without either."""
    peers = [x for method, x in figures.items() if method != SKBAG]
    return figures.get(SKBAG, math.nan) - max(peers, default=math.nan)


def table_by_size(found: dict[tuple[str, int], dict[str, float]]) -> str:
    """Means over the data sets, and the mean lead over the best peer of each."""
    methods = list(next(iter(found.values())))
    lines = []
    for size in sorted({size for _, size in found}):
        cells = [figures for (_, n), figures in found.items() if n == size]
        lines.append(
            [
                str(size),
                *(f"{mean(c[m] for c in cells):.1f}" for m in methods),
                f"{mean(map(lead, cells)):+.2f}",
            ]
        )
    return markdown(["labels a class", *methods, "lead over the best of each"], lines)


def table_by_name(found: dict[tuple[str, int], dict[str, float]]) -> str:
    """Accuracy of skbag on each data set, and its lead over the best peer there."""
    sizes = sorted({size for _, size in found})
    lines = []
    for name in dict.fromkeys(name for name, _ in found):
        cells = [found[name, size] for size in sizes]
        own = (f"{c.get(SKBAG, math.nan):.1f} ({lead(c):+.1f})" for c in cells)
        lines.append([name, *own])
    return markdown(["data", *(f"{size} a class" for size in sizes)], lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--names", nargs="+", default=NAMES)
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES)
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--draws", type=int, default=N_DRAWS)
    parser.add_argument("--validation", action="store_true")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--resume", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rows: Rows = {}
    if options.resume and options.output and options.output.is_file():
        rows = json.loads(options.output.read_text())
    for name in options.names:
        pool, test = read(options.data, name, options.validation)
        for size in options.sizes:
            for seed in range(options.draws):
                train = draw(pool, size, seed)
                figures = rows.setdefault(key(name, size, seed), {})
                for method in options.methods:
                    if method not in figures:
                        figures[method] = accuracy(method, train, test, seed)
            if options.output:
                options.output.write_text(json.dumps(rows, indent=1) + "\n")
            print(f"{name}, {size} a class", file=sys.stderr)
    found = means(rows, options.names, options.sizes, options.draws)
    print(table_by_size(found))
    print(f"\n{table_by_name(found)}")


if __name__ == "__main__":
    main()
