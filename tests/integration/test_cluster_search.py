"""A search on a cluster finds what it finds at home, whatever happens to a worker."""

from __future__ import annotations

import os
import signal
import sys
import time
import warnings
import zlib
from functools import partial
from itertools import count
from pathlib import Path

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.stats import loguniform
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingRandomSearchCV
from sklearn.utils import _safe_indexing

import skbag.tuning
from skbag.tuning import TimedSearchCV
from tests.conftest import rotating

pytestmark = pytest.mark.cluster

GRID = {"alpha": [1e-5, 1e-3], "loss": ["squared_hinge", "cross_entropy"]}
N_TASKS = 4 * 2


def score_and_digest(estimator, X, y):
    """The score, and a number made of every bit of the table."""
    digest = zlib.crc32(np.ascontiguousarray(estimator.embedding_).tobytes())
    return {"score": estimator.score(X, y), "digest": digest}


def grid_search(estimator):
    return GridSearchCV(estimator, GRID, cv=2, scoring=score_and_digest, refit="score")


def halving_search(estimator):
    return HalvingRandomSearchCV(
        estimator, GRID, n_candidates=4, min_resources=60, cv=2, random_state=0
    )


def timed_search(estimator):
    space = {"alpha": loguniform(1e-7, 1e-3), "loss": GRID["loss"]}
    return TimedSearchCV(estimator, space, time_budget=100, random_state=0)


SEARCHES = [grid_search, halving_search, timed_search]


@pytest.fixture
def texts(corpus):
    """600 texts; the index arrays of their folds are large enough to be scattered."""
    return np.array([f"{text} {i}" for i, text in enumerate(corpus.texts * 5)], object)


@pytest.fixture
def labels(corpus):
    return np.array(corpus.labels * 5)


@pytest.fixture
def make_quick(make_classifier):
    """Return a classifier that fits in a moment."""
    return partial(make_classifier, max_iter=1)


@pytest.fixture
def seconds_by_count(monkeypatch):
    """A clock that tells the number of times it was asked, the same on any machine."""

    def restart():
        monkeypatch.setattr(skbag.tuning, "perf_counter", count(step=10).__next__)

    return restart


def without_times(results):
    return {name: values for name, values in results.items() if "time" not in name}


def assert_same_search(one, other):
    results, expected = map(without_times, (one.cv_results_, other.cv_results_))
    assert list(results) == list(expected)
    for name in results:
        assert_array_equal(results[name], expected[name])
    assert one.best_params_ == other.best_params_
    for name in ("embedding_", "coef_", "intercept_", "inverse_temperature_"):
        models = one.best_estimator_, other.best_estimator_
        assert_array_equal(*(getattr(model, name) for model in models))


@pytest.fixture
def search_by_loky(texts, labels, make_quick, seconds_by_count):
    """Return a function that makes a search, in worker processes of joblib's own."""

    def search(make_search):
        seconds_by_count()
        with joblib.parallel_config(backend="loky", n_jobs=2):
            return make_search(make_quick()).fit(texts, labels)

    return search


# -- dask ------------------------------------------------------------------------------


@pytest.mark.parametrize("make_search", SEARCHES)
def test_the_same_as_by_loky(
    make_search,
    search_by_loky,
    dask_client,
    texts,
    labels,
    make_quick,
    seconds_by_count,
):
    expected = search_by_loky(make_search)
    seconds_by_count()
    with joblib.parallel_config(backend="dask", client=dask_client):
        found = make_search(make_quick()).fit(texts, labels)
    assert_same_search(found, expected)


def as_series(texts):
    return pytest.importorskip("pandas").Series(texts)


def as_arrow(texts):
    texts = pytest.importorskip("pyarrow").array(texts)
    if not isinstance(_safe_indexing(texts, np.array([0])), type(texts)):
        pytest.skip("this scikit-learn cannot cut arrays of Arrow into folds")
    return texts


