"""Vectors of whole texts beside the bag: two models, in one table."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline

import skbag
from skbag._training import text_vectors as module
from skbag._training import vector_comparison
from skbag._training.cross_scores import N_FOLDS
from skbag.tuning import TimedSearchCV, shared_tokens
from tests.training.test_static_vectors import (
    DIM,
    PROBLEMS,
    TOPICS,
    fit_problem,
    indicator,
    make_texts,
    make_vectors,
)

VECTORS = make_vectors()


def encode(texts):
    """Sums of vectors of words, whether labelled texts have them or not."""
    zero = np.zeros(DIM)
    rows = [[VECTORS.get(w, zero) for w in text.split()] for text in texts]
    return np.array([np.sum([zero, *row], axis=0) for row in rows])


def naive_vectors(texts):
    vectors = encode(texts)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(norms > 0, norms, 1)


class Noting:
    """An encoder with a method, which notes what it encodes."""

    def __init__(self):
        self.texts = []

    def encode(self, texts):
        self.texts += texts
        return encode(texts)


@pytest.fixture
def make(make_classifier):
    def make(**parameters):
        return make_classifier(**{"text_encoder": encode, **parameters})

    return make


@pytest.fixture
def noted(monkeypatch):
    """What the parts of a mixture were, and what they gave."""
    kept = {}
    fit_vector_model, fold = module.fit_vector_model, module.EncodedTexts.fold

    def noting_fit(*arguments):
        kept["model"] = fit_vector_model(*arguments)
        return kept["model"]

    def noting_fold(self, prepared, run, predictor, settings):
        kept["prepared"], kept["bag"] = prepared, predictor
        return fold(self, prepared, run, predictor, settings)

    monkeypatch.setattr(module, "fit_vector_model", noting_fit)
    monkeypatch.setattr(module.EncodedTexts, "fold", noting_fold)
    return kept


# -- one table -------------------------------------------------------------------------


@pytest.mark.parametrize("name", PROBLEMS)
def test_scores_are_the_mixture_of_two_models(name, make, noted, make_classifier):
    clf, texts, y = fit_problem(make, name)
    model, bag = noted["model"], noted["bag"]
    mixture = model.mixture
    assert clf.text_encoder_weight_ == mixture.share > 0
    assert clf.embedding_init_weight_ is None
    assert clf.embedding_init_coverage_ is None
    more = [*texts[:20], "soup wave shrub", "unheard of", "", *make_texts(9, seed=5)[0]]
    # The bag by itself is what it is without an encoder.
    weight = None
    if PROBLEMS[name][1].get("weighted"):
        weight = np.random.default_rng(1).uniform(0.5, 2, len(texts))
    plain = make_classifier().fit(texts, y, weight)
    np.testing.assert_array_equal(bag.dense, plain.embedding_)
    own = plain._model.featurizer.weigh(more).matmul(bag.dense) + bag.layers[0][1]
    linear = naive_vectors(more) @ model.coef.T + model.intercept
    offset = clf._model.calibration.score_offset
    expected = (
        (1 - mixture.share) * own + mixture.share * mixture.scale * linear + offset
    )
    scores = clf.decision_function(more)
    if scores.ndim == 1:
        scores = scores[:, np.newaxis]
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-5)


def test_vectors_of_samples_are_those_of_their_texts(make, noted):
    """However samples were shuffled, and some left out, since they were counted."""
    texts, labels = make_texts(700)
    texts = [f"{text} number{i}" for i, text in enumerate(texts)]
    weight = np.where(np.arange(700) % 7 == 0, 0.0, 1.0)
    make().fit(texts, labels, weight)
    samples = noted["prepared"].samples
    encoder = noted["prepared"].featurizer.encoder
    names = encoder.names()
    kept = [text for text, w in zip(texts, weight, strict=True) if w]
    reports = []
    encoded = module.EncodedTexts(
        by_number, kept, lambda n_done, n: reports.append((n_done, n))
    )
    vectors = encoded.of(samples, 100, 120)
    assert reports == [(20, 20)]
    bags = samples.X.slice(100, 120)
    for i, (cosine, sine) in enumerate(vectors):
        own = {names[id_] for id_ in bags.slice(i, i + 1).ids}
        number = round(1000 * np.arctan2(sine, cosine))
        assert set(texts[number].split()) <= own
    encoded.of(samples, 110, 130)
    assert reports[1:] == [(30, 30)]


def by_number(texts):
    """A direction for the number that each text ends with."""
    angles = [int(text.rpartition("number")[2]) / 1000 for text in texts]
    return np.transpose([np.cos(angles), np.sin(angles)])


@pytest.mark.parametrize("several", [False, True])
def test_words_that_no_text_had(several, make, make_classifier):
    texts, labels = make_texts(60, words=slice(0, 6))
    later, expected = make_texts(60, words=slice(6, None), seed=1)
    if several:
        labels, expected = indicator(labels), indicator(expected)
    plain = make_classifier().fit(texts, labels).score(later, expected)
    assert make().fit(texts, labels).score(later, expected) > plain + 0.2


def test_an_encoder_that_says_nothing(make, make_classifier):
    """Its share falls; where it is none, texts are not encoded for predictions."""
    texts, labels = make_texts(900)
    rng = np.random.default_rng(0)
    noise = make(text_encoder=lambda texts: rng.normal(size=(len(texts), 4)))
    noise.fit(texts, labels)
    assert noise.text_encoder_weight_ <= 0.2
    assert noise.score(texts, labels) > 0.95
    zeros = make(text_encoder=lambda texts: np.zeros((len(texts), 4)))
    zeros.fit(texts, labels)
    np.testing.assert_array_equal(
        zeros.predict(texts), make_classifier().fit(texts, labels).predict(texts)
    )


def test_a_share_of_none_leaves_the_bag(make, make_classifier, monkeypatch):
    texts, labels = make_texts(60)
    monkeypatch.setattr(module, "fit_vector_model", lambda *arguments: None)
    source = Noting()
    clf = make(text_encoder=source).fit(texts, labels)
    n_encoded = len(source.texts)
    assert clf.text_encoder_weight_ == 0
    plain = make_classifier().fit(texts, labels)
    np.testing.assert_array_equal(clf.embedding_, plain.embedding_)
    np.testing.assert_array_equal(
        clf.decision_function(texts), plain.decision_function(texts)
    )
    assert len(source.texts) == n_encoded


# -- what is encoded -------------------------------------------------------------------


def test_each_text_of_a_fit_is_encoded_once(make, capsys):
    texts, labels = make_texts(60)
    texts = [f"{text} number{i}" for i, text in enumerate(texts)]
    source = Noting()
    make(text_encoder=source, verbose=1).fit(texts, labels)
    # The first one shows the width.
    assert source.texts[0] == texts[0]
    assert sorted(source.texts[1:]) == sorted(texts)
    assert "Encoded 60 of 60 texts\n" in capsys.readouterr().out


def test_of_many_texts_the_last_are_encoded(make, monkeypatch):
    texts, labels = make_texts(900)
    texts = [f"{text} number{i}" for i, text in enumerate(texts)]
    monkeypatch.setattr(vector_comparison, "MAX_CROSSED", 0)
    monkeypatch.setattr(vector_comparison, "MAX_SAMPLES", 300)
    monkeypatch.setattr(module, "TEXTS_AT_ONCE", 64)
    source = Noting()
    clf = make(text_encoder=source).fit(texts, labels)
    encoded = source.texts[1:]
    assert 300 < len(set(encoded)) == len(encoded) < 500
    assert clf.score(texts, labels) > 0.95


def test_texts_are_encoded_as_they_are_given(make):
    texts, labels = make_texts(30)
    source = Noting()
    texts = [text.title() for text in texts]
    clf = make(text_encoder=source, preprocessor=str.upper, stop_words=["the"])
    clf.fit(pd.DataFrame({"body": texts}), labels)
    assert set(source.texts) == set(texts)
    clf.predict(["Shrub  "])
    assert source.texts[-1] == "Shrub  "


def test_it_fails_before_anything_is_trained(make, capsys):
    texts, labels = make_texts(30)
    clf = make(text_encoder=lambda texts: [1.0], verbose=1)
    with pytest.raises(ValueError, match=r"shape \(1,\), not an array of shape \(1, n"):
        clf.fit(texts, labels)
    assert "Epoch" not in capsys.readouterr().out
    assert not hasattr(clf, "classes_")


def test_documents_that_are_no_texts(make):
    texts, labels = make_texts(30)
    clf = make(analyzer=lambda tokens: tokens)
    with pytest.raises(TypeError, match="text_encoder encodes texts, but X holds"):
        clf.fit([text.split() for text in texts], labels)


def test_shared_tokens_and_searches_encode_each_text_once(make):
    texts, labels = make_texts(60)
    texts = [f"{text} number{i}" for i, text in enumerate(texts)]
    source = Noting()
    grid = GridSearchCV(make(text_encoder=source), {"alpha": [1e-5, 1e-4]}, cv=2)
    with shared_tokens():
        grid.fit(texts, labels)
    n_widths = 2 * 2 + 1
    assert len(source.texts) == 60 + n_widths
    source.texts.clear()
    search = TimedSearchCV(make(text_encoder=source), time_budget=0.01, cv=2)
    search.fit(texts, labels)
    assert len(source.texts) == 60 + 3


def test_the_same_with_shared_tokens(make):
    texts, labels = make_texts(60)
    alone = make().fit(texts, labels)
    with shared_tokens():
        make(alpha=1e-4).fit(texts, labels)
        shared = make().fit(texts, labels)
        np.testing.assert_array_equal(shared.predict(texts), alone.predict(texts))
    np.testing.assert_array_equal(shared.embedding_, alone.embedding_)


# -- what else a model does ------------------------------------------------------------


def test_explanations_have_one_row_for_the_encoder(make):
    for labelled in (make_texts(60), make_texts(60, topics=("sea", "garden"))):
        clf = make().fit(*labelled)
        texts = ["shrub soup", "", "unheard", *labelled[0][:5]]
        explanation = clf.explain(texts)
        np.testing.assert_allclose(
            explanation.scores, clf.decision_function(texts), rtol=1e-5, atol=1e-5
        )
        n_features = len(clf.vocabulary_)
        added = naive_vectors(texts) @ clf.embedding_[n_features:]
        for i, one in enumerate(explanation):
            assert one.features.count("<text_encoder>") == 1
            assert one.features[-1] == "<text_encoder>"
            assert one.spans[-1] is None
            np.testing.assert_allclose(one.contributions[-1], added[i], atol=1e-6)
        # The others are those of the bag.
        bags = clf._model.featurizer.encoder.encode(texts)
        assert len(explanation.features) >= len(bags.ids) + len(texts)
        frame = explanation.to_frame()
        sums = frame.drop(columns=["feature", "spans"]).groupby("text").sum()
        np.testing.assert_allclose(
            sums.to_numpy().ravel(), np.ravel(explanation.scores), atol=1e-6
        )
        assert "&lt;text_encoder&gt;" in explanation._repr_html_()


def test_features_are_those_of_the_bag(make):
    texts, labels = make_texts(60)
    clf = make().fit(texts, labels)
    n_features = len(clf.vocabulary_)
    assert clf.embedding_.shape == (n_features + DIM, 3)
    assert clf._model.n_features == n_features
    names = [name for name, _ in clf.most_similar("sail", n_features + DIM)]
    assert set(names) < set(clf.vocabulary_)
    top = clf.top_tokens("sea", n_features + DIM)
    assert "<text_encoder>" not in dict(top)
    assert top[0][0] in clf.vocabulary_
    assert clf.transform(texts).shape == (60, 3)


def test_graphs_take_the_numbers_as_entries(make):
    texts, labels = make_texts(60)
    clf = make().fit(texts, labels)
    new = [*texts[:9], "soup over the wave", "shrub", ""]
    import torch

    module = clf.to_torch()
    scores = module(*map(torch.from_numpy, clf.encode(new))).detach().numpy()
    np.testing.assert_allclose(scores, clf.decision_function(new), rtol=1e-4, atol=1e-5)
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    graph = onnxruntime.InferenceSession(
        clf.to_onnx().SerializeToString(), providers=["CPUExecutionProvider"]
    )
    _, scores = graph.run(None, clf.encode(new)._asdict())
    np.testing.assert_allclose(scores, clf.decision_function(new), rtol=1e-4, atol=1e-5)


def test_copies_and_files(make, tmp_path):
    texts, labels = make_texts(60)
    source = Noting()
    clf = make(text_encoder=source).fit(texts, labels)
    new = [*texts, "shrub over soup", ""]
    expected = clf.decision_function(new)
    asks = r"Pass them when loading: skbag\.load\(path, text_encoder=.*\.Noting\)"
    with pytest.warns(UserWarning, match=asks):
        skbag.save(clf, tmp_path / "model")
    assert b"Noting" in (tmp_path / "model").read_bytes()
    with pytest.raises(TypeError, match=r"skbag\.load\(path, text_encoder=.*Noting"):
        skbag.load(tmp_path / "model")
    with pytest.raises(TypeError, match="text_encoder must be a function, got 'model'"):
        skbag.load(tmp_path / "model", text_encoder="model")
    loaded = skbag.load(tmp_path / "model", text_encoder=source)
    assert loaded.text_encoder is source
    assert loaded.text_encoder_weight_ == clf.text_encoder_weight_
    for same in (
        loaded,
        copy.copy(clf),
        copy.deepcopy(clf),
        pickle.loads(pickle.dumps(clf)),
    ):
        np.testing.assert_array_equal(same.decision_function(new), expected)
    other = skbag.load(tmp_path / "model", text_encoder=lambda texts: np.ones((1, 2)))
    with pytest.raises(ValueError, match="vectors of 2 numbers, but those of fit had "):
        other.predict(["shrub"])
    changed = copy.copy(clf).set_params(text_encoder=encode)
    np.testing.assert_array_equal(changed.decision_function(new), expected)
    with pytest.raises(ValueError, match="text_encoder was changed after the fit"):
        skbag.save(changed, tmp_path / "model")


def test_clones_share_the_encoder(make):
    source = Noting()
    clf = make(text_encoder=source, stop_words=["the"], alpha=0.1)
    cloned = clone(clf)
    assert cloned.text_encoder is source is clf.text_encoder
    assert cloned.stop_words is not clf.stop_words
    assert cloned.get_params() == clf.get_params()
    clf.fit(*make_texts(30))
    assert not hasattr(clone(clf), "classes_")
    assert hasattr(clf, "classes_")
    assert clone(make_pipeline(clf))[-1].text_encoder is source


def test_same_seed_same_bits(make):
    texts, labels = make_texts(700)
    one, other = (
        make(n_jobs=jobs, random_state=3).fit(texts, labels) for jobs in (1, 2)
    )
    np.testing.assert_array_equal(one.embedding_, other.embedding_)
    again = clone(one).fit(texts, labels)
    np.testing.assert_array_equal(one.embedding_, again.embedding_)
    np.testing.assert_array_equal(
        one.set_params(n_jobs=2).decision_function(texts),
        np.concatenate([one.decision_function([text]) for text in texts]),
    )


def test_by_cross_validation(make):
    texts, labels = make_texts(60)
    predicted = cross_val_predict(make(), texts, labels, cv=3)
    assert (predicted == labels).mean() > 0.9


@pytest.mark.parametrize("n", [2, 3, 4, 7])
def test_hardly_any_texts(n, make):
    texts, labels = make_texts(n, topics=("sea", "garden"))
    clf = make().fit(texts, labels)
    assert clf.score(texts, labels) == 1
    assert np.isfinite(clf.decision_function(["wave", ""])).all()
    assert n >= N_FOLDS or clf.text_encoder_weight_ == module.SHARE_PRIOR.mean


@pytest.mark.parametrize(
    "parameters",
    [
        {"supervised_weighting": False},
        {"use_idf": False, "supervised_weighting": False},
        {"norm": None},
        {"early_stopping": True},
        {"class_weight": "balanced"},
        {"n_buckets": 512},
        {"tokenizer": str.split},
        {"vocabulary": sorted(" ".join(TOPICS.values()).split())},
    ],
    ids=str,
)
@pytest.mark.parametrize("n", [60, 700])
def test_beside_other_parameters(n, parameters, make):
    texts, labels = make_texts(n, words=slice(0, 6))
    clf = make(**parameters).fit(texts, labels)
    assert clf.score(texts, labels) > 0.95
    assert 0 < clf.text_encoder_weight_ <= 1
    assert clf.predict(["shrub root of lawn"]).tolist() == ["garden"]
    explanation = clf.explain(["shrub root of lawn"])
    np.testing.assert_allclose(
        explanation.scores, clf.decision_function(["shrub root of lawn"]), atol=1e-5
    )


# -- what is refused -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"loss": "cross_entropy"}, "does not go with loss='cross_entropy'"),
        ({"embedding_dim": 4}, "with embedding_dim=4. Use embedding_dim=None"),
        ({"embedding_init": VECTORS}, "does not go with embedding_init="),
        ({"warm_start": True}, "with warm_start=True. Use warm_start=False"),
    ],
)
def test_parameters_that_do_not_go_with_it(parameters, words, make):
    with pytest.raises(ValueError, match=words):
        make(**parameters).fit(*make_texts(30))


@pytest.mark.parametrize("value", ["all-MiniLM-L6-v2", Noting])
def test_a_name_or_a_class_is_no_encoder(value, make):
    with pytest.raises(TypeError, match="must be an encoder of texts itself, a functi"):
        make(text_encoder=value).fit(*make_texts(30))


def test_other_input_is_refused(make):
    texts, labels = make_texts(30)
    with pytest.raises(ValueError, match="encodes texts, but X is a matrix of numbers"):
        make().fit(np.eye(6), [0, 1] * 3)
    frame = pd.DataFrame({"title": texts, "body": texts})
    with pytest.raises(ValueError, match="X is a data frame of the columns 'title'"):
        make().fit(frame, labels)


def test_nothing_goes_on_from_it(make, make_classifier):
    texts, labels = make_texts(30)
    words = "partial_fit does not go with text_encoder: how much its vectors count"
    with pytest.raises(ValueError, match=words):
        make().partial_fit(texts, labels, classes=list(TOPICS))
    clf = make().fit(texts, labels)
    expected = clf.decision_function(texts)
    clf.set_params(text_encoder=None)
    with pytest.raises(ValueError, match=words):
        clf.partial_fit(texts, labels)
    clf.set_params(warm_start=True)
    with pytest.raises(ValueError, match="warm_start=True does not go with text_encod"):
        clf.fit(texts, labels)
    np.testing.assert_array_equal(clf.decision_function(texts), expected)
    with pytest.raises(ValueError, match=r"compressed: the encoder takes many times"):
        clf.compress()
