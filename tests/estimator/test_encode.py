"""Ids, offsets and weights of texts: what a torch or ONNX graph takes in."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer

from skbag import EmbeddingBagClassifier
from skbag._model import model as model_module
from tests.conftest import FILLERS, TOPICS, make_corpus

WORDS = [*" ".join(TOPICS.values()).split(), *FILLERS.split(), "unknown", "", "?"]
TEXTS = st.lists(st.lists(st.sampled_from(WORDS)).map(" ".join), min_size=1)
OPTIONS = {
    "default": {},
    "two layers": {"embedding_dim": 4},
    "plain encoder": {"ngram_range": (1, 3)},
    "characters": {"analyzer": "char_wb", "ngram_range": (2, 3)},
    "sums of counts": {
        "use_idf": False,
        "sublinear_tf": False,
        "norm": None,
        "supervised_weighting": False,
    },
    "means": {"norm": "l1", "use_idf": False},
}
options = pytest.mark.parametrize("parameters", OPTIONS.values(), ids=OPTIONS)
CLASSIFIER = EmbeddingBagClassifier(random_state=0).fit(*make_corpus(TOPICS, 60, 0))


def as_matrix(encoded, n_ids):
    """The bags as a matrix: sample by column id."""
    indptr = np.append(encoded.offsets, len(encoded.text))
    return sp.csr_array(
        (encoded.per_sample_weights, encoded.text, indptr),
        shape=(len(encoded.offsets), n_ids),
    )


def sums_by_hand(encoded, table):
    sums = np.zeros((len(encoded.offsets), table.shape[1]))
    stops = [*encoded.offsets[1:], len(encoded.text)]
    for i, (start, stop) in enumerate(zip(encoded.offsets, stops, strict=True)):
        for entry in range(start, stop):
            weight = float(encoded.per_sample_weights[entry])
            sums[i] += weight * table[encoded.text[entry]].astype(float)
    return sums


@options
def test_times_the_table_it_is_transform(
    parameters, corpus, new_corpus, make_classifier
):
    clf = make_classifier(**parameters).fit(*corpus)
    texts = ["", *new_corpus.texts, "never seen", ""]
    encoded = clf.encode(texts)
    product = as_matrix(encoded, len(clf.embedding_)) @ clf.embedding_
    assert_array_equal(product, clf.transform(texts))
    assert_allclose(product, sums_by_hand(encoded, clf.embedding_), atol=1e-5)


@given(TEXTS)
def test_any_texts(texts):
    encoded = CLASSIFIER.encode(texts)
    product = as_matrix(encoded, len(CLASSIFIER.embedding_)) @ CLASSIFIER.embedding_
    assert_array_equal(product, CLASSIFIER.transform(texts))


def test_names_and_types(corpus, make_classifier):
    encoded = make_classifier().fit(*corpus).encode(corpus.texts)
    assert encoded._fields == ("text", "offsets", "per_sample_weights")
    assert [a.dtype for a in encoded] == [np.int64, np.int64, np.float32]
    assert [a.ndim for a in encoded] == [1, 1, 1]
    assert len(encoded.text) == len(encoded.per_sample_weights)
    assert len(encoded.offsets) == len(corpus.texts)


def test_tokens_of_a_text(make_classifier):
    counts = OPTIONS["sums of counts"]
    clf = make_classifier(ngram_range=(1, 1), short_text_features=False, **counts)
    clf.fit(["one two", "three"], [0, 1])
    text, offsets, weights = clf.encode(["two one two", "zero", "three"])
    names = {i: name for name, i in clf.vocabulary_.items()}
    bag = {names[i]: w for i, w in zip(text[:2], weights[:2], strict=True)}
    assert bag == {"one": 1, "two": 2}
    assert names[text[2]] == "three"
    assert offsets.tolist() == [0, 2, 2]


def test_weights_are_those_of_tfidf(corpus, new_corpus, make_classifier):
    vectorizer = TfidfVectorizer(sublinear_tf=True, token_pattern=r"(?u)\w+|[^\w\s]")
    expected = vectorizer.fit(corpus.texts).transform(new_corpus.texts)
    clf = make_classifier(ngram_range=(1, 1), supervised_weighting=False).fit(*corpus)
    columns = [clf.vocabulary_[name] for name in vectorizer.get_feature_names_out()]
    weights = as_matrix(clf.encode(new_corpus.texts), len(clf.embedding_))
    assert_allclose(weights.toarray()[:, columns], expected.toarray(), rtol=1e-5)


@pytest.mark.parametrize("texts", [[""], ["", ""], ["zzz", "", "  "]])
def test_texts_without_tokens(texts, corpus, make_classifier):
    text, offsets, weights = make_classifier().fit(*corpus).encode(texts)
    assert len(text) == len(weights) == 0
    assert offsets.tolist() == [0] * len(texts)


@pytest.mark.parametrize("limit", [1, 100, 10**6])
@pytest.mark.parametrize("n_jobs", [1, 3])
def test_chunks_and_threads_change_nothing(
    limit, n_jobs, corpus, make_classifier, monkeypatch
):
    clf = make_classifier().fit(*corpus)
    expected = clf.encode(corpus.texts)
    monkeypatch.setattr(model_module, "CHARACTERS_PER_CHUNK", limit)
    for one, other in zip(
        clf.set_params(n_jobs=n_jobs).encode(corpus.texts), expected, strict=True
    ):
        assert_array_equal(one, other)


@pytest.mark.parametrize("index_dtype", [np.int32, np.int64])
def test_rows_of_a_matrix_in_arrays_of_their_own(index_dtype, make_classifier):
    X = sp.csr_array(sp.random(30, 8, density=0.4, random_state=0, dtype=np.float32))
    X.sort_indices()
    X.indices, X.indptr = X.indices.astype(index_dtype), X.indptr.astype(index_dtype)
    before = X.copy()
    clf = make_classifier().fit(X, np.arange(30) % 3)
    encoded = clf.encode(X)
    assert_array_equal(as_matrix(encoded, 8).toarray(), X.toarray())
    for array in encoded:
        array[:] = 0
    assert_array_equal(X.toarray(), before.toarray())


def test_not_fitted(make_classifier):
    with pytest.raises(NotFittedError, match="not fitted yet"):
        make_classifier().encode(["text"])


def test_numbers_where_texts_were_fitted(corpus, make_classifier):
    with pytest.raises(ValueError, match="X holds numbers, but"):
        make_classifier().fit(*corpus).encode(np.eye(3))


WITHOUT_TORCH = """
import pickle, sys

with open(sys.argv[1], "rb") as file:
    clf = pickle.load(file)
assert len(clf.encode(["oven and soup", ""]).offsets) == 2
assert "torch" not in sys.modules and "onnx" not in sys.modules
clf.to_onnx()
assert "torch" not in sys.modules and "onnx" in sys.modules
"""


def test_torch_is_not_needed(corpus, make_classifier, tmp_path, new_process):
    file = tmp_path / "clf.pickle"
    file.write_bytes(pickle.dumps(make_classifier().fit(*corpus)))
    done = new_process(WITHOUT_TORCH, file)
    assert done.returncode == 0, done.stderr
