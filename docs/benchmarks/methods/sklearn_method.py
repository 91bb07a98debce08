"""scikit-learn's pipelines of TF-IDF and a linear model."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.svm import LinearSVC

MAX_ITER = 1000
"""Bound on the iterations of lbfgs; the report says how many it took."""


def versions() -> dict[str, str]:
    """What is measured."""
    return {"scikit-learn": sklearn.__version__}


def make(**parameters: Any) -> SklearnMethod:
    """Pipeline of these settings."""
    return SklearnMethod(**parameters)


class SklearnMethod:
    """`TfidfVectorizer` and a linear model, as most would write it.

    Parameters
    ----------
    svc : bool
        `LinearSVC` on words and pairs with ``sublinear_tf=True``; else
        `LogisticRegression` on words.
    C : float
        Inverse penalty of the regression.
    token_pattern : str or None
        Instead of the vectorizer's own.
    """

    def __init__(
        self, svc: bool = False, C: float = 1.0, token_pattern: str | None = None
    ) -> None:
        text: dict[str, Any] = {"token_pattern": token_pattern} if token_pattern else {}
        if svc:
            vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, **text)
            model: Any = LinearSVC()
        else:
            vectorizer = TfidfVectorizer(**text)
            model = LogisticRegression(C=C, max_iter=MAX_ITER)
        self.estimator: Pipeline = make_pipeline(vectorizer, model)

    def fit(self, texts: list[str], labels: list[str], seed: int) -> dict[str, Any]:
        """Train on texts; tell how many iterations it took."""
        del seed  # both models are the same for every seed
        self.estimator.fit(texts, labels)
        return {"iterations": int(np.max(self.estimator[-1].n_iter_))}

    def predict(self, texts: list[str]) -> list[str]:
        """Labels of texts."""
        return self.estimator.predict(texts)

    def predict_one(self, text: str) -> Any:
        """Probabilities of one text."""
        return self.estimator.predict_proba([text])

    def predict_proba(self, texts: list[str]) -> tuple[list[str], np.ndarray]:
        """Classes and the probabilities of each."""
        return list(self.estimator.classes_), self.estimator.predict_proba(texts)

    def save(self, path: Path) -> None:
        """Write the fitted pipeline's pickle."""
        path.write_bytes(pickle.dumps(self.estimator))
