"""The search within a time budget: what it tries, keeps, and when it stops."""

from __future__ import annotations

import pickle
import sys
from contextlib import contextmanager

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_array_equal
from scipy.stats import loguniform
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    ParameterSampler,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import get_tags

import skbag.tuning
from skbag import EmbeddingBagClassifier
from skbag._search_space import search_space
from skbag.tuning import TimedSearchCV

# A search is dozens of fits.
pytestmark = pytest.mark.slow

GOOD = {"learning_rate_init": ["auto"], "max_iter": [5, 6, 7, 8]}
BAD = {"learning_rate_init": [1e-9, 2e-9], "max_iter": [1, 2]}


@contextmanager
def clock_of_fits():
    """Let only fits move the clock of a search on, by a second each."""
    now = [0.0]
    fit = EmbeddingBagClassifier.fit

    def timed(self, *data, **more):
        now[0] += 1
        return fit(self, *data, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EmbeddingBagClassifier, "fit", timed)
        patch.setattr(skbag.tuning, "perf_counter", lambda: now[0])
        yield now


@pytest.fixture
def clock():
    """A clock that only fits move on."""
    with clock_of_fits() as now:
        yield now


def test_what_is_better_than_the_start_is_found(corpus, new_corpus, clock):
    start = EmbeddingBagClassifier(learning_rate_init=1e-9, max_iter=1)
    search = TimedSearchCV(start, GOOD, time_budget=100, random_state=0).fit(*corpus)
    assert search.best_score_ > search.default_score_
    assert search.best_params_["max_iter"] >= 5
    assert search.best_estimator_.max_iter == search.best_params_["max_iter"]
    assert search.score(*new_corpus) > 0.9
    assert start.max_iter == 1  # left as it was


def test_the_start_is_kept_where_nothing_is_better(corpus, clock):
    search = TimedSearchCV(None, BAD, time_budget=100, random_state=0).fit(*corpus)
    assert search.best_params_ == {}
    assert search.best_score_ == search.default_score_ > 0.9
    seed = search.best_estimator_.random_state
    again = EmbeddingBagClassifier(random_state=seed).fit(*corpus)
    assert_array_equal(search.best_estimator_.embedding_, again.embedding_)


@pytest.mark.parametrize("time_budget", [1, 10, 60, 100])
def test_the_budget_is_kept(time_budget, corpus, clock):
    search = TimedSearchCV(None, GOOD, time_budget=time_budget, random_state=0)
    search.fit(*corpus)
    # A first cross-validation and a last fit there are in any case.
    assert search.search_seconds_ <= max(time_budget, 3 + 1)
    n_searches = max(search.cv_results_["search"])
    assert (n_searches > 0) == (time_budget > 30)


def test_a_budget_twice_as_large_tries_more(corpus, clock):
    tried = [
        TimedSearchCV(time_budget=budget, random_state=0).fit(*corpus).n_candidates_
        for budget in (60, 120)
    ]
    assert tried[1] > tried[0] > 1


def test_only_what_saw_all_samples_competes(corpus, clock):
    search = TimedSearchCV(None, GOOD, time_budget=100, random_state=0).fit(*corpus)
    results = search.cv_results_
    lengths = {len(values) for values in results.values()}
    assert len(lengths) == 1
    assert min(results["n_resources"]) < 120 // 2
    large = [
        score
        for score, n in zip(
            results["mean_test_score"], results["n_resources"], strict=True
        )
        if 3 * n > 120
    ]
    assert search.best_score_ == max(large)


def test_ctrl_c_keeps_what_was_found(corpus, clock, monkeypatch):
    search_once = TimedSearchCV._search
    calls = []

    def interrupted(self, *arguments):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        search_once(self, *arguments)

    monkeypatch.setattr(TimedSearchCV, "_search", interrupted)
    start = EmbeddingBagClassifier(learning_rate_init=1e-9, max_iter=1)
    search = TimedSearchCV(start, GOOD, time_budget=1000, random_state=0)
    with pytest.warns(UserWarning, match="interrupted; the best found so far"):
        search.fit(*corpus)
    assert search.best_params_["max_iter"] >= 5


def test_a_search_repeats(corpus, clock):
    one, other = (
        TimedSearchCV(time_budget=60, random_state=3).fit(*corpus) for _ in range(2)
    )
    assert one.cv_results_["params"] == other.cv_results_["params"]
    for key in ("mean_test_score", "n_resources", "search", "rank_test_score"):
        assert_array_equal(one.cv_results_[key], other.cv_results_[key])
    assert one.best_params_ == other.best_params_
    assert_array_equal(one.best_estimator_.embedding_, other.best_estimator_.embedding_)


def test_candidates_share_tokens(corpus, clock, monkeypatch):
    from skbag._text.vocabulary_encoder import VocabularyEncoder

    calls = []
    learn = VocabularyEncoder.learn
    monkeypatch.setattr(
        VocabularyEncoder,
        "learn",
        lambda self, *args: calls.append(1) or learn(self, *args),
    )
    texts, labels = corpus.texts * 10, corpus.labels * 10
    space = {"alpha": loguniform(1e-7, 1e-4)}
    TimedSearchCV(None, space, time_budget=150, random_state=0).fit(texts, labels)
    # One reading for each fold and round, whatever the number of candidates.
    assert clock[0] > 100
    assert len(calls) < clock[0] / 4


