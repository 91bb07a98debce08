"""Features of ranks, merged: kept and counted as one process would of all texts."""

from __future__ import annotations

import pickle
import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threads import on_processes

from skbag._text import dealt_features, pruning
from skbag._text.columns import Column
from skbag._text.columns_encoder import ColumnsEncoder
from skbag._text.features import FeatureKind
from skbag._text.learning import learn_features
from skbag._text.merging import Learnt, OwnFeatures, merge, merge_buckets
from skbag._text.pruning import FeatureCounts, Pruning, keep_features
from skbag._text.text_options import TextOptions, make_encoder
from skbag._text.token_rules import DEFAULT_TOKENS
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
ALL = Pruning(1, 1.0, None)


def pairs(text):
    """Features that are no strings."""
    return [(word, 1) for word in text.split()]


def with_zeros(text):
    """Strings whose hashes are the same, since they differ in zeros at the end."""
    return [word + "\0" * i for word in text.split() for i in range(3)]


CHANGES = {
    "defaults": {},
    "words in any case": {"lowercase": False, "ngram_range": (1, 1)},
    "pairs alone": {"ngram_range": (2, 2)},
    "subwords": {"subword_ngram_range": (2, 4)},
    "words in threes": {"ngram_range": (1, 3)},
    "threes alone": {"ngram_range": (3, 3)},
    "threes, subwords": {"ngram_range": (1, 4), "subword_ngram_range": (2, 4)},
    "characters": {"analyzer": "char"},
    "tokenizer": {"tokenizer": str.split, "token_pattern": None},
    "no strings": {"analyzer": pairs},
    "equal hashes": {"analyzer": with_zeros},
}
ENCODERS = rotating(changes=CHANGES, short=[False, True], n=[2, 3, 4])


def make(changes, short):
    options = TextOptions(**{**DEFAULT, **changes})
    return make_encoder(options, short and options.analyzer == "word")


def named(bags, names):
    """Counts by name, a dict for each bag."""
    edges, ids, weights = (
        bags.offsets.tolist(),
        bags.ids.tolist(),
        bags.weights.tolist(),
    )
    return [
        {names[i]: n for i, n in zip(ids[a:b], weights[a:b], strict=True)}
        for a, b in zip(edges, edges[1:], strict=False)
    ]


def keep(rank, learnt, pruning, width=1):
    """What a fit does with what a rank has learnt."""
    merged = merge(rank, learnt, pruning)
    kept = keep_features(
        merged.counted, merged.kinds, pruning, width, communicator=rank
    )
    encoder, new_ids = merged.select(kept)
    return merged, kept, encoder, learnt.counts.renumber(new_ids, encoder.n_ids)


def keep_alone(encoder, texts, pruning, width=1):
    """The same of all texts in one process."""
    counts = encoder.learn(texts)
    counted = FeatureCounts.of(counts, pruning)
    kept = keep_features(counted, encoder.kinds, pruning, width)
    names = encoder.names()
    return [names[i] for i in kept.tolist()], counts


def on_ranks(shards, changes, short, pruning, width=1):
    def of(rank):
        encoder = make(changes, short)
        learnt = Learnt(encoder, encoder.learn(shards[rank.rank]))
        before = pickle.dumps(encoder.names())
        found = keep(rank, learnt, pruning, width)
        assert pickle.dumps(encoder.names()) == before
        return found

    return on_processes(len(shards), of)


def dealt(texts, n):
    return [texts[rank::n] for rank in range(n)]


@ENCODERS
def test_merged_is_what_one_encoder_learns_of_all_texts(changes, short, n):
    alone = make(changes, short)
    names, counts = keep_alone(alone, TEXTS, ALL)
    expected = named(counts, alone.names())
    documents = Counter(name for bag in expected for name in bag)
    kinds = dict(zip(alone.names(), alone.kinds.tolist(), strict=True))
    encoders = []
    for rank, found in enumerate(on_ranks(dealt(TEXTS, n), changes, short, ALL)):
        merged, _, encoder, own = found
        assert merged.counted.n_texts == len(TEXTS)
        merged_names = encoder.names()
        assert sorted(map(repr, merged_names)) == sorted(map(repr, names))
        counted = [documents[name] for name in merged_names]
        assert counted == sorted(counted, reverse=True)
        assert encoder.kinds.tolist() == [kinds[name] for name in merged_names]
        # The counts of this rank, and what the merged encoder makes of its texts.
        assert named(own, merged_names) == expected[rank::n]
        assert named(encoder.encode(TEXTS[rank::n]), merged_names) == expected[rank::n]
        encoders.append(encoder)
    for encoder in encoders[1:]:
        assert encoder.names() == encoders[0].names()
        np.testing.assert_array_equal(encoder.kinds, encoders[0].kinds)


