"""Estimators that begin with vectors made elsewhere."""

import pickle
import tracemalloc

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

import skbag
from skbag import EmbeddingBagClassifier
from skbag._text.features import FeatureKind
from skbag._training import memory_estimate
from skbag._training.memory_estimate import footprint

# Fits by the dozen.
pytestmark = pytest.mark.slow

TOPICS = {
    "kitchen": "bake butter dough flour garlic kettle onion oven recipe salt soup",
    "sea": "anchor captain coast fleet harbour island sail ship storm tide wave",
    "garden": "blossom compost fern hedge ivy lawn mulch orchard petal root shrub",
}
DIM = 8


def make_vectors(dim=DIM, scale=1.0, without=()):
    """Words of one topic point the same way, about."""
    rng = np.random.default_rng(0)
    vectors = {}
    for words in TOPICS.values():
        centre = rng.normal(size=dim)
        for word in words.split():
            if word not in without:
                row = scale * (centre + 0.3 * rng.normal(size=dim))
                vectors[word] = row.astype(np.float32)
    return vectors


@pytest.fixture
def make(make_classifier):
    def make(**parameters):
        return make_classifier(
            **{"embedding_dim": DIM, "embedding_init": make_vectors(), **parameters}
        )

    return make


def rows_of(clf, vectors):
    known = [word for word in vectors if word in clf.vocabulary_]
    rows = clf.embedding_[[clf.vocabulary_[word] for word in known]]
    return known, rows, np.array([vectors[word] for word in known])


def test_words_that_training_never_met_are_known_by_their_vectors(make, corpus):
    vectors = make_vectors()
    # Met once for each label, which tells nothing: all a model has is their vectors.
    unseen = {"kitchen": "soup", "sea": "wave", "garden": "shrub"}
    rows = [
        (text, label)
        for text, label in zip(*corpus, strict=True)
        if not any(word in text.lower() for word in unseen.values())
    ]
    texts, labels = map(list, zip(*rows, strict=True))
    texts += ["soup wave shrub"] * 3
    labels += list(unseen)
    clf = make(embedding_init=vectors).fit(texts, labels)
    assert clf.predict(list(unseen.values())).tolist() == list(unseen)


@pytest.mark.parametrize("hidden", [(), (6,)])
@pytest.mark.parametrize("scale", [0.01, 1.0, 100.0])
def test_vectors_of_any_scale(scale, hidden, make, corpus, new_corpus):
    clf = make(embedding_init=make_vectors(scale=scale), hidden_layer_sizes=hidden)
    clf.fit(*corpus)
    assert clf.score(*new_corpus) > 0.9


def test_coverage(make, make_classifier, corpus):
    clf = make().fit(*corpus)
    kinds = clf._model.encoder.kinds
    n_tokens = int((kinds == FeatureKind.TERM).sum())
    known = [word for word in make_vectors() if word in clf.vocabulary_]
    assert clf.embedding_init_coverage_ == pytest.approx(len(known) / n_tokens)
    assert make_classifier().fit(*corpus).embedding_init_coverage_ is None


@pytest.mark.parametrize("options", [{}, {"hidden_layer_sizes": (5,)}, {"alpha": 0.01}])
def test_a_frozen_table_is_the_vectors(options, make, corpus):
    vectors = make_vectors()
    clf = make(freeze_embedding=True, **options).fit(*corpus)
    _, rows, expected = rows_of(clf, vectors)
    assert_array_equal(rows, expected)
    others = [i for name, i in clf.vocabulary_.items() if name not in vectors]
    assert not clf.embedding_[others].any()
    assert clf.score(*corpus) > 0.9


def test_a_free_table_moves(make, corpus):
    clf = make().fit(*corpus)
    _, rows, expected = rows_of(clf, make_vectors())
    assert not np.allclose(rows, expected)
    # Pairs and the like begin at zero, but learn.
    kinds = clf._model.encoder.kinds
    assert clf.embedding_[kinds != FeatureKind.TERM].any()


def test_the_penalty_is_on_what_is_learnt(make, corpus):
    clf = make(alpha=10.0, max_iter=30).fit(*corpus)
    _, rows, expected = rows_of(clf, make_vectors())
    assert_allclose(rows, expected, atol=0.1)
    others = clf._model.encoder.kinds != FeatureKind.TERM
    assert np.abs(clf.embedding_[others]).max() < 0.1


