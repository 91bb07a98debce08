"""What a fitted estimator tells: vocabulary, table, coefficients, vectors."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.feature_selection import RFE, SelectFromModel

from skbag._model import predictor
from skbag._text.token_rules import DEFAULT_PATTERN, DEFAULT_TOKENS

COUNTS = {
    "use_idf": False,
    "sublinear_tf": False,
    "norm": None,
    "supervised_weighting": False,
}
PLAIN = {"supervised_weighting": False}
TEXTS = ["The cat sat. The cat slept!", "A dog barked", "cat & dog", "🙂 naïve Ω-dog"]
LABELS = [0, 1, 0, 1]


def count_vectorizer(clf, **parameters):
    """The CountVectorizer that the classifier's parameters describe."""
    shared = clf.get_params().keys() & CountVectorizer().get_params().keys()
    described = {name: getattr(clf, name) for name in shared}
    if clf.token_pattern == DEFAULT_PATTERN:
        described["token_pattern"] = DEFAULT_TOKENS.pattern
    return CountVectorizer(**{**described, "min_df": 1, **parameters})


# -- vocabulary_ -----------------------------------------------------------------------


def test_showing_an_estimator_does_not_build_the_vocabulary(corpus, make_classifier):
    clf = make_classifier().fit(*corpus)
    n_ids = len(clf.embedding_)
    assert repr(clf.vocabulary_) == f"<vocabulary of {n_ids:,} features>"
    clf._repr_html_()
    assert "_ids" not in vars(clf.vocabulary_)
    assert len(clf.vocabulary_) == n_ids == len(list(clf.vocabulary_))
    assert "_ids" in vars(clf.vocabulary_)


def test_vocabulary_of_a_toy_corpus(make_classifier):
    clf = make_classifier(ngram_range=(1, 1), **PLAIN).fit(TEXTS, LABELS)
    tokens = "the cat sat . slept ! a dog barked & 🙂 naïve ω -"
    assert set(clf.vocabulary_) == set(tokens.split())
    assert all(type(token) is str for token in clf.vocabulary_)
    assert all(type(i) is int for i in clf.vocabulary_.values())


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"lowercase": False},
        {"ngram_range": (2, 2)},
        {"ngram_range": (1, 3)},
        {"token_pattern": r"(?u)\b\w\w+\b"},
        {"analyzer": "char_wb", "ngram_range": (2, 4)},
        {"tokenizer": str.split},
        {"preprocessor": str.swapcase},
        {"strip_accents": "unicode"},
        {"stop_words": "english"},
        {"stop_words": ["the", "from"]},
        {"analyzer": lambda text: [text[:3], text[-3:]]},
    ],
    ids=lambda value: re.sub("<.*>", "a function", str(value)),
)
@pytest.mark.filterwarnings("ignore:The parameter 'token_pattern' will not be used")
@pytest.mark.filterwarnings("ignore:The parameter 'ngram_range' will not be used")
def test_vocabulary_is_that_of_count_vectorizer(parameters, corpus, make_classifier):
    texts = [*corpus.texts[:-1], "Naïve ÉCLAIR, with the Crème"]
    clf = make_classifier(**PLAIN, **parameters).fit(texts, corpus.labels)
    expected = count_vectorizer(clf).fit(texts).vocabulary_
    assert clf.vocabulary_.keys() == expected.keys()
    assert sorted(clf.vocabulary_.values()) == list(range(len(clf.embedding_)))


def test_short_text_features_are_in_the_vocabulary(corpus, make_classifier):
    clf = make_classifier().fit(*corpus)
    plain = make_classifier(short_text_features=False).fit(*corpus)
    extra = clf.vocabulary_.keys() - plain.vocabulary_.keys()
    assert plain.vocabulary_.keys() < clf.vocabulary_.keys()
    assert {"<last> .", "harbo…", "harb…", "…our"} <= extra
    assert any(" <skip> " in name for name in extra)
    assert all("<" in name or "…" in name for name in extra)
    assert sorted(clf.vocabulary_.values()) == list(range(len(clf.embedding_)))