@ENCODERS
def test_ids_depend_on_neither_the_ranks_nor_their_order(changes, short, n):
    first = on_ranks(dealt(TEXTS, n), changes, short, ALL)[0][2]
    for shards in (dealt(TEXTS, 2)[::-1], [TEXTS[:1], [], TEXTS[1:]], [TEXTS, [], []]):
        other = on_ranks(shards, changes, short, ALL)[0][2]
        if changes.get("analyzer") is pairs:
            # These have no bytes of their own.
            assert sorted(other.names()) == sorted(first.names())
        else:
            assert other.names() == first.names()


def test_equal_objects_are_one_feature_whatever_their_pickles():
    def features(text):
        word = text.strip("!")
        return [(word, word), (word, 1.0 if text.endswith("!") else True)]

    results = on_ranks([["a", "b"], ["a!"]], {"analyzer": features}, False, ALL)
    for _, _, encoder, own in results:
        assert set(encoder.ids) == {("a", "a"), ("a", 1), ("b", "b"), ("b", 1)}
        assert own.n_ids == 4
    assert sum(merged.counted.documents.sum() for merged, *_ in results) == 6


@pytest.mark.parametrize("case", ["defaults", "threes, subwords", "tokenizer"])
def test_a_merged_encoder_learns_on_and_is_pickled(case):
    changes = CHANGES[case]
    merged = on_ranks(dealt(TEXTS, 3), changes, True, ALL)[1][2]
    new = ["a new train came to the beach", "the late parcel came to the late train"]
    alone = make(changes, True)
    alone.learn(TEXTS)
    expected = named(alone.learn(new), alone.names())
    if case != "tokenizer":
        again = pickle.loads(pickle.dumps(merged))
        assert named(again.learn(new), again.names()) == expected
    assert named(merged.learn(new), merged.names()) == expected


WORDS = st.sampled_from(["a", "to", "late", "parcel", "train", "木", "co-op", "x9"])
SOME_TEXTS = st.lists(
    st.lists(WORDS, max_size=6).map(" ".join), min_size=1, max_size=12
)
LIMITS = st.one_of(
    st.just(Pruning("auto", 1.0, None)),
    st.builds(Pruning, st.integers(1, 3), st.floats(0.3, 1.0), st.just(None)),
    st.builds(Pruning, st.just(1), st.just(1.0), st.integers(1, 30)),
    st.builds(Pruning, st.just("auto"), st.just(1.0), st.integers(1, 30)),
)


@settings(deadline=None, max_examples=60)
@given(
    texts=SOME_TEXTS,
    ranks=st.lists(st.integers(0, 3), min_size=12, max_size=12),
    limits=LIMITS,
    most_numbers=st.sampled_from([4, 12, 40, 2**20]),
    case=st.sampled_from(["defaults", "subwords", "threes, subwords", "tokenizer"]),
)
def test_any_split_is_pruned_as_one_process_prunes(
    texts, ranks, limits, most_numbers, case
):
    """Of what `max_features` takes, all above the last that it takes."""
    n = max(ranks) + 1
    shards = [
        [text for text, rank in zip(texts, ranks, strict=False) if rank == own]
        for own in range(max(n, 2))
    ]
    changes = CHANGES[case]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pruning, "MAX_TABLE_NUMBERS", most_numbers)
        alone = make(changes, True)
        try:
            names, counts = keep_alone(alone, texts, limits)
        except ValueError as error:
            with pytest.raises(ValueError, match=re.escape(str(error))):
                on_ranks(shards, changes, True, limits)
            return
        results = on_ranks(shards, changes, True, limits)
        others = on_ranks(shards[::-1], changes, True, limits)
    expected = named(counts, alone.names())
    occurrences = Counter()
    for bag in expected:
        occurrences.update(bag)
    for _, _, encoder, own in results:
        found = encoder.names()
        assert found == results[0][2].names() == others[0][2].names()
        if limits.max_features is None:
            assert sorted(found) == sorted(names)
        else:
            assert len(found) == len(names)
            least = min(occurrences[name] for name in names)
            above = {name for name in names if occurrences[name] > least}
            assert above <= set(found)
            assert min(occurrences[name] for name in found) == least
        assert len(own.ids) == len(own.weights)
    whole = Counter()
    for (_, _, encoder, own), shard in zip(results, shards, strict=True):
        kept = encoder.names()
        assert len(own) == len(shard)
        for bag in named(own, kept):
            whole.update(bag)
    assert whole == {name: occurrences[name] for name in results[0][2].names()}


def test_no_tokens_at_all_is_said_on_all_ranks():
    with pytest.raises(ValueError, match="No tokens were found: the texts are empty"):
        on_ranks([[""], ["", ""]], {}, False, ALL)
    with pytest.raises(ValueError, match="After pruning, no tokens remain"):
        on_ranks([["a b"], ["c d"]], {}, False, Pruning(2, 1.0, None))


def test_one_process_decides_of_all():
    encoder = make({}, False)
    merged, _, selected, _ = on_ranks([TEXTS], {}, False, ALL)[0]
    assert isinstance(merged, OwnFeatures)
    names, _ = keep_alone(encoder, TEXTS, ALL)
    assert selected.names() == names
    ids = np.array([3, 1, 3])
    for found, given_ in zip(merged.to_owners(ids, ids), (ids, ids), strict=True):
        np.testing.assert_array_equal(found, given_)


