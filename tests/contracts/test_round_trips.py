"""Saved and loaded, a fitted estimator is the same: bit by bit, and without torch."""

from __future__ import annotations

import copy
import functools
import io
import pickle
import warnings

import cloudpickle
import joblib
import numpy as np
import pytest
import scipy.sparse as sp
import sklearn.exceptions
from numpy.testing import assert_array_equal
from sklearn.feature_extraction.text import TfidfVectorizer

import skbag
from skbag import EmbeddingBagClassifier
from skbag.exceptions import InconsistentVersionWarning, ModelFileError
from tests.conftest import rotating

# Fits by the dozen.
pytestmark = pytest.mark.slow

METHODS = ("decision_function", "predict", "predict_proba", "transform")
"""Of a regressor those that it has."""


def by_joblib(clf, path, *, compress=0, mmap_mode=None):
    # A file of its own each time: the last may still be mapped.
    file = path / f"{len(list(path.iterdir()))}.joblib"
    joblib.dump(clf, file, compress=compress)
    return joblib.load(file, mmap_mode=mmap_mode)


def by_file(clf, path):
    file = path / f"{len(list(path.iterdir()))}.safetensors"
    names = [name for name in ("tokenizer", "text_encoder") if getattr(clf, name, None)]
    functions = {name: getattr(clf, name) for name in names}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Functions cannot be stored", UserWarning)
        skbag.save(clf, file)
    return skbag.load(file, **functions)


def count_letters(texts):
    return [[text.count(letter) for letter in "aeiou"] for text in texts]


ROUND_TRIPS = {
    "file": by_file,
    "pickle": lambda clf, _: pickle.loads(pickle.dumps(clf)),
    "pickle protocol 2": lambda clf, _: pickle.loads(pickle.dumps(clf, 2)),
    "joblib": by_joblib,
    "joblib, compressed": lambda clf, path: by_joblib(clf, path, compress=3),
    "joblib, memory-mapped": lambda clf, path: by_joblib(clf, path, mmap_mode="r"),
    "cloudpickle": lambda clf, _: pickle.loads(cloudpickle.dumps(clf)),
    "deepcopy": lambda clf, _: copy.deepcopy(clf),
    "copy": lambda clf, _: copy.copy(clf),
}
ADAPTIVE = {"loss": "adaptive_softmax", "embedding_dim": 4, "max_iter": 3}
MODELS = {
    "default": {},
    "two layers": {"embedding_dim": 8},
    "vectors": {
        "embedding_dim": 2,
        "embedding_init": {"oven": [1.0, 0.0], "sail": [0.0, 1.0]},
    },
    "hidden layer": {"embedding_dim": 8, "hidden_layer_sizes": (6,)},
    "plain encoder, tokenizer": {"tokenizer": str.split},
    "plain encoder, characters": {"analyzer": "char_wb", "ngram_range": (2, 3)},
    "subwords": {"subword_ngram_range": (3, 6)},
    "buckets": {"n_buckets": 4096, "subword_ngram_range": (3, 4)},
    "buckets, characters": {"n_buckets": 512, "analyzer": "char"},
    "text encoder": {"text_encoder": count_letters},
    "given vocabulary": {"vocabulary": ["oven", "sail", "fern", "soup"]},
    "early stopping": {"early_stopping": True},
    "labels": {},
    "labels, sparse, two layers": {"embedding_dim": 8, "class_weight": {1: 2.0}},
    "adaptive softmax": ADAPTIVE,
    "adaptive softmax, hidden layer": {**ADAPTIVE, "hidden_layer_sizes": (5,)},
    "compressed": {},
    "labels, sparse, compressed": {},
    "adaptive softmax, compressed": ADAPTIVE,
    "compressed, plain encoder": {"analyzer": "char_wb", "ngram_range": (2, 3)},
    "matrix": {},
    "matrix, compressed": {},
    "matrix, two layers": {"embedding_dim": 8},
    "numbers": {},
    "numbers, poisson, two layers": {"loss": "poisson", "embedding_dim": 8},
    "numbers, several, huber": {"loss": "huber"},
    "numbers, buckets": {"n_buckets": 512},
    "numbers, compressed": {},
}
LEARNING = [
    name
    for name in MODELS
    if name not in ("early stopping", "text encoder") and "compressed" not in name
]


