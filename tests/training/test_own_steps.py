"""Scores without a sample's own steps are those of a model of the others."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss

from skbag import EmbeddingBagClassifier
from skbag._core.bags import Bags
from skbag._training import own_steps
from skbag._training.own_steps import OwnSteps, n_followed, own_shares
from tests.conftest import examples
from tests.training.column_problems import problem


def train(made, n_epochs, seed=0):
    """Train, following the own steps of the last half of the batches."""
    trainer = made.by_columns()
    n_batches = made.n_batches
    scored = np.arange(n_batches // 2, n_batches)
    first = made.edges[scored[0]]
    weight = made.sample_weight
    n_followed = len(made.bags) - first
    followed = OwnSteps(
        made.bags.slice(first, len(made.bags)),
        np.bincount(made.bags.ids, minlength=made.bags.n_ids).astype(float),
        made.codes[first:],
        None if weight is None else weight[first:],
        None,
        made.edges[:, np.newaxis],
        scored,
        np.zeros((n_followed, made.n_outputs)),
        None,
        trainer,
        rank=0,
    )
    rng = np.random.default_rng(seed)
    for epoch in range(n_epochs):
        order = rng.permutation(n_batches)
        progress = trainer.run_epoch(order, scored)
        followed.add(progress.scores, order, made.schedule, epoch * n_batches)
    return trainer, followed


@given(st.integers(1, 4), st.booleans(), st.sampled_from([0.0, 0.05]))
@examples(20)
def test_nothing_but_the_intercept_is_left_where_no_token_is_shared(
    n_epochs, weighted, alpha
):
    # Bags of one id each, all different.
    made = problem(n=24, n_ids=24, weighted=weighted, alpha=alpha, n_steps=200)
    ids = np.arange(24, dtype=np.int32)
    bags = type(made.bags)(
        ids, np.arange(25), np.full(24, 0.9, dtype=np.float32), n_ids=24
    )
    made = made.having(bags=bags)
    trainer, followed = train(made, n_epochs)
    scores = followed.scores_without(trainer, n_epochs)
    intercept = trainer.export().layers[0][1]
    np.testing.assert_allclose(
        scores, np.tile(intercept, (len(scores), 1)), rtol=1e-3, atol=1e-4
    )


def test_own_steps_are_taken_off_by_their_share():
    made = problem()
    trainer, followed = train(made, 3)
    bags = made.bags.slice(16, 40)
    counts = np.bincount(made.bags.ids, minlength=made.bags.n_ids)
    shares = own_shares(bags, counts.astype(float), 3)
    np.testing.assert_allclose(
        followed.scores_without(trainer, 3),
        trainer.score(bags, ()) - shares[:, np.newaxis] * followed.moves,
        rtol=1e-5,
        atol=1e-6,
    )
    assert np.abs(followed.moves).max() > 0.1


def test_others_make_up_for_tokens_that_they_hold():
    made = problem(n=1, n_ids=4)
    [alone] = own_shares(made.bags, np.ones(4), 5)
    assert alone == 1
    shares = [own_shares(made.bags, np.full(4, n), 5)[0] for n in (1, 3, 100, 1e9)]
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] < 1e-3
    assert own_shares(made.bags, np.full(4, 3.0), 1)[0] > shares[1]


def test_the_share_of_a_token_is_that_of_the_formula():
    bags = Bags(np.array([0, 1], np.int32), np.array([0, 2]), np.float32([0.6, 0.8]), 2)
    t = own_steps.COMPENSATION * 4
    expected = 0.36 / (1 + t * 9 * 0.36) + 0.64
    [share] = own_shares(bags, np.array([10.0, 1.0]), 4)
    assert share == pytest.approx(expected, rel=1e-6)
    empty = Bags(np.empty(0, np.int32), np.zeros(2, np.int64), np.empty(0, "f"), 2)
    assert own_shares(empty, np.ones(2), 4).tolist() == [0]


@pytest.mark.parametrize(
    ("share", "expected"),
    [(None, 100), (0.5, 100), (0.2, 100), (0.05, 1280), (0.01, 2000), (0.0, 100)],
)
def test_more_samples_are_followed_where_a_class_is_rare(share, expected):
    assert n_followed(2000, 100, 1, share) == expected


def test_fewer_samples_are_followed_where_outputs_are_many():
    assert n_followed(50_000, 4096, 20, None) == 2**16 // 20
    assert n_followed(50_000, 4096, 5000, None) == own_steps.MIN_FOLLOWED
    assert n_followed(50_000, 100, 5000, None) == 100


def test_all_visits_of_a_sample_are_followed():
    assert n_followed(5000, 100, 1, 0.01, are_visits=True) == 5000
    assert n_followed(500_000, 4096, 1, 0.01, are_visits=True) == 4096


@pytest.mark.slow
def test_the_temperature_is_right_for_new_texts():
    rng = np.random.default_rng(1)

    def draw(n):
        codes = rng.integers(0, 2, size=n)
        noisy = np.where(rng.random(n) < 0.25, 1 - codes, codes)
        texts = [
            " ".join(f"c{c}w{i}" for i in rng.integers(0, 300, size=3))
            + " "
            + " ".join(f"w{i}" for i in rng.integers(0, 2000, size=9))
            for c in codes
        ]
        return texts, noisy

    (texts, y), (new_texts, new_y) = draw(3000), draw(3000)
    clf = EmbeddingBagClassifier(random_state=0).fit(texts, y)
    scores = clf.decision_function(new_texts)

    def loss(inverse_temperature):
        return log_loss(new_y, 1 / (1 + np.exp(-inverse_temperature * scores)))

    best = min(loss(t) for t in np.geomspace(0.2, 20, 60))
    assert loss(clf.inverse_temperature_) < best + 0.02
