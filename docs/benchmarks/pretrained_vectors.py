"""Pretrained vectors: skbag with and without, and vectors alone.

    python docs/benchmarks/pretrained_vectors.py --data FOLDER --vectors SOURCE ...
        [--validation] [--output FILE]
    python docs/benchmarks/pretrained_vectors.py --data FOLDER --encoder MODULE:NAME
        [--max-texts N] [--max-test N] [--validation] [--output FILE]

Draws 8, 16, 64 and 256 texts of each class of each data set, several times, and takes all
of them; trains skbag, skbag with ``embedding_init``, and a logistic regression on the mean
vector of each text's words. FOLDER is that of run.py. A SOURCE is the path of a text file
of vectors, the folder of a model2vec model, or "wordllama" for the vectors in the package of
that name; of several the vectors are put side by side. With ``--encoder`` the vectors are
those of whole texts: what ``text_encoder`` takes, by the name it has in a module; each text
is encoded once. The texts to judge by are a sample of
the test part; with ``--validation`` of the training part, for choices to be made on. Prints
Markdown tables of accuracies in percent, and of the time to fit; writes every figure to a
JSON file. ``--resume`` measures what is not in that file.
"""

from __future__ import annotations

import argparse
import importlib
import json
import re
import sys
import time
import warnings
from collections.abc import Iterable
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

sys.path.insert(0, str(Path(__file__).parent))

import data
from few_labels import Texts, draw, read
from report import markdown

from skbag import EmbeddingBagClassifier
from skbag._text.found_vectors import FoundVectors
from skbag._text.pretrained import frequent_words, read_source

NAMES = (*data.NAMES, "tweet_hate")
SIZES = (8, 16, 64, 256, 0)
N_DRAWS = 3
MAX_TEXTS = 60_000
"""Texts to draw from, at most."""

MAX_DRAWN = 0.7
"""Share of the texts that a draw may take: else it is as good as all."""

MAX_TEST = 3_000

N_WORDS = 30_000

WORD = re.compile(r"\w+|[^\w\s]")

SKBAG, WITH_VECTORS, VECTORS = "skbag", "skbag with vectors", "vectors alone"
METHODS = (SKBAG, WITH_VECTORS, VECTORS)
Rows = dict[str, dict[str, dict[str, float]]]
"""Figures of each method, by what `key` makes of data set, size and draw."""


def open_source(name: str) -> Any:
    """What `embedding_init` takes, by the name of a source."""
    if name == "wordllama":
        import wordllama

        folder = Path(wordllama.__file__).parent
        return wordllama.WordLlama.load(cache_dir=folder, disable_download=True)
    if Path(name).is_dir():
        from model2vec import StaticModel

        return StaticModel.from_pretrained(name)
    return name


class WordVectors:
    """Vectors of words, of several sources side by side.

    Parameters
    ----------
    sources : list
        What `embedding_init` takes.
    texts : iterable of str
        Whose words are looked up beside the frequent ones of the sources.
    """

    def __init__(self, sources: list[Any], texts: Iterable[str]) -> None:
        lists = [frequent_words(source, N_WORDS) for source in sources]
        in_turn = [
            words[i].lower()
            for i in range(max(map(len, lists)))
            for words in lists
            if i < len(words)
        ]
        frequent = list(dict.fromkeys(in_turn))[:N_WORDS]
        others = {word for text in texts for word in WORD.findall(text.lower())}
        words = [*frequent, *sorted(others - set(frequent))]
        matrices = [self._rows(source, words) for source in sources]
        matrix = np.concatenate(matrices, axis=1)
        known = np.flatnonzero(matrix.any(axis=1))
        self.pair = [words[i] for i in known], matrix[known]
        self._places = {word: i for i, word in enumerate(self.pair[0])}

    @staticmethod
    def _rows(source: Any, words: list[str]) -> np.ndarray:
        """One row for each word, of mean square 1; zero where there is none."""
        found = FoundVectors({word: i for i, word in enumerate(words)}, None)
        read_source(source, found)
        ids, vectors = found.arrays()
        rows = np.zeros((len(words), vectors.shape[1]), dtype=np.float32)
        rows[ids] = vectors / np.sqrt(np.square(vectors).sum(axis=1).mean())
        return rows

    @property
    def parameters(self) -> dict[str, Any]:
        """Of skbag with these vectors."""
        return {"embedding_init": self.pair}

    def encode(self, texts: list[str]) -> np.ndarray:
        """Means of the vectors of the words of each text, of norm 1."""
        matrix = self.pair[1]
        means = np.zeros((len(texts), matrix.shape[1]), dtype=np.float32)
        for mean_, text in zip(means, texts, strict=True):
            words = WORD.findall(text.lower())
            ids = [self._places[word] for word in words if word in self._places]
            if ids:
                mean_ += matrix[ids].mean(axis=0)
        norms = np.linalg.norm(means, axis=1, keepdims=True)
        return means / np.maximum(norms, 1e-9)


class TextVectors:
    """Vectors of whole texts, each made once.

    Parameters
    ----------
    name : str
        ``MODULE:NAME`` of an object with a method `encode`, or of a function.
    """

    def __init__(self, name: str) -> None:
        module, _, attribute = name.partition(":")
        source = getattr(importlib.import_module(module), attribute)
        self._make = getattr(source, "encode", source)
        self._known: dict[str, np.ndarray] = {}

    @property
    def parameters(self) -> dict[str, Any]:
        """Of skbag with these vectors."""
        return {"text_encoder": self}

    def encode(self, texts: list[str]) -> np.ndarray:
        """Vectors of texts, of norm 1."""
        unknown = [text for text in dict.fromkeys(texts) if text not in self._known]
        if unknown:
            made = np.asarray(self._make(unknown), dtype=np.float32)
            made /= np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-9)
            self._known.update(zip(unknown, made, strict=True))
        return np.array([self._known[text] for text in texts])


