"""Around a label: what looks wrong, what to label next, what is new, what is repeated.

Not imported with the package: ``from skbag.labels import suspect_labels``.
"""

from skbag.labels._duplicates import DuplicateTexts, find_duplicates
from skbag.labels._novelty import novelty_threshold
from skbag.labels._ranking import rank_to_label
from skbag.labels._suspects import SuspectLabels, suspect_labels

__all__ = [
    "DuplicateTexts",
    "SuspectLabels",
    "find_duplicates",
    "novelty_threshold",
    "rank_to_label",
    "suspect_labels",
]
