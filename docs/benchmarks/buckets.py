"""What hashing costs: accuracy and time of a fit by the number of buckets.

``python docs/benchmarks/buckets.py FOLDER`` prints a table. ``exact`` is the vocabulary
without pruning (``min_df=1``), which is what many buckets come to; ``default`` is that
with ``min_df='auto'``. Fits of all rows take turns, and their time is the processor's,
all threads together.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import data

from skbag import EmbeddingBagClassifier

EXPONENTS = (14, 16, 18, 20, 22)


def measure(
    train: tuple[list[str], list[str]],
    test: tuple[list[str], list[str]],
    seeds: int,
    n_threads: int,
    exponents: tuple[int, ...] = EXPONENTS,
) -> dict[str, dict[str, float]]:
    """Mean accuracy in percent over seeds, median seconds of a fit, rows in use."""
    settings: dict[str, dict[str, int]] = {"default": {}, "exact": {"min_df": 1}}
    settings |= {f"2^{n}": {"n_buckets": 2**n} for n in exponents}
    accuracy: dict[str, list[float]] = {name: [] for name in settings}
    seconds: dict[str, list[float]] = {name: [] for name in settings}
    used = {}
    for seed in range(seeds):
        for name, parameters in settings.items():
            clf = EmbeddingBagClassifier(
                random_state=seed, n_jobs=n_threads, **parameters
            )
            started = time.process_time()
            clf.fit(*train)
            seconds[name].append(time.process_time() - started)
            accuracy[name].append(100 * clf.score(*test))
            used[name] = int(clf.embedding_.any(axis=1).sum())
    return {
        name: {
            "accuracy": statistics.mean(accuracy[name]),
            "seconds": statistics.median(seconds[name]),
            "rows": used[name],
        }
        for name in settings
    }


def table(results: dict[str, dict[str, dict[str, float]]]) -> str:
    """Markdown, one row per data set and number of buckets."""
    lines = [
        "| data | buckets | accuracy | against exact | fit, s | against exact | rows used |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, rows in results.items():
        exact = rows["exact"]
        for size, row in rows.items():
            lines.append(
                f"| {name} | {size} | {row['accuracy']:.2f} "
                f"| {row['accuracy'] - exact['accuracy']:+.2f} | {row['seconds']:.2f} "
                f"| {row['seconds'] / exact['seconds']:.2f} x | {row['rows']:,.0f} |"
            )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", nargs="+", default=["20news", "debian_section"])
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
