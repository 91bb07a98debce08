"""What the regressor does of its own: numbers in, numbers out, in units of `y`."""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import r2_score

from skbag._training import run
from tests.conftest import TOPICS, make_corpus, numbered

LOSSES = ("squared_error", "huber", "poisson")
losses = pytest.mark.parametrize("loss", LOSSES)


@pytest.fixture(scope="module")
def two_outputs(numbers_corpus):
    texts, y = numbers_corpus
    return texts, np.stack([y, 30 - 2 * np.array(y)], axis=1)


@pytest.fixture(scope="module")
def fitted(numbers_corpus, make_regressor):
    return make_regressor().fit(*numbers_corpus)


# -- units -----------------------------------------------------------------------------


@pytest.mark.parametrize(("factor", "shift"), [(1e6, 0.0), (1e-6, 3.0), (2.0, 1e5)])
def test_units_of_y_change_predictions_alone(
    factor, shift, numbers_corpus, make_regressor, fitted
):
    texts, y = numbers_corpus
    reg = make_regressor().fit(texts, factor * np.array(y) + shift)
    expected = factor * fitted.predict(texts) + shift
    assert_allclose(reg.predict(texts), expected, rtol=1e-4)
    assert reg.alpha_ == pytest.approx(fitted.alpha_, rel=1e-3)


@losses
def test_a_scale_changes_predictions_alone(loss, numbers_corpus, make_regressor):
    texts, y = numbers_corpus
    one, other = (
        make_regressor(loss=loss).fit(texts, scale * np.array(y)).predict(texts)
        for scale in (1, 1000)
    )
    assert_allclose(other, 1000 * one, rtol=1e-4)


@losses
@pytest.mark.parametrize("parameters", [{}, {"embedding_dim": 4}])
def test_coefficients_are_in_units_of_y(loss, parameters, two_outputs, make_regressor):
    texts, y = two_outputs
    reg = make_regressor(loss=loss, **parameters).fit(texts, y)
    X = reg._model.featurizer.weigh(texts).to_csr()
    linear = X @ reg.coef_.T.astype(np.float64) + reg.intercept_
    expected = reg.predict(texts)
    assert_allclose(np.exp(linear) if loss == "poisson" else linear, expected, 1e-4)


@losses
def test_explanations_sum_to_predictions(loss, two_outputs, make_regressor):
    texts, y = two_outputs
    reg = make_regressor(loss=loss).fit(texts, y)
    for model in (reg, reg.compress(bits=8)):
        explanation = model.explain(texts[:5])
        sums = explanation.scores
        if loss == "poisson":
            sums = np.exp(sums)
        assert_allclose(sums, model.predict(texts[:5]), rtol=1e-4)
    names = ["log(y0)", "log(y1)"] if loss == "poisson" else ["y0", "y1"]
    assert explanation.classes.tolist() == names
    assert list(explanation.to_frame().columns[-2:]) == names


def test_an_explanation_prints_the_prediction(numbers_corpus, fitted):
    printed = str(fitted.explain([numbers_corpus.texts[2]]))
    predicted = fitted.predict([numbers_corpus.texts[2]])[0]
    assert f"y: score {predicted:+.3f}" in printed


def test_tokens_that_raise_and_lower(two_outputs, make_regressor):
    texts, y = two_outputs
    reg = make_regressor(short_text_features=False, ngram_range=(1, 1)).fit(texts, y)
    one, other = (reg.top_tokens(3, output=j) for j in (0, 1))
    assert {len(tokens) for tokens in one.values()} == {3}
    for name, sign in (("raising", 1), ("lowering", -1)):
        values = [sign * value for _, value in one[name]]
        assert values == sorted(values, reverse=True)
        assert min(values) > 0
    # The second falls by two where the first rises by one.
    token, value = one["raising"][0]
    assert dict(other["lowering"])[token] == pytest.approx(-2 * value, rel=0.2)
    names, weights = list(reg.vocabulary_), reg._model.featurizer.id_weights
    contributions = dict(zip(names, reg.coef_[0] * weights, strict=True))
    assert value == pytest.approx(max(contributions.values()), rel=1e-5)


@pytest.mark.parametrize("output", [2, -1, 0.5, True, "y"])
def test_there_is_no_such_output(output, two_outputs, make_regressor):
    reg = make_regressor().fit(*two_outputs)
    with pytest.raises(ValueError, match=r"There is no output .*; there are 2"):
        reg.top_tokens(output=output)


# -- exports ---------------------------------------------------------------------------


