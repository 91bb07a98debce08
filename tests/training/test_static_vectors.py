"""Vectors in a table of scores: one table says what two models would."""

import pickle
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.base import clone

import skbag
from skbag._text.features import FeatureKind
from skbag._training import vector_comparison as module
from skbag._training.discriminants import Discriminants
from skbag._training.static_vectors import StaticVectors

TOPICS = {
    "kitchen": "bake butter dough flour garlic kettle onion oven recipe salt soup",
    "sea": "anchor captain coast fleet harbour island sail ship storm tide wave",
    "garden": "blossom compost fern hedge ivy lawn mulch orchard petal root shrub",
}
FILLERS = "the and with over that it was of on in".split()
DIM = 6


def make_vectors(topics=tuple(TOPICS), noise=0.3):
    """Words of one topic point the same way, about; fillers anywhere."""
    rng = np.random.default_rng(0)
    vectors = {}
    for topic in TOPICS:
        centre = rng.normal(size=DIM)
        for word in TOPICS[topic].split():
            row = centre + noise * rng.normal(size=DIM)
            if topic in topics:
                vectors[word] = row.astype(np.float32)
    return vectors | {word: 0.3 * rng.normal(size=DIM) for word in FILLERS}


def make_texts(n, topics=tuple(TOPICS), words=slice(None), seed=0):
    rng = np.random.default_rng(seed)
    texts, labels = [], []
    for i in range(n):
        topic = topics[i % len(topics)]
        own = rng.choice(TOPICS[topic].split()[words], 3)
        texts.append(" ".join(rng.permutation([*own, *rng.choice(FILLERS, 3)])))
        labels.append(topic)
    return texts, np.array(labels)


class WordLevel:
    """A tokenizer that knows whole words."""

    def __init__(self, words):
        self.words = words

    def get_vocab(self):
        return {word: i for i, word in enumerate(self.words)}

    def encode_batch(self, texts, add_special_tokens):
        assert not add_special_tokens
        vocabulary = self.get_vocab()
        return [
            SimpleNamespace(ids=[vocabulary[text]] if text in vocabulary else [])
            for text in texts
        ]


@pytest.fixture
def make(make_classifier):
    def make(**parameters):
        return make_classifier(**{"embedding_init": make_vectors(), **parameters})

    return make


@pytest.fixture
def noted(monkeypatch):
    """What the parts of a mixture were, and what they gave."""
    kept = {}
    compare, coefficients = module._compare, module._coefficients
    fold = StaticVectors.fold

    def noting_compare(*arguments):
        kept["shrinkage"], kept["mixture"] = compare(*arguments)
        return kept["shrinkage"], kept["mixture"]

    def noting_coefficients(*arguments):
        kept["linear"] = coefficients(*arguments)
        return kept["linear"]

    def noting_fold(found, prepared, run, predictor, settings):
        kept["found"], kept["prepared"], kept["bag"] = found, prepared, predictor
        return fold(found, prepared, run, predictor, settings)

    monkeypatch.setattr(module, "_compare", noting_compare)
    monkeypatch.setattr(module, "_coefficients", noting_coefficients)
    monkeypatch.setattr(StaticVectors, "fold", noting_fold)
    return kept


def indicator(labels):
    """Several labels: the topic, and whether it is not the sea."""
    columns = [labels == topic for topic in TOPICS] + [labels != "sea"]
    return np.array(columns).T.astype(int)


PROBLEMS = {
    "few samples": (30, {}),
    "many samples": (900, {}),
    "two classes, few": (24, {"topics": ("sea", "garden")}),
    "two classes, many": (800, {"topics": ("sea", "garden")}),
    "several labels": (700, {"labels": True}),
    "few samples of several labels": (40, {"labels": True}),
    "weights": (300, {"weighted": True}),
}


