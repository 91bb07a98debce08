"""Few samples are scored by models of the others, fitted one by one here."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from skbag._training import cross_scores as module
from skbag._training import fit as fit_module
from skbag._training.cross_scores import N_FOLDS
from skbag._training.plan import MAX_UNCOUNTED, n_progressive_samples


def made_up(n, n_classes=3, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % n_classes
    words = rng.integers(40, size=(n, 6))
    texts = [
        f"sign{c} only{i} " + " ".join(f"w{w}" for w in row)
        for i, (c, row) in enumerate(zip(y, words, strict=True))
    ]
    return texts, y


def n_counted(clf):
    return clf._model.featurizer.document_counts.n_documents


@pytest.fixture
def noted(monkeypatch):
    """Arguments and result of each call of `cross_scores`."""
    calls = []
    original = fit_module.cross_scores

    def call(*arguments):
        unseen = original(*arguments)
        calls.append((*arguments, unseen))
        return unseen

    monkeypatch.setattr(fit_module, "cross_scores", call)
    return calls


@pytest.mark.parametrize("n", [12, 60, 639, 640, 700])
def test_all_of_few_samples_are_counted(make_classifier, n):
    clf = make_classifier().fit(*made_up(n))
    n_progressive = n_progressive_samples(n, 3)
    is_few = n_progressive > MAX_UNCOUNTED * n
    assert is_few == (n < 640)
    assert n_counted(clf) == (n if is_few else n - n_progressive)


@pytest.mark.parametrize(
    "parameters", [{"loss": "cross_entropy"}, {"embedding_dim": 8}]
)
def test_samples_are_held_out_where_fits_take_long(make_classifier, noted, parameters):
    clf = make_classifier(**parameters).fit(*made_up(60))
    assert n_counted(clf) == 60 - n_progressive_samples(60, 3)
    assert not noted


def test_weights_without_classes_are_made_of_all(make_classifier, noted):
    clf = make_classifier(supervised_weighting=False).fit(*made_up(60))
    assert n_counted(clf) == 60
    assert not noted


@pytest.mark.parametrize("n_classes", [2, 3])
def test_scores_are_those_of_fits_without_the_samples(
    make_classifier, noted, monkeypatch, n_classes
):
    """Plain fits of the other texts know no other features, and score the same."""
    # Else batches differ, as these fits shuffle their texts.
    parameters = {"batch_size": 100, "alpha": 0.0, "max_iter": 3, "shuffle": False}
    parameters |= {"ngram_range": (1, 1), "short_text_features": False}
    texts, y = made_up(30, n_classes)
    make_classifier(**parameters).fit(texts, y)
    ((prepared, *_, unseen),) = noted
    monkeypatch.setattr(fit_module, "cross_scores", lambda *arguments: None)
    folds = module._folds(prepared.samples)
    np.testing.assert_array_equal(unseen.rows, np.arange(30))
    for number in range(N_FOLDS):
        rest, rows = np.flatnonzero(folds != number), np.flatnonzero(folds == number)
        clf = make_classifier(**parameters)
        clf.fit([texts[i] for i in rest], y[rest])
        scores = clf._model.predictor.scores(
            clf._model.featurizer.weigh([texts[i] for i in rows])
        )
        np.testing.assert_allclose(unseen.scores[rows], scores, atol=1e-5)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=50))
def test_each_class_is_spread_over_the_parts(codes):
    codes = np.array(codes)

    class Targets:
        def strata(self, codes):
            return codes

    samples = module.Samples([""] * len(codes), codes, None, Targets())
    folds = module._folds(samples)
    for code in np.unique(codes):
        sizes = np.bincount(folds[codes == code], minlength=N_FOLDS)
        assert sizes.max() - sizes.min() <= 1


def test_the_only_sample_of_a_class_is_left_out(make_classifier, noted):
    texts, y = made_up(30)
    make_classifier().fit([*texts, "one of a kind"], [*y, 7])
    ((prepared, *_, unseen),) = noted
    (lone,) = np.flatnonzero(prepared.samples.codes == 3)
    np.testing.assert_array_equal(unseen.rows, np.delete(np.arange(31), lone))


@pytest.mark.parametrize("n", [2, 3])
def test_the_fewest_there_can_be(make_classifier, noted, n):
    clf = make_classifier().fit(["a b", "c d", "a d"][:n], [0, 1, 1][:n])
    assert np.isfinite(clf.predict_proba(["a b"])).all()


def test_labels_and_weights(make_classifier, noted):
    texts, y = made_up(45)
    indicator = sp.csr_array(np.eye(3, dtype=np.int64)[y])
    # None so heavy that it is visited twice.
    weight = np.random.default_rng(0).uniform(0.9, 1.05, size=45)
    make_classifier().fit(texts, indicator, sample_weight=weight)
    ((prepared, *_, unseen),) = noted
    assert unseen.scores.shape == (45, 3)
    labels = prepared.samples.codes.to_csr().toarray()
    assert ((unseen.scores > 0) == labels).mean() > 0.8


def test_a_fit_repeats(make_classifier):
    one, other = (make_classifier(random_state=3).fit(*made_up(50)) for _ in range(2))
    assert one.inverse_temperature_ == other.inverse_temperature_


def test_labels_by_chance_leave_nobody_sure(make_classifier):
    rng = np.random.default_rng(0)
    words = rng.integers(3000, size=(600, 20))
    texts = [" ".join(f"w{w}" for w in row) for row in words]
    y = rng.integers(6, size=600)
    clf = make_classifier().fit(texts[:100], y[:100])
    p = clf.predict_proba(texts[100:])[np.arange(500), y[100:]]
    # By guessing 1.79.
    assert -np.log(p).mean() < 1.9
