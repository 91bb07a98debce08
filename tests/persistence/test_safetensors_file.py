"""Saved to a file and loaded: what it holds, what it cannot, and how it is read."""

from __future__ import annotations

import copy
import io
import json
import os
import stat
import subprocess
import sys
import threading
from decimal import Decimal

import numpy as np
import pytest
import safetensors.numpy
import sklearn
from numpy.testing import assert_array_equal
from safetensors import safe_open
from sklearn.pipeline import make_pipeline

import skbag
from skbag import EmbeddingBagClassifier
from skbag._persistence import safetensors_file
from skbag._persistence.safetensors_file import _digest
from skbag.exceptions import ModelFileError


def words(text):
    return text.lower().split()


@pytest.fixture(scope="module")
def fitted_once(corpus, make_classifier):
    return make_classifier().fit(*corpus)


@pytest.fixture
def fitted(fitted_once):
    return copy.copy(fitted_once)


@pytest.fixture
def file(fitted, tmp_path):
    skbag.save(fitted, tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def content_of(file):
    """Metadata and tensors, as anybody may read them."""
    with safe_open(file, framework="numpy") as opened:
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}
        return opened.metadata(), tensors


def rewrite(file, change):
    """Change JSON and tensors, and sign them anew, as an attacker would."""
    metadata, tensors = content_of(file)
    del tensors["sha256"]
    content = json.loads(metadata["skbag"])
    change(content, tensors)
    text = json.dumps(content)
    tensors["sha256"] = _digest(text, tensors)
    safetensors.numpy.save_file(tensors, file, {"skbag": text})


# -- what is in a file -----------------------------------------------------------------


def test_numbers_are_tensors_with_names_and_the_rest_is_json(fitted, file):
    metadata, tensors = content_of(file)
    content = json.loads(metadata["skbag"])
    assert content["format"] == 1
    assert content["versions"] == {
        "skbag": skbag.__version__,
        "scikit-learn": sklearn.__version__,
        "numpy": np.__version__,
    }
    assert content["state"]["loss"] == "squared_hinge"
    assert_array_equal(tensors["_model.embedding"], fitted.embedding_)
    assert_array_equal(tensors["_model.layers.0.intercept"], fitted.intercept_)


