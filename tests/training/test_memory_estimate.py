"""A fit that memory cannot hold is refused, with what to do; others are not."""

from __future__ import annotations

import pickle
import re
import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal

# Not to be loaded while allocations are traced.
from skbag._training import fit as fit_module  # noqa: F401
from skbag._training import memory_estimate
from skbag._training.footprint import footprint

GIB = 2**30


@pytest.fixture
def room(monkeypatch):
    """Return a function that sets how many bytes there are."""

    def set_room(n_bytes):
        monkeypatch.setattr(memory_estimate, "SMALL", 0)
        monkeypatch.setattr(memory_estimate, "available_bytes", lambda: n_bytes)

    return set_room


def wide(n_columns):
    X = sp.csr_array((np.ones(10, "f"), np.arange(10), np.arange(11)), (10, n_columns))
    return X, [0, 1, 2, 0, 1, 2, 0, 1, 2, 0]


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("supervised_weighting", ["auto", True])
def test_widest_matrix_is_refused_without_allocating(
    method, supervised_weighting, make_classifier, room
):
    room(16 * GIB)
    X, y = wide(2**31 - 1)
    clf = make_classifier(supervised_weighting=supervised_weighting)
    arguments = {"classes": [0, 1, 2]} if method == "partial_fit" else {}
    tracemalloc.start()
    try:
        with pytest.raises(
            MemoryError, match=r"fewer columns in X \(now 2,147,483,647"
        ):
            getattr(clf, method)(X, y, **arguments)
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()
    assert vars(clf) == clf.get_params()


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("warm_start", [False, True])
def test_refusal_leaves_the_estimator_as_it_was(
    method, warm_start, corpus, new_corpus, make_classifier, room
):
    clf = make_classifier(warm_start=warm_start).fit(*corpus)
    before = pickle.dumps(clf)
    room(1000)
    with pytest.raises(MemoryError, match="but 1 MiB are available"):
        getattr(clf, method)(*new_corpus)
    assert pickle.dumps(clf) == before
    room(GIB)
    getattr(clf, method)(*new_corpus)


@pytest.mark.parametrize(
    ("parameters", "named", "not_named"),
    [
        ({}, ["min_df (now 'auto')", "max_features (now None)", "ngram_range"], []),
        ({}, ["short_text_features=False"], ["columns", "dropout", "early_stopping"]),
        ({"short_text_features": False}, ["min_df"], ["short_text_features"]),
        ({"embedding_dim": 10**6}, ["a smaller embedding_dim (now 1,000,000)"], []),
        ({"ngram_range": (1, 1)}, ["min_df"], ["ngram_range"]),
        ({"vocabulary": ["sail"]}, [], ["min_df", "max_features"]),
        ({"early_stopping": True}, ["early_stopping=False"], []),
    ],
)
def test_refusal_names_what_applies(
    parameters, named, not_named, corpus, make_classifier, room, monkeypatch
):
    # Tables so dear that all else is next to nothing.
    monkeypatch.setattr(memory_estimate, "footprint", _all_table)
    room(1)
    with pytest.raises(MemoryError, match="To bring it down: ") as refusal:
        make_classifier(**parameters).fit(*corpus)
    remedies = str(refusal.value).split("To bring it down: ")[1]
    assert all(name in remedies for name in named)
    assert not any(name in remedies for name in not_named)


def _all_table(size):
    needed = footprint(size)
    changed = {"table": 10**12, "total": 2 * 10**12}
    return type(needed)(**{**vars(needed), **changed})


def test_many_classes_are_told_of_embedding_dim(make_classifier, room):
    texts = [f"a{i} b{i}" for i in range(400)]
    room(1000)
    with pytest.raises(MemoryError, match=r"embedding_dim=64 \(.* each of 200 classes"):
        make_classifier().fit(texts, [i % 200 for i in range(400)])


