"""Same `random_state`, same model bit by bit; and nothing global is left changed."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
import warnings
from pathlib import Path

import joblib
import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from threadpoolctl import threadpool_limits

from skbag import EmbeddingBagClassifier
from tests.conftest import rotating

pytestmark = pytest.mark.slow

CONFIGURATIONS = {
    "default": {},
    "two layers": {"embedding_dim": 8},
    "hidden layer": {"embedding_dim": 8, "hidden_layer_sizes": (6,)},
    "dropout": {"dropout": 0.3, "embedding_dim": 4},
    "early stopping": {"early_stopping": True},
    "plain encoder": {"analyzer": "char_wb", "ngram_range": (2, 3)},
    "given vocabulary": {"vocabulary": {"oven", "sail", "fern", "soup", "tide"}},
}
configurations = pytest.mark.parametrize(
    "parameters", CONFIGURATIONS.values(), ids=CONFIGURATIONS
)


def digest(clf):
    """Of everything that fit has learnt."""
    learnt = hashlib.sha256()
    layers = [array for layer in clf._model.predictor.layers for array in layer]
    for array in (clf.embedding_, *(a for a in layers if a is not None)):
        learnt.update(np.ascontiguousarray(array).tobytes())
    learnt.update(repr((list(clf.vocabulary_), clf.loss_curve_)).encode())
    learnt.update(repr((clf.inverse_temperature_, clf.alpha_, clf.n_iter_)).encode())
    return learnt.hexdigest()


def fit_digest(parameters, texts, labels, random_state=0):
    clf = EmbeddingBagClassifier(random_state=random_state, **parameters)
    return digest(clf.fit(texts, labels))


@pytest.fixture
def large_corpus():
    """Enough for torch to share the work among threads."""
    rng = np.random.default_rng(0)
    words = np.array([f"w{i}" for i in range(500)])
    texts = [" ".join(words[rng.integers(0, 500, 60)]) for _ in range(800)]
    return texts, rng.integers(0, 5, 800)


# -- the same model --------------------------------------------------------------------


@configurations
def test_twice(parameters, corpus):
    assert fit_digest(parameters, *corpus) == fit_digest(parameters, *corpus)


@configurations
def test_another_random_state_is_another_model(parameters, corpus):
    # Unless training uses no randomness, which no configuration here does.
    first, second = (fit_digest(parameters, *corpus, random_state=s) for s in (0, 1))
    assert first != second


def test_none_is_random(corpus):
    models = {fit_digest({}, *corpus, random_state=None) for _ in range(3)}
    assert len(models) == 3


@rotating(parameters=CONFIGURATIONS, method=["fit", "partial_fit"])
def test_none_takes_the_seed_of_numpy(parameters, method, corpus):
    if method == "partial_fit":
        parameters = {**parameters, "early_stopping": False}

    def digests(seed, random_state):
        np.random.seed(seed)  # noqa: NPY002
        found = []
        for _ in range(2):
            clf = EmbeddingBagClassifier(**parameters, random_state=random_state)
            more = (
                {"classes": np.unique(corpus.labels)} if method == "partial_fit" else {}
            )
            found.append(digest(getattr(clf, method)(*corpus, **more)))
        return found

    first, second = digests(0, None)
    assert first != second
    assert digests(0, None) == [first, second]
    assert digests(1, None)[0] != first
    # As scikit-learn's: a generator of one's own gives the same as the global one.
    assert digests(1, np.random.RandomState(0)) == [first, second]


def test_none_takes_the_seed_of_numpy_to_go_on(corpus):
    def digests():
        np.random.seed(5)  # noqa: NPY002
        clf = EmbeddingBagClassifier(warm_start=True, max_iter=2)
        return [digest(clf.fit(*corpus)) for _ in range(2)]

    assert digests() == digests()


@pytest.mark.parametrize("bits", [np.random.MT19937, np.random.PCG64])
def test_a_random_state_of_any_bit_generator(bits, corpus):
    first, second = (
        fit_digest({}, *corpus, random_state=np.random.RandomState(bits(7)))
        for _ in range(2)
    )
    assert first == second


@configurations
def test_whatever_the_global_seeds(parameters, corpus):
    found = set()
    for seed in (0, 1):
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        torch.manual_seed(seed)
        found.add(fit_digest(parameters, *corpus))
    assert len(found) == 1


def test_in_a_worker_process(corpus):
    here = [fit_digest(p, *corpus) for p in CONFIGURATIONS.values()]
    there = joblib.Parallel(n_jobs=2)(
        joblib.delayed(fit_digest)(p, *corpus) for p in CONFIGURATIONS.values()
    )
    assert there == here


@pytest.mark.parametrize(
    "parameters", [{}, {"embedding_dim": 64}, {"embedding_dim": 8, "dropout": 0.1}]
)
def test_with_any_number_of_threads(parameters, large_corpus):
    parameters = {**parameters, "max_iter": 1, "batch_size": 400}
    found = {
        fit_digest({**parameters, "n_jobs": n_jobs}, *large_corpus) for n_jobs in (1, 2)
    }
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        found.add(fit_digest(parameters, *large_corpus))
    finally:
        torch.set_num_threads(before)
    assert len(found) == 1


@pytest.mark.parametrize("parameters", [{}, {"embedding_dim": 8}])
def test_with_any_number_of_threads_of_numpy(parameters, large_corpus):
    """What rules are computed from must not depend on how BLAS shares a sum."""
    found = set()
    for limit in (1, 2):
        with threadpool_limits(limit):
            clf = EmbeddingBagClassifier(
                random_state=0, max_iter=1, batch_size=400, **parameters
            ).fit(*large_corpus)
        # More than 10000 columns: from there on OpenBLAS uses threads.
        assert len(clf.embedding_) > 10_000
        found.add((clf.learning_rate_, digest(clf)))
    assert len(found) == 1


IN_A_NEW_PROCESS = """
import json, sys
from tests.reliability.test_reproducibility import CONFIGURATIONS, fit_digest

