"""A fitted model made small: which rows to keep, in how many bits, under a budget.

What counts is what the scores of a text lose. A row that is left out, or off by
rounding, costs its squared error times the number of documents that hold its feature;
rows are kept by falling cost, and of all numbers of bits those are taken that make the
sum of both costs least in the bytes there are. Three things keep scores where they
were:

- A feature left out implies others: a bigram its words. The rarest of those kept gets
  the row, times the share of its own documents that hold the feature; for a word that
  is always met in one bigram nothing is lost.
- Columns of numbers are few, and their rows are all kept, in the range of the others.
- Texts of norm 1 put the weight of what is left out on what is kept. All rows are
  scaled by the root of the share of the squared weights that is kept on average.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skbag._core.dtypes import ID_DTYPE, WEIGHT_DTYPE
from skbag._model.compact_features import backoffs, compact
from skbag._model.model import Model
from skbag._model.quantization import LogQuantized, QuantizedTable, bytes_of_row
from skbag._text.columns_encoder import ColumnsEncoder
from skbag._weighting.number_block import NumberBlock

AUTO_BITS = (8, 4, 2)
"""Among which "auto" chooses; 16 are for who asks for them."""

UNMET_COUNT = 0.5
"""Documents that hold a feature which none of those counted held."""

COHERENCE = 40.0
"""How much more a row left out costs than its squared norm says: rounding errors of
the features of a text cancel, what is left out points the same way. Chosen on
validation splits of seven data sets and three budgets: of 21 times the bits of least
log-loss were chosen 17 times; the others cost 0.002, and 0.013 once."""

_MOST_STEPS = 12
"""Models made on the way to a size, at most."""

_CLOSE_ENOUGH = 0.995
"""Share of the budget that is worth no further step."""

_SAMPLE = 4096
"""Rows of a model made to learn what a row takes."""

_LONGEST_CHAIN = 8
"""How often a row may move on to a shorter part of its feature."""

SizeOf = Callable[[Model], int]


def compress(
    model: Model, max_bytes: int | None, bits: int | str, size_of: SizeOf
) -> Model:
    """Return a small model that predicts, and does nothing else, like a large one.

    Parameters
    ----------
    model : Model
    max_bytes : int or None
        The most that `size_of` may say of the result; None keeps all rows.
    bits : {2, 4, 8, 16} or "auto"
        Bits of each number of the table.
    size_of : callable
        Bytes of a model where it is to be stored.

    Raises
    ------
    ValueError
        If not even one row fits, or the features are of types that do not hash alike
        everywhere; or if there is a text encoder.
    """
    if model.featurizer.text_encoder is not None:
        raise ValueError(
            "A model with text_encoder cannot be compressed: the encoder takes many "
            "times the bytes of the table, which is small. Compress a model fitted "
            "with text_encoder=None; or with embedding_init, which needs no encoder to "
            "predict."
        )
    rows = _Rows(model)
    if max_bytes is None:
        return rows.best(rows.n, 8 if isinstance(bits, str) else bits)
    allowed = AUTO_BITS if isinstance(bits, str) else (bits,)
    smallest = rows.best(1, allowed[-1])
    least = size_of(smallest)
    if least > max_bytes:
        raise ValueError(
            f"max_bytes={max_bytes} cannot be met: with a single feature left the file "
            f"takes {least} bytes, for parameters, labels and layers. Allow more than "
            f"that; some 10 bytes for each feature kept."
        )
    n_sample = min(rows.n, _SAMPLE)
    of_sample = size_of(rows.best(n_sample, 8))
    bytes_per_row_of_sample = (of_sample - least) / max(n_sample - 1, 1)

    def bytes_per_row(bits: int) -> float:
        saved = bytes_of_row(rows.width, 8) - bytes_of_row(rows.width, bits)
        return float(max(bytes_per_row_of_sample - saved, 1.0))

    n_rows = {each: (max_bytes - least) / bytes_per_row(each) for each in allowed}
    chosen = min(allowed, key=lambda each: rows.loss(int(n_rows[each]), each))
    first = rows.best(1, chosen)
    if size_of(first) > max_bytes:
        return smallest
    return _largest(
        lambda n: rows.best(n, chosen),
        size_of,
        max_bytes,
        rows.n,
        first,
        bytes_per_row(chosen),
    )


def _largest(
    make: Callable[[int], Model],
    size_of: SizeOf,
    max_bytes: int,
    n_rows: int,
    best: Model,
    bytes_per_row: float,
) -> Model:
    """Of models of 1 to `n_rows` rows one that fills the budget as well as it can."""
    low, size, high = 1, size_of(best), n_rows + 1
    for _ in range(_MOST_STEPS):
        n_left = max_bytes - size
        n = min(max(low + int(n_left / bytes_per_row), low + 1), high - 1)
        if n <= low or (low > 1 and size > _CLOSE_ENOUGH * max_bytes):
            break
        model = make(n)
        made = size_of(model)
        if made > max_bytes:
            high = n
            # Between the two, however wrong the estimate of the bytes of a row was.
            bytes_per_row = max((made - size) / (n - low), bytes_per_row * 1.01)
        else:
            low, size, best = n, made, model
    return best


@dataclass(eq=False)
class _Rows:
    """The rows of a model's table, times the weights of their ids, by importance.

    Parameters
    ----------
    model : Model
    """

    model: Model

    def __post_init__(self) -> None:
        featurizer, predictor = self.model.featurizer, self.model.predictor
        self.encoder = featurizer.encoder
        self.norm = featurizer.weighting.norm
        self.weights = featurizer.id_weights
        self.number_block = featurizer.number_block
        self.table = predictor.dense
        if self.weights is not None:
            self.table = self.table * self.weights[:, np.newaxis]
        self.n, self.width = self.table.shape
        document_counts = featurizer.document_counts
        # Without counts each feature is taken to be as frequent as the others.
        self.has_counts = document_counts is not None
        self.counts = np.ones(self.n)
        if document_counts is not None:
            counted = document_counts.flush(featurizer.pending, self.n).df
            # Rows by vectors alone.
            is_unmet = (counted == 0) & self.table.any(axis=1)
            self.counts = np.where(is_unmet, UNMET_COUNT, counted)
            if self.number_block is not None:
                # Each row of a data frame has them.
                self.counts[self.number_block.ids] = document_counts.n_documents
        self.parts = backoffs(self.encoder) if self.has_counts else None

    @cached_property
    def costs(self) -> NDArray[np.float64]:
        """Cost of leaving out each row."""
        return self._costs(self.table)

    @cached_property
    def order(self) -> NDArray[np.intp]:
        """Ids by falling cost of leaving them out."""
        return self._ranked(self.costs)

    def _ranked(self, costs: NDArray[np.float64]) -> NDArray[np.intp]:
        """Ids by falling cost, after those of columns of numbers."""
        if self.number_block is not None:
            costs = costs.copy()
            costs[self.number_block.ids] = np.inf
        return np.argsort(-costs, kind="stable")

    def _costs(self, table: NDArray[np.float32]) -> NDArray[np.float64]:
        # Not by BLAS, whose sums may depend on the number of threads.
        squares = np.einsum("ij,ij->i", table, table, dtype=np.float64)
        return np.asarray(self.counts * squares)

    def loss(self, n: int, bits: int) -> float:
        """Cost of keeping `n` rows in so many bits and leaving out the others."""
        n = min(n, self.n)
        sample = self.order[: max(n, 1) : max(n // _SAMPLE, 1)]
        rows = self.table[sample]
        rounded = QuantizedTable.of(rows, bits)
        error = rows - rounded.rows(np.arange(len(sample)))
        squares = np.einsum("ij,ij->i", error, error, dtype=np.float64)
        share = (self.counts[sample] * squares).sum() / (self.costs[sample].sum() or 1)
        cost_kept, left = (
            self.costs[self.order[:n]].sum(),
            self.costs[self.order[n:]].sum(),
        )
        return float(share * cost_kept + COHERENCE * left)

    def best(self, n: int, bits: int) -> Model:
        """Model of the `n` most important rows."""
        if self.number_block is not None:
            n = max(n, len(self.number_block.ids))
        if n >= self.n:
            return self._model(self.order, self.table, bits)
        if self.parts is None:
            return self._model(self.order[:n], self.table, bits)
        # What is left out raises what takes its place: so once again.
        order = self._ranked(self._costs(self._fold(self.order[:n])))
        return self._model(order[:n], self._fold(order[:n]), bits)

    def _fold(self, kept_rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """Table in which the rows left out are added to those of their parts."""
        assert self.parts is not None
        is_kept = np.zeros(self.n, dtype=np.bool_)
        is_kept[kept_rows] = True
        folded = self.table.copy()
        moving = self.table
        from_ = np.flatnonzero(~is_kept & (self.parts >= 0).any(axis=1))
        for _ in range(_LONGEST_CHAIN):
            to, shares = self._heirs(from_, is_kept)
            shift = sp.csr_array(
                (shares, (to, from_)), shape=(self.n, self.n), dtype=WEIGHT_DTYPE
            )
            moving = shift @ moving
            folded += moving
            from_ = np.unique(to)
            from_ = from_[~is_kept[from_] & (self.parts[from_] >= 0).any(axis=1)]
            if not len(from_):
                break
        return folded

    def _heirs(
        self, ids: NDArray[Any], is_kept: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """The part of each feature that gets its row, and how much of it.

        The rarest part that is kept, or the rarest, which may pass it on.
        """
        assert self.parts is not None
        parts = self.parts[ids]
        counts = np.where(parts >= 0, self.counts[parts], np.inf)
        rank = counts + np.where(is_kept[parts], 0, self.counts.max() + 1)
        which = rank.argmin(axis=1)
        rows = np.arange(len(ids))
        of_part = np.maximum(counts[rows, which], 1e-12)
        return parts[rows, which], np.minimum(self.counts[ids] / of_part, 1)

    def _model(
        self, ranked: NDArray[np.intp], table: NDArray[np.float32], bits: int
    ) -> Model:
        encoder, ids = compact(self.encoder, ranked.astype(ID_DTYPE))
        rows, weights = table[ids], None
        if self.norm is not None:
            rows *= self._kept_norm(ids)
            if self.weights is not None:
                # Rounded weights change the norms of texts a little, and no products.
                weights = self._rounded_weights(ids)
                rows /= weights[:, np.newaxis]
        number_block = None
        if self.number_block is not None:
            assert isinstance(encoder, ColumnsEncoder)
            number_block = self._put_numbers(rows, encoder.number_ids)
        columns = ids if encoder is None and len(ids) < self.n else None
        n_ids = self.n if encoder is None else len(ids)
        return replace(
            self.model,
            featurizer=replace(
                self.model.featurizer,
                encoder=encoder,
                document_counts=None,
                id_weights=weights,
                number_block=number_block,
            ),
            predictor=replace(
                self.model.predictor,
                embedding=QuantizedTable.of(rows, bits, columns, n_ids),
            ),
        )

    def _rounded_weights(self, ids: NDArray[np.int32]) -> NDArray[np.float32]:
        """Weights of some ids, of which at most 256 differ."""
        assert self.weights is not None
        weights = self.weights[ids]
        if self.number_block is not None:
            # Of no use, and far from those of features perhaps.
            is_number = np.isin(ids, self.number_block.ids)
            weights = np.where(is_number, weights[~is_number].max(initial=0), weights)
            weights[weights == 0] = 1
        return LogQuantized.rounded(weights).values

    def _put_numbers(
        self, rows: NDArray[np.float32], places: NDArray[np.int32]
    ) -> NumberBlock:
        """Put the rows of columns of numbers, in the range of the others.

        What a row is multiplied with its number is divided by.

        Parameters
        ----------
        rows : ndarray of shape (n_kept, width), dtype=float32
            Those at `places` are overwritten.
        places : ndarray of shape (n_columns,), dtype=int32
        """
        block = self.number_block
        assert block is not None
        rows[places] = 0
        largest = float(np.abs(rows).max(initial=0)) or 1.0
        own = self.model.predictor.dense[block.ids].astype(np.float64)
        own_largest = np.abs(own).max(axis=1)
        factors = np.where(own_largest > 0, largest / np.maximum(own_largest, 1e-30), 1)
        rows[places] = own * factors[:, np.newaxis]
        return replace(block, ids=places, factors=block.factors / factors)

    def _kept_norm(self, ids: NDArray[np.int32]) -> NDArray[np.float32]:
        """Norm that a text has left on average, if only some ids count.

        Of shape (1, 1); of a data frame (n_kept_ids, 1): what the norms of all columns
        together make of the weights of each.
        """
        if self.weights is None or not self.has_counts:
            return np.ones((1, 1), dtype=WEIGHT_DTYPE)
        power = 2 if self.norm == "l2" else 1
        masses = self.counts * self.weights.astype(np.float64) ** power
        if self.number_block is not None:
            # The norm is that of the features beside them.
            masses[self.number_block.ids] = 0
        shares = self.model.featurizer.column_shares
        if shares is None:
            kept = masses[ids].sum() / masses.sum()
            return np.array([[kept ** (1 / power)]], dtype=WEIGHT_DTYPE)
        columns, n_columns = shares.columns, len(shares.shares)
        all_of = np.bincount(columns, masses, n_columns)
        kept_of = np.bincount(columns[ids], masses[ids], n_columns)
        # See `ColumnShares`: shares grow with the root of norms, or of their squares.
        sums = [(shares.shares * mass**0.5).sum() for mass in (kept_of, all_of)]
        norms = (kept_of / np.maximum(all_of, 1e-300)) ** (0.5 / power)
        norms *= (sums[0] / sums[1]) ** (1 / power)
        return norms[columns[ids], np.newaxis].astype(WEIGHT_DTYPE)
