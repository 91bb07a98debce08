"""What is asked of the workers, one data set after the other.

Everything measured goes into one dictionary, ``record[method][figure]``; a figure that
is there already is not measured again, so that an interrupted run can go on.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from methods.catalogue import (
    CALIBRATED,
    METHODS,
    PEERS,
    RIVAL,
    SKBAG,
    TWO_LAYER,
)
from workers import Worker, WorkerError, busy_cores

Record = dict[str, dict[str, Any]]
LOGISTIC, SVC = "logistic", "svc"
SINGLE_TEXTS = 300
MANY_TEXTS = 1_000_000
SEEDS = 3
BUSY_REPEATS = 3
LARGE = 10_000
"""With more texts than this, slow peers are fitted with one seed."""


class DataSet:
    """The measurements of one data set.

    Parameters
    ----------
    start : callable
        Starts a worker for a library.
    libraries : list of str
        Those there are; methods of others are left out.
    folder, name : Path, str
        The data.
    record : dict
        What is known; filled.
    save : callable
        Called after every figure.
    limit : float
        Seconds that one fit of a peer may take.
    """

    def __init__(
        self,
        start: Callable[[str], Worker],
        libraries: list[str],
        folder: Path,
        name: str,
        record: Record,
        save: Callable[[], None],
        limit: float,
    ) -> None:
        self.start, self.libraries = start, libraries
        self.folder, self.name = str(folder), name
        self.record, self.save, self.limit = record, save, limit
        self._workers: dict[str, Worker] = {}
        self._fitted: set[str] = set()

    def close(self) -> None:
        """End the processes."""
        for worker in self._workers.values():
            worker.stop()
        self._workers = {}

    def fits(self, repeats: int) -> None:
        """Fit skbag and its rival in turn; accuracies of the first seeds."""
        if "fit_seconds" in self.record.get(RIVAL, {}):
            return
        methods = [method for method in (SKBAG, RIVAL) if self._is_installed(method)]
        seconds: dict[str, list[float]] = {method: [] for method in methods}
        hits: dict[str, list[float]] = {method: [] for method in methods}
        for seed in range(repeats):
            for method in methods:
                seconds[method].append(self._fit(method, seed)["seconds"])
                if seed < SEEDS:
                    hits[method].append(self._accuracy(method))
        for method in methods:
            self._put(method, "fit_seconds", seconds[method])
            self._put(method, "accuracy", hits[method])

    def busy(self, n_cores: int) -> None:
        """Fit skbag and its rival in turn while another process is on each core."""
        if "busy_seconds" in self.record.get(RIVAL, {}):
            return
        methods = [method for method in (SKBAG, RIVAL) if self._is_installed(method)]
        seconds: dict[str, list[float]] = {method: [] for method in methods}
        for method in methods:
            self._worker(method)
        with busy_cores(n_cores):
            for seed in range(BUSY_REPEATS):
                for method in methods:
                    seconds[method].append(self._fit(method, seed)["seconds"])
        for method in methods:
            self._put(method, "busy_seconds", seconds[method])

    def peers(self) -> None:
        """Accuracy and time of the other peers, each fitted within the limit."""
        for method in PEERS:
            if method != RIVAL:
                self._fit_and_score(method)

    def two_layer(self) -> None:
        """Accuracy and time of the models with an embedding."""
        for method in TWO_LAYER:
            self._fit_and_score(method)

    def predictions(self) -> None:
        """Seconds for all test texts, and for one text at a time, in turns."""
        methods = [m for m in (SKBAG, RIVAL, LOGISTIC) if self._has_model(m)]
        for method in methods:
            if "predict_seconds" not in self.record[method]:
                answer = self._worker(method).ask("time_predict", method=method)
                self._put(method, "predict_seconds", answer["seconds"])
                self._put(method, "n_predicted", answer["n_texts"])
        if "single_seconds" in self.record[SKBAG]:
            return
        times: dict[str, list[float]] = {method: [] for method in methods}
        part = SINGLE_TEXTS // 3
        for first in range(0, SINGLE_TEXTS, part):
            for method in methods:
                answer = self._worker(method).ask(
                    "time_single", method=method, first=first, count=part
                )
                times[method] += answer["seconds"]
        for method in methods:
            self._put(method, "single_seconds", median(times[method]))

    def calibration(self) -> None:
        """Log-loss of skbag and of logistic regression."""
        self._fit_and_score(CALIBRATED[0])
        for method in (SKBAG, *CALIBRATED):
            known = "log_loss" in self.record.get(method, {})
            if not known and self._has_model(method):
                answer = self._worker(method).ask("calibration", method=method)
                for figure, value in answer.items():
                    self._put(method, figure, value)

    def memory(self) -> None:
        """Peak of one fit, each in a process of its own; size of the file."""
        self.close()
        for method in (SKBAG, RIVAL, SVC):
            if "peak_bytes" in self.record.setdefault(method, {}):
                continue
            if "error" in self.record[method] or not self._is_installed(method):
                continue
            self._put(method, "peak_bytes", self._fit(method, 0)["peak_bytes"])
            if method == SKBAG:
                with tempfile.TemporaryDirectory() as folder:
                    path = str(Path(folder) / "model")
                    worker = self._worker(method)
                    answer = worker.ask("save", method=method, path=path)
                    self._put(method, "file_bytes", answer["bytes"])
            self.close()

    def many_texts(self) -> None:
        """Memory while a million texts are predicted."""
        if "million_bytes" in self.record[SKBAG]:
            return
        self._fit(SKBAG, 0)
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "model")
            self._worker(SKBAG).ask("save", method=SKBAG, path=path)
            self.close()  # a fresh process: nothing of the fit is left in it
            answer = self._worker(SKBAG).ask(
                "predict_many", method=SKBAG, path=path, count=MANY_TEXTS
            )
        self._put(SKBAG, "million_bytes", answer["above_bytes"])

    def _fit_and_score(self, method: str) -> None:
        known = self.record.setdefault(method, {})
        if "accuracy" in known or "error" in known or not self._is_installed(method):
            return
        seconds, hits = [], []
        try:
            for seed in range(self._n_seeds(method)):
                seconds.append(self._fit(method, seed)["seconds"])
                hits.append(self._accuracy(method))
        except WorkerError as error:
            self._put(method, "error", str(error))
            library = METHODS[method].library
            self._workers.pop(library).stop()
            self._fitted -= {m for m in METHODS if METHODS[m].library == library}
            return
        self._put(method, "fit_seconds", seconds)
        self._put(method, "accuracy", hits)

    def _n_seeds(self, method: str) -> int:
        if not METHODS[method].seeded:
            return 1
        slow = self.record["about"]["n_train"] > LARGE and method not in TWO_LAYER
        return 1 if slow else SEEDS

    def _fit(self, method: str, seed: int) -> dict[str, Any]:
        worker = self._worker(method)
        answer = worker.ask("fit", method=method, seed=seed, limit=self.limit)
        self._fitted.add(method)
        print(f"{self.name}: {method} {answer['seconds']:.3f} s", flush=True)
        return answer

    def _accuracy(self, method: str) -> float:
        return float(self._worker(method).ask("score", method=method)["accuracy"])

    def _has_model(self, method: str) -> bool:
        """Whether a worker holds the model; fits it again after an interruption."""
        if "error" in self.record.get(method, {}) or not self._is_installed(method):
            return False
        if method not in self._fitted or METHODS[method].library not in self._workers:
            try:
                self._fit(method, 0)
            except WorkerError:
                return False
        return True

    def _is_installed(self, method: str) -> bool:
        return METHODS[method].library in self.libraries

    def _worker(self, method: str) -> Worker:
        library = METHODS[method].library
        if library not in self._workers:
            worker = self.start(library)
            about = worker.ask("load", folder=self.folder, name=self.name)
            self.record.setdefault("about", {}).update(about)
            self._workers[library] = worker
        return self._workers[library]

    def _put(self, method: str, figure: str, value: Any) -> None:
        self.record.setdefault(method, {})[figure] = value
        self.save()
