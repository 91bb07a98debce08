"""What each parameter of training does."""

from __future__ import annotations

import random

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.metrics import log_loss

from skbag._training import fit as fit_module
from skbag._training.run import TrainingRun

# Fits by the dozen.
pytestmark = pytest.mark.slow

losses = pytest.mark.parametrize("loss", ["squared_hinge", "cross_entropy"])
layers = pytest.mark.parametrize(
    "parameters",
    [{}, {"embedding_dim": 8}, {"embedding_dim": 8, "hidden_layer_sizes": (8,)}],
    ids=["one layer", "two layers", "hidden layer"],
)


def noisy(n_texts, seed, n_classes=3, noise=0.25):
    """Texts with a weak signal: labels that are wrong for a known share of them."""
    rng = random.Random(seed)
    texts, labels = [], []
    for _ in range(n_texts):
        label = rng.randrange(n_classes)
        words = [f"topic{label}word{rng.randrange(20)}" for _ in range(2)]
        words += [f"filler{rng.randrange(60)}" for _ in range(8)]
        texts.append(" ".join(rng.sample(words, len(words))))
        is_wrong = rng.random() < noise
        labels.append(rng.randrange(n_classes) if is_wrong else label)
    return texts, labels


@pytest.fixture
def validation_samples(monkeypatch):
    """The rows that early stopping has chosen to hold back, one entry for each fit."""
    chosen = []
    original = fit_module.split_validation

    def split_validation(*args):
        rows = original(*args)
        chosen.append(rows[1])
        return rows

    monkeypatch.setattr(fit_module, "split_validation", split_validation)
    return chosen


# -- epochs, batches, steps ------------------------------------------------------------


@layers
@losses
def test_loss_falls(loss, parameters, corpus, make_classifier):
    clf = make_classifier(loss=loss, max_iter=6, **parameters).fit(*corpus)
    assert clf.n_iter_ == len(clf.loss_curve_) == 6
    assert all(type(value) is float for value in clf.loss_curve_)
    assert clf.loss_curve_[-1] < clf.loss_curve_[0] / 2
    assert clf.validation_scores_ is None
    assert clf.best_validation_score_ is None


@pytest.mark.parametrize("loss", ["squared_hinge", "cross_entropy"])
@pytest.mark.parametrize("n_classes", [2, 3])
@layers
def test_loss_of_the_untrained_model(loss, n_classes, parameters, make_classifier):
    """The curve tells the loss of every sample just before it was trained on.

    At first that is the loss of the best scores which are the same for all.
    """
    texts, labels = noisy(60, seed=0, n_classes=n_classes)
    counts = np.unique(labels, return_counts=True)[1]
    smooth, shares = (counts + 0.5) / 61, counts / 60
    z, share = 2 * smooth - 1, shares
    if n_classes == 2:
        z, share = z[1:], share[1:]
    expected = {
        "squared_hinge": (share * (1 - z) ** 2 + (1 - share) * (1 + z) ** 2).sum(),
        "cross_entropy": -(shares * np.log(smooth / smooth.sum())).sum(),
    }[loss]
    # Class-informed, it would begin at a first guess.
    parameters = parameters | {"supervised_weighting": False}
    clf = make_classifier(loss=loss, batch_size=60, max_iter=1, **parameters)
    assert clf.fit(texts, labels).loss_curve_[0] == pytest.approx(expected, rel=1e-3)


def test_batch_size(corpus, make_classifier):
    small, large = (
        make_classifier(batch_size=size).fit(*corpus) for size in (7, 10_000)
    )
    assert small.batch_size_ == 7
    assert large.batch_size_ == 120
    assert not np.allclose(small.embedding_, large.embedding_)
    assert small.score(*corpus) == 1


def test_learning_rate(corpus, make_classifier):
    slow, fast = (
        make_classifier(learning_rate_init=rate, max_iter=3).fit(*corpus)
        for rate in (0.001, 0.3)
    )
    assert slow.learning_rate_ == 0.001
    assert fast.loss_curve_[-1] < slow.loss_curve_[-1] / 2
    assert np.abs(slow.embedding_).max() < np.abs(fast.embedding_).max() / 10


