"""What training starts from: a new network, a trained one, or given vectors.

Over a table of zeros the layers may start anywhere. Over vectors made elsewhere a
random layer would give random scores; the best linear one is known in closed form:
ridge regression of the classes, coded -1 and +1, on the vectors of texts (Hoerl and
Kennard, "Ridge Regression: Biased Estimation for Nonorthogonal Problems", 1970). The
strength of its penalty is the one that does best when each sample in turn is left out
(Allen, "The Relationship Between Variable Selection and Data Augmentation and a Method
for Prediction", 1974).
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from skbag._core.bags import Bags
from skbag._model.clusters import Clusters
from skbag._text.pretrained import Vectors
from skbag._training.network import Network, sum_bags
from skbag._training.plan import N_MOMENT_SAMPLES, Plan
from skbag._training.samples import Samples

MAX_SAMPLES = 2**14
"""Samples that the regression is made on, at most ..."""

MAX_TARGETS = 2**24
"""... and samples x outputs, of which it makes a few arrays of float64."""

MAX_NUMBERS = 2**22
"""Samples x outputs that penalties are compared on, at most."""

ORTHONORMAL_SHARE = 0.3
"""How much of its orthonormal start a single layer keeps, for texts of norm 1: so that
classes which the regression knows nothing of can be learnt in the table."""

MIN_GAIN = 0.1
"""Directions in which the layers change a squared score by less than this, for texts of
norm 1, are learnt in more slowly, ..."""

MIN_SHARE = 1e-2
"""... and so are those where it is less than this share of the largest."""

PENALTIES = tuple(10.0**power for power in range(-5, 2))
"""Penalties to choose from, relative to the mean variance of a dimension."""


def new_network(
    plan: Plan,
    n_ids: int,
    clusters: Clusters | None,
    constant_scores: NDArray[np.float64],
    table: NDArray[np.float32] | None,
    seed: int,
) -> Network:
    """Return an untrained network.

    Parameters
    ----------
    plan : Plan
    n_ids : int
        Rows of the table that this process trains.
    clusters : Clusters or None
        Of an adaptive softmax.
    constant_scores : ndarray of shape (n_outputs,), dtype=float64
        What the intercepts start at.
    table : ndarray of shape (n_ids, 1), dtype=float32, or None
        See `initial_table`; for bags of norm 1.
    seed : int
    """
    network = Network.initialise(
        n_ids,
        plan.problem.n_outputs,
        plan.options.embedding_dim,
        plan.options.hidden_layer_sizes,
        torch.Generator().manual_seed(seed),
        clusters,
    )
    if network.adaptive_softmax is None:
        network.add_to_scores(constant_scores)
    norm = plan.problem.moments.mean_squared_norm**0.5
    if table is not None and plan.options.embedding_dim is None and norm > 0:
        network.table.copy_(torch.from_numpy(table)).div_(norm)
    return network


def put_vectors(
    vectors: Vectors, network: Network, samples: Samples, n_shown: int, is_new: bool
) -> float:
    """Put rows into a table; where the layers are new, start them to match.

    Sets the table and the layers of `network`.

    Parameters
    ----------
    vectors : Vectors
    network : Network
    samples : Samples
        Weighted bags.
    n_shown : int
        How many of the first samples the layers may be started by.
    is_new : bool

    Returns
    -------
    norm : float
        Root mean square of the norms of the texts' vectors.
    """
    network.table[torch.from_numpy(vectors.ids).long()] = torch.from_numpy(vectors.rows)
    if is_new:
        n_shown = min(n_shown, max_samples(samples.targets.n_outputs))
        weight = samples.weight
        initialise_by_ridge(
            network,
            samples.X.slice(0, n_shown),
            samples.targets.numbers(samples.codes[:n_shown]),
            None if weight is None else weight[:n_shown],
        )
    return mean_norm(network, samples.X.slice(0, min(len(samples), N_MOMENT_SAMPLES)))


def max_samples(n_outputs: int) -> int:
    """Return how many samples `initialise_by_ridge` should get at most."""
    return max(min(MAX_SAMPLES, MAX_TARGETS // n_outputs), 1)


def mean_norm(network: Network, bags: Bags) -> float:
    """Root mean square of the norms of the bags' vectors; 1 if all are 0."""
    return _root_mean_square(_vectors(network, bags))