@pytest.fixture(scope="module")
def make(make_classifier, make_regressor):
    """Return an unfitted estimator of a name."""

    def of(name):
        maker = make_regressor if name.startswith("numbers") else make_classifier
        return maker(**MODELS[name])

    return of


def fit(make, name, X, y):
    clf = make(name).fit(X, y)
    return clf.compress(bits=4) if "compressed" in name else clf


models = pytest.mark.parametrize("name", MODELS)


@pytest.fixture(scope="module")
def inputs(corpus, new_corpus, labels_corpus, many_corpus, numbers_corpus):
    """What a model is fitted on, X and y, and new input of that kind."""

    @functools.cache
    def of(name):
        new = [*new_corpus.texts, "", "xylophone"]
        if name.startswith("labels"):
            texts, y = labels_corpus
            return texts, sp.csr_array(y) if "sparse" in name else y, new
        if name.startswith("numbers"):
            y = np.array(numbers_corpus.y)
            return corpus.texts, np.stack([y, -y], 1) if "several" in name else y, new
        if name.startswith("adaptive"):
            return *many_corpus, ["word7 is number3", "word499", ""]
        if not name.startswith("matrix"):
            return corpus.texts, corpus.labels, new
        vectorizer = TfidfVectorizer()
        X = vectorizer.fit_transform(corpus.texts)
        return X, corpus.labels, vectorizer.transform(new)

    return of


@pytest.fixture(scope="module")
def fitted(inputs, make):
    """Return the fitted model of a name, for tests that leave it as it is."""

    @functools.cache
    def of(name):
        X, y, _ = inputs(name)
        return fit(make, name, X, y)

    return of


def methods_of(clf):
    return [method for method in METHODS if hasattr(clf, method)]


def answer(clf, method, X):
    value = getattr(clf, method)(X)
    return value.toarray() if sp.issparse(value) else value


# -- the same after as before ----------------------------------------------------------


@rotating(name=list(MODELS), round_trip=ROUND_TRIPS)
def test_predictions_are_bitwise_equal(name, round_trip, inputs, fitted, tmp_path):
    clf, (_, _, X_new) = fitted(name), inputs(name)
    expected = {method: answer(clf, method, X_new) for method in methods_of(clf)}
    loaded = round_trip(clf, tmp_path)
    assert loaded.get_params() == clf.get_params()
    for method, value in expected.items():
        assert_array_equal(answer(loaded, method, X_new), value, strict=True)
    assert type(loaded.predict(X_new)) is type(clf.predict(X_new))
    assert loaded.loss_curve_ == clf.loss_curve_
    if hasattr(clf, "classes_"):
        assert_array_equal(loaded.classes_, clf.classes_, strict=True)
    if hasattr(clf, "vocabulary_"):
        assert loaded.vocabulary_ == clf.vocabulary_


@rotating(name=LEARNING, round_trip=ROUND_TRIPS)
def test_partial_fit_goes_on_as_without(name, round_trip, inputs, make, tmp_path):
    X, y, X_new = inputs(name)
    announced = {}
    if not name.startswith("numbers"):
        classes = range(y.shape[1]) if hasattr(y, "shape") else np.unique(y)
        announced = {"classes": classes}

    def stream(between):
        clf = make(name)
        for start in range(0, 120, 40):
            part = slice(start, start + 40)
            clf.partial_fit(X[part], y[part], **announced)
            clf = between(clf)
        return clf

    clf = stream(lambda clf: clf)
    loaded = stream(lambda clf: round_trip(clf, tmp_path))
    assert_array_equal(loaded.embedding_, clf.embedding_)
    for method in methods_of(clf):
        assert_array_equal(answer(loaded, method, X_new), answer(clf, method, X_new))


def test_training_on_leaves_a_memory_mapped_file_alone(
    corpus, make_classifier, tmp_path
):
    clf = make_classifier().fit(*corpus)
    joblib.dump(clf, tmp_path / "clf.joblib")
    before = (tmp_path / "clf.joblib").read_bytes()
    loaded = joblib.load(tmp_path / "clf.joblib", mmap_mode="r")
    loaded.partial_fit(*corpus).set_params(warm_start=True).fit(*corpus)
    assert (tmp_path / "clf.joblib").read_bytes() == before


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_a_copy_is_independent(duplicate, corpus, new_corpus, make_classifier):
    clf = make_classifier().fit(*corpus)
    expected = clf.decision_function(new_corpus.texts)
    twin = duplicate(clf)
    twin.partial_fit(["quokka ship"] * 9, ["kitchen"] * 9)
    assert_array_equal(clf.decision_function(new_corpus.texts), expected)
    assert "quokka" not in clf.vocabulary_


