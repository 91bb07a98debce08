"""Columns of numbers beside texts and categories, from fit to files."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import skbag
from skbag._training.number_columns import follow_numbers

N_TRAIN = 400


def tickets(n=900, seed=0):
    """Titles and a category that tell three classes, and a price that does, too."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n)
    titles = [
        " ".join(f"w{i}" for i in rng.integers(40 * v, 40 * v + 160, 5)) for v in y
    ]
    colours = np.array(["red", "green", "blue"])[(y + rng.integers(0, 2, n)) % 3]
    price = (y + rng.normal(scale=0.5, size=n)) * 1000 + 5000
    price[rng.random(n) < 0.05] = np.nan
    frame = pd.DataFrame(
        {
            "title": titles,
            "price": price,
            "colour": pd.Categorical(colours),
            "new": rng.random(n) < 0.5,
        }
    )
    return frame, y


X, Y = tickets()
TRAIN, TEST = X[:N_TRAIN], X[N_TRAIN:]
Y_TRAIN, Y_TEST = Y[:N_TRAIN], Y[N_TRAIN:]
TEXT = ["title", "colour"]


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"embedding_dim": 8},
        {"loss": "cross_entropy"},
        {"norm": None},
        {"supervised_weighting": False, "use_idf": False},
        {"early_stopping": True},
        {"n_buckets": 4096},
    ],
    ids=str,
)
def test_a_number_that_tells_something_helps(parameters, make_classifier):
    clf = make_classifier(**parameters).fit(TRAIN, Y_TRAIN)
    alone = make_classifier(**parameters).fit(TRAIN[TEXT], Y_TRAIN)
    assert clf.score(TEST, Y_TEST) > alone.score(TEST[TEXT], Y_TEST) + 0.01


def test_noise_costs_next_to_nothing(make_classifier):
    noise = np.random.default_rng(0).normal(size=(len(X), 10))
    names = [f"x{j}" for j in range(10)]
    noisy = pd.concat([X[TEXT], pd.DataFrame(noise, columns=names)], axis=1)
    clf = make_classifier().fit(noisy[:N_TRAIN], Y_TRAIN)
    alone = make_classifier().fit(TRAIN[TEXT], Y_TRAIN)
    expected = alone.score(TEST[TEXT], Y_TEST)
    assert clf.score(noisy[N_TRAIN:], Y_TEST) > expected - 0.02


def test_two_classes_and_labels(make_classifier):
    two, labels = (Y > 0).astype(int), np.stack([Y == 1, Y > 0], axis=1).astype(int)
    for y, least in ((two, 0.85), (labels, 0.7)):
        clf = make_classifier().fit(TRAIN, y[:N_TRAIN])
        assert clf.score(TEST, y[N_TRAIN:]) > least


def test_units_of_numbers_do_not_matter(make_classifier):
    """A linear change of a column changes its units alone."""
    moved = X.assign(price=X["price"] * 1e-4 - 7)
    clf = make_classifier().fit(TRAIN, Y_TRAIN)
    found = make_classifier().fit(moved[:N_TRAIN], Y_TRAIN)
    expected = clf.decision_function(TEST)
    assert_allclose(found.decision_function(moved[N_TRAIN:]), expected, atol=1e-3)


