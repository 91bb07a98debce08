"""Vocabularies of ranks, merged: features and counts that one encoder would have."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import scipy.sparse as sp
from threads import on_processes

from skbag._targets.label_sets import LabelSets
from skbag._text.merging import Learnt, merge
from skbag._text.pruning import FeatureCounts, Pruning
from skbag._text.text_options import TextOptions, make_encoder
from skbag._text.token_rules import DEFAULT_TOKENS
from skbag._weighting.document_counts import DocumentCounts, reduce_counts
from tests.conftest import rotating

DEFAULT = {
    "lowercase": True,
    "strip_accents": None,
    "preprocessor": None,
    "tokenizer": None,
    "token_pattern": DEFAULT_TOKENS.pattern,
    "analyzer": "word",
    "stop_words": None,
    "ngram_range": (1, 2),
    "vocabulary": None,
}
TEXTS = [
    "The late parcel, the late train!",
    "a train is a train",
    "Nüsse, 木 and 🏖️ on the beach",
    "",
    "the parcel never came",
    "late late nüsse",
    "x",
]
PRUNING = Pruning("auto", 1.0, 9)


def pairs(text):
    """Features that are no strings."""
    return [(word, 1) for word in text.split()]


CHANGES = {
    "defaults": {},
    "words in any case": {"lowercase": False, "ngram_range": (1, 1)},
    "pairs alone": {"ngram_range": (2, 2)},
    "subwords": {"subword_ngram_range": (2, 4)},
    "words in threes": {"ngram_range": (1, 3)},
    "threes, subwords": {"ngram_range": (1, 3), "subword_ngram_range": (2, 4)},
    "characters": {"analyzer": "char"},
    "no strings": {"analyzer": pairs},
    "buckets": {"n_buckets": 256},
    "given vocabulary": {"vocabulary": ["train", "late", "the"]},
}


@rotating(
    changes=CHANGES,
    short=[False, True],
    n=[1, 2, 3],
)
def test_merged_is_what_one_encoder_learns_of_all_texts(changes, short, n):
    options = TextOptions(**{**DEFAULT, **changes})
    if options.analyzer != "word" or options.vocabulary:
        short = False
    alone = make_encoder(options, short)
    bags = alone.learn(TEXTS)
    expected = FeatureCounts.of(bags, PRUNING)

    def merged(rank):
        encoder = make_encoder(options, short)
        own = encoder.learn(TEXTS[rank.rank :: n])
        before = encoder.n_ids
        learnt = Learnt(encoder, own, partial(make_encoder, options, short))
        found = merge(rank, learnt, options, PRUNING)
        assert encoder.n_ids == before
        if found.ids is not None:
            own = own.renumber(found.ids, found.encoder.n_ids)
        return found, own

    for rank, (found, own) in enumerate(on_processes(n, merged)):
        encoder, counted = found.encoder, found.counted
        assert counted.n_texts == len(TEXTS)
        if options.n_buckets is None:
            names = encoder.names()
            assert sorted(names) == sorted(alone.names())
            places = {name: place for place, name in enumerate(names)}
            order = np.array([places[name] for name in alone.names()])
        else:
            order = np.arange(options.n_buckets)
        np.testing.assert_array_equal(counted.documents[order], expected.documents)
        np.testing.assert_array_equal(counted.occurrences[order], expected.occurrences)
        np.testing.assert_array_equal(encoder.kinds[order], alone.kinds)
        # The counts of this rank are those that the merged encoder gives.
        again = encoder.encode(TEXTS[rank::n]).to_csr().toarray()
        np.testing.assert_array_equal(own.to_csr().toarray(), again)
        np.testing.assert_array_equal(again[:, order], bags.to_csr().toarray()[rank::n])


def test_a_merged_encoder_learns_on():
    options = TextOptions(**DEFAULT, subword_ngram_range=(3, 4))
    one, other = make_encoder(options, True), make_encoder(options, True)
    one.learn(TEXTS[:3])
    other.learn(TEXTS[3:])
    merged = make_encoder(options, True)
    merged.absorb(one.__getstate__())
    merged.absorb(other.__getstate__())
    alone = make_encoder(options, True)
    alone.learn(TEXTS)
    new = ["a new train came to the beach"]
    merged.learn(new)
    alone.learn(new)
    assert sorted(merged.names()) == sorted(alone.names())


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("several", [False, True])
def test_statistics_add_up(several, n):
    rng = np.random.default_rng(0)
    bags = make_encoder(TextOptions(**DEFAULT), False).learn(TEXTS)
    codes = rng.integers(0, 3, len(TEXTS))
    if several:
        indicator = rng.integers(0, 2, (len(TEXTS), 3))
        codes = LabelSets.from_csr(sp.csr_array(indicator))
    expected = DocumentCounts.count(bags, codes, 3)

    def added(rank):
        some = np.arange(len(TEXTS))[rank.rank :: n]
        return reduce_counts(
            rank, DocumentCounts.count(bags.take(some), codes[some], 3)
        )

    for found in on_processes(n, added):
        np.testing.assert_array_equal(
            found.class_counts.toarray(), expected.class_counts.toarray()
        )
        np.testing.assert_array_equal(found.class_totals, expected.class_totals)
        np.testing.assert_array_equal(found.df, expected.df)
        assert found.n_documents == expected.n_documents
