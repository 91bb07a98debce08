"""Compressed estimators: small as promised, close to the original, and predict only."""

from __future__ import annotations

import copy
import functools
import os
import pickle
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer

import skbag
from skbag._model import compact_features
from skbag._model.compact_features import compact
from skbag._model.compression import _Rows
from skbag._model.quantization import BITS, QuantizedTable
from skbag._text.compact_encoders import CompactSelection
from skbag.exceptions import ModelFileError
from tests.conftest import rotating

# Fits by the dozen.
pytestmark = pytest.mark.slow

METHODS = (
    "decision_function",
    "predict",
    "predict_proba",
    "predict_log_proba",
    "transform",
)


def split(text):
    return text.lower().split()


MODELS = {
    "default": {},
    "two classes": {},
    "plain tokens": {"short_text_features": False},
    "no norm": {"norm": None},
    "norm l1": {"norm": "l1"},
    "no weights": {"use_idf": False, "supervised_weighting": False},
    "two layers": {"embedding_dim": 8},
    "hidden layer": {"embedding_dim": 8, "hidden_layer_sizes": (6,)},
    "cross-entropy": {"loss": "cross_entropy"},
    "tokenizer": {"tokenizer": split},
    "characters": {"analyzer": "char_wb", "ngram_range": (2, 3)},
    "words in threes": {"ngram_range": (1, 3), "short_text_features": True},
    "subwords": {"subword_ngram_range": (3, 6)},
    "subwords, own pattern": {"subword_ngram_range": (4, 4), "token_pattern": r"\w+"},
    "buckets": {"n_buckets": 2048},
    "given vocabulary": {"vocabulary": ["oven", "sail", "fern", "soup"]},
    "matrix": {},
    "matrix, supervised": {"supervised_weighting": True},
    "matrix, two layers": {"embedding_dim": 8},
}
models = pytest.mark.parametrize("name", MODELS)


@pytest.fixture(scope="module")
def fitted(corpus, binary_corpus, new_corpus, make_classifier):
    """A fitted estimator, which no test may change, and new input of its kind."""

    @functools.cache
    def of(name):
        texts, labels = binary_corpus if name == "two classes" else corpus
        X, new = texts, [*new_corpus.texts, "", "xylophone"]
        if name.startswith("matrix"):
            vectorizer = TfidfVectorizer()
            X, new = vectorizer.fit_transform(X), vectorizer.transform(new)
        return make_classifier(**MODELS[name]).fit(X, labels), new

    return of


def file_size(clf, folder):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Functions cannot be stored", UserWarning)
        skbag.save(clf, folder / "model")
    return os.path.getsize(folder / "model")


# -- the same answers, nearly ----------------------------------------------------------


@rotating(name=list(MODELS), bits=[8, 16])
def test_answers_are_close_to_those_of_the_original(name, bits, fitted):
    clf, X = fitted(name)
    small = clf.compress(bits=bits)
    scale = np.abs(clf.decision_function(X)).max()
    # Weights are off by a few thousandths, and the norm of a text with them.
    for method in ("decision_function", "transform"):
        found, exact = getattr(small, method)(X), getattr(clf, method)(X)
        assert found.dtype == exact.dtype and found.shape == exact.shape
        assert_allclose(found, exact, atol=0.02 * max(scale, np.abs(exact).max()))
    assert np.mean(small.predict(X) == clf.predict(X)) > 0.95
    assert_allclose(small.predict_proba(X), clf.predict_proba(X), atol=0.05)
    assert_allclose(small.predict_proba(X).sum(axis=1), 1)