def test_features_of_earlier_fits_cannot_be_pruned(corpus, make_classifier, room):
    clf = make_classifier(embedding_dim=1000).fit(*corpus)
    room(1000)
    with pytest.raises(MemoryError, match="a smaller embedding_dim") as refusal:
        clf.partial_fit(*corpus)
    assert "min_df" not in str(refusal.value)


def test_many_samples_are_to_come_in_parts(make_classifier, room):
    texts = [f"one two three {i % 7}" for i in range(30_000)]
    room(1000)
    with pytest.raises(
        MemoryError, match="smaller parts of the samples, in partial_fit"
    ):
        make_classifier().fit(texts, [i % 2 for i in range(30_000)])


def test_large_layers_and_batches_are_named(corpus, make_classifier, room):
    parameters = {"embedding_dim": 9, "hidden_layer_sizes": (10**7,), "batch_size": 99}
    room(GIB)
    message = r"smaller batch_size \(now 99\); smaller hidden_layer_sizes"
    with pytest.raises(MemoryError, match=message):
        make_classifier(**parameters).fit(*corpus)


def test_bounds_alone_do_not_refuse(corpus, make_classifier, room, monkeypatch):
    """What a bound would refuse, the entries themselves may allow."""
    sizes = []

    def spy(task, *, exactly=False, original=memory_estimate.fit_size):
        sizes.append(original(task, exactly=exactly))
        return sizes[-1]

    monkeypatch.setattr(memory_estimate, "fit_size", spy)
    room(1)
    with pytest.raises(MemoryError, match="To fit 120 samples"):
        make_classifier().fit(*corpus)
    bound, exact = sizes
    assert footprint(exact).total < footprint(bound).total
    room(footprint(exact).total)
    make_classifier().fit(*corpus)
    assert len(sizes) == 4


def test_exact_sizes_are_those_of_the_samples(make_classifier, room, monkeypatch):
    """One batch, each feature in its own class: nothing is left to chance."""
    sizes = []

    def spy(size):
        sizes.append(size)
        return footprint(size)

    monkeypatch.setattr(memory_estimate, "footprint", spy)
    room(1)
    with pytest.raises(MemoryError, match="To fit 6 samples"):
        make_classifier(min_df=1, max_df=2, ngram_range=(1, 1), batch_size=6).fit(
            ["a b every", "c every", "d every"] * 2, [0, 1, 2] * 2
        )
    size = sizes[-1]
    assert size.n_ids < 4 * 10
    assert size.n_entries == 2 * size.n_ids
    assert size.n_batch_rows == size.n_ids


def test_small_fits_ask_nobody(corpus, make_classifier, monkeypatch):
    def fail():
        raise AssertionError("asked")

    monkeypatch.setattr(memory_estimate, "available_bytes", fail)
    make_classifier().fit(*corpus)


def test_unknown_memory_is_no_guard(corpus, make_classifier, room):
    room(None)
    make_classifier().fit(*corpus)


def test_prediction_is_not_guarded(corpus, make_classifier, room):
    clf = make_classifier().fit(*corpus)
    expected = clf.predict(corpus.texts)
    room(0)
    assert_array_equal(clf.predict(corpus.texts), expected)


def sizes_of(monkeypatch, room, fit):
    """Sizes by bounds, and by entries, of a fit that is refused."""
    sizes = []

    def spy(size):
        sizes.append(size)
        return footprint(size)

    monkeypatch.setattr(memory_estimate, "footprint", spy)
    room(1)
    with pytest.raises(MemoryError, match="To fit"):
        fit()
    return sizes


def test_labels_are_counted(make_classifier, room, monkeypatch):
    """A text that has two labels is counted with each of them."""
    texts = ["a", "b", "c"] * 4
    y = np.tile([[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]], (4, 1))
    clf = make_classifier(min_df=1, ngram_range=(1, 1), short_text_features=False)
    bound, exact = sizes_of(monkeypatch, room, lambda: clf.fit(texts, y))
    for size in (bound, exact):
        assert size.n_labels == 12
        assert size.n_classes == size.n_outputs == size.width == 4
        assert 3 <= size.n_pairs <= 12


