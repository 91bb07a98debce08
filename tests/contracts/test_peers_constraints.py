"""What the peers' parameters, fit arguments and warnings are here: kept, or why not.

A parameter that a later scikit-learn adds fails here until it is decided.
"""

from __future__ import annotations

import inspect
import warnings
from types import MappingProxyType

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import GridSearchCV

from skbag import EmbeddingBagClassifier
from skbag.tuning import TimedSearchCV

TEXTS = ["The late parcel", "a parcel lost", "Refund, please", "money and refund"] * 5
LABELS = ["delivery", "delivery", "payment", "payment"] * 5


def as_it_is(document):
    return document


KEPT = {
    "strip_accents": ["unicode", "ascii", as_it_is, None],
    "lowercase": [True, False],
    "preprocessor": [as_it_is, None],
    "tokenizer": [str.split, None],
    "stop_words": ["english", ["the"], None],
    "token_pattern": [r"\w+"],
    "ngram_range": [(1, 1), (1, 3), (2, 2)],
    "analyzer": ["word", "char", "char_wb", str.split],
    "max_df": [1.0, 0.9, 20],
    "min_df": [1, 0.0, 2],
    "max_features": [5, None],
    "vocabulary": [
        ["parcel", "refund"],
        ("parcel", "refund"),
        {"parcel": 0, "refund": 1},
        {"parcel", "refund"},
        frozenset({"parcel", "refund"}),
        MappingProxyType({"parcel": 0, "refund": 1}),
        np.array(["parcel", "refund"]),
        None,
    ],
    "norm": ["l1", "l2", None],
    "use_idf": [True, False],
    "sublinear_tf": [True, False],
    "max_iter": [1, 3],
    "tol": [1e-3, 0.0],
    "shuffle": [True, False],
    "verbose": [0],
    "random_state": [0, np.random.RandomState(0), None],
    "warm_start": [True, False],
    "loss": ["squared_hinge"],
    "early_stopping": [True, False],
    "validation_fraction": [0.3],
    "n_iter_no_change": [2],
    "n_jobs": [1, 2, None],
    "class_weight": ["balanced", {"delivery": 2.0, "payment": 1.0}, None],
    "alpha": [1e-4, 0.0],
}
"""Values of the peers that are tried here; the meaning is theirs."""

OTHERWISE = {
    "input": "texts are passed, not files: skbag.datasets and pathlib read those",
    "encoding": "bytes are refused in words: decode them",
    "decode_error": "as encoding",
    "binary": "an analyzer that gives each token once",
    "dtype": "bags are float32",
    "smooth_idf": "idf is always smoothed: a token without a document has no other",
    "fit_intercept": "there is always an intercept, which is not penalised",
    "average": "steps fall to zero instead",
    "eta0": "learning_rate_init",
    "learning_rate": "one schedule, linear to zero",
    "power_t": "as learning_rate",
    "penalty": "L2, by alpha",
    "l1_ratio": "as penalty",
    "epsilon": "of losses for numbers",
}
"""Parameters of the peers that are not here, and what is there instead."""

NOT_ALL = {
    ("loss", "SGDClassifier"): "squared_hinge and cross_entropy (its log_loss) only",
    ("tol", None): "tol=0 runs all epochs but where the loss no longer falls at all",
    ("token_pattern", None): "beside a tokenizer, as CountVectorizer needs it too",
}
"""Values that the peers take and this does not, or not always."""


@pytest.mark.parametrize("peer", [CountVectorizer, TfidfVectorizer, SGDClassifier])
def test_each_parameter_of_the_peers_is_decided(peer):
    names = set(peer().get_params())
    assert names <= set(KEPT) | set(OTHERWISE), names - set(KEPT) - set(OTHERWISE)
    own = set(EmbeddingBagClassifier().get_params())
    assert set(KEPT) <= own
    assert not own & set(OTHERWISE)


