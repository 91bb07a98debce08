"""The torch module: an EmbeddingBag, and a head above it.

``embedding_dim=None`` gives a table with one column per output and only an intercept
above it; an integer gives the two layers EmbeddingBag -> Linear, or more with hidden
layers. Both are a table of rows and a head, and nothing else here asks which it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from skbag._core.dtypes import WEIGHT_DTYPE
from skbag._model.clusters import Clusters
from skbag._model.predictor import Predictor


class AdaptiveSoftmax(nn.Module):
    """A linear layer under a softmax in two steps.

    Parameters
    ----------
    clusters : Clusters
    first : nn.Linear
        From n_in to the scores of the first step.
    weight : Tensor of shape (n_clusters, size * n_in)
        Of the classes of each cluster.
    bias : Tensor of shape (n_clusters, size)
    """

    places: Tensor

    def __init__(
        self, clusters: Clusters, first: nn.Linear, weight: Tensor, bias: Tensor
    ) -> None:
        super().__init__()
        self.clusters = clusters
        self.first = first
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(bias)
        self.register_buffer("places", torch.from_numpy(clusters.places))

    def forward(self, x: Tensor) -> Tensor:
        """Log-probability of each class, (n_samples, n_classes)."""
        clusters = self.clusters
        first = self.first(x).log_softmax(dim=1)
        weight = self.weight.view(-1, x.shape[1])
        within = (x @ weight.T + self.bias.view(-1)).view(
            len(x), clusters.n_clusters, clusters.size
        )
        within = within.log_softmax(dim=2) + first[:, clusters.n_shortlist :, None]
        ordered = torch.cat(
            [first[:, : clusters.n_shortlist], within.flatten(1)], dim=1
        )
        return ordered[:, self.places]

    def loss(self, x: Tensor, codes: Tensor, weights: Tensor | None) -> Tensor:
        """Cross-entropy, weighted and summed over the batch."""
        n_shortlist, size = self.clusters.n_shortlist, self.clusters.size
        places = self.places[codes]
        number = (places - n_shortlist).div(size, rounding_mode="floor")
        target = torch.where(places < n_shortlist, places, n_shortlist + number)
        value = -self.first(x).log_softmax(dim=1).gather(1, target.unsqueeze(1))[:, 0]
        rows = (places >= n_shortlist).nonzero()[:, 0]
        if len(rows):
            scores = self._within(x[rows], number[rows])
            target = (places[rows] - n_shortlist).remainder(size).unsqueeze(1)
            tail_value = -scores.log_softmax(dim=1).gather(1, target)[:, 0]
            value = value.index_add(0, rows, tail_value)
        total: Tensor = (value if weights is None else value * weights).sum()
        return total

    def _within(self, x: Tensor, number: Tensor) -> Tensor:
        """Scores of each sample in one cluster, (n_samples, size)."""
        numbers, group, lengths = torch.unique(
            number, return_inverse=True, return_counts=True
        )
        # The samples of a cluster side by side: each cluster is read once.
        order = group.argsort(stable=True)
        starts = lengths.cumsum(0) - lengths
        slot = torch.empty_like(group)
        slot[order] = torch.arange(len(x), device=x.device) - starts[group[order]]
        padded = x.new_zeros(len(numbers), int(lengths.max()), x.shape[1])
        padded = padded.index_put((group, slot), x)
        weight = functional.embedding(numbers, self.weight, sparse=True)
        bias = functional.embedding(numbers, self.bias, sparse=True)
        weight = weight.view(len(numbers), self.clusters.size, x.shape[1])
        scores = torch.baddbmm(bias.unsqueeze(1), padded, weight.transpose(1, 2))
        return scores[group, slot]


HIDDEN_START = 0.5
"""Output of every hidden unit before training; scores are to reach 1."""


def sum_bags(table: Tensor, ids: Tensor, offsets: Tensor, weights: Tensor) -> Tensor:
    """Weighted sum of table rows per bag: ``EmbeddingBag(mode="sum")``.

    The mean is the sum with weights 1/n, so one mode serves all.
    """
    return torch.embedding_bag(
        table, ids, offsets, False, 0, False, weights, include_last_offset=True
    )[0]


class Intercept(nn.Module):
    """The head of a table that holds the scores itself: ``x + bias``."""

    def __init__(self, bias: Tensor) -> None:
        super().__init__()
        self.bias = nn.Parameter(bias)

    def forward(self, x: Tensor) -> Tensor:
        """Add the intercept."""
        return x + self.bias


class Network(nn.Module):
    """EmbeddingBag in sum mode and a head.

    Parameters
    ----------
    table : Tensor of shape (n_ids, width)
        Not a Parameter: the trainer updates its touched rows itself.
    head : nn.Module
        From (n_samples, width) to (n_samples, n_outputs).
    """

    table: Tensor

    def __init__(self, table: Tensor, head: nn.Module) -> None:
        super().__init__()
        self.register_buffer("table", table)
        self.head = head

    @classmethod
    def initialise(
        cls,
        n_ids: int,
        n_outputs: int,
        embedding_dim: int | None,
        hidden_layer_sizes: Sequence[int],
        generator: torch.Generator,
        clusters: Clusters | None = None,
    ) -> Network:
        """Return an untrained network; draws from `generator` only.

        The table starts at zero: a token that training never meets, or meets once,
        then adds no noise to a text. A linear head starts with orthonormal rows
        (Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of
        learning in deep linear neural networks", 2014), so that with at least as many
        dimensions as outputs the two layers start as the one-layer model exactly.
        Clusters, if any, are those of an adaptive softmax in place of the last layer.
        """
        if embedding_dim is None:
            return cls(_zeros(n_ids, n_outputs), Intercept(_zeros(n_outputs)))
        n_last = n_outputs if clusters is None else clusters.head_size
        sizes = [embedding_dim, *hidden_layer_sizes, n_last]
        layers: list[nn.Module] = []
        for n_in, n_out in zip(sizes, sizes[1:], strict=False):
            if layers:
                layers.append(nn.ReLU())
            layers.append(_linear(n_in, n_out, generator))
        _open_hidden_units([layer for layer in layers if isinstance(layer, nn.Linear)])
        if clusters is not None:
            opened = HIDDEN_START if hidden_layer_sizes else 0.0
            layers[-1] = _start_clusters(clusters, layers[-1], opened, generator)
        return cls(_zeros(n_ids, embedding_dim), nn.Sequential(*layers))

    @classmethod
    def from_predictor(cls, predictor: Predictor, n_ids: int) -> Network:
        """Go on from trained arrays; rows beyond them, for new ids, are zero."""
        embedding = predictor.dense
        table = _zeros(n_ids, embedding.shape[1])
        # Through numpy: of a read-only array, torch would make a copy first.
        table.numpy()[: len(embedding)] = embedding
        layers: list[nn.Module] = []
        for coef, intercept in predictor.layers:
            if coef is None:
                return cls(table, Intercept(_tensor(intercept)))
            if layers:
                layers.append(nn.ReLU())
            is_last = len(layers) == 2 * (len(predictor.layers) - 1)
            clusters = predictor.clusters if is_last else None
            layers.append(layer_from(coef, intercept, clusters))
        return cls(table, nn.Sequential(*layers))

    def forward(self, ids: Tensor, offsets: Tensor, weights: Tensor) -> Tensor:
        """Scores (n_samples, n_outputs) of bags; `offsets` has n_samples + 1 items."""
        scores: Tensor = self.head(sum_bags(self.table, ids, offsets, weights))
        return scores

    def linears(self) -> Iterator[nn.Linear]:
        """Layers of the head that have weights, from the bag upwards."""
        return (m for m in self.head.modules() if isinstance(m, nn.Linear))

    def add_to_scores(self, scores: np.ndarray) -> None:
        """Add numbers, one for each output, to the intercepts above all layers.

        From intercepts of zero, thousands of outputs at once would first move by as
        much, and with them the layer below, before it has learnt anything.
        """
        head = self.head
        *_, last = (head,) if isinstance(head, Intercept) else self.linears()
        last.bias.data.add_(_tensor(scores))

    @property
    def adaptive_softmax(self) -> AdaptiveSoftmax | None:
        """The last layer where it is an adaptive softmax."""
        last = self.head[-1] if isinstance(self.head, nn.Sequential) else None
        return last if isinstance(last, AdaptiveSoftmax) else None

    def export(self) -> Predictor:
        """Copy the trained numbers into numpy arrays that own their memory."""
        if isinstance(self.head, Intercept):
            layers: tuple[tuple[np.ndarray | None, np.ndarray], ...] = (
                (None, _array(self.head.bias)),
            )
        else:
            layers = tuple(
                (_array(linear.weight), _array(linear.bias))
                for linear in self.linears()
            )
        last = self.adaptive_softmax
        if last is None:
            return Predictor(_array(self.table), layers)
        weight = last.weight.view(-1, last.first.in_features)
        coef = _array(torch.cat([last.first.weight, weight]))
        intercept = _array(torch.cat([last.first.bias, last.bias.view(-1)]))
        layers = (*layers[:-1], (coef, intercept))
        return Predictor(_array(self.table), layers, last.clusters)


def linear_from(coef: np.ndarray, intercept: np.ndarray) -> nn.Linear:
    """Linear layer that holds a copy of trained arrays."""
    linear = _empty_linear(coef.shape[1], coef.shape[0])
    linear.weight.data.copy_(_tensor(coef))
    linear.bias.data.copy_(_tensor(intercept))
    return linear


def layer_from(
    coef: np.ndarray, intercept: np.ndarray, clusters: Clusters | None
) -> nn.Module:
    """Linear layer, or adaptive softmax of clusters, that holds copies of arrays."""
    if clusters is None:
        return linear_from(coef, intercept)
    head_size, n_clusters = clusters.head_size, clusters.n_clusters
    return AdaptiveSoftmax(
        clusters,
        linear_from(coef[:head_size], intercept[:head_size]),
        _tensor(coef[head_size:].reshape(n_clusters, -1)),
        _tensor(intercept[head_size:].reshape(n_clusters, -1)),
    )


# Spelled out below: the user's torch.set_default_dtype and _device are not ours.


def _zeros(*shape: int) -> Tensor:
    return torch.zeros(*shape, dtype=torch.float32, device="cpu")


def _tensor(array: np.ndarray) -> Tensor:
    return torch.tensor(array, dtype=torch.float32, device="cpu")


def _open_hidden_units(linears: Sequence[nn.Linear]) -> None:
    """Let every hidden unit start open, and the scores at zero.

    The table starts at zero, where a ReLU without intercept passes nothing on and
    would learn nothing. With a positive intercept the network starts linear, and
    becomes more than that where training pushes units below zero.
    """
    with torch.no_grad():
        for below, linear in zip(linears, linears[1:], strict=False):
            start = torch.full_like(below.bias, HIDDEN_START)
            below.bias.add_(start)
            # Takes back what that start does one layer up.
            linear.bias.sub_(linear.weight @ start)


def _linear(n_in: int, n_out: int, generator: torch.Generator) -> nn.Linear:
    linear = _empty_linear(n_in, n_out)
    with torch.no_grad():
        nn.init.orthogonal_(linear.weight, generator=generator)
        linear.bias.zero_()
    return linear


def _start_clusters(
    clusters: Clusters, first: nn.Module, opened: float, generator: torch.Generator
) -> AdaptiveSoftmax:
    """Let the clusters start as large as orthonormal rows, or columns, would be."""
    assert isinstance(first, nn.Linear)
    n_in, shape = first.in_features, (clusters.n_clusters, clusters.size)
    weight = torch.randn(
        *shape, n_in, generator=generator, dtype=torch.float32, device="cpu"
    )
    weight *= max(clusters.size, n_in) ** -0.5
    # Takes back what hidden units do that start open.
    bias = weight.sum(2) * -opened
    return AdaptiveSoftmax(clusters, first, weight.flatten(1), bias)


def _empty_linear(n_in: int, n_out: int) -> nn.Linear:
    linear: nn.Linear = _ZeroLinear(n_in, n_out, dtype=torch.float32, device="cpu")
    # From here on torch's own, also where the user pickles it.
    linear.__class__ = nn.Linear
    return linear


class _ZeroLinear(nn.Linear):
    """Starts at zero.

    nn.Linear would draw its start values from torch's global generator, and to skip
    that by nn.utils.skip_init imports 480 modules; one changes warnings.filters.
    """

    def reset_parameters(self) -> None:
        """Fill the weights with zeros, drawing nothing."""
        with torch.no_grad():
            self.weight.zero_()
            self.bias.zero_()


def _array(tensor: Tensor) -> np.ndarray:
    array = tensor.detach().to("cpu").numpy()
    return np.array(array, dtype=WEIGHT_DTYPE, order="C", copy=True)


@dataclass(frozen=True, eq=False)
class PretrainedRows:
    """Fixed rows that a table starts from, which the L2 penalty leaves alone.

    The network's table then holds the trained update, which is added to them.

    Parameters
    ----------
    tokens : ndarray of shape (n_tokens,), dtype=int32
        Whose rows they are.
    rows : Tensor of shape (n_tokens + 1, width), dtype=float32
        The first is zero, for all others.
    places : Tensor of shape (n_ids,), dtype=int32
        Which of the rows each id has.
    """

    tokens: NDArray[np.int32]
    rows: Tensor
    places: Tensor

    @classmethod
    def split_from(cls, network: Network, tokens: NDArray[np.int32]) -> PretrainedRows:
        """Move rows out of the table of a network."""
        table = network.table
        ids = torch.from_numpy(tokens).to(table.device).long()
        rows = torch.cat([table.new_zeros(1, table.shape[1]), table[ids]])
        places = torch.zeros(len(table), dtype=torch.int32, device=table.device)
        places[ids] = torch.arange(1, len(rows), dtype=torch.int32, device=table.device)
        table[ids] = 0
        return cls(tokens, rows, places)

    def sum_bags(self, ids: Tensor, offsets: Tensor, weights: Tensor) -> Tensor:
        """Weighted sum of the rows per bag."""
        return sum_bags(self.rows, self.places[ids.long()], offsets, weights)

    def add_to(self, predictor: Predictor) -> Predictor:
        """Add the rows to those of the trained update."""
        predictor.dense[self.tokens] += self.rows[1:].cpu().numpy()
        return predictor
