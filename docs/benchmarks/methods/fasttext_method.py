"""fastText's supervised classifier, normalising included."""

from __future__ import annotations

import re
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import fasttext

PREFIX = "__label__"
TOKENS = re.compile(r"\w+|[^\w\s]")


def versions() -> dict[str, str]:
    """What is measured."""
    return {"fasttext-community": version("fasttext-community")}


def make(**parameters: Any) -> FasttextMethod:
    """Classifier with these settings."""
    return FasttextMethod(**parameters)


def normalise(text: str) -> str:
    """Lower case, one space between words and punctuation marks."""
    return " ".join(TOKENS.findall(text.lower()))


class FasttextMethod:
    """fastText from raw texts: normalise, write the file, train.

    Parameters
    ----------
    n_grams : int
        Longest run of words.
    epochs : int
        Number of epochs.
    threads : int
        Threads that train.
    subwords : tuple of int
        Shortest and longest runs of characters of words; none by default.
    """

    def __init__(
        self,
        n_grams: int,
        epochs: int,
        threads: int = 2,
        subwords: tuple[int, int] = (0, 0),
    ) -> None:
        self.settings = {"wordNgrams": n_grams, "epoch": epochs, "thread": threads}
        self.settings |= {"minn": subwords[0], "maxn": subwords[1]}
        self.classes: list[str] = []

    def fit(self, texts: list[str], labels: list[str], seed: int) -> dict[str, Any]:
        """Train through a temporary file, the only way in."""
        self.classes = sorted(set(labels))
        # A label may hold spaces: its number stands for it.
        codes = {label: f"{PREFIX}{i}" for i, label in enumerate(self.classes)}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "train.txt"
            with path.open("w", encoding="utf-8") as lines:
                lines.writelines(
                    f"{codes[label]} {normalise(text)}\n"
                    for text, label in zip(texts, labels, strict=True)
                )
            self.model = fasttext.train_supervised(
                str(path), lr=0.5, dim=10, seed=seed, verbose=0, **self.settings
            )
        return {}

    def predict(self, texts: list[str]) -> list[str]:
        """Labels of texts."""
        found, _ = self.model.predict([normalise(text) for text in texts])
        return [self.classes[int(first[0][len(PREFIX) :])] for first in found]

    def predict_one(self, text: str) -> Any:
        """Label and probability of one text."""
        return self.model.predict(normalise(text))

    def save(self, path: Path) -> None:
        """Write fastText's own file: it cannot be pickled."""
        self.model.save_model(str(path))
