"""Files changed in one place and signed anew, as an attacker would: refused, or usable.

The long form (``SKBAG_LONG=1``) tries 3,000.
"""

from __future__ import annotations

import copy
import json
import random
from contextlib import suppress

import numpy as np
import pandas
import pytest
import safetensors.numpy
from safetensors import safe_open

import skbag
from skbag import EmbeddingBagClassifier, EmbeddingBagRegressor
from skbag._persistence.safetensors_file import _digest
from skbag.exceptions import ModelFileError

TEXTS = ["late parcel", "refund my money please", "password reset", "parcel lost"] * 8
LABELS = ["delivery", "payment", "account", "delivery"] * 8
NUMBERS = [2.0, 5.0, 11.0, 2.5] * 8
NEW = ["late parcel", "xylophone", ""]
MODELS = {
    "words": {},
    "plain": {"token_pattern": r"\w+", "stop_words": ["the"]},
    "buckets": {"n_buckets": 128},
    "subwords": {"subword_ngram_range": (3, 4), "embedding_dim": 4},
    "hidden layer": {"embedding_dim": 4, "hidden_layer_sizes": (3,)},
    "generator": {"random_state": np.random.RandomState(3)},
    "columns": {},
    "numbers": {},
    "matrix": {},
    "regressor": {},
    "regressor, poisson": {"loss": "poisson"},
}
FRAME = pandas.DataFrame({"title": TEXTS, "body": TEXTS[::-1], "team": LABELS})
FRAME["team"] = FRAME["team"].astype("category")
PRICED = FRAME.assign(price=np.arange(len(FRAME)) % 5, weight=0.5)
MATRIX = np.random.default_rng(0).normal(size=(len(FRAME), 3))
SAMPLES = {
    "columns": (FRAME, FRAME[:3]),
    "numbers": (PRICED, PRICED[:3]),
    "matrix": (MATRIX, MATRIX[:3]),
}
VALUES = [
    *(
        None,
        True,
        0,
        -1,
        2**31,
        2**63,
        10**400,
        -1e308,
        3e38,
        "",
        "word",
        "(a",
        [],
        [1],
    ),
    *({}, {"a": 1}, ["a", "b"], {"$tuple": [1, 2]}, {"$float": "nan"}, {"$set": ["a"]}),
    *({"$array": "_model.embedding"}, {"$scalar": {"$array": "_model.embedding"}}),
]


def places(content, path=()):
    """Paths of all that is in JSON."""
    pairs = content.items() if isinstance(content, dict) else enumerate(content)
    for key, value in pairs:
        yield (*path, key)
        if isinstance(value, (dict, list)):
            yield from places(value, (*path, key))


def change_json(content, draw):
    state = content["state"]
    *path, last = draw.choice(list(places(state)))
    for key in path:
        state = state[key]
    state[last] = draw.choice(VALUES)


def change_array(tensors, draw):
    name = draw.choice(list(tensors))
    array = tensors[name].copy()
    is_float = array.dtype.kind == "f"
    largest = 3e38 if is_float else np.iinfo(array.dtype).max
    change = draw.choice(["sign", "largest", "zero", "one", "short", "dtype", "order"])
    if change == "sign":
        array = -array if is_float else ~array
    elif change in ("largest", "zero"):
        array[...] = largest if change == "largest" else 0
    elif change == "one" and array.size:
        array.flat[draw.randrange(array.size)] = draw.choice([0, 1, largest])
    elif change == "short" and array.ndim:
        array = array[:-1]
    elif change == "dtype":
        array = array.astype(draw.choice([np.float64, np.int32, np.uint8]))
    elif change == "order" and array.ndim:
        array = array[::-1]
    tensors[name] = np.ascontiguousarray(array)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", MODELS)
def test_a_mutated_file_is_refused_or_usable(name, n_cases, tmp_path):
    kind, y = EmbeddingBagClassifier, LABELS
    if name.startswith("regressor"):
        kind, y = EmbeddingBagRegressor, NUMBERS
    clf = kind(**{"random_state": 0} | MODELS[name])
    X, new = SAMPLES.get(name, (TEXTS, NEW))
    skbag.save(clf.fit(X, y), tmp_path / "model")
    with safe_open(tmp_path / "model", framework="numpy") as opened:
        original = json.loads(opened.metadata()["skbag"])
        arrays = {key: opened.get_tensor(key) for key in opened.keys()}
    del arrays["sha256"]
    draw, n_refused, n = random.Random(name), 0, n_cases(12, 500)
    for _ in range(n):
        content, tensors = copy.deepcopy(original), dict(arrays)
        if draw.random() < 0.6:
            change_json(content, draw)
        else:
            change_array(tensors, draw)
        text = json.dumps(content)
        tensors["sha256"] = _digest(text, tensors)
        safetensors.numpy.save_file(tensors, tmp_path / "mutated", {"skbag": text})
        try:
            loaded = skbag.load(tmp_path / "mutated")
        except ModelFileError:
            n_refused += 1
            continue
        if hasattr(loaded, "classes_"):
            assert np.isfinite(loaded.predict_proba(new)).all()
            # Parameters that do not fit each other are refused here, as a user's are.
            with suppress(ValueError, TypeError):
                loaded.partial_fit(new[:2], loaded.classes_[:2])
        elif hasattr(loaded, "n_outputs_"):
            # Of a logarithm, predictions may be beyond all numbers.
            assert not np.isnan(loaded.predict(new)).any()
            with suppress(ValueError, TypeError):
                loaded.partial_fit(new[:2], loaded.predict(new[:2]))
        skbag.save(loaded, tmp_path / "again")
    assert n / 4 < n_refused < n
