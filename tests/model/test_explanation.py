"""Explanations sum to the scores they explain, and show themselves safely."""

import functools
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from skbag import EmbeddingBagClassifier
from skbag._model.explanation import INTERCEPT, MOST_TEXTS
from skbag._model.explanation_html import escape, word_values
from skbag._persistence.safetensors_file import file_size
from tests.conftest import examples, rotating

# Fits by the dozen.
pytestmark = pytest.mark.slow

CHARACTERS = "abcde ABC.!\n\tİßσé<>&\"'\ud800"
TEXTS = st.lists(st.text(CHARACTERS, max_size=60), min_size=1, max_size=4)
TRAINING = [
    "a bad cab. a dab!",
    "Dead bee; a bed abed <b>",
    "İce cab & bee 'ace' deed",
    "face ab ab ab cab éé ß",
] * 6
LABELS = {2: ["x", "y", "y", "x"] * 6, 3: ["x", "y", "z", "x"] * 6}

MODELS = {
    "default": {},
    "two layers": {"embedding_dim": 4},
    "subwords": {"subword_ngram_range": (2, 4)},
    "buckets": {"n_buckets": 64, "subword_ngram_range": (3, 3)},
    "buckets, two layers": {"n_buckets": 2**12, "embedding_dim": 4},
    "plain": {"ngram_range": (1, 3)},
    "tokenizer": {"tokenizer": str.split},
    "char": {"analyzer": "char", "ngram_range": (1, 3)},
    "sums": {"norm": None, "use_idf": False, "sublinear_tf": False},
    "means": {"norm": "l1", "supervised_weighting": False},
}


@functools.cache
def fitted(name, n_classes):
    clf = EmbeddingBagClassifier(random_state=0, **MODELS[name])
    return clf.fit(TRAINING, LABELS[n_classes])


@pytest.mark.filterwarnings("ignore:The parameter 'token_pattern' will not be used")
@rotating(name=list(MODELS), n_classes=[2, 3])
def test_it_sums_to_the_decision_function(name, n_classes):
    clf = fitted(name, n_classes)

    @examples(50)
    @given(texts=TEXTS)
    def check(texts):
        scores = clf.explain(texts).scores
        expected = clf.decision_function(texts)
        assert scores.shape == expected.shape
        np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-5)

    check()


@pytest.mark.parametrize(
    "parameters",
    [{}, {"embedding_dim": 4, "n_buckets": 256}, {"loss": "cross_entropy"}],
)
def test_of_labels_it_sums_for_each(parameters):
    rng = np.random.default_rng(0)
    Y = (rng.random((len(TRAINING), 3)) < 0.4).astype(int)
    clf = EmbeddingBagClassifier(random_state=0, **parameters).fit(TRAINING, Y)

    @examples(50)
    @given(texts=TEXTS)
    def check(texts):
        explanation = clf.explain(texts)
        expected = clf.decision_function(texts)
        assert explanation.scores.shape == expected.shape == (len(texts), 3)
        np.testing.assert_allclose(explanation.scores, expected, rtol=1e-5, atol=1e-5)

    check()
    frame = clf.explain(["a cab"]).to_frame()
    assert frame.columns.tolist() == ["text", "feature", "spans", 0, 1, 2]


@rotating(name=["default", "two layers", "plain", "buckets"], bits=[2, 8, 16])
def test_of_compressed_models_it_sums_too(name, bits):
    whole = fitted(name, 3)
    # Some rows have to go.
    clf = whole.compress(file_size(whole.compress(bits=bits)) - 100, bits=bits)
    assert clf._model.encoder.n_ids < whole._model.encoder.n_ids

    @examples(50)
    @given(texts=TEXTS)
    def check(texts):
        scores, expected = clf.explain(texts).scores, clf.decision_function(texts)
        np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-5)

    check()


def test_of_a_compressed_model_of_a_matrix():
    rng = np.random.default_rng(0)
    X = rng.random((40, 200)).astype(np.float32)
    whole = EmbeddingBagClassifier(random_state=0).fit(X, np.arange(40) % 3)
    small = whole.compress(file_size(whole.compress(bits=8)) - 100, bits=8)
    assert small._model.predictor.embedding.columns is not None
    for clf in (whole, small):
        explanation = clf.explain(X[:5])
        assert explanation.features[:3] == [0, 1, 2]
        np.testing.assert_allclose(
            explanation.scores, clf.decision_function(X[:5]), rtol=1e-5, atol=1e-5
        )


