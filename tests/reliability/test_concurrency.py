"""Many threads, worker processes and forks: the same bits, and no more threads."""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import subprocess
import sys
import textwrap
import threading
import tracemalloc
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import joblib
import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from threadpoolctl import threadpool_info

from skbag import EmbeddingBagClassifier
from skbag._core.threads import MOST_THREADS, n_threads
from tests.conftest import rotating

pytestmark = pytest.mark.slow

CONFIGURATIONS = {
    "default": {},
    "hidden layer": {"embedding_dim": 8, "hidden_layer_sizes": (6,)},
    "plain encoder": {"analyzer": "char_wb", "ngram_range": (2, 3)},
}
configurations = pytest.mark.parametrize(
    "parameters", CONFIGURATIONS.values(), ids=CONFIGURATIONS
)


def answers(clf, texts):
    """Everything a prediction can be, of many texts and of one at a time."""
    return [
        clf.predict_proba(texts).tobytes(),
        clf.transform(texts).tobytes(),
        clf.predict(texts).tolist(),
        [clf.predict([text])[0] for text in texts],
        [clf.decision_function([text]).tobytes() for text in texts],
        len(dict(clf.vocabulary_)),
    ]


def fitted_bits(parameters, corpus):
    clf = EmbeddingBagClassifier(random_state=0, **parameters).fit(*corpus)
    first = clf.embedding_.tobytes()
    return first + clf.partial_fit(*corpus).embedding_.tobytes()


# -- threads ---------------------------------------------------------------------------


@configurations
def test_eight_threads_predict_while_another_unpickles(
    parameters, corpus, new_corpus, make_classifier, n_cases
):
    saved = pickle.dumps(make_classifier(**parameters).fit(*corpus))
    texts = [*new_corpus.texts, "", "words it has never met"]
    expected = answers(pickle.loads(saved), texts)
    done = threading.Event()

    def unpickle():
        while not done.is_set():
            pickle.loads(saved).predict(texts[:3])

    for _ in range(n_cases(2, 40)):
        clf = pickle.loads(saved)  # Whatever is found out when first asked is new.
        done.clear()
        other = threading.Thread(target=unpickle)
        other.start()
        try:
            with ThreadPoolExecutor(8) as executor:
                found = list(
                    executor.map(lambda _, clf=clf: answers(clf, texts), range(8))
                )
        finally:
            done.set()
            other.join()
        assert found == [expected] * 8


@configurations
def test_fits_in_threads_at_once(parameters, corpus, new_corpus, n_cases):
    expected = [fitted_bits(parameters, each) for each in (corpus, new_corpus)]
    before = torch.get_num_threads()
    for _ in range(n_cases(2, 40)):
        with ThreadPoolExecutor(2) as executor:
            found = list(
                executor.map(
                    lambda each: fitted_bits(parameters, each), (corpus, new_corpus)
                )
            )
        assert found == expected
        assert torch.get_num_threads() == before
        with ThreadPoolExecutor(1) as executor:
            # What a thread gets that asks torch for the first time.
            assert executor.submit(torch.get_num_threads).result() == before


# -- processes -------------------------------------------------------------------------


def _answers_in_threads(clf, texts):
    with ThreadPoolExecutor(4) as executor:
        return list(executor.map(lambda _: answers(clf, texts), range(4)))


@rotating(parameters=CONFIGURATIONS, backend=["loky", "threading", "multiprocessing"])
def test_in_workers_of_joblib(parameters, backend, corpus, make_classifier):
    clf = make_classifier(**parameters).fit(*corpus)
    expected = answers(clf, corpus.texts[:20])
    found = joblib.Parallel(n_jobs=2, backend=backend)(
        joblib.delayed(answers)(clf, corpus.texts[:20]) for _ in range(4)
    )
    assert found == [expected] * 4


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_fits_in_workers_of_joblib(backend, corpus):
    expected = fitted_bits({}, corpus)
    found = joblib.Parallel(n_jobs=2, backend=backend)(
        joblib.delayed(fitted_bits)({}, corpus) for _ in range(2)
    )
    assert found == [expected] * 2


def test_in_spawned_processes(corpus, make_classifier):
    clf = make_classifier().fit(*corpus)
    expected = answers(clf, corpus.texts[:20])
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as executor:
        job = executor.submit(_answers_in_threads, clf, corpus.texts[:20])
        assert job.result() == [expected] * 4


