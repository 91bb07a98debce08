"""Neighbours and strongest features, against plain sorts of all."""

import pickle
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skbag import EmbeddingBagClassifier
from skbag._model.inspection import largest


@given(
    st.lists(st.sampled_from([-1.0, 0.0, 0.5, 2.0, -np.inf]), min_size=1, max_size=30),
    st.integers(1, 40),
)
def test_largest_is_a_full_sort(values, k):
    values = np.array(values)
    expected = np.argsort(-values, kind="stable")[:k]
    np.testing.assert_array_equal(largest(values, k), expected)


@pytest.mark.parametrize("embedding_dim", [None, 5])
def test_most_similar_is_the_cosine_of_rows(embedding_dim, corpus, make_classifier):
    clf = make_classifier(embedding_dim=embedding_dim).fit(*corpus)
    found = clf.most_similar("sail", k=20, parts=True)
    rows = clf.embedding_.astype(np.float64)
    own = rows[clf.vocabulary_["sail"]]
    expected = {}
    for name, id_ in clf.vocabulary_.items():
        length = np.linalg.norm(rows[id_]) * np.linalg.norm(own)
        if name != "sail" and length > 0:
            expected[name] = rows[id_] @ own / length
    best = sorted(expected.values(), reverse=True)[:20]
    np.testing.assert_allclose([cosine for _, cosine in found], best, atol=1e-9)
    for name, cosine in found:
        assert cosine == pytest.approx(expected[name])
        assert cosine <= 1


@pytest.mark.parametrize(
    "parameters",
    [
        {"short_text_features": True},
        {"subword_ngram_range": (3, 4), "short_text_features": True},
        {"short_text_features": True, "token_pattern": r"\w+"},
    ],
)
def test_parts_of_words_are_listed_on_request(parameters, corpus, make_classifier):
    clf = make_classifier(**parameters).fit(*corpus)
    words = set(re.findall(r"\w+|[^\w\s]", " ".join(corpus.texts).lower()))

    def is_listed(name):
        tokens = name.split(" ")
        return len(tokens) <= 2 and set(tokens) <= words

    n = len(clf.vocabulary_)
    for few, every in (
        (clf.most_similar("sail", n), clf.most_similar("sail", n, parts=True)),
        (clf.top_tokens("sea", n), clf.top_tokens("sea", n, parts=True)),
    ):
        assert few == [pair for pair in every if is_listed(pair[0])]
        assert 0 < len(few) < len(every)
        assert not all(is_listed(name) for name, _ in every)


def test_all_columns_of_a_matrix_are_listed(make_classifier):
    X = np.eye(3)[[0, 1, 2] * 4]
    clf = make_classifier().fit(X, [0, 1, 2] * 4)
    assert clf.top_tokens() == clf.top_tokens(parts=True)
    assert len(clf.top_tokens(1)) == 1


def test_words_of_one_topic_are_alike(corpus, make_classifier):
    clf = make_classifier(ngram_range=(1, 1), short_text_features=False).fit(*corpus)
    sea = "anchor captain coast fleet harbour island ship storm tide wave".split()
    assert {name for name, _ in clf.most_similar("sail", k=3)} <= {*sea, "a"}


def test_rows_of_zeros_are_like_nothing(make_classifier):
    X = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 1.0, 0.0]] * 3)
    clf = make_classifier().fit(X, [0, 1, 2] * 3)
    assert [column for column, _ in clf.most_similar(0)] == [1]
    with pytest.raises(ValueError, match=r"row of 2 is zero"):
        clf.most_similar(2)


def test_unknown_features_get_suggestions(corpus, make_classifier):
    clf = make_classifier().fit(*corpus)
    with pytest.raises(ValueError, match=r"'harbor' is none of .*mean 'harbour'"):
        clf.most_similar("harbor")
    with pytest.raises(ValueError, match=r"mean 'anchor'.*lower-cased"):
        clf.most_similar("Anchor")
    with pytest.raises(ValueError, match=r"7 is none of the \d+ features of this mod"):
        clf.most_similar(7)


def test_one_number_has_no_direction(binary_corpus, make_classifier):
    clf = make_classifier().fit(*binary_corpus)
    with pytest.raises(ValueError, match=r"more than two ways.*top_tokens"):
        clf.most_similar("good")
    clf = make_classifier(embedding_dim=3).fit(*binary_corpus)
    assert len(clf.most_similar("best", k=3)) == 3


@pytest.mark.parametrize("k", [0, -1, 1.5, True, "3"])
@pytest.mark.parametrize("method", ["most_similar", "top_tokens"])
def test_k_is_a_positive_number(k, method, corpus, make_classifier):
    clf = make_classifier().fit(*corpus)
    argument = "sail" if method == "most_similar" else "sea"
    with pytest.raises(ValueError, match=r"k must be a whole number from 1 on"):
        getattr(clf, method)(argument, k=k)


