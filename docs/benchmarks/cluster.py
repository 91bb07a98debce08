"""A search and scoring on a cluster of two processes: seconds, bytes sent, memory.

    python docs/benchmarks/cluster.py --data FOLDER [--names 20news debian_section] \
        [--texts 5000] [--repeats 3] [--only search scoring]

A search by joblib's own processes (loky) against one on Dask, in turns, with what the
client sends to the scheduler; and scoring by partitions against plain predict on the
same texts, with what it takes to bring the model to the workers. Prints tables in
Markdown.
"""

from __future__ import annotations

import argparse
import pickle
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import data
import joblib
import numpy as np

GRID = {"alpha": [1e-6, 1e-5, 1e-4, 1e-3], "loss": ["squared_hinge", "cross_entropy"]}
SHARE_TOKENS = """
from skbag.tuning import shared_tokens

sharing = shared_tokens()

def dask_setup(worker):
    sharing.__enter__()
"""


@contextmanager
def cluster(**more: Any) -> Iterator[Any]:
    """Two worker processes of one thread; every one keeps what was sent once."""
    from dask.distributed import Client, LocalCluster

    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": ":0"}
    with LocalCluster(**options, **more) as processes, Client(processes) as client:
        client.amm.stop()
        client.scatter = partial(client.scatter, broadcast=True)
        yield client


def warm_up() -> None:
    """Import what a fit needs."""
    from skbag import EmbeddingBagClassifier

    EmbeddingBagClassifier(random_state=0).fit(["one text", "another"] * 9, [0, 1] * 9)


def count_bytes(name: str) -> None:
    """Count what this process sends from now on; see `bytes_sent`."""
    from distributed.comm import tcp

    write = tcp.TCP.write
    sent: Counter[str] = Counter()

    async def counted(self: Any, *args: Any, **more: Any) -> Any:
        n_bytes = await write(self, *args, **more)
        sent[self.peer_address] += n_bytes
        return n_bytes

    tcp.TCP.write = counted
    tcp.sent = sent


def bytes_sent() -> dict[str, int]:
    """Bytes that this process has sent, by address."""
    from distributed.comm import tcp

    return dict(tcp.sent)


class Wire:
    """What the client, the scheduler and the workers send, the latter's results too."""

    def __init__(self, client: Any) -> None:
        self.client = client
        count_bytes("client")
        client.run(count_bytes, "worker")
        self.restart()

    def _now(self) -> Counter[str]:
        here, found = bytes_sent(), Counter()
        found["client"] = here.get(self.client.scheduler.address, 0)
        found["scheduler"] = sum(here.values()) - found["client"]
        for sent in self.client.run(bytes_sent).values():
            found["workers"] += sum(sent.values())
        return found

    def restart(self) -> None:
        """Count from zero."""
        self.before = self._now()

    def sent(self) -> dict[str, float]:
        """Megabytes since then."""
        now = self._now()
        return {name: (now[name] - self.before[name]) / 1e6 for name in now}


