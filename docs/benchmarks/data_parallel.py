"""Data-parallel fits: accuracy, time, bytes; and the time of more machines, predicted.

    python docs/benchmarks/data_parallel.py FOLDER [NAME ...] [--repeats 3]

FOLDER holds ``NAME.train.parquet`` and ``NAME.test.parquet`` with columns text and
label. Each fit is one run of `torchrun` with one thread in each process; runs of
different numbers of processes take turns. Prints Markdown tables.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

SHARED = ["learn_features", "_count", "make_batches"]
"""What each rank does for its share of the samples, ..."""

EVERYWHERE = ["with_features"]
"""... what each does for all features, ..."""

MERGING = ["merge", "keep_features", "select", "_with_weights", "_weighed_by_ranks"]
"""... to count, prune and weigh the features of all ranks (`data_merging` has this for
any number of them), ..."""

TRAINING = ["run_epoch"]
"""... and for its rows of the table."""

TALK = ["all_gather", "all_to_all", "reduce_scatter", "all_reduce_gradients"]


def work(folder: str, name: str) -> None:
    """One process of a fit; the first prints what it has found as JSON."""
    import pandas as pd
    import torch
    import torch.distributed as dist

    from skbag import EmbeddingBagClassifier
    from skbag._text.dealt_features import DealtFeatures
    from skbag._text.merging import OwnFeatures
    from skbag._text.vocabulary_encoder import VocabularyEncoder
    from skbag._training import (
        feature_learning,
        preparation,
        process_group,
        torch_setup,
        trainer,
    )

    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    rank, world_size = dist.get_rank(), dist.get_world_size()
    train = pd.read_parquet(f"{folder}/{name}.train.parquet")
    test = pd.read_parquet(f"{folder}/{name}.test.parquet")
    texts, labels = (
        train.text.tolist()[rank::world_size],
        train.label.tolist()[rank::world_size],
    )

    seconds: dict[str, float] = defaultdict(float)
    messages: dict[str, int] = defaultdict(int)
    sent: dict[str, float] = defaultdict(float)
    running: list[str] = []
    stage = ["reading"]

    def timed(owner: Any, method: str) -> None:
        """Add up processor seconds, without those of what is timed inside."""
        inner = getattr(owner, method)

        def outer(*args: Any, **kwargs: Any) -> Any:
            began = time.process_time()
            if running:
                seconds[running[-1]] += began - since[0]
            running.append(method)
            since[0] = began
            before = args[0].n_sent if method in TALK else 0
            try:
                return inner(*args, **kwargs)
            finally:
                now = time.process_time()
                seconds[method] += now - since[0]
                running.pop()
                since[0] = now
                if method in TALK and not set(running) & set(TALK):
                    sent[stage[0]] += args[0].n_sent - before
                    messages[stage[0]] += 1

        setattr(owner, method, outer)

    since = [0.0]
    for method in ("learn_features", "keep_features", "merge"):
        timed(feature_learning, method)
    for method in ("_count", "_with_weights", "_weighed_by_ranks"):
        timed(preparation, method)
    for owner in (OwnFeatures, DealtFeatures):
        timed(owner, "select")
    timed(VocabularyEncoder, "with_features")
    own_features: list[int] = []
    merge = feature_learning.merge

    def counting(communicator: Any, own: Any, *others: Any) -> Any:
        own_features.append(own.encoder.n_ids)
        return merge(communicator, own, *others)

    feature_learning.merge = counting
    timed(torch_setup, "make_batches")
    timed(trainer.Trainer, "run_epoch")
    for method in TALK:
        timed(process_group.ProcessGroup, method)
    entered = process_group.ProcessGroup.stage

    def enter(self: Any, text: str) -> None:
        stage[0] = "training" if "epoch" in text else "preparing"
        entered(self, text)

    process_group.ProcessGroup.stage = enter  # type: ignore[method-assign]

    touched = [0]
    run_epoch = trainer.Trainer.run_epoch

    def counting_rows(self: Any, *more: Any) -> Any:
        """Note how many rows the first half of the texts of each batch touches."""
        if world_size == 1:
            touched[0] = sum(
                len(batch.ids[: batch.offsets[len(batch) // 2]].unique())
                for batch in self.batches
            )
        return run_epoch(self, *more)

    trainer.Trainer.run_epoch = counting_rows  # type: ignore[method-assign]

    def fit(n: int | None) -> tuple[Any, float, float]:
        clf = EmbeddingBagClassifier(random_state=0, distributed=True)
        began, cpu = time.perf_counter(), time.process_time()
        clf.fit(texts[:n], labels[:n])
        return clf, time.perf_counter() - began, time.process_time() - cpu

    fit(2000)  # What is imported and allocated once.
    for each in (seconds, messages, sent):
        each.clear()
    dist.barrier()
    clf, wall, cpu = fit(None)
    if rank == 0:
        steps = -(-len(train) // clf.batch_size_)
        accuracy = np.mean(clf.predict(test.text.tolist()) == test.label.to_numpy())
        found = {
            "accuracy": 100 * float(accuracy),
            "wall": wall,
            "cpu": cpu,
            "epochs": clf.n_iter_,
            "steps": steps,
            "batch_size": clf.batch_size_,
            "n_ids": len(clf.embedding_),
            "width": clf.embedding_.shape[1],
            "shared": sum(seconds[key] for key in SHARED),
            "everywhere": sum(seconds[key] for key in EVERYWHERE),
            "merging": sum(seconds[key] for key in MERGING),
            "training": sum(seconds[key] for key in TRAINING),
            "talk": sum(seconds[key] for key in TALK),
            "own_features": own_features[-1],
            "touched": touched[0],
            "sent": dict(sent),
            "messages": dict(messages),
        }
        if world_size == 2:
            found["latency"], found["bandwidth"] = ping()
    elif world_size == 2:
        ping()
    if rank == 0:
        print("FOUND " + json.dumps(found), flush=True)
    dist.destroy_process_group()


def ping() -> tuple[float, float]:
    """Seconds of a small message between two processes, and bytes per second."""
    import torch
    import torch.distributed as dist

    best = []
    for n_bytes in (4, 2**23):
        message = torch.zeros(n_bytes, dtype=torch.uint8)
        parts = list(torch.empty(2, n_bytes, dtype=torch.uint8))
        took = []
        for _ in range(100):
            began = time.perf_counter()
            dist.all_gather(parts, message)
            took.append(time.perf_counter() - began)
        best.append(float(np.percentile(took, 20)))
    return best[0], 2**23 / (best[1] - best[0])


def run(folder: str, name: str, n: int, threads: int = 1) -> dict[str, Any]:
    """One fit by n processes."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    done = subprocess.run(
        [*torchrun, "--nproc-per-node", str(n), __file__, folder, name, "--work"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": str(threads)},
    )
    for line in done.stdout.splitlines():
        if line.startswith("FOUND "):
            found: dict[str, Any] = json.loads(line.removeprefix("FOUND "))
            return found
    raise SystemExit(done.stderr)


