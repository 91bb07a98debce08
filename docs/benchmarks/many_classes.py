"""Cost of very many classes: all scores at once, or the adaptive softmax.

Synthetic texts whose classes and words follow Zipf's law. For each number of classes,
one model with loss="cross_entropy" and one with loss="adaptive_softmax", both with
embedding_dim=64: seconds per epoch, microseconds per text of top_k(X, 5), and how often
the true class is the first, or one of the five, of new texts. They are fitted in turns;
times are medians of processor time, of all cores together, so that it matters little
what else the machine does (set OMP_NUM_THREADS=1). Prints a Markdown table:

    python docs/benchmarks/many_classes.py [--repeats 3] [--texts 20000]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator

import numpy as np

from skbag import EmbeddingBagClassifier

N_WORDS, LENGTH, OWN_WORDS, SHARE, N_NEW = 20_000, 12, 6, 0.6, 2_000
LOSSES = ("cross_entropy", "adaptive_softmax")


def zipf_classes(
    n_texts: int, n_classes: int, seed: int = 0
) -> tuple[list[str], np.ndarray]:
    """Texts of a few words of their class among others, and the class of each.

    Each class has one text at least, if there are enough.
    """
    rng = np.random.default_rng(seed)
    share = 1 / np.arange(1, n_classes + 1)
    codes = rng.choice(n_classes, size=n_texts, p=share / share.sum())
    if n_texts > n_classes:
        codes[:n_classes] = np.arange(n_classes)
    # Which words are a class's own does not depend on the seed of the texts.
    own = np.random.default_rng(1).integers(N_WORDS, size=(n_classes, OWN_WORDS))
    words = (N_WORDS ** rng.random((n_texts, LENGTH))).astype(np.int64) - 1
    telling = own[codes[:, None], rng.integers(OWN_WORDS, size=(n_texts, LENGTH))]
    words = np.where(rng.random((n_texts, LENGTH)) < SHARE, telling, words)
    return [" ".join(f"w{word}" for word in row) for row in words.tolist()], codes


def measure(
    n_texts: int, n_classes: int, repeats: int, epochs: int
) -> dict[str, dict[str, float]]:
    """Median times and accuracies of both losses."""
    texts, codes = zipf_classes(n_texts + n_classes, n_classes)
    new_texts, new_codes = zipf_classes(N_NEW, n_classes, seed=2)
    seconds: dict[str, dict[str, list[float]]] = {
        loss: {"fit": [], "top_k": []} for loss in LOSSES
    }
    found: dict[str, dict[str, float]] = {}
    for repeat in range(repeats):
        for loss in LOSSES:
            clf = EmbeddingBagClassifier(
                loss=loss,
                embedding_dim=64,
                max_iter=epochs,
                ngram_range=(1, 1),
                short_text_features=False,
                random_state=repeat,
            )
            # By the epochs alone: words are learnt before.
            seconds[loss]["fit"] += list(epoch_seconds(clf, texts, codes))
            started = time.process_time()
            labels, _ = clf.top_k(new_texts, min(5, n_classes))
            seconds[loss]["top_k"].append(time.process_time() - started)
            hits = labels == new_codes[:, None]
            found[loss] = {
                "first": 100 * hits[:, 0].mean(),
                "five": 100 * hits.any(axis=1).mean(),
            }
    for loss in LOSSES:
        found[loss]["epoch"] = statistics.median(seconds[loss]["fit"])
        found[loss]["top_k"] = 1e6 * statistics.median(seconds[loss]["top_k"]) / N_NEW
    return found


def epoch_seconds(
    clf: EmbeddingBagClassifier, texts: list[str], codes: np.ndarray
) -> Iterator[float]:
    """Fit, and yield the seconds of each epoch."""
    from skbag._training import trainer

    original = trainer.Trainer.run_epoch
    seconds = []

    def timed(*args: object) -> object:
        started = time.process_time()
        progress = original(*args)
        seconds.append(time.process_time() - started)
        return progress

    trainer.Trainer.run_epoch = timed
    try:
        clf.fit(texts, codes)
    finally:
        trainer.Trainer.run_epoch = original
    # The first also scores held-out texts for all classes.
    yield from seconds[1:] or seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--texts", type=int, default=20_000)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--classes", type=int, nargs="+", default=[10, 1000, 50_000])
    options = parser.parse_args()
    print("| classes | loss | s an epoch | µs a text, top 5 | first | in 5 |")
    print("|---|---|---|---|---|---|")
    for n_classes in options.classes:
        found = measure(options.texts, n_classes, options.repeats, options.epochs)
        for loss, row in found.items():
            print(
                f"| {n_classes:,} | {loss} | {row['epoch']:.3f} | {row['top_k']:.0f} "
                f"| {row['first']:.1f} | {row['five']:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