@losses
@pytest.mark.parametrize("parameters", [{}, {"embedding_dim": 4}])
def test_graphs_predict_the_same(loss, parameters, two_outputs, make_regressor):
    ort = pytest.importorskip("onnxruntime")
    texts, y = two_outputs
    reg = make_regressor(loss=loss, **parameters).fit(texts, y)
    new = [*texts[:5], ""]
    expected, encoded = reg.predict(new), reg.encode(new)
    scores = reg.to_torch()(*map(torch.from_numpy, encoded)).detach().numpy()
    assert_allclose(np.exp(scores) if loss == "poisson" else scores, expected, 1e-4)
    model = reg.to_onnx()
    session = ort.InferenceSession(model.SerializeToString())
    names = ("text", "offsets", "per_sample_weights")
    (found,) = session.run(["predictions"], dict(zip(names, encoded, strict=True)))
    assert_allclose(found, expected, rtol=1e-4)
    assert "classes" not in {each.key for each in model.metadata_props}


def test_compressed_it_predicts_nearly_the_same(numbers_corpus, fitted):
    texts = numbers_corpus.texts
    compressed = fitted.compress(bits=8)
    assert_allclose(compressed.predict(texts), fitted.predict(texts), rtol=0.05)
    with pytest.raises(ValueError, match="is compressed; compressed models cannot"):
        compressed.partial_fit(texts, numbers_corpus.y)


def test_it_shows_its_outputs(fitted, two_outputs, make_regressor):
    assert fitted._caption().endswith("1 output")
    assert make_regressor().fit(*two_outputs)._caption().endswith("2 outputs")


# -- training --------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["squared_error", "huber"])
def test_native_steps_are_those_of_torch(
    loss, two_outputs, make_regressor, monkeypatch
):
    texts, y = two_outputs
    reg = make_regressor(loss=loss).fit(texts, y)
    monkeypatch.setattr(run, "goes_by_columns", lambda *_, **__: False)
    twin = make_regressor(loss=loss).fit(texts, y)
    assert_allclose(twin.predict(texts), reg.predict(texts), rtol=1e-3)
    assert_allclose(twin.loss_curve_, reg.loss_curve_, rtol=1e-3, atol=1e-6)


def test_outliers_count_for_less_by_huber(new_numbers_corpus, make_regressor):
    texts, y = numbered(make_corpus(TOPICS, 600, seed=0))
    outliers = np.random.default_rng(0).permutation(600)[:40]
    y = np.array(y) + 50 * np.isin(np.arange(600), outliers)
    words = {"ngram_range": (1, 1), "short_text_features": False}
    squared, huber = (
        make_regressor(loss=loss, **words).fit(texts, y).score(*new_numbers_corpus)
        for loss in ("squared_error", "huber")
    )
    assert huber > 0.9
    assert squared < 0


def test_poisson_predicts_positive_rates(make_regressor):
    rng = np.random.default_rng(0)
    factors = rng.normal(0, 0.5, size=40)
    words = rng.integers(0, 40, size=(1500, 8))
    texts = [" ".join(f"w{i}" for i in row) for row in words.tolist()]
    y = rng.poisson(np.exp(factors[words].sum(axis=1)))
    reg = make_regressor(loss="poisson", ngram_range=(1, 1)).fit(texts[:1000], y[:1000])
    linear = make_regressor(ngram_range=(1, 1)).fit(texts[:1000], y[:1000])
    assert reg.predict(texts).min() > 0
    assert linear.predict(texts).min() < 0
    assert reg.score(texts[1000:], y[1000:]) > linear.score(texts[1000:], y[1000:])


def test_early_stopping_goes_by_r2(numbers_corpus, make_regressor):
    texts, y = numbers_corpus
    reg = make_regressor(early_stopping=True, max_iter=30)
    reg.fit(texts[:80], y[:80], X_val=texts[80:], y_val=y[80:])
    assert reg.best_validation_score_ == max(reg.validation_scores_)
    expected = r2_score(y[80:], reg.predict(texts[80:]))
    assert reg.best_validation_score_ == pytest.approx(expected, rel=1e-4)


def test_weights_of_validation_samples_count(numbers_corpus, make_regressor):
    texts, y = numbers_corpus
    weight = np.linspace(0, 1, 40)
    reg = make_regressor(early_stopping=True)
    reg.fit(
        texts[:80], y[:80], X_val=texts[80:], y_val=y[80:], sample_weight_val=weight
    )
    expected = r2_score(y[80:], reg.predict(texts[80:]), sample_weight=weight)
    assert reg.best_validation_score_ == pytest.approx(expected, rel=1e-4)


def test_a_weight_of_zero_is_as_good_as_absent(numbers_corpus, make_regressor):
    texts, y = numbers_corpus
    weight = np.ones(120)
    weight[80:] = 0
    wild = np.where(weight > 0, y, 1e6)
    reg = make_regressor().fit(texts, wild, sample_weight=weight)
    expected = make_regressor().fit(texts[:80], y[:80]).predict(texts)
    assert_array_equal(reg.predict(texts), expected)