def test_unfitted_is_unfitted(make_classifier):
    clf = pickle.loads(pickle.dumps(make_classifier(embedding_dim=3)))
    assert clf.get_params() == make_classifier(embedding_dim=3).get_params()
    assert not hasattr(clf, "classes_")


def test_cloudpickle_takes_functions_without_a_name(corpus, make_classifier):
    clf = make_classifier(tokenizer=lambda text: text.lower().split()).fit(*corpus)
    loaded = pickle.loads(cloudpickle.dumps(clf))
    assert_array_equal(
        loaded.predict_proba(corpus.texts), clf.predict_proba(corpus.texts)
    )


# -- without torch ---------------------------------------------------------------------


PREDICT_WITHOUT_TORCH = """
import pickle, sys
import numpy as np

with open(sys.argv[1], "rb") as file:
    cases = pickle.load(file)
for clf, X, expected in cases:
    assert np.array_equal(getattr(clf, "predict_proba", clf.predict)(X), expected)
    clf.predict(X), clf.transform(X)
    if hasattr(clf, "classes_"):
        clf.decision_function(X), clf.predict_log_proba(X)
    [getattr(clf, name, None) for name in ("embedding_", "coef_", "vocabulary_")]
    clf.intercept_
    clf.get_feature_names_out(), repr(clf), pickle.dumps(clf)
assert len(cases) == int(sys.argv[2])
assert "torch" not in sys.modules, "torch was imported"
"""


def test_loading_and_predicting_does_not_import_torch(
    inputs, fitted, tmp_path, new_process
):
    cases = []
    for name in MODELS:
        if name == "text encoder":
            continue  # Its function is one of this module.
        clf, (_, _, X_new) = fitted(name), inputs(name)
        predict = getattr(clf, "predict_proba", clf.predict)
        cases.append((clf, X_new, predict(X_new)))
    (tmp_path / "cases.pickle").write_bytes(pickle.dumps(cases))
    done = new_process(PREDICT_WITHOUT_TORCH, tmp_path / "cases.pickle", len(cases))
    assert done.returncode == 0, done.stderr


@models
def test_pickle_names_nothing_of_torch(name, inputs, fitted):
    pickled = pickle.dumps(fitted(name))
    assert b"torch" not in pickled
    if name in LEARNING:
        X, y, _ = inputs(name)
        assert b"torch" not in pickle.dumps(pickle.loads(pickled).partial_fit(X, y))


# -- compact ---------------------------------------------------------------------------


def pickled_arrays(clf):
    """Every array that a pickle of the estimator holds."""
    arrays = []

    class Recorder(pickle.Pickler):
        def reducer_override(self, obj):
            if isinstance(obj, np.ndarray):
                arrays.append(obj)
            return NotImplemented

    Recorder(io.BytesIO()).dump(clf)
    return arrays


@models
def test_arrays_are_contiguous_and_own_their_memory(name, fitted):
    clf = fitted(name)
    arrays = pickled_arrays(clf)
    table = clf._model.predictor.embedding
    table = table.codes if "compressed" in name else table
    assert any(array is table for array in arrays)
    assert all(array.flags.c_contiguous for array in arrays)
    for array in (table, clf.intercept_, getattr(clf, "classes_", table)):
        assert array.base is None or array.base.nbytes == array.nbytes


def test_pickle_is_hardly_larger_than_its_arrays(corpus, make_classifier):
    texts = [f"{text} word{i}" for i, text in enumerate(corpus.texts * 10)]
    clf = make_classifier(embedding_dim=16).fit(texts, corpus.labels * 10)
    numbers = sum(array.nbytes for array in pickled_arrays(clf))
    names = sum(len(token.encode()) for token in clf.vocabulary_)
    assert len(pickle.dumps(clf)) < numbers + names + 10_000


def test_vocabulary_is_not_pickled_twice(corpus, make_classifier):
    clf = make_classifier().fit(*corpus)
    before = pickle.dumps(clf)
    assert len(clf.vocabulary_) == len(clf.embedding_)
    assert pickle.dumps(clf) == before
    assert vars(copy.copy(clf)).keys() == vars(pickle.loads(before)).keys()


