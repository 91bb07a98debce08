"""Small corpora with a clear signal, and an estimator that repeats itself."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import combinations, product
from pathlib import Path
from typing import NamedTuple

import hypothesis
import numpy as np
import pytest

from tests import compiled_modules

# First of all: a module older than its source fails as if the source were wrong.
if names := compiled_modules.outdated(Path(__file__).parents[1] / "skbag"):
    pytest.exit(compiled_modules.MESSAGE.format(names=", ".join(names)), returncode=4)

from skbag import EmbeddingBagClassifier, EmbeddingBagRegressor
from skbag.datasets import load_docstrings
from tests.new_process import NewProcesses

LONG = os.environ.get("SKBAG_LONG") == "1"
"""Whether the tests that try many cases try all that docs/reliability.md tells of."""

# The same examples in every run: what the long form finds gets a test of its own.
hypothesis.settings.register_profile("short", deadline=None, derandomize=True)
hypothesis.settings.register_profile("long", deadline=None, max_examples=2000)
hypothesis.settings.load_profile("long" if LONG else "short")

# -- what a test may use ---------------------------------------------------------------

MOST_SECONDS = 2.0
"""Of processor time, for a test that is not marked; see CONTRIBUTING.md."""


def seconds_used() -> float:
    """Processor time of this process and of those it started that have ended.

    Not the time that passes: a busy machine makes no test fail.
    """
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def slowness() -> float:
    """How many times as long as usual a piece of work takes now, 1 at least."""
    started = time.process_time()
    sum(i * i for i in range(300_000))
    return max(1.0, (time.process_time() - started) / 0.0105)


@pytest.fixture(scope="session", autouse=True)
def what_a_fit_imports():
    """Import it before the first test, which would be charged for it."""
    import torch.optim  # noqa: F401

    import skbag._training.fit  # noqa: F401


SLOW_DOCTESTS = {
    "skbag.datasets._docstrings.load_docstrings",
    "skbag.displays._training_history.TrainingHistoryDisplay",
    "skbag.tuning.TimedSearchCV",
}


def pytest_collection_modifyitems(items):
    """Mark examples of docstrings, which cannot mark themselves."""
    for item in items:
        if item.name in SLOW_DOCTESTS:
            item.add_marker("slow")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Fail a test that uses much more time than it says by its marks."""
    before = seconds_used()
    result = yield
    used = seconds_used() - before
    marked = item.get_closest_marker("slow") or item.get_closest_marker("cluster")
    if marked or LONG or used <= MOST_SECONDS:
        return result
    # Processors differ, and share their caches with other work.
    allowed = MOST_SECONDS * slowness()
    if used > allowed:
        pytest.fail(
            f"{item.nodeid} used {used:.1f} s of processor time; a test that is not "
            f"marked may use {allowed:g} s. Try it on less, fit what several "
            "tests only read once in a fixture of the module, or mark it "
            "pytest.mark.slow (pytest.mark.cluster if it starts a cluster).",
            pytrace=False,
        )
    return result


# -- many cases, or some of them -------------------------------------------------------


def rotating(**axes):
    """Parametrize a test over the values of several axes: all combinations, or some.

    The long form takes all. The short form takes as many as the longest axis has
    values: each with a value of every other axis, which take turns so that each is
    taken about as often as the next, with others than before.

    Parameters
    ----------
    **axes : dict or iterable
        By the name of the argument: the values, or a dict from their ids to them.
    """
    named = [
        list(axis.items()) if isinstance(axis, dict) else [(str(v), v) for v in axis]
        for axis in axes.values()
    ]
    lengths = [len(axis) for axis in named]
    rows = product(*map(range, lengths)) if LONG else turns(lengths)
    cases = [[named[i][place] for i, place in enumerate(row)] for row in rows]
    return pytest.mark.parametrize(
        list(axes),
        [[value for _, value in case] for case in cases],
        ids=["-".join(name for name, _ in case) for case in cases],
    )


def examples(n):
    """Let hypothesis try n examples, or in the long form as many as of any test.

    For a check that is made of each of many cases.
    """
    return hypothesis.settings() if LONG else hypothesis.settings(max_examples=n)


def turns(lengths):
    """Rows of places, one in each axis; the longest axis once through."""
    first, *others = sorted(range(len(lengths)), key=lambda axis: -lengths[axis])
    taken = Counter()
    for place in range(lengths[first]):
        row = [(first, place)]
        for axis in others:
            # The place taken least; of several that least beside the rest of the row.
            places = [(axis, place) for place in range(lengths[axis])]
            row.append(
                min(
                    places,
                    key=lambda new: (taken[new], sum(taken[old, new] for old in row)),
                )
            )
        taken.update([*row, *combinations(row, 2)])
        yield [place for _, place in sorted(row)]