def test_weights_move_predictions(make_regressor):
    texts, y = ["word"] * 100, [0.0] * 50 + [10.0] * 50
    reg = make_regressor().fit(texts, y, sample_weight=[3] * 50 + [1] * 50)
    assert reg.predict(["word"])[0] == pytest.approx(2.5, abs=0.3)


def test_vectors_to_begin_with(numbers_corpus, make_regressor):
    vectors = {"sail": [1.0, 0.0], "oven": [0.0, 1.0]}
    reg = make_regressor(embedding_dim=2, embedding_init=vectors)
    assert reg.fit(*numbers_corpus).score(*numbers_corpus) > 0.8
    with pytest.raises(ValueError, match="embedding_init of a regressor needs"):
        reg.set_params(embedding_dim=None).fit(*numbers_corpus)


def test_warm_start_goes_on_in_other_units(numbers_corpus, make_regressor):
    texts, y = numbers_corpus
    reg = make_regressor(warm_start=True).fit(texts, y)
    reg.fit(texts, 100 * np.array(y) + 7)
    assert reg.score(texts, 100 * np.array(y) + 7) > 0.95
    with pytest.raises(ValueError, match="1 outputs of the earlier fit, but y has 2"):
        reg.fit(texts, np.stack([y, y], axis=1))


# -- streams ---------------------------------------------------------------------------


def stream(reg, texts, y, size=20):
    for start in range(0, len(texts), size):
        reg.partial_fit(texts[start : start + size], y[start : start + size])
    return reg


@losses
@pytest.mark.parametrize("parameters", [{}, {"embedding_dim": 4}, {"n_buckets": 4096}])
def test_a_stream_learns(
    loss, parameters, two_outputs, new_numbers_corpus, make_regressor
):
    texts, y = two_outputs
    reg = stream(make_regressor(loss=loss, **parameters), texts * 4, np.tile(y, (4, 1)))
    new = np.array(new_numbers_corpus.y)
    predicted = reg.predict(new_numbers_corpus.texts)
    assert r2_score(np.stack([new, 30 - 2 * new], axis=1), predicted) > 0.8


def test_a_stream_follows_mean_and_scale(numbers_corpus, make_regressor):
    texts, y = numbers_corpus
    reg = make_regressor().partial_fit(texts[:10], np.array(y[:10]) / 1e4)
    stream(reg, texts * 8, np.tile(y, 8))
    units = reg._targets.units
    assert units.moments.weight == 10 + 8 * 120
    assert units.scale[0] == pytest.approx(np.std(y), rel=0.1)
    assert reg.score(texts, y) > 0.8


@losses
def test_a_stream_may_begin_with_next_to_nothing(loss, numbers_corpus, make_regressor):
    texts, y = numbers_corpus
    reg = make_regressor(loss=loss).partial_fit(texts[:1], [0.0])
    stream(reg, texts * 4, 1e4 * np.tile(y, 4))
    assert reg.score(texts, 1e4 * np.array(y)) > 0.7


def test_changed_units_leave_predictions_of_a_stream(numbers_corpus, make_regressor):
    """A part without steps: only units change."""
    texts, y = numbers_corpus
    reg = make_regressor(supervised_weighting=False, use_idf=False)
    reg.partial_fit(texts[:40], y[:40])
    expected = reg.predict(texts)
    units = reg._targets.units
    reg.set_params(learning_rate_init=1e-30)
    reg.partial_fit(texts[40:], np.array(y[40:]) * 3)
    assert reg._targets.units.scale > 1.5 * units.scale
    # But for the intercept, whose steps are of a size of their own.
    change = (reg.predict(texts) - expected)[:40]
    assert_allclose(change, change[0], rtol=1e-4)


def test_a_failed_part_leaves_all_as_it_was(numbers_corpus, make_regressor):
    texts, y = numbers_corpus
    reg = make_regressor().partial_fit(texts[:60], y[:60])
    twin = copy.deepcopy(reg)
    with pytest.raises(ValueError, match="contains NaN"):
        reg.partial_fit(texts[60:], [np.nan] * 60)
    for each in (reg, twin):
        each.partial_fit(texts[60:], y[60:])
    assert_array_equal(reg.predict(texts), twin.predict(texts))
    assert reg._targets.units.moments.weight == 120


def test_other_outputs_in_a_stream_are_refused(two_outputs, make_regressor):
    texts, y = two_outputs
    reg = make_regressor().partial_fit(texts, y)
    with pytest.raises(ValueError, match="y has 1 outputs, but there are 2"):
        reg.partial_fit(texts, y[:, 0])


