"""Tokens or documents as points in two dimensions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skbag.displays._axes import (
    axes_to_draw_on,
    check_classifier,
    check_matplotlib,
    fit_titles,
    set_title,
)
from skbag.displays._colours import CLASSES, OTHERS
from skbag.displays._lettering import Lettering
from skbag.displays._mapped import map_of_documents, map_of_tokens
from skbag.displays._names import write_names
from skbag.displays._projection import project

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.legend import Legend
    from matplotlib.text import Annotation

MOST_TOKENS = 60
"""Tokens on a map, unless asked otherwise: their names are to be read."""

MOST_DOCUMENTS = 1000
"""Documents on a map, unless asked otherwise."""


class EmbeddingMapDisplay:
    """Tokens or documents as points in two dimensions, coloured by class.

    Tokens are rows of the table, ``embedding_``, coloured by the class that they speak
    for most; documents are the vectors of ``transform``, coloured by the labels given.

    Make one with `from_estimator`; `plot` draws it again.

    .. versionadded:: 0.1

    Parameters
    ----------
    coordinates : array-like of shape (n_points, 2)
    labels : sequence of length n_points, default=None
        Class of each point; None where it is not known. None: of none.
    names : sequence of str, default=None
        Names of the points, the most important ones first.
    axis_names : (str, str), default=None
        What the axes are; None where they mean nothing, as with t-SNE.
    title, note : str, default=""
        The note tells what was left out, and is added to by `plot`.
    legend_title : str, default="Class"

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    points_ : dict of label to matplotlib PathCollection
        In the order of the legend; what is not told apart under ``None``.
    names_ : list of matplotlib Annotation
        The names that could be written without covering each other.
    legend_ : matplotlib Legend or None
    """

    ax_: Axes
    figure_: Figure | SubFigure
    points_: dict[Any, PathCollection]
    names_: list[Annotation]
    legend_: Legend | None

    def __init__(
        self,
        coordinates: ArrayLike,
        *,
        labels: Sequence[Any] | None = None,
        names: Sequence[Any] | None = None,
        axis_names: tuple[str, str] | None = None,
        title: str = "",
        note: str = "",
        legend_title: str = "Class",
    ) -> None:
        self.coordinates = coordinates
        self.labels = labels
        self.names = names
        self.axis_names = axis_names
        self.title = title
        self.note = note
        self.legend_title = legend_title

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any = None,
        y: Any = None,
        *,
        tokens: Sequence[Any] | None = None,
        method: Any = "pca",
        max_points: int | None = None,
        random_state: Any = 0,
        class_labels: Sequence[Any] | None = None,
        ax: Axes | None = None,
        scatter_kw: dict[str, Any] | None = None,
    ) -> EmbeddingMapDisplay:
        """Draw a map of tokens, or of documents where `X` is given.

        Reads `transform`, or `embedding_`, `coef_`, `top_tokens` and `vocabulary_`.

        Parameters
        ----------
        estimator : EmbeddingBagClassifier
            Fitted, and with vectors of two numbers at least: for two classes with
            `embedding_dim`.
        X : texts or matrix, default=None
            Documents to show. None: tokens are shown.
        y : array-like of shape (n_samples,), or indicator matrix, default=None
            Their labels, for the colours; or whatever else should tell them apart,
            such as what ``predict`` answers.
        tokens : sequence of str, default=None
            Tokens to show. None: those that add most to the score of a class; with
            hidden layers, where none can be told to, those with the longest rows.
        method : {'pca', 'tsne'} or object with ``fit_transform``, default='pca'
            scikit-learn's PCA, exact and the same every time; its TSNE, which keeps
            neighbours together and whose axes and wide distances mean nothing; or one
            of your own, with two components.
        max_points : int, default=None
            Of more documents so many are drawn by lot; of tokens so many are shown. By
            default 1000 documents and 60 tokens.
        random_state : int, RandomState instance or None, default=0
            For the lot, and for t-SNE.
        class_labels : sequence, default=None
            As in `plot`; and of `tokens` that are not given, the strongest of these
            classes.
        ax, scatter_kw
            As in `plot`.

        Returns
        -------
        display : EmbeddingMapDisplay

        Raises
        ------
        ValueError
            If the vectors span no plane, there is no such token or method; or, for
            tokens, with `n_buckets` or after `compress`, where tokens have no names.
        TypeError, NotFittedError, ImportError
            If the estimator is another one, is not fitted, or there is no matplotlib.
        """
        name = f"{cls.__name__}.from_estimator"
        check_matplotlib(name)
        check_classifier(estimator, name)
        if max_points is not None and max_points < 1:
            raise ValueError(f"max_points must be 1 at least, got {max_points!r}.")
        if X is None:
            if y is not None:
                raise ValueError("y are labels of documents: pass X as well.")
            points = map_of_tokens(
                estimator, tokens, class_labels, max_points or MOST_TOKENS
            )
        else:
            if tokens is not None:
                raise ValueError("Pass X for a map of documents, or tokens; not both.")
            points = map_of_documents(
                estimator, X, y, max_points or MOST_DOCUMENTS, random_state
            )
        projection = project(points.vectors, method, random_state)
        display = cls(
            projection.coordinates,
            labels=points.labels,
            names=points.names,
            axis_names=projection.axis_names,
            title=f"{points.title} ({projection.method})",
            note=points.note,
            legend_title=points.legend_title,
        )
        return display.plot(ax, class_labels=class_labels, scatter_kw=scatter_kw)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        class_labels: Sequence[Any] | None = None,
        max_names: int = MOST_TOKENS,
        scatter_kw: dict[str, Any] | None = None,
    ) -> EmbeddingMapDisplay:
        """Draw the points.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to; those of a new figure by default.
        class_labels : sequence, default=None
            Classes to tell apart, seven at most; all others are grey. By default the
            most frequent ones.
        max_names : int, default=60
            Names to write, at most. What would cover another name, or a point, is left
            out.
        scatter_kw : dict, default=None
            For ``scatter``, over what is so by default.

        Returns
        -------
        self : EmbeddingMapDisplay
        """
        check_matplotlib(f"{type(self).__name__}.plot")
        coordinates = np.asarray(self.coordinates, dtype=np.float64)
        labels = [None] * len(coordinates) if self.labels is None else self.labels
        groups = _groups(labels, class_labels)
        all_names = [] if self.names is None else list(self.names)
        names = all_names[:max_names]
        lettering = Lettering.of([*groups, *names])
        is_ours = ax is None
        ax = axes_to_draw_on(ax, 8 if self.labels is not None else 6.8, 5.6)
        self.ax_, self.figure_ = ax, ax.figure
        self._draw_points(ax, coordinates, labels, groups, scatter_kw or {})
        self.legend_ = None
        if self.labels is not None:
            self._draw_legend(ax, lettering, outside=is_ours)
        if self.axis_names is None:
            ax.set(xticks=[], yticks=[])
            ax.set_xlabel("Near points are alike; the axes mean nothing")
        else:
            ax.set(xlabel=self.axis_names[0], ylabel=self.axis_names[1])
            ax.spines[["top", "right"]].set_visible(False)
        ax.margins(0.08)
        texts = set_title(ax, self.title, self.note or " " * bool(all_names), lettering)
        self._write_names(ax, coordinates, names, lettering)
        if len(self.names_) < len(all_names):
            said = f"{len(self.names_)} of them named"
            texts[1].set_text(f"{self.note}, {said}" if self.note else said)
        fit_titles(ax, texts, alone=is_ours)
        return self

    def _write_names(
        self,
        ax: Axes,
        coordinates: NDArray[np.float64],
        names: list[Any],
        lettering: Lettering,
    ) -> None:
        covered = []
        if self.legend_ is not None and names:
            self.figure_.canvas.figure.draw_without_rendering()
            covered = [self.legend_.get_window_extent()]
        self.names_ = write_names(
            ax,
            coordinates,
            [lettering.spell(name, 20) for name in names],
            covered,
            fontsize="small",
            **lettering.style,
        )

    def _draw_points(
        self,
        ax: Axes,
        coordinates: NDArray[np.float64],
        labels: Sequence[Any],
        groups: list[Any],
        scatter_kw: dict[str, Any],
    ) -> None:
        number_of = {label: number for number, label in enumerate(groups)}
        numbers = np.array([number_of.get(label, -1) for label in labels], dtype=int)
        sizes = {
            number: int((numbers == number).sum()) for number in set(numbers.tolist())
        }
        drawn = {}
        # What is not told apart comes first, below all else; small groups come last.
        for number in sorted(sizes, key=lambda each: (each >= 0, -sizes[each])):
            colour, marker = OTHERS if number < 0 else CLASSES[number]
            if self.labels is None:
                colour, marker = CLASSES[0]
            style = {"color": colour, "marker": marker, "s": 22, "alpha": 0.9}
            those = coordinates[numbers == number]
            drawn[number] = ax.scatter(
                *those.T, **{**style, "linewidths": 0, **scatter_kw}
            )
        self.points_ = {groups[i]: drawn[i] for i in range(len(groups)) if i in drawn}
        if -1 in drawn:
            self.points_[None] = drawn[-1]

    def _draw_legend(self, ax: Axes, lettering: Lettering, *, outside: bool) -> None:
        others = "others"
        if self.labels is not None:
            n_others = len(set(self.labels) - set(self.points_))
            others = f"{n_others:,} others" if n_others > 1 else others
        place: dict[str, Any] = {"loc": "best"}
        if outside:
            place = {"loc": "upper left", "bbox_to_anchor": (1.02, 1)}
        names = [
            others if label is None else lettering.spell(label, 24)
            for label in self.points_
        ]
        self.legend_ = legend = ax.legend(
            list(self.points_.values()),
            # Set below: matplotlib hides labels that begin with an underscore.
            ["-"] * len(names),
            title=self.legend_title,
            fontsize="small",
            frameon=not outside,
            **place,
        )
        for text, name in zip(legend.get_texts(), names, strict=True):
            text.set(text=name, **lettering.style)


def _groups(labels: Sequence[Any], wanted: Sequence[Any] | None) -> list[Any]:
    """Labels to tell apart: those wanted, or the most frequent ones.

    Raises
    ------
    ValueError
        If more are wanted than there are colours, or one that no point has.
    """
    counts = Counter(label for label in labels if label is not None)
    if wanted is None:
        frequent = [label for label, _ in counts.most_common(len(CLASSES))]
        try:
            return sorted(frequent, key=lambda label: (type(label).__name__, label))
        except TypeError:  # labels that have no order
            return frequent
    if len(wanted) > len(CLASSES):
        raise ValueError(
            f"No more than {len(CLASSES)} classes can be told apart by colour, got "
            f"{len(wanted)} class_labels."
        )
    if wanted and not counts:
        raise ValueError("These points have no classes to tell apart by colour.")
    for label in wanted:
        if label not in counts:
            raise ValueError(
                f"No point is of class {label!r}. There are "
                f"{', '.join(map(repr, list(counts)[:10]))}"
                f"{', ...' if len(counts) > 10 else '.'}"
            )
    return list(wanted)
