"""How several processes divide the training of one model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from skbag import EmbeddingBagClassifier
from skbag._core.bags import Bags
from skbag._core.communicator import SINGLE_PROCESS
from skbag._estimator.parameters import settings_of
from skbag._targets.classification_targets import ClassTargets, LabelTargets
from skbag._targets.label_sets import LabelSets
from skbag._training import division
from skbag._training.division import (
    Division,
    Sizes,
    division_of,
    n_exchanges,
    shards_are_alike,
    share,
)
from skbag._training.progress import Unseen
from skbag._training.samples import Samples
from skbag._training.sharding import gather_samples, gather_unseen, interleaved
from tests.conftest import examples
from tests.threads import on_processes

N_IDS = 20


def samples_of(n, seed=0, *, n_classes=3, labels=False, weighted=False, numbers=None):
    rng = np.random.default_rng(seed)
    matrix = sp.random(
        n, N_IDS, 0.3, format="csr", random_state=np.random.RandomState(seed)
    )
    codes = rng.integers(n_classes, size=n)
    targets = ClassTargets(np.arange(n_classes))
    if labels:
        codes = LabelSets.from_csr(sp.csr_array(rng.random((n, n_classes)) < 0.5))
        targets = LabelTargets(np.arange(n_classes), sparse=False)
    weight = rng.random(n) if weighted else None
    return Samples(Bags.from_csr(matrix), codes, weight, targets, weight, numbers)


def options_of(**parameters):
    return settings_of(EmbeddingBagClassifier(**parameters), is_text=False).training


def rows_of(samples):
    """Each sample in a form that can be compared."""
    X, codes = samples.X.to_csr().toarray(), samples.codes
    if isinstance(codes, LabelSets):
        codes = codes.to_csr().toarray()
    weight = np.ones(len(X)) if samples.weight is None else samples.weight
    return [
        (tuple(x), tuple(np.atleast_1d(code)), w)
        for x, code, w in zip(X.tolist(), codes.tolist(), weight.tolist(), strict=True)
    ]


# -- gathering -------------------------------------------------------------------


@given(st.lists(st.integers(0, 12), min_size=1, max_size=5))
@examples(60)
def test_any_first_samples_are_shared_among_ranks_as_all_are(sizes):
    order = interleaved(sizes)
    assert sorted(order.tolist()) == list(range(sum(sizes)))
    rank = np.repeat(np.arange(len(sizes)), sizes)[order]
    own = np.concatenate([np.arange(size) for size in sizes]).astype(int)[order]
    for r, size in enumerate(sizes):
        assert own[rank == r].tolist() == list(range(size))
        for n in range(1, sum(sizes) + 1):
            expected = n * size / sum(sizes)
            assert abs((rank[:n] == r).sum() - expected) <= len(sizes)


@pytest.mark.parametrize("labels", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_all_ranks_get_the_samples_of_all(labels, weighted):
    sizes = [5, 0, 9]
    own = [
        samples_of(n, seed, labels=labels, weighted=weighted)
        for seed, n in enumerate(sizes)
    ]
    gathered = on_processes(3, lambda rank: gather_samples(rank, own[rank.rank]))
    every = [row for each in own for row in rows_of(each)]
    wanted = [every[i] for i in interleaved(sizes)]
    for each in gathered:
        assert rows_of(each) == wanted
        assert (each.weight is None) == (not weighted)


def test_weights_of_one_rank_are_against_ones():
    own = [samples_of(4, 0, weighted=True), samples_of(4, 1)]
    each = on_processes(2, lambda rank: gather_samples(rank, own[rank.rank]))[0]
    assert each.weight[1::2].tolist() == [1] * 4
    assert each.weight[::2].tolist() == own[0].weight.tolist()


def test_visits_of_one_sample_stay_those_of_one_sample():
    own = [samples_of(4, 0, numbers=np.array([0, 1, 1, 0])), samples_of(4, 1)]
    each = on_processes(2, lambda rank: gather_samples(rank, own[rank.rank]))[1]
    assert each.numbers.tolist() == [0, 2, 1, 3, 1, 4, 0, 5]


def test_unseen_scores_keep_their_samples():
    own = [samples_of(5, 0), samples_of(9, 1)]
    rows = [np.array([0, 3]), np.array([8, 1, 2])]

    def gather(rank):
        mine, chosen = own[rank.rank], rows[rank.rank]
        # The scores are the rows themselves.
        unseen = Unseen(mine.X.to_csr().toarray()[chosen], chosen)
        return gather_samples(rank, mine), gather_unseen(rank, unseen, len(mine))

    for samples, unseen in on_processes(2, gather):
        assert len(unseen.rows) == 5
        found = samples.X.to_csr().toarray()[unseen.rows]
        np.testing.assert_array_equal(found, unseen.scores)


# -- the rule --------------------------------------------------------------------


def test_few_samples_are_trained_by_columns():
    own = [samples_of(50, seed) for seed in range(2)]

    def decide(rank):
        return share(own[rank.rank], options_of(distributed=True), rank)

    for each in on_processes(2, decide):
        assert each.gathered
        assert len(each.samples) == 100
        assert each.communicator is SINGLE_PROCESS
        assert each.options.local_steps is False


def test_one_process_has_nothing_to_divide():
    samples = samples_of(10)
    found = share(samples, options_of(), SINGLE_PROCESS)
    assert found.samples is samples
    assert not found.gathered


@pytest.mark.parametrize(
    "parameters",
    [{"embedding_dim": 4}, {"loss": "cross_entropy"}, {"dropout": 0.1}],
)
def test_what_is_not_trained_by_columns_is_trained_by_rows(parameters):
    def decide(rank):
        options = options_of(distributed=True, **parameters)
        return division_of(samples_of(20, rank.rank), options, rank)

    assert on_processes(2, decide) == [Division.ROWS] * 2


@pytest.fixture
def much_work(monkeypatch):
    """Let sending the entries take long."""
    monkeypatch.setattr(division, "GATHER_SECONDS", 1.0)


@pytest.fixture
def little_memory(monkeypatch):
    monkeypatch.setattr(division, "available_bytes", lambda: 1000)


def decisions(own, **parameters):
    def decide(rank):
        options = options_of(**{"distributed": True, **parameters})
        return division_of(own[rank.rank], options, rank)

    return on_processes(len(own), decide)


@pytest.mark.usefixtures("much_work")
def test_large_shards_that_are_alike_take_local_steps():
    own = [samples_of(2000, seed) for seed in range(2)]
    assert decisions(own) == [Division.LOCAL] * 2
    assert decisions(own, distributed="synchronous") == [Division.COLUMNS] * 2


def test_local_steps_where_the_entries_of_all_do_not_fit(little_memory):
    own = [samples_of(2000, seed) for seed in range(2)]
    assert decisions(own) == [Division.LOCAL] * 2
    few = [samples_of(200, seed) for seed in range(2)]
    assert decisions(few) == [Division.ROWS] * 2


@pytest.mark.usefixtures("much_work")
def test_shards_of_few_samples_or_other_classes_take_no_local_steps():
    small = [samples_of(2000, 0), samples_of(500, 1)]
    assert decisions(small) == [Division.COLUMNS] * 2
    many = [samples_of(2000, seed, n_classes=100) for seed in range(2)]
    assert decisions(many) == [Division.COLUMNS] * 2
    one = samples_of(2000, 1)
    skewed = [samples_of(2000, 0), replace(one, codes=np.minimum(one.codes, 1))]
    assert decisions(skewed) == [Division.COLUMNS] * 2


def test_chance_does_not_make_shards_differ():
    for seed in range(0, 40, 4):
        own = [samples_of(1000, seed + r, n_classes=30) for r in range(4)]
        assert all(
            on_processes(
                4, lambda rank, own=own: shards_are_alike(own[rank.rank], rank)
            )
        )


def test_local_steps_on_demand():
    assert (
        decisions([samples_of(10, 0), samples_of(3, 1)], distributed="local")
        == [Division.LOCAL] * 2
    )


def test_columns_for_small_data_and_local_steps_for_large():
    """Of a hundred thousand texts of two classes; and of a thousand million."""
    small = Sizes(10**6, 10**5, 10**5, 1, 8)
    assert small.seconds_by_columns < 2 * small.seconds_local
    large = Sizes(2 * 10**10, 10**9, 2**22, 1, 8)
    assert large.seconds_by_columns > 2 * large.seconds_local


@pytest.mark.parametrize(
    ("n_samples", "n_shards", "wanted"),
    [(100, 2, 4), (2**23, 2, 4), (2**30, 8, 128), (2**30, 32, 32)],
)
def test_exchanges_of_an_epoch(n_samples, n_shards, wanted):
    assert n_exchanges(n_samples, n_shards) == wanted
