"""Pictures of a fitted estimator, in the manner of scikit-learn's displays.

Not imported with the package: ``from skbag.displays import TopTokensDisplay``. They
need matplotlib (``pip install "skbag[plot]"``), which is imported when something is
drawn.
"""

from skbag.displays._embedding_map import EmbeddingMapDisplay
from skbag.displays._token_contributions import TokenContributionsDisplay
from skbag.displays._top_tokens import TopTokensDisplay
from skbag.displays._training_history import TrainingHistoryDisplay

__all__ = [
    "EmbeddingMapDisplay",
    "TokenContributionsDisplay",
    "TopTokensDisplay",
    "TrainingHistoryDisplay",
]
