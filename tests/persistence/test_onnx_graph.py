"""The model as an ONNX graph: onnxruntime's probabilities are predict_proba's."""

from __future__ import annotations

import json
import sys
from functools import cache

import numpy as np
import onnx
import onnxruntime
import pytest
import scipy.sparse as sp
import sklearn
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit, softmax
from sklearn.exceptions import NotFittedError

import skbag
from skbag import EmbeddingBagClassifier
from skbag._core.bags import Bags
from skbag._model.predictor import Predictor
from skbag._persistence import onnx_graph
from skbag._persistence.onnx_graph import build_onnx
from skbag._targets.calibration import Calibration
from tests.conftest import OPINIONS, TOPICS, examples, make_corpus

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
N_IDS = 12
CORPORA = {"three classes": TOPICS, "two classes": OPINIONS}


@cache
def fitted(model, corpus="three classes", loss="squared_hinge"):
    """An estimator that no test changes, fitted once for all of them."""
    clf = EmbeddingBagClassifier(random_state=0, n_jobs=1, loss=loss, **MODELS[model])
    return clf.fit(*make_corpus(CORPORA[corpus], 120, seed=0))


def session(model):
    onnx.checker.check_model(model, full_check=True)
    return onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )


def run(model, encoded):
    return session(model).run(["probabilities", "scores"], encoded._asdict())


def equal_to_the_estimator(clf, X):
    probabilities, scores = run(clf.to_onnx(), clf.encode(X))
    assert probabilities.dtype == scores.dtype == np.float32
    assert_allclose(probabilities, clf.predict_proba(X), atol=1e-5)
    expected = clf.decision_function(X).reshape(scores.shape)
    assert_allclose(scores, expected, rtol=1e-5, atol=1e-5)


def normal(rng, *shape):
    return rng.normal(size=shape).astype(np.float32)


def some_model(sizes, *, direct=False):
    """Random numbers: a table, and layers of these sizes above it."""
    rng = np.random.default_rng(0)
    if direct:
        layers = ((None, normal(rng, sizes[-1])),)
    else:
        layers = tuple(
            (normal(rng, n_out, n_in), normal(rng, n_out))
            for n_in, n_out in zip(sizes, sizes[1:], strict=False)
        )
    return Predictor(normal(rng, N_IDS, sizes[0]), layers)


def by_hand(arrays, bags, inverse_temperature):
    """Probabilities and scores, one text at a time in float64."""
    rows = []
    for start, stop in zip(bags.offsets, bags.offsets[1:], strict=False):
        ids, weights = bags.ids[start:stop], bags.weights[start:stop].astype(float)
        x = sum(
            (w * arrays.embedding[i] for i, w in zip(ids, weights, strict=True)),
            np.zeros(arrays.embedding.shape[1]),
        )
        for depth, (coef, intercept) in enumerate(arrays.layers):
            x = np.maximum(x, 0) if depth else x
            x = (x if coef is None else coef.astype(float) @ x) + intercept
        rows.append(x)
    scores = np.array(rows)
    if scores.shape[1] == 1:
        second = expit(inverse_temperature * scores)
        return np.hstack([1 - second, second]), scores
    return softmax(inverse_temperature * scores, axis=1), scores


# -- the same numbers ------------------------------------------------------------------


@models
@losses
def test_same_as_predict_proba(model, loss, new_corpus):
    equal_to_the_estimator(fitted(model, loss=loss), new_corpus.texts)


@models
@losses
def test_labels(model, loss, labels_corpus, new_corpus, make_classifier):
    clf = make_classifier(loss=loss, **MODELS[model]).fit(*labels_corpus)
    equal_to_the_estimator(clf, [*new_corpus.texts, ""])


@pytest.mark.parametrize("hidden", [(), (5,)])
def test_adaptive_softmax(hidden, many_corpus, make_classifier):
    parameters = {"embedding_dim": 4, "hidden_layer_sizes": hidden, "max_iter": 3}
    clf = make_classifier(loss="adaptive_softmax", **parameters).fit(*many_corpus)
    for n in (1, 50):
        equal_to_the_estimator(clf, [*many_corpus.texts[:n], ""][-n:])


@models
@losses
def test_two_classes(model, loss, binary_corpus):
    clf = fitted(model, "two classes", loss)
    equal_to_the_estimator(clf, [*binary_corpus.texts, ""])
    _, scores = run(clf.to_onnx(), clf.encode(["", "fine"]))
    assert scores.shape == (2, 1)


@models
def test_fitted_on_a_matrix(model, make_classifier):
    X = sp.random(60, 9, density=0.3, format="csr", random_state=0)
    clf = make_classifier(**MODELS[model]).fit(X, np.arange(60) % 3)
    equal_to_the_estimator(clf, X)


@models
@pytest.mark.parametrize(
    "texts",
    [
        ["", "oven and soup", "the sail"],
        ["oven and soup", "", "", "", "the sail"],
        ["oven and soup", "the sail", "", ""],
        ["", "", "oven and soup", ""],
        ["", "", ""],
        [""],
        ["the sail"],
    ],
)
def test_texts_without_tokens(model, texts):
    equal_to_the_estimator(fitted(model), texts)


