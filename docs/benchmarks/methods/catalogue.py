"""Which methods there are: names, environments, settings. Imports no library."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

SAME_TOKENS = r"(?u)\w+|[^\w\s]"
"""skbag's default tokens, for the peers that can take them."""

Parameters = dict[str, Any]


class Classifier(Protocol):
    """What a worker asks of every method."""

    def fit(self, texts: list[str], labels: list[str], seed: int) -> Parameters:
        """Train end to end; return what is worth noting."""

    def predict(self, texts: list[str]) -> list[str]:
        """Labels of raw texts."""

    def predict_one(self, text: str) -> object:
        """Answer one text, with its probability."""


@dataclass(frozen=True)
class Method:
    """A library with settings.

    Parameters
    ----------
    label : str
        Name in tables and plots.
    library : {'skbag', 'fasttext', 'sklearn'}
        The environment, and the module of this package that wraps it.
    parameters : dict
        Given to the class there.
    seeded : bool
        Whether another seed gives another model.
    """

    label: str
    library: str
    parameters: Parameters = field(default_factory=dict)
    seeded: bool = False

    def make(self) -> Classifier:
        """The classifier, where its library is installed."""
        module = importlib.import_module(f"methods.{self.library}_method")
        return cast(Classifier, module.make(**self.parameters))


def _fasttext(label: str, n: int, epochs: int) -> Method:
    return Method(label, "fasttext", {"n_grams": n, "epochs": epochs}, seeded=True)


METHODS: dict[str, Method] = {
    "skbag": Method("skbag", "skbag", seeded=True),
    "fasttext_1_5": _fasttext("fastText, words, 5 epochs", 1, 5),
    "fasttext_2_5": _fasttext("fastText, pairs, 5 epochs", 2, 5),
    "fasttext_2_25": _fasttext("fastText, pairs, 25 epochs", 2, 25),
    "logistic": Method("TF-IDF + LogisticRegression", "sklearn", {"C": 10.0}),
    "svc": Method("TF-IDF(1, 2) + LinearSVC", "sklearn", {"svc": True}),
    "logistic_same": Method(
        "TF-IDF + LogisticRegression, skbag's tokens",
        "sklearn",
        {"C": 10.0, "token_pattern": SAME_TOKENS},
    ),
    "svc_same": Method(
        "TF-IDF(1, 2) + LinearSVC, skbag's tokens",
        "sklearn",
        {"svc": True, "token_pattern": SAME_TOKENS},
    ),
    "logistic_1": Method("TF-IDF + LogisticRegression, C=1", "sklearn", {"C": 1.0}),
    "skbag_32": Method("embedding_dim=32", "skbag", {"embedding_dim": 32}, seeded=True),
    "skbag_64_64": Method(
        "embedding_dim=64, hidden_layer_sizes=(64,)",
        "skbag",
        {"embedding_dim": 64, "hidden_layer_sizes": (64,)},
        seeded=True,
    ),
    "skbag_cpu": Method('device="cpu"', "skbag", {"device": "cpu"}, seeded=True),
    "skbag_cuda": Method('device="cuda"', "skbag", {"device": "cuda"}, seeded=True),
}

SKBAG, RIVAL = "skbag", "fasttext_2_5"
"""The two whose fits alternate."""

PEERS = (
    "fasttext_1_5",
    "fasttext_2_5",
    "fasttext_2_25",
    "logistic",
    "svc",
    "logistic_same",
    "svc_same",
)
"""Whose accuracy is to be reached."""

CALIBRATED = ("logistic_1", "logistic")
"""Whose log-loss is to be reached."""

TWO_LAYER = ("skbag_32", "skbag_64_64")