def measure(
    method: str,
    vectors: WordVectors | TextVectors,
    train: Texts,
    test: Texts,
    seed: int,
) -> dict[str, float]:
    """Accuracy of a method in percent, and seconds to fit."""
    started = time.perf_counter()
    if method == VECTORS:
        model = LogisticRegression(C=10, max_iter=100)
        model.fit(vectors.encode(train.texts), train.y)
        seconds = time.perf_counter() - started
        predictions = model.predict(vectors.encode(test.texts))
        return _figures(predictions, test, seconds)
    parameters = vectors.parameters if method == WITH_VECTORS else {}
    clf = EmbeddingBagClassifier(random_state=seed, **parameters)
    clf.fit(train.texts, train.y)
    seconds = time.perf_counter() - started
    figures = _figures(clf.predict(test.texts), test, seconds)
    if method == WITH_VECTORS:
        name = f"{next(iter(parameters))}_weight_"
        figures["weight"] = getattr(clf, name)
    return figures


def _figures(predictions: np.ndarray, test: Texts, seconds: float) -> dict[str, float]:
    return {"accuracy": float(100 * np.mean(predictions == test.y)), "fit": seconds}


def key(name: str, size: int, seed: int) -> str:
    """What a draw is called in the file of figures."""
    return f"{name}, {size or 'all'}, draw {seed}"


def gain(figures: dict[str, dict[str, float]]) -> float:
    """Points that vectors add to skbag."""
    return figures[WITH_VECTORS]["accuracy"] - figures[SKBAG]["accuracy"]


def cells(rows: Rows, names: list[str], sizes: list[int]) -> dict[Any, list[Any]]:
    """Figures of all draws of each data set and size that were measured."""
    found: dict[Any, list[Any]] = {}
    for name in names:
        for size in sizes:
            start = key(name, size, 0).rpartition("draw")[0]
            draws = [row for text, row in rows.items() if text.startswith(start)]
            if draws:
                found[name, size] = draws
    return found


def table_by_size(rows: Rows, names: list[str], sizes: list[int]) -> str:
    """Means over the data sets, and the least and largest mean gain of one.

    At last what skbag with vectors has more than the better of the two without, in the
    mean over the sets, and of the set where that is least.
    """
    found, lines = cells(rows, names, sizes), []
    for size in sizes:
        sets = [draws for (_, own), draws in found.items() if own == size]
        if not sets:
            continue
        gains = [mean(map(gain, draws)) for draws in sets]
        means = [
            mean(mean(d[m]["accuracy"] for d in draws) for draws in sets)
            for m in METHODS
        ]
        over_better = [
            min(
                mean(d[WITH_VECTORS]["accuracy"] - d[m]["accuracy"] for d in draws)
                for m in (SKBAG, VECTORS)
            )
            for draws in sets
        ]
        lines.append(
            [
                f"{size or 'all'} ({len(sets)} sets)",
                *(f"{accuracy:.1f}" for accuracy in means),
                f"{mean(gains):+.1f} ({min(gains):+.1f} .. {max(gains):+.1f})",
                f"{mean(over_better):+.1f} ({min(over_better):+.1f})",
            ]
        )
    return markdown(["labels a class", *METHODS, "gain", "over the better"], lines)


def table_by_name(rows: Rows, names: list[str], sizes: list[int]) -> str:
    """Accuracy without vectors, gain, and mean weight, of each data set."""
    found, lines = cells(rows, names, sizes), []
    for name in names:
        line = [name]
        for size in sizes:
            draws = found.get((name, size))
            if not draws:
                line.append("-")
                continue
            own = mean(d[SKBAG]["accuracy"] for d in draws)
            weight = mean(d[WITH_VECTORS]["weight"] for d in draws)
            line.append(f"{own:.1f} {mean(map(gain, draws)):+.1f} ({weight:.2f})")
        lines.append(line)
    return markdown(["data", *(f"{size or 'all'}" for size in sizes)], lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--vectors", nargs="+", default=())
    source.add_argument("--encoder", type=TextVectors, help="MODULE:NAME")
    parser.add_argument("--max-texts", type=int, default=MAX_TEXTS)
    parser.add_argument("--max-test", type=int, default=MAX_TEST)
    parser.add_argument("--names", nargs="+", default=NAMES)
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES, help="0: all")
    parser.add_argument("--draws", type=int, default=N_DRAWS)
    parser.add_argument("--validation", action="store_true")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--resume", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rows: Rows = {}
    if options.resume and options.output and options.output.is_file():
        rows = json.loads(options.output.read_text())
    sources = [open_source(name) for name in options.vectors]
    for name in options.names:
        pool, test = read(options.data, name, options.validation)
        pool, test = (
            part.take(np.arange(min(len(part.texts), n)))
            for part, n in ((pool, options.max_texts), (test, options.max_test))
        )
        vectors = options.encoder or WordVectors(sources, pool.texts)
        for size in options.sizes:
            if size * len(np.unique(pool.y)) > MAX_DRAWN * len(pool.texts):
                continue
            for seed in range(options.draws if size else 1):
                train = draw(pool, size, seed) if size else pool
                figures = rows.setdefault(key(name, size, seed), {})
                for method in METHODS:
                    if method not in figures:
                        figures[method] = measure(method, vectors, train, test, seed)
            if options.output:
                options.output.write_text(json.dumps(rows, indent=1) + "\n")
            print(f"{name}, {size or 'all'}", file=sys.stderr)
    print(table_by_size(rows, list(options.names), list(options.sizes)))
    print(f"\n{table_by_name(rows, list(options.names), list(options.sizes))}")


if __name__ == "__main__":
    main()