@pytest.mark.parametrize(
    "arrays",
    [
        some_model([3], direct=True),
        some_model([1], direct=True),
        some_model([4, 3]),
        some_model([4, 1]),
        some_model([4, 5, 3]),
        some_model([4, 5, 6, 1]),
    ],
    ids=lambda arrays: f"{arrays.embedding.shape[1]}-{len(arrays.layers)}",
)
def test_same_as_by_hand_for_any_bags(arrays):
    n_outputs = len(arrays.layers[-1][1])
    classes = np.arange(2 if n_outputs == 1 else n_outputs)
    graph = session(build_onnx(arrays, Calibration(1.7), classes))
    entries = st.tuples(st.integers(0, N_IDS - 1), st.floats(-4, 4, width=32))

    @examples(50)
    @given(st.lists(st.lists(entries, max_size=9), min_size=1, max_size=9))
    def check(texts):
        bags = Bags(
            np.array([i for text in texts for i, _ in text], dtype=np.int32),
            np.cumsum([0, *map(len, texts)]),
            np.array([w for text in texts for _, w in text], dtype=np.float32),
            N_IDS,
        )
        found = graph.run(None, bags.to_embedding_bag()._asdict())
        for output, expected in zip(found, by_hand(arrays, bags, 1.7), strict=True):
            assert_allclose(output, expected, rtol=1e-4, atol=1e-4)

    check()


def test_a_text_scores_the_same_in_any_company(corpus, make_classifier):
    clf = make_classifier().fit(*corpus)
    graph = session(clf.to_onnx())
    together = graph.run(None, clf.encode(corpus.texts)._asdict())[1]
    alone = [
        graph.run(None, clf.encode([text])._asdict())[1][0] for text in corpus.texts
    ]
    assert_array_equal(together, alone)


# -- what the graph tells --------------------------------------------------------------


def test_inputs_and_outputs(corpus, make_classifier):
    graph = session(make_classifier().fit(*corpus).to_onnx())
    assert [(i.name, i.type, i.shape) for i in graph.get_inputs()] == [
        ("text", "tensor(int64)", ["nnz"]),
        ("offsets", "tensor(int64)", ["n_samples"]),
        ("per_sample_weights", "tensor(float)", ["nnz"]),
    ]
    assert [(o.name, o.type, o.shape) for o in graph.get_outputs()] == [
        ("probabilities", "tensor(float)", ["n_samples", 3]),
        ("scores", "tensor(float)", ["n_samples", 3]),
    ]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["b", "a", "c, d"], ["a", "b", "c, d"]),
        ([3, 1, 2], ["1", "2", "3"]),
        ([False, True, True], ["False", "True"]),
        (np.array(["ü", "日本", "z"], dtype=object), ["z", "ü", "日本"]),
    ],
)
def test_metadata(labels, expected, make_classifier):
    clf = make_classifier().fit(["one", "two", "three"], labels)
    graph = session(clf.to_onnx())
    metadata = graph.get_modelmeta().custom_metadata_map
    assert json.loads(metadata.pop("classes")) == expected
    assert metadata == {
        "skbag_version": skbag.__version__,
        "scikit_learn_version": sklearn.__version__,
        "onnx_version": onnx.__version__,
    }
    assert graph.get_modelmeta().producer_name == "skbag"


def test_same_model_same_bytes(corpus, make_classifier):
    clf = make_classifier(embedding_dim=4).fit(*corpus)
    first, second = (
        clf.to_onnx().SerializeToString(deterministic=True) for _ in range(2)
    )
    assert first == second


def test_through_a_file(corpus, make_classifier, tmp_path):
    clf = make_classifier().fit(*corpus)
    onnx.save(clf.to_onnx(), tmp_path / "model.onnx")
    graph = onnxruntime.InferenceSession(
        tmp_path / "model.onnx", providers=["CPUExecutionProvider"]
    )
    probabilities, _ = graph.run(None, clf.encode(corpus.texts)._asdict())
    assert_array_equal(clf.classes_[probabilities.argmax(axis=1)], corpus.labels)


def test_nothing_of_the_estimator_changes(corpus, make_classifier):
    clf = make_classifier(embedding_dim=4).fit(*corpus)
    before = {**vars(clf)}
    clf.to_onnx()
    assert vars(clf) == before


# -- what can be wrong -----------------------------------------------------------------


def test_not_fitted(make_classifier):
    with pytest.raises(NotFittedError, match="not fitted yet"):
        make_classifier().to_onnx()


def test_package_that_is_missing(corpus, make_classifier, monkeypatch):
    clf = make_classifier().fit(*corpus)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r'pip install "skbag\[onnx\]"'):
        clf.to_onnx()


def test_table_beyond_what_protobuf_holds(corpus, make_classifier, monkeypatch):
    clf = make_classifier(embedding_dim=4).fit(*corpus)
    n_bytes = 4 * (
        clf.embedding_.size
        + clf._model.predictor.layers[0][0].size
        + clf.intercept_.size
    )
    monkeypatch.setattr(onnx_graph, "MOST_BYTES", n_bytes)
    clf.to_onnx()
    monkeypatch.setattr(onnx_graph, "MOST_BYTES", n_bytes - 1)
    n_ids = f"{len(clf.embedding_):,}"
    with pytest.raises(
        ValueError, match=rf"2 GiB at most; .* a table of {n_ids} x 4.*\(min_df"
    ):
        clf.to_onnx()


def test_a_table_of_three_gigabytes_is_refused_before_it_is_copied():
    # Repeats one row: nothing of that size is there.
    row = np.zeros((1, 3), dtype=np.float32)
    table = np.broadcast_to(row, (2**28, 3))
    large = Predictor(table, ((None, np.zeros(3, dtype=np.float32)),))
    with pytest.raises(ValueError, match=r"this model has 3\.00 GiB"):
        build_onnx(large, Calibration(1.0), np.arange(3))
