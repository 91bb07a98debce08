"""The driver's side of the workers: start, ask, give up, stop."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

HERE = Path(__file__).parent
LIMITS_ON_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class WorkerError(Exception):
    """A request failed or its process died."""


class OverTheLimit(WorkerError):
    """A request took longer than it may; its process has been ended."""


class Worker:
    """A process in another environment that answers requests, one at a time.

    Parameters
    ----------
    python : Path
        Interpreter of the environment.
    library : str
        What it measures: see `methods.catalogue`.
    cores : int
        Number of cores it may use.

    Attributes
    ----------
    about : dict
        Seconds of its imports, and versions.
    """

    def __init__(self, python: Path, library: str, cores: int) -> None:
        # Left to themselves, libraries take the cores that the process may use.
        free = {k: v for k, v in os.environ.items() if k not in LIMITS_ON_THREADS}
        free["PYTHONDONTWRITEBYTECODE"] = "1"
        self._log = tempfile.TemporaryFile("w+", encoding="utf-8")
        self._process = subprocess.Popen(
            [str(python), str(HERE / "worker.py"), str(cores)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            encoding="utf-8",
            env=free,
        )
        self._answers: queue.Queue[str] = queue.Queue()
        reader = threading.Thread(target=self._read, daemon=True)
        reader.start()
        self.about = self.ask("start", library=library)

    def _read(self) -> None:
        """Pass the answers on; an empty line is the end."""
        pipe = self._process.stdout
        assert pipe is not None
        for line in pipe:
            self._answers.put(line)
        self._answers.put("")

    def ask(
        self, do: str, *, limit: float | None = None, **arguments: Any
    ) -> dict[str, Any]:
        """Send a request and wait for the answer.

        Parameters
        ----------
        do : str
            Name of a method of `worker.Session`.
        limit : float or None
            Seconds after which the process is ended.
        **arguments : object
            Its arguments.

        Returns
        -------
        answer : dict

        Raises
        ------
        OverTheLimit
            After so many seconds.
        WorkerError
            If the request failed or the process died.
        """
        pipe = self._pipe()
        try:
            print(json.dumps({"do": do, **arguments}), file=pipe, flush=True)
            line = self._answers.get(timeout=limit)
        except queue.Empty:
            self.stop()
            raise OverTheLimit(f"over the limit of {limit:.0f} s") from None
        except OSError:
            line = ""
        if not line:
            raise WorkerError(f"the process of {do!r} died: {self._last_words()}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise WorkerError(answer["error"])
        found: dict[str, Any] = answer["ok"]
        return found

    def _pipe(self) -> TextIO:
        pipe = self._process.stdin
        if pipe is None or pipe.closed:
            raise WorkerError("the process has been ended")
        return pipe

    def _last_words(self) -> str:
        """The end of what the process wrote about its death."""
        self._process.wait()
        self._log.seek(0)
        lines = self._log.read().split("\n")
        said = [line for line in lines if line.strip()]
        return said[-1] if said else f"exit status {self._process.returncode}"

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._log):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:  # a request was on its way
                    pass

    def __enter__(self) -> Worker:
        """Nothing more: the process runs already."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the process."""
        self.stop()


StartWorker = Callable[[str], Worker]
"""From a library's name to a fresh worker."""


@contextmanager
def busy_cores(n_cores: int) -> Iterator[None]:
    """Keep a process that computes without end on each core meanwhile."""
    command = [sys.executable, "-c", "while True: sum(range(10_000))"]
    processes = [subprocess.Popen(command) for _ in range(n_cores)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()