def test_it_is_an_estimator(corpus, clock):
    search = TimedSearchCV(None, GOOD, time_budget=5, cv=2, random_state=0)
    assert clone(search).get_params() == search.get_params()
    with pytest.raises(NotFittedError, match="not fitted yet"):
        search.predict(corpus.texts)
    search.fit(*corpus)
    loaded = pickle.loads(pickle.dumps(search))
    assert_array_equal(loaded.predict(corpus.texts), search.predict(corpus.texts))
    for method in ("predict_proba", "decision_function"):
        found = getattr(search, method)(corpus.texts)
        expected = getattr(search.best_estimator_, method)(corpus.texts)
        assert_array_equal(found, expected)
    assert (cross_val_score(search, *corpus, cv=2) > 0.8).all()


@pytest.mark.parametrize("loss", ["squared_hinge", "adaptive_softmax"])
def test_it_takes_what_its_estimator_takes(loss):
    estimator = EmbeddingBagClassifier(loss=loss)
    tags, expected = get_tags(TimedSearchCV(estimator)), get_tags(estimator)
    assert tags.input_tags == expected.input_tags
    assert tags.classifier_tags == expected.classifier_tags
    assert get_tags(TimedSearchCV()).classifier_tags.multi_label


def test_scoring_is_what_is_maximised(corpus, clock):
    search = TimedSearchCV(
        None, GOOD, time_budget=60, scoring="neg_log_loss", random_state=0
    ).fit(*corpus)
    assert search.best_score_ < 0


def test_the_best_is_made_as_small_as_wanted(corpus, new_corpus, clock, tmp_path):
    import skbag

    for max_bytes in (10**8, 12_000):
        search = TimedSearchCV(time_budget=5, max_bytes=max_bytes, random_state=0)
        search.fit(*corpus)
        skbag.save(search.best_estimator_, tmp_path / "model")
        assert (tmp_path / "model").stat().st_size <= max_bytes
        # Compressed only where it has to be.
        assert hasattr(search.best_estimator_, "embedding_") == (max_bytes == 10**8)
        assert search.score(*new_corpus) > 0.9


def test_a_regressor_is_refused(numbers_corpus, make_regressor):
    with pytest.raises(
        ValueError, match=r"tunes classifiers, .* HalvingRandomSearchCV"
    ):
        TimedSearchCV(make_regressor()).fit(*numbers_corpus)


@pytest.mark.parametrize(
    "parameters", [{"time_budget": 0}, {"estimator": "clf"}, {"verbose": -1}]
)
def test_bad_parameters_are_refused(parameters, corpus):
    (name,) = parameters
    with pytest.raises(ValueError, match=f"The '{name}' parameter of TimedSearchCV"):
        TimedSearchCV(**parameters).fit(*corpus)


def test_progress_is_told_if_asked_for(corpus, clock, capsys):
    TimedSearchCV(None, GOOD, time_budget=100, verbose=1, random_state=0).fit(*corpus)
    assert "Search 1: best score " in capsys.readouterr().out


# -- the space -------------------------------------------------------------------------


def test_every_point_of_the_space_is_valid():
    for params in ParameterSampler(search_space(), 200, random_state=0):
        EmbeddingBagClassifier(**params)._validate_params()


def test_auto_is_everywhere_an_answer(corpus):
    drawn = list(ParameterSampler(search_space(), 200, random_state=0))
    for name in search_space():
        default = EmbeddingBagClassifier().get_params()[name]
        assert any(params[name] == default for params in drawn), name


def test_the_space_is_the_callers_own():
    search_space()["min_df"].append(7)
    assert 7 not in search_space()["min_df"]


@pytest.mark.filterwarnings("ignore")  # of optuna's, about itself
def test_optuna_searches_the_same_parameters(corpus):
    pytest.importorskip("optuna_integration")
    import optuna
    from optuna_integration import OptunaSearchCV

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    space = search_space(engine="optuna")
    assert set(search_space()) - set(space) == {"subword_ngram_range"}
    search = OptunaSearchCV(
        EmbeddingBagClassifier(random_state=0),
        space,
        n_trials=3,
        timeout=60,
        random_state=0,
    )
    with np.errstate(all="raise"):
        search.fit(*corpus)
    assert search.best_score_ > 0.8


def test_an_engine_that_is_not_there(monkeypatch):
    with pytest.raises(ValueError, match="'sklearn' or 'optuna', got 'grid'"):
        search_space(engine="grid")
    monkeypatch.setitem(sys.modules, "optuna.distributions", None)
    with pytest.raises(ImportError, match=r'pip install "skbag\[tuning\]"'):
        search_space(engine="optuna")