def fit_problem(make, name, **parameters):
    n, options = PROBLEMS[name]
    options = dict(options)
    several, weighted = options.pop("labels", False), options.pop("weighted", False)
    texts, y = make_texts(n, words=slice(0, 6), **options)
    y = indicator(y) if several else y
    weight = np.random.default_rng(1).uniform(0.5, 2, n) if weighted else None
    return make(**parameters).fit(texts, y, weight), texts, y


@pytest.mark.parametrize("name", PROBLEMS)
def test_folded_scores_are_the_mixture_of_two_models(name, make, noted):
    clf, texts, _ = fit_problem(make, name)
    found, mixture, bag = noted["found"], noted["mixture"], noted["bag"]
    assert clf.embedding_init_weight_ == mixture.share > 0
    more = [*texts[:20], "soup wave shrub", "unheard of", "", *make_texts(9, seed=5)[0]]
    # Each model by itself, the vectors by plain loops.
    bags = clf._model.featurizer.weigh(more)
    n_before = len(bag.dense)
    rows = dict(zip(found.vectors.ids.tolist(), found.vectors.rows, strict=True))
    (_, own_intercept), (coef, intercept) = bag.layers[0], noted["linear"]
    offset = clf._model.calibration.score_offset
    for i in range(len(more)):
        part = slice(bags.offsets[i], bags.offsets[i + 1])
        own, vector = own_intercept.astype(np.float64), np.zeros(DIM)
        for id_, weight in zip(bags.ids[part], bags.weights[part], strict=True):
            if id_ < n_before:
                own = own + weight * bag.dense[id_]
            if id_ in rows:
                vector += weight * rows[id_]
        linear = coef @ vector + intercept
        expected = (1 - mixture.share) * own + mixture.share * mixture.scale * linear
        scores = np.atleast_1d(clf.decision_function([more[i]])[0])
        np.testing.assert_allclose(scores, expected + offset, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_linear_model_is_that_of_the_texts_vectors(name, make, noted):
    fit_problem(make, name)
    samples, found = noted["prepared"].samples, noted["found"]
    table = np.zeros((noted["prepared"].featurizer.encoder.n_ids, DIM), np.float32)
    are_own = found.vectors.ids < len(table)
    table[found.vectors.ids[are_own]] = found.vectors.rows[are_own]
    vectors = samples.X.slice(0, len(samples)).to_csr() @ table
    numbers = samples.targets.numbers(samples.codes)
    model = Discriminants.of(vectors, numbers, samples.weight)
    coef, intercept = model.coefficients(noted["shrinkage"])
    scores = vectors @ coef.T + intercept
    own = vectors @ noted["linear"][0].T + noted["linear"][1]
    np.testing.assert_allclose(own, scores, rtol=1e-3, atol=1e-3)


def test_words_that_no_text_had_are_known_by_their_vectors(make, make_classifier):
    texts, labels = make_texts(60, words=slice(0, 6))
    later, expected = make_texts(60, words=slice(6, None), seed=1)
    clf = make().fit(texts, labels)
    assert clf.score(later, expected) > 0.85
    assert make_classifier().fit(texts, labels).score(later, expected) < 0.6
    # They are features like others, which no text was counted for.
    assert clf.predict(["shrub", "wave", "soup"]).tolist() == [
        "garden",
        "sea",
        "kitchen",
    ]
    id_ = clf.vocabulary_["shrub"]
    assert clf._model.featurizer.document_counts.df[id_] == 0
    assert clf._model.encoder.kinds[id_] == FeatureKind.TERM


def test_the_bag_is_that_of_a_fit_without_vectors(make, make_classifier, noted):
    texts, labels = make_texts(200)
    make().fit(texts, labels)
    plain = make_classifier().fit(texts, labels)
    np.testing.assert_array_equal(noted["bag"].dense, plain.embedding_)


def test_vectors_that_say_nothing_count_for_little(make, make_classifier):
    texts, labels = make_texts(900)
    rng = np.random.default_rng(0)
    vectors = {word: rng.normal(size=1) for word in make_vectors()}
    clf = make(embedding_init=vectors).fit(texts, labels)
    assert clf.embedding_init_weight_ < 0.5
    assert clf.score(texts, labels) >= 0.98
    assert make().fit(texts, labels).embedding_init_weight_ > clf.embedding_init_weight_
    assert make_classifier().fit(texts, labels).embedding_init_weight_ is None


def test_without_a_share_the_model_is_that_without_vectors(
    make, make_classifier, monkeypatch
):
    texts, labels = make_texts(90)
    original = module._compare

    def compare(*arguments):
        shrinkage, mixture = original(*arguments)
        return shrinkage, type(mixture)(0.0, mixture.scale, mixture.calibration)

    monkeypatch.setattr(module, "_compare", compare)
    clf, plain = make().fit(texts, labels), make_classifier().fit(texts, labels)
    assert clf.embedding_init_weight_ == 0
    np.testing.assert_array_equal(clf.predict_proba(texts), plain.predict_proba(texts))
    assert list(clf.vocabulary_) == list(plain.vocabulary_)


def test_explanations_add_up(make):
    texts, labels = make_texts(60, words=slice(0, 6))
    clf = make().fit(texts, labels)
    new = ["soup over the wave", "shrub on it", *texts[:5]]
    explained = clf.explain(new)
    scores = clf.decision_function(new)
    for i, own in enumerate(scores):
        rows = slice(explained.offsets[i], explained.offsets[i + 1])
        total = explained.intercept + explained.contributions[rows].sum(axis=0)
        np.testing.assert_allclose(total, own, rtol=1e-5, atol=1e-5)
    # Words that no text had explain as well.
    shrub = explained.features.index("shrub")
    assert explained.contributions[shrub].argmax() == 0


def test_it_travels_like_any_other(make, tmp_path):
    texts, labels = make_texts(60, words=slice(0, 6))
    clf = make().fit(texts, labels)
    new = [*texts, "soup over the wave", "shrub"]
    expected = clf.decision_function(new)
    for other in (pickle.loads(pickle.dumps(clf)), _saved(clf, tmp_path)):
        np.testing.assert_array_equal(other.decision_function(new), expected)
        assert other.embedding_init_weight_ == clf.embedding_init_weight_
    given = {
        name: torch.from_numpy(array)
        for name, array in clf.encode(new)._asdict().items()
    }
    scores = clf.to_torch()(**given).detach().numpy()
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-5)
    small = clf.compress()
    np.testing.assert_allclose(small.decision_function(new), expected, atol=0.1)


