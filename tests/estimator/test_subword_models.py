"""Whole models with subwords: what they are asked for is that misspelt words count."""

from __future__ import annotations

import numpy as np
from numpy.testing import assert_allclose

from skbag._text.features import FeatureKind
from skbag._weighting.weighting import KIND_FACTORS
from tests.conftest import TOPICS

MISSPELT = ["garlick", "blosom", "orchrad", "anchors", "captian", "harbor"]


def test_misspelt_words_are_understood(corpus, make_classifier):
    words = {word: topic for topic, ws in TOPICS.items() for word in ws.split()}
    # A character doubled in the middle: no word of these was ever seen.
    texts = [word[: len(word) // 2] + word[len(word) // 2 - 1 :] for word in words]
    labels = list(words.values())
    assert not set(texts) & set(words)
    plain = make_classifier(short_text_features=False).fit(*corpus)
    with_subwords = make_classifier(
        short_text_features=False, subword_ngram_range=(3, 6)
    ).fit(*corpus)
    assert plain.score(texts, labels) < 0.4  # the same answer for all
    assert with_subwords.score(texts, labels) > 0.8


def test_unknown_words_have_vectors(corpus, make_classifier):
    clf = make_classifier(embedding_dim=4, subword_ngram_range=(3, 6)).fit(*corpus)
    unknown = clf.transform(MISSPELT)
    assert (np.abs(unknown).sum(axis=1) > 0).all()


def test_vocabulary_tells_subwords_from_words(corpus, make_classifier):
    clf = make_classifier(subword_ngram_range=(3, 4)).fit(*corpus)
    plain = make_classifier().fit(*corpus)
    names = set(clf.vocabulary_) - set(plain.vocabulary_)
    assert {"<gar…", "…arl…", "…rlic…", "…lic>", "…ic>"} <= names
    assert all(name[0] in "<…" and name[-1] in ">…" for name in names)
    assert set(plain.vocabulary_) <= set(clf.vocabulary_)


def test_min_df_is_for_subwords_too(corpus, make_classifier):
    texts, labels = [*corpus.texts, "zebrafish"], [*corpus.labels, "sea"]
    once = make_classifier(subword_ngram_range=(3, 6), min_df=1).fit(texts, labels)
    assert "…fish>" in once.vocabulary_
    for min_df in (2, "auto"):
        clf = make_classifier(subword_ngram_range=(3, 6), min_df=min_df)
        clf.fit(texts, labels)
        assert "…fish>" not in clf.vocabulary_
        assert ("zebrafish" in clf.vocabulary_) == (min_df == "auto")


def test_subwords_count_for_less_than_words(corpus, make_classifier):
    """A subword in the same texts as a word has its weight times the factor."""
    clf = make_classifier(subword_ngram_range=(6, 6), norm=None, sublinear_tf=False)
    clf.fit(*corpus)
    weights = clf._model.featurizer.id_weights
    name = "…ettle>"  # of kettle alone
    ratio = weights[clf.vocabulary_[name]] / weights[clf.vocabulary_["kettle"]]
    assert_allclose(ratio, KIND_FACTORS[FeatureKind.SUBWORD], rtol=1e-5)
