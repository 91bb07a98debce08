"""The rules behind "auto"."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from skbag._core.bags import Bags
from skbag._targets.losses import LOSSES
from skbag._text import pruning
from skbag._training import plan
from skbag._training.plan import Moments, Plan
from skbag._training.progress import Schedule
from skbag._training.run import TrainingRun
from skbag._training.settings import TrainingOptions


@pytest.mark.parametrize(
    ("width", "expected"), [(1, 1), (2**20, 2), (2**21, 3), (2**30, 8)]
)
def test_min_df_is_the_smallest_that_bounds_the_table(width, expected):
    # 16 features in one text, 4 in two, 4 in nine.
    counts = np.array([1] * 16 + [2] * 4 + [9] * 4)
    assert pruning.auto_min_df(counts, width) == expected


EASY = Moments(mean_squared_norm=1.0, eigenvalue=0.001, max_sample_weight=1.0)


@pytest.mark.parametrize(
    ("n_samples", "n_outputs", "expected"),
    [(10, 3, 16), (5_000, 6, 64), (50_000, 53, 512), (10**7, 1, 1024)],
)
def test_batch_size_grows_with_the_samples_within_bounds(
    n_samples, n_outputs, expected
):
    assert plan.auto_batch_size(n_samples, n_outputs, EASY) == expected


def test_batch_size_keeps_scores_in_cache():
    size = plan.auto_batch_size(10**7, 200, EASY)
    assert size * 200 <= plan.SCORES_PER_BATCH < 2 * size * 200


def test_batch_size_shrinks_where_samples_share_a_direction():
    shared = replace(EASY, eigenvalue=0.2)
    size = plan.auto_batch_size(10**6, 3, shared)
    assert 16 < size < plan.auto_batch_size(10**6, 3, EASY)
    assert shared.for_batch(size) >= plan.MIN_BATCH_STEP * shared.for_one
    assert shared.for_batch(2 * size) < plan.MIN_BATCH_STEP * shared.for_one


def unit_bags(n=50, n_ids=30, seed=0):
    X = sp.csr_array(sp.random(n, n_ids, density=0.2, random_state=seed))
    X = sp.csr_array(X / np.maximum(np.sqrt((X * X).sum(axis=1)), 1e-9)[:, np.newaxis])
    return Bags.from_csr(X)


def learning_rate(bags, batch_size, curvature=2.0):
    return plan.auto_learning_rate(Moments.measure(bags), batch_size, curvature)


def test_moments_are_those_of_numpy():
    bags = unit_bags()
    weight = np.random.default_rng(0).uniform(0.5, 3, size=50)
    X = bags.to_csr().toarray()
    moments = Moments.measure(bags.with_weights(bags.weights * 2), weight)
    assert moments.mean_squared_norm == pytest.approx(4, rel=1e-5)
    second = 4 * X.T @ (weight[:, np.newaxis] * X) / 50
    assert moments.eigenvalue == pytest.approx(
        np.linalg.eigvalsh(second).max(), rel=0.02
    )
    assert moments.max_sample_weight == weight.max()


def test_learning_rate_of_unrelated_unit_texts_nearly_answers_one():
    bags = Bags.from_csr(sp.csr_array(np.eye(64)))
    assert learning_rate(bags, 16) == pytest.approx(0.45)
    assert learning_rate(bags, 16, curvature=0.5) == pytest.approx(1.8)


def test_learning_rate_does_not_depend_on_the_scale_of_the_values():
    bags = unit_bags()
    scaled = bags.with_weights(bags.weights * 100)
    for batch_size in (1, 1000):
        assert learning_rate(scaled, batch_size) == pytest.approx(
            learning_rate(bags, batch_size) / 1e4, rel=1e-4
        )


def test_learning_rate_is_stable_for_the_direction_a_batch_shares():
    bags = unit_bags()
    X = bags.to_csr().toarray()
    largest = np.linalg.eigvalsh(X.T @ X / len(X)).max()
    assert learning_rate(bags, 1000) == pytest.approx(1 / (1000 * largest), rel=0.02)


def test_bags_are_left_alone():
    # Unsorted ids, which scipy likes to sort in place.
    ids, weights = np.array([3, 0, 1, 2, 0]), np.array([0.1, 0.9, 0.5, 0.6, 0.7])
    bags = Bags(ids.astype("i"), np.array([0, 2, 5]), weights.astype("f"), 4)
    Moments.measure(bags)
    plan.clip_sample_weights(bags, np.ones(2), 0.1, 2.0)
    np.testing.assert_array_equal(bags.ids, ids)
    np.testing.assert_array_equal(bags.weights, weights.astype("f"))


@pytest.mark.parametrize("n_texts", [4, 3000])
def test_learning_rate_of_empty_texts(n_texts):
    bags = Bags.from_csr(sp.csr_array((n_texts, 3)))
    assert learning_rate(bags, 16) == pytest.approx(0.45)


def test_heavy_samples_get_what_one_step_can_carry():
    bags = unit_bags(3)
    weights = plan.clip_sample_weights(bags, np.array([0.5, 2.0, 100.0]), 0.1, 2.0)
    np.testing.assert_allclose(weights, [0.5, 2.0, 5.0], rtol=1e-5)


def test_long_samples_get_what_one_step_can_carry():
    bags = unit_bags(2)
    scale = np.repeat([1, 10], np.diff(bags.offsets)).astype("f")
    long = bags.with_weights(bags.weights * scale)
    weights = plan.clip_sample_weights(long, None, 0.1, 2.0)
    np.testing.assert_allclose(weights, [1.0, 0.05], rtol=1e-5)
    assert plan.clip_sample_weights(bags, None, 0.1, 2.0) is None


def test_hard_classes_get_fewer_epochs_and_more_penalty():
    hard, easy = (plan.auto_epochs(s, 50_000, 1e6) for s in (0.0, 1.0))
    assert (hard, easy) == (2, 4)
    hard, easy = (plan.auto_alpha(s, 50_000, EASY, 2.0) for s in (0.0, 0.9))
    assert hard > easy


def test_much_work_gets_fewer_epochs():
    assert plan.auto_epochs(1.0, 50_000, 1e9) == 3
    assert plan.auto_epochs(1.0, 10**6, 1e9) == 3
    assert plan.auto_epochs(1.0, 50_000, 1e8) == 4


def test_few_samples_get_more_epochs_and_a_limited_penalty():
    assert plan.auto_epochs(0.0, 4_000, 1e6) == 5
    assert plan.auto_epochs(0.0, 10, 1e6) == plan.MAX_EPOCHS
    assert plan.auto_alpha(0.0, 10, EASY, 2.0) == plan.MAX_ALPHA


def test_penalty_follows_the_scale_of_the_samples_and_the_loss():
    base = plan.auto_alpha(0.5, 1000, EASY, 2.0)
    scaled = replace(EASY, mean_squared_norm=9.0)
    assert plan.auto_alpha(0.5, 1000, scaled, 2.0) == pytest.approx(9 * base)
    assert plan.auto_alpha(0.5, 1000, EASY, 0.5) == pytest.approx(base / 4)


@pytest.mark.parametrize("n", [2, 3, 10, 500, 5_000, 10**6])
def test_some_samples_are_held_out_but_never_most(n):
    assert 0 <= plan.n_progressive_samples(n, 1) <= n / 3
    assert plan.n_progressive_samples(n, 1) <= 4096


def test_scores_of_samples_held_out_are_bounded():
    assert plan.n_progressive_samples(10**6, 2048) == 4096
    assert (
        plan.n_progressive_samples(10**6, 20_000) * 20_000
        <= plan.MAX_PROGRESSIVE_SCORES
    )
    assert plan.max_progressive_samples(10**9) == 1


def test_layers_over_many_classes_take_more_epochs():
    """Each row of the last layer is learnt from the samples of its class."""
    assert plan.auto_epochs(1.0, 6_000, 1e6) == 4
    assert plan.auto_epochs(1.0, 6_000, 1e6, n_layer_outputs=20) == 4
    assert plan.auto_epochs(1.0, 6_000, 1e6, n_layer_outputs=1_500) == 10
    assert plan.first_plan_epochs(6_000, 1e6, 900) == 6


def test_the_penalty_waits_for_the_next_sample_of_a_class():
    usual = plan.auto_alpha(0.0, 1000, EASY, 2.0)
    assert usual == plan.MAX_ALPHA
    assert plan.auto_alpha(0.0, 1000, EASY, 2.0, 150) == usual
    assert plan.auto_alpha(0.0, 1000, EASY, 2.0, 1500) == pytest.approx(usual / 10)


# -- the plan --------------------------------------------------------------------------


OPTIONS = TrainingOptions(
    loss=LOSSES["squared_hinge"],
    embedding_dim=None,
    hidden_layer_sizes=(),
    dropout=0.0,
    learning_rate_init=None,
    alpha=None,
    max_iter=None,
    batch_size=None,
    shuffle=True,
    n_iter_no_change=5,
    tol=1e-4,
    device="cpu",
)
PROBLEM = plan.Problem(50_000, 6, 6, EASY, LOSSES["squared_hinge"])


def test_a_plan_follows_the_rules_as_more_is_known():
    first = Plan.make(PROBLEM, OPTIONS, 4096)
    assert first.batch_size == plan.auto_batch_size(50_000, 6, EASY)
    rate = plan.auto_learning_rate(EASY, first.batch_size, 2.0)
    assert first.learning_rate == rate
    sized = first.with_entries(10**6)
    assert sized.work == 10**6 * (6 + 16)
    assert sized.n_epochs == plan.first_plan_epochs(50_000, sized.work)
    shown = sized.with_skill(0.5)
    assert shown.n_epochs == plan.auto_epochs(0.5, 50_000, sized.work)
    assert shown.alpha == plan.auto_alpha(0.5, 50_000, EASY, 2.0, 1.0)
    # Nothing else changes, and the plans before stay as they were.
    same = replace(shown, n_epochs=sized.n_epochs, alpha=sized.alpha)
    assert same == sized != first


def test_what_is_an_option_is_not_decided():
    options = replace(
        OPTIONS, batch_size=10**6, learning_rate_init=0.1, alpha=0.2, max_iter=7
    )
    decided = Plan.make(PROBLEM, options, 0).with_entries(10).with_skill(0.0)
    assert decided.batch_size == PROBLEM.n_samples
    assert (decided.learning_rate, decided.alpha, decided.n_epochs) == (0.1, 0.2, 7)
    assert not decided.clips_weights
    assert Plan.make(PROBLEM, OPTIONS, 0).clips_weights


def test_a_stream_takes_no_larger_steps_than_before():
    limited = replace(PROBLEM, max_learning_rate=0.01, n_seen=100)
    assert Plan.make(limited, OPTIONS, 0).learning_rate == 0.01


def stream_rate(n_seen, skill_score):
    """Step right for one sample, the first of a part; batches allow any."""
    return plan.auto_learning_rate(EASY, 1, 2.0, n_seen, skill_score)


def test_steps_of_a_stream_fall_the_sooner_the_noisier_it_is():
    first = stream_rate(0, 0.2)
    assert first == stream_rate(0, 1.0)
    assert stream_rate(plan.N_FULL_STEP_SAMPLES, 1.0) == pytest.approx(first / 2**0.5)
    by_skill = [stream_rate(10_000, skill) for skill in (0.0, 0.3, 0.6, 0.9, 1.0)]
    assert by_skill == sorted(by_skill)
    assert by_skill[0] < first / 3


@pytest.mark.parametrize("n_seen", [0, 5000])
def test_steps_of_a_part_fall_as_those_of_small_parts_do(n_seen):
    options = replace(OPTIONS, decay=False, batch_size=100)
    part = replace(PROBLEM, n_seen=n_seen, skill_score=0.5)
    rates = Schedule.of(Plan.make(part, options, 0)).rates(3, 2)
    small = [
        Plan.make(
            replace(part, n_seen=n_seen + 100 * t, n_samples=100), options, 0
        ).learning_rate
        for t in (3, 4)
    ]
    assert rates == pytest.approx(small)


def test_a_rate_that_is_given_stays():
    options = replace(OPTIONS, decay=False, learning_rate_init=0.3)
    schedule = Schedule.of(Plan.make(PROBLEM, options, 0))
    assert (schedule.rates(10, 4) == 0.3).all()


def test_fitted_attributes_are_those_of_the_plan(corpus, make_classifier, monkeypatch):
    plans = []
    finish = TrainingRun.finish

    def noted(run):
        plans.append(run.plan)
        return finish(run)

    monkeypatch.setattr(TrainingRun, "finish", noted)
    clf = make_classifier().fit(*corpus)
    # Those of models that only score samples for the temperature come before.
    *_, last = plans
    assert clf.batch_size_ == last.batch_size
    assert clf.learning_rate_ == last.learning_rate
    assert clf.alpha_ == last.alpha
    assert clf.n_iter_ <= last.n_epochs


def test_the_memory_estimate_reads_the_plan_of_the_fit(
    corpus, make_classifier, monkeypatch
):
    """Both once decided the batch size, and could have decided otherwise."""
    made = []
    original = Plan.make.__func__

    def noted(cls, *arguments):
        made.append(original(cls, *arguments))
        return made[-1]

    monkeypatch.setattr(Plan, "make", classmethod(noted))
    make_classifier(embedding_dim=4, batch_size=32).fit(*corpus)
    estimated, trained = made
    assert estimated.batch_size == trained.batch_size == 32
    assert estimated.width == trained.width == 4
    assert estimated.needs_scores == trained.needs_scores
    assert estimated.n_progressive == trained.n_progressive
