"""Cold start and single texts: skbag against a TF-IDF pipeline, in one run.

    python docs/benchmarks/serving.py --data FOLDER [--names clinc150 ...]

Fits both on each data set, saves them, and measures

- cold: fresh processes, in turns, that load the model and predict one text: seconds of
  the whole process, and of import, loading and first prediction within;
- warm: ``predict_proba([text])``, in turns, for a thousand test texts.

Prints the tables of README.md.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import data

NAMES = ("clinc150", "trec6", "sst2", "debian_section", "20news", "imdb")

COLD = """
import json, sys, time
started = time.perf_counter()
if sys.argv[1] == "skbag":
    import skbag
    imported = time.perf_counter()
    model = skbag.load(sys.argv[2])
elif sys.argv[1] == "pickle":
    import joblib, skbag
    imported = time.perf_counter()
    model = joblib.load(sys.argv[2])
else:
    import joblib
    import sklearn.feature_extraction.text, sklearn.linear_model, sklearn.pipeline
    imported = time.perf_counter()
    model = joblib.load(sys.argv[2])
loaded = time.perf_counter()
model.predict_proba([sys.argv[3]])
done = time.perf_counter()
assert sys.argv[1] == "pipeline" or "torch" not in sys.modules
print(json.dumps([imported - started, loaded - imported, done - loaded]))
"""


def fit(name: str, folder: Path) -> tuple[Any, Any, list[str]]:
    """Both models, fitted on a data set, and its test texts."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    from skbag import EmbeddingBagClassifier

    texts, labels = data.read(folder, name, "train")
    pipeline = make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=200))
    pipeline.fit(texts, labels)
    clf = EmbeddingBagClassifier(random_state=0).fit(texts, labels)
    return clf, pipeline, data.read(folder, name, "test")[0]


def save(clf: Any, pipeline: Any, folder: Path) -> dict[str, Path]:
    """Files of both, and of a pickle of the first."""
    import joblib

    import skbag

    files = {kind: folder / kind for kind in ("skbag", "pickle", "pipeline")}
    skbag.save(clf, files["skbag"])
    joblib.dump(clf, files["pickle"])
    joblib.dump(pipeline, files["pipeline"])
    return files


def cold(files: dict[str, Path], text: str, repeats: int) -> dict[str, list[float]]:
    """Medians: whole process, import, loading, first prediction."""
    runs: dict[str, list[list[float]]] = {kind: [] for kind in files}
    for number in range(repeats + 1):
        for kind, file in files.items():
            command = [sys.executable, "-c", COLD, kind, str(file), text]
            started = time.perf_counter()
            done = subprocess.run(command, capture_output=True, check=True)
            whole = time.perf_counter() - started
            if number:  # the first fills the file cache
                runs[kind].append([whole, *json.loads(done.stdout)])
    return {
        kind: [statistics.median(figures) for figures in zip(*each, strict=True)]
        for kind, each in runs.items()
    }


def warm(models: dict[str, Any], texts: list[str]) -> dict[str, float]:
    """Median seconds of one text at a time, in turns."""
    times: dict[str, list[float]] = {kind: [] for kind in models}
    for number, text in enumerate(texts):
        for kind, model in models.items():
            started = time.perf_counter()
            model.predict_proba([text])
            if number >= 20:
                times[kind].append(time.perf_counter() - started)
    return {kind: statistics.median(each) for kind, each in times.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--names", nargs="+", default=NAMES)
    parser.add_argument("--repeats", type=int, default=11)
    options = parser.parse_args()
    cold_rows, warm_rows = [], []
    for name in options.names:
        clf, pipeline, texts = fit(name, options.data)
        short = [text.replace("\0", " ")[:2000] for text in texts]
        with tempfile.TemporaryDirectory() as folder:
            files = save(clf, pipeline, Path(folder))
            sizes = {kind: file.stat().st_size / 1e6 for kind, file in files.items()}
            found = cold(files, short[0], options.repeats)
        for kind, figures in found.items():
            cells = " | ".join(f"{figure:.3f}" for figure in figures)
            ratio = figures[0] / found["pipeline"][0]
            size = sizes[kind]
            cold_rows.append(
                f"| {name} | {kind} | {size:.1f} | {cells} | {ratio:.2f} |"
            )
        single = warm({"skbag": clf, "pipeline": pipeline}, texts[:1020])
        own, peer = (1e6 * single[kind] for kind in ("skbag", "pipeline"))
        warm_rows.append(f"| {name} | {own:.0f} | {peer:.0f} | {own / peer:.2f} |")
        print(cold_rows[-3:], warm_rows[-1], file=sys.stderr, flush=True)
    print("| data | model | file, MB | process, s | import | load | first | ratio |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    print("\n".join(cold_rows), end="\n\n")
    print("| data | skbag, µs a text | pipeline, µs a text | ratio |")
    print("| --- | --- | --- | --- |")
    print("\n".join(warm_rows))


if __name__ == "__main__":
    main()
