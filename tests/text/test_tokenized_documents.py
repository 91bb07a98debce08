"""Documents that are no texts, for functions of the user's, as in TfidfVectorizer."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

import skbag

TOKENS = [["late", "parcel"], ["parcel", "lost"], ["refund", "please"], ["money"]] * 5
LABELS = ["delivery", "delivery", "payment", "payment"] * 5
TEXTS = [" ".join(tokens) for tokens in TOKENS]


def as_they_are(document):
    return document


def words_of(document):
    return document.words


class Doc:
    def __init__(self, words):
        self.words = words


FORMS = {
    "lists": list,
    "tuple of tuples": lambda X: tuple(map(tuple, X)),
    "series": pd.Series,
    "objects": lambda X: pd.Series(X).to_numpy(),
    "arrays": lambda X: [np.array(tokens) for tokens in X],
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "parameters",
    [
        {"analyzer": as_they_are},
        {"preprocessor": as_they_are, "tokenizer": as_they_are, "token_pattern": None},
    ],
    ids=["analyzer", "tokenizer"],
)
def test_tokens_are_the_features(form, parameters, make_classifier):
    plain = make_classifier(
        tokenizer=str.split, token_pattern=None, short_text_features=False
    )
    if "analyzer" in parameters:
        plain.set_params(ngram_range=(1, 1))
    plain.fit(TEXTS, LABELS)
    X = FORMS[form](TOKENS)
    clf = make_classifier(**parameters, short_text_features=False)
    if "analyzer" in parameters:
        clf.set_params(ngram_range=(1, 1))
    clf.fit(X, LABELS)
    assert set(clf.vocabulary_) == set(plain.vocabulary_)
    expected = plain.predict_proba(TEXTS)
    assert_array_equal(clf.predict_proba(X), expected)
    assert_array_equal(clf.predict_proba(FORMS[form](TOKENS[:1])), expected[:1])
    assert clf.score(X, LABELS) == 1
    assert clf.explain(FORMS[form](TOKENS[:2])).features
    clf.partial_fit(X, LABELS)
    assert clf.score(X, LABELS) == 1


def test_documents_of_another_kind(make_classifier, tmp_path):
    X = list(map(Doc, TOKENS))
    clf = make_classifier(analyzer=words_of).fit(X, LABELS)
    assert clf.score(X, LABELS) == 1
    with pytest.warns(UserWarning, match="Functions cannot be stored in a file"):
        skbag.save(clf, tmp_path / "model")
    again = skbag.load(tmp_path / "model", analyzer=words_of)
    assert_array_equal(again.predict_proba(X), clf.predict_proba(X))


def test_documents_of_two_kinds_are_refused(make_classifier):
    with pytest.raises(TypeError, match="item at position 1 is 'parcel lost', of type"):
        make_classifier(analyzer=as_they_are).fit([["late"], "parcel lost"], [0, 1])


def test_texts_and_numbers_stay_what_they_are(make_classifier):
    clf = make_classifier(analyzer=str.split).fit(TEXTS, LABELS)
    assert clf.score(TEXTS, LABELS) == 1
    rows = [[1.0, 0.0], [0.0, 1.0]] * 5
    assert (
        make_classifier(analyzer=as_they_are).fit(rows, [0, 1] * 5).n_features_in_ == 2
    )
    with pytest.raises(ValueError, match="1 of 2 texts are missing"):
        make_classifier(analyzer=str.split).fit(["late", None], [0, 1])
