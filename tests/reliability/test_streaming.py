"""Streams: bounded memory, any size of the parts, killed and gone on with."""

from __future__ import annotations

import importlib.util
import pickle
import random
import subprocess
import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import skbag
from skbag import EmbeddingBagClassifier
from skbag._core.bags import Bags
from skbag._core.growth import GROWTH
from skbag._targets.label_sets import LabelSets
from skbag._text.features import FeatureKind
from skbag._training.plan import (
    N_FULL_STEP_SAMPLES,
    Moments,
    auto_batch_size,
    auto_learning_rate,
)
from skbag._weighting.document_counts import DocumentCounts
from skbag._weighting.weighting import Weighting
from skbag.exceptions import ModelFileError

pytestmark = pytest.mark.slow

CLASSES = ["garden", "kitchen", "sea"]
KINDS = [FeatureKind.TERM, FeatureKind.NGRAM, FeatureKind.SKIP]
EXAMPLE = Path(__file__).parents[2] / "examples" / "stream_parquet.py"


def parts(corpus, size):
    for start in range(0, len(corpus[0]), size):
        yield tuple(column[start : start + size] for column in corpus)


def learn(clf, corpus, size):
    for texts, labels in parts(corpus, size):
        clf.partial_fit(texts, labels, classes=CLASSES)
    return clf


def endless(n, seed=0):
    """So many texts of three classes, with ever new words."""
    rng = random.Random(seed)
    topics = [f"word{i % 3} common{i % 50} w{rng.random()}" for i in range(n)]
    return topics, [CLASSES[i % 3] for i in range(n)]


# -- memory ----------------------------------------------------------------------------


def held(clf):
    """Bytes of the arrays of a model."""
    model = clf._model
    document_counts = model.featurizer.document_counts
    counts, pending = document_counts.class_counts, model.featurizer.pending
    arrays = [model.predictor.embedding, model.featurizer.id_weights, counts.indptr]
    arrays += [counts.data, counts.indices]
    if pending is not None:
        arrays += [pending.pairs, pending.counts]
    return sum(array.nbytes for array in arrays)


def test_a_model_has_one_size_whatever_the_stream():
    n_buckets = 2**10
    clf = EmbeddingBagClassifier(n_buckets=n_buckets, random_state=0)
    sizes = []
    for seed in range(40):
        clf.partial_fit(*endless(300, seed), classes=CLASSES)
        sizes.append(held(clf))
        assert clf.embedding_.shape == (n_buckets, 3)
        pending = clf._model.featurizer.pending
        assert pending is None or len(pending) <= n_buckets
    # All cells, and as many recent counts as there are buckets.
    assert max(sizes) <= n_buckets * (3 * 4 + 4 + 8 + 3 * (8 + 8) + 16) + 8
    assert max(sizes[20:]) <= max(sizes[:20]) * 1.1


def test_a_call_takes_as_much_memory_late_as_early():
    clf = EmbeddingBagClassifier(n_buckets=2**12, random_state=0, n_jobs=1)
    peaks = []
    for seed in range(30):
        texts, labels = endless(300, seed)
        tracemalloc.start()
        clf.partial_fit(texts, labels, classes=CLASSES)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # Not the first: it imports.
    assert max(peaks[15:]) < 1.5 * max(peaks[1:15])


