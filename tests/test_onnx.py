"""Pipelines that end in the classifier, by skl2onnx: onnxruntime predicts the same."""

from __future__ import annotations

import sys

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.ensemble import VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skbag import EmbeddingBagClassifier
from skbag.onnx import register_converter
from tests.conftest import rotating

reason = "the converter is one for skl2onnx: pip install skl2onnx"
skl2onnx = pytest.importorskip("skl2onnx", reason=reason)
data_types = pytest.importorskip("skl2onnx.common.data_types", reason=reason)

N_COLUMNS = 6
OPSET = 18
"""One that all supported versions of onnxruntime know; skl2onnx takes its newest."""

TYPES = {
    "float32": data_types.FloatTensorType,
    "float64": data_types.DoubleTensorType,
    "int64": data_types.Int64TensorType,
}
KINDS = {
    "str": ["a", "ü", "c"],
    "two of str": ["b", "a"],
    "int": [7, 3, 5],
    "two of int": [1, -1],
    "bool": [False, True],
    "object": np.array(["x", "yy", "z"], dtype=object),
    "int8": np.array([3, 1, 2], dtype=np.int8),
}
MODELS = {
    "table of scores": {},
    "two layers": {"embedding_dim": 4},
    "hidden layer": {"embedding_dim": 4, "hidden_layer_sizes": (5,)},
    "softmax": {"loss": "cross_entropy"},
}


@pytest.fixture(autouse=True)
def registered():
    register_converter()


def some_matrix(dtype="float32"):
    X = np.random.default_rng(0).integers(-4, 5, size=(60, N_COLUMNS))
    return X.astype(dtype)


def some_labels(kind):
    return np.take(KINDS[kind], np.arange(60) % len(KINDS[kind]))


def converted(
    model, kind, *, target_opset=OPSET, key=EmbeddingBagClassifier, **options
):
    """Graph of a model, with probabilities as a matrix if `options` do not say how."""
    return skl2onnx.to_onnx(
        model,
        initial_types=[("X", kind)],
        options={key: {"zipmap": False, **options}},
        target_opset=target_opset,
    )


def session(model, dtype="float32", **options):
    kind = TYPES[dtype]([None, N_COLUMNS])
    return run_by(converted(model, kind, **options))


def run_by(graph):
    onnx.checker.check_model(graph, full_check=True)
    return onnxruntime.InferenceSession(
        graph.SerializeToString(), providers=["CPUExecutionProvider"]
    )


def same_as(clf, found, X):
    label, probabilities = found.run(None, {"X": X})
    assert probabilities.dtype == np.float32
    assert_allclose(probabilities, clf.predict_proba(X), atol=1e-5)
    assert_array_equal(label, clf.predict(X))


# -- the same numbers ------------------------------------------------------------------


@rotating(kind=list(KINDS), model=list(MODELS), dtype=list(TYPES))
def test_same_as_predict_and_predict_proba(kind, model, dtype, make_classifier):
    X, y = some_matrix(dtype), some_labels(kind)
    clf = make_classifier(max_iter=3, **MODELS[model]).fit(X, y)
    same_as(clf, session(clf, dtype), X)


def test_labels(make_classifier):
    X = some_matrix()
    y = (X[:, :3] > 0).astype(int)
    clf = make_classifier().fit(X, y)
    found = session(clf)
    same_as(clf, found, X)
    assert [output.shape for output in found.get_outputs()] == [[None, 3], [None, 3]]


def test_adaptive_softmax(make_classifier):
    rows = np.eye(520, dtype=np.float32)
    X, y = np.tile(rows, (3, 1)), np.arange(3 * 520) % 520
    clf = make_classifier(loss="adaptive_softmax", embedding_dim=8, max_iter=5)
    clf.fit(X, y)
    assert clf.decision_function(rows[:1]).max() < 0  # logarithms of probabilities
    graph = converted(clf, data_types.FloatTensorType([None, 520]))
    _, probabilities = run_by(graph).run(None, {"X": rows})
    assert_allclose(probabilities, clf.predict_proba(rows), atol=1e-5)