def test_clusters_are_counted(many_corpus, make_classifier, room, monkeypatch):
    """Few scores in training, and more rows than there are classes."""
    clf = make_classifier(loss="adaptive_softmax", embedding_dim=4)
    size = sizes_of(monkeypatch, room, lambda: clf.fit(*many_corpus))[-1]
    assert size.n_head == 4 * (500 + 19)
    assert (size.width, size.n_outputs) == (4, 500)
    clf.set_params(alpha=0.0, max_iter=2)
    size = sizes_of(monkeypatch, room, lambda: clf.fit(*many_corpus))[-1]
    assert size.n_outputs == 63 + 19 + 23


def test_words_of_the_refusal(make_classifier, room):
    room(16 * GIB)
    message = re.escape(
        "To fit 10 samples takes about 56.0 GiB of memory, but 16.0 GiB are available. "
        "The table of 2,147,483,647 rows and 3 columns takes 24.0 GiB, 2 times at the "
        "peak; the batches take 1 MiB, counts by class 0 MiB, scores 1 MiB. To bring "
        "it down: fewer columns in X (now 2,147,483,647): select some, or hash them "
        "into fewer."
    )
    with pytest.raises(MemoryError, match=message):
        make_classifier().fit(*wide(2**31 - 1))


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_too_many_buckets_are_refused_before_one_is_made(
    method, monkeypatch, corpus, make_classifier
):
    """It took 12 seconds and 2 GB, or numpy's words, to refuse them."""

    def fail(*arguments):
        raise AssertionError("an encoder was made")

    monkeypatch.setattr(memory_estimate, "available_bytes", lambda: 2**30)
    monkeypatch.setattr("skbag._training.feature_learning.learn_features", fail)
    clf = make_classifier(n_buckets=2**31 - 1)
    more = {"classes": sorted(set(corpus.labels))} if method != "fit" else {}
    words = r"n_buckets=2,147,483,647 with 3 columns takes about .* n_buckets=2\*\*20"
    with pytest.raises(MemoryError, match=words):
        getattr(clf, method)(*corpus, **more)


@pytest.mark.parametrize(
    ("parameters", "by_columns", "bytes_per_entry"),
    [
        ({}, True, 8),
        ({"device": "cuda"}, False, 16),
        ({"loss": "cross_entropy"}, False, 16),
        ({"embedding_dim": 4}, False, 16),
        ({"dropout": 0.1}, False, 24),
    ],
    ids=str,
)
def test_columns_need_no_transposed_batches(
    parameters, by_columns, bytes_per_entry, corpus, make_classifier, room, monkeypatch
):
    clf = make_classifier(**parameters)
    for size in sizes_of(monkeypatch, room, lambda: clf.fit(*corpus)):
        assert size.by_columns == by_columns
        assert size.bytes_per_entry == bytes_per_entry


@pytest.mark.parametrize("loss", ["squared_hinge", "cross_entropy"])
def test_what_two_classes_start_from_is_counted(
    loss, corpus, make_classifier, room, monkeypatch
):
    y, clf = [label == "sea" for label in corpus.labels], make_classifier(loss=loss)
    size = sizes_of(monkeypatch, room, lambda: clf.fit(corpus.texts, y))[-1]
    assert (size.width, size.n_tables) == (1, 3 if loss == "squared_hinge" else 2)


def test_visits_of_heavy_samples_are_counted(
    corpus, make_classifier, room, monkeypatch
):
    weight = np.ones(len(corpus.texts))
    weight[0] = 1e4
    clf = make_classifier()
    sizes = sizes_of(monkeypatch, room, lambda: clf.fit(*corpus, sample_weight=weight))
    # Steps carry a little more than a weight of 1.
    assert 1.8 < sizes[-1].visits < 2