def test_equal_estimators_give_equal_files(corpus, make_classifier, file, tmp_path):
    skbag.save(make_classifier().fit(*corpus), tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == file.read_bytes()


def test_a_file_is_hardly_larger_than_a_pickle(fitted, file):
    import pickle

    assert file.stat().st_size < 1.1 * len(pickle.dumps(fitted)) + 4000


def test_an_estimator_that_is_not_fitted(make_classifier, tmp_path):
    clf = make_classifier(ngram_range=(1, 3), class_weight={"a": 2.0, "b": 1.0})
    skbag.save(clf, str(tmp_path / "model"))
    loaded = skbag.load(str(tmp_path / "model"))
    assert loaded.get_params() == clf.get_params()
    assert not hasattr(loaded, "classes_")


LABELS = {
    "str": ["kitchen", "sea", "garden"],
    "str with odd characters": ["a\nb", "\ud800", ""],
    "int": [3, 1, 7],
    "uint8": np.array([3, 1, 7], dtype=np.uint8),
    "bool": [True, False, True],
    "float": [0.0, 1.0, 2.0],
    "object": np.array(["a", "bb", "c"], dtype=object),
}


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_labels_keep_their_type(labels, corpus, make_classifier, tmp_path):
    names = sorted(set(corpus.labels))
    y = np.asarray(labels)[[names.index(label) for label in corpus.labels]]
    clf = make_classifier().fit(corpus.texts, y)
    skbag.save(clf, tmp_path / "model")
    loaded = skbag.load(tmp_path / "model")
    assert_array_equal(loaded.classes_, clf.classes_, strict=True)
    predicted = clf.predict(corpus.texts)
    assert_array_equal(loaded.predict(corpus.texts), predicted, strict=True)


PARAMETERS = {
    "a random state": {"random_state": np.random.RandomState(5)},
    "a given vocabulary": {"vocabulary": {"oven": 0, "sail": 1, "fern": 2}},
    "a vocabulary of words": {"vocabulary": ["oven", "sail", "fern"] * 1},
    "a set of words": {"vocabulary": {"oven", "sail", "fern"}},
    "stop words": {"stop_words": ["the", "and"] + [f"w{i}" for i in range(200)]},
    "three words in a row": {"ngram_range": (1, 3)},
    "plain, short texts": {"short_text_features": True, "token_pattern": r"\w+"},
    "class weights": {"class_weight": {"kitchen": 2, "sea": 1.5, "garden": 1}},
    "an array": {"embedding_dim": 4, "hidden_layer_sizes": np.array([3, 2])},
}


@pytest.mark.parametrize("parameters", PARAMETERS.values(), ids=PARAMETERS)
def test_parameters(parameters, corpus, new_corpus, make_classifier, tmp_path):
    clf = make_classifier(**parameters).fit(*corpus)
    skbag.save(clf, tmp_path / "model")
    loaded = skbag.load(tmp_path / "model")
    for name, value in clf.get_params().items():
        found = getattr(loaded, name)
        assert type(found) is type(value)
        if not isinstance(value, np.random.RandomState):
            assert_array_equal(found, value)
    assert_array_equal(
        loaded.decision_function(new_corpus.texts),
        clf.decision_function(new_corpus.texts),
    )
    # A generator goes on from where it was.
    assert_array_equal(loaded.fit(*corpus).embedding_, clf.fit(*corpus).embedding_)


def test_set_output_is_kept(corpus, fitted, tmp_path):
    pytest.importorskip("pandas")
    skbag.save(fitted.set_output(transform="pandas"), tmp_path / "model")
    loaded = skbag.load(tmp_path / "model")
    assert loaded.transform(corpus.texts).columns[0] == "embeddingbagclassifier0"


def test_requests_for_metadata_are_kept(fitted, tmp_path):
    with sklearn.config_context(enable_metadata_routing=True):
        fitted.set_fit_request(sample_weight=True)
        fitted.set_score_request(sample_weight="weights")
        skbag.save(fitted, tmp_path / "model")
        found = skbag.load(tmp_path / "model").get_metadata_routing()
        assert str(found) == str(fitted.get_metadata_routing())


def test_names_of_columns_are_kept(corpus, make_classifier, tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"body": corpus.texts})
    clf = make_classifier().fit(frame, corpus.labels)
    skbag.save(clf, tmp_path / "model")
    loaded = skbag.load(tmp_path / "model")
    assert loaded.feature_names_in_.tolist() == ["body"]
    assert_array_equal(loaded.predict(frame), clf.predict(frame))


# -- functions -------------------------------------------------------------------------


@pytest.fixture
def with_function(corpus, make_classifier, tmp_path):
    clf = make_classifier(tokenizer=words).fit(*corpus)
    asks = (
        r"Pass them when loading: skbag\.load\(path, "
        r"tokenizer=.*test_safetensors_file\.words"
    )
    with pytest.warns(UserWarning, match=asks):
        skbag.save(clf, tmp_path / "model")
    return clf, tmp_path / "model"


def test_functions_are_passed_to_load(with_function, new_corpus):
    clf, file = with_function
    loaded = skbag.load(file, tokenizer=words)
    assert loaded.tokenizer is words
    assert_array_equal(
        loaded.predict_proba(new_corpus.texts), clf.predict_proba(new_corpus.texts)
    )


def test_a_function_that_is_missing_is_asked_for(with_function):
    _, file = with_function
    with pytest.raises(TypeError, match=r"Pass them: skbag\.load\(path, tokenizer="):
        skbag.load(file)


def test_a_function_that_is_not_wanted_is_refused(with_function):
    _, file = with_function
    with pytest.raises(TypeError, match=r"no function 'analyzer'; .* \['tokenizer'\]"):
        skbag.load(file, tokenizer=words, analyzer=words)
    with pytest.raises(TypeError, match="tokenizer must be a function, got 'split'"):
        skbag.load(file, tokenizer="split")


def test_a_function_changed_after_the_fit_is_refused(with_function, tmp_path):
    clf, file = with_function
    before = file.read_bytes()
    with pytest.raises(ValueError, match="tokenizer was changed after the fit"):
        skbag.save(clf.set_params(tokenizer=str.split), file)
    with pytest.raises(ValueError, match="tokenizer was changed after the fit"):
        skbag.save(clf.set_params(tokenizer=None), file)
    assert file.read_bytes() == before


