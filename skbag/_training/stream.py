"""What ``partial_fit`` keeps from call to call, so that each costs what its part costs.

A part touches the rows of its own tokens. These are trained in a small table of their
own and put back into the large one when all has gone well, together with the attributes
of the estimator; a call that fails before has changed nothing, and rows that were put
back too early are undone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.dtypes import WEIGHT_DTYPE
from skbag._core.growing import GrowingRows
from skbag._model.predictor import Predictor


@dataclass(frozen=True, eq=False)
class RowUpdate:
    """Rows of a table that are to become others.

    Parameters
    ----------
    table : ndarray of shape (n_ids, width), dtype=float32
    ids : ndarray of shape (n_touched,), dtype=int32
    before, after : ndarray of shape (n_touched, width), dtype=float32
    """

    table: NDArray[np.float32]
    ids: NDArray[np.int32]
    before: NDArray[np.float32]
    after: NDArray[np.float32]

    def apply(self) -> None:
        """Write the rows as they are to be."""
        self.table[self.ids] = self.after

    def undo(self) -> None:
        """Write the rows as they were."""
        self.table[self.ids] = self.before


@dataclass(frozen=True, eq=False)
class TouchedRows:
    """The rows of a table that some bags touch, as a table of their own.

    Parameters
    ----------
    ids : ndarray of shape (n_touched,), dtype=int32
        Ascending.
    bags : Bags
        The same bags with the places of `ids` as ids.
    """

    ids: NDArray[np.int32]
    bags: Bags

    @classmethod
    def of(cls, bags: Bags) -> TouchedRows:
        """Rows that bags touch."""
        return cls(*bags.compacted())

    def from_table(self, predictor: Predictor) -> Predictor:
        """Return a predictor with these rows only; zeros for rows that are new."""
        table = predictor.dense
        rows = np.zeros((len(self.ids), table.shape[1]), dtype=WEIGHT_DTYPE)
        known = int(np.searchsorted(self.ids, len(table)))
        rows[:known] = table[self.ids[:known]]
        return replace(predictor, embedding=rows)

    def into_table(
        self,
        trained: Predictor,
        table: GrowingRows,
        n_before: int,
        n_ids: int,
        before: NDArray[np.float32] | None = None,
    ) -> tuple[Predictor, RowUpdate]:
        """Return a predictor of all rows, and what is to be written into them.

        Parameters
        ----------
        trained : Predictor
            Of these rows.
        table : GrowingRows
            All rows; those that are new are put after the others, as zeros.
        n_before, n_ids : int
            Rows so far, and with the new ones.
        before : ndarray of shape (n_touched, width), dtype=float32, or None
            What `from_table` gave, if that is known.
        """
        shape = n_ids - n_before, trained.dense.shape[1]
        rows = table.put(n_before, np.broadcast_to(WEIGHT_DTYPE(0), shape))
        if before is None:
            before = rows[self.ids]
        update = RowUpdate(rows, self.ids, before, trained.dense)
        return replace(trained, embedding=rows), update