def _saved(clf, folder):
    skbag.save(clf, folder / "model")
    return skbag.load(folder / "model")


def test_same_seed_same_bits(make):
    texts, labels = make_texts(700)
    one, other = (
        make(n_jobs=jobs, random_state=3).fit(texts, labels) for jobs in (1, 2)
    )
    np.testing.assert_array_equal(one.embedding_, other.embedding_)
    again = clone(one).fit(texts, labels)
    np.testing.assert_array_equal(one.embedding_, again.embedding_)


def test_partial_fit_goes_on(make):
    texts, labels = make_texts(90, words=slice(0, 6))
    clf = make().fit(texts, labels)
    weight, coverage = clf.embedding_init_weight_, clf.embedding_init_coverage_
    before = clf.decision_function(["shrub soup"])
    later = make_texts(60, words=slice(6, None), seed=1)
    for _ in range(3):
        clf.partial_fit(*later)
    assert clf.score(*later) > 0.95
    assert clf.embedding_init_weight_ == weight
    assert clf.embedding_init_coverage_ == coverage
    assert not np.array_equal(clf.decision_function(["shrub soup"]), before)


def test_a_stream_cannot_begin_with_it(make):
    with pytest.raises(
        ValueError, match=r"all texts at once\. Use fit first, after wh"
    ):
        make().partial_fit(["sail", "oven"], [0, 1], classes=[0, 1])


