"""Features that several ranks learn, by every rule that asks for all texts."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas
import pytest
import scipy.sparse as sp
from threads import on_processes

from skbag import EmbeddingBagClassifier
from skbag._core.communicator import SINGLE_PROCESS
from skbag._estimator.parameters import settings_of
from skbag._targets.classification_targets import ClassTargets
from skbag._text import pruning
from skbag._text.columns import columns_of
from skbag._text.data_frames import read_rows
from skbag._text.features import FeatureKind
from skbag._training import preparation
from skbag._training.feature_learning import learn
from skbag._training.samples import Samples


def rare_classes(n_classes=60):
    """Texts of many words that are everywhere, and two that their class has alone."""
    rng = np.random.default_rng(0)
    common = [f"common{i}" for i in range(40)]
    texts, codes = [], []
    for code in range(n_classes):
        for copy in range(3):
            own = [f"own{code}", f"shared{code // 2}", f"once{code}x{copy}"]
            texts.append(" ".join([*rng.choice(common, 12), *own]))
            codes.append(code)
    return texts, np.array(codes)


def codes_of_parts(n=400):
    rng = np.random.default_rng(1)
    texts = [f"pn{rng.integers(10**9)}" for _ in range(n)]
    return texts, np.arange(n) % 3


def prepared(n, texts, codes, parameters, seed=0, columns=None):
    """What n ranks prepare, each of some of the texts, and which these are."""
    clf = EmbeddingBagClassifier(**{"n_jobs": 1, **parameters})
    settings = settings_of(clf, is_text=True, columns=columns)
    targets = ClassTargets(np.unique(codes))
    ranks = np.random.default_rng(seed).integers(n, size=len(texts))

    def of(rank):
        rows = np.flatnonzero(ranks == rank.rank)
        own = Samples([texts[i] for i in rows], codes[rows], None, targets)
        return rows, preparation.prepare(own, settings, None, rank)

    if n == 1:
        rows = np.arange(len(texts))
        own = Samples(texts, codes, None, targets)
        return [(rows, preparation.prepare(own, settings, None, SINGLE_PROCESS))]
    return on_processes(n, of)


def weighted_by_name(results, n_texts):
    """Weighted bags of all texts, by names; and the names of all features."""
    bags = [None] * n_texts
    for rows, prepared in results:
        names = prepared.featurizer.learning_encoder.names()
        found = prepared.samples.X
        csr = found.slice(0, len(found)).to_csr()
        for place, row in enumerate(rows.tolist()):
            own = csr[[place]]
            bags[row] = dict(
                zip([names[i] for i in own.indices], own.data.tolist(), strict=True)
            )
    return bags


def assert_like_alone(texts, codes, parameters, n, columns=None):
    """Features, weights and bags of n ranks are those of one process."""
    # Class-informed weights leave out what the first epoch is judged by: the last
    # texts of each rank, other ones.
    parameters = {"supervised_weighting": False, **parameters}
    (_, alone), *_ = one = prepared(1, texts, codes, parameters, columns=columns)
    several = prepared(n, texts, codes, parameters, columns=columns)
    names = alone.featurizer.learning_encoder.names()
    first = several[0][1].featurizer
    for _, own in several:
        featurizer = own.featurizer
        assert featurizer.learning_encoder.names() == first.learning_encoder.names()
        np.testing.assert_array_equal(featurizer.id_weights, first.id_weights)
        assert own.samples.X.n_ids == len(names)
    assert sorted(first.learning_encoder.names()) == sorted(names)
    for bag, expected in zip(
        weighted_by_name(several, len(texts)),
        weighted_by_name(one, len(texts)),
        strict=True,
    ):
        assert bag == pytest.approx(expected)
    return names, alone.featurizer.learning_encoder


@pytest.mark.parametrize("n", [2, 3])
def test_classes_of_few_texts_keep_their_words(n, monkeypatch):
    """The same ones, though no rank has all texts of a class."""
    texts, codes = rare_classes()
    # There are more words than that: only what is in 6 texts is kept.
    monkeypatch.setattr(pruning, "MAX_TABLE_NUMBERS", 60 * 60)
    parameters = {"ngram_range": (1, 1), "short_text_features": False}
    names, _ = assert_like_alone(texts, codes, parameters, n)
    assert {f"own{i}" for i in range(60)} <= set(names)
    # Those in a single text are worth less.
    assert sum(name.startswith("once") for name in names) < 180 + 60


def test_of_equal_worth_some_are_kept_whatever_the_ranks(monkeypatch):
    texts, codes = rare_classes()
    monkeypatch.setattr(pruning, "MAX_TABLE_NUMBERS", 60 * 60)
    monkeypatch.setattr("skbag._weighting.class_pruning.MAX_FEATURES_PER_CLASS", 3)
    monkeypatch.setattr("skbag._weighting.class_pruning.MIN_FEATURES_PER_CLASS", 3)
    parameters = {"ngram_range": (1, 1), "short_text_features": False}
    found = [
        results[0][1].featurizer.learning_encoder.names()
        for results in (
            prepared(n, texts, codes, parameters, seed) for n, seed in [(2, 0), (3, 1)]
        )
    ]
    assert found[0] == found[1]
    (_, alone), *_ = prepared(1, texts, codes, parameters)
    kept = alone.featurizer.learning_encoder.names()
    # One of three words that are in a single text: which one is left to chance.
    starts = [Counter(name.rstrip("0123456789") for name in each) for each in found]
    assert starts[0] == starts[1]
    assert len(found[0]) == len(kept)


@pytest.mark.parametrize("n", [2, 4])
def test_subwords_where_most_tokens_are_in_one_text(n):
    texts, codes = codes_of_parts()
    parameters = {"subword_ngram_range": "auto", "supervised_weighting": True}
    several = prepared(n, texts, codes, parameters)
    (_, alone), *_ = prepared(1, texts, codes, parameters)
    names = alone.featurizer.learning_encoder.names()
    assert (alone.featurizer.learning_encoder.kinds == FeatureKind.SUBWORD).any()
    for _, own in several:
        assert sorted(own.featurizer.learning_encoder.names()) == sorted(names)


def test_subwords_are_left_where_ranks_share_their_tokens():
    """Each rank meets most tokens once; all together do not."""
    words = [f"pn{i}" for i in range(200)]
    texts, codes = words * 2, np.arange(400) % 3
    clf = EmbeddingBagClassifier(subword_ngram_range="auto", n_jobs=1)
    settings = settings_of(clf, is_text=True)
    targets = ClassTargets(np.unique(codes))

    def kinds(texts, codes, rank):
        samples = Samples(texts, codes, None, targets)
        return learn(samples, settings, rank)[0].kinds

    alone = kinds(words, codes[:200], SINGLE_PROCESS)
    assert (alone == FeatureKind.SUBWORD).any()
    for found in on_processes(
        2, lambda rank: kinds(words, codes[rank.rank :: 2], rank)
    ):
        assert not (found == FeatureKind.SUBWORD).any()
    assert not (kinds(texts, codes, SINGLE_PROCESS) == FeatureKind.SUBWORD).any()


@pytest.mark.parametrize("n", [2, 3])
def test_short_texts_are_those_of_all_ranks(n):
    """One rank has but long texts, yet most are short."""
    texts = ["late parcel again", "refund my money now"] * 30 + ["word " * 300]
    codes = np.arange(61) % 2
    names, encoder = assert_like_alone(texts, codes, {}, n)
    assert not encoder.has_short_text_features
    names, encoder = assert_like_alone(texts, codes, {"short_text_features": True}, n)
    assert "<first> late" in names


FRAME = pandas.DataFrame(
    {
        "text": ["late parcel", "the late train", "refund my money", "a late train"]
        * 8,
        "size": pandas.Categorical(["S", None, "L", "XL"] * 8),
        "note": ["train", "", "late", "late note"] * 8,
        "price": np.arange(32) / 7,
    }
)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"min_df": 9},
        {"tokenizer": str.split, "token_pattern": None},
        {"n_buckets": 512},
    ],
    ids=["all", "pruned", "tokenizer", "buckets"],
)
@pytest.mark.parametrize("n", [2, 3])
def test_columns(parameters, n):
    rows = read_rows(FRAME, None)
    if "n_buckets" in parameters:
        results = prepared(n, rows, np.arange(32) % 2, parameters, columns=rows.columns)
        encoders = [own.featurizer.learning_encoder for _, own in results]
        for (which, own), encoder in zip(results, encoders, strict=True):
            found = own.samples.X.slice(0, len(which)).to_csr()
            some = [rows[i] for i in which]
            expected = own.featurizer.weigh(some).to_csr()
            np.testing.assert_allclose(found.toarray(), expected.toarray(), rtol=1e-6)
            assert sorted(encoder.encoders[1].names()) == ["<missing>", "L", "S", "XL"]
        return
    assert_like_alone(rows, np.arange(32) % 2, parameters, n, columns=columns_of(rows))


@pytest.mark.parametrize("n", [2, 3])
def test_labels_of_any_number(n):
    texts, codes = rare_classes(12)
    names, _ = assert_like_alone(texts, codes, {"min_df": 2}, n)
    assert "own3" in names


@pytest.mark.parametrize("n", [2, 3])
def test_counts_of_a_matrix(n):
    rng = np.random.default_rng(0)
    X = sp.csr_array(rng.poisson(0.4, size=(60, 9)).astype(np.float64))
    codes = np.arange(60) % 3
    clf = EmbeddingBagClassifier(supervised_weighting=True, n_jobs=1)
    settings = settings_of(clf, is_text=False)
    targets = ClassTargets(np.unique(codes))

    def of(rank, rows):
        samples = Samples(X[rows], codes[rows], None, targets)
        return preparation.prepare(samples, settings, None, rank).featurizer

    alone = of(SINGLE_PROCESS, np.arange(60))
    results = on_processes(n, lambda rank: of(rank, np.arange(rank.rank, 60, n)))
    assert alone.id_weights is not None
    for found in results:
        np.testing.assert_array_equal(found.id_weights, results[0].id_weights)
        assert found.id_weights.shape == (9,)
        totals = found.document_counts.class_counts.toarray().sum()
        expected = alone.document_counts.class_counts.toarray().sum()
        assert totals == pytest.approx(expected, rel=0.2)
