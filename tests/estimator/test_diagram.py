"""A notebook's diagram says what was fitted, and takes no markup from labels."""

from __future__ import annotations

import pickle
import re
from html import escape, unescape
from html.parser import HTMLParser

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skbag._estimator.diagram import _bytes, _classes, size_of

HOSTILE = "<script>x</script>"


def captions(estimator) -> list[str]:
    """The lines below the names in a diagram."""
    html = estimator._repr_html_()
    return [unescape(c) for c in re.findall(r'<div class="caption">(.*?)</div>', html)]


def test_an_unfitted_estimator_has_no_line(make_classifier):
    assert captions(make_classifier()) == []


def test_it_says_what_was_fitted(make_classifier, corpus):
    clf = make_classifier().fit(*corpus)
    ids, size, epochs, classes = captions(clf)[0].split(" · ")
    assert ids == f"{len(clf.embedding_):,} ids"
    assert epochs == f"{clf.n_iter_} epochs"
    assert classes == "3 classes: garden, kitchen, sea"
    kilobytes = len(pickle.dumps(clf)) / 1000
    number, unit = size.split()
    assert unit == "kB" and 0.8 * kilobytes < float(number) < kilobytes


def test_it_tells_the_best_validation_score(make_classifier, corpus):
    clf = make_classifier(early_stopping=True, max_iter=1).fit(*corpus)
    expected = f"1 epoch · validation score {clf.best_validation_score_:.3f}"
    assert expected in captions(clf)[0]


@pytest.mark.parametrize(
    "parameters", [{"n_buckets": 64}, {"token_pattern": r"\w+"}, {"embedding_dim": 4}]
)
def test_all_models_have_a_line(make_classifier, corpus, parameters):
    clf = make_classifier(**parameters).fit(*corpus)
    for model in (clf, clf.compress()):
        assert captions(model)[0].startswith(f"{len(clf.embedding_):,} ids · ")


def test_labels_of_several_are_numbers(make_classifier, labels_corpus):
    clf = make_classifier().fit(*labels_corpus)
    assert captions(clf)[0].endswith("4 classes: 0, 1, 2, …")


def test_in_a_pipeline_and_in_a_search_it_has_its_line(make_classifier, corpus):
    clf = make_classifier(max_iter=2)
    pipeline = make_pipeline(FunctionTransformer(), clf)
    # Of a FunctionTransformer scikit-learn itself says something there.
    assert not any("ids" in line for line in captions(pipeline))
    pipeline.fit(*corpus)
    assert sum("ids · " in line for line in captions(pipeline)) == 1
    search = GridSearchCV(clf, {"alpha": [0]}, cv=2).fit(*corpus)
    assert sum("ids · " in line for line in captions(search)) == 1


@pytest.mark.parametrize("label", [HOSTILE, '"><script>x</script>', "&lt;script&gt;"])
def test_labels_cannot_bring_markup(label, make_classifier, corpus):
    labels = [label if name == "sea" else name for name in corpus.labels]
    clf = make_classifier().fit(corpus.texts, labels)
    for estimator in (clf, make_pipeline(clf)):
        assert _tags(estimator._repr_html_()) == _tags(
            make_pipeline(make_classifier().fit(*corpus))._repr_html_()
            if estimator is not clf
            else make_classifier().fit(*corpus)._repr_html_()
        )
    shown = label if len(label) <= 20 else f"{label[:19]}…"
    assert shown in captions(clf)[0]


def _tags(html: str) -> list[str]:
    found = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag, attrs):
            found.append(tag)

    Tags().feed(html)
    return found


def test_classes_are_shortened():
    assert _classes(np.array(["x" * 30, "y"])) == f"2 classes: {'x' * 19}…, y"
    assert _classes(np.arange(1500)) == "1,500 classes: 0, 1, 2, …"
    assert _classes(np.array(["\ud800", "y"], object)) == "2 classes: ?, y"


def test_a_diagram_that_scikit_learn_draws_otherwise_still_comes(
    make_classifier, corpus, monkeypatch
):
    clf = make_classifier().fit(*corpus)
    monkeypatch.setattr(type(clf), "_caption", lambda self: 1 / 0)
    assert "EmbeddingBagClassifier" in clf._repr_html_()


@pytest.mark.parametrize(
    ("n", "expected"),
    [
        (524, "524 bytes"),
        (3390, "3.39 kB"),
        (999_499, "999 kB"),
        (999_500, "1 MB"),
        (60_811_246, "60.8 MB"),
    ],
)
def test_sizes(n, expected):
    assert _bytes(n) == expected


def test_size_of_plain_state():
    state = {"a": np.zeros(3, np.float32), "b": [b"xy", "z", None, 1.5, (1,)]}
    assert size_of(state) == 12 + 2 + 1


VECTORS = {f"word{i}": np.ones(3) for i in range(3000)}


@pytest.mark.parametrize(
    ("parameters", "shown"),
    [
        ({"embedding_init": VECTORS}, "embedding_init=<dict of 3000 items>"),
        (
            {"embedding_init": (list(VECTORS), np.ones((3000, 3)))},
            "embedding_init=(<list of 3000 items>, <ndarray of 9000 items>)",
        ),
        ({"vocabulary": list(VECTORS)}, "vocabulary=<list of 3000 items>"),
        ({"stop_words": ["the"] * 31}, "stop_words=<list of 31 items>"),
        ({"token_pattern": "x" * 10**6}, "token_pattern=<str of 1000000 characters>"),
        ({"stop_words": ["the"]}, "stop_words=['the']"),
        ({"class_weight": {"a": 2.0}}, "class_weight={'a': 2.0}"),
    ],
    ids=lambda value: "" if isinstance(value, dict) else value[:20],
)
@pytest.mark.parametrize("print_changed_only", [True, False])
def test_large_parameters_are_told_by_their_size(
    parameters, shown, print_changed_only, make_classifier
):
    """To format 3,000 vectors took eight seconds, and the diagram twice as long."""
    clf = make_classifier(**parameters)
    with config_context(print_changed_only=print_changed_only):
        assert shown in " ".join(clf.__repr__(N_CHAR_MAX=10_000).split())
        html = clf._repr_html_()
    assert escape(shown.partition("=")[2]) in html
    assert "word2999" not in html
    assert clone(clf).get_params().keys() == clf.get_params().keys()
    for name, value in parameters.items():
        assert clf.get_params()[name] is value
