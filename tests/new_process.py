"""New processes for tests, within milliseconds: forked from one that knows skbag."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import NamedTuple

PATIENCE = 60
"""Seconds after which a program that has not ended is taken for one that hangs."""

ORIGIN = """
import json, os, sys, traceback
import skbag  # and what importing it imports, nothing else

for line in sys.stdin:
    code, arguments, folder = json.loads(line)
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            for number, name in ((0, os.devnull), (1, "stdout"), (2, "stderr")):
                flags = os.O_RDWR | os.O_CREAT
                os.dup2(os.open(os.path.join(folder, name), flags), number)
            sys.argv[1:] = arguments
            exec(code, {"__name__": "__main__"})
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


class NewProcesses:
    """Runs programs, each in a process that has imported skbag and nothing besides."""

    def __init__(self, make_folder):
        self._make_folder, self._origin = make_folder, None

    def run(self, code, *arguments):
        """Run a program with arguments; return its status and what it wrote."""
        arguments = list(map(str, arguments))
        if not hasattr(os, "fork"):
            command = [sys.executable, "-c", code, *arguments]
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=PATIENCE
            )
            return Done(done.returncode, done.stdout, done.stderr)
        if self._origin is None:
            self._origin = subprocess.Popen(
                [sys.executable, "-c", ORIGIN],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        folder = self._make_folder()
        print(
            json.dumps([code, arguments, str(folder)]),
            file=self._origin.stdin,
            flush=True,
        )
        status = int(self._origin.stdout.readline())
        return Done(status, *((folder / name).read_text() for name in Done._fields[1:]))

    def close(self):
        """End the process that the others come from."""
        if self._origin is not None:
            self._origin.communicate(timeout=PATIENCE)
