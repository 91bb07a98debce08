"""Inside scikit-learn's pipelines, searches and ensembles, with texts."""

from __future__ import annotations

import pickle
import re

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import uniform
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from skbag import EmbeddingBagClassifier

# Fits by the dozen.
pytestmark = pytest.mark.slow

GRID = {
    "ngram_range": [(1, 1), (1, 2)],
    "embedding_dim": [None, 4],
    "loss": ["squared_hinge", "cross_entropy"],
}


def without_markup(texts):
    return [re.sub(r"<[^>]+>", " ", text) for text in texts]


@pytest.fixture
def clf(make_classifier):
    return make_classifier()


@pytest.fixture
def frame(corpus):
    """Texts beside a number and a category that say nothing."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "body": corpus.texts,
            "length": rng.normal(100, 20, len(corpus.texts)),
            "source": rng.choice(["web", "mail"], len(corpus.texts)),
        }
    )


# -- pipelines -------------------------------------------------------------------------


def test_pipeline_alone(clf, corpus, new_corpus):
    pipeline = make_pipeline(clf).fit(*corpus)
    assert pipeline.score(*new_corpus) > 0.95
    assert_array_equal(
        pipeline.predict_proba(new_corpus.texts),
        clf.fit(*corpus).predict_proba(new_corpus.texts),
    )


def test_pipeline_after_text_cleaning(clf, corpus, new_corpus):
    pipeline = make_pipeline(FunctionTransformer(without_markup), clf)
    pipeline.fit([f"<b>{text}</b>" for text in corpus.texts], corpus.labels)
    assert "b" not in pipeline[-1].vocabulary_
    assert pipeline.score(*new_corpus) > 0.95


def test_pipeline_after_tfidf(clf, corpus, new_corpus):
    pipeline = make_pipeline(TfidfVectorizer(), clf).fit(*corpus)
    assert pipeline[-1].n_features_in_ == len(pipeline[0].vocabulary_)
    assert pipeline.score(*new_corpus) > 0.95


def test_pipeline_fed_by_a_column_transformer(clf, frame, corpus):
    columns = ColumnTransformer(
        [
            ("text", TfidfVectorizer(), "body"),
            ("number", StandardScaler(), ["length"]),
            ("category", OneHotEncoder(), ["source"]),
        ]
    )
    pipeline = make_pipeline(columns, clf)
    assert cross_val_score(pipeline, frame, corpus.labels, cv=3).mean() > 0.9


def test_column_transformer_passes_texts_through(clf, frame, corpus):
    columns = ColumnTransformer([("text", "passthrough", ["body"])])
    columns.set_output(transform="pandas")
    pipeline = make_pipeline(columns, clf).fit(frame, corpus.labels)
    assert pipeline[-1].feature_names_in_.tolist() == ["text__body"]
    assert pipeline.score(frame, corpus.labels) == 1


@pytest.mark.parametrize("column", ["body", ["body"]], ids=["series", "frame"])
def test_document_vectors_beside_other_columns(column, make_classifier, frame, corpus):
    columns = ColumnTransformer(
        [
            ("text", make_classifier(embedding_dim=4), column),
            ("number", StandardScaler(), ["length"]),
        ]
    )
    if column == ["body"]:  # an early scikit-learn loses the index of a series
        columns.set_output(transform="pandas")
    vectors = columns.fit_transform(frame, corpus.labels)
    assert vectors.shape == (120, 5)
    pipeline = make_pipeline(columns, LogisticRegression())
    assert cross_val_score(pipeline, frame, corpus.labels, cv=3).mean() > 0.9


def test_feature_union_of_words_and_characters(make_classifier, corpus, new_corpus):
    words = make_classifier(embedding_dim=4)
    characters = make_classifier(
        embedding_dim=4, analyzer="char_wb", ngram_range=(2, 4)
    )
    union = FeatureUnion([("words", words), ("characters", characters)])
    pipeline = make_pipeline(union, LogisticRegression()).fit(*corpus)
    assert pipeline.score(*new_corpus) > 0.95
    assert len(union.fit(*corpus).get_feature_names_out()) == 8


# -- model selection -------------------------------------------------------------------


@pytest.mark.parametrize("scoring", [None, "neg_log_loss", "f1_macro"])
def test_cross_val_score(scoring, clf, corpus):
    scores = cross_val_score(clf, *corpus, cv=3, scoring=scoring)
    assert (scores > (-0.5 if scoring == "neg_log_loss" else 0.9)).all()


def test_cross_validation_takes_every_container(clf, corpus):
    texts = pd.Series(corpus.texts, index=range(120, 0, -1))
    expected = cross_val_predict(clf, *corpus, cv=3, method="predict_proba")
    for X in (texts, np.array(corpus.texts, dtype=object), texts.to_frame("text")):
        proba = cross_val_predict(clf, X, corpus.labels, cv=3, method="predict_proba")
        assert_array_equal(proba, expected)


def test_grid_search_in_two_processes(clf, corpus, new_corpus):
    search = GridSearchCV(clf, GRID, cv=3, n_jobs=2, error_score="raise")
    search.fit(*corpus)
    assert search.score(*new_corpus) > 0.95
    assert search.best_estimator_.get_params().items() >= search.best_params_.items()
    assert_array_equal(
        search.predict_proba(new_corpus.texts),
        clf.set_params(**search.best_params_)
        .fit(*corpus)
        .predict_proba(new_corpus.texts),
    )


def test_halving_grid_search_in_two_processes(clf, corpus, new_corpus):
    search = HalvingGridSearchCV(
        clf, GRID, cv=3, n_jobs=2, error_score="raise", random_state=0
    )
    assert search.fit(*corpus).score(*new_corpus) > 0.95
    assert search.n_iterations_ > 1


def test_halving_on_epochs(clf, corpus):
    search = HalvingGridSearchCV(
        clf, {"embedding_dim": [None, 4, 8]}, resource="max_iter", max_resources=9, cv=3
    )
    assert search.fit(*corpus).best_estimator_.n_iter_ > 1


def test_randomized_search_in_a_pipeline(clf, corpus):
    pipeline = make_pipeline(FunctionTransformer(without_markup), clf)
    search = RandomizedSearchCV(
        pipeline,
        {
            "embeddingbagclassifier__learning_rate_init": uniform(0.05, 0.4),
            "embeddingbagclassifier__dropout": uniform(0, 0.5),
        },
        n_iter=3,
        cv=3,
        random_state=0,
    )
    assert search.fit(*corpus).best_score_ > 0.9


def test_early_stopping_in_two_processes(make_classifier, corpus):
    clf = make_classifier(early_stopping=True, max_iter=20, validation_fraction=0.2)
    parallel = cross_validate(
        clf, *corpus, cv=2, n_jobs=2, return_estimator=True, error_score="raise"
    )
    serial = cross_validate(clf, *corpus, cv=2, return_estimator=True)
    assert_array_equal(parallel["test_score"], serial["test_score"])
    for here, there in zip(serial["estimator"], parallel["estimator"], strict=True):
        assert there.validation_scores_ == here.validation_scores_
        assert_array_equal(there.embedding_, here.embedding_)


@pytest.mark.parametrize("wrap", [np.asarray, sp.csr_array])
def test_large_input_comes_to_workers_as_a_read_only_map(wrap, make_classifier):
    rng = np.random.default_rng(0)
    y = np.arange(300) % 3
    # Mostly zeros: of a table of measurements columns would be standardised.
    X = rng.random((300, 500)) * 0.03 * (rng.random((300, 500)) < 0.2)
    X[np.arange(300), y] = 1
    assert X.nbytes > 1e6  # from there on joblib maps it
    clf = make_classifier()
    parallel = cross_val_score(clf, wrap(X), y, cv=2, n_jobs=2, error_score="raise")
    assert_array_equal(parallel, cross_val_score(clf, wrap(X), y, cv=2))
    assert parallel.mean() > 0.95


def test_learning_curve(clf, corpus):
    sizes, _, scores = learning_curve(
        clf, *corpus, cv=3, train_sizes=[0.2, 1.0], shuffle=True, random_state=0
    )
    assert sizes.tolist() == [16, 80]
    assert scores[1].mean() > 0.9


def test_learning_curve_by_partial_fit(clf, corpus):
    _, _, scores = learning_curve(
        clf,
        *corpus,
        cv=3,
        train_sizes=[0.3, 0.6, 1.0],
        exploit_incremental_learning=True,
    )
    assert scores[-1].mean() > 0.9


def test_tuned_threshold(clf, binary_corpus):
    tuned = TunedThresholdClassifierCV(clf, scoring="f1_macro", cv=3)
    assert tuned.fit(*binary_corpus).score(*binary_corpus) > 0.95


def test_permutation_importance(clf, frame, corpus):
    importance = permutation_importance(
        clf.fit(frame[["body"]], corpus.labels),
        frame[["body"]],
        corpus.labels,
        n_repeats=3,
        random_state=0,
    )
    assert importance.importances_mean.shape == (1,)
    assert importance.importances_mean[0] > 0.4


# -- ensembles and wrappers ------------------------------------------------------------


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_calibrated(method, clf, corpus, new_corpus):
    calibrated = CalibratedClassifierCV(clf, method=method, cv=3).fit(*corpus)
    assert calibrated.score(*new_corpus) > 0.95
    assert_allclose(calibrated.predict_proba(new_corpus.texts).sum(axis=1), 1)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_calibrated_with_weights(n_classes, clf, corpus, binary_corpus, new_corpus):
    """scikit-learn 1.6 does not calibrate scores of float32 with weights of float64."""
    texts, labels = binary_corpus if n_classes == 2 else corpus
    weight = np.random.default_rng(0).uniform(0.5, 2, len(texts))
    calibrated = CalibratedClassifierCV(clf, cv=3)
    calibrated.fit(texts, labels, sample_weight=weight)
    assert calibrated.score(texts, labels) > 0.95


@pytest.mark.parametrize("voting", ["hard", "soft"])
def test_voting(voting, make_classifier, corpus, new_corpus):
    members = [
        ("words", make_classifier()),
        ("characters", make_classifier(analyzer="char", ngram_range=(3, 3))),
        ("tfidf", make_pipeline(TfidfVectorizer(), LogisticRegression())),
    ]
    clf = VotingClassifier(members, voting=voting).fit(*corpus)
    assert clf.score(*new_corpus) > 0.95


def test_stacking(make_classifier, corpus, new_corpus):
    members = [
        ("one", make_classifier()),
        ("two", make_classifier(embedding_dim=4)),
    ]
    assert StackingClassifier(members, cv=3).fit(*corpus).score(*new_corpus) > 0.95


def test_bagging_of_a_column(clf, corpus, new_corpus):
    X, X_new = (np.array(c.texts, dtype=object)[:, None] for c in (corpus, new_corpus))
    bagging = BaggingClassifier(clf, n_estimators=3, random_state=0)
    assert bagging.fit(X, corpus.labels).score(X_new, new_corpus.labels) > 0.9


def test_one_vs_rest(clf, corpus, new_corpus):
    assert OneVsRestClassifier(clf).fit(*corpus).score(*new_corpus) > 0.95


def test_multi_output(clf, corpus):
    long = ["long" if len(text) > 35 else "short" for text in corpus.texts]
    y = np.array([corpus.labels, long]).T
    both = MultiOutputClassifier(clf).fit(corpus.texts, y)
    assert both.predict(corpus.texts).shape == (120, 2)
    assert (both.predict(corpus.texts)[:, 0] == y[:, 0]).mean() > 0.95


# -- options beyond the defaults -------------------------------------------------------


def test_options_in_a_grid_search_over_a_pipeline(corpus, new_corpus):
    """Text parameters are searched like any other, and the best one is pickled."""
    pipeline = make_pipeline(
        FunctionTransformer(list), EmbeddingBagClassifier(random_state=0)
    )
    grid = {
        "embeddingbagclassifier__subword_ngram_range": [None, (3, 4)],
        "embeddingbagclassifier__n_buckets": [None, 4096],
        "embeddingbagclassifier__loss": ["squared_hinge", "cross_entropy"],
    }
    search = GridSearchCV(pipeline, grid, cv=2).fit(*corpus)
    assert (search.cv_results_["mean_test_score"] > 0.9).all()
    best = search.best_estimator_
    loaded = pickle.loads(pickle.dumps(best))
    assert_array_equal(
        loaded.predict_proba(new_corpus.texts), best.predict_proba(new_corpus.texts)
    )
    labels, _ = best[-1].top_k(new_corpus.texts, 2)
    assert_array_equal(labels[:, 0], best.predict(new_corpus.texts))
    small = best[-1].compress()
    assert (small.predict(new_corpus.texts) == labels[:, 0]).mean() > 0.95
