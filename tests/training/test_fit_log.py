"""What a fit tells the logger: decisions and why, seconds of stages, else nothing."""

from __future__ import annotations

import logging

import numpy as np
import pytest


@pytest.fixture
def messages(caplog):
    caplog.set_level(logging.DEBUG, "skbag")

    def of(level):
        found = [record for record in caplog.records if record.levelname == level]
        assert {record.name for record in found} <= {"skbag"}
        return [record.getMessage() for record in found]

    return of


def test_each_auto_is_told_with_its_value(corpus, make_classifier, messages):
    clf = make_classifier().fit(*corpus)
    told = messages("INFO")
    autos = {name for name, value in clf.get_params().items() if value == "auto"}
    # These say what they came to in no number of a fit.
    named = autos - {"device", "supervised_weighting"}
    assert {line.partition("=")[0] for line in told} == named
    by_name = {line.partition("=")[0]: line for line in told}
    assert f"'auto' is {clf.batch_size_}: 120 samples" in by_name["batch_size"]
    assert f"'auto' is {clf.learning_rate_:.4g}:" in by_name["learning_rate_init"]
    assert f"'auto' is {clf.alpha_:.4g}:" in by_name["alpha"]
    assert f"of which {clf.n_iter_} were run" in by_name["max_iter"]
    assert f"left {len(clf.vocabulary_):,} features" in by_name["min_df"]


def test_what_is_given_is_not_told(corpus, make_classifier, messages):
    make_classifier(
        batch_size=16,
        learning_rate_init=0.1,
        alpha=0.0,
        max_iter=2,
        min_df=1,
        short_text_features=False,
        subword_ngram_range=None,
    ).fit(*corpus)
    assert messages("INFO") == []


def test_of_a_matrix_training_alone_is_told(make_classifier, messages):
    make_classifier().fit(np.eye(3)[[0, 1, 2] * 8], [0, 1, 2] * 8)
    names = {line.partition("=")[0] for line in messages("INFO")}
    assert names == {"batch_size", "learning_rate_init", "alpha", "max_iter"}


@pytest.mark.parametrize(
    ("method", "stages"),
    [
        ("fit", ["learning and weighting", "training for", "calibrating"]),
        ("partial_fit", ["learning and weighting", "training on a part"]),
    ],
)
def test_stages_tell_their_seconds(method, stages, corpus, make_classifier, messages):
    clf = make_classifier()
    more = {} if method == "fit" else {"classes": sorted(set(corpus.labels))}
    getattr(clf, method)(*corpus, **more)
    told = messages("DEBUG")
    assert len(told) == len(stages)
    for line, stage in zip(told, stages, strict=True):
        assert line.startswith(stage)
        seconds = float(line.rpartition(" took ")[2].removesuffix(" s"))
        assert 0 <= seconds < 60


def test_it_is_silent_by_default(corpus, make_classifier, capfd):
    make_classifier().fit(*corpus)
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""
