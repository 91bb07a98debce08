"""Tuning within a time budget, on scikit-learn's own search.

Not imported with the package: ``from skbag.tuning import TimedSearchCV``.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from numbers import Integral, Real
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    MetaEstimatorMixin,
    _fit_context,
    clone,
    is_regressor,
)
from sklearn.exceptions import ConvergenceWarning, FitFailedWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.metrics import check_scoring
from sklearn.model_selection import GridSearchCV, HalvingRandomSearchCV, check_cv
from sklearn.utils import check_random_state, get_tags
from sklearn.utils._param_validation import HasMethods, Interval
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _num_samples, check_is_fitted

from skbag._classifier import EmbeddingBagClassifier
from skbag._persistence.safetensors_file import file_size
from skbag._search_space import by_parameter, search_space, seeded, space_of
from skbag._targets.classification_targets import learn_targets
from skbag._text.token_cache import shared_tokens

__all__ = ["TimedSearchCV", "search_space", "shared_tokens"]

FACTOR = 3
"""Of so many candidates the best goes on, with as many times the samples."""

MOST_ROUNDS = 3
"""Rounds of halving, at most: the first candidates see ``FACTOR ** -MOST_ROUNDS`` of
the samples."""

LEAST_PER_CLASS = 4
"""Samples of each class, on average and in each fold, that a first round needs."""


def _has(method: str) -> Callable[[Any], bool]:
    """Whether the estimator of a search has a method."""

    def check(search: Any) -> bool:
        return hasattr(getattr(search, "best_estimator_", search._start), method)

    return check


def _read_labels(X: Any, y: Any) -> tuple[Any, int]:
    """Labels that scorers can read, and the number of classes.

    Raises
    ------
    ValueError
        If there are no samples or no labels.
    """
    if y is None:
        raise ValueError(
            "This TimedSearchCV estimator requires y to be passed, but the target y is "
            "None. Pass the labels."
        )
    if _num_samples(X) == 0:
        raise ValueError("X holds 0 samples; a minimum of 1 is required.")
    targets, codes = learn_targets(y)
    if isinstance(codes, np.ndarray) and np.asarray(y).dtype == object:
        # Scorers take no numbers in an object array.
        y = targets.classes[codes]
    return y, len(targets.classes)


class TimedSearchCV(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """Search for better parameters until a time is up, then fit with the best.

    The estimator as it is comes first, by cross-validation. Then scikit-learn's
    ``HalvingRandomSearchCV`` draws candidates and sends the best third of each round on
    to three times the samples (successive halving), again and again with new
    candidates as long as there is time (Li et al., "Hyperband: A Novel Bandit-Based
    Approach to Hyperparameter Optimization", JMLR 2018, repeats it likewise). What was
    measured on all samples competes; the best is fitted on them. Ctrl-C ends the
    search early and keeps what it has found.

    .. versionadded:: 0.1

    Parameters
    ----------
    estimator : estimator or None, default=None
        Whose parameters to tune; None is ``EmbeddingBagClassifier()``. Parameters that
        are not drawn stay as they are. A pipeline, for instance.

    param_distributions : dict or None, default=None
        Lists, or distributions with a method ``rvs``, by parameter; None is
        `search_space`, of each `EmbeddingBagClassifier` in the estimator.

    time_budget : float, default=300.0
        Seconds for everything, the last fit included. It is not exceeded by more than
        one round of search that took longer than those before; a first
        cross-validation and the last fit take place in any case.

    max_bytes : int or None, default=None
        The most bytes that the file of the best estimator may have. If it would have
        more, the estimator is compressed (`EmbeddingBagClassifier.compress`), and
        cannot learn on.

    cv : int, cross-validation generator or iterable, default=3
        Splits, as in ``GridSearchCV``.

    scoring : str, callable or None, default=None
        What to maximise, one score; None is the estimator's ``score``.

    random_state : int, RandomState instance or None, default=None
        Of the candidates; and of the estimator where that has none.

    verbose : int, default=0
        Print each round's best.

    Attributes
    ----------
    best_estimator_ : estimator
        Fitted on all samples with `best_params_`.

    best_params_ : dict
        What differs from `estimator`; empty where nothing better was found.

    best_score_ : float
        Mean score of the best in cross-validation on all samples.

    default_score_ : float
        That of `estimator` as it is.

    best_index_ : int
        Its place in `cv_results_`.

    scorer_ : callable
        What was maximised.

    cv_results_ : dict
        As that of ``GridSearchCV``, of each candidate in each round; the first is
        `estimator` as it is. Beside it ``n_resources`` (samples) and ``search`` (a
        number). Those that did not see all samples rank behind those that did.

    n_splits_ : int
        Splits of the cross-validation.

    refit_time_ : float
        Seconds of the last fit.

    multimetric_ : bool
        False: one score is maximised.

    n_candidates_ : int
        How many different candidates were tried.

    search_seconds_ : float
        How long it took in all.

    classes_ : ndarray of shape (n_classes,)
        The labels.

    See Also
    --------
    search_space : What is tried.

    Examples
    --------
    >>> from skbag.tuning import TimedSearchCV
    >>> texts, labels = ["late parcel", "refund my money"] * 30, [0, 1] * 30
    >>> search = TimedSearchCV(time_budget=2, random_state=0).fit(texts, labels)
    >>> search.predict(["where is my parcel"])
    array([0])
    """

    _doc_link_module = EmbeddingBagClassifier._doc_link_module
    _doc_link_template = EmbeddingBagClassifier._doc_link_template

    _parameter_constraints = {  # noqa: RUF012
        "estimator": [HasMethods(["fit"]), None],
        "param_distributions": [dict, None],
        "time_budget": [Interval(Real, 0, None, closed="neither")],
        "max_bytes": [Interval(Integral, 1, None, closed="left"), None],
        "cv": ["cv_object"],
        "scoring": [str, callable, None],
        "random_state": ["random_state"],
        "verbose": [Interval(Integral, 0, None, closed="left")],
    }

    def __init__(
        self,
        estimator: Any = None,
        param_distributions: dict[str, Any] | None = None,
        *,
        time_budget: float = 300.0,
        max_bytes: int | None = None,
        cv: Any = 3,
        scoring: Any = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.estimator = estimator
        self.param_distributions = param_distributions
        self.time_budget = time_budget
        self.max_bytes = max_bytes
        self.cv = cv
        self.scoring = scoring
        self.random_state = random_state
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: ArrayLike | None = None, **params: Any) -> TimedSearchCV:
        """Search, then fit with the best parameters.

        Parameters
        ----------
        X : texts or matrix
            As in `EmbeddingBagClassifier.fit`.
        y : array-like of shape (n_samples,), or matrix of shape (n_samples, n_labels)
        **params : dict
            For the estimator's ``fit``, such as `sample_weight`, and `groups` for the
            splitter, as in ``GridSearchCV.fit``.

        Returns
        -------
        self : TimedSearchCV

        Raises
        ------
        ValueError
            If `X` or `y` cannot be used, or `max_bytes` cannot be met.
        """
        started = perf_counter()
        if is_regressor(self._start):
            raise ValueError(
                "TimedSearchCV is a classifier and tunes classifiers, got "
                f"{type(self._start).__name__}. For a regressor use scikit-learn's "
                "HalvingRandomSearchCV or RandomizedSearchCV."
            )
        y, n_classes = _read_labels(X, y)
        random_state = check_random_state(self.random_state)
        seed = random_state.randint(np.iinfo(np.int32).max)
        estimator = seeded(clone(self._start), seed)
        if self.max_bytes is not None and not hasattr(estimator, "compress"):
            raise ValueError(
                f"max_bytes={self.max_bytes} needs an EmbeddingBagClassifier, which "
                f"can be compressed, got {type(estimator).__name__}. Use None."
            )
        self.scorer_ = check_scoring(estimator, scoring=self.scoring)
        self._measured: list[dict[str, Any]] = []
        with shared_tokens():
            self._score(estimator, X, y, params)
            seconds = perf_counter() - started
            self.n_splits_ = self._n_splits(X, y, params)
            self.multimetric_ = False
            deadline = started + self.time_budget - seconds / self.n_splits_
            try:
                for number in self._rounds(seconds, deadline, random_state):
                    self._search(
                        estimator, X, y, params, number, n_classes, random_state
                    )
            except KeyboardInterrupt:
                warnings.warn(
                    "The search was interrupted; the best found so far is fitted.",
                    UserWarning,
                    stacklevel=2,
                )
            self._choose(_num_samples(X))
            self.best_estimator_ = clone(estimator).set_params(**self.best_params_)
            routed = self._grid(estimator)._get_routed_params_for_fit(params)
            refit_started = perf_counter()
            self.best_estimator_.fit(X, y, **routed.estimator.fit)
            self.refit_time_ = perf_counter() - refit_started
        if self.max_bytes is not None and file_size(self.best_estimator_) > (
            self.max_bytes
        ):
            self.best_estimator_ = self.best_estimator_.compress(self.max_bytes)
        self.classes_ = self.best_estimator_.classes_
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self.best_estimator_, name):
                setattr(self, name, getattr(self.best_estimator_, name))
        self.search_seconds_ = perf_counter() - started
        return self

    @property
    def _start(self) -> Any:
        """The estimator as it is."""
        return EmbeddingBagClassifier() if self.estimator is None else self.estimator

    def get_metadata_routing(self) -> Any:
        """Return what `fit` passes on, as ``GridSearchCV`` does.

        Returns
        -------
        routing : MetadataRouter
        """
        return self._grid(self._start).get_metadata_routing()

    def score(self, X: Any, y: ArrayLike, **params: Any) -> float:
        """Score of the best estimator, by `scoring`.

        Parameters
        ----------
        X : texts or matrix
        y : array-like of shape (n_samples,), or matrix of shape (n_samples, n_labels)
        **params : dict
            For the scorer.

        Returns
        -------
        score : float
        """
        check_is_fitted(self)
        return float(self.scorer_(self.best_estimator_, X, y, **params))

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict by the best estimator.

        Parameters
        ----------
        X : texts or matrix

        Returns
        -------
        labels : ndarray of shape (n_samples,), or matrix of shape (n_samples, n_labels)
        """
        check_is_fitted(self)
        labels: NDArray[Any] = self.best_estimator_.predict(X)
        return labels

    @available_if(_has("predict_proba"))
    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities of the best estimator.

        Parameters
        ----------
        X : texts or matrix

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
        """
        check_is_fitted(self)
        probabilities: NDArray[np.float64] = self.best_estimator_.predict_proba(X)
        return probabilities

    @available_if(_has("decision_function"))
    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Scores of the best estimator.

        Parameters
        ----------
        X : texts or matrix

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
        """
        check_is_fitted(self)
        scores: NDArray[np.float64] = self.best_estimator_.decision_function(X)
        return scores

    @available_if(_has("predict_log_proba"))
    def predict_log_proba(self, X: Any) -> NDArray[np.float64]:
        """Logarithms of the probabilities of the best estimator.

        Parameters
        ----------
        X : texts or matrix

        Returns
        -------
        log_probabilities : ndarray of shape (n_samples, n_classes)
        """
        check_is_fitted(self)
        logarithms: NDArray[np.float64] = self.best_estimator_.predict_log_proba(X)
        return logarithms

    @available_if(_has("transform"))
    def transform(self, X: Any) -> Any:
        """Document vectors of the best estimator.

        Parameters
        ----------
        X : texts or matrix

        Returns
        -------
        vectors : ndarray of shape (n_samples, n_dimensions)
        """
        check_is_fitted(self)
        return self.best_estimator_.transform(X)

    @available_if(_has("transform"))
    def fit_transform(self, X: Any, y: ArrayLike | None = None, **params: Any) -> Any:
        """Search, then return the document vectors of the best estimator.

        Parameters
        ----------
        X, y, **params
            As in `fit`.

        Returns
        -------
        vectors : ndarray of shape (n_samples, n_dimensions)
        """
        return self.fit(X, y, **params).transform(X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # A place-holder, such as one that is yet to be drawn, has none.
        if hasattr(self._start, "__sklearn_tags__"):
            of_estimator = get_tags(self._start)
            tags.input_tags = of_estimator.input_tags
            tags.classifier_tags = of_estimator.classifier_tags
            tags.transformer_tags = of_estimator.transformer_tags
            tags.target_tags = of_estimator.target_tags
        return tags

    def _n_splits(self, X: Any, y: ArrayLike, params: dict[str, Any]) -> int:
        splitter = check_cv(self.cv, y, classifier=True)
        n_splits: int = splitter.get_n_splits(X, y, params.get("groups"))
        return n_splits

    def _grid(self, estimator: Any) -> GridSearchCV:
        """Cross-validation of one candidate."""
        # Not cross_val_score, which takes no sparse y.
        return GridSearchCV(
            estimator,
            {},
            cv=self.cv,
            scoring=self.scoring,
            refit=False,
            error_score="raise",
        )

    def _score(
        self, estimator: Any, X: Any, y: ArrayLike, params: dict[str, Any]
    ) -> None:
        """Cross-validate the estimator as it is."""
        search = self._grid(estimator).fit(X, y, **params)
        self.default_score_ = float(search.cv_results_["mean_test_score"][0])
        self._note(search.cv_results_ | {"n_resources": [_num_samples(X)]}, 0)

    def _rounds(
        self, seconds: float, deadline: float, random_state: np.random.RandomState
    ) -> Iterator[int]:
        """Count searches as long as the next, by those before, ends in time."""
        # A search costs about as much as its rounds cross-validations of all samples.
        expected = seconds * (MOST_ROUNDS + 1)
        number = 0
        while perf_counter() + expected < deadline:
            number += 1
            begun = perf_counter()
            yield number
            expected = max(perf_counter() - begun, expected if number > 1 else 0)

    def _search(
        self,
        estimator: Any,
        X: Any,
        y: ArrayLike,
        params: dict[str, Any],
        number: int,
        n_classes: int,
        random_state: np.random.RandomState,
    ) -> None:
        """One search by successive halving."""
        n_samples = _num_samples(X)
        least = LEAST_PER_CLASS * n_classes * self._n_splits(X, y, params)
        rounds = MOST_ROUNDS
        while rounds > 1 and n_samples // FACTOR**rounds < least:
            rounds -= 1
        search = HalvingRandomSearchCV(
            estimator,
            self.param_distributions or space_of(estimator),
            n_candidates=FACTOR**rounds,
            factor=FACTOR,
            min_resources=max(n_samples // FACTOR**rounds, 1),
            max_resources=n_samples,
            cv=self.cv,
            scoring=self.scoring,
            refit=False,
            random_state=random_state.randint(np.iinfo(np.int32).max),
        )
        with warnings.catch_warnings():
            # A candidate may leave no token, or diverge: it loses, and that is all.
            warnings.simplefilter("ignore", FitFailedWarning)
            warnings.simplefilter("ignore", ConvergenceWarning)
            not_finite = "One or more of the (test|train) scores"
            warnings.filterwarnings("ignore", not_finite, UserWarning)
            search.fit(X, y, **params)
        self._note(search.cv_results_, number)
        if self.verbose:
            scores = search.cv_results_["mean_test_score"]
            sys.stdout.write(f"Search {number}: best score {np.nanmax(scores):.4f}\n")

    def _note(self, results: dict[str, Any], number: int) -> None:
        """Keep what was measured: a dict for each candidate."""
        measures = [
            key for key in results if key.startswith(("mean_", "std_", "split"))
        ]
        for i, params in enumerate(results["params"]):
            scores = {key: float(results[key][i]) for key in measures}
            n_resources = int(results["n_resources"][i])
            self._measured.append(
                {
                    "params": params,
                    "n_resources": n_resources,
                    "search": number,
                    **scores,
                }
            )

    def _choose(self, n_samples: int) -> None:
        """Take the best of what was measured on all, or nearly all, samples."""
        measured = self._measured
        del self._measured
        scores = np.array([each["mean_test_score"] for each in measured])
        # Rounds of thirds end at the last multiple of the first.
        on_all = (
            np.array([each["n_resources"] for each in measured]) * FACTOR > n_samples
        )
        compared = np.where(on_all & ~np.isnan(scores), scores, -np.inf)
        self.best_index_ = int(compared.argmax())
        self.best_params_: dict[str, Any] = measured[self.best_index_]["params"]
        self.best_score_ = float(scores[self.best_index_])
        # In rank order: those on all samples, by score, then the others by theirs.
        order = np.lexsort((-np.nan_to_num(scores, nan=-np.inf), ~on_all))
        keys = [tuple(x) for x in zip(~on_all[order], -scores[order], strict=True)]
        ranks = np.empty(len(order), dtype=np.int32)
        ranks[order] = [1 + keys.index(key) for key in keys]
        self.cv_results_ = {
            "params": [each["params"] for each in measured],
            **by_parameter([each["params"] for each in measured]),
            **{
                key: np.array([each[key] for each in measured])
                for key in measured[0]
                if key != "params"
            },
            "rank_test_score": ranks,
        }
        candidates = {
            (each["search"], repr(sorted(each["params"].items()))) for each in measured
        }
        self.n_candidates_ = len(candidates)
