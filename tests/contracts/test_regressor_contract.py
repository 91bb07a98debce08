"""The contract of a scikit-learn regressor, on texts, as that of the classifier."""

from __future__ import annotations

import copy
import inspect
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone, is_regressor
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import NotFittedError
from sklearn.inspection import permutation_importance
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import get_tags

from skbag import EmbeddingBagClassifier, EmbeddingBagRegressor

CONFIGURATIONS = {
    "default": {},
    "two layers": {"embedding_dim": 8},
    "hidden layer": {"embedding_dim": 8, "hidden_layer_sizes": (6,)},
    "huber": {"loss": "huber"},
    "poisson": {"loss": "poisson"},
    "plain encoder": {"analyzer": "char_wb", "ngram_range": (2, 3)},
    "early stopping": {"early_stopping": True, "validation_fraction": 0.2},
    "dropout": {"dropout": 0.2},
}
configurations = pytest.mark.parametrize(
    "parameters", CONFIGURATIONS.values(), ids=CONFIGURATIONS
)
METHODS = ("predict", "transform")
methods = pytest.mark.parametrize("method", METHODS)


# -- parameters ------------------------------------------------------------------------


def test_is_a_regressor_of_texts_and_sparse_matrices():
    reg = EmbeddingBagRegressor()
    assert is_regressor(reg)
    tags = get_tags(reg)
    assert tags.input_tags.string
    assert tags.input_tags.sparse
    assert tags.input_tags.two_d_array
    assert tags.target_tags.required
    assert tags.target_tags.multi_output
    assert not tags.target_tags.positive_only
    assert get_tags(EmbeddingBagRegressor(loss="poisson")).target_tags.positive_only


def test_init_sets_parameters_and_nothing_else():
    reg = EmbeddingBagRegressor(embedding_dim="checked in fit")
    assert vars(reg) == reg.get_params()


def test_parameters_are_those_of_the_classifier_that_apply():
    of_classes = inspect.signature(EmbeddingBagClassifier).parameters
    of_numbers = inspect.signature(EmbeddingBagRegressor).parameters
    only_of_classes = {"class_weight", "text_encoder"}
    assert [n for n in of_classes if n not in only_of_classes] == list(of_numbers)
    changed = {n for n, p in of_numbers.items() if p.default != of_classes[n].default}
    assert changed == {"loss"}


def documented(section, following):
    text = inspect.getdoc(EmbeddingBagRegressor)
    names = text.split(f"{section}\n---")[1].split(f"{following}\n---")[0]
    found = re.findall(r"^(\w[\w, ]*) : ", names, flags=re.MULTILINE)
    return [name for names in found for name in names.split(", ")]


def test_every_parameter_is_documented_in_order():
    parameters = list(inspect.signature(EmbeddingBagRegressor).parameters)
    assert documented("Parameters", "Attributes") == parameters


def test_every_fitted_attribute_is_documented_and_there(numbers_corpus, make_regressor):
    texts, y = numbers_corpus
    reg = make_regressor(
        early_stopping=True,
        embedding_dim=2,
        embedding_init={"sail": [1.0, 0.0], "oven": [0.0, 1.0]},
    ).fit(pd.DataFrame({"text": texts}), y)
    names = documented("Attributes", "See Also")
    assert all(getattr(reg, name) is not None for name in names)
    assert {name for name in vars(reg) if name.endswith("_")} <= set(names)


@configurations
def test_clone_is_unfitted_and_learns_the_same(
    parameters, numbers_corpus, make_regressor
):
    reg = make_regressor(**parameters).fit(*numbers_corpus)
    twin = clone(reg)
    assert vars(twin) == reg.get_params()
    assert_array_equal(twin.fit(*numbers_corpus).embedding_, reg.embedding_)


@configurations
def test_fit_is_idempotent(parameters, numbers_corpus, make_regressor):
    texts, y = numbers_corpus
    reg = make_regressor(**parameters).fit(texts, y)
    first = reg.predict(texts)
    reg.fit(texts[:60], np.arange(60.0))
    assert_array_equal(reg.fit(texts, y).predict(texts), first)


@configurations
def test_fit_and_predict_change_neither_parameters_nor_data(
    parameters, numbers_corpus, make_regressor
):
    reg = make_regressor(**parameters)
    before = copy.deepcopy((reg.get_params(), numbers_corpus))
    assert reg.fit(*numbers_corpus) is reg
    fitted = set(vars(reg))
    for method in METHODS:
        getattr(reg, method)(numbers_corpus.texts)
    assert (reg.get_params(), numbers_corpus) == before
    assert set(vars(reg)) == fitted


