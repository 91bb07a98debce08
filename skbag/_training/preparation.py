"""The first half of a fit: from texts or a matrix to weighted bags.

Learns the vocabulary, prunes it, counts classes, computes the weights, and puts the
samples in the order in which training will cut them into batches.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.communicator import ALONE, Ranks, share_of, total
from skbag._core.dtypes import ID_DTYPE
from skbag._model.model import Featurizer
from skbag._model.predictor import Fitted
from skbag._targets.label_sets import one_each
from skbag._text.encoder import Encoder
from skbag._text.merging import Learnt, Merged, merge
from skbag._text.pruning import check_any, keep_features, new_numbers
from skbag._text.text_options import check_subwords, wants_short_text_features
from skbag._text.token_cache import learn
from skbag._training.fit_checks import (
    MIN_SAMPLES,
    N_TEXTS,
    feature_findings,
    share_without_common_tokens,
)
from skbag._training.initialisation import first_guess
from skbag._training.memory_estimate import Task, check_buckets, check_memory
from skbag._training.plan import held_out
from skbag._training.samples import LazyBags, Samples
from skbag._training.settings import Settings
from skbag._weighting.class_pruning import (
    classes_of_few_texts,
    n_features_per_class,
    rare_features_of_classes,
)
from skbag._weighting.document_counts import Statistics, add_statistics
from skbag._weighting.weighting import Weighting

GROWTH = 1.25
"""Factor by which documents grow before ``partial_fit`` makes weights anew."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """Weighted samples, and the featurizer that makes more of them.

    Parameters
    ----------
    featurizer : Featurizer
    samples : Samples
        Weighted bags, in the order of training.
    n_held : int
        How many of the last samples, those of all ranks together, are to judge the
        first epoch; they have not been counted for the class-informed weights.
    first_guess : ndarray of shape (n_ids, 1), dtype=float32, or None
        See `first_guess`; None where classes are not two or not to be counted, and
        where training goes on from an earlier one.
    findings : tuple of str
        Warnings about the features.
    """

    featurizer: Featurizer
    samples: Samples
    n_held: int
    first_guess: NDArray[np.float32] | None
    findings: tuple[str, ...] = ()


def prepare(
    samples: Samples,
    settings: Settings,
    order: np.random.Generator | None,
    ranks: Ranks = ALONE,
) -> Prepared:
    """Learn the features of samples and their weights.

    Parameters
    ----------
    samples : Samples
        Texts or a matrix.
    settings : Settings
    order : numpy Generator or None
        Shuffles the samples; None leaves them in order.
    ranks : Ranks
        Who has samples, too.
    """
    encoder, counts = _learn(_shuffled(samples, order), settings, ranks)
    check_memory(Task(counts, encoder, settings, _n_held(counts, ranks)))
    prepared = _weigh(counts, encoder, settings.weighting, ranks)
    if encoder is not None and settings.text.vocabulary is None:
        findings = _findings(counts, prepared.featurizer, settings, ranks)
        prepared = replace(prepared, findings=findings)
    statistics = prepared.featurizer.statistics
    if settings.weighting.supervised and statistics and samples.targets.n_outputs == 1:
        return replace(prepared, first_guess=first_guess(statistics))
    return prepared


def reprepare(
    featurizer: Featurizer,
    samples: Samples,
    settings: Settings,
    order: np.random.Generator | None,
) -> Prepared:
    """Go on from a fitted featurizer with new samples alone: a warm start.

    Its features stay, those first seen now join them; weights are counted anew.
    """
    encoder, counts = _learn_more(featurizer, _shuffled(samples, order))
    settings = replace(settings, weighting=featurizer.weighting)
    check_memory(
        _to_go_on(featurizer, Task(counts, encoder, settings, _n_held(counts)))
    )
    return _weigh(counts, encoder, featurizer.weighting)


def extend(
    featurizer: Featurizer | None, samples: Samples, settings: Settings, n_held: int
) -> tuple[Featurizer, Samples]:
    """Add samples to what a featurizer has seen, or to nothing: ``partial_fit``.

    Its features stay, those first seen now join them, and the counts that weights are
    made of add up. The featurizer given is left as it was.

    The rows of the table are to stay as they are where weights change. A row holds what
    texts have taught of a token, its weight how much the token counts in any text; so
    old and new texts are read with the same weights, and a factor that all weights
    share changes nothing where bags have norm 1. To keep weight x row instead would
    freeze what the first, small parts have guessed of the weights (measured:
    docs/benchmarks/streaming.md).
    """
    if featurizer is None:
        encoder, counts = _learn(samples, settings, is_first_part=True)
        check_memory(Task(counts, encoder, settings, n_held, prunes=False))
        statistics = _count(counts, settings.weighting, len(counts))
        extended = _with_weights(encoder, settings.weighting, statistics)
    else:
        encoder, counts = _learn_more(featurizer, samples)
        settings = replace(settings, weighting=featurizer.weighting)
        task = Task(counts, encoder, settings, n_held)
        # Rows are not carried over, and the model before is there already.
        check_memory(replace(_to_go_on(featurizer, task), n_tables=2))
        extended = _count_on(featurizer, encoder, counts)
    bags = counts.X.weighted(extended.weighting, extended.id_weights)
    return extended, counts.with_inputs(bags)


def carry_over(fitted: Fitted, before: Featurizer, after: Featurizer) -> Fitted:
    """Trained arrays for changed weights: weight x row stays what it was.

    For a warm start, whose weights are those of other samples.
    """
    if before.id_weights is None or after.id_weights is None:
        return fitted
    ratio = before.id_weights / after.id_weights[: len(before.id_weights)]
    return replace(fitted, embedding=fitted.dense * ratio[:, np.newaxis])


def _count_on(
    before: Featurizer, encoder: Encoder | None, counts: Samples
) -> Featurizer:
    """Add samples to the counts; make weights of them where it is time to.

    That is where the number of documents passes a power of `GROWTH`, and where there
    are new ids. How often that happens grows with the logarithm of a stream, which so
    pays for its new texts and not each time for the whole table.
    """
    if before.statistics is None:
        return replace(before, encoder=encoder)
    n_ids = counts.X.n_ids
    statistics = before.statistics.add(counts.X, counts.codes, counts.weight)
    n_documents = before.statistics.n_documents, statistics.n_documents
    is_same_power = len({_power(n) for n in n_documents}) == 1
    if not is_same_power or n_ids != statistics.class_counts.shape[0]:
        return _with_weights(encoder, before.weighting, statistics.settled(n_ids))
    if statistics.recent is not None and len(statistics.recent) > n_ids:
        # Memory is bounded by the table, whatever the stream.
        statistics = statistics.settled()
    return replace(before, encoder=encoder, statistics=statistics)


def _power(n_documents: float) -> int:
    """Power of `GROWTH` that a number has passed, which may be below 1."""
    return math.floor(math.log(max(n_documents, 1e-300)) / math.log(GROWTH))


def _learn(
    samples: Samples,
    settings: Settings,
    ranks: Ranks = ALONE,
    *,
    is_first_part: bool = False,
) -> tuple[Encoder | None, Samples]:
    """Return a new encoder and the counts of what survives pruning.

    Of no features only where it is the first part of a stream, as others follow.
    """
    texts, options = samples.X, settings.text
    if not isinstance(texts, list):
        return None, samples.with_inputs(_all_of(Bags.from_csr(texts)))
    short = wants_short_text_features(
        settings.short_text_features,
        options,
        settings.weighting.supervised,
        texts,
        ranks,
        are_first_part=is_first_part,
    )
    check_subwords(options)
    if options.n_buckets is not None:
        check_buckets(options.n_buckets, settings, samples.targets.n_outputs)
    encoder, counts = learn(texts, options, short)
    if options.vocabulary is not None:
        return encoder, samples.with_inputs(_all_of(counts))
    merged = merge(ranks, Learnt(encoder, counts, short), options, settings.pruning)
    encoder = merged.encoder
    if options.n_buckets is not None:
        if not is_first_part:
            check_any(merged.counted.documents)
        return encoder, samples.with_inputs(_all_of(counts))
    width = settings.training.embedding_dim or samples.targets.n_outputs
    # Only these are pruned by kind; to tell millions apart takes a while.
    by_kind = short or options.subword_ngram_range is not None
    kinds = encoder.kinds if by_kind else None
    if is_first_part and not merged.counted.documents.any():
        kept = np.empty(0, dtype=ID_DTYPE)
    else:
        counted = samples.with_inputs(counts)
        exempt = partial(_rare_features, counted, merged, width, ranks)
        kept = keep_features(merged.counted, kinds, settings.pruning, width, exempt)
    new_ids = new_numbers(kept, encoder.n_ids)
    if merged.ids is not None:
        new_ids = new_ids[merged.ids]
    bags = LazyBags(counts, len(kept), new_ids)
    return encoder.select(kept), samples.with_inputs(bags)


def _rare_features(
    counts: Samples, merged: Merged, width: int, ranks: Ranks, min_df: int
) -> NDArray[np.int32]:
    """Ids that classes of few texts keep though they are below `min_df`."""
    class_counts = total(ranks, counts.targets.counts(counts.codes))
    few = classes_of_few_texts(class_counts, min_df)
    if not few.any():
        return np.empty(0, dtype=ID_DTYPE)
    rows, classes = one_each(counts.codes)
    chosen = np.flatnonzero(few[classes])
    bags = counts.X.take(chosen if rows is None else rows[chosen])
    if merged.ids is not None:
        bags = bags.renumber(merged.ids, merged.encoder.n_ids)
    return rare_features_of_classes(
        bags,
        classes[chosen],
        class_counts,
        merged.counted.documents,
        merged.encoder.kinds,
        min_df,
        n_features_per_class(int(few.sum()), width),
        ranks,
    )


def _findings(
    counts: Samples, featurizer: Featurizer, settings: Settings, ranks: Ranks
) -> tuple[str, ...]:
    """Warnings about the features of the samples of a fit."""
    bags, statistics = counts.X, featurizer.statistics
    n_texts = total(ranks, len(counts))
    if n_texts < MIN_SAMPLES:
        return ()
    if statistics is None or counts.weight is not None:
        ids = bags.slice(0, len(bags)).ids
        documents = total(ranks, np.bincount(ids, minlength=bags.n_ids))
    else:
        documents = statistics.document_counts
    assert featurizer.encoder is not None
    sample = bags.slice(0, min(len(bags), N_TEXTS))
    return feature_findings(
        share_without_common_tokens(
            sample, documents, featurizer.encoder.kinds, n_texts
        ),
        total(ranks, counts.targets.counts(counts.codes)),
        n_texts,
        bags.n_ids,
        settings.pruning.min_df,
        settings.pruning.max_features,
    )


def _learn_more(
    featurizer: Featurizer, samples: Samples
) -> tuple[Encoder | None, Samples]:
    """Return a grown encoder and counts."""
    if featurizer.encoder is None:
        return None, samples.with_inputs(_all_of(Bags.from_csr(samples.X)))
    # A copy: if this fit fails, the estimator must be as it was.
    encoder = copy.deepcopy(featurizer.encoder)
    return encoder, samples.with_inputs(_all_of(encoder.learn(samples.X)))


def _to_go_on(before: Featurizer, task: Task) -> Task:
    """Return the same task as one that goes on from what is there."""
    counted = before.statistics
    return replace(
        task,
        n_cells_before=0 if counted is None else counted.n_cells,
        # One more for the rows that are carried over.
        n_tables=3 if before.id_weights is not None else 2,
        prunes=False,
    )


def _n_held(counts: Samples, ranks: Ranks = ALONE) -> int:
    """How many of the samples of all ranks the first epoch is judged by."""
    n_samples = total(ranks, len(counts))
    return held_out(n_samples, counts.targets.n_outputs)


def _all_of(counts: Bags) -> LazyBags:
    return LazyBags(counts, counts.n_ids)


def _shuffled(samples: Samples, order: np.random.Generator | None) -> Samples:
    # Before anything is made of them: strings are gathered from all over the memory
    # once, their bags would be twice.
    if order is None:
        return samples
    return samples.take(order.permutation(len(samples)))


def _weigh(
    counts: Samples,
    encoder: Encoder | None,
    weighting: Weighting,
    ranks: Ranks = ALONE,
) -> Prepared:
    n_held, sizes = _n_held(counts, ranks), ranks.gather(len(counts))
    n_counted = len(counts)
    if weighting.supervised:
        n_counted = int(share_of(sum(sizes) - n_held, sizes)[ranks.rank])
    statistics = _count(counts, weighting, n_counted)
    if statistics is not None:
        statistics = add_statistics(ranks, statistics)
    featurizer = _with_weights(encoder, weighting, statistics)
    bags = counts.X.weighted(weighting, featurizer.id_weights)
    return Prepared(featurizer, counts.with_inputs(bags), n_held, None)


def _count(counts: Samples, weighting: Weighting, stop: int) -> Statistics | None:
    """Count the documents up to `stop`, where a weight depends on them."""
    if not (weighting.use_idf or weighting.supervised):
        return None
    weight = None if counts.weight is None else counts.weight[:stop]
    n_classes = len(counts.targets.classes)
    return Statistics.count(counts.X, counts.codes[:stop], n_classes, weight)


def _with_weights(
    encoder: Encoder | None, weighting: Weighting, statistics: Statistics | None
) -> Featurizer:
    kinds = None if encoder is None else encoder.kinds
    id_weights = None if statistics is None else weighting.id_weights(statistics, kinds)
    return Featurizer(encoder, weighting, statistics, id_weights)
