"""Learning from one part of the data after the other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.feature_extraction.text import CountVectorizer

from skbag._training.plan import n_full_step_samples

# Fits by the dozen.
pytestmark = pytest.mark.slow

CLASSES = ["garden", "kitchen", "sea"]
CONFIGURATIONS = {
    "default": {},
    "two layers": {"embedding_dim": 8},
    "hidden layer": {"embedding_dim": 8, "hidden_layer_sizes": (8,)},
    "cross-entropy": {"loss": "cross_entropy"},
    "plain encoder": {"analyzer": "char_wb", "ngram_range": (2, 3)},
    "TF-IDF": {"supervised_weighting": False},
    "sums": {
        "supervised_weighting": False,
        "use_idf": False,
        "sublinear_tf": False,
        "norm": None,
    },
    "dropout": {"dropout": 0.2},
}
configurations = pytest.mark.parametrize(
    "parameters", CONFIGURATIONS.values(), ids=CONFIGURATIONS
)


def parts(corpus, size):
    for start in range(0, len(corpus.texts), size):
        rows = slice(start, start + size)
        yield corpus.texts[rows], corpus.labels[rows]


# -- learning --------------------------------------------------------------------------


@configurations
@pytest.mark.parametrize("size", [10, 40])
def test_learns_from_a_stream(parameters, size, corpus, new_corpus, make_classifier):
    clf = make_classifier(**parameters)
    for texts, labels in parts(corpus, size):
        assert clf.partial_fit(texts, labels, classes=CLASSES) is clf
    assert clf.score(*new_corpus) > 0.9
    assert clf.n_iter_ == len(clf.loss_curve_) == 120 // size
    assert clf.loss_curve_[-1] < clf.loss_curve_[0]
    assert clf.validation_scores_ is None
    assert_allclose(clf.predict_proba(new_corpus.texts).sum(axis=1), 1)


def test_learns_from_single_samples(corpus, new_corpus, make_classifier):
    clf = make_classifier()
    for text, label in zip(*corpus, strict=True):
        clf.partial_fit([text], [label], classes=CLASSES)
    assert clf.score(*new_corpus) > 0.9


def test_learns_from_a_matrix(corpus, new_corpus, make_classifier):
    vectorizer = CountVectorizer().fit(corpus.texts)
    clf = make_classifier()
    for texts, labels in parts(corpus, 20):
        clf.partial_fit(vectorizer.transform(texts), labels, classes=CLASSES)
    assert clf.n_features_in_ == len(vectorizer.vocabulary_)
    assert clf.score(vectorizer.transform(new_corpus.texts), new_corpus.labels) > 0.9
    with pytest.raises(ValueError, match=r"X has 2 features, but .* is expecting"):
        clf.partial_fit(np.eye(2), ["sea", "sea"])


@pytest.mark.parametrize("parameters", [{}, {"embedding_dim": 8}])
def test_a_part_may_be_harder_than_the_first(parameters, corpus, make_classifier):
    """The step that was stable for the first part is too large for this one."""
    clf = make_classifier(**parameters).partial_fit(*corpus, classes=CLASSES)
    rate = clf.learning_rate_
    duplicates = ["oven sail fern"] * 66, CLASSES * 22
    for _ in range(3):
        clf.partial_fit(*duplicates, sample_weight=[3.0] * 66)
    assert clf.learning_rate_ < rate / 10
    n_full = n_full_step_samples(clf._resume.skill_score)
    clf.partial_fit(*corpus)
    n_seen = 120 + 3 * 66
    assert clf.learning_rate_ == pytest.approx(rate / np.sqrt(1 + n_seen / n_full))
    assert clf.score(*corpus) > 0.9


def test_probabilities_of_a_stream_make_sense(corpus, new_corpus, make_classifier):
    clf = make_classifier()
    for texts, labels in parts(corpus, 20):
        clf.partial_fit(texts, labels, classes=CLASSES)
    codes = np.searchsorted(clf.classes_, new_corpus.labels)
    proba = clf.predict_proba(new_corpus.texts)
    assert proba[np.arange(len(codes)), codes].mean() > 0.8


# -- classes ---------------------------------------------------------------------------


def test_first_call_needs_classes(corpus, make_classifier):
    clf = make_classifier()
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        clf.partial_fit(*corpus)
    assert not hasattr(clf, "classes_")


def test_classes_that_have_not_come_yet(corpus, make_classifier):
    texts, labels = ["oven soup", "sail ship"] * 10, ["kitchen", "sea"] * 10
    clf = make_classifier().partial_fit(texts, labels, classes=CLASSES)
    assert clf.classes_.tolist() == CLASSES
    assert clf.decision_function(texts).shape == (20, 3)
    for _ in range(3):
        clf.partial_fit(["fern moss"] * 10, ["garden"] * 10)
    assert clf.predict(["fern moss", "oven soup"]).tolist() == ["garden", "kitchen"]


def test_classes_are_sorted(corpus, make_classifier):
    clf = make_classifier().partial_fit(*corpus, classes=CLASSES[::-1])
    assert clf.classes_.tolist() == CLASSES


@pytest.mark.parametrize("classes", [None, CLASSES])
def test_label_that_was_not_announced(classes, corpus, make_classifier):
    clf = make_classifier().partial_fit(*corpus, classes=CLASSES)
    with pytest.raises(ValueError, match=r"not among the classes: \['zoo'\]"):
        clf.partial_fit(["a zebra"], ["zoo"], classes=classes)


def test_label_that_was_not_announced_in_the_first_call(corpus, make_classifier):
    clf = make_classifier()
    with pytest.raises(ValueError, match=r"not among the classes: \['sea'\]"):
        clf.partial_fit(*corpus, classes=["garden", "kitchen"])
    assert not hasattr(clf, "classes_")


def test_other_classes_later(corpus, make_classifier):
    clf = make_classifier().partial_fit(*corpus, classes=CLASSES)
    with pytest.raises(ValueError, match="is not the same as on last call"):
        clf.partial_fit(*corpus, classes=[*CLASSES, "zoo"])


def test_one_class(corpus, make_classifier):
    with pytest.raises(ValueError, match="at least 2 classes, got 1 class: 'sea'"):
        make_classifier().partial_fit(["a"], ["sea"], classes=["sea"])


# -- tokens ----------------------------------------------------------------------------


@configurations
def test_tokens_first_seen_later_are_learnt(parameters, corpus, make_classifier):
    clf = make_classifier(**parameters).partial_fit(*corpus, classes=CLASSES)
    before = clf.predict_proba(["quokka"])[0]
    for _ in range(3):
        clf.partial_fit(
            [f"quokka {word}" for word in ("on", "at", "by", "in")] * 3, ["sea"] * 12
        )
    after = clf.predict_proba(["quokka"])[0]
    sea = CLASSES.index("sea")
    assert after[sea] > max(before[sea], 0.5)


@configurations
def test_vocabulary_grows_and_old_ids_keep_their_meaning(
    parameters, corpus, make_classifier
):
    clf = make_classifier(**parameters).partial_fit(*corpus, classes=CLASSES)
    before = dict(clf.vocabulary_)
    clf.partial_fit(["quokka wombat", "xylophone"], ["sea", "garden"])
    after = clf.vocabulary_
    assert before.items() < after.items()
    assert sorted(after.values()) == list(range(len(after)))
    assert len(clf.embedding_) == len(after) > len(before)


@pytest.mark.parametrize("pruning", [{"min_df": 5}, {"max_df": 2}, {"max_features": 3}])
def test_parts_are_not_pruned(pruning, make_classifier):
    """What one part of the data may prune, the next may want."""
    clf = make_classifier(**pruning, ngram_range=(1, 1), short_text_features=False)
    clf.partial_fit(["a b", "c d", "a b"], [0, 1, 0], classes=[0, 1])
    clf.partial_fit(["e", "a"], [0, 1])
    assert set(clf.vocabulary_) == set("abcde")


def test_given_vocabulary_does_not_grow(corpus, make_classifier):
    clf = make_classifier(vocabulary=["oven", "sail", "fern"])
    clf.partial_fit(*corpus, classes=CLASSES).partial_fit(["quokka"], ["sea"])
    assert clf.vocabulary_ == {"oven": 0, "sail": 1, "fern": 2}


@pytest.mark.parametrize("parameters", [{}, {"embedding_dim": 8}])
def test_rows_stay_where_weights_change(parameters, corpus, make_classifier):
    """Old texts are read with the weights of today, as new ones are."""
    clf = make_classifier(alpha=0, **parameters).partial_fit(*corpus, classes=CLASSES)
    ids = [clf.vocabulary_[token] for token in ("oven", "sail", "fern", "over that")]
    taught = clf.embedding_[ids]
    weights = clf._model.featurizer.id_weights[ids]
    clf.partial_fit(["nothing known xylophone"] * 30, ["sea"] * 30)
    assert not np.allclose(clf._model.featurizer.id_weights[ids], weights, rtol=0.01)
    assert_array_equal(clf.embedding_[ids], taught)


def test_a_factor_of_all_weights_changes_no_score(corpus, make_classifier):
    """As documents grow in number, so do weights; what was learnt must not fade."""
    clf = make_classifier().partial_fit(*corpus, classes=CLASSES)
    model = clf._model
    louder = replace(
        model.featurizer, id_weights=np.float32(1.7) * model.featurizer.id_weights
    )
    assert_allclose(
        replace(model, featurizer=louder).scores(corpus.texts),
        model.scores(corpus.texts),
        rtol=1e-4,
    )


def test_document_counts_add_up(corpus, make_classifier):
    parameters = {"supervised_weighting": False, "ngram_range": (1, 1)}
    whole = make_classifier(**parameters).partial_fit(*corpus, classes=CLASSES)
    clf = make_classifier(**parameters)
    for texts, labels in parts(corpus, 60):
        clf.partial_fit(texts, labels, classes=CLASSES)
    of_whole, of_parts = (
        dict(zip(c._model.encoder.names(), c._model.featurizer.id_weights, strict=True))
        for c in (whole, clf)
    )
    assert of_parts == pytest.approx(of_whole)


# -- after and between fits ------------------------------------------------------------


@configurations
def test_after_fit(parameters, corpus, new_corpus, make_classifier):
    clf = make_classifier(**parameters).fit(*corpus)
    epochs = clf.n_iter_
    vocabulary = dict(clf.vocabulary_)
    clf.partial_fit(*new_corpus)
    assert clf.n_iter_ == len(clf.loss_curve_) == epochs + 1
    assert vocabulary.items() <= clf.vocabulary_.items()
    assert clf.loss_curve_[-1] < clf.loss_curve_[0] / 2
    assert clf.score(*corpus) > 0.95


def test_after_fit_with_pruning_new_tokens_are_learnt(corpus, make_classifier):
    clf = make_classifier(min_df=5).fit(*corpus)
    assert "quokka" not in clf.vocabulary_
    clf.partial_fit(["quokka"] * 10, ["sea"] * 10)
    assert "quokka" in clf.vocabulary_
    assert clf.predict(["quokka"]) == "sea"


def test_fit_starts_anew(corpus, new_corpus, make_classifier):
    clf = make_classifier().partial_fit(["quokka"] * 2, [0, 1], classes=[0, 1])
    clf.fit(*corpus)
    expected = make_classifier().fit(*corpus)
    assert clf.classes_.tolist() == CLASSES
    assert "quokka" not in clf.vocabulary_
    assert_array_equal(clf.embedding_, expected.embedding_)
    assert clf.loss_curve_ == expected.loss_curve_


def test_each_call_has_randomness_of_its_own(corpus, make_classifier, monkeypatch):
    """The same part again is shuffled in another way, the same in every run."""
    seeds = []
    default_rng = np.random.default_rng

    def spy(seed):
        seeds.append(tuple(seed))
        return default_rng(seed)

    monkeypatch.setattr(np.random, "default_rng", spy)
    for _ in range(2):
        clf = make_classifier().partial_fit(*corpus, classes=CLASSES)
        clf.partial_fit(*corpus).partial_fit(*corpus)
    assert seeds[:3] == seeds[3:]
    assert len(set(seeds)) == 3


def test_steps_of_the_intercept_get_smaller(make_classifier):
    """Its Adagrad sums go on from call to call; with new ones it would jump about."""
    rng = np.random.default_rng(0)
    clf = make_classifier()
    intercepts = []
    for _ in range(60):
        labels = np.append(rng.integers(0, 2, 18), [0, 1])
        clf.partial_fit(["same words"] * 20, labels, classes=[0, 1])
        intercepts.append(clf.intercept_[0])
    steps = np.abs(np.diff(intercepts))
    assert steps[-20:].mean() < steps[:20].mean() / 2


# -- weights and what is refused -------------------------------------------------------


def test_sample_weight_counts_across_calls(make_classifier):
    clf = make_classifier()
    for label, weight in ((0, 1.0), (1, 4.0)) * 5:
        clf.partial_fit(
            ["same words"] * 10,
            [label] * 10,
            classes=[0, 1],
            sample_weight=[weight] * 10,
        )
    totals = clf._model.featurizer.document_counts.class_totals
    assert totals.tolist() == [50, 200]


def test_heavier_samples_win(make_classifier):
    labels = np.array([0, 1] * 20)
    for heavier in (0, 1):
        clf = make_classifier()
        weight = np.where(labels == heavier, 3.0, 1.0)
        for _ in range(5):
            clf.partial_fit(["same words"] * 40, labels, [0, 1], weight)
        assert clf.predict(["same words"]) == heavier


def test_weight_zero_is_as_good_as_absent(corpus, make_classifier):
    weight = np.ones(120)
    weight[::4] = 0
    rows = np.flatnonzero(weight)
    texts, labels = ([column[row] for row in rows] for column in corpus)
    clf = make_classifier().partial_fit(*corpus, CLASSES, weight)
    expected = make_classifier().partial_fit(texts, labels, CLASSES)
    assert_array_equal(clf.embedding_, expected.embedding_)


def test_class_weight(make_classifier):
    clf = make_classifier(class_weight={1: 5.0})
    for _ in range(5):
        clf.partial_fit(["same words"] * 40, [0, 1] * 20, classes=[0, 1])
    assert clf.predict(["same words"]) == 1


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"early_stopping": True}, "early_stopping=True"),
        ({"class_weight": "balanced"}, "class_weight='balanced'"),
    ],
)
def test_what_needs_all_data_is_refused(parameters, named, corpus, make_classifier):
    clf = make_classifier(**parameters)
    with pytest.raises(ValueError, match=f"partial_fit does not support {named}"):
        clf.partial_fit(*corpus, classes=CLASSES)


def test_part_of_empty_texts(corpus, make_classifier):
    clf = make_classifier().partial_fit(*corpus, classes=CLASSES)
    known = len(clf.vocabulary_)
    clf.partial_fit(["", " "], ["sea", "garden"])
    assert len(clf.vocabulary_) == known
    assert clf.score(*corpus) > 0.9


def test_a_stream_knows_how_well_new_texts_are_predicted(corpus, make_classifier):
    clf = make_classifier().partial_fit(
        corpus.texts[:40], corpus.labels[:40], classes=CLASSES
    )
    first = clf._resume.skill_score
    assert 0 <= first <= 1
    clf.partial_fit(corpus.texts[40:], corpus.labels[40:])
    # All of the second part is scored, half of the first.
    n_new = len(corpus.texts) - 40
    share = n_new / (n_new + 40)
    own = (clf._resume.skill_score - (1 - share) * first) / share
    assert -1e-9 <= own <= 1 + 1e-9
    assert clf._resume.skill_score > first
