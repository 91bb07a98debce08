"""``partial_fit`` over a stream against ``fit`` of all: memory, time, accuracy.

    python docs/benchmarks/streaming.py FOLDER accuracy [--test]
    python docs/benchmarks/streaming.py FOLDER defaults [--test]
    python docs/benchmarks/streaming.py FOLDER sorted [--test]
    python docs/benchmarks/streaming.py FOLDER cost [--texts 100000 1000000] [--repeats 3]
    python docs/benchmarks/streaming.py FOLDER memory [--texts 5000000]

FOLDER holds the data sets (see data.py). `accuracy` compares on a part of the training
set that is left out, or on the test set. `defaults` does so for a stream and a `fit`
with all parameters at their defaults, or with `n_buckets` alone, and compares their
processor time; `sorted` for texts in the order of their classes. `cost` fits the same texts in both ways, in
turns, each in a fresh process that makes them beforehand: seconds are those of learning
alone, bytes what the process grew by at its peak above imports and, for `fit`, texts.
`memory` streams texts that are made as they come and are gone afterwards. They are
those of `registry`, over and over, each time with a word left out and a word that is
new, so that a vocabulary would never end. Each prints a Markdown table, and writes what
it found as JSON if asked to by ``--output``.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from statistics import mean, median
from typing import Any

import data
import memory

from skbag import EmbeddingBagClassifier

Chunk = tuple[list[str], list[str]]
Record = dict[str, Any]

LEFT_OUT = {"imdb": 5_000, "registry": 40_000}
"""How many training texts judge where the test set is not to be looked at; of the other
data sets a third."""

DEFAULT_PARTS = {
    "registry": (1_000, 5_000, 20_000),
    "imdb": (1_000, 5_000, 20_000),
    "debian_section": (1_000, 5_000, 20_000),
    "tweet_emoji": (1_000, 5_000, 20_000),
    "20news": (1_000, 5_000),
    "clinc150": (1_000,),
    "trec6": (100, 1_000),
    "sst2": (100, 1_000),
}
"""Texts of a part where a stream with the defaults is compared."""

# As `fit` has it from 200,000 texts on, which a stream cannot know beforehand.
SETTINGS = {"short_text_features": False, "n_jobs": 1}


def perturbed(texts: list[str], labels: list[str], seed: int = 0) -> Iterator[Chunk]:
    """Yield one text and its label after the other, without end, none twice."""
    rng = random.Random(seed)
    number = 0
    while True:
        order = list(range(len(texts)))
        rng.shuffle(order)
        for i in order:
            words = texts[i].split(" ")
            del words[int(rng.random() * len(words))]
            words.append(f"w{number:x}")
            number += 1
            yield " ".join(words), labels[i]


def chunks(pairs: Iterator[Any], n_texts: int, size: int) -> Iterator[Chunk]:
    """Yield lists of texts and labels, `size` at a time, `n_texts` in all."""
    pairs = islice(pairs, n_texts)
    while part := list(islice(pairs, size)):
        texts, labels = zip(*part, strict=True)
        yield list(texts), list(labels)


def classifier(n_buckets: int, seed: int = 0, **parameters: Any) -> Any:
    return EmbeddingBagClassifier(
        n_buckets=n_buckets, random_state=seed, **{**SETTINGS, **parameters}
    )


# -- accuracy --------------------------------------------------------------------------


def split(folder: Path, name: str, seed: int, *, test: bool) -> tuple[Chunk, Chunk]:
    """Texts to learn, in random order, and texts to judge by."""
    texts, labels = data.read(folder, name, "train")
    order = list(range(len(texts)))
    random.Random(seed).shuffle(order)
    texts, labels = [texts[i] for i in order], [labels[i] for i in order]
    if test:
        return (texts, labels), data.read(folder, name, "test")
    n = LEFT_OUT.get(name, len(texts) // 3)
    return (texts[n:], labels[n:]), (texts[:n], labels[:n])


def accuracy(options: argparse.Namespace) -> list[Record]:
    """Accuracy of both, for each data set, table and size of the chunks."""
    found = []
    for name, sizes in (("imdb", (1_000, 5_000)), ("registry", (20_000, 100_000))):
        for n_buckets in options.buckets:
            scores: dict[str, list[float]] = {}
            for seed in range(options.seeds):
                learn, judge = split(options.folder, name, seed, test=options.test)
                clf = classifier(n_buckets, seed, max_iter=1).fit(*learn)
                scores.setdefault("fit", []).append(100 * clf.score(*judge))
                for size in sizes:
                    clf, classes = classifier(n_buckets, seed), sorted(set(learn[1]))
                    pairs = zip(*learn, strict=True)
                    for texts, labels in chunks(pairs, len(learn[0]), size):
                        clf.partial_fit(texts, labels, classes=classes)
                    scores.setdefault(str(size), []).append(100 * clf.score(*judge))
            for size in sizes:
                found.append(
                    {
                        "data": name,
                        "table": f"2^{n_buckets.bit_length() - 1}",
                        "chunk": size,
                        "fit": mean(scores["fit"]),
                        "partial_fit": mean(scores[str(size)]),
                        "difference": mean(scores[str(size)]) - mean(scores["fit"]),
                    }
                )
                print(row(found[-1]), flush=True)
    return found


# -- the defaults ----------------------------------------------------------------------


def learnt(
    clf: Any, learn: Chunk, size: int | None, judge: Chunk
) -> tuple[float, float]:
    """Accuracy after a stream in parts of `size`, or a `fit`, and processor seconds."""
    classes = sorted(set(learn[1]))
    pairs = zip(*learn, strict=True)
    parts = [learn] if size is None else list(chunks(pairs, len(learn[0]), size))
    started = time.process_time()
    for texts, labels in parts:
        if size is None:
            clf.fit(texts, labels)
        else:
            clf.partial_fit(texts, labels, classes=classes)
    seconds = time.process_time() - started
    return 100 * clf.score(*judge), seconds


def defaults(options: argparse.Namespace) -> list[Record]:
    """Accuracy and processor time of a stream and a `fit` with the defaults."""
    found = []
    for name in options.names:
        for n_buckets in (None, 2**20):
            scores: dict[int | None, list[tuple[float, float]]] = {}
            for seed in range(options.seeds):
                learn, judge = split(options.folder, name, seed, test=options.test)
                for size in (None, *DEFAULT_PARTS[name]):
                    clf = EmbeddingBagClassifier(
                        n_buckets=n_buckets, random_state=seed, n_jobs=1
                    )
                    scores.setdefault(size, []).append(learnt(clf, learn, size, judge))
            fit = scores.pop(None)
            for size, streams in scores.items():
                pairs = list(zip(fit, streams, strict=True))
                found.append(
                    {
                        "data": name,
                        "table": "vocabulary" if n_buckets is None else "2^20",
                        "parts": size,
                        "fit": mean(accuracy for accuracy, _ in fit),
                        "partial_fit": mean(accuracy for accuracy, _ in streams),
                        "difference": mean(b[0] - a[0] for a, b in pairs),
                        "fit, cpu s": median(seconds for _, seconds in fit),
                        "partial_fit, cpu s": median(seconds for _, seconds in streams),
                        "ratio of cpu": median(b[1] / a[1] for a, b in pairs),
                    }
                )
                print(row(found[-1]), flush=True)
    return found


SORTED_SIZE = 1_000


def by_class(learn: Chunk) -> Chunk:
    """All texts of one class, then all of the next."""
    texts, labels = learn
    order = sorted(range(len(texts)), key=labels.__getitem__)
    return [texts[i] for i in order], [labels[i] for i in order]


def in_turns(learn: Chunk, n_readers: int = 16) -> Chunk:
    """What several readers yield in turns, each of a stretch of the texts."""
    texts, labels = learn
    stretch = -(-len(texts) // n_readers)
    order = [i for first in range(stretch) for i in range(first, len(texts), stretch)]
    return [texts[i] for i in order], [labels[i] for i in order]


def sorted_streams(options: argparse.Namespace) -> list[Record]:
    """Accuracy of a stream whose classes come one after the other, and of remedies."""
    found = []
    for name in options.names:
        scores: dict[str, list[float]] = {}
        for seed in range(options.seeds):
            learn, judge = split(options.folder, name, seed, test=options.test)
            sorted_ = by_class(learn)
            orders = {
                "fit": (learn, None),
                "shuffled": (learn, SORTED_SIZE),
                "sorted": (sorted_, SORTED_SIZE),
                "sorted, twice": (
                    (sorted_[0] * 2, sorted_[1] * 2),
                    SORTED_SIZE,
                ),
                "sorted, 16 readers in turns": (in_turns(sorted_), SORTED_SIZE),
            }
            for order, (texts, size) in orders.items():
                clf = EmbeddingBagClassifier(random_state=seed, n_jobs=1)
                accuracy, _ = learnt(clf, texts, size, judge)
                scores.setdefault(order, []).append(accuracy)
        found.append(
            {"data": name, **{order: mean(each) for order, each in scores.items()}}
        )
        print(row(found[-1]), flush=True)
    return found


# -- time and memory -------------------------------------------------------------------


def measure(folder: Path, way: str, n_texts: int, n_buckets: int, size: int) -> Record:
    """Learn in this process, by `way`: "fit", "kept" or "stream"."""
    texts, labels = data.read(folder, "registry", "train")
    classes = sorted(set(labels))
    # What the first call of all imports and warms up is not the stream's.
    classifier(2**10).partial_fit(texts[:2000], labels[:2000], classes=classes)
    pairs = perturbed(texts, labels)
    parts: Any = chunks(pairs, n_texts, size)
    if way != "stream":
        # Fits of both ways find the same texts in memory.
        parts = list(parts)
        del texts, labels, pairs
    base = memory.baseline() or 0
    clf = classifier(n_buckets, max_iter=1)
    wall = cpu = 0.0
    sizes = []
    if way == "fit":
        whole = [list(chain(*lists)) for lists in zip(*parts, strict=True)]
        parts = [whole]
        base = memory.baseline() or 0
    for n, (some, their) in enumerate(parts, start=1):
        started = time.perf_counter(), time.process_time()
        if way == "fit":
            clf.fit(some, their)
        else:
            clf.partial_fit(some, their, classes=classes)
        wall += time.perf_counter() - started[0]
        cpu += time.process_time() - started[1]
        if n * size % 1_000_000 == 0 or way == "fit":
            # Of the million up to here.
            sizes.append(memory.peak_above(base) or 0)
            if way == "stream":
                memory.baseline()
    return {
        "way": way,
        "texts": n_texts,
        "table": n_buckets,
        "chunk": size,
        "seconds": wall,
        "cpu_seconds": cpu,
        "peak": memory.peak_above(base) or 0,
        "peaks": sizes,
    }


def in_fresh_process(folder: Path, *arguments: Any) -> Record:
    command = [sys.executable, __file__, str(folder), "measure", "--measure"]
    done = subprocess.run(
        [*command, *map(str, arguments)], capture_output=True, text=True
    )
    if done.returncode != 0:
        raise SystemExit(done.stderr[-2000:])
    answer: Record = json.loads(done.stdout.splitlines()[-1])
    return answer


def cost(options: argparse.Namespace) -> list[Record]:
    """Seconds of both ways in turns: medians, and the ratio of their processor time."""
    found = []
    for n_texts in options.texts:
        for n_buckets in options.buckets:
            ways: dict[str, list[Record]] = {"fit": [], "kept": []}
            for _ in range(options.repeats):
                for way, records in ways.items():
                    arguments = way, n_texts, n_buckets, options.chunk
                    records.append(in_fresh_process(options.folder, *arguments))
            fit, kept = ways["fit"], ways["kept"]
            pairs = list(zip(fit, kept, strict=True))
            found.append(
                {
                    "texts": n_texts,
                    "table": f"2^{n_buckets.bit_length() - 1}",
                    "chunk": options.chunk,
                    "fit, s": median(r["seconds"] for r in fit),
                    "partial_fit, s": median(r["seconds"] for r in kept),
                    "fit, cpu s": median(r["cpu_seconds"] for r in fit),
                    "partial_fit, cpu s": median(r["cpu_seconds"] for r in kept),
                    "ratio": median(b["seconds"] / a["seconds"] for a, b in pairs),
                    "ratio of cpu": median(
                        b["cpu_seconds"] / a["cpu_seconds"] for a, b in pairs
                    ),
                    "fit, MiB": median(r["peak"] for r in fit) / 2**20,
                    "partial_fit, MiB": median(r["peak"] for r in kept) / 2**20,
                }
            )
            print(row(found[-1]), flush=True)
    return found


def stream(options: argparse.Namespace) -> list[Record]:
    """Peak of each million texts of a stream, and the seconds of all."""
    found = []
    for n_texts in options.texts:
        for n_buckets in options.buckets:
            one = in_fresh_process(
                options.folder, "stream", n_texts, n_buckets, options.chunk
            )
            millions = " ".join(f"{n / 2**20:.0f}" for n in one["peaks"])
            found.append(
                {
                    "texts": n_texts,
                    "table": f"2^{n_buckets.bit_length() - 1}",
                    "chunk": options.chunk,
                    "partial_fit, s": one["seconds"],
                    "cpu, s": one["cpu_seconds"],
                    "peak of each million, MiB": millions,
                }
            )
            print(row(found[-1]), flush=True)
    return found


def row(record: Record) -> str:
    """Line of a Markdown table."""
    cells = [
        f"{value:.2f}" if isinstance(value, float) else str(value)
        for value in record.values()
    ]
    return f"| {' | '.join(cells)} |"


def table(records: list[Record]) -> str:
    """Markdown table of records with the same fields."""
    names = list(records[0])
    lines = [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
    return "\n".join([*lines, *map(row, records)])


PARTS = {
    "accuracy": accuracy,
    "defaults": defaults,
    "sorted": sorted_streams,
    "cost": cost,
    "memory": stream,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("part", choices=[*PARTS, "measure"])
    parser.add_argument("--test", action="store_true", help="judge by the test sets")
    parser.add_argument("--names", nargs="+", default=list(DEFAULT_PARTS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--texts", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--buckets", type=int, nargs="+", default=[2**18, 2**20])
    parser.add_argument("--chunk", type=int, default=20_000)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--measure", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        way, *numbers = options.measure
        print(json.dumps(measure(options.folder, way, *map(int, numbers))))
        return
    found = PARTS[options.part](options)
    print(f"\n{table(found)}")
    if options.output:
        options.output.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
