"""Runs in each environment and answers requests, one JSON object a line.

A worker holds the data of one data set and the classifiers fitted on them. It measures
only when asked, so that of several workers never two measure at once. It is started by
`workers.Worker` and imports what the requests need: its environment has one library.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import statistics
import sys
import time
import traceback
from pathlib import Path
from typing import Any, TextIO

import data
import memory
import scores
from methods.catalogue import METHODS, Classifier

Answer = dict[str, Any]
LEAST_SECONDS = 0.3
"""A quick prediction is repeated for so long."""


class Session:
    """What a worker knows; each public method answers one kind of request."""

    def __init__(self) -> None:
        self.models: dict[str, Classifier] = {}
        self.train: tuple[list[str], list[str]] = ([], [])
        self.test: tuple[list[str], list[str]] = ([], [])

    def start(self, library: str) -> Answer:
        """Import a library; tell how long that took and what it is."""
        started = time.perf_counter()
        module = importlib.import_module(f"methods.{library}_method")
        seconds = time.perf_counter() - started
        versions = {"python": platform.python_version(), **module.versions()}
        return {"import_seconds": seconds, "versions": versions}

    def load(self, folder: str, name: str) -> Answer:
        """Read a data set."""
        self.train = data.read(Path(folder), name, "train")
        self.test = data.read(Path(folder), name, "test")
        return {
            "n_train": len(self.train[0]),
            "n_test": len(self.test[0]),
            "n_classes": len(set(self.train[1])),
            "n_characters": sum(map(len, self.train[0])),
        }

    def fit(self, method: str, seed: int) -> Answer:
        """Fit from raw texts; seconds, and bytes above the texts at the peak."""
        model = METHODS[method].make()
        self.models.pop(method, None)
        base = memory.baseline()
        started = time.perf_counter()
        notes = model.fit(*self.train, seed)
        seconds = time.perf_counter() - started
        self.models[method] = model
        peak = memory.peak_above(base)
        return {"seconds": seconds, "peak_bytes": peak, "notes": notes}

    def score(self, method: str) -> Answer:
        """Accuracy on the test texts."""
        predicted = self.models[method].predict(self.test[0])
        return {"accuracy": scores.accuracy(self.test[1], predicted)}

    def calibration(self, method: str) -> Answer:
        """Log-loss and calibration error on the test texts."""
        classes, p = self.models[method].predict_proba(self.test[0])  # type: ignore[attr-defined]
        return {
            "log_loss": scores.log_loss(self.test[1], classes, p),
            "calibration_error": scores.calibration_error(self.test[1], classes, p),
        }

    def time_predict(self, method: str) -> Answer:
        """Median seconds of predicting all test texts."""
        model, times = self.models[method], []
        while sum(times) < LEAST_SECONDS:
            started = time.perf_counter()
            model.predict(self.test[0])
            times.append(time.perf_counter() - started)
        return {"seconds": statistics.median(times), "n_texts": len(self.test[0])}

    def time_single(self, method: str, first: int, count: int) -> Answer:
        """Seconds of each of some test texts, one at a time, after a warm-up."""
        model, n = self.models[method], len(self.test[0])
        texts = [self.test[0][i % n] for i in range(first, first + count)]
        for text in texts[:20]:
            model.predict_one(text)
        times = []
        for text in texts:
            started = time.perf_counter()
            model.predict_one(text)
            times.append(time.perf_counter() - started)
        return {"seconds": times}

    def save(self, method: str, path: str) -> Answer:
        """Write a fitted classifier; bytes of the file."""
        self.models[method].save(Path(path))  # type: ignore[attr-defined]
        return {"bytes": Path(path).stat().st_size}

    def predict_many(self, method: str, path: str, count: int) -> Answer:
        """Bytes above texts and results while so many texts are predicted."""
        model = METHODS[method].make()
        model.load(Path(path))  # type: ignore[attr-defined]
        n = len(self.test[0])
        texts = [self.test[0][i % n] for i in range(count)]
        base = memory.baseline()
        started = time.perf_counter()
        labels: Any = model.predict(texts)
        seconds = time.perf_counter() - started
        peak = memory.peak_above(base)
        above = None if peak is None else max(peak - labels.nbytes, 0)
        return {"seconds": seconds, "above_bytes": above, "result_bytes": labels.nbytes}

    def cost(self, law: str, size: int, repeats: int) -> Answer:
        """One point of a cost law of skbag."""
        import costs

        return costs.LAWS[law](size, repeats)

    def cuda(self) -> Answer:
        """Name of the CUDA device that torch sees, or None."""
        import torch

        found = torch.cuda.is_available()
        return {"device": torch.cuda.get_device_name() if found else None}


def use_cores(count: int) -> None:
    """Stay on the first cores, where the system lets a process choose."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])


def serve(requests: TextIO, answers: TextIO) -> None:
    """Answer until the requests end."""
    session = Session()
    for line in requests:
        request = json.loads(line)
        try:
            answer = {"ok": getattr(session, request.pop("do"))(**request)}
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    use_cores(int(sys.argv[1]))
    # Libraries may print: only answers go to the pipe.
    pipe = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    serve(sys.stdin, pipe)
