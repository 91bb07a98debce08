"""Which settings are ``nn.EmbeddingBag`` of which mode, and which are TF-IDF."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from torch import nn

from skbag._text.token_rules import DEFAULT_TOKENS

# Fits by the dozen.
pytestmark = pytest.mark.slow

COUNTS = {"use_idf": False, "sublinear_tf": False, "supervised_weighting": False}
MEAN = {**COUNTS, "norm": "l1"}
SUM = {**COUNTS, "norm": None}

embedding_dims = pytest.mark.parametrize("embedding_dim", [None, 8])
corpora = pytest.mark.parametrize("corpus_name", ["corpus", "binary_corpus"])


@pytest.fixture
def texts(corpus, new_corpus, binary_corpus):
    """Short and long, with repeated, unknown and no tokens."""
    return [
        *new_corpus.texts,
        "oven",
        "oven oven oven sail",
        "great great great great awful",
        "xylophone oven xylophone",
        " ".join(corpus.texts * 5),
        " ".join(binary_corpus.texts * 5),
        "",
    ]


def assert_rows_close(actual, expected):
    """Close for the size of each text's numbers: long texts have large sums."""
    expected = expected.reshape(len(expected), -1)
    size = np.maximum(np.abs(expected).max(axis=1, keepdims=True), 1)
    actual = actual.reshape(len(actual), -1)
    assert_allclose(actual / size, expected / size, atol=1e-5)


def token_ids(clf, texts):
    """One id per occurrence, as one feeds an EmbeddingBag: ids and bag starts."""
    analyze = CountVectorizer(
        token_pattern=DEFAULT_TOKENS.pattern, ngram_range=clf.ngram_range
    ).build_analyzer()
    ids, offsets = [], []
    for text in texts:
        offsets.append(len(ids))
        tokens = analyze(text)
        ids += [clf.vocabulary_[token] for token in tokens if token in clf.vocabulary_]
    return torch.tensor(ids), torch.tensor(offsets)


def torch_module(clf, mode):
    """The module that the fitted attributes describe, in float64 as a yardstick."""
    bag = nn.EmbeddingBag.from_pretrained(torch.tensor(clf.embedding_), mode=mode)
    n_outputs = len(clf.intercept_)
    linear = nn.Linear(bag.embedding_dim, n_outputs)
    # Without embedding_dim the table holds the scores and the Linear is the identity.
    weight = clf._model.predictor.layers[-1][0]
    weight = np.eye(n_outputs) if weight is None else weight
    linear.weight.data = torch.tensor(weight, dtype=torch.float32)
    linear.bias.data = torch.tensor(clf.intercept_)
    return bag.double(), linear.double()


@corpora
@embedding_dims
@pytest.mark.parametrize(
    ("mode", "parameters"), [("mean", MEAN), ("sum", SUM)], ids=["mean", "sum"]
)
def test_is_embedding_bag_and_linear(
    mode, parameters, embedding_dim, corpus_name, texts, make_classifier, request
):
    clf = make_classifier(embedding_dim=embedding_dim, **parameters)
    clf.fit(*request.getfixturevalue(corpus_name))
    bag, linear = torch_module(clf, mode)
    with torch.no_grad():
        vectors = bag(*token_ids(clf, texts))
        scores = linear(vectors).numpy()
    assert_rows_close(clf.transform(texts), vectors.numpy())
    assert_rows_close(clf.decision_function(texts), scores)


def test_hidden_layers_are_relu_between_linears(corpus, texts, make_classifier):
    clf = make_classifier(embedding_dim=8, hidden_layer_sizes=(6, 5), **MEAN)
    clf.fit(*corpus)
    bag = nn.EmbeddingBag.from_pretrained(torch.tensor(clf.embedding_), mode="mean")
    layers = []
    for coef, intercept in clf._model.predictor.layers:
        linear = nn.Linear(*coef.shape[::-1])
        linear.weight.data = torch.tensor(coef)
        linear.bias.data = torch.tensor(intercept)
        layers += [nn.ReLU(), linear]
    with torch.no_grad():
        scores = nn.Sequential(*layers[1:])(bag(*token_ids(clf, texts)))
    assert_allclose(clf.decision_function(texts), scores.numpy(), atol=1e-5)


def test_the_mean_does_not_grow_with_the_text(corpus, make_classifier):
    mean, total = make_classifier(**MEAN), make_classifier(**SUM)
    once, often = ["oven"], ["oven " * 50]
    options = {"vocabulary": ["oven", "sail", "fern"]}
    mean.set_params(**options).fit(*corpus)
    total.set_params(**options).fit(*corpus)
    assert_allclose(mean.transform(often), mean.transform(once), rtol=1e-6)
    assert_allclose(total.transform(often), 50 * total.transform(once), rtol=1e-6)


@embedding_dims
@corpora
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"norm": "l1"},
        {"norm": None},
        {"use_idf": False},
        {"sublinear_tf": False},
        {"ngram_range": (1, 1), "min_df": 2},
    ],
    ids=str,
)
def test_without_supervision_it_is_tfidf(
    parameters, corpus_name, embedding_dim, texts, make_classifier, request
):
    learnt_from, labels = request.getfixturevalue(corpus_name)
    clf = make_classifier(
        supervised_weighting=False, embedding_dim=embedding_dim, **parameters
    )
    clf.fit(learnt_from, labels)
    vectorizer = TfidfVectorizer(
        token_pattern=DEFAULT_TOKENS.pattern,
        vocabulary=clf.vocabulary_,
        ngram_range=clf.ngram_range,
        sublinear_tf=clf.sublinear_tf,
        use_idf=clf.use_idf,
        norm=clf.norm,
    ).fit(learnt_from)
    expected = vectorizer.transform(texts)
    weights = clf._model.featurizer.weigh(texts).to_csr()
    assert_allclose(weights.toarray(), expected.toarray(), rtol=1e-5)
    assert_rows_close(clf.transform(texts), expected @ clf.embedding_)


def test_supervision_changes_the_weights_and_nothing_else(
    corpus, texts, make_classifier
):
    options = {"short_text_features": False}
    plain = make_classifier(supervised_weighting=False, **options).fit(*corpus)
    informed = make_classifier(**options).fit(*corpus)
    assert informed.vocabulary_ == plain.vocabulary_
    before, after = (
        clf._model.featurizer.weigh(texts).to_csr() for clf in (plain, informed)
    )
    assert (before != 0).nnz == (after != 0).nnz
    factor = informed._model.featurizer.id_weights / plain._model.featurizer.id_weights
    assert factor[plain.vocabulary_["oven"]] > 1 > factor[plain.vocabulary_["from"]]
