"""Fast text classification that is a real scikit-learn estimator."""

__version__ = "0.1.0.dev0"
