"""Data frames of texts and categories: skbag on the frame against its peers.

    python docs/benchmarks/data_frames.py [--data FOLDER] [--validation] [--output FILE]

Frames are made of the docstrings that `skbag.datasets` loads and, where a FOLDER is
given (that of run.py), of 20news and debian_section:

=========== ================================================ ========== ===============
frame       texts                                            categories label
=========== ================================================ ========== ===============
docstrings  first sentence; the rest                         style      library
news        subject; body                                    poster's   group
                                                             organisation
packages    name line; description (cut where a sentence     none       section
            begins)
=========== ================================================ ========== ===============

Trains each method on the training part and judges it by the test part; with
``--validation`` by a quarter of the training part, for choices to be made on. Prints a
Markdown table of accuracies in percent and seconds of fit, medians over ``--seeds``
runs, in which the methods take turns. Methods whose packages are not installed are left
out, with a line that says so; so are those slower than ``--limit`` seconds afterwards.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder
from sklearn.svm import LinearSVC

sys.path.insert(0, str(Path(__file__).parent))

import data
from report import markdown

from skbag import EmbeddingBagClassifier
from skbag.datasets import load_docstrings

Part = tuple[pd.DataFrame, np.ndarray]

SENTENCE = re.compile(r".*?[.:](?= [A-Z]|$)|.*", re.DOTALL)
"""The first sentence of a docstring."""

DESCRIPTION = re.compile(r"(?<=[^\s.:;,]) (?=[A-Z][a-z]*\b[^.]* )")
"""Where the name line of a package ends and a sentence begins."""

NAME_LINE = 12
"""Characters that a name line has at least."""


# -- frames ----------------------------------------------------------------------------


def docstrings() -> tuple[Part, Part]:
    """First sentences, the rest, and the style of what is described."""
    found = load_docstrings()
    rows = []
    for text in found.data:
        match = SENTENCE.match(text)
        first = text if match is None else match.group()
        rows.append((first, text[len(first) :].strip(), _style(text)))
    frame = pd.DataFrame(rows, columns=["summary", "description", "style"])
    frame["style"] = frame["style"].astype("category")
    parts = train_test_split(
        frame, np.asarray(found.target), test_size=0.2, random_state=0
    )
    return (parts[0], parts[2]), (parts[1], parts[3])


def _style(text: str) -> str:
    if " ---" in text:
        return "numpydoc"
    if ":param" in text or ".. " in text:
        return "reStructuredText"
    return "Google" if "Args:" in text else "plain"


def news(folder: Path, part: str) -> Part:
    """Subjects, bodies and organisations of messages."""
    texts, labels = data.read(folder, "20news", part)
    rows = []
    for text in texts:
        head, _, body = text.partition("\n\n")
        rows.append((_field("Subject", head), body, _field("Organization", head)))
    frame = pd.DataFrame(rows, columns=["subject", "body", "organization"])
    frame["organization"] = frame["organization"].astype("category")
    return frame, np.array(labels)


def _field(name: str, head: str) -> str | None:
    match = re.search(rf"^{name}: (.*)$", head, re.MULTILINE)
    return None if match is None else match.group(1)


def packages(folder: Path, part: str) -> Part:
    """Name lines and descriptions of packages."""
    texts, labels = data.read(folder, "debian_section", part)
    rows = []
    for text in texts:
        match = DESCRIPTION.search(text, NAME_LINE)
        end = len(text) if match is None else match.start()
        rows.append((text[:end], text[end + 1 :]))
    frame = pd.DataFrame(rows, columns=["name_line", "description"])
    return frame, np.array(labels)


def frames(folder: Path | None) -> dict[str, tuple[Part, Part]]:
    """Training and test part of each frame."""
    found = {"docstrings": docstrings()}
    if folder is not None:
        for name, read in (("news", news), ("packages", packages)):
            found[name] = (read(folder, "train"), read(folder, "test"))
    return found


# -- methods ---------------------------------------------------------------------------


def _columns(frame: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Names of the columns of texts, and of those of categories."""
    is_category = [isinstance(kind, pd.CategoricalDtype) for kind in frame.dtypes]
    names = np.array(frame.columns)
    return names[~np.array(is_category)].tolist(), names[is_category].tolist()


def _skbag(frame: pd.DataFrame, seed: int) -> Any:
    del frame
    return EmbeddingBagClassifier(random_state=seed)


def _joined(frame: pd.DataFrame, seed: int) -> Any:
    texts, _ = _columns(frame)

    def join(rows: pd.DataFrame) -> list[str]:
        joined: list[str] = rows[texts].fillna("").agg(" ".join, axis=1).tolist()
        return joined

    classifier = EmbeddingBagClassifier(random_state=seed)
    return make_pipeline(FunctionTransformer(join), classifier)