def test_a_pipeline_from_strings(corpus, new_corpus, make_classifier):
    # Not lowercase: onnxruntime does that by a locale that systems may lack.
    vectorizer = TfidfVectorizer(lowercase=False)
    pipeline = make_pipeline(vectorizer, make_classifier()).fit(*corpus)
    graph = converted(pipeline, data_types.StringTensorType([None, 1]))
    texts = [*new_corpus.texts, "no known word"]
    label, probabilities = run_by(graph).run(
        None, {"X": np.array(texts, dtype=object)[:, np.newaxis]}
    )
    assert_array_equal(label, pipeline.predict(texts))
    assert_allclose(probabilities, pipeline.predict_proba(texts), atol=1e-5)


def test_two_classifiers_in_one_graph(make_classifier):
    X, y = some_matrix(), some_labels("str")
    voters = [("a", make_classifier(embedding_dim=4)), ("b", make_classifier())]
    vote = VotingClassifier(voters, voting="soft", flatten_transform=False).fit(X, y)
    same_as(vote, session(vote, key=id(vote)), X)


def test_at_the_end_of_a_pipeline(make_classifier):
    X, y = some_matrix(), some_labels("int")
    pipeline = make_pipeline(StandardScaler(), make_classifier()).fit(X, y)
    same_as(pipeline, session(pipeline), X)


# -- options ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["str", "int", "two of str"])
def test_options(kind, make_classifier):
    X, y = some_matrix(), some_labels(kind)
    clf = make_classifier().fit(X, y)
    expected = clf.predict_proba(X)
    label, maps = session(clf, zipmap=True).run(None, {"X": X})
    assert_array_equal(label, clf.predict(X))
    assert list(maps[0]) == clf.classes_.tolist()
    assert_allclose([list(each.values()) for each in maps], expected, atol=1e-5)
    columns = session(clf, zipmap="columns").run(None, {"X": X})[1:]
    assert_allclose(np.stack(columns, axis=1), expected, atol=1e-5)
    codes = session(clf, nocl=True).run(None, {"X": X})[0]
    assert_array_equal(clf.classes_[codes], clf.predict(X))
    names = session(clf, output_class_labels=True).run(None, {"X": X})[2]
    assert_array_equal(names, clf.classes_)


def test_the_opset_that_is_asked_for(make_classifier):
    clf = make_classifier().fit(some_matrix(), some_labels("str"))
    kind = data_types.FloatTensorType([None, N_COLUMNS])
    graph = converted(clf, kind, target_opset=13)
    assert [each.version for each in graph.opset_import if not each.domain] == [13]
    with pytest.raises(ValueError, match=r"of opset 13, but target_opset is 12\."):
        converted(clf, kind, target_opset=12)


def test_nothing_of_the_estimator_changes(make_classifier):
    clf = make_classifier(embedding_dim=4).fit(some_matrix(), some_labels("str"))
    before = {**vars(clf)}
    session(clf)
    assert vars(clf) == before


# -- what can be wrong -----------------------------------------------------------------


def test_before_fit(make_classifier):
    with pytest.raises(NotFittedError):
        session(make_classifier())


def test_fitted_on_texts(corpus, make_classifier):
    clf = make_classifier().fit(*corpus)
    kind = data_types.StringTensorType([None, 1])
    with pytest.raises(ValueError, match="was fitted on texts, and ONNX has no operat"):
        converted(clf, kind)


def test_compressed(make_classifier):
    clf = make_classifier().fit(some_matrix(), some_labels("str")).compress()
    with pytest.raises(ValueError, match="compressed models cannot become an ONNX gr"):
        session(clf)


def test_labels_of_another_type(make_classifier):
    y = some_labels("int").astype(float)
    clf = make_classifier().fit(some_matrix(), y)
    with pytest.raises(ValueError, match=r"has 3\.0, of the type float\. Convert y"):
        session(clf)
    codes = session(clf, nocl=True).run(None, {"X": some_matrix()})[0]
    assert_array_equal(clf.classes_[codes], clf.predict(some_matrix()))


def test_without_skl2onnx(monkeypatch):
    monkeypatch.setitem(sys.modules, "skl2onnx", None)
    with pytest.raises(
        ImportError, match=r"not installed\. Install it: pip install skl"
    ):
        register_converter()
