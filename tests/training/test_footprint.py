"""What a fit takes grows with all that it is made of."""

from dataclasses import replace

import pytest

from skbag._training.footprint import FitSize, footprint

SIZE = FitSize(
    n_samples=1000,
    n_entries=10**5,
    n_ids=10**4,
    n_classes=10,
    n_pairs=5 * 10**4,
    n_batch_rows=5 * 10**4,
    width=10,
    n_outputs=10,
    batch_size=128,
    n_progressive=100,
    n_head=0,
    n_tables=2,
    bytes_per_entry=16,
    n_labels=10,
)


@pytest.mark.parametrize(
    "field",
    [
        "n_entries",
        "n_ids",
        "n_pairs",
        "n_batch_rows",
        "width",
        "n_tables",
        "n_progressive",
        "n_labels",
    ],
)
def test_more_of_anything_never_takes_less(field):
    more = FitSize(**{**vars(SIZE), field: 1000 * getattr(SIZE, field)})
    assert footprint(more).total > footprint(SIZE).total


@pytest.mark.parametrize("field", ["n_entries", "n_ids", "width", "n_tables"])
def test_columns_take_no_more_than_batches(field):
    by_columns = replace(SIZE, by_columns=True, bytes_per_entry=8)
    assert footprint(by_columns).total < footprint(SIZE).total
    more = replace(by_columns, **{field: 1000 * getattr(SIZE, field)})
    assert footprint(more).total > footprint(by_columns).total


@pytest.mark.parametrize("by_columns", [True, False])
def test_numbers_are_entries_too(by_columns):
    size = replace(SIZE, by_columns=by_columns)
    few, many = (replace(size, n_numbers=n) for n in (1, 101))
    more = footprint(many).batches - footprint(few).batches
    assert more == SIZE.n_samples * 100 * (24 if by_columns else 8)
    assert footprint(few).batches > footprint(size).batches


def test_columns_to_fill_up_are_counted():
    size = replace(SIZE, by_columns=True, n_ids=10**6)
    wider = replace(size, width=16)
    difference = footprint(wider).total - footprint(size).total
    # Exported as they are; trained as 16 in any case.
    assert difference == pytest.approx(4 * 10**6 * 6, rel=0.01)


def test_samples_visited_twice_take_twice_the_batches():
    once, twice = footprint(SIZE), footprint(replace(SIZE, visits=2.0))
    assert twice.batches - once.batches == (
        SIZE.bytes_per_entry * SIZE.n_entries + 24 * SIZE.n_samples + 16 * SIZE.n_labels
    )