FORK = textwrap.dedent(
    """
    import os, sys, warnings
    from concurrent.futures import ThreadPoolExecutor
    from skbag import EmbeddingBagClassifier

    texts = ["oven soup salt " * 40, "anchor sail wave " * 40] * 60
    models = [
        EmbeddingBagClassifier(random_state=0, n_jobs=2, **parameters)
        for parameters in ({}, {"embedding_dim": 4})
    ]
    for clf in models:
        clf.fit(texts, [0, 1] * 60)

    def bits():
        return [
            clf.predict_proba(X).tobytes() for clf in models for X in (texts, texts[:1])
        ]

    expected = bits()

    def same(_):
        return bits() == expected

    warnings.simplefilter("ignore")  # Python warns of forks beside threads.
    child = os.fork()
    if not child:
        try:
            with ThreadPoolExecutor(4) as executor:
                good = same(0) and all(executor.map(same, range(8)))
        except BaseException:
            good = False
        os._exit(0 if good else 1)
    _, status = os.waitpid(child, 0)
    assert same(0)
    sys.exit(os.waitstatus_to_exitcode(status))
    """
)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_predictions_after_a_fork():
    done = subprocess.run(
        [sys.executable, "-c", FORK], capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# -- memory ----------------------------------------------------------------------------


def test_predictions_do_not_grow_memory(corpus, make_classifier, n_cases):
    clf = make_classifier().fit(*corpus)
    n = n_cases(2000, 20_000)

    def predict(start, stop):
        for i in range(start, stop):
            text = corpus.texts[i % len(corpus.texts)]
            clf.predict_proba([f"{text} word{i} {'x' * (i % 90)}{i} \U0001f9a2{i}"])
            if i % 100 == 0:
                clf.predict([f"{text} other{i}"] * 20)

    predict(0, n // 2)
    tracemalloc.start()
    try:
        predict(0, 600)
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        predict(n // 2, n)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 100_000


def test_long_words_are_not_remembered(corpus, make_classifier, monkeypatch):
    """65,536 words of 600 characters would be 160 MB."""
    clf = make_classifier().fit(*corpus)
    n = 300
    words = [chr(0x20000 + i) * 599 for i in range(n)]
    expected = clf.decision_function(words)
    clf.predict(["oven"])
    tracemalloc.start()
    try:
        for i, word in enumerate(words):
            assert_array_equal(clf.decision_function([word])[0], expected[i])
        gc.collect()
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert grown < n * 600


# -- no more threads than there are cores for ------------------------------------------


def limits(n_jobs=None):
    return n_threads(n_jobs)


def limits_in(backend, n_jobs, **config):
    with joblib.parallel_config(backend, n_jobs=2, **config):
        found = joblib.Parallel()(joblib.delayed(limits)(n_jobs) for _ in range(2))
    return set(found)


@pytest.fixture
def cores(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    return joblib.cpu_count()


@pytest.mark.parametrize("n_jobs", [None, -1])
def test_workers_take_the_share_that_joblib_gives(n_jobs, cores):
    assert limits_in("loky", n_jobs) == {max(cores // 2, 1)}
    assert limits_in("loky", n_jobs, inner_max_num_threads=1) == {1}


@rotating(n_jobs=[None, -1, -2], backend=["threading", "multiprocessing"])
def test_threads_and_daemonic_processes_take_one(n_jobs, backend, cores):
    assert limits_in(backend, n_jobs) == {1}


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_a_number_that_is_asked_for_is_given(backend, cores):
    assert limits_in(backend, 3) == {3}


def test_threads_of_others_are_none_of_ours(cores):
    with ThreadPoolExecutor(1) as executor:
        assert executor.submit(limits).result() == cores


def test_no_thread_for_each_of_a_million():
    assert n_threads(10**6) == max(MOST_THREADS, joblib.cpu_count())


def numbers_of_threads():
    """Of torch and of each BLAS and OpenMP library that is loaded."""
    pools = {pool["filepath"]: pool["num_threads"] for pool in threadpool_info()}
    return {"torch": torch.get_num_threads(), **pools}


def started_threads():
    return {thread.name for thread in threading.enumerate()}


@rotating(n_jobs=[None, 1, 2, 5], parameters=CONFIGURATIONS)
def test_numbers_of_threads_are_left_as_they_were(
    parameters, n_jobs, corpus, make_classifier
):
    clf = make_classifier(n_jobs=n_jobs, **parameters)
    before = numbers_of_threads(), started_threads()
    clf.fit(*corpus).partial_fit(*corpus)
    clf.predict_proba(corpus.texts * 300)
    clf.predict(corpus.texts[:1])
    assert (numbers_of_threads(), started_threads()) == before
    with pytest.raises(ValueError, match="not among the classes"):
        clf.partial_fit(corpus.texts, ["zoo"] * 120)
    with pytest.raises(ValueError, match="not a device name"):
        clf.set_params(device="no").fit(*corpus)
    with pytest.raises(ValueError, match="position 1 is None"):
        clf.predict(["a", None])
    assert (numbers_of_threads(), started_threads()) == before


def test_a_head_is_the_same_for_a_row_alone_and_in_company():
    """And twins the matrix product of numpy up to its last bits."""
    from skbag._core.bags import Bags
    from skbag._model.predictor import Predictor

    rng = np.random.default_rng(0)
    for width, outputs in ((1, 1), (2, 3), (17, 1), (64, 20), (300, 2)):
        coef = rng.normal(size=(outputs, width)).astype(np.float32)
        fitted = Predictor(
            rng.normal(size=(50, width)).astype(np.float32),
            ((coef, np.zeros(outputs, np.float32)),),
        )
        bags = Bags(
            rng.integers(0, 50, 900).astype(np.int32),
            np.arange(0, 901, 3),
            rng.normal(size=900).astype(np.float32),
            50,
        )
        scores = fitted.scores(bags)
        alone = [fitted.scores(bags.slice(i, i + 1)) for i in range(len(bags))]
        assert_array_equal(scores, np.concatenate(alone))
        product = fitted.vectors(bags).astype(np.float64) @ coef.T
        np.testing.assert_allclose(scores, product, rtol=1e-4, atol=1e-5)
