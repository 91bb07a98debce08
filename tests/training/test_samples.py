"""Samples keep inputs, codes and weights together, whatever the inputs are."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal

from skbag._targets.classification_targets import ClassTargets
from skbag._training.samples import Samples

TEXTS = ["a", "b", "c", "d"]
MATRIX = sp.csr_array(np.diag([1.0, 2, 3, 4]))
FORMS = {"texts": TEXTS, "matrix": MATRIX}


def plain(X):
    return X if isinstance(X, list) else X.toarray().max(axis=1).tolist()


def make(form, weight=(1.0, 0.0, 3.0, 2.0)):
    weight = None if weight is None else np.array(weight)
    return Samples(
        FORMS[form], np.array([0, 1, 1, 0]), weight, ClassTargets(np.arange(2))
    )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("weighted", [True, False])
def test_take(form, weighted):
    samples = make(form) if weighted else make(form, None)
    samples = replace(samples, document_weight=samples.weight)
    taken = samples.take(np.array([3, 1, 1]))
    assert plain(taken.X) == [plain(FORMS[form])[i] for i in (3, 1, 1)]
    assert taken.codes.tolist() == [0, 1, 1]
    assert len(taken) == 3
    assert taken.targets.n_outputs == 1
    for weight in (taken.weight, taken.document_weight):
        assert (weight.tolist() == [2, 0, 0]) if weighted else weight is None


@pytest.mark.parametrize("form", FORMS)
def test_samples_of_weight_zero_are_left_out(form):
    left = make(form).without_weightless()
    assert left.weight.tolist() == [1, 3, 2]
    assert plain(left.X) == [plain(FORMS[form])[i] for i in (0, 2, 3)]
    for all_count in (make(form, None), make(form, (1.0, 2.0, 3.0, 4.0))):
        assert all_count.without_weightless() is all_count


def test_weights_are_divided():
    samples = make("texts")
    samples = replace(samples, document_weight=np.array([1.0, 0.0, 1.0, 2.0]))
    scaled = samples.with_weights_divided_by((2.0, 4.0))
    assert_array_equal(scaled.weight, samples.weight / 2)
    assert_array_equal(scaled.document_weight, samples.document_weight / 4)
    without = make("texts", None).with_weights_divided_by((2.0, 4.0))
    assert without.weight is without.document_weight is None
