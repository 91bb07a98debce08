"""
Scoring a folder of Parquet files with Dask
===========================================

Needs Dask, and pandas with it: ``pip install "skbag[dask]"``. Ten files of texts become
ten files of labels, part by part, on a cluster of two processes on this machine. No
worker ever holds all of the texts, and the model reaches each of them once, not with
every part.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import dask
import dask.dataframe as dd
import numpy as np
import pandas as pd
from dask.distributed import Client, LocalCluster
from sklearn.model_selection import train_test_split

import skbag
from skbag.datasets import load_docstrings

# %%
# Scoring a part
# --------------
# A function of a part and a model: a row in, a row out. The most likely label and its
# probability come from one pass. A filter may leave a part empty, which a classifier
# refuses. ``SCORES`` says to Dask what will come, without computing it.
SCORES = pd.DataFrame({"label": pd.Series(dtype="str"), "probability": np.empty(0)})


def score(texts, model):
    """Return the best label of each text, and its probability."""
    if texts.empty:
        return SCORES
    labels, probabilities = model.top_k(texts, 1)
    scored = {"label": labels[:, 0], "probability": probabilities[:, 0]}
    return pd.DataFrame(scored, index=texts.index).astype(SCORES.dtypes)


# %%
# Ten files and a model
# ---------------------
# Docstrings of installed libraries; the task: which library. A model that came from
# elsewhere would be loaded with ``skbag.load``.


def write_files(texts, folder):
    """Write texts to ten Parquet files."""
    folder.mkdir()
    for number in range(10):
        part = pd.DataFrame({"text": texts[number::10]})
        part.to_parquet(folder / f"{number}.parquet")


def main(folder):
    """Write texts, score them on a cluster, and look at what has been written."""
    texts, labels = load_docstrings(return_X_y=True)
    train_texts, new_texts, train_labels, _ = train_test_split(
        texts, labels, train_size=4000, stratify=labels, random_state=0
    )
    clf = skbag.EmbeddingBagClassifier(random_state=0).fit(train_texts, train_labels)
    skbag.save(clf, folder / "model.skbag")
    write_files(new_texts, folder / "texts")

    # %%
    # The model as a task
    # -------------------
    # ``dask.delayed`` makes loading the model a task of the graph: one worker reads
    # the file, the other gets it from there, once. Should a worker die, the task is
    # run again. Where workers do not see the file, ``dask.delayed(clf)`` sends it.
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0"
        ) as cluster,
        Client(cluster),
    ):
        started = perf_counter()
        model = dask.delayed(skbag.load)(folder / "model.skbag")
        frame = dd.read_parquet(folder / "texts", columns=["text"])
        scores = frame["text"].map_partitions(score, model, meta=SCORES)
        scores.to_parquet(folder / "scores")
        seconds = perf_counter() - started
    print(f"{len(new_texts)} texts in {frame.npartitions} files: {seconds:.1f} s")

    # %%
    # The same as without
    # -------------------
    found = pd.read_parquet(folder / "scores")
    there = pd.read_parquet(folder / "texts")["text"]
    assert found["label"].tolist() == clf.predict(there).tolist()
    print(found.groupby("label")["probability"].agg(["size", "mean"]).round(3))


if __name__ == "__main__":
    with TemporaryDirectory() as name:
        main(Path(name))
# sphinx_gallery_thumbnail_path = "drawings/thumbnails/several_processes.svg"
