"""
A folder of Parquet files, learnt in one pass that may be killed
================================================================

More texts than memory holds lie in a folder of Parquet files. They are read some at a
time and learnt by ``partial_fit``, in a table of fixed size. After each file the model
is saved, in one step with how far it has come: a run that was killed goes on from
there, to the same model bit by bit. Needs pyarrow.

    python stream_parquet.py FOLDER STATES

learns the files of FOLDER, in the order of their names, and keeps its state in STATES;
FOLDER/classes.txt holds the labels, one a line. Without arguments it makes such a
folder, starts itself on it, kills that process, starts it again, and compares the model
with one that was learnt without a break.
"""

import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow
import pyarrow.parquet
from sklearn.utils import shuffle

import skbag
from skbag import EmbeddingBagClassifier
from skbag.datasets import load_docstrings

TEXTS_AT_ONCE = 20_000
"""What is in memory at a time, beside the table. The larger, the less often the table
is copied; with a table of 2**20 rows, tens of thousands are enough."""

# %%
# One file
# --------
# Parquet is read in pieces of any size, and only the columns asked for.


def parts(path):
    """Yield texts and labels of a file, some at a time."""
    try:
        file = pyarrow.parquet.ParquetFile(path)
        missing = {"text", "label"} - set(file.schema_arrow.names)
        if missing:
            raise ValueError(f"it has no column {' and no column '.join(missing)}")
        columns = ["text", "label"]
        for batch in file.iter_batches(batch_size=TEXTS_AT_ONCE, columns=columns):
            # A file may hold nothing, which partial_fit would refuse.
            if len(batch):
                yield batch.column("text"), batch.column("label").to_pylist()
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        raise RuntimeError(
            f"{path} cannot be read: {error}. Mend it or take it away, and start "
            "again: what was learnt from the files before it is saved."
        ) from error


# %%
# All files, and how far it has come
# ----------------------------------
# The state is one file, and its name is that of the last Parquet file that went into
# it. ``skbag.save`` writes it whole or not at all, so that at any moment there is a
# model, and what it has seen cannot be wrong. Only then the one before is deleted.


def last_state(states):
    """The newest state, or None."""
    return max(states.glob("*.skbag"), default=None)


def learn(folder, states, classes, n_buckets=2**18):
    """Learn all files of a folder that are not in the state yet; return the model."""
    clf = EmbeddingBagClassifier(
        n_buckets=n_buckets, short_text_features=False, random_state=0
    )
    done = last_state(states)
    if done is not None:
        clf = skbag.load(done)
        print(f"going on after {done.stem}")
    paths = sorted(folder.glob("*.parquet"))
    for number, path in enumerate(paths, start=1):
        if done is not None and path.stem <= done.stem:
            continue
        n_texts, started = 0, time.perf_counter()
        for texts, labels in parts(path):
            try:
                clf.partial_fit(texts, labels, classes=classes)
            except ValueError as error:
                raise RuntimeError(f"{path} cannot be learnt: {error}") from error
            n_texts += len(texts)
        if n_texts:
            saved = states / f"{path.stem}.skbag"
            skbag.save(clf, saved)
            if done is not None:
                done.unlink()
            done = saved
        show_progress(number, len(paths), n_texts, time.perf_counter() - started)
    return clf


# %%
# Progress is a line for each file: that needs no library, and reads as well in the log
# of a job that runs at night as in a terminal.


def show_progress(number, n_files, n_texts, seconds):
    bar = "#" * (20 * number // n_files)
    speed = n_texts / max(seconds, 1e-9)
    print(f"[{bar:<20}] {number}/{n_files} files, {speed:,.0f} texts/s", flush=True)


# %%
# A folder to try it on
# ---------------------
# Docstrings of installed libraries; the task: which library. Shuffled, for a stream
# of one class after the other would be forgotten in that order.


def make_folder(folder, n_files=8):
    texts, labels = shuffle(*load_docstrings(return_X_y=True), random_state=0)
    for number, rows in enumerate(np.array_split(np.arange(len(texts)), n_files)):
        table = pyarrow.table(
            {"text": [texts[i] for i in rows], "label": [labels[i] for i in rows]}
        )
        pyarrow.parquet.write_table(table, folder / f"part-{number:03d}.parquet")
    classes = sorted(set(labels))
    (folder / "classes.txt").write_text("\n".join(classes), encoding="utf-8")
    return classes


# %%
# Killed, and started again
# -------------------------


def start(folder, states, **options):
    command = [sys.executable, __file__, str(folder), str(states)]
    return subprocess.Popen(command, **options)


def kill_after(n_files, folder, states):
    """Start to learn in another process and kill it when some files are learnt."""
    process = start(folder, states, stdout=subprocess.DEVNULL)
    last_wanted = f"part-{n_files - 1:03d}"
    while process.poll() is None:
        state = last_state(states)
        if state is not None and state.stem >= last_wanted:
            process.kill()
        time.sleep(0.01)
    print(f"killed when it had learnt {last_state(states).stem}")


def demonstrate():
    with TemporaryDirectory() as temporary:
        folder, states, others = (
            Path(temporary, name) for name in ("data", "states", "others")
        )
        for path in (folder, states, others):
            path.mkdir()
        classes = make_folder(folder)
        kill_after(3, folder, states)
        resumed = learn(folder, states, classes)
        print("\nand without a break:")
        whole = learn(folder, others, classes)
        assert np.array_equal(resumed.embedding_, whole.embedding_)
        assert last_state(states).read_bytes() == last_state(others).read_bytes()
        print("\nthe two models, and their files, are the same bit by bit")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        folder, states = map(Path, sys.argv[1:])
        states.mkdir(exist_ok=True)
        names = (folder / "classes.txt").read_text(encoding="utf-8").split("\n")
        learn(folder, states, names)
    else:
        demonstrate()
# sphinx_gallery_thumbnail_path = "drawings/thumbnails/streaming.svg"
