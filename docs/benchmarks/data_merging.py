"""What ranks do before training: processor seconds, bytes and messages of each.

    python docs/benchmarks/data_merging.py FOLDER [NAME ...] [--ranks 1 2 4 8]

FOLDER holds ``NAME.train.parquet`` with columns text and label. The ranks are threads
of one process that take turns: each runs until it waits for a message, so that a rank's
processor seconds are those it would take by itself. Messages are pickled and unpickled,
as between processes. Prints a Markdown table of the rank that takes longest.
"""

from __future__ import annotations

import argparse
import pickle
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import data
import numpy as np

from skbag import EmbeddingBagClassifier
from skbag._estimator.parameters import settings_of
from skbag._targets.classification_targets import ClassTargets
from skbag._text.dealt_features import DealtFeatures
from skbag._text.merging import OwnFeatures
from skbag._text.vocabulary_encoder import VocabularyEncoder
from skbag._training import feature_learning, preparation
from skbag._training.samples import Samples

STEPS = {
    "learn_features": "words",
    "_count": "words",
    "merge": "merging",
    "keep_features": "merging",
    "select": "merging",
    "_table": "merging",
    "with_features": "encoder",
    "_weighed_by_ranks": "weights",
    "_with_weights": "weights",
}
"""What is timed, without what it calls that is timed itself, and its column."""

COLUMNS = list(dict.fromkeys(STEPS.values()))

MERGING = ["merging", "weights"]
"""Columns of what is done for the features of all ranks, by each for its part."""

_own = threading.local()


class Rank:
    """One of several threads; a `Communicator`, for what comes before training."""

    def __init__(self, rank: int, told: list[Any], barrier: Any, turn: Any) -> None:
        self.rank, self.world_size = rank, len(told)
        self.n_sent = self.n_messages = 0
        self._told, self._barrier, self._turn = told, barrier, turn

    def stage(self, stage: str) -> None:
        """Nothing to note."""

    def all_gather(self, value: Any) -> list[Any]:
        """See `Communicator`; sizes are sent before."""
        found = self._exchange(pickle.dumps(value, protocol=5))
        self.n_sent += (8 + max(map(len, found))) * (self.world_size - 1)
        self.n_messages += 2
        return [
            value if rank == self.rank else pickle.loads(each)
            for rank, each in enumerate(found)
        ]

    def all_to_all(self, values: Sequence[Any]) -> list[Any]:
        """See `Communicator`; sizes are sent before, in an `all_gather`."""
        dumped = [pickle.dumps(value, protocol=5) for value in values]
        found = [each[self.rank] for each in self._exchange(dumped)]
        self.n_sent += sum(map(len, dumped)) - len(dumped[self.rank])
        self.n_sent += 8 * (1 + self.world_size) * (self.world_size - 1)
        self.n_messages += 3
        return [
            values[rank] if rank == self.rank else pickle.loads(each)
            for rank, each in enumerate(found)
        ]

    def _exchange(self, value: Any) -> list[Any]:
        self._told[self.rank] = value
        self._wait()
        found = list(self._told)
        self._wait()
        return found

    def _wait(self) -> None:
        self._turn.release()
        self._barrier.wait()
        self._turn.acquire()


def timed(owner: Any, name: str) -> None:
    """Add up the processor seconds of a function, by thread."""
    inner = getattr(owner, name)

    def outer(*args: Any, **kwargs: Any) -> Any:
        began = time.thread_time()
        if _own.running:
            _own.seconds[_own.running[-1]] += began - _own.since
        _own.running.append(name)
        _own.since = began
        try:
            return inner(*args, **kwargs)
        finally:
            now = time.thread_time()
            _own.seconds[name] += now - _own.since
            _own.running.pop()
            _own.since = now

    setattr(owner, name, outer)


def prepare(
    texts: list[str], labels: list[str], communicator: Any
) -> tuple[dict[str, float], int, int]:
    """Prepare the texts of a rank: seconds by column, bytes, messages."""
    clf = EmbeddingBagClassifier(random_state=0, n_jobs=1)
    classes, codes = np.unique(labels, return_inverse=True)
    samples = Samples(texts, codes, None, ClassTargets(classes))
    settings = settings_of(clf, is_text=True)
    _own.running, _own.since, _own.seconds = [], 0.0, defaultdict(float)
    preparation.prepare(samples, settings, np.random.default_rng(0), communicator)
    columns: dict[str, float] = defaultdict(float)
    for name, seconds in _own.seconds.items():
        columns[STEPS[name]] += seconds
    n_sent = getattr(communicator, "n_sent", 0)
    return columns, n_sent, getattr(communicator, "n_messages", 0)


def together(texts: list[str], labels: list[str], n: int) -> list[Any]:
    """Prepare by n ranks."""
    told, barrier, turn = [None] * n, threading.Barrier(n), threading.Lock()
    results: list[Any] = [None] * n

    def run(rank: int) -> None:
        with turn:
            own = Rank(rank, told, barrier, turn)
            results[rank] = prepare(texts[rank::n], labels[rank::n], own)

    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def measured(
    folder: Path, name: str, ranks: list[int], repeats: int
) -> dict[int, dict[str, float]]:
    """Seconds by column, MB and messages, by number of ranks.

    Of each rank the least of the repeats, since whatever else runs only adds to them;
    of these the rank that takes longest.
    """
    _time_all()
    texts, labels = data.read(folder, name, "train")
    together(texts[:5000], labels[:5000], 2)  # What is imported and made once.
    runs: dict[int, list[Any]] = defaultdict(list)
    for _ in range(repeats):
        for n in ranks:
            runs[n].append(together(texts, labels, n))
    found: dict[int, dict[str, float]] = {}
    for n in ranks:
        found[n] = {
            column: max(
                min(run[rank][0][column] for run in runs[n]) for rank in range(n)
            )
            for column in COLUMNS
        }
        found[n]["MB sent"] = max(n_sent for _, n_sent, _ in runs[n][0]) / 1e6
        found[n]["messages"] = runs[n][0][0][2]
    return found


@cache
def _time_all() -> None:
    """Have all steps timed, once."""
    for name in ("learn_features", "keep_features", "merge"):
        timed(feature_learning, name)
    for name in ("_count", "_with_weights", "_weighed_by_ranks"):
        timed(preparation, name)
    for owner in (OwnFeatures, DealtFeatures):
        timed(owner, "select")
    timed(DealtFeatures, "_table")
    timed(VocabularyEncoder, "with_features")


def main(folder: Path, names: list[str], ranks: list[int], repeats: int) -> None:
    """Measure and print."""
    print(f"| data | ranks | {' | '.join(COLUMNS)} | MB sent | messages |")
    print("|---|" + "---|" * (len(COLUMNS) + 3))
    for name in names:
        for n, found in measured(folder, name, ranks, repeats).items():
            cells = [f"{found[column]:.3f}" for column in COLUMNS]
            cells += [f"{found['MB sent']:.1f}", f"{found['messages']:.0f}"]
            print(f"| {name} | {n} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", default=["debian_section", "registry"])
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    main(options.folder, options.names, options.ranks, options.repeats)
