"""Where a display draws: on the user's axes, or on new ones; titles and notes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sklearn.base import is_regressor
from sklearn.utils.validation import check_is_fitted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text

    from skbag.displays._lettering import Lettering

SMALLEST = 8.0
"""Size of a title that was too wide, at least, in points."""


def check_matplotlib(caller: str) -> None:
    """Raise where matplotlib is not installed.

    Parameters
    ----------
    caller : str
        What needs it, for the message.

    Raises
    ------
    ImportError
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"{caller} requires matplotlib. You can install it with "
            '`pip install "skbag[plot]"`.'
        ) from error


def check_estimator(estimator: Any, caller: str) -> None:
    """Raise where an estimator is not fitted, or not one of ours.

    Parameters
    ----------
    estimator : object
    caller : str
        For the message.

    Raises
    ------
    TypeError
        If the estimator is another one.
    NotFittedError
    """
    if not hasattr(type(estimator), "top_tokens"):
        hint = ""
        if hasattr(estimator, "steps"):
            hint = (
                " Pass the last step, pipeline[-1], and what the steps before it make "
                "of the texts."
            )
        elif hasattr(estimator, "estimator"):
            hint = " Pass the estimator inside, such as best_estimator_ of a search."
        raise TypeError(
            f"{caller} shows an EmbeddingBagClassifier, got a "
            f"{type(estimator).__name__}.{hint}"
        )
    check_is_fitted(estimator)


def check_classifier(estimator: Any, caller: str) -> None:
    """Raise as `check_estimator`, and for a regressor.

    Raises
    ------
    TypeError, NotFittedError
    """
    check_estimator(estimator, caller)
    if is_regressor(estimator):
        raise TypeError(
            f"{caller} shows what a classifier says of classes, got a "
            f"{type(estimator).__name__}. For that there are TopTokensDisplay and "
            "TokenContributionsDisplay."
        )


def axes_to_draw_on(ax: Axes | None, width: float = 6.4, height: float = 4.8) -> Axes:
    """Return the axes given, or those of a new figure.

    Parameters
    ----------
    ax : Axes or None
    width, height : float
        Of a new figure, in inches.
    """
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    _, new = plt.subplots(figsize=(width, height), layout="constrained")
    return new


def set_title(
    ax: Axes, title: str, note: str, lettering: Lettering, *, pad: float = 6
) -> list[Text]:
    """Set a title at the left, and below it, smaller, a note where there is one.

    Parameters
    ----------
    ax : Axes
    title, note : str
        Spelt already.
    lettering : Lettering
    pad : float, default=6
        From the axes to what is lowest, in points.

    Returns
    -------
    texts : list of Text
        The title, and the note where there is one.
    """
    texts = []
    below = pad
    if note:
        pad += 16
        written = ax.annotate(
            note,
            (0, 1),
            xytext=(0, below),
            xycoords="axes fraction",
            textcoords="offset points",
            fontsize="small",
            va="bottom",
            annotation_clip=False,
            **lettering.style,
        )
        # Layouts would make the axes narrow to have space for a long one.
        written.set_in_layout(False)
        texts.append(written)
    return [ax.set_title(title, loc="left", pad=pad, **lettering.style), *texts]


def fit_titles(ax: Axes, texts: list[Text], *, alone: bool) -> None:
    """Make titles smaller, or cut them, where they are wider than there is space.

    Parameters
    ----------
    ax : Axes
        Complete.
    texts : list of Text
    alone : bool
        Whether the axes have the figure for themselves, and titles its whole width.
    """
    # The layout, and with it where a title begins, is settled when a figure is drawn.
    ax.figure.canvas.figure.draw_without_rendering()
    edge = ax.figure.bbox.x1 if alone else ax.get_window_extent().x1
    for text in texts:
        # A little less: letters are not equally wide in all resolutions.
        space = 0.97 * (edge - text.get_window_extent().x0)
        width = text.get_window_extent().width
        if width > space:
            text.set_fontsize(max(text.get_fontsize() * space / width, SMALLEST))
            width = text.get_window_extent().width
        said = text.get_text()
        while width > space and len(said) > 1:
            said = said[: min(int(len(said) * space / width), len(said) - 1)]
            text.set_text(f"{said}…")
            width = text.get_window_extent().width
