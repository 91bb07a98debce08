"""The public estimator: parameters, documentation, validation and glue.

Nothing numeric is decided here; see docs/architecture.md for the rooms below.
"""

from __future__ import annotations

import copy
import sys
import warnings
from collections.abc import Callable
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import _check_partial_fit_first_call
from sklearn.utils.validation import check_is_fitted

from skbag import _inputs, _losses, _targets
from skbag._callbacks import CallbackSupportMixin, EpochTasks, with_callbacks
from skbag._model import Model
from skbag._preparation import Pruning
from skbag._vocabulary import TOKEN_PATTERN, TextOptions
from skbag._weighting import Weighting

if TYPE_CHECKING:
    from skbag._fitting import FitResult, Settings
    from skbag._training_run import EpochReport

_DOCUMENTATION = "https://skbag.readthedocs.io/en/latest/api.html"
_PRIVATE_STATE = ("_model", "_resume", "_vocabulary")


class EmbeddingBagClassifier(
    CallbackSupportMixin,  # type: ignore[misc]
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    ClassifierMixin,
    BaseEstimator,
):
    """Placeholder."""

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        "lowercase": ["boolean"],
        "strip_accents": [StrOptions({"ascii", "unicode"}), None, callable],
        "preprocessor": [callable, None],
        "tokenizer": [callable, None],
        "token_pattern": [str],
        "analyzer": [StrOptions({"word", "char", "char_wb"}), callable],
        "stop_words": [StrOptions({"english"}), list, None],
        "ngram_range": [tuple],
        "min_df": [
            StrOptions({"auto"}),
            Interval(Real, 0, 1, closed="both"),
            Interval(Integral, 1, None, closed="left"),
        ],
        "max_df": [
            Interval(Real, 0, 1, closed="both"),
            Interval(Integral, 1, None, closed="left"),
        ],
        "max_features": [Interval(Integral, 1, None, closed="left"), None],
        "vocabulary": ["array-like", dict, set, None],
        "short_text_features": [StrOptions({"auto"}), "boolean"],
        "use_idf": ["boolean"],
        "sublinear_tf": ["boolean"],
        "norm": [StrOptions({"l1", "l2"}), None],
        "supervised_weighting": [StrOptions({"auto"}), "boolean"],
        "embedding_dim": [Interval(Integral, 1, None, closed="left"), None],
        "hidden_layer_sizes": ["array-like"],
        "loss": [StrOptions(set(_losses.LOSSES))],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "alpha": [StrOptions({"auto"}), Interval(Real, 0, None, closed="left")],
        "learning_rate_init": [
            StrOptions({"auto"}),
            Interval(Real, 0, None, closed="neither"),
        ],
        "max_iter": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "batch_size": [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
        ],
        "shuffle": ["boolean"],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "device": [str],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        *,
        lowercase: bool = True,
        strip_accents: str | Callable[[str], str] | None = None,
        preprocessor: Callable[[str], str] | None = None,
        tokenizer: Callable[[str], list[str]] | None = None,
        token_pattern: str = TOKEN_PATTERN,
        analyzer: str | Callable[[Any], list[Any]] = "word",
        stop_words: str | list[str] | None = None,
        ngram_range: tuple[int, int] = (1, 2),
        min_df: float | str = "auto",
        max_df: float = 1.0,
        max_features: int | None = None,
        vocabulary: Any = None,
        short_text_features: bool | str = "auto",
        use_idf: bool = True,
        sublinear_tf: bool = True,
        norm: str | None = "l2",
        supervised_weighting: bool | str = "auto",
        embedding_dim: int | None = None,
        hidden_layer_sizes: tuple[int, ...] = (),
        loss: str = "squared_hinge",
        dropout: float = 0.0,
        alpha: float | str = "auto",
        learning_rate_init: float | str = "auto",
        max_iter: int | str = "auto",
        batch_size: int | str = "auto",
        shuffle: bool = True,
        class_weight: Any = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        tol: float = 1e-4,
        warm_start: bool = False,
        random_state: Any = None,
        verbose: int = 0,
        device: str = "auto",
        n_jobs: int | None = None,
    ) -> None:
        self.lowercase = lowercase
        self.strip_accents = strip_accents
        self.preprocessor = preprocessor
        self.tokenizer = tokenizer
        self.token_pattern = token_pattern
        self.analyzer = analyzer
        self.stop_words = stop_words
        self.ngram_range = ngram_range
        self.min_df = min_df
        self.max_df = max_df
        self.max_features = max_features
        self.vocabulary = vocabulary
        self.short_text_features = short_text_features
        self.use_idf = use_idf
        self.sublinear_tf = sublinear_tf
        self.norm = norm
        self.supervised_weighting = supervised_weighting
        self.embedding_dim = embedding_dim
        self.hidden_layer_sizes = hidden_layer_sizes
        self.loss = loss
        self.dropout = dropout
        self.alpha = alpha
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.class_weight = class_weight
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose
        self.device = device
        self.n_jobs = n_jobs

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> EmbeddingBagClassifier:
        """Learn the vocabulary, the weights of its tokens and the model.

        If anything goes wrong on the way, the estimator is as it was before.

        Parameters
        ----------
        X : texts, or a matrix of shape (n_samples, n_features)
            Texts as a list, tuple, 1-D array, pandas or polars Series, Arrow array,
            or in an (n_samples, 1) array or data frame. Or bags as a sparse or dense
            matrix of numbers: column j is token j, a value its weight.
        y : array-like of shape (n_samples,)
            Class labels of any type.
        sample_weight : array-like of shape (n_samples,), default=None
            How much each sample counts, in its classes' document counts too. Only
            the proportions matter; a sample of weight 0 is as good as absent.

        Returns
        -------
        self : EmbeddingBagClassifier

        Raises
        ------
        ValueError, TypeError
            If `X`, `y`, `sample_weight` or a parameter cannot be used; the message
            says what was seen, what was expected and what to try.

        Warns
        -----
        ConvergenceWarning
            If training diverges; the last sound state is kept.
        """
        max_epochs = None if self.max_iter == "auto" else int(self.max_iter)
        data = {"X": X, "y": y, "metadata": {"sample_weight": sample_weight}}
        tasks = EpochTasks(self, max_epochs, data)
        trial = self._trial(keep_fitted=self.warm_start)
        trial._fit(X, y, sample_weight, tasks)
        tasks.end_fit(trial._fitted_attributes)
        # One assignment: an interruption leaves the old state or the new one.
        self.__dict__ = trial.__dict__
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: Any,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> EmbeddingBagClassifier:
        """Go on learning from one more part of the data, in one pass over it.

        Tokens that come for the first time join the vocabulary with new ids. Document
        and class counts add up, and with them the weights of all tokens change; the
        rows of the table are rescaled so that weight times row, what earlier texts
        have taught, stays the same. `min_df`, `max_df` and `max_features` need all
        texts at once and apply in `fit` only, as do `early_stopping`,
        ``class_weight="balanced"`` and the falling learning rate.

        Parameters
        ----------
        X, y
            As in `fit`.
        classes : array-like of shape (n_classes,), default=None
            All labels that will ever come; needed in the first call.
        sample_weight : array-like of shape (n_samples,), default=None
            How much each sample counts against one of weight 1, across all calls.

        Returns
        -------
        self : EmbeddingBagClassifier

        Raises
        ------
        ValueError, TypeError
            As `fit`; and where `y` holds a label that `classes` did not announce.
        """
        trial = self._trial(keep_fitted=True)
        trial._partial_fit(X, y, classes, sample_weight)
        self.__dict__ = trial.__dict__
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict the class of each sample.

        Parameters
        ----------
        X : texts or matrix
            Of the kind that `fit` was given. A text without known tokens is answered
            by the intercept.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Of the dtype of `classes_`.
        """
        labels: NDArray[Any] = self.classes_[_losses.predicted_codes(self._scores(X))]
        return labels

    def decision_function(self, X: Any) -> NDArray[np.float32]:
        """Score of each class; of ``classes_[1]`` where there are two.

        Parameters
        ----------
        X : texts or matrix

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
        """
        scores = self._scores(X)
        return scores.ravel() if scores.shape[1] == 1 else scores

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probability of each class: the softmax of ``temperature_`` x scores.

        Parameters
        ----------
        X : texts or matrix

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes), dtype=float64
            Columns in the order of `classes_`.
        """
        return _losses.probabilities(self._scores(X), self._model.temperature)

    def predict_log_proba(self, X: Any) -> NDArray[np.float64]:
        """Natural logarithm of `predict_proba`, without underflow.

        Parameters
        ----------
        X : texts or matrix

        Returns
        -------
        log_probabilities : ndarray of shape (n_samples, n_classes), dtype=float64
        """
        return _losses.log_probabilities(self._scores(X), self._model.temperature)

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Document vectors: the weighted sum of the embeddings of each text's tokens.

        Parameters
        ----------
        X : texts or matrix

        Returns
        -------
        vectors : ndarray of shape (n_samples, embedding_dim), dtype=float32
            One column per output where ``embedding_dim=None``.
        """
        check_is_fitted(self)
        X = _inputs.read_X(self, X, reset=False)
        return self._model.vectors(X)

    @property
    def vocabulary_(self) -> dict[str, int]:
        """Token to id (row of `embedding_`); after fitting on texts only."""
        encoder = self._fitted_model().encoder
        if encoder is None:
            raise AttributeError(
                "vocabulary_ exists after fitting on texts; this "
                "EmbeddingBagClassifier was fitted on a matrix."
            )
        # Built when first asked for: most users of a fitted model never do.
        if "_vocabulary" not in self.__dict__:
            names = encoder.names()
            self._vocabulary = dict(zip(names, range(len(names)), strict=True))
        return self._vocabulary

    @property
    def embedding_(self) -> NDArray[np.float32]:
        """The table, one row per id."""
        return self._fitted_model().fitted.embedding

    @property
    def coef_(self) -> NDArray[np.float32]:
        """Coefficients of the last layer, one row per output."""
        fitted = self._fitted_model().fitted
        coef = fitted.layers[-1][0]
        return fitted.embedding.T if coef is None else coef

    @property
    def intercept_(self) -> NDArray[np.float32]:
        """Intercept of the last layer, one per output."""
        return self._fitted_model().fitted.layers[-1][1]

    @property
    def _n_features_out(self) -> int:
        return int(self.embedding_.shape[1])

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())
        state.pop("_vocabulary", None)
        return state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = []
        return tags

    _doc_link_module = "skbag"

    @property
    def _doc_link_template(self) -> str:
        return _DOCUMENTATION + "#skbag.{estimator_name}"

    # Everything below belongs to one call of fit, and runs on a copy of the estimator
    # that takes its place when all has gone well.

    def _trial(self, *, keep_fitted: bool) -> EmbeddingBagClassifier:
        trial = copy.copy(self)
        for name in list(vars(trial)):
            is_fitted = name.endswith("_") and not name.startswith("_")
            if name == "_vocabulary" or (
                not keep_fitted and (is_fitted or name in _PRIVATE_STATE)
            ):
                delattr(trial, name)
        return trial

    def _fitted_attributes(self) -> dict[str, Any]:
        return {
            name: value
            for name, value in vars(self).items()
            if name in _PRIVATE_STATE or name.endswith("_")
        }

    def _fit(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        tasks: EpochTasks,
    ) -> None:
        # Imported here: predicting with an unpickled estimator must not need torch.
        from skbag._fitting import fit

        before = getattr(self, "_model", None)
        X = _inputs.read_X(self, X, reset=before is None)
        classes, codes = _targets.learn_classes(y)
        if before is not None:
            _targets.check_same_classes(classes, self.classes_)
        _inputs.check_lengths(X, codes)
        weight = _inputs.read_sample_weight(sample_weight, len(codes))
        weight = _inputs.total_weight(weight, self.class_weight, classes, codes)
        self.classes_ = classes

        def end_epoch(report: EpochReport, model_so_far: Callable[[], Model]) -> bool:
            if self.verbose:
                _print_epoch(report)
            return tasks.end_epoch(
                lambda: {**self._fitted_attributes(), "_model": model_so_far()}
            )

        result = fit(
            X,
            codes,
            weight,
            self._settings(is_text=isinstance(X, list)),
            n_classes=len(classes),
            random_state=check_random_state(self.random_state),
            before=before,
            begin_epoch=tasks.begin_epoch,
            end_epoch=end_epoch,
        )
        self._keep(result)
        self.loss_curve_ = result.outcome.loss_curve
        self.n_iter_ = max(len(self.loss_curve_), 1)
        scores = result.outcome.validation_scores
        self.validation_scores_ = scores if self.early_stopping else None
        self.best_validation_score_ = max(scores) if scores else None

    def _partial_fit(
        self,
        X: Any,
        y: ArrayLike,
        classes: ArrayLike | None,
        sample_weight: ArrayLike | None,
    ) -> None:
        from skbag._fitting import partial_fit

        for parameter, value, unusable in (
            ("early_stopping", self.early_stopping, True),
            ("class_weight", self.class_weight, "balanced"),
        ):
            if value == unusable:
                raise ValueError(
                    f"partial_fit does not support {parameter}={value!r}, which needs "
                    "all the data at once. Use fit, or change the parameter."
                )
        before = getattr(self, "_model", None)
        X = _inputs.read_X(self, X, reset=before is None)
        if _check_partial_fit_first_call(self, classes):
            _targets.check_classes(self.classes_)
        codes = _targets.encode_labels(y, self.classes_)
        _inputs.check_lengths(X, codes)
        weight = _inputs.read_sample_weight(sample_weight, len(codes))
        weight = _inputs.total_weight(weight, self.class_weight, self.classes_, codes)
        result = partial_fit(
            X,
            codes,
            weight,
            self._settings(is_text=isinstance(X, list)),
            n_classes=len(self.classes_),
            random_state=check_random_state(self.random_state),
            before=before,
            resume=getattr(self, "_resume", None),
        )
        self._keep(result)
        earlier = getattr(self, "loss_curve_", [])
        self.loss_curve_ = [*earlier, *result.outcome.loss_curve]
        self.n_iter_ = max(len(self.loss_curve_), 1)
        self.validation_scores_ = self.best_validation_score_ = None

    def _keep(self, result: FitResult) -> None:
        outcome = result.outcome
        if outcome.diverged:
            warnings.warn(
                "Training diverged: the loss grew beyond all bounds. The last sound "
                "state is kept. Lower learning_rate_init (now "
                f"{outcome.learning_rate:.3g}; 'auto' picks a stable one) or scale "
                "the values of X.",
                ConvergenceWarning,
                stacklevel=4,
            )
        self._model = result.model
        self._resume = result.resume
        self.temperature_ = result.model.temperature
        self.learning_rate_ = outcome.learning_rate
        self.alpha_ = outcome.alpha
        self.batch_size_ = outcome.batch_size

    def _settings(self, *, is_text: bool) -> Settings:
        """The parameters, grouped by the room that needs them."""
        from skbag._fitting import Settings
        from skbag._training_run import TrainingOptions

        supervised = (
            is_text
            if self.supervised_weighting == "auto"
            else bool(self.supervised_weighting)
        )
        return Settings(
            text=TextOptions(
                lowercase=self.lowercase,
                strip_accents=self.strip_accents,
                preprocessor=self.preprocessor,
                tokenizer=self.tokenizer,
                token_pattern=self.token_pattern,
                analyzer=self.analyzer,
                stop_words=self.stop_words,
                ngram_range=_ngram_range(self.ngram_range),
                vocabulary=self.vocabulary,
            ),
            short_text_features=self.short_text_features,
            pruning=Pruning(self.min_df, self.max_df, self.max_features),
            weighting=Weighting(
                # A matrix keeps the values that its maker has chosen.
                use_idf=self.use_idf and is_text,
                sublinear_tf=self.sublinear_tf and is_text,
                norm=self.norm if is_text else None,
                supervised=supervised,
            ),
            training=TrainingOptions(
                loss=_losses.LOSSES[self.loss],
                embedding_dim=self.embedding_dim,
                hidden_layer_sizes=_hidden_sizes(
                    self.hidden_layer_sizes, self.embedding_dim
                ),
                dropout=self.dropout,
                learning_rate_init=_none_if_auto(self.learning_rate_init),
                alpha=_none_if_auto(self.alpha),
                max_iter=_none_if_auto(self.max_iter),
                batch_size=_none_if_auto(self.batch_size),
                shuffle=self.shuffle,
                n_iter_no_change=self.n_iter_no_change,
                tol=self.tol,
                device=self.device,
            ),
            validation_fraction=(
                self.validation_fraction if self.early_stopping else None
            ),
            n_jobs=self.n_jobs,
        )

    def _fitted_model(self) -> Model:
        check_is_fitted(self)
        return self._model

    def _scores(self, X: Any) -> NDArray[np.float32]:
        check_is_fitted(self)
        X = _inputs.read_X(self, X, reset=False)
        return self._model.scores(X)


def _none_if_auto(value: Any) -> Any:
    return None if isinstance(value, str) and value == "auto" else value


def _ngram_range(ngram_range: Any) -> tuple[int, int]:
    if len(ngram_range) != 2 or not 1 <= ngram_range[0] <= ngram_range[1]:
        raise ValueError(
            "ngram_range must be two numbers (min_n, max_n) with 1 <= min_n <= max_n, "
            f"got {ngram_range!r}. Use (1, 2) for words and pairs of words."
        )
    return int(ngram_range[0]), int(ngram_range[1])


def _hidden_sizes(sizes: Any, embedding_dim: int | None) -> tuple[int, ...]:
    sizes = tuple(np.atleast_1d(np.asarray(sizes, dtype=object)).tolist())
    if not all(isinstance(size, Integral) and size > 0 for size in sizes):
        raise ValueError(
            f"hidden_layer_sizes must be positive integers, got {sizes!r}. Use () for "
            "no hidden layer."
        )
    if sizes and embedding_dim is None:
        raise ValueError(
            f"hidden_layer_sizes={sizes!r} needs an embedding below the hidden layers: "
            "set embedding_dim, for instance to 64."
        )
    return tuple(int(size) for size in sizes)


def _print_epoch(report: EpochReport) -> None:
    score = report.validation_score
    validation = "" if score is None else f", validation score {score:.4f}"
    sys.stdout.write(
        f"Epoch {report.n_iter}: loss {report.loss:.4f}{validation}, "
        f"{report.texts_per_second:,.0f} samples/s\n"
    )
