"""Several processes fit one model, by ``torch.distributed`` over gloo."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas
import pytest
import scipy.sparse as sp
import torch
from processes import PATIENCE, Processes, Stopper
from sklearn.base import clone

import skbag
from skbag import EmbeddingBagClassifier
from skbag._estimator.fit_context import HAS_CALLBACKS
from skbag._training.plan import n_progressive_samples

if "forkserver" not in multiprocessing.get_all_start_methods():
    pytest.skip("no forkserver on this system", allow_module_level=True)

pytestmark = pytest.mark.cluster

SECONDS = 15
"""In which all ranks must have ended, once one has failed."""


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """Two processes; they live through any error but a kill."""
    processes = Processes(2, tmp_path_factory.mktemp("two") / "store")
    yield processes
    processes.close()


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """Three of them."""
    processes = Processes(3, tmp_path_factory.mktemp("three") / "store")
    yield processes
    processes.close()


@pytest.fixture
def mortals(tmp_path):
    """Return a function that starts processes for one test."""
    started = []

    def start(n, **more):
        started.append(Processes(n, tmp_path / f"store{len(started)}", **more))
        return started[-1]

    yield start
    for processes in started:
        processes.close()


def dealt(n, X, y, sample_weight=None, **parameters):
    """Deal samples out to ranks, in turns."""
    jobs = []
    for rank in range(n):
        job = {"parameters": parameters, "X": X[rank::n], "y": y[rank::n]}
        if sample_weight is not None:
            job["sample_weight"] = sample_weight[rank::n]
        jobs.append(job)
    return jobs


def digest(clf, path):
    """Digest of all that a file of an estimator holds."""
    with warnings.catch_warnings():
        # Functions are left out.
        warnings.simplefilter("ignore", UserWarning)
        skbag.save(clf, path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def assert_one_model(estimators, path):
    assert all(isinstance(clf, EmbeddingBagClassifier) for clf in estimators), (
        estimators
    )
    assert len({digest(clf, path) for clf in estimators}) == 1


def assert_like_alone(together, alone, X):
    """Compare with what one process makes of all samples."""
    np.testing.assert_array_equal(together.classes_, alone.classes_)
    assert together.batch_size_ == alone.batch_size_
    # Each rank holds samples of its own out for early stopping: others than one alone.
    if hasattr(alone, "vocabulary_") and not alone.early_stopping:
        assert sorted(together.vocabulary_) == sorted(alone.vocabulary_)
        if not alone.supervised_weighting:
            # Else those that judge the first epoch, random ones, are not counted.
            order = [together.vocabulary_[name] for name in alone.vocabulary_]
            counts, others = (
                clf._model.featurizer.document_counts.df for clf in (together, alone)
            )
            np.testing.assert_array_equal(counts[order], others)
    assert np.mean(together.predict(X) == alone.predict(X)) > 0.9


CASES = {
    "defaults": {},
    "no shuffling": {"shuffle": False, "short_text_features": False},
    "unsupervised": {"supervised_weighting": False},
    "two layers": {"embedding_dim": 5},
    "hidden layers": {"embedding_dim": 5, "hidden_layer_sizes": (4,), "max_iter": 8},
    "buckets": {"n_buckets": 4096},
    "subwords": {"subword_ngram_range": (3, 4)},
    "plain encoder": {"ngram_range": (1, 3), "short_text_features": True},
    "characters": {"analyzer": "char_wb", "ngram_range": (2, 3)},
    "tokenizer": {"tokenizer": str.split},
    # No other feature occurs as often as the last of these.
    "pruned": {"min_df": 3, "max_df": 0.5, "max_features": 58},
    "vocabulary": {"vocabulary": ["bake", "sail", "fern", "oven", "ship", "lawn"]},
    "early stopping": {"early_stopping": True},
    "dropout": {"dropout": 0.2},
    "cross-entropy": {"loss": "cross_entropy", "alpha": 0.001},
    "balanced": {"class_weight": "balanced"},
    "small batches": {"batch_size": 7, "learning_rate_init": 0.2, "max_iter": 4},
}

BY_ROWS = {"dropout": 0.1}
"""With these parameters steps are taken in common, each with messages."""

DIVISIONS = {
    "columns": ({}, "epoch 15"),
    "local": ({"distributed": "local"}, "epoch 57"),
    "rows": (BY_ROWS, 3 * 4 * 5 + 17),
}
"""Parameters; and what is in the third epoch of four, of 7 batches and four exchanges,
after three fits of two thirds, of 5 batches an epoch, for the temperature."""


@pytest.mark.parametrize("case", CASES)
def test_all_ranks_end_with_one_model_like_that_of_one_process(
    case, two, corpus, make_classifier, tmp_path
):
    parameters = CASES[case]
    estimators = two.fit(*dealt(2, *corpus, **parameters))
    assert_one_model(estimators, tmp_path / "model")
    alone = make_classifier(**parameters).fit(*corpus)
    assert_like_alone(estimators[0], alone, corpus.texts)


def test_local_steps(two, corpus, make_classifier, tmp_path):
    """A model of its own, the same on all ranks, and about as good."""
    texts, labels = corpus.texts * 4, corpus.labels * 4
    jobs = dealt(2, texts, labels, distributed="local")
    estimators = two.fit(*jobs)
    assert_one_model(estimators, tmp_path / "model")
    again = two.fit(*jobs)
    assert digest(again[0], tmp_path / "model") == digest(
        estimators[0], tmp_path / "model"
    )
    alone = make_classifier().fit(texts, labels)
    assert alone.score(texts, labels) > 0.9
    assert estimators[1].score(texts, labels) > 0.9


def test_columns_are_those_of_one_process(two, corpus, make_classifier):
    """Where the order is the same, so is the model, up to the order of ids."""
    parameters = {"shuffle": False, "supervised_weighting": False}
    together = two.fit(*dealt(2, *corpus, **parameters))[0]
    alone = make_classifier(**parameters).fit(*corpus)
    np.testing.assert_allclose(
        together.decision_function(corpus.texts),
        alone.decision_function(corpus.texts),
        atol=1e-5,
    )
    np.testing.assert_allclose(together.loss_curve_, alone.loss_curve_, atol=1e-6)
    np.testing.assert_allclose(
        together.predict_proba(corpus.texts),
        alone.predict_proba(corpus.texts),
        atol=1e-3,
    )


@pytest.mark.parametrize("loss", ["squared_error", "huber", "poisson"])
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_ranks_fit_one_regressor(
    loss, n_outputs, two, numbers_corpus, make_regressor, tmp_path
):
    texts, y = numbers_corpus
    Y = np.array(y) if n_outputs == 1 else np.stack([y, 20 - np.array(y)], axis=1)
    weight = np.linspace(0.5, 2, len(texts))
    parameters = {"loss": loss, "supervised_weighting": False}
    estimators = two.fit(*dealt(2, texts, Y, weight, **parameters))
    assert len({digest(reg, tmp_path / "model") for reg in estimators}) == 1
    alone = make_regressor(**parameters).fit(texts, Y, weight)
    units, others = (reg._targets.units for reg in (estimators[0], alone))
    np.testing.assert_allclose(units.center, others.center)
    np.testing.assert_allclose(units.scale, others.scale)
    together = estimators[0].predict(texts)
    assert np.abs(together - alone.predict(texts)).mean() < 0.3


def test_ranks_with_other_outputs_are_told(two, numbers_corpus):
    texts, y = numbers_corpus
    jobs = dealt(2, texts, np.array(y))
    jobs[1]["y"] = np.stack([jobs[1]["y"]] * 2, axis=1)
    errors = two.fit(*jobs)
    assert all("numbers of" in str(error) for error in errors)


def test_two_classes(two, binary_corpus, make_classifier, tmp_path):
    estimators = two.fit(*dealt(2, *binary_corpus))
    assert_one_model(estimators, tmp_path / "model")
    alone = make_classifier().fit(*binary_corpus)
    assert_like_alone(estimators[0], alone, binary_corpus.texts)


@pytest.mark.parametrize("sparse", [False, True])
def test_several_labels(sparse, two, labels_corpus, make_classifier, tmp_path):
    texts, y = labels_corpus
    if sparse:
        y = sp.csr_array(y)
    parameters = {"class_weight": "balanced", "early_stopping": True}
    estimators = two.fit(*dealt(2, texts, y, **parameters))
    assert_one_model(estimators, tmp_path / "model")
    assert sp.issparse(estimators[0].predict(texts)) == sparse
    alone = make_classifier(**parameters).fit(texts, y)
    found, expected = estimators[0].predict(texts), alone.predict(texts)
    assert np.abs(found - expected).mean() < 0.1


def test_a_matrix(two, make_classifier, tmp_path):
    rng = np.random.default_rng(0)
    y = np.arange(90) % 3
    X = sp.csr_array(
        rng.random((90, 12)) * (rng.random((90, 12)) < 0.4) + np.eye(12)[y]
    )
    estimators = two.fit(*dealt(2, X, y))
    assert_one_model(estimators, tmp_path / "model")
    alone = make_classifier().fit(X, y)
    assert estimators[0].n_features_in_ == 12
    assert np.mean(estimators[0].predict(X) == alone.predict(X)) > 0.9


def frame_of(corpus):
    """Texts in one column, what they begin with in another, and a category."""
    return pandas.DataFrame(
        {
            "text": corpus.texts,
            "start": [text[:10] for text in corpus.texts],
            "length": pandas.Categorical([len(text) // 20 for text in corpus.texts]),
        }
    )


@pytest.mark.parametrize(
    "parameters", [{}, {"tokenizer": str.split}, {"n_buckets": 4096}]
)
def test_a_data_frame(parameters, two, corpus, make_classifier, tmp_path):
    frame = frame_of(corpus)
    estimators = two.fit(*dealt(2, frame, corpus.labels, **parameters))
    assert_one_model(estimators, tmp_path / "model")
    alone = make_classifier(**parameters).fit(frame, corpus.labels)
    assert_like_alone(estimators[0], alone, frame)


def test_numbers_beside_texts(two, corpus, make_classifier, tmp_path):
    """They are standardised by those of all ranks."""
    rng = np.random.default_rng(0)
    codes = np.unique(corpus.labels, return_inverse=True)[1]
    size = (
        1000.0 * codes + rng.normal(scale=300, size=len(codes)) + np.arange(len(codes))
    )
    size[::9] = np.nan
    frame = frame_of(corpus).assign(size=size, is_even=np.arange(len(codes)) % 2 == 0)
    estimators = two.fit(*dealt(2, frame, corpus.labels))
    assert_one_model(estimators, tmp_path / "model")
    alone = make_classifier().fit(frame, corpus.labels)
    assert_like_alone(estimators[0], alone, frame)
    moments, expected = (
        clf._model.featurizer.number_block.moments.columns
        for clf in (estimators[0], alone)
    )
    np.testing.assert_allclose(moments.mean, expected.mean)
    np.testing.assert_allclose(moments.squares, expected.squares)


def test_a_data_frame_takes_no_given_vocabulary(two, corpus):
    options = {"vocabulary": ["bake", "sail"]}
    answers = two.fit(*dealt(2, frame_of(corpus), corpus.labels, **options))
    assert all("takes one column of texts" in str(answer) for answer in answers)


def test_the_same_seed_gives_the_same_bits(two, corpus, tmp_path):
    first = two.fit(*dealt(2, *corpus))[0]
    second = two.fit(*dealt(2, *corpus))[0]
    other = two.fit(*dealt(2, *corpus, random_state=1))[0]
    assert digest(first, tmp_path / "a") == digest(second, tmp_path / "a")
    assert digest(first, tmp_path / "a") != digest(other, tmp_path / "a")


def test_without_a_seed_all_ranks_take_that_of_the_first(two, corpus, tmp_path):
    estimators = two.fit(*dealt(2, *corpus, random_state=None))
    assert_one_model(estimators, tmp_path / "model")


def test_shards_of_any_size_with_any_classes(two, corpus, make_classifier, tmp_path):
    """One rank has one text, the other all the rest, in other classes too."""
    jobs = [
        {"parameters": {}, "X": corpus.texts[:1], "y": corpus.labels[:1]},
        {"parameters": {}, "X": corpus.texts[1:], "y": corpus.labels[1:]},
    ]
    for order in (jobs, jobs[::-1]):
        estimators = two.fit(*order)
        assert_one_model(estimators, tmp_path / "model")
        alone = make_classifier().fit(*corpus)
        assert_like_alone(estimators[0], alone, corpus.texts)


def test_weights_count_across_ranks(two, corpus, tmp_path):
    """Those of one rank, where the other has none, are against ones."""
    weight = np.ones(60)
    jobs = dealt(2, *corpus)
    jobs[0]["sample_weight"] = weight
    weighted = two.fit(*jobs)
    assert_one_model(weighted, tmp_path / "model")
    plain = two.fit(*dealt(2, *corpus))[0]
    np.testing.assert_allclose(weighted[0].embedding_, plain.embedding_, atol=1e-5)
    jobs[0]["sample_weight"] = weight * 0.01
    light = two.fit(*jobs)
    assert_one_model(light, tmp_path / "model")
    counts = light[0]._model.featurizer.document_counts.n_documents
    # Weights are 1 on average. Of samples with several visits some are held out.
    assert counts == pytest.approx(120 - n_progressive_samples(120, 3))
    assert not np.allclose(light[0].embedding_, plain.embedding_, atol=1e-3)


@pytest.mark.skipif(not HAS_CALLBACKS, reason="scikit-learn has callbacks since 1.9")
def test_a_callback_of_one_rank_stops_all(two, corpus, tmp_path):
    jobs = dealt(2, *corpus, max_iter=5)
    jobs[1]["callback"] = Stopper()
    estimators = [clf.set_callbacks() for clf in two.fit(*jobs)]
    assert_one_model(estimators, tmp_path / "model")
    assert estimators[0].n_iter_ == 2


def test_three_ranks(three, corpus, make_classifier, tmp_path):
    for parameters in ({}, {"embedding_dim": 4, "early_stopping": True}):
        estimators = three.fit(*dealt(3, *corpus, **parameters))
        assert_one_model(estimators, tmp_path / "model")
        alone = make_classifier(**parameters).fit(*corpus)
        assert_like_alone(estimators[0], alone, corpus.texts)


# -- errors ----------------------------------------------------------------------------


def assert_failed(answers, kinds, texts):
    """Compare errors, rank by rank, and see that none came late."""
    for answer, kind, text in zip(answers, kinds, texts, strict=True):
        assert isinstance(answer, tuple), answer
        names, words, seconds = answer
        assert kind in names, answer
        assert text in words
        assert seconds < SECONDS


BAD_INPUT = {
    "no text": (
        {"X": [None] * 60},
        "ValueError",
        "rank 1: ValueError: Texts must be str, but the item at position 0 is None",
    ),
    "one label less": (
        {"y": ["sea"] * 59},
        "ValueError",
        "rank 1: ValueError: X and y have inconsistent lengths: 60 samples and 59",
    ),
    "no samples": (
        {"X": [], "y": []},
        "ValueError",
        "rank 1: ValueError: X holds 0 texts; a minimum of 1 is required.",
    ),
    "weights": (
        {"sample_weight": -np.ones(60)},
        "ValueError",
        "rank 1: ValueError: sample_weight must not be negative",
    ),
    "parameter": (
        {"parameters": {"batch_size": 0}},
        "ValueError",
        "rank 1: InvalidParameterError: The 'batch_size' parameter",
    ),
    "in training": (
        {"fault": ("raise", "epoch 2")},
        "KeyboardInterrupt",
        "rank 1: KeyboardInterrupt: pressed",
    ),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_what_one_rank_cannot_do_all_are_told(case, two, corpus, tmp_path):
    changes, kind, received = BAD_INPUT[case]
    jobs = dealt(2, *corpus)
    jobs[1].update(changes)
    answers = two.fit(*jobs)
    own = received.partition(": ")[2].partition(": ")[2]
    assert_failed(answers, ["RankError", kind], [received, own])
    # And the next fit knows nothing of it.
    assert_one_model(two.fit(*dealt(2, *corpus)), tmp_path / "model")


OTHERS = {
    "parameter": (
        {"parameters": {"max_iter": 3}},
        "All ranks must agree on max_iter, but it is 'auto' on rank 0 and 3 on rank 1",
    ),
    "number of columns": (
        {"X": np.ones((60, 3))},
        "All ranks must agree on X, but it is a matrix of 2 columns on rank 0 and a "
        "matrix of 3 columns on rank 1",
    ),
    "texts": (
        {"X": ["text"] * 60},
        "agree on X, but it is a matrix of 2 columns on rank 0 and texts on rank 1",
    ),
    "labels": (
        {"y": np.eye(3, dtype=int)[np.arange(60) % 3]},
        "agree on y, but it is one class per sample on rank 0 and an indicator matrix "
        "of 3 columns on rank 1",
    ),
    "type of labels": (
        {"y": np.arange(60) % 3},
        "agree on the type of the labels, but it is str on rank 0 and int64 on rank 1",
    ),
}


@pytest.mark.parametrize("case", OTHERS)
def test_what_ranks_must_have_alike(case, two, corpus):
    changes, words = OTHERS[case]
    jobs = dealt(2, np.ones((120, 2)), corpus.labels)
    jobs[1].update(changes)
    answers = two.fit(*jobs)
    assert_failed(answers, ["ValueError", "ValueError"], [words, words])


def test_one_class_on_all_ranks_is_too_few(two, corpus):
    answers = two.fit(*dealt(2, corpus.texts, ["sea"] * 120))
    words = "at least 2 classes, got 1 class: 'sea'"
    assert_failed(answers, ["ValueError"] * 2, [words] * 2)


@pytest.mark.parametrize("division", DIVISIONS)
@pytest.mark.parametrize("immortals", ["two", "three"])
def test_a_rank_that_dies_ends_all(
    immortals, division, mortals, corpus, tmp_path, request
):
    """And a restart goes on from the last completed epoch, to the same bits."""
    immortals = request.getfixturevalue(immortals)
    n = len(immortals.pipes)
    path = str(tmp_path / "fit.ckpt")
    more, when = DIVISIONS[division]
    batch_size = 16 // n if division == "local" else 16
    parameters = {"max_iter": 4, "batch_size": batch_size, "early_stopping": True}
    parameters.update(more)
    whole = immortals.fit(*dealt(n, *corpus, **parameters))
    assert_one_model(whole, tmp_path / "model")
    jobs = dealt(n, *corpus, checkpoint=path, **parameters)
    jobs[1]["fault"] = ("kill", when)
    answers = mortals(n).fit(*jobs)
    assert answers.pop(1) is None
    words = "has lost another process of this fit, which has ended or cannot be reached"
    assert_failed(answers, ["RankError"] * (n - 1), [words] * (n - 1))
    assert all("when it trained epoch 3" in text for _, text, _ in answers)
    assert Path(path).exists()

    jobs = dealt(n, *corpus, checkpoint=path, **parameters)
    resumed = immortals.fit(*jobs)

    assert_one_model(resumed, tmp_path / "model")
    assert not Path(path).exists()
    clf = resumed[0].set_params(checkpoint=None)
    assert digest(clf, tmp_path / "model") == digest(whole[0], tmp_path / "model")


@pytest.mark.parametrize(
    ("when", "stage"),
    [("before", "when it began"), ("learn", "when it learnt the features")],
)
def test_a_rank_that_dies_before_training(when, stage, mortals, corpus):
    jobs = dealt(2, *corpus)
    jobs[1]["fault"] = ("kill", when)
    answers = mortals(2).fit(*jobs)
    assert answers.pop(1) is None
    assert_failed(answers, ["RankError"], [stage])


@pytest.mark.parametrize("what", ["kill", "raise"])
@pytest.mark.parametrize(
    "message",
    [
        ("dealt_features._number_strings", 1),
        ("dealt_features._number_strings", 2),
        ("dealt_features.of", 1),
        ("dealt_features.select", 1),
        ("dealt_features.select", 2),
        ("dealt_features._table", 1),
        ("rank_counts._added_up", 1),
        ("rank_counts.gather", 1),
    ],
    ids=[
        "strings",
        "numbers",
        "features",
        "kept features",
        "ids",
        "kept strings",
        "counts",
        "all counts",
    ],
)
def test_a_rank_that_fails_while_features_are_merged(
    message, what, two, mortals, corpus, tmp_path
):
    """Dead or with an error, in place of each message: the other ends as well."""
    jobs = dealt(2, *corpus)
    jobs[1]["fault"] = (what, message)
    if what == "kill":
        answers = mortals(2).fit(*jobs)
        assert answers.pop(1) is None
        assert_failed(answers, ["RankError"], ["has lost another process of this fit"])
        return
    answers = two.fit(*jobs)
    received = "rank 1: KeyboardInterrupt: pressed"
    assert_failed(answers, ["RankError", "KeyboardInterrupt"], [received, "pressed"])
    assert_one_model(two.fit(*dealt(2, *corpus)), tmp_path / "model")


@pytest.mark.parametrize("when", ["learn", "epoch 3", 3])
def test_a_rank_that_says_nothing_is_given_up_in_time(when, mortals, corpus):
    jobs = dealt(2, *corpus, **(BY_ROWS if when == 3 else {}))
    jobs[1]["fault"] = ("stop", when)
    answers = mortals(2, timeout=4).fit(*jobs)
    words = "has lost another process of this fit, which has ended or cannot be reached"
    assert_failed(answers[:1], ["RankError"], [words])


@pytest.mark.parametrize(
    ("distributed", "when"), [(True, "epoch 3"), ("local", "epoch 10")]
)
def test_each_rank_goes_on_with_own_steps_of_its_own(
    distributed, when, two, corpus, tmp_path
):
    """Of many samples the temperature comes from what each rank has followed."""
    texts = [f"{text} own{i // 2}" for i, text in enumerate(corpus.texts * 6)]
    path = str(tmp_path / "fit.ckpt")
    parameters = {"max_iter": 3, "batch_size": 32, "distributed": distributed}
    whole = two.fit(*dealt(2, texts, corpus.labels * 6, **parameters))
    assert_one_model(whole, tmp_path / "model")
    jobs = dealt(2, texts, corpus.labels * 6, checkpoint=path, **parameters)
    # In the third epoch: of local steps one has four calls.
    jobs[0]["fault"] = ("raise", when)
    two.fit(*jobs)
    assert Path(path).exists()
    jobs = dealt(2, texts, corpus.labels * 6, checkpoint=path, **parameters)
    resumed = two.fit(*jobs)
    assert_one_model(resumed, tmp_path / "model")
    clf = resumed[0].set_params(checkpoint=None)
    assert digest(clf, tmp_path / "model") == digest(whole[0], tmp_path / "model")


def test_a_checkpoint_of_another_number_of_processes_is_refused(
    two, mortals, corpus, tmp_path
):
    path = str(tmp_path / "fit.ckpt")
    jobs = dealt(2, *corpus, checkpoint=path, max_iter=3)
    # In the third epoch, after three fits of two thirds.
    jobs[0]["fault"] = ("raise", "epoch 12")
    two.fit(*jobs)
    (answer,) = mortals(1).fit(*dealt(1, *corpus, checkpoint=path, max_iter=3))
    words = "the number of processes 2, which is now 1"
    assert_failed([answer], ["ValueError"], [words])


def test_a_checkpoint_that_cannot_be_written_ends_all(two, corpus, tmp_path):
    path = str(tmp_path / "no" / "fit.ckpt")
    answers = two.fit(*dealt(2, *corpus, checkpoint=path))
    received = "rank 0: FileNotFoundError: checkpoint="
    assert_failed(
        answers, ["FileNotFoundError", "RankError"], ["there is no", received]
    )


# -- one process -----------------------------------------------------------------------


def test_there_must_be_a_process_group(corpus, make_classifier):
    with pytest.raises(ValueError, match="distributed=True needs a process group"):
        make_classifier(distributed=True).fit(*corpus)
    with pytest.raises(ValueError, match="batch_size"):
        make_classifier(distributed=True, batch_size=0).fit(*corpus)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        (
            {"loss": "adaptive_softmax", "embedding_dim": 4},
            "does not go with loss='adaptive_softmax'. Use loss='cross_entropy'",
        ),
        (
            {"embedding_init": {"oven": [1.0]}, "embedding_dim": 1},
            "does not go with embedding_init=",
        ),
        (
            {"text_encoder": len},
            "does not go with text_encoder=",
        ),
        (
            {"warm_start": True},
            "does not go with warm_start=True. Use warm_start=False",
        ),
        (
            {"distributed": "local", "embedding_dim": 4},
            "not with embedding_dim=4. Use embedding_dim=None, or distributed=True",
        ),
        (
            {"distributed": "local", "loss": "cross_entropy"},
            "not with loss='cross_entropy'. Use loss='squared_hinge'",
        ),
        (
            {"distributed": "local", "dropout": 0.5},
            "not with dropout=0.5. Use dropout=0",
        ),
    ],
)
def test_what_cannot_be_trained_by_several(parameters, words, two, corpus):
    answers = two.fit(*dealt(2, *corpus, **parameters))
    assert_failed(answers, ["ValueError"] * 2, [words] * 2)


@pytest.mark.parametrize("distributed", [True, "local", "synchronous"])
def test_partial_fit_refuses(distributed, corpus, make_classifier):
    words = f"partial_fit does not support distributed={distributed!r}"
    with pytest.raises(ValueError, match=words):
        make_classifier(distributed=distributed).partial_fit(*corpus, classes=["a"])


def test_only_a_fit_tells_of_bad_parameters(mortals, corpus):
    """There is nobody to be told by `partial_fit`; and none in the fit itself twice."""
    jobs = dealt(2, *corpus)
    jobs[1].update(partial_fit=True, parameters={"batch_size": 0})
    jobs[0].update(partial_fit=True)
    answers = mortals(2, timeout=30).fit(*jobs)
    words = ["partial_fit does not support distributed=True", "The 'batch_size' param"]
    assert_failed(answers, ["ValueError", "InvalidParameterError"], words)


def test_a_group_of_one_is_one_process(mortals, corpus, make_classifier, tmp_path):
    (clf,) = mortals(1).fit(*dealt(1, *corpus))
    alone = make_classifier().fit(*corpus)
    assert digest(clf.set_params(distributed=False), tmp_path / "a") == digest(
        alone, tmp_path / "a"
    )


def test_the_parameter_travels(two, corpus, make_classifier, tmp_path):
    clf = two.fit(*dealt(2, *corpus))[0]
    assert clf.distributed is True
    assert clone(clf).distributed is True
    path = tmp_path / "model"
    skbag.save(clf, path)
    loaded = skbag.load(path)
    assert loaded.distributed is True
    # It goes on alone where it is told to.
    loaded.set_params(distributed=False).partial_fit(corpus.texts, corpus.labels)


def test_nothing_of_it_is_imported_without(new_process):
    program = (
        "import sys, skbag; "
        "skbag.EmbeddingBagClassifier().fit(['a b', 'c d'] * 9, [0, 1] * 9); "
        "assert 'skbag._training.process_group' not in sys.modules"
    )
    done = new_process(program)
    assert done.returncode == 0, done.stderr


# -- the example -----------------------------------------------------------------------

EXAMPLE = Path(__file__).parents[2] / "examples" / "distributed" / "train.py"


@pytest.mark.skipif(not EXAMPLE.is_file(), reason="the examples are not here")
def test_the_example_runs_under_torchrun(tmp_path, docstrings_folder):
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    done = subprocess.run(
        [*torchrun, "--nproc-per-node", "2", EXAMPLE, "--folder", tmp_path],
        env={**os.environ, "SKBAG_DATA": docstrings_folder},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Epoch 1:") == done.stdout.count("Accuracy 0.") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]
    with pytest.warns(UserWarning, match=r"checkpoint='.*' stands in the file"):
        loaded = skbag.load(tmp_path / "model.safetensors")
    assert loaded.n_iter_ > 1


@pytest.mark.gpu
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="no two CUDA devices here")
def test_one_model_on_two_gpus(tmp_path, corpus):
    processes = Processes(2, tmp_path / "store", backend="nccl")
    try:
        estimators = processes.fit(*dealt(2, *corpus, device="cuda"))
        assert_one_model(estimators, tmp_path / "model")
    finally:
        processes.close()