@pytest.mark.parametrize("embedding_dim", [None, 5])
def test_top_tokens_are_weight_times_coefficient(
    embedding_dim, corpus, make_classifier
):
    clf = make_classifier(embedding_dim=embedding_dim).fit(*corpus)
    values = clf.coef_ * clf._model.featurizer.id_weights
    found = clf.top_tokens(k=7, parts=True)
    assert list(found) == clf.classes_.tolist()
    for label, row in zip(found, values, strict=True):
        best = np.sort(row)[::-1][:7]
        np.testing.assert_allclose([v for _, v in found[label]], best, rtol=1e-5)
        for name, value in found[label]:
            assert row[clf.vocabulary_[name]] == pytest.approx(value, rel=1e-5)
        assert clf.top_tokens(label, k=7, parts=True) == found[label]


def test_two_classes_share_one_score(binary_corpus, make_classifier):
    clf = make_classifier(ngram_range=(1, 1)).fit(*binary_corpus)
    found = clf.top_tokens(k=5, parts=True)
    values = clf.coef_[0] * clf._model.featurizer.id_weights
    for label, sign in (("bad", -1), ("good", 1)):
        best = np.sort(sign * values)[::-1][:5]
        np.testing.assert_allclose([v for _, v in found[label]], best, rtol=1e-6)
        assert all(value > 0 for _, value in found[label])


def test_only_what_speaks_for_a_class(make_classifier):
    X = np.eye(3)[[0, 1, 2] * 4]
    clf = make_classifier().fit(X, [0, 1, 2] * 4)
    assert [column for column, _ in clf.top_tokens(1)] == [1]
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    clf.fit(frame, [0, 1, 2] * 4)
    assert [column for column, _ in clf.top_tokens(1)] == ["b"]


def test_top_tokens_refuses(corpus, make_classifier):
    clf = make_classifier().fit(*corpus)
    with pytest.raises(ValueError, match=r"no class 'see'. Did you mean 'sea'\?"):
        clf.top_tokens("see")
    clf = make_classifier(embedding_dim=4, hidden_layer_sizes=(3,)).fit(*corpus)
    with pytest.raises(ValueError, match=r"top_tokens would not be exact.*most_simil"):
        clf.top_tokens()
    assert clf.most_similar("sail")


def test_a_loaded_model_is_looked_into_without_torch(
    corpus, make_classifier, tmp_path, new_process
):
    clf = make_classifier(embedding_dim=4).fit(*corpus)
    path = tmp_path / "model.pickle"
    path.write_bytes(pickle.dumps(clf))
    code = (
        "import pickle, sys\n"
        "clf = pickle.load(open(sys.argv[1], 'rb'))\n"
        "print(clf.most_similar('sail'), clf.top_tokens(), clf.explain(['sail']))\n"
        "clf.explain(['sail'])._repr_html_()\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = new_process(code, path)
    assert done.returncode == 0, done.stderr
    assert "(intercept)" in done.stdout


def test_labels_have_columns_as_classes_have(corpus, make_classifier):
    labels = sorted(set(corpus.labels))
    Y = np.array([[label == other for other in labels] for label in corpus.labels])
    Y[:, 0] |= Y[:, 1]
    clf = make_classifier().fit(corpus.texts, Y.astype(int))
    found = clf.top_tokens(k=4, parts=True)
    assert list(found) == [0, 1, 2]
    for label, tokens in found.items():
        assert clf.top_tokens(label, k=4, parts=True) == tokens
        weights = clf._model.featurizer.id_weights
        values = clf.coef_[label] * weights
        best = np.sort(values.astype(np.float64))[::-1][:4]
        np.testing.assert_allclose([value for _, value in tokens], best, rtol=1e-6)
    assert len(clf.most_similar("sail", k=4)) == 4


def test_of_two_labels_each_has_a_column(corpus, make_classifier):
    Y = np.array([[label == "sea", label != "garden"] for label in corpus.labels])
    clf = make_classifier().fit(corpus.texts, Y.astype(int))
    one, other = clf.top_tokens(0, k=5), clf.top_tokens(1, k=5)
    assert clf.coef_.shape[0] == 2
    assert one != other


def test_buckets_have_no_names(corpus, make_classifier):
    clf = make_classifier(n_buckets=256).fit(*corpus)
    for method in (clf.top_tokens, lambda: clf.most_similar("sail")):
        with pytest.raises(ValueError, match=r"hashed into buckets have no names"):
            method()


def test_compressed_models_have_no_names(corpus, make_classifier):
    for clf in (
        make_classifier().fit(*corpus),
        make_classifier().fit(np.eye(3), [0, 1, 2]),
    ):
        small = clf.compress()
        for method in (small.top_tokens, lambda small=small: small.most_similar("a")):
            with pytest.raises(ValueError, match=r"cannot say what they know of feat"):
                method()


def test_unfitted():
    for method in ("explain", "most_similar", "top_tokens"):
        arguments = [] if method == "top_tokens" else [["a"]]
        with pytest.raises(Exception, match="not fitted yet"):
            getattr(EmbeddingBagClassifier(), method)(*arguments)
