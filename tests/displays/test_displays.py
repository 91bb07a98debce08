"""Pictures show the estimator's numbers, leave nothing else behind, and say why not."""

from __future__ import annotations

import copy
import io
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.manifold import TSNE
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, Normalizer

from skbag.displays import (
    EmbeddingMapDisplay,
    TokenContributionsDisplay,
    TopTokensDisplay,
    TrainingHistoryDisplay,
)
from skbag.displays._names import write_names
from tests.conftest import TOPICS, rotating

# Drawing is what takes the time.
pytestmark = pytest.mark.slow

TEXT = "Bake the dough, bake the bread on a ship"
DISPLAYS = {
    "history": lambda clf, **kw: TrainingHistoryDisplay.from_estimator(clf, **kw),
    "contributions": lambda clf, **kw: TokenContributionsDisplay.from_estimator(
        clf, TEXT, **kw
    ),
    "top tokens": lambda clf, **kw: TopTokensDisplay.from_estimator(clf, **kw),
    "map": lambda clf, **kw: EmbeddingMapDisplay.from_estimator(clf, **kw),
}
HOSTILE = [
    "$x_2$ and $",
    "体育新闻",
    "😂❤️",
    "<script>alert('x')</script>\n\t",
    "a label that goes on and on and never comes to an end, as labels of users do",
    "_hidden",
    "\ud800\u202e",
]


@pytest.fixture(autouse=True)
def no_figure_is_left():
    plt.switch_backend("agg")
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def clf(make_classifier, corpus):
    return make_classifier().fit(*corpus)


@pytest.fixture(scope="module")
def binary(make_classifier, binary_corpus):
    return make_classifier(embedding_dim=4).fit(*binary_corpus)


@pytest.fixture(scope="module")
def of_labels(make_classifier, labels_corpus):
    return make_classifier().fit(*labels_corpus)


@pytest.fixture(scope="module")
def hidden(make_classifier, corpus):
    return make_classifier(embedding_dim=4, hidden_layer_sizes=(4,)).fit(*corpus)


def draw(display) -> None:
    """Draw for good: warnings, of missing glyphs for instance, are errors here."""
    display.figure_.canvas.figure.savefig(io.BytesIO(), dpi=50)


def strings(ax) -> list[str]:
    return [text.get_text() for text in ax.texts] + [ax.get_title(loc="left")]


def names_of(ax) -> list[str]:
    return [label.get_text() for label in ax.get_yticklabels()]


# -- all of them -----------------------------------------------------------------------


def test_matplotlib_is_imported_when_something_is_drawn(new_process):
    code = (
        "import sys, skbag.displays;"
        "assert 'matplotlib' not in sys.modules; assert 'torch' not in sys.modules"
    )
    done = new_process(code)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", DISPLAYS)
def test_without_matplotlib_it_says_what_to_install(name, clf, monkeypatch):
    display = DISPLAYS[name](clf)
    class_name = type(display).__name__
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    expected = r"requires matplotlib. You can install it with `pip install \"skbag\[pl"
    with pytest.raises(ImportError, match=rf"{class_name}.from_estimator {expected}"):
        DISPLAYS[name](clf)
    with pytest.raises(ImportError, match=rf"{class_name}.plot {expected}"):
        display.plot()


@pytest.mark.parametrize("name", DISPLAYS)
def test_it_wants_a_fitted_estimator(name, clf, make_classifier):
    with pytest.raises(NotFittedError, match="not fitted yet"):
        DISPLAYS[name](make_classifier())
    pipeline = make_pipeline(FunctionTransformer(), clf)
    with pytest.raises(TypeError, match=r"got a Pipeline. Pass the last step, pipel"):
        DISPLAYS[name](pipeline)
    with pytest.raises(TypeError, match=r"GridSearchCV. Pass the estimator inside"):
        DISPLAYS[name](GridSearchCV(clf, {"alpha": [0]}))
    with pytest.raises(TypeError, match="an EmbeddingBagClassifier, got a Normalizer"):
        DISPLAYS[name](Normalizer())
    assert plt.get_fignums() == []