@models
def test_products_of_weights_and_rows_are_off_by_half_a_step_at_most(name, fitted):
    """The twin: what an id contributes, before and after."""
    clf, _ = fitted(name)
    rows = _Rows(clf._model)
    model = rows.best(rows.n, 8)
    table, weights = model.predictor.embedding, model.featurizer.id_weights
    assert isinstance(table, QuantizedTable)
    _, ids = compact(rows.encoder, rows.order.astype(np.int32))
    found = table.rows(np.arange(len(ids)))
    bound = np.broadcast_to(table.error_bound[:, np.newaxis], found.shape)
    if weights is not None:
        found, bound = found * weights[:, np.newaxis], bound * weights[:, np.newaxis]
    assert (np.abs(found - rows.table[ids]) <= bound * 1.01 + 1e-6).all()


def test_known_features_of_a_matrix_count_exactly(fitted):
    """No norm, no names: rows are all that is rounded."""
    clf, X = fitted("matrix, supervised")
    small = clf.compress(bits=16)
    assert_allclose(
        small.decision_function(X), clf.decision_function(X), atol=1e-4, rtol=1e-4
    )
    assert small._model.featurizer.id_weights is None


@models
def test_the_original_stays_as_it_is(name, fitted):
    clf, X = fitted(name)
    before, state = clf.decision_function(X), pickle.dumps(clf)
    small = clf.compress()
    small.predict(X)
    assert pickle.dumps(clf) == state
    assert_array_equal(clf.decision_function(X), before)
    assert type(small) is type(clf) and small is not clf


def test_equal_models_are_compressed_equally(corpus, make_classifier):
    first, second = (make_classifier().fit(*corpus) for _ in range(2))
    assert pickle.dumps(first.compress(9000)) == pickle.dumps(second.compress(9000))


@models
def test_texts_alone_and_together_are_answered_alike(name, fitted):
    clf, X = fitted(name)
    small = clf.compress(bits=4)
    together = small.decision_function(X)
    n = X.shape[0] if sp.issparse(X) else len(X)
    alone = [small.decision_function(X[i : i + 1]) for i in range(n)]
    assert_array_equal(np.concatenate(alone), together)


# -- small -----------------------------------------------------------------------------


@rotating(name=list(MODELS), bits=["auto", *BITS])
def test_max_bytes_is_kept(name, bits, fitted, tmp_path, n_cases):
    clf, X = fitted(name)
    whole = file_size(clf.compress(bits=bits), tmp_path)
    with pytest.raises(ValueError, match=r"the file takes \d+ bytes") as caught:
        clf.compress(1, bits=bits)
    least = int(str(caught.value).split("takes ")[1].split(" bytes")[0])
    budgets = np.linspace(least, whole + 100, n_cases(3, 6))
    for max_bytes in budgets.astype(int).tolist():
        small = clf.compress(max_bytes, bits=bits)
        assert file_size(small, tmp_path) <= max_bytes
        assert small.predict(X).shape == clf.predict(X).shape


def test_the_budget_is_used(corpus, make_classifier, tmp_path):
    texts = [f"{text} word{i} other{i}" for i, text in enumerate(corpus.texts * 20)]
    clf = make_classifier().fit(texts, corpus.labels * 20)
    for max_bytes in (20_000, 50_000, 80_000):
        assert file_size(clf.compress(max_bytes), tmp_path) > 0.97 * max_bytes


def test_a_large_budget_keeps_all(fitted, tmp_path):
    clf, _ = fitted("default")
    assert len(clf.compress(10**9)._model.predictor.embedding) == len(clf.embedding_)


def test_a_smaller_budget_takes_fewer_features(fitted):
    clf, _ = fitted("default")
    sizes = [
        len(clf.compress(n)._model.predictor.embedding) for n in (8000, 9000, 10**6)
    ]
    assert sizes == sorted(set(sizes))


def test_the_smallest_size_is_named(fitted, tmp_path):
    clf, _ = fitted("default")
    with pytest.raises(ValueError, match=r"max_bytes=10 cannot be met") as caught:
        clf.compress(10)
    least = int(str(caught.value).split("takes ")[1].split(" bytes")[0])
    assert file_size(clf.compress(least), tmp_path) == least
    with pytest.raises(ValueError, match=f"takes {least} bytes"):
        clf.compress(least - 1)


