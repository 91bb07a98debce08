"""What a step costs when the table grows: the same texts, more and more rows.

The texts are bags drawn once from 10,000 ids, in tables of up to 1,000,000 rows. A step
reads and writes the rows of its batch only, so the time per epoch must not follow the
table. Two layouts: the ids used lie together, as `fit` numbers them (most frequent
first); or they lie spread evenly over the table, the worst case for memory pages.
"""

from __future__ import annotations

import statistics
import time

import numpy as np
import torch

from skbag._core.bags import Bags
from skbag._targets.losses import LOSSES
from skbag._training.batches import make_batches
from skbag._training.devices import Placement
from skbag._training.network import Network
from skbag._training.trainer import Schedule, Trainer

N_TEXTS, LENGTH, BATCH, N_CLASSES, N_USED = 50_000, 40, 256, 20, 10_000


def trainer(n_ids: int, spread: bool) -> Trainer:
    """Texts over 10,000 of the ids."""
    rng = np.random.default_rng(0)
    # Zipf-like: half of all occurrences fall on a few hundred ids.
    ranks = (N_USED ** rng.random(N_TEXTS * LENGTH)).astype(np.int64) - 1
    ids = (ranks * (n_ids // N_USED if spread else 1)).astype(np.int32)
    bags = Bags(
        ids,
        np.arange(0, len(ids) + 1, LENGTH),
        np.full(len(ids), LENGTH**-0.5, dtype=np.float32),
        n_ids,
    )
    codes = rng.integers(N_CLASSES, size=N_TEXTS)
    generator = torch.Generator().manual_seed(0)
    network = Network.initialise(n_ids, N_CLASSES, None, (), generator)
    batches = make_batches(bags, codes, lambda bags, first: None, batch_size=BATCH)
    placed = Placement(batches, torch.device("cpu"))
    return Trainer(network, LOSSES["squared_hinge"], placed, Schedule(0.01, 0.0, None))


def measure(n_ids: int, repeats: int) -> dict[str, float]:
    """Median seconds of an epoch in both layouts, alternating with the smallest table.

    Returns
    -------
    seconds : dict
        "together", "spread", and "smallest": the same epochs in a table of 10,000 rows.
    """
    made = {
        "smallest": trainer(N_USED, False),
        "together": trainer(n_ids, False),
        "spread": trainer(n_ids, True),
    }
    seconds: dict[str, list[float]] = {layout: [] for layout in made}
    for _ in range(3 * repeats):  # epochs are short: more of them than of fits
        for layout, one in made.items():
            order = np.arange(len(one.batches))
            started = time.perf_counter()
            one.run_epoch(order)
            seconds[layout].append(time.perf_counter() - started)
    return {layout: statistics.median(times) for layout, times in seconds.items()}
