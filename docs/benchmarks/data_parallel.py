"""Fits by several processes: accuracy, bytes, and the seconds of each rank by stage.

    python docs/benchmarks/data_parallel.py FOLDER [NAME ...] [--processes 1 2 8]
        [--distributed local] [--repeats 3]

FOLDER holds ``NAME.train.parquet`` and ``NAME.test.parquet`` with columns text and
label. Each fit is one run of `torchrun` with one thread in each process; runs of
different numbers of processes take turns. Where these are more than the processor has
cores, they wait for each other, but the processor seconds of each rank are still its
own: with the messages and bytes that it sends, they say what a fit would take where
each has a machine for itself. Prints Markdown tables.
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
from typing import Any

import numpy as np

STAGES = {
    "it learnt the features of the samples": "features",
    "it dealt the samples out to train on": "dealing",
    "it put the model together": "the model",
}
"""What a fit calls its stages; epochs have numbers."""

MESSAGES = [
    "all_gather",
    "all_to_all",
    "all_reduce",
    "reduce_scatter",
    "all_reduce_gradients",
]

NETWORKS = {
    "10 Gbit/s, 50 us": (50e-6, 1.25e9),
    "1 Gbit/s, 100 us": (100e-6, 1.25e8),
}
"""Seconds of a message, and bytes a second."""


class Meter:
    """Processor seconds, messages and bytes of one rank, by stage."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self.stage = "input"
        self.seconds: dict[str, float] = defaultdict(float)
        self.messages: dict[str, int] = defaultdict(int)
        self.sent: dict[str, int] = defaultdict(int)
        self._since = time.process_time()

    def enter(self, text: str) -> None:
        """Begin a stage."""
        self.flush()
        self.stage = "epochs" if "epoch" in text else STAGES.get(text, "input")

    def flush(self) -> None:
        """Add up the seconds so far."""
        now = time.process_time()
        self.seconds[self.stage] += now - self._since
        self._since = now

    def install(self) -> None:
        """Let communicators report to this one."""
        from skbag._core.communicator import SingleProcess
        from skbag._training.process_group import ProcessGroup

        for communicator in (ProcessGroup, SingleProcess):
            communicator.stage = self._noted(communicator.stage)
        running: list[str] = []
        for name in MESSAGES:
            setattr(ProcessGroup, name, self._counted(name, running))

    def _noted(self, stage: Any) -> Any:
        def entered(communicator: Any, text: str) -> None:
            self.enter(text)
            stage(communicator, text)

        return entered

    def _counted(self, name: str, running: list[str]) -> Any:
        from skbag._training.process_group import ProcessGroup

        inner = getattr(ProcessGroup, name)

        def outer(group: Any, *args: Any) -> Any:
            before = group.n_sent
            running.append(name)
            try:
                return inner(group, *args)
            finally:
                running.pop()
                if not running:
                    self.messages[self.stage] += 1
                    self.sent[self.stage] += group.n_sent - before

        return outer


def work(folder: str, name: str, distributed: str | bool) -> None:
    """One process of a fit; the first prints what all have found as JSON."""
    import pandas as pd
    import torch
    import torch.distributed as dist

    from skbag import EmbeddingBagClassifier

    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    rank, world_size = dist.get_rank(), dist.get_world_size()
    train = pd.read_parquet(f"{folder}/{name}.train.parquet")
    texts = train.text.tolist()[rank::world_size]
    labels = train.label.tolist()[rank::world_size]
    meter = Meter()
    meter.install()

    def fit(n: int | None) -> tuple[Any, float]:
        clf = EmbeddingBagClassifier(
            random_state=0, distributed=distributed if world_size > 1 else False
        )
        dist.barrier()
        meter.reset()
        began = time.perf_counter()
        clf.fit(texts[:n], labels[:n])
        meter.flush()
        return clf, time.perf_counter() - began

    fit(2000)  # What is imported and allocated once.
    clf, wall = fit(None)
    own = {
        "seconds": dict(meter.seconds),
        "messages": dict(meter.messages),
        "sent": dict(meter.sent),
    }
    every: list[Any] = [None] * world_size
    dist.all_gather_object(every, own)
    if rank == 0:
        test = pd.read_parquet(f"{folder}/{name}.test.parquet")
        right = clf.predict(test.text.tolist()) == test.label.to_numpy()
        found = {"accuracy": 100 * float(np.mean(right)), "wall": wall, "ranks": every}
        print("FOUND " + json.dumps(found), flush=True)
    dist.destroy_process_group()