def seconds(run: Callable[[], Any]) -> float:
    """Run once, by the clock."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def in_turns(
    runs: dict[str, Callable[[], Any]], repeats: int
) -> dict[str, list[float]]:
    """Seconds of each, measured in turns."""
    found: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            found[name].append(seconds(run))
    return found


# -- search ----------------------------------------------------------------------------


def make_search() -> Any:
    from sklearn.model_selection import GridSearchCV

    from skbag import EmbeddingBagClassifier

    estimator = EmbeddingBagClassifier(random_state=0)
    return GridSearchCV(estimator, GRID, cv=3, refit=False, error_score="raise")


def search_rows(
    name: str, texts: list[str], labels: list[str], repeats: int
) -> Iterator[str]:
    """Rows: seconds of the search, and what was sent."""
    n_bytes = sum(len(text.encode()) for text in texts) / 1e6
    y = np.array(labels)
    forms = {"list": texts, "array": np.array(texts, dtype=object)}
    scores = []

    def search(backend: dict[str, Any], X: Any) -> None:
        with joblib.parallel_config(**backend):
            found = make_search().fit(X, y).cv_results_["mean_test_score"]
        scores.append(found)

    loky = {"backend": "loky", "n_jobs": 2, "inner_max_num_threads": 1}
    with cluster() as plain, cluster(preload=[SHARE_TOKENS]) as sharing:
        runs = {
            "loky, list": partial(search, loky, forms["list"]),
            "dask, list": partial(
                search, {"backend": "dask", "client": plain}, forms["list"]
            ),
            "dask, array": partial(
                search, {"backend": "dask", "client": plain}, forms["array"]
            ),
            "dask, array, tokens shared": partial(
                search, {"backend": "dask", "client": sharing}, forms["array"]
            ),
        }
        for client in (plain, sharing):
            client.run(warm_up)
        wire = Wire(plain)
        sent = {}
        for way in ("dask, list", "dask, array"):
            wire.restart()
            runs[way]()
            sent[way] = wire.sent()
        runs["loky, list"]()
        # Each search reads its folds anew: what is shared must not outlive a search.
        found: dict[str, list[float]] = {way: [] for way in runs}
        for _ in range(repeats):
            for way, run in runs.items():
                if "shared" in way:
                    sharing.run(forget_tokens)
                found[way].append(seconds(run))
    assert all(np.array_equal(scores[0], other) for other in scores)
    base = found["loky, list"]
    for way, taken in found.items():
        ratio = statistics.median(a / b for a, b in zip(taken, base, strict=True))
        row = f"| {name} | {n_bytes:.1f} | {way} | {statistics.median(taken):.1f} | {ratio:.2f} "
        if way in sent:
            row += (
                f"| {sent[way]['client']:.1f} | {sent[way]['client'] / n_bytes:.1f} |"
            )
        else:
            row += "| | |"
        yield row


def forget_tokens() -> None:
    """Empty what this worker shares."""
    import gc

    from skbag._text.token_cache import _Learnt

    for each in gc.get_objects():
        if type(each).__name__ == "deque" and each and isinstance(each[0], _Learnt):
            each.clear()


# -- scoring ---------------------------------------------------------------------------


def label(texts: Any, model: Any) -> Any:
    """Labels of a part of a column."""
    import pandas as pd

    return pd.Series(model.predict(texts), index=texts.index, dtype="str")


def label_file(path: str, model: Any) -> int:
    """Score a file batch by batch, and count."""
    import pyarrow.parquet

    n_texts = 0
    with pyarrow.parquet.ParquetFile(path) as source:
        for batch in source.iter_batches(10_000, columns=["text"]):
            n_texts += len(model.predict(batch["text"]))
    return n_texts


def peak_memory() -> float:
    """Most MB that this process has had in memory (Linux)."""
    # Not getrusage: it counts what the process was before it became this program.
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def scoring_rows(
    name: str, train: Any, texts: list[str], repeats: int, n_parts: int = 40
) -> Iterator[str]:
    """Rows: texts a second, and what was sent."""
    import dask
    import dask.dataframe as dd
    import pandas as pd
    import pyarrow as pa
    import pyarrow.dataset
    import pyarrow.parquet

    import skbag

    clf = skbag.EmbeddingBagClassifier(random_state=0).fit(*train)
    size = len(pickle.dumps(clf)) / 1e6
    meta = pd.Series(dtype="str")
    with tempfile.TemporaryDirectory() as home, cluster() as client:
        folder, path = Path(home, "texts"), Path(home, "model")
        folder.mkdir()
        skbag.save(clf, path)
        for i, part in enumerate(np.array_split(np.arange(len(texts)), n_parts)):
            table = pa.table({"text": [texts[j] for j in part]})
            pyarrow.parquet.write_table(table, folder / f"{i:03d}.parquet")

        def read() -> Any:
            return dd.read_parquet(folder, columns=["text"])["text"]

        def by_partition(model: Any) -> None:
            labels = read().map_partitions(label, model, meta=meta)
            assert len(labels.compute()) == len(texts)

        def by_file() -> None:
            model = client.scatter(clf, broadcast=True, hash=False)
            files = pyarrow.dataset.dataset(folder).files
            done = client.map(label_file, files, model=model, pure=False)
            assert sum(client.gather(done)) == len(texts)

        def by_batch(n_jobs: int) -> None:
            clf.set_params(n_jobs=n_jobs)
            batches = pyarrow.dataset.dataset(folder).to_batches(columns=["text"])
            n_texts = sum(len(clf.predict(batch["text"])) for batch in batches)
            assert n_texts == len(texts)

        def plain(n_jobs: int) -> None:
            clf.set_params(n_jobs=n_jobs).predict(texts)

        ways: dict[str, Callable[[], Any]] = {
            "predict, a list, 1 thread": partial(plain, 1),
            "predict, a list, 2 threads": partial(plain, 2),
            "Arrow dataset by batches, 1 thread": partial(by_batch, 1),
            "dask, 2 workers, the model itself": lambda: by_partition(clf),
            "dask, 2 workers, `delayed(clf)`": lambda: by_partition(dask.delayed(clf)),
            "dask, 2 workers, `delayed(skbag.load)(path)`": lambda: by_partition(
                dask.delayed(skbag.load)(path)
            ),
            "dask, 2 workers, a file each, `scatter`": by_file,
        }
        start = max(client.run(peak_memory).values())
        wire, sent = Wire(client), {}
        for way, run in ways.items():
            wire.restart()
            run()
            sent[way] = wire.sent()
        peak = max(client.run(peak_memory).values())
        found = in_turns(ways, repeats)
    base = found["predict, a list, 1 thread"]
    for way, taken in found.items():
        ratio = statistics.median(b / a for a, b in zip(taken, base, strict=True))
        rate = len(texts) / statistics.median(taken)
        row = f"| {name} | {size:.1f} | {way} | {rate:,.0f} | {ratio:.2f} |"
        for sender in ("client", "scheduler", "workers"):
            row += f" {sent[way][sender]:.1f} |" if "dask" in way else " |"
        yield row
    yield f"| {name} | | most memory of a worker, MB | {start:.0f} at first, {peak:.0f} | | | | |"


SEARCH_HEAD = """\
| data | MB of texts | search | s | ratio | MB sent | times the texts |
| --- | --- | --- | --- | --- | --- | --- |"""
SCORING_HEAD = """\
| data | MB of model | how | texts/s | ratio | client MB | scheduler MB | workers MB |
| --- | --- | --- | --- | --- | --- | --- | --- |"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--names", nargs="+", default=["20news", "debian_section"])
    parser.add_argument("--texts", type=int, default=5000)
    parser.add_argument("--scored", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", nargs="+", default=["search", "scoring"])
    options = parser.parse_args()
    data.check(options.data, options.names)
    if "search" in options.only:
        print(SEARCH_HEAD)
        for name in options.names:
            texts, labels = data.read(options.data, name, "train")
            n = options.texts
            for row in search_rows(name, texts[:n], labels[:n], options.repeats):
                print(row, flush=True)
    if "scoring" in options.only:
        print(SCORING_HEAD)
        for name in options.names:
            train = data.read(options.data, name, "train")
            texts, _ = data.read(options.data, name, "test")
            texts = (texts * (options.scored // len(texts) + 1))[: options.scored]
            for row in scoring_rows(name, train, texts, options.repeats):
                print(row, flush=True)


if __name__ == "__main__":
    main()