@rotating(name=list(DISPLAYS), style=["default", "dark_background"])
def test_it_makes_one_figure_and_can_be_drawn_again(name, style, clf):
    with plt.style.context(style):
        display = DISPLAYS[name](clf)
        assert len(plt.get_fignums()) == 1
        assert display.ax_ in display.figure_.axes
        draw(display)
        first = display.figure_
        assert display.plot() is display
        assert display.figure_ is not first


@rotating(name=list(DISPLAYS), layout=[None, "constrained", "tight"])
def test_in_axes_that_are_given_it_leaves_others_alone(name, layout, clf):
    figure, (given, other) = plt.subplots(1, 2, layout=layout)
    other.plot([1, 2], label="mine")
    other.set(title="mine", xlabel="x")
    display = DISPLAYS[name](clf, ax=given)
    assert display.ax_ is given and display.figure_ is figure
    assert len(plt.get_fignums()) == 1
    draw(display)
    assert (other.get_title(), other.get_xlabel()) == ("mine", "x")
    assert len(other.lines) == 1 and not other.texts and not other.patches
    assert other.get_legend() is None


@pytest.mark.parametrize("name", DISPLAYS)
def test_in_a_subfigure(name, clf):
    figure = plt.figure(layout="constrained")
    part = figure.subfigures(1, 2)[0]
    display = DISPLAYS[name](clf, ax=part.subplots())
    assert display.figure_ is part
    draw(display)


@pytest.mark.parametrize("name", DISPLAYS)
def test_whatever_labels_and_tokens_hold_is_drawn(name, make_classifier):
    texts = [f"{label} word{i} {label[::-1]}" for i in range(10) for label in HOSTILE]
    clf = make_classifier(early_stopping=True).fit(texts, HOSTILE * 10)
    display = DISPLAYS[name](clf)
    draw(display)
    if name == "contributions":
        display = TokenContributionsDisplay.from_estimator(clf, " ".join(HOSTILE))
        draw(display)


@pytest.mark.parametrize("name", DISPLAYS)
def test_other_models_are_drawn_as_well(name, binary, of_labels):
    for model in (binary, of_labels):
        draw(DISPLAYS[name](model))


# -- training history ------------------------------------------------------------------


def test_history_shows_loss_and_validation_score(make_classifier, corpus):
    clf = make_classifier(early_stopping=True, max_iter=6).fit(*corpus)
    display = TrainingHistoryDisplay.from_estimator(clf)
    epochs = np.arange(1, clf.n_iter_ + 1)
    for line, values in (
        (display.loss_line_, clf.loss_curve_),
        (display.validation_line_, clf.validation_scores_),
    ):
        np.testing.assert_array_equal(line.get_xdata(), epochs)
        np.testing.assert_array_equal(line.get_ydata(), values)
    best = display.best_epoch
    assert clf.validation_scores_[best - 1] == clf.best_validation_score_
    assert list(display.best_epoch_line_.get_xdata()) == [best, best]
    assert display.loss_line_.axes is display.ax_
    assert display.validation_line_.axes is display.validation_ax_
    said = f"Best: {clf.best_validation_score_:.4f} after epoch {best} of {len(epochs)}"
    assert said in strings(display.ax_)


def test_of_equal_epochs_the_last_is_best():
    # As the estimator does, which keeps the state that has learnt the most.
    assert TrainingHistoryDisplay([3, 2, 1], [0.5, 0.9, 0.9]).best_epoch == 3
    assert TrainingHistoryDisplay([3, 2, 1], [0.5, 0.9, 0.8]).best_epoch == 2
    assert TrainingHistoryDisplay([3, 2, 1]).best_epoch is None


def test_history_without_validation_shows_the_loss_alone(clf):
    display = TrainingHistoryDisplay.from_estimator(clf)
    assert display.validation_ax_ is display.validation_line_ is None
    assert display.best_epoch_line_ is None
    assert strings(display.ax_) == ["Training loss"]
    with pytest.raises(ValueError, match="no validation scores: the estimator was fit"):
        TrainingHistoryDisplay.from_estimator(clf, validation=True)


