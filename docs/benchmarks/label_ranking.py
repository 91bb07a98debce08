"""Learning curves of texts chosen by strategy: the part of labels.py on ranking."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from statistics import mean
from time import perf_counter
from typing import Any

import data
import numpy as np
from report import markdown
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from skbag import EmbeddingBagClassifier
from skbag.labels import rank_to_label

ROUNDS = 8
POOL = 5_000
"""Texts without labels, at most."""

RANKING = {"trec6": 50, "sst2": 50, "20news": 100, "clinc150": 150}
"""Texts of a batch."""


def read(folder: Path, name: str, part: str) -> tuple[list[str], np.ndarray]:
    """Texts and labels."""
    texts, labels = data.read(folder, name, part)
    return texts, np.array(labels)


def classifier(seed: int = 0) -> EmbeddingBagClassifier:
    """The defaults, on one thread."""
    return EmbeddingBagClassifier(random_state=seed, n_jobs=1)


def imported(name: str) -> Any:
    """A package, or None with a line that says that it is left out."""
    try:
        return __import__(name, fromlist=["_"])
    except ImportError as error:
        print(f"{name} is left out: {error}", flush=True)
        return None


class _Given:
    """Probabilities of a pool, with what modAL asks of a learner."""

    on_transformed = False

    def __init__(self, probabilities: np.ndarray, X_training: Any) -> None:
        self.probabilities, self.X_training = probabilities, X_training

    def predict_proba(self, X: Any) -> np.ndarray:
        return self.probabilities


def strategies(texts: list[str]) -> dict[str, Callable[..., np.ndarray]]:
    """By name: from the classifier, rows without and with labels, n and a seed."""

    def of_skbag(strategy: str) -> Callable[..., np.ndarray]:
        return lambda clf, free, known, n, seed: rank_to_label(
            clf, [texts[i] for i in free], n, strategy=strategy, random_state=seed
        )

    found: dict[str, Callable[..., np.ndarray]] = {
        "random": lambda clf, free, known, n, seed: np.random.default_rng(
            seed
        ).permutation(len(free))[:n],
        **{name: of_skbag(name) for name in ("margin", "entropy", "diverse")},
    }
    modal, coresets = (
        imported("modAL.batch"),
        imported("small_text.query_strategies.coresets"),
    )
    vectors = TfidfVectorizer(sublinear_tf=True).fit_transform(texts)
    if modal is not None:

        def ranked_batch(clf, free, known, n, seed):  # type: ignore[no-untyped-def]
            given = _Given(
                clf.predict_proba([texts[i] for i in free]), vectors[list(known)]
            )
            pool = vectors[list(free)]
            return modal.uncertainty_batch_sampling(given, pool, n)[0]

        found["modAL, ranked batch"] = ranked_batch
    if coresets is not None:
        dense = TruncatedSVD(100, random_state=0).fit_transform(vectors)

        def coreset(clf, free, known, n, seed):  # type: ignore[no-untyped-def]
            del clf, seed
            rows = np.array([*free, *known])
            n_free = len(free)
            return np.asarray(
                coresets.greedy_coreset(
                    dense[rows], np.arange(n_free), np.arange(n_free, len(rows)), n
                )
            )

        found["small-text, core-set"] = coreset
    return found


def learning_curve(
    choose: Callable[..., np.ndarray],
    train: tuple[list[str], np.ndarray],
    test: tuple[list[str], np.ndarray],
    batch: int,
    seed: int,
) -> list[float]:
    """Accuracy in % after each batch of labels, the first one drawn by lot."""
    texts, y = train
    order = np.random.default_rng(seed).permutation(len(texts))
    known, free = order[:batch], order[batch:]
    curve = []
    for number in range(ROUNDS + 1):
        clf = classifier(seed).fit([texts[i] for i in known], y[known])
        curve.append(100 * float(np.mean(clf.predict(test[0]) == test[1])))
        if number < ROUNDS:
            chosen = np.asarray(choose(clf, free, known, batch, seed))
            known = np.concatenate([known, free[chosen]])
            free = np.delete(free, chosen)
    return curve


def ranking(
    folder: Path, batches: dict[str, int], n_seeds: int, plot: Path | None
) -> None:
    """Accuracy of the texts chosen, by number of labels."""
    rows, curves = [], {}
    for name, batch in batches.items():
        texts, y = read(folder, name, "train")
        order = np.random.default_rng(0).permutation(len(texts))[:POOL]
        train, test = ([texts[i] for i in order], y[order]), read(folder, name, "test")
        for method, choose in strategies(train[0]).items():
            started = perf_counter()
            runs = [
                learning_curve(choose, train, test, batch, seed)
                for seed in range(n_seeds)
            ]
            seconds = (perf_counter() - started) / n_seeds
            curve = np.mean(runs, axis=0)
            curves[name, method] = batch * np.arange(1, ROUNDS + 2), curve
            points = [f"{curve[i]:.1f}" for i in (1, 2, ROUNDS // 2, ROUNDS)]
            spread = np.std([mean(run[1:]) for run in runs])
            middle = f"{curve[1:].mean():.1f} ± {spread:.1f}"
            rows.append([name, method, *points, middle, f"{seconds:.1f}"])
            print(rows[-1], file=sys.stderr, flush=True)
    batches_shown = ["2 batches", "3", str(ROUNDS // 2 + 1), str(ROUNDS + 1)]
    head = ["set", "strategy", *batches_shown, "mean", "seconds"]
    print("\naccuracy in % by labels\n")
    print(markdown(head, rows))
    if plot is not None:
        draw(curves, plot)


def draw(curves: dict[tuple[str, str], Any], path: Path) -> None:
    """One panel for each set."""
    import matplotlib.pyplot as plt

    names = list(dict.fromkeys(name for name, _ in curves))
    shape = {"figsize": (2.6 * len(names), 2.8), "layout": "constrained"}
    figure, axes = plt.subplots(1, len(names), squeeze=False, **shape)
    for ax, name in zip(axes[0], names, strict=True):
        for (own, method), (sizes, curve) in curves.items():
            if own == name:
                style = "--" if method == "random" else "-"
                ax.plot(sizes, curve, style, label=method, lw=1.3)
        ax.set(title=name, xlabel="labels")
        ax.spines[["top", "right"]].set_visible(False)
    axes[0, 0].set_ylabel("accuracy in %")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=6, frameon=False)
    figure.savefig(path, dpi=110)
