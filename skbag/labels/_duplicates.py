"""Equal texts: within the training texts, with other labels, and among test texts."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skbag._targets.indicator import is_indicator, label_sets
from skbag._targets.labels import distinct_labels, kind_of_labels
from skbag._text.data_frames import is_frame_of_columns, names_of, read_rows
from skbag._text.text_containers import read_documents


@dataclass(frozen=True, eq=False, repr=False)
class DuplicateTexts:
    """Which texts are equal, and whether their labels are; made by `find_duplicates`.

    ``print(duplicates)`` sums it up.

    Attributes
    ----------
    first : ndarray of shape (n_samples,), dtype=int64
        For each training text the first one equal to it: itself, where none precedes.
    contradicts : ndarray of shape (n_samples,), dtype=bool, or None
        Whether an equal training text has another label; None without `y`.
    test_first : ndarray of shape (n_test,), dtype=int64, or None
        For each test text the first training text equal to it, -1 for none. None
        without `X_test`.
    test_contradicts : ndarray of shape (n_test,), dtype=bool, or None
        Whether an equal training text has another label; None without `y_test`.
    texts, test_texts : list
        As they were read; of a data frame of several columns tuples of its values.
        `test_texts` is empty without `X_test`.
    """

    first: NDArray[np.int64]
    contradicts: NDArray[np.bool_] | None
    test_first: NDArray[np.int64] | None
    test_contradicts: NDArray[np.bool_] | None
    texts: list[Any]
    test_texts: list[Any]

    @property
    def is_repeat(self) -> NDArray[np.bool_]:
        """Whether an equal training text precedes: leave these out to keep one each."""
        return np.asarray(self.first != np.arange(len(self.first)))

    @property
    def in_train(self) -> NDArray[np.bool_]:
        """Whether a test text is among the training texts; of length 0 without any."""
        if self.test_first is None:
            return np.zeros(0, dtype=bool)
        return np.asarray(self.test_first >= 0)

    def to_frame(self) -> Any:
        """Return a pandas DataFrame of all texts with an equal one; needs pandas.

        Returns
        -------
        frame : pandas.DataFrame
            Columns `part` ("train" or "test"), `index` in it, `first` (the first equal
            training text), `text`, and `contradicts` where labels are known. Equal
            texts stand together.
        """
        import pandas as pd

        test = np.flatnonzero(self.in_train)
        test_first = self.first[:0]
        if self.test_first is not None:
            test_first = self.test_first[test]
        counts = np.bincount(self.first, minlength=len(self.first))
        counts[test_first] += 1
        train = np.flatnonzero(counts[self.first] > 1)
        texts = [self.texts[i] for i in train] + [self.test_texts[i] for i in test]
        columns: dict[str, Any] = {
            "part": ["train"] * len(train) + ["test"] * len(test),
            "index": np.concatenate([train, test]),
            "first": np.concatenate([self.first[train], test_first]),
            # As objects: strings of pandas hold no lone surrogates.
            "text": pd.Series(texts, dtype=object),
        }
        if self.contradicts is not None:
            contradicts = self.contradicts[train].tolist()
            known = self.test_contradicts
            contradicts += [None] * len(test) if known is None else known[test].tolist()
            columns["contradicts"] = pd.Series(contradicts, dtype=object)
        # Stable: training texts before test texts, each in their order.
        return (
            pd.DataFrame(columns)
            .sort_values("first", kind="stable")
            .reset_index(drop=True)
        )

    def __repr__(self) -> str:
        return (
            f"<DuplicateTexts: {int(self.is_repeat.sum()):,} of {len(self.first):,} "
            "texts repeat an earlier one>"
        )

    def __str__(self) -> str:
        lines = [_share(self.is_repeat, "training texts repeat an earlier one")]
        if self.contradicts is not None:
            lines.append(
                _share(self.contradicts, "have an equal one with another label")
            )
        if self.test_first is not None:
            lines.append(_share(self.in_train, "test texts are training texts"))
        if self.test_contradicts is not None:
            lines.append(
                _share(self.test_contradicts, "have an equal one with another label")
            )
        return "\n".join(lines)


def _share(flags: NDArray[np.bool_], what: str) -> str:
    n = int(flags.sum())
    return f"{n:,} of {len(flags):,} ({n / max(len(flags), 1):.1%}) {what}"


def find_duplicates(
    X: Any,
    y: ArrayLike | None = None,
    X_test: Any = None,
    y_test: ArrayLike | None = None,
    *,
    normalize: bool = False,
) -> DuplicateTexts:
    """Find equal texts, those with contradictory labels, and those in both parts.

    One pass with a hash table: time and memory follow the number of texts. Nothing is
    left out or changed; whether repeats are wanted is for the caller to say.

    Parameters
    ----------
    X : texts
        As for ``EmbeddingBagClassifier.fit``: a list, an array, a Series, an Arrow
        array, a data frame. Rows of a frame of several columns are equal where all
        their values are.
    y : array-like of shape (n_samples,), or matrix of shape (n_samples, n_labels)
        Classes, or an indicator matrix, default=None.
    X_test : texts, default=None
    y_test : as y, default=None
        Of the same kind as `y`.
    normalize : bool, default=False
        Whether texts that differ only in case and white space are equal: compared are
        ``" ".join(text.lower().split())``. By default texts are equal character by
        character.

    Returns
    -------
    duplicates : DuplicateTexts

    Raises
    ------
    ValueError, TypeError
        If `X` or `X_test` are no texts, are empty, or do not have one label each; if
        `y_test` is given without `y` or `X_test`, or is of another kind than `y`.

    Examples
    --------
    >>> from skbag.labels import find_duplicates
    >>> texts = ["late parcel", "refund", "late parcel", "Late  parcel"]
    >>> found = find_duplicates(texts, ["delivery", "payment", "payment", "delivery"])
    >>> found.first
    array([0, 1, 0, 3])
    >>> print(found)
    1 of 4 (25.0%) training texts repeat an earlier one
    2 of 4 (50.0%) have an equal one with another label
    >>> find_duplicates(texts, normalize=True).first
    array([0, 1, 0, 0])
    """
    if y_test is not None and (y is None or X_test is None):
        raise ValueError(
            "y_test is compared with y, text by text: pass y, X_test and y_test "
            "together, or leave y_test out."
        )
    if X_test is not None:
        _check_same_columns(X, X_test)
    texts, keys = _read(X, "X", normalize)
    seen: dict[Hashable, int] = {}
    first = np.array([seen.setdefault(key, i) for i, key in enumerate(keys)], np.int64)
    test_texts: list[Any] = []
    test_first = None
    if X_test is not None:
        test_texts, keys = _read(X_test, "X_test", normalize)
        test_first = np.array([seen.get(key, -1) for key in keys], np.int64)
    contradicts = test_contradicts = None
    if y is not None:
        codes, test_codes = _label_codes(y, y_test, len(texts), len(test_texts))
        # Equal texts have one label where the least of their codes is the greatest.
        least, greatest = codes.copy(), codes.copy()
        np.minimum.at(least, first, codes)
        np.maximum.at(greatest, first, codes)
        contradicts = (least != greatest)[first]
        if test_first is not None and test_codes is not None:
            differs = (least[test_first] != test_codes) | (
                greatest[test_first] != test_codes
            )
            test_contradicts = differs & (test_first >= 0)
    return DuplicateTexts(
        first, contradicts, test_first, test_contradicts, texts, test_texts
    )


def _read(X: Any, name: str, normalize: bool) -> tuple[list[Any], Sequence[Hashable]]:
    """Texts, or rows of a data frame, and what is compared of each."""
    if is_frame_of_columns(X):
        rows = [tuple(map(_plain, row)) for row in read_rows(X, None)]
        keys: Sequence[Hashable] = rows
        if normalize:
            keys = [tuple(map(_normalized, row)) for row in rows]
        texts: list[Any] = rows
    else:
        documents = read_documents(X)
        if documents is None:
            if hasattr(X, "__len__") and len(X) == 0:
                raise ValueError(f"{name} holds 0 texts; a minimum of 1 is required.")
            raise ValueError(
                f"{name} holds numbers, and find_duplicates compares texts. Equal rows "
                "of a matrix are found by numpy.unique(X, axis=0, return_inverse=True)."
            )
        texts = documents.texts
        keys = list(map(_normalized, texts)) if normalize else texts
    if not texts:
        raise ValueError(f"{name} holds 0 texts; a minimum of 1 is required.")
    return texts, keys


def _check_same_columns(X: Any, X_test: Any) -> None:
    """Raise where rows of one part could not be equal to any of the other."""
    names, test_names = (
        names_of(part) if is_frame_of_columns(part) else None for part in (X, X_test)
    )
    if names != test_names:
        raise ValueError(
            f"X has {names or 'one text each'}, X_test has "
            f"{test_names or 'one text each'}: their rows cannot be equal. Pass both "
            "with the same columns, or the column of texts of both."
        )


def _plain(value: Any) -> Any:
    """Return None for NaN, which is not equal to itself."""
    return None if value != value else value


def _normalized(value: Any) -> Any:
    return " ".join(value.lower().split()) if isinstance(value, str) else value


def _label_codes(
    y: Any, y_test: Any, n_samples: int, n_test: int
) -> tuple[NDArray[np.int64], NDArray[np.int64] | None]:
    """Equal numbers for equal labels, or sets of labels, of both parts."""
    kind, labels = _read_labels(y, "X", "y", n_samples)
    numbers: dict[Hashable, int] = {}
    codes = np.array([numbers.setdefault(label, len(numbers)) for label in labels])
    if y_test is None:
        return codes.astype(np.int64), None
    test_kind, labels = _read_labels(y_test, "X_test", "y_test", n_test)
    if test_kind != kind:
        raise ValueError(
            f"y holds labels of the type {kind}, y_test of the type {test_kind}, so "
            "that none of them are equal. Pass labels of one type."
        )
    test_codes = np.array([numbers.setdefault(label, len(numbers)) for label in labels])
    return codes.astype(np.int64), test_codes.astype(np.int64)


def _read_labels(y: Any, X_name: str, name: str, n: int) -> tuple[str, list[Hashable]]:
    """Kind of the labels, and each sample's label, or bytes for its set of them."""
    labels: list[Hashable]
    if is_indicator(y):
        sets = label_sets(y)
        bounds = zip(sets.offsets, sets.offsets[1:], strict=False)
        labels = [sets.labels[start:stop].tobytes() for start, stop in bounds]
        kind = f"indicator matrix of {sets.n_labels} columns"
    else:
        classes, codes = distinct_labels(y)
        labels, kind = classes[codes].tolist(), kind_of_labels(classes)
    if len(labels) != n:
        raise ValueError(
            f"{X_name} and {name} have inconsistent lengths: {n} texts and "
            f"{len(labels)} labels. Pass one label per text."
        )
    return kind, labels
