"""Weights of entries are those of a loop over numpy numbers, to the bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skbag._weighting.weight_kernels import weigh
from tests.conftest import examples

NORMS = (0, 1, 2)


def stored_bags(seed, n=9, n_ids=12, largest=255):
    """Ids, offsets and whole counts in bytes; some bags are empty."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, n_ids, size=n) * (rng.random(n) < 0.8)
    offsets = np.append(0, np.cumsum(lengths)).astype(np.int64)
    ids = [rng.permutation(n_ids)[:length] for length in lengths]
    counts = rng.integers(1, largest + 1, size=offsets[-1]).astype(np.uint8)
    return np.concatenate(ids).astype(np.int32), offsets, counts


def naive_weigh(ids, offsets, counts, rows, new_ids, id_weights, sublinear, norm):
    found_ids, found_weights, ends = [], [], [0]
    for row in rows:
        own = slice(offsets[row], offsets[row + 1])
        bag, weights = ids[own], counts[own].astype(np.float32)
        if new_ids is not None:
            bag = new_ids[bag]
            bag, weights = bag[bag >= 0], weights[bag >= 0]
        if sublinear:
            with np.errstate(divide="ignore", invalid="ignore"):
                weights = np.float32(1) + np.log(weights)
        if id_weights is not None:
            weights = weights * id_weights[bag]
        powers = np.abs(weights.astype(np.float64)) ** norm
        # One after the other, as np.sum does not.
        length = powers.cumsum()[-1] if norm and len(powers) else 0
        length = np.float32(np.sqrt(length) if norm == 2 else length)
        found_ids.append(bag)
        found_weights.append(weights / length if length else weights)
        ends.append(ends[-1] + len(bag))
    return (
        np.concatenate([np.empty(0, np.int32), *found_ids]),
        np.array(ends),
        np.concatenate([np.empty(0, np.float32), *found_weights]),
    )


@given(st.data())
@examples(150)
def test_weights_are_those_of_a_loop(data):
    seed = data.draw(st.integers(0, 1000), label="seed")
    rng = np.random.default_rng(seed)
    ids, offsets, counts = stored_bags(seed)
    as_floats = data.draw(st.booleans(), label="as_floats")
    rows = data.draw(st.lists(st.integers(0, 8), max_size=20), label="rows")
    new_ids = id_weights = None
    n_ids = 12
    if data.draw(st.booleans(), label="renumbered"):
        n_ids = 7
        new_ids = np.full(12, -1, dtype=np.int32)
        new_ids[rng.permutation(12)[:n_ids]] = np.arange(n_ids)
    if data.draw(st.booleans(), label="weighted"):
        id_weights = rng.uniform(0.1, 3, size=n_ids).astype(np.float32)
    arguments = (
        ids,
        offsets,
        counts.astype(np.float32) if as_floats else counts,
        np.array(rows, dtype=np.int64),
        new_ids,
        id_weights,
        data.draw(st.booleans(), label="sublinear"),
        data.draw(st.sampled_from(NORMS), label="norm"),
    )
    found, expected = weigh(*arguments), naive_weigh(*arguments)
    assert [array.dtype for array in found] == [np.int32, np.int64, np.float32]
    for array, same in zip(found, expected, strict=True):
        np.testing.assert_array_equal(array, same)


@pytest.mark.parametrize("sublinear", [False, True])
def test_bytes_and_floats_of_a_count_weigh_the_same(sublinear):
    counts = np.arange(1, 256, dtype=np.uint8)
    ids, offsets = np.arange(255, dtype=np.int32), np.array([0, 255])
    of_bytes, of_floats = (
        weigh(ids, offsets, array, np.array([0]), None, None, sublinear, 0)[2]
        for array in (counts, counts.astype(np.float32))
    )
    np.testing.assert_array_equal(of_bytes, of_floats)


def test_logarithms_of_any_number():
    """Fractions and large numbers, and those that have none."""
    counts = np.array([0.25, 1.5, 255, 256, 257, 1e6, 3e38, 0, -2], dtype=np.float32)
    ids, offsets = np.arange(9, dtype=np.int32), np.array([0, 9])
    weights = weigh(ids, offsets, counts, np.array([0]), None, None, True, 0)[2]
    with np.errstate(divide="ignore", invalid="ignore"):
        np.testing.assert_allclose(weights, 1 + np.log(counts), rtol=1e-6)


@pytest.mark.parametrize("norm", NORMS)
def test_a_bag_of_norm_0_stays_as_it_is(norm):
    counts = np.array([0, -0.0, 1e-30], dtype=np.float32)
    ids, offsets = np.arange(3, dtype=np.int32), np.array([0, 2, 3, 3])
    rows = np.array([0, 1, 2])
    _, ends, weights = weigh(ids, offsets, counts, rows, None, None, False, norm)
    np.testing.assert_array_equal(weights, [0, 0, 1 if norm else counts[2]])
    np.testing.assert_array_equal(ends, offsets)


def test_no_rows_and_no_entries():
    ids, offsets, counts = stored_bags(0)
    none = np.empty(0, dtype=np.int64)
    assert [len(a) for a in weigh(ids, offsets, counts, none, None, None, True, 2)] == [
        0,
        1,
        0,
    ]
    empty = ids[:0], np.zeros(4, np.int64), counts[:0]
    _, ends, _ = weigh(*empty, np.array([2, 0, 0, 1]), None, None, True, 2)
    np.testing.assert_array_equal(ends, np.zeros(5))


def test_arrays_outlive_what_made_them():
    """Their memory is the kernel's, and is theirs from then on."""
    ids, offsets, counts = stored_bags(0)
    bags = ids, offsets, counts, np.arange(9), None, None, False, 0
    found = [weigh(*bags) for _ in range(50)]
    for made_ids, ends, weights in found:
        assert made_ids.flags.writeable
        assert weights.flags.aligned
        weights += 1
        np.testing.assert_array_equal(made_ids, ids)
        np.testing.assert_array_equal(ends, offsets)
        np.testing.assert_array_equal(weights, counts.astype(np.float32) + 1)


WRONG = {
    "a row beyond the last": {"rows": [0, 9]},
    "a row before the first": {"rows": [-1]},
    "fewer ids": {"ids": np.empty(0, np.int32), "counts": np.empty(0, np.uint8)},
    "fewer counts": {"counts": np.empty(0, np.uint8)},
    "no offsets": {"offsets": np.empty(0, np.int64)},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG)
def test_arrays_that_do_not_fit_are_refused(changes):
    ids, offsets, counts = stored_bags(0)
    bags = {"ids": ids, "offsets": offsets, "counts": counts, "rows": [0], **changes}
    bags["rows"] = np.array(bags["rows"], dtype=np.int64)
    others = {"new_ids": None, "id_weights": None, "sublinear": False, "norm": 0}
    with pytest.raises(IndexError):
        weigh(**bags, **others)
