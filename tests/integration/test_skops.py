"""skops, which asks which types to trust, needs to be told of one."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

# Fits by the dozen.
pytestmark = pytest.mark.slow

skops_io = pytest.importorskip("skops.io")

TRUSTED = ["skbag.EmbeddingBagClassifier"]
"""As docs/reliability.md says."""

MODELS = {
    "default": {},
    "hidden layer": {"embedding_dim": 8, "hidden_layer_sizes": (6,)},
    "plain encoder": {"analyzer": "char_wb", "ngram_range": (2, 3)},
    "plain, short texts": {
        "token_pattern": r"\w+",
        "short_text_features": True,
    },
    "given vocabulary": {"vocabulary": ["oven", "sail", "fern", "soup"]},
    "early stopping": {"early_stopping": True},
}
models = pytest.mark.parametrize("parameters", MODELS.values(), ids=MODELS)


@models
def test_one_type_is_to_be_trusted(parameters, corpus, new_corpus, make_classifier):
    clf = make_classifier(**parameters).fit(*corpus)
    data = skops_io.dumps(clf)
    assert skops_io.get_untrusted_types(data=data) == TRUSTED
    loaded = skops_io.loads(data, trusted=TRUSTED)
    assert loaded.get_params() == clf.get_params()
    assert_array_equal(
        loaded.predict_proba(new_corpus.texts), clf.predict_proba(new_corpus.texts)
    )
    if not clf.early_stopping:
        loaded.partial_fit(*new_corpus), clf.partial_fit(*new_corpus)
        assert_array_equal(loaded.embedding_, clf.embedding_)


@models
def test_compressed_models_need_no_more_trust(
    parameters, corpus, new_corpus, make_classifier
):
    small = make_classifier(**parameters).fit(*corpus).compress(bits=4)
    data = skops_io.dumps(small)
    assert skops_io.get_untrusted_types(data=data) == TRUSTED
    loaded = skops_io.loads(data, trusted=TRUSTED)
    assert_array_equal(
        loaded.predict_proba(new_corpus.texts), small.predict_proba(new_corpus.texts)
    )


@pytest.mark.parametrize("make_y", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
def test_labels(make_y, labels_corpus, new_corpus, make_classifier):
    texts, y = labels_corpus
    clf = make_classifier().fit(texts, make_y(y))
    data = skops_io.dumps(clf)
    assert skops_io.get_untrusted_types(data=data) == TRUSTED
    loaded = skops_io.loads(data, trusted=TRUSTED)
    predicted = loaded.predict(new_corpus.texts)
    assert sp.issparse(predicted) == (make_y is sp.csr_array)
    assert_array_equal(
        loaded.predict_proba(new_corpus.texts), clf.predict_proba(new_corpus.texts)
    )
    loaded.partial_fit(texts, y), clf.partial_fit(texts, y)
    assert_array_equal(loaded.embedding_, clf.embedding_)


def test_adaptive_softmax(many_corpus, make_classifier):
    parameters = {"loss": "adaptive_softmax", "embedding_dim": 4, "max_iter": 3}
    clf = make_classifier(**parameters).fit(*many_corpus)
    data = skops_io.dumps(clf)
    assert skops_io.get_untrusted_types(data=data) == TRUSTED
    loaded = skops_io.loads(data, trusted=TRUSTED)
    texts = many_corpus.texts[:9]
    assert_array_equal(loaded.top_k(texts, 3), clf.top_k(texts, 3))
    loaded.partial_fit(*many_corpus), clf.partial_fit(*many_corpus)
    assert_array_equal(loaded.embedding_, clf.embedding_)


def test_without_trust_nothing_is_loaded(corpus, make_classifier):
    data = skops_io.dumps(make_classifier().fit(*corpus))
    with pytest.raises(TypeError, match=r"skbag\.EmbeddingBagClassifier"):
        skops_io.loads(data)


def test_in_a_pipeline_and_on_a_matrix(make_classifier):
    X, y = np.repeat(np.eye(3), 20, axis=0), np.repeat(["a", "b", "c"], 20)
    pipeline = make_pipeline(FunctionTransformer(), make_classifier()).fit(X, y)
    data = skops_io.dumps(pipeline)
    assert skops_io.get_untrusted_types(data=data) == TRUSTED
    loaded = skops_io.loads(data, trusted=TRUSTED)
    assert_array_equal(loaded.predict(X), pipeline.predict(X))