def run(folder: str, name: str, n: int, distributed: str | None) -> dict[str, Any]:
    """One fit by n processes."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    options = [] if distributed is None else ["--distributed", distributed]
    command = [*torchrun, "--nproc-per-node", str(n), __file__, folder, name]
    done = subprocess.run(
        [*command, "--work", *options],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    for line in done.stdout.splitlines():
        if line.startswith("FOUND "):
            found: dict[str, Any] = json.loads(line.removeprefix("FOUND "))
            return found
    raise SystemExit(done.stderr)


def of_slowest(found: dict[str, Any], key: str) -> dict[str, float]:
    """By stage, the most that a rank has taken or sent: the others wait for it."""
    stages = {stage for rank in found["ranks"] for stage in rank[key]}
    return {
        stage: max(rank[key].get(stage, 0) for rank in found["ranks"])
        for stage in stages
    }


def seconds_on(found: dict[str, Any], network: tuple[float, float]) -> float:
    """Seconds of the fit where each rank has a machine for itself."""
    latency, speed = network
    n = len(found["ranks"])
    seconds = sum(of_slowest(found, "seconds").values())
    # A message is a round to each of the others, in a ring.
    waiting = sum(of_slowest(found, "messages").values()) * latency * (n - 1)
    return seconds + waiting + sum(of_slowest(found, "sent").values()) / speed


def main(arguments: argparse.Namespace) -> None:
    """Measure and print."""
    stages = ["input", *STAGES.values()]
    stages.insert(3, "epochs")
    runs: dict[tuple[str, int], list[dict[str, Any]]] = defaultdict(list)
    for name in arguments.names:
        for _ in range(arguments.repeats):
            for n in arguments.processes:
                found = run(arguments.folder, name, n, arguments.distributed)
                runs[name, n].append(found)
    print(
        "| data | processes | accuracy (%) | fit here (s) | "
        + " | ".join(f"{stage} (s)" for stage in stages)
        + " | messages | MB sent | "
        + " | ".join(f"fit, {network} (s) | speed-up" for network in NETWORKS)
        + " |"
    )
    print("|" + "---|" * (6 + len(stages) + 2 * len(NETWORKS)))
    for (name, n), found in runs.items():
        print(_row(name, n, found, runs[name, 1], stages), flush=True)


def _row(
    name: str,
    n: int,
    found: list[dict[str, Any]],
    alone: list[dict[str, Any]],
    stages: list[str],
) -> str:
    """Medians over the runs."""

    def median(values: list[float]) -> float:
        return float(statistics.median(values))

    seconds = [of_slowest(each, "seconds") for each in found]
    cells = [name, str(n)]
    cells.append(f"{median([each['accuracy'] for each in found]):.2f}")
    cells.append(f"{median([each['wall'] for each in found]):.2f}")
    cells += [f"{median([s.get(stage, 0) for s in seconds]):.2f}" for stage in stages]
    messages, sent = of_slowest(found[0], "messages"), of_slowest(found[0], "sent")
    cells += [str(sum(messages.values())), f"{sum(sent.values()) / 1e6:.1f}"]
    for network in NETWORKS.values():
        took = median([seconds_on(each, network) for each in found])
        base = median([seconds_on(each, network) for each in alone])
        cells += [f"{took:.2f}", f"{base / took:.2f}"]
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("names", nargs="*", default=["debian_section", "registry"])
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--distributed", choices=["local", "synchronous"])
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    parsed = parser.parse_args()
    if parsed.work:
        work(parsed.folder, parsed.names[0], parsed.distributed or True)
    else:
        main(parsed)