def test_of_buckets_the_features_are_those_of_the_text():
    clf = fitted("buckets", 3)
    features = clf.explain(["a bad cab"]).features
    assert {"bad", "cab", "bad cab", "<ba…", "…ad>"} <= set(features)


@functools.cache
def fitted_on_a_matrix():
    X = np.vstack([np.eye(3)] * 4)
    return EmbeddingBagClassifier(random_state=0).fit(X, [0, 1, 2] * 4)


@given(
    st.lists(
        st.lists(st.floats(-1e3, 1e3, width=32), min_size=3, max_size=3),
        min_size=1,
        max_size=4,
    )
)
def test_it_sums_for_a_matrix(rows):
    clf = fitted_on_a_matrix()
    explanation = clf.explain(sp.csr_array(np.array(rows)))
    scores = clf.decision_function(np.array(rows))
    np.testing.assert_allclose(
        explanation.scores, scores, rtol=1e-5, atol=1e-5 * max(1, np.abs(rows).max())
    )


def test_columns_of_a_matrix_have_numbers_or_names():
    X = np.array([[1.0, 0.0], [0.0, 2.0]] * 4)
    clf = EmbeddingBagClassifier(random_state=0).fit(X, [0, 1] * 4)
    explanation = clf.explain(X[:2])
    assert explanation.features == [0, 1]
    assert explanation.spans == [None, None]
    assert explanation.texts is None
    assert "row 1" in str(explanation)
    assert "row 1" in explanation._repr_html_()
    frame = pd.DataFrame(X, columns=["length", "width"])
    clf.fit(frame, [0, 1] * 4)
    assert clf.explain(frame[:2]).features == ["length", "width"]


def test_each_occurrence_is_a_row_in_the_order_of_the_text():
    clf = fitted("default", 3)
    explanation = clf.explain(["Cab, a cab"])
    cabs = [i for i, name in enumerate(explanation.features) if name == "cab"]
    assert [explanation.spans[i] for i in cabs] == [((0, 3),), ((7, 10),)]
    one, other = explanation.contributions[cabs]
    np.testing.assert_array_equal(one, other)
    starts = [spans[0] for spans in explanation.spans]
    assert starts == sorted(starts)


def test_contributions_are_weight_times_coefficient():
    clf = fitted("sums", 3)
    explanation = clf.explain(["cab"])
    id_ = clf.vocabulary_["cab"]
    weight = clf._model.featurizer.id_weights[id_]
    place = explanation.features.index("cab")
    np.testing.assert_allclose(
        explanation.contributions[place], weight * clf.coef_[:, id_], rtol=1e-6
    )


def test_texts_by_number():
    clf = fitted("default", 3)
    texts = ["a cab", "", "bee", "xyz"]
    explanation = clf.explain(texts)
    assert len(explanation) == 4
    assert [each.texts for each in explanation] == [[text] for text in texts]
    np.testing.assert_array_equal(explanation[-2].scores, explanation.scores[2:3])
    np.testing.assert_array_equal(explanation[1:3].scores, explanation.scores[1:3])
    assert len(explanation[3:1]) == 0
    assert explanation[1].scores.tolist() == [explanation.intercept.tolist()]
    assert repr(explanation).startswith("<Explanation of 4 texts, ")
    with pytest.raises(IndexError, match=r"no text 4 in an Explanation of 4"):
        explanation[4]
    with pytest.raises(ValueError, match=r"slices of step 1, got 2"):
        explanation[::2]


@pytest.mark.parametrize("n_classes", [2, 3])
def test_to_frame(n_classes):
    clf = fitted("default", n_classes)
    texts = ["a cab", "", "bee bee"]
    frame = clf.explain(texts).to_frame()
    labels = ["y"] if n_classes == 2 else ["x", "y", "z"]
    assert frame.columns.tolist() == ["text", "feature", "spans", *labels]
    assert (frame["feature"] == INTERCEPT).sum() == 3
    sums = frame.groupby("text")[labels].sum().to_numpy()
    expected = clf.decision_function(texts).reshape(3, -1)
    np.testing.assert_allclose(sums, expected, atol=1e-5)
    assert frame[frame["text"] == 1]["feature"].tolist() == [INTERCEPT]
    row = frame[(frame["text"] == 0) & (frame["feature"] == "cab")].iloc[0]
    assert row["spans"] == ((2, 5),)