def test_a_warm_start_goes_on_from_the_rows(make):
    texts, labels = make_texts(90, words=slice(0, 6))
    clf = make(warm_start=True).fit(texts, labels)
    weight = clf.embedding_init_weight_
    later = make_texts(60, words=slice(6, None), seed=1)
    clf.fit(*later)
    assert clf.score(*later) > 0.95
    assert clf.embedding_init_weight_ == weight
    assert clf.score(texts, labels) > 0.9


def test_a_class_with_one_text_alone(make):
    texts, labels = make_texts(20, topics=("sea", "garden"))
    clf = make().fit([*texts, "bake the soup"], [*labels, "kitchen"])
    assert clf.predict(["bake the soup"]).tolist() == ["kitchen"]
    assert np.isfinite(clf.predict_proba([*texts, "oven"])).all()
    assert clf.score(texts, labels) > 0.9


@pytest.mark.parametrize("n", [2, 3, 4, 7])
def test_hardly_any_texts(n, make):
    texts, labels = make_texts(n, topics=("sea", "garden"))
    clf = make().fit(texts, labels)
    assert 0 <= clf.embedding_init_weight_ <= 1
    assert clf.score(texts, labels) == 1
    assert np.isfinite(clf.decision_function(["wave", "shrub"])).all()


@pytest.mark.parametrize(
    "parameters",
    [
        {"supervised_weighting": False},
        {"use_idf": False, "supervised_weighting": False},
        {"norm": None},
        {"early_stopping": True},
        {"ngram_range": (1, 1), "short_text_features": False},
        {"dropout": 0.1},
        {"class_weight": "balanced"},
        {"token_pattern": r"\w+"},
        {"subword_ngram_range": (3, 4)},
        {"shuffle": False},
        {"vocabulary": sorted(" ".join(TOPICS.values()).split())},
    ],
    ids=str,
)
@pytest.mark.parametrize("n", [60, 700])
def test_beside_other_parameters(n, parameters, make):
    texts, labels = make_texts(n, words=slice(0, 6))
    clf = make(**parameters).fit(texts, labels)
    assert clf.score(texts, labels) > 0.95
    assert 0 < clf.embedding_init_weight_ <= 1
    is_new = "shrub" in clf.vocabulary_
    assert is_new
    if "vocabulary" in parameters:
        assert len(clf.vocabulary_) == 33
    assert clf.predict(["shrub fern root of lawn"]).tolist() == ["garden"]


def test_weights_of_labels(make):
    texts, labels = make_texts(700)
    y = indicator(labels)
    clf = make(class_weight="balanced").fit(texts, y)
    assert (clf.predict(texts) == y).mean() > 0.98


def test_rare_class(make):
    """Of which all samples are followed, though few are left out of the counts."""
    texts, labels = make_texts(1500, topics=("sea",))
    rare, _ = make_texts(40, topics=("garden",))
    texts, labels = [*texts, *rare], [*labels, *["garden"] * 40]
    weight = np.append(np.ones(1500), np.full(40, 2.0))
    clf = make().fit(texts, labels, weight)
    assert clf.score(rare, ["garden"] * 40) > 0.9
    assert clf.predict(["shrub", "wave"]).tolist() == ["garden", "sea"]


def test_few_samples_of_the_last_are_used(make, monkeypatch):
    texts, labels = make_texts(700)
    expected = make().fit(texts, labels)
    monkeypatch.setattr(module, "MAX_SAMPLES", 300)
    clf = make().fit(texts, labels)
    assert clf.score(texts, labels) > 0.95
    assert not np.array_equal(clf.embedding_, expected.embedding_)


