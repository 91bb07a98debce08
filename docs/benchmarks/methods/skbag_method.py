"""skbag, with default parameters or others."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import torch  # before any timing: an import is not a fit

import skbag
from skbag import EmbeddingBagClassifier


def versions() -> dict[str, str]:
    """What is measured."""
    return {"skbag": skbag.__version__, "torch": torch.__version__}


def make(**parameters: Any) -> SkbagMethod:
    """Classifier with these parameters."""
    return SkbagMethod(parameters)


class SkbagMethod:
    """`EmbeddingBagClassifier` from raw texts.

    Parameters
    ----------
    parameters : dict
        Parameters that are not the default.
    """

    def __init__(self, parameters: dict[str, Any]) -> None:
        self.parameters = parameters
        self.estimator: EmbeddingBagClassifier | None = None

    def fit(self, texts: list[str], labels: list[str], seed: int) -> dict[str, Any]:
        """Train on texts; tell what "auto" came to."""
        parameters = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in self.parameters.items()
        }
        estimator = EmbeddingBagClassifier(**parameters, random_state=seed)
        self.estimator = estimator.fit(texts, labels)
        return {
            "epochs": int(estimator.n_iter_),
            "batch_size": int(estimator.batch_size_),
            "features": len(estimator.embedding_),
        }

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
        """Write the fitted estimator's pickle."""
        path.write_bytes(pickle.dumps(self.estimator))

    def load(self, path: Path) -> None:
        """Read it again."""
        self.estimator = pickle.loads(path.read_bytes())