FORMS = {
    "object array": lambda texts: texts,
    "Series": as_series,
    "Arrow array": as_arrow,
}


@pytest.mark.parametrize("form", [*FORMS, "list", "list, scattered"])
def test_texts_are_sent_once_but_in_a_list(
    form, dask_client, texts, labels, make_quick, sent_bytes
):
    texts = texts * 10  # each ten times as long
    X = FORMS[form](texts) if form in FORMS else texts.tolist()
    scatter = {"scatter": [X]} if "scattered" in form else {}
    search = GridSearchCV(make_quick(), GRID, cv=2, refit=False)
    sent = sent_bytes(dask_client)
    with joblib.parallel_config(backend="dask", client=dask_client, **scatter):
        search.fit(X, labels)
    # The rest is parameters, labels, index arrays and what a cluster has to talk about.
    n_bytes, rest = sum(map(len, texts)), 20_000 * N_TASKS
    if form == "list":
        # Not once for each fit: joblib may put short fits into one task.
        assert sent["client"] > 3 * n_bytes
    else:
        assert n_bytes < sent["client"] < 2 * n_bytes + rest


def threads_seen(estimator, X, y):
    import torch

    from skbag._core.threads import n_threads

    return {"torch": torch.get_num_threads(), "skbag": n_threads(estimator.n_jobs)}


@pytest.mark.parametrize("n_jobs", [None, 1, 2])
def test_a_worker_uses_one_thread_unless_asked_for_more(
    n_jobs, dask_client, corpus, make_quick
):
    search = GridSearchCV(
        make_quick(n_jobs=n_jobs), {}, cv=2, scoring=threads_seen, refit=False
    )
    with joblib.parallel_config(backend="dask", client=dask_client):
        search.fit(*corpus)
    assert search.cv_results_["mean_test_skbag"] == [n_jobs or 1]
    assert search.cv_results_["mean_test_torch"] == [1]  # put back after the fit


SHARING = """
from skbag.tuning import shared_tokens

sharing = shared_tokens()

def dask_setup(worker):
    sharing.__enter__()
"""


def n_shared():
    from skbag._text.token_cache import _shared

    kept = _shared.get()
    return None if kept is None else len(kept)


def test_workers_share_tokens_where_they_start_with_it(
    start_dask, search_by_loky, texts, labels, make_quick
):
    expected = search_by_loky(grid_search)
    client = start_dask(preload=[SHARING])
    with joblib.parallel_config(backend="dask", client=client):
        found = grid_search(make_quick()).fit(texts, labels)
    assert_same_search(found, expected)
    kept = [
        client.submit(n_shared, workers=[worker], pure=False).result()
        for worker in client.scheduler_info()["workers"]
    ]
    # Once for each fold, at most, whatever the number of candidates.
    assert all(1 <= n <= 3 for n in kept)


def test_sharing_here_does_not_reach_the_workers(
    dask_client, texts, labels, make_quick
):
    search = GridSearchCV(make_quick(), {"alpha": [1e-5]}, cv=2, refit=False)
    with skbag.tuning.shared_tokens():
        with joblib.parallel_config(backend="dask", client=dask_client):
            search.fit(texts, labels)
        assert n_shared() == 0
    assert dask_client.submit(n_shared, pure=False).result() is None


# -- workers that die ------------------------------------------------------------------


class KillsWorkers:
    """Scores; and kills processes: once, from the n-th time on, or else every time.

    Parameters
    ----------
    folder : Path
        Where it counts, over all processes.
    when : int or None
    whom : list of int
        Process numbers; by default the one in which it is called.
    """

    def __init__(self, folder, when=None, whom=()):
        self.folder, self.when, self.whom = folder, when, whom
        self.home = os.getpid()

    def __call__(self, estimator, X, y):
        n_scored, own = self.count(), os.getpid()
        # At home, too: joblib works there while the cluster has one thread left.
        if own != self.home and self.is_time(n_scored):
            # What is on its way to other tasks gets there.
            time.sleep(1)
            for pid in [*(pid for pid in self.whom if pid != own), own]:
                os.kill(pid, signal.SIGKILL)
        return estimator.score(X, y)

    def is_time(self, n_scored):
        """Whether to kill now."""
        if self.when is None:
            return True
        if n_scored < self.when:
            return False
        try:
            self.folder.with_name(f"{self.folder.name}_killed").touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    def count(self):
        """How many calls came before; no two processes get the same number."""
        for number in count():
            try:
                (self.folder / str(number)).touch(exist_ok=False)
            except FileExistsError:
                continue
            return number


