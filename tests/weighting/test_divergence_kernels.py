"""Divergences are those of the formulas, pair by pair, of any part of the tokens."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import rel_entr

from skbag._weighting.divergence_kernels import (
    add_label_divergences,
    class_divergences,
)

STRENGTH = 3.0


def some_counts(seed, *, weighted):
    """Counts of classes, many of them the same, and prior shares, some of them 0."""
    rng = np.random.default_rng(seed)
    counts = rng.choice([0, 0, 1, 1, 2, 5], size=(rng.integers(8), 4)).astype(float)
    if weighted:
        counts *= rng.uniform(0.5, 2, size=counts.shape)
    prior = rng.choice([0.0, 0.1, 0.4, 1.0], size=4)
    counts[:, prior == 0] = 0
    return counts, prior, counts.sum(axis=1)


def arrays(counts):
    X = sp.csr_array(counts)
    return X.indptr.astype(np.int64), X.indices.astype(np.int32), X.data


@given(st.integers(0, 10_000), st.booleans())
@settings(deadline=None)
def test_classes(seed, weighted):
    counts, prior, _ = some_counts(seed, weighted=weighted)
    prior[0] += 1
    prior /= prior.sum()
    df = counts.sum(axis=1)
    found = np.full(len(df), -1.0)
    middle = len(df) // 2
    for start, stop in ((0, middle), (middle, len(df))):
        class_divergences(*arrays(counts), df, prior, STRENGTH, start, stop, found)
    q = (counts + STRENGTH * prior) / (df + STRENGTH)[:, np.newaxis]
    np.testing.assert_allclose(found, rel_entr(q, prior).sum(axis=1), atol=1e-12)


@given(st.integers(0, 10_000), st.booleans())
@settings(deadline=None)
def test_labels(seed, weighted):
    counts, prior, df = some_counts(seed, weighted=weighted)
    # A count may come out a rounding error above the number of documents.
    df = np.maximum(df / 2, counts.max(axis=1, initial=0) * (1 - 1e-15))
    found = np.ones(len(df))
    add_label_divergences(*arrays(counts), df, prior, STRENGTH, 0, len(df), found)
    expected = np.ones(len(df))
    for token, label in zip(*np.nonzero(counts), strict=True):
        p, total = prior[label], df[token] + STRENGTH
        for count, sign in ((counts[token, label], 1), (0, -1)):
            q = np.clip((count + STRENGTH * p) / total, 0, 1)
            if p < 1:
                change = rel_entr(q, p) + rel_entr(1 - q, 1 - p)
                expected[token] += sign * change
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize(
    "changes",
    [
        {"indptr": [0, 1]},
        {"indptr": [0, 2, 1]},
        {"indptr": [-1, 1, 2]},
        {"indptr": [0, 1, 3]},
        {"classes": [0, 2]},
        {"classes": [-1, 0]},
        {"classes": [0]},
        {"counts": [1.0]},
        {"df": [1.0]},
        {"divergence": [0.0]},
        {"start": -1},
        {"start": 2, "stop": 1},
        {"stop": 3},
    ],
)
@pytest.mark.parametrize("kernel", [class_divergences, add_label_divergences])
def test_arrays_that_do_not_fit_are_refused(kernel, changes):
    values = {
        "indptr": [0, 1, 2],
        "classes": [0, 1],
        "counts": [1.0, 1.0],
        "df": [1.0, 1.0],
        "prior": [0.5, 0.5],
        "strength": STRENGTH,
        "start": 0,
        "stop": 2,
        "divergence": [0.0, 0.0],
    } | changes
    dtypes = {"indptr": np.int64, "classes": np.int32}
    arguments = [
        np.array(value, dtype=dtypes.get(name, np.float64))
        if isinstance(value, list)
        else value
        for name, value in values.items()
    ]
    with pytest.raises(IndexError, match="do not fit each other"):
        kernel(*arguments)
