"""What a step costs when the vocabulary grows: the same texts, wider and wider tables.

    python docs/benchmarks/vocabulary_cost.py

The texts are bags drawn once from 10,000 ids, in tables of up to 1,000,000 rows. A step
reads and writes the rows of its batch only, so the time per epoch must not follow the
table. Two layouts: the ids used lie together, as `fit` numbers them (most frequent
first); or they lie spread evenly over the table, the worst case for memory pages.
Prints medians of several epochs, alternating.
"""

from __future__ import annotations

import statistics
import time

import numpy as np
import torch

from skbag._bags import Bags
from skbag._batches import make_batches
from skbag._losses import LOSSES
from skbag._network import Network
from skbag._training import Schedule, Trainer

N_TEXTS, LENGTH, BATCH, N_CLASSES, REPEATS = 50_000, 40, 256, 20, 9


def trainer(n_ids: int, spread: bool) -> Trainer:
    """Texts over 10,000 of the ids."""
    rng = np.random.default_rng(0)
    # Zipf-like: half of all occurrences fall on a few hundred ids.
    ranks = (10_000 ** rng.random(N_TEXTS * LENGTH)).astype(np.int64) - 1
    ids = (ranks * (n_ids // 10_000 if spread else 1)).astype(np.int32)
    bags = Bags(
        ids,
        np.arange(0, len(ids) + 1, LENGTH),
        np.full(len(ids), LENGTH**-0.5, dtype=np.float32),
        n_ids,
    )
    codes = rng.integers(N_CLASSES, size=N_TEXTS)
    generator = torch.Generator().manual_seed(0)
    network = Network.initialise(n_ids, N_CLASSES, None, (), generator)
    batches = make_batches(
        bags, codes, None, batch_size=BATCH, device=torch.device("cpu")
    )
    return Trainer(network, LOSSES["squared_hinge"], batches, Schedule(0.01, 0.0, None))


def main() -> None:
    sizes = [10_000, 100_000, 1_000_000]
    cases = [(n_ids, spread) for n_ids in sizes for spread in (False, True)]
    trainers = {case: trainer(*case) for case in cases}
    seconds: dict[tuple[int, bool], list[float]] = {case: [] for case in cases}
    for _ in range(REPEATS):
        for case, made in trainers.items():
            order = np.arange(len(made.batches))
            started = time.perf_counter()
            made.run_epoch(order)
            seconds[case].append(time.perf_counter() - started)
    median = {case: statistics.median(times) for case, times in seconds.items()}
    base = median[cases[0]]
    print("| ids | together: s per epoch | ratio | spread: s per epoch | ratio |")
    print("|---|---|---|---|---|")
    for n_ids in sizes:
        near, far = median[n_ids, False], median[n_ids, True]
        print(
            f"| {n_ids:,} | {near:.3f} | {near / base:.2f} "
            f"| {far:.3f} | {far / base:.2f} |"
        )


if __name__ == "__main__":
    main()