@layers
def test_alpha_shrinks_the_table(parameters, corpus, make_classifier):
    sizes = [
        np.linalg.norm(
            make_classifier(alpha=alpha, max_iter=5, **parameters)
            .fit(*corpus)
            .embedding_
        )
        for alpha in (0, 1e-3, 1e-1)
    ]
    assert sizes[0] > sizes[1] > sizes[2] > 0


def test_shuffle_is_the_only_randomness_of_the_default(corpus, make_classifier):
    def fit(random_state, shuffle):
        clf = make_classifier(random_state=random_state, shuffle=shuffle)
        return clf.fit(*corpus).embedding_

    assert_array_equal(fit(0, False), fit(1, False))
    assert not np.array_equal(fit(0, True), fit(1, True))


@layers
def test_dropout(parameters, corpus, new_corpus, make_classifier):
    def fit(dropout):
        return make_classifier(dropout=dropout, max_iter=6, **parameters).fit(*corpus)

    without, with_half = fit(0.0), fit(0.5)
    assert not np.allclose(with_half.embedding_, without.embedding_)
    assert_array_equal(fit(0.5).embedding_, with_half.embedding_)
    assert with_half.score(*new_corpus) > 0.9
    # In training only: a prediction drops nothing.
    scores = with_half.decision_function(new_corpus.texts)
    assert_array_equal(with_half.decision_function(new_corpus.texts), scores)


def test_device_cpu_is_the_default_for_small_tasks(corpus, make_classifier):
    auto, cpu = (make_classifier(device=d).fit(*corpus) for d in ("auto", "cpu"))
    assert_array_equal(auto.embedding_, cpu.embedding_)


# -- stopping --------------------------------------------------------------------------


@pytest.mark.parametrize("early_stopping", [False, True])
def test_stops_where_nothing_is_gained(early_stopping, corpus, make_classifier):
    clf = make_classifier(
        max_iter=50, tol=10.0, n_iter_no_change=3, early_stopping=early_stopping
    )
    # The first epoch always counts as a gain.
    assert clf.fit(*corpus).n_iter_ == 4


def test_goes_on_while_something_is_gained(corpus, make_classifier):
    clf = make_classifier(max_iter=50, tol=0.0, n_iter_no_change=50, alpha=0)
    assert clf.fit(*corpus).n_iter_ == 50


@layers
@pytest.mark.parametrize("scoring_weight", [False, True])
def test_best_weights_are_kept(
    scoring_weight, parameters, validation_samples, make_classifier
):
    texts, labels = noisy(300, seed=1, noise=0.5)
    weight = np.random.default_rng(0).uniform(0.5, 2, 300) if scoring_weight else None
    was_not_the_last = False
    for seed in range(4):
        clf = make_classifier(
            random_state=seed,
            early_stopping=True,
            max_iter=12,
            n_iter_no_change=12,
            alpha=0,
            validation_fraction=0.2,
            **parameters,
        ).fit(texts, labels, sample_weight=weight)
        rows = validation_samples[-1]
        score = clf.score(
            [texts[row] for row in rows],
            [labels[row] for row in rows],
            None if weight is None else weight[rows],
        )
        assert len(clf.validation_scores_) == clf.n_iter_ == 12
        assert clf.best_validation_score_ == max(clf.validation_scores_)
        assert score == pytest.approx(clf.best_validation_score_)
        was_not_the_last |= clf.validation_scores_[-1] < clf.best_validation_score_
    assert was_not_the_last


def test_of_equal_scores_the_last_state_is_kept(corpus, make_classifier, monkeypatch):
    last = []
    original = TrainingRun.finish

    def finish(self):
        last.append(self.export()[0].embedding)
        return original(self)

    monkeypatch.setattr(TrainingRun, "finish", finish)
    options = {"early_stopping": True, "max_iter": 4, "n_iter_no_change": 4}
    clf = make_classifier(**options).fit(*corpus)
    assert clf.validation_scores_ == [1.0] * 4
    # Models that only score samples for the temperature come before.
    assert_array_equal(clf.embedding_, last[-1])


