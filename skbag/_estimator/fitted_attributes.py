"""What a fitted estimator shows of its model, and who may have it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from skbag._model.model import Model
from skbag._model.predictor import Predictor
from skbag._targets.targets import Targets
from skbag._text.columns_encoder import hashes_features
from skbag._text.encoder import LazyVocabulary


class FittedModelMixin:
    """The model of an estimator, and its attributes."""

    _share_arrays: Callable[[], None]

    n_jobs: int | None
    _model: Model
    _targets: Targets

    @property
    def vocabulary_(self) -> LazyVocabulary:
        """Feature to id (row of `embedding_`).

        Read-only, built when first looked into. Not there after fitting on a matrix,
        with `n_buckets`, and after `compress`.
        """
        encoder = self._open_model("vocabulary_").featurizer.learning_encoder
        if encoder is None:
            raise AttributeError(
                "vocabulary_ exists after fitting on texts; this "
                f"{type(self).__name__} was fitted on a matrix."
            )
        if hashes_features(encoder):
            encoder.names()  # says why there are none
        if "_vocabulary" not in self.__dict__:
            self._vocabulary = LazyVocabulary(encoder)
        return self._vocabulary

    @property
    def feature_names_(self) -> NDArray[Any]:
        """Name of each row of `embedding_` and column of `coef_`.

        Of shape (n_ids,), dtype object: the keys of `vocabulary_` in the order of their
        ids; after fitting on a matrix its columns, ``x0``, ``x1`` and so on where they
        have no names. Made at each access: keep it in a variable. Not there with
        `n_buckets` and after `compress`.
        """
        encoder = self._open_model("feature_names_").featurizer.learning_encoder
        if encoder is not None:
            return np.array(self.vocabulary_.names, dtype=object)
        names = getattr(self, "feature_names_in_", None)
        if names is None:
            n_columns = len(self._model.predictor.embedding)
            names = [f"x{column}" for column in range(n_columns)]
        return np.array(names, dtype=object)

    @property
    def embedding_(self) -> NDArray[np.float32]:
        """The table, one row per id.

        Of shape (n_ids, embedding_dim), float32; one column per output if
        ``embedding_dim=None``. Not there after `compress`.
        """
        self._share_arrays()
        return self._open_model("embedding_").predictor.dense

    @property
    def coef_(self) -> NDArray[np.float32]:
        """Coefficients of the weighted tokens, one row per output, one column per id.

        Of shape (n_outputs, n_ids), float32, as in scikit-learn's linear models: on a
        matrix, ``X @ coef_.T + intercept_`` is the decision function. With
        ``embedding_dim=None`` it is ``embedding_.T``; else the last layer times
        ``embedding_.T``, computed at each access: keep it in a variable. Not there
        with `hidden_layer_sizes`, of an adaptive softmax and after `compress`.
        """
        predictor = self._open_model("coef_").predictor
        if not predictor.is_additive:
            what = (
                "hidden layers" if predictor.clusters is None else "an adaptive softmax"
            )
            raise AttributeError(
                f"coef_ exists where scores are linear in the tokens; this "
                f"{type(self).__name__} has {what}. Fit with hidden_layer_sizes=() "
                "and another loss than 'adaptive_softmax'; or take the layers of "
                "to_torch()."
            )
        self._share_arrays()
        return self._in_units_of_y(predictor).linear_coef()

    @property
    def intercept_(self) -> NDArray[np.floating]:
        """Intercept of the last layer, one per output.

        Of shape (n_outputs,); float32 of a classifier, float64 and in units of `y` of a
        regressor. Of an adaptive softmax, one for each class and cluster, in the order
        in which it visits them.
        """
        intercept = self._fitted_model().predictor.layers[-1][1]
        units = self._targets.score_units()
        return intercept if units is None else intercept * units[0] + units[1]

    def _in_units_of_y(self, predictor: Predictor) -> Predictor:
        """Predictor whose scores are in units of `y`, where scores have units."""
        units = self._targets.score_units()
        return predictor if units is None else predictor.with_scores(*units)

    def _fitted_model(self) -> Model:
        # The look is quicker than the check, which takes as long as a short text.
        if "_model" not in self.__dict__:
            check_is_fitted(self)
        return self._model

    def _learning_model(self, what: str) -> Model:
        """Model that is not compressed; `what` a compressed one cannot do."""
        model = self._fitted_model()
        if model.is_compact:
            raise ValueError(
                f"This {type(self).__name__} is compressed; compressed models cannot "
                f"{what} the original."
            )
        return model

    def _open_model(self, attribute: str) -> Model:
        """Model that has an attribute which a compressed one lacks."""
        model = self._fitted_model()
        if model.is_compact:
            raise AttributeError(
                f"A compressed {type(self).__name__} has no {attribute}: names and "
                "exact rows are left out. Keep the original for them."
            )
        return model
