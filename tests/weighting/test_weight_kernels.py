"""Counts are weighed as numpy would, in any parts, with any number of threads."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from skbag._core.bags import Bags
from skbag._core.threads import Cancelled
from skbag._training.samples import LazyBags
from skbag._weighting import weighting as module
from skbag._weighting.weight_kernels import Rows, weigh_bags
from skbag._weighting.weighting import COUNTS, ColumnShares, Weighting


def some_bags(rng, n_bags, n_ids, dtype):
    lengths = rng.integers(0, 7, size=n_bags)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    ids = rng.integers(n_ids, size=offsets[-1]).astype(np.int32)
    counts = rng.choice([1, 1, 2, 3, 200, 255], size=len(ids))
    if dtype == np.float32:
        counts = counts * rng.choice([1, 1, 0.3, 70], size=len(ids))
    return Bags(ids, offsets, counts.astype(dtype), n_ids)


def weighed_by_numpy(bag_weights, factors, weighting):
    """Weights of one bag: in float32, the norm from a sum in float64."""
    weights = bag_weights.astype(np.float32)
    if weighting.sublinear_tf:
        # The kernel has numpy's logarithms of whole numbers below 256.
        whole = (weights == np.rint(weights)) & (weights < 256)
        logarithms = np.log(weights.astype(np.float64)).astype(np.float32)
        logarithms[whole] = np.log(weights[whole])
        weights = 1 + logarithms
    if factors is not None:
        weights = weights * factors
    if weighting.norm is None:
        return weights
    total = 0.0
    for weight in weights.astype(np.float64):
        total += abs(weight) if weighting.norm == "l1" else weight * weight
    norm = np.float32(total if weighting.norm == "l1" else np.sqrt(total))
    return weights / norm if norm else weights


@st.composite
def problems(draw):
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    n_ids, n_bags = draw(st.integers(1, 9)), draw(st.integers(0, 8))
    bags = some_bags(rng, n_bags, n_ids, draw(st.sampled_from([np.uint8, np.float32])))
    weighting = Weighting(
        use_idf=True,
        sublinear_tf=draw(st.booleans()),
        norm=draw(st.sampled_from(["l1", "l2", None])),
        supervised=False,
    )
    id_weights = rng.uniform(0, 3, size=n_ids).astype(np.float32)
    return bags, weighting, id_weights if draw(st.booleans()) else None, rng


@given(problems())
@settings(deadline=None)
def test_weights_have_the_bits_of_numpy(problem):
    bags, weighting, id_weights, _ = problem
    weighted = weighting.apply(bags, id_weights)
    assert weighted.ids is bags.ids
    assert weighted.weights.dtype == np.float32
    for i in range(len(bags)):
        own = slice(*bags.offsets[i : i + 2])
        factors = None if id_weights is None else id_weights[bags.ids[own]]
        expected = weighed_by_numpy(bags.weights[own], factors, weighting)
        assert_array_equal(weighted.weights[own], expected)


@given(problems(), st.data())
@settings(deadline=None)
def test_lazy_bags_have_the_bits_of_bags_made_step_by_step(problem, data):
    bags, weighting, id_weights, rng = problem
    n_ids, n_bags = bags.n_ids, len(bags)
    lazy, eager = LazyBags(bags, n_ids), bags
    if data.draw(st.booleans(), label="shuffled"):
        rows = rng.integers(max(n_bags, 1), size=n_bags)
        lazy, eager = lazy.take(rows), eager.take(rows)
    if data.draw(st.booleans(), label="pruned"):
        new_ids = rng.permutation(n_ids).astype(np.int32)
        new_ids[rng.random(n_ids) < 0.4] = -1
        lazy = LazyBags(bags, n_ids, new_ids, rows=lazy.rows)
        eager = eager.renumber(new_ids, n_ids)
    start, stop = sorted(data.draw(st.tuples(*[st.integers(0, n_bags)] * 2)))
    expected = weighting.apply(eager.slice(start, stop), id_weights)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "ENTRIES_PER_THREAD", 1)
        for n_threads in (1, 2, 3):
            many = LazyBags(
                bags, n_ids, lazy.new_ids, rows=lazy.rows, n_threads=n_threads
            )
            made = many.weighted(weighting, id_weights).slice(start, stop)
            assert_array_equal(made.ids, expected.ids)
            assert_array_equal(made.offsets, expected.offsets)
            assert_array_equal(made.weights, expected.weights)
            assert made.n_ids == n_ids


def test_bytes_and_floats_of_a_count_weigh_the_same():
    counts = np.arange(1, 256)
    offsets, ids = np.array([0, 255]), np.arange(255, dtype=np.int32)
    weighting = Weighting(False, True, "l2", supervised=False)
    by_bytes, by_floats = (
        weighting.apply(Bags(ids, offsets, counts.astype(dtype), 255), None)
        for dtype in (np.uint8, np.float32)
    )
    assert_array_equal(by_bytes.weights, by_floats.weights)


@pytest.mark.parametrize("count", [0.5, 1.5, 256, 1e6, 3e30, 1e-30])
def test_logarithms_of_other_numbers(count):
    bags = Bags(
        np.zeros(1, np.int32), np.array([0, 1]), np.array([count], np.float32), 1
    )
    weighting = Weighting(False, True, None, supervised=False)
    assert_allclose(
        weighting.apply(bags, None).weights, [1 + np.log(np.float32(count))], rtol=1e-6
    )


def test_numbers_that_have_no_logarithm():
    counts = np.array([0, -2], dtype=np.float32)
    weighting = Weighting(False, True, None, supervised=False)
    for array in (counts, counts[:1].astype(np.uint8)):
        n = len(array)
        bags = Bags(np.zeros(n, np.int32), np.array([0, n]), array, 1)
        assert_array_equal(weighting.apply(bags, None).weights, [-np.inf, np.nan][:n])


@pytest.mark.parametrize("norm", ["l1", "l2", None])
def test_a_bag_of_norm_0_stays_as_it_is(norm):
    counts = np.array([0, -0.0, 1e-30], dtype=np.float32)
    bags = Bags(np.arange(3, dtype=np.int32), np.array([0, 2, 3, 3]), counts, 3)
    weighting = Weighting(True, False, norm, supervised=False)
    weights = weighting.apply(bags, np.ones(3, dtype=np.float32)).weights
    assert_array_equal(weights, [0, 0, 1 if norm else counts[2]])


def test_a_long_bag_in_any_order_of_rows():
    """More entries than are looked ahead at, and rows that lie apart."""
    rng = np.random.default_rng(0)
    offsets = np.array([0, 500, 500, 503, 900], dtype=np.int64)
    bags = Bags(
        rng.integers(50, size=900).astype(np.int32),
        offsets,
        rng.integers(1, 5, size=900).astype(np.uint8),
        50,
    )
    id_weights = rng.uniform(1, 2, size=50).astype(np.float32)
    weighting = Weighting(True, True, "l2", supervised=False)
    rows = np.array([3, 0, 2, 1])
    lazy = LazyBags(bags, 50).take(rows).weighted(weighting, id_weights)
    expected = weighting.apply(bags.take(rows), id_weights)
    assert_array_equal(lazy.slice(0, 4).weights, expected.weights)


def test_weights_of_nothing():
    empty = Bags(np.zeros(0, np.int32), np.zeros(3, np.int64), np.zeros(0, "u1"), 4)
    weighting = Weighting(True, True, "l2", supervised=False)
    for id_weights in (None, np.ones(4, np.float32)):
        assert len(weighting.apply(empty, id_weights)) == 2
        assert len(LazyBags(empty, 4).weighted(weighting, id_weights).slice(0, 2)) == 2
    # A table of no rows, as after a first part of a stream without tokens.
    new_ids = np.full(4, -1, dtype=np.int32)
    lazy = LazyBags(empty, 0, new_ids).weighted(weighting, np.ones(0, np.float32))
    assert len(lazy.slice(0, 2).ids) == 0


def test_counts_that_stay_are_floats():
    bags = Bags(np.zeros(1, np.int32), np.array([0, 1]), np.ones(1, np.uint8), 1)
    assert COUNTS.apply(bags, None).weights.dtype == np.float32
    weighted = COUNTS.apply(bags, None)
    assert COUNTS.apply(weighted, None) is weighted


def arrays(**changes):
    values = {
        "ids": [0, 1, 1],
        "offsets": [0, 2, 3],
        "counts": [1, 2, 3],
        "rows": [1, 0],
        "new_ids": [1, 0],
        "factors": [1.0, 2.0],
    } | changes
    dtypes = ["i4", "i8", "u1", "i8", "i4", "f4"]
    return {
        name: None if value is None else np.array(value, dtype=dtype)
        for (name, value), dtype in zip(values.items(), dtypes, strict=True)
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"ids": [0, 2, 1]},
        {"ids": [0, -1, 1]},
        {"ids": [0, 1]},
        {"offsets": [0, 2, 4]},
        {"offsets": [0, 4, 3]},
        {"offsets": [0, -1, 3]},
        {"offsets": []},
        {"counts": [1, 1]},
        {"factors": []},
    ],
)
def test_arrays_that_do_not_fit_are_refused(changes):
    given_arrays = arrays(**changes)
    rows, new_ids = given_arrays.pop("rows"), given_arrays.pop("new_ids")
    ids, offsets, counts, factors = given_arrays.values()
    weights = np.zeros(3, np.float32)
    with pytest.raises(IndexError):
        weigh_bags(ids, offsets, counts, factors, True, 2, weights)
    with pytest.raises(IndexError):
        made = Rows(ids, offsets, counts, rows, new_ids, factors, True, 2)
        out = np.zeros(3, np.int32), np.zeros(3, np.int64), np.zeros(3, np.float32)
        made.weigh(0, 2, *out, 0, bytearray(1))


@pytest.mark.parametrize("rows", [[0, 2], [-1, 0]])
@pytest.mark.parametrize("method", ["n_kept", "weigh"])
def test_rows_out_of_range_are_refused(rows, method):
    made = Rows(*arrays(rows=rows).values(), True, 2)
    out = np.zeros(3, np.int32), np.zeros(3, np.int64), np.zeros(3, np.float32)
    work = made.n_kept if method == "n_kept" else partial(_weigh, made, out)
    with pytest.raises(IndexError, match="not all among 2 bags"):
        work(0, 2, bytearray(1))
    with pytest.raises(IndexError, match="not all among 2 bags"):
        work(1, 3, bytearray(1))


def _weigh(rows, out, start, stop, cancel):
    return rows.weigh(start, stop, *out, 0, cancel)


@pytest.mark.parametrize(("n_places", "place"), [(2, 0), (3, 1), (3, -1)])
def test_results_that_do_not_fit_are_refused(n_places, place):
    made = Rows(*arrays().values(), True, 2)
    ids, weights = np.zeros(n_places, np.int32), np.zeros(n_places, np.float32)
    with pytest.raises(IndexError):
        made.weigh(0, 2, ids, np.zeros(3, np.int64), weights, place, bytearray(1))


def test_what_is_left_out_takes_no_place():
    made = Rows(*arrays(new_ids=[-1, 0]).values(), False, 0)
    assert made.n_kept(0, 2, bytearray(1)) == 2
    ids, offsets = np.full(2, 9, np.int32), np.zeros(3, np.int64)
    weights = np.zeros(2, np.float32)
    assert made.weigh(0, 2, ids, offsets, weights, 0, bytearray(1)) == 2
    assert_array_equal(ids, [0, 0])
    assert_array_equal(offsets, [0, 1, 2])
    assert_array_equal(weights, [6, 4])


def test_a_set_byte_ends_the_work():
    made = Rows(*arrays().values(), True, 2)
    with pytest.raises(Cancelled):
        made.n_kept(0, 2, bytearray([1]))
    out = np.zeros(3, np.int32), np.zeros(3, np.int64), np.zeros(3, np.float32)
    with pytest.raises(Cancelled):
        made.weigh(0, 2, *out, 0, bytearray([1]))


# -- columns of a data frame -----------------------------------------------------------


def shared_by_numpy(weights, columns, shares, norm):
    """Weights of one row: those of each column times what gives it its share of 1."""
    norms = [0.0] * len(shares)
    for column, weight in zip(columns.tolist(), weights.tolist(), strict=True):
        norms[column] += weight * weight if norm == "l2" else abs(weight)
    if norm == "l2":
        norms = [float(np.sqrt(each)) for each in norms]
    parts = [
        float(share) * (each if norm == "l2" else float(np.sqrt(each)))
        for share, each in zip(shares, norms, strict=True)
    ]
    total = sum(parts)
    factors = np.ones(len(shares), dtype=np.float32)
    for column, each in enumerate(norms):
        if each:
            part = parts[column] / total
            factors[column] = (np.sqrt(part) if norm == "l2" else part) / each
    return weights * factors[columns]


@given(problems(), st.data())
@settings(deadline=None)
def test_columns_share_the_norm_of_a_row(problem, data):
    bags, weighting, id_weights, rng = problem
    n_columns = data.draw(st.integers(1, 4), label="columns")
    columns = rng.integers(n_columns, size=bags.n_ids).astype(np.uint8)
    shares = rng.uniform(0.1, 2, size=n_columns).astype(np.float32)
    column_shares = ColumnShares(columns, shares)
    plain = Weighting(True, weighting.sublinear_tf, None, supervised=False)
    weighted = weighting.apply(bags, id_weights, column_shares)
    unscaled = plain.apply(bags, id_weights)
    for i in range(len(bags)):
        own, before = weighted.slice(i, i + 1), unscaled.slice(i, i + 1)
        expected = before.weights
        if weighting.norm is not None:
            expected = shared_by_numpy(
                before.weights, columns[before.ids], shares, weighting.norm
            )
        assert_array_equal(own.weights, expected)
    new_ids = rng.permutation(bags.n_ids).astype(np.int32)
    new_ids[rng.random(bags.n_ids) < 0.4] = -1
    rows = rng.integers(max(len(bags), 1), size=len(bags))
    eager = bags.take(rows).renumber(new_ids, bags.n_ids)
    expected = weighting.apply(eager, id_weights, column_shares)
    lazy = LazyBags(bags, bags.n_ids, new_ids, n_threads=2).take(rows)
    lazy = lazy.weighted(weighting, id_weights, column_shares)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "ENTRIES_PER_THREAD", 1)
        made = lazy.slice(0, len(rows))
    assert_array_equal(made.ids, expected.ids)
    assert_array_equal(made.weights, expected.weights)


def test_one_column_has_the_norm_of_a_text():
    bags = some_bags(np.random.default_rng(0), 20, 9, np.uint8)
    weighting = Weighting(False, True, "l2", supervised=False)
    shares = ColumnShares(np.zeros(9, np.uint8), np.ones(1, np.float32))
    made, plain = weighting.apply(bags, None, shares), weighting.apply(bags, None)
    assert_allclose(made.weights, plain.weights, rtol=1e-6)


def test_ids_without_a_column_are_refused():
    ids, offsets = np.array([0, 3], dtype=np.int32), np.array([0, 2])
    bags = Bags(ids, offsets, np.ones(2, np.float32), 4)
    weighting = Weighting(False, False, "l2", supervised=False)
    shares = ColumnShares(np.zeros(3, np.uint8), np.ones(1, np.float32))
    with pytest.raises(IndexError, match="bag 0 do not ascend, or an id is not below"):
        weighting.apply(bags, None, shares)
    with pytest.raises(IndexError, match=r"row 0 has .* an id that is not below"):
        LazyBags(bags, 4).weighted(weighting, None, shares).slice(0, 1)
    weights = np.empty(2, dtype=np.float32)
    with pytest.raises(IndexError, match="no shares of 256 columns"):
        weigh_bags(
            ids, offsets, bags.weights, None, False, 2, weights, np.zeros(4, np.uint8)
        )
