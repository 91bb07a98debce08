"""Three small estimators that keep to all ways, and others that break one each.

Each of the broken ones is named by its fault; `FAULTS` says which check is to find it.
"""

from __future__ import annotations

import threading
import time

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_consistent_length, check_is_fitted

# -- three that are sound --------------------------------------------------------------


class WordCounts(BaseEstimator):
    """A matrix of words, and what the others are made of."""

    def __init__(self, scale=1.0):
        self.scale = scale

    def read(self, X):
        if isinstance(X, str):
            raise ValueError("X is a single str.")
        texts = list(X)
        for text in texts:
            if not isinstance(text, str):
                raise TypeError(f"No text: {text!r}")
        return texts

    def tokens(self, text):
        return text.split()

    def words(self, texts):
        return sorted({word for text in texts for word in self.tokens(text)})

    def learn_words(self, X):
        texts = self.read(X)
        if not texts:
            raise ValueError("No texts.")
        words = self.words(texts)
        self.vocabulary_ = {word: i for i, word in enumerate(words)}
        return texts

    def count(self, X):
        check_is_fitted(self, "vocabulary_")
        texts = self.read(X)
        counts = np.zeros((len(texts), len(self.vocabulary_)))
        for row, text in zip(counts, texts, strict=True):
            for word in self.tokens(text):
                if word in self.vocabulary_:
                    row[self.vocabulary_[word]] += 1
        return counts


class Counts(WordCounts):
    """A transformer."""

    def fit(self, X, y=None):
        self.learn_words(X)
        return self

    def transform(self, X):
        return self.count(X)

    def fit_transform(self, X, y=None):
        return self.fit(X, y).transform(X)

    def get_feature_names_out(self, input_features=None):
        return np.array(list(self.vocabulary_), dtype=object)


class Bayes(ClassifierMixin, WordCounts):
    """A classifier: naive Bayes."""

    def fit(self, X, y, sample_weight=None):
        texts = self.learn_words(X)
        check_consistent_length(texts, y)
        self.start(self.labels(y))
        return self.add(texts, self.labels(y), self.weights(sample_weight, len(texts)))

    def labels(self, y):
        y = np.asarray(y)
        if pd.isna(y).any():
            raise ValueError("A label is missing.")
        return y

    def weights(self, sample_weight, n_texts):
        if sample_weight is None:
            return np.ones(n_texts)
        if len(sample_weight) != n_texts:
            raise ValueError("As many weights as texts.")
        return np.asarray(sample_weight, dtype=float)

    def start(self, labels):
        self.classes_ = np.unique(labels)
        self.table_ = np.ones((len(self.classes_), len(self.vocabulary_)))

    def add(self, texts, y, weight):
        if not np.isin(y, self.classes_).all():
            raise ValueError("An unknown label.")
        for i, name in enumerate(self.classes_):
            rows = y == name
            self.table_[i] += weight[rows] @ self.count(texts)[rows]
        return self

    def partial_fit(self, X, y, classes=None):
        texts = self.read(X)
        if not hasattr(self, "vocabulary_"):
            self.vocabulary_ = {}
            self.start(classes)
        new = [word for word in self.words(texts) if word not in self.vocabulary_]
        for word in new:
            self.vocabulary_[word] = len(self.vocabulary_)
        ones = np.ones((len(self.classes_), len(new)))
        self.table_ = np.hstack([self.table_, ones])
        return self.add(texts, self.labels(y), np.ones(len(texts)))

    def scores(self, X):
        counts = self.count(X)
        table = np.log(self.table_ / self.table_.sum(axis=1, keepdims=True))
        return counts @ table.T

    def decision_function(self, X):
        scores = self.scores(X)
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def predict_log_proba(self, X):
        return np.log(self.predict_proba(X))

    def predict_proba(self, X):
        scores = self.scores(X)
        proba = np.exp(scores - scores.max(axis=1, keepdims=True, initial=-1e300))
        return proba / proba.sum(axis=1, keepdims=True)

    def predict(self, X):
        codes = self.scores(X).argmax(axis=1)
        return self.classes_[codes]


