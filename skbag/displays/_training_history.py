"""How a fit went: loss and validation score by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from skbag.displays._axes import (
    axes_to_draw_on,
    check_estimator,
    check_matplotlib,
    fit_titles,
    set_title,
)
from skbag.displays._colours import AGAINST, FOR
from skbag.displays._lettering import Lettering

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.lines import Line2D

_EQUAL = 1e-6  # validation scores that differ by less are equal to the estimator


class TrainingHistoryDisplay:
    """Loss and validation score of each epoch, with the best epoch marked.

    Make one with `from_estimator`; `plot` draws it again.

    .. versionadded:: 0.1

    Parameters
    ----------
    loss : array-like of shape (n_epochs,)
        Mean loss of each epoch.
    validation_scores : array-like of shape (n_epochs,), default=None
        Score after each epoch of the samples held out.

    Attributes
    ----------
    best_epoch : int or None
        Number of the epoch, from 1, with the best validation score; of equal ones the
        last, which is the one whose state the estimator keeps.
    ax_ : matplotlib Axes
        With the loss.
    validation_ax_ : matplotlib Axes or None
        With the validation score: another scale over the same epochs.
    figure_ : matplotlib Figure
    loss_line_, validation_line_ : matplotlib Line2D; the latter may be None
    best_epoch_line_ : matplotlib Line2D or None
        Upright, at the best epoch.

    Examples
    --------
    >>> from skbag.displays import TrainingHistoryDisplay
    >>> TrainingHistoryDisplay([0.9, 0.5, 0.4], [0.71, 0.82, 0.8]).best_epoch
    2
    """

    ax_: Axes
    figure_: Figure | SubFigure
    validation_ax_: Axes | None
    loss_line_: Line2D
    validation_line_: Line2D | None
    best_epoch_line_: Line2D | None

    def __init__(
        self,
        loss: Sequence[float],
        validation_scores: Sequence[float] | None = None,
    ) -> None:
        self.loss = loss
        self.validation_scores = validation_scores

    @property
    def best_epoch(self) -> int | None:
        """Number of the epoch with the best validation score, or None."""
        if self.validation_scores is None or not len(self.validation_scores):
            return None
        scores = np.asarray(self.validation_scores)
        return int(np.flatnonzero(scores > scores.max() - _EQUAL)[-1]) + 1

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        validation: bool | str = "auto",
        ax: Axes | None = None,
        loss_kw: dict[str, Any] | None = None,
        validation_kw: dict[str, Any] | None = None,
    ) -> TrainingHistoryDisplay:
        """Draw the history of a fitted estimator.

        Reads `loss_curve_` and `validation_scores_`. After `partial_fit` each call
        counts as an epoch.

        Parameters
        ----------
        estimator : EmbeddingBagClassifier
            Fitted.
        validation : bool or 'auto', default='auto'
            Whether to draw the validation score; 'auto' does where there is one.
        ax, loss_kw, validation_kw
            As in `plot`.

        Returns
        -------
        display : TrainingHistoryDisplay

        Raises
        ------
        ValueError
            If a validation score is asked for and there is none; or if there is no
            epoch at all.
        TypeError, NotFittedError, ImportError
            If the estimator is another one, is not fitted, or there is no matplotlib.
        """
        name = f"{cls.__name__}.from_estimator"
        check_matplotlib(name)
        check_estimator(estimator, name)
        scores = estimator.validation_scores_ if validation else None
        if validation is True and not scores:
            raise ValueError(
                "There are no validation scores: the estimator was fitted without "
                "early_stopping=True, or by partial_fit. Fit with early_stopping=True, "
                "or draw the loss alone."
            )
        if not estimator.loss_curve_:
            raise ValueError(
                "There is no history to show: training diverged in its first epoch. "
                "Lower learning_rate_init, or scale X."
            )
        display = cls(estimator.loss_curve_, scores)
        return display.plot(ax, loss_kw=loss_kw, validation_kw=validation_kw)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        loss_kw: dict[str, Any] | None = None,
        validation_kw: dict[str, Any] | None = None,
    ) -> TrainingHistoryDisplay:
        """Draw the history.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to; those of a new figure by default.
        loss_kw, validation_kw : dict, default=None
            For the ``plot`` of the two lines, over what they are by default.

        Returns
        -------
        self : TrainingHistoryDisplay
        """
        check_matplotlib(f"{type(self).__name__}.plot")
        from matplotlib.ticker import MaxNLocator

        is_ours = ax is None
        ax = axes_to_draw_on(ax, 6.4, 4.2)
        self.ax_, self.figure_ = ax, ax.figure
        self.validation_ax_ = self.validation_line_ = None
        self.best_epoch_line_ = None
        n_epochs = len(self.loss)
        self.loss_line_ = _line(ax, self.loss, FOR, "o", loss_kw)
        ax.set(xlabel="Epoch", xlim=(0.5, n_epochs + 0.5))
        ax.set_ylim(bottom=0)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        ax.set_ylabel("Mean training loss", color=FOR)
        ax.spines["top"].set_visible(False)
        title, note = "Training loss", ""
        best = self.best_epoch
        if best is None:
            ax.spines["right"].set_visible(False)
        else:
            title = "Training loss and validation score"
            note = self._draw_validation(ax, best, validation_kw)
        texts = set_title(ax, title, note, Lettering.of([]))
        fit_titles(ax, texts, alone=is_ours)
        return self

    def _draw_validation(
        self, ax: Axes, best: int, validation_kw: dict[str, Any] | None
    ) -> str:
        """Draw the score over a scale of its own; return what is said of it."""
        assert self.validation_scores is not None
        score = float(self.validation_scores[best - 1])
        twin = ax.twinx()
        twin.spines["top"].set_visible(False)
        self.validation_ax_ = twin
        self.validation_line_ = _line(
            twin, self.validation_scores, AGAINST, "s", validation_kw
        )
        twin.set_ylabel("Validation score", color=AGAINST)
        self.best_epoch_line_ = ax.axvline(best, color="grey", ls="--", lw=1, zorder=0)
        return f"Best: {score:.4f} after epoch {best} of {len(self.loss)}"


def _line(
    ax: Axes,
    values: Sequence[float],
    colour: str,
    marker: str,
    changes: dict[str, Any] | None,
) -> Line2D:
    # Not drawn where it is no number; a marker shows a single epoch.
    shown = np.where(np.isfinite(values), values, np.nan)
    style = {"color": colour, "marker": marker, "markersize": 5, **(changes or {})}
    (line,) = ax.plot(np.arange(1, len(shown) + 1), shown, **style)
    return line