def test_a_model_of_static_embeddings(make):
    """Its tokenizer is asked for the pieces of words, and for words of its own."""
    vectors = make_vectors()
    words = list(vectors)

    source = SimpleNamespace(
        tokenizer=WordLevel(words), embedding=np.array(list(vectors.values()))
    )
    texts, labels = make_texts(60, words=slice(0, 6))
    clf = make(embedding_init=source).fit(texts, labels)
    same = make(embedding_init=vectors).fit(texts, labels)
    np.testing.assert_array_equal(clf.embedding_, same.embedding_)
    assert clf.embedding_init_coverage_ == 1


@pytest.mark.parametrize("kind", ["static embeddings", "keyed vectors"])
def test_an_object_of_vectors_is_left_out_of_files(kind, make, tmp_path):
    vectors = make_vectors()
    words, matrix = list(vectors), np.array(list(vectors.values()))
    source = SimpleNamespace(
        key_to_index={word: i for i, word in enumerate(words)}, vectors=matrix
    )
    if kind == "static embeddings":
        source = SimpleNamespace(tokenizer=WordLevel(words), embedding=matrix)
    texts, labels = make_texts(60, words=slice(0, 6))
    clf = make(embedding_init=source).fit(texts, labels)
    with pytest.warns(UserWarning, match="SimpleNamespace of embedding_init is left o"):
        skbag.save(clf, tmp_path / "model")
    assert clf.embedding_init is source
    loaded = skbag.load(tmp_path / "model")
    assert loaded.embedding_init is None
    new = [*texts, "shrub over soup"]
    np.testing.assert_array_equal(
        loaded.decision_function(new), clf.decision_function(new)
    )
    clf.set_params(embedding_init=None)
    skbag.save(clf, tmp_path / "model")


def test_small_copies_keep_words_that_no_text_had(make):
    texts, labels = make_texts(60, words=slice(0, 6))
    clf = make().fit(texts, labels)
    later = make_texts(60, words=slice(6, None), seed=1)
    small = clf.compress(max_bytes=16_000)
    assert small.score(*later) > 0.85


def test_refused(make):
    texts, labels = make_texts(30)
    with pytest.raises(ValueError, match="hashed into n_buckets=256 have none"):
        make(n_buckets=256).fit(texts, labels)
    with pytest.raises(ValueError, match="embedding_init needs texts"):
        make().fit(np.eye(6), [0, 1] * 3)
    with pytest.raises(ValueError, match="no vector for any of the"):
        make(embedding_init={"other": [1.0]}).fit(texts, labels)
    bad = {**make_vectors(), "sail": [1.0]}
    with pytest.raises(ValueError, match=r"numbers, but vectors before it have \d"):
        make(embedding_init=bad).fit(texts, labels)


def test_an_onnx_graph_gives_the_same_scores(make):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    texts, labels = make_texts(60, words=slice(0, 6))
    clf = make().fit(texts, labels)
    graph = onnxruntime.InferenceSession(
        clf.to_onnx().SerializeToString(), providers=["CPUExecutionProvider"]
    )
    new = [*texts[:9], "soup over the wave", "shrub"]
    _, scores = graph.run(None, clf.encode(new)._asdict())
    np.testing.assert_allclose(scores, clf.decision_function(new), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("n", [700, 900])
def test_more_samples_are_crossed_where_that_is_quick(n, make, monkeypatch):
    texts, labels = make_texts(n, words=slice(0, 6))
    calls = []
    original = module.cross_scores

    def noting(*arguments):
        calls.append(original(*arguments))
        return calls[-1]

    monkeypatch.setattr(module, "cross_scores", noting)
    crossed = make().fit(texts, labels)
    ((rows),) = [unseen.rows for unseen in calls]
    np.testing.assert_array_equal(rows, np.arange(n))
    monkeypatch.setattr(module, "MAX_CROSSED", n - 1)
    late = make().fit(texts, labels)
    assert len(calls) == 1
    for clf in (crossed, late):
        assert clf.score(*make_texts(60, words=slice(6, None), seed=1)) > 0.85
