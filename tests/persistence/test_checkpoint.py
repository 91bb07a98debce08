"""A fit that was cut short goes on from its checkpoint, to the same bits."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone

import skbag
from skbag import EmbeddingBagClassifier
from skbag.exceptions import ModelFileError

# Fits by the dozen.
pytestmark = pytest.mark.slow


class Cut(Exception):
    """What ends a fit before its time."""


@pytest.fixture
def cut_after(monkeypatch):
    """Return a function after which the epoch of a number is the last of each fit."""

    def cut(n_epochs):
        from skbag._training.run import TrainingRun

        epoch = TrainingRun.epoch

        def cut_short(self):
            # Models that only score samples for the temperature hold none out.
            holds_out = self.plan.n_progressive > 0
            if holds_out and len(self.outcome.loss_curve) == n_epochs:
                raise Cut("short")
            return epoch(self)

        monkeypatch.setattr(TrainingRun, "epoch", cut_short)
        return lambda: monkeypatch.setattr(TrainingRun, "epoch", epoch)

    return cut


def assert_same_bits(one, other):
    """Compare all that a fit leaves."""
    assert one.loss_curve_ == other.loss_curve_
    assert one.validation_scores_ == other.validation_scores_
    assert one.inverse_temperature_ == other.inverse_temperature_
    assert one.alpha_ == other.alpha_
    assert one.embedding_.tobytes() == other.embedding_.tobytes()
    for mine, others in zip(
        one._model.predictor.layers, other._model.predictor.layers, strict=True
    ):
        for array, same in zip(mine, others, strict=True):
            assert (array is None and same is None) or array.tobytes() == same.tobytes()
    for array, same in zip(
        one._resume.accumulators, other._resume.accumulators, strict=True
    ):
        assert array.tobytes() == same.tobytes()


VECTORS = {"oven": np.ones(4), "storm": np.arange(4.0), "hedge": -np.ones(4)}


@pytest.mark.parametrize("n_epochs", [1, 3])
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"alpha": 0.01, "batch_size": 8},
        {"early_stopping": True, "n_iter_no_change": 3, "tol": 0.0},
        {"dropout": 0.3},
        {"embedding_dim": 4, "hidden_layer_sizes": (3,), "dropout": 0.1},
        {"embedding_dim": 4, "embedding_init": VECTORS},
        {"text_encoder": lambda texts: [[len(text), 9] for text in texts]},
        {"shuffle": False, "loss": "cross_entropy"},
    ],
    ids=lambda parameters: ", ".join(parameters) or "defaults",
)
def test_goes_on_to_the_same_bits(
    parameters, n_epochs, corpus, make_classifier, cut_after, tmp_path
):
    path = tmp_path / "fit.ckpt"
    parameters = {"max_iter": 5, **parameters}
    whole = make_classifier(**parameters).fit(*corpus)
    go_on = cut_after(n_epochs)
    with pytest.raises(Cut, match="short"):
        make_classifier(checkpoint=path, **parameters).fit(*corpus)
    assert path.exists()
    go_on()

    resumed = make_classifier(checkpoint=path, **parameters).fit(*corpus)

    assert_same_bits(resumed, whole)
    assert not path.exists()


def test_automatic_choices_of_the_first_epoch_are_kept(
    corpus, make_classifier, cut_after, tmp_path
):
    path = str(tmp_path / "fit.ckpt")
    whole = make_classifier().fit(*corpus)
    go_on = cut_after(2)
    with pytest.raises(Cut, match="short"):
        make_classifier(checkpoint=path).fit(*corpus)
    go_on()
    assert_same_bits(make_classifier(checkpoint=path).fit(*corpus), whole)


@pytest.mark.parametrize("random_state", [None, "instance"])
def test_the_seed_of_the_fit_that_was_cut_short_is_used_again(
    random_state, corpus, cut_after, tmp_path, monkeypatch
):
    path = tmp_path / "fit.ckpt"
    if random_state == "instance":
        random_state = np.random.RandomState(3)
    states = []
    from skbag._training import fit as fit_module

    fit = fit_module.fit
    monkeypatch.setattr(
        fit_module,
        "fit",
        lambda *args, random_state, **more: (
            states.append(random_state.get_state()),
            fit(*args, random_state=random_state, **more),
        )[1],
    )
    clf = EmbeddingBagClassifier(random_state=random_state, checkpoint=path, max_iter=4)
    go_on = cut_after(2)
    with pytest.raises(Cut, match="short"):
        clf.fit(*corpus)
    go_on()
    resumed = clf.fit(*corpus)
    first = np.random.RandomState()
    first.set_state(states[0])
    whole = EmbeddingBagClassifier(random_state=first, max_iter=4).fit(*corpus)
    assert_same_bits(resumed, whole)


def test_labels_and_a_matrix_go_on_too(
    labels_corpus, make_classifier, cut_after, tmp_path
):
    path = tmp_path / "fit.ckpt"
    _, y = labels_corpus
    X = sp.random(len(y), 30, density=0.2, random_state=0, format="csr")
    whole = make_classifier(max_iter=3).fit(X, y)
    go_on = cut_after(1)
    with pytest.raises(Cut, match="short"):
        make_classifier(max_iter=3, checkpoint=path).fit(X, y)
    go_on()
    assert_same_bits(make_classifier(max_iter=3, checkpoint=path).fit(X, y), whole)


def test_writing_changes_no_bits(corpus, make_classifier, tmp_path):
    path = tmp_path / "fit.ckpt"
    for more in ({"alpha": 0.05, "max_iter": 6}, {"early_stopping": True}):
        whole = make_classifier(**more).fit(*corpus)
        assert_same_bits(make_classifier(checkpoint=path, **more).fit(*corpus), whole)
        assert list(tmp_path.iterdir()) == []


def cut_short(corpus, make_classifier, cut_after, path, **parameters):
    go_on = cut_after(1)
    with pytest.raises(Cut, match="short"):
        make_classifier(checkpoint=path, max_iter=3, **parameters).fit(*corpus)
    go_on()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"alpha": 0.5}, "by a fit with alpha 'auto', which is now 0.5"),
        ({"random_state": 1}, "by a fit with random_state 0, which is now 1"),
        (
            {"preprocessor": str.lower},
            "with preprocessor None, which is now 'str.lower'",
        ),
    ],
)
def test_other_parameters_are_refused(
    changes, words, corpus, make_classifier, cut_after, tmp_path
):
    path = tmp_path / "fit.ckpt"
    cut_short(corpus, make_classifier, cut_after, path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=words):
        make_classifier(checkpoint=path, max_iter=3).set_params(**changes).fit(*corpus)
    assert path.read_bytes() == before


def test_what_does_not_change_the_model_may_change(
    corpus, make_classifier, cut_after, tmp_path
):
    path = tmp_path / "fit.ckpt"
    cut_short(corpus, make_classifier, cut_after, path)
    clf = make_classifier(checkpoint=path, max_iter=3, n_jobs=1, device="cpu")
    assert_same_bits(clf.fit(*corpus), make_classifier(max_iter=3).fit(*corpus))


@pytest.mark.parametrize("what", ["text", "order", "label", "weight"])
def test_other_samples_are_refused(what, corpus, make_classifier, cut_after, tmp_path):
    path = tmp_path / "fit.ckpt"
    cut_short(corpus, make_classifier, cut_after, path)
    texts, labels, weight = list(corpus.texts), list(corpus.labels), None
    if what == "text":
        texts[5] += " sail"
    elif what == "order":
        texts[0], texts[5] = texts[5], texts[0]
    elif what == "label":
        labels[5] = "sea" if labels[5] != "sea" else "garden"
    else:
        weight = np.linspace(1, 2, len(texts))
    with pytest.raises(ValueError, match="was written for other samples"):
        make_classifier(checkpoint=path, max_iter=3).fit(texts, labels, weight)
    assert path.exists()


def test_a_damaged_file_is_refused(corpus, make_classifier, cut_after, tmp_path):
    path = tmp_path / "fit.ckpt"
    cut_short(corpus, make_classifier, cut_after, path)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ModelFileError, match="damaged"):
        make_classifier(checkpoint=path, max_iter=3).fit(*corpus)


def test_a_model_is_no_checkpoint_and_the_other_way_round(
    corpus, make_classifier, cut_after, tmp_path
):
    model, path = tmp_path / "model.safetensors", tmp_path / "fit.ckpt"
    skbag.save(make_classifier().fit(*corpus), model)
    with pytest.raises(ModelFileError, match="a file of skbag, but no checkpoint"):
        make_classifier(checkpoint=model).fit(*corpus)
    assert model.exists()
    cut_short(corpus, make_classifier, cut_after, path)
    with pytest.raises(ModelFileError, match="does not hold an estimator"):
        skbag.load(path)


def test_a_folder_that_is_not_there_is_told_before_training(
    corpus, make_classifier, tmp_path
):
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        make_classifier(checkpoint=tmp_path / "no" / "fit.ckpt").fit(*corpus)


def test_the_parameter_is_saved_and_cloned(corpus, make_classifier, tmp_path):
    path = tmp_path / "fit.ckpt"
    clf = make_classifier(checkpoint=path).fit(*corpus)
    skbag.save(clf, tmp_path / "model.safetensors")
    # A file is not to say where the next fit writes.
    with pytest.warns(UserWarning, match=r"checkpoint='.*fit.ckpt' stands in the file"):
        assert skbag.load(tmp_path / "model.safetensors").checkpoint is None
    assert clone(clf).checkpoint == path