def test_another_link_in_a_stream_is_refused(numbers_corpus, make_regressor):
    reg = make_regressor().partial_fit(*numbers_corpus)
    with pytest.raises(ValueError, match="Set the loss back"):
        reg.set_params(loss="poisson").partial_fit(*numbers_corpus)


def test_early_stopping_needs_all_data(numbers_corpus, make_regressor):
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping"):
        make_regressor(early_stopping=True).partial_fit(*numbers_corpus)


# -- little and odd input --------------------------------------------------------------


@losses
@pytest.mark.parametrize("value", [0.1, 3.0, 1e12])
@pytest.mark.parametrize("n_outputs", [None, 2])
def test_a_constant_is_predicted(loss, value, n_outputs, corpus, make_regressor):
    y = np.full((120, n_outputs) if n_outputs else 120, value)
    reg = make_regressor(loss=loss).fit(corpus.texts, y)
    assert_allclose(reg.predict([*corpus.texts, "unknown"]), value, rtol=1e-5)


@losses
def test_one_sample(loss, make_regressor):
    reg = make_regressor(loss=loss).fit(["a single text"], [7.0])
    assert_allclose(reg.predict(["a single text", "another"]), 7, rtol=1e-5)
    reg = make_regressor(loss=loss).partial_fit(["a single text"], [7.0])
    assert_allclose(reg.predict(["a single text"]), 7, rtol=1e-5)


def test_one_output_of_two_is_constant(numbers_corpus, make_regressor):
    texts, y = numbers_corpus
    reg = make_regressor().fit(texts, np.stack([np.full(120, 4.0), y], axis=1))
    predicted = reg.predict(texts)
    assert_allclose(predicted[:, 0], 4, rtol=1e-5)
    assert r2_score(y, predicted[:, 1]) > 0.9


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    ("y", "match"),
    [
        (["low", "high"] * 60, "use EmbeddingBagClassifier"),
        ([np.nan] * 120, "Input y contains NaN"),
        ([np.inf] * 120, "Input y contains infinity"),
        ([1.0] * 119, "inconsistent lengths: 120 samples and 119"),
        (None, "y is None"),
    ],
)
def test_bad_numbers(method, y, match, corpus, make_regressor):
    reg = make_regressor()
    with pytest.raises(ValueError, match=match):
        getattr(reg, method)(corpus.texts, y)
    assert vars(reg) == reg.get_params()


def test_bad_numbers_to_validate_by(numbers_corpus, make_regressor):
    texts, y = numbers_corpus
    reg = make_regressor(early_stopping=True)
    with pytest.raises(ValueError, match=r"X_val, y_val.*y holds strings"):
        reg.fit(texts, y, X_val=texts[:2], y_val=["a", "b"])
    with pytest.raises(
        ValueError, match=r"X_val, y_val.*y has 2 outputs, but there are 1"
    ):
        reg.fit(texts, y, X_val=texts[:2], y_val=[[1.0, 2.0]] * 2)


def test_negative_numbers_have_no_logarithm(numbers_corpus, make_regressor):
    texts, y = numbers_corpus
    with pytest.raises(ValueError, match=r"poisson.*y holds -6 at position 0"):
        make_regressor(loss="poisson").fit(texts, np.array(y) - 11.5)


def test_a_loss_of_classes_is_refused(numbers_corpus, make_regressor):
    with pytest.raises(ValueError, match=r"'loss' parameter .* must be a str among"):
        make_regressor(loss="squared_hinge").fit(*numbers_corpus)


def test_numbers_that_follow_from_nothing_are_told(make_regressor):
    rng = np.random.default_rng(0)
    texts = [f"word{i} word{j}" for i, j in rng.integers(0, 5, size=(200, 2)).tolist()]
    with pytest.warns(ConvergenceWarning, match="next to nothing was learnt"):
        make_regressor(alpha=0.0, max_iter=2).fit(texts, rng.normal(size=200))


def test_a_frame_of_columns(numbers_corpus, make_regressor):
    texts, y = numbers_corpus
    rng = np.random.default_rng(0)
    price = rng.uniform(0, 30, size=120)
    frame = pd.DataFrame({"text": texts, "price": price})
    reg = make_regressor().fit(frame, np.array(y) + price)
    assert reg.score(frame, np.array(y) + price) > 0.9
    stream(make_regressor(), frame, np.array(y) + price).predict(frame)


def test_a_matrix_of_numbers(make_regressor):
    X = np.random.default_rng(0).normal(size=(300, 5))
    y = X @ [1.0, -2.0, 0.0, 3.0, 0.5] + 4
    reg = make_regressor().fit(X[:200], y[:200])
    assert reg.score(X[200:], y[200:]) > 0.99
    assert_allclose(X @ reg.coef_[0] + reg.intercept_[0], reg.predict(X), atol=1e-3)
