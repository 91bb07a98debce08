"""How many bytes this process may still ask for.

The least of what the system has to give, what the control groups of a container leave
and what the process' own limits leave. Linux tells all of it in small files; of other
systems less is known. Nothing here allocates or changes anything.
"""

from __future__ import annotations

import ctypes
import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")
CGROUPS = Path("/sys/fs/cgroup")


def available_bytes(proc: Path = PROC, cgroups: Path = CGROUPS) -> int | None:
    """Bytes that can be allocated and used now, or None where nothing tells.

    Memory that the system holds as a cache of files and gives back on demand counts as
    available, and so do free swap and what the process has freed but still holds.

    Parameters
    ----------
    proc : Path, default=/proc
        Where Linux shows its memory and that of the process.
    cgroups : Path, default=/sys/fs/cgroup
        Where control groups are mounted: version 2, version 1, or both.
    """
    memory = _fields(proc / "meminfo")
    if "MemAvailable" in memory:
        swap = memory.get("SwapFree", 0)
        limits: list[float] = [memory["MemAvailable"] + swap]
        limits += _limits_of_cgroups(proc, cgroups, swap)
    else:
        system = _windows_bytes() if sys.platform == "win32" else _physical_bytes()
        limits = [] if system is None else [system]
    limits += _limits_of_process(proc)
    return max(int(min(limits)), 0) + _free_in_heap() if limits else None


def _free_in_heap() -> int:
    """Bytes that were freed and wait in the heap of the C library to be used again.

    What a fit has used to read its texts: a tenth of a gigabyte is not seldom.
    """
    if sys.platform != "linux":
        return 0
    names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks"
    fields = [(name, ctypes.c_size_t) for name in [*names.split(), "keepcost"]]
    heap = type("mallinfo2", (ctypes.Structure,), {"_fields_": fields})
    try:
        ask = ctypes.CDLL(None).mallinfo2
    except (AttributeError, OSError):  # another C library, or glibc before 2.33
        return 0
    ask.restype = heap
    return int(ask().fordblks)


def _physical_bytes() -> int | None:
    """All memory of the machine, in use or not: an upper bound of what is left."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def _windows_bytes() -> int | None:
    """What the process may still commit: memory and page file."""
    names = "ullTotalPhys ullAvailPhys ullTotalPageFile ullAvailPageFile".split()
    names += "ullTotalVirtual ullAvailVirtual ullAvailExtendedVirtual".split()
    fields = [("dwLength", ctypes.c_uint32), ("dwMemoryLoad", ctypes.c_uint32)]
    fields += [(name, ctypes.c_uint64) for name in names]  # type: ignore[misc]
    status = type("MemoryStatus", (ctypes.Structure,), {"_fields_": fields})()
    status.dwLength = ctypes.sizeof(status)
    windll = getattr(ctypes, "windll", None)
    if windll is None or not windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        return None
    return int(status.ullAvailPageFile)


def _limits_of_process(proc: Path) -> Iterator[int]:
    """Yield what the limits of the process on its address space and data leave."""
    try:
        import resource
    except ImportError:  # Windows
        return
    used = _fields(proc / "self" / "status")
    for limit, field in (
        (resource.RLIMIT_AS, "VmSize"),
        (resource.RLIMIT_DATA, "VmData"),
    ):
        soft, _ = resource.getrlimit(limit)
        if soft != resource.RLIM_INFINITY:
            yield soft - used.get(field, 0)


def _limits_of_cgroups(proc: Path, cgroups: Path, swap: int) -> Iterator[float]:
    """Yield what each control group that the process is in leaves.

    A line of ``/proc/self/cgroup`` is ``number:controllers:path``; those of version 2
    have no controllers.
    """
    for line in _text(proc / "self" / "cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if "memory" in controllers.split(","):
            for group in _upwards(cgroups / "memory", path):
                yield _room_v1(group, swap)
        elif not controllers:
            for group in _upwards(cgroups, path):
                yield _room_v2(group, swap)


def _upwards(mount: Path, path: str) -> Iterator[Path]:
    """Yield a group and those above it, each of which has a limit of its own.

    Inside a container the path may be that of the host, which is not there; the
    mount then is the container's own group.
    """
    parts = [part for part in path.split("/") if part not in ("", "..")]
    for n in range(len(parts), -1, -1):
        yield mount.joinpath(*parts[:n])


def _room_v2(group: Path, swap: int) -> float:
    limit = _number(group / "memory.max")
    if math.isinf(limit):
        return limit
    document_counts = _pairs(group / "memory.stat")
    cache = sum(
        document_counts.get(name, 0)
        for name in ("inactive_file", "active_file", "slab_reclaimable")
    )
    used = max(_number(group / "memory.current", 0) - cache, 0)
    swap_limit = _number(group / "memory.swap.max")
    swap_left = swap_limit - _number(group / "memory.swap.current", 0)
    return limit - used + max(min(swap, swap_left), 0)


def _room_v1(group: Path, swap: int) -> float:
    limit = _number(group / "memory.limit_in_bytes")
    if math.isinf(limit):
        return limit
    document_counts = _pairs(group / "memory.stat")
    cache = document_counts.get("total_inactive_file", 0)
    cache += document_counts.get("total_active_file", 0)
    used = max(_number(group / "memory.usage_in_bytes", 0) - cache, 0)
    # Of memory and swap together, where that is counted.
    with_swap = _number(group / "memory.memsw.limit_in_bytes")
    used_with_swap = _number(group / "memory.memsw.usage_in_bytes", 0) - cache
    return min(limit - used + swap, with_swap - max(used_with_swap, 0))


def _text(path: Path) -> str:
    """Contents of a file, nothing where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _number(path: Path, otherwise: float = math.inf) -> float:
    """The number in a file; `otherwise` for none, infinity for ``max``."""
    text = _text(path).strip()
    if text == "max":
        return math.inf
    return int(text) if text.isdigit() else otherwise


def _pairs(path: Path) -> dict[str, int]:
    """Lines of the form ``name number``."""
    words = (line.split() for line in _text(path).splitlines())
    return {pair[0]: int(pair[1]) for pair in words if len(pair) == 2}


def _fields(path: Path) -> dict[str, int]:
    """Bytes of the lines of the form ``Name:  1234 kB``."""
    words = (line.split() for line in _text(path).splitlines())
    return {
        parts[0].rstrip(":"): int(parts[1]) * 1024
        for parts in words
        if len(parts) == 3 and parts[2] == "kB"
    }
