"""Which labels look wrong: confident learning from out-of-fold probabilities."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import cross_validate
from sklearn.utils import _safe_indexing

from skbag._targets.labels import learn_classes
from skbag.labels._samples import (
    as_indexable,
    check_has,
    check_one_label_each,
    check_whole,
)

Words = list[tuple[Any, float]]
"""Features and what they add to a score, strongest first."""


@dataclass(frozen=True, eq=False, repr=False)
class SuspectLabels:
    """Samples whose labels look wrong, the most suspect first; by `suspect_labels`.

    Attributes
    ----------
    indices : ndarray of shape (n_suspects,), dtype=int64
        Which samples of `X`.
    labels : ndarray of shape (n_suspects,)
        Their labels in `y`.
    suggested : ndarray of shape (n_suspects,)
        The most probable of the other classes.
    confidence : ndarray of shape (n_suspects,), dtype=float64
        Out-of-fold probability of the label.
    suggested_confidence : ndarray of shape (n_suspects,), dtype=float64
        That of the class suggested.
    words : list of list of (feature, contribution), or None
        What adds most to the score of the class suggested over that of the label, by
        the model that had not seen the sample; None where the classifier does not
        explain.
    samples : sequence
        The samples themselves.
    n_flagged : int
        How many labels of `y` confident learning takes for wrong.
    n_samples : int
        How many there are.
    """

    indices: NDArray[np.int64]
    labels: NDArray[Any]
    suggested: NDArray[Any]
    confidence: NDArray[np.float64]
    suggested_confidence: NDArray[np.float64]
    words: list[Words] | None
    samples: Any
    n_flagged: int
    n_samples: int

    def __len__(self) -> int:
        return len(self.indices)

    def to_frame(self) -> Any:
        """Return a pandas DataFrame, one row for each suspect; needs pandas.

        Returns
        -------
        frame : pandas.DataFrame
            Columns `label`, `suggested`, `confidence`, `suggested_confidence`, `words`
            (as one str, where there are any) and `text` (where samples are texts); the
            index is that of the samples in `X`.
        """
        import pandas as pd

        columns: dict[str, Any] = {
            "label": self.labels,
            "suggested": self.suggested,
            "confidence": self.confidence,
            "suggested_confidence": self.suggested_confidence,
        }
        if self.words is not None:
            words = [_joined(each) for each in self.words]
            columns["words"] = pd.Series(words, self.indices, dtype=object)
        if _are_texts(self.samples):
            # As objects: strings of pandas hold no lone surrogates.
            texts = list(self.samples)
            columns["text"] = pd.Series(texts, self.indices, dtype=object)
        return pd.DataFrame(columns, index=self.indices)

    def __repr__(self) -> str:
        return (
            f"<SuspectLabels: {len(self):,} of {self.n_samples:,} samples, "
            f"{self.n_flagged:,} flagged>"
        )


def suspect_labels(
    clf: Any,
    X: Any,
    y: ArrayLike,
    *,
    cv: Any = 5,
    n: int | None = None,
    n_words: int = 3,
    params: dict[str, Any] | None = None,
    n_jobs: int | None = None,
) -> SuspectLabels:
    """Find labels that look wrong, by models that have not seen them.

    Each sample's probabilities come from a model of the other folds. A label is flagged
    where another class is more confident than that class usually is: its probability is
    at least the mean over the samples with its label, and the largest of those that are
    (the off-diagonal entries of the confident joint of Northcutt et al.). Samples are
    ordered by the difference between the log-odds of the class suggested and those of
    the label.

    Parameters
    ----------
    clf : classifier
        With `predict_proba`; cloned, not fitted itself.
    X : texts or matrix
        As for the classifier's `fit`.
    y : array-like of shape (n_samples,)
        One class for each sample.
    cv : int, cross-validation generator or iterable, default=5
        As in ``cross_validate``; every sample must be in a test part. Probabilities of
        a sample in several are averaged, as with ``RepeatedStratifiedKFold``.
    n : int, default=None
        How many to return; None for those flagged.
    n_words : int, default=3
        Words for each, at most, where the classifier has `explain` and a linear model;
        0 for none. Explaining takes longer than predicting.
    params : dict, default=None
        For the classifier's `fit` and the splitter, as in ``cross_validate``:
        ``{"sample_weight": ...}``.
    n_jobs : int, default=None
        Folds fitted at a time.

    Returns
    -------
    suspects : SuspectLabels

    Raises
    ------
    ValueError, TypeError
        If `clf` has no `predict_proba`, `y` is no class for each sample, `n` or
        `n_words` is negative, or `cv` leaves samples out; or as the classifier.

    Notes
    -----
    Where a class has samples in one fold only, the model of the others does not know
    it; such labels have the confidence NaN, are never flagged and come last.

    References
    ----------
    C. Northcutt, L. Jiang, I. Chuang, "Confident Learning: Estimating Uncertainty in
    Dataset Labels", JAIR 70, 2021.

    Examples
    --------
    >>> from skbag import EmbeddingBagClassifier
    >>> from skbag.labels import suspect_labels
    >>> texts = ["late parcel", "lost parcel", "my parcel", "a refund", "refund me",
    ...          "refund money"] * 5
    >>> labels = ["delivery", "delivery", "delivery", "payment", "payment",
    ...           "payment"] * 5
    >>> labels[4] = "delivery"
    >>> clf = EmbeddingBagClassifier(random_state=0)
    >>> suspects = suspect_labels(clf, texts, labels)
    >>> suspects.indices, suspects.suggested
    (array([4]), array(['payment'], dtype='<U8'))
    """
    check_has(clf, "predict_proba", "suspect_labels")
    check_whole(n, "n", 0)
    check_whole(n_words, "n_words", 0)
    X = as_indexable(X)
    check_one_label_each(y, "suspect_labels")
    classes, codes = learn_classes(y)
    folds = _fit_folds(clf, X, classes[codes], cv, params, n_jobs)
    probabilities = _out_of_fold(folds, X, classes, len(codes))
    confidence = probabilities[np.arange(len(codes)), codes]
    others = np.nan_to_num(probabilities)
    is_suspect = _flagged(others, np.isnan(confidence), codes)
    others[np.arange(len(codes)), codes] = -1.0
    suggested = others.argmax(axis=1)
    suggested_confidence = others[np.arange(len(codes)), suggested]
    # NaN, of labels that no model knew, comes last.
    gap = _log_odds(confidence) - _log_odds(suggested_confidence)
    order = np.argsort(gap, kind="stable")
    order = order[is_suspect[order]] if n is None else order[:n]
    chosen = _Chosen(order, codes[order], suggested[order])
    return SuspectLabels(
        order,
        classes[codes[order]],
        classes[suggested[order]],
        confidence[order],
        suggested_confidence[order],
        _words(folds, X, classes, chosen, n_words) if n_words else None,
        _safe_indexing(X, order),
        int(is_suspect.sum()),
        len(codes),
    )


class _Fold(NamedTuple):
    estimator: Any
    test: NDArray[np.int64]


class _Chosen(NamedTuple):
    """Samples, their codes, and the codes suggested."""

    rows: NDArray[np.int64]
    codes: NDArray[np.int64]
    suggested: NDArray[np.int64]


def _fit_folds(
    clf: Any, X: Any, y: NDArray[Any], cv: Any, params: Any, n_jobs: int | None
) -> list[_Fold]:
    """Fit a model for each fold, of the samples outside of it."""
    results = cross_validate(
        clf,
        X,
        y,
        cv=cv,
        params=params,
        n_jobs=n_jobs,
        scoring=_no_score,
        return_estimator=True,
        return_indices=True,
        error_score="raise",
    )
    tests = results["indices"]["test"]
    return [_Fold(*pair) for pair in zip(results["estimator"], tests, strict=True)]


def _no_score(estimator: Any, X: Any, y: Any) -> float:
    """Stand in for a score: probabilities are wanted, and taken from the estimators."""
    return 0.0


def _out_of_fold(
    folds: list[_Fold], X: Any, classes: NDArray[Any], n_samples: int
) -> NDArray[np.float64]:
    """Mean probabilities of the models that have not seen a sample.

    Returns
    -------
    probabilities : ndarray of shape (n_samples, n_classes), dtype=float64
        NaN where none of these models knew the class.
    """
    sums = np.zeros((n_samples, len(classes)))
    counts = np.zeros((n_samples, len(classes)), dtype=np.int32)
    for fold in folds:
        own = fold.estimator.predict_proba(_safe_indexing(X, fold.test))
        where = np.ix_(fold.test, np.searchsorted(classes, fold.estimator.classes_))
        sums[where] += own
        counts[where] += 1
    n_left_out = int((~counts.any(axis=1)).sum())
    if n_left_out:
        raise ValueError(
            f"cv leaves {n_left_out} of {n_samples} samples out of all test parts, so "
            "that nothing can be said of their labels. Use a splitter that tests each "
            "sample once, such as cv=5."
        )
    with np.errstate(invalid="ignore"):
        return sums / counts


def _flagged(
    probabilities: NDArray[np.float64],
    is_unknown: NDArray[np.bool_],
    codes: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Whether a sample is off the diagonal of the confident joint.

    Parameters
    ----------
    probabilities : ndarray of shape (n_samples, n_classes), dtype=float64
    is_unknown : ndarray of shape (n_samples,), dtype=bool
        Whether no model knew the label.
    codes : ndarray of shape (n_samples,), dtype=int64
        The labels.
    """
    own = probabilities[np.arange(len(codes)), codes]
    counts = np.bincount(codes[~is_unknown], minlength=probabilities.shape[1])
    sums = np.bincount(codes, own * ~is_unknown, minlength=probabilities.shape[1])
    # A class whose samples no model knew has no mean, and is never confident.
    thresholds = np.divide(
        sums, counts, out=np.full(len(counts), np.inf), where=counts > 0
    )
    confident = np.where(probabilities >= thresholds, probabilities, -1.0)
    # Of equal ones that of the label, which is then not flagged.
    is_beaten = confident.max(axis=1) > confident[np.arange(len(codes)), codes]
    flagged: NDArray[np.bool_] = is_beaten & ~is_unknown
    return flagged


