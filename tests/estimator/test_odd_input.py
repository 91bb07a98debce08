"""Odd input that has an answer: no tokens, no entries, any character, any length."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal
from sklearn.exceptions import ConvergenceWarning

NO_KNOWN_TOKEN = ["", " ", "\n", "\r\n\t\u3000", "\u200b", "xylophone", "🦘"]


@pytest.fixture
def fitted(corpus, make_classifier):
    return make_classifier().fit(*corpus)


# -- texts -----------------------------------------------------------------------------


@pytest.mark.parametrize("text", NO_KNOWN_TOKEN, ids=ascii)
@pytest.mark.parametrize("parameters", [{}, {"embedding_dim": 8}, {"norm": None}])
def test_no_known_token_is_answered_by_the_intercept(
    parameters, text, corpus, make_classifier
):
    clf = make_classifier(**parameters).fit(*corpus)
    assert_array_equal(clf.decision_function([text]), clf.intercept_[np.newaxis])
    assert_array_equal(clf.transform([text]), np.zeros((1, clf.embedding_.shape[1])))
    assert clf.predict([text]) == clf.classes_[clf.intercept_.argmax()]
    assert np.isfinite(clf.predict_log_proba([text])).all()


def test_the_intercept_knows_the_larger_class(make_classifier):
    texts = ["oven"] * 10 + ["sail"] * 10 + [""] * 80
    with pytest.warns(UserWarning, match="80% of the training texts have no token in"):
        clf = make_classifier().fit(texts, ["a"] * 10 + ["b"] * 90)
    assert clf.predict(["", "xylophone"]).tolist() == ["b", "b"]


def test_empty_texts_among_others_are_learnt_from(corpus, make_classifier):
    texts, labels = [*corpus.texts, "", " "], [*corpus.labels, "sea", "garden"]
    clf = make_classifier().fit(texts, labels)
    assert np.isfinite(clf.embedding_).all()
    assert clf.score(*corpus) == 1


STREAMS = [{}, {"n_buckets": 4096}, {"embedding_dim": 4}, {"analyzer": "char"}]


@pytest.mark.parametrize("parameters", STREAMS)
def test_a_stream_may_begin_with_empty_texts(parameters, corpus, make_classifier):
    clf = make_classifier(**parameters)
    clf.partial_fit(["", " "], ["sea", "sea"], classes=["garden", "kitchen", "sea"])
    assert clf.predict(["", "oven"]).tolist() == ["sea", "sea"]
    clf = pickle.loads(pickle.dumps(clf)).partial_fit(*corpus)
    assert clf.score(*corpus) > 0.9
    with pytest.raises(ValueError, match="No tokens were found"):
        make_classifier(**parameters).fit(["", ""], ["sea", "garden"])


def test_newlines_are_spaces(fitted):
    assert_array_equal(
        fitted.decision_function(["oven\nsoup\r\nfrom\tthe"]),
        fitted.decision_function(["oven soup from the"]),
    )


def test_a_long_text_beside_a_short_one(corpus, fitted):
    long = " ".join(corpus.texts * 500)
    assert np.isfinite(fitted.predict_proba([long, "oven"])).all()
    assert_array_equal(
        fitted.decision_function([long, "oven"])[1:], fitted.decision_function(["oven"])
    )


def test_odd_characters(make_classifier):
    texts = ["nul \x00 within", "lone \ud800 surrogate", "e\u0301 joined", "🏳️‍🌈"] * 10
    clf = make_classifier().fit(texts, [0, 1, 2, 3] * 10)
    assert clf.score(texts, [0, 1, 2, 3] * 10) == 1


SCRIPTS = {
    "Cyrillic": ("печь суп лук мука соль", "море парус якорь волна шторм"),
    "Greek": ("φούρνος σούπα αλάτι αλεύρι", "θάλασσα πανί άγκυρα κύμα"),
    "Arabic": ("فرن حساء ملح دقيق بصل", "بحر شراع مرساة موجة عاصفة"),
    "Hindi": ("रसोई नमक आटा प्याज तेल", "समुद्र लहर नाव तूफान मछली"),
    "Arabic with vowels": ("فُرْنٌ حَسَاءٌ مِلْحٌ دَقِيقٌ", "بَحْرٌ شِرَاعٌ مَرْسَاةٌ مَوْجَةٌ"),
    "Hebrew with points": ("מִטְבָּח מָרָק מֶלַח קֶמַח", "יָם מִפְרָשׂ עֹגֶן גַּל"),
    "Persian": ("می\u200cپزم نمک\u200cها آش", "می\u200cرانم موج\u200cها باد"),
    "decomposed": ("the\u0301 sale\u0301 pa\u0302te", "me\u0300re i\u0302le a\u0302me"),
    "emoji": ("🍞 🍲 🧅 🧂 🍳", "⛵ ⚓ 🌊 🐟 🦀"),
    "Chinese": ("廚 房 湯 鹽 麵", "海 浪 船 錨 魚"),
}


@pytest.mark.parametrize("words", SCRIPTS.values(), ids=SCRIPTS)
def test_any_script_is_read(words, make_classifier):
    """A pattern of ASCII letters would leave nothing of these texts."""
    rng = np.random.default_rng(0)
    vocabularies = [each.split() for each in words]
    labels = [0, 1] * 40
    texts = [
        " ".join(rng.choice(vocabularies[label], 3, replace=False)) for label in labels
    ]
    clf = make_classifier().fit(texts, labels)
    assert clf.score(texts, labels) == 1
    assert {*vocabularies[0], *vocabularies[1]} <= clf.vocabulary_.keys()


def test_script_without_spaces_by_characters(make_classifier):
    texts = ["他在廚房煮湯", "她在廚房做麵", "船在海上", "海浪很大的船"] * 10
    labels = [0, 0, 1, 1] * 10
    clf = make_classifier(analyzer="char", ngram_range=(1, 2)).fit(texts, labels)
    assert clf.predict(["廚房的湯", "大海的船"]).tolist() == [0, 1]


def test_few_samples(make_classifier):
    clf = make_classifier().fit(["yes", "no"], [1, 0])
    assert clf.predict(["yes", "no"]).tolist() == [1, 0]


# -- numbers ---------------------------------------------------------------------------


def test_rows_without_entries(make_classifier):
    X = sp.csr_array(np.repeat([[1.0, 0], [0, 1], [0, 0]], 20, axis=0))
    clf = make_classifier().fit(X, np.repeat([0, 1, 1], 20))
    assert np.isfinite(clf.predict_proba(X)).all()
    assert clf.predict(sp.csr_array((1, 2))) == [1]


def test_matrix_of_zeros(make_classifier):
    X, y = np.zeros((30, 4)), [0] * 10 + [1] * 20
    clf = make_classifier().fit(X, y)
    assert (clf.predict(X) == 1).all()


def test_first_rows_are_all_empty(make_classifier):
    """The rules look at the first rows, which say nothing here."""
    X = np.zeros((2400, 2))
    y = np.arange(2400) % 2
    X[2000:, 0], X[2000:, 1] = y[2000:], 1 - y[2000:]
    clf = make_classifier(shuffle=False).fit(X, y)
    assert clf.score(X[2000:], y[2000:]) == 1


@pytest.mark.parametrize("embedding_dim", [None, 4])
def test_divergence_warns_and_keeps_a_finite_state(embedding_dim, make_classifier):
    X = 100 * np.random.default_rng(0).normal(size=(90, 5))
    clf = make_classifier(learning_rate_init=1e6, embedding_dim=embedding_dim)
    with pytest.warns(ConvergenceWarning, match="Lower learning_rate_init"):
        clf.fit(X, [0, 1, 2] * 30)
    assert np.isfinite(clf.embedding_).all()
    assert np.isfinite(clf.predict_proba(X)).all()
    assert clf.n_iter_ == 1
    with pytest.warns(ConvergenceWarning, match="Lower learning_rate_init"):
        clf.partial_fit(X, [0, 1, 2] * 30)
    assert np.isfinite(clf.predict_proba(X)).all()


def test_divergence_later_keeps_the_epochs_before(make_classifier):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(90, 5)), [0, 1, 2] * 30
    clf = make_classifier(learning_rate_init=3.0, max_iter=50, alpha=0)
    with pytest.warns(ConvergenceWarning, match="Lower learning_rate_init"):
        clf.fit(X, y)
    assert np.isfinite(clf.loss_curve_).all()
    assert np.isfinite(clf.decision_function(X)).all()


def test_a_refused_matrix_is_left_as_it_was(make_classifier):
    # Unsorted columns, which scipy likes to sort in place.
    X = sp.csr_array(
        (np.array([1.0, 1e300, 2.0, 3.0]), np.array([2, 0, 1, 0]), np.array([0, 2, 4])),
        shape=(2, 3),
    )
    data, indices = X.data.copy(), X.indices.copy()
    with pytest.raises(ValueError, match=r"too large for float32, .*1e\+300\. Scale X"):
        make_classifier().fit(X, [0, 1])
    assert_array_equal(X.data, data)
    assert_array_equal(X.indices, indices)
