"""scikit-learn's callbacks, where it has them; and life without them."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skbag._estimator.fit_context import HAS_CALLBACKS

needs_callbacks = pytest.mark.skipif(
    not HAS_CALLBACKS, reason="scikit-learn has callbacks since 1.9"
)


class Recorder:
    """Writes down every call; asks to stop after some epochs, or to fail."""

    def __init__(self, stop_after=None, fail_after=None):
        self.stop_after = stop_after
        self.fail_after = fail_after
        self.calls = []
        self.models = []

    def setup(self, estimator, context):
        self.calls.append(("setup", context.task_name))

    def teardown(self, estimator, context):
        self.calls.append(("teardown", context.task_name))

    def on_fit_task_begin(self, estimator, context):
        self.calls.append(("begin", context.task_name))

    def on_fit_task_end(self, estimator, context, *, X, y, metadata, fitted_estimator):
        self.calls.append(("end", context.task_name))
        self.last = X, y, metadata
        self.models.append(fitted_estimator)
        n_done = self.calls.count(("end", "epoch"))
        if n_done == self.fail_after:
            raise KeyboardInterrupt("in a callback")
        return n_done == self.stop_after


class Spreading(Recorder):
    """One that meta-estimators hand on to the estimators inside."""

    max_propagation_depth = None


# -- the estimator alone ---------------------------------------------------------------


@needs_callbacks
def test_hooks_are_called_for_the_fit_and_each_epoch(corpus, make_classifier):
    recorder = Recorder()
    make_classifier(max_iter=3).set_callbacks(recorder).fit(*corpus)
    epochs = [("begin", "epoch"), ("end", "epoch")] * 3
    inside = [("begin", "fit"), *epochs, ("end", "fit")]
    assert recorder.calls == [("setup", "fit"), *inside, ("teardown", "fit")]


@needs_callbacks
def test_callbacks_do_not_change_the_model(corpus, make_classifier):
    plain = make_classifier().fit(*corpus)
    watched = make_classifier().set_callbacks(Recorder()).fit(*corpus)
    assert_array_equal(watched.embedding_, plain.embedding_)
    assert watched.loss_curve_ == plain.loss_curve_


@needs_callbacks
def test_hooks_see_the_data(corpus, make_classifier):
    recorder, weight = Recorder(), np.ones(120)
    clf = make_classifier(max_iter=2).set_callbacks(recorder)
    clf.fit(*corpus, sample_weight=weight)
    X, y, metadata = recorder.last
    assert X is corpus.texts
    assert y is corpus.labels
    assert metadata == {"sample_weight": weight}


@needs_callbacks
@pytest.mark.parametrize(
    "parameters",
    [{}, {"embedding_dim": 8, "hidden_layer_sizes": (6,)}, {"early_stopping": True}],
)
def test_model_of_each_epoch_predicts_and_pickles(parameters, corpus, make_classifier):
    recorder = Recorder()
    clf = make_classifier(max_iter=3, **parameters).set_callbacks(recorder)
    clf.fit(*corpus)
    assert len(recorder.models) == 4
    scores = [model.decision_function(corpus.texts) for model in recorder.models]
    assert not np.array_equal(scores[0], scores[1])
    assert_array_equal(scores[-1], clf.decision_function(corpus.texts))
    for model in recorder.models:
        assert model.vocabulary_ == clf.vocabulary_
        loaded = pickle.loads(pickle.dumps(model.set_callbacks()))
        assert_array_equal(
            loaded.predict_proba(corpus.texts), model.predict_proba(corpus.texts)
        )


@needs_callbacks
def test_model_of_the_first_epoch_is_not_that_of_the_last_fit(
    corpus, binary_corpus, make_classifier
):
    recorder = Recorder()
    clf = make_classifier(max_iter=2).fit(*binary_corpus)
    assert clf.classes_.tolist() == ["bad", "good"]
    clf.set_callbacks(recorder).fit(*corpus)
    first = recorder.models[0]
    assert first.classes_.tolist() == ["garden", "kitchen", "sea"]
    assert "oven" in first.vocabulary_
    assert first.predict(corpus.texts).shape == (120,)


@needs_callbacks
def test_a_callback_stops_training(corpus, make_classifier):
    recorder = Recorder(stop_after=2)
    clf = make_classifier(max_iter=9).set_callbacks(recorder).fit(*corpus)
    assert clf.n_iter_ == len(clf.loss_curve_) == 2
    assert recorder.calls[-2:] == [("end", "fit"), ("teardown", "fit")]
    assert clf.score(*corpus) > 0.95


@needs_callbacks
def test_a_failing_callback_loses_nothing(corpus, binary_corpus, make_classifier):
    clf = make_classifier().fit(*binary_corpus)
    before = pickle.dumps(clf)
    recorder = Recorder(fail_after=2)
    clf.set_callbacks(recorder)
    with pytest.raises(KeyboardInterrupt, match="in a callback"):
        clf.fit(*corpus)
    assert recorder.calls[-1] == ("teardown", "fit")
    assert pickle.dumps(clf.set_callbacks()) == before


@needs_callbacks
def test_scoring_monitor(corpus, make_classifier):
    from sklearn.callback import ScoringMonitor

    monitor = ScoringMonitor(scoring=["accuracy", "neg_log_loss"])
    clf = make_classifier(max_iter=3).set_callbacks(monitor).fit(*corpus)
    log = monitor.get_logs()
    assert log.estimator_name == "EmbeddingBagClassifier"
    epochs = [row for row in log.data if row["task_name"] == "epoch"]
    assert [row["task_id"] for row in epochs] == [0, 1, 2]
    assert epochs[-1]["accuracy"] == clf.score(*corpus)
    assert epochs[-1]["neg_log_loss"] > epochs[0]["neg_log_loss"]


@needs_callbacks
@pytest.mark.parametrize("max_iter", ["auto", 3])
def test_progress_bar(max_iter, corpus, make_classifier, capsys):
    pytest.importorskip("rich", reason="scikit-learn draws its progress bar with rich")
    from sklearn.callback import ProgressBar

    clf = make_classifier(max_iter=max_iter).set_callbacks(ProgressBar()).fit(*corpus)
    assert "EmbeddingBagClassifier" in capsys.readouterr().out
    assert clf.score(*corpus) == 1


@needs_callbacks
def test_partial_fit_has_no_tasks(corpus, make_classifier):
    recorder = Recorder()
    clf = make_classifier().set_callbacks(recorder).fit(*corpus)
    recorder.calls.clear()
    clf.partial_fit(*corpus)
    assert recorder.calls == []


# -- inside others ---------------------------------------------------------------------


@needs_callbacks
def test_inside_a_pipeline(corpus, make_classifier):
    recorder = Recorder(stop_after=1)
    clf = make_classifier(max_iter=9).set_callbacks(recorder)
    pipeline = make_pipeline(FunctionTransformer(), clf).fit(*corpus)
    assert pipeline[-1].n_iter_ == 1
    assert pipeline.score(*corpus) > 0.5
    assert not hasattr(pipeline[-1], "_parent_callback_ctx")


@needs_callbacks
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_inside_a_grid_search(n_jobs, corpus, make_classifier):
    from sklearn.callback import ScoringMonitor

    monitor = ScoringMonitor(scoring="accuracy")
    clf = make_classifier(max_iter=2).set_callbacks(monitor)
    search = GridSearchCV(clf, {"embedding_dim": [None, 4]}, cv=2, n_jobs=n_jobs)
    search.fit(*corpus)
    runs = monitor.get_logs(select="all")
    scored = [row for run in runs for row in run.data if row["task_name"] == "epoch"]
    # Two settings in two folds, and the best of them on all the data.
    assert len(scored) == 5 * 2
    assert search.best_estimator_.score(*corpus) == 1


@needs_callbacks
def test_handed_on_by_a_grid_search(corpus, make_classifier):
    recorder = Spreading()
    search = GridSearchCV(make_classifier(max_iter=2), {"alpha": [0]}, cv=2)
    search.set_callbacks(recorder).fit(*corpus)
    assert recorder.calls.count(("end", "epoch")) == 3 * 2
    assert recorder.calls.count(("setup", "fit")) == 1
    assert not hasattr(search.best_estimator_, "_skl_callbacks")


# -- before scikit-learn 1.9 -----------------------------------------------------------


WITHOUT_CALLBACKS = """
import json, sys

import sklearn.feature_extraction.text, sklearn.model_selection  # need it themselves

sys.modules["sklearn.callback"] = None  # importing it now raises ImportError
from skbag import EmbeddingBagClassifier
from skbag._estimator.fit_context import HAS_CALLBACKS

assert not HAS_CALLBACKS
clf = EmbeddingBagClassifier(random_state=0, max_iter=3, early_stopping=True)
texts, labels = json.load(sys.stdin)
clf.fit(texts, labels)
assert not hasattr(clf, "set_callbacks")
assert clf.n_iter_ == 3
print(repr(clf.decision_function(texts).tolist()))
"""


@pytest.mark.slow
def test_absent_without_fuss(corpus, make_classifier):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", WITHOUT_CALLBACKS],
        input=json.dumps(corpus),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    clf = make_classifier(max_iter=3, early_stopping=True).fit(*corpus)
    expected = clf.decision_function(corpus.texts).tolist()
    assert done.stdout.strip() == repr(expected)
