"""The contract of a scikit-learn classifier, on texts.

scikit-learn's own battery feeds numbers; these are its checks, and a few more, for
what the estimator is made for.
"""

from __future__ import annotations

import copy
import inspect
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.metrics import accuracy_score
from sklearn.utils import get_tags

from skbag import EmbeddingBagClassifier

CONFIGURATIONS = {
    "default": {},
    "two layers": {"embedding_dim": 8},
    "hidden layer": {"embedding_dim": 8, "hidden_layer_sizes": (6,)},
    "cross-entropy": {"loss": "cross_entropy"},
    "plain encoder": {"analyzer": "char_wb", "ngram_range": (2, 3)},
    "early stopping": {"early_stopping": True, "validation_fraction": 0.2},
    "dropout": {"dropout": 0.2},
}
configurations = pytest.mark.parametrize(
    "parameters", CONFIGURATIONS.values(), ids=CONFIGURATIONS
)
METHODS = (
    "predict",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
    "transform",
)
methods = pytest.mark.parametrize("method", METHODS)


# -- parameters ------------------------------------------------------------------------


def test_is_a_classifier_of_texts_and_sparse_matrices():
    clf = EmbeddingBagClassifier()
    assert is_classifier(clf)
    tags = get_tags(clf)
    assert tags.input_tags.string
    assert tags.input_tags.sparse
    assert tags.input_tags.two_d_array
    assert not tags.input_tags.allow_nan


def test_init_sets_parameters_and_nothing_else():
    clf = EmbeddingBagClassifier(embedding_dim="checked in fit")
    assert vars(clf) == clf.get_params()
    assert clf.embedding_dim == "checked in fit"


def documented(section, following):
    text = inspect.getdoc(EmbeddingBagClassifier)
    names = text.split(f"{section}\n---")[1].split(f"{following}\n---")[0]
    found = re.findall(r"^(\w[\w, ]*) : ", names, flags=re.MULTILINE)
    return [name for names in found for name in names.split(", ")]


def test_every_parameter_is_documented_in_order():
    parameters = list(inspect.signature(EmbeddingBagClassifier).parameters)
    assert documented("Parameters", "Attributes") == parameters


def test_every_fitted_attribute_is_documented_and_there(corpus, make_classifier):
    column = pd.DataFrame({"text": corpus.texts})
    vectors = {"sail": [1.0, 0.0], "oven": [0.0, 1.0]}
    clf = make_classifier(early_stopping=True, embedding_init=vectors).fit(
        column, corpus.labels
    )
    names = documented("Attributes", "See Also")
    for name in names:
        # Labels that exclude each other have no names but themselves; vectors are of
        # words or of texts.
        is_none = name in ("label_names_", "text_encoder_weight_")
        assert (getattr(clf, name) is None) == is_none
    assert {name for name in vars(clf) if name.endswith("_")} <= set(names)


def test_parameters_are_keyword_only():
    with pytest.raises(TypeError, match="positional argument"):
        EmbeddingBagClassifier(True)


def test_set_params_changes_what_fit_does(corpus, make_classifier):
    clf = make_classifier(short_text_features=False)
    assert any(" " in token for token in clf.fit(*corpus).vocabulary_)
    clf.set_params(embedding_dim=5, ngram_range=(1, 1))
    assert clf.get_params()["embedding_dim"] == 5
    assert clf.fit(*corpus).embedding_.shape[1] == 5
    assert not any(" " in token for token in clf.vocabulary_)


@configurations
def test_clone_is_unfitted_and_learns_the_same(parameters, corpus, make_classifier):
    clf = make_classifier(**parameters).fit(*corpus)
    twin = clone(clf)
    assert vars(twin) == clf.get_params()
    assert_array_equal(twin.fit(*corpus).embedding_, clf.embedding_)


@configurations
def test_fit_is_idempotent(parameters, corpus, binary_corpus, make_classifier):
    clf = make_classifier(**parameters).fit(*corpus)
    first = clf.decision_function(corpus.texts)
    clf.fit(*binary_corpus)
    assert_array_equal(clf.fit(*corpus).decision_function(corpus.texts), first)


@configurations
def test_fit_and_predict_change_neither_parameters_nor_data(
    parameters, corpus, make_classifier
):
    clf = make_classifier(**parameters)
    before = copy.deepcopy((clf.get_params(), corpus))
    assert clf.fit(*corpus) is clf
    fitted = set(vars(clf))
    for method in METHODS:
        getattr(clf, method)(corpus.texts)
    assert (clf.get_params(), corpus) == before
    assert set(vars(clf)) == fitted


