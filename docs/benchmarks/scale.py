"""Inputs of odd proportions, at two sizes: how a fit and a prediction grow.

    python docs/benchmarks/scale.py [CASE ...]

Each figure comes from a fresh process, and memory is what the process grew by at its
peak, above the input itself; `estimate` is what a fit expects once its features are
known, over what it then took, heap that it found free included. Time is that of one
processor. Prints a Markdown table. The exponent is the binary
logarithm of how much twice the input takes: 1 is proportional, 2 is quadratic.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import memory

import skbag._training.preparation
from skbag import EmbeddingBagClassifier
from skbag._core.available_memory import _free_in_heap
from skbag._training.memory_estimate import SMALL, Task, fit_size, footprint

Input = tuple[list[str], list[Any]]

LITTLE = 16 * 2**20
"""Bytes of growth that say nothing: a heap reuses what it has."""

SHORT = "the parcel is late again|my money has not come back|where can it be".split("|")


def _short_texts(n: int) -> Input:
    """Texts of three classes, a few words each."""
    rng = random.Random(0)
    words = [f"word{i}" for i in range(1000)]
    labels = [i % 3 for i in range(n)]
    return [f"{SHORT[i]} {' '.join(rng.choices(words, k=5))}" for i in labels], labels


def long_document(n_characters: int) -> Input:
    """One text of so many characters among a thousand short ones."""
    texts, labels = _short_texts(1000)
    base = " ".join(texts) + " "
    texts[0] = (base * (n_characters // len(base) + 1))[:n_characters]
    return texts, labels


def empty_documents(n: int) -> Input:
    """So many empty texts beside a thousand short ones."""
    texts, labels = _short_texts(1000)
    return texts + [""] * n, labels + [i % 3 for i in range(n)]


def distinct_words(n: int) -> Input:
    """So many words, each in one text, 20 to a text."""
    texts = [
        " ".join(
            [*(f"w{i:x}" for i in range(start, start + 20)), SHORT[start // 20 % 3]]
        )
        for start in range(0, n, 20)
    ]
    return texts, [i % 3 for i in range(len(texts))]


def classes(n: int) -> Input:
    """So many classes: 40,000 texts, five words of 2,000 each."""
    rng = random.Random(0)
    words = [f"word{i}" for i in range(2000)]
    labels = [i % n for i in range(40_000)]
    told = {label: rng.choices(words, k=2) for label in range(n)}
    return [" ".join(told[i] + rng.choices(words, k=3)) for i in labels], labels


def lonely_class(n: int) -> Input:
    """So many short texts, and one more that is alone in its class."""
    texts, labels = _short_texts(n)
    return [*texts, "nothing like it"], [*labels, 3]


CASES: dict[str, tuple[Callable[[int], Input], int, str]] = {
    "long": (long_document, 50_000_000, "one text of {:,} characters among 1,000"),
    "empty": (empty_documents, 1_000_000, "{:,} empty texts"),
    "words": (distinct_words, 1_000_000, "{:,} distinct words in texts of 20"),
    "classes": (classes, 20_000, "{:,} classes, 40,000 texts"),
    # From 200,000 texts on a fit takes fewer features, which would hide the law.
    "lonely": (lonely_class, 150_000, "a class of one text among {:,}"),
}


class Fit:
    """One fit: what it took, and what its own estimate was."""

    def __init__(self, texts: list[str], labels: list[Any]) -> None:
        self.base = memory.baseline() or 0
        self.before = self.between = self.free = self.estimate = 0
        skbag._training.preparation.check_memory = self._at_the_guard
        started = time.process_time()
        self.fitted = EmbeddingBagClassifier(random_state=0, n_jobs=1).fit(
            texts, labels
        )
        self.seconds = time.process_time() - started
        after = memory.peak_above(self.between) or 0
        self.n_bytes = max(self.before, self.between - self.base + after)
        # Small ones are not looked at by the guard either.
        is_small = self.estimate <= SMALL
        self.share = 0.0 if is_small else self.estimate / max(after + self.free, 1)

    def _at_the_guard(self, task: Task) -> None:
        self.before = memory.peak_above(self.base) or 0
        self.free = _free_in_heap()
        self.estimate = footprint(fit_size(task, exactly=True)).total
        # Peaks count anew from here.
        self.between = memory.baseline() or 0


def measure(name: str, size: int) -> dict[str, float]:
    """Seconds and peak bytes of a fit and of predicting what was fitted on."""
    texts, labels = CASES[name][0](size)
    # What the first call of all imports and warms up is not the input's.
    small = EmbeddingBagClassifier(random_state=0).fit(*_short_texts(100))
    small.predict(texts[:1])
    fit = Fit(texts, labels)
    base = memory.baseline()
    started = time.process_time()
    fit.fitted.predict(texts)
    return {
        "fit_seconds": fit.seconds,
        "fit_bytes": fit.n_bytes,
        "estimate": fit.share,
        "predict_seconds": time.process_time() - started,
        "predict_bytes": memory.peak_above(base) or 0,
    }


def _in_fresh_process(name: str, size: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--measure", name, str(size)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{name} of {size}: {done.stderr[-2000:]}")
    answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return answer


def row(name: str) -> str:
    """One line of the table."""
    _, size, words = CASES[name]
    half, full = (_in_fresh_process(name, n) for n in (size // 2, size))
    cells = [words.format(size)]
    for key in ("fit_seconds", "fit_bytes", "predict_seconds", "predict_bytes"):
        unit, form = (1, ".2f") if key.endswith("seconds") else (2**20, ".0f")
        cells.append(f"{half[key] / unit:{form}} / {full[key] / unit:{form}}")
        # What is next to nothing has no law.
        is_little = min(half[key], full[key]) < (0.01 if unit == 1 else LITTLE)
        exponent = 0.0 if is_little else math.log2(full[key] / half[key])
        cells.append("" if is_little else f"{exponent:.2f}")
    cells.append(f"{full['estimate']:.2f}" if full["estimate"] else "")
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", help=f"of {', '.join(CASES)}; default: all")
    parser.add_argument("--measure", nargs=2, metavar=("CASE", "SIZE"))
    options = parser.parse_args()
    if options.measure:
        name, size = options.measure
        print(json.dumps(measure(name, int(size))))
        return
    print(
        "| input (half of it / all) | fit, s | exponent | fit, MiB | exponent "
        "| predict, s | exponent | predict, MiB | exponent | estimate |\n|---"
        + "|---" * 9
        + "|"
    )
    for name in options.cases or CASES:
        print(row(name), flush=True)


if __name__ == "__main__":
    main()
