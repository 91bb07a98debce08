"""The model as a torch module: the same scores, and a start for further training."""

from __future__ import annotations

import pickle
from functools import cache

import joblib
import numpy as np
import pytest
import scipy.sparse as sp
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from skbag import EmbeddingBagClassifier
from skbag._model.predictor import Predictor
from skbag._training.torch_module import EmbeddingBagModule
from tests.conftest import OPINIONS, TOPICS, make_corpus

# Fits by the dozen.
pytestmark = pytest.mark.slow

MODELS = {
    "table of scores": {},
    "two layers": {"embedding_dim": 8},
    "one hidden layer": {"embedding_dim": 8, "hidden_layer_sizes": (6,)},
    "two hidden layers": {"embedding_dim": 8, "hidden_layer_sizes": (6, 5)},
}
models = pytest.mark.parametrize("model", MODELS)
losses = pytest.mark.parametrize("loss", ["squared_hinge", "cross_entropy"])
CORPORA = {"three classes": TOPICS, "two classes": OPINIONS}


@cache
def fitted(model, corpus="three classes", loss="squared_hinge"):
    """An estimator that no test changes, fitted once for all of them."""
    clf = EmbeddingBagClassifier(random_state=0, n_jobs=1, loss=loss, **MODELS[model])
    return clf.fit(*make_corpus(CORPORA[corpus], 120, seed=0))


def tensors(clf, X):
    return tuple(map(torch.from_numpy, clf.encode(X)))


def scores_of(module, clf, X):
    with torch.no_grad():
        return module(*tensors(clf, X)).numpy()


def arrays_of(clf):
    layers = [array for layer in clf._model.predictor.layers for array in layer]
    return [array.copy() for array in [clf.embedding_, *layers] if array is not None]


@models
@losses
def test_same_as_decision_function(model, loss, new_corpus):
    clf = fitted(model, loss=loss)
    scores = scores_of(clf.to_torch(), clf, new_corpus.texts)
    expected = clf.decision_function(new_corpus.texts)
    assert_allclose(scores, expected, rtol=1e-6, atol=1e-6)


@models
@losses
def test_two_classes_share_one_column(model, loss, binary_corpus):
    clf = fitted(model, "two classes", loss)
    scores = scores_of(clf.to_torch(), clf, binary_corpus.texts)
    assert scores.shape == (len(binary_corpus.texts), 1)
    expected = clf.decision_function(binary_corpus.texts)
    assert_allclose(scores[:, 0], expected, rtol=1e-6, atol=1e-6)
    assert_array_equal(
        clf.classes_[(scores[:, 0] > 0).astype(int)], clf.predict(binary_corpus.texts)
    )


@models
@losses
def test_labels(model, loss, labels_corpus, new_corpus, make_classifier):
    clf = make_classifier(loss=loss, **MODELS[model]).fit(*labels_corpus)
    scores = scores_of(clf.to_torch(), clf, new_corpus.texts)
    expected = clf.decision_function(new_corpus.texts)
    assert_allclose(scores, expected, rtol=1e-5, atol=1e-6)
    proba = expit(clf.inverse_temperature_ * scores.astype(float))
    assert_allclose(proba, clf.predict_proba(new_corpus.texts), atol=1e-6)


@pytest.mark.parametrize("hidden", [(), (5,)])
def test_adaptive_softmax(hidden, many_corpus, make_classifier):
    parameters = {"embedding_dim": 4, "hidden_layer_sizes": hidden, "max_iter": 3}
    clf = make_classifier(loss="adaptive_softmax", **parameters).fit(*many_corpus)
    module, texts = clf.to_torch(), [*many_corpus.texts[:50], ""]
    scores = scores_of(module, clf, texts)
    assert_allclose(scores, clf.decision_function(texts), rtol=1e-4, atol=1e-5)
    # It can be trained on: every number gets a gradient.
    module(*tensors(clf, texts))[:, :50].sum().backward()
    for parameter in module.parameters():
        assert parameter.grad is not None
    loaded = pickle.loads(pickle.dumps(module))
    assert_array_equal(scores_of(loaded, clf, texts), scores)


@models
def test_fitted_on_a_matrix(model, make_classifier):
    X = sp.random(60, 9, density=0.4, format="csr", random_state=0)
    clf = make_classifier(**MODELS[model]).fit(X, np.arange(60) % 3)
    scores = scores_of(clf.to_torch(), clf, X)
    assert_allclose(scores, clf.decision_function(X), rtol=1e-6, atol=1e-6)


@models
@pytest.mark.parametrize(
    "texts",
    [
        ["", "oven and soup", "the sail"],
        ["oven and soup", "", "", "the sail"],
        ["oven and soup", "the sail", "", ""],
        ["", ""],
        [""],
    ],
)
def test_texts_without_tokens(model, texts):
    clf = fitted(model)
    module = clf.to_torch()
    assert_allclose(
        scores_of(module, clf, texts), clf.decision_function(texts), atol=1e-6
    )
    module(*tensors(clf, texts)).sum().backward()
    assert all(p.grad.isfinite().all() for p in module.parameters())


def test_without_weights_each_token_counts_one(corpus, make_classifier):
    clf = make_classifier(embedding_dim=4).fit(*corpus)
    module = clf.to_torch()
    text, offsets, weights = tensors(clf, corpus.texts)
    torch.testing.assert_close(
        module(text, offsets), module(text, offsets, torch.ones_like(weights))
    )


