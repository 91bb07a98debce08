"""The adaptive softmax as a torch module: a step touches the clusters of its batch.

What it computes, and whose idea it is, stands in `_clusters`. torch's own
``nn.AdaptiveLogSoftmaxWithLoss`` is the same up to its projections (its ``div_value``
of 1), which give rare classes fewer dimensions: it has few large clusters, and visits
all of their parameters in each step. Here clusters are many and small, those of a batch
are computed together, and their gradients are sparse.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from skbag._model.clusters import Clusters


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
        within = within.log_softmax(dim=2) + first[:, clusters.n_short :, None]
        ordered = torch.cat([first[:, : clusters.n_short], within.flatten(1)], dim=1)
        return ordered[:, self.places]

    def loss(self, x: Tensor, codes: Tensor, weights: Tensor | None) -> Tensor:
        """Cross-entropy, weighted and summed over the batch."""
        n_short, size = self.clusters.n_short, self.clusters.size
        places = self.places[codes]
        number = (places - n_short).div(size, rounding_mode="floor")
        target = torch.where(places < n_short, places, n_short + number)
        value = -self.first(x).log_softmax(dim=1).gather(1, target.unsqueeze(1))[:, 0]
        rows = (places >= n_short).nonzero()[:, 0]
        if len(rows):
            scores = self._within(x[rows], number[rows])
            target = (places[rows] - n_short).remainder(size).unsqueeze(1)
            more = -scores.log_softmax(dim=1).gather(1, target)[:, 0]
            value = value.index_add(0, rows, more)
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
