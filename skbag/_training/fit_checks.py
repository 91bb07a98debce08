"""What a fit may have ended in without an error, and the parameter that mends it.

Cheap, once for each fit: a model at chance should not be found out in production.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from skbag._core.bags import Bags
from skbag._text.features import FeatureKind

MIN_SAMPLES = 50
"""Fewer texts may well have no token in common, or nothing to do with their classes."""

N_TEXTS = 2000
"""How many texts stand for all."""

LARGEST_SHARE = 0.5
"""Share of texts, above which a warning follows, that have no token in common with
others."""

LARGEST_SHARE_OF_CLASSES = 0.1
"""The same for classes with fewer texts than `min_df`."""

LEARNT_BY_TABLE = 0.99
"""Share of the loss of constant scores that a model which has learnt something ends
below, ..."""

MIN_LOSS = 1e-6
"""Of constant scores that are right for all samples."""

LEARNT_BY_LAYERS = 0.95
"""... and with layers above the table, which take longer."""


def share_without_common_tokens(
    counts: Bags,
    document_counts: NDArray[Any],
    kinds: NDArray[np.uint8] | None,
    n_texts: int,
) -> float:
    """Share of texts none of whose tokens, n-grams and subwords is in a second text.

    A token that all texts have does not count: no two differ by it.

    Parameters
    ----------
    counts : Bags
        Of some texts of a fit, after pruning.
    document_counts : ndarray of shape (n_ids,)
        Texts that hold each feature.
    kinds : ndarray of shape (n_ids,), dtype=uint8, or None
        The `FeatureKind` of each id; None where all are tokens or n-grams.
    n_texts : int
        That were counted.
    """
    if len(counts) == 0:
        return 0.0
    documents = document_counts[counts.ids]
    is_common = (documents > 1) & (documents < n_texts)
    if kinds is not None:
        own_kinds = kinds[counts.ids]
        is_common &= (own_kinds <= FeatureKind.NGRAM) | np.isin(
            own_kinds, (FeatureKind.SUBWORD, FeatureKind.CATEGORY)
        )
    is_alone = counts.row_sums(is_common) == 0
    # Texts that are all the same have all tokens in common, if none that differs.
    is_same = counts.row_sums(documents < n_texts) == 0
    return float(np.mean(is_alone & (~is_same | (np.diff(counts.offsets) == 0))))


def feature_findings(
    share_alone: float,
    class_counts: NDArray[np.int64],
    n_texts: int,
    n_features: int,
    min_df: float | str,
    max_features: int | None,
) -> tuple[str, ...]:
    """Warnings about the features of a fit on texts.

    Parameters
    ----------
    share_alone : float
        See `share_without_common_tokens`.
    class_counts : ndarray of shape (n_classes,), dtype=int64
        Texts of each class.
    n_texts, n_features : int
        Of all classes, and left after pruning.
    min_df, max_features : parameters of the estimator
    """
    findings = []
    n_classes = int(np.count_nonzero(class_counts))
    if not isinstance(min_df, str):
        is_count = isinstance(min_df, int)
        low = min_df if is_count else min_df * n_texts
        n_lost = int(np.count_nonzero((class_counts > 0) & (class_counts < low)))
        if n_lost > LARGEST_SHARE_OF_CLASSES * n_classes:
            findings.append(
                f"min_df={min_df} keeps tokens that are in at least {low:g} texts, but "
                f"{n_lost:,} of {n_classes:,} classes have fewer texts than that: no "
                "token of their own is left. Lower min_df, or use min_df='auto'."
            )
    if max_features is not None and n_features < n_classes:
        findings.append(
            f"max_features={max_features} leaves {n_features:,} tokens to tell "
            f"{n_classes:,} classes by. Raise max_features."
        )
    # Not where it follows from what is said already.
    if not findings and n_texts >= MIN_SAMPLES and share_alone > LARGEST_SHARE:
        findings.append(
            f"{share_alone:.0%} of the training texts have no token in common with any "
            "other text, so what is learnt of them says nothing of new texts. For "
            "codes, names and misspelt words set subword_ngram_range=(2, 4); for a "
            "script that this token_pattern does not split, analyzer='char' and "
            "ngram_range=(1, 3)."
        )
    return tuple(findings)


def training_finding(
    loss_curve: list[float], constant_loss: float, n_samples: int, has_layers: bool
) -> str | None:
    """Return a warning where training has taught a model next to nothing.

    Parameters
    ----------
    loss_curve : list of float
        Mean training loss of each epoch.
    constant_loss : float
        Loss of the best scores that are the same for all samples.
    n_samples : int
    has_layers : bool
        Whether there are layers above the table.
    """
    share = LEARNT_BY_LAYERS if has_layers else LEARNT_BY_TABLE
    # The loss of a first epoch is that of samples before they are learnt.
    if n_samples < MIN_SAMPLES or len(loss_curve) < 2:
        return None
    # Where constant scores are right, within rounding, there is nothing to learn.
    if loss_curve[-1] <= share * constant_loss or constant_loss < MIN_LOSS:
        return None
    remedy = (
        "Raise max_iter or learning_rate_init, or use embedding_dim=None, which learns "
        "faster"
        if has_layers
        else "Raise max_iter or lower learning_rate_init; or X says nothing of y"
    )
    return (
        f"The training loss ended at {loss_curve[-1]:.3g}, after {len(loss_curve)} "
        f"epochs, where scores that are the same for all samples give "
        f"{constant_loss:.3g}: next to nothing was learnt. {remedy}."
    )


def warn_of(features: Iterable[str], training: str | None) -> None:
    """Issue the warnings of a fit, once it has ended."""
    for message in features:
        warnings.warn(message, UserWarning, stacklevel=2)
    if training is not None:
        warnings.warn(training, ConvergenceWarning, stacklevel=2)
