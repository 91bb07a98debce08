"""What accuracy does not show: skbag with default parameters against its peers.

    python docs/benchmarks/class_metrics.py --data FOLDER [--validation] [--output FILE]

FOLDER is that of run.py. Macro F1, balanced accuracy, log-loss and macro average
precision on the test parts; with ``--validation`` on a third of the training parts, for
choices to be made on. Peers read skbag's tokens and pairs of them. Larger data sets are
cut to ``--texts``, as some peers take minutes. Prints Markdown tables; writes every
figure to a JSON file.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    f1_score,
    log_loss,
)
from sklearn.naive_bayes import ComplementNB
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

sys.path.insert(0, str(Path(__file__).parent))

import data
from methods.catalogue import SAME_TOKENS
from report import MISSING, markdown

from skbag import EmbeddingBagClassifier

FIGURES = ("macro F1", "balanced accuracy", "log-loss", "macro average precision")
SEED = 0


def _tfidf(classifier: Any) -> Any:
    vectorizer = TfidfVectorizer(
        ngram_range=(1, 2), sublinear_tf=True, token_pattern=SAME_TOKENS
    )
    return make_pipeline(vectorizer, classifier)


METHODS: dict[str, Callable[[], Any]] = {
    "skbag": lambda: EmbeddingBagClassifier(random_state=SEED),
    "skbag, balanced": lambda: EmbeddingBagClassifier(
        random_state=SEED, class_weight="balanced"
    ),
    "LinearSVC": lambda: _tfidf(LinearSVC(random_state=SEED)),
    "LinearSVC, balanced": lambda: _tfidf(
        LinearSVC(random_state=SEED, class_weight="balanced")
    ),
    "LinearSVC, calibrated": lambda: _tfidf(
        CalibratedClassifierCV(LinearSVC(random_state=SEED), cv=3)
    ),
    "LogisticRegression, C=10": lambda: _tfidf(LogisticRegression(C=10)),
    "LogisticRegression, C=10, balanced": lambda: _tfidf(
        LogisticRegression(C=10, class_weight="balanced")
    ),
    "ComplementNB": lambda: _tfidf(ComplementNB()),
}


def parts(
    folder: Path, name: str, n_texts: int, validation: bool
) -> tuple[list[str], np.ndarray, list[str], np.ndarray]:
    """Texts and labels to train on, and to judge by."""
    texts, labels = data.read(folder, name, "train")
    order = np.random.default_rng(SEED).permutation(len(texts))
    if not validation:
        new_texts, new_labels = data.read(folder, name, "test")
        rows = order[:n_texts]
        return (
            [texts[i] for i in rows],
            np.array([labels[i] for i in rows]),
            new_texts,
            np.array(new_labels),
        )
    cut = min(2 * len(order) // 3, n_texts)
    rows, others = order[:cut], order[cut:][:30_000]
    return (
        [texts[i] for i in rows],
        np.array([labels[i] for i in rows]),
        [texts[i] for i in others],
        np.array([labels[i] for i in others]),
    )


def measure(
    model: Any, texts: list[str], y: np.ndarray, new_texts: list[str], new_y: np.ndarray
) -> dict[str, float]:
    """Figures of a model; no log-loss of one without probabilities."""
    model.fit(texts, y)
    classes = model.classes_
    predicted = model.predict(new_texts)
    has_scores = hasattr(model, "decision_function")
    scores = model.decision_function(new_texts) if has_scores else None
    figures = {
        "macro F1": 100 * f1_score(new_y, predicted, average="macro"),
        "balanced accuracy": 100 * balanced_accuracy_score(new_y, predicted),
    }
    if hasattr(model, "predict_proba"):
        p = model.predict_proba(new_texts)
        figures["log-loss"] = log_loss(new_y, p, labels=classes)
        # Probabilities rank across texts, where scores of one text are not comparable.
        scores = p
    elif scores is not None and scores.ndim == 1:
        scores = np.stack([-scores, scores], axis=1)
    is_class = new_y[:, np.newaxis] == classes
    here = is_class.any(axis=0)
    each = average_precision_score(is_class[:, here], scores[:, here], average=None)
    figures["macro average precision"] = 100 * float(np.mean(each))
    return {name: float(value) for name, value in figures.items()}


def table(rows: dict[str, dict[str, dict[str, float]]], figure: str) -> str:
    """One figure of all methods on all data sets."""
    form = ".3f" if figure == "log-loss" else ".1f"
    methods = [m for m in METHODS if any(figure in r.get(m, {}) for r in rows.values())]
    lines = [
        [
            name,
            *(
                format(row[m][figure], form) if figure in row.get(m, {}) else MISSING
                for m in methods
            ),
        ]
        for name, row in rows.items()
    ]
    return markdown(["data", *methods], lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--names", nargs="+", default=data.NAMES)
    parser.add_argument("--texts", type=int, default=30_000)
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--validation", action="store_true")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rows: dict[str, dict[str, dict[str, float]]] = {}
    for name in options.names:
        own = parts(options.data, name, options.texts, options.validation)
        rows[name] = {}
        for method in options.methods:
            rows[name][method] = measure(METHODS[method](), *own)
            print(name, method, rows[name][method], file=sys.stderr, flush=True)
        if options.output:
            options.output.write_text(json.dumps(rows, indent=1) + "\n")
    for figure in FIGURES:
        print(f"\n{figure}\n\n{table(rows, figure)}")


if __name__ == "__main__":
    main()
