"""Samples that weigh more than a step can carry are visited several times."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.metrics import average_precision_score

from skbag import EmbeddingBagClassifier
from skbag._targets.classification_targets import ClassTargets
from skbag._training.samples import Samples
from skbag._training.visits import CARRIED, with_visits

WEIGHT = [0.5, 3.0, 1.0, 2.5, 4.0]


def make(weight=WEIGHT):
    texts = [str(number) for number in range(5)]
    weight = None if weight is None else np.array(weight)
    return Samples(texts, np.arange(5), weight, ClassTargets(np.arange(5)))


def test_no_visit_weighs_more_than_a_step_carries_and_weights_add_up():
    visits = with_visits(make(), 0, None)
    assert visits.X == ["0", "1", "1", "1", "2", "3", "3", "3", "4", "4", "4", "4"]
    assert visits.weight.max() <= CARRIED
    sums = np.bincount(visits.codes, visits.weight)
    assert_allclose(sums, WEIGHT)
    assert visits.numbers.tolist() == visits.codes.tolist()
    assert_allclose(np.bincount(visits.codes, visits.document_weight), 1)


def test_the_last_samples_stay_as_they_are():
    visits = with_visits(make(), 2, np.random.default_rng(0))
    assert visits.X[-2:] == ["3", "4"]
    assert visits.weight[-2:].tolist() == [2.5, 4]
    assert sorted(visits.X[:-2]) == ["0", "1", "1", "1", "2"]


def test_visits_of_a_sample_are_not_side_by_side():
    weight = np.ones(1000)
    weight[0] = 500
    samples = Samples(
        list(range(1000)), np.zeros(1000), weight, ClassTargets(np.arange(1))
    )
    visits = with_visits(samples, 0, np.random.default_rng(0))
    places = np.flatnonzero(np.array(visits.X) == 0)
    assert len(places) == 450
    assert places.max() - places.min() > 1000


def test_weights_that_a_step_carries_are_visited_once():
    samples = make([0.9, 1.1, 1.0, 1.05, 0.95])
    visits = with_visits(samples, 0, None)
    assert visits.X == samples.X
    assert visits.weight.tolist() == samples.weight.tolist()


def test_without_weights_nothing_changes():
    samples = make(None)
    assert with_visits(samples, 2, np.random.default_rng(0)) is samples


@pytest.fixture(scope="module")
def rare():
    """Two classes of which one has a text in fifty, told by words of its own."""
    rng = np.random.default_rng(0)

    def draw(n):
        y = (rng.random(n) < 0.02).astype(int)
        texts = [
            " ".join(f"w{i}" for i in rng.integers(0, 200, size=8))
            + (f" rare{rng.integers(40)} rare{rng.integers(40)}" if positive else "")
            for positive in y
        ]
        return texts, y

    return draw(3000), draw(3000)


def test_balanced_classes_rank_a_rare_one_no_worse(rare):
    (texts, y), (new_texts, new_y) = rare
    scores = {
        class_weight: average_precision_score(
            new_y,
            EmbeddingBagClassifier(class_weight=class_weight, random_state=0)
            .fit(texts, y)
            .decision_function(new_texts),
        )
        for class_weight in (None, "balanced")
    }
    assert scores["balanced"] > scores[None] - 0.02
    assert scores["balanced"] > 0.9


def test_features_are_weighed_by_documents_whatever_their_class_weighs(rare):
    (texts, y), _ = rare
    plain, balanced = (
        EmbeddingBagClassifier(class_weight=weight, random_state=0).fit(texts, y)
        for weight in (None, "balanced")
    )
    assert_allclose(
        plain._model.featurizer.id_weights, balanced._model.featurizer.id_weights
    )