class Ridge(RegressorMixin, WordCounts):
    """A regressor."""

    def fit(self, X, y):
        texts = self.learn_words(X)
        check_consistent_length(texts, y)
        y = np.array(y, dtype=float)
        if np.isnan(y).any():
            raise ValueError("y is missing.")
        self.mean_ = y.mean()
        counts = self.count(texts)
        penalised = counts.T @ counts + 0.1 * np.eye(counts.shape[1])
        self.table_ = np.linalg.solve(penalised, counts.T @ (y - self.mean_))
        return self

    def predict(self, X):
        return self.count(X) @ self.table_ + self.mean_


SOUND = [Counts(), Bayes(), Ridge()]

FAULTS: dict[type, str] = {}
"""What each broken estimator breaks: the name of the check that finds it."""


def breaks(check):
    def add(kind):
        FAULTS[kind] = check
        return kind

    return add


# -- parameters ------------------------------------------------------------------------


@breaks("check_clone_keeps_parameters")
class ConvertsParametersInInit(Counts):
    def __init__(self, scale=1):
        self.scale = np.float64(scale)


@breaks("check_clone_is_unfitted")
class ClonesWhatIsFitted(Counts):
    def __sklearn_clone__(self):
        twin = type(self)()
        vars(twin).update(vars(self))
        return twin


@breaks("check_set_params")
class SetsParametersAndReturnsNone(Counts):
    def set_params(self, **parameters):
        super().set_params(**parameters)


@breaks("check_fit_leaves_parameters")
class ChangesAParameterInFit(Counts):
    def fit(self, X, y=None):
        self.scale = 2 * self.scale
        return super().fit(X, y)


@breaks("check_parameters_may_be_set_after_fit")
class ForgetsWhenParametersAreSet(Counts):
    def set_params(self, **parameters):
        vars(self).pop("vocabulary_", None)
        return super().set_params(**parameters)


# -- fit -------------------------------------------------------------------------------


@breaks("check_fit_returns_self")
class ReturnsNothingFromFit(Bayes):
    def fit(self, X, y, sample_weight=None):
        super().fit(X, y, sample_weight)


@breaks("check_unfitted_is_refused")
class LacksAnAttributeBeforeFit(Counts):
    def count(self, X):
        return super().count(X) if self.vocabulary_ else None


@breaks("check_fit_leaves_data")
class ChangesTheTextsOfFit(Counts):
    def fit(self, X, y=None):
        if isinstance(X, list):
            X.sort()
        return super().fit(X, y)


@breaks("check_fit_keeps_no_view_of_data")
class KeepsTheTextsOfFit(Counts):
    def fit(self, X, y=None):
        self.texts_ = X
        return super().fit(X, y)

    def count(self, X):
        if hasattr(self, "texts_"):
            self.learn_words(self.texts_)
        return super().count(X)


@breaks("check_fit_is_repeatable")
class DrawsWithoutASeed(Counts):
    def fit(self, X, y=None):
        self.factor_ = np.random.default_rng().uniform()
        return super().fit(X, y)

    def transform(self, X):
        return super().transform(X) * self.factor_


@breaks("check_fit_forgets_earlier_texts")
class KeepsTheVocabularyOfEarlierFits(Counts):
    def fit(self, X, y=None):
        earlier = dict(getattr(self, "vocabulary_", {}))
        super().fit(X, y)
        self.vocabulary_ = dict.fromkeys([*earlier, *self.vocabulary_])
        self.vocabulary_ = {word: i for i, word in enumerate(self.vocabulary_)}
        return self


@breaks("check_global_random_state_is_left")
class SeedsTheGlobalGenerator(Counts):
    def fit(self, X, y=None):
        np.random.seed(0)  # noqa: NPY002
        return super().fit(X, y)


@breaks("check_fit_one_text")
class DividesByOneTextLess(Counts):
    def fit(self, X, y=None):
        self.factor_ = 1 / (len(list(X)) - 1) if len(list(X)) else 0
        return super().fit(X, y)


@breaks("check_fit_no_texts")
class FitsNoTexts(Counts):
    def learn_words(self, X):
        texts = self.read(X)
        self.vocabulary_ = {word: i for i, word in enumerate(self.words(texts))}


