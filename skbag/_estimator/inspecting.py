"""Methods that show what a fitted model has learnt, and explain its predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from skbag._estimator import inputs
from skbag._estimator.fitted_attributes import FittedModelMixin
from skbag._text.columns_encoder import hashes_features
from skbag._text.features import PARTS

if TYPE_CHECKING:
    from skbag._model.explanation import Explanation
    from skbag._model.inspection import Features


class InspectingMixin(FittedModelMixin):
    """Explanations, strongest tokens and neighbours."""

    def explain(self, X: Any) -> Explanation:
        """Explain scores of a text or more: what each feature adds, and where.

        Exact: the contributions of a text and the intercept sum to its
        `decision_function`, of a regressor to its `predict` (to the logarithm of that
        with ``loss="poisson"``). A contribution is the feature's weight in this text
        times its coefficient; a feature that occurs several times adds as much each
        time.

        Parameters
        ----------
        X : str, texts or matrix
            One text, or a few samples of the kind that `fit` was given: every
            occurrence of every feature gets a row, with one number per class.

        Returns
        -------
        explanation : Explanation
            A table that shows itself in a notebook and prints in a terminal; see its
            `to_frame`. It says where in the text each feature stands.

        Raises
        ------
        ValueError
            With `hidden_layer_sizes` or an adaptive softmax, where no sum over features
            is exact; or as `predict`.

        Examples
        --------
        >>> from skbag import EmbeddingBagClassifier
        >>> texts = ["my parcel is late", "the parcel never came", "refund my money",
        ...          "i want my money back"]
        >>> labels = ["delivery", "delivery", "payment", "payment"]
        >>> clf = EmbeddingBagClassifier(random_state=0).fit(texts, labels)
        >>> explanation = clf.explain("Where is my parcel?")
        >>> for feature, spans in zip(explanation.features, explanation.spans):
        ...     print(feature, spans)
        is ((6, 8),)
        my ((9, 11),)
        my parcel ((9, 11), (12, 18))
        parc… ((12, 16),)
        parce… ((12, 17),)
        parcel ((12, 18),)
        …cel ((15, 18),)
        """
        # Imported here, as below: predicting does not need it.
        from skbag._model.explanation import explain
        from skbag._model.inspection import check_additive

        model = self._fitted_model()
        check_additive(
            model,
            "explain",
            "Leave out words and compare predict_proba to see what they do",
        )
        X = inputs.read_X(self, [X] if isinstance(X, str) else X, reset=False)
        explanation = explain(model, X, self._columns(), self._targets.score_names)
        units = self._targets.score_units()
        return explanation if units is None else explanation.in_units(*units)

    def most_similar(
        self, token: Any, k: int = 10, *, parts: bool = False
    ) -> list[tuple[Any, float]]:
        """Return the tokens and pairs whose rows of the table are most like a token's.

        Alike by the cosine of rows of `embedding_`. With ``embedding_dim=None`` the
        rows are scores of the classes, and alike means to speak for the same ones.

        Parameters
        ----------
        token : str
            A feature as in `vocabulary_`; a column's name or number after fitting on a
            matrix.
        k : int, default=10
        parts : bool, default=False
            Whether to list other features, too: prefixes, suffixes and other parts of
            words, first and last tokens, pairs with tokens between them.

        Returns
        -------
        neighbours : list of (feature, cosine), best first
            Not the token itself, nor features whose rows are zero.

        Raises
        ------
        ValueError
            If there is no such feature (the message names some like it); and for two
            classes with ``embedding_dim=None``, where rows are single numbers. With
            `n_buckets` and after `compress`, where features have no names.
        """
        from skbag._model.inspection import most_similar

        return most_similar(self._fitted_model(), self._features(parts), token, k)

    def _features(self, parts: bool) -> Features:
        from skbag._model.inspection import Features

        model = self._learning_model("say what they know of features; ask")
        encoder = model.featurizer.learning_encoder
        if encoder is None:
            return Features.of_columns(self._columns())
        if hashes_features(encoder):
            raise ValueError(
                "Features hashed into buckets have no names that could be listed or "
                "looked up. Fit with n_buckets=None; or explain texts, whose own words "
                "are the names."
            )
        vocabulary = self.vocabulary_
        left_out = None if parts else np.isin(encoder.kinds, PARTS)
        return Features(vocabulary.names, vocabulary, left_out)

    def _columns(self) -> Sequence[Any]:
        """Names of the columns of a matrix, or their numbers."""
        names = getattr(self, "feature_names_in_", None)
        n_columns = len(self._fitted_model().predictor.embedding)
        return range(n_columns) if names is None else list(names)
