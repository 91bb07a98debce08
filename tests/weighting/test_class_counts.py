"""Documents are counted by class as a loop would, with any number of threads."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from skbag._core.bags import Bags
from skbag._core.threads import Cancelled
from skbag._targets.label_sets import LabelSets
from skbag._training.samples import LazyBags
from skbag._weighting import class_counts as module
from skbag._weighting.class_counts import class_counts
from skbag._weighting.count_kernels import Documents, count_filled, take_filled


def some_bags(rng, n_bags, n_ids):
    """Ids unique within each bag, in any order."""
    parts = [rng.permutation(n_ids)[: rng.integers(n_ids + 1)] for _ in range(n_bags)]
    offsets = np.concatenate([[0], np.cumsum([len(part) for part in parts])])
    ids = np.concatenate([*parts, []]).astype(np.int32)
    return Bags(ids, offsets.astype(np.int64), np.ones(len(ids), np.float32), n_ids)


def some_label_sets(rng, n_samples, n_labels):
    sets = [np.flatnonzero(rng.random(n_labels) < 0.4) for _ in range(n_samples)]
    offsets = np.concatenate([[0], np.cumsum([len(labels) for labels in sets])])
    labels = np.concatenate([*sets, []])
    return LabelSets(labels.astype(np.int64), offsets.astype(np.int64), n_labels)


def counts_by_a_loop(bags, codes, n_classes, weight):
    """Sums in float64, of each pair in the order of the stored bags."""
    counts = np.zeros((bags.n_ids, n_classes))
    entries = bags.entries()
    rows = np.arange(len(bags)) if entries.rows is None else entries.rows
    # In any order where a bag is several samples: then it is that of the samples.
    numbers = np.arange(len(codes))
    if len(set(rows.tolist())) == len(rows):
        numbers = numbers[np.argsort(rows[: len(codes)], kind="stable")]
    for i in numbers:
        row = rows[i]
        for k in range(entries.offsets[row], entries.offsets[row + 1]):
            token = entries.ids[k]
            if entries.new_ids is not None:
                token = entries.new_ids[token]
            if isinstance(codes, LabelSets):
                classes = codes.labels[codes.offsets[i] : codes.offsets[i + 1]]
            else:
                classes = codes[i : i + 1]
            for code in classes if token >= 0 else []:
                counts[token, code] += 1 if weight is None else weight[i]
    return counts


@st.composite
def problems(draw):
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    n_bags, n_ids = draw(st.integers(0, 8)), draw(st.integers(1, 9))
    bags = some_bags(rng, n_bags, n_ids)
    n_classes = draw(st.sampled_from([1, 3, 70]))
    lazy = LazyBags(bags, n_ids)
    if draw(st.booleans(), label="pruned"):
        new_ids = rng.permutation(n_ids).astype(np.int32)
        new_ids[rng.random(n_ids) < 0.3] = -1
        lazy = LazyBags(bags, n_ids, new_ids)
    shuffled = draw(st.sampled_from(["no", "yes", "with repeated rows"]))
    if shuffled == "yes":
        lazy = lazy.take(rng.permutation(n_bags))
    elif shuffled != "no" and n_bags:
        lazy = lazy.take(rng.integers(n_bags, size=n_bags))
    n_samples = draw(st.integers(0, n_bags))
    codes = rng.integers(n_classes, size=n_samples)
    if draw(st.booleans(), label="label sets"):
        codes = some_label_sets(rng, n_samples, n_classes)
    weight = rng.uniform(0, 2, size=n_samples) * rng.integers(2, size=n_samples)
    return lazy, codes, n_classes, weight if draw(st.booleans()) else None


@pytest.fixture(params=["in a table", "id by id"], scope="module")
def way_of_counting(request):
    with pytest.MonkeyPatch.context() as patch:
        cells = 2**20 if request.param == "in a table" else 0
        patch.setattr(module, "CELLS_PER_ENTRY", cells)
        patch.setattr(module, "ENTRIES_PER_THREAD", 1)
        yield


@pytest.mark.usefixtures("way_of_counting")
@given(problems(), st.integers(1, 3))
@settings(deadline=None, max_examples=60)
def test_counts_have_the_bits_of_a_loop(problem, n_threads):
    bags, codes, n_classes, weight = problem
    counts = class_counts(bags, codes, n_classes, weight, n_threads)
    assert counts.shape == (bags.n_ids, n_classes)
    assert_array_equal(
        counts.toarray(), counts_by_a_loop(bags, codes, n_classes, weight)
    )
    for i in range(bags.n_ids):
        columns = counts.indices[counts.indptr[i] : counts.indptr[i + 1]]
        assert (np.diff(columns) > 0).all()


@pytest.mark.parametrize("n_classes", [2, 90, 2000])
@pytest.mark.parametrize("weighted", [False, True])
def test_many_entries_and_threads(n_classes, weighted, monkeypatch):
    """More than a block of each kind, and classes that are sorted in each way."""
    monkeypatch.setattr(module, "ENTRIES_PER_THREAD", 1)
    rng = np.random.default_rng(0)
    bags = some_bags(rng, 400, 30)
    codes = rng.integers(n_classes, size=400)
    weight = rng.uniform(0.5, 2, size=400) if weighted else None
    expected = counts_by_a_loop(LazyBags(bags, 30), codes, n_classes, weight)
    for n_threads in (1, 2, 3, 7):
        counts = class_counts(bags, codes, n_classes, weight, n_threads)
        assert_array_equal(counts.toarray(), expected)


@pytest.mark.parametrize("n_classes", [64, 65, 900, 5000])
@pytest.mark.parametrize("n_touched", [16, 17, 64, 65, 66, 300])
@pytest.mark.usefixtures("way_of_counting")
def test_a_token_of_many_classes(n_touched, n_classes):
    """Few of many, sorted by insertion or by a heap, or most of them."""
    rng = np.random.default_rng(n_touched)
    codes = rng.integers(n_classes, size=3 * n_touched)
    codes[:n_touched] = np.arange(n_touched)[::-1] * (n_classes // n_touched)
    codes %= n_classes
    ones = np.ones(len(codes), dtype=np.float32)
    bags = Bags(np.zeros(len(codes), np.int32), np.arange(len(codes) + 1), ones, 1)
    counts = class_counts(bags, codes, n_classes)
    assert_array_equal(counts.indices, np.unique(codes))
    assert_array_equal(counts.toarray()[0], np.bincount(codes, minlength=n_classes))


@pytest.mark.usefixtures("way_of_counting")
def test_samples_of_weight_0_are_not_counted():
    """Thousands of them, of which each once took memory that was not asked for."""
    codes, weights = np.zeros(5000, dtype=np.int64), np.zeros(5000)
    weights[[7, 9]], codes[9] = 0.5, 1
    ones = np.ones(5000, dtype=np.float32)
    bags = Bags(np.zeros(5000, np.int32), np.arange(5001), ones, 1)
    counts = class_counts(bags, codes, 3, weights)
    assert_array_equal(counts.data, [0.5, 0.5])


ARRAYS = {
    "ids": [0, 1, 1],
    "offsets": [0, 2, 3],
    "new_ids": [1, -1],
    "samples": [0, 1],
    "class_offsets": None,
    "classes": [0, 2],
    "weights": [1.0, 1.0],
    "n_ids": 2,
    "n_classes": 3,
}
DTYPES = ["i4", "i8", "i4", "i4", "i8", "i8", "f8", None, None]


def documents(**changes):
    values = (ARRAYS | changes).values()
    arguments = [
        value if value is None or dtype is None else np.array(value, dtype=dtype)
        for value, dtype in zip(values, DTYPES, strict=True)
    ]
    return Documents(*arguments)


@pytest.mark.parametrize(
    "changes",
    [
        {"offsets": [0, 2]},
        {"offsets": [0, 2, 4]},
        {"offsets": [0, 3, 2]},
        {"offsets": [-1, 2, 3]},
        {"samples": [0, 2]},
        {"classes": [0, 3]},
        {"classes": [0, -1]},
        {"classes": [0]},
        {"weights": [1.0]},
        {"class_offsets": [0, 1, 3]},
        {"class_offsets": [0, 2, 1]},
        {"class_offsets": [0, 2]},
        {"n_ids": 2**31},
    ],
)
def test_arrays_that_do_not_fit_are_refused(changes):
    with pytest.raises(IndexError, match="do not fit each other"):
        documents(**changes)


@pytest.mark.parametrize(
    "changes",
    [{"ids": [0, 2, 1]}, {"ids": [0, -1, 1]}, {"new_ids": [2, 0]}, {"new_ids": []}],
)
@pytest.mark.parametrize("method", ["tabulate", "count_entries", "place"])
def test_ids_out_of_range_are_refused(changes, method):
    out = {
        "tabulate": [np.zeros((2, 3), dtype=np.int32)],
        "count_entries": [np.zeros(2, dtype=np.int32)],
        "place": [np.zeros(2, dtype=np.int64), np.zeros(9, dtype=np.int32)],
    }[method]
    with pytest.raises(IndexError, match="not below the number of ids"):
        getattr(documents(**changes), method)(*out, 0, 2, bytearray(1))


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("tabulate", [np.zeros((2, 2), dtype=np.int32), 0, 2]),
        ("tabulate", [np.zeros((2, 3), dtype=np.int32), 0, 3]),
        ("tabulate", [np.zeros((2, 3), dtype=np.int32), -1, 2]),
        ("count_entries", [np.zeros(1, dtype=np.int32), 0, 2]),
        ("place", [np.zeros(3, dtype=np.int64), np.zeros(3, dtype=np.int32), 0, 2]),
        ("place", [np.zeros(2, dtype=np.int64), np.zeros(0, dtype=np.int32), 0, 2]),
        ("place", [-np.ones(2, dtype=np.int64), np.zeros(3, dtype=np.int32), 0, 2]),
    ],
)
def test_results_that_do_not_fit_are_refused(method, arguments):
    with pytest.raises(IndexError):
        getattr(documents(), method)(*arguments, bytearray(1))


def test_a_set_byte_ends_the_work():
    table = np.zeros((2, 3), dtype=np.int32)
    with pytest.raises(Cancelled):
        documents().tabulate(table, 0, 2, bytearray([1]))
    assert not table.any()


@given(st.lists(st.lists(st.integers(-1, 1), min_size=3, max_size=3)))
@settings(deadline=None)
def test_numbers_of_a_table_that_are_not_0(rows):
    table = np.array(rows, dtype=np.int32).reshape(-1, 3)
    indptr = np.zeros(len(table) + 1, dtype=np.int64)
    count_filled(table, indptr[1:])
    assert_array_equal(indptr[1:], np.count_nonzero(table, axis=1))
    np.cumsum(indptr, out=indptr)
    indices = np.empty(indptr[-1], dtype=np.int32)
    values = np.empty(indptr[-1])
    take_filled(table, indptr, indices, values)
    row, column = np.nonzero(table)
    assert_array_equal(indices, column)
    assert_array_equal(values, table[row, column])