@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_look_at_the_model_so_far_changes_nothing(
    early_stopping, make_classifier, monkeypatch
):
    """The calibration of the best state stays, whichever state is looked at later."""
    texts, labels = noisy(1200, seed=3)
    clf = make_classifier(early_stopping=early_stopping, max_iter=6)
    plain = clone(clf).fit(texts, labels)
    epoch = TrainingRun.epoch

    def looking(self):
        report = epoch(self)
        self.export()
        return report

    monkeypatch.setattr(TrainingRun, "epoch", looking)
    looked_at = clf.fit(texts, labels)
    if early_stopping:
        scores = plain.validation_scores_
        assert scores[-1] < max(scores)
    assert looked_at._model.calibration == plain._model.calibration
    assert_array_equal(looked_at.embedding_, plain.embedding_)


def test_validation_part_is_stratified_and_not_learnt_from(
    validation_samples, make_classifier
):
    labels = ["a"] * 100 + ["b"] * 60 + ["c"] * 40
    texts = [f"{label} own{i}" for i, label in enumerate(labels)]
    clf = make_classifier(early_stopping=True, validation_fraction=0.2)
    clf.set_params(ngram_range=(1, 1), short_text_features=False).fit(texts, labels)
    rows = validation_samples[-1]
    counts = [sum(labels[row] == label for row in rows) for label in "abc"]
    assert counts == [20, 12, 8]
    own = {int(token[3:]) for token in clf.vocabulary_ if token.startswith("own")}
    assert own == set(range(200)) - set(rows.tolist())


@pytest.mark.parametrize(
    ("labels", "fraction"),
    [
        (["a"] * 50 + ["b"] * 49 + ["c"], 0.1),  # a class of one sample
        (["a", "b", "c", "d"] * 5, 0.1),  # two samples for four classes
    ],
)
def test_split_that_cannot_be_stratified_warns(labels, fraction, make_classifier):
    clf = make_classifier(early_stopping=True, validation_fraction=fraction)
    texts = [f"{label} word" for label in labels]
    with pytest.warns(UserWarning, match="not stratified.*Raise validation_fraction"):
        clf.fit(texts, labels)
    assert clf.classes_.tolist() == sorted(set(labels))
    assert clf.predict_proba(texts).shape == (len(texts), len(clf.classes_))


def test_validation_part_that_would_leave_nothing(make_classifier):
    clf = make_classifier(early_stopping=True, validation_fraction=0.9)
    with (
        pytest.warns(UserWarning, match="not stratified"),
        pytest.raises(ValueError, match="train set will be empty"),
    ):
        clf.fit(["a", "b"], [0, 1])


# -- warm start ------------------------------------------------------------------------


@layers
def test_warm_start_goes_on(parameters, corpus, new_corpus, make_classifier):
    cold = make_classifier(**parameters).fit(*corpus)
    clf = make_classifier(warm_start=True, **parameters).fit(*corpus)
    assert_array_equal(clf.embedding_, cold.embedding_)
    vocabulary = dict(clf.vocabulary_)
    clf.fit(*new_corpus)
    assert clf.loss_curve_[0] < cold.loss_curve_[0] / 2
    assert vocabulary.items() <= clf.vocabulary_.items()
    assert clf.score(*corpus) > 0.95
    assert clf.score(*new_corpus) == 1


def test_warm_start_on_a_matrix(make_classifier):
    X, y = np.eye(6), [0, 1, 2] * 2
    clf = make_classifier(warm_start=True).fit(X, y)
    first = clf.loss_curve_[0]
    assert clf.fit(X, y).loss_curve_[0] < first
    with pytest.raises(ValueError, match="X has 7 features"):
        clf.fit(np.eye(7), [0, 1, 2, 0, 1, 2, 0])
    with pytest.raises(ValueError, match="X holds texts"):
        clf.fit(["a", "b", "c"], [0, 1, 2])


@pytest.mark.parametrize("labels", [[0, 1] * 60, [0, 1, 3] * 40, ["0", "1", "2"] * 40])
def test_warm_start_needs_the_same_classes(labels, corpus, make_classifier):
    clf = make_classifier(warm_start=True).fit(corpus.texts, [0, 1, 2] * 40)
    with pytest.raises(ValueError, match="warm_start=True goes on with the classes"):
        clf.fit(corpus.texts, labels)


def test_without_warm_start_classes_may_change(corpus, binary_corpus, make_classifier):
    clf = make_classifier().fit(*corpus).fit(*binary_corpus)
    assert clf.classes_.tolist() == ["bad", "good"]