def test_a_validation_score_can_be_left_out(make_classifier, corpus):
    clf = make_classifier(early_stopping=True).fit(*corpus)
    display = TrainingHistoryDisplay.from_estimator(clf, validation=False)
    assert display.validation_line_ is None


def test_a_single_epoch_has_a_tick_and_a_marker(make_classifier, corpus):
    clf = make_classifier(early_stopping=True, max_iter=1).fit(*corpus)
    display = TrainingHistoryDisplay.from_estimator(clf)
    draw(display)
    low, high = display.ax_.get_xlim()
    assert [t for t in display.ax_.get_xticks() if low <= t <= high] == [1]
    assert display.loss_line_.get_marker() not in ("", "None", None)


def test_parts_learnt_one_by_one_are_epochs(make_classifier, corpus):
    clf = make_classifier()
    for start in (0, 60):
        part = slice(start, start + 60)
        clf.partial_fit(corpus.texts[part], corpus.labels[part], sorted(TOPICS))
    display = TrainingHistoryDisplay.from_estimator(clf)
    assert len(display.loss_line_.get_ydata()) == 2


def test_what_is_no_number_is_not_drawn():
    display = TrainingHistoryDisplay([1.0, np.inf, 2.0]).plot()
    draw(display)
    np.testing.assert_array_equal(display.loss_line_.get_ydata(), [1, np.nan, 2])


def test_a_fit_without_an_epoch_has_no_history(clf):
    clf = copy.copy(clf)
    clf.loss_curve_ = []
    with pytest.raises(ValueError, match="no history to show: training diverged"):
        TrainingHistoryDisplay.from_estimator(clf)
    assert plt.get_fignums() == []


# -- token contributions ---------------------------------------------------------------


@rotating(model=["clf", "binary", "of_labels"], max_tokens=[1, 4, 1000])
def test_bars_sum_to_the_score_of_each_class(model, max_tokens, request):
    clf = request.getfixturevalue(model)
    scores = np.atleast_1d(clf.decision_function([TEXT])[0])
    if len(scores) == 1:
        scores = np.array([-scores[0], scores[0]])
    for label, score in zip(clf.classes_.tolist(), scores, strict=True):
        display = TokenContributionsDisplay.from_estimator(
            clf, TEXT, class_label=label, max_tokens=max_tokens
        )
        bars = [bar.get_width() for bar in display.bars_]
        assert sum(bars) == pytest.approx(score, abs=1e-5)
        assert display.score == pytest.approx(score, abs=1e-5)
        assert display.class_label == label
    best = TokenContributionsDisplay.from_estimator(clf, TEXT)
    assert best.class_label == clf.classes_[scores.argmax()]


def test_each_token_has_the_sum_of_its_occurrences(clf):
    display = TokenContributionsDisplay.from_estimator(
        clf, TEXT, class_label="kitchen", max_tokens=1000
    )
    one, column = clf.explain([TEXT]), clf.classes_.tolist().index("kitchen")
    expected, counts = {}, {}
    for feature, row in zip(one.features, one.contributions, strict=True):
        expected[feature] = expected.get(feature, 0) + row[column]
        counts[feature] = counts.get(feature, 0) + 1
    shown = dict(zip(display.tokens, display.contributions, strict=True))
    assert shown == pytest.approx(expected)
    by_strength = sorted(expected, key=lambda name: -abs(expected[name]))
    assert names_of(display.ax_) == [
        name + (f"  ×{counts[name]}" if counts[name] > 1 else "")
        for name in by_strength
    ] + ["intercept"]
    for bar, name, text in zip(
        display.bars_, by_strength, display.values_, strict=False
    ):
        assert bar.get_width() == pytest.approx(expected[name])
        assert float(text.get_text().replace("−", "-")) == round(expected[name], 3)