def test_weights_multiply_the_vectors(make, corpus):
    vectors = make_vectors()
    clf = make(freeze_embedding=True).fit(*corpus)
    words = "sail oven"
    ids = [clf.vocabulary_[word] for word in words.split()]
    weights = clf._model.featurizer.id_weights[ids]
    norm = np.linalg.norm(clf._model.featurizer.weigh([words]).weights)
    bag = clf._model.featurizer.weigh([words])
    assert norm == pytest.approx(1)
    shares = dict(zip(bag.ids.tolist(), bag.weights.tolist(), strict=True))
    expected = sum(
        shares[i] * vectors[w] for i, w in zip(ids, words.split(), strict=True)
    )
    assert_allclose(clf.transform([words])[0], expected, rtol=1e-5, atol=1e-6)
    assert shares[ids[0]] / shares[ids[1]] == pytest.approx(weights[0] / weights[1])


@pytest.mark.parametrize("freeze", [False, True])
def test_new_words_of_partial_fit_get_their_vectors(freeze, make):
    vectors = make_vectors()
    first = ["sail the ship", "bake the dough"] * 8
    clf = make(freeze_embedding=freeze, random_state=0)
    clf.partial_fit(first, ["sea", "kitchen"] * 8, classes=list(TOPICS))
    coverage = clf.embedding_init_coverage_
    assert coverage == pytest.approx(4 / 5)
    clf.partial_fit(["a tide of storm", "hedge"] * 4, ["sea", "garden"] * 4)
    assert clf.embedding_init_coverage_ == pytest.approx(7 / 10)
    _, rows, expected = rows_of(clf, vectors)
    if freeze:
        # Weights have changed, rows have not.
        assert_array_equal(rows, expected)
    else:
        cosines = (rows * expected).sum(1) / np.sqrt(
            (rows**2).sum(1) * (expected**2).sum(1)
        )
        assert np.median(cosines) > 0.9


def test_classes_that_come_late_are_learnt(make, corpus):
    order = np.argsort(np.array(corpus.labels) == "garden", kind="stable")
    texts = [corpus.texts[i] for i in order]
    labels = [corpus.labels[i] for i in order]
    clf = make().partial_fit(texts[:60], labels[:60], classes=list(TOPICS))
    for _ in range(6):
        clf.partial_fit(*corpus)
    assert clf.score(*corpus) > 0.9


@pytest.mark.parametrize("freeze", [False, True])
def test_warm_start_goes_on(freeze, make, corpus, new_corpus):
    clf = make(warm_start=True, freeze_embedding=freeze).fit(*corpus)
    extra = [*new_corpus.texts, "lantern compass"]
    vectors = {**make_vectors(), "lantern": np.full(DIM, 2.0, np.float32)}
    clf.set_params(embedding_init=vectors, max_iter=1).fit(
        extra, [*new_corpus.labels, "sea"]
    )
    row = clf.embedding_[clf.vocabulary_["lantern"]]
    assert_allclose(row, 2.0, atol=0 if freeze else 1.5)
    assert clf.score(*corpus) > 0.9


def test_early_stopping_keeps_vectors(make, corpus):
    clf = make(early_stopping=True, alpha=10.0).fit(*corpus)
    _, rows, expected = rows_of(clf, make_vectors())
    assert_allclose(rows, expected, atol=0.2)
    assert clf.score(*corpus) > 0.9


def test_dropout_and_sample_weights(make, corpus):
    clf = make(dropout=0.3, class_weight="balanced")
    clf.fit(*corpus, sample_weight=np.arange(len(corpus.labels)))
    assert clf.score(*corpus) > 0.9


@pytest.mark.parametrize("loss", ["squared_hinge", "cross_entropy"])
def test_two_classes(loss, make_classifier, binary_corpus):
    words = "awful boring broken best bright brilliant".split()
    vectors = {w: [1.0, float(i)] for i, w in enumerate(words)}
    clf = make_classifier(embedding_dim=2, embedding_init=vectors, loss=loss)
    clf.fit(*binary_corpus)
    assert clf.score(*binary_corpus) > 0.9