RESIDENT = """
import resource, sys
sys.path.insert(0, {folder!r})
from tests.reliability.test_streaming import CLASSES, EmbeddingBagClassifier, endless

clf = EmbeddingBagClassifier(n_buckets=2**14, random_state=0, n_jobs=1)
sizes = []
for number in range(60):
    clf.partial_fit(*endless(1000, number), classes=CLASSES)
    sizes.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
print(sizes[19], sizes[-1])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no module resource")
def test_the_process_does_not_grow():
    code = RESIDENT.format(folder=str(Path(__file__).parents[2]))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    unit = 2**20 if sys.platform == "darwin" else 2**10
    early, late = (int(word) / unit for word in done.stdout.split())
    # MiB; 40,000 texts more, with 40,000 words never met before.
    assert late - early < 30


# -- counts ----------------------------------------------------------------------------


def some_bags(seed, n_ids, n=12):
    rng = np.random.default_rng(seed)
    bags = Bags.from_csr(sp.csr_array(rng.poisson(0.5, (n, n_ids)).astype("f")))
    return bags, rng.integers(3, size=n), rng.uniform(0.5, 2, size=n)


def as_labels(codes):
    """One label, or two, or none for each sample."""
    indicator = np.zeros((len(codes), 3), dtype=np.int64)
    indicator[np.arange(len(codes)), codes] = codes > 0
    indicator[::3, 0] = 1
    return LabelSets.from_csr(sp.csr_array(indicator))


@given(st.integers(0, 10_000), st.booleans(), st.booleans())
def test_counts_added_one_by_one_are_those_of_all(seed, weighted, has_labels):
    """The naive way: all documents at once."""
    bags, codes, weight = some_bags(seed, 6)
    y = as_labels(codes) if has_labels else codes
    share = weight if weighted else None
    whole = DocumentCounts.count(bags, y, 3, share)
    some = pending = None
    for start in range(0, 12, 4):
        rows = slice(start, start + 4)
        arguments = bags.slice(start, start + 4), y[rows]
        own = None if share is None else share[rows]
        if some is None:
            some = DocumentCounts.count(*arguments, 3, own)
        else:
            some, later = some.add(*arguments, own)
            pending = later if pending is None else pending + later
    both = some.flush(pending)
    close = {"rtol": 1e-12, "atol": 1e-12}
    assert_allclose(both.class_counts.toarray(), whole.class_counts.toarray(), **close)
    assert_allclose(both.class_totals, whole.class_totals, **close)
    assert_allclose(both.df, whole.df, **close)
    # The totals need not wait.
    assert some.n_documents == pytest.approx(whole.n_documents)


def test_new_ids_find_room():
    bags, codes, _ = some_bags(0, 6)
    more, more_codes, _ = some_bags(1, 9)
    both = DocumentCounts.flush(
        *DocumentCounts.count(bags, codes, 3).add(more, more_codes), 9
    )
    expected = DocumentCounts.count(more, more_codes, 3).class_counts.toarray()
    expected[:6] += DocumentCounts.count(bags, codes, 3).class_counts.toarray()
    assert_array_equal(both.class_counts.toarray(), expected)


@pytest.mark.parametrize("has_labels", [False, True])
@pytest.mark.parametrize("with_kinds", [False, True])
def test_weights_of_empty_buckets(with_kinds, has_labels):
    """Where most are empty, weights are found for few; they are those of all."""
    bags, codes, _ = some_bags(0, 5)
    y = as_labels(codes) if has_labels else codes
    ids = np.sort(np.random.default_rng(0).choice(60, 5, replace=False))
    wide = Bags(ids[bags.ids].astype("i"), bags.offsets, bags.weights, 60)
    kinds = np.repeat(np.array(KINDS, dtype=np.uint8), 20) if with_kinds else None
    weighting = Weighting(True, True, "l2", supervised=True)
    document_counts = DocumentCounts.count(wide, y, 3)
    assert (document_counts.df > 0).sum() <= 5
    assert_array_equal(
        weighting.id_weights(document_counts, kinds),
        weighting._weights(document_counts, kinds)[0],
    )


# -- when weights are made anew --------------------------------------------------------


def weights_and_documents(clf):
    featurizer = clf._model.featurizer
    return featurizer.id_weights, featurizer.document_counts.n_documents


def test_weights_are_made_anew_as_documents_grow(corpus, make_classifier):
    clf = make_classifier(n_buckets=2**10)
    made_at = []
    before = None
    for _ in range(30):
        clf.partial_fit(*corpus, classes=CLASSES)
        weights, n_documents = weights_and_documents(clf)
        if weights is not before:
            made_at.append(n_documents)
        elif made_at:
            assert n_documents < GROWTH * made_at[-1] + 120
        before = weights
    # As often as the logarithm of the documents says, not once for each part.
    assert made_at[:3] == [120, 240, 360]
    assert len(made_at) < 18


def test_weights_of_light_samples_are_made_anew_as_well(corpus, make_classifier):
    clf = make_classifier(n_buckets=2**10)
    light = np.full(120, 1e-6)
    clf.partial_fit(*corpus, classes=CLASSES, sample_weight=light)
    before, _ = weights_and_documents(clf)
    clf.partial_fit(*corpus, sample_weight=light)
    assert weights_and_documents(clf)[0] is not before


def test_weights_of_all_texts_at_the_end_are_those_of_one_part(corpus, make_classifier):
    """Where weights have just been made they are what all documents say."""
    clf = make_classifier(n_buckets=2**10)
    for texts, labels in parts(corpus, 60):
        clf.partial_fit(texts, labels, classes=CLASSES)
    whole = make_classifier(n_buckets=2**10).partial_fit(*corpus, classes=CLASSES)
    assert clf._model.featurizer.pending is None
    assert_allclose(*(weights_and_documents(c)[0] for c in (clf, whole)), rtol=1e-6)


# -- steps -----------------------------------------------------------------------------

ONE = Moments(mean_squared_norm=1.0, eigenvalue=1e-9, max_sample_weight=1.0)


def test_steps_fall_with_the_root_of_what_was_seen():
    rates = [
        auto_learning_rate(ONE, 16, 2.0, n * N_FULL_STEP_SAMPLES)
        for n in (0, 3, 99, 9999)
    ]
    assert_allclose(rates, np.array([1, 1 / 2, 1 / 10, 1 / 100]) * 0.45)


def test_a_batch_that_limits_the_step_is_not_slowed_twice():
    limited = replace(ONE, eigenvalue=0.01)
    of_batch = auto_learning_rate(limited, 1024, 2.0)
    assert of_batch < 0.45 / 2
    assert auto_learning_rate(limited, 1024, 2.0, 3 * N_FULL_STEP_SAMPLES) == of_batch


def test_batches_and_steps_follow_the_stream(make_classifier):
    clf = make_classifier(n_buckets=2**10)
    for number in range(4):
        clf.partial_fit(*endless(1000, number), classes=CLASSES)
        n_seen = 1000 * number
        size = auto_batch_size(n_seen + 1000, 3, replace(ONE, eigenvalue=0.0))
        assert clf.batch_size_ <= size
    assert clf.batch_size_ > 16


def test_a_number_is_a_constant_step(corpus, make_classifier):
    clf = make_classifier(learning_rate_init=0.2)
    for _ in range(3):
        clf.partial_fit(*corpus, classes=CLASSES)
        assert clf.learning_rate_ == 0.2


@pytest.mark.parametrize("size", [7, 30, 120])
def test_the_size_of_the_parts_matters_little(size, corpus, new_corpus):
    clf = EmbeddingBagClassifier(n_buckets=2**14, random_state=0)
    assert learn(clf, corpus, size).score(*new_corpus) > 0.9


# -- going on --------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["pickle", "file"])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_saved_stream_goes_on_bit_by_bit(way, weighted, corpus, tmp_path):
    """At any moment: also where counts wait to be summed up."""
    clf, other = (
        EmbeddingBagClassifier(n_buckets=2**13, random_state=0) for _ in range(2)
    )
    rng = np.random.default_rng(0)
    waited = False
    for _ in range(4):
        for texts, labels in parts(corpus, 30):
            weight = rng.uniform(0.1, 2, size=len(texts)) if weighted else None
            for one in (clf, other):
                one.partial_fit(texts, labels, CLASSES, weight)
            waited |= other._model.featurizer.pending is not None
            if way == "pickle":
                other = pickle.loads(pickle.dumps(other))
            else:
                skbag.save(other, tmp_path / "model.skbag")
                other = skbag.load(tmp_path / "model.skbag")
    assert waited
    files = [tmp_path / name for name in ("one.skbag", "other.skbag")]
    for one, path in zip((clf, other), files, strict=True):
        skbag.save(one, path)
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.fixture
def waiting(corpus):
    """State of a model some of whose counts wait to be summed up."""
    clf = EmbeddingBagClassifier(n_buckets=2**13, random_state=0)
    for _ in range(2):
        learn(clf, corpus, 30)
    for texts, labels in parts(corpus, 5):
        if clf._model.featurizer.pending is not None:
            break
        clf.partial_fit(texts, labels)
    return clf.__getstate__()


def test_state_of_earlier_versions_has_no_counts_that_wait(waiting):
    del waiting["_model"]["statistics"]["recent"]
    clf = EmbeddingBagClassifier()
    clf.__setstate__(waiting)
    assert clf._model.featurizer.pending is None


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda pending: pending | {"cells": pending["cells"] + 3 * 2**13}, "out of"),
        (
            lambda pending: pending | {"cells": -1 - pending["cells"]},
            "cells holds",
        ),
        (
            lambda pending: pending | {"cells": pending["cells"][1:]},
            r"\d cells for \d+",
        ),
        (lambda pending: pending | {"counts": pending["counts"] * np.nan}, "counts"),
        (lambda pending: pending | {"counts": None}, "counts"),
        (lambda pending: "nothing", "recent is 'nothing', of type str"),
    ],
)
def test_counts_that_no_stream_could_have(spoil, message, waiting):
    document_counts = waiting["_model"]["statistics"]
    document_counts["recent"] = spoil(document_counts["recent"])
    with pytest.raises(ModelFileError, match=message):
        EmbeddingBagClassifier().__setstate__(waiting)


# -- what may go wrong -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "labels", "more", "message"),
    [
        (["a zebra"], ["zoo"], {}, r"not among the classes: \['zoo'\]"),
        (["fern"], ["sea"], {"classes": ["sea", "zoo"]}, "not the same as on last"),
        ([], [], {}, "0 texts"),
        (["fern", "moss"], ["sea"], {}, "2 samples and 1 label"),
        (["fern", None], ["sea", "sea"], {}, "position 1 is None"),
    ],
    ids=["unannounced", "other classes", "empty", "lengths", "no text"],
)
def test_a_bad_part_leaves_the_stream_as_it_was(texts, labels, more, message, corpus):
    clf = EmbeddingBagClassifier(n_buckets=512, random_state=0)
    learn(clf, corpus, 40)
    before = pickle.dumps(clf)
    with pytest.raises(ValueError, match=message):
        clf.partial_fit(texts, labels, **more)
    assert pickle.dumps(clf) == before
    assert clf.partial_fit(*corpus).score(*corpus) > 0.9


# -- the example -----------------------------------------------------------------------


@pytest.fixture
def example():
    pytest.importorskip("pyarrow", reason="the example reads Parquet files")
    if not EXAMPLE.is_file():
        pytest.skip("examples/ is not in this installation")
    spec = importlib.util.spec_from_file_location("stream_parquet", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def folders(example, corpus, tmp_path):
    """A folder of six Parquet files, and two folders for states."""
    import pyarrow
    import pyarrow.parquet

    made = [tmp_path / name for name in ("data", "states", "others")]
    for path in made:
        path.mkdir()
    for number, (texts, labels) in enumerate(parts(corpus, 20)):
        table = pyarrow.table({"text": texts, "label": labels})
        pyarrow.parquet.write_table(table, made[0] / f"part-{number}.parquet")
    (made[0] / "classes.txt").write_text("\n".join(CLASSES))
    return made


def test_killed_and_gone_on_with_is_as_if_never_killed(example, folders):
    data, states, others = folders
    process = example.start(data, states, stdout=subprocess.DEVNULL)
    # By a signal that no process can catch, once there is something to go on from.
    while process.poll() is None:
        if example.last_state(states) is not None:
            process.kill()
    resumed = example.learn(data, states, CLASSES)
    whole = example.learn(data, others, CLASSES)
    assert_array_equal(resumed.embedding_, whole.embedding_)
    found = [list(folder.glob("*.skbag")) for folder in (states, others)]
    assert [[path.name for path in paths] for paths in found] == [["part-5.skbag"]] * 2
    assert found[0][0].read_bytes() == found[1][0].read_bytes()


def broken(path):
    path.write_bytes(path.read_bytes()[:-20])


def without_labels(path):
    import pyarrow
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.table({"text": ["a"]}), path)


def of_another_class(path):
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.table({"text": ["a"], "label": ["zoo"]})
    pyarrow.parquet.write_table(table, path)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (broken, "part-3.parquet cannot be read"),
        (without_labels, "it has no column label"),
        (of_another_class, r"part-3.parquet cannot be learnt: .*\['zoo'\]"),
    ],
)
def test_a_bad_file_is_named_and_the_state_survives(spoil, message, example, folders):
    data, states, others = folders
    bad = data / "part-3.parquet"
    sound = bad.read_bytes()
    spoil(bad)
    with pytest.raises(RuntimeError, match=message):
        example.learn(data, states, CLASSES)
    assert [path.name for path in states.iterdir()] == ["part-2.skbag"]
    bad.write_bytes(sound)
    resumed = example.learn(data, states, CLASSES)
    whole = example.learn(data, others, CLASSES)
    assert_array_equal(resumed.embedding_, whole.embedding_)


def test_a_file_of_nothing_is_passed_over(example, folders):
    import pyarrow
    import pyarrow.parquet

    data, states, others = folders
    expected = example.learn(data, others, CLASSES)
    nothing = pyarrow.table(
        {"text": pyarrow.array([], "string"), "label": pyarrow.array([], "string")}
    )
    pyarrow.parquet.write_table(nothing, data / "part-2b.parquet")
    clf = example.learn(data, states, CLASSES)
    assert_array_equal(clf.embedding_, expected.embedding_)
