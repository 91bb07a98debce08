"""Lazy bags are the bags one would make at once."""

import numpy as np
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from skbag._core.bags import Bags
from skbag._text.pruning import new_numbers
from skbag._training.samples import LazyBags
from skbag._weighting.weighting import Weighting

WEIGHTING = Weighting(use_idf=True, sublinear_tf=True, norm="l2", supervised=True)


def counts(n=9, n_ids=12):
    X = sp.random(n, n_ids, density=0.4, random_state=0, format="csr")
    X.data[:] = np.arange(1, X.nnz + 1) % 4 + 1
    return Bags.from_csr(X)


@given(st.data())
@settings(deadline=None)
def test_same_as_step_by_step(data):
    eager = counts()
    lazy = LazyBags(eager, eager.n_ids)
    if data.draw(st.booleans(), label="pruned"):
        kept = np.array([11, 3, 0, 7, 5], dtype=np.int32)
        lazy = LazyBags(eager, 5, new_numbers(kept, 12))
        eager = Bags.from_csr(sp.csr_array(eager.to_csr()[:, kept]))
    if data.draw(st.booleans(), label="weighted"):
        id_weights = np.linspace(1, 2, eager.n_ids).astype("f")
        eager = WEIGHTING.apply(eager, id_weights)
        lazy = lazy.weighted(WEIGHTING, id_weights)
    # Of some in any order, and of some of those; repeated ones too.
    for _ in range(data.draw(st.integers(0, 2), label="taken")):
        places = st.integers(0, len(eager) - 1)
        rows = np.array(data.draw(st.lists(places, min_size=1), label="rows"))
        eager, lazy = eager.take(rows), lazy.take(rows)
    start, stop = sorted(data.draw(st.tuples(*[st.integers(0, len(eager))] * 2)))
    made, expected = lazy.slice(start, stop), eager.slice(start, stop)
    assert len(lazy) == len(eager)
    assert made.n_ids == expected.n_ids
    np.testing.assert_allclose(
        made.to_csr().toarray(), expected.to_csr().toarray(), rtol=1e-6
    )


def test_taken_bags_share_the_counts():
    lazy = LazyBags(counts(), 12)
    taken = lazy.take(np.array([3, 3, 0]))
    assert taken.counts is lazy.counts
    assert len(taken) == 3
    assert taken.entries().rows.tolist() == [3, 3, 0]
    assert lazy.entries().rows.tolist() == list(range(9))
