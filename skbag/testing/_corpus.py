"""Texts that the checks fit and ask: few words, and a signal that any model finds."""

from __future__ import annotations

import random
from typing import Any, NamedTuple

from sklearn.base import is_regressor

TOPICS = {
    "garden": "blossom compost fern hedge lawn mulch orchard petal root shrub",
    "kitchen": "butter dough flour garlic kettle onion oven recipe salt soup",
    "sea": "anchor captain coast fleet harbour island sail ship storm tide",
}
GRADES = {
    "terrible": 1.0,
    "poor": 2.0,
    "passable": 3.0,
    "good": 4.0,
    "splendid": 5.0,
}
FILLERS = "and by for from had into over that the then this were with".split()


class Corpus(NamedTuple):
    """Texts and what is to be learnt of them.

    Parameters
    ----------
    texts : list of str
        The texts.
    y : list of str or list of float
        A label or a number for each of them.
    """

    texts: list[str]
    y: list[Any]


def topics(n_texts: int = 60, seed: int = 0) -> Corpus:
    """Texts of three words of a topic and four of any; their topics as labels."""
    rng = random.Random(seed)
    labels = [sorted(TOPICS)[i % len(TOPICS)] for i in range(n_texts)]
    texts = [_shuffled(rng, rng.sample(TOPICS[y].split(), 3)) for y in labels]
    return Corpus(texts, list(labels))


def grades(n_texts: int = 60, seed: int = 0) -> Corpus:
    """Texts of two words that praise or blame; the mean of what these say."""
    rng = random.Random(seed)
    words = [rng.choices(list(GRADES), k=2) for _ in range(n_texts)]
    numbers = [sum(GRADES[word] for word in pair) / 2 for pair in words]
    return Corpus([_shuffled(rng, pair) for pair in words], numbers)


def corpus_for(estimator: Any, n_texts: int = 60, seed: int = 0) -> Corpus:
    """Texts that an estimator of this kind can learn from: numbers for a regressor."""
    make = grades if is_regressor(estimator) else topics
    return make(n_texts, seed)


def _shuffled(rng: random.Random, words: list[str]) -> str:
    all_words = words + rng.choices(FILLERS, k=4)
    rng.shuffle(all_words)
    return " ".join(all_words)
