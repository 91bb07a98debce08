"""Fast text classification that is a real scikit-learn estimator."""

try:
    from skbag._classifier import EmbeddingBagClassifier
    from skbag._model_files import load, save
    from skbag._regressor import EmbeddingBagRegressor
    from skbag._show_versions import show_versions
except ImportError as error:
    from skbag import _compiled_modules

    _compiled_modules.explain(error)
    raise

from skbag._version import __version__

__all__ = [
    "EmbeddingBagClassifier",
    "EmbeddingBagRegressor",
    "__version__",
    "load",
    "save",
    "show_versions",
]