# -- texts -----------------------------------------------------------------------------

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


@pytest.fixture(scope="session")
def n_cases():
    """Return a function that picks how many cases to try: in CI, or in the long form.

    The long form is asked for by the environment variable ``SKBAG_LONG=1``.
    """
    return lambda short, long: long if LONG else short


def lent(make):
    """Make something once for all tests, which must leave it as it is."""
    made = make()
    yield made
    for found, expected in zip(made, make(), strict=True):
        assert list(map(str, found)) == list(map(str, expected)), (
            "a test has changed it"
        )


@pytest.fixture(scope="session")
def corpus() -> Iterator[Corpus]:
    """120 short texts of three classes, 40 of each."""
    yield from lent(lambda: make_corpus(TOPICS, 120, seed=0))


@pytest.fixture(scope="session")
def new_corpus() -> Iterator[Corpus]:
    """60 more of the same kind."""
    yield from lent(lambda: make_corpus(TOPICS, 60, seed=1))


@pytest.fixture(scope="session")
def binary_corpus() -> Iterator[Corpus]:
    """100 short texts of two classes, 50 of each."""
    yield from lent(lambda: make_corpus(OPINIONS, 100, seed=2))


@pytest.fixture(scope="session")
def labels_corpus(corpus):
    """The texts of `corpus` with four labels: the three classes, and every other."""

    def make():
        names = sorted(set(corpus.labels))
        y = [
            [*(int(label == name) for name in names), i % 2]
            for i, label in enumerate(corpus.labels)
        ]
        return corpus.texts, np.array(y)

    yield from lent(make)


@pytest.fixture(scope="session")
def many_corpus() -> Iterator[Corpus]:
    """1000 texts of 500 classes, as many as make an adaptive softmax one."""

    def make():
        texts = [f"word{i % 500} is number{i % 23} and {i % 7}" for i in range(1000)]
        return Corpus(texts, [f"class {i % 500}" for i in range(1000)])

    yield from lent(make)


@pytest.fixture(scope="session")
def make_classifier():
    """Return a classifier with a fixed `random_state`, otherwise as asked for."""

    def make(**parameters) -> EmbeddingBagClassifier:
        return EmbeddingBagClassifier(**{"random_state": 0, **parameters})

    return make


NUMBERS = {"garden": 2.0, "kitchen": 5.0, "sea": 11.0}
"""What the texts of each class of `corpus` are about, as a number."""


class Numbered(NamedTuple):
    texts: list[str]
    y: list[float]


def numbered(corpus: Corpus) -> Numbered:
    """Numbers that follow from the words, and one text in four half a unit above."""
    y = [NUMBERS[label] + 0.5 * (i % 4 == 0) for i, label in enumerate(corpus.labels)]
    return Numbered(corpus.texts, y)


@pytest.fixture(scope="session")
def numbers_corpus(corpus) -> Iterator[Numbered]:
    """The texts of `corpus` with numbers."""
    yield from lent(lambda: numbered(corpus))


@pytest.fixture(scope="session")
def new_numbers_corpus(new_corpus) -> Iterator[Numbered]:
    """Those of `new_corpus`."""
    yield from lent(lambda: numbered(new_corpus))


@pytest.fixture(scope="session")
def make_regressor():
    """Return a regressor with a fixed `random_state`, otherwise as asked for."""

    def make(**parameters) -> EmbeddingBagRegressor:
        return EmbeddingBagRegressor(**{"random_state": 0, **parameters})

    return make


@pytest.fixture(scope="session")
def docstrings_folder(tmp_path_factory):
    """The folder of the texts of `load_docstrings`, which take ten seconds to read.

    The processes of one run of the tests share it; the first to come reads them.
    """
    folder = os.environ.get("SKBAG_DATA")
    if folder is None:
        base = tmp_path_factory.getbasetemp()
        # Each worker of pytest-xdist has a folder in one that all of them share.
        base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
        folder = str(base / "docstrings")
        try:
            (base / "docstrings are being read").mkdir()
        except FileExistsError:
            until = time.monotonic() + 60
            while not (base / "docstrings are read").exists():
                if time.monotonic() > until:
                    break  # They are read again, by whoever needs them.
                time.sleep(0.1)
            return folder
        load_docstrings(data_home=folder)
        (base / "docstrings are read").mkdir()
    return folder


@pytest.fixture(scope="session")
def new_process(tmp_path_factory):
    """Return a function that runs a program, with arguments, in a new process.

    In it skbag has been imported, with what that imports, and nothing besides.
    """
    processes = NewProcesses(lambda: tmp_path_factory.mktemp("process"))
    yield processes.run
    processes.close()


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