def test_colours_tell_for_from_against(clf):
    display = TokenContributionsDisplay.from_estimator(clf, TEXT, max_tokens=8)
    colours = {bar.get_width() > 0: bar.get_facecolor()[:3] for bar in display.bars_}
    assert len(set(colours.values())) == 2


def test_what_has_no_bar_of_its_own_is_counted(clf):
    display = TokenContributionsDisplay.from_estimator(clf, TEXT, max_tokens=2)
    n_others = len(display.tokens) - 2
    assert names_of(display.ax_)[2:] == [f"{n_others} others", "intercept"]
    assert TEXT in strings(display.ax_)
    assert f"Score of class kitchen: +{display.score:.3f}" in strings(display.ax_)


@pytest.mark.parametrize("text", ["", "zzz"])
def test_a_text_without_known_tokens_has_the_intercept(clf, text):
    display = TokenContributionsDisplay.from_estimator(clf, text)
    draw(display)
    assert names_of(display.ax_) == ["intercept"]
    assert display.bars_[0].get_width() == pytest.approx(clf.intercept_.max())
    assert f"{text} (no known tokens)".strip() in strings(display.ax_)


def test_a_row_of_a_matrix_names_columns(make_classifier):
    X = np.array([[1.0, 0, 2], [0, 1, 0]] * 6)
    clf = make_classifier().fit(X, [0, 1] * 6)
    display = TokenContributionsDisplay.from_estimator(clf, X[:1])
    draw(display)
    assert sorted(display.tokens) == [0, 2] and display.text is None
    assert sum(bar.get_width() for bar in display.bars_) == pytest.approx(
        -clf.decision_function(X[:1])[0], abs=1e-6
    )


@pytest.mark.parametrize("parameters", [{"n_buckets": 64}, {"analyzer": "char"}])
def test_contributions_of_other_features(make_classifier, corpus, parameters):
    clf = make_classifier(**parameters).fit(*corpus)
    draw(TokenContributionsDisplay.from_estimator(clf, TEXT))


def test_contributions_of_a_compressed_model(clf):
    small = clf.compress()
    display = TokenContributionsDisplay.from_estimator(small, TEXT)
    assert display.score == pytest.approx(small.decision_function([TEXT])[0].max())


def test_what_contributions_refuse(clf, hidden):
    make = TokenContributionsDisplay.from_estimator
    with pytest.raises(ValueError, match=r"no class 'pond'. The classes are 'garden'"):
        make(clf, TEXT, class_label="pond")
    with pytest.raises(ValueError, match="shows one text, got 2"):
        make(clf, [TEXT, TEXT])
    with pytest.raises(ValueError, match="max_tokens must be 1 at least, got 0"):
        make(clf, TEXT, max_tokens=0)
    with pytest.raises(ValueError, match="with hidden layers a score is not a sum"):
        make(hidden, TEXT)
    assert plt.get_fignums() == []


def test_a_long_text_fits_into_the_figure(clf):
    display = TokenContributionsDisplay.from_estimator(clf, "WWW dough " * 50)
    draw(display)
    note = next(text for text in display.ax_.texts if "WWW" in text.get_text())
    assert note.get_window_extent().x1 <= display.figure_.bbox.x1
    assert note.get_text().endswith("…")


# -- strongest tokens ------------------------------------------------------------------


@pytest.mark.parametrize("model", ["clf", "binary", "of_labels"])
def test_panels_show_top_tokens(model, request):
    clf = request.getfixturevalue(model)
    display = TopTokensDisplay.from_estimator(clf, k=3)
    expected = clf.top_tokens(k=3)
    panels = [panel for panel in display.axes_.flat if panel is not None]
    assert len(panels) == len(display.bars_) == len(expected)
    for panel, bars, (label, tokens) in zip(
        panels, display.bars_, expected.items(), strict=True
    ):
        assert panel.get_title(loc="left") == str(label)
        assert names_of(panel) == [token for token, _ in tokens]
        assert [bar.get_width() for bar in bars] == [value for _, value in tokens]
    # One scale for all of them.
    assert len({panel.get_xlim() for panel in panels}) == 1
    assert panels[0].get_title(loc="right") == "Strongest tokens of each class\n"


