"""Torch's trainer of a run: device, batches and network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.communicator import Communicator, total
from skbag._model.clusters import Clusters
from skbag._targets.losses import Loss
from skbag._training.batches import Batch, make_batches
from skbag._training.devices import Placement, free_bytes, resolve_device
from skbag._training.initialisation import new_network, preconditioner, put_vectors
from skbag._training.network import Network, PretrainedRows
from skbag._training.origin import Origin
from skbag._training.plan import Plan
from skbag._training.progress import Schedule
from skbag._training.samples import Samples
from skbag._training.sharding import n_own_rows, own_rows
from skbag._training.trainer import LAYER_STEP, Trainer


@dataclass(frozen=True, eq=False)
class TorchTask:
    """What torch is to train.

    Parameters
    ----------
    samples : Samples
        Weighted bags, lazy ones perhaps.
    origin : Origin
    loss : Loss
    clusters : Clusters or None
        Of an adaptive softmax.
    constant_scores : ndarray of shape (n_outputs,), dtype=float64
        What the intercepts start at.
    step_weights : callable
        Gives the weights of some of the bags, starting at a number, as steps are to
        take them; None where all are 1.
    seed : int
        Of layers and dropout.
    communicator : Communicator
    """

    samples: Samples
    origin: Origin
    loss: Loss
    clusters: Clusters | None
    constant_scores: NDArray[np.float64]
    step_weights: Callable[[Bags, int], NDArray[np.float64] | None]
    seed: int
    communicator: Communicator


# Training needs gradients even where the user has switched them off around fit.
@torch.inference_mode(False)
def torch_trainer(task: TorchTask, plan: Plan) -> tuple[Trainer, Plan]:
    """Return a trainer before its first step, and the plan that knows the batches."""
    batches = _make_batches(task, plan)
    n_entries = total(task.communicator, sum(len(batch.ids) for batch in batches))
    plan = plan.with_entries(n_entries)
    device = resolve_device(
        plan.options.device,
        plan.work * plan.n_epochs,
        lambda here: all(task.communicator.all_gather(here)),
    )
    placed = Placement(batches, device, free_bytes(device))
    return _make_trainer(task, plan, placed), plan


def _make_batches(task: TorchTask, plan: Plan) -> list[Batch]:
    return make_batches(
        task.samples.X,
        task.samples.codes,
        task.step_weights,
        batch_size=plan.batch_size,
        keep_order=plan.options.dropout > 0,
        communicator=task.communicator,
    )


def _make_trainer(task: TorchTask, plan: Plan, batches: Placement) -> Trainer:
    samples, options = task.samples, plan.options
    start, vectors = task.origin.start, task.origin.vectors
    network = _network(task, plan)
    norm = 1.0
    if vectors is not None:
        # Not on those that the first epoch is to be scored by.
        n_shown = len(samples) - plan.n_progressive
        norm = put_vectors(vectors, network, samples, n_shown, start is None)
    network = network.to(batches.device)
    rows = metric = None
    if vectors is not None and not options.freeze_embedding:
        rows = PretrainedRows.split_from(network, vectors.tokens)
        metric = preconditioner(network, norm).to(batches.device)
    return Trainer(
        network,
        task.loss,
        batches,
        Schedule.of(plan),
        dropout=options.dropout,
        seed=task.seed,
        accumulators=None if start is None else start.accumulators,
        pretrained_rows=rows,
        frozen=options.freeze_embedding,
        preconditioner=metric,
        first_layer_step=LAYER_STEP / norm,
        communicator=task.communicator,
    )


def _network(task: TorchTask, plan: Plan) -> Network:
    origin, communicator = task.origin, task.communicator
    n_rows = n_own_rows(task.samples.X.n_ids, communicator)
    if origin.start is not None:
        return Network.from_predictor(origin.start.predictor, n_rows)
    table = origin.initial_table()
    if table is not None:
        table = own_rows(table, communicator)
    return new_network(
        plan, n_rows, task.clusters, task.constant_scores, table, task.seed
    )
