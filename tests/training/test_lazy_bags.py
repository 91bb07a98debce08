"""Lazy bags are the bags one would make at once."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from skbag._core.bags import Bags
from skbag._text.pruning import new_numbers
from skbag._training import fit
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


@pytest.mark.parametrize("min_df", [1, "auto", 2])
def test_fitting_and_predicting_weigh_a_text_alike(
    min_df, corpus, make_classifier, monkeypatch
):
    """The same bits, though a bag's entries are in another order."""
    seen = []

    def spy(*arguments, original=fit.prepare):
        seen.append(original(*arguments))
        return seen[-1]

    monkeypatch.setattr(fit, "prepare", spy)
    clf = make_classifier(min_df=min_df, shuffle=False).fit(*corpus)
    (prepared,) = seen
    fitted = prepared.samples.X.slice(0, len(corpus.texts))
    predicted = clf._model.featurizer.weigh(list(corpus.texts))
    assert_array_equal(fitted.offsets, predicted.offsets)
    assert_array_equal(fitted.to_csr().toarray(), predicted.to_csr().toarray())
    one = clf._model.featurizer.weigh([corpus.texts[7]])
    assert_array_equal(one.weights, predicted.slice(7, 8).weights)


def test_taken_bags_share_the_counts():
    lazy = LazyBags(counts(), 12)
    taken = lazy.take(np.array([3, 3, 0]))
    assert taken.counts is lazy.counts
    assert len(taken) == 3
    assert taken.entries().rows.tolist() == [3, 3, 0]
    assert lazy.entries().rows is None