def test_fit_keeps_no_reference_to_the_numbers(numbers_corpus, make_regressor):
    y = np.array(numbers_corpus.y)
    reg = make_regressor().fit(numbers_corpus.texts, y)
    expected = reg.predict(numbers_corpus.texts)
    y[:] = np.nan
    assert_array_equal(reg.predict(numbers_corpus.texts), expected)


# -- predictions -----------------------------------------------------------------------


@configurations
def test_learns(parameters, numbers_corpus, new_numbers_corpus, make_regressor):
    reg = make_regressor(**parameters).fit(*numbers_corpus)
    assert reg.score(*new_numbers_corpus) > 0.9


@configurations
def test_predictions_do_not_depend_on_order_or_company(
    parameters, numbers_corpus, new_numbers_corpus, make_regressor
):
    reg = make_regressor(**parameters).fit(*numbers_corpus)
    texts = np.array([*new_numbers_corpus.texts[:9], "", "xylophone"], dtype=object)
    for method in METHODS:
        predict = getattr(reg, method)
        together = predict(texts)
        order = np.random.default_rng(0).permutation(len(texts))
        assert_array_equal(predict(texts[order]), together[order])
        alone = np.concatenate([predict([text]) for text in texts])
        assert_array_equal(alone, together)


@configurations
@pytest.mark.parametrize("n_outputs", [None, 1, 2])
def test_outputs_have_the_shape_of_y(
    parameters, n_outputs, numbers_corpus, make_regressor
):
    texts, y = numbers_corpus
    Y = np.array(y)
    if n_outputs is not None:
        Y = np.stack([Y, 20 - Y], axis=1)[:, :n_outputs]
    reg = make_regressor(**parameters).fit(texts, Y)
    predicted = reg.predict(texts)
    assert reg.n_outputs_ == (n_outputs or 1)
    assert predicted.shape == Y.shape
    assert predicted.dtype == np.float64
    weight = np.linspace(0, 1, len(texts))
    expected = r2_score(Y, predicted, sample_weight=weight)
    assert reg.score(texts, Y, weight) == expected > 0.8


@configurations
def test_a_text_without_known_tokens_gets_the_intercept(
    parameters, numbers_corpus, make_regressor
):
    reg = make_regressor(**parameters).fit(*numbers_corpus)
    if parameters.get("hidden_layer_sizes"):
        return
    intercept = reg.intercept_
    if parameters.get("loss") == "poisson":
        intercept = np.exp(intercept)
    assert_allclose(reg.predict([""]), intercept, rtol=1e-6)


def test_threads_may_share_a_fitted_estimator(numbers_corpus, make_regressor):
    reg = make_regressor().fit(*numbers_corpus)
    texts = numbers_corpus.texts
    with ThreadPoolExecutor(4) as executor:
        alone = list(executor.map(reg.predict, [[text] for text in texts]))
    assert_array_equal(np.concatenate(alone), reg.predict(texts))


@methods
def test_unfitted(method, numbers_corpus, make_regressor):
    with pytest.raises(NotFittedError, match="not fitted yet"):
        getattr(make_regressor(), method)(numbers_corpus.texts)


@pytest.mark.parametrize(
    "attribute", ["decision_function", "predict_proba", "classes_", "label_names_"]
)
def test_what_only_classifiers_have(attribute, numbers_corpus, make_regressor):
    reg = make_regressor().fit(*numbers_corpus)
    assert not hasattr(reg, attribute)


# -- beside other parts of scikit-learn ------------------------------------------------


def test_cross_validation_and_search(numbers_corpus, make_regressor):
    scores = cross_val_score(make_regressor(), *numbers_corpus, cv=3)
    assert scores.min() > 0.8
    search = GridSearchCV(make_regressor(), {"loss": ["squared_error", "huber"]}, cv=2)
    assert search.fit(*numbers_corpus).best_score_ > 0.8


def test_a_transformed_target(numbers_corpus, new_numbers_corpus, make_regressor):
    model = TransformedTargetRegressor(
        make_regressor(), func=np.log, inverse_func=np.exp
    )
    assert model.fit(*numbers_corpus).score(*new_numbers_corpus) > 0.9


def test_in_a_pipeline(numbers_corpus, new_numbers_corpus, make_regressor):
    lower = FunctionTransformer(lambda texts: [text.lower() for text in texts])
    model = make_pipeline(lower, make_regressor()).fit(*numbers_corpus)
    assert model.score(*new_numbers_corpus) > 0.9


def test_permutation_importance_finds_the_column_that_tells(
    numbers_corpus, make_regressor
):
    texts, y = numbers_corpus
    frame = pd.DataFrame({"telling": texts, "noise": ["as it is", "or not"] * 60})
    reg = make_regressor(n_jobs=1).fit(frame, y)
    importances = permutation_importance(reg, frame, y, n_repeats=2, random_state=0)
    telling, noise = importances.importances_mean
    assert telling > 0.5 > 0.1 > abs(noise)