@pytest.mark.parametrize(
    "pruning",
    [
        {"min_df": 1},
        {"min_df": 3},
        {"min_df": 0.1},
        {"max_df": 40},
        {"max_df": 0.3},
        {"min_df": 2, "max_df": 0.5},
    ],
    ids=str,
)
@pytest.mark.parametrize("encoder", [{}, {"tokenizer": str.split}])
@pytest.mark.filterwarnings("ignore:The parameter 'token_pattern' will not be used")
def test_pruning_is_that_of_count_vectorizer(pruning, encoder, corpus, make_classifier):
    clf = make_classifier(**PLAIN, **encoder, **pruning).fit(*corpus)
    expected = count_vectorizer(clf, **pruning).fit(corpus.texts).vocabulary_
    assert clf.vocabulary_.keys() == expected.keys()
    assert len(clf.embedding_) == len(expected)


def test_max_features_keeps_the_most_frequent(make_classifier):
    texts = ["a " * n + "b " * (2 * n) + "c " * (3 * n) + "d" for n in range(1, 9)]
    parameters = {"ngram_range": (1, 1), "max_features": 2, **PLAIN}
    clf = make_classifier(**parameters).fit(texts, [0, 1] * 4)
    assert set(clf.vocabulary_) == {"b", "c"}


def test_automatic_min_df_keeps_everything_in_small_corpora(corpus, make_classifier):
    auto = make_classifier().fit(*corpus)
    all_of_them = make_classifier(min_df=1).fit(*corpus)
    # All, that is, but the skip pairs of a single text.
    counts = all_of_them._model.encoder.encode(list(corpus.texts))
    n_texts = np.bincount(counts.ids, minlength=counts.n_ids)
    expected = {
        name
        for name, id_ in all_of_them.vocabulary_.items()
        if " <skip> " not in name or n_texts[id_] > 1
    }
    assert set(auto.vocabulary_) == expected