# -- what is kept, and what becomes of the rest ----------------------------------------


def test_the_row_of_a_pair_left_out_goes_to_its_rarest_word():
    """Of a word always met in that pair: all of it."""
    rng = np.random.default_rng(0)
    texts = [f"common rare{i % 3} {w}" for i, w in enumerate(rng.permutation(30))]
    clf = skbag.EmbeddingBagClassifier(
        random_state=0, short_text_features=False, norm=None
    )
    clf.fit(texts, ["a", "b", "c"] * 10)
    rows, ids = _Rows(clf._model), clf.vocabulary_
    pair, word, other = ids["common rare0"], ids["rare0"], ids["common"]
    kept = np.array([i for i in range(rows.n) if i != pair])
    folded = rows._fold(kept)
    assert_allclose(folded[word], rows.table[word] + rows.table[pair], rtol=1e-5)
    assert_array_equal(folded[other], rows.table[other])


def test_a_row_moves_on_to_the_shortest_part_that_is_kept(corpus, make_classifier):
    clf = make_classifier(ngram_range=(1, 3), short_text_features=False)
    clf.fit(*corpus)
    rows, ids = _Rows(clf._model), clf.vocabulary_
    long = next(name for name in ids if name.count(" ") == 2)
    words = [ids[word] for word in long.split()]
    folded = rows._fold(np.array(words))
    assert np.abs(folded[words] - rows.table[words]).max() > 0


def test_scores_keep_their_size_though_norms_shrink(
    corpus, new_corpus, make_classifier
):
    clf = make_classifier().fit(*corpus)
    small = clf.compress(8000)
    ratio = np.abs(small.decision_function(new_corpus.texts)).mean()
    ratio /= np.abs(clf.decision_function(new_corpus.texts)).mean()
    assert 0.7 < ratio < 1.3


def test_bits_are_few_where_much_is_left_out(corpus, make_classifier):
    texts = [f"{text} word{i} other{i}" for i, text in enumerate(corpus.texts * 20)]
    clf = make_classifier(embedding_dim=32).fit(texts, corpus.labels * 20)
    bits = [clf.compress(n)._model.predictor.embedding.bits for n in (30_000, 10**7)]
    assert bits == sorted(bits)
    assert bits[-1] == 8


# -- what it can -----------------------------------------------------------------------


def by_file(clf, folder):
    file_size(clf, folder)
    functions = {"tokenizer": split} if clf.tokenizer else {}
    return skbag.load(folder / "model", **functions)


WAYS = {
    "pickled": lambda clf, _: pickle.loads(pickle.dumps(clf)),
    "copied": lambda clf, _: copy.copy(clf),
    "copied deeply": lambda clf, _: copy.deepcopy(clf),
    "saved": by_file,
}


@rotating(name=list(MODELS), way=WAYS)
def test_it_is_pickled_copied_and_saved(name, way, fitted, tmp_path):
    clf, X = fitted(name)
    small = clf.compress(bits=4)
    again = way(small, tmp_path)
    for method in METHODS:
        assert_array_equal(getattr(again, method)(X), getattr(small, method)(X))
    assert again.get_params() == clf.get_params()


@models
def test_a_pickle_is_as_small_as_the_file(name, fitted, tmp_path):
    small = fitted(name)[0].compress()
    assert len(pickle.dumps(small)) < file_size(small, tmp_path) + 2000


def test_what_is_known_without_the_table_stays(fitted, corpus):
    clf, _ = fitted("default")
    small = clf.compress()
    assert_array_equal(small.classes_, clf.classes_)
    assert_array_equal(small.intercept_, clf.intercept_)
    assert small.inverse_temperature_ == clf.inverse_temperature_
    assert small.n_iter_ == clf.n_iter_
    assert small.score(*corpus) > 0.95
    assert list(small.get_feature_names_out()) == list(clf.get_feature_names_out())
    assert not hasattr(clone(small), "classes_")
    two_layers = fitted("two layers")[0].compress()
    with pytest.raises(AttributeError, match=r"compressed .* has no coef_"):
        two_layers.coef_  # noqa: B018