def test_of_many_classes_some_are_shown(make_classifier, many_corpus):
    clf = make_classifier().fit(*many_corpus)
    display = TopTokensDisplay.from_estimator(clf)
    assert len(display.bars_) == 12
    title = display.axes_[0, 0].get_title(loc="right")
    assert title == "Strongest tokens of 12 of 500 classes\n"
    wanted = ["class 3", "class 77"]
    display = TopTokensDisplay.from_estimator(clf, class_labels=wanted, n_columns=1)
    assert list(display.top_tokens) == wanted and display.axes_.shape == (2, 1)
    draw(display)


def test_a_class_that_nothing_speaks_for_says_so():
    display = TopTokensDisplay({"a": [("x", 1.0)], "b": []}).plot()
    draw(display)
    assert "no token speaks for it" in strings(display.axes_[0, 1])


@rotating(n_classes=[1, 5, 8], size=[(3, 2), (12, 4)])
def test_panels_in_given_axes_do_not_cover_each_other(size, n_classes):
    _, ax = plt.subplots(figsize=size)
    tokens = [(f"a token {i}", 10.0 - i) for i in range(8)]
    display = TopTokensDisplay(dict.fromkeys(range(n_classes), tokens)).plot(ax)
    draw(display)
    panels = [panel for panel in display.axes_.flat if panel is not None]
    boxes = [panel.get_window_extent() for panel in panels]
    labels = [[t.get_window_extent() for t in p.get_yticklabels()] for p in panels]
    for i, own in enumerate(labels):
        for j, box in enumerate(boxes):
            assert i == j or not any(box.overlaps(label) for label in own)


def test_what_top_tokens_refuse(clf, hidden, make_classifier, corpus):
    make = TopTokensDisplay.from_estimator
    with pytest.raises(ValueError, match="no class 'pond'"):
        make(clf, class_labels=["sea", "pond"])
    with pytest.raises(ValueError, match="class_labels names no class"):
        make(clf, class_labels=[])
    with pytest.raises(ValueError, match="max_classes must be 1 at least, got 0"):
        make(clf, max_classes=0)
    with pytest.raises(ValueError, match="with hidden layers a score is not a sum"):
        make(hidden)
    with pytest.raises(ValueError, match="hashed into buckets have no names"):
        make(make_classifier(n_buckets=64).fit(*corpus))
    with pytest.raises(ValueError, match="compressed models cannot"):
        make(clf.compress())
    assert plt.get_fignums() == []
    figure = plt.figure()
    with pytest.raises(ValueError, match="must be an Axes of a grid"):
        make(clf, ax=figure.add_axes((0, 0, 1, 1)))


# -- maps ------------------------------------------------------------------------------


def test_documents_are_mapped_by_pca(clf, corpus):
    display = EmbeddingMapDisplay.from_estimator(clf, corpus.texts, corpus.labels)
    vectors = clf.transform(corpus.texts).astype(float)
    expected = PCA(2, svd_solver="full").fit_transform(vectors)
    np.testing.assert_allclose(display.coordinates, expected, atol=1e-9)
    assert list(display.points_) == sorted(set(corpus.labels))
    for label, points in display.points_.items():
        those = np.array(corpus.labels) == label
        np.testing.assert_allclose(points.get_offsets(), expected[those], atol=1e-9)
    shown = [text.get_text() for text in display.legend_.get_texts()]
    assert shown == list(display.points_)
    assert "principal component" in display.ax_.get_xlabel()
    assert "120 documents" in strings(display.ax_)


def test_documents_without_labels_have_no_legend(clf, corpus):
    display = EmbeddingMapDisplay.from_estimator(clf, corpus.texts)
    assert display.legend_ is None and list(display.points_) == [None]


