"""Resident size of this process, and its peak since a moment of choice.

Linux tells both in /proc/self/status, and writing 5 to /proc/self/clear_refs sets the
peak back to the present size. Elsewhere the only peak to be had is that of the whole
life of the process (`resource`), which bounds what was asked for from above; where that
is missing too (Windows), there is no figure.
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def settle() -> None:
    """Give back what reading the data has left behind."""
    gc.collect()
    if pyarrow := sys.modules.get("pyarrow"):
        pyarrow.default_memory_pool().release_unused()


def _status(field: str) -> int | None:
    """Bytes of one line of the status file."""
    try:
        lines = STATUS.read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    return None


def _life_peak() -> int | None:
    """Largest size of the process so far."""
    try:
        import resource
    except ImportError:
        return None
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(size) if sys.platform == "darwin" else int(size) * 1024


def baseline() -> int | None:
    """Present size; the peak counts from here where that can be had."""
    settle()
    try:
        CLEAR.write_text("5")
    except OSError:
        return _life_peak()
    return _status("VmRSS")


def peak_above(base: int | None) -> int | None:
    """Bytes by which the process has grown at most since `baseline`."""
    peak = _status("VmHWM")
    if peak is None:
        peak = _life_peak()
    if base is None or peak is None:
        return None
    return max(peak - base, 0)