@breaks("check_fit_empty_texts_among_others")
class RefusesEmptyTextsInFit(Counts):
    def words(self, texts):
        if not all(text.split() for text in texts):
            raise ValueError("An empty text.")
        return super().words(texts)


# -- answers ---------------------------------------------------------------------------


@breaks("check_one_answer_for_each_text")
class DropsEmptyTexts(Bayes):
    def predict(self, X):
        return super().predict([text for text in self.read(X) if text])


@breaks("check_order_of_texts")
class SortsTextsByLength(Counts):
    def transform(self, X):
        return super().transform(sorted(self.read(X), key=len))


@breaks("check_text_alone")
class CentresOnTheBatch(Counts):
    def transform(self, X):
        counts = super().transform(X)
        return counts - counts.sum(axis=0) / max(len(counts), 1)


@breaks("check_equal_texts")
class CachesByIdentity(Counts):
    def fit(self, X, y=None):
        self.cache_ = {}
        return super().fit(X, y)

    def count(self, X):
        rows = super().count(X)
        texts = self.read(X)
        for i, text in enumerate(texts):
            rows[i] = self.cache_.setdefault(id(text), rows[i])
        return rows


@breaks("check_no_memory_of_earlier_calls")
class CountsWhatItIsAsked(Counts):
    def fit(self, X, y=None):
        super().fit(X, y)
        self.asked_ = np.zeros(1)
        return self

    def transform(self, X):
        counts = super().transform(X)
        self.asked_ += len(counts)
        return counts / self.asked_


@breaks("check_answers_leave_estimator")
class KeepsTheLastAnswer(Counts):
    def transform(self, X):
        self.last_ = super().transform(X)
        return self.last_


@breaks("check_answers_leave_texts")
class LowersTheCallersTexts(Counts):
    def transform(self, X):
        counts = super().transform(X)
        if isinstance(X, list) and X:
            X[0] = X[0].upper()
        return counts


@breaks("check_threads_share_an_estimator")
class SharesABuffer(Counts):
    def fit(self, X, y=None):
        self.buffer_ = []
        return super().fit(X, y)

    def transform(self, X):
        self.buffer_[:] = self.read(X)
        time.sleep(0.0005)
        return super().transform(self.buffer_)


@breaks("check_no_texts")
class LooksAtTheFirstText(Counts):
    def transform(self, X):
        check_is_fitted(self)
        return super().transform([self.read(X)[0], *self.read(X)[1:]])


# -- characters ------------------------------------------------------------------------


@breaks("check_blank_texts")
class DividesByTheNumberOfWords(Counts):
    def transform(self, X):
        counts = super().transform(X)
        n_words = np.array([[len(text.split())] for text in self.read(X)])
        with np.errstate(invalid="ignore"):
            return counts / n_words.reshape(-1, 1)


@breaks("check_unknown_words")
class LooksUpUnknownWords(Counts):
    def count(self, X):
        check_is_fitted(self)
        texts = self.read(X)
        known = [[self.vocabulary_[word] for word in text.split()] for text in texts]
        return super().count(texts) if known is not None else None


@breaks("check_unusual_characters")
class EncodesAsLatin(Counts):
    def tokens(self, text):
        return text.encode("latin-1").decode("latin-1").split()


@breaks("check_lone_surrogates")
class FailsForSurrogates(Counts):
    def tokens(self, text):
        try:
            return text.encode().decode().split()
        except UnicodeEncodeError:
            raise RuntimeError("The tokenizer is out of order.") from None


@breaks("check_subclasses_of_str")
class TakesExactStrings(Counts):
    def read(self, X):
        texts = super().read(X)
        if any(type(text) is not str for text in texts):
            raise TypeError("No str.")
        return texts


@breaks("check_long_text")
class PadsToTheLongestText(Counts):
    def read(self, X):
        return np.array(super().read(X)).tolist()


# -- containers ------------------------------------------------------------------------


@breaks("check_containers")
class TakesListsAlone(Counts):
    def transform(self, X):
        check_is_fitted(self)
        if not isinstance(X, list):
            raise TypeError("A list, please.")
        return super().transform(X)


@breaks("check_containers_in_fit")
class LosesTheLastTextOfAnArray(Bayes):
    def fit(self, X, y, sample_weight=None):
        if isinstance(X, np.ndarray):
            X, y = X[:30], y[:30]
        return super().fit(X, y, sample_weight)


