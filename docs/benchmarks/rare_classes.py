"""One rare class against the rest: skbag with default parameters against its peers.

    python docs/benchmarks/rare_classes.py --data FOLDER [--validation] [--output FILE]

For each number of texts and each share of positive ones, some classes of some data sets
each become the positive class of a problem of their own. FOLDER is that of run.py. The
texts to judge by are those of the test part, weighted so that positives have the share
that they have in training; with ``--validation`` a third of the training part, for
choices to be made on. Peers read skbag's tokens and pairs of them. Prints Markdown
tables; writes every figure to a JSON file.

- AP: average precision
- AUC: area under the ROC curve
- F1: of the positive class, at the threshold that `predict` has
- log-loss: of `predict_proba`, in thousandths
- mean / share: mean probability of the positive class against its share
- empty / share: probability of an empty text against that share
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, f1_score, log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

sys.path.insert(0, str(Path(__file__).parent))

import data
from methods.catalogue import SAME_TOKENS
from report import markdown

from skbag import EmbeddingBagClassifier

SHARES = (0.002, 0.005, 0.01, 0.05)
SIZES = (2_000, 10_000, 40_000)
NAMES = ("20news", "debian_section", "clinc150", "tweet_emoji", "registry")
N_CLASSES = 3
"""Positive classes of a data set, at most."""

MIN_TEST = 10
"""Positive texts to judge by, at least."""

FIGURES = ("AP", "AUC", "F1", "log-loss", "mean / share", "empty / share")
Figures = dict[str, float]


def _tfidf(classifier: Any) -> Any:
    vectorizer = TfidfVectorizer(
        ngram_range=(1, 2), sublinear_tf=True, token_pattern=SAME_TOKENS
    )
    return make_pipeline(vectorizer, classifier)


METHODS: dict[str, Callable[[int], Any]] = {
    "skbag": lambda seed: EmbeddingBagClassifier(random_state=seed),
    "skbag, balanced": lambda seed: EmbeddingBagClassifier(
        random_state=seed, class_weight="balanced"
    ),
    "LinearSVC": lambda seed: _tfidf(LinearSVC(random_state=seed)),
    "LinearSVC, balanced": lambda seed: _tfidf(
        LinearSVC(random_state=seed, class_weight="balanced")
    ),
    "LogisticRegression, C=1": lambda seed: _tfidf(LogisticRegression()),
    "LogisticRegression, C=10": lambda seed: _tfidf(LogisticRegression(C=10)),
    "LogisticRegression, C=10, balanced": lambda seed: _tfidf(
        LogisticRegression(C=10, class_weight="balanced")
    ),
}


@dataclass(frozen=True)
class Task:
    """One class of a data set against the rest."""

    name: str
    positive: str
    texts: list[str]
    y: np.ndarray
    test_texts: list[str]
    test_y: np.ndarray
    test_weight: np.ndarray


def tasks(
    folder: Path, name: str, n_texts: int, share: float, validation: bool
) -> Iterator[Task]:
    """Problems of a data set that has enough texts."""
    texts, labels = data.read(folder, name, "train")
    rng = np.random.default_rng(0)
    if validation:
        order = rng.permutation(len(texts))
        cut = 2 * len(order) // 3
        parts = [
            ([texts[i] for i in rows], np.array([labels[i] for i in rows]))
            for rows in (order[:cut], order[cut:])
        ]
    else:
        test_texts, test_labels = data.read(folder, name, "test")
        parts = [(texts, np.array(labels)), (test_texts, np.array(test_labels))]
    (texts, y), (test_texts, test_y) = parts
    n_positive = round(n_texts * share)
    n_negative = n_texts - n_positive
    classes, counts = np.unique(y, return_counts=True)
    fits = (counts >= n_positive) & (len(y) - counts >= n_negative)
    chosen = rng.permutation(classes[fits])
    n_found = 0
    for positive in chosen:
        test_is = test_y == positive
        if test_is.sum() < MIN_TEST or n_found == N_CLASSES:
            continue
        n_found += 1
        rows = np.concatenate(
            [
                rng.choice(np.flatnonzero(y == positive), n_positive, replace=False),
                rng.choice(np.flatnonzero(y != positive), n_negative, replace=False),
            ]
        )
        rows = rng.permutation(rows)
        weight = np.where(
            test_is, share / test_is.mean(), (1 - share) / (~test_is).mean()
        )
        yield Task(
            name,
            str(positive),
            [texts[i] for i in rows],
            (y[rows] == positive).astype(np.int64),
            test_texts,
            test_is.astype(np.int64),
            weight,
        )


def measure(make: Callable[[int], Any], task: Task) -> Figures:
    """Figures of one method on one problem."""
    model = make(0).fit(task.texts, task.y)
    y, weight = task.test_y, task.test_weight
    scores = model.decision_function(task.test_texts)
    figures = {
        "AP": 100 * average_precision_score(y, scores, sample_weight=weight),
        "AUC": 100 * roc_auc_score(y, scores, sample_weight=weight),
        "F1": 100 * f1_score(y, scores > 0, sample_weight=weight, zero_division=0),
    }
    if hasattr(model, "predict_proba"):
        p = model.predict_proba(task.test_texts)[:, 1]
        share = task.y.mean()
        empty = model.predict_proba([""])[0, 1]
        figures["log-loss"] = 1000 * log_loss(y, p, sample_weight=weight)
        figures["mean / share"] = float(np.average(p, weights=weight) / share)
        figures["empty / share"] = float(empty / share)
    return {name: float(value) for name, value in figures.items()}


def table(rows: list[dict[str, Any]], figure: str, methods: list[str]) -> str:
    """Means of one figure by number of texts and share of positives."""
    lines, totals = [], []
    known = [method for method in methods if figure in rows[0]["figures"][method]]
    for n_texts, share in sorted({(row["n_texts"], row["share"]) for row in rows}):
        cell = [r for r in rows if (r["n_texts"], r["share"]) == (n_texts, share)]
        means = [mean(row["figures"][m][figure] for row in cell) for m in known]
        totals.append(means)
        lines.append(
            [
                f"{n_texts:,}",
                f"{share:.1%}",
                str(len(cell)),
                *(f"{x:.1f}" for x in means),
            ]
        )
    averages = [mean(column) for column in zip(*totals, strict=True)]
    lines.append(["mean", "", "", *(f"{x:.1f}" for x in averages)])
    return markdown(["texts", "positive", "problems", *known], lines)


def share_at_least(rows: list[dict[str, Any]], figure: str) -> float | None:
    """Share of problems in which skbag is at least the better of two LinearSVC."""
    peers = [m for m in rows[0]["figures"] if m.startswith("LinearSVC")]
    if not peers or "skbag" not in rows[0]["figures"]:
        return None
    wins = [
        row["figures"]["skbag"][figure]
        >= max(row["figures"][peer][figure] for peer in peers)
        for row in rows
    ]
    return mean(wins)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--names", nargs="+", default=NAMES)
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES)
    parser.add_argument("--shares", nargs="+", type=float, default=SHARES)
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--validation", action="store_true")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rows: list[dict[str, Any]] = []
    for n_texts in options.sizes:
        for share in options.shares:
            for name in options.names:
                found = tasks(options.data, name, n_texts, share, options.validation)
                for task in found:
                    figures = {m: measure(METHODS[m], task) for m in options.methods}
                    row = {"data": name, "class": task.positive, "n_texts": n_texts}
                    rows.append({**row, "share": share, "figures": figures})
                    brief = {m: round(f["AP"], 1) for m, f in figures.items()}
                    print(name, task.positive, n_texts, share, brief, file=sys.stderr)
            if options.output:
                options.output.write_text(json.dumps(rows, indent=1) + "\n")
    for figure in FIGURES:
        if any(figure in rows[0]["figures"][m] for m in options.methods):
            print(f"\n{figure}\n\n{table(rows, figure, options.methods)}")
    for figure in ("AP", "F1"):
        wins = share_at_least(rows, figure)
        if wins is not None:
            print(f"\n{figure}: at least LinearSVC's in {wins:.0%} of {len(rows)}.")


if __name__ == "__main__":
    main()