def keep_all_data_twice(client):
    """Let no worker be the only one that holds something sent once."""
    client.amm.stop()
    client.scatter = partial(client.scatter, broadcast=True)


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
@rotating(make_search={"grid": grid_search, "halving": halving_search}, when=[0, 5])
def test_a_worker_killed_in_the_middle_does_not_lose_the_search(
    make_search, when, start_dask, tmp_path, texts, labels, make_quick
):
    expected = make_search(make_quick())
    expected.set_params(scoring=None, refit=True).fit(texts, labels)
    client = start_dask()
    keep_all_data_twice(client)
    before = set(client.run(os.getpid).values())
    search = make_search(make_quick())
    search.set_params(scoring=KillsWorkers(tmp_path, when), refit=True)
    with joblib.parallel_config(backend="dask", client=client):
        search.fit(texts, labels)
    assert_same_search(search, expected)
    client.wait_for_workers(2, timeout=120)
    after = set(client.run(os.getpid).values())
    assert len(before - after) == len(after - before) == 1
    n_fits = len(list(tmp_path.iterdir()))
    assert n_fits > 2 * len(search.cv_results_["params"])


def dask_that_gives_up(client):
    """The same backend for which a task that dask has given up is an error.

    joblib's own waits for it without end: it calls back for results only.
    """
    from joblib._dask import DaskDistributedBackend

    def submit(self, func, callback=None):
        future = DaskDistributedBackend.submit(self, func, callback)
        future.add_done_callback(
            lambda done: done.exception() and callback(done.exception())
        )
        return future

    def retrieve(self, out):
        if isinstance(out, BaseException):
            raise out
        return DaskDistributedBackend.retrieve_result_callback(self, out)

    class GivesUp(DaskDistributedBackend):
        pass

    GivesUp.submit = submit
    GivesUp.retrieve_result_callback = retrieve
    return GivesUp(client=client)


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_task_that_kills_its_workers_is_an_error(
    start_dask, tmp_path, texts, labels, make_quick
):
    from distributed import KilledWorker

    client = start_dask({"distributed.scheduler.allowed-failures": 0})
    keep_all_data_twice(client)
    backend = dask_that_gives_up(client)
    if not hasattr(type(backend).__mro__[1], "submit"):
        pytest.skip("this joblib has another name for what is changed here")
    search = GridSearchCV(make_quick(), GRID, scoring=KillsWorkers(tmp_path))
    with joblib.parallel_config(backend=backend):
        with pytest.raises(KilledWorker, match=r"_fit_and_score.* on 1 different"):
            search.fit(texts, labels)


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_data_lost_with_its_last_worker_is_an_error(
    start_dask, tmp_path, texts, labels, make_quick
):
    from distributed.client import FutureCancelledError

    client = start_dask()
    scoring = KillsWorkers(tmp_path, 2, list(client.run(os.getpid).values()))
    search = GridSearchCV(make_quick(), GRID, scoring=scoring)
    with joblib.parallel_config(backend="dask", client=client):
        # An older joblib stumbles over the error, which it still names.
        seen = "_fit_and_score|'FutureCancelledError' object"
        with pytest.raises((FutureCancelledError, TypeError), match=seen):
            search.fit(texts, labels)