@breaks("check_other_containers")
class ReadsTheReprOfOtherObjects(Counts):
    def read(self, X):
        if isinstance(X, (str, list)):
            return super().read(X)
        return [text if isinstance(text, str) else repr(text) for text in X]


@breaks("check_iterators")
class GoesTwiceOverTheTexts(Counts):
    def transform(self, X):
        check_is_fitted(self)
        self.read(X if hasattr(X, "__len__") else [])
        counts = np.zeros((sum(1 for _ in X), len(self.vocabulary_)))
        for i, text in enumerate(X):
            counts[i] = self.count([text])
        return counts


@breaks("check_series_by_position")
class IndexesBySeriesLabels(Counts):
    def read(self, X):
        if isinstance(X, pd.Series):
            return super().read(X.get(i, "") for i in range(len(X)))
        return super().read(X)


@breaks("check_column_of_a_frame")
class ReadsTheNamesOfColumns(Counts):
    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        return tags


# -- what is no text -------------------------------------------------------------------


@breaks("check_single_text")
class ReadsCharactersOfATexts(Counts):
    def read(self, X):
        return super().read(list(X))


@breaks("check_missing_texts")
class ReadsNoneAsAWord(Counts):
    def read(self, X):
        if isinstance(X, str):
            raise ValueError("X is a single str.")
        return super().read(str(text) if text is None else text for text in X)


@breaks("check_numbers_among_texts")
class ReadsNumbersAsWords(Counts):
    def read(self, X):
        if isinstance(X, str):
            raise ValueError("X is a single str.")
        is_number = (int, float)
        return super().read(
            str(x) if isinstance(x, is_number) and x == x else x for x in X
        )


@breaks("check_lists_of_tokens")
class ReadsListsAsWords(Counts):
    def read(self, X):
        if isinstance(X, str):
            raise ValueError("X is a single str.")
        return super().read(str(x) if isinstance(x, list) else x for x in X)


@breaks("check_bytes")
class ReadsTheReprOfBytes(Counts):
    def read(self, X):
        if isinstance(X, str):
            raise ValueError("X is a single str.")
        return super().read(repr(x) if isinstance(x, bytes) else x for x in X)


# -- y and weights ---------------------------------------------------------------------


@breaks("check_inconsistent_lengths")
class StopsAtTheShorter(Bayes):
    def fit(self, X, y, sample_weight=None):
        texts = self.read(X)
        n = min(len(texts), len(y))
        return super().fit(texts[:n], y[:n], sample_weight)


@breaks("check_missing_y")
class TakesNoneForALabel(Bayes):
    def labels(self, y):
        y = np.asarray(y)
        return y.astype(str) if pd.isna(y).any() else y


@breaks("check_containers_of_y")
class ReadsYByLabels(Bayes):
    def labels(self, y):
        if isinstance(y, pd.Series):
            y = [y[i] for i in range(len(y))]
        return super().labels(y)


@breaks("check_score")
class ScoresByProbability(Bayes):
    def score(self, X, y, sample_weight=None):
        return self.predict_proba(X).max(axis=1).mean()


@breaks("check_sample_weight_of_ones")
class HasAnotherDefaultWeight(Bayes):
    def weights(self, sample_weight, n_texts):
        if sample_weight is None:
            return np.full(n_texts, 0.1)
        return super().weights(sample_weight, n_texts)


@breaks("check_sample_weight_counts")
class IgnoresWeights(Bayes):
    def weights(self, sample_weight, n_texts):
        return np.ones_like(super().weights(sample_weight, n_texts))


@breaks("check_sample_weight_length")
class RepeatsTheFirstWeights(Bayes):
    def weights(self, sample_weight, n_texts):
        if sample_weight is not None:
            sample_weight = np.resize(sample_weight, n_texts)
        return super().weights(sample_weight, n_texts)


@breaks("check_regressor_learns")
class PredictsTheMean(Ridge):
    def predict(self, X):
        return np.full(len(self.count(X)), self.mean_)


@breaks("check_regressor_predicts_floats")
class RoundsNumbers(Ridge):
    def predict(self, X):
        return super().predict(X).round().astype(int)