def test_too_many_documents_are_drawn_by_lot(clf, corpus):
    drawn = [
        EmbeddingMapDisplay.from_estimator(
            clf, corpus.texts, corpus.labels, max_points=50, random_state=seed
        )
        for seed in (0, 0, 1)
    ]
    np.testing.assert_array_equal(drawn[0].coordinates, drawn[1].coordinates)
    assert not np.array_equal(drawn[0].coordinates, drawn[2].coordinates)
    assert sum(len(p.get_offsets()) for p in drawn[0].points_.values()) == 50
    assert "50 of 120 documents, drawn by lot" in strings(drawn[0].ax_)


def test_maps_by_tsne_have_axes_that_mean_nothing(clf, corpus):
    display = EmbeddingMapDisplay.from_estimator(
        clf, corpus.texts[:40], method="tsne", random_state=3
    )
    vectors = clf.transform(corpus.texts[:40]).astype(float)
    expected = TSNE(2, perplexity=13, random_state=3).fit_transform(vectors)
    np.testing.assert_allclose(display.coordinates, expected, rtol=1e-5)
    assert len(display.ax_.get_xticks()) == 0
    assert display.ax_.get_xlabel() == "Near points are alike; the axes mean nothing"


def test_a_method_of_ones_own(clf, corpus):
    method = make_pipeline(Normalizer(), PCA(2))
    display = EmbeddingMapDisplay.from_estimator(clf, corpus.texts, method=method)
    assert display.title == "Map of documents (Pipeline)"
    with pytest.raises(ValueError, match=r"an array of shape \(120, 3\). Set its n"):
        EmbeddingMapDisplay.from_estimator(clf, corpus.texts, method=PCA(3))


def test_the_strongest_tokens_are_mapped(clf):
    display = EmbeddingMapDisplay.from_estimator(clf, max_points=12)
    found = clf.top_tokens(k=4)
    values = {}
    for tokens in found.values():
        for token, value in tokens:
            values[token] = max(value, values.get(token, 0))
    assert display.names == sorted(values, key=lambda token: -values[token])
    ids = [clf.vocabulary_[name] for name in display.names]
    expected = PCA(2, svd_solver="full").fit_transform(
        clf.embedding_[ids].astype(float)
    )
    np.testing.assert_allclose(display.coordinates, expected, atol=1e-6)
    n_all = len(clf.vocabulary_)
    assert any(f"Strongest tokens: 12 of {n_all:,}" in s for s in strings(display.ax_))


@rotating(
    data=["corpus", "binary_corpus", "labels_corpus"],
    parameters=[{}, {"embedding_dim": 5}, {"loss": "cross_entropy"}],
)
def test_tokens_have_the_class_they_speak_for_most(
    data, parameters, make_classifier, request
):
    if data == "binary_corpus":
        parameters = {**parameters, "embedding_dim": 5}
    clf = make_classifier(**parameters).fit(*request.getfixturevalue(data))
    display = EmbeddingMapDisplay.from_estimator(clf, max_points=30)
    values = {
        label: dict(tokens)
        for label, tokens in clf.top_tokens(k=len(clf.vocabulary_), parts=True).items()
    }
    for name, label in zip(display.names, display.labels, strict=True):
        added = {each: found.get(name, 0.0) for each, found in values.items()}
        assert added[label] == max(added.values())


def test_tokens_asked_for_and_classes_asked_for(clf):
    wanted = ["dough", "ship", "fern", "the"]
    display = EmbeddingMapDisplay.from_estimator(clf, tokens=wanted)
    assert display.names == wanted
    assert [text.get_text() for text in display.names_] == wanted
    display = EmbeddingMapDisplay.from_estimator(clf, class_labels=["sea"])
    strongest = [token for token, _ in clf.top_tokens("sea", k=60)]
    assert set(display.names) <= set(strongest)
    assert next(iter(display.points_)) == "sea"