def middle(runs: list[dict[str, Any]], key: str) -> float:
    """Median over runs."""
    return float(statistics.median(run[key] for run in runs))


def predict(
    one: dict[str, float],
    two: dict[str, float],
    n: int,
    latency: float,
    speed: float,
    merging: float,
) -> dict[str, float]:
    """Seconds of a fit by n processes, by the model in data_parallel.md.

    Parameters
    ----------
    one, two : dict
        Medians of what one and two processes have taken.
    n : int
    latency, speed : float
        Seconds of a message to one other process, and bytes per second.
    merging : float
        Processor seconds of merging by n simulated ranks.
    """
    steps = one["epochs"] * one["steps"]
    by_rows, others = (
        min(max(2 * (one[key] - two[key]), 0), one[key]) for key in ("training", "rest")
    )
    heaps = np.log2(one["own_features"] / two["own_features"])
    features = one["own_features"] * n**-heaps
    sent_preparing = two["sent_preparing"] * (n - 1) * features / two["own_features"]
    sent_training = steps_bytes(one, n) * one["epochs"]
    parts = {
        "shares": (one["shared"] + by_rows + others) / n,
        "everywhere": one["everywhere"]
        + (one["training"] - by_rows)
        + (one["rest"] - others),
        "merging": merging,
        "waiting": (n - 1) * latency * (2 * steps + two["messages_preparing"]),
        "sending": (sent_preparing + sent_training) / speed,
    }
    return {**parts, "all": sum(parts.values())}


