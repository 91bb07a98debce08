"""Tiny models: skbag's `compress` against fastText's `quantize`, in one run.

    python docs/benchmarks/compression.py --data FOLDER [--names imdb ...]

Fits both on each data set, makes them small, and prints as a markdown table: bytes of
the file, accuracy and log-loss on the test texts, before and after, and for skbag the
microseconds of one text at a time, large and small in turns.

fastText is trained with pairs of words, 10 dimensions and 2,000,000 buckets, on
lower-cased tokens, and quantised with its own recipe: the 100,000 strongest features,
norms apart, trained again.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import data
import numpy as np

NAMES = ("20news", "imdb", "debian_section")
BUDGET = 1_600_000
HEADER = (
    "| data | model | file, bytes | accuracy | lost, points | log-loss | µs a text |"
)


def accuracy(found: Any, labels: list[str]) -> float:
    return float(np.mean(np.asarray(found) == np.asarray(labels)))


def row(
    name: str, kind: str, size: int, score: float, before: float, loss: Any, time: Any
) -> str:
    lost = f"{100 * (before - score):+.2f}"
    return f"| {name} | {kind} | {size:,} | {score:.4f} | {lost} | {loss} | {time} |"


def single_times(models: dict[str, Any], texts: list[str]) -> dict[str, float]:
    """Median microseconds of one text at a time, in turns."""
    times: dict[str, list[float]] = {kind: [] for kind in models}
    for number, text in enumerate(texts):
        for kind, model in models.items():
            started = time.perf_counter()
            model.predict_proba([text])
            if number >= 20:
                times[kind].append(1e6 * (time.perf_counter() - started))
    return {kind: statistics.median(each) for kind, each in times.items()}


def skbag_rows(name: str, sets: Any, folder: Path, budgets: list[int]) -> list[str]:
    from sklearn.metrics import log_loss

    import skbag

    texts, labels, new_texts, new_labels = sets
    models = {"skbag": skbag.EmbeddingBagClassifier(random_state=0).fit(texts, labels)}
    for bits in (16, 8):
        small = models["skbag"].compress(bits=bits)
        models[f"skbag, all features, {bits} bits"] = small
    for budget in budgets:
        small = models["skbag"].compress(budget)
        models[f"skbag, {budget / 1e6:g} MB"] = small
    times = single_times(models, new_texts[:520])
    rows, before = [], None
    for kind, model in models.items():
        skbag.save(model, folder / "model")
        model = skbag.load(folder / "model")
        probabilities = model.predict_proba(new_texts)
        score = accuracy(model.predict(new_texts), new_labels)
        before = score if before is None else before
        size = (folder / "model").stat().st_size
        loss = log_loss(new_labels, probabilities, labels=model.classes_)
        rows.append(
            row(name, kind, size, score, before, f"{loss:.4f}", f"{times[kind]:.0f}")
        )
    return rows


def fasttext_rows(name: str, sets: Any, folder: Path, epochs: int) -> list[str]:
    import fasttext
    from methods.fasttext_method import PREFIX, normalise

    texts, labels, new_texts, new_labels = sets
    classes = sorted(set(labels))
    codes = {label: f"{PREFIX}{i}" for i, label in enumerate(classes)}
    train = folder / "train.txt"
    with train.open("w", encoding="utf-8") as lines:
        lines.writelines(
            f"{codes[label]} {normalise(text)}\n"
            for text, label in zip(texts, labels, strict=True)
        )
    wanted = [codes.get(label, "") for label in new_labels]
    lines_of_test = [normalise(text) for text in new_texts]
    model = fasttext.train_supervised(
        str(train),
        lr=0.5,
        dim=10,
        wordNgrams=2,
        bucket=2_000_000,
        epoch=epochs,
        thread=2,
        seed=0,
        verbose=0,
    )
    rows, before = [], None
    for kind in ("fastText", "fastText, quantised"):
        if before is not None:
            model.quantize(
                input=str(train),
                cutoff=100_000,
                qnorm=True,
                retrain=True,
                epoch=epochs,
                thread=2,
                verbose=0,
            )
        model.save_model(str(folder / "model.bin"))
        found = [labels[0] for labels in model.predict(lines_of_test)[0]]
        score = accuracy(found, wanted)
        before = score if before is None else before
        size = (folder / "model.bin").stat().st_size
        rows.append(row(name, kind, size, score, before, "", ""))
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--names", nargs="+", default=NAMES)
    parser.add_argument("--budgets", nargs="+", type=int, default=[BUDGET, 400_000])
    parser.add_argument("--epochs", type=int, default=25, help="of fastText")
    options = parser.parse_args()
    data.check(options.data, options.names)
    print(HEADER)
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    for name in options.names:
        sets = [
            part
            for split in ("train", "test")
            for part in data.read(options.data, name, split)
        ]
        with tempfile.TemporaryDirectory() as folder:
            rows = skbag_rows(name, sets, Path(folder), options.budgets)
            rows += fasttext_rows(name, sets, Path(folder), options.epochs)
        print("\n".join(rows), flush=True)


if __name__ == "__main__":
    main()
