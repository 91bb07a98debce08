"""Whatever comes in: it works, or it is refused in words; never anything else.

Hypothesis makes up texts of any Unicode, labels, weights, matrices and parameters.
Each case has one of two ends. Either the estimator answers with finite probabilities
that sum to 1, the same for a sample alone and in company, and has left its input as it
was. Or a ValueError or TypeError is raised by skbag or scikit-learn. A warning that is
not the estimator's own is an error here.
"""

from __future__ import annotations

import copy
import os
import traceback
import warnings
from itertools import product

import hypothesis.strategies as st
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import HealthCheck, example, given, settings
from numpy.testing import assert_array_equal
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.fixes import parse_version, sp_version

from skbag import EmbeddingBagClassifier
from skbag._text import vocabulary_encoder
from tests.conftest import rotating

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:A column-vector y was passed"),
    pytest.mark.filterwarnings("ignore:The validation samples of early_stopping"),
]
of_any_size = settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)

NASTY = [
    *("", "\x00", "\n", "\r", "\x1c", "\x85", "\u2028", "\ufeff", "\u200b", "\u200d"),
    *("\u202e", "\u0301", "\ud800", "\udfff", "\udc80", "\uffff", "\U0010ffff"),
    *("\u0378", "\u0130", "\u1e9e", "\u0149", "\ufb00", "\u03a3", "\u0390", "\u01c5"),
    *("\u05d0\u05d1", "\u0627\u0644", "\u0e19\u0e49\u0e33", "\u1100\u1161\u11a8"),
    *("\U0001d518", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f3f3\ufe0f"),
    *("_", "a b", "don't", "a" * 7, "\u00e9" * 9, "x" * 70, "0", "\u0662", "\u00bd"),
]

characters = st.characters()  # all of Unicode: surrogates and unassigned ones, too
texts = st.one_of(
    st.text(characters, max_size=40),
    st.lists(st.sampled_from(NASTY), max_size=12).map(" ".join),
    st.lists(st.sampled_from(NASTY), max_size=12).map("".join),
)
corpora = st.lists(texts, min_size=2, max_size=24)

parameters = st.fixed_dictionaries(
    {},
    optional={
        "lowercase": st.booleans(),
        "strip_accents": st.sampled_from([None, "ascii", "unicode"]),
        "analyzer": st.sampled_from(["word", "char", "char_wb"]),
        "token_pattern": st.sampled_from(
            ["default", r"(?u)\w+|[^\w\s]", r"\b\w\w+\b", ".", ""]
        ),
        "stop_words": st.sampled_from([None, "english", ["a", "\x00"]]),
        "ngram_range": st.sampled_from(
            [(1, 1), (1, 2), (2, 2), (1, 3), (3, 3), (2, 10**9), (np.int8(1), 2)]
        ),
        "min_df": st.sampled_from(["auto", 1, 2, 0.0, 0.5, 1.0, np.float16(0.5)]),
        "max_df": st.sampled_from([1.0, 0.5, 1, 3]),
        "max_features": st.sampled_from([None, 1, 7, np.uint8(200), 10**30]),
        "vocabulary": st.sampled_from([None, ["a", "b"], {"a": 1, "\x00": 0}]),
        "short_text_features": st.sampled_from(["auto", True, False]),
        "use_idf": st.booleans(),
        "sublinear_tf": st.booleans(),
        "norm": st.sampled_from(["l1", "l2", None]),
        "supervised_weighting": st.sampled_from(["auto", True, False]),
        "embedding_dim": st.sampled_from([None, 1, 3, np.int8(5)]),
        "hidden_layer_sizes": st.sampled_from([(), (1,), [4, 2], np.array([3])]),
        "loss": st.sampled_from(["squared_hinge", "cross_entropy"]),
        "dropout": st.sampled_from([0.0, 0.3, 0.999999, float(np.nextafter(1, 0))]),
        "alpha": st.sampled_from(["auto", 0.0, 1e-3, 1e3, 1e300, np.float16(0.1)]),
        "learning_rate_init": st.sampled_from(
            ["auto", 5e-324, 1e-3, 0.5, 50.0, 1e10, 1e300, np.float32(0.1)]
        ),
        "max_iter": st.sampled_from(["auto", 1, 3, np.uint8(3)]),
        "batch_size": st.sampled_from(["auto", 1, 3, np.uint8(16), 10**30]),
        "shuffle": st.booleans(),
        "class_weight": st.sampled_from([None, "balanced"]),
        "early_stopping": st.booleans(),
        "validation_fraction": st.sampled_from([1e-300, 0.1, 0.5, 0.999999]),
        "n_iter_no_change": st.sampled_from([1, 5, 10**30]),
        "tol": st.sampled_from([0.0, 1e-4, 1e300]),
        "n_jobs": st.sampled_from([None, 1, 2, -1, -(10**9), np.int8(1), True]),
    },
)


def refused(call):
    """Run a call; whether it was refused, by one of those whose words count."""
    try:
        call()
    except (ValueError, TypeError) as error:
        frames = traceback.extract_tb(error.__traceback__)
        rooms = [frame.filename.replace(os.sep, "/") for frame in frames]
        assert str(error)
        assert "/skbag/" in rooms[-1] or "/sklearn/" in rooms[-1], rooms[-3:]
        return True
    return False


def check_answers(clf, X):
    """All answers are sound, and those for a sample do not depend on its company."""
    probabilities = clf.predict_proba(X)
    assert np.isfinite(probabilities).all()
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    assert np.abs(probabilities.sum(axis=1) - 1).max() < 1e-9
    assert np.isfinite(clf.predict_log_proba(X)).all()
    assert np.isfinite(clf.transform(X)).all()
    scores, predicted = clf.decision_function(X), clf.predict(X)
    assert np.isfinite(scores).all()
    assert set(predicted.tolist()) <= set(clf.classes_.tolist())
    n = len(probabilities)
    for i in {0, n // 2, n - 1}:
        one = X[i : i + 1]
        assert_array_equal(clf.predict_proba(one)[0], probabilities[i])
        assert_array_equal(clf.decision_function(one)[0], scores[i])
        assert clf.predict(one)[0] == predicted[i]


def fit_and_check(clf, X, y, *, partial=False, sample_weight=None):
    """Fit, and if that is not refused check the answers; whether it was fitted."""
    arguments = {"sample_weight": sample_weight}
    method = clf.fit
    if partial:
        method, arguments["classes"] = clf.partial_fit, np.unique(y)
    if refused(lambda: method(X, y, **arguments)):
        return False
    check_answers(clf, X)
    return True


# -- texts -----------------------------------------------------------------------------


@of_any_size
@given(corpora, st.booleans(), st.sampled_from([2, 3]))
@example(["\ud800", "\u0130" * 5], False, 2)
def test_any_texts(corpus, partial, n_classes):
    before = list(corpus)
    clf = EmbeddingBagClassifier(random_state=0)
    y = np.arange(len(corpus)) % n_classes
    if fit_and_check(clf, corpus, y, partial=partial):
        assert len(clf.vocabulary_) == len(clf.embedding_)
        clf.partial_fit(corpus[::-1], y)
        check_answers(clf, corpus)
    assert corpus == before


@of_any_size
@given(st.lists(texts, min_size=1, max_size=8))
def test_any_texts_are_answered(corpus):
    check_answers(FITTED, corpus)
    check_answers(FITTED_WITH_LAYERS, corpus)


WORDS = "oven soup salt anchor sail wave".split()
FITTED = EmbeddingBagClassifier(random_state=0, n_jobs=1).fit(
    WORDS * 4, ["kitchen", "kitchen", "kitchen", "sea", "sea", "sea"] * 4
)
FITTED_WITH_LAYERS = EmbeddingBagClassifier(
    random_state=0, n_jobs=1, embedding_dim=4, hidden_layer_sizes=(3,)
).fit(WORDS * 4, [0, 1, 2, 0, 1, 2] * 4)


@pytest.mark.parametrize("unit", NASTY[1:], ids=ascii)
def test_long_texts(unit, n_cases, monkeypatch):
    n = n_cases(4 * 10**4, 10**6)
    # Texts are longer than a block of them.
    monkeypatch.setattr(vocabulary_encoder, "CHARACTERS_PER_THREAD", 2**14)
    long = [(unit * (n // len(unit) + 1))[:n], (f"{unit} " * n)[:n], unit * 600]
    clf = EmbeddingBagClassifier(random_state=0, n_jobs=2).fit(
        [*long, "a", "b", unit], [0, 1, 0, 1, 0, 1]
    )
    check_answers(clf, [*long, "a"])
    check_answers(FITTED, ["a", *long])


@of_any_size
@given(corpora, parameters, st.booleans(), st.sampled_from([2, 3]))
def test_any_parameters(corpus, chosen, partial, n_classes):
    corpus = [*corpus, *WORDS]
    clf = EmbeddingBagClassifier(random_state=0, **chosen)
    before = copy.deepcopy(chosen)
    fit_and_check(clf, corpus, np.arange(len(corpus)) % n_classes, partial=partial)
    assert repr(chosen) == repr(before)


# -- labels ----------------------------------------------------------------------------


any_labels = st.one_of(
    *(
        st.lists(values, min_size=6, max_size=6)
        for values in (
            st.booleans(),
            st.integers(-3, 3),
            st.integers(),
            st.floats(),
            st.sampled_from([-1.0, 0.0, 1e15, 2.0**70]),
            st.text(characters, max_size=3),
            st.binary(max_size=2),
            st.dates(),
            st.complex_numbers(),
            st.tuples(st.integers()),
            st.one_of(st.integers(0, 1), st.sampled_from(["a", None, float("nan")])),
        )
    )
)
DTYPES = [
    *("?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "g"),
    *(">i4", ">f8", "F", "U2", ">U2", "S2", "O", "M8[D]", "m8[s]", "V3"),
]


@pytest.mark.filterwarnings("ignore:Support for labels represented as bytes")
@of_any_size
@given(any_labels, st.sampled_from([None, *DTYPES]), st.booleans())
def test_any_labels(labels, dtype, partial):
    y = labels
    if dtype is not None:
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                y = np.array(labels, dtype=dtype)
        except (ValueError, TypeError, OverflowError):
            return  # NumPy has no such array.
    before = copy.deepcopy(y)
    clf = EmbeddingBagClassifier(random_state=0, n_jobs=1)
    method, arguments = clf.fit, {}
    if partial:
        method, arguments = clf.partial_fit, {"classes": y}
    if not refused(lambda: method(WORDS, y, **arguments)):
        check_answers(clf, WORDS)
        assert set(clf.predict(WORDS).tolist()) <= set(np.ravel(y).tolist())
    assert repr(y) == repr(before)


HARD_LABELS = {
    "masked": (np.ma.array([0, 1, 1], mask=[0, 0, 1]), "missing label: .* position 2"),
    "NaT": (np.array(["2020-01-01", "NaT", "2021-01-01"], "M8[D]"), "position 1"),
    "records": (np.zeros(3, [("a", int)]), "which cannot be sorted"),
    "beyond 64 bits": (np.array([0.0, 1e300, 0.0]), r"the label 1e\+300"),
}


@pytest.mark.parametrize("partial", [False, True])
@pytest.mark.parametrize("name", HARD_LABELS)
def test_labels_that_scikit_learn_stumbles_over(name, partial):
    y, words = HARD_LABELS[name]
    clf = EmbeddingBagClassifier()
    with pytest.raises(ValueError, match=words):
        if partial:
            clf.partial_fit(["a", "b", "c"], y, classes=y)
        else:
            clf.fit(["a", "b", "c"], y)


def test_announced_classes_that_cannot_be_sorted_are_refused_in_words():
    with pytest.raises(ValueError, match="Unknown label type"):
        EmbeddingBagClassifier().partial_fit(
            ["a", "b"], [1, 1], classes=np.array([1, "b"], dtype=object)
        )
    with pytest.raises(ValueError, match="missing label: the one at position 0"):
        EmbeddingBagClassifier().partial_fit(["a", "b"], [1, 1], classes=[None, 1])


@pytest.mark.skipif(
    not hasattr(getattr(np, "dtypes", None), "StringDType"), reason="numpy before 2"
)
def test_labels_of_any_length_of_numpy():
    y = np.array(["kitchen", "sea"] * 3, dtype=np.dtypes.StringDType())
    clf = EmbeddingBagClassifier(random_state=0).fit(WORDS, y)
    assert clf.classes_.tolist() == ["kitchen", "sea"]


# -- weights ---------------------------------------------------------------------------


weights = st.one_of(
    st.sampled_from([0.0, 5e-324, 1e-310, 1e-30, 1.0, 1e30, 1e300, 1.7e308]),
    st.floats(),
)


@of_any_size
@given(
    st.lists(weights, min_size=12, max_size=12),
    st.sampled_from([None, "balanced", {0: 1e300, 1: 1e-300}, {0: 0, 1: 1}, {0: -1}]),
    st.sampled_from(
        [
            {},
            {"embedding_dim": 2},
            {"early_stopping": True, "validation_fraction": 0.5},
            {"learning_rate_init": 0.1},
            {"loss": "cross_entropy", "dropout": 0.2},
        ]
    ),
    st.booleans(),
)
@example([1e300] + [1e-320] * 11, None, {"early_stopping": True}, False)
def test_any_weights(weight, class_weight, chosen, partial):
    weight = np.array(weight)
    before = weight.copy()
    clf = EmbeddingBagClassifier(
        random_state=0, n_jobs=1, class_weight=class_weight, **chosen
    )
    y = [0, 0, 0, 1, 1, 1] * 2
    fit_and_check(clf, WORDS * 2, y, partial=partial, sample_weight=weight)
    assert_array_equal(weight, before)


@pytest.mark.parametrize("chosen", [{}, {"early_stopping": True}])
def test_weights_that_are_nothing_beside_another(chosen):
    """Scaled to 1 on average they vanish, and a mean of them divided by 0."""
    clf = EmbeddingBagClassifier(random_state=0, **chosen)
    clf.fit(WORDS * 6, [0, 0, 0, 1, 1, 1] * 6, sample_weight=[1e300] + [1e-320] * 35)
    assert clf.predict(["oven"]) == [0]


INFINITE = np.array([np.inf, -np.inf, 1.0])


def test_infinities_that_cancel_are_refused_without_a_warning():
    with pytest.raises(ValueError, match="sample_weight contains infinity"):
        EmbeddingBagClassifier().fit(["a", "b", "c"], [0, 1, 1], sample_weight=INFINITE)
    with pytest.raises(ValueError, match="y contains infinity"):
        EmbeddingBagClassifier().fit(["a", "b", "c"], INFINITE)
    with pytest.raises(ValueError, match="X contains infinity"):
        EmbeddingBagClassifier().fit(INFINITE[:, np.newaxis], [0, 1, 1])
    with pytest.raises(ValueError, match="X contains infinity"):
        FITTED_ON_NUMBERS.predict(sp.csr_array(INFINITE[:, np.newaxis]))


FITTED_ON_NUMBERS = EmbeddingBagClassifier(random_state=0, n_jobs=1).fit(
    np.array([[1.0], [0.0]]), [0, 1]
)


def test_tokens_of_samples_that_weigh_nothing_do_not_outweigh_all():
    """Their factor was what they say over what all others say, next to nothing."""
    weight = np.array([0, 0, 0, 0, 0, 0, 1e-100, 1, 0, 0, 0, 1])
    clf = EmbeddingBagClassifier(random_state=0)
    clf.fit(WORDS * 2, [0, 0, 0, 1, 1, 1] * 2, weight)
    check_answers(clf, WORDS)


def test_class_weight_times_sample_weight_beyond_all_bounds():
    clf = EmbeddingBagClassifier(class_weight={0: 1e300, 1: 1.0})
    with pytest.raises(ValueError, match="times class_weight are too large"):
        clf.fit(WORDS, [0, 1] * 3, sample_weight=[1e300] * 6)


def test_weights_of_partial_fit_are_bounded():
    with pytest.raises(ValueError, match=r"is 1e\+31, but partial_fit"):
        EmbeddingBagClassifier().partial_fit(
            WORDS, [0, 1] * 3, classes=[0, 1], sample_weight=[1e31] * 6
        )


# -- matrices --------------------------------------------------------------------------


@st.composite
def matrices(draw):
    """Matrices of any format, dtype, index dtype and order, and the labels of rows."""
    n_rows, n_columns = draw(st.integers(0, 12)), draw(st.integers(0, 6))
    n_entries = draw(st.integers(0, 40)) if n_rows and n_columns else 0
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    # Unsorted, with duplicates and explicit zeros.
    rows = np.sort(rng.integers(0, max(n_rows, 1), n_entries))
    columns = rng.integers(0, max(n_columns, 1), n_entries)
    scale = draw(st.sampled_from([0, 1, -1, 1e-45, 1e-20, 1e14, 1e20, 1e38, np.inf]))
    values = rng.choice([0.0, 1.0, 2.0, 0.5], n_entries)
    values[values > 0] *= scale
    indptr = np.searchsorted(rows, np.arange(n_rows + 1))
    X = sp.csr_array((values, columns, indptr), shape=(n_rows, n_columns))
    dtype = draw(
        st.sampled_from(
            [*"?bBhHiIlLefdgFDO", ">f4", ">f8", ">i4", ">i8"]
            if np.abs(scale) <= 1
            else ["d", "f", ">f8", "O"]
        )
    )
    index_dtype = draw(
        st.sampled_from(["i4", "i8", ">i4", ">i8", "i2", "u4", "u8", "f8", "O"])
    )
    with np.errstate(all="ignore"):
        X.data = X.data.astype(dtype)
    kind = draw(
        st.sampled_from(
            ["csr", "csr", "csr", "csc", "coo", "dok", "lil", "dia", "bsr", "dense"]
        )
    )
    if kind == "csr":
        X.indices, X.indptr = X.indices.astype(index_dtype), X.indptr.astype("i8")
        if draw(st.booleans()):
            X.indptr = X.indptr.astype(index_dtype)
        if draw(st.booleans()):
            for array in (X.data, X.indices, X.indptr):
                array.flags.writeable = False
    else:
        try:
            with np.errstate(all="ignore"):
                X = X.toarray() if kind == "dense" else X.asformat(kind)
        except (ValueError, TypeError, OverflowError):
            X = sp.csr_array((n_rows, n_columns))  # scipy has no such matrix.
    return X, np.arange(n_rows) % 2


def plain_form(X):
    """Return the same matrix with the dtypes that scipy itself would choose."""
    if not sp.issparse(X):
        return sp.csr_array(X.astype("f8"))
    if X.format != "csr":
        return sp.csr_array(X).astype("f8")
    arrays = (X.data.astype("f8"), X.indices.astype("i8"), X.indptr.astype("i8"))
    return sp.csr_array(arrays, shape=X.shape)


def arrays_of(X):
    if not sp.issparse(X):
        return [X.copy()]
    names = [name for name in ("data", "indices", "indptr") if hasattr(X, name)]
    return [np.array(getattr(X, name)) for name in names if X.format in ("csr", "csc")]


@pytest.mark.skipif(
    sp_version < parse_version("1.11"),
    reason="scipy before 1.11 fails by itself on matrices of some dtypes",
)
@of_any_size
@given(
    matrices(),
    st.sampled_from(
        [
            {},
            {"embedding_dim": 2, "loss": "cross_entropy"},
            {"supervised_weighting": True},
            {"learning_rate_init": 10.0, "dropout": 0.5},
            {"early_stopping": True},
        ]
    ),
    st.booleans(),
)
def test_any_matrix(matrix, chosen, partial):
    X, y = matrix
    before = arrays_of(X)
    clf = EmbeddingBagClassifier(random_state=0, n_jobs=1, **chosen)
    method, arguments = clf.fit, {}
    if partial:
        method, arguments = clf.partial_fit, {"classes": [0, 1]}
    if not refused(lambda: method(X, y, **arguments)):
        plain = plain_form(X)
        check_answers(clf, plain)
        # Repeated entries may be added up in another order.
        np.testing.assert_allclose(
            clf.predict_proba(X), clf.predict_proba(plain), rtol=0, atol=1e-5
        )
    for array, earlier in zip(arrays_of(X), before, strict=True):
        assert_array_equal(array, earlier)


SCALES = [1e-45, 1e-30, 1e-15, 1.0, 1e8, 1e14]


@rotating(scales=list(product(SCALES, SCALES)), chosen=[{}, {"embedding_dim": 2}])
def test_scales_that_differ(scales, chosen):
    scale, other = scales
    X = np.array([[1.0, 0], [0, 1]] * 12)
    clf = EmbeddingBagClassifier(random_state=0, n_jobs=1, **chosen)
    clf.fit(X * scale, [0, 1] * 12)
    check_answers(clf, X * other)


def test_repeated_values_that_are_too_large_together():
    X = sp.csr_array(([9e14, 9e14, 1.0], [0, 0, 0], [0, 2, 3]), shape=(2, 1))
    with pytest.raises(ValueError, match=r"too large for float32, .*: 1\.8e\+15"):
        EmbeddingBagClassifier().fit(X, [0, 1])


@pytest.mark.parametrize("method", ["fit", "predict"])
@pytest.mark.parametrize("name", ["indices", "indptr"])
@pytest.mark.parametrize("dtype", ["u4", "f8", "O"])
def test_numbers_of_columns_that_are_no_numbers(dtype, name, method):
    X = sp.csr_array(np.eye(3))
    clf = EmbeddingBagClassifier().fit(X, [0, 1, 0])
    setattr(X, name, getattr(X, name).astype(dtype))
    with pytest.raises(ValueError, match=f"{name} must hold signed integers, got"):
        clf.predict(X) if method == "predict" else clf.fit(X, [0, 1, 0])


def malformed(form):
    """A matrix of another format whose arrays point beyond its end."""
    X = sp.csr_array(np.eye(4)).asformat(form)
    if form == "coo":
        X.row = np.array([0, 1, 2, 400_000_000])
    elif form == "lil":
        X.rows[1] = [400_000_000]
    else:
        X.indices[-1] = 400_000_000
    return X


@pytest.mark.parametrize("method", ["fit", "predict"])
@pytest.mark.parametrize("form", ["csc", "coo", "bsr", "lil"])
def test_malformed_matrices_of_other_formats(form, method):
    """Scipy would write beyond the end of its arrays, and the process might end."""
    clf = EmbeddingBagClassifier().fit(np.eye(4), [0, 1, 0, 1])
    with pytest.raises(ValueError, match="malformed"):
        if method == "fit":
            clf.fit(malformed(form), [0, 1, 0, 1])
        else:
            clf.predict(malformed(form))


def test_sparse_array_of_one_axis():
    X = sp.coo_array(np.ones((1, 4))).reshape((1, 4))
    X = next(iter([X.reshape((4,))])) if hasattr(X, "coords") else X
    if X.ndim == 2:
        pytest.skip("this scipy has sparse arrays of two axes only")
    with pytest.raises(ValueError, match="Expected 2D input, got a sparse array of 1"):
        EmbeddingBagClassifier().fit(X, [0, 1, 0, 1])


# -- parameters ------------------------------------------------------------------------


def test_ngrams_longer_than_any_text():
    clf = EmbeddingBagClassifier(random_state=0, ngram_range=(1, 10**12))
    clf.fit(["a b c", "d e f"], [0, 1])
    assert "a b c" in clf.vocabulary_


@pytest.mark.parametrize("pattern", ["a{99999999999}", "(" * 5000 + ")" * 5000])
def test_patterns_that_re_does_not_take(pattern):
    with pytest.raises(ValueError, match="is not a regular expression"):
        EmbeddingBagClassifier(token_pattern=pattern).fit(["a", "b"], [0, 1])


@pytest.mark.parametrize("rate", [1e37, 1e99])
@pytest.mark.parametrize("chosen", [{}, {"embedding_dim": 2}])
def test_steps_that_no_table_can_hold(chosen, rate):
    clf = EmbeddingBagClassifier(random_state=0, learning_rate_init=rate, **chosen)
    with pytest.warns(ConvergenceWarning, match="Training diverged"):
        clf.fit(WORDS, [0, 1] * 3)
    check_answers(clf, WORDS)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_steps_that_move_nothing(n_classes):
    clf = EmbeddingBagClassifier(random_state=0, learning_rate_init=5e-324)
    check_answers(clf.fit(WORDS, np.arange(6) % n_classes), WORDS)


def test_steps_beyond_all_bounds_are_refused():
    clf = EmbeddingBagClassifier(learning_rate_init=1e300)
    with pytest.raises(ValueError, match=r"must be below 1e\+100, got 1e\+300"):
        clf.fit(WORDS, [0, 1] * 3)


@pytest.mark.parametrize(
    "chosen",
    [{"max_iter": np.uint8(200)}, {"batch_size": np.uint8(16)}, {"n_jobs": True}],
    ids=str,
)
def test_small_integers_of_numpy_do_not_overflow(chosen):
    plain = {name: int(value) for name, value in chosen.items()}
    texts, y = WORDS * 60, [0, 0, 0, 1, 1, 1] * 60
    clf = EmbeddingBagClassifier(random_state=0, **chosen).fit(texts, y)
    same = EmbeddingBagClassifier(random_state=0, **plain).fit(texts, y)
    assert_array_equal(clf.embedding_, same.embedding_)
