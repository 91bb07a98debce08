"""The tools of skbag.labels on real data, against the packages people use for it.

    python docs/benchmarks/labels.py --data FOLDER [--parts suspects ranking ...]

FOLDER is that of run.py. Four parts, each of which prints Markdown tables:

suspects    labels flipped at random and to the most similar class are to be found again:
            precision at the number flipped, and seconds, against cleanlab
ranking     learning curves of texts chosen by strategy, against random choice, modAL and
            small-text; ``--plot FILE`` draws them
novelty     texts of classes left out of training, and clinc150's out-of-scope queries:
            AUROC, and the share of them let through where 95 % of the known are kept
duplicates  equal texts of each data set, and the time for all of the largest

Packages that are not installed are left out, with a line that says so.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable
from itertools import product
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict, train_test_split
from sklearn.pipeline import make_pipeline

sys.path.insert(0, str(Path(__file__).parent))

import data
from label_ranking import RANKING, classifier, imported, ranking, read
from report import markdown

from skbag.labels import find_duplicates, novelty_threshold, suspect_labels

SHARES = (0.05, 0.1, 0.2)
KEEP = 0.95

SLOW = "cleanlab on LogisticRegression"
MOST_SLOW = 10_000
"""Of more texts logistic regression takes minutes: it is tried once."""

SUSPECTS = ("20news", "trec6")
LEFT_OUT = {"20news": 5, "debian_section": 13, "trec6": 2}
"""Classes that training does not have, of each set."""
MOST_TEXTS = 20_000
"""Of a set in the part on novelty."""


def peer() -> Any:
    """What most tutorials begin with."""
    return make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=1000))


# -- suspect labels --------------------------------------------------------------------


def flipped(
    texts: list[str], y: np.ndarray, share: float, how: str, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Labels of which a share is wrong, and which those are."""
    rng = np.random.default_rng(seed)
    classes, codes = np.unique(y, return_inverse=True)
    rows = rng.choice(len(y), int(share * len(y)), replace=False)
    new = codes.copy()
    if how == "random":
        shift = rng.integers(1, len(classes), len(rows))
        new[rows] = (codes[rows] + shift) % len(classes)
    else:
        new[rows] = most_similar(texts, codes)[codes[rows]]
    is_flipped = np.zeros(len(y), dtype=bool)
    is_flipped[rows] = True
    return classes[new], is_flipped


def most_similar(texts: list[str], codes: np.ndarray) -> np.ndarray:
    """For each class the one whose mean TF-IDF vector is most like its own."""
    vectors = TfidfVectorizer(sublinear_tf=True, min_df=2).fit_transform(texts)
    n_classes = codes.max() + 1
    means = np.stack([vectors[codes == k].mean(axis=0).A1 for k in range(n_classes)])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    cosines = means @ means.T
    np.fill_diagonal(cosines, -1)
    return cosines.argmax(axis=1)


Finder = Callable[[list[str], np.ndarray, int], dict[str, np.ndarray]]
"""From texts, labels and a number to the most suspect samples, by each score."""


def by_skbag(texts: list[str], y: np.ndarray, n: int) -> dict[str, np.ndarray]:
    """Find them with suspect_labels."""
    return {"skbag": suspect_labels(classifier(), texts, y, n=n, n_words=0).indices}


def by_cleanlab(make: Callable[[], Any], on: str, *methods: str) -> Finder:
    """Return a function that has cleanlab rank out-of-fold probabilities."""

    def find(texts: list[str], y: np.ndarray, n: int) -> dict[str, np.ndarray]:
        from cleanlab.rank import get_label_quality_scores

        _, codes = np.unique(y, return_inverse=True)
        probabilities = cross_val_predict(
            make(), texts, codes, cv=5, method="predict_proba"
        )
        found = {}
        for method in methods:
            scores = get_label_quality_scores(codes, probabilities, method=method)
            order = np.argsort(scores, kind="stable")[:n]
            found[f"cleanlab, {method.replace('_', ' ')}, on {on}"] = order
        return found

    return find


def suspects(folder: Path, names: tuple[str, ...]) -> None:
    """Precision at the number flipped, and seconds."""
    finders: dict[str, Finder] = {"skbag": by_skbag}
    if imported("cleanlab") is not None:
        both = ("self_confidence", "normalized_margin")
        finders["cleanlab on skbag"] = by_cleanlab(classifier, "skbag", *both)
        finders[SLOW] = by_cleanlab(peer, "LogisticRegression", both[0])
    precisions: dict[str, dict[str, float]] = {}
    seconds: dict[str, dict[str, float]] = {}
    for name in names:
        texts, y = read(folder, name, "train")
        for how, share in product(("random", "similar"), SHARES):
            noisy, is_flipped = flipped(texts, y, share, how, seed=0)
            row = f"{name} | {how} | {share:.0%}"
            precisions[row], seconds[row] = {}, {}
            for finder, find in finders.items():
                is_first = share == SHARES[0] and how == "random"
                if finder == SLOW and len(y) > MOST_SLOW and not is_first:
                    continue
                started = perf_counter()
                found = find(texts, noisy, int(is_flipped.sum()))
                seconds[row][finder] = perf_counter() - started
                for score, rows in found.items():
                    precisions[row][score] = 100 * float(is_flipped[rows].mean())
            print(row, precisions[row], seconds[row], file=sys.stderr, flush=True)
    print("\nprecision in % at the number flipped\n")
    print(table_of(precisions))
    print("\nseconds\n")
    print(table_of(seconds))


