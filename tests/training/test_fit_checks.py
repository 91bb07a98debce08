"""A fit that cannot have worked says so, and names the parameter."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from skbag import EmbeddingBagClassifier
from skbag._core.bags import Bags
from skbag._text.features import FeatureKind
from skbag._training.fit_checks import (
    feature_findings,
    share_without_common_tokens,
    training_finding,
)


def codes(n, seed=0):
    rng = np.random.default_rng(seed)
    letters = rng.integers(65, 91, (n, 10), dtype=np.uint8)
    return [bytes(row).decode() for row in letters]


def test_codes_without_a_common_token():
    y = np.arange(200) % 2
    with pytest.warns(UserWarning, match=r"100% of .* no token in common .* subword_n"):
        EmbeddingBagClassifier(subword_ngram_range=None, random_state=0).fit(
            codes(200), y
        )


@pytest.mark.parametrize(
    "parameters", [{}, {"analyzer": "char", "ngram_range": (1, 3)}]
)
def test_not_with_the_features_that_it_names(parameters):
    y = np.arange(200) % 2
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        EmbeddingBagClassifier(random_state=0, **parameters).fit(codes(200), y)


@pytest.mark.parametrize("n", [4, 49])
def test_a_handful_of_texts_may_differ(n):
    EmbeddingBagClassifier(random_state=0).fit(codes(n), np.arange(n) % 2)


def test_share_without_common_tokens():
    ids = np.array([0, 1, 0, 2, 0, 2, 0], dtype=np.int32)
    bags = Bags(ids, np.array([0, 2, 4, 6, 7, 7]), np.ones(7, np.float32), 3)
    documents = np.array([4, 1, 2])
    # The first has a token of its own, the last has none at all.
    assert share_without_common_tokens(bags, documents, None, 4) == 2 / 5
    kinds = np.array([FeatureKind.TERM, FeatureKind.TERM, FeatureKind.SKIP], np.uint8)
    assert share_without_common_tokens(bags, documents, kinds, 4) == 4 / 5
    assert share_without_common_tokens(bags, documents, None, 5) == 1 / 5
    # A subword may be what they share.
    kinds[2] = FeatureKind.SUBWORD
    assert share_without_common_tokens(bags, documents, kinds, 4) == 2 / 5


def test_texts_that_are_all_alike_have_all_in_common():
    X, y = ["same words"] * 60, [0, 1] * 30
    with pytest.warns(ConvergenceWarning, match="next to nothing was learnt") as caught:
        EmbeddingBagClassifier(random_state=0).fit(X, y)
    assert len(caught) == 1


def found(class_counts, **parameters):
    options = {"min_df": "auto", "max_features": None} | parameters
    class_counts = np.array(class_counts)
    return feature_findings(0.0, class_counts, int(class_counts.sum()), 100, **options)


def test_min_df_above_what_classes_have():
    (message,) = found([3, 3, 50, 0], min_df=5)
    assert "min_df=5 keeps" in message
    assert "2 of 3 classes have fewer texts" in message
    assert found([5, 5, 50], min_df=5) == ()
    (message,) = found([3, 3, 50], min_df=0.1)
    assert "in at least 5.6 texts" in message
    assert found([3, 3, 50]) == ()


def test_fewer_features_than_classes():
    (message,) = found([1] * 200, max_features=100)
    assert "max_features=100 leaves 100 tokens to tell 200 classes by" in message
    assert found([1] * 100, max_features=100) == ()


def test_training_that_taught_nothing():
    assert training_finding([9.0, 0.5], 1.0, 100, has_layers=False) is None
    assert training_finding([9.0, 1.0], 1.0, 100, has_layers=False) is not None
    assert training_finding([1.0, 0.97], 1.0, 100, has_layers=False) is None
    assert "embedding_dim=None" in training_finding(
        [1, 0.97], 1.0, 100, has_layers=True
    )
    # One epoch shows samples before they are learnt; few samples show nothing.
    assert training_finding([1.0], 1.0, 100, has_layers=True) is None
    assert training_finding([1.0, 1.0], 1.0, 40, has_layers=True) is None


@pytest.mark.parametrize("n_labels", [0, 3])
@pytest.mark.parametrize("loss", ["squared_hinge", "cross_entropy"])
@pytest.mark.parametrize("embedding_dim", [None, 8])
def test_a_step_that_is_far_too_small(n_labels, loss, embedding_dim, corpus):
    y = corpus.labels
    if n_labels:
        y = np.random.default_rng(0).random((len(y), n_labels)) < 0.3
    texts, y = list(corpus.texts) * 2, np.concatenate([y, y])
    clf = EmbeddingBagClassifier(
        loss=loss, embedding_dim=embedding_dim, learning_rate_init=1e-7, random_state=0
    )
    with pytest.warns(ConvergenceWarning, match=r"next to nothing .* max_iter"):
        # Intercepts have a step of their own.
        clf.fit(texts, np.asarray(y).astype(int) if n_labels else y)