def steps_bytes(one: dict[str, float], n: int) -> float:
    """Bytes that a rank sends in an epoch: sums, gradients, and those of intercepts."""
    width, n_samples = one["width"], one["n_samples"]
    rows = 2 * 4 * width * n_samples * (n - 1) / n
    return rows + one["steps"] * 4 * (width + 1) * (n - 1)


def main(folder: str, names: list[str], repeats: int) -> None:
    """Measure and print."""
    import data_merging
    import pandas as pd

    print(
        "| data | processes | threads of each | accuracy (%) | fit (s) | processor (s) | "
        "MB sent before training | MB sent in an epoch | touched rows, MB |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    lines = []
    for name in names:
        setups = [(1, 1), (1, 2), (2, 1)]
        runs: dict[tuple[int, int], list[dict[str, Any]]] = defaultdict(list)
        for _ in range(repeats):
            for setup in setups:
                runs[setup].append(run(folder, name, *setup))
        for n, threads in setups:
            found = runs[n, threads]
            sent = found[0]["sent"]
            in_epoch = sent.get("training", 0) / found[0]["epochs"] / 1e6
            before = (sent.get("preparing", 0) + sent.get("reading", 0)) / 1e6
            # What two ranks with a table each would tell each other.
            row = 4 + 4 * found[0]["width"]
            touched = row * runs[1, 1][0]["touched"] / 1e6
            print(
                f"| {name} | {n} | {threads} | {middle(found, 'accuracy'):.2f} | "
                f"{middle(found, 'wall'):.2f} | {middle(found, 'cpu'):.2f} | "
                f"{before:.1f} | {in_epoch:.2f} | {touched if n > 1 else 0:.0f} |",
                flush=True,
            )
        keys = ["shared", "everywhere", "merging", "training", "own_features", "cpu"]
        keys += ["epochs", "steps", "width", "talk", "touched"]
        one = {key: middle(runs[1, 1], key) for key in keys}
        two = {key: middle(runs[2, 1], key) for key in keys}
        one["n_samples"] = len(pd.read_parquet(f"{folder}/{name}.train.parquet"))
        for each in (one, two):
            named = ("shared", "everywhere", "merging", "training", "talk")
            each["rest"] = max(each["cpu"] - sum(each[key] for key in named), 0)
        first = runs[2, 1][0]
        for key in ("sent", "messages"):
            of = first[key]
            two[f"{key}_preparing"] = of.get("preparing", 0) + of.get("reading", 0)
        latency, speed = middle(runs[2, 1], "latency"), middle(runs[2, 1], "bandwidth")
        lines.append((name, one, two, latency, speed))
    print("\nProcessor seconds of one rank:\n")
    print(
        "| data | processes | shares | everywhere | merging | training | talking | "
        "not named | all |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for name, one, two, _, _ in lines:
        for n, each in ((1, one), (2, two)):
            cells = ["shared", "everywhere", "merging", "training", "talk"]
            cells += ["rest", "cpu"]
            print(
                f"| {name} | {n} | "
                + " | ".join(f"{each[c]:.2f}" for c in cells)
                + " |"
            )
    print("\nPredicted:\n")
    print(
        "| data | network | processes | shares | everywhere | merging | waiting | "
        "sending | fit (s) | speed-up |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name, one, two, latency, speed in lines:
        merging = data_merging.measured(Path(folder), name, [2, 4, 8], repeats)
        here = f"this machine's ({1e6 * latency:.0f} us, {speed / 1e9:.1f} GB/s)"
        for network, alpha, beta, counts in (
            (here, latency, speed, (2,)),
            ("10 Gbit/s, 50 us", 50e-6, 1.25e9, (2, 4, 8)),
            ("1 Gbit/s, 100 us", 100e-6, 1.25e8, (8,)),
        ):
            for n in counts:
                own = sum(merging[n][column] for column in data_merging.MERGING)
                parts = predict(one, two, n, alpha, beta, own)
                cells = " | ".join(f"{value:.2f}" for value in parts.values())
                gain = one["cpu"] / parts["all"]
                print(f"| {name} | {network} | {n} | {cells} | {gain:.2f} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("names", nargs="*", default=["debian_section", "registry"])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(options.folder, options.names[0])
    else:
        main(options.folder, options.names, options.repeats)