def test_fit_keeps_no_reference_to_the_texts(corpus, make_classifier):
    X = np.array(corpus.texts, dtype=object)
    clf = make_classifier().fit(X, corpus.labels)
    expected = clf.predict(corpus.texts)
    X[:] = "overwritten"
    assert_array_equal(clf.predict(corpus.texts), expected)


# -- predictions -----------------------------------------------------------------------


@configurations
def test_learns(parameters, corpus, new_corpus, make_classifier):
    clf = make_classifier(**parameters).fit(*corpus)
    assert clf.score(*new_corpus) > 0.95


@pytest.mark.slow
@methods
@configurations
def test_predictions_do_not_depend_on_order_or_company(
    parameters, method, corpus, new_corpus, make_classifier
):
    predict = getattr(make_classifier(**parameters).fit(*corpus), method)
    texts = np.array([*new_corpus.texts, "", "xylophone"], dtype=object)
    together = predict(texts)
    order = np.random.default_rng(0).permutation(len(texts))
    assert_array_equal(predict(texts[order]), together[order])
    alone = np.concatenate([predict([text]) for text in texts])
    assert_array_equal(alone, together)


@configurations
@pytest.mark.parametrize("n_classes", [2, 3])
def test_outputs_agree_with_each_other(
    parameters, n_classes, corpus, binary_corpus, make_classifier
):
    texts, labels = binary_corpus if n_classes == 2 else corpus
    clf = make_classifier(**parameters).fit(texts, labels)
    scores, proba = clf.decision_function(texts), clf.predict_proba(texts)
    predicted = clf.predict(texts)

    assert_array_equal(clf.classes_, np.unique(labels))
    assert scores.shape == ((len(texts),) if n_classes == 2 else (len(texts), 3))
    assert proba.shape == (len(texts), n_classes)
    assert proba.dtype == np.float64
    assert_allclose(proba.sum(axis=1), 1)
    assert (proba > 0).all()
    assert_allclose(clf.predict_log_proba(texts), np.log(proba))
    assert_array_equal(clf.classes_[proba.argmax(axis=1)], predicted)
    codes = (scores > 0).astype(int) if n_classes == 2 else scores.argmax(axis=1)
    assert_array_equal(clf.classes_[codes], predicted)
    weight = np.linspace(0, 1, len(texts))
    assert clf.score(texts, labels, weight) == accuracy_score(
        labels, predicted, sample_weight=weight
    )


def test_log_probabilities_do_not_underflow(make_classifier):
    clf = make_classifier(norm=None, sublinear_tf=False)
    clf.fit(["yes"] * 50 + ["no"] * 50, [1] * 50 + [0] * 50)
    emphatic = [" ".join(["yes"] * 10_000)]
    assert clf.predict_proba(emphatic).min() == 0
    assert np.isfinite(clf.predict_log_proba(emphatic)).all()


def test_parameters_set_after_fit_wait_for_the_next(corpus, make_classifier):
    clf = make_classifier().fit(*corpus)
    expected = clf.decision_function(corpus.texts)
    clf.set_params(
        lowercase=False,
        ngram_range=(1, 1),
        tokenizer=str.split,
        norm=None,
        use_idf=False,
        supervised_weighting=False,
        embedding_dim=3,
    )
    assert_array_equal(clf.decision_function(corpus.texts), expected)
    assert clf.fit(*corpus).embedding_.shape[1] == 3


def test_threads_may_share_a_fitted_estimator(corpus, make_classifier):
    clf = make_classifier().fit(*corpus)
    with ThreadPoolExecutor(4) as executor:
        alone = list(executor.map(clf.decision_function, [[t] for t in corpus.texts]))
    assert_array_equal(np.concatenate(alone), clf.decision_function(corpus.texts))


@pytest.mark.slow
def test_threads_may_fit_at_once(corpus, make_classifier):
    expected = make_classifier().fit(*corpus).embedding_
    with ThreadPoolExecutor(4) as executor:
        models = executor.map(lambda _: make_classifier().fit(*corpus), range(8))
        for clf in models:
            assert_array_equal(clf.embedding_, expected)


@methods
def test_unfitted(method, corpus, make_classifier):
    with pytest.raises(NotFittedError, match="not fitted yet"):
        getattr(make_classifier(), method)(corpus.texts)


@pytest.mark.parametrize("attribute", ["vocabulary_", "embedding_", "coef_"])
def test_unfitted_attributes(attribute, make_classifier):
    assert not hasattr(make_classifier(), attribute)