def test_callbacks_are_left_out_with_a_warning(fitted, tmp_path):
    callback = pytest.importorskip("sklearn.callback")
    fitted.set_callbacks(callback.ScoringMonitor(scoring="accuracy"))
    with pytest.warns(UserWarning, match="Callbacks cannot be stored"):
        skbag.save(fitted, tmp_path / "model")
    assert skbag.load(tmp_path / "model").classes_.tolist() == fitted.classes_.tolist()


# -- what cannot be saved --------------------------------------------------------------


def test_other_estimators_are_refused(fitted, tmp_path):
    with pytest.raises(TypeError, match=r"got Pipeline\. Pass the estimator alone"):
        skbag.save(make_pipeline(fitted), tmp_path / "model")

    class Special(EmbeddingBagClassifier):
        pass

    with pytest.raises(TypeError, match=r"got Special\."):
        skbag.save(Special(), tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_values_of_a_type_of_their_own_are_refused(make_classifier, tmp_path):
    clf = make_classifier(class_weight={"a": Decimal(1)})
    with pytest.raises(TypeError, match=r"class_weight\.a is Decimal\('1'\) of type"):
        skbag.save(clf, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there(fitted, tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        skbag.save(fitted, tmp_path / "nowhere" / "model")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        skbag.load(tmp_path / "nowhere")
    with pytest.raises(IsADirectoryError, match="directory"):
        skbag.load(tmp_path)


# -- files as files --------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="permissions as on Unix")
def test_permissions_are_those_of_a_new_file_or_of_the_old_one(fitted, tmp_path):
    plain, model = tmp_path / "plain", tmp_path / "model"
    plain.touch()
    skbag.save(fitted, model)
    assert stat.S_IMODE(model.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)
    model.chmod(0o640)
    skbag.save(fitted, model)
    assert stat.S_IMODE(model.stat().st_mode) == 0o640


@pytest.mark.skipif(os.name == "nt", reason="links as on Unix")
def test_a_link_stays_a_link(fitted, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "model")
    skbag.save(fitted, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert skbag.load(tmp_path / "model").n_iter_ == fitted.n_iter_


def test_nothing_else_is_left_in_the_folder(file):
    assert [path.name for path in file.parent.iterdir()] == ["model.safetensors"]


def test_loaded_arrays_are_the_estimators_own(file, corpus):
    loaded = skbag.load(file)
    before = file.read_bytes()
    loaded.embedding_[:] = 0
    assert file.read_bytes() == before


# -- later versions and hostile content, signed as if it were sound --------------------


def test_a_file_of_a_later_format_says_what_to_install(file):
    def later(content, _):
        content["format"], content["versions"]["skbag"] = 99, "7.0"

    rewrite(file, later)
    with pytest.raises(
        ModelFileError, match=r"format 99, written by skbag 7\.0; .* Install skbag 7\.0"
    ):
        skbag.load(file)


def test_a_file_of_another_program_is_refused(tmp_path):
    safetensors.numpy.save_file({"a": np.zeros(3)}, tmp_path / "model")
    with pytest.raises(ModelFileError, match="safetensors file, but not one of skbag"):
        skbag.load(tmp_path / "model")


def state(change):
    return lambda content, tensors: change(content["state"], tensors)


def tensor(name, change):
    def rewritten(_, tensors):
        tensors[name] = np.ascontiguousarray(change(tensors[name]))

    return rewritten


def setting(*path, to):
    def change(content, _):
        for key in path[:-1]:
            content = content[key]
        content[path[-1]] = to

    return change


OUR_WORDS = (
    "not (the state of )?a sound model|is damaged|do not exist|does not hold|sets '"
)
MODEL = ("state", "_model")
LAYER = {"coef": None, "intercept": {"$array": "_model.layers.0.intercept"}}
NUMBER, HIGH = np.uint64(10**6), np.uint64(2**64 - 2**32)
UNSOUND = {
    "no state": setting("state", to=None),
    "another estimator": setting("estimator", to="os.system"),
    "format 0": setting("format", to=0),
    "format of another type": setting("format", to="1"),
    "a hidden method": setting("state", "predict", to=1),
    "a hidden class": setting("state", "__class__", to="x"),
    "a parameter that is none": setting("state", "norm", to="l3"),
    "a parameter of another type": setting("state", "max_iter", to=[1]),
    "functions that are none": setting("callables", to={"eval": "os.system"}),
    "requests of another method": setting("requests", to={"__init__": {"a": True}}),
    "requests of another name": setting("requests", to={"fit": {"weird": True}}),
    "no classes": state(lambda state, _: state.pop("classes_")),
    "more classes": tensor("classes_", lambda a: np.repeat(a, 2, axis=0)),
    "classes without characters": tensor("classes_", lambda a: a[:, :0]),
    "no layers": setting(*MODEL, "layers", to=[]),
    "layers twice": setting(*MODEL, "layers", to=[LAYER, LAYER]),
    "no encoder": setting(*MODEL, "encoder", to=None),
    "another encoder": setting(*MODEL, "encoder", "kind", to="os.system"),
    "options of an encoder": setting(*MODEL, "encoder", "lowercase", to=1),
    "another range": setting(*MODEL, "encoder", "ngram_range", to=[0, 9]),
    "no weighting": setting(*MODEL, "weighting", to=None),
    "another norm": setting(*MODEL, "weighting", "norm", to="l3"),
    "a flag that is none": setting(*MODEL, "weighting", "use_idf", to="yes"),
    "temperature 0": setting(*MODEL, "temperature", to=0.0),
    "temperature of no number": setting(*MODEL, "temperature", to=None),
    "steps of no number": setting("state", "_resume", "learning_rate", to="a"),
    "a table without rows": tensor("_model.embedding", lambda a: a[:0]),
    "a table of fewer rows": tensor("_model.embedding", lambda a: a[:-1]),
    "a table of fewer columns": tensor("_model.embedding", lambda a: a[:, :-1]),
    "a flat table": tensor("_model.embedding", np.ravel),
    "a table of other numbers": tensor("_model.embedding", lambda a: a.astype(float)),
    "a table with NaN": tensor("_model.embedding", lambda a: a * np.float32(np.nan)),
    "a table with inf": tensor("_model.embedding", lambda a: a + np.float32(np.inf)),
    "fewer weights": tensor("_model.id_weights", lambda a: a[:-1]),
    "negative weights": tensor("_model.id_weights", np.negative),
    "fewer intercepts": tensor("_model.layers.0.intercept", lambda a: a[:-1]),
    "codes out of range": tensor("_model.statistics.codes", lambda a: a + 3),
    "negative codes": tensor("_model.statistics.codes", lambda a: a - 3),
    "falling offsets": tensor("_model.statistics.offsets", lambda a: a[::-1]),
    "offsets out of range": tensor("_model.statistics.offsets", lambda a: a * 9),
    "offsets of no integers": tensor("_model.statistics.offsets", lambda a: a / 2),
    "counts with NaN": tensor("_model.statistics.counts", lambda a: a * np.nan),
    "fewer totals": tensor("_model.statistics.class_totals", lambda a: a[:2]),
    "strings without an end": tensor("_model.encoder.strings", lambda a: a[:-1]),
    "no strings": tensor("_model.encoder.strings", lambda a: a[:0]),
    "strings that are no text": tensor("_model.encoder.strings", lambda a: a | 0xF8),
    "keys of other strings": tensor("_model.encoder.keys", lambda a: a + NUMBER),
    "keys of other roles": tensor("_model.encoder.keys", lambda a: a | HIGH),
    "signed keys": tensor("_model.encoder.keys", lambda a: a.astype(np.int64)),
    "accumulators of other layers": tensor("_resume.accumulators.0", lambda a: a[:1]),
}  # fmt: skip


@pytest.mark.parametrize("change", UNSOUND.values(), ids=UNSOUND)
def test_unsound_content_is_refused_though_its_digest_is_right(change, file):
    rewrite(file, change)
    with pytest.raises(ModelFileError, match=OUR_WORDS):
        skbag.load(file)


TABLE = (*MODEL, "table")
UNSOUND_COMPRESSED = {
    "no table": setting(*TABLE, to=None),
    "other bits": setting(*TABLE, "bits", to=8),
    "bits that there are not": setting(*TABLE, "bits", to=5),
    "wider rows": setting(*TABLE, "width", to=9),
    "fewer ids": setting(*TABLE, "n_ids", to=1),
    "columns": setting(*TABLE, "columns", to={"n": 1, "low": None, "high": None}),
    "fewer rows": tensor("_model.table.codes", lambda a: a[:-1]),
    "fewer bytes": tensor("_model.table.codes", lambda a: a[:, :-1]),
    "fewer spans": tensor("_model.table.spans.codes", lambda a: a[:-1]),
    "spans beyond their levels": tensor("_model.table.spans.levels", lambda a: a[:1]),
    "spans with NaN": tensor("_model.table.spans.levels", lambda a: a - np.inf),
    "fewer zeros": tensor("_model.table.zeros", lambda a: a[:-1]),
    "weights of 0": tensor("_model.id_weights.levels", lambda a: a * np.float32(0)),
    "fewer weights": tensor("_model.id_weights.codes", lambda a: a[:-1]),
    "weights that are numbers": setting(*MODEL, "id_weights", to=[1.0]),
    "an encoder with names": setting(*MODEL, "encoder", "kind", to="byte"),
    "the other encoder": setting(*MODEL, "encoder", "kind", to="compact plain"),
    "long fingerprints": setting(*MODEL, "encoder", "strings", "bits", to=64),
    "short fingerprints": setting(*MODEL, "encoder", "strings", "bits", to=3),
    "fingerprints of no length": setting(*MODEL, "encoder", "strings", "bits", to=None),
    "more fingerprints": setting(*MODEL, "encoder", "strings", "n", to=10**9),
    "fewer fingerprints": setting(*MODEL, "encoder", "strings", "n", to=3),
    "no features": setting(*MODEL, "encoder", "features", to=[]),
    "features that are none": setting(*MODEL, "encoder", "features", to=[1]),
    "other features": tensor("_model.encoder.features.0.high", lambda a: a | 255),
    "options of an encoder": setting(*MODEL, "encoder", "lowercase", to=1),
    "another range": setting(*MODEL, "encoder", "ngram_range", to=[0, 9]),
}  # fmt: skip


@pytest.mark.parametrize("change", UNSOUND_COMPRESSED.values(), ids=UNSOUND_COMPRESSED)
def test_unsound_content_of_a_compressed_model_is_refused(change, fitted, tmp_path):
    skbag.save(fitted.compress(bits=4), tmp_path / "model")
    rewrite(tmp_path / "model", change)
    with pytest.raises(ModelFileError, match=OUR_WORDS):
        skbag.load(tmp_path / "model")


def test_a_compact_encoder_needs_a_compact_table(fitted, tmp_path):
    """It would be taken for one that can learn."""
    state = fitted.__getstate__()
    small = fitted.compress().__getstate__()
    state["_model"]["encoder"] = small["_model"]["encoder"]
    with pytest.raises(ModelFileError, match="a compact encoder without a compact tab"):
        fitted.__setstate__(state)


def permuted(a):
    return np.concatenate([a[1:], a[:1]])


TARGETS, CLUSTERS = ("state", "_targets"), (*MODEL, "clusters")
UNSOUND_LABELS = {
    "no kind": setting("state", "_targets", to={}),
    "nothing": setting("state", "_targets", to=None),
    "another kind": setting(*TARGETS, "kind", to="os.system"),
    "classes": setting(*TARGETS, "kind", to="classes"),
    "fewer labels": setting(*TARGETS, "n_labels", to=3),
    "labels of no number": setting(*TARGETS, "n_labels", to="4"),
    "very many labels": setting(*TARGETS, "n_labels", to=10**15),
    "too few names of labels": setting(*TARGETS, "names", to=["a"]),
    "one name of all labels": setting(*TARGETS, "names", to=["a"] * 4),
    "names of labels that are numbers": setting(*TARGETS, "names", to=[1, 2, 3, 4]),
    "a form of no flag": setting(*TARGETS, "sparse", to=1),
    "other numbers": tensor("classes_", lambda a: a + 1),
    "names of labels": tensor("classes_", lambda a: a.astype("f")[::-1]),
    "one label": tensor("classes_", lambda a: a[:1]),
    "no counts of documents": setting(*MODEL, "statistics", "any_counts", to=None),
    "no documents": setting(*MODEL, "statistics", "any_total", to=0.0),
    "documents of no number": setting(*MODEL, "statistics", "any_total", to=None),
    "fewer counts": tensor("_model.statistics.any_counts", lambda a: a[:-1]),
    "counts with NaN": tensor("_model.statistics.any_counts", lambda a: a * np.nan),
    "clusters": setting(*CLUSTERS, to={"order": {"$array": "classes_"}, "n_short": 2,
                                       "size": 2}),
}  # fmt: skip
UNSOUND_CLUSTERS = {
    "no clusters": setting(*CLUSTERS, to=None),
    "clusters of no fields": setting(*CLUSTERS, to={}),
    "labels": setting(
        *TARGETS, to={"kind": "labels", "n_labels": 500, "sparse": False}
    ),
    "an order of fewer": tensor("_model.clusters.order", lambda a: a[:-1]),
    "an order with repeats": tensor("_model.clusters.order", lambda a: a // 2),
    "an order beyond the classes": tensor("_model.clusters.order", lambda a: a + 1),
    "an order of other numbers": tensor("_model.clusters.order", lambda a: a / 1),
    "an order that falls": tensor("_model.clusters.order", lambda a: a[::-1]),
    "an order within clusters": tensor("_model.clusters.order", permuted),
    "no shortlist": setting(*CLUSTERS, "n_short", to=0),
    "a shortlist of all": setting(*CLUSTERS, "n_short", to=500),
    "a negative shortlist": setting(*CLUSTERS, "n_short", to=-23),
    "a longer shortlist": setting(*CLUSTERS, "n_short", to=86),
    "a shortlist of no number": setting(*CLUSTERS, "n_short", to=63.0),
    "clusters of none": setting(*CLUSTERS, "size", to=0),
    "negative clusters": setting(*CLUSTERS, "size", to=-23),
    "clusters of another size": setting(*CLUSTERS, "size", to=19),
    "clusters that leave a rest": setting(*CLUSTERS, "size", to=22),
    "fewer rows": tensor("_model.layers.0.coef", lambda a: a[:-1]),
    "accumulators of other clusters": tensor("_resume.accumulators.0", lambda a: a.T),
    "accumulators of fewer": tensor("_resume.accumulators.3", lambda a: a[:-1]),
}  # fmt: skip


@pytest.mark.parametrize("change", UNSOUND_LABELS.values(), ids=UNSOUND_LABELS)
def test_unsound_labels_are_refused(change, labels_corpus, make_classifier, tmp_path):
    file = tmp_path / "model"
    skbag.save(make_classifier().fit(*labels_corpus), file)
    rewrite(file, change)
    with pytest.raises(ModelFileError, match="sound model"):
        skbag.load(file)


@pytest.fixture(scope="module")
def many_file(tmp_path_factory):
    """A file of an adaptive softmax, written once."""
    file = tmp_path_factory.mktemp("many") / "model"
    clf = EmbeddingBagClassifier(
        loss="adaptive_softmax", embedding_dim=4, random_state=0
    )
    texts = [f"word{i % 500}" for i in range(1000)]
    skbag.save(clf.fit(texts, [i % 500 for i in range(1000)]), file)
    return file


@pytest.mark.parametrize("change", UNSOUND_CLUSTERS.values(), ids=UNSOUND_CLUSTERS)
def test_unsound_clusters_are_refused(change, many_file, tmp_path):
    file = tmp_path / "model"
    file.write_bytes(many_file.read_bytes())
    assert skbag.load(file).predict(["word7"]).shape == (1,)
    rewrite(file, change)
    with pytest.raises(ModelFileError, match="sound model"):
        skbag.load(file)


def test_a_matrix_model_of_fewer_rows_is_refused(make_classifier, tmp_path):
    """Its rows would be read beyond their end."""
    X, y = np.repeat(np.eye(3), 20, axis=0), np.repeat([0, 1, 2], 20)
    skbag.save(make_classifier().fit(X, y), tmp_path / "model")
    rewrite(tmp_path / "model", setting("state", "n_features_in_", to=10**6))
    with pytest.raises(ModelFileError, match="1000000 columns, 3 rows"):
        skbag.load(tmp_path / "model")


def test_equal_keys_are_refused_in_time(file):
    """A hundred thousand of them would each look at the slots of all others."""

    def collide(content, tensors):
        name = "_model.encoder.keys"
        tensors[name] = np.repeat(tensors[name][:1], 100_000)
        tensors["_model.embedding"] = np.zeros((100_000, 3), dtype=np.float32)

    rewrite(file, collide)
    with pytest.raises(ModelFileError, match="two strings or features are the same"):
        skbag.load(file)


WITHOUT_THE_REST = """
import sys
import skbag

clf = skbag.load(sys.argv[1])
assert clf.predict_proba(["a letter from the captain"]).shape == (1, 3)
needless = [
    "torch", "onnx", "matplotlib", "skbag._training.fit", "skbag._training.network",
    "sklearn.model_selection", "sklearn.feature_extraction", "sklearn.preprocessing",
    "sklearn.linear_model", "sklearn.metrics", "sklearn.pipeline",
]
found = [name for name in needless if name in sys.modules]
assert not found, found
"""


def test_loading_and_predicting_imports_only_what_it_needs(file, new_process):
    done = new_process(WITHOUT_THE_REST, file)
    assert done.returncode == 0, done.stderr


# -- where a file may be ---------------------------------------------------------------


def test_file_objects(fitted, file, corpus):
    buffer = io.BytesIO(b"before")
    buffer.seek(6)
    skbag.save(fitted, buffer)
    assert buffer.getvalue()[6:] == file.read_bytes()
    buffer.seek(6)
    again = skbag.load(buffer)
    expected = fitted.predict_proba(corpus.texts)
    np.testing.assert_array_equal(again.predict_proba(corpus.texts), expected)
    with open(file, "rb") as opened:
        assert skbag.load(opened).classes_.tolist() == fitted.classes_.tolist()


def test_what_is_no_binary_file_object(fitted):
    with pytest.raises(
        TypeError, match=r"got StringIO. Pass a path, or open\(path, 'wb'"
    ):
        skbag.save(fitted, io.StringIO())
    with pytest.raises(TypeError, match=r"got int. Pass a path, or open\(path, 'rb'\)"):
        skbag.load(3)


@pytest.mark.parametrize("n_bytes", [0, 5, 100, -1])
def test_a_damaged_buffer(n_bytes, file):
    with pytest.raises(ModelFileError, match="<BytesIO> is damaged"):
        skbag.load(io.BytesIO(file.read_bytes()[:n_bytes]))


@pytest.mark.skipif(os.name == "nt", reason="pipes of Unix")
def test_a_pipe_is_written_into(fitted, file, tmp_path):
    pipe, received = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()))
    reader.start()
    skbag.save(fitted, pipe)
    reader.join(10)
    assert received == [file.read_bytes()]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    writer = threading.Thread(target=lambda: pipe.write_bytes(file.read_bytes()))
    writer.start()
    assert skbag.load(pipe).classes_.tolist() == fitted.classes_.tolist()
    writer.join(10)


def test_a_folder_that_is_missing_is_named(fitted, tmp_path):
    path = tmp_path / "new" / "model"
    with pytest.raises(FileNotFoundError, match=r"There is no folder '.*new'") as error:
        skbag.save(fitted, path)
    assert ".tmp" not in str(error.value)
    with pytest.raises(IsADirectoryError, match=r"This is a folder\. Name a file in"):
        skbag.save(fitted, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_killed_saves_have_left_is_removed(fitted, tmp_path):
    dead = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    host = safetensors_file._host()
    gone = tmp_path / f"model.{host}-{dead}-0123abcd.tmp"
    held = tmp_path / f"model.{host}-{os.getpid()}-0123abcd.tmp"
    elsewhere = tmp_path / f"model.00000000-{dead}-0123abcd.tmp"
    other = tmp_path / f"other.{host}-{dead}-0123abcd.tmp"
    for folder in (gone, held, elsewhere, other):
        folder.mkdir()
        (folder / "new").write_bytes(b"half")
    skbag.save(fitted, tmp_path / "model")
    assert sorted(tmp_path.iterdir()) == sorted(
        [held, elsewhere, other, tmp_path / "model"]
    )


# -- content that no fit has made ------------------------------------------------------


def encoder_parameter(name, value):
    return setting(*MODEL, "encoder", "parameters", name, to=value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("token_pattern", 3),
        ("token_pattern", "("),
        ("tokenizer", "split"),
        ("preprocessor", 1),
        ("ngram_range", [2, 1]),
        ("ngram_range", ["a", "b"]),
        ("strip_accents", "none"),
        ("stop_words", 5),
        ("stop_words", [1]),
        ("analyzer", "words"),
        ("analyzer", {"$array": "_model.embedding"}),
        ("lowercase", "yes"),
    ],
)
def test_parameters_of_an_encoder(name, value, corpus, make_classifier, tmp_path):
    file = tmp_path / "model"
    skbag.save(make_classifier(token_pattern=r"\w+").fit(*corpus), file)
    rewrite(file, encoder_parameter(name, value))
    with pytest.raises(ModelFileError, match=f"{name} is not one that an encoder has"):
        skbag.load(file)


def scaled(name, factor):
    def change(_, tensors):
        tensors[name] = (tensors[name] * factor).astype(tensors[name].dtype)

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (scaled("_model.embedding", 1e35), "scores of up to"),
        (scaled("_model.layers.0.intercept", 1e38), "scores of up to"),
        (scaled("_model.id_weights", -1), "id_weights holds -4.49.*, less than"),
        (scaled("_resume.accumulators.0", -1), "_resume.accumulators holds -"),
        (
            scaled("_model.statistics.counts", -1),
            "statistics.counts holds -.*, less than 0",
        ),
        (
            scaled("_model.statistics.class_totals", -1),
            "class_totals holds -.*, less than 0",
        ),
        (setting("state", "_resume", "n_seen", to=-1), "n_seen is -1, of type int"),
        (setting("state", "_resume", "n_seen", to=10**400), "n_seen is 1000"),
        (
            setting("state", "_resume", "skill_score", to=1.5),
            "skill_score is 1.5, of type float",
        ),
        (
            setting("state", "_resume", "learning_rate", to=10**400),
            "learning_rate is 1000",
        ),
        (setting(*MODEL, "temperature", to=10**400), "temperature is 1000"),
        (
            setting(*MODEL, "encoder", "kind", to={"$array": "_model.embedding"}),
            "encoder.kind is of type ndarray",
        ),
        (
            setting("state", "max_iter", to=10**400),
            "max_iter is an integer of 1329 bits",
        ),
        (
            setting("state", "hidden_layer_sizes", to={"$tuple": [10**400]}),
            "hidden_layer_sizes is an integer of 1329 bits",
        ),
        (setting("state", "n_jobs", to=0), "n_jobs == 0 has no meaning"),
        (setting("state", "n_iter_", to=0), "n_iter_ is 0, of type int"),
        (setting("state", "loss_curve_", to=["a"]), "loss_curve_ is 'a'"),
        (setting("state", "_vocabulary", to={}), "sets '_vocabulary'"),
        (setting(*MODEL, "link", to=[]), "link is of type list"),
        (setting(*MODEL, "statistics", to=None), "id_weights, but no statistics"),
        (lambda content, _: content["state"].pop("_model"), "but no model"),
        (
            setting("state", "_sklearn_output_config", to={"transform": "csv"}),
            "transform is 'csv', of type str",
        ),
        (
            setting(
                "state",
                "classes_",
                to={"$objects": ["a", "a", "b"], "shape": [3], "kind": "O"},
            ),
            "not distinct and in order",
        ),
        (
            setting(
                "state",
                "classes_",
                to={"$objects": ["a", "c", "b"], "shape": [3], "kind": "O"},
            ),
            "not distinct and in order",
        ),
    ],
)
def test_numbers_that_no_training_has_made(change, message, file):
    rewrite(file, change)
    with pytest.raises(ModelFileError, match=message):
        skbag.load(file)


@pytest.mark.parametrize("position", [-1, 625, 2**31, 1.0])
def test_a_generator_beyond_its_numbers(position, file):
    """The next fit ended in a segmentation fault, or drew from foreign memory."""
    keys = list(range(624))

    def change(content, _):
        legacy = ["MT19937", keys, position, 0, 0.0]
        content["state"]["random_state"] = {"$random_state": {"$tuple": legacy}}

    rewrite(file, change)
    with pytest.raises(ModelFileError, match="not the state of a random generator"):
        skbag.load(file)


@pytest.mark.parametrize(
    "dtype", ["M8,S1000000000", "M8[1000000000D]", "m8[x]", "(1000,1000)M8[D]"]
)
def test_a_type_of_any_size(dtype, file):
    """8 kB took 2.3 GB."""

    def change(content, tensors):
        tensors["times"] = np.arange(3)
        content["state"]["classes_"] = {"$time": "times", "dtype": dtype}

    rewrite(file, change)
    with pytest.raises(ModelFileError, match="not a type of times"):
        skbag.load(file)


@pytest.mark.parametrize("name", ["checkpoint", "embedding_init"])
def test_paths_in_a_file_are_not_followed(name, file, corpus, tmp_path):
    rewrite(file, setting("state", name, to=str(tmp_path / "victim")))
    with pytest.warns(
        UserWarning, match=f"{name}='.*victim' stands in the file, where"
    ):
        clf = skbag.load(file)
    assert getattr(clf, name) is None
    clf.fit(*corpus)
    assert not (tmp_path / "victim").exists()
