"""Cost laws of skbag on made-up texts: how time grows with number, words, length."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import vocabulary_cost
from data import zipf_texts

from skbag import EmbeddingBagClassifier

Answer = dict[str, Any]
WORDS, TEXTS = 100_000, 200_000
EPOCHS = 2
"""Fixed, as the rule of "auto" gives a million texts: the law is about one recipe."""


def _fit_seconds(texts: list[str], labels: list[str], **parameters: Any) -> Answer:
    started = time.perf_counter()
    fitted = EmbeddingBagClassifier(random_state=0, **parameters).fit(texts, labels)
    seconds = time.perf_counter() - started
    return {
        "seconds": seconds,
        "epochs": int(fitted.n_iter_),
        "features": len(fitted.embedding_),
    }


def _median(runs: list[Answer]) -> Answer:
    """The last run with the median time of all."""
    return {**runs[-1], "seconds": statistics.median(run["seconds"] for run in runs)}


def by_texts(size: int, repeats: int) -> Answer:
    """Fit so many texts of 20 words, with defaults and with a fixed number of epochs."""
    texts, labels = zipf_texts(size, WORDS)
    runs: dict[str, list[Answer]] = {"default": [], "fixed": []}
    for _ in range(repeats):
        runs["default"].append(_fit_seconds(texts, labels))
        runs["fixed"].append(_fit_seconds(texts, labels, max_iter=EPOCHS))
    return {name: _median(done) for name, done in runs.items()}


def by_words(size: int, repeats: int) -> Answer:
    """Fit 200,000 texts over a vocabulary of so many words."""
    texts, labels = zipf_texts(TEXTS, size)
    runs = [_fit_seconds(texts, labels, max_iter=EPOCHS) for _ in range(repeats)]
    return {**_median(runs), "n_texts": TEXTS}


def by_table(size: int, repeats: int) -> Answer:
    """One epoch over the same bags in a table of so many rows."""
    return vocabulary_cost.measure(size, repeats)


def by_length(size: int, repeats: int) -> Answer:
    """Fit and predict with one text of so many characters among short ones."""
    texts, labels = zipf_texts(1000, 10_000)
    base = " ".join(texts) + " "
    texts[0] = (base * (size // len(base) + 1))[:size]
    fits, predictions = [], []
    for _ in range(repeats):
        started = time.perf_counter()
        fitted = EmbeddingBagClassifier(random_state=0, max_iter=EPOCHS).fit(
            texts, labels
        )
        between = time.perf_counter()
        fitted.predict(texts[:1])
        fits.append(between - started)
        predictions.append(time.perf_counter() - between)
    return {
        "fit_seconds": statistics.median(fits),
        "predict_seconds": statistics.median(predictions),
    }


LAWS: dict[str, Callable[[int, int], Answer]] = {
    "texts": by_texts,
    "words": by_words,
    "table": by_table,
    "length": by_length,
}
