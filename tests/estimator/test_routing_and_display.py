"""How the estimator takes part in metadata routing, and how it shows itself."""

from __future__ import annotations

import re

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import get_tags
from sklearn.utils.fixes import parse_version

from skbag import EmbeddingBagClassifier
from tests.conftest import rotating


@pytest.fixture
def clf(make_classifier):
    return make_classifier()


# -- metadata routing ------------------------------------------------------------------


def test_sample_weight_is_routed(make_classifier):
    texts, labels = ["same words"] * 60, np.array([0, 1] * 30)
    weight = np.where(labels == 1, 5.0, 1.0)
    with sklearn.config_context(enable_metadata_routing=True):
        clf = make_classifier().set_fit_request(sample_weight=True)
        pipeline = make_pipeline(FunctionTransformer(), clf)
        pipeline.fit(texts, labels, sample_weight=weight)
        clf.set_score_request(sample_weight=True)
        search = GridSearchCV(clf, {"alpha": [0]}, cv=2)
        search.fit(texts, labels, sample_weight=weight)
    assert pipeline.predict(["same words"]) == 1
    assert search.predict(["same words"]) == 1
    # Scored by weight: class 1 has five parts in six.
    assert search.best_score_ == pytest.approx(5 / 6)


def test_routing_demands_a_decision(make_classifier):
    with sklearn.config_context(enable_metadata_routing=True):
        search = GridSearchCV(make_classifier(), {"alpha": [0]}, cv=2)
        with pytest.raises(ValueError, match="sample_weight"):
            search.fit(["a", "b"] * 5, [0, 1] * 5, sample_weight=np.ones(10))


def test_classes_and_weights_of_partial_fit_can_be_requested(make_classifier):
    with sklearn.config_context(enable_metadata_routing=True):
        clf = make_classifier()
        clf.set_partial_fit_request(sample_weight=True, classes=True)
        request = clf.get_metadata_routing().partial_fit.requests
    assert request == {"sample_weight": True, "classes": True}


# -- place-holders: searches and graphs of operations put them where values will be ---


PLACE_HOLDERS = {
    "list": ["no name"],
    "mapping": {"a": 1},
    "object": object(),
    "array": np.array(["squared_hinge", "cross_entropy"]),
    "not a number": np.nan,
    "none": None,
    "type": str,
}


@rotating(
    parameter=list(EmbeddingBagClassifier().get_params()), kind=list(PLACE_HOLDERS)
)
def test_only_fit_minds_what_a_parameter_is(parameter, kind):
    value = PLACE_HOLDERS[kind]
    clf = EmbeddingBagClassifier(**{parameter: value})
    tags, usual = get_tags(clf), get_tags(EmbeddingBagClassifier())
    tags.classifier_tags.multi_label = usual.classifier_tags.multi_label
    assert tags == usual
    assert "EmbeddingBagClassifier" in repr(clf)
    assert "EmbeddingBagClassifier" in clf._repr_html_()
    copied = getattr(clone(clf), parameter)
    assert type(copied) is type(value)


@pytest.mark.parametrize("loss", [["cross_entropy"], {"a": 1}, np.array(["x"]), None])
def test_a_loss_that_is_no_name_takes_no_labels_and_is_refused_by_fit(loss):
    clf = EmbeddingBagClassifier(loss=loss)
    assert not get_tags(clf).classifier_tags.multi_label
    with pytest.raises(ValueError, match="The 'loss' parameter"):
        clf.fit(["a", "b"], [0, 1])


# -- display ---------------------------------------------------------------------------


def test_repr_shows_what_was_changed(make_classifier):
    clf = make_classifier(embedding_dim=4)
    assert repr(clf) == "EmbeddingBagClassifier(embedding_dim=4, random_state=0)"


@pytest.mark.parametrize("fitted_on", [None, "texts", "matrix"])
def test_html_repr_links_to_the_documentation(fitted_on, clf, corpus):
    if fitted_on == "texts":
        clf.fit(*corpus)
    if fitted_on == "matrix":
        clf.fit(np.eye(4), [0, 1, 0, 1])
    html = clf._repr_html_()
    link, state = re.search(
        r'class="sk-estimator-doc-link ?(\w*)"[^>]* href="(https://[^"]+)"', html
    ).group(2, 1)
    assert link.endswith("generated/skbag.EmbeddingBagClassifier.html")
    assert state == ("fitted" if fitted_on else "")
    assert "EmbeddingBagClassifier" in make_pipeline(clf)._repr_html_()


@pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.9"),
    reason="scikit-learn shows fitted attributes since 1.9",
)
def test_html_repr_shows_fitted_attributes(clf, corpus):
    assert "loss_curve_: list of float" not in clf._repr_html_()
    html = clf.fit(*corpus)._repr_html_()
    for shown in ("loss_curve_: list of float", "classes_: ndarray of shape"):
        assert shown in html
