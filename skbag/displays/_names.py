"""Names beside points, as many as fit without covering each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Annotation

# Where a name may stand: to the right of its point, to the left, above, below, between.
_PLACES = (
    (1, 0, "left", "center"),
    (-1, 0, "right", "center"),
    (0, 1, "center", "bottom"),
    (0, -1, "center", "top"),
    (1, 1, "left", "bottom"),
    (1, -1, "left", "top"),
    (-1, 1, "right", "bottom"),
    (-1, -1, "right", "top"),
)
_DISTANCE = 5.0
"""From the point to the name, in points of typography."""

_APART = 3.0
"""From one name to the next on its line, at least."""


def write_names(
    ax: Axes,
    coordinates: NDArray[np.float64],
    names: Sequence[str],
    covered: Sequence[Any] = (),
    **style: Any,
) -> list[Annotation]:
    """Write names beside points, the first ones first; leave out what does not fit.

    Parameters
    ----------
    ax : Axes
        With its final limits.
    coordinates : ndarray of shape (n_points, 2)
        Of the points with names, and then of others, which no name may cover.
    names : sequence of str
    covered : sequence of Bbox, default=()
        Where something else is, in pixels.
    **style
        For ``annotate``.

    Returns
    -------
    annotations : list of Annotation
        Of the names that fit.
    """
    figure = ax.figure.canvas.figure
    # The layout, and with it where each point is, is settled when a figure is drawn.
    figure.draw_without_rendering()
    points = ax.transData.transform(coordinates)
    frame = np.asarray(ax.get_window_extent().extents)
    gap, apart = _DISTANCE * figure.dpi / 72, _APART * figure.dpi / 72
    taken = np.array([box.extents for box in covered]).reshape(-1, 4)
    written = []
    for xy, (x, y), name in zip(coordinates, points, names, strict=False):
        text = ax.annotate(name, xy, xytext=(0, 0), textcoords="offset points", **style)
        extent = text.get_window_extent()
        for right, up, ha, va in _PLACES:
            box = _box(x, y, extent.width, extent.height, gap, right, up)
            if _is_free(box, frame, taken, points):
                text.set_position((right * _DISTANCE, up * _DISTANCE))
                text.set(ha=ha, va=va)
                taken = np.vstack([taken, box + np.array([-apart, 0, apart, 0])])
                written.append(text)
                break
        else:
            text.remove()
    return written


def _box(
    x: float, y: float, width: float, height: float, gap: float, right: int, up: int
) -> NDArray[np.float64]:
    """Left, bottom, right and top of a name in one of the places, in pixels."""
    left = x + gap if right > 0 else x - gap - width if right < 0 else x - width / 2
    low = y + gap if up > 0 else y - gap - height if up < 0 else y - height / 2
    return np.array([left, low, left + width, low + height])


def _is_free(
    box: NDArray[np.float64],
    frame: NDArray[np.float64],
    taken: NDArray[np.float64],
    points: NDArray[np.float64],
) -> bool:
    left, low, right, high = box
    if left < frame[0] or low < frame[1] or right > frame[2] or high > frame[3]:
        return False
    overlaps = (
        (taken[:, 0] < right)
        & (taken[:, 2] > left)
        & (taken[:, 1] < high)
        & (taken[:, 3] > low)
    )
    covers = (
        (points[:, 0] > left)
        & (points[:, 0] < right)
        & (points[:, 1] > low)
        & (points[:, 1] < high)
    )
    return not overlaps.any() and not covers.any()