@pytest.mark.parametrize("n", [2, 4])
def test_owners_are_told_of_features_met(n):
    def told(rank):
        encoder = make({}, False)
        counts = encoder.learn(TEXTS[rank.rank :: n])
        merged = merge(rank, Learnt(encoder, counts), ALL)
        values = np.stack([counts.ids, np.full(len(counts.ids), rank.rank)], axis=1)
        ids, found = merged.to_owners(counts.ids.astype(np.int64), values)
        everything = np.arange(len(merged.kinds), dtype=np.int32)
        selected, _ = merged.select(everything)
        documents = np.bincount(ids, minlength=len(merged.kinds))
        np.testing.assert_array_equal(documents, merged.counted.documents)
        assert found.shape == (len(ids), 2)
        return len(ids), selected.n_ids

    results = on_processes(n, told)
    encoder = make({}, False)
    assert sum(received for received, _ in results) == len(encoder.learn(TEXTS).ids)
    assert {n_ids for _, n_ids in results} == {encoder.n_ids}


def test_too_many_strings_are_refused(monkeypatch):
    monkeypatch.setattr(dealt_features, "MOST_STRINGS", 5)
    with pytest.raises(OverflowError, match=r"distinct strings, more than the 5 of"):
        on_ranks(dealt(TEXTS, 2), {}, False, ALL)


# -- buckets and columns ---------------------------------------------------------------

COLUMNS = (
    Column("text", "text"),
    Column("size", "category"),
    Column("note", "text"),
    Column("price", "number"),
)
ROWS = [
    (text, size, note, float(i))
    for i, (text, size, note) in enumerate(
        zip(
            TEXTS,
            ["S", None, "L", "S", "late", None, "XL"],
            ["late", "", "the train", "late", "", "a late note", "x"],
            strict=True,
        )
    )
]


def learn_rows(rows, changes):
    options = TextOptions(**{**DEFAULT, **changes})
    return learn_features(rows, COLUMNS, options, lambda texts: True)


@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("case", ["defaults", "threes, subwords", "tokenizer"])
def test_columns_are_merged_side_by_side(case, n):
    alone = learn_rows(ROWS, CHANGES[case])
    assert isinstance(alone.encoder, ColumnsEncoder)
    expected = named(alone.counts, alone.encoder.names())

    def of(rank):
        learnt = learn_rows(ROWS[rank.rank :: n], CHANGES[case])
        merged = merge(rank, learnt, ALL)
        kept = keep_features(merged.counted, merged.kinds, ALL, 1, communicator=rank)
        encoder, new_ids = merged.select(kept)
        return encoder, learnt.counts.renumber(new_ids, encoder.n_ids)

    results = on_processes(n, of)
    for rank, (encoder, own) in enumerate(results):
        names = encoder.names()
        assert names == results[0][0].names()
        assert sorted(names) == sorted(alone.encoder.names())
        assert named(own, names) == expected[rank::n]
        assert named(encoder.encode(ROWS[rank::n]), names) == expected[rank::n]
        np.testing.assert_array_equal(
            encoder.numbers(ROWS), alone.encoder.numbers(ROWS)
        )
        assert encoder.kinds[encoder.number_ids] == [FeatureKind.NUMBER]


@pytest.mark.parametrize("n", [1, 2, 3])
def test_buckets_of_all_ranks_are_met(n):
    options = TextOptions(**{**DEFAULT, "n_buckets": 256})
    alone = make_encoder(options, True)
    alone.learn(TEXTS)

    def of(rank):
        encoder = make_encoder(options, True)
        encoder.learn(TEXTS[rank.rank :: n])
        before = pickle.dumps(encoder)
        merged, new_ids = merge_buckets(rank, encoder)
        assert new_ids is None
        assert pickle.dumps(encoder) == before
        return merged

    for merged in on_processes(n, of):
        assert pickle.dumps(merged) == pickle.dumps(alone)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_categories_beside_buckets_have_the_ids_of_all_ranks(n):
    changes = {"n_buckets": 256}
    alone = learn_rows(ROWS, changes).encoder

    def of(rank):
        learnt = learn_rows(ROWS[rank.rank :: n], changes)
        merged, new_ids = merge_buckets(rank, learnt.encoder)
        counts = learnt.counts
        if new_ids is not None:
            counts = counts.renumber(new_ids, merged.n_ids)
        return merged, counts

    results = on_processes(n, of)
    first = results[0][0]
    assert first.n_ids == alone.n_ids
    for rank, (merged, counts) in enumerate(results):
        assert pickle.dumps(merged) == pickle.dumps(first)
        again = merged.encode(ROWS[rank::n]).to_csr().toarray()
        np.testing.assert_array_equal(counts.to_csr().toarray(), again)
        sizes = merged.encoders[1].names()
        assert sorted(sizes) == sorted(alone.encoders[1].names())
        if n > 1:
            assert sizes == first.encoders[1].names()
