"""Fast text classification that is a real scikit-learn estimator."""

from skbag._classifier import EmbeddingBagClassifier

__version__ = "0.1.0.dev0"

__all__ = ["EmbeddingBagClassifier", "__version__"]
