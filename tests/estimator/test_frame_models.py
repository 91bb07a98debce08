"""Data frames of several columns, through everything that an estimator does."""

import pickle
import warnings

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import skbag
from skbag._model.explanation import INTERCEPT
from skbag._text.columns import Column
from skbag._weighting.weighting import COLUMN_SHARES
from skbag.displays import TokenContributionsDisplay, TopTokensDisplay
from skbag.exceptions import ModelFileError

WORDS = {
    "delivery": "parcel late courier lost driver".split(),
    "payment": "refund money charged invoice card".split(),
    "account": "password login email locked reset".split(),
}


def some_frame(n=90, seed=0):
    """Messages in two columns, of which either may tell the team, and a category."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        team = list(WORDS)[i % 3]
        telling, other = rng.permutation([0, 1])
        texts = [None, None]
        texts[telling] = " ".join(rng.choice(WORDS[team], 3))
        texts[other] = " ".join(rng.choice("please help me with my".split(), 3))
        if rng.random() < 0.1:
            texts[other] = None
        channel = {"delivery": "app", "payment": "mail", "account": "phone"}[team]
        if rng.random() < 0.2:
            channel = None
        rows.append((*texts, channel, team))
    table = pd.DataFrame(rows, columns=["title", "body", "channel", "team"])
    table["channel"] = table["channel"].astype("category")
    return table.drop(columns="team"), table["team"].to_numpy()


X, Y = some_frame()
COLUMNS = ["title", "body", "channel"]


@pytest.fixture
def clf(make_classifier):
    return make_classifier().fit(X, Y)


def as_polars(frame):
    return pl.DataFrame(
        {
            name: frame[name].astype(object).where(frame[name].notna(), None).tolist()
            for name in frame
        },
        schema={"title": pl.String, "body": pl.String, "channel": pl.Categorical},
    )


def test_columns_have_features_of_their_own(clf):
    assert clf.n_features_in_ == 3
    assert clf.feature_names_in_.tolist() == COLUMNS
    assert clf.score(X, Y) > 0.95
    names = set(clf.vocabulary_)
    assert {"title: parcel", "body: parcel", "channel=app", "channel=<missing>"} < names
    prefixes = {name.partition("=")[0].partition(":")[0] for name in names}
    assert prefixes == set(COLUMNS)
    for label, tokens in clf.top_tokens(k=20).items():
        assert any(name.startswith("channel=") for name, _ in tokens), label
    assert clf.most_similar("title: parcel", 3)


def test_all_frames_are_alike(make_classifier, clf):
    expected = clf.decision_function(X)
    for frame in (as_polars(X), as_polars(X).to_arrow()):
        assert_array_equal(clf.decision_function(frame), expected)
        other = make_classifier().fit(frame, Y)
        assert_array_equal(other.decision_function(X), expected)
        assert other.feature_names_in_.tolist() == COLUMNS


def test_a_row_has_norm_1_and_columns_their_shares(clf):
    bags = clf._model.bags(clf_rows(clf, X))
    norms = np.sqrt(bags.row_sums(bags.weights.astype(np.float64) ** 2))
    assert_allclose(norms, 1, rtol=1e-5)
    shares = clf._model.featurizer.shares
    assert_allclose(shares, [COLUMN_SHARES[k] for k in ("text", "text", "category")])


def clf_rows(clf, frame):
    from skbag._estimator.inputs import read_X

    return read_X(clf, frame, reset=False)


def test_one_column_is_read_as_ever(make_classifier):
    alone = make_classifier().fit(X[["title"]].fillna(""), Y)
    texts = X["title"].fillna("").tolist()
    assert_array_equal(
        alone.decision_function(texts),
        make_classifier().fit(texts, Y).decision_function(texts),
    )
    # A category by itself is a text, too.
    colours = pd.DataFrame({"c": pd.Categorical(["deep red", "blue"] * 10)})
    clf = make_classifier().fit(colours, [0, 1] * 10)
    assert "deep red" in clf.vocabulary_


def test_missing_texts_are_empty_and_unknown_categories_nothing(clf):
    filled = X.assign(title=X["title"].fillna(""), body=X["body"].fillna(""))
    assert_array_equal(clf.decision_function(filled), clf.decision_function(X))
    nothing = pd.DataFrame({"title": [None], "body": [None], "channel": ["fax"]})
    assert_array_equal(clf.decision_function(nothing)[0], clf.intercept_)
    missing = nothing.assign(channel=None)
    assert not np.array_equal(clf.decision_function(missing)[0], clf.intercept_)


COPIES = {
    "pickle": lambda clf, path: pickle.loads(pickle.dumps(clf)),
    "joblib": lambda clf, path: joblib.load(joblib.dump(clf, path)[0]),
    "save": lambda clf, path: skbag.save(clf, path) or skbag.load(path),
}
MODELS = {
    "default": {},
    "layers": {"embedding_dim": 4, "hidden_layer_sizes": (5,)},
    "buckets": {"n_buckets": 512},
    "characters": {"analyzer": "char", "ngram_range": (1, 3)},
    "subwords": {"subword_ngram_range": (2, 3)},
    "given vocabulary": {"vocabulary": ["parcel", "refund", "password"]},
    "l1": {"norm": "l1"},
    "no norm": {"norm": None, "supervised_weighting": False, "use_idf": False},
}


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
@pytest.mark.parametrize("options", MODELS.values(), ids=MODELS)
def test_models_are_saved(make_classifier, tmp_path, options, copied):
    clf = make_classifier(**options).fit(X, Y)
    expected = clf.predict_proba(X)
    assert clf.score(X, Y) > 0.8
    again = copied(clf, tmp_path / "model")
    assert_array_equal(again.predict_proba(X), expected)
    assert_array_equal(again.feature_names_in_, clf.feature_names_in_)
    more = X.assign(channel=pd.Categorical(["fax"] * len(X)))
    clf.partial_fit(more, Y)
    again.partial_fit(more, Y)
    assert_array_equal(again.predict_proba(more), clf.predict_proba(more))


@pytest.mark.parametrize("options", MODELS.values(), ids=MODELS)
def test_compressed_models_predict_the_same(make_classifier, tmp_path, options):
    clf = make_classifier(**options).fit(X, Y)
    small = clf.compress()
    assert (small.predict(X) == clf.predict(X)).mean() > 0.97
    skbag.save(small, tmp_path / "model")
    again = skbag.load(tmp_path / "model")
    assert_array_equal(again.decision_function(X), small.decision_function(X))
    if "vocabulary" in options:
        return  # There is nothing to leave out.
    size = (tmp_path / "model").stat().st_size
    smaller = clf.compress(size - 200)
    assert (smaller.predict(X) == clf.predict(X)).mean() > 0.9


@pytest.mark.parametrize("n_jobs", [1, 3])
@pytest.mark.parametrize("options", [MODELS["default"], MODELS["buckets"]])
def test_streams_grow_every_column(make_classifier, options, n_jobs):
    clf = make_classifier(n_jobs=n_jobs, **options)
    for start in range(0, 90, 30):
        part = slice(start, start + 30)
        clf.partial_fit(X[part], Y[part], classes=np.unique(Y))
        assert clf.n_features_in_ == 3
    assert clf.score(X, Y) > 0.9
    one_job = make_classifier(n_jobs=1, **options)
    for start in range(0, 90, 30):
        part = slice(start, start + 30)
        one_job.partial_fit(X[part], Y[part], classes=np.unique(Y))
    assert_array_equal(clf.decision_function(X), one_job.decision_function(X))


def test_a_warm_start_goes_on(make_classifier):
    clf = make_classifier(warm_start=True).fit(X, Y)
    more, labels = some_frame(seed=1)
    assert clf.fit(more, labels).score(more, labels) > 0.95


@pytest.mark.parametrize("n_classes", [2, 3])
def test_explanations_name_columns(make_classifier, n_classes):
    y = Y if n_classes == 3 else Y == "payment"
    clf = make_classifier().fit(X, y)
    explanation = clf.explain(X[:6])
    assert_allclose(
        explanation.scores, clf.decision_function(X[:6]), rtol=1e-4, atol=1e-5
    )
    for one, row in zip(explanation, X[:6].itertuples(index=False), strict=True):
        (values,) = one.texts
        assert list(values) == COLUMNS
        assert values["title"] == (row.title if isinstance(row.title, str) else "")
        assert one.columns == sorted(one.columns, key=COLUMNS.index)
        for column, feature, spans in zip(
            one.columns, one.features, one.spans, strict=True
        ):
            name = feature.removeprefix(f"{column}: ").removeprefix(f"{column}=")
            assert name != feature
            if spans is not None and name.isalpha():
                assert [values[column][start:stop] for start, stop in spans] == [name]
    frame = explanation.to_frame()
    assert frame.columns[:4].tolist() == ["text", "column", "feature", "spans"]
    sums = frame.iloc[:, 4:].groupby(frame["text"]).sum().to_numpy()
    assert_allclose(sums, np.reshape(explanation.scores, sums.shape))
    assert frame.loc[frame["feature"] == INTERCEPT, "column"].isna().all()
    assert "title: " in str(explanation)
    html = explanation._repr_html_()
    assert all(f"<i>{name}</i>" in html for name in COLUMNS)


def test_displays_name_columns(clf):
    pytest.importorskip("matplotlib")
    display = TokenContributionsDisplay.from_estimator(clf, X[:1])
    assert display.text.startswith("title: ")
    assert any(name.startswith("channel=") for name in display.tokens)
    TopTokensDisplay.from_estimator(clf)


def test_graphs_take_what_encode_gives(clf):
    torch = pytest.importorskip("torch")
    scores = clf.to_torch()(*map(torch.from_numpy, clf.encode(X)))
    assert_allclose(scores.detach().numpy(), clf.decision_function(X), atol=1e-4)
    pytest.importorskip("onnx")
    assert clf.to_onnx().graph.input


def test_searches_and_pipelines_index_rows(make_classifier):
    clf = make_classifier()
    assert cross_val_score(clf, X, Y, cv=3).mean() > 0.9
    search = GridSearchCV(clf, {"ngram_range": [(1, 1), (1, 2)]}, cv=2).fit(X, Y)
    assert search.best_estimator_.feature_names_in_.tolist() == COLUMNS
    pipeline = make_pipeline(FunctionTransformer(), clone(clf)).fit(X, Y)
    assert_array_equal(pipeline.predict(X), clone(clf).fit(X, Y).predict(X))


def test_text_parameters_are_those_of_every_text(make_classifier):
    clf = make_classifier(ngram_range=(2, 2), min_df=1).fit(X, Y)
    names = [name for name in clf.vocabulary_ if not name.startswith("channel=")]
    assert {name.partition(":")[0] for name in names} == {"title", "body"}
    assert all(" " in name.partition(": ")[2] for name in names)


def test_short_text_features_are_decided_by_column(make_classifier):
    long = X.assign(body=X["body"].fillna("") + " again and again" * 30)
    names = list(make_classifier().fit(long, Y).vocabulary_)
    assert any(name.startswith("title: <first>") for name in names)
    assert not any(name.startswith("body: <first>") for name in names)


def test_pruning_leaves_categories_but_rare_ones(make_classifier):
    options = {"min_df": 2, "max_df": 0.3, "max_features": 5}
    rare = X["channel"].astype(object)
    rare[0] = "fax"
    clf = make_classifier(**options).fit(X.assign(channel=rare.astype("category")), Y)
    names = list(clf.vocabulary_)
    of_channel = {name for name in names if name.startswith("channel=")}
    assert {"channel=app", "channel=mail", "channel=phone"} <= of_channel
    assert "channel=fax" not in of_channel
    assert len(names) - len(of_channel) == 5


def test_labels_of_several_kinds(make_classifier):
    several = np.column_stack([Y == "payment", Y != "delivery"]).astype(int)
    clf = make_classifier().fit(X, several)
    assert (clf.predict(X) == several).mean() > 0.95


def renamed(**names):
    return X.rename(columns=names)


WRONG = {
    "unseen": (renamed(title="name"), "(?s)unseen at fit time:\n- name.*missing:\n- t"),
    "missing": (X.drop(columns="body"), "seen at fit time, yet now missing:\n- body"),
    "order": (X[COLUMNS[::-1]], "must be in the same order as they were in fit"),
    "one column": (X[["title"]], "yet now missing:\n- body"),
    "a list": (["late parcel"], "on a data frame of the columns 'title' .text.*list"),
    "an array": (X.to_numpy(), "on a data frame of the columns .*ndarray"),
    "a matrix": (np.ones((3, 3)), "on a data frame of the columns .*ndarray"),
    "no rows": (X[:0], "X holds 0 rows"),
}


@pytest.mark.parametrize(("other", "message"), WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("method", ["predict", "explain", "partial_fit"])
def test_columns_must_be_those_of_fit(clf, method, other, message):
    with pytest.raises(ValueError, match=message):
        more = (["payment"] * len(other),) if method == "partial_fit" else ()
        getattr(clf, method)(other, *more)


def test_a_frame_meets_a_model_of_something_else(make_classifier):
    texts = make_classifier().fit(X["body"].fillna(""), Y)
    with pytest.raises(ValueError, match="was fitted on one column of texts"):
        texts.predict(X)
    matrix = make_classifier().fit(np.eye(3), ["a", "b", "c"])
    with pytest.raises(ValueError, match="was fitted on a matrix of numbers"):
        matrix.predict(X)


def test_columns_without_names(make_classifier):
    nameless = X.copy()
    nameless.columns = range(3)
    clf = make_classifier().fit(nameless, Y)
    assert not hasattr(clf, "feature_names_in_")
    assert "x0: parcel" in clf.vocabulary_
    with pytest.raises(ValueError, match=r"X has 2 features, but .* is expecting 3"):
        clf.predict(nameless.iloc[:, :2])
    with pytest.warns(UserWarning, match="X has feature names, but"):
        assert_array_equal(clf.predict(X), clf.predict(nameless))


def test_dates_are_refused(make_classifier):
    clf = make_classifier()
    with pytest.raises(TypeError, match="dates or times: 'day'"):
        clf.fit(X.assign(day=pd.Timestamp("2020-01-02")), Y)
    assert not hasattr(clf, "n_features_in_")


def test_vectors_of_words_are_refused(make_classifier):
    clf = make_classifier(embedding_dim=2, embedding_init={"parcel": [0.0, 1.0]})
    with pytest.raises(ValueError, match=r"one column of texts, but .*'title' \(text"):
        clf.fit(X, Y)


def test_buckets_have_no_names(make_classifier):
    clf = make_classifier(n_buckets=512).fit(X, Y)
    with pytest.raises(AttributeError, match="There is no vocabulary"):
        clf.vocabulary_  # noqa: B018
    with pytest.raises(ValueError, match="have no names"):
        clf.top_tokens()
    assert clf.explain(X[:1]).columns[0] == "title"


def damaged_columns(state):
    state["columns"][0][1] = "number"


def damaged_encoders(state):
    state["encoders"].pop()


def nested(state):
    state["encoders"][0] = {"kind": "columns", **state}


def damaged_ids(state):
    state["id_columns"] = state["id_columns"].astype(np.int64)


@pytest.mark.parametrize(
    "damage", [damaged_columns, damaged_encoders, nested, damaged_ids]
)
def test_damaged_state_is_refused(clf, damage):
    state = clf.__getstate__()
    damage(state["_model"]["encoder"])
    with pytest.raises(ModelFileError, match="is not the state of a sound model"):
        type(clf)().__setstate__(state)


@pytest.mark.parametrize("shares", [[1, 1], [1, 1, 0], [1, 1, np.nan]])
def test_damaged_shares_are_refused(clf, shares):
    state = clf.__getstate__()
    state["_model"]["weighting"]["column_shares"] = np.array(shares, dtype=np.float32)
    with pytest.raises(ModelFileError, match="is not the state of a sound model"):
        type(clf)().__setstate__(state)


def test_no_warnings(make_classifier):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make_classifier().fit(X, Y).predict(X)


def test_columns_are_facts_of_a_checkpoint(make_classifier, tmp_path):
    from skbag._estimator.inputs import kind_of

    clf = make_classifier(checkpoint=tmp_path / "checkpoint").fit(X, Y)
    rows = clf_rows(clf, X)
    assert rows.columns[2] == Column("channel", "category")
    assert kind_of(rows).endswith("'body' (text), 'channel' (category)")


def test_arrow_tables(make_classifier):
    table = pa.table({"title": ["late", "refund"] * 10, "body": ["x", "y"] * 10})
    clf = make_classifier().fit(table, [0, 1] * 10)
    assert clf.predict(table[:2]).tolist() == [0, 1]
