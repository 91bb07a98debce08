"""What each class is known by: its strongest tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray
from sklearn.base import is_regressor

from skbag.displays._axes import check_estimator, check_matplotlib
from skbag.displays._colours import FOR
from skbag.displays._lettering import Lettering
from skbag.displays._panels import make_panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.container import BarContainer
    from matplotlib.figure import Figure, SubFigure

LONGEST = 20
"""Characters of the names of tokens."""


class TopTokensDisplay:
    """The tokens that add most to the score of each class, one panel a class.

    Make one with `from_estimator`; `plot` draws it again.

    .. versionadded:: 0.1

    Parameters
    ----------
    top_tokens : mapping of class label to list of (token, contribution)
        As `top_tokens` of the estimator returns it, strongest first.
    n_classes : int, default=None
        How many classes there are, if more than are shown; the title says so.

    Attributes
    ----------
    ax_ : matplotlib Axes
        All around the panels, and not drawn.
    axes_ : ndarray of shape (n_rows, n_columns), dtype=object
        The panels; None where there is none.
    figure_ : matplotlib Figure
    bars_ : list of matplotlib BarContainer
        One a class.
    """

    ax_: Axes
    axes_: NDArray[Any]
    figure_: Figure | SubFigure
    bars_: list[BarContainer]

    def __init__(
        self,
        top_tokens: Mapping[Any, Sequence[tuple[Any, float]]],
        *,
        n_classes: int | None = None,
    ) -> None:
        self.top_tokens = top_tokens
        self.n_classes = n_classes

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        class_labels: Sequence[Any] | None = None,
        k: int = 8,
        max_classes: int = 12,
        n_columns: int | None = None,
        ax: Axes | None = None,
        bar_kw: dict[str, Any] | None = None,
    ) -> TopTokensDisplay:
        """Draw the strongest tokens of each class.

        Reads `top_tokens` and `classes_`.

        Parameters
        ----------
        estimator : EmbeddingBagClassifier or EmbeddingBagRegressor
            Fitted; without hidden layers, and with names of tokens. Of a regressor what
            raises and what lowers a prediction has a panel of its own.
        class_labels : sequence, default=None
            Classes to show, in this order. None: the first `max_classes` of
            `classes_`. Of a regressor the numbers of outputs; None for all.
        k : int, default=8
            Tokens of each.
        max_classes : int, default=12
            Classes to show where `class_labels` does not say which.
        n_columns, ax, bar_kw
            As in `plot`.

        Returns
        -------
        display : TopTokensDisplay

        Raises
        ------
        ValueError
            If there is no such class; or as `top_tokens`, with hidden layers, with
            `n_buckets` or after `compress`.
        TypeError, NotFittedError, ImportError
            If the estimator is another one, is not fitted, or there is no matplotlib.
        """
        name = f"{cls.__name__}.from_estimator"
        check_matplotlib(name)
        check_estimator(estimator, name)
        if max_classes < 1:
            raise ValueError(f"max_classes must be 1 at least, got {max_classes!r}.")
        if is_regressor(estimator):
            return cls(_of_regressor(estimator, class_labels, k)).plot(
                ax, n_columns=n_columns, bar_kw=bar_kw
            )
        names = getattr(estimator, "label_names_", None)
        classes = (estimator.classes_ if names is None else names).tolist()
        if class_labels is None:
            class_labels = classes[:max_classes]
        tokens = {label: estimator.top_tokens(label, k) for label in class_labels}
        if not tokens:
            raise ValueError("class_labels names no class. Pass one at least, or None.")
        display = cls(tokens, n_classes=len(classes))
        return display.plot(ax, n_columns=n_columns, bar_kw=bar_kw)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        n_columns: int | None = None,
        bar_kw: dict[str, Any] | None = None,
    ) -> TopTokensDisplay:
        """Draw the panels.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Whose place the panels take; of a grid such as ``plt.subplots`` makes. A new
            figure by default.
        n_columns : int, default=None
            Panels side by side; as many as look well by default.
        bar_kw : dict, default=None
            For ``barh``, over what is so by default.

        Returns
        -------
        self : TopTokensDisplay
        """
        check_matplotlib(f"{type(self).__name__}.plot")
        tokens = [token for pairs in self.top_tokens.values() for token, _ in pairs]
        lettering = Lettering.of([*self.top_tokens, *tokens])
        panels = make_panels(
            ax,
            len(self.top_tokens),
            max(1, *map(len, self.top_tokens.values())),
            max(len(lettering.spell(token, LONGEST)) for token in ["", *tokens]),
            n_columns,
        )
        self.ax_, self.figure_, self.axes_ = panels.ax, panels.ax.figure, panels.grid
        drawn = [panel for panel in self.axes_.flat if panel is not None]
        self.bars_ = [
            self._draw_panel(panel, label, lettering, panels.scale, bar_kw or {})
            for panel, label in zip(drawn, self.top_tokens, strict=True)
        ]
        for column in self.axes_.T:
            last = [panel for panel in column if panel is not None][-1]
            last.set_xlabel(
                "Contribution to the score", fontsize=panels.scale * _points("small")
            )
        # A second title of the first panel, one line higher: unlike that of ax, whose
        # place the panels take, all layouts leave space for it.
        drawn[0].set_title(f"{self._title()}\n", loc="right", x=0, ha="left")
        return self

    def _title(self) -> str:
        n_shown, n_all = len(self.top_tokens), self.n_classes or 0
        if n_all <= n_shown:
            return "Strongest tokens of each class"
        return f"Strongest tokens of {n_shown} of {n_all:,} classes"

    def _draw_panel(
        self,
        panel: Axes,
        label: Any,
        lettering: Lettering,
        scale: float,
        bar_kw: dict[str, Any],
    ) -> BarContainer:
        from matplotlib.ticker import MaxNLocator

        tokens = self.top_tokens[label]
        small = scale * _points("small")
        values = [value for _, value in tokens]
        names = [lettering.spell(token, LONGEST) for token, _ in tokens]
        style = {"color": FOR, "height": 0.75, **bar_kw}
        bars = panel.barh(range(len(values)), values, **style)
        panel.set_yticks(range(len(names)), names, fontsize=small, **lettering.style)
        panel.set_title(
            lettering.spell(label, 22),
            loc="left",
            fontsize=scale * _points("medium"),
            **lettering.style,
        )
        # The same scales in all panels: bars can be compared.
        each = self.top_tokens.values()
        strongest = max((value for pairs in each for _, value in pairs), default=1.0)
        panel.set_xlim(0, 1.03 * strongest)
        panel.set_ylim(max(1, *map(len, each)) - 0.5, -0.5)
        panel.xaxis.set_major_locator(MaxNLocator(4))
        panel.tick_params(axis="x", labelsize=small)
        panel.tick_params(axis="y", length=0)
        panel.spines[["top", "right"]].set_visible(False)
        if not tokens:
            panel.text(
                0.5,
                0.5,
                "no token speaks for it",
                transform=panel.transAxes,
                ha="center",
                va="center",
                fontsize=small,
                fontstyle="italic",
            )
        return bars


def _of_regressor(
    estimator: Any, outputs: Sequence[Any] | None, k: int
) -> dict[str, list[tuple[Any, float]]]:
    """Tokens that raise and lower each output, by the name of the panel."""
    tokens = {}
    for output in range(estimator.n_outputs_) if outputs is None else outputs:
        found = estimator.top_tokens(k, output=output)
        name = "y" if estimator.n_outputs_ == 1 else f"y{output}"
        tokens[f"{name}: raising"] = found["raising"]
        tokens[f"{name}: lowering"] = [(t, -value) for t, value in found["lowering"]]
    return tokens


def _points(size: str) -> float:
    from matplotlib.font_manager import FontProperties

    return FontProperties(size=size).get_size_in_points()
