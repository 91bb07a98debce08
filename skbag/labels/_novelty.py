"""From what score on a text counts as known: a threshold by the share to keep."""

from __future__ import annotations

from typing import Any

import numpy as np

from skbag.labels._samples import as_indexable, check_has


def novelty_threshold(clf: Any, X: Any, *, keep: float = 0.95) -> float:
    """Return the score that a share of known texts reaches.

    A text whose `score_samples` is below it is outside of what the estimator knows, as
    far as its score can tell: ``clf.score_samples(texts) < threshold``.

    Parameters
    ----------
    clf : estimator
        Fitted, with `score_samples` (higher is more usual): `EmbeddingBagClassifier`, a
        pipeline that ends in one, ``IsolationForest``, ...
    X : texts or matrix
        Known texts that the estimator was not fitted on, a hundred at least: scores of
        training texts are higher than those of others of their kind.
    keep : float, default=0.95
        Share of them to keep, in (0, 1].

    Returns
    -------
    threshold : float
        The greatest score that at least the share `keep` of `X` reaches.

    Raises
    ------
    ValueError, TypeError
        If `keep` is no such share, `clf` has no `score_samples`, its scores are not
        finite, or as those.

    Examples
    --------
    >>> from skbag import EmbeddingBagClassifier
    >>> from skbag.labels import novelty_threshold
    >>> texts = ["bake the dough", "sail the ship", "prune the hedge"] * 4
    >>> clf = EmbeddingBagClassifier(random_state=0)
    >>> clf = clf.fit(texts, ["kitchen", "sea", "garden"] * 4)
    >>> threshold = novelty_threshold(clf, ["dough", "a ship", "hedge"], keep=1.0)
    >>> clf.score_samples(["the dough", "tax return"]) < threshold
    array([False,  True])
    """
    check_has(clf, "score_samples", "novelty_threshold")
    if not 0 < keep <= 1:
        raise ValueError(
            f"keep must be a share of the texts, above 0 and at most 1, got {keep!r}."
        )
    scores = np.asarray(clf.score_samples(as_indexable(X)), dtype=np.float64)
    if not np.isfinite(scores).all():
        raise ValueError(
            "score_samples gives scores that are not finite, which no threshold "
            "divides. Leave out the texts that have them."
        )
    # By exact arithmetic: 0.95 * 20 is 19, and not a little more.
    n_kept = int(np.ceil(np.round(float(keep) * len(scores), 6)))
    n_kept = max(n_kept, 1)
    return float(np.partition(scores, -n_kept)[-n_kept])
