"""The softmax in two steps: a distribution, its gradient torch's, its best k exact."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given
from hypothesis import strategies as st

from skbag._core.bags import Bags
from skbag._model.clusters import ClusteredLayer, Clusters
from skbag._targets import losses
from skbag._targets.losses import LOSSES
from skbag._training.batches import make_batches
from skbag._training.devices import Placement
from skbag._training.network import AdaptiveSoftmax, Network
from skbag._training.trainer import Schedule, Trainer

# Fits by the dozen.
pytestmark = pytest.mark.slow


def layer(n_classes, n_in=6, scale=1.0, seed=0):
    rng = np.random.default_rng(seed)
    clusters = Clusters.by_frequency(rng.integers(50, size=n_classes))
    n_rows = clusters.head_size + clusters.n_clusters * clusters.size
    coef = scale * rng.normal(size=(n_rows, n_in)).astype("f")
    return ClusteredLayer(clusters, coef, rng.normal(size=n_rows).astype("f"))


@given(st.lists(st.integers(0, 5), min_size=1, max_size=300))
def test_every_class_has_its_place(counts):
    counts = np.array(counts)
    clusters = Clusters.by_frequency(counts)
    assert sorted(clusters.order) == list(range(len(counts)))
    np.testing.assert_array_equal(
        clusters.order[clusters.places], np.arange(len(counts))
    )
    parts = [clusters.order[: clusters.n_shortlist]]
    parts += list(clusters.order[clusters.n_shortlist :].reshape(-1, clusters.size))
    for part in parts:
        assert (np.diff(part) > 0).all()
    for frequent, rare in zip(parts, parts[1:], strict=False):
        assert counts[frequent].min() >= counts[rare].max()


@pytest.mark.parametrize("n_classes", [500, 5_000, 50_000, 500_000])
def test_scores_of_a_sample_grow_as_the_square_root(n_classes):
    clusters = Clusters.by_frequency(np.zeros(n_classes, dtype=int))
    assert clusters.n_scores <= 5 * n_classes**0.5
    assert clusters.n_clusters * clusters.size + clusters.n_shortlist == n_classes


@pytest.mark.parametrize("n_classes", [10, 60, 501])
def test_probabilities_are_a_distribution(n_classes):
    x = np.random.default_rng(1).normal(size=(20, 6)).astype("f")
    log_probabilities = layer(n_classes, scale=3).log_probabilities(x)
    assert log_probabilities.shape == (20, n_classes)
    np.testing.assert_allclose(np.exp(log_probabilities).sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("scale", [0.0, 0.3, 3.0])
@pytest.mark.parametrize("k", [1, 3, 40])
@pytest.mark.parametrize("n_classes", [41, 60, 501])
def test_best_are_those_of_a_full_sort(n_classes, k, scale):
    """Also where every class is as probable as any other of its cluster."""
    x = np.random.default_rng(1).normal(size=(30, 6)).astype("f")
    one = layer(n_classes, scale=scale)
    if scale == 0:
        one.intercept[:] = 0
    every = one.log_probabilities(x)
    order = np.argsort(-every, axis=1, kind="stable")[:, :k]
    codes, found = one.best(x, k)
    np.testing.assert_array_equal(codes, order)
    np.testing.assert_array_equal(found, np.take_along_axis(every, order, axis=1))


def test_best_look_into_few_clusters(monkeypatch):
    one = layer(10_000, scale=4)
    visited = []
    within = ClusteredLayer._within

    def counted(self, x, first, cluster):
        visited.append(len(x))
        return within(self, x, first, cluster)

    monkeypatch.setattr(ClusteredLayer, "_within", counted)
    one.best(np.random.default_rng(1).normal(size=(30, 6)).astype("f"), 3)
    assert sum(visited) < 30 * one.clusters.n_clusters / 4


def module(n_classes=60, n_in=6):
    counts = np.random.default_rng(0).integers(50, size=n_classes)
    network = Network.initialise(
        20,
        n_classes,
        n_in,
        (),
        torch.Generator().manual_seed(0),
        Clusters.by_frequency(counts),
    )
    last = network.adaptive_softmax
    assert isinstance(last, AdaptiveSoftmax)
    with torch.no_grad():
        last.bias.normal_(generator=torch.Generator().manual_seed(1))
    return network, last


@pytest.mark.parametrize("weighted", [False, True])
def test_loss_and_gradients_are_those_of_all_probabilities(weighted):
    network, last = module()
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(25, 6, generator=generator, requires_grad=True)
    codes = torch.randint(60, (25,), generator=generator)
    weights = torch.rand(25, generator=generator) if weighted else None
    parameters = [x, *last.parameters()]
    value = last.loss(x, codes, weights)
    naive = -network.head(x)[torch.arange(25), codes]
    naive = (naive if weights is None else naive * weights).sum()
    torch.testing.assert_close(value, naive)
    for found, expected in zip(
        torch.autograd.grad(value, parameters),
        torch.autograd.grad(naive, parameters),
        strict=True,
    ):
        torch.testing.assert_close(found.to_dense(), expected, rtol=1e-4, atol=1e-5)


def test_loss_is_that_of_torchs_own_adaptive_softmax():
    """With as many clusters, and its projections set to the identity."""
    _, last = module()
    clusters = last.clusters
    theirs = torch.nn.AdaptiveLogSoftmaxWithLoss(
        6,
        60,
        list(range(clusters.n_shortlist, 60, clusters.size)),
        div_value=1.0,
        head_bias=True,
    )
    with torch.no_grad():
        last.bias.zero_()  # theirs has none
        theirs.head.weight.copy_(last.first.weight)
        theirs.head.bias.copy_(last.first.bias)
        for own, (projection, linear) in zip(last.weight, theirs.tail, strict=True):
            projection.weight.copy_(torch.eye(6))
            linear.weight.copy_(own.view(clusters.size, 6))
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(25, 6, generator=generator)
    codes = torch.randint(60, (25,), generator=generator)
    expected = 25 * theirs(x, last.places[codes]).loss
    torch.testing.assert_close(last.loss(x, codes, None), expected)


def test_steps_are_those_of_torchs_adagrad():
    """On the parameters above the bag, of which most are not touched by a batch."""
    network, last = module()
    rng = np.random.default_rng(0)
    X = sp.random(24, 20, density=0.3, random_state=rng, format="csr")
    bags, codes = Bags.from_csr(X), rng.integers(60, size=24)
    network.table.normal_(generator=torch.Generator().manual_seed(3))
    batches = make_batches(bags, codes, lambda bags, first: None, batch_size=8)
    schedule = Schedule(learning_rate=1e-9, alpha=0.0, n_steps=None)
    placed = Placement(batches, torch.device("cpu"))
    trainer = Trainer(network, LOSSES["adaptive_softmax"], placed, schedule)
    twin_last = module()[1]
    biases = [p for name, p in last_parameters(twin_last) if name.endswith("bias")]
    weights = [p for name, p in last_parameters(twin_last) if "weight" in name]
    adagrad = torch.optim.Adagrad(
        [{"params": weights, "lr": 0.02}, {"params": biases, "lr": 0.1}],
        initial_accumulator_value=1e-8,
        eps=0,
    )
    for batch in batches:
        x = bags.slice(batch.start, batch.stop).to_csr() @ network.table.numpy()
        adagrad.zero_grad()
        twin_last.loss(torch.from_numpy(x), batch.codes, None).backward()
        for parameter in twin_last.parameters():
            parameter.grad = parameter.grad.to_dense()
        adagrad.step()
    trainer.run_epoch(np.arange(3))
    for found, expected in zip(last.parameters(), twin_last.parameters(), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


def last_parameters(last):
    return list(last.named_parameters())


@pytest.mark.parametrize("hidden", [(), (5,)])
def test_exported_scores_are_the_modules(hidden):
    clusters = Clusters.by_frequency(np.arange(60))
    generator = torch.Generator().manual_seed(0)
    network = Network.initialise(20, 60, 6, hidden, generator, clusters)
    network.table.normal_(generator=generator)
    bags = Bags.from_csr(sp.csr_array(np.random.default_rng(0).random((9, 20))))
    fitted = network.export()
    ids, offsets, weights = (
        torch.from_numpy(a) for a in (bags.ids, bags.offsets.astype("i"), bags.weights)
    )
    with torch.no_grad():
        expected = network(ids, offsets, weights).numpy()
    np.testing.assert_allclose(fitted.scores(bags), expected, rtol=1e-4, atol=1e-4)
    again = Network.from_predictor(fitted, 20).export()
    for (a, b), (c, d) in zip(fitted.layers, again.layers, strict=True):
        np.testing.assert_array_equal(a, c)
        np.testing.assert_array_equal(b, d)


def test_hidden_units_that_start_open_favour_no_class():
    clusters = Clusters.by_frequency(np.arange(60))
    generator = torch.Generator().manual_seed(0)
    network = Network.initialise(20, 60, 6, (5,), generator, clusters)
    first = network.head(torch.zeros(1, 6))[0].detach()
    for part in np.split(clusters.order[clusters.n_shortlist :], clusters.n_clusters):
        torch.testing.assert_close(first[part], first[part[:1]].expand(len(part)))


# -- the estimator ---------------------------------------------------------------------


@pytest.fixture
def many(monkeypatch):
    """Texts of 60 classes, which are many for once."""
    monkeypatch.setattr(losses, "MANY_CLASSES", 20)
    rng = np.random.default_rng(0)
    codes = np.concatenate([np.arange(60), rng.geometric(0.1, 600).clip(max=60) - 1])
    texts = [f"w{c} w{c} v{c % 7} u{rng.integers(9)}" for c in codes]
    return texts, np.array([f"class {c}" for c in codes])


@pytest.fixture
def adaptive(make_classifier):
    def make(**parameters):
        own = {"loss": "adaptive_softmax", "embedding_dim": 16, "max_iter": 5}
        return make_classifier(**{**own, **parameters})

    return make


@pytest.mark.parametrize("hidden", [(), (16,)])
def test_everything_that_predicts(hidden, many, adaptive):
    texts, y = many
    clf = adaptive(hidden_layer_sizes=hidden).fit(texts, y)
    assert clf.score(texts, y) > 0.8
    scores = clf.decision_function(texts)
    proba = clf.predict_proba(texts)
    assert scores.shape == proba.shape == (len(texts), 60)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(np.log(proba), clf.predict_log_proba(texts), rtol=1e-5)
    np.testing.assert_allclose(scores, np.log(proba), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(
        clf.classes_[scores.argmax(axis=1)], clf.predict(texts)
    )
    labels, best = clf.top_k(texts, 4)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :4]
    np.testing.assert_array_equal(labels, clf.classes_[order])
    np.testing.assert_allclose(best, np.take_along_axis(proba, order, 1), rtol=1e-5)
    assert clf.inverse_temperature_ == 1
    n_rows = 60 + clf._model.predictor.clusters.n_clusters
    assert not hasattr(clf, "coef_")
    assert clf.intercept_.shape == (n_rows,)


def test_same_seed_same_bits_on_any_number_of_threads(many, adaptive):
    one, two = (adaptive(n_jobs=n).fit(*many) for n in (1, 2))
    np.testing.assert_array_equal(one.embedding_, two.embedding_)
    for own, other in zip(
        *(clf._model.predictor.layers[-1] for clf in (one, two)), strict=True
    ):
        np.testing.assert_array_equal(own, other)


def test_few_classes_are_the_cross_entropy(corpus, binary_corpus, adaptive):
    for texts, y in (corpus, binary_corpus):
        own = adaptive().fit(texts, y)
        exact = adaptive(loss="cross_entropy").fit(texts, y)
        np.testing.assert_array_equal(own.coef_, exact.coef_)
        np.testing.assert_array_equal(own.embedding_, exact.embedding_)


@pytest.mark.parametrize("parameters", [{}, {"early_stopping": True}])
@pytest.mark.filterwarnings("ignore:The validation samples:UserWarning")
def test_weights_and_validation(parameters, many, adaptive):
    texts, y = many
    weight = np.where(y == "class 0", 0.0, 1.0)
    clf = adaptive(**parameters).fit(texts, y, weight)
    assert clf.score(texts, y, weight) > 0.6


def test_partial_fit_and_warm_start_go_on(many, adaptive):
    texts, y = many
    clf = adaptive()
    for start in range(0, len(texts), 220):
        part = slice(start, start + 220)
        clf.partial_fit(texts[part], y[part], classes=np.unique(y))
    assert clf.score(texts, y) > 0.2
    before = clf.score(texts, y)
    warm = adaptive(warm_start=True, max_iter=2).fit(texts, y)
    first = warm.score(texts, y)
    assert warm.fit(texts, y).score(texts, y) >= first - 0.02
    for _ in range(3):
        clf.partial_fit(texts, y)
    assert clf.score(texts, y) > before


def test_another_loss_cannot_go_on(many, adaptive):
    clf = adaptive(warm_start=True).fit(*many)
    clf.set_params(loss="cross_entropy")
    with pytest.raises(ValueError, match="an adaptive softmax is a layer of its own"):
        clf.fit(*many)


def test_needs_an_embedding(many, adaptive):
    with pytest.raises(ValueError, match="'adaptive_softmax' needs an embedding"):
        adaptive(embedding_dim=None).fit(*many)


def test_labels_have_no_softmax(corpus, adaptive):
    y = np.eye(3, dtype=int)[np.arange(len(corpus.texts)) % 3]
    with pytest.raises(ValueError, match="is for one class per sample"):
        adaptive().fit(corpus.texts, y)


def test_pickled_it_predicts_without_torch(many, adaptive, tmp_path, new_process):
    texts, y = many
    clf = adaptive().fit(texts, y)
    path = tmp_path / "model.pickle"
    path.write_bytes(pickle.dumps(clf))
    code = (
        "import pickle, sys; clf = pickle.load(open(sys.argv[1], 'rb'));"
        "labels, p = clf.top_k(['w1 w1 v1'], 2); print(clf.predict(['w1 w1 v1'])[0]);"
        "clf.predict_proba(['w1']); assert 'torch' not in sys.modules"
    )
    done = new_process(code, path)
    assert done.stdout.strip() == clf.predict(["w1 w1 v1"])[0], done.stderr


def test_best_are_the_same_in_small_parts(many, adaptive, monkeypatch):
    texts, y = many
    clf = adaptive().fit(texts, y)
    expected = clf.top_k(texts, 3)
    monkeypatch.setattr("skbag._model.predictor.NUMBERS_AT_ONCE", 40)
    for found, wanted in zip(clf.top_k(texts, 3), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_all_scores_are_computed_only_where_something_depends_on_them(
    many, adaptive, monkeypatch
):
    texts, y = many
    n_scored = []
    forward = AdaptiveSoftmax.forward

    def counted(self, x):
        n_scored.append(len(x))
        return forward(self, x)

    monkeypatch.setattr(AdaptiveSoftmax, "forward", counted)
    adaptive(alpha=0.0, max_iter=2).fit(texts, y)
    adaptive().partial_fit(texts, y, classes=np.unique(y))
    assert n_scored == []
    adaptive(max_iter="auto").fit(texts, y)
    assert 0 < sum(n_scored) < len(texts) / 2


def test_a_sample_is_answered_alike_in_any_company():
    """Bit by bit: BLAS would add up in an order that depends on the others."""
    one = layer(2000, n_in=13)
    x = np.random.default_rng(1).normal(size=(70, 13)).astype("f")
    every, (codes, best) = one.log_probabilities(x), one.best(x, 3)
    for part in (slice(0, 1), slice(3, 5), slice(7, 60)):
        np.testing.assert_array_equal(one.log_probabilities(x[part]), every[part])
        alone = one.best(x[part], 3)
        np.testing.assert_array_equal(alone[0], codes[part])
        np.testing.assert_array_equal(alone[1], best[part])


def test_announced_classes_are_no_regression_problem(make_classifier):
    """As many classes as there are announcements: scikit-learn would warn of that."""
    texts, y = ["a b", "c d"] * 20, [0, 1] * 20
    make_classifier().partial_fit(texts, y, classes=range(40))
