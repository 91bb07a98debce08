"""The first half of a fit: from texts or a matrix to weighted bags.

Learns the vocabulary, prunes it, counts classes, computes the weights, and puts the
samples in the order in which training will cut them into batches.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from skbag._core.communicator import SINGLE_PROCESS, Communicator, share_of, total
from skbag._core.growing import GrowingRows
from skbag._core.growth import power_of_growth
from skbag._model.model import Featurizer, Resume, Stream
from skbag._model.predictor import Predictor
from skbag._text.columns_encoder import ColumnsEncoder
from skbag._text.encoder import LearningEncoder
from skbag._text.hashed_encoder import HashedEncoder
from skbag._training.feature_learning import findings, learn, learn_more
from skbag._training.initial_table import change_of_initial_table, initial_table
from skbag._training.memory_estimate import Task, check_memory
from skbag._training.number_columns import (
    block_of_more,
    follow_numbers,
    number_moments,
    with_block,
    with_numbers,
)
from skbag._training.own_steps import follows_own_steps
from skbag._training.plan import MAX_UNCOUNTED, n_progressive_samples
from skbag._training.samples import Samples, weighed
from skbag._training.settings import Settings
from skbag._training.visits import visits_per_sample, with_visits
from skbag._weighting.document_counts import DocumentCounts, PendingCounts
from skbag._weighting.number_block import NumberBlock
from skbag._weighting.rank_counts import CountBlock
from skbag._weighting.weighting import ColumnShares, Weighting


@dataclass(frozen=True, eq=False)
class Prepared:
    """Weighted samples, and the featurizer that makes more of them.

    Parameters
    ----------
    featurizer : Featurizer
    samples : Samples
        Weighted bags, in the order of training.
    n_progressive : int
        How many of the last samples, those of all ranks together, the first epoch
        scores before it trains on them.
    initial_counts : DocumentCounts or None
        What the table is to begin at: see `initial_table`. None where classes are not
        two or not to be counted, and where training goes on from an earlier one.
    findings : tuple of str
        Warnings about the features.
    counts_all : bool
        Whether class-informed weights are made of the progressive samples, too.
    """

    featurizer: Featurizer
    samples: Samples
    n_progressive: int
    initial_counts: DocumentCounts | None
    findings: tuple[str, ...] = ()
    counts_all: bool = False


@dataclass(frozen=True, eq=False)
class Extended:
    """What `extend` gives: a featurizer that has seen more, and weighted samples.

    Parameters
    ----------
    featurizer : Featurizer
    id_weights : GrowingRows or None
        Those of the featurizer, which more may be put after.
    mean_divergence : float or None
        That they were made with: see `Resume`.
    has_counts : ndarray of shape (n_ids,), dtype=bool, or None
        See `Stream`.
    samples : Samples or None
    table_change : ndarray of shape (n_ids, 1), dtype=float32, or None
        What is to be added to the rows before these samples are learnt: what counts
        that were just summed up say of tokens by themselves (see `initial_table`).
    """

    featurizer: Featurizer
    id_weights: GrowingRows | None = None
    mean_divergence: float | None = None
    has_counts: NDArray[np.bool_] | None = None
    samples: Samples | None = None
    table_change: NDArray[np.float32] | None = None


def prepare(
    samples: Samples,
    settings: Settings,
    order: np.random.Generator | None,
    communicator: Communicator = SINGLE_PROCESS,
) -> Prepared:
    """Learn the features of samples and their weights.

    Parameters
    ----------
    samples : Samples
        Texts or a matrix.
    settings : Settings
    order : numpy Generator or None
        Shuffles the samples; None leaves them in order.
    communicator : Communicator
        Who has samples, too.
    """
    encoder, counts = learn(samples, settings, communicator)
    counts = with_numbers(counts, samples.X, encoder)
    counts = _shuffled(counts, order)
    n_held, alone = _n_held(counts, communicator), communicator.world_size == 1
    visits = visits_per_sample(counts)
    check_memory(Task(counts, encoder, settings, n_held, alone=alone, visits=visits))
    counts_all = _counts_all(counts, settings, n_held, communicator)
    prepared = _weigh(
        counts, encoder, settings.weighting, order, n_held, communicator, counts_all
    )
    if encoder is not None and settings.text.vocabulary is None:
        own_findings = findings(counts, prepared.featurizer, settings, communicator)
        prepared = replace(prepared, findings=own_findings)
    return _with_initial_counts(prepared)


def prepare_part(
    prepared: Prepared,
    rows: NDArray[np.int64],
    settings: Settings,
    communicator: Communicator,
) -> Prepared:
    """Prepare some of the samples once more, with weights made of these alone.

    Their features are those of all samples, so that no text is read again.
    """
    encoder = prepared.featurizer.learning_encoder
    part = prepared.samples.take(rows)
    return _with_initial_counts(
        _weigh(part, encoder, settings.weighting, None, 0, communicator)
    )


def reprepare(
    featurizer: Featurizer,
    samples: Samples,
    settings: Settings,
    order: np.random.Generator | None,
) -> Prepared:
    """Go on from a fitted featurizer with new samples alone: a warm start.

    Its features stay, those first seen now join them; their weights are computed again.
    """
    encoder, counts = learn_more(featurizer, samples, settings)
    counts = with_numbers(counts, samples.X, encoder)
    counts = _shuffled(counts, order)
    settings = replace(settings, weighting=featurizer.weighting)
    visits = visits_per_sample(counts)
    task = Task(counts, encoder, settings, _n_held(counts), visits=visits)
    check_memory(_to_go_on(featurizer, task))
    return _weigh(counts, encoder, featurizer.weighting, order, task.n_progressive)


def extend(
    featurizer: Featurizer | None,
    samples: Samples,
    settings: Settings,
    order: NDArray[np.int64] | None,
    n_progressive: int,
    resume: Resume | None = None,
) -> Extended:
    """Add samples to what a featurizer has seen, or to nothing: ``partial_fit``.

    Its features stay, those first seen now join them, and the counts that weights are
    made of add up. The featurizer given is left as it was.

    The rows of the table are to stay as they are where weights change. A row holds what
    texts have taught of a token, its weight how much the token counts in any text; so
    old and new texts are read with the same weights, and a factor that all weights
    share changes nothing where bags have norm 1. To keep weight x row instead would
    freeze what the first, small parts have guessed of the weights (measured:
    docs/benchmarks/streaming.md). For two classes the table starts at what the counts
    say, as in `fit`, and follows them as they grow.

    `order` is that of the samples returned; None for the one given.
    """
    if featurizer is None:
        encoder, counts = learn(samples, settings, is_first_part=True)
        counts = with_numbers(counts, samples.X, encoder)
        check_memory(Task(counts, encoder, settings, n_progressive, prunes=False))
        document_counts = _count(counts, settings.weighting, len(counts))
        extended = _extended(encoder, settings.weighting, document_counts, None)
        moments = number_moments(counts, len(counts))
        with_numbers_too = with_block(extended.featurizer, moments, counts)
        extended = replace(extended, featurizer=with_numbers_too)
        sums_before = None
    else:
        encoder, counts = learn_more(featurizer, samples, settings)
        counts = with_numbers(counts, samples.X, encoder)
        settings = replace(settings, weighting=featurizer.weighting)
        task = Task(counts, encoder, settings, n_progressive)
        stream = None if resume is None else resume.stream
        if stream is None or stream.table.capacity < counts.X.n_ids:
            # Rows are not carried over, and the model before is there already.
            check_memory(replace(_to_go_on(featurizer, task), n_tables=2))
        extended = _count_on(featurizer, encoder, counts, resume)
        sums_before = featurizer.document_counts
    after = extended.featurizer
    bags = weighed(counts.X, after)
    weighted = counts.with_inputs(bags)
    # Once they are counted: texts are read in the order in which they lie in memory.
    if order is not None:
        weighted = weighted.take(order)
    change = None
    if _follows_counts(counts, settings):
        change = _table_change(sums_before, after)
    return replace(extended, samples=weighted, table_change=change)


def _follows_counts(counts: Samples, settings: Settings) -> bool:
    """Whether a table of the scores of two classes is to follow class counts."""
    weighting = settings.weighting
    return (
        weighting.supervised
        # Rows then mean the same for bags of any part.
        and weighting.norm == "l2"
        and counts.targets.has_two_classes
        and settings.training.embedding_dim is None
    )


def _table_change(
    sums_before: DocumentCounts | None, after: Featurizer
) -> NDArray[np.float32] | None:
    """What to add to the rows where counts were just summed up; else None."""
    sums = after.document_counts
    if sums is None or after.pending is not None:
        return None
    if sums_before is None:
        return initial_table(sums)
    return change_of_initial_table(sums_before, sums)


def carry_over(
    predictor: Predictor, before: Featurizer, after: Featurizer
) -> Predictor:
    """Trained arrays for changed weights: weight x row stays what it was.

    For a warm start, whose weights are those of other samples.
    """
    if before.id_weights is not None and after.id_weights is not None:
        ratio = before.id_weights / after.id_weights[: len(before.id_weights)]
        if before.number_block is not None:
            ratio[before.number_block.ids] = 1
        table = predictor.dense * ratio[:, np.newaxis]
        predictor = replace(predictor, embedding=table)
    return follow_numbers(predictor, before, after)


def _count_on(
    before: Featurizer,
    encoder: LearningEncoder | None,
    counts: Samples,
    resume: Resume | None,
) -> Extended:
    """Add samples to the counts; make weights of them where it is time to.

    Those of all ids, where the number of documents passes a power of `GROWTH`; until
    then those of ids that are new, by the documents that they are new with. So a stream
    pays for its new texts, and for the whole table as often as its length's logarithm.
    """
    number_block = block_of_more(before.number_block, counts)
    if before.document_counts is None:
        return Extended(replace(before, encoder=encoder, number_block=number_block))
    n_ids, stream = counts.X.n_ids, None if resume is None else resume.stream
    document_counts, added = before.document_counts.add(
        counts.X, counts.targets.groups(counts.codes), counts.document_weight
    )
    pending = added if before.pending is None else before.pending + added
    n_documents = before.document_counts.n_documents, document_counts.n_documents
    is_same_power = len({power_of_growth(n) for n in n_documents}) == 1
    id_weights = before.id_weights
    mean = None if resume is None else resume.mean_divergence
    if id_weights is None or mean is None or not is_same_power:
        flushed = document_counts.flush(pending, n_ids)
        return _extended(encoder, before.weighting, flushed, number_block)
    if stream is None or stream.id_weights is None:
        rows = GrowingRows(id_weights.copy())
    else:
        rows = stream.id_weights
    n_before, has_counts = len(id_weights), None
    if n_ids > n_before:
        assert encoder is not None
        weights = before.weighting.weights_of_new(
            added.of_ids(np.arange(n_before, n_ids), document_counts),
            encoder.kinds_since(n_before),
            mean,
        )
        id_weights = rows.put(n_before, weights)
    elif isinstance(encoder, HashedEncoder):
        has_counts = _has_counts(before, stream)
        ids = added.ids(len(document_counts.class_totals))
        ids = ids[~has_counts[ids]]
        if len(ids):
            weights = before.weighting.weights_of_new(
                added.of_ids(ids, document_counts), encoder.kinds[ids], mean
            )
            # Copies: should the call fail, nothing has changed.
            id_weights, has_counts = id_weights.copy(), has_counts.copy()
            id_weights[ids], has_counts[ids] = weights, True
            rows = GrowingRows(id_weights)
    kept: PendingCounts | None = pending
    if len(pending) > n_ids:
        # Memory is bounded by the table, whatever the stream.
        document_counts, kept = document_counts.flush(pending, n_ids), None
    featurizer = replace(
        before,
        encoder=encoder,
        document_counts=document_counts,
        id_weights=id_weights,
        pending=kept,
        number_block=number_block,
    )
    return Extended(featurizer, rows, mean, has_counts)


def _has_counts(before: Featurizer, stream: Stream | None) -> NDArray[np.bool_]:
    """Which buckets a document has held so far."""
    if stream is not None and stream.has_counts is not None:
        return stream.has_counts
    assert before.document_counts is not None
    has_counts = before.document_counts.df > 0
    if before.pending is not None:
        has_counts[before.pending.ids(len(before.document_counts.class_totals))] = True
    return np.asarray(has_counts)


def _extended(
    encoder: LearningEncoder | None,
    weighting: Weighting,
    document_counts: DocumentCounts | None,
    block: NumberBlock | None,
) -> Extended:
    """Featurizer whose weights are all recomputed."""
    featurizer, mean = _with_weights(encoder, weighting, document_counts)
    if block is not None:
        featurizer = replace(featurizer, number_block=block)
        if featurizer.id_weights is not None:
            featurizer.id_weights[block.ids] = block.spread_weights
    if featurizer.id_weights is None:
        return Extended(featurizer)
    return Extended(featurizer, GrowingRows(featurizer.id_weights), mean)


def _to_go_on(before: Featurizer, task: Task) -> Task:
    """Return the same task as one that goes on from what is there."""
    return replace(
        task,
        n_pairs_before=before.n_pairs,
        # One more for the rows that are carried over.
        n_tables=3 if before.id_weights is not None else 2,
        prunes=False,
    )


def _n_held(counts: Samples, communicator: Communicator = SINGLE_PROCESS) -> int:
    """How many of the samples of all ranks are scored before they are trained on."""
    n_samples = total(communicator, len(counts))
    return n_progressive_samples(n_samples, counts.targets.n_outputs)


def _shuffled(samples: Samples, order: np.random.Generator | None) -> Samples:
    # Once they are counted: texts are read in the order in which they lie in memory.
    if order is None:
        return samples
    return samples.take(order.permutation(len(samples)))


def _counts_all(
    counts: Samples, settings: Settings, n_held: int, communicator: Communicator
) -> bool:
    """Whether weights are to be made of the samples held out, too: see `cross_scores`.

    Where those are many of all, and fits are fast.
    """
    return (
        settings.weighting.supervised
        # Visits of a sample would be in several parts.
        and total(communicator, visits_per_sample(counts) - 1) == 0
        and n_held > MAX_UNCOUNTED * total(communicator, len(counts))
        and follows_own_steps(
            counts.targets.loss(settings.training.loss), settings.training
        )
    )


def _weigh(
    counts: Samples,
    encoder: LearningEncoder | None,
    weighting: Weighting,
    order: np.random.Generator | None,
    n_held: int,
    communicator: Communicator = SINGLE_PROCESS,
    counts_all: bool = False,
) -> Prepared:
    sizes = communicator.all_gather(len(counts))
    n_before = int(share_of(sum(sizes) - n_held, sizes)[communicator.rank])
    is_all = counts_all or not weighting.supervised
    stop = len(counts) if is_all else n_before
    if communicator.world_size == 1:
        document_counts = _count(counts, weighting, stop)
        featurizer, _ = _with_weights(encoder, weighting, document_counts)
    else:
        featurizer = _weighed_by_ranks(counts, encoder, weighting, stop, communicator)
    moments = number_moments(counts, stop, communicator)
    featurizer = with_block(featurizer, moments, counts, communicator)
    samples = counts.with_inputs(weighed(counts.X, featurizer))
    samples = with_visits(samples, len(counts) - n_before, order)
    return Prepared(featurizer, samples, n_held, None, counts_all=counts_all)


def _weighed_by_ranks(
    counts: Samples,
    encoder: LearningEncoder | None,
    weighting: Weighting,
    stop: int,
    communicator: Communicator,
) -> Featurizer:
    """Featurizer by documents of all ranks, each of which has weighed some tokens."""
    # A rank may have met a small part of the tokens: counted by their numbers there.
    bags = counts.X
    own_bags = replace(bags, n_ids=bags.counts.n_ids, new_ids=None)
    own = _count(counts.with_inputs(own_bags), weighting, stop)
    if own is None:
        return _with_weights(encoder, weighting, None)[0]
    block = CountBlock.of(communicator, own, bags.new_ids, bags.n_ids)
    kinds = None if encoder is None else encoder.kinds[block.ids]
    weights, _ = weighting.weights_and_mean(block.counts, kinds, communicator)
    id_weights = np.concatenate(communicator.all_gather(weights))
    shares = _shares_of_columns(encoder, weighting)
    return Featurizer(encoder, weighting, block.gather(), id_weights, None, shares)


def _with_initial_counts(prepared: Prepared) -> Prepared:
    """Add what two classes begin with."""
    document_counts = prepared.featurizer.document_counts
    if (
        prepared.featurizer.weighting.supervised
        and document_counts
        and prepared.samples.targets.has_two_classes
    ):
        return replace(prepared, initial_counts=document_counts)
    return prepared


def _count(counts: Samples, weighting: Weighting, stop: int) -> DocumentCounts | None:
    """Count the documents up to `stop`, where a weight depends on them."""
    if not (weighting.use_idf or weighting.supervised):
        return None
    weight = counts.document_weight
    weight = None if weight is None else weight[:stop]
    targets, codes = counts.targets, counts.codes[:stop]
    return DocumentCounts.count(
        counts.X, targets.groups(codes), targets.n_groups, weight, counts.X.n_threads
    )


def _with_weights(
    encoder: LearningEncoder | None,
    weighting: Weighting,
    document_counts: DocumentCounts | None,
) -> tuple[Featurizer, float]:
    """Featurizer, and the `mean_divergence` that its weights were made with."""
    shares = _shares_of_columns(encoder, weighting)
    id_weights, mean = None, 0.0
    if document_counts is not None:
        kinds = None if encoder is None else encoder.kinds
        id_weights, mean = weighting.weights_and_mean(document_counts, kinds)
    featurizer = Featurizer(
        encoder, weighting, document_counts, id_weights, None, shares
    )
    return featurizer, mean


def _shares_of_columns(
    encoder: LearningEncoder | None, weighting: Weighting
) -> NDArray[np.float32] | None:
    """How the columns of a data frame share the norm of a row; None for other input."""
    if not isinstance(encoder, ColumnsEncoder) or weighting.norm is None:
        return None
    return ColumnShares.of_kinds(column.kind for column in encoder.columns)