def test_an_encoder_without_a_compact_twin_is_kept_whole(
    corpus, new_corpus, make_classifier, monkeypatch, tmp_path
):
    clf = make_classifier().fit(*corpus)
    monkeypatch.setattr(compact_features, "VocabularyEncoder", QuantizedTable)
    small = clf.compress(14_200)
    assert type(small._model.encoder) is CompactSelection
    assert file_size(small, tmp_path) <= 14_200
    for again in (pickle.loads(pickle.dumps(small)), skbag.load(tmp_path / "model")):
        assert_array_equal(
            again.predict_proba(new_corpus.texts), small.predict_proba(new_corpus.texts)
        )
    state = small.__getstate__()
    encoder = state["_model"]["encoder"]
    for unsound in (
        {**encoder, "ids": None},
        {**encoder, "encoder": encoder},
        {**encoder, "encoder": None},
    ):
        state["_model"]["encoder"] = unsound
        with pytest.raises(ModelFileError, match="not the state of a sound model"):
            small.__setstate__(state)


def test_fit_starts_anew(fitted, corpus):
    clf, X = fitted("default")
    again = clf.compress().fit(*corpus)
    assert_array_equal(again.decision_function(X), clf.decision_function(X))
    assert again.vocabulary_ == clf.vocabulary_


# -- what it cannot --------------------------------------------------------------------


@models
def test_it_does_not_learn_on(name, fitted):
    clf, X = fitted(name)
    small = clf.compress()
    y = small.predict(X)
    with pytest.raises(
        ValueError, match=r"compressed.* cannot learn on; keep the orig"
    ):
        small.partial_fit(X, y)
    small.set_params(warm_start=True)
    with pytest.raises(ValueError, match="learn on; fit without warm_start, or keep"):
        small.fit(X, y)
    assert_array_equal(small.predict(X), y)


@pytest.mark.parametrize("attribute", ["vocabulary_", "embedding_", "coef_"])
def test_names_and_exact_rows_are_gone(attribute, fitted):
    small = fitted("default")[0].compress()
    assert not hasattr(small, attribute)
    with pytest.raises(AttributeError, match=f"has no {attribute}.* Keep the original"):
        getattr(small, attribute)


def test_it_leaves_in_no_other_form(fitted):
    clf, X = fitted("default")
    small = clf.compress()
    with pytest.raises(ValueError, match="encode for other graphs; take the ids of"):
        small.encode(X)
    with pytest.raises(ValueError, match="become a torch module; convert the original"):
        small.to_torch()
    with pytest.raises(ValueError, match="become an ONNX graph; convert the original"):
        small.to_onnx()
    with pytest.raises(ValueError, match="be compressed again; compress the original"):
        small.compress()


@pytest.mark.parametrize("bits", [0, 1, 3, True, "8", 4.5, None])
def test_bits_that_there_are_not(bits, fitted):
    with pytest.raises(ValueError, match=r"bits must be 'auto', 2, 4, 8 or 16, got"):
        fitted("default")[0].compress(bits=bits)


def test_budgets_that_are_none(fitted):
    clf, _ = fitted("default")
    for max_bytes in (1.6e6, "1600000", True):
        with pytest.raises(TypeError, match="max_bytes must be a whole number of byte"):
            clf.compress(max_bytes)
    with pytest.raises(ValueError, match="max_bytes must be positive, got 0"):
        clf.compress(0)


def test_an_unfitted_estimator_says_so(make_classifier):
    with pytest.raises(ValueError, match="not fitted yet"):
        make_classifier().compress()
