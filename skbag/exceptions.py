"""Errors and warnings that callers may want to catch by type."""

from __future__ import annotations

from sklearn.exceptions import (
    InconsistentVersionWarning as _SklearnInconsistentVersionWarning,
)

__all__ = ["InconsistentVersionWarning", "ModelFileError", "RankError"]


class ModelFileError(ValueError):
    """A file or state that is not a sound model of skbag, or of a later version.

    The only error that `skbag.load` raises for what it finds in a file, whatever that
    is. Where the file cannot be read at all, the system's `OSError` comes through.

    .. versionadded:: 0.1
    """


class RankError(RuntimeError):
    """A fit by several processes has failed in another of them, or has lost one.

    Raised in the processes that have no error of their own. The message names the rank
    and its error, or says where the fit was when a process was lost.

    .. versionadded:: 0.1
    """


class InconsistentVersionWarning(_SklearnInconsistentVersionWarning):
    """An estimator was pickled by another version of skbag.

    A subclass of scikit-learn's warning of that name, so that a filter for either
    works.

    .. versionadded:: 0.1

    Parameters
    ----------
    estimator_name : str
        Name of the estimator's class.
    current_skbag_version : str
        The version that is unpickling.
    original_skbag_version : str
        The version that pickled.
    """

    def __init__(
        self,
        *,
        estimator_name: str,
        current_skbag_version: str,
        original_skbag_version: str,
    ) -> None:
        self.estimator_name = estimator_name
        self.current_skbag_version = current_skbag_version
        self.original_skbag_version = original_skbag_version

    def __str__(self) -> str:
        return (
            f"This {self.estimator_name} was pickled by skbag "
            f"{self.original_skbag_version} and is loaded by skbag "
            f"{self.current_skbag_version}: it may fail or give other results. Install "
            f"skbag {self.original_skbag_version}, or fit it again; files written by "
            "skbag.save are read by all later versions."
        )
