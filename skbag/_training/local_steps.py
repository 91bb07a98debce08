"""Local SGD: how tables that ranks have trained by themselves become one again.

Since the last exchange each rank i has made of the table E a table E_i, in steps over
samples of its own (McMahan, Moore, Ramage, Hampson and Aguera y Arcas,
"Communication-Efficient Learning of Deep Networks from Decentralized Data", 2017;
Stich, "Local SGD Converges Fast and Communicates Little", 2019). The penalty has
multiplied it with s_i; what else has changed is ``D_i = E_i - s_i E``. With
``A = sum_i D_i``, ``s = prod_i s_i`` and m_r the ranks that have visited row r, the row
may become

    the average,  s**(1 / m_r) E_r + A_r / m_r,             or
    the sum,      s E_r + A_r,

of the changes, with as much of the penalty as of these. The average learns too
little from rows that few samples have; the sum goes too far where all ranks have
learnt the same. So a row becomes ``(1 - t_b) average + t_b sum``, where b is the bin of
the row by the samples that hold it between two exchanges. Scores are linear in the t_b,
and those that make the loss of some samples least, within [0, 1], are found by Newton's
method.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.communicator import Communicator, broadcast, total
from skbag._core.dtypes import WEIGHT_DTYPE
from skbag._targets.label_sets import Codes
from skbag._targets.losses import squared_hinge_curvatures, squared_hinge_slopes

BIN_EDGES = (1.0, 3.0, 10.0, 30.0, 100.0)
"""Of samples of a rank that hold an id between two exchanges."""

N_BINS = len(BIN_EDGES) + 1

N_ROUNDS = 4
"""Newton steps at most; the second to fourth change little."""

DAMPING = 0.02
"""Of the diagonal of the second derivatives, added to it: bins of rows that the samples
do not hold stay averages."""

ENOUGH = 0.005
"""Change of all t_b below which no further step is made."""


def visit_bins(
    document_counts: NDArray[np.float64], n_shares: int
) -> NDArray[np.int64]:
    """Bin of each id by the samples that hold it in a share of all samples.

    Parameters
    ----------
    document_counts : ndarray of shape (n_ids,), dtype=float64
        Number of samples of all ranks that hold each id.
    n_shares : int
        Ranks x exchanges in an epoch.
    """
    return np.searchsorted(BIN_EDGES, document_counts / n_shares, side="right")


@dataclass(frozen=True, eq=False)
class Changes:
    """What all ranks have made of a table since the last exchange.

    Parameters
    ----------
    average : ndarray of shape (n_ids, width), dtype=float32
        The table if all changes are averaged.
    move : ndarray of shape (n_ids, width), dtype=float32
        What that lacks of the table if they are summed.
    n_visiting : ndarray of shape (n_ids,), dtype=float32
        Ranks that have visited each row, 1 at least.
    """

    average: NDArray[np.float32]
    move: NDArray[np.float32]
    n_visiting: NDArray[np.float32]

    @classmethod
    def reduce(
        cls,
        communicator: Communicator,
        before: NDArray[np.float32],
        after: NDArray[np.float32],
        kept: float,
        visited: NDArray[np.bool_],
    ) -> Changes:
        """Bring together what each rank has changed.

        Parameters
        ----------
        communicator : Communicator
        before, after : ndarray of shape (n_ids, width), dtype=float32
            The table of the last exchange, alike on all ranks; what this rank has made
            of it.
        kept : float
            What the penalty has left of it on this rank.
        visited : ndarray of shape (n_ids,), dtype=bool
            Rows of this rank's samples since then.
        """
        world_size = communicator.world_size
        own = np.empty((len(before), before.shape[1] + 1), dtype=WEIGHT_DTYPE)
        np.multiply(before, WEIGHT_DTYPE(-kept), out=own[:, :-1])
        own[:, :-1] += after
        own[:, -1] = visited
        sums = communicator.all_reduce(own)
        # Added up by each rank in the same order, but a logarithm may differ.
        log_kept = total(communicator, float(np.log(kept)))
        of_average = np.exp(log_kept / np.maximum(np.arange(world_size + 1), 1))
        of_average = broadcast(communicator, of_average.astype(WEIGHT_DTYPE))
        n_visiting = np.maximum(sums[:, -1:], 1)
        change = sums[:, :-1]
        average = change / n_visiting
        move = change - average
        kept_rows = of_average[n_visiting.astype(np.int64)]
        average += before * kept_rows
        move += before * (of_average[1] - kept_rows)
        n_visiting = n_visiting[:, 0]
        return cls(_float32(average), _float32(move), n_visiting)

    def table(
        self, sum_shares: NDArray[np.float64], bins: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Return the one table, for a share of the sum in each bin."""
        shares = sum_shares.astype(WEIGHT_DTYPE)[bins]
        return self.average + shares[:, np.newaxis] * self.move

    def row_shares(
        self, sum_shares: NDArray[np.float64], bins: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """How much of a rank's change of each row is in that table, (n_ids,)."""
        shares = sum_shares[bins]
        return np.asarray(shares + (1 - shares) / self.n_visiting)


@dataclass(frozen=True, eq=False)
class ExchangeSamples:
    """Samples of a rank by which the shares of the sum are found.

    Parameters
    ----------
    bags : Bags
        Weighted.
    codes : ndarray of shape (n_samples,), dtype=int64, or LabelSets
    weight : ndarray of shape (n_samples,) or None
    label_weights : ndarray of shape (n_outputs,) or None
        Of having each label.
    """

    bags: Bags
    codes: Codes
    weight: NDArray[np.float32] | None
    label_weights: NDArray[np.float32] | None


def sum_shares(
    communicator: Communicator,
    changes: Changes,
    bins: NDArray[np.int64],
    intercept: NDArray[np.float32],
    samples: ExchangeSamples,
) -> NDArray[np.float64]:
    """Find the shares that make the squared hinge of the samples of all ranks least.

    Parameters
    ----------
    communicator : Communicator
    changes : Changes
    bins : ndarray of shape (n_ids,), dtype=int64
    intercept : ndarray of shape (n_outputs,), dtype=float32
    samples : ExchangeSamples
        Of this rank; perhaps none.

    Returns
    -------
    shares : ndarray of shape (N_BINS,), dtype=float64
        In [0, 1]; the same on all ranks.
    """
    columns, bags = samples.bags.compacted()
    scores = bags.matmul(changes.average[columns]) + intercept
    move, bins_of_entries = changes.move[columns], bins[columns][bags.ids]
    moves = np.stack(
        [_with_entries(bags, bins_of_entries == b).matmul(move) for b in range(N_BINS)]
    )
    # Not a matrix product: BLAS adds up in an order that depends on its threads.
    shares = np.zeros(N_BINS)
    for _ in range(N_ROUNDS):
        gradient, curvature = _derivatives(scores, moves, shares, samples)
        sums = total(communicator, np.vstack([gradient, curvature]))
        found = broadcast(communicator, _newton_step(sums[0], sums[1:], shares))
        change = np.abs(found - shares).max()
        shares = found
        if change < ENOUGH:
            break
    return shares


def _derivatives(
    scores: NDArray[np.float32],
    moves: NDArray[np.float32],
    shares: NDArray[np.float64],
    samples: ExchangeSamples,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """First and second derivatives of the loss of samples in the shares."""
    at = scores + np.einsum("b,bnc->nc", shares.astype(WEIGHT_DTYPE), moves)
    codes, label_weights = samples.codes, samples.label_weights
    slopes = squared_hinge_slopes(at, codes, label_weights)
    curvatures = squared_hinge_curvatures(at, codes, label_weights)
    if samples.weight is not None:
        slopes *= samples.weight[:, np.newaxis]
        curvatures *= samples.weight[:, np.newaxis]
    return (
        np.einsum("bnc,nc->b", moves, slopes),
        np.einsum("anc,bnc->ab", moves * curvatures, moves),
    )


def _newton_step(
    gradient: NDArray[np.float64],
    curvature: NDArray[np.float64],
    shares: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Minimise a quadratic function within [0, 1], by coordinate descent."""
    curvature = curvature + DAMPING * np.diag(np.diag(curvature))
    found = shares.copy()
    for _ in range(50):
        for b in range(len(found)):
            if curvature[b, b] > 0:
                slope = gradient[b] + curvature[b] @ (found - shares)
                found[b] = np.clip(found[b] - slope / curvature[b, b], 0, 1)
    return found


def _float32(array: NDArray[Any]) -> NDArray[np.float32]:
    return np.asarray(array, dtype=WEIGHT_DTYPE)


def _with_entries(bags: Bags, wanted: NDArray[np.bool_]) -> Bags:
    """Bags of some of the entries."""
    offsets = np.append(0, np.cumsum(wanted))[bags.offsets]
    return Bags(bags.ids[wanted], offsets, bags.weights[wanted], bags.n_ids)