def test_with_hidden_layers_tokens_have_no_class(hidden, corpus):
    display = EmbeddingMapDisplay.from_estimator(hidden, max_points=10)
    lengths = np.linalg.norm(hidden.embedding_.astype(float), axis=1)
    longest = np.argsort(-lengths, kind="stable")[:10]
    assert [hidden.vocabulary_[name] for name in display.names] == longest.tolist()
    assert display.labels is None and display.legend_ is None
    draw(EmbeddingMapDisplay.from_estimator(hidden, *corpus))


def test_with_an_adaptive_softmax_tokens_have_no_class(make_classifier, many_corpus):
    clf = make_classifier(embedding_dim=4, loss="adaptive_softmax", max_iter=1)
    display = EmbeddingMapDisplay.from_estimator(clf.fit(*many_corpus), max_points=10)
    assert len(display.names) == 10 and display.labels is None


@pytest.mark.parametrize("parameters", [{"n_buckets": 64}, {"embedding_dim": 3}])
def test_documents_need_no_names_of_tokens(parameters, make_classifier, corpus):
    clf = make_classifier(**parameters).fit(*corpus)
    for model in (clf, clf.compress()):
        display = EmbeddingMapDisplay.from_estimator(model, *corpus)
        vectors = model.transform(corpus.texts).astype(float)
        expected = PCA(2, svd_solver="full").fit_transform(vectors)
        np.testing.assert_allclose(display.coordinates, expected, atol=1e-9)


def test_columns_of_a_matrix_are_mapped(make_classifier):
    X = np.random.default_rng(0).random((60, 9))
    clf = make_classifier().fit(X, [0, 1, 2] * 20)
    assert sorted(EmbeddingMapDisplay.from_estimator(clf).names) == list(range(9))
    draw(TopTokensDisplay.from_estimator(clf))


def test_of_many_classes_seven_have_a_colour(make_classifier, many_corpus):
    clf = make_classifier().fit(*many_corpus)
    display = EmbeddingMapDisplay.from_estimator(clf, *many_corpus)
    draw(display)
    assert len(display.points_) == 8 and list(display.points_)[-1] is None
    assert display.legend_.get_texts()[-1].get_text() == "493 others"


def test_documents_of_several_labels(of_labels, labels_corpus):
    texts, y = labels_corpus
    y = y.copy()
    y[0] = 0
    display = EmbeddingMapDisplay.from_estimator(of_labels, texts, y)
    kinds = np.minimum(y.sum(axis=1), 2)
    counts = {k: len(points.get_offsets()) for k, points in display.points_.items()}
    assert counts.pop("several labels") == (kinds == 2).sum()
    assert counts.pop("no label") == 1
    for label, count in counts.items():
        assert count == ((kinds == 1) & (y[:, label] == 1)).sum()
    with pytest.raises(ValueError, match="an indicator matrix of 4 columns, got an ar"):
        EmbeddingMapDisplay.from_estimator(of_labels, texts, y[:, :3])


@pytest.mark.parametrize("seed", range(5))
def test_names_cover_neither_each_other_nor_points(seed):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(80, 2))
    figure, ax = plt.subplots(figsize=(5, 4))
    ax.scatter(*points.T)
    names = [f"a name {i}" for i in range(60)]
    written = write_names(ax, points, names)
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in written]
    assert 5 < len(boxes) < 60
    places = ax.transData.transform(points)
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:i])
        assert not any(box.contains(*place) for place in places)
    assert len(ax.texts) == len(written)


def test_a_map_is_made_of_arrays_as_well():
    points = np.arange(8.0).reshape(4, 2)
    labels, names = np.array(["b", "a", "b", "a"]), np.array(["one", "two"])
    display = EmbeddingMapDisplay(points, labels=labels, names=names).plot(max_names=1)
    draw(display)
    assert list(display.points_) == ["a", "b"]
    assert [text.get_text() for text in display.names_] == ["one"]
    assert "1 of them named" in strings(display.ax_)