def test_a_cluster_without_workers_is_an_error(start_dask, corpus, make_quick):
    client = start_dask(n_workers=0)
    search = GridSearchCV(make_quick(), GRID)
    backend = {"backend": "dask", "client": client, "wait_for_workers_timeout": 1}
    with joblib.parallel_config(**backend):
        with pytest.raises(TimeoutError, match="has no worker after 1 seconds"):
            search.fit(*corpus)


def test_a_candidate_that_cannot_be_fitted_says_why(dask_client, corpus, make_quick):
    grid = {"alpha": [1e-5, -1.0]}
    search = GridSearchCV(make_quick(), grid, cv=2, error_score="raise")
    with joblib.parallel_config(backend="dask", client=dask_client):
        with pytest.raises(ValueError, match=r"'alpha' parameter .* Got -1.0 instead"):
            search.fit(*corpus)


def test_bad_texts_are_named_by_the_worker(dask_client, corpus, make_quick):
    texts = np.array([None, *corpus.texts[1:]], dtype=object)
    search = GridSearchCV(make_quick(), GRID, cv=2, error_score="raise")
    with joblib.parallel_config(backend="dask", client=dask_client):
        with pytest.raises(ValueError, match="item at position 0 is None"):
            search.fit(texts, corpus.labels)


# -- ray -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ray_cluster():
    """Ray on this machine, with two workers, as a backend of joblib."""
    ray = pytest.importorskip("ray", reason="needs Ray: pip install ray")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Ray's, about its own coming versions
        from ray.util.joblib import register_ray

        # Its workers do not look for modules where this process does.
        paths = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
        ray.init(
            num_cpus=2,
            include_dashboard=False,
            log_to_driver=False,
            object_store_memory=100 * 2**20,
            runtime_env={"env_vars": {"PYTHONPATH": paths}},
        )
        register_ray()
        yield ray
        ray.shutdown()


# Each round of a search starts new processes: a timed search works as well, and takes
# a minute to say so.
@pytest.mark.parametrize("make_search", [grid_search, halving_search])
def test_ray_finds_the_same(
    make_search,
    search_by_loky,
    ray_cluster,
    texts,
    labels,
    make_quick,
    seconds_by_count,
):
    expected = search_by_loky(make_search)
    seconds_by_count()
    with joblib.parallel_config(backend="ray", n_jobs=2):
        found = make_search(make_quick()).fit(texts, labels)
    assert_same_search(found, expected)


class CountedList(list):
    """Texts that count how many times they are pickled."""

    n_pickled = 0

    def __reduce_ex__(self, protocol):
        self.n_pickled += 1
        return list, (list(self),)


def test_ray_sends_texts_once_if_it_knows_this_joblib(
    ray_cluster, texts, labels, make_quick
):
    from ray.util.multiprocessing.pool import BatchedCalls

    X = CountedList(texts.tolist())
    search = GridSearchCV(make_quick(), GRID, cv=2, refit=False)
    with joblib.parallel_config(backend="ray", n_jobs=2):
        search.fit(X, labels)
    # Where it looks for a class that joblib no longer has, it sends them each time.
    assert X.n_pickled == (N_TASKS if BatchedCalls is None else 1)


RESTARTS = {"max_restarts": 3, "max_task_retries": 3}


@pytest.mark.parametrize("remote_args", [RESTARTS, {}], ids=["restarts", "default"])
def test_ray_goes_on_after_a_killed_worker_if_asked_to(
    remote_args, ray_cluster, tmp_path, texts, labels, make_quick
):
    scoring = KillsWorkers(tmp_path, 3)
    search = GridSearchCV(make_quick(), GRID, cv=2, scoring=scoring)
    with joblib.parallel_config(
        backend="ray", n_jobs=2, ray_remote_args=dict(remote_args)
    ):
        if not remote_args:
            died = ray_cluster.exceptions.ActorDiedError
            with pytest.raises(died, match="actor died unexpectedly"):
                search.fit(texts, labels)
            return
        search.fit(texts, labels)
    expected = GridSearchCV(make_quick(), GRID, cv=2).fit(texts, labels)
    assert_same_search(search, expected)