@pytest.mark.parametrize("make_y", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
def test_several_labels_per_sample(make_y, labels_corpus, clock):
    texts, y = labels_corpus
    search = TimedSearchCV(None, GOOD, time_budget=100, random_state=0)
    search.fit(texts, make_y(y))
    assert max(search.cv_results_["search"]) > 0
    assert search.classes_.tolist() == [0, 1, 2, 3]
    predicted = search.predict(texts)
    assert sp.issparse(predicted) == (make_y is sp.csr_array)
    assert predicted.shape == y.shape


# -- as scikit-learn's searches --------------------------------------------------------


@pytest.fixture(scope="module")
def search_done(corpus):
    """A search that several tests look at."""
    with clock_of_fits():
        return searched().fit(*corpus)


def searched(**parameters):
    space = {"max_iter": list(range(1, 40))}
    options = {"param_distributions": space, "time_budget": 60, "cv": 2}
    return TimedSearchCV(**options | parameters, random_state=0)


def test_results_are_those_of_a_search(corpus, search_done):
    results = search_done.cv_results_
    grid = GridSearchCV(EmbeddingBagClassifier(), {"max_iter": [1]}, cv=2).fit(*corpus)
    assert grid.cv_results_.keys() <= results.keys() | {"param_max_iter"}
    n = len(results["params"])
    assert {len(column) for column in results.values()} == {n}
    assert results["param_max_iter"].mask[0]
    assert results["param_max_iter"][1] == results["params"][1]["max_iter"]


def test_ranks_are_by_score_and_all_samples_first(corpus, search_done):
    search = search_done
    results = search.cv_results_
    assert results["rank_test_score"][search.best_index_] == 1
    assert results["params"][search.best_index_] == search.best_params_
    on_all = results["n_resources"] * 3 > len(corpus.texts)
    assert results["rank_test_score"][on_all].max(initial=0) < min(
        results["rank_test_score"][~on_all], default=np.inf
    )


def test_groups_are_kept_together(corpus, clock):
    groups = np.arange(len(corpus.texts)) // 4
    search = searched(cv=GroupKFold(2)).fit(*corpus, groups=groups)
    assert max(search.cv_results_["search"]) > 0
    with pytest.raises(ValueError, match="groups"):
        searched(cv=GroupKFold(2)).fit(*corpus)


def test_weights_are_passed_on(corpus, clock):
    texts, labels = corpus
    absent = sorted(set(labels))[0]
    weight = np.array([float(label != absent) for label in labels])
    search = searched().fit(texts, labels, sample_weight=weight)
    assert search.predict_proba(texts)[:, 0].max() < 1e-6


def test_any_estimator_is_searched(corpus, clock):
    pipeline = make_pipeline(FunctionTransformer(), EmbeddingBagClassifier())
    search = searched(estimator=pipeline, param_distributions=None)
    search.fit(*corpus)
    assert all(
        name.startswith("embeddingbagclassifier__")
        for params in search.cv_results_["params"]
        for name in params
    )
    assert search.score(*corpus) > 0.9


def test_an_estimator_of_another_package(corpus):
    other = make_pipeline(TfidfVectorizer(), LogisticRegression())
    grid = {"logisticregression__C": loguniform(0.1, 10)}
    search = searched(estimator=other, param_distributions=grid, time_budget=0.5)
    search.fit(*corpus)
    assert not hasattr(search, "transform")
    with pytest.raises(ValueError, match="There is no EmbeddingBagClassifier in this"):
        searched(estimator=other, param_distributions=None).fit(*corpus)
    with pytest.raises(ValueError, match="max_bytes=1000 needs an EmbeddingBagClass"):
        searched(estimator=other, param_distributions=grid, max_bytes=1000).fit(*corpus)


def test_it_scores_as_it_searches(corpus, clock):
    search = searched(scoring="neg_log_loss").fit(*corpus)
    assert search.score(*corpus) < 0
    assert search.scorer_(search.best_estimator_, *corpus) == search.score(*corpus)
    logarithms = search.predict_log_proba(corpus.texts)
    np.testing.assert_allclose(logarithms, np.log(search.predict_proba(corpus.texts)))
    assert_array_equal(
        search.transform(corpus.texts), search.best_estimator_.transform(corpus.texts)
    )


def test_a_seed_leaves_the_global_generator_alone(corpus, clock):
    before = np.random.get_state()  # noqa: NPY002
    searched().fit(*corpus)
    after = np.random.get_state()  # noqa: NPY002
    for one, other in zip(before, after, strict=True):
        assert_array_equal(one, other)


def test_it_routes_as_grid_search(corpus, clock):
    with config_context(enable_metadata_routing=True):
        clf = EmbeddingBagClassifier().set_fit_request(sample_weight=True)
        clf.set_score_request(sample_weight=True)
        search = searched(estimator=clf)
        search.fit(*corpus, sample_weight=np.ones(len(corpus.texts)))
        assert search.score(*corpus) > 0.9


@pytest.mark.parametrize("estimator", [["x"], {}, "clf", object(), np.zeros(2)])
def test_tags_of_a_place_holder(estimator):
    assert get_tags(TimedSearchCV(estimator)).estimator_type == "classifier"
    with pytest.raises(ValueError, match=r"estimator.*must be an object implementing"):
        TimedSearchCV(estimator).fit(["a", "b"] * 9, [0, 1] * 9)