def preconditioner(network: Network, norm: float) -> Tensor:
    """What to multiply the gradient of a row by, for steps of the size of scores.

    With L the product of the layers' weights, a step along the plain gradient changes
    the scores by ``L @ L.T``, by much or little as L is large or small in a direction.
    Times ``inv(L.T @ L + e)`` it changes them as if the table held the scores, as it
    does with orthonormal layers (a Gauss-Newton step). `e` is `MIN_GAIN` by the
    square of `norm`, or `MIN_SHARE` of the largest eigenvalue of ``L.T @ L`` if that
    is more, so that no row grows without bounds.

    Parameters
    ----------
    network : Network
    norm : float
        Of the texts' vectors.

    Returns
    -------
    metric : Tensor of shape (embedding_dim, embedding_dim), dtype=float32
    """
    product: Tensor | None = None
    for linear in network.linears():
        weight = linear.weight.data.double()
        product = weight if product is None else weight @ product
    assert product is not None
    values, axes = torch.linalg.eigh(product.T @ product)
    least = max(MIN_GAIN / norm**2, MIN_SHARE * float(values[-1]))
    inverse = 1 / (values.clamp(min=0) + least)
    metric: Tensor = (axes * inverse) @ axes.T
    return metric.float()


def initialise_by_ridge(
    network: Network,
    bags: Bags,
    y: NDArray[np.float64],
    sample_weight: NDArray[np.float64] | None,
) -> None:
    """Begin the layers of a network to match its table.

    A single layer becomes the ridge regression; of several the first is scaled to the
    norm of the texts' vectors, so that the others begin as they always do.

    Parameters
    ----------
    network : Network
        With layers above the table, orthonormal ones.
    bags : Bags
        Weighted, in random order.
    y : ndarray of shape (n_samples, n_outputs), dtype=float64
        See `Targets.numbers`.
    sample_weight : ndarray of shape (n_samples,), dtype=float64, or None
    """
    with torch.no_grad():
        vectors = _vectors(network, bags)
        norm = _root_mean_square(vectors)
        first, *others = network.linears()
        if others:
            first.weight.data.div_(norm)
            return
        weight = torch.ones(len(y), dtype=torch.float64, device="cpu")
        if sample_weight is not None:
            weight = torch.from_numpy(sample_weight)
        coef, intercept = ridge(vectors.double(), torch.from_numpy(y), weight)
        first.weight.data.mul_(ORTHONORMAL_SHARE / norm).add_(coef)
        first.bias.data.copy_(intercept)


def ridge(x: Tensor, y: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Weighted ridge regression, its penalty chosen by leaving one out.

    Minimises ``sum_i w_i |y_i - x_i @ coef.T - intercept|**2 / sum_i w_i + penalty *
    sum(coef ** 2)``. Left out, sample i has the residual ``r_i / (1 - h_i)``, ``h_i``
    its leverage.

    Parameters
    ----------
    x : Tensor of shape (n_samples, n_units), dtype=float64
    y : Tensor of shape (n_samples, n_outputs), dtype=float64
    weight : Tensor of shape (n_samples,), dtype=float64

    Returns
    -------
    coef : Tensor of shape (n_outputs, n_units), dtype=float64
    intercept : Tensor of shape (n_outputs,), dtype=float64
    """
    share = (weight / weight.sum()).unsqueeze(1)
    x_mean, y_mean = (share * x).sum(0), (share * y).sum(0)
    x, y = x - x_mean, y - y_mean
    values, axes = torch.linalg.eigh(x.T @ (share * x))
    values = values.clamp(min=0)
    unit = max(float(values.mean()), 1e-12)
    rotated = x @ axes
    moments = rotated.T @ (share * y)
    n_compared = max(1, min(len(x), MAX_NUMBERS // y.shape[1]))
    compared, target, part = rotated[:n_compared], y[:n_compared], share[:n_compared]
    best, best_error = moments, np.inf
    for penalty in PENALTIES:
        inverse = 1 / (values + penalty * unit)
        coef = inverse.unsqueeze(1) * moments
        leverage = part * (1 + (compared.square() * inverse).sum(1, keepdim=True))
        residual = (target - compared @ coef) / (1 - leverage).clamp(min=1e-6)
        error = float((part * residual.square()).sum())
        if error < best_error:
            best, best_error = coef, error
    coef = (axes @ best).T
    return coef, y_mean - coef @ x_mean


def _vectors(network: Network, bags: Bags) -> Tensor:
    return sum_bags(
        network.table,
        torch.from_numpy(bags.ids),
        torch.from_numpy(bags.offsets.astype(np.int32)),
        torch.from_numpy(bags.weights),
    )


def _root_mean_square(vectors: Tensor) -> float:
    squared = float(vectors.square().sum(1).mean())
    return float(np.sqrt(squared)) if squared > 0 else 1.0
