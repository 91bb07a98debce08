"""Files changed in one place and signed anew, as an attacker would: refused, or usable.

The long form (``SKBAG_LONG=1``) tries 9,000.
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
    "labels": {},
    "clusters": {"loss": "adaptive_softmax", "embedding_dim": 4},
    "stream": {},
    "compressed": {},
    "compressed columns": {},
    "compressed characters": {"analyzer": "char"},
}
INDICATORS = np.array(LABELS)[:, np.newaxis] == np.unique(LABELS)
FRAME = pandas.DataFrame({"title": TEXTS, "body": TEXTS[::-1], "team": LABELS})
FRAME["team"] = FRAME["team"].astype("category")
PRICED = FRAME.assign(price=np.arange(len(FRAME)) % 5, weight=0.5)
MATRIX = np.random.default_rng(0).normal(size=(len(FRAME), 3))
SAMPLES = {
    "compressed columns": (FRAME, FRAME[:3]),
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
    *({"$array": "_model.id_weights"}, {"$scalar": {"$array": "_model.id_weights"}}),
    *(1e300, 2**70, "\ud800", [[]], {"$float": "inf"}, {"$tuple": [2, 1]}, [None] * 3),
    {"$time": "_model.id_weights", "dtype": "M8[999999Y]"},
    {"$objects": [1, "a", None], "shape": [3], "kind": "O"},
]


def places(content, path=()):
    """Paths of all that is in JSON."""
    pairs = content.items() if isinstance(content, dict) else enumerate(content)
    for key, value in pairs:
        yield (*path, key)
        if isinstance(value, (dict, list)):
            yield from places(value, (*path, key))


def change_json(content, draw):
    """Put something else in a place, or leave it out, or what another place has."""
    state = content["state"]
    *path, last = draw.choice(list(places(state)))
    value = state
    for key in draw.choice(list(places(state))):
        value = value[key]
    for key in path:
        state = state[key]
    change = draw.random()
    if change < 0.1:
        del state[last]
    elif change < 0.3:
        state[last] = copy.deepcopy(value)
    else:
        state[last] = copy.deepcopy(draw.choice(VALUES))


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


def fitted(name):
    """Return a model, and samples that are new to it."""
    parameters = {"random_state": 0} | MODELS[name]
    if name.startswith("regressor"):
        return EmbeddingBagRegressor(**parameters).fit(TEXTS, NUMBERS), NEW
    clf = EmbeddingBagClassifier(**parameters)
    X, new = SAMPLES.get(name, (TEXTS, NEW))
    if name == "labels":
        return clf.fit(X, INDICATORS.astype(int)), new
    if name == "stream":
        clf.partial_fit(X, LABELS, classes=np.unique(LABELS))
        return clf.partial_fit(X[:8], LABELS[:8]), new
    clf.fit(X, LABELS)
    return clf.compress() if name.startswith("compressed") else clf, new


def use(clf, new):
    """Call what a user calls; parameters may be refused, as a user's are."""
    repr(clf)
    if hasattr(clf, "n_outputs_"):
        # Of a logarithm, predictions may be beyond all numbers.
        assert not np.isnan(clf.predict(new)).any()
        with suppress(ValueError, TypeError):
            clf.partial_fit(new[:2], clf.predict(new[:2]))
    if not hasattr(clf, "classes_"):
        return
    assert np.isfinite(clf.predict_proba(new)).all()
    assert len(clf.predict(new)) == len(new)
    clf.transform(new)
    for method in (clf.explain, clf.top_tokens, clf.get_feature_names_out):
        with suppress(ValueError, AttributeError):
            method(new) if method == clf.explain else method()
    y = clf.predict(new[:2])
    with suppress(ValueError, TypeError):
        clf.partial_fit(new[:2], y)
    assert np.isfinite(clf.predict_proba(new)).all()


def check_mutations(name, n, path, seed):
    clf, new = fitted(name)
    skbag.save(clf, path / "model")
    with safe_open(path / "model", framework="numpy") as opened:
        original = json.loads(opened.metadata()["skbag"])
        arrays = {key: opened.get_tensor(key) for key in opened.keys()}
    del arrays["sha256"]
    use(skbag.load(path / "model"), new)
    draw, n_refused = random.Random(f"{name}{seed}"), 0
    for _ in range(n):
        content, tensors = copy.deepcopy(original), dict(arrays)
        if draw.random() < 0.6:
            change_json(content, draw)
        else:
            change_array(tensors, draw)
        text = json.dumps(content)
        tensors["sha256"] = _digest(text, tensors)
        safetensors.numpy.save_file(tensors, path / "mutated", {"skbag": text})
        try:
            loaded = skbag.load(path / "mutated")
        except ModelFileError:
            n_refused += 1
            continue
        use(loaded, new)
        skbag.save(loaded, path / "again")
    return n_refused


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", MODELS)
def test_a_mutated_file_is_refused_or_usable(name, tmp_path):
    assert check_mutations(name, 12, tmp_path, 0) > 3


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", MODELS)
def test_many_mutated_files_are_refused_or_usable(name, n_cases, tmp_path):
    n = n_cases(60, 600)
    assert n / 4 < check_mutations(name, n, tmp_path, 1) < n