corpus = json.load(sys.stdin)
print(*[fit_digest(p, *corpus) for p in CONFIGURATIONS.values()])
"""


def test_in_new_processes_with_other_hash_seeds(corpus, n_cases):
    found = {" ".join(fit_digest(p, *corpus) for p in CONFIGURATIONS.values())}
    path = os.pathsep.join([str(Path(__file__).parents[2]), *filter(None, sys.path)])
    # Not the seed of this process: that of the tests is a random one, or known.
    other = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"
    for seed in n_cases((other,), (other, "3")):
        done = subprocess.run(
            [sys.executable, "-c", IN_A_NEW_PROCESS],
            input=json.dumps(corpus),
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        found.add(done.stdout.strip())
    assert len(found) == 1


def test_random_state_instance_is_consumed(corpus):
    state = np.random.RandomState(0)
    first, second = (fit_digest({}, *corpus, random_state=state) for _ in range(2))
    assert first != second
    state = np.random.RandomState(0)
    assert fit_digest({}, *corpus, random_state=state) == first
    assert fit_digest({}, *corpus, random_state=state) == second


def test_partial_fit_repeats(corpus):
    def stream():
        clf = EmbeddingBagClassifier(random_state=0)
        for start in range(0, 120, 30):
            part = slice(start, start + 30)
            clf.partial_fit(
                corpus.texts[part],
                corpus.labels[part],
                classes=["garden", "kitchen", "sea"],
            )
        return digest(clf)

    assert stream() == stream()


# -- nothing global --------------------------------------------------------------------


def global_state():
    return {
        "random": random.getstate(),
        "numpy": [str(part) for part in np.random.get_state()],  # noqa: NPY002
        "torch": torch.get_rng_state().tolist(),
        "threads": torch.get_num_threads(),
        "dtype": torch.get_default_dtype(),
        "device": torch.get_default_device(),
        "gradients": torch.is_grad_enabled(),
        "inference": torch.is_inference_mode_enabled(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "warnings": list(warnings.filters),
        "numpy errors": np.geterr(),
        "environment": dict(os.environ),
    }


@configurations
def test_global_state_is_left_alone(parameters, corpus):
    before = global_state()
    clf = EmbeddingBagClassifier(random_state=0, **parameters).fit(*corpus)
    if not clf.early_stopping:
        clf.partial_fit(*corpus)
    clf.predict_proba(corpus.texts)
    assert global_state() == before


@pytest.fixture(params=[1, 2])
def n_threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.mark.parametrize("n_jobs", [None, 1, 2, -1])
def test_number_of_threads_is_put_back(n_jobs, n_threads, corpus):
    clf = EmbeddingBagClassifier(random_state=0, n_jobs=n_jobs, batch_size=120)
    clf.fit(*corpus)
    assert torch.get_num_threads() == n_threads
    clf.partial_fit(*corpus)
    assert torch.get_num_threads() == n_threads


def test_global_state_is_left_alone_by_a_failing_fit(corpus):
    before = global_state()
    clf = EmbeddingBagClassifier(random_state=0, n_jobs=2, min_df=1000)
    with pytest.raises(ValueError, match="corresponds to fewer documents"):
        clf.fit(*corpus)
    assert global_state() == before


# -- whatever the user has told torch --------------------------------------------------


@pytest.fixture
def float64_by_default():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.fixture
def other_device_by_default():
    torch.set_default_device("meta")
    yield
    torch.set_default_device(None)


@pytest.fixture
def deterministic_algorithms():
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.fixture
def inference_mode():
    with torch.inference_mode():
        yield


@pytest.fixture
def no_grad():
    with torch.no_grad():
        yield


@rotating(
    parameters=CONFIGURATIONS,
    setting=[
        "float64_by_default",
        "other_device_by_default",
        "deterministic_algorithms",
        "inference_mode",
        "no_grad",
    ],
)
def test_settings_of_torch_do_not_matter(parameters, setting, corpus, request):
    expected = EmbeddingBagClassifier(random_state=0, **parameters).fit(*corpus)
    continued = None
    if not expected.early_stopping:
        continued = digest(expected.partial_fit(*corpus))
    fitted = fit_digest(parameters, *corpus)
    request.getfixturevalue(setting)
    clf = EmbeddingBagClassifier(random_state=0, **parameters).fit(*corpus)
    assert digest(clf) == fitted
    if continued is not None:
        assert digest(clf.partial_fit(*corpus)) == continued
    assert_array_equal(
        clf.predict_proba(corpus.texts), expected.predict_proba(corpus.texts)
    )
