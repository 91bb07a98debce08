"""Why one text got its score: what each token adds to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

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
    from matplotlib.container import BarContainer
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.text import Annotation


class TokenContributionsDisplay:
    """What each token of one text adds to the score of a class, exactly.

    Bars to the right speak for the class, bars to the left against it; all bars
    together, those of the intercept and of what is left out among them, sum to the
    score, the ``decision_function`` of the text.

    Make one with `from_estimator`; `plot` draws it again.

    .. versionadded:: 0.1

    Parameters
    ----------
    tokens : sequence of str or int
        The tokens of the text and its other features, each once; of a matrix the
        names or numbers of columns.
    contributions : array-like of shape (n_tokens,)
        What all occurrences of each add.
    intercept : float
    class_label : object
        The class.
    counts : array-like of shape (n_tokens,), default=None
        Occurrences of each; where there are several, it is said. None: one of each.
    text : str, default=None
        For the title.

    Attributes
    ----------
    score : float
        The sum of it all.
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    bars_ : matplotlib BarContainer
        From above: tokens by falling strength, what is left out, the intercept.
    values_ : list of matplotlib Annotation
        The numbers at the bars.
    """

    ax_: Axes
    figure_: Figure | SubFigure
    bars_: BarContainer
    values_: list[Annotation]

    def __init__(
        self,
        tokens: Sequence[Any],
        contributions: ArrayLike,
        intercept: float,
        class_label: Any,
        *,
        counts: ArrayLike | None = None,
        text: str | None = None,
    ) -> None:
        self.tokens = tokens
        self.contributions = contributions
        self.intercept = intercept
        self.class_label = class_label
        self.counts = counts
        self.text = text

    @property
    def score(self) -> float:
        """Contributions and intercept."""
        return float(np.sum(self.contributions) + self.intercept)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        class_label: Any = None,
        max_tokens: int = 15,
        ax: Axes | None = None,
        bar_kw: dict[str, Any] | None = None,
    ) -> TokenContributionsDisplay:
        """Draw what the tokens of a text add to the score of a class.

        Reads `explain`.

        Parameters
        ----------
        estimator : EmbeddingBagClassifier
            Fitted; without hidden layers.
        X : str, or container of one text, or matrix of one row
        class_label : object, default=None
            One of `classes_`; None for the one with the highest score.
        max_tokens, ax, bar_kw
            As in `plot`.

        Returns
        -------
        display : TokenContributionsDisplay

        Raises
        ------
        ValueError
            If there is no such class; or more texts than one; or as `explain`, with
            hidden layers.
        TypeError, NotFittedError, ImportError
            If the estimator is another one, is not fitted, or there is no matplotlib.
        """
        name = f"{cls.__name__}.from_estimator"
        check_matplotlib(name)
        check_estimator(estimator, name)
        one = estimator.explain([X] if isinstance(X, str) else X)
        if len(one) != 1:
            raise ValueError(
                f"{name} shows one text, got {len(one)}. Pass one of them, X[0]."
            )
        code, sign, output = _which(one, class_label)
        texts = one.joined_texts
        features, rows = _numbered(one.features)
        values = sign * one.contributions[:, output]
        display = cls(
            features,
            np.bincount(rows, values, len(features)),
            sign * float(one.intercept[output]),
            one.classes.tolist()[code],
            counts=np.bincount(rows, minlength=len(features)),
            text=None if texts is None else texts[0],
        )
        return display.plot(ax, max_tokens=max_tokens, bar_kw=bar_kw)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        max_tokens: int = 15,
        bar_kw: dict[str, Any] | None = None,
    ) -> TokenContributionsDisplay:
        """Draw the bars.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to; those of a new figure by default.
        max_tokens : int, default=15
            Tokens with a bar of their own, the strongest; the others share one.
        bar_kw : dict, default=None
            For ``barh``, over what is so by default.

        Returns
        -------
        self : TokenContributionsDisplay
        """
        check_matplotlib(f"{type(self).__name__}.plot")
        if max_tokens < 1:
            raise ValueError(f"max_tokens must be 1 at least, got {max_tokens!r}.")
        lettering = Lettering.of([*self.tokens, self.class_label, self.text or ""])
        values = np.asarray(self.contributions, dtype=np.float64)
        best = np.argsort(-np.abs(values), kind="stable")[:max_tokens]
        names = [self._name(int(i), lettering) for i in best]
        bars = values[best].tolist()
        n_others = len(values) - len(best)
        if n_others:
            names.append(f"{n_others} other{'s' if n_others > 1 else ''}")
            bars.append(float(values.sum() - sum(bars)))
        names.append("intercept")
        bars.append(self.intercept)

        is_ours = ax is None
        ax = axes_to_draw_on(ax, 6.4, 1.3 + 0.26 * len(bars))
        self.ax_, self.figure_ = ax, ax.figure
        self._draw(ax, bars, len(best), bar_kw or {})
        ax.set_yticks(range(len(names)), names, **lettering.style)
        ax.set_ylim(len(names) - 0.5, -0.5)  # the strongest above
        ax.set_xlabel("Contribution to the score")
        label = lettering.spell(self.class_label)
        title = f"Score of class {label}: {_signed(self.score)}"
        if self.text is None:
            note = ""
        elif len(values):
            note = lettering.spell(self.text, 120)
        else:
            note = f"{lettering.spell(self.text, 40)} (no known tokens)".strip()
        texts = set_title(ax, title, note, lettering)
        fit_titles(ax, texts, alone=is_ours)
        return self

    def _draw(
        self, ax: Axes, bars: list[float], n_tokens: int, bar_kw: dict[str, Any]
    ) -> None:
        colours = [FOR if value >= 0 else AGAINST for value in bars]
        self.bars_ = ax.barh(
            range(len(bars)), bars, **{"color": colours, "height": 0.75, **bar_kw}
        )
        for bar in self.bars_[n_tokens:]:
            bar.set_alpha(0.5)  # no tokens
        # Of bars to the left on their right, so that none meets the name of its token.
        self.values_ = [
            ax.annotate(
                _signed(value),
                (max(value, 0.0), place),
                xytext=(3, 0),
                textcoords="offset points",
                fontsize="small",
                va="center",
            )
            for place, value in enumerate(bars)
        ]
        low, high = min(*bars, 0.0), max(*bars, 0.0)
        margin = 0.03 * ((high - low) or 1.0)
        ax.set_xlim(low - margin, high + margin)
        ax.axvline(0, color=ax.xaxis.label.get_color(), lw=0.8)
        ax.spines[["top", "right", "left"]].set_visible(False)
        ax.tick_params(axis="y", length=0)

    def _name(self, i: int, lettering: Lettering) -> str:
        count = 1 if self.counts is None else int(np.asarray(self.counts)[i])
        name = lettering.spell(self.tokens[i], 26)
        return name if count == 1 else f"{name}  ×{count}"


def _which(one: Any, class_label: Any) -> tuple[int, float, int]:
    """Number of the class, sign and column of its score."""
    labels = one.classes.tolist()
    shared = len(one.intercept) == 1 and len(labels) == 2
    scores = np.ravel(one.scores)
    if class_label is None:
        code = int(scores[0] > 0) if shared else int(scores.argmax())
    elif class_label in labels:
        code = labels.index(class_label)
    else:
        raise ValueError(
            f"There is no class {class_label!r}. The classes are "
            f"{', '.join(map(repr, labels[:10]))}{', ...' if len(labels) > 10 else '.'}"
        )
    return (code, 1.0 if code else -1.0, 0) if shared else (code, 1.0, code)


def _numbered(features: Sequence[Any]) -> tuple[list[Any], Any]:
    """Each feature once, and which of them each row holds."""
    numbers: dict[Any, int] = {}
    rows = [numbers.setdefault(feature, len(numbers)) for feature in features]
    return list(numbers), np.array(rows, dtype=np.int64)


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "\N{MINUS SIGN}")
