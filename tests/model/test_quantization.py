"""A table in few bits: its products are exactly those of its decoded rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_np
from numpy.testing import assert_array_equal

from skbag._core.bags import Bags
from skbag._model import quantization
from skbag._model.quantization import BITS, QuantizedTable
from skbag._persistence.fields import table_from_state, table_state
from tests.conftest import rotating

WIDTHS = [1, 2, 3, 7, 20, 53]
all_bits = pytest.mark.parametrize("bits", BITS)
bits_and_widths = rotating(bits=BITS, width=WIDTHS)


def some_rows(width, n_rows=60, seed=0):
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((n_rows, width)) ** 3 * rng.lognormal(0, 2, (n_rows, 1))
    rows[5] = 0
    rows[6] = np.abs(rows[6])
    rows[7] = -np.abs(rows[7])
    return rows.astype(np.float32)


def some_bags(n_bags, n_ids, seed=1):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, 12, n_bags)
    ids = [np.sort(rng.choice(n_ids, n, replace=False)) for n in lengths]
    return Bags(
        np.concatenate([*ids, np.empty(0)]).astype(np.int32),
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        rng.random(lengths.sum()).astype(np.float32),
        n_ids,
    )


def decoded(table):
    return table.rows(np.arange(len(table.codes)))


@rotating(bits=BITS, width=WIDTHS, n_bags=[1, 2, 40])
def test_a_product_is_bit_for_bit_that_of_the_decoded_rows(bits, width, n_bags):
    table = QuantizedTable.of(some_rows(width), bits)
    bags = some_bags(n_bags, 60)
    assert_array_equal(table.matmul(bags), bags.matmul(decoded(table)), strict=True)


@all_bits
@pytest.mark.parametrize("n_bags", [1, 40])
def test_wide_rows_are_decoded_a_few_columns_at_a_time(bits, n_bags, monkeypatch):
    monkeypatch.setattr(quantization, "_NUMBERS_AT_ONCE", 1)
    table = QuantizedTable.of(some_rows(53), bits)
    bags = some_bags(n_bags, 60)
    assert_array_equal(table.matmul(bags), bags.matmul(decoded(table)), strict=True)


@all_bits
def test_ids_without_a_row_count_nothing(bits):
    rows, columns = some_rows(5), np.arange(3, 180, 3, dtype=np.int32)
    table = QuantizedTable.of(rows[: len(columns)], bits, columns, 200)
    assert table.shape == (200, 5) and len(table) == 200
    whole = np.zeros((200, 5), dtype=np.float32)
    whole[columns] = decoded(table)
    bags = some_bags(40, 200)
    assert_array_equal(table.matmul(bags), bags.matmul(whole), strict=True)
    one = bags.slice(0, 1)
    assert_array_equal(table.matmul(one), one.matmul(whole), strict=True)


@given(st.data())
def test_a_decoded_number_is_off_by_half_a_step_at_most(data):
    bits = data.draw(st.sampled_from(BITS))
    shape = data.draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    numbers = st.floats(-1e6, 1e6, width=32)
    rows = data.draw(st_np.arrays(np.float32, shape, elements=numbers))
    table = QuantizedTable.of(rows, bits)
    error = np.abs(decoded(table).astype(float) - rows)
    # Spans too small to matter beside the largest are taken for none.
    negligible = 1e-11 * np.abs(rows).max()
    assert (error.max(axis=1) <= table.error_bound + negligible).all()


@bits_and_widths
def test_the_step_is_hardly_more_than_a_row_needs(bits, width):
    rows = some_rows(width)
    table = QuantizedTable.of(rows, bits)
    axis = None if width == 1 else 1
    needed = np.maximum(rows.max(axis), 0) - np.minimum(rows.min(axis), 0)
    steps = np.log(table.spans.max() / table.spans[table.spans > 0].min())
    assert (table.spans <= needed * 256 / 255 * np.exp(steps / 200) * 1.01).all()


@bits_and_widths
def test_products_are_within_the_rounding_of_their_rows(bits, width):
    rows, bags = some_rows(width), some_bags(40, 60)
    table = QuantizedTable.of(rows, bits)
    bound = np.broadcast_to(table.error_bound[:, np.newaxis], rows.shape)
    allowed = bags.to_csr() @ bound + 1e-4 * (bags.to_csr() @ np.abs(rows))
    exact = bags.to_csr().astype(float) @ rows.astype(float)
    assert (np.abs(table.matmul(bags) - exact) <= allowed).all()


@bits_and_widths
def test_codes_take_the_bits_they_say(bits, width):
    table = QuantizedTable.of(some_rows(width), bits)
    assert table.codes.nbytes == 60 * -(-width * bits // 8)
    assert table.spans.shape == table.zeros.shape == (1 if width == 1 else 60,)


@all_bits
def test_rows_of_zeros_and_no_rows(bits):
    zeros = np.zeros((4, 3), dtype=np.float32)
    assert_array_equal(decoded(QuantizedTable.of(zeros, bits)), zeros)
    for shape in ((0, 3), (0, 1)):
        empty = QuantizedTable.of(np.zeros(shape, dtype=np.float32), bits)
        bags = Bags(np.empty(0, np.int32), np.zeros(3, np.int64), np.empty(0), 0)
        assert_array_equal(empty.matmul(bags), np.zeros((2, shape[1])))


@bits_and_widths
def test_a_table_comes_back_from_its_state(bits, width):
    columns = np.arange(0, 180, 3, dtype=np.int32)
    for table in (
        QuantizedTable.of(some_rows(width), bits),
        QuantizedTable.of(some_rows(width), bits, columns, 500),
    ):
        again = table_from_state(table_state(table))
        assert again.shape == table.shape
        assert_array_equal(decoded(again), decoded(table), strict=True)
        if table.columns is not None:
            assert_array_equal(again.columns, columns, strict=True)


def spans(code, level, n=60):
    codes = np.full(n, code, dtype=np.uint8)
    return {"spans": {"codes": codes, "levels": np.full(1, level, dtype=np.float32)}}


UNSOUND = {
    "other bits": {"bits": 3},
    "bits that are none": {"bits": True},
    "no width": {"width": 0},
    "wider": {"width": 9},
    "fewer ids": {"n_ids": 2},
    "more ids": {"n_ids": 2**40},
    "flat codes": {"codes": np.zeros(60, np.uint8)},
    "codes of another type": {"codes": np.zeros((60, 2), np.int8)},
    "no codes": {"codes": None},
    "fewer zeros": {"zeros": np.zeros(3, np.uint8)},
    "fewer spans": spans(0, 1, n=3),
    "spans beyond their levels": spans(1, 1),
    "spans with NaN": spans(0, np.nan),
    "negative spans": spans(0, -1),
    "columns that are none": {"columns": {"n": 60, "low": None, "high": None}},
}


@pytest.mark.parametrize("change", UNSOUND.values(), ids=UNSOUND)
def test_unsound_state_is_refused(change):
    state = {**table_state(QuantizedTable.of(some_rows(3), 4)), **change}
    # Which of its checks meets it first is of no account; that one does is.
    with pytest.raises((ValueError, TypeError, AttributeError), match=r".+"):
        table_from_state(state)
