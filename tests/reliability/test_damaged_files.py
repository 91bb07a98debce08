"""Any damage to a file is told as such: no crash, no hang, no other model, no flood.

The long form (``SKBAG_LONG=1``) tries ten thousand damaged files.
"""

from __future__ import annotations

import json
import random
import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import skbag
from skbag.exceptions import ModelFileError

# Hundreds of files.
pytestmark = pytest.mark.slow


@pytest.fixture
def sound(corpus, make_classifier, tmp_path):
    """A file, its bytes, and what its model says of some texts."""
    clf = make_classifier(embedding_dim=4).fit(*corpus)
    skbag.save(clf, tmp_path / "model")
    return tmp_path / "model", clf.predict_proba(corpus.texts)


@pytest.fixture
def other(new_corpus, make_classifier, tmp_path):
    """The bytes of another file of about the same size."""
    skbag.save(make_classifier(embedding_dim=4).fit(*new_corpus), tmp_path / "other")
    return (tmp_path / "other").read_bytes()


def header_length(data):
    return int.from_bytes(data[:8], "little")


def truncated(data, other, rng):
    return data[: rng.randrange(len(data))]


def with_flipped_bits(data, other, rng):
    damaged = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 30])):
        damaged[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def with_a_flipped_bit_in_the_header(data, other, rng):
    damaged = bytearray(data)
    damaged[rng.randrange(header_length(data) + 8)] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def with_parts_swapped(data, other, rng):
    size = rng.choice([4, 64, 512, 4096])
    one, two = (rng.randrange(len(data) - size) for _ in range(2))
    damaged = bytearray(data)
    damaged[one : one + size] = data[two : two + size]
    damaged[two : two + size] = data[one : one + size]
    return bytes(damaged)


def with_a_part_of_another_file(data, other, rng):
    start, size = rng.randrange(len(data)), rng.choice([8, 512, 4096, 10**6])
    return data[:start] + other[start : start + size] + data[start + size :]


def with_zeros(data, other, rng):
    start, size = rng.randrange(len(data)), rng.choice([8, 512, 4096])
    return data[:start] + bytes(size) + data[start + size :]


def with_bytes_put_in(data, other, rng):
    start = rng.randrange(len(data))
    return data[:start] + rng.randbytes(rng.choice([1, 8, 512])) + data[start:]


def with_bytes_left_out(data, other, rng):
    start = rng.randrange(len(data))
    return data[:start] + data[start + rng.choice([1, 8, 512]) :]


def with_another_length_of_the_header(data, other, rng):
    length = rng.choice([0, 1, 7, 2**24 + 1, 2**63, 2**64 - 1, rng.randrange(2**32)])
    return length.to_bytes(8, "little") + data[8:]


def with_a_number_changed_in_the_header(data, other, rng):
    end = 8 + header_length(data)
    header = json.loads(data[8:end])
    name = rng.choice([key for key in header if key != "__metadata__"])
    field = rng.choice(["shape", "data_offsets"])
    value = rng.choice([-1, 0, 1, 2**31, 2**62, 2**64, rng.randrange(10**6)])
    header[name][field][rng.randrange(len(header[name][field]))] = value
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data[end:]


def with_another_type_in_the_header(data, other, rng):
    end = 8 + header_length(data)
    header = json.loads(data[8:end])
    name = rng.choice([key for key in header if key != "__metadata__"])
    header[name]["dtype"] = rng.choice(["F64", "I8", "BOOL", "BF16", "F8_E4M3", "X"])
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data[end:]


def of_noise(data, other, rng):
    return rng.randbytes(rng.choice([0, 1, 7, 8, 9, 100, 5000]))


DAMAGES = [
    truncated,
    with_flipped_bits,
    with_a_flipped_bit_in_the_header,
    with_parts_swapped,
    with_a_part_of_another_file,
    with_zeros,
    with_bytes_put_in,
    with_bytes_left_out,
    with_another_length_of_the_header,
    with_a_number_changed_in_the_header,
    with_another_type_in_the_header,
    of_noise,
]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_file(damage, sound, other, corpus, n_cases):
    file, expected = sound
    data, rng = file.read_bytes(), random.Random(damage.__name__)
    refused = 0
    tracemalloc.start()
    try:
        for _ in range(n_cases(40, 850)):
            # A new file each time: the last may still be mapped.
            file.unlink()
            file.write_bytes(damage(data, other, rng))
            try:
                loaded = skbag.load(file)
            except ModelFileError:
                refused += 1
            else:
                # Nothing was changed that says anything, white space perhaps.
                assert_array_equal(loaded.predict_proba(corpus.texts), expected)
        assert tracemalloc.get_traced_memory()[1] < 50 * len(data) + 10**7
    finally:
        tracemalloc.stop()
    assert refused > 0


@pytest.mark.parametrize("character", ["[", '{"a":', "["])
def test_a_header_of_nothing_but_nesting(character, tmp_path):
    text = (character * 2**20).encode()[: 2**20]
    (tmp_path / "model").write_bytes(len(text).to_bytes(8, "little") + text)
    with pytest.raises(ModelFileError, match="no safetensors file"):
        skbag.load(tmp_path / "model")


def test_a_header_too_large_to_read(tmp_path):
    with open(tmp_path / "model", "wb") as file:
        file.write((10**8).to_bytes(8, "little"))
        file.truncate(10**9)  # sparse: takes no room on disk
    tracemalloc.start()
    try:
        with pytest.raises(ModelFileError, match="header of 100000000 bytes is too"):
            skbag.load(tmp_path / "model")
        assert tracemalloc.get_traced_memory()[1] < 10**6
    finally:
        tracemalloc.stop()


def test_a_pickle_is_not_taken_for_a_file(tmp_path, corpus, make_classifier):
    import pickle

    clf = make_classifier().fit(*corpus)
    (tmp_path / "model").write_bytes(pickle.dumps(clf))
    with pytest.raises(ModelFileError, match="damaged or not a file of skbag"):
        skbag.load(tmp_path / "model")


def test_every_single_bit_counts(sound, n_cases):
    """Of the tensors, where no parser stands guard."""
    file, _ = sound
    data = file.read_bytes()
    first = 8 + header_length(data)
    places = np.random.default_rng(0).permutation(8 * (len(data) - first))
    for place in places[: n_cases(100, 2000)].tolist():
        damaged = bytearray(data)
        damaged[first + place // 8] ^= 1 << place % 8
        file.unlink()
        file.write_bytes(damaged)
        with pytest.raises(ModelFileError, match="not what was written"):
            skbag.load(file)
