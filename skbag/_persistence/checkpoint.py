"""A file from which a fit that was cut short goes on, to the bits it would have had.

It holds what training has changed since it began, and what shows whether samples
and parameters are still the same. Texts are read, and their features learnt, once more:
that gives the same every time, and files would be far larger.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from skbag._core.communicator import Communicator
from skbag._persistence.packing import CannotPack
from skbag._persistence.safetensors_file import read_state, write_state
from skbag._version import __version__
from skbag.exceptions import ModelFileError

_KIND = "checkpoint of a fit"


class Checkpoint:
    """A file for one fit by one process or several; the first rank reads and writes it.

    Parameters
    ----------
    path : str or path-like
    facts : mapping of str to str
        Parameters that must be those of the fit that was cut short, in words.
    communicator : Communicator

    Raises
    ------
    FileNotFoundError
        If there is no folder for the file.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        facts: Mapping[str, str],
        communicator: Communicator,
    ) -> None:
        self.path = os.path.abspath(os.fspath(path))
        self._facts = {
            **facts,
            "the number of processes": str(communicator.world_size),
            "the version of skbag": __version__,
        }
        self._communicator = communicator
        if communicator.rank == 0 and not os.path.isdir(os.path.dirname(self.path)):
            raise FileNotFoundError(
                f"checkpoint={os.fspath(path)!r}: there is no folder "
                f"{os.path.dirname(self.path)!r}. Make it before fit."
            )

    def read(self) -> dict[str, Any] | None:
        """Return what was written last, on all ranks; None where there is nothing.

        Raises
        ------
        ValueError
            If it is of a fit with other parameters.
        ModelFileError
            If the file is damaged, or is something else.
        """
        communicator, state = self._communicator, None
        if communicator.rank == 0 and os.path.exists(self.path):
            state = self._read()
        received = (
            [state] * communicator.world_size
            if communicator.rank == 0
            else [None] * communicator.world_size
        )
        return communicator.all_to_all(received)[0]

    def write(self, state: dict[str, Any]) -> None:
        """Write state in place of an earlier one: whole, or not at all.

        Raises
        ------
        OSError
            If that cannot be done.
        """
        if self._communicator.rank == 0:
            whole = {"facts": self._facts, **state}
            write_state(self.path, whole, _refuse, {"kind": _KIND, "callables": {}})

    def refuse_other_samples(self, written: str, found: str) -> None:
        """Raise where samples are not those that the file was written for.

        Raises
        ------
        ValueError
        """
        if written != found:
            raise ValueError(
                f"The checkpoint {self.path} was written for other samples, or these "
                "in another order: it cannot be gone on from. Pass the same, or delete "
                "the file to start again."
            )

    def _read(self) -> dict[str, Any]:
        content = read_state(self.path, lambda about: {})
        state = content["state"]
        if content["about"].get("kind") != _KIND or type(state) is not dict:
            raise ModelFileError(f"{self.path} is a file of skbag, but no checkpoint.")
        facts = state.pop("facts")
        for name, value in self._facts.items():
            if facts.get(name) != value:
                raise ValueError(
                    f"The checkpoint {self.path} was written by a fit with {name} "
                    f"{facts.get(name)!s:.200}, which is now {value:.200}: it cannot "
                    "be gone on from. Set it back, or delete the file to start again."
                )
        return state


def remove(path: str | os.PathLike[str]) -> None:
    """Remove the file of a fit that has come to its end.

    It would turn the next fit on the same samples into none.
    """
    with suppress(FileNotFoundError):
        os.unlink(path)


def _refuse(place: str, value: Any) -> Any:
    raise CannotPack(f"{place} is a function, which no checkpoint can hold.")
