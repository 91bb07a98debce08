"""How much a sample counts: `sample_weight` and `class_weight`, on texts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.feature_extraction.text import CountVectorizer

# Fits by the dozen.
pytestmark = pytest.mark.slow

CONFIGURATIONS = {
    "default": {},
    "two layers": {"embedding_dim": 8},
    "hidden layer": {"embedding_dim": 8, "hidden_layer_sizes": (6,)},
    "cross-entropy": {"loss": "cross_entropy"},
    "TF-IDF": {"supervised_weighting": False},
    "early stopping": {"early_stopping": True, "validation_fraction": 0.2},
}
configurations = pytest.mark.parametrize(
    "parameters", CONFIGURATIONS.values(), ids=CONFIGURATIONS
)


@pytest.fixture
def weights(corpus):
    return np.random.default_rng(0).uniform(0.5, 2, len(corpus.texts))


def contradictory(n_positive, n_negative):
    """The same texts under both labels."""
    return ["same words"] * (n_positive + n_negative), [1] * n_positive + [
        0
    ] * n_negative


# -- sample_weight ---------------------------------------------------------------------


@configurations
def test_no_weights_are_equal_weights(parameters, corpus, make_classifier):
    without = make_classifier(**parameters).fit(*corpus)
    ones = np.ones(len(corpus.texts))
    equal = make_classifier(**parameters).fit(*corpus, sample_weight=ones)
    assert_array_equal(equal.embedding_, without.embedding_)
    assert_array_equal(equal.intercept_, without.intercept_)


@configurations
def test_only_proportions_matter_in_fit(parameters, corpus, weights, make_classifier):
    scores = [
        make_classifier(**parameters)
        .fit(*corpus, sample_weight=factor * weights)
        .decision_function(corpus.texts)
        for factor in (1, 1e-3, 1e4)
    ]
    assert_allclose(scores[1], scores[0], atol=1e-4)
    assert_allclose(scores[2], scores[0], atol=1e-4)


@configurations
def test_weight_zero_is_as_good_as_absent(
    parameters, corpus, new_corpus, weights, make_classifier
):
    weights[::4] = 0
    # Words of a sample that does not count are not learnt either.
    texts, labels = [corpus.texts[0] + " quokka", *corpus.texts[1:]], corpus.labels
    clf = make_classifier(**parameters).fit(texts, labels, sample_weight=weights)
    rows = np.flatnonzero(weights)
    texts, labels = ([column[row] for row in rows] for column in (texts, labels))
    expected = make_classifier(**parameters).fit(
        texts, labels, sample_weight=weights[rows]
    )
    assert "quokka" not in clf.vocabulary_
    assert clf.vocabulary_ == expected.vocabulary_
    assert_array_equal(clf.embedding_, expected.embedding_)
    assert_array_equal(
        clf.decision_function(new_corpus.texts),
        expected.decision_function(new_corpus.texts),
    )


@configurations
@pytest.mark.parametrize("heavier", [0, 1])
def test_the_heavier_class_wins(parameters, heavier, make_classifier):
    texts, labels = contradictory(30, 30)
    weight = np.where(np.array(labels) == heavier, 3.0, 1.0)
    clf = make_classifier(**parameters).fit(texts, labels, sample_weight=weight)
    assert clf.predict(["same words"]) == heavier
    assert clf.predict_proba(["same words"])[0, heavier] > 0.5


def test_weights_count_in_document_frequencies(make_classifier):
    """Under IDF a word of heavier texts counts for less."""
    texts = ["rare word", "other thing"] * 30
    clf = make_classifier(ngram_range=(1, 1), supervised_weighting=False, norm=None)
    clf.fit(texts, [0, 1] * 30, sample_weight=[3.0, 1.0] * 30)
    by_word = dict(zip(clf.vocabulary_, clf._model.featurizer.id_weights, strict=True))
    # 60 documents of weight 1 on average: 45 of them hold "rare".
    assert by_word["rare"] == pytest.approx(np.log(61 / 46) + 1)
    assert by_word["thing"] == pytest.approx(np.log(61 / 16) + 1)


def test_weights_of_a_matrix(corpus, weights, make_classifier):
    X = CountVectorizer().fit_transform(corpus.texts)
    y = np.array(corpus.labels)
    weights[::4] = 0
    clf = make_classifier().fit(X, y, sample_weight=weights)
    kept = weights > 0
    expected = make_classifier().fit(X[kept], y[kept], sample_weight=weights[kept])
    assert_array_equal(clf.embedding_, expected.embedding_)


@pytest.mark.parametrize("wrap", [list, tuple, np.float32, np.array])
def test_containers_of_weights(wrap, corpus, weights, make_classifier):
    weights = weights.astype(np.float32).astype(float)
    expected = make_classifier().fit(*corpus, sample_weight=weights)
    clf = make_classifier().fit(*corpus, sample_weight=wrap(weights))
    assert_array_equal(clf.embedding_, expected.embedding_)


def test_score_takes_weights(corpus, make_classifier):
    clf = make_classifier().fit(*corpus)
    wrong = ["sea" if label != "sea" else "garden" for label in corpus.labels[:60]]
    labels = wrong + corpus.labels[60:]
    assert clf.score(corpus.texts, labels) == 0.5
    weight = [0] * 60 + [1] * 60
    assert clf.score(corpus.texts, labels, sample_weight=weight) == 1


# -- class_weight ----------------------------------------------------------------------


def test_steps_take_class_weights_as_they_take_sample_weights(corpus, make_classifier):
    """Documents are counted by the latter alone; without counts both are the same."""
    plain = {"supervised_weighting": False, "use_idf": False}
    class_weight = {"sea": 2.0, "garden": 0.5}
    by_class = make_classifier(class_weight=class_weight, **plain).fit(*corpus)
    weight = [class_weight.get(label, 1.0) for label in corpus.labels]
    by_sample = make_classifier(**plain).fit(*corpus, sample_weight=weight)
    none = make_classifier(**plain).fit(*corpus)
    # Not the same: intercepts start at the shares of documents.
    difference = np.abs(by_class.embedding_ - by_sample.embedding_).mean()
    assert difference < 0.5 * np.abs(by_class.embedding_ - none.embedding_).mean()


def test_class_and_sample_weights_multiply(corpus, weights, make_classifier):
    clf = make_classifier(class_weight={"sea": 4.0})
    clf.fit(*corpus, sample_weight=weights)
    others = dict.fromkeys({*corpus.labels} - {"sea"}, 0.25)
    same = make_classifier(class_weight=others).fit(*corpus, sample_weight=weights)
    assert_allclose(clf.embedding_, same.embedding_, atol=1e-5)
    without = make_classifier(class_weight={"sea": 4.0}).fit(*corpus)
    assert np.abs(clf.embedding_ - without.embedding_).max() > 0.01


@configurations
def test_balanced_makes_up_for_numbers(parameters, make_classifier):
    texts, labels = contradictory(80, 20)
    texts = [text + " yes" * label for text, label in zip(texts, labels, strict=True)]
    clf = make_classifier(class_weight="balanced", **parameters).fit(texts, labels)
    by_hand = make_classifier(class_weight={1: 100 / 160, 0: 100 / 40}, **parameters)
    assert_allclose(clf.embedding_, by_hand.fit(texts, labels).embedding_, rtol=1e-5)


@pytest.mark.filterwarnings("ignore:The training loss ended")  # by contradiction
def test_balanced_moves_contradictory_texts_to_the_middle(make_classifier):
    texts, labels = contradictory(800, 200)
    plain = make_classifier().fit(texts, labels).predict_proba(["same words"])
    balanced = make_classifier(class_weight="balanced").fit(texts, labels)
    assert plain[0, 0] < 0.35
    assert balanced.predict_proba(["same words"])[0, 0] == pytest.approx(0.5, abs=0.1)


def test_balanced_does_not_count_samples_of_weight_zero(corpus, make_classifier):
    weight = np.ones(120)
    weight[:60:3] = 0
    rows = np.flatnonzero(weight)
    texts, labels = ([column[row] for row in rows] for column in corpus)
    clf = make_classifier(class_weight="balanced").fit(*corpus, sample_weight=weight)
    expected = make_classifier(class_weight="balanced").fit(texts, labels)
    assert_array_equal(clf.embedding_, expected.embedding_)


def test_class_of_weight_zero_is_known_but_not_learnt(corpus, make_classifier):
    clf = make_classifier(class_weight={"sea": 0}).fit(*corpus)
    assert "sea" in clf.classes_
    assert "sea" not in clf.predict(corpus.texts)


def test_class_weight_names_classes_that_a_part_lacks(corpus, make_classifier):
    rows = [row for row, label in enumerate(corpus.labels) if label != "sea"]
    texts, labels = ([column[row] for row in rows] for column in corpus)
    clf = make_classifier(class_weight={"sea": 2.0})
    clf.partial_fit(texts, labels, classes=["garden", "kitchen", "sea"])
    clf.partial_fit(*corpus)
    assert clf.score(*corpus) > 0.95


# -- classes without a sample ----------------------------------------------------------

LAYERS = [{}, {"embedding_dim": 8}, {"embedding_dim": 8, "hidden_layer_sizes": (8,)}]


@pytest.mark.parametrize("loss", ["squared_hinge", "cross_entropy"])
@pytest.mark.parametrize("parameters", LAYERS, ids=str)
@pytest.mark.parametrize("by", ["sample_weight", "class_weight"])
def test_a_class_without_weight_has_next_to_no_probability(
    loss, parameters, by, corpus, make_classifier
):
    texts, labels = corpus
    absent = sorted(set(labels))[1]
    if by == "sample_weight":
        clf = make_classifier(loss=loss, **parameters)
        clf.fit(texts, labels, [float(label != absent) for label in labels])
    else:
        clf = make_classifier(loss=loss, class_weight={absent: 0.0}, **parameters)
        clf.fit(texts, labels)
    assert clf.predict_proba([*texts, "", "xylophone"])[:, 1].max() < 1e-6
    others = [label != absent for label in labels]
    predicted = clf.predict(texts)
    assert np.mean(predicted[others] == np.array(labels)[others]) > 0.9


@pytest.mark.parametrize("present", [0, 1])
def test_the_same_of_two_classes(present, corpus, make_classifier):
    texts, y = corpus.texts, np.arange(len(corpus.texts)) % 2
    clf = make_classifier().fit(texts, y, (y == present).astype(float))
    assert clf.predict_proba([*texts, ""])[:, present].min() > 1 - 1e-6


@pytest.mark.parametrize("parameters", LAYERS[:2], ids=str)
def test_a_class_that_comes_back_is_learnt(parameters, corpus, make_classifier):
    texts, labels = corpus
    absent = sorted(set(labels))[1]
    weights = [float(label != absent) for label in labels]
    clf = make_classifier(warm_start=True, **parameters).fit(texts, labels, weights)
    assert clf.fit(texts, labels).score(texts, labels) > 0.95
    clf = make_classifier(**parameters).fit(texts, labels, weights)
    for _ in range(5):
        clf.partial_fit(texts, labels)
    assert clf.score(texts, labels) > 0.9


def test_a_class_that_is_announced_keeps_its_chance(corpus, make_classifier):
    """It is to come in a later part."""
    texts, labels = corpus
    first = [label != sorted(set(labels))[1] for label in labels]
    clf = make_classifier()
    some = [text for text, taken in zip(texts, first, strict=True) if taken]
    clf.partial_fit(some, np.array(labels)[first], classes=sorted(set(labels)))
    assert clf.predict_proba([""])[0, 1] > 0.01


@pytest.mark.parametrize(
    "weights", [Path("weights.csv"), "balanced", {0: 1.0}, {1.0}, object(), len]
)
def test_what_is_no_array_of_weights(weights, corpus, make_classifier):
    with pytest.raises(TypeError, match=r"an array of one number .* got \w+\. Pass a"):
        make_classifier().fit(*corpus, sample_weight=weights)
