"""Files and pickles of every format there was are read, and say what they said.

See tests/frozen/make.py for what they are.
"""

from __future__ import annotations

import importlib.util
import json
import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import InconsistentVersionWarning

import skbag
from skbag._persistence.state import FORMAT

FROZEN = Path(__file__).parents[1] / "frozen"
FORMATS = sorted(folder.name for folder in FROZEN.glob("format_*"))
CASES = [
    (format_, path.name)
    for format_ in FORMATS
    for path in sorted((FROZEN / format_).glob("*.safetensors"))
    + sorted((FROZEN / format_).glob("*.pickle"))
]


@pytest.fixture(scope="module")
def make():
    spec = importlib.util.spec_from_file_location("make", FROZEN / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read(path):
    if path.suffix == ".safetensors":
        return skbag.load(path)
    with warnings.catch_warnings():
        # From the first release on, older pickles do warn; they still have to load.
        warnings.simplefilter("ignore", InconsistentVersionWarning)
        return pickle.loads(path.read_bytes())


def test_every_format_is_frozen():
    assert FORMATS == [f"format_{number}" for number in range(1, FORMAT + 1)]
    assert len(CASES) >= 18


@pytest.mark.parametrize(("format_", "name"), CASES)
def test_a_frozen_model(format_, name, make):
    path = FROZEN / format_ / name
    expected = json.loads((path.parent / "expected.json").read_text())[path.stem]
    X, y, X_new = make.data_of(path.stem)
    clf = read(path)
    assert clf.classes_.tolist() == expected["classes"]
    assert make.listed(clf.predict(X_new)) == expected["predict"]
    assert_allclose(clf.predict_proba(X_new), expected["predict_proba"], atol=1e-6)
    assert_allclose(clf.transform(X_new), expected["transform"], atol=1e-6)
    # It was called temperature_ once, the inverse though it was.
    assert clf.inverse_temperature_ == clf._model.calibration.inverse_temperature > 0
    assert not hasattr(clf, "temperature_")
    if expected["vocabulary"] is not None:
        assert dict(clf.vocabulary_) == expected["vocabulary"]
    # How training goes on may change from version to version; that it does must not.
    clf.partial_fit(X, y)
    after = np.array(expected["after_partial_fit"])
    if clf.loss == "squared_hinge":
        # The temperature of ten samples has become a more careful one since.
        are_labels = path.stem.startswith("labels")
        named = after > 0.5 if are_labels else clf.classes_[after.argmax(axis=1)]
        assert_array_equal(make.listed(clf.predict(X_new)), named)
    else:
        assert_allclose(clf.predict_proba(X_new), after, atol=0.2)
