"""The order of the examples in the gallery."""

from __future__ import annotations

from pathlib import Path

FIRST = (
    "quickstart",
    "embedding_bag_story",
    "explain",
    "pictures",
    "scikit_learn_displays",
    "around_a_label",
    "mixed_columns",
    "tags",
    "misspelt_words",
    "grid_search",
    "streaming",
    "serve",
)
"""Those that come first, in this order; the others follow by name."""


class GalleryOrder:
    """Key of an example's file, for sphinx-gallery.

    Parameters
    ----------
    folder : str
        Where the examples are.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __call__(self, filename: str) -> tuple[int, str]:
        """Return the key of a file."""
        name = Path(filename).stem
        return (FIRST.index(name) if name in FIRST else len(FIRST), name)