def table_of(figures: dict[str, dict[str, float]]) -> str:
    """One column for each method; empty where a method was not tried."""
    columns = list(dict.fromkeys(key for row in figures.values() for key in row))
    rows = [
        [head, *(f"{row[key]:.1f}" if key in row else "" for key in columns)]
        for head, row in figures.items()
    ]
    return markdown(["set | flipped | share", *columns], rows).replace(
        "| --- |", "| --- | --- | --- |", 1
    )


# -- novelty ---------------------------------------------------------------------------


def novelty_figures(known: np.ndarray, novel: np.ndarray) -> list[str]:
    """AUROC, and the share let through where `KEEP` of the known are kept, in %."""
    is_known = np.repeat([1, 0], [len(known), len(novel)])
    auroc = 100 * roc_auc_score(is_known, np.concatenate([known, novel]))
    limit = np.quantile(known, 1 - KEEP, method="lower")
    return [f"{auroc:.1f}", f"{100 * np.mean(novel >= limit):.0f}"]


def left_out(
    folder: Path, name: str, seed: int
) -> tuple[list[str], np.ndarray, list[str], list[str]]:
    """Training texts and labels without some classes, test texts with and of these."""
    texts, y = read(folder, name, "train")
    order = np.random.default_rng(seed).permutation(len(texts))[:MOST_TEXTS]
    texts, y = [texts[i] for i in order], y[order]
    test, y_test = read(folder, name, "test")
    if name == "clinc150":
        return texts, y, test, read(folder, name, "oos")[0]
    classes = np.random.default_rng(seed).permutation(np.unique(y))
    out = set(classes[: LEFT_OUT[name]].tolist())
    kept = [i for i, label in enumerate(y.tolist()) if label not in out]
    is_out = np.array([label in out for label in y_test.tolist()])
    parts = (
        [test[i] for i in np.flatnonzero(is_out == flag)] for flag in (False, True)
    )
    return [texts[i] for i in kept], y[kept], *parts


def novelty(folder: Path, names: tuple[str, ...], n_seeds: int, slow: bool) -> None:
    """How well scores tell what training had no class for."""
    rows = []
    for name in names:
        for seed in range(1 if name == "clinc150" else n_seeds):
            texts, y, known, novel = left_out(folder, name, seed)
            fitted, held, y_fitted, _ = train_test_split(
                texts, y, test_size=0.1, random_state=seed, stratify=None
            )
            threshold = novelty_threshold(
                classifier(seed).fit(fitted, y_fitted), held, keep=KEEP
            )
            clf = classifier(seed).fit(texts, y)
            figures = novelty_figures(
                clf.score_samples(known), clf.score_samples(novel)
            )
            kept = f"{100 * np.mean(clf.score_samples(known) >= threshold):.0f}"
            largest = novelty_figures(
                clf.predict_proba(known).max(axis=1),
                clf.predict_proba(novel).max(axis=1),
            )
            row = [name, str(seed), *figures, kept, *largest]
            if slow:
                other = peer().fit(texts, y)
                row += novelty_figures(
                    other.predict_proba(known).max(axis=1),
                    other.predict_proba(novel).max(axis=1),
                )
            rows.append(row)
            print(row, file=sys.stderr, flush=True)
    head = ["set", "draw", "AUROC", "let through", "kept by the threshold"]
    head += ["largest probability: AUROC", "let through"]
    if slow:
        head += ["TF-IDF + LogisticRegression: AUROC", "let through"]
    print("\nnovelty: AUROC and shares in %\n")
    print(markdown(head, rows))


# -- duplicates ------------------------------------------------------------------------


def duplicates(folder: Path, names: tuple[str, ...]) -> None:
    """Counts, and seconds."""
    rows = []
    for name in names:
        train, test = read(folder, name, "train"), read(folder, name, "test")
        row = [name, f"{len(train[0]):,}"]
        for normalize in (False, True):
            started = perf_counter()
            found = find_duplicates(*train, *test, normalize=normalize)
            seconds = perf_counter() - started
            counts = found.is_repeat, found.contradicts, found.in_train
            row += [f"{int(np.sum(count)):,}" for count in counts]
            row.append(f"{seconds:.2f}")
        rows.append(row)
    head = ["repeated", "contradictory", "test in train", "s"]
    again = [f"{each}, normalised" for each in head]
    print("\nequal texts\n")
    print(markdown(["set", "texts", *head, *again], rows))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = ["suspects", "ranking", "novelty", "duplicates"]
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--parts", nargs="+", default=parts, choices=parts)
    parser.add_argument("--names", nargs="+", help="data sets, others than by default")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--fast", action="store_true", help="no LogisticRegression")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    names = None if options.names is None else tuple(options.names)
    if "suspects" in options.parts:
        suspects(options.data, names or SUSPECTS)
    if "ranking" in options.parts:
        batches = {name: RANKING.get(name, 50) for name in names or RANKING}
        ranking(options.data, batches, options.seeds, options.plot)
    if "novelty" in options.parts:
        seeds = min(options.seeds, 3)
        novelty(options.data, names or ("clinc150", *LEFT_OUT), seeds, not options.fast)
    if "duplicates" in options.parts:
        duplicates(options.data, names or (*data.NAMES, "tweet_hate"))


if __name__ == "__main__":
    main()