@pytest.mark.parametrize("freeze", [False, True])
@pytest.mark.parametrize("hidden", [(), (6,)])
def test_labels(freeze, hidden, make, corpus, new_corpus):
    def indicator(labels):
        return np.array(
            [[name in (label, "sea") for name in TOPICS] for label in labels]
        )

    clf = make(hidden_layer_sizes=hidden, freeze_embedding=freeze)
    clf.fit(corpus.texts, indicator(corpus.labels).astype(int))
    assert (clf.predict(new_corpus.texts) == indicator(new_corpus.labels)).mean() > 0.9
    _, rows, expected = rows_of(clf, make_vectors())
    assert np.array_equal(rows, expected) == freeze


def test_labels_in_parts(make, corpus):
    Y = np.array([[label == name for name in TOPICS] for label in corpus.labels])
    clf = make()
    for some in (slice(0, 60), slice(60, None)):
        clf.partial_fit(corpus.texts[some], Y[some].astype(int), classes=[0, 1, 2])
    assert (clf.predict(corpus.texts) == Y).mean() > 0.9


def test_subwords_begin_at_zero(make, corpus, new_corpus):
    vectors = make_vectors()
    clf = make(subword_ngram_range=(3, 4), freeze_embedding=True).fit(*corpus)
    _, rows, expected = rows_of(clf, vectors)
    assert_array_equal(rows, expected)
    is_subword = clf._model.encoder.kinds == FeatureKind.SUBWORD
    assert not clf.embedding_[is_subword].any()
    free = make(subword_ngram_range=(3, 4)).fit(*corpus)
    assert free.embedding_[is_subword].any()
    assert free.score(*new_corpus) > 0.9


def test_what_is_made_of_a_model_needs_no_vectors(make, corpus):
    clf = make().fit(*corpus).set_params(embedding_init=None)
    expected = clf.decision_function(corpus.texts)
    module = clf.to_torch()
    scores = module(*map(torch.from_numpy, clf.encode(corpus.texts)))
    assert_allclose(scores.detach().numpy(), expected, rtol=1e-4, atol=1e-4)
    explained = clf.explain(corpus.texts[:5]).scores
    assert_allclose(explained, expected[:5], rtol=1e-5, atol=1e-5)
    small = clf.compress(bits=16)
    assert_allclose(small.decision_function(corpus.texts), expected, atol=0.05)
    assert small.embedding_init_coverage_ == clf.embedding_init_coverage_


def test_vectors_are_counted_by_the_memory_guard(make, corpus, monkeypatch):
    sizes = []

    def noting(size):
        sizes.append(size)
        return footprint(size)

    monkeypatch.setattr(memory_estimate, "footprint", noting)
    make(embedding_init=None).fit(*corpus)
    make(freeze_embedding=True).fit(*corpus)
    make().fit(*corpus)
    tables = [size.n_tables for size in sizes]
    assert tables == [tables[0], tables[0] + 1, tables[0] + 2]
    monkeypatch.setattr(memory_estimate, "SMALL", 0)
    monkeypatch.setattr(memory_estimate, "available_bytes", lambda: 1000)
    wide = {word: np.ones(10**5) for word in make_vectors()}
    with pytest.raises(MemoryError, match="vectors of fewer than 100000 numbers, or "):
        make(embedding_init=wide, embedding_dim=10**5).fit(*corpus)


def test_hashed_features_of_an_earlier_fit(make, corpus):
    clf = make(warm_start=True, n_buckets=256, embedding_init=None).fit(*corpus)
    clf.set_params(n_buckets=None, embedding_init=make_vectors())
    with pytest.raises(ValueError, match=r"hashed features have none\. Fit with n_bu"):
        clf.fit(*corpus)


def test_more_classes_than_dimensions(make_classifier, corpus):
    vectors = {"sail": [1.0, 0.0], "bake": [0.0, 1.0]}
    clf = make_classifier(embedding_dim=2, embedding_init=vectors).fit(*corpus)
    assert clf.score(*corpus) > 0.8


def test_same_seed_same_bits(make, corpus):
    one, other = (make(n_jobs=n).fit(*corpus) for n in (1, 2))
    assert_array_equal(one.embedding_, other.embedding_)
    assert_array_equal(one.coef_, other.coef_)


def test_without_vectors_all_is_as_before(make_classifier, corpus):
    one = make_classifier(embedding_dim=DIM).fit(*corpus)
    other = make_classifier(embedding_dim=DIM, embedding_init=None).fit(*corpus)
    assert_array_equal(one.embedding_, other.embedding_)


