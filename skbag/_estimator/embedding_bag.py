"""What the estimators share: fitting, streaming, and the vectors of documents.

As ``BaseHistGradientBoosting`` of scikit-learn: parameters are spelled out by each
estimator, what differs by the kind of `y` is left to hooks, and all else is here.
"""

from __future__ import annotations

import copy
import os
import sys
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    _fit_context,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skbag._core.communicator import (
    SINGLE_PROCESS,
    Communicator,
    check_same,
    weights_on_all,
)
from skbag._core.threads import n_threads
from skbag._estimator import inputs
from skbag._estimator.diagram import DiagramMixin
from skbag._estimator.exporting import ExportingMixin
from skbag._estimator.fit_context import (
    CallbackSupportMixin,
    EpochTasks,
    communicator_of,
    keeps_global_settings,
    sends_parameter_errors,
    with_callbacks,
)
from skbag._estimator.inspecting import InspectingMixin
from skbag._estimator.parameters import (
    CONSTRAINTS,
    check_distributed,
    facts_of,
)
from skbag._model.model import Model
from skbag._persistence.checkpoint import Checkpoint
from skbag._persistence.checkpoint import remove as remove_checkpoint
from skbag._persistence.pickling import PlainStateMixin
from skbag._targets.label_sets import Codes
from skbag._targets.targets import Targets
from skbag._training.samples import Samples

if TYPE_CHECKING:
    from skbag._training.fit_result import FitResult
    from skbag._training.run import EpochReport
    from skbag._training.stream import RowUpdate

_Self = TypeVar("_Self", bound="BaseEmbeddingBag")

_PRIVATE_STATE = ("_model", "_resume", "_targets")


class _HeldOut(NamedTuple):
    """What the caller gives `fit` to validate by."""

    X: Any
    y: Any
    sample_weight: Any


