"""Learn from parts, one after the other, by partial_fit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sklearn.base import is_classifier
from sklearn.preprocessing import MultiLabelBinarizer

from skbag.datasets._read_texts import TextParts


def stream_fit(clf: Any, parts: Iterable[Any], classes: Any = None) -> Any:
    """Fit an estimator to parts of texts and labels by its ``partial_fit``.

    Where ``classes`` are not given, a first pass over the parts finds them: of Parquet
    and Arrow it reads the column of labels alone.

    .. versionadded:: 0.1

    Parameters
    ----------
    clf : estimator
        With ``partial_fit``: a classifier, or a regressor, which has no classes. One
        that was fitted before goes on.
    parts : iterable of (texts, labels)
        What `read_texts` returns, or any other; parts without texts are passed over.
        Labels that are lists, tuples or sets are several for each text: they become an
        indicator matrix, whose columns are the classes in their order. An indicator
        matrix is taken as it is.
    classes : array-like of shape (n_classes,), default=None
        All labels that will come. By default those of a first pass, sorted, for which
        ``parts`` must be one that can be iterated over twice; or those that the
        estimator has, if it was fitted before.

    Returns
    -------
    clf : estimator
        The estimator itself.

    Raises
    ------
    ValueError
        If classes are not given and ``parts`` can be gone through once only, or there
        are no texts; and whatever a part or ``partial_fit`` raises, with the number of
        texts that had been learnt. These stay learnt.
    TypeError
        If the estimator has no ``partial_fit``, or a part is no pair.

    See Also
    --------
    read_texts : Parts of files.

    Examples
    --------
    >>> from skbag import EmbeddingBagClassifier
    >>> from skbag.datasets import stream_fit
    >>> parts = [(["oven", "sail"], [0, 1]), (["oven wave", "sail wave"], [0, 1])]
    >>> clf = stream_fit(EmbeddingBagClassifier(random_state=0), parts)
    >>> clf.predict(["oven"])
    array([0])
    """
    if not hasattr(clf, "partial_fit"):
        raise TypeError(
            f"{type(clf).__name__} has no partial_fit. Use EmbeddingBagClassifier, or "
            "read all texts and call fit."
        )
    if is_classifier(clf) and classes is None and not hasattr(clf, "classes_"):
        classes = _classes_of(parts)
    stream = _Stream(clf, classes)
    try:
        for part in parts:
            stream.learn(part)
    except (ValueError, TypeError, OSError) as error:
        kinds = (TypeError, OSError, ValueError)
        kind = next(kind for kind in kinds if isinstance(error, kind))
        raise kind(stream.told(error)) from error
    if not stream.n_texts:
        raise ValueError("The parts held no texts.")
    return clf


class _Stream:
    """An estimator, its classes, and how far it has come."""

    def __init__(self, clf: Any, classes: Any) -> None:
        self.clf = clf
        self.classes = None if classes is None else list(classes)
        self.n_texts = self.n_parts = 0

    def learn(self, part: Any) -> None:
        texts, labels = _pair(part)
        if not len(texts):
            return
        more: dict[str, Any] = {}
        if is_classifier(self.clf) and self.classes is not None:
            more["classes"] = self.classes
        if _are_several(labels):
            labels, more = self._indicator(labels)
        self.clf.partial_fit(texts, labels, **more)
        self.n_texts += len(texts)
        self.n_parts += 1

    def _indicator(self, labels: Any) -> tuple[Any, dict[str, Any]]:
        """Rows of 0 and 1, and the numbers of the columns, which partial_fit wants."""
        if self.classes is None:
            raise ValueError(
                "Texts have several labels, and the estimator was fitted before. Give "
                "the classes, in the order of its columns."
            )
        known = set(self.classes)
        if unknown := sorted({x for row in labels for x in row} - known, key=repr):
            raise ValueError(
                f"The labels {unknown[:5]} are not among the {len(known)} classes."
            )
        binarizer = MultiLabelBinarizer(classes=self.classes, sparse_output=True)
        indicator = binarizer.fit_transform(labels)
        return indicator, {"classes": list(range(len(self.classes)))}

    def told(self, error: Exception) -> str:
        return (
            f"{error} (In part {self.n_parts + 1:,} of the stream. The estimator has "
            f"learnt the {self.n_texts:,} texts before it, and keeps them.)"
        )


def _classes_of(parts: Any) -> list[Any]:
    if hasattr(parts, "__next__"):
        raise ValueError(
            f"The classes are not known, and parts is a {type(parts).__name__}, which "
            "can be gone through once only. Give classes, or parts that can be "
            "iterated over twice: a list, or what read_texts returns."
        )
    is_read = isinstance(parts, TextParts)
    columns: Any = parts.labels() if is_read else map(_labels_of, parts)
    found: set[Any] = set()
    for labels in columns:
        if getattr(labels, "ndim", 1) == 2:  # an indicator matrix
            return list(range(labels.shape[1]))
        if _are_several(labels):
            found.update(label for row in labels for label in row)
        else:
            found.update(labels.tolist() if hasattr(labels, "tolist") else labels)
    try:
        return sorted(found)
    except TypeError as error:
        kinds = sorted({type(label).__name__ for label in found})
        raise TypeError(
            f"The labels are of the types {kinds}, which cannot be sorted. Make them "
            "one, for instance by label_dtype=str."
        ) from error


def _labels_of(part: Any) -> Any:
    return _pair(part)[1]


def _pair(part: Any) -> tuple[Any, Any]:
    if not isinstance(part, (tuple, list)) or len(part) != 2:
        raise TypeError(
            f"A part must be a tuple of texts and labels, got {type(part).__name__}."
        )
    texts, labels = part
    if labels is None:
        raise TypeError(
            "A part has no labels (None). Give read_texts the name of a label."
        )
    return texts, labels


def _are_several(labels: Any) -> bool:
    """Whether the labels of each text are a list, a tuple or a set."""
    # Not an indicator matrix, whose rows are arrays.
    is_plain = isinstance(labels, (list, tuple))
    return is_plain and bool(labels) and isinstance(labels[0], (list, tuple, set))
