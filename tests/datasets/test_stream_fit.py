"""Learning from parts: classes of a first pass, several labels, and errors midway."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer
from sklearn.linear_model import SGDRegressor

from skbag.datasets import read_texts, stream_fit


@pytest.fixture
def parts(corpus):
    return [(corpus.texts[i : i + 30], corpus.labels[i : i + 30]) for i in (0, 30, 60)]


@pytest.fixture
def by_hand(parts, make_classifier):
    clf = make_classifier()
    for texts, labels in parts:
        clf.partial_fit(texts, labels, classes=["garden", "kitchen", "sea"])
    return clf


def test_it_is_partial_fit_of_each_part(parts, by_hand, make_classifier):
    clf = make_classifier()
    assert stream_fit(clf, parts) is clf
    assert_array_equal(clf.embedding_, by_hand.embedding_)
    assert_array_equal(clf.classes_, by_hand.classes_)


def test_files_give_what_lists_give(parts, by_hand, make_classifier, tmp_path):
    pa = pytest.importorskip("pyarrow", reason="files are read by pyarrow")
    from pyarrow import parquet

    texts = [text for some, _ in parts for text in some]
    labels = [label for _, some in parts for label in some]
    table = pa.table({"text": texts, "label": labels})
    parquet.write_table(table, tmp_path / "a.parquet")
    clf = stream_fit(
        make_classifier(), read_texts(tmp_path / "a.parquet", batch_size=30)
    )
    assert_array_equal(clf.embedding_, by_hand.embedding_)


def test_a_generator_needs_classes(parts, by_hand, make_classifier):
    with pytest.raises(
        ValueError, match=r"parts is a generator, which can be gone thr"
    ):
        stream_fit(make_classifier(), (part for part in parts))
    classes = np.array(["sea", "garden", "kitchen"])
    clf = stream_fit(make_classifier(), (part for part in parts), classes)
    assert_array_equal(clf.classes_, by_hand.classes_)
    assert_array_equal(clf.predict(parts[0][0]), by_hand.predict(parts[0][0]))


def test_a_fitted_one_goes_on(parts, by_hand, make_classifier):
    clf = stream_fit(make_classifier(), parts[:1])
    stream_fit(clf, (part for part in parts[1:]))
    assert_array_equal(clf.embedding_, by_hand.embedding_)


def test_empty_parts_are_passed_over(parts, by_hand, make_classifier):
    clf = stream_fit(make_classifier(), [([], []), *parts, ([], [])])
    assert_array_equal(clf.embedding_, by_hand.embedding_)
    with pytest.raises(ValueError, match="The parts held no texts"):
        stream_fit(make_classifier(), [([], [])])


@pytest.mark.parametrize("kind", [list, tuple, set])
def test_several_labels(kind, labels_corpus, make_classifier):
    texts, Y = labels_corpus
    names = ["a", "b", "c", "d"]
    rows = [kind(names[j] for j in np.flatnonzero(row)) for row in Y]
    parts = [(texts[:60], rows[:60]), (texts[60:], rows[60:])]
    clf = stream_fit(make_classifier(), parts)
    expected = make_classifier()
    for start in (0, 60):
        part = slice(start, start + 60)
        expected.partial_fit(texts[part], Y[part], classes=range(4))
    assert_array_equal(clf.predict_proba(texts), expected.predict_proba(texts))
    matrices = [(texts[:60], Y[:60]), (texts[60:], Y[60:])]
    of_matrices = stream_fit(make_classifier(), matrices).predict_proba(texts)
    assert_array_equal(of_matrices, expected.predict_proba(texts))
    with pytest.raises(ValueError, match=r"labels \['e'\] are not among the 4 classes"):
        stream_fit(make_classifier(), [(texts[:2], [["a"], ["e"]])], names)
    with pytest.raises(ValueError, match="Give the classes, in the order of its col"):
        stream_fit(clf, parts)
    stream_fit(clf, parts, names)


def test_what_was_learnt_before_an_error_stays(parts, make_classifier):
    def damaged():
        yield from parts[:2]
        raise ValueError("File b.csv is damaged.")

    clf, classes = make_classifier(), ["garden", "kitchen", "sea"]
    with pytest.raises(
        ValueError, match=r"b\.csv is damaged\. \(In part 3 of .* 60 te"
    ):
        stream_fit(clf, damaged(), classes)
    expected = stream_fit(make_classifier(), parts[:2], classes)
    assert_array_equal(clf.embedding_, expected.embedding_)
    unknown = [parts[2], (["a text"], ["desert"])]
    with pytest.raises(ValueError, match=r"desert.* learnt the 30 texts before it"):
        stream_fit(make_classifier(), unknown, classes)


def test_errors_of_several_arguments_are_told(make_classifier):
    def undecodable():
        yield ["a", "b"], [0, 1]
        b"\xff".decode()

    with pytest.raises(ValueError, match=r"can't decode .* learnt the 2 texts before"):
        stream_fit(make_classifier(), undecodable(), [0, 1])


def test_regressors_have_no_classes():
    matrix = HashingVectorizer(n_features=32).transform(["one", "two two"])
    reg = stream_fit(SGDRegressor(random_state=0), [(matrix.toarray(), [1.0, 2.0])])
    assert reg.t_ == 3


def test_other_objects_are_refused(parts, make_classifier):
    with pytest.raises(TypeError, match="CountVectorizer has no partial_fit"):
        stream_fit(CountVectorizer(), parts)
    with pytest.raises(TypeError, match="must be a tuple of texts and labels, got str"):
        stream_fit(make_classifier(), ["a text"])
    with pytest.raises(TypeError, match=r"has no labels \(None\)"):
        stream_fit(make_classifier(), [(["a"], None)])
    with pytest.raises(TypeError, match=r"types \['int', 'str'\], which cannot be sor"):
        stream_fit(make_classifier(), [(["a", "b"], ["x", 1])])