def test_names_left_out_are_counted(clf):
    display = EmbeddingMapDisplay.from_estimator(clf, max_points=60)
    n_named = len(display.names_)
    assert n_named < 60
    assert any(f", {n_named} of them named" in said for said in strings(display.ax_))
    assert display.plot(max_names=0).names_ == []


def test_what_maps_refuse(clf, corpus, make_classifier, binary_corpus):
    make = EmbeddingMapDisplay.from_estimator
    texts = corpus.texts
    with pytest.raises(ValueError, match="X has 120 documents, but y has 3 labels"):
        make(clf, texts, [1, 2, 3])
    with pytest.raises(ValueError, match="y are labels of documents: pass X as well"):
        make(clf, y=corpus.labels)
    with pytest.raises(ValueError, match="Pass X for a map of documents, or tokens"):
        make(clf, texts, tokens=["dough"])
    with pytest.raises(ValueError, match="'zzz' is none of the"):
        make(clf, tokens=["dough", "zzz", "ship"])
    with pytest.raises(ValueError, match="method must be 'pca', 'tsne' or have fit_tr"):
        make(clf, texts, method="umap")
    with pytest.raises(ValueError, match="needs 3 points at least, got 2"):
        make(clf, texts[:2])
    with pytest.raises(ValueError, match="All 5 points are the same"):
        make(clf, [""] * 5)
    with pytest.raises(ValueError, match="max_points must be 1 at least, got 0"):
        make(clf, texts, max_points=0)
    with pytest.raises(ValueError, match=r"one, the score of one class of two. Fit"):
        make(make_classifier().fit(*binary_corpus))
    with pytest.raises(ValueError, match="hashed into buckets have no names"):
        make(make_classifier(n_buckets=64).fit(*corpus))
    with pytest.raises(ValueError, match="compressed models cannot"):
        make(clf.compress())
    assert plt.get_fignums() == []


def test_what_colours_refuse(clf, hidden, corpus):
    make = EmbeddingMapDisplay.from_estimator
    with pytest.raises(ValueError, match=r"No point is of class 'pond'. There are 'ki"):
        make(clf, *corpus, class_labels=["pond"])
    with pytest.raises(ValueError, match="No more than 7 classes can be told apart"):
        make(clf, *corpus, class_labels=list("abcdefgh"))
    with pytest.raises(ValueError, match="These points have no classes to tell apart"):
        make(hidden, class_labels=["sea"])
    assert plt.get_fignums() == []


# -- of a regressor --------------------------------------------------------------------


def test_tokens_that_raise_and_lower_have_a_panel_each(numbers_corpus, make_regressor):
    texts, y = numbers_corpus
    reg = make_regressor().fit(texts, np.stack([y, y], axis=1))
    display = TopTokensDisplay.from_estimator(reg, k=3, class_labels=[1])
    raising, lowering = display.bars_
    assert list(display.top_tokens) == ["y1: raising", "y1: lowering"]
    tokens = reg.top_tokens(3, output=1)
    for bars, name in ((raising, "raising"), (lowering, "lowering")):
        widths = [bar.get_width() for bar in bars]
        np.testing.assert_allclose(widths, [abs(value) for _, value in tokens[name]])
    assert len(TopTokensDisplay.from_estimator(reg).top_tokens) == 4


def test_contributions_add_up_to_the_prediction(numbers_corpus, make_regressor):
    reg = make_regressor().fit(*numbers_corpus)
    display = TokenContributionsDisplay.from_estimator(reg, TEXT)
    assert display.score == pytest.approx(reg.predict([TEXT])[0], rel=1e-5)
    assert display.class_label == "y"


def test_the_history_of_a_regressor(numbers_corpus, make_regressor):
    reg = make_regressor(early_stopping=True).fit(*numbers_corpus)
    TrainingHistoryDisplay.from_estimator(reg)


def test_a_map_is_of_classes(numbers_corpus, make_regressor):
    reg = make_regressor(embedding_dim=4).fit(*numbers_corpus)
    with pytest.raises(TypeError, match="what a classifier says of classes"):
        EmbeddingMapDisplay.from_estimator(reg)
