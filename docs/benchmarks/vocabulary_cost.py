"""What a step costs when the vocabulary grows: the same texts, wider and wider tables.

    python docs/benchmarks/vocabulary_cost.py

The texts are bags drawn once from 10,000 ids; then the ids are spread over tables of
up to 1,000,000 rows. A step reads and writes the rows of its batch only, so the time
per epoch must not follow the table. Prints medians of several epochs, alternating.
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


def trainer(n_ids: int) -> Trainer:
    """Texts over ids that are spread evenly over the table."""
    rng = np.random.default_rng(0)
    # Zipf-like: half of all occurrences fall on a few hundred ids.
    ranks = (10_000 ** rng.random(N_TEXTS * LENGTH)).astype(np.int64) - 1
    ids = (ranks * (n_ids // 10_000)).astype(np.int32)
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
    trainers = {n_ids: trainer(n_ids) for n_ids in sizes}
    seconds: dict[int, list[float]] = {n_ids: [] for n_ids in sizes}
    for _ in range(REPEATS):
        for n_ids, made in trainers.items():
            order = np.arange(len(made.batches))
            started = time.perf_counter()
            made.run_epoch(order)
            seconds[n_ids].append(time.perf_counter() - started)
    base = statistics.median(seconds[sizes[0]])
    print("| ids | seconds per epoch, median | ratio |\n|---|---|---|")
    for n_ids in sizes:
        median = statistics.median(seconds[n_ids])
        print(f"| {n_ids:,} | {median:.3f} | {median / base:.2f} |")


if __name__ == "__main__":
    main()