def test_a_missing_number_counts_as_the_mean(make_classifier):
    clf = make_classifier().fit(TRAIN, Y_TRAIN)
    missing = TEST.assign(price=np.nan)
    mean = TEST.assign(price=TRAIN["price"][: N_TRAIN - N_TRAIN // 3].mean())
    found = clf.decision_function(missing)
    block = clf._model.featurizer.number_block
    at_mean = TEST.assign(price=block.mean[0])
    assert_allclose(found, clf.decision_function(at_mean), atol=1e-5)
    assert_allclose(found, clf.decision_function(mean), atol=0.1)


def test_explanations_name_the_columns(make_classifier):
    clf = make_classifier().fit(TRAIN, Y_TRAIN)
    explanation = clf.explain(TEST[:20])
    assert_allclose(explanation.scores, clf.decision_function(TEST[:20]), atol=1e-4)
    assert {"price", "new"} <= set(explanation.features)
    assert explanation.texts[0]["new"] in ("0", "1")
    assert "price" in str(explanation)
    assert "price" in explanation._repr_html_()
    assert {"price", "new"} <= set(clf.vocabulary_)


def test_the_model_travels(make_classifier, tmp_path):
    clf = make_classifier().fit(TRAIN, Y_TRAIN)
    expected = clf.decision_function(TEST)
    skbag.save(clf, tmp_path / "model.skbag")
    loaded = skbag.load(tmp_path / "model.skbag")
    for copy in (pickle.loads(pickle.dumps(clf)), loaded):
        assert_array_equal(copy.decision_function(TEST), expected)
        more = copy.partial_fit(TEST[:50], Y_TEST[:50]).decision_function(TEST)
        assert np.isfinite(more).all()
    frame = pl.from_pandas(TEST)
    assert_allclose(clf.decision_function(frame), expected, atol=1e-6)


def test_other_graphs_have_the_same_scores(make_classifier):
    torch = pytest.importorskip("torch")
    clf = make_classifier().fit(TRAIN, Y_TRAIN)
    scores = clf.to_torch()(*map(torch.from_numpy, clf.encode(TEST)))
    expected = clf.decision_function(TEST)
    assert_allclose(scores.detach().numpy(), expected, atol=1e-4)
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    graph = onnxruntime.InferenceSession(
        clf.to_onnx().SerializeToString(), providers=["CPUExecutionProvider"]
    )
    probabilities, scores = graph.run(None, clf.encode(TEST)._asdict())
    assert_allclose(scores, expected, atol=1e-4)
    assert_allclose(probabilities, clf.predict_proba(TEST), atol=1e-4)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"embedding_dim": 8},
        {"norm": None},
        {"norm": "l1"},
        {"supervised_weighting": False, "use_idf": False},
        {"n_buckets": 4096},
    ],
    ids=str,
)
@pytest.mark.parametrize("two", [False, True])
def test_a_compressed_model_keeps_numbers(two, parameters, make_classifier, tmp_path):
    y = (Y > 0).astype(int) if two else Y
    # One that is constant, and one in units of its own.
    X_more = X.assign(constant=3.0, tiny=X["price"] * 1e-9 + Y * 1e-7)
    train, test = X_more[:N_TRAIN], X_more[N_TRAIN:]
    clf = make_classifier(**parameters).fit(train, y[:N_TRAIN])
    expected = clf.decision_function(test)
    whole = clf.compress(bits=16)
    scale = np.abs(expected).max()
    assert_allclose(whole.decision_function(test), expected, atol=0.02 * scale)
    small = clf.compress()
    assert_allclose(small.decision_function(test), expected, atol=0.05 * scale)
    skbag.save(small, tmp_path / "model")
    for same in (skbag.load(tmp_path / "model"), pickle.loads(pickle.dumps(small))):
        assert_array_equal(same.decision_function(test), small.decision_function(test))
    explanation = small.explain(test[:5])
    assert_allclose(explanation.scores, small.decision_function(test[:5]), atol=1e-5)
    assert "price" in explanation.features


def test_under_a_budget_numbers_are_kept(make_classifier, tmp_path):
    """What they add is what it was, however few features of texts are left."""
    clf = make_classifier().fit(TRAIN, Y_TRAIN)
    rows = X[["title", "price", "colour", "new"]][:2].copy()
    rows["title"] = ["", ""]
    rows["colour"] = pd.Categorical([None, None], categories=["red", "green", "blue"])
    rows["price"], rows["new"] = [4000.0, 8000.0], [True, True]
    expected = np.diff(clf.decision_function(rows), axis=0)
    assert np.abs(expected).max() > 0.3
    skbag.save(clf.compress(), tmp_path / "model")
    for n_bytes in (9_000, 12_000, (tmp_path / "model").stat().st_size):
        small = clf.compress(max_bytes=n_bytes, bits=8)
        skbag.save(small, tmp_path / "model")
        assert (tmp_path / "model").stat().st_size <= n_bytes
        found = np.diff(small.decision_function(rows), axis=0)
        assert_allclose(found, expected, atol=0.05 * np.abs(expected).max())
        assert clf.compress(max_bytes=n_bytes).score(TEST, Y_TEST) > 0.7


