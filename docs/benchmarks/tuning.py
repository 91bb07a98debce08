"""Tuning with a time budget: `TimedSearchCV` against fastText's autotune.

    python docs/benchmarks/tuning.py --data FOLDER [--names 20news clinc150] \
        [--seconds 600] [--only skbag fasttext]

Both get the same training texts and the same time. skbag cross-validates on all of them;
fastText needs a file to validate by: a fifth of them, drawn at random by class. Then
the test texts are looked at once, by the tuned models and by the untuned ones. Also
prints what sharing tokens saves a search of 16 candidates. Prints tables in Markdown.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import data
import numpy as np


def accuracy(labels: list[str], predicted: Any) -> float:
    """Per cent that are right."""
    return 100 * float(np.mean(np.asarray(labels) == np.asarray(predicted)))


def skbag_row(name: str, train: Any, test: Any, seconds: float) -> str:
    """Tune skbag; a row of the table."""
    from skbag import EmbeddingBagClassifier
    from skbag.tuning import TimedSearchCV

    default = EmbeddingBagClassifier(random_state=0).fit(*train)
    started = time.perf_counter()
    search = TimedSearchCV(time_budget=seconds, random_state=0).fit(*train)
    took = time.perf_counter() - started
    before, after = (
        accuracy(test[1], model.predict(test[0])) for model in (default, search)
    )
    return (
        f"| {name} | skbag | {before:.2f} | {after:.2f} | {search.n_candidates_} | "
        f"{took:.0f} | {search.best_params_ or 'the defaults'} |"
    )


def fasttext_row(name: str, train: Any, test: Any, seconds: float) -> str:
    """Tune fastText; a row of the table."""
    import fasttext
    from methods.fasttext_method import normalise
    from sklearn.model_selection import train_test_split

    def write(path: Path, texts: list[str], labels: list[str]) -> None:
        codes = {
            label: f"__label__{i}" for i, label in enumerate(sorted(set(train[1])))
        }
        lines = (
            f"{codes[label]} {normalise(text)}"
            for text, label in zip(texts, labels, strict=True)
        )
        path.write_text("\n".join(lines) + "\n", encoding="utf-8", errors="replace")

    names = sorted(set(train[1]))

    def score(model: Any) -> float:
        predicted = [
            names[int(model.predict(normalise(text))[0][0].removeprefix("__label__"))]
            for text in test[0]
        ]
        return accuracy(test[1], predicted)

    with tempfile.TemporaryDirectory() as folder:
        everything, part, held = (Path(folder) / n for n in ("all", "part", "held"))
        write(everything, *train)
        parts = train_test_split(
            *train, test_size=0.2, stratify=train[1], random_state=0
        )
        write(part, parts[0], parts[2])
        write(held, parts[1], parts[3])
        common = {"thread": 2, "verbose": 0}
        default = fasttext.train_supervised(str(everything), **common)
        started = time.perf_counter()
        tuned = fasttext.train_supervised(
            str(part),
            autotuneValidationFile=str(held),
            autotuneDuration=int(seconds),
            **common,
        )
        took = time.perf_counter() - started
        before, after = score(default), score(tuned)
    chosen = {
        key: getattr(tuned.f.getArgs(), key)
        for key in ("lr", "dim", "epoch", "wordNgrams", "minn", "maxn", "bucket")
    }
    return (
        f"| {name} | fastText | {before:.2f} | {after:.2f} | | {took:.0f} | {chosen} |"
    )


def sharing_row(name: str, train: Any) -> str:
    """Processor seconds of a search without and with shared tokens, in turns."""
    from sklearn.model_selection import RandomizedSearchCV

    from skbag import EmbeddingBagClassifier
    from skbag._search_space import search_space
    from skbag.tuning import shared_tokens

    space = search_space()
    for parameter in ("subword_ngram_range", "short_text_features"):
        del space[parameter]  # one way of making tokens, many of using them

    def search() -> RandomizedSearchCV:
        model = EmbeddingBagClassifier(random_state=0)
        return RandomizedSearchCV(model, space, n_iter=16, cv=3, random_state=0)

    times: dict[str, list[float]] = {"alone": [], "shared": []}
    scores = []
    for _ in range(3):
        started = time.process_time()
        scores.append(search().fit(*train).cv_results_["mean_test_score"])
        times["alone"].append(time.process_time() - started)
        started = time.process_time()
        with shared_tokens():
            scores.append(search().fit(*train).cv_results_["mean_test_score"])
        times["shared"].append(time.process_time() - started)
    assert all(np.array_equal(each, scores[0]) for each in scores)
    alone, shared = (float(np.median(each)) for each in times.values())
    return f"| {name} | {alone:.1f} | {shared:.1f} | {shared / alone:.2f} |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--names", nargs="+", default=["20news", "clinc150"])
    parser.add_argument("--seconds", type=float, default=600)
    parts = ["skbag", "fasttext", "sharing"]
    parser.add_argument("--only", nargs="+", default=parts, choices=parts)
    options = parser.parse_args()
    rows = {"skbag": skbag_row, "fasttext": fasttext_row}
    for name in options.names:
        train = data.read(options.data, name, "train")
        test = data.read(options.data, name, "test")
        for part in options.only:
            if part == "sharing":
                print(sharing_row(name, train), flush=True)
            else:
                print(rows[part](name, train, test, options.seconds), flush=True)


if __name__ == "__main__":
    main()
