"""Small corpora with a clear signal, and an estimator that repeats itself."""

from __future__ import annotations

import os
import random
from collections import Counter
from contextlib import ExitStack, contextmanager, suppress
from typing import NamedTuple

import hypothesis
import numpy as np
import pytest

from skbag import EmbeddingBagClassifier

LONG = os.environ.get("SKBAG_LONG") == "1"
"""Whether the tests that try many cases try all that docs/reliability.md tells of."""

# The same examples in every run: what the long form finds gets a test of its own.
hypothesis.settings.register_profile("short", deadline=None, derandomize=True)
hypothesis.settings.register_profile("long", deadline=None, max_examples=2000)
hypothesis.settings.load_profile("long" if LONG else "short")

TOPICS = {
    "kitchen": "bake butter dough flour garlic kettle onion oven recipe salt soup",
    "sea": "anchor captain coast fleet harbour island sail ship storm tide wave",
    "garden": "blossom compost fern hedge ivy lawn mulch orchard petal root shrub",
}
OPINIONS = {
    "bad": "awful boring broken clumsy dreadful dull poor slow tedious useless weak",
    "good": "best bright brilliant charming clever fine great lovely quick smart warm",
}
FILLERS = (
    "a and at by for from had in it of on one over so that the then this to was with"
)


class Corpus(NamedTuple):
    texts: list[str]
    labels: list[str]


def make_corpus(topics: dict[str, str], n_texts: int, seed: int) -> Corpus:
    """Texts of three topic words and four fillers each, classes taking turns."""
    rng = random.Random(seed)
    names, fillers = list(topics), FILLERS.split()
    texts, labels = [], []
    for i in range(n_texts):
        label = names[i % len(names)]
        words = rng.sample(topics[label].split(), 3) + rng.choices(fillers, k=4)
        rng.shuffle(words)
        texts.append(" ".join(words).capitalize() + rng.choice(".!?"))
        labels.append(label)
    return Corpus(texts, labels)


@pytest.fixture
def n_cases():
    """Return a function that picks how many cases to try: in CI, or in the long form.

    The long form is asked for by the environment variable ``SKBAG_LONG=1``.
    """
    return lambda short, long: long if LONG else short


@pytest.fixture
def corpus() -> Corpus:
    """120 short texts of three classes, 40 of each."""
    return make_corpus(TOPICS, 120, seed=0)


@pytest.fixture
def new_corpus() -> Corpus:
    """60 more of the same kind."""
    return make_corpus(TOPICS, 60, seed=1)


@pytest.fixture
def binary_corpus() -> Corpus:
    """100 short texts of two classes, 50 of each."""
    return make_corpus(OPINIONS, 100, seed=2)


@pytest.fixture
def labels_corpus(corpus):
    """The texts of `corpus` with four labels: the three classes, and every other."""
    names = sorted(set(corpus.labels))
    y = [
        [*(int(label == name) for name in names), i % 2]
        for i, label in enumerate(corpus.labels)
    ]
    return corpus.texts, np.array(y)


@pytest.fixture
def many_corpus() -> Corpus:
    """1000 texts of 500 classes, as many as make an adaptive softmax one."""
    texts = [f"word{i % 500} is number{i % 23} and {i % 7}" for i in range(1000)]
    return Corpus(texts, [f"class {i % 500}" for i in range(1000)])


@pytest.fixture
def make_classifier():
    """Return a classifier with a fixed `random_state`, otherwise as asked for."""

    def make(**parameters) -> EmbeddingBagClassifier:
        return EmbeddingBagClassifier(**{"random_state": 0, **parameters})

    return make


# -- a cluster of two worker processes, for the tests that need one --------------------


@contextmanager
def dask_cluster(settings=None, **more):
    """A client of a new cluster; in the end no process of it is left."""
    reason = "needs a Dask cluster: pip install dask[dataframe] distributed"
    pytest.importorskip("dask.dataframe", reason=reason)
    distributed = pytest.importorskip("distributed", reason=reason)
    import dask
    import psutil

    def workers():
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if "spawn_main" in " ".join(process.cmdline()):
                    yield process

    before = set(workers())
    # A worker that has died is noticed within seconds, not within half a minute.
    settings = {"distributed.comm.timeouts.connect": "5s", **(settings or {})}
    options = {
        "n_workers": 2,
        "threads_per_worker": 1,
        "processes": True,
        "dashboard_address": ":0",
        **more,
    }
    with dask.config.set(settings):
        with distributed.LocalCluster(**options) as cluster:
            with distributed.Client(cluster) as client:
                yield client
    _, alive = psutil.wait_procs(set(workers()) - before, timeout=20)
    assert not alive


@pytest.fixture(scope="module")
def dask_client():
    """A client of a cluster that the tests of a module share; none of them kills it."""
    with dask_cluster() as client:
        yield client


@pytest.fixture
def start_dask():
    """Return a function that starts a cluster of its own and gives a client."""
    with ExitStack() as stack:
        yield lambda *args, **more: stack.enter_context(dask_cluster(*args, **more))


@pytest.fixture
def sent_bytes(monkeypatch):
    """Return a function that counts the bytes that leave this process from now on.

    By who sends them: the client, or the scheduler of its cluster.
    """

    def count(client):
        from distributed.comm import tcp

        sent, write, address = Counter(), tcp.TCP.write, client.scheduler.address

        async def counted(self, *args, **more):
            n_bytes = await write(self, *args, **more)
            sender = "client" if self.peer_address == address else "scheduler"
            sent[sender] += n_bytes
            return n_bytes

        monkeypatch.setattr(tcp.TCP, "write", counted)
        return sent

    return count