def _beside(frame: pd.DataFrame, seed: int) -> Any:
    texts, categories = _columns(frame)

    def join(rows: pd.DataFrame) -> pd.DataFrame:
        joined = rows[texts].fillna("").agg(" ".join, axis=1)
        return rows[[texts[0], *categories]].assign(joined=joined)

    classifier = EmbeddingBagClassifier(random_state=seed)
    return make_pipeline(FunctionTransformer(join), classifier)


def _by_column(frame: pd.DataFrame, classifier: Any) -> Any:
    texts, categories = _columns(frame)

    def filled(rows: pd.DataFrame) -> pd.DataFrame:
        return rows.assign(**{name: rows[name].fillna("") for name in texts})

    transformers: list[Any] = [
        (name, TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), name)
        for name in texts
    ]
    if categories:
        encoder = OneHotEncoder(handle_unknown="ignore")
        transformers.append(("categories", encoder, categories))
    columns = ColumnTransformer(transformers)
    return make_pipeline(FunctionTransformer(filled), columns, classifier)


def _svc(frame: pd.DataFrame, seed: int) -> Any:
    return _by_column(frame, LinearSVC(random_state=seed))


def _logistic(frame: pd.DataFrame, seed: int) -> Any:
    del seed  # The same for every seed.
    return _by_column(frame, LogisticRegression(C=10, max_iter=1000))


def _skrub_linear(frame: pd.DataFrame, seed: int) -> Any:
    import skrub

    del frame, seed
    return skrub.tabular_pipeline(LogisticRegression(max_iter=1000))


def _skrub(frame: pd.DataFrame, seed: int) -> Any:
    import skrub

    del frame, seed
    return skrub.tabular_pipeline("classifier")


METHODS: dict[str, Callable[[pd.DataFrame, int], Any]] = {
    "skbag": _skbag,
    "skbag, texts joined": _joined,
    "skbag, first text beside all joined": _beside,
    "LinearSVC by column": _svc,
    "LogisticRegression by column": _logistic,
    "skrub, LogisticRegression": _skrub_linear,
    "skrub, default": _skrub,
}


def measure(method: str, train: Part, test: Part, seed: int) -> dict[str, float]:
    """Accuracy in percent, seconds of fit, and microseconds of predicting a row."""
    model = METHODS[method](train[0], seed)
    start = perf_counter()
    model.fit(*train)
    fit_seconds = perf_counter() - start
    start = perf_counter()
    predicted = model.predict(test[0])
    return {
        "accuracy": float(100 * np.mean(predicted == test[1])),
        "fit_seconds": fit_seconds,
        "predict_us": 1e6 * (perf_counter() - start) / len(test[1]),
    }


def measure_all(
    train: Part, test: Part, methods: Sequence[str], n_seeds: int, limit: float
) -> dict[str, list[dict[str, float]]]:
    """Results of each method, by seed; fewer of those that take long."""
    results: dict[str, list[dict[str, float]]] = {}
    for seed in range(n_seeds):
        for method in methods:
            known = results.get(method, [])
            if known and known[-1]["fit_seconds"] > limit:
                continue
            try:
                found = measure(method, train, test, seed)
            except ImportError as error:
                if not seed:
                    sys.stdout.write(f"{method} is left out: {error}.\n")
                continue
            results.setdefault(method, []).append(found)
            sys.stderr.write(f"  {method}, {seed}: {found}\n")
    return results


def table(results: dict[str, dict[str, list[dict[str, float]]]], figure: str) -> str:
    """Medians of one figure: a row for each frame, a column for each method."""
    methods = [m for m in METHODS if any(m in found for found in results.values())]
    rows = []
    for name, found in results.items():
        cells = [
            f"{median(each[figure] for each in found[method]):.2f}"
            if method in found
            else ""
            for method in methods
        ]
        rows.append([name, *cells])
    return markdown(["frame", *methods], rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=None)
    parser.add_argument("--validation", action="store_true")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--limit", type=float, default=60.0)
    parser.add_argument("--methods", nargs="*", default=list(METHODS))
    parser.add_argument("--output", type=Path, default=None)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    results = {}
    for name, (train, test) in frames(options.data).items():
        if options.validation:
            parts = train_test_split(*train, test_size=0.25, random_state=0)
            train, test = (parts[0], parts[2]), (parts[1], parts[3])
        sys.stderr.write(f"{name}: {len(train[1])} rows, {len(test[1])} to judge by\n")
        results[name] = measure_all(
            train, test, options.methods, options.seeds, options.limit
        )
        if options.output is not None:
            options.output.write_text(json.dumps(results, indent=1))
    for figure in ("accuracy", "fit_seconds", "predict_us"):
        sys.stdout.write(f"\n{figure}:\n\n{table(results, figure)}\n")


if __name__ == "__main__":
    main()
