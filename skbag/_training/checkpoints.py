"""The file that a fit goes on from where it was cut short, and what writes it."""

from __future__ import annotations

import copy
from typing import Any, Protocol

import numpy as np

from skbag._training.run import TrainingRun
from skbag.exceptions import ModelFileError


class Checkpoint(Protocol):
    """A file from which a fit that was cut short goes on."""

    path: str

    def read(self) -> dict[str, Any] | None:
        """Return what was written last; None where there is nothing."""

    def write(self, state: dict[str, Any]) -> None:
        """Write state in place of an earlier one."""

    def refuse_other_samples(self, written: str, found: str) -> None:
        """Raise where fingerprints of samples differ."""


class NoCheckpoint:
    """What follows each epoch where no checkpoint is asked for."""

    def begin(self, random_state: np.random.RandomState) -> np.random.RandomState:
        """Return the generator itself."""
        return random_state

    def resume(self, run: TrainingRun) -> None:
        """Do nothing: a run begins at its beginning."""

    def after_epoch(self, run: TrainingRun) -> None:
        """Do nothing."""


class Checkpoints:
    """What follows each epoch: the state of the run is written to a file.

    Parameters
    ----------
    file : Checkpoint
    """

    def __init__(self, file: Checkpoint) -> None:
        self._file = file
        self._saved = file.read()

    def begin(self, random_state: np.random.RandomState) -> np.random.RandomState:
        """Return the generator to begin with: that of the fit that was cut short."""
        if self._saved is not None:
            random_state = self._saved["random_state"]
        # What follows moves on a generator that is the caller's, or numpy's.
        self._start_state = copy.deepcopy(random_state)
        return random_state

    def resume(self, run: TrainingRun) -> None:
        """Let a run go on from the file, if there is one."""
        self._fingerprint = run.fingerprint()
        saved, self._saved = self._saved, None
        if saved is not None:
            self._file.refuse_other_samples(saved["fingerprint"], self._fingerprint)
            _restore(run, saved["run"], self._file.path)

    def after_epoch(self, run: TrainingRun) -> None:
        """Write what training has changed since it began."""
        self._file.write(
            {
                "run": run.state(),
                "random_state": self._start_state,
                "fingerprint": self._fingerprint,
            }
        )


def _restore(run: TrainingRun, state: Any, path: str) -> None:
    """Go on from the state in a checkpoint, which may have been tampered with."""
    try:
        run.restore(state)
    except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise ModelFileError(
            f"{path} is damaged: it holds no state of this fit "
            f"({error!r:.200}). Delete it to start again."
        ) from error