# -- what is shown ---------------------------------------------------------------------


def test_silent_by_default(corpus, make_classifier, capsys):
    make_classifier().fit(*corpus).partial_fit(*corpus)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("early_stopping", [False, True])
def test_verbose_prints_a_line_for_each_epoch(
    early_stopping, corpus, make_classifier, capsys
):
    clf = make_classifier(verbose=1, max_iter=3, early_stopping=early_stopping)
    clf.fit(*corpus)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    for number, line in enumerate(lines, start=1):
        assert line.startswith(
            f"Epoch {number}: loss {clf.loss_curve_[number - 1]:.4f}"
        )
        assert ("validation score 1.0000" in line) == early_stopping
        assert line.endswith(" samples/s")


# -- probabilities ---------------------------------------------------------------------


@losses
@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("embedding_dim", [None, 8])
def test_probabilities_are_roughly_calibrated(
    embedding_dim, n_classes, loss, make_classifier
):
    texts, labels = noisy(2000, seed=0, n_classes=n_classes)
    new_texts, new_labels = noisy(2000, seed=1, n_classes=n_classes)
    clf = make_classifier(loss=loss, embedding_dim=embedding_dim).fit(texts, labels)
    proba = clf.predict_proba(new_texts)
    accuracy = clf.score(new_texts, new_labels)
    assert accuracy > 0.7
    assert proba.max(axis=1).mean() == pytest.approx(accuracy, abs=0.1)
    priors = np.full_like(proba, 1 / n_classes)
    assert log_loss(new_labels, proba) < 0.85 * log_loss(new_labels, priors)


def test_temperature_leaves_the_classes_alone(corpus, make_classifier):
    hinge = make_classifier().fit(*corpus)
    logistic = make_classifier(loss="cross_entropy").fit(*corpus)
    assert hinge.inverse_temperature_ > 0
    assert logistic.inverse_temperature_ == 1
    scores = hinge.inverse_temperature_ * hinge.decision_function(corpus.texts).astype(
        float
    )
    softplus = np.log1p(np.exp(scores))
    shares = softplus / softplus.sum(axis=1, keepdims=True)
    assert_allclose(hinge.predict_proba(corpus.texts), shares)
    named = hinge.classes_[shares.argmax(axis=1)]
    assert_array_equal(hinge.predict(corpus.texts), named)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"embedding_dim": 8}),
        ({"embedding_dim": 8}, {"embedding_dim": None}),
        ({"embedding_dim": 8}, {"embedding_dim": 9}),
        ({"embedding_dim": 8}, {"hidden_layer_sizes": (4,)}),
    ],
)
def test_layers_stay_where_training_goes_on(
    method, before, after, corpus, make_classifier
):
    clf = make_classifier(warm_start=True, **before).fit(*corpus)
    clf.set_params(**after)
    with pytest.raises(ValueError, match="go on with the layers of the fitted model"):
        getattr(clf, method)(*corpus)


# -- large steps -----------------------------------------------------------------------


def test_a_plateau_of_large_steps_is_no_convergence(make_classifier):
    """Steps become small instead: 735 classes ended at 0.53 of 0.99 by the plateau."""
    rng = np.random.default_rng(0)
    texts = [f"word{i % 40} other{i % 7}" for i in range(800)]
    labels = (rng.random(800) < 0.3 + 0.4 * (np.arange(800) % 40 < 20)).astype(int)
    options = {"learning_rate_init": 0.2, "alpha": 0.0, "supervised_weighting": False}
    clf = make_classifier(max_iter=200, n_iter_no_change=3, **options)
    clf.fit(texts, labels)
    curve = clf.loss_curve_
    plateau = next(
        i
        for i in range(3, 200)
        if min(curve[i - 2 : i + 1]) >= min(curve[: i - 2]) - 1e-4
    )
    # By so many epochs the fit went on, with steps that fell to zero.
    assert clf.n_iter_ == plateau + 1 + 3
    assert curve[-1] < min(curve[: plateau + 1]) - 1e-3


def test_a_loss_of_zero_has_converged(corpus, make_classifier):
    clf = make_classifier(max_iter=100, n_iter_no_change=3).fit(*corpus)
    assert clf.n_iter_ < 50
    assert clf.loss_curve_[-1] < 1e-4