@pytest.mark.parametrize(
    "vocabulary",
    [
        ["oven", "sail", "fern", "never seen"],
        {"fern": 1, "oven": 0, "sail": 2},
        {"oven", "sail"},
        ("ship storm", "oven"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_given_vocabulary_is_used_exactly(vocabulary, corpus, make_classifier):
    # Pruning is for what is learnt.
    clf = make_classifier(vocabulary=vocabulary, min_df=50).fit(*corpus)
    expected = CountVectorizer(vocabulary=vocabulary).fit(corpus.texts).vocabulary_
    assert clf.vocabulary_ == expected
    assert len(clf.embedding_) == len(expected)


def test_vocabulary_is_built_once_and_again_after_fit(corpus, make_classifier):
    clf = make_classifier().fit(*corpus)
    assert clf.vocabulary_ is clf.vocabulary_
    clf.fit(TEXTS, LABELS)
    assert "naïve" in clf.vocabulary_
    assert "harbour" not in clf.vocabulary_


# -- the table and what stands above it ------------------------------------------------


SHAPES = {
    "one layer": {},
    "two layers": {"embedding_dim": 8},
    "hidden layer": {"embedding_dim": 8, "hidden_layer_sizes": (6,)},
}


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("name", SHAPES)
def test_shapes(name, n_classes, corpus, binary_corpus, make_classifier):
    clf = make_classifier(**SHAPES[name])
    clf.fit(*(binary_corpus if n_classes == 2 else corpus))
    n_ids, n_outputs = len(clf.vocabulary_), 1 if n_classes == 2 else n_classes
    width = {"one layer": n_outputs}.get(name, 8)
    assert clf.embedding_.shape == (n_ids, width)
    assert clf.intercept_.shape == (n_outputs,)
    arrays = [clf.embedding_, clf.intercept_]
    if name == "hidden layer":
        assert not hasattr(clf, "coef_")
    else:
        assert clf.coef_.shape == (n_outputs, n_ids)
        arrays.append(clf.coef_)
    for array in arrays:
        assert array.dtype == np.float32
        assert np.isfinite(array).all()


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("embedding_dim", [None, 8])
@pytest.mark.parametrize("ngram_range", [(1, 1), (1, 2)])
def test_decision_function_by_hand(
    ngram_range, embedding_dim, n_classes, corpus, binary_corpus, make_classifier
):
    texts, labels = binary_corpus if n_classes == 2 else corpus
    clf = make_classifier(
        ngram_range=ngram_range, embedding_dim=embedding_dim, **COUNTS
    )
    clf.fit(texts, labels)
    new = [*texts, "", "xylophone", "oven oven OVEN great great sail!"]
    counts = count_vectorizer(clf, vocabulary=clf.vocabulary_).transform(new)
    vectors = counts @ clf.embedding_
    assert_allclose(clf.transform(new), vectors, atol=1e-5)
    scores = counts @ clf.coef_.T + clf.intercept_
    assert_allclose(
        clf.decision_function(new),
        scores.ravel() if n_classes == 2 else scores,
        atol=1e-5,
    )


@pytest.mark.parametrize("n_classes", [2, 3])
def test_scores_are_those_of_the_model_in_float64(
    n_classes, corpus, binary_corpus, make_classifier
):
    clf = make_classifier().fit(*(binary_corpus if n_classes == 2 else corpus))
    scores = clf.decision_function(corpus.texts)
    assert scores.dtype == np.float64
    in_float32 = clf._model.scores(corpus.texts)
    assert_array_equal(scores.reshape(in_float32.shape), in_float32)
    assert_array_equal(
        clf.predict_proba(corpus.texts),
        clf._targets.probabilities(in_float32, clf._model.calibration),
    )


@pytest.mark.slow
@pytest.mark.parametrize("labels", ["two", "three", "several"])
@pytest.mark.parametrize("embedding_dim", [None, 5])
def test_a_column_of_coef_for_each_of_the_matrix(
    embedding_dim, labels, make_classifier, monkeypatch
):
    monkeypatch.setattr(predictor, "ROWS_AT_ONCE", 7)
    rng = np.random.default_rng(0)
    X = rng.poisson(1.0, (90, 20)).astype(float)
    codes = (X[:, 13] > X[:, 4]).astype(int)
    if labels != "two":
        codes += X[:, 13] > 2
    y = codes[:, np.newaxis] == range(3) if labels == "several" else codes
    clf = make_classifier(embedding_dim=embedding_dim).fit(X, y.astype(int))
    n_outputs = 1 if labels == "two" else 3
    assert clf.coef_.shape == (n_outputs, 20)
    scores = (X @ clf.coef_.T + clf.intercept_).reshape(90, n_outputs)
    found = clf.decision_function(X).reshape(90, n_outputs)
    assert_allclose(found, scores, atol=1e-4)
    selector = SelectFromModel(clf, prefit=True, max_features=2, threshold=-np.inf)
    assert selector.get_support()[13]
    rfe = RFE(clone(clf), n_features_to_select=5).fit(X, y.astype(int))
    assert rfe.support_[13]


@pytest.mark.parametrize("parameters", [{}, {"token_pattern": r"\w+"}])
def test_feature_names_are_those_of_the_columns_of_coef(
    parameters, corpus, make_classifier
):
    clf = make_classifier(**parameters).fit(*corpus)
    assert clf.feature_names_.dtype == object
    assert clf.feature_names_.shape == (clf.coef_.shape[1],)
    assert all(
        clf.vocabulary_[name] == j for j, name in enumerate(clf.feature_names_.tolist())
    )


def test_feature_names_of_a_matrix(make_classifier):
    X, y = np.eye(3)[[0, 1, 2] * 4], [0, 1, 2] * 4
    assert make_classifier().fit(X, y).feature_names_.tolist() == ["x0", "x1", "x2"]
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    assert make_classifier().fit(frame, y).feature_names_.tolist() == ["a", "b", "c"]


def test_no_feature_names_of_buckets(corpus, make_classifier):
    clf = make_classifier(n_buckets=256).fit(*corpus)
    assert not hasattr(clf, "feature_names_")
    assert not hasattr(make_classifier().fit(*corpus).compress(), "feature_names_")


def test_no_coef_where_scores_are_not_linear(corpus, make_classifier):
    clf = make_classifier(embedding_dim=4, hidden_layer_sizes=(3,)).fit(*corpus)
    with pytest.raises(AttributeError, match=r"has hidden layers\. Fit with"):
        clf.coef_  # noqa: B018


def test_coefficients_say_what_was_learnt(corpus, make_classifier):
    clf = make_classifier().fit(*corpus)
    ids, classes = clf.vocabulary_, clf.classes_.tolist()
    for word, topic in {"oven": "kitchen", "sail": "sea", "fern": "garden"}.items():
        assert clf.coef_[:, ids[word]].argmax() == classes.index(topic)


def test_unknown_words_are_answered_by_the_intercept(corpus, make_classifier):
    clf = make_classifier().fit(*corpus)
    scores = clf.decision_function(["", "xylophone"])
    assert_array_equal(scores, np.tile(clf.intercept_, (2, 1)))


def test_what_auto_came_to(corpus, make_classifier):
    clf = make_classifier().fit(*corpus)
    assert 1 <= clf.batch_size_ <= 120
    assert 0 < clf.learning_rate_ < 0.5
    assert clf.alpha_ >= 0
    assert clf.inverse_temperature_ > 0
    assert clf.n_iter_ == len(clf.loss_curve_) >= 2
    given = make_classifier(
        batch_size=30, learning_rate_init=0.2, alpha=1e-3, max_iter=3
    ).fit(*corpus)
    assert given.batch_size_ == 30
    assert given.learning_rate_ == 0.2
    assert given.alpha_ == 1e-3
    assert given.n_iter_ == 3


# -- transform -------------------------------------------------------------------------


@pytest.mark.parametrize(("embedding_dim", "width"), [(None, 3), (5, 5)])
def test_document_vectors(embedding_dim, width, corpus, make_classifier):
    clf = make_classifier(embedding_dim=embedding_dim).fit(*corpus)
    vectors = clf.transform(corpus.texts)
    names = clf.get_feature_names_out()
    assert vectors.shape == (120, width)
    assert vectors.dtype == np.float32
    assert names.tolist() == [f"embeddingbagclassifier{j}" for j in range(width)]
    assert_array_equal(clf.fit_transform(*corpus), vectors)


def test_set_output_pandas(corpus, make_classifier):
    frame = pd.DataFrame({"text": corpus.texts}, index=range(120, 0, -1))
    clf = make_classifier().set_output(transform="pandas").fit(frame, corpus.labels)
    vectors = clf.transform(frame)
    assert isinstance(vectors, pd.DataFrame)
    assert vectors.columns.tolist() == clf.get_feature_names_out().tolist()
    assert vectors.index.equals(frame.index)
    as_list = clf.transform(corpus.texts)
    assert_array_equal(as_list.to_numpy(), vectors.to_numpy())


def test_set_output_polars(corpus, make_classifier):
    clf = make_classifier().set_output(transform="polars").fit(*corpus)
    vectors = clf.transform(corpus.texts)
    assert isinstance(vectors, pl.DataFrame)
    assert vectors.columns == clf.get_feature_names_out().tolist()
    assert_array_equal(
        vectors.to_numpy(), clf.set_output(transform="default").transform(corpus.texts)
    )
