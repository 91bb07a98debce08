"""Panels side by side in the place of one axes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skbag.displays._axes import axes_to_draw_on

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 2.7
"""Of a panel and the names beside it, in inches."""

CHARACTER, LINE = 0.075, 0.22
"""Width of a character of the small font, and height of a line, in inches."""

FRAME = 0.6
"""Height of title, ticks and the gap between two panels, in inches."""

LEAST_SCALE = 0.55
"""Letters are made smaller where there is little space, but not below that."""


class Panels(NamedTuple):
    """Empty panels."""

    ax: Axes
    """The axes whose place they take."""

    grid: NDArray[Any]
    """The panels, of shape (n_rows, n_columns); None where there is none."""

    scale: float
    """Size of letters, 1 where there is enough space."""


def make_panels(
    ax: Axes | None,
    n_panels: int,
    n_lines: int,
    n_characters: int,
    n_columns: int | None,
) -> Panels:
    """Make panels of some lines of text.

    Parameters
    ----------
    ax : Axes or None
        Of a grid; or a new figure of the right size.
    n_panels, n_lines : int
    n_characters : int
        Of the longest name beside a panel.
    n_columns : int or None
        As many as there is space for.

    Raises
    ------
    ValueError
        If the axes are not of a grid.
    """
    height = FRAME + LINE * n_lines
    if ax is None:
        n_columns = min(n_columns or (3 if n_panels > 4 else 2), n_panels)
        n_rows = math.ceil(n_panels / n_columns)
        ax = axes_to_draw_on(None, 1 + WIDTH * n_columns, 0.8 + height * n_rows)
        scale = 1.0
    else:
        n_columns = _best_columns(_size(ax), n_panels, height, n_columns)
        n_rows = math.ceil(n_panels / n_columns)
        fit = _fit(_size(ax), n_rows, n_columns, height)
        scale = min(max(fit, LEAST_SCALE), 1.0)
    place = ax.get_subplotspec()
    if place is None:
        raise ValueError(
            "A panel for each class takes the place of ax, which must be an Axes of a "
            "grid: ax=plt.subplots()[1], for instance."
        )
    gaps = {}
    if ax.figure.canvas.figure.get_layout_engine() is None:
        width, high = _size(ax)
        gap = scale * (0.2 + CHARACTER * n_characters)
        gaps["wspace"] = _gap(width, n_columns, gap)
        gaps["hspace"] = _gap(high, n_rows, scale * FRAME)
    places = place.subgridspec(n_rows, n_columns, **gaps)
    ax.set_axis_off()
    grid = np.full((n_rows, n_columns), None, dtype=object)
    for number in range(n_panels):
        row, column = divmod(number, n_columns)
        grid[row, column] = ax.figure.add_subplot(places[row, column])
    return Panels(ax, grid, scale)


def _size(ax: Axes) -> tuple[float, float]:
    """Width and height in inches."""
    extent = ax.get_window_extent()
    return extent.width / ax.figure.dpi, extent.height / ax.figure.dpi


def _fit(
    size: tuple[float, float], n_rows: int, n_columns: int, height: float
) -> float:
    """How much of the space that panels want they get."""
    return min(size[0] / (WIDTH * n_columns), size[1] / (height * n_rows))


def _best_columns(
    size: tuple[float, float], n_panels: int, height: float, wanted: int | None
) -> int:
    if wanted is not None:
        return min(wanted, n_panels)
    return max(
        range(1, n_panels + 1),
        key=lambda n: _fit(size, math.ceil(n_panels / n), n, height),
    )


def _gap(length: float, n: int, gap: float) -> float:
    """Gap between n panels on a length, in panels; these keep half of it at least."""
    gap = min(gap, 0.5 * length / n)
    return gap / ((length - (n - 1) * gap) / n)