def test_the_source_is_no_part_of_what_is_fitted(make, corpus, tmp_path):
    path = tmp_path / "vectors.vec"
    lines = [
        " ".join([w, *(repr(float(x)) for x in v)]) for w, v in make_vectors().items()
    ]
    path.write_text("\n".join(lines) + "\n")
    from_file = make(embedding_init=path).fit(*corpus)
    from_dict = make().fit(*corpus)
    assert_array_equal(from_file.embedding_, from_dict.embedding_)
    path.unlink()
    loaded = pickle.loads(pickle.dumps(from_file))
    assert loaded.embedding_init_coverage_ == from_file.embedding_init_coverage_
    assert_array_equal(
        loaded.decision_function(corpus.texts),
        from_file.decision_function(corpus.texts),
    )
    state = from_dict.set_params(embedding_init=None).__getstate__()
    assert not any(
        isinstance(value, dict) and "sail" in value for value in state.values()
    )
    assert from_dict.predict(["sail"]).tolist() == ["sea"]
    skbag.save(from_dict, tmp_path / "model.safetensors")
    loaded = skbag.load(tmp_path / "model.safetensors")
    assert loaded.embedding_init_coverage_ == from_dict.embedding_init_coverage_


def test_clone_and_grid_search(make, corpus):
    clf = make()
    copied = clone(clf)
    assert copied.embedding_init.keys() == clf.embedding_init.keys()
    grid = {
        "embedding_init": [make_vectors(), (["sail"], np.ones((1, DIM)))],
        "freeze_embedding": [False, True],
    }
    search = GridSearchCV(clf, grid, cv=2, error_score="raise").fit(*corpus)
    assert search.best_score_ > 0.8


def test_a_file_far_larger_than_what_is_wanted(make, corpus, tmp_path):
    path = tmp_path / "large.txt"
    with path.open("w") as file:
        for i in range(40_000):
            file.write(f"word{i} " + "0.123456789 " * DIM + "\n")
        for word, vector in make_vectors().items():
            file.write(" ".join([word, *(repr(float(x)) for x in vector)]) + "\n")
    make().fit(*corpus)  # imports and caches
    tracemalloc.start()
    make(embedding_init=path).fit(*corpus)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < path.stat().st_size / 2


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        (
            {"embedding_dim": None, "freeze_embedding": True},
            ValueError,
            r"freeze_embedding=True needs embedding_dim, the width",
        ),
        (
            {"embedding_dim": None, "loss": "cross_entropy"},
            ValueError,
            r"mixes the scores .* got loss='cross_entropy'\. Use that loss",
        ),
        (
            {"embedding_dim": 5},
            ValueError,
            r"8 numbers, but embedding_dim=5\. Set embed",
        ),
        ({"embedding_init": 3}, ValueError, r"'embedding_init' parameter"),
        ({"embedding_init": [1, 2, 3]}, TypeError, r"embedding_init must be a mapping"),
        ({"embedding_init": {"x": [1] * 8}}, ValueError, r"no vector for any of the"),
        ({"ngram_range": (2, 2)}, ValueError, r"gives vectors to single tokens"),
        (
            {"embedding_init": None, "freeze_embedding": True},
            ValueError,
            r"freeze_embedding=True needs embedding_init",
        ),
        ({"n_buckets": 256}, ValueError, r"hashed into n_buckets=256 have none"),
        (
            {"loss": "adaptive_softmax"},
            ValueError,
            r"does not go with loss='adaptive_softmax'.*Use loss='cross_entropy'",
        ),
        ({"freeze_embedding": "yes"}, ValueError, r"'freeze_embedding' parameter"),
    ],
)
def test_refused(parameters, error, message, make, corpus):
    with pytest.raises(error, match=message):
        make(**parameters).fit(*corpus)


def test_a_matrix_has_no_words(make):
    with pytest.raises(ValueError, match=r"embedding_init needs texts"):
        make().fit(np.eye(4), [0, 1, 0, 1])


def test_a_given_vocabulary_is_one(make, corpus):
    clf = make(vocabulary=["sail", "oven", "lawn"]).fit(*corpus)
    assert clf.embedding_init_coverage_ == 1
    assert isinstance(clf, EmbeddingBagClassifier)
