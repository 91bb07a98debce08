"""What is learnt of the texts of a fit: an encoder of the features that are kept."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skbag._core.bags import Bags
from skbag._core.communicator import SINGLE_PROCESS, Communicator, total
from skbag._core.dtypes import ID_DTYPE
from skbag._core.threads import n_threads
from skbag._model.model import Featurizer
from skbag._targets.label_sets import one_each
from skbag._text.columns import described
from skbag._text.encoder import LearningEncoder
from skbag._text.features import FeatureKind
from skbag._text.learning import learn_features
from skbag._text.merging import Learnt, Merged, merge, merge_buckets
from skbag._text.pruning import check_any, keep_features
from skbag._text.text_options import (
    SUBWORDS_OF_CODES,
    check_subwords,
    wants_short_text_features,
    wants_subwords,
)
from skbag._training.fit_checks import (
    MIN_SAMPLES,
    N_TEXTS,
    feature_findings,
    share_without_common_tokens,
)
from skbag._training.memory_estimate import check_buckets
from skbag._training.samples import LazyBags, Samples
from skbag._training.settings import Settings
from skbag._weighting.class_pruning import (
    RarePairs,
    are_rare,
    classes_of_few_texts,
    n_features_per_class,
    rare_features_of_classes,
)


def learn(
    samples: Samples,
    settings: Settings,
    communicator: Communicator = SINGLE_PROCESS,
    *,
    is_first_part: bool = False,
) -> tuple[LearningEncoder | None, Samples]:
    """Return a new encoder and the counts of what survives pruning.

    Of no features only where it is the first part of a stream, as others follow.
    """
    texts, options = samples.X, settings.text
    if not isinstance(texts, list):
        return None, samples.with_inputs(_all_of(Bags.from_csr(texts), settings))
    check_subwords(options)
    if options.n_buckets is not None:
        check_buckets(options.n_buckets, settings, samples.targets.n_outputs)
    learnt = _learn_texts(texts, settings, communicator, in_a_stream=is_first_part)
    if options.vocabulary is not None:
        _check_same_ids(settings, communicator)
        return learnt.encoder, samples.with_inputs(_all_of(learnt.counts, settings))
    if options.n_buckets is not None:
        return _in_buckets(learnt, samples, settings, communicator, is_first_part)
    merged = merge(communicator, learnt, settings.pruning)
    # What a few texts hold once, the rest of a stream may hold often.
    if not is_first_part and _wants_subwords(texts, merged, settings, communicator):
        options = replace(options, subword_ngram_range=SUBWORDS_OF_CODES)
        settings = replace(settings, text=options)
        learnt = _learn_texts(texts, settings, communicator)
        merged = merge(communicator, learnt, settings.pruning)
    counts = learnt.counts
    width = settings.training.embedding_dim or samples.targets.n_outputs
    # Only these are pruned by kind; to find the kinds of millions takes a while.
    by_kind = (
        learnt.encoder.has_short_text_features
        or options.subword_ngram_range is not None
        or settings.columns is not None
    )
    kinds = merged.kinds if by_kind else None
    if is_first_part and not merged.counted.documents.any():
        is_number = np.zeros(0) if kinds is None else kinds == FeatureKind.NUMBER
        kept_ids = np.flatnonzero(is_number).astype(ID_DTYPE)
    else:
        counted = samples.with_inputs(counts)
        exempt = partial(
            _rare_features, counted, learnt.encoder, merged, width, communicator
        )
        kept_ids = keep_features(
            merged.counted, kinds, settings.pruning, width, exempt, communicator
        )
    encoder, new_ids = merged.select(kept_ids)
    bags = replace(_all_of(counts, settings), n_ids=encoder.n_ids, new_ids=new_ids)
    return encoder, samples.with_inputs(bags)


def learn_more(
    featurizer: Featurizer, samples: Samples, settings: Settings
) -> tuple[LearningEncoder | None, Samples]:
    """Return a grown encoder and counts."""
    # A copy: if this fit fails, the estimator must be as it was.
    encoder = copy.deepcopy(featurizer.learning_encoder)
    if encoder is None:
        return None, samples.with_inputs(_all_of(Bags.from_csr(samples.X), settings))
    counts = encoder.learn(samples.X, n_threads(settings.n_jobs))
    return encoder, samples.with_inputs(_all_of(counts, settings))


def findings(
    counts: Samples,
    featurizer: Featurizer,
    settings: Settings,
    communicator: Communicator,
) -> tuple[str, ...]:
    """Warnings about the features of the samples of a fit."""
    bags, document_counts = counts.X, featurizer.document_counts
    n_texts = total(communicator, len(counts))
    # Numbers are what all rows have in common.
    if n_texts < MIN_SAMPLES or featurizer.number_block is not None:
        return ()
    if document_counts is None or counts.document_weight is not None:
        ids = bags.slice(0, len(bags)).ids
        documents = total(communicator, np.bincount(ids, minlength=bags.n_ids))
    else:
        documents = document_counts.df
    assert featurizer.learning_encoder is not None
    sample = bags.slice(0, min(len(bags), N_TEXTS))
    return feature_findings(
        share_without_common_tokens(
            sample, documents, featurizer.learning_encoder.kinds, n_texts
        ),
        total(communicator, counts.targets.counts(counts.codes)),
        n_texts,
        bags.n_ids,
        settings.pruning.min_df,
        settings.pruning.max_features,
    )


def _in_buckets(
    learnt: Learnt,
    samples: Samples,
    settings: Settings,
    communicator: Communicator,
    is_first_part: bool,
) -> tuple[LearningEncoder, Samples]:
    """Encoder and counts where the features of texts have buckets: all are kept."""
    if not is_first_part:
        check_any(np.array([len(learnt.counts.ids)]), communicator)
    encoder, new_ids = merge_buckets(communicator, learnt.encoder)
    bags = _all_of(learnt.counts, settings)
    if new_ids is not None:
        bags = replace(bags, n_ids=encoder.n_ids, new_ids=new_ids)
    return encoder, samples.with_inputs(bags)


def _learn_texts(
    texts: Sequence[Any],
    settings: Settings,
    communicator: Communicator,
    *,
    in_a_stream: bool = False,
) -> Learnt:
    """What this rank learns of its texts."""

    def are_short(texts: Sequence[str]) -> bool:
        return wants_short_text_features(
            settings.short_text_features,
            settings.text,
            settings.weighting.supervised,
            partial(_sizes, texts, communicator),
            in_a_stream=in_a_stream,
        )

    threads = n_threads(settings.n_jobs)
    return learn_features(texts, settings.columns, settings.text, are_short, threads)


def _wants_subwords(
    texts: Sequence[Any], merged: Merged, settings: Settings, communicator: Communicator
) -> bool:
    """Whether subwords that are left to a rule are to be learnt besides."""
    # Of several columns some may be codes: those know their own way, if any.
    if not settings.auto_subwords or settings.columns is not None:
        return False
    return wants_subwords(
        settings.text,
        merged.counted.documents,
        lambda: merged.kinds,
        partial(_sizes, texts, communicator),
        communicator,
    )


def _check_same_ids(settings: Settings, communicator: Communicator) -> None:
    """Raise where ranks that learn no words would number categories differently."""
    if communicator.world_size > 1 and settings.columns is not None:
        raise ValueError(
            "distributed=True with a given vocabulary takes one column of texts, but X "
            f"is a data frame of the columns {described(settings.columns)}. Use "
            "vocabulary=None, or distributed=False."
        )


def _sizes(texts: Sequence[str], communicator: Communicator) -> tuple[int, int]:
    """Number of characters, and of texts, of all processes."""
    sizes = total(communicator, np.array([sum(map(len, texts)), len(texts)]))
    n_characters, n_texts = sizes.tolist()
    return n_characters, n_texts


def _rare_features(
    counts: Samples,
    encoder: LearningEncoder,
    merged: Merged,
    width: int,
    communicator: Communicator,
    min_df: int,
) -> NDArray[np.int32]:
    """Features that classes of few texts keep though they are below `min_df`.

    Those of the features that are counted here.
    """
    class_counts = total(communicator, counts.targets.counts(counts.codes))
    few = classes_of_few_texts(class_counts, min_df)
    if not few.any():
        return np.empty(0, dtype=ID_DTYPE)
    rows, classes = one_each(counts.targets.groups(counts.codes))
    chosen = np.flatnonzero(few[classes])
    bags = counts.X.take(chosen if rows is None else rows[chosen])
    # What is not rare in the texts of one rank is not in those of all.
    is_rare = are_rare(merged.met.documents, encoder.kinds, min_df)
    rare = RarePairs.of(bags, classes[chosen], is_rare)
    document_counts, kinds = merged.counted.documents, merged.kinds
    of_class, ids = np.divmod(rare.pairs, max(bags.n_ids, 1))
    ids, told = merged.to_owners(ids, np.stack([of_class, rare.counts], axis=1))
    is_rare = are_rare(document_counts, kinds, min_df)[ids]
    pairs = told[is_rare, 0] * len(document_counts) + ids[is_rare]
    rare = RarePairs.sum(pairs, told[is_rare, 1])
    return rare_features_of_classes(
        rare,
        class_counts,
        document_counts,
        kinds,
        n_features_per_class(int(few.sum()), width),
        communicator,
    )


def _all_of(counts: Bags, settings: Settings) -> LazyBags:
    return LazyBags(counts, counts.n_ids, n_threads=n_threads(settings.n_jobs))
