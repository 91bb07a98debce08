"""Fast text classification that is a real scikit-learn estimator."""

from skbag._classifier import EmbeddingBagClassifier
from skbag._model_files import load, save
from skbag._version import __version__

__all__ = ["EmbeddingBagClassifier", "__version__", "load", "save"]
