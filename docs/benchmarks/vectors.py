"""What vectors of unlabelled texts are worth where few texts have labels.

Vectors are made by fastText's skip-gram from the training texts of a data set, whose
labels it does not see. Then a few hundred or thousand of those texts get their labels
back. Judged by texts of the training part that nothing was made of, or by the test part
(``--test``).

    python docs/benchmarks/vectors.py DATA_FOLDER [--test] [NAME ...]

needs fasttext-community, pyarrow.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from pathlib import Path

import numpy as np
from data import read

from skbag import EmbeddingBagClassifier

SIZES = (300, 1000, 3000)
SEEDS = (0, 1, 2)
N_JUDGED = 5000
DIM = 100
N_CHARACTERS = 600  # of each text, that vectors are made from

METHODS = {
    "no vectors": {},
    "no vectors, two layers": {"embedding_dim": DIM},
    "vectors": {"embedding_dim": DIM, "embedding_init": True},
    "vectors, frozen": {
        "embedding_dim": DIM,
        "embedding_init": True,
        "freeze_embedding": True,
    },
}


def make_vectors(texts: list[str], folder: Path) -> tuple[list[str], np.ndarray]:
    """Words and their skip-gram vectors."""
    import fasttext

    lines = folder / "texts.txt"
    with lines.open("w", encoding="utf-8") as file:
        for text in texts:
            tokens = re.findall(r"\w+|[^\w\s]", text[:N_CHARACTERS].lower())
            file.write(" ".join(tokens) + "\n")
    model = fasttext.train_unsupervised(
        str(lines), dim=DIM, minCount=2, epoch=3, thread=2, verbose=0
    )
    words = model.words
    return words, np.array([model.get_word_vector(word) for word in words])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", default=["debian_section", "tweet_emoji"])
    parser.add_argument("--test", action="store_true")
    arguments = parser.parse_args()
    for name in arguments.names:
        texts, labels = read(arguments.folder, name, "train")
        order = np.random.default_rng(0).permutation(len(texts))
        texts, labels = [texts[i] for i in order], [labels[i] for i in order]
        if arguments.test:
            judged = read(arguments.folder, name, "test")
        else:
            judged = texts[:N_JUDGED], labels[:N_JUDGED]
            texts, labels = texts[N_JUDGED:], labels[N_JUDGED:]
        with tempfile.TemporaryDirectory() as folder:
            vectors = make_vectors(texts, Path(folder))
        print(f"{name}: {len(texts)} texts, {len(vectors[0])} vectors", flush=True)
        for size in SIZES:
            for method, parameters in METHODS.items():
                scores = []
                for seed in SEEDS:
                    rows = np.random.default_rng(seed + 1).permutation(len(texts))
                    rows = rows[:size]
                    if "embedding_init" in parameters:
                        parameters = {**parameters, "embedding_init": vectors}
                    clf = EmbeddingBagClassifier(random_state=seed, **parameters)
                    clf.fit([texts[i] for i in rows], [labels[i] for i in rows])
                    scores.append(clf.score(*judged))
                coverage = clf.embedding_init_coverage_
                tail = "" if coverage is None else f"  covers {coverage:.2f}"
                print(
                    f"  {size:5} {method:24} {np.mean(scores):.4f} "
                    f"+-{np.std(scores):.4f}{tail}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