def _log_odds(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithms of the odds, kept finite."""
    least = np.finfo(np.float64).tiny
    odds: NDArray[np.float64] = np.log(np.maximum(probabilities, least)) - np.log(
        np.maximum(1 - probabilities, np.finfo(np.float64).eps)
    )
    return odds


def _words(
    folds: list[_Fold], X: Any, classes: NDArray[Any], chosen: _Chosen, n_words: int
) -> list[Words] | None:
    """Features that speak for the class suggested against the label."""
    # Without coef_ scores are no sums over features, and are not explained.
    if not all(hasattr(f.estimator, "explain") for f in folds) or not all(
        hasattr(f.estimator, "coef_") for f in folds
    ):
        return None
    place = {int(row): i for i, row in enumerate(chosen.rows)}
    words: list[Words] = [[] for _ in place]
    for fold in folds:
        rows = [int(row) for row in fold.test if int(row) in place]
        if not rows:
            continue
        explanation = fold.estimator.explain(_safe_indexing(X, rows))
        known = fold.estimator.classes_
        for row, one in zip(rows, explanation, strict=True):
            i = place[row]
            values = _for_over_against(
                one.contributions, known, classes, chosen.suggested[i], chosen.codes[i]
            )
            words[i] = list(_strongest(one.features, values, n_words))
    return words


def _for_over_against(
    contributions: NDArray[np.float64],
    known: NDArray[Any],
    classes: NDArray[Any],
    suggested: np.int64,
    code: np.int64,
) -> NDArray[np.float64]:
    """What each row adds to the score of one class over that of another."""
    one, other = np.searchsorted(known, classes[[suggested, code]])
    if one == len(known) or known[one] != classes[suggested]:
        return np.zeros(len(contributions))
    if contributions.shape[1] == 1:  # The score of the second of two classes.
        return contributions[:, 0] * (1.0 if one else -1.0)
    values = contributions[:, one].copy()
    if other < len(known) and known[other] == classes[code]:
        values -= contributions[:, other]
    return values


def _strongest(
    features: list[Any], values: NDArray[np.float64], n_words: int
) -> Iterator[tuple[Any, float]]:
    """Yield the features whose occurrences add most, if they add anything."""
    sums: dict[Any, float] = {}
    for feature, value in zip(features, values.tolist(), strict=True):
        sums[feature] = sums.get(feature, 0.0) + value
    for feature, value in sorted(sums.items(), key=lambda item: -item[1])[:n_words]:
        if value > 0:
            yield feature, value


def _joined(words: Words) -> str:
    return ", ".join(f"{feature} {value:+.2f}" for feature, value in words)


def _are_texts(samples: Any) -> bool:
    if sp.issparse(samples) or getattr(samples, "ndim", 1) != 1:
        return False
    return all(isinstance(sample, str) for sample in samples)
