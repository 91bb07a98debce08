"""What an automatic `min_df` leaves to classes of few texts."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skbag import EmbeddingBagClassifier
from skbag._core.bags import Bags
from skbag._text.features import FeatureKind
from skbag._weighting import class_pruning
from skbag._weighting.class_pruning import (
    RarePairs,
    are_rare,
    classes_of_few_texts,
    n_features_per_class,
    rare_features_of_classes,
)
from tests.conftest import rotating

# Fits by the dozen.
pytestmark = pytest.mark.slow


def made(n_classes, n_texts, seed):
    """Classes with five words of their own, three of them in each short text."""
    rng = np.random.default_rng(seed)
    X, y = [], []
    for k in range(n_classes):
        own = [f"c{k}x{j}" for j in range(5)]
        for _ in range(n_texts):
            words = [*rng.choice(own, 3, replace=False)]
            words += [f"f{i}" for i in rng.choice(500, 4, replace=False)]
            X.append(" ".join(words))
            y.append(k)
    return X, y


def naive(texts, classes, kinds, min_df, n_each):
    """The formula of the docstring, feature by feature."""
    n, n_ids = len(texts), 1 + max(max(text) for text in texts)
    in_texts = [sum(t in text for text in texts) for t in range(n_ids)]
    kept = set()
    for c in set(classes):
        own = [text for text, code in zip(texts, classes, strict=True) if code == c]
        worth = {}
        for t in range(n_ids):
            n_tc = sum(t in text for text in own)
            if n_tc and in_texts[t] < min_df and kinds[t] <= FeatureKind.NGRAM:
                worth[t] = n_tc * np.log(n_tc * n / (in_texts[t] * len(own)))
        best = sorted(worth, key=lambda t: (-round(worth[t], 9), kinds[t], t))
        kept.update(best[:n_each])
    return sorted(kept)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("n_each", [1, 3])
def test_as_the_formula_says(seed, n_each):
    rng = np.random.default_rng(seed)
    texts = [
        sorted(rng.choice(30, rng.integers(1, 8), replace=False)) for _ in range(24)
    ]
    texts.append([29])
    classes = rng.integers(0, 5, len(texts))
    kinds = rng.choice(
        [FeatureKind.TERM, FeatureKind.NGRAM, FeatureKind.SKIP], 30
    ).astype(np.uint8)
    ids = np.concatenate(texts).astype(np.int32)
    bags = Bags(
        ids,
        np.cumsum([0, *map(len, texts)]),
        np.ones(len(ids), dtype=np.float32),
        30,
    )
    documents = np.bincount(ids, minlength=30)
    rare = RarePairs.of(bags, classes, are_rare(documents, kinds, 6))
    class_counts = np.bincount(classes, minlength=5)
    found = rare_features_of_classes(rare, class_counts, documents, kinds, n_each)
    assert found.dtype == np.int32
    assert_array_equal(found, naive(texts, classes.tolist(), kinds, 6, n_each))


def test_which_classes_have_few_texts():
    few = classes_of_few_texts(np.array([0, 1, 7, 8, 100]), 2)
    assert few.tolist() == [False, True, True, False, False]


def test_fewer_features_where_the_table_would_be_too_large():
    assert n_features_per_class(1, 1) == class_pruning.MAX_FEATURES_PER_CLASS
    assert n_features_per_class(10**5, 10**5) == class_pruning.MIN_FEATURES_PER_CLASS


@rotating(
    parameters=[
        {},
        {"embedding_dim": 64},
        {"embedding_dim": 32, "hidden_layer_sizes": (32,)},
    ],
    n_texts=[2, 4],
)
def test_many_classes_of_few_texts_are_told_apart(n_texts, parameters, monkeypatch):
    """A larger `min_df` used to take all words that only these classes have."""
    # As with thousands of classes, which take longer.
    monkeypatch.setattr("skbag._text.pruning.MAX_TABLE_NUMBERS", 2**19)
    X, y = made(800, n_texts, 0)
    clf = EmbeddingBagClassifier(random_state=0, **parameters).fit(X, y)
    assert clf.score(*made(800, 1, 1)) > 0.95


def test_pairs_of_two_processes_are_those_of_one():
    ids = np.array([0, 1, 0, 2, 1, 3], dtype=np.int32)
    bags = Bags(ids, np.array([0, 2, 4, 6]), np.ones(6, dtype=np.float32), 4)
    classes, is_rare = np.array([0, 0, 1]), np.ones(4, dtype=bool)
    alone = RarePairs.of(bags, classes, is_rare)
    parts = [
        RarePairs.of(bags.take(rows), classes[rows], is_rare)
        for rows in (np.array([0]), np.array([1, 2]))
    ]
    both = RarePairs.sum(
        np.concatenate([part.pairs for part in parts]),
        np.concatenate([part.counts for part in parts]),
    )
    assert_array_equal(both.pairs, alone.pairs)
    assert_array_equal(both.counts, alone.counts)


def test_a_min_df_of_ones_own_is_kept_to():
    X, y = made(100, 3, 0)
    with pytest.warns(UserWarning, match="min_df=8 keeps tokens that are in at least"):
        clf = EmbeddingBagClassifier(random_state=0, min_df=8).fit(X, y)
    assert not any(name.startswith("c1x") for name in clf.vocabulary_)
