"""Bags side by side: the entries of each part, row by row."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skbag._core.bags import Bags
from skbag._core.join_kernels import put_entries


@given(st.integers(0, 1000))
def test_bags_side_by_side(seed):
    """The naive twin puts entries one after the other, row by row."""
    rng = np.random.default_rng(seed)
    n_bags, parts = int(rng.integers(5)), []
    for _ in range(int(rng.integers(1, 4))):
        offsets = np.append(0, rng.integers(4, size=n_bags).cumsum()).astype(np.int64)
        ids = rng.integers(5, size=offsets[-1]).astype(np.int32)
        weights = rng.integers(1, 9, size=len(ids)).astype(
            rng.choice([np.uint8, np.float32])
        )
        parts.append(Bags(ids, offsets, weights, 5))
    new_ids = [rng.integers(20, size=5).astype(np.int32) for _ in parts]
    joined = Bags.side_by_side(parts, new_ids, 20)
    rows = [
        [
            (int(new[id_]), float(weight))
            for part, new in zip(parts, new_ids, strict=True)
            for id_, weight in zip(
                *(part.slice(i, i + 1).ids, part.slice(i, i + 1).weights), strict=True
            )
        ]
        for i in range(n_bags)
    ]
    assert len(joined) == n_bags
    for i, row in enumerate(rows):
        own = joined.slice(i, i + 1)
        assert (
            list(zip(own.ids.tolist(), own.weights.astype(float), strict=True)) == row
        )
    all_bytes = all(part.weights.dtype == np.uint8 for part in parts)
    assert joined.weights.dtype == (np.uint8 if all_bytes else np.float32)


def arrays(**changed):
    own = {
        "ids": np.array([0, 1, 1], dtype=np.int32),
        "offsets": np.array([0, 2, 3]),
        "weights": np.ones(3, dtype=np.float32),
        "new_ids": np.array([4, 5], dtype=np.int32),
        "places": np.array([0, 3]),
        "out_ids": np.zeros(4, dtype=np.int32),
        "out_weights": np.zeros(4, dtype=np.float32),
    }
    return {**own, **{name: np.array(value) for name, value in changed.items()}}


def test_entries_go_to_their_places():
    given_arrays = arrays()
    put_entries(*given_arrays.values())
    assert given_arrays["out_ids"].tolist() == [4, 5, 0, 5]
    assert given_arrays["out_weights"].tolist() == [1, 1, 0, 1]
    assert given_arrays["places"].tolist() == [2, 4]


@pytest.mark.parametrize(
    "changed",
    [
        {"offsets": [0, 4, 3]},
        {"offsets": [0, 2, 1]},
        {"offsets": [0, 2, 9]},
        {"offsets": [-1, 2, 3]},
        {"offsets": [0, 3]},
        {"places": [0, 4]},
        {"places": [-1, 0]},
        {"ids": np.array([0, 2, 1], dtype=np.int32)},
        {"ids": np.array([0, -1, 1], dtype=np.int32)},
        {"weights": np.ones(2, dtype=np.float32)},
        {"out_weights": np.ones(3, dtype=np.float32)},
    ],
)
def test_arrays_that_do_not_fit_are_refused(changed):
    words = r"do not fit each other|^bag \d has offsets"
    with pytest.raises(IndexError, match=words):
        put_entries(*arrays(**changed).values())