class BaseEmbeddingBag(
    InspectingMixin,
    DiagramMixin,
    ExportingMixin,
    PlainStateMixin,
    CallbackSupportMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    BaseEstimator,
    ABC,
):
    """Base of the estimators that train a bag of embeddings.

    A subclass spells out its parameters in ``__init__``, says which names `loss` may
    take, and reads `y` by `_learn_targets` and `_announce_targets`.
    """

    _targets: Targets

    _parameter_constraints: ClassVar[dict[str, Any]] = CONSTRAINTS
    _losses: ClassVar[Mapping[str, Any]]
    """The loss of each name that the parameter `loss` takes."""

    _needs_all_data: ClassVar[dict[str, Any]] = {
        "distributed": True,
        "early_stopping": True,
    }
    """Values of parameters with which parts of the data are not enough."""

    # Parameters that the methods below read.
    checkpoint: str | os.PathLike[str] | None
    distributed: bool | str
    early_stopping: bool
    loss: str
    max_iter: int | str
    random_state: Any
    verbose: int
    warm_start: bool

    @abstractmethod
    def __init__(self) -> None: ...

    # -- hooks: what differs by the kind of y ------------------------------------------

    @abstractmethod
    def _learn_targets(
        self, y: Any, sample_weight: ArrayLike | None, communicator: Communicator
    ) -> tuple[Targets, Codes]:
        """Targets of the samples of all processes, and the codes of these."""

    @abstractmethod
    def _announce_targets(
        self, y: Any, sample_weight: ArrayLike | None, **announced: Any
    ) -> Targets:
        """Targets of a stream of which `y` is one part."""

    def _weigh(
        self,
        targets: Targets,
        codes: Codes,
        sample_weight: NDArray[np.float64] | None,
        communicator: Communicator,
    ) -> tuple[Targets, NDArray[np.float64] | None]:
        """Apply what else weighs samples, such as `class_weight`."""
        return targets, sample_weight

    def _set_target_attributes(self, targets: Targets) -> None:
        """Set public attributes that say what `y` was."""

    # -- public methods ----------------------------------------------------------------

    @keeps_global_settings
    @with_callbacks
    @sends_parameter_errors
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self: _Self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: Any = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> _Self:
        """Learn the vocabulary, the weights of its tokens and the model.

        If anything goes wrong on the way, the estimator is as it was before.
        """
        max_epochs = None if self.max_iter == "auto" else int(self.max_iter)
        data = {"X": X, "y": y, "metadata": {"sample_weight": sample_weight}}
        tasks = EpochTasks(self, max_epochs, data)
        trial = self._trial(keep_fitted=self.warm_start)
        with communicator_of(trial) as communicator:
            held_out = _HeldOut(X_val, y_val, sample_weight_val)
            trial._fit(X, y, sample_weight, held_out, tasks, communicator)
        tasks.end_fit(trial._fitted_attributes)
        # One assignment: an interruption leaves the old state or the new one.
        self.__dict__ = trial.__dict__
        if self.checkpoint is not None:
            remove_checkpoint(self.checkpoint)
        return self

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
        X = inputs.read_X(self, X, reset=False)
        return self._model.vectors(X, n_threads(self.n_jobs))

    @property
    def _n_features_out(self) -> int:
        return int(self._fitted_model().predictor.embedding.shape[1])

    def __sklearn_clone__(self: _Self) -> _Self:
        """Return an unfitted copy: all parameters are copied but the text encoder.

        That is shared: it may be a large model, on a GPU, and nothing changes it.
        """
        original = copy.copy(self)
        encoder = self._text_encoder
        if encoder is not None:
            original.text_encoder = None
        cloned: _Self = super(BaseEmbeddingBag, original).__sklearn_clone__()
        if encoder is not None:
            cloned.text_encoder = encoder
        return cloned

    @property
    def _text_encoder(self) -> Any:
        """The parameter `text_encoder`, where an estimator has that."""
        return getattr(self, "text_encoder", None)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = []
        return tags

    # -- one call of fit, on a copy of the estimator that takes its place when all has
    # -- gone well ---------------------------------------------------------------------

    def _trial(self: _Self, *, keep_fitted: bool) -> _Self:
        # Not copy.copy, after which both would share arrays that streams change.
        trial = type(self).__new__(type(self))
        trial.__dict__.update(self.__dict__)
        trial.__dict__.pop("_vocabulary", None)
        for name in list(vars(trial)):
            is_fitted = name.endswith("_") and not name.startswith("_")
            if not keep_fitted and (is_fitted or name in _PRIVATE_STATE):
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
        held_out: _HeldOut,
        tasks: EpochTasks,
        communicator: Communicator,
    ) -> None:
        # Imported here: predicting with an unpickled estimator must not need torch.
        from skbag._training.fit import EpochCallbacks, fit

        if self.distributed:
            check_distributed(self)
        before = None
        if hasattr(self, "_model"):
            before = self._learning_model("learn on; fit without warm_start, or keep")
        X = inputs.read_X(self, X, reset=before is None)
        checkpoint = self._checkpoint(X, communicator)
        targets, codes = self._learn_targets(y, sample_weight, communicator)
        if before is not None:
            targets.check_same(self._targets)
            before = _in_units_of(targets, self._targets, before)
        self._targets = targets
        samples = self._samples(X, codes, sample_weight, communicator)
        validation = self._validation_samples(held_out, communicator)
        self._set_target_attributes(targets)
        end_epoch = _EpochEnd(self, tasks, communicator)
        result = fit(
            samples,
            inputs.settings_for(self, X),
            random_state=check_random_state(self.random_state),
            before=before,
            coverage=getattr(self, "embedding_init_coverage_", None),
            callbacks=EpochCallbacks(
                tasks.begin_epoch, end_epoch, self._report_encoded
            ),
            communicator=communicator,
            checkpoint=checkpoint,
            validation=validation,
        )
        self._keep(result)
        self.loss_curve_ = result.outcome.loss_curve
        self.n_iter_ = max(len(self.loss_curve_), 1)
        scores = result.outcome.validation_scores
        self.validation_scores_ = scores if self.early_stopping else None
        self.best_validation_score_ = max(scores) if scores else None

    def _learn_part(
        self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None, **announced: Any
    ) -> None:
        """Train on one part of a stream, or leave all as it was."""
        trial = self._trial(keep_fitted=True)
        update = trial._partial_fit(X, y, sample_weight, **announced)
        try:
            if update is not None:
                update.apply()
            self.__dict__ = trial.__dict__
        except BaseException:
            if update is not None and self.__dict__ is not trial.__dict__:
                update.undo()
            raise

    def _partial_fit(
        self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None, **announced: Any
    ) -> RowUpdate | None:
        from skbag._training.partial_fit import partial_fit

        for parameter, unusable in self._needs_all_data.items():
            value = getattr(self, parameter)
            if value == unusable or (unusable is True and value):
                raise ValueError(
                    f"partial_fit does not support {parameter}={value!r}, which needs "
                    "all the data at once. Use fit, or change the parameter."
                )
        before = None
        if hasattr(self, "_model"):
            before = self._learning_model("learn on; keep")
        X = inputs.read_X(self, X, reset=before is None)
        earlier = getattr(self, "_targets", None)
        resume = getattr(self, "_resume", None)
        self._targets = self._announce_targets(y, sample_weight, **announced)
        if before is not None:
            assert earlier is not None
            model = _in_units_of(self._targets, earlier, before)
            if model is not before and resume is not None:
                # Its table is in other units.
                resume = replace(resume, stream=None)
            before = model
        samples = self._samples(X, self._targets.encode(y), sample_weight)
        inputs.check_absolute(samples.weight)
        result = partial_fit(
            samples,
            inputs.settings_for(self, X),
            random_state=check_random_state(self.random_state),
            before=before,
            coverage=getattr(self, "embedding_init_coverage_", None),
            resume=resume,
        )
        self._keep(result)
        earlier = getattr(self, "loss_curve_", [])
        self.loss_curve_ = [*earlier, *result.outcome.loss_curve]
        self.n_iter_ = max(len(self.loss_curve_), 1)
        self.validation_scores_ = self.best_validation_score_ = None
        return result.update

    def _checkpoint(self, X: Any, communicator: Communicator) -> Checkpoint | None:
        """File to go on from, once all processes agree on the parameters."""
        if not self.distributed and self.checkpoint is None:
            return None
        facts = {**facts_of(self), "X": inputs.kind_of(X)}
        check_same(communicator, facts)
        if self.checkpoint is None:
            return None
        return Checkpoint(self.checkpoint, facts, communicator)

    def _samples(
        self,
        X: Any,
        codes: Codes,
        sample_weight: ArrayLike | None,
        communicator: Communicator = SINGLE_PROCESS,
    ) -> Samples:
        """Samples of one call, with the weights of all that weighs them."""
        inputs.check_lengths(X, codes)
        weight = inputs.read_sample_weight(sample_weight, len(codes))
        weight = weights_on_all(communicator, weight, len(codes))
        targets, total = self._weigh(self._targets, codes, weight, communicator)
        return Samples(X, codes, total, targets, document_weight=weight)

    def _validation_samples(
        self, held_out: _HeldOut, communicator: Communicator
    ) -> Samples | None:
        """Samples that the caller gives to validate by; None for none."""
        n_given = sum(item is not None for item in held_out[:2])
        if len(set(communicator.all_gather(n_given))) > 1:
            raise ValueError(
                "Some processes were given X_val and y_val, others were not. Pass them "
                "in each, of texts of its own, or in none."
            )
        if n_given == 0 and held_out.sample_weight is None:
            return None
        if n_given < 2:
            raise ValueError(
                "X_val and y_val, and sample_weight_val if there are weights, go "
                "together: pass the texts and their labels, or none of these."
            )
        if not self.early_stopping:
            raise ValueError(
                "X_val and y_val are what early stopping goes by, and "
                "early_stopping=False. Set early_stopping=True, or leave them out."
            )
        try:
            X = inputs.read_X(self, held_out.X, reset=False)
            codes = self._targets.encode(held_out.y)
            inputs.check_lengths(X, codes)
            weight = inputs.read_sample_weight(held_out.sample_weight, len(codes))
        except (ValueError, TypeError) as error:
            raise type(error)(f"X_val, y_val or sample_weight_val: {error}") from error
        samples = Samples(X, codes, weight, self._targets, document_weight=weight)
        return samples.without_weightless()

    def _keep(self, result: FitResult) -> None:
        """Set the fitted attributes that do not depend on the kind of `y`."""
        plan = result.plan
        if result.outcome.diverged:
            warnings.warn(
                "Training diverged: the loss grew beyond all bounds. The last sound "
                "state is kept. Lower learning_rate_init (now "
                f"{plan.learning_rate:.3g}; 'auto' picks a stable one) or scale "
                "the values of X.",
                ConvergenceWarning,
                stacklevel=4,
            )
        self._model = result.model
        self._resume = result.resume
        self.learning_rate_ = plan.learning_rate
        self.alpha_ = plan.alpha
        self.batch_size_ = plan.batch_size
        self.embedding_init_coverage_ = result.coverage

    def _report_encoded(self, n_done: int, n_texts: int) -> None:
        if self.verbose:
            sys.stdout.write(f"Encoded {n_done:,} of {n_texts:,} texts\n")

    # -- prediction --------------------------------------------------------------------

    def _predict(self, X: Any) -> Any:
        """Predicted `y`, put together from parts of bounded size."""
        model = self._fitted_model()
        X = inputs.read_X(self, X, reset=False)
        # Part by part: the scores of a million texts would take far more memory.
        targets = self._targets
        parts = model.predict_in_parts(X, targets.predict_codes, n_threads(self.n_jobs))
        return targets.collect(list(parts))

    def _map_scores(
        self, X: Any, use: Callable[[NDArray[np.float32]], NDArray[Any]]
    ) -> NDArray[Any]:
        """Part by part: scores of a million texts would take far more memory."""
        model = self._fitted_model()
        X = inputs.read_X(self, X, reset=False)
        return model.map_scores(use, X, n_threads(self.n_jobs))


