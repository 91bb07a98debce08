"""The data sets: real ones from a folder, and small made-up ones.

A data set is two files, NAME.train.parquet and NAME.test.parquet, with the columns
`text` and `label`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

NAMES = (
    "20news",
    "imdb",
    "debian_section",
    "clinc150",
    "sst2",
    "trec6",
    "tweet_emoji",
    "registry",
)
SMOKE_NAME = "made_up"


def read(folder: Path, name: str, part: str) -> tuple[list[str], list[str]]:
    """Texts and labels of one part of a data set."""
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(folder / f"{name}.{part}.parquet")
    labels = [str(label) for label in table.column("label").to_pylist()]
    return table.column("text").to_pylist(), labels


def check(folder: Path, names: list[str]) -> None:
    """Say which files are missing, before anything is measured."""
    wanted = [f"{name}.{part}.parquet" for name in names for part in ("train", "test")]
    missing = [name for name in wanted if not (folder / name).is_file()]
    if missing:
        raise SystemExit(f"{folder} lacks {', '.join(missing)}")


def zipf_texts(
    n_texts: int, n_words: int, length: int = 20, n_classes: int = 20, seed: int = 0
) -> tuple[list[str], list[str]]:
    """Texts of words whose frequency falls with their rank, and learnable labels.

    Communicator are drawn log-uniformly, so that each word is met about as often as its rank
    is small, and rare ones are met at all. One word in five is taken from a part of the
    vocabulary that belongs to the class.
    """
    rng = np.random.default_rng(seed)
    codes = rng.integers(n_classes, size=n_texts)
    ranks = (n_words ** rng.random((n_texts, length))).astype(np.int64) - 1
    telling = rng.random((n_texts, length)) < 0.2
    shift = (codes[:, None] + 1) * (n_words // (n_classes + 1))
    ranks = np.where(telling, (ranks + shift) % n_words, ranks)
    words = np.array([_word(i) for i in range(n_words)], dtype=object)
    texts = [" ".join(row) for row in words[ranks].tolist()]
    return texts, [f"class {code}" for code in codes]


def _word(rank: int) -> str:
    """A short pronounceable word for a number, another one for each."""
    consonants, vowels = "bdfgklmnprstvz", "aeiou"
    syllables = []
    rest = rank
    while rest or len(syllables) < 2:
        rest, part = divmod(rest, len(consonants) * len(vowels))
        syllables.append(consonants[part // len(vowels)] + vowels[part % len(vowels)])
    return "".join(reversed(syllables))


def write_smoke_data(folder: Path) -> None:
    """A data set of a thousand short texts."""
    import pyarrow
    import pyarrow.parquet

    texts, labels = zipf_texts(1200, 2000, length=12, n_classes=4)
    for part, rows in (("train", slice(0, 1000)), ("test", slice(1000, None))):
        table = pyarrow.table({"text": texts[rows], "label": labels[rows]})
        pyarrow.parquet.write_table(table, folder / f"{SMOKE_NAME}.{part}.parquet")