@models
def test_standard_layers(model):
    module = fitted(model).to_torch()
    assert isinstance(module.embedding, nn.EmbeddingBag)
    assert module.embedding.mode == "sum"
    hidden = MODELS[model].get("hidden_layer_sizes", ())
    if hidden:
        assert isinstance(module.linear, nn.Sequential)
        kinds = [type(layer) for layer in module.linear]
        assert kinds == [nn.Linear, nn.ReLU] * len(hidden) + [nn.Linear]
    else:
        assert type(module.linear) is nn.Linear
        assert set(module.state_dict()) == {
            "embedding.weight",
            "linear.weight",
            "linear.bias",
        }
    assert all(p.requires_grad for p in module.parameters())
    assert all(p.dtype == torch.float32 for p in module.parameters())


def test_linear_above_a_table_of_scores_is_the_identity(corpus, make_classifier):
    clf = make_classifier().fit(*corpus)
    linear = clf.to_torch().linear
    torch.testing.assert_close(linear.weight.detach(), torch.eye(3))
    assert_array_equal(linear.bias.detach().numpy(), clf.intercept_)


# -- further training ------------------------------------------------------------------


@models
@pytest.mark.parametrize("sparse", [False, True])
def test_training_lowers_the_loss_and_leaves_the_estimator(
    model, sparse, corpus, make_classifier
):
    clf = make_classifier(max_iter=1, **MODELS[model]).fit(*corpus)
    before, predicted = arrays_of(clf), clf.predict_proba(corpus.texts)
    module = clf.to_torch(sparse=sparse)
    inputs = tensors(clf, corpus.texts)
    codes = torch.from_numpy(np.searchsorted(clf.classes_, corpus.labels))
    optimizer = torch.optim.SGD(module.parameters(), lr=0.5)
    losses = []
    for _ in range(6):
        optimizer.zero_grad()
        loss = cross_entropy(module(*inputs), codes)
        loss.backward()
        assert module.embedding.weight.grad.is_sparse == sparse
        optimizer.step()
        losses.append(loss.item())
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0]
    for array, earlier in zip(arrays_of(clf), before, strict=True):
        assert_array_equal(array, earlier)
    assert_array_equal(clf.predict_proba(corpus.texts), predicted)


def test_training_of_two_classes(binary_corpus, make_classifier):
    clf = make_classifier(max_iter=1).fit(*binary_corpus)
    module, inputs = clf.to_torch(), tensors(clf, binary_corpus.texts)
    codes = torch.from_numpy(np.searchsorted(clf.classes_, binary_corpus.labels))
    optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
    losses = []
    for _ in range(5):
        optimizer.zero_grad()
        scores = module(*inputs).squeeze(1)
        loss = binary_cross_entropy_with_logits(scores, codes.float())
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]


def test_two_modules_share_nothing(corpus, make_classifier):
    clf = make_classifier().fit(*corpus)
    one, other = clf.to_torch(), clf.to_torch()
    with torch.no_grad():
        for parameter in one.parameters():
            parameter.fill_(7)
    expected = clf.decision_function(corpus.texts)
    assert_allclose(scores_of(other, clf, corpus.texts), expected, atol=1e-6)


def test_of_an_estimator_in_a_memory_map(corpus, make_classifier, tmp_path):
    clf = make_classifier(embedding_dim=4).fit(*corpus)
    joblib.dump(clf, tmp_path / "clf.joblib")
    mapped = joblib.load(tmp_path / "clf.joblib", mmap_mode="r")
    module = mapped.to_torch()
    with torch.no_grad():
        module.embedding.weight.add_(1)
    assert_array_equal(mapped.embedding_, clf.embedding_)


# -- the module travels ----------------------------------------------------------------


@models
@pytest.mark.parametrize("with_weights", [True, False])
def test_exported_program_takes_any_sizes(model, with_weights, corpus, new_corpus):
    clf = fitted(model)
    module, n_inputs = clf.to_torch(), 3 if with_weights else 2
    nnz, n_samples = torch.export.Dim("nnz"), torch.export.Dim("n_samples")
    program = torch.export.export(
        module,
        tensors(clf, corpus.texts)[:n_inputs],
        dynamic_shapes=({0: nnz}, {0: n_samples}, {0: nnz})[:n_inputs],
    )
    exported = program.module()
    for texts in (
        new_corpus.texts,
        new_corpus.texts[:2],
        ["the sail"],
        ["", "oven and soup", ""],
        ["", ""],
        [""],
    ):
        inputs = tensors(clf, texts)[:n_inputs]
        torch.testing.assert_close(exported(*inputs), module(*inputs))


def test_parameters_by_name_and_pickle(corpus, make_classifier):
    clf = make_classifier(embedding_dim=8).fit(*corpus)
    module = clf.to_torch()
    expected = scores_of(module, clf, corpus.texts)
    other = make_classifier(embedding_dim=8, max_iter=1).fit(*corpus).to_torch()
    other.load_state_dict(module.state_dict())
    copy = pickle.loads(pickle.dumps(module))
    assert_array_equal(scores_of(other, clf, corpus.texts), expected)
    assert_array_equal(scores_of(copy, clf, corpus.texts), expected)


# -- nothing of the user's is touched --------------------------------------------------


@models
def test_global_generator_is_not_drawn_from(model):
    clf = fitted(model)
    state = torch.random.get_rng_state()
    clf.to_torch()
    assert torch.equal(torch.random.get_rng_state(), state)


def test_defaults_of_the_user_are_not_ours():
    ones = Predictor(
        np.ones((5, 3), dtype=np.float32), ((None, np.zeros(3, dtype=np.float32)),)
    )
    before = torch.get_default_dtype()
    try:
        torch.set_default_dtype(torch.float64)
        torch.set_default_device("meta")
        module = EmbeddingBagModule.from_predictor(ones, sparse=False)
    finally:
        torch.set_default_dtype(before)
        torch.set_default_device(None)
    for parameter in module.parameters():
        assert (parameter.dtype, parameter.device.type) == (torch.float32, "cpu")