def _in_units_of(targets: Targets, earlier: Targets, model: Model) -> Model:
    """Model whose scores are in units of the targets, not of the earlier ones."""
    change = targets.change_of_scores(earlier)
    if change is None:
        return model
    return replace(model, predictor=model.predictor.with_scores(*change))


class _EpochEnd:
    """What follows an epoch: a line if `verbose`, and the callbacks."""

    def __init__(
        self, estimator: BaseEmbeddingBag, tasks: EpochTasks, communicator: Communicator
    ) -> None:
        self._estimator = estimator
        self._tasks = tasks
        self._communicator = communicator
        self._have_callbacks = any(communicator.all_gather(tasks.have_callbacks))

    def __call__(self, report: EpochReport, model_so_far: Callable[[], Model]) -> bool:
        communicator = self._communicator
        if self._estimator.verbose and communicator.rank == 0:
            _print_epoch(report)
        if self._have_callbacks and communicator.world_size > 1:
            # All ranks make it together, whichever of them looks at it.
            model = model_so_far()
            return self._end(lambda: model)
        return self._end(model_so_far)

    def _end(self, model_so_far: Callable[[], Model]) -> bool:
        attributes = self._estimator._fitted_attributes
        return self._tasks.end_epoch(lambda: {**attributes(), "_model": model_so_far()})


def _print_epoch(report: EpochReport) -> None:
    score = report.validation_score
    validation = "" if score is None else f", validation score {score:.4f}"
    sys.stdout.write(
        f"Epoch {report.n_iter}: loss {report.loss:.4f}{validation}, "
        f"{report.texts_per_second:,.0f} samples/s\n"
    )
