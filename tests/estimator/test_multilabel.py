"""Several labels per text, through all that a classifier of scikit-learn can do."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.metrics import classification_report, f1_score
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MultiLabelBinarizer

import skbag

# Fits by the dozen.
pytestmark = pytest.mark.slow

TELLING = {
    "baking": ["dough", "flour", "oven"],
    "sailing": ["anchor", "mast", "tide"],
    "gardening": ["compost", "hedge", "petal"],
    "music": ["chord", "flute", "tempo"],
}
NAMES = sorted(TELLING)
MODELS = {
    "default": {},
    "cross-entropy": {"loss": "cross_entropy"},
    "two layers": {"embedding_dim": 8},
    "hidden layer": {"embedding_dim": 8, "hidden_layer_sizes": (8,), "max_iter": 20},
    "plain weights": {"supervised_weighting": False},
}
models = pytest.mark.parametrize("name", MODELS)


def make_texts(n_texts, seed):
    """Texts of two words for each of none to three labels, and fillers."""
    rng = np.random.default_rng(seed)
    texts, labels = [], []
    for _ in range(n_texts):
        own = rng.choice(NAMES, size=rng.integers(4), replace=False).tolist()
        words = [w for label in own for w in rng.choice(TELLING[label], 2)]
        words += rng.choice(["and", "of", "the", "then", "with"], 4).tolist()
        texts.append(" ".join(rng.permutation(words)))
        labels.append(own)
    return texts, MultiLabelBinarizer(classes=NAMES).fit_transform(labels)


@pytest.fixture
def train():
    return make_texts(300, 0)


@pytest.fixture
def new():
    return make_texts(100, 1)


# -- predictions -----------------------------------------------------------------------


@models
def test_labels_are_learnt(name, train, new, make_classifier):
    texts, y = new
    clf = make_classifier(**MODELS[name]).fit(*train)
    predicted = clf.predict(texts)
    assert f1_score(y, predicted, average="micro") > 0.9
    assert clf.classes_.tolist() == [0, 1, 2, 3]
    scores, proba = clf.decision_function(texts), clf.predict_proba(texts)
    assert scores.shape == proba.shape == y.shape
    np.testing.assert_array_equal(predicted, scores > 0)
    np.testing.assert_array_equal(predicted, proba > 0.5)
    assert ((proba >= 0) & (proba <= 1)).all()
    assert not np.allclose(proba.sum(axis=1), 1)
    np.testing.assert_allclose(
        clf.predict_log_proba(texts), np.log(proba), rtol=1e-6, atol=1e-12
    )
    assert clf.score(texts, y) == (predicted == y).all(axis=1).mean()


@models
def test_probabilities_are_calibrated(name, make_classifier):
    """Fitted on noisy labels, they are worth more than saying how frequent each is."""
    (texts, y), (new_texts, new_y) = make_texts(2000, 2), make_texts(500, 3)
    noise = np.random.default_rng(4)
    y = np.where(noise.random(y.shape) < 0.2, 1 - y, y)
    new_y = np.where(noise.random(new_y.shape) < 0.2, 1 - new_y, new_y)
    clf = make_classifier(**MODELS[name]).fit(texts, y)
    proba = np.clip(clf.predict_proba(new_texts), 1e-9, 1 - 1e-9)

    def log_loss(p):
        return -np.where(new_y, np.log(p), np.log(1 - p)).mean()

    assert log_loss(proba) < log_loss(np.broadcast_to(y.mean(axis=0), y[:500].shape))


@pytest.mark.parametrize("form", ["dense", "sparse", "lists", "matrix"])
def test_the_form_of_y_changes_its_form_only(form, train, new, make_classifier):
    texts, y = train
    given = {
        "dense": y,
        "sparse": sp.csr_array(y),
        "lists": y.tolist(),
        "matrix": sp.csc_matrix(y),
    }[form]
    clf = make_classifier().fit(texts, given)
    plain = make_classifier().fit(texts, y)
    np.testing.assert_array_equal(clf.embedding_, plain.embedding_)
    predicted = clf.predict(new[0])
    assert sp.issparse(predicted) == (form in ("sparse", "matrix"))
    dense = predicted.toarray() if sp.issparse(predicted) else predicted
    np.testing.assert_array_equal(dense, plain.predict(new[0]))
    assert clf.score(new[0], new[1]) == plain.score(new[0], new[1])


def test_a_matrix_of_numbers(make_classifier):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4))
    y = (X[:, :3] > 0).astype(int)
    clf = make_classifier(max_iter=20).fit(X, y)
    assert f1_score(y, clf.predict(X), average="micro") > 0.9


def test_labels_that_none_or_all_have(train, new, make_classifier):
    texts, y = train
    y = np.column_stack([y, np.zeros(len(y), int), np.ones(len(y), int)])
    predicted = make_classifier().fit(texts, y).predict(new[0])
    assert (predicted[:, 4] == 0).all()
    assert (predicted[:, 5] == 1).all()


def test_no_labels_at_all(make_classifier):
    clf = make_classifier().fit(["a b", "c d", "e"] * 4, np.zeros((12, 3), int))
    assert (clf.predict(["a b", "c"]) == 0).all()


def test_same_seed_same_bits(train, make_classifier):
    one, two = (make_classifier(n_jobs=n).fit(*train) for n in (1, 2))
    np.testing.assert_array_equal(one.embedding_, two.embedding_)
    assert one.inverse_temperature_ == two.inverse_temperature_


# -- weights ---------------------------------------------------------------------------


def test_samples_of_weight_zero_are_as_good_as_absent(train, make_classifier):
    texts, y = train
    weight = (np.arange(len(texts)) % 3 > 0).astype(float)
    kept = np.flatnonzero(weight)
    with_zeros = make_classifier(shuffle=False).fit(texts, y, weight)
    without = make_classifier(shuffle=False).fit([texts[i] for i in kept], y[kept])
    np.testing.assert_array_equal(with_zeros.embedding_, without.embedding_)


def test_weights_decide_between_samples_that_disagree(make_classifier):
    texts = ["same words"] * 200
    y = np.tile([[1, 0], [0, 1]], (100, 1))
    weight = np.tile([5.0, 1.0], 100)
    assert make_classifier().fit(texts, y, weight).predict(texts[:1]).tolist() == [
        [1, 0]
    ]


@pytest.mark.filterwarnings("ignore:The training loss ended")  # the texts are all alike
@pytest.mark.parametrize("loss", ["squared_hinge", "cross_entropy"])
def test_class_weight_makes_a_label_more_likely(loss, make_classifier):
    rng = np.random.default_rng(0)
    texts = ["same words"] * 400
    y = (rng.random((400, 3)) < 0.35).astype(int)

    def proba(class_weight):
        clf = make_classifier(loss=loss, class_weight=class_weight, alpha=0.0)
        return clf.fit(texts, y).decision_function(texts[:1])[0]

    plain, one, balanced = proba(None), proba({1: 4.0}), proba("balanced")
    assert one[1] > plain[1] + 0.1
    assert one[[0, 2]] == pytest.approx(plain[[0, 2]], abs=0.2)
    assert (balanced > plain + 0.1).all()


@pytest.mark.parametrize(
    ("class_weight", "words"),
    [
        ({7: 2.0}, "class_weight names 7, but y has labels numbered 0 to 3"),
        ({"baking": 2.0}, "class_weight names 'baking', but y has labels numbered"),
        ({1: -1.0}, "finite and not negative, got -1.0 for label 1"),
        ({1: "much"}, "finite and not negative, got 'much' for label 1"),
    ],
    ids=str,
)
def test_class_weight_names_numbers_of_labels(
    class_weight, words, train, make_classifier
):
    with pytest.raises(ValueError, match=words):
        make_classifier(class_weight=class_weight).fit(*train)


# -- going on --------------------------------------------------------------------------


def test_partial_fit(train, new, make_classifier):
    texts, y = train
    clf = make_classifier()
    for start in range(0, 300, 100):
        part = slice(start, start + 100)
        clf.partial_fit(texts[part], y[part], classes=range(4))
    for _ in range(3):
        clf.partial_fit(texts, sp.csr_array(y))
    assert f1_score(new[1], clf.predict(new[0]), average="micro") > 0.8
    with pytest.raises(ValueError, match="y must be an indicator matrix of 4 columns"):
        clf.partial_fit(texts, y[:, 0])
    with pytest.raises(ValueError, match="y has 3 columns, but there are 4 labels"):
        clf.partial_fit(texts, y[:, :3])


def test_partial_fit_wants_the_numbers_of_the_columns(train, make_classifier):
    texts, y = train
    with pytest.raises(ValueError, match="must be the numbers of the 4 columns"):
        make_classifier().partial_fit(texts, y, classes=NAMES)
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        make_classifier().partial_fit(texts, y)


def test_warm_start(train, new, make_classifier):
    clf = make_classifier(warm_start=True, max_iter=1).fit(*train)
    first = clf.loss_curve_[-1]
    assert clf.fit(*train).loss_curve_[-1] < first
    with pytest.raises(ValueError, match="with the 4 labels of the earlier fit, but y"):
        clf.fit(train[0], train[1][:, :3])
    with pytest.raises(ValueError, match="but y is one class per sample"):
        clf.fit(train[0], train[1][:, 0])


def test_early_stopping_goes_by_the_f1_of_samples(train, make_classifier):
    clf = make_classifier(early_stopping=True, max_iter=8).fit(*train)
    assert len(clf.validation_scores_) == clf.n_iter_
    assert clf.best_validation_score_ == max(clf.validation_scores_) > 0.8


# -- inside scikit-learn ---------------------------------------------------------------


@models
def test_pickled(name, train, new, make_classifier):
    clf = make_classifier(**MODELS[name]).fit(*train)
    loaded = pickle.loads(pickle.dumps(clf))
    for method in ("predict", "predict_proba", "decision_function"):
        np.testing.assert_array_equal(
            getattr(loaded, method)(new[0]), getattr(clf, method)(new[0])
        )
    loaded.partial_fit(*train)


def test_search_report_pipeline_and_cross_val_predict(train, make_classifier):
    texts, y = train
    pipeline = make_pipeline(FunctionTransformer(), make_classifier())
    grid = {"embeddingbagclassifier__loss": ["squared_hinge", "cross_entropy"]}
    search = GridSearchCV(pipeline, grid, cv=3, scoring="f1_micro").fit(texts, y)
    assert search.best_score_ > 0.85
    proba = cross_val_predict(pipeline, texts, y, cv=3, method="predict_proba")
    predicted = cross_val_predict(pipeline, texts, y, cv=3)
    np.testing.assert_array_equal(predicted, proba > 0.5)
    sparse = cross_val_predict(pipeline, texts, sp.csr_array(y), cv=3)
    np.testing.assert_array_equal(sparse.toarray(), predicted)
    report = classification_report(y, predicted, target_names=NAMES, zero_division=0)
    assert all(name in report for name in NAMES)


# -- what is no indicator matrix -------------------------------------------------------

ROWS = np.tile([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]], (5, 1))


def with_one(value, dtype=float):
    y = ROWS.astype(dtype)
    y[3, 1] = value
    return y


def with_index(index):
    y = sp.csr_array(ROWS)
    y.indices = y.indices.copy()
    y.indices[0] = index
    return y


REFUSED = {
    "NaN": (with_one(np.nan), "y contains NaN"),
    "NaN, sparse": (sp.csr_array(with_one(np.nan)), "y contains NaN"),
    "infinity": (with_one(np.inf), "y contains infinity"),
    "negative": (with_one(-1), r"holds -1\.0 besides 0 and 1"),
    "two": (with_one(2), r"holds 2\.0 besides 0 and 1"),
    "a share": (with_one(0.5), r"holds 0\.5 besides 0 and 1"),
    "entries that add up": (
        sp.coo_array((np.ones(40), (np.arange(40) // 2, np.zeros(40, int))), (20, 3)),
        r"holds 2\.0 besides 0 and 1",
    ),
    "missing": (with_one(None, object), "holds other things than numbers"),
    "masked": (np.ma.masked_equal(ROWS, 1), "y contains missing labels: .* masked"),
    "strings": (ROWS.astype(str), "holds other things than numbers"),
    "complex": (ROWS.astype(complex), "holds other things than numbers"),
    "dates": (ROWS.astype("M8[s]"), "holds other things than numbers"),
    "ragged": ([[1, 0], [1]] * 10, "y holds collections of labels, such as"),
    "ragged, one None": ([[1, 0], None] * 10, "y holds collections of labels"),
    "sets": ([{1}, {0, 1}] * 10, "y holds collections of labels, such as"),
    "three axes": (np.ones((20, 3, 2), int), "array with dim 3"),
    "three axes of lists": (np.ones((20, 3, 2), int).tolist(), "array with dim 3"),
    # Of one row where scipy has sparse arrays of two axes only.
    "one axis, sparse": (
        sp.coo_array(np.ones(20)), "sparse array of 1 axis|20 samples and 1 labels"
    ),
    "no column": (np.zeros((20, 0), int), r"0 feature\(s\)"),
    "no column, sparse": (sp.csr_array((20, 0)), "needs at least 2 labels, got 0"),
    "one column, sparse": (sp.csr_array(ROWS[:, :1]), "at least 2 labels, got 1"),
    "fewer rows": (ROWS[:7], "inconsistent lengths: 20 samples and 7 labels"),
    "a column that is not there": (with_index(9), "y cannot be read as an indicator"),
    "a negative column": (with_index(-1), "y cannot be read as an indicator"),
}  # fmt: skip


@pytest.mark.parametrize(("y", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_indicator_matrix_is_refused_in_words(y, words, make_classifier):
    texts = ["a b", "c d", "e f", "g h"] * 5
    with pytest.raises(ValueError, match=words):
        make_classifier().fit(texts, y)
    clf = make_classifier().partial_fit(texts, ROWS, classes=range(3))
    with pytest.raises(ValueError, match=r"\w"):
        clf.partial_fit(texts, y)


TAKEN = {
    "bool": lambda y: y.astype(bool),
    "uint8": lambda y: y.astype(np.uint8),
    "float16": lambda y: y.astype(np.float16),
    "objects": lambda y: y.astype(object),
    "bool, sparse": lambda y: sp.coo_array(y.astype(bool)),
    "explicit zeros": lambda y: sp.csr_array(
        (y.ravel(), np.tile(np.arange(3), 20), np.arange(0, 61, 3)), shape=(20, 3)
    ),
}


@pytest.mark.parametrize("convert", TAKEN.values(), ids=TAKEN)
def test_zeros_and_ones_of_any_type_are_taken(convert, make_classifier):
    texts, y = ["a b", "c d", "e f", "g h"] * 5, convert(ROWS)
    before = y.copy()
    clf, plain = make_classifier().fit(texts, y), make_classifier().fit(texts, ROWS)
    np.testing.assert_array_equal(clf.embedding_, plain.embedding_)
    # What came in is as it was.
    assert (y != before).sum() == 0
    if sp.issparse(y):
        assert y.nnz == before.nnz


@pytest.mark.parametrize("kinds", [["Int64"] * 3, [bool, int, float]], ids=str)
def test_data_frames(kinds, make_classifier):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(ROWS, columns=list("abc"))
    frame = frame.astype(dict(zip("abc", kinds, strict=True)))
    texts = ["a b", "c d", "e f", "g h"] * 5
    clf, plain = make_classifier().fit(texts, frame), make_classifier().fit(texts, ROWS)
    np.testing.assert_array_equal(clf.embedding_, plain.embedding_)


def frame_of(rows, names=("late", "money")):
    pandas = pytest.importorskip("pandas")
    return pandas.DataFrame(rows, columns=list(names))


TEXTS_OF_TWO = ["late parcel", "parcel lost", "refund please", "late refund"] * 5
TWO = [[1, 0], [0, 0], [0, 1], [1, 1]] * 5


def test_labels_are_called_by_the_names_of_columns(make_classifier, tmp_path):
    clf = make_classifier().fit(TEXTS_OF_TWO, frame_of(TWO))
    assert clf.label_names_.tolist() == ["late", "money"]
    assert clf.classes_.tolist() == [0, 1]
    assert clf.top_tokens("late") == clf.top_tokens(0)
    assert list(clf.top_tokens()) == ["late", "money"]
    assert clf.explain(["late"]).classes.tolist() == ["late", "money"]
    with pytest.raises(ValueError, match=r"no class 'lat'. Did you mean 'late'"):
        clf.top_tokens("lat")
    skbag.save(clf, tmp_path / "model.skbag")
    for copy in (skbag.load(tmp_path / "model.skbag"), pickle.loads(pickle.dumps(clf))):
        assert copy.label_names_.tolist() == ["late", "money"]


def test_names_of_labels_stay_in_their_order(make_classifier):
    clf = make_classifier().partial_fit(TEXTS_OF_TWO, frame_of(TWO), classes=[0, 1])
    clf.partial_fit(TEXTS_OF_TWO, TWO)
    with pytest.raises(ValueError, match="columns of y are money, late, but those of"):
        clf.partial_fit(TEXTS_OF_TWO, frame_of(TWO, ["money", "late"]))


@pytest.mark.parametrize("names", [[0, 1], ["same", "same"], ["late", 3]])
def test_labels_without_names(names, make_classifier):
    clf = make_classifier().fit(TEXTS_OF_TWO, frame_of(TWO, names))
    assert clf.label_names_ is None
    assert list(clf.top_tokens()) == [0, 1]
    assert make_classifier().fit(["a", "b"] * 9, [0, 1] * 9).label_names_ is None


# -- in company and in parts -----------------------------------------------------------


@models
def test_a_text_is_answered_alike_in_any_company(name, train, new, make_classifier):
    clf, texts = make_classifier(**MODELS[name]).fit(*train), new[0]
    for method in ("predict", "predict_proba", "predict_log_proba"):
        alone = np.concatenate([getattr(clf, method)([text]) for text in texts])
        np.testing.assert_array_equal(alone, getattr(clf, method)(texts))


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("sparse", [False, True])
def test_parts_are_put_together(sparse, n_jobs, train, new, make_classifier):
    texts, y = train
    clf = make_classifier(n_jobs=n_jobs).fit(texts, sp.csr_array(y) if sparse else y)
    many = new[0] * 60
    for method in ("predict", "predict_proba"):
        value, one = getattr(clf, method)(many), getattr(clf, method)(new[0])
        if sp.issparse(value):
            value, one = value.toarray(), one.toarray()
        np.testing.assert_array_equal(value, np.tile(one, (60, 1)))
