"""Fits on a CUDA device against fits on the CPU: results, seconds, where they go.

    python docs/benchmarks/gpu.py FOLDER [--names debian_section registry]
        [--device cuda] [--texts 5000] [--repeats 3]

Fits each data set of the folder on the device and on the CPU in turns, after a first
fit that starts the device up and is told apart. Says where the time of a fit goes, what
``device="auto"`` chooses, and ends with an error where accuracies are more than 0.2
points apart. Prints tables in Markdown. With ``--device cpu``, or without a CUDA device,
the CPU is measured alone.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).parent))

import data
import numpy as np
import torch
from joblib import cpu_count

from skbag import EmbeddingBagClassifier
from skbag._training import fit as fit_module
from skbag._training.devices import CUDA_WORK, resolve_device
from skbag._training.run import TrainingRun

POINTS = 0.2
"""By which accuracies may differ."""

PARTS = {
    "prepare": (fit_module, "_prepare"),
    "batches": (fit_module, "_make_run"),
    "epochs": (TrainingRun, "epoch"),
}
"""Functions that a fit calls one after the other; `epoch` several times."""

COLUMNS = ("fit", *PARTS)

Texts = tuple[list[str], list[str]]


def wait_for(device: str) -> None:
    """Let the device finish what it was given."""
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize()


@contextmanager
def timed_parts(device: str) -> Iterator[dict[str, float]]:
    """Seconds that the parts of the fits inside take."""
    seconds = dict.fromkeys(PARTS, 0.0)

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            started = time.perf_counter()
            result = function(*args, **kwargs)
            wait_for(device)
            seconds[name] += time.perf_counter() - started
            return result

        return call

    with ExitStack() as stack:
        for name, (owner, function) in PARTS.items():
            replacement = timed(name, getattr(owner, function))
            stack.enter_context(patch.object(owner, function, replacement))
        yield seconds


def fit(device: str, train: Texts) -> tuple[EmbeddingBagClassifier, dict[str, float]]:
    """Fit once; the model, and seconds of the whole and of its parts."""
    with timed_parts(device) as seconds:
        started = time.perf_counter()
        fitted = EmbeddingBagClassifier(device=device, random_state=0).fit(*train)
        wait_for(device)
        whole = time.perf_counter() - started
    return fitted, {"fit": whole, **seconds}


def choice_of_auto(fitted: EmbeddingBagClassifier, texts: list[str]) -> str:
    """What ``device="auto"`` takes for a fit like this one, and why."""
    n_features = len(fitted.encode(texts).text)
    work = float(n_features) * fitted.embedding_.shape[1] * fitted.n_iter_
    chosen = resolve_device("auto", work).type
    return f"{chosen}: {work:.1e} numbers moved, CUDA above {CUDA_WORK:.0e}"


def measure(name: str, devices: list[str], train: Texts, test: Texts, n: int) -> bool:
    """Print the rows of a data set; whether all devices give the same results."""
    accuracies, first, choice = {}, {}, ""
    runs: dict[str, list[dict[str, float]]] = {device: [] for device in devices}
    for device in devices:
        fitted, seconds = fit(device, train)
        first[device] = seconds["fit"]
        accuracies[device] = 100 * float(np.mean(fitted.predict(test[0]) == test[1]))
        choice = choice_of_auto(fitted, train[0])
    for _ in range(n):
        for device in devices:
            runs[device].append(fit(device, train)[1])
    for device in devices:
        medians = [statistics.median(run[k] for run in runs[device]) for k in COLUMNS]
        cells = [
            f"{value:.2f}" for value in (accuracies[device], first[device], *medians)
        ]
        print("|", " | ".join([name, device, *cells, choice]), "|", flush=True)
    return max(accuracies.values()) - min(accuracies.values()) <= POINTS


def main() -> None:
    """Measure all data sets."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--names", nargs="+", default=["debian_section", "registry"])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--texts", type=int, help="train on so many texts only")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    data.check(arguments.folder, arguments.names)
    devices, machine = ["cpu"], f"torch {torch.__version__}, {cpu_count()} cores"
    if arguments.device != "cpu" and torch.cuda.is_available():
        devices.append(arguments.device)
        machine += f", {torch.cuda.get_device_name()}"
    elif arguments.device != "cpu":
        print("torch sees no CUDA device here: the CPU is measured alone.\n")
    seconds = [f"{name}, s" for name in COLUMNS]
    heads = ["data", "device", "accuracy, %", "first fit, s", *seconds, "auto takes"]
    print(f"{machine}\n\n| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    agree = []
    for name in arguments.names:
        texts, labels = data.read(arguments.folder, name, "train")
        train = texts[: arguments.texts], labels[: arguments.texts]
        test = data.read(arguments.folder, name, "test")
        agree.append(measure(name, devices, train, test, arguments.repeats))
    if not all(agree):
        raise SystemExit(f"Accuracies differ by more than {POINTS} points.")


if __name__ == "__main__":
    main()
