"""Training: epochs of steps over batches, on any device.

The bag's own backward pass and update are written out, as each touches only the rows
of the batch; everything above the bag is autograd. Nothing here prints, scores or
decides when to stop: that is the caller's, between two epochs.

What is minimised, over the table E, the head h and the samples i with weights w_i,

    sum_i w_i loss(h(x_i @ E), y_i) + n alpha / 2 ||E||^2,

has the gradient ``x_i.T @ g_i`` in E, with ``g_i = w_i dloss/d(x_i @ E)``. A step on a
batch B of the rate r makes of E

    E <- (1 - r alpha |B|) E - r sum_{i in B} x_i.T @ g_i,

in which the shrinkage is one number for all rows (`SMALLEST_SCALE`). The head takes
Adagrad steps, without a penalty: its scale is bound to that of the table.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from skbag._core.bags import Bags
from skbag._core.communicator import SINGLE_PROCESS, Communicator, Parts, broadcast
from skbag._model.predictor import Predictor
from skbag._targets.losses import Loss
from skbag._training.batches import Batch
from skbag._training.devices import Placement
from skbag._training.network import Intercept, Network, PretrainedRows, sum_bags
from skbag._training.progress import (
    INTERCEPT_STEP,
    LARGEST_LOSS,
    LARGEST_STEP,
    LEAST_KEPT,
    NO_BATCHES,
    SMALLEST_SCALE,
    SMALLEST_SQUARES,
    Diverged,
    Progress,
    Schedule,
)
from skbag._training.sharding import exchange_bags, own_rows, whole_table

LAYER_STEP = 0.02
"""Adagrad step of the head's weights. Larger ones undo its orthonormal start before
the table has learnt anything."""


class Trainer:
    """Steps over batches; holds the mutable state of training.

    Parameters
    ----------
    network : Network
        Trained in place. Its table is ``scale`` times too large until `export`: the L2
        penalty shrinks one number instead of every row (Bottou, "Stochastic Gradient
        Descent Tricks", 2012, section 5.1).
    loss : Loss
    batches : Placement
        For the device of the network.
    schedule : Schedule
    dropout : float
        Probability with which an entry is left out of its bag in a step (word
        dropout: Iyyer et al., "Deep Unordered Composition Rivals Syntactic Methods
        for Text Classification", ACL 2015).
    seed : int
        Of the dropout.
    accumulators : sequence of ndarray or None
        Squared-gradient sums of the head's parameters from an earlier training.
    pretrained_rows : PretrainedRows or None
        Rows that lie below those of the table.
    frozen : bool
        Whether the table stays as it is, and only the head is trained.
    preconditioner : Tensor of shape (width, width), dtype=float32, or None
        Multiplied with the gradients of rows; None for none.
    first_layer_step : float
        Adagrad step of the weights next to the table, at the start of the schedule.
    communicator : Communicator
        Who trains the same model. The table holds the rows of this rank alone; the head
        is alike on all.
    """

    def __init__(
        self,
        network: Network,
        loss: Loss,
        batches: Placement,
        schedule: Schedule,
        *,
        dropout: float = 0.0,
        seed: int = 0,
        accumulators: tuple[NDArray[np.float32], ...] | None = None,
        pretrained_rows: PretrainedRows | None = None,
        frozen: bool = False,
        preconditioner: Tensor | None = None,
        first_layer_step: float = LAYER_STEP,
        communicator: Communicator = SINGLE_PROCESS,
    ) -> None:
        self.network = network
        self.loss = loss
        self.batches = batches
        self.schedule = schedule
        self.dropout = dropout
        self.pretrained_rows = pretrained_rows
        self.frozen = frozen
        self.preconditioner = preconditioner
        self.first_layer_step = first_layer_step
        self.communicator = communicator
        # Each rank drops entries of its own rows.
        self._generator = torch.Generator().manual_seed(seed + communicator.rank)
        self._scale = 1.0
        self._n_steps_done = 0
        # Terms of the loss of a sample, of which each may grow large.
        self._n_summed = list(network.head.parameters())[-1].shape[0]
        parameters = list(network.head.parameters())
        if accumulators is None:
            self._accumulators = [
                torch.full_like(p.data, SMALLEST_SQUARES) for p in parameters
            ]
        else:
            self._accumulators = [
                torch.tensor(a, device=p.device)
                for a, p in zip(accumulators, parameters, strict=True)
            ]

    @property
    def accumulators(self) -> tuple[NDArray[np.float32], ...]:
        """Squared-gradient sums of the head's parameters, copied to numpy."""
        return tuple(a.cpu().numpy().copy() for a in self._accumulators)

    @torch.inference_mode(False)
    def run_epoch(
        self, order: NDArray[np.int64], scored: NDArray[np.int64] = NO_BATCHES
    ) -> Progress:
        """Train once on each batch.

        Sets:
            - the table and the head of ``network``
            - the accumulators, the scale of the table, the number of steps done

        Parameters
        ----------
        order : ndarray of shape (n_batches,), dtype=int
            In which order.
        scored : ndarray of shape (n_scored,), dtype=int64
            Of which batches to keep the scores before the step.

        Raises
        ------
        Diverged
            Before the step that would have made the state unsound.
        """
        total, n_texts = 0.0, 0
        scores: dict[int, Tensor] = {}
        rows: dict[int, NDArray[np.int64]] = {}
        wanted = set(scored.tolist())
        for number, batch in zip(
            order.tolist(), self.batches.visit(order), strict=True
        ):
            value, before = self._step(batch, number in wanted)
            total += value
            n_texts += len(batch)
            if number in wanted and before is not None:
                scores[number] = before
                rows[number] = np.arange(batch.start, batch.stop)
        found = [number for number in scored.tolist() if number in scores]
        return Progress(
            loss=total / max(n_texts, 1),
            scores=torch.cat([scores[i] for i in found]).cpu().numpy()
            if found
            else None,
            rows=np.concatenate([NO_BATCHES, *(rows[i] for i in found)]),
        )

    def bags_to_score(self, own_bags: Bags, edges: NDArray[np.int64]) -> Bags:
        """Return what `score` takes for own samples: entries of own rows, of all."""
        return exchange_bags(self.communicator, own_bags, edges)

    @torch.inference_mode(False)
    def score(self, bags: Bags, parts: Parts) -> NDArray[np.float32]:
        """Scores of bags by the state so far; see `Batch` for `parts`."""
        device = self.batches.device
        with torch.no_grad():
            vectors = self._vectors(
                torch.from_numpy(bags.ids).to(device),
                torch.from_numpy(bags.offsets.astype(np.int32)).to(device),
                torch.from_numpy(bags.weights).to(device),
            )
            scores = self.network.head(self.communicator.reduce_scatter(vectors, parts))
        return np.asarray(scores.cpu().numpy())

    def arrays(self) -> list[NDArray[Any]]:
        """All that is trained on and from."""
        network = self.network
        tensors = [t for batch in self.batches for t in batch.tensors()]
        tensors += [network.table, *network.head.state_dict().values()]
        if self.pretrained_rows is not None:
            tensors.append(self.pretrained_rows.rows)
        return [t.detach().cpu().numpy() for t in tensors]

    @property
    def n_batches(self) -> int:
        """Number of batches."""
        return len(self.batches)

    @torch.inference_mode(False)
    def export(self) -> Predictor:
        """Copy the state so far into numpy arrays: of the table, this rank's rows."""
        self._fold_scale()
        predictor = self.network.export()
        return (
            predictor
            if self.pretrained_rows is None
            else self.pretrained_rows.add_to(predictor)
        )

    def whole(self, predictor: Predictor) -> Predictor:
        """Put what all ranks have exported together; the same on all."""
        if self.communicator.world_size == 1:
            return predictor
        table = whole_table(self.communicator, predictor.dense)
        return replace(
            predictor,
            embedding=table,
            layers=broadcast(self.communicator, predictor.layers),
        )

    def own_part(self, table: NDArray[np.float32]) -> NDArray[np.float32]:
        """Rows of a table that this rank trains."""
        return own_rows(table, self.communicator)

    def state(self) -> dict[str, Any]:
        """Serialisable state of what training has changed; the same on all ranks."""
        communicator, draws = self.communicator, self._generator.get_state().numpy()
        return {
            "table": whole_table(communicator, self.network.table.cpu().numpy()),
            "scale": self._scale,
            "n_steps_done": self._n_steps_done,
            "head": [p.detach().cpu().numpy() for p in self.network.head.parameters()],
            "accumulators": list(self.accumulators),
            "draws": communicator.all_gather(draws),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from the state of a trainer made in the same way."""
        table = own_rows(state["table"], self.communicator)
        self.network.table.copy_(torch.from_numpy(table))
        self._scale = float(state["scale"])
        self._n_steps_done = int(state["n_steps_done"])
        parameters = self.network.head.parameters()
        for parameter, value in zip(parameters, state["head"], strict=True):
            parameter.data.copy_(torch.from_numpy(value))
        for seen, value in zip(self._accumulators, state["accumulators"], strict=True):
            seen.copy_(torch.from_numpy(value))
        draws = state["draws"][self.communicator.rank]
        self._generator.set_state(torch.from_numpy(draws))

    def _step(self, batch: Batch, progressive: bool) -> tuple[float, Tensor | None]:
        """Train on one batch; its loss and scores before that.

        Sets what `run_epoch` sets.

        An adaptive softmax gives scores only of progressive batches.
        """
        rate = self._learning_rate()
        weights, row_weights = self._kept_weights(batch)
        x = self._vectors(batch.ids, batch.offsets, weights)
        x = self.communicator.reduce_scatter(x, batch.parts)
        if self.network.adaptive_softmax is None:
            scores, gradient, head_gradients, value = self._backward(x, batch)
        else:
            with torch.no_grad():
                scores = self.network.head(x) if progressive else None
            gradient, head_gradients, value = self._backward_clusters(x, batch)
        gradient, head_gradients, value = self.communicator.all_reduce_gradients(
            gradient, head_gradients, value, batch.parts
        )
        if rate > LARGEST_STEP:
            raise Diverged(f"a step of {rate:.3g} is beyond the numbers of a table")
        # A sync point on a GPU: the price of never applying an unsound step.
        value_seen = value.item()
        if not value_seen <= LARGEST_LOSS * len(batch) * self._n_summed:
            raise Diverged(f"the loss of a batch of {len(batch)} is {value_seen:.3g}")
        self._update_head(head_gradients, rate)
        if not self.frozen:
            self._update_table(batch, row_weights, gradient, rate)
        self._n_steps_done += 1
        return value_seen, scores

    def _vectors(self, ids: Tensor, offsets: Tensor, weights: Tensor) -> Tensor:
        """Weighted sum of the rows of each bag."""
        x = sum_bags(self.network.table, ids, offsets, weights).mul_(self._scale)
        if self.pretrained_rows is not None:
            x.add_(self.pretrained_rows.sum_bags(ids, offsets, weights))
        return x

    def _update_table(
        self, batch: Batch, row_weights: Tensor, gradient: Tensor, rate: float
    ) -> None:
        if self.preconditioner is not None:
            gradient = gradient @ self.preconditioner
        self._scale *= max(1 - rate * self.schedule.alpha * len(batch), LEAST_KEPT)
        if self._scale < SMALLEST_SCALE:
            self._fold_scale()
        row_gradient = sum_bags(
            gradient, batch.row_texts, batch.row_offsets, row_weights
        )
        _add_to_rows(self.network.table, batch.rows, row_gradient, -rate / self._scale)

    def _learning_rate(self) -> float:
        schedule = self.schedule
        return float(schedule.rates(self._n_steps_done, 1)[0])

    def _kept_weights(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Weights in both orders, some of them blanked by dropout."""
        if not self.dropout:
            return batch.weights, batch.row_weights
        assert batch.order is not None
        # Drawn on the CPU: the same entries are dropped on every device.
        mask = torch.rand(
            len(batch.weights),
            generator=self._generator,
            dtype=torch.float32,
            device="cpu",
        )
        mask = mask.ge(self.dropout).float().div_(1 - self.dropout)
        weights = batch.weights * mask.to(batch.weights.device)
        return weights, weights[batch.order]

    def _backward(
        self, x: Tensor, batch: Batch
    ) -> tuple[Tensor | None, Tensor, Sequence[Tensor | None], Tensor]:
        """Scores, gradient of the bags' sums and of the head, value of the loss."""
        head = self.network.head
        if isinstance(head, Intercept):
            scores = x.add_(head.bias.data)
            gradient, value = self.loss.gradient(
                scores, batch.codes, batch.sample_weight
            )
            return scores, gradient, [gradient.sum(0)], value
        with torch.enable_grad():
            x.requires_grad_()
            scores = head(x)
            above, value = self.loss.gradient(
                scores.detach(), batch.codes, batch.sample_weight
            )
            # Not grad_outputs=above: for that torch imports 480 modules, sympy with
            # them, which takes as long as many fits and changes warnings.filters.
            total = scores.mul(above).sum()
            gradients = torch.autograd.grad(total, [x, *head.parameters()])
        return scores.detach(), gradients[0], list(gradients[1:]), value

    def _backward_clusters(
        self, x: Tensor, batch: Batch
    ) -> tuple[Tensor, Sequence[Tensor | None], Tensor]:
        """Gradient of the bags' sums and of the head, sparse for clusters; the loss."""
        head, last = self.network.head, self.network.adaptive_softmax
        assert isinstance(head, nn.Sequential)
        assert last is not None
        with torch.enable_grad():
            x.requires_grad_()
            value = last.loss(head[:-1](x), batch.codes, batch.sample_weight)
            gradient, *above = torch.autograd.grad(
                value, [x, *head.parameters()], allow_unused=True
            )
        return gradient, above, value.detach()

    def _update_head(self, gradients: Sequence[Tensor | None], rate: float) -> None:
        """Adagrad (Duchi, Hazan and Singer, JMLR 2011) on the few dense numbers.

        And on the rows of sparse gradients, as in ``torch.optim.Adagrad``.
        """
        relative = rate / self.schedule.learning_rate
        for (name, parameter), gradient, seen in zip(
            self.network.head.named_parameters(),
            gradients,
            self._accumulators,
            strict=True,
        ):
            step = relative * self._size_of_step(name, parameter)
            if gradient is None:
                continue
            if gradient.is_sparse:
                # Each row once: the clusters of a batch are made unique.
                rows, change = gradient._indices()[0], gradient._values()
                sums = seen.index_select(0, rows).addcmul_(change, change)
                seen.index_copy_(0, rows, sums)
                parameter.data.index_add_(0, rows, change / sums.sqrt(), alpha=-step)
            else:
                seen.addcmul_(gradient, gradient)
                parameter.data.addcdiv_(gradient, seen.sqrt(), value=-step)

    def _size_of_step(self, name: str, parameter: Tensor) -> float:
        """Adagrad step of a parameter of the head, at the start of the schedule."""
        if name.endswith("bias"):
            return INTERCEPT_STEP
        if name == "0.weight":
            return self.first_layer_step
        if self.network.adaptive_softmax is not None:
            return LAYER_STEP
        # In proportion to the numbers of an orthonormal start, which are the smaller
        # the more outputs there are. The first layer meets a table of zeros, and its
        # sums stay as they are until that has learnt something.
        n_out, n_in = parameter.shape
        return LAYER_STEP * min(math.sqrt(n_in / n_out), 1.0)

    def _fold_scale(self) -> None:
        if self._scale != 1:
            self.network.table.mul_(self._scale)
            self._scale = 1.0


def _add_to_rows(table: Tensor, rows: Tensor, change: Tensor, factor: float) -> None:
    """``table[rows] += factor * change``, for rows that are all different."""
    if table.shape[1] == 1:
        table.view(-1).index_add_(0, rows, change.view(-1), alpha=factor)
    else:
        # Three plain copies are several times faster than index_add_ on wide rows.
        touched = table.index_select(0, rows).add_(change, alpha=factor)
        table.index_copy_(0, rows, touched)