@pytest.mark.filterwarnings("ignore:The training loss ended")
@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name in KEPT for value in KEPT[name]]
)
def test_kept_values_are_taken(name, value):
    clf = EmbeddingBagClassifier(random_state=0).set_params(**{name: value})
    assert clf.fit(TEXTS, LABELS).predict(TEXTS[:1]).shape == (1,)


@pytest.mark.parametrize("peer", [CountVectorizer, TfidfVectorizer])
def test_choices_of_the_peers_are_all_tried(peer):
    for name, constraints in peer._parameter_constraints.items():
        if name not in KEPT:
            continue
        tried = [value for value in KEPT[name] if isinstance(value, (str, type(None)))]
        for constraint in constraints:
            if constraint is None and (name, None) not in NOT_ALL:
                assert None in tried, name
            # A set of strings, in a class of scikit-learn's.
            options = getattr(constraint, "options", ())
            assert set(options) <= set(tried), (name, options)


def test_values_that_are_not_taken_are_refused():
    with pytest.raises(ValueError, match="tol"):
        EmbeddingBagClassifier(tol=None).fit(TEXTS, LABELS)
    with pytest.raises(ValueError, match="token_pattern=None needs a tokenizer"):
        EmbeddingBagClassifier(token_pattern=None).fit(TEXTS, LABELS)
    with pytest.raises(ValueError, match="loss"):
        EmbeddingBagClassifier(loss="hinge").fit(TEXTS, LABELS)


# -- warnings --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"vocabulary": ["Parcel"], "lowercase": True}, "Upper case characters found"),
        ({"stop_words": ["don't"], "token_pattern": r"\w+"}, "Your stop_words may be"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*(have no token|training loss ended)")
def test_warnings_of_count_vectorizer(parameters, message):
    """The same message where a parameter can have no effect."""
    with pytest.warns(UserWarning, match=message):
        CountVectorizer(**parameters).fit(TEXTS)
    with pytest.warns(UserWarning, match=message):
        EmbeddingBagClassifier(random_state=0, **parameters).fit(TEXTS, LABELS)


UNUSED = "The parameter '.*' will not be used"
"""CountVectorizer warns so of parameters beside an analyzer that ignores them. Here it
does not: they have defaults that nobody chose."""


def test_no_warning_of_defaults_that_are_not_used():
    with pytest.warns(UserWarning, match=UNUSED):
        CountVectorizer(tokenizer=str.split).fit(TEXTS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        EmbeddingBagClassifier(tokenizer=str.split).fit(TEXTS, LABELS)


# -- arguments of fit ------------------------------------------------------------------

FIT = {
    "X": "kept",
    "raw_documents": "X",
    "y": "kept",
    "sample_weight": "kept",
    "coef_init": "warm_start goes on from a fit, embedding_init from vectors",
    "intercept_init": "as coef_init",
    "params": "kept by the search",
}


@pytest.mark.parametrize(
    "peer", [CountVectorizer, TfidfVectorizer, SGDClassifier, GridSearchCV]
)
def test_each_argument_of_fit_is_decided(peer):
    assert set(inspect.signature(peer.fit).parameters) - {"self"} <= set(FIT)
    own = set(inspect.signature(EmbeddingBagClassifier.fit).parameters)
    own |= set(inspect.signature(TimedSearchCV.fit).parameters)
    assert {name for name in FIT if FIT[name].startswith("kept")} <= own


SEARCH = {
    "estimator": "kept",
    "scoring": "kept: one score",
    "cv": "kept",
    "verbose": "kept",
    "n_jobs": "candidates follow each other and share their tokens; fits have threads",
    "pre_dispatch": "as n_jobs",
    "refit": "always",
    "error_score": "a candidate that fails loses",
    "return_train_score": "costs time that is better spent on candidates",
    "param_grid": "param_distributions",
}


def test_each_parameter_of_a_search_is_decided():
    names = set(inspect.signature(GridSearchCV).parameters)
    assert names <= set(SEARCH)
    own = set(TimedSearchCV().get_params())
    assert {name for name in SEARCH if SEARCH[name].startswith("kept")} <= own
