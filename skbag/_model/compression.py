"""A fitted model made small: which rows to keep, in how many bits, under a budget.

What counts is what the scores of a text lose. A row that is left out, or off by
rounding, costs its squared error times the number of documents that hold its feature;
rows are kept by falling cost, and of all numbers of bits those are taken that make the
sum of both costs least in the bytes there are. Two things keep scores where they were:

- A feature left out implies others: a bigram its words. The rarest of those kept gets
  the row, times the share of its own documents that hold the feature; for a word that
  is always met in one bigram nothing is lost.
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
from skbag._model.model import Model
from skbag._model.quantization import LogQuantized, QuantizedTable, bytes_of_row
from skbag._text import compact_encoders
from skbag._text.category_encoder import CategoryEncoder
from skbag._text.columns_encoder import ColumnsEncoder
from skbag._text.compact_encoders import (
    CompactPlainEncoder,
    CompactSelection,
    CompactVocabularyEncoder,
)
from skbag._text.encoder import Encoder
from skbag._text.plain_encoder import PlainEncoder
from skbag._text.vocabulary_encoder import VocabularyEncoder

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
        everywhere; or if there are columns of numbers, or a text encoder.
    """
    if model.featurizer.text_encoder is not None:
        raise ValueError(
            "A model with text_encoder cannot be compressed: the encoder takes many "
            "times the bytes of the table, which is small. Compress a model fitted "
            "with text_encoder=None; or with embedding_init, which needs no encoder to "
            "predict."
        )
    if model.featurizer.number_block is not None:
        raise ValueError(
            "A model with columns of numbers cannot be compressed: ranges of their "
            "rows are not those of features of texts. Leave these columns out, or keep "
            "the model as it is."
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
        self.parts = _parts(self.encoder) if self.has_counts else None

    @cached_property
    def costs(self) -> NDArray[np.float64]:
        """Cost of leaving out each row."""
        return self._costs(self.table)

    @cached_property
    def order(self) -> NDArray[np.intp]:
        """Ids by falling cost of leaving them out."""
        return np.argsort(-self.costs, kind="stable")

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
        if n >= self.n:
            return self._model(self.order, self.table, bits)
        if self.parts is None:
            return self._model(self.order[:n], self.table, bits)
        # What is left out raises what takes its place: so once again.
        order = np.argsort(-self._costs(self._fold(self.order[:n])), kind="stable")
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
        encoder, ids = _compact(self.encoder, ranked.astype(ID_DTYPE))
        rows, weights = table[ids], None
        if self.norm is not None:
            rows *= self._kept_norm(ids)
            if self.weights is not None:
                # Rounded weights change the norms of texts a little, and no products.
                weights = LogQuantized.rounded(self.weights[ids]).values
                rows /= weights[:, np.newaxis]
        columns = ids if encoder is None and len(ids) < self.n else None
        n_ids = self.n if encoder is None else len(ids)
        return replace(
            self.model,
            featurizer=replace(
                self.model.featurizer,
                encoder=encoder,
                document_counts=None,
                id_weights=weights,
            ),
            predictor=replace(
                self.model.predictor,
                embedding=QuantizedTable.of(rows, bits, columns, n_ids),
            ),
        )

    def _kept_norm(self, ids: NDArray[np.int32]) -> NDArray[np.float32]:
        """Norm that a text has left on average, if only some ids count.

        Of shape (1, 1); of a data frame (n_kept_ids, 1): what the norms of all columns
        together make of the weights of each.
        """
        if self.weights is None or not self.has_counts:
            return np.ones((1, 1), dtype=WEIGHT_DTYPE)
        power = 2 if self.norm == "l2" else 1
        masses = self.counts * self.weights.astype(np.float64) ** power
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


def _compact(
    encoder: Encoder | None, ranked: NDArray[np.int32]
) -> tuple[Encoder | None, NDArray[np.int32]]:
    """Return a small encoder of some features, and the old id of each of its own."""
    if isinstance(encoder, VocabularyEncoder):
        return CompactVocabularyEncoder.compact(encoder, ranked)
    if isinstance(encoder, PlainEncoder):
        return CompactPlainEncoder.compact(encoder, ranked)
    if isinstance(encoder, ColumnsEncoder):
        return _compact_columns(encoder, ranked)
    ids = np.sort(ranked)
    if isinstance(encoder, CategoryEncoder):
        return encoder.select(ids), ids
    return (None if encoder is None else CompactSelection(encoder, ids)), ids


def _compact_columns(
    encoder: ColumnsEncoder, ranked: NDArray[np.int32]
) -> tuple[ColumnsEncoder, NDArray[np.int32]]:
    encoders, ids = [], []
    for j, own in enumerate(encoder.encoders):
        of_column = encoder.ids_of[j]
        own_ranked = ranked[encoder.id_columns[ranked] == j]
        # Ids of a column ascend, here and there.
        local = np.searchsorted(of_column, own_ranked).astype(ID_DTYPE)
        compact, kept = _compact(own, local)
        assert compact is not None
        encoders.append(compact)
        ids.append(of_column[kept])
    return ColumnsEncoder(encoder.columns, encoders), np.concatenate(ids)


def _parts(encoder: Encoder | None) -> NDArray[np.int32] | None:
    if isinstance(encoder, VocabularyEncoder):
        return compact_encoders.vocabulary_backoffs(encoder)
    if isinstance(encoder, PlainEncoder):
        return compact_encoders.plain_backoffs(encoder)
    if isinstance(encoder, ColumnsEncoder):
        return _parts_of_columns(encoder)
    return None


def _parts_of_columns(encoder: ColumnsEncoder) -> NDArray[np.int32]:
    parts = np.full((encoder.n_ids, 2), -1, dtype=ID_DTYPE)
    for own, ids in zip(encoder.encoders, encoder.ids_of, strict=True):
        own_parts = _parts(own)
        if own_parts is not None and len(ids):
            parts[ids] = np.where(own_parts >= 0, ids[own_parts], -1)
    return parts
