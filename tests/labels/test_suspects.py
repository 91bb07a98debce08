"""Labels that look wrong: by hand, by the words that say so, in any container."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
import sklearn
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    cross_val_predict,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import LinearSVC

from skbag.labels import suspect_labels
from skbag.labels._suspects import _flagged
from tests.conftest import examples

WRONG = (4, 33, 50)


@pytest.fixture(scope="module")
def noisy(corpus):
    """Texts whose labels are right, but for some."""
    labels = np.array(corpus.labels)
    for i in WRONG:
        labels[i] = "sea" if labels[i] != "sea" else "garden"
    return corpus.texts, labels


@pytest.fixture(scope="module")
def suspects(make_classifier, noisy):
    return suspect_labels(make_classifier(), *noisy)


# -- confident learning ----------------------------------------------------------------


def flagged_by_hand(probabilities, known, codes):
    """Off the diagonal of the confident joint, sample by sample."""
    n_classes = probabilities.shape[1]
    thresholds = []
    for k in range(n_classes):
        own = [
            p[k]
            for p, c, ok in zip(probabilities, codes, known, strict=True)
            if c == k and ok
        ]
        thresholds.append(np.mean(own) if own else np.inf)
    flags = []
    for p, code, ok in zip(probabilities, codes, known, strict=True):
        confident = [k for k in range(n_classes) if p[k] >= thresholds[k]]
        best = max(confident, key=lambda k: (p[k], k == code), default=code)
        flags.append(ok and best != code)
    return flags


rows = st.tuples(
    st.lists(st.sampled_from([0, 1, 2, 4, 8]), min_size=3, max_size=3),
    st.integers(0, 2),
    st.sampled_from([True, True, True, False]),
)


@examples(200)
@given(st.lists(rows, min_size=1, max_size=9))
def test_flags_are_those_of_the_confident_joint(samples):
    # Halves and their like: means are exact, however they are summed.
    probabilities = np.array([p for p, _, _ in samples]) / 8
    codes = np.array([code for _, code, _ in samples])
    known = np.array([ok for _, _, ok in samples])
    probabilities[~known, codes[~known]] = 0.0
    found = _flagged(probabilities, ~known, codes)
    assert_array_equal(found, flagged_by_hand(probabilities, known, codes))


def test_wrong_labels_are_found(suspects, noisy, corpus):
    texts, labels = noisy
    assert set(suspects.indices[: len(WRONG)]) == set(WRONG)
    assert_array_equal(suspects.labels, labels[suspects.indices])
    assert suspects.samples == [texts[i] for i in suspects.indices]
    first = suspects.indices[: len(WRONG)]
    right = np.array(corpus.labels)[first]
    assert_array_equal(suspects.suggested[: len(WRONG)], right)
    assert len(suspects) == suspects.n_flagged < 10
    assert suspects.n_samples == len(texts)
    assert repr(suspects) == (
        f"<SuspectLabels: {len(suspects)} of {len(texts)} samples, "
        f"{len(suspects)} flagged>"
    )


def test_confidence_is_out_of_fold_and_orders(make_classifier, noisy):
    texts, labels = noisy
    n = len(labels)
    found = suspect_labels(make_classifier(), texts, labels, n=n, n_words=0)
    expected = cross_val_predict(
        make_classifier(), texts, labels, cv=5, method="predict_proba"
    )
    classes = np.unique(labels)
    rows = found.indices
    assert sorted(rows) == list(range(n))
    own = expected[rows, np.searchsorted(classes, found.labels)]
    other = expected[rows, np.searchsorted(classes, found.suggested)]
    assert_allclose(found.confidence, own)
    assert_allclose(found.suggested_confidence, other)
    gap = np.log(own / (1 - own)) - np.log(other / (1 - other))
    assert (np.diff(gap) >= -1e-9).all()
    assert found.words is None


def test_probabilities_of_several_rounds_are_averaged(make_classifier, noisy):
    texts, labels = noisy
    cv = RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=0)
    found = suspect_labels(make_classifier(), texts, labels, cv=cv, n=1)
    i = found.indices[0]
    own = []
    for train, test in cv.split(texts, labels):
        if i in test:
            clf = make_classifier().fit([texts[j] for j in train], labels[train])
            column = list(clf.classes_).index(found.labels[0])
            own.append(clf.predict_proba([texts[i]])[0, column])
    assert len(own) == 2
    assert_allclose(found.confidence, [np.mean(own)])


def test_a_class_of_one_fold_is_not_judged(make_classifier, corpus):
    texts = ["a rare word", *corpus.texts[:30]]
    labels = ["once", *corpus.labels[:30]]
    found = suspect_labels(make_classifier(), texts, labels, cv=KFold(3), n=31)
    assert found.indices[-1] == 0
    assert np.isnan(found.confidence[-1])
    assert np.isfinite(found.confidence[:-1]).all()
    flagged = suspect_labels(make_classifier(), texts, labels, cv=KFold(3))
    assert 0 not in flagged.indices


# -- words -----------------------------------------------------------------------------


def test_words_speak_for_the_class_suggested(suspects, make_classifier, noisy):
    texts, labels = noisy
    splits = list(suspect_splits(labels))
    for i, label, suggested, words in zip(
        suspects.indices,
        suspects.labels,
        suspects.suggested,
        suspects.words,
        strict=True,
    ):
        (train,) = [train for train, test in splits if i in test]
        clf = make_classifier().fit([texts[j] for j in train], labels[train])
        one = clf.explain([texts[i]])
        columns = [list(clf.classes_).index(each) for each in (suggested, label)]
        values = one.contributions[:, columns[0]] - one.contributions[:, columns[1]]
        sums = pd.Series(values).groupby(list(one.features)).sum()
        best = sums[sums > 0].sort_values(ascending=False)[:3]
        assert [value for _, value in words] == pytest.approx(best.tolist())
        assert {word for word, _ in words} <= set(one.features)


def suspect_splits(labels):
    from sklearn.model_selection import StratifiedKFold

    return StratifiedKFold(5).split(np.zeros(len(labels)), labels)


def test_words_of_two_classes(make_classifier, binary_corpus):
    labels = np.array(binary_corpus.labels)
    for i in (6, 9):
        labels[i] = {"good": "bad", "bad": "good"}[labels[i]]
    found = suspect_labels(make_classifier(), binary_corpus.texts, labels, n=2)
    assert set(found.indices) == {6, 9}
    for text, suggested, words in zip(
        found.samples, found.suggested, found.words, strict=True
    ):
        clf = make_classifier().fit(*binary_corpus)
        assert clf.predict([text]) == suggested
        assert words
        assert all(value > 0 for _, value in words)


@pytest.mark.parametrize(
    "clf",
    [
        make_pipeline(TfidfVectorizer(), LogisticRegression()),
        {"embedding_dim": 4, "hidden_layer_sizes": (4,), "max_iter": 3},
    ],
    ids=["another", "hidden layers"],
)
def test_without_words_where_nothing_explains(clf, make_classifier, noisy):
    clf = make_classifier(**clf) if isinstance(clf, dict) else clf
    found = suspect_labels(clf, *noisy, n=3)
    assert found.words is None
    assert "words" not in found.to_frame()
    if hasattr(clf, "steps"):
        assert set(found.indices) == set(WRONG)


# -- what comes in, and out ------------------------------------------------------------


CONTAINERS = {
    "tuple": tuple,
    "array": np.array,
    "objects": lambda items: np.array(items, dtype=object),
    "pandas": lambda items: pd.Series(items, index=range(7, 7 + len(items))),
    "polars": pl.Series,
    "arrow": pa.array,
    "arrow chunked": lambda items: pa.chunked_array([items[:7], items[7:]]),
}
FRAMES = {
    "pandas frame": lambda items: pd.DataFrame({"text": items}),
    "polars frame": lambda items: pl.DataFrame({"text": items}),
    "arrow table": lambda items: pa.table({"text": items}),
}


@pytest.mark.parametrize("name", [*CONTAINERS, *FRAMES])
def test_every_container(name, noisy, suspects, make_classifier):
    texts, labels = noisy
    wrap = (CONTAINERS | FRAMES)[name]
    y = labels if name in FRAMES else wrap(labels.tolist())
    found = suspect_labels(make_classifier(), wrap(texts), y)
    assert_array_equal(found.indices, suspects.indices)
    assert_array_equal(found.confidence, suspects.confidence)
    assert found.words == suspects.words
    assert_array_equal(found.suggested, suspects.suggested)
    assert len(found.to_frame()) == len(suspects)


def test_a_pipeline_gets_the_series_that_it_was_given(noisy, make_classifier):
    texts, labels = noisy
    lower = FunctionTransformer(lambda series: series.str.lower())
    pipeline = make_pipeline(lower, make_classifier())
    found = suspect_labels(pipeline, pd.Series(texts), labels, n=3)
    assert set(found.indices) == set(WRONG)
    assert found.to_frame()["text"].tolist() == [texts[i] for i in found.indices]


def test_a_data_frame_of_columns(noisy, make_classifier):
    texts, labels = noisy
    X = pd.DataFrame(
        {"title": texts, "size": pd.Categorical(["L", "M"] * 100)[: len(texts)]}
    )
    found = suspect_labels(make_classifier(), X, labels, n=3)
    assert set(found.indices) == set(WRONG)
    assert list(found.samples.index) == list(found.indices)
    assert "text" not in found.to_frame()


@pytest.mark.parametrize("make", [sp.csr_matrix, sp.coo_array, lambda X: X.toarray()])
def test_a_matrix(make, noisy, make_classifier):
    texts, labels = noisy
    X = make(TfidfVectorizer().fit_transform(texts))
    found = suspect_labels(make_classifier(), X, labels, n=3)
    assert set(found.indices) == set(WRONG)
    assert found.samples.shape == (3, X.shape[1])
    assert all(isinstance(word, int) for words in found.words for word, _ in words)


def test_to_frame(suspects):
    frame = suspects.to_frame()
    assert list(frame.columns) == [
        "label",
        "suggested",
        "confidence",
        "suggested_confidence",
        "words",
        "text",
    ]
    assert_array_equal(frame.index, suspects.indices)
    word, value = suspects.words[0][0]
    assert frame["words"].iloc[0].startswith(f"{word} {value:+.2f}, ")
    nothing = suspect_labels(DummyClassifier(), ["a", "b"] * 5, [0, 1] * 5)
    assert len(nothing) == len(nothing.to_frame()) == 0


def test_lone_surrogates_go_into_a_frame(make_classifier):
    texts = ["a \ud800", "b"] * 10
    found = suspect_labels(make_classifier(), texts, [0, 1] * 10, n=2)
    assert len(found.to_frame()) == 2


def test_weights_and_groups(noisy, make_classifier):
    texts, labels = noisy
    weight = np.ones(len(labels))
    weight[[*WRONG]] = 0
    params = {"sample_weight": weight}
    found = suspect_labels(make_classifier(), texts, labels, n=3, params=params)
    plain = suspect_labels(make_classifier(), texts, labels, n=3)
    assert set(found.indices) == set(WRONG)
    assert not np.allclose(found.confidence, plain.confidence)
    groups = np.arange(len(labels)) // 3
    cv = GroupKFold(4)
    split = list(cv.split(texts, labels, groups))
    by_splits = suspect_labels(make_classifier(), texts, labels, cv=split, n=3)
    with sklearn.config_context(enable_metadata_routing=True):
        clf = make_classifier().set_fit_request(sample_weight=True)
        routed = suspect_labels(clf, texts, labels, n=3, params=params)
        by_groups = suspect_labels(
            make_classifier(), texts, labels, cv=cv, n=3, params={"groups": groups}
        )
    assert_array_equal(routed.confidence, found.confidence)
    assert_array_equal(by_groups.confidence, by_splits.confidence)


def test_the_classifier_is_left_alone(noisy, make_classifier):
    clf = make_classifier()
    suspect_labels(clf, *noisy, n=1)
    assert not hasattr(clf, "classes_")


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"clf": LinearSVC()}, TypeError, "predict_proba, which this LinearSVC.*Calib"),
        ({"y": [[0, 1]] * 4}, ValueError, "takes one class for each sample, but y is"),
        ({"y": ["x"] * 4}, ValueError, "at least 2 classes, got 1 class"),
        ({"n": -1}, ValueError, "n must be a whole number from 0 on, got -1"),
        ({"n": 1.5}, ValueError, "n must be a whole number from 0 on, got 1.5"),
        ({"n_words": True}, ValueError, "n_words must be a whole number from 0 on"),
        ({"cv": ShuffleSplit(2, test_size=1, random_state=0)}, ValueError, "cv leaves"),
        ({"X": []}, ValueError, "X holds 0 samples"),
        ({"X": "a text"}, ValueError, "single"),
        ({"X": ["a"] * 3}, ValueError, "inconsistent numbers of samples"),
    ],
)
def test_what_it_refuses(change, error, words, make_classifier):
    arguments = {
        "clf": make_classifier(),
        "X": ["a", "b", "a b", "c"],
        "y": [0, 1, 0, 1],
        "cv": 2,
        **change,
    }
    with pytest.raises(error, match=words):
        suspect_labels(**arguments)
