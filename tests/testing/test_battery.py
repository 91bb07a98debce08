"""How checks are chosen, run and reported; and those of other projects' estimators."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from unittest import SkipTest

import pytest
from sklearn.exceptions import EstimatorCheckFailedWarning, SkipTestWarning
from sklearn.feature_extraction.text import (
    CountVectorizer,
    HashingVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
)
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.naive_bayes import ComplementNB, MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC
from sklearn.utils import get_tags

from skbag import EmbeddingBagClassifier
from skbag.testing import (
    _battery,
    check_text_estimator,
    parametrize_with_text_checks,
    text_checks,
)
from tests.testing.broken_estimators import (
    Bayes,
    Counts,
    NamesOtherColumns,
)
from tests.testing.broken_estimators import (
    Ridge as Sound,
)

PAGE = Path(__file__).parents[2] / "docs" / "guide" / "testing.md"

SCIKIT_LEARN = {
    "TF-IDF": TfidfVectorizer(),
    "counts": CountVectorizer(),
    "hashing": HashingVectorizer(),
    "counts, TF-IDF": make_pipeline(CountVectorizer(), TfidfTransformer()),
    "TF-IDF, LogisticRegression": make_pipeline(
        TfidfVectorizer(), LogisticRegression()
    ),
    "TF-IDF, SGD": make_pipeline(TfidfVectorizer(), SGDClassifier()),
    "TF-IDF, LinearSVC": make_pipeline(TfidfVectorizer(), LinearSVC()),
    "hashing, SGD": make_pipeline(HashingVectorizer(), SGDClassifier()),
    "hashing, MultinomialNB": make_pipeline(
        HashingVectorizer(alternate_sign=False), MultinomialNB()
    ),
    "counts, ComplementNB": make_pipeline(CountVectorizer(), ComplementNB()),
    "TF-IDF, Ridge": make_pipeline(TfidfVectorizer(), Ridge()),
}


@pytest.mark.slow
@pytest.mark.parametrize("estimator", SCIKIT_LEARN.values(), ids=SCIKIT_LEARN)
def test_estimators_of_scikit_learn_pass(estimator):
    if isinstance(estimator, HashingVectorizer) and get_tags(estimator).requires_fit:
        pytest.skip("it learns nothing in fit, and its tags here say that it does")
    results = check_text_estimator(estimator)
    counts = Counter(result["status"] for result in results)
    assert counts["passed"] == len(results) >= 45


# -- which checks ----------------------------------------------------------------------


def names_of(estimator):
    return [check.__name__ for check in text_checks(estimator)]


def test_checks_are_those_of_the_kind_and_of_the_methods():
    transformer, classifier, regressor = map(names_of, (Counts(), Bayes(), Sound()))
    assert len(transformer) >= 45
    assert len(classifier) >= 60
    assert len(regressor) >= 45
    assert set(transformer) & {"check_fit_transform", "check_feature_names_out"}
    assert not set(transformer) & {"check_classes", "check_score"}
    assert not set(regressor) & {"check_classes", "check_sample_weight_counts"}
    assert "check_column_of_a_frame" in names_of(EmbeddingBagClassifier())
    assert "check_column_of_a_frame" not in names_of(TfidfVectorizer())
    pipeline = make_pipeline(TfidfVectorizer(), LinearSVC())
    assert "check_decision_function" in names_of(pipeline)
    assert "check_probabilities" not in names_of(pipeline)
    for names in (transformer, classifier, regressor):
        assert len(names) == len(set(names))


def test_other_objects_are_refused():
    with pytest.raises(TypeError, match=r"is the class Counts\. Pass an instance: Cou"):
        check_text_estimator(Counts)
    with pytest.raises(TypeError, match="needs fit, and predict or transform"):
        text_checks(object())
    with pytest.raises(TypeError, match="Pass an instance"):
        parametrize_with_text_checks([Counts])


# -- results ---------------------------------------------------------------------------


def only(monkeypatch, *names):
    """Leave some checks alone, so that a battery is run in no time."""
    chosen = _battery._checks_for
    monkeypatch.setattr(
        _battery,
        "_checks_for",
        lambda estimator: (c for c in chosen(estimator) if c.__name__ in names),
    )


NAME = "check_feature_names_out"


def test_the_first_failure_is_raised(monkeypatch):
    only(monkeypatch, NAME, "check_set_params")
    with pytest.raises(AssertionError, match="42 names for 43 columns"):
        check_text_estimator(NamesOtherColumns())


def test_failures_may_be_warnings_or_results_alone(monkeypatch):
    only(monkeypatch, NAME, "check_set_params")
    with pytest.warns(EstimatorCheckFailedWarning, match=NAME):
        check_text_estimator(NamesOtherColumns(), on_fail="warn")
    told = []
    estimator = NamesOtherColumns()
    results = check_text_estimator(
        estimator, on_fail=None, callback=lambda **result: told.append(result)
    )
    assert told == results
    passed, failed = results
    assert passed["status"] == "passed"
    assert passed["exception"] is None
    assert failed["status"] == "failed"
    assert failed["estimator"] is estimator
    assert failed["check_name"] == NAME
    assert isinstance(failed["exception"], AssertionError)
    assert not failed["expected_to_fail"]


def test_expected_failures_do_not_raise(monkeypatch):
    only(monkeypatch, NAME)
    (result,) = check_text_estimator(
        NamesOtherColumns(), expected_failed_checks={NAME: "One name is missing."}
    )
    assert result["status"] == "xfail"
    assert result["expected_to_fail"]
    assert result["expected_to_fail_reason"] == "One name is missing."
    with pytest.raises(
        ValueError, match=r"names \['check_nothing'\], which are no che"
    ):
        check_text_estimator(Counts(), expected_failed_checks={"check_nothing": "?"})


def test_skips_are_told(monkeypatch):
    def check_later(estimator):
        raise SkipTest("not today")

    monkeypatch.setattr(_battery, "_checks_for", lambda estimator: [check_later])
    with pytest.warns(SkipTestWarning, match="check_later was skipped: not today"):
        (result,) = check_text_estimator(Counts())
    assert result["status"] == "skipped"
    assert check_text_estimator(Counts(), on_skip=None)[0]["status"] == "skipped"


def test_options_are_checked():
    with pytest.raises(ValueError, match='on_fail must be "raise", "warn" or None'):
        check_text_estimator(Counts(), on_fail="ignore")
    with pytest.raises(ValueError, match='on_skip must be "warn" or None'):
        check_text_estimator(Counts(), on_skip="raise")
    with pytest.raises(ValueError, match='A callback needs on_fail="warn" or None'):
        check_text_estimator(Counts(), callback=print)


def test_the_estimator_is_left_as_it_is():
    estimator = Bayes(scale=2.0)
    for check in text_checks(estimator):
        if "process" not in check.__name__:
            check(estimator)
    assert vars(estimator) == {"scale": 2.0}


# -- pytest ----------------------------------------------------------------------------


def test_one_test_for_each_check():
    mark = parametrize_with_text_checks([Counts(), Bayes(scale=2.0)]).mark
    assert mark.args[0] == "estimator, check"
    n_checks = len(text_checks(Counts())) + len(text_checks(Bayes()))
    assert len(mark.args[1]) == n_checks
    identify = mark.kwargs["ids"]
    estimator, check = mark.args[1][-1].values
    assert identify(estimator) == "Bayes(scale=2.0)"
    assert identify(check) == "check_fit_in_another_process"


@pytest.mark.parametrize("strict", [None, True, False])
def test_expected_failures_are_marked(strict):
    mark = parametrize_with_text_checks(
        [Counts()],
        expected_failed_checks=lambda estimator: {NAME: f"{estimator} has none"},
        xfail_strict=strict,
    ).mark
    marked = [case for case in mark.args[1] if case.marks]
    assert [case.values[1].__name__ for case in marked] == [NAME]
    (xfail,) = marked[0].marks
    assert xfail.name == "xfail"
    assert xfail.kwargs["reason"] == "Counts() has none"
    assert xfail.kwargs.get("strict") is strict


@pytest.mark.slow
def test_checks_are_refused_where_nothing_could_fail():
    program = "from skbag.testing import text_checks; text_checks(None)"
    command = [sys.executable, "-O", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "RuntimeError: Checks are made of assert statements" in done.stderr


class Printing(Counts):
    def transform(self, X):
        print("Loading ...")  # noqa: T201
        return super().transform(X)


@pytest.mark.slow
def test_what_an_estimator_prints_is_no_answer():
    (check,) = (c for c in text_checks(Printing()) if "answers_in_another" in str(c))
    check(Printing())


@pytest.mark.slow
def test_classes_of_main_cannot_be_tried_elsewhere(monkeypatch):
    (check,) = (c for c in text_checks(Printing()) if "answers_in_another" in str(c))
    monkeypatch.setattr(Printing, "__module__", "__main__")
    monkeypatch.setattr("__main__.Printing", Printing, raising=False)
    with pytest.raises(SkipTest, match="What __main__ defines cannot be loaded"):
        check(Printing())


@pytest.mark.slow
def test_pytest_is_not_imported(new_process):
    program = "import sys, skbag.testing; print('pytest' in sys.modules)"
    assert new_process(program).stdout.strip() == "False"


# -- the page --------------------------------------------------------------------------


@pytest.mark.skipif(not PAGE.exists(), reason="docs/ is not in this installation")
def test_the_page_lists_every_check_with_its_first_line():
    rows = re.findall(r"^\| `(check_\w+)` \| (.*) \|$", PAGE.read_text("utf-8"), re.M)
    checks = _battery.all_checks()
    assert rows == [(c.__name__, first_sentence(c).replace("|", "/")) for c in checks]


def first_sentence(check):
    """The first paragraph of a docstring, on one line."""
    return " ".join((check.__doc__ or "").strip().split("\n\n")[0].split())
