"""The contract of a scikit-learn classifier, on texts.

scikit-learn's own battery feeds numbers. `skbag.testing` feeds texts, and is run here
on what the package has; the other tests ask for more than it does: the same bits.
"""

from __future__ import annotations

import inspect
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone, is_classifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags

from skbag import EmbeddingBagClassifier
from skbag.testing import parametrize_with_text_checks, text_checks

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


# -- the battery -----------------------------------------------------------------------

OTHER_MODELS = [
    *(EmbeddingBagClassifier(**chosen) for chosen in CONFIGURATIONS.values() if chosen),
    EmbeddingBagClassifier(n_buckets=2**12),
    EmbeddingBagClassifier(subword_ngram_range=(3, 5)),
    make_pipeline(TfidfVectorizer(), EmbeddingBagClassifier()),
]
"""Of the package: whatever takes texts is added here."""


def needs_all_texts(estimator):
    """Whether partial_fit is refused, as documented."""
    return getattr(estimator, "early_stopping", False)


WITHOUT_STREAMS = dict.fromkeys(
    (
        "check_partial_fit_goes_on",
        "check_partial_fit_unknown_label",
        "check_fit_after_partial_fit",
    ),
    "partial_fit has no validation samples, and refuses early_stopping in words.",
)


def battery(*estimators):
    """Parametrize over all text checks; those that start a process are slow."""
    mark = parametrize_with_text_checks(
        estimators,
        expected_failed_checks=lambda each: (
            WITHOUT_STREAMS if needs_all_texts(each) else {}
        ),
    ).mark
    cases = [
        pytest.param(*case.values, marks=pytest.mark.slow)
        if case.values[1].__name__.endswith("in_another_process")
        else case
        for case in mark.args[1]
    ]
    return pytest.mark.parametrize(mark.args[0], cases, **mark.kwargs)


@battery(EmbeddingBagClassifier())
def test_text_check(estimator, check):
    check(estimator)


@pytest.mark.slow
@battery(*OTHER_MODELS)
def test_text_check_of_other_models(estimator, check):
    check(estimator)


def test_all_of_the_battery_applies():
    assert len(text_checks(EmbeddingBagClassifier())) >= 65


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


# -- predictions -----------------------------------------------------------------------


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


@pytest.mark.slow
def test_threads_may_fit_at_once(corpus, make_classifier):
    expected = make_classifier().fit(*corpus).embedding_
    with ThreadPoolExecutor(4) as executor:
        models = executor.map(lambda _: make_classifier().fit(*corpus), range(8))
        for clf in models:
            assert_array_equal(clf.embedding_, expected)


@pytest.mark.parametrize("attribute", ["vocabulary_", "embedding_", "coef_"])
def test_unfitted_attributes(attribute, make_classifier):
    assert not hasattr(make_classifier(), attribute)