# -- classes ---------------------------------------------------------------------------


@breaks("check_classifier_learns")
class PredictsTheFirstClass(Bayes):
    def scores(self, X):
        return super().scores(X) * 0


@breaks("check_classes")
class HasClassesInAnyOrder(Bayes):
    def start(self, labels):
        super().start(labels)
        self.classes_ = self.classes_[::-1].copy()


@breaks("check_names_of_classes")
class UsesLabelsAsNumbers(Bayes):
    def scores(self, X):
        if self.classes_.dtype.kind == "i":
            return super().scores(X) + 0.001 * self.classes_
        return super().scores(X)


@breaks("check_one_class")
class NeedsASecondClass(Bayes):
    def scores(self, X):
        scores = super().scores(X)
        return scores if scores[:, 1].size else None


@breaks("check_probabilities")
class HasProbabilitiesPerClass(Bayes):
    def predict_proba(self, X):
        return 1 / (1 + np.exp(-super().scores(X) - 20))


@breaks("check_decision_function")
class HasTwoScoresForTwoClasses(Bayes):
    def decision_function(self, X):
        return self.scores(X)


@breaks("check_partial_fit_goes_on")
class StartsAnewWithEachPart(Bayes):
    def partial_fit(self, X, y, classes=None):
        kept = getattr(self, "classes_", classes)
        vars(self).pop("vocabulary_", None)
        return super().partial_fit(X, y, kept)


@breaks("check_partial_fit_unknown_label")
class IgnoresUnknownLabels(Bayes):
    def add(self, texts, y, weight):
        known = np.isin(y, self.classes_)
        texts = [text for text, is_known in zip(texts, known, strict=True) if is_known]
        return super().add(texts, y[known], weight[known])


@breaks("check_fit_after_partial_fit")
class GoesOnInFit(Bayes):
    def start(self, labels):
        table = getattr(self, "table_", None)
        super().start(labels)
        if table is not None and table.shape == self.table_.shape:
            self.table_ = table


# -- columns ---------------------------------------------------------------------------


@breaks("check_number_of_columns")
class DropsEmptyColumns(Counts):
    def transform(self, X):
        counts = super().transform(X)
        return counts[:, counts.any(axis=0)]


@breaks("check_fit_transform")
class TransformsOtherwiseInFit(Counts):
    def fit_transform(self, X, y=None):
        return np.log1p(super().fit_transform(X, y))


@breaks("check_feature_names_out")
class NamesOtherColumns(Counts):
    def get_feature_names_out(self, input_features=None):
        return super().get_feature_names_out()[:-1]


@breaks("check_fit_without_y")
class NeedsAYItDoesNotUse(Counts):
    def fit(self, X, y):
        return super().fit(X, y)


# -- pickles and processes -------------------------------------------------------------


@breaks("check_pickle")
class HoldsALock(Counts):
    def fit(self, X, y=None):
        self.lock_ = threading.Lock()
        return super().fit(X, y)

    def __deepcopy__(self, memo):
        twin = type(self)()
        vars(twin).update(vars(self))
        return twin


@breaks("check_pickle_unfitted")
class CannotBePickledBeforeFit(Counts):
    def __getstate__(self):
        if not hasattr(self, "vocabulary_"):
            raise NotFittedError("Nothing to store yet.")
        return super().__getstate__()

    def __deepcopy__(self, memo):
        twin = type(self)()
        vars(twin).update(vars(self))
        return twin


@breaks("check_deepcopy")
class IsItsOwnCopy(Counts):
    def __deepcopy__(self, memo):
        return self


@breaks("check_answers_in_another_process")
class HashesWordsByPython(Counts):
    def transform(self, X):
        check_is_fitted(self)
        counts = np.zeros((len(self.read(X)), 64))
        for row, text in zip(counts, self.read(X), strict=True):
            for word in text.split():
                row[hash(word) % 64] += 1
        return counts

    def get_feature_names_out(self, input_features=None):
        return np.array([f"bucket {i}" for i in range(64)], dtype=object)


@breaks("check_fit_in_another_process")
class OrdersWordsByASet(Counts):
    def words(self, texts):
        return {word for text in texts for word in self.tokens(text)}
