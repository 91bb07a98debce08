"""What a fit tells the logger ``skbag``: its decisions, and how long its stages took.

Silent unless the application asks: ``logging.getLogger("skbag").setLevel("DEBUG")``,
and a handler.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from time import perf_counter

from skbag._model.model import Featurizer
from skbag._text.encoder import LearningEncoder
from skbag._text.features import FeatureKind
from skbag._text.text_options import SHORT_TEXT, SUBWORDS_OF_CODES
from skbag._training.early_stopping import Outcome
from skbag._training.plan import Plan
from skbag._training.settings import Settings

logger = logging.getLogger("skbag")
logger.addHandler(logging.NullHandler())


class StageTimer:
    """Seconds of one stage after the other, at level DEBUG."""

    def __init__(self) -> None:
        self._started = perf_counter()

    def end(self, stage: str) -> None:
        """Tell how long a stage took, which began when the one before ended."""
        now = perf_counter()
        logger.debug("%s took %.3f s", stage, now - self._started)
        self._started = now


def log_decisions(
    settings: Settings, featurizer: Featurizer, plan: Plan, outcome: Outcome
) -> None:
    """Tell what each parameter that is "auto" came to, and why, at level INFO."""
    if not logger.isEnabledFor(logging.INFO):
        return
    encoder = featurizer.learning_encoder
    if encoder is not None:
        for line in _of_features(settings, encoder):
            logger.info(line)
    for line in _of_training(plan, outcome):
        logger.info(line)


def _of_features(settings: Settings, encoder: LearningEncoder) -> Iterator[str]:
    if settings.short_text_features == "auto":
        has = encoder.has_short_text_features
        reason = (
            f"texts have fewer than {SHORT_TEXT} characters on average"
            if has
            else f"texts have {SHORT_TEXT} characters or more on average, there are "
            "many, or no rule of ours says what a token is"
        )
        yield f"short_text_features='auto' is {has}: {reason}"
    if settings.auto_subwords:
        has = bool((encoder.kinds == FeatureKind.SUBWORD).any())
        yield (
            f"subword_ngram_range='auto' is {SUBWORDS_OF_CODES if has else None}: they "
            "are for codes and names, most of which no second text holds"
        )
    if settings.pruning.min_df == "auto":
        yield f"min_df='auto' left {encoder.n_ids:,} features, a table small enough"


def _of_training(plan: Plan, outcome: Outcome) -> Iterator[str]:
    options, problem = plan.options, plan.problem
    if options.batch_size is None:
        yield (
            f"batch_size='auto' is {plan.batch_size}: {problem.n_samples:,} samples "
            f"with {problem.n_scores} scores each"
        )
    if options.learning_rate_init is None:
        yield (
            f"learning_rate_init='auto' is {plan.learning_rate:.4g}: the largest that "
            "is stable for the squared lengths of samples and the batch size"
        )
    skill = outcome.skill_score
    seen = "no sample was scored before training on it"
    if skill is not None:
        seen = f"skill score {skill:.3f} of samples scored before training on them"
    if options.alpha is None:
        yield f"alpha='auto' is {plan.alpha:.4g}: {seen}"
    if options.max_iter is None:
        n = len(outcome.loss_curve)
        yield f"max_iter='auto' is {plan.n_epochs}, of which {n} were run: {seen}"