def test_in_a_terminal_it_names_the_class_and_what_speaks_for_it():
    clf = fitted("default", 3)
    text = "a bad cab.\x1b[2J"
    shown = str(clf.explain([text]))
    assert r"\x1b" in shown
    assert "\x1b" not in shown
    label = clf.predict([text])[0]
    assert f"  {label}: score +" in shown
    assert "(intercept)" in shown
    assert "+" in shown


def test_of_two_classes_the_first_has_its_own_sign():
    clf = fitted("default", 2)
    text = TRAINING[0]
    score = clf.decision_function([text])[0]
    assert score < 0
    (shown,) = re.findall(r"x: score (\S+)", str(clf.explain([text])))
    assert float(shown) == pytest.approx(-score, abs=1e-3)


def test_many_texts_are_not_all_shown():
    explanation = fitted("default", 3).explain(["cab"] * (MOST_TEXTS + 2))
    assert str(explanation).endswith("... and 2 more")
    assert "... and 2 more" in explanation._repr_html_()


class Reader(HTMLParser):
    """Reads what a browser would: the tags, their attributes, the text."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.data = set(), set(), []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.data.append(data)

    def handle_comment(self, data):
        raise AssertionError("a comment")


@examples(40)
@given(
    st.lists(st.text(CHARACTERS + "/=-script", max_size=50), min_size=1, max_size=3)
    | st.just(['<script>alert("1")</script><!-- " onload=x -->', "</div><img src=x>"])
)
def test_no_text_gets_markup_into_a_page(texts):
    labels = ["<script>1</script>", '"><b>', "&amp;"]
    clf = EmbeddingBagClassifier(random_state=0)
    clf.fit([*TRAINING, *texts], (labels * 10)[: len(TRAINING) + len(texts)])
    html = clf.explain(texts)._repr_html_()
    html.encode("utf-8")
    reader = Reader(html)
    assert reader.tags <= {"div", "span", "b"}
    assert reader.attributes <= {"style", "title"}
    shown = "".join(reader.data)
    for text in texts:
        assert text.encode("utf-8", "replace").decode() in shown


def test_tints_go_by_light_and_dark():
    html = fitted("default", 3).explain(["a bad cab."])._repr_html_()
    assert "background-color: rgba(" in html
    assert "; color:" not in html


def test_words_share_what_features_add_by_characters():
    spans = [((0, 2), (3, 6)), ((3, 5),), None, ()]
    words = word_values("ab cde!", spans, np.array([1.0, 0.5, 7.0, 9.0]))
    assert [span for span, _ in words] == [(0, 2), (3, 6), (6, 7)]
    np.testing.assert_allclose([v for _, v in words], [0.4, 1.1, 0.0])


def test_escape():
    assert escape("<a b='c'>&\ud800") == "&lt;a b=&#x27;c&#x27;&gt;&amp;?"


def test_hidden_layers_have_no_exact_explanation(corpus, make_classifier):
    clf = make_classifier(embedding_dim=4, hidden_layer_sizes=(3,))
    clf.fit(*corpus)
    with pytest.raises(ValueError, match=r"explain would not be exact.*Leave out wor"):
        clf.explain(["sail"])


def test_an_adaptive_softmax_has_no_exact_explanation(make_classifier):
    labels = np.arange(500).repeat(2)
    texts = [f"a{label} b{label}" for label in labels]
    clf = make_classifier(embedding_dim=8, loss="adaptive_softmax", max_iter=1)
    clf.fit(texts, labels)
    for method in (lambda: clf.explain(["a1"]), clf.top_tokens):
        with pytest.raises(ValueError, match=r"not be exact: with loss='adaptive_s"):
            method()
    assert len(clf.most_similar("a1", k=3)) == 3


def test_one_text_may_be_a_str(corpus, make_classifier):
    clf = make_classifier().fit(*corpus)
    one, listed = clf.explain("sail the fern"), clf.explain(["sail the fern"])
    assert one.texts == listed.texts
    assert one.features == listed.features
    np.testing.assert_array_equal(one.contributions, listed.contributions)
    on_matrix = make_classifier().fit(np.eye(2), [0, 1])
    with pytest.raises(ValueError, match="holds texts, but this"):
        on_matrix.explain("sail")


def test_it_reads_what_predict_reads(corpus, make_classifier):
    clf = make_classifier().fit(*corpus)
    with pytest.raises(ValueError, match="X holds numbers"):
        clf.explain(np.eye(3))
    series = pd.Series(corpus.texts[:2])
    np.testing.assert_allclose(
        clf.explain(series).scores, clf.decision_function(series), atol=1e-5
    )
