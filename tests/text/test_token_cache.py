"""Texts that are tokenised once give the same models as texts tokenised each time."""

from __future__ import annotations

import subprocess
import sys

import pytest
from numpy.testing import assert_array_equal
from sklearn.model_selection import GridSearchCV

from skbag._text import token_cache
from skbag._text.vocabulary_encoder import VocabularyEncoder
from skbag.tuning import shared_tokens

# Fits by the dozen.
pytestmark = pytest.mark.slow


@pytest.fixture
def n_learnt(monkeypatch):
    """How many times texts were read and counted."""
    calls = []
    learn = VocabularyEncoder.learn

    def counted(self, documents, *args):
        calls.append(len(documents))
        return learn(self, documents, *args)

    monkeypatch.setattr(VocabularyEncoder, "learn", counted)
    return lambda: len(calls)


SAME_TOKENS = [
    {"alpha": 1e-4},
    {"min_df": 2},
    {"loss": "cross_entropy"},
    {"embedding_dim": 4},
    {"use_idf": False, "supervised_weighting": False, "short_text_features": True},
    {"class_weight": "balanced"},
]


def test_the_models_are_the_same_bit_by_bit(corpus, make_classifier, n_learnt):
    alone = [make_classifier(**each).fit(*corpus) for each in SAME_TOKENS]
    assert n_learnt() == len(SAME_TOKENS)
    with shared_tokens():
        together = [make_classifier(**each).fit(*corpus) for each in SAME_TOKENS]
    assert n_learnt() == len(SAME_TOKENS) + 1
    for one, other in zip(alone, together, strict=True):
        assert_array_equal(one.embedding_, other.embedding_)
        assert one.vocabulary_ == other.vocabulary_


def test_other_texts_or_text_parameters_are_read_anew(
    corpus, new_corpus, make_classifier, n_learnt
):
    with shared_tokens():
        make_classifier().fit(*corpus)
        make_classifier(lowercase=False).fit(*corpus)
        make_classifier(ngram_range=(1, 1)).fit(*corpus)
        make_classifier(short_text_features=False).fit(*corpus)
        make_classifier().fit(*new_corpus)
        assert n_learnt() == 5
        # Trained on in another order, but read in the same.
        make_classifier(random_state=1).fit(*corpus)
        # Equal, though not the very same.
        texts = ["".join(list(text)) for text in corpus.texts]
        make_classifier().fit(texts, corpus.labels)
        assert n_learnt() == 5


def test_nothing_is_kept_outside(corpus, make_classifier, n_learnt):
    with shared_tokens():
        make_classifier().fit(*corpus)
    make_classifier().fit(*corpus)
    with shared_tokens():
        make_classifier().fit(*corpus)
    assert n_learnt() == 3


def test_going_on_to_learn_leaves_what_is_shared_alone(corpus, make_classifier):
    more = [f"quokka {text}" for text in corpus.texts]
    for parameters in ({}, {"n_buckets": 512}):
        alone = make_classifier(**parameters).fit(*corpus)
        with shared_tokens():
            first = make_classifier(**parameters).fit(*corpus)
            first.partial_fit(more, corpus.labels)
            second = make_classifier(**parameters).fit(*corpus)
        assert_array_equal(
            second.decision_function(more), alone.decision_function(more)
        )


def test_only_the_last_sets_are_kept(corpus, make_classifier, n_learnt, monkeypatch):
    monkeypatch.setattr(token_cache, "MOST_KEPT", 2)
    with shared_tokens():
        for texts in (corpus.texts, corpus.texts[:60], corpus.texts[:30]):
            make_classifier().fit(texts, corpus.labels[: len(texts)])
        make_classifier().fit(corpus.texts[:30], corpus.labels[:30])
        assert n_learnt() == 3
        make_classifier().fit(*corpus)
        assert n_learnt() == 4


def test_a_grid_search_reads_each_fold_once(corpus, make_classifier, n_learnt):
    grid = {"alpha": [1e-6, 1e-5, 1e-4], "loss": ["squared_hinge", "cross_entropy"]}
    search = GridSearchCV(make_classifier(), grid, cv=3)
    with shared_tokens():
        search.fit(*corpus)
    assert n_learnt() == 3 + 1
    again = GridSearchCV(make_classifier(), grid, cv=3).fit(*corpus)
    for name in ("mean_test_score", "std_test_score"):
        assert_array_equal(search.cv_results_[name], again.cv_results_[name])


def test_a_process_may_end_in_the_middle_of_a_block():
    # As the workers of a cluster do, which enter it where they start.
    script = """
from contextvars import copy_context
from skbag.tuning import shared_tokens
sharing = shared_tokens()
copy_context().run(sharing.__enter__)
"""
    command = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_function_may_be_decorated(corpus, make_classifier, n_learnt):
    @shared_tokens()
    def fit_twice(depth):
        make_classifier().fit(*corpus)
        make_classifier(alpha=1e-5).fit(*corpus)
        if depth:
            fit_twice(depth - 1)  # a block of its own

    fit_twice(1)
    assert n_learnt() == 2
    assert token_cache._shared.get() is None