def test_compressed_without_texts(make_classifier):
    names = ["price", "new", "colour"]
    clf = make_classifier().fit(TRAIN[names], Y_TRAIN)
    expected = clf.score(TEST[names], Y_TEST)
    assert clf.compress().score(TEST[names], Y_TEST) > expected - 0.02


def test_a_stream_standardises_by_all_its_parts(make_classifier):
    clf = make_classifier()
    for start in range(0, N_TRAIN, 30):
        rows = slice(start, start + 30)
        clf.partial_fit(TRAIN[rows], Y_TRAIN[rows], classes=[0, 1, 2])
        if start % 60:
            clf = pickle.loads(pickle.dumps(clf))
    moments = clf._model.featurizer.number_block.moments
    assert_allclose(moments.columns.mean, TRAIN[["price", "new"]].astype(float).mean())
    assert moments.weight == N_TRAIN
    alone = make_classifier()
    for start in range(0, N_TRAIN, 30):
        rows = slice(start, start + 30)
        alone.partial_fit(TRAIN[TEXT][rows], Y_TRAIN[rows], classes=[0, 1, 2])
    assert clf.score(TEST, Y_TEST) > alone.score(TEST[TEXT], Y_TEST) + 0.01


@pytest.mark.parametrize("embedding_dim", [None, 4])
def test_scores_stay_where_the_standardisation_changes(embedding_dim, make_classifier):
    clf = make_classifier(embedding_dim=embedding_dim).fit(TRAIN, Y_TRAIN)
    before = clf._model.featurizer
    other = make_classifier(embedding_dim=embedding_dim).fit(TRAIN[100:], Y_TRAIN[100:])
    block = other._model.featurizer.number_block
    ids = before.number_block.ids
    object.__setattr__(block, "ids", ids)
    after = pickle.loads(pickle.dumps(clf))._model.featurizer
    object.__setattr__(after, "number_block", block)
    predictor = follow_numbers(clf._model.predictor, before, after)
    rows = before.encoder.numbers(list(TEST.itertuples(index=False)))
    bags = before.weighting.apply(
        before.encoder.encode(list(TEST.itertuples(index=False))), before.id_weights
    )
    expected = clf._model.predictor.scores(before.number_block.join(bags, rows))
    is_known = ~np.isnan(rows).any(axis=1)
    found = predictor.scores(block.join(bags, rows))
    assert_allclose(found[is_known], expected[is_known], atol=1e-4)


def test_a_warm_start_goes_on(make_classifier):
    clf = make_classifier(warm_start=True).fit(TRAIN[:200], Y_TRAIN[:200])
    before = clf.score(TEST, Y_TEST)
    assert clf.fit(TRAIN, Y_TRAIN).score(TEST, Y_TEST) > before - 0.03


def test_sample_weights_count_as_repeated_samples(make_classifier):
    weight = np.arange(N_TRAIN) % 2
    others = TRAIN.assign(price=np.where(weight > 0, TRAIN["price"], 1e9))
    clf = make_classifier().fit(others, Y_TRAIN, weight)
    kept = make_classifier().fit(TRAIN[weight > 0], Y_TRAIN[weight > 0])
    found = clf._model.featurizer.number_block.mean
    assert_allclose(found, kept._model.featurizer.number_block.mean)


def test_numbers_and_categories_without_texts(make_classifier):
    names = ["price", "colour", "new"]
    clf = make_classifier().fit(TRAIN[names], Y_TRAIN)
    assert clf.score(TEST[names], Y_TEST) > 0.6


def test_texts_may_all_be_empty(make_classifier):
    empty = X.assign(title="")[["title", "price"]]
    clf = make_classifier().fit(empty[:N_TRAIN], Y_TRAIN)
    assert clf.score(empty[N_TRAIN:], Y_TEST) > 0.45


def test_numbers_of_another_kind_are_refused(make_classifier):
    clf = make_classifier().fit(TRAIN, Y_TRAIN)
    # Of strings older pandas makes objects, which are looked at one by one.
    words = "'price' (held numbers in fit, but is of dtype|holds numbers, but one is)"
    with pytest.raises(TypeError, match=words):
        clf.predict(TEST.assign(price=TEST["price"].astype(str)))
    with pytest.raises(ValueError, match="Column 'price' holds inf"):
        clf.predict(TEST.assign(price=np.inf))