def test_saved_state_repeats(corpus, make_classifier):
    """Equal models give equal files: nothing in them depends on the run."""
    first = pickle.dumps(make_classifier().fit(*corpus))
    assert pickle.dumps(make_classifier().fit(*corpus)) == first


# -- other versions --------------------------------------------------------------------


def test_a_pickle_of_another_version_warns(corpus, make_classifier, monkeypatch):
    clf = make_classifier().fit(*corpus)
    monkeypatch.setattr("skbag._persistence.pickling.__version__", "0.0.1")
    pickled = pickle.dumps(clf)
    monkeypatch.undo()
    with pytest.warns(
        InconsistentVersionWarning, match=r"pickled by skbag 0\.0\.1 .* fit it again"
    ) as caught:
        loaded = pickle.loads(pickled)
    assert isinstance(caught[0].message, sklearn.exceptions.InconsistentVersionWarning)
    assert_array_equal(loaded.predict(corpus.texts), clf.predict(corpus.texts))
    assert vars(loaded).keys() == vars(clf).keys()


def test_a_pickle_without_a_version_warns(make_classifier):
    state = make_classifier().__getstate__()
    del state["_skbag_version"]
    with pytest.warns(InconsistentVersionWarning, match="pickled by skbag unknown"):
        make_classifier().__setstate__(state)


@pytest.mark.parametrize("format_", [0, 99])
def test_a_pickle_of_a_format_not_known_is_refused(format_, make_classifier):
    state = {**make_classifier().__getstate__(), "_skbag_version": "9.1"}
    state["_skbag_format"] = format_
    with pytest.raises(ModelFileError, match=r"pickled by skbag 9\.1 .* Install skbag"):
        make_classifier().__setstate__(state)


def test_a_parameter_that_an_older_version_did_not_have_gets_its_default(
    corpus, new_corpus, make_classifier
):
    clf = make_classifier().fit(*corpus)
    state = clf.__getstate__()
    del state["dropout"]
    loaded = EmbeddingBagClassifier.__new__(EmbeddingBagClassifier)
    loaded.__setstate__(state)
    assert loaded.get_params() == clf.get_params()


def test_a_model_of_before_there_were_labels(corpus, new_corpus, make_classifier):
    clf = make_classifier().fit(*corpus)
    state = clf.__getstate__()
    del state["_targets"], state["_model"]["clusters"]
    del state["_model"]["statistics"]["any_counts"]
    del state["_model"]["statistics"]["any_total"]
    loaded = EmbeddingBagClassifier.__new__(EmbeddingBagClassifier)
    loaded.__setstate__(state)
    assert_array_equal(loaded.predict(new_corpus.texts), clf.predict(new_corpus.texts))
    loaded.partial_fit(*corpus)


# -- other machines --------------------------------------------------------------------


def in_other_byte_order(value):
    if isinstance(value, np.ndarray):
        return value.astype(value.dtype.newbyteorder("S"))
    if isinstance(value, dict):
        return {key: in_other_byte_order(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(in_other_byte_order, value))
    return value


@models
def test_a_pickle_of_a_machine_of_other_byte_order(name, inputs, make):
    X, y, X_new = inputs(name)
    clf = fit(make, name, X, y)
    loaded = type(clf).__new__(type(clf))
    loaded.__setstate__(in_other_byte_order(clf.__getstate__()))
    for method in methods_of(clf):
        assert_array_equal(answer(loaded, method, X_new), answer(clf, method, X_new))
    assert all(array.dtype.isnative for array in pickled_arrays(loaded))
    if "compressed" in name or name == "text encoder":
        return
    loaded.set_params(early_stopping=False).partial_fit(X, y)
    clf.set_params(early_stopping=False).partial_fit(X, y)
    assert_array_equal(loaded.embedding_, clf.embedding_)


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_a_pickle_of_a_machine_with_other_indices(dtype, corpus, make_classifier):
    clf = make_classifier().fit(*corpus)
    state = clf.__getstate__()
    document_counts = state["_model"]["statistics"]
    for field in ("codes", "offsets"):
        document_counts[field] = document_counts[field].astype(dtype)
    loaded = EmbeddingBagClassifier.__new__(EmbeddingBagClassifier)
    loaded.__setstate__(state)
    assert_array_equal(
        loaded.partial_fit(*corpus).embedding_, clf.partial_fit(*corpus).embedding_
    )
