"""How much memory there is: the least of what the system, groups and limits leave."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from skbag._core import available_memory
from skbag._core.available_memory import available_bytes

GIB = 2**30
UNLIMITED_V1 = "9223372036854771712"


@pytest.fixture
def system(tmp_path, monkeypatch):
    """A made-up Linux of 8 GiB, and a function that puts files into it."""
    monkeypatch.setattr(available_memory, "_limits_of_process", lambda proc: [])
    monkeypatch.setattr(available_memory, "_free_in_heap", lambda: 0)

    def put(**files):
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/").replace("_DOT_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(str(text))
        return available_bytes(tmp_path / "proc", tmp_path / "cgroup")

    put(
        proc__meminfo="MemTotal: 9000000 kB\nMemAvailable: 8388608 kB\nSwapFree: 0 kB\n"
    )
    return put


def test_what_the_system_has_and_swap(system):
    assert system() == 8 * GIB
    meminfo = "MemAvailable: 1048576 kB\nSwapFree: 1048576 kB\nHugePages_Total: 0\n"
    assert system(proc__meminfo=meminfo) == 2 * GIB


def test_limit_of_a_group_of_version_2(system):
    got = system(
        proc__self__cgroup="0::/\n",
        cgroup__memory_DOT_max=3 * GIB,
        cgroup__memory_DOT_current=2 * GIB,
        cgroup__memory_DOT_stat=f"anon 5\nactive_file {GIB // 4}\nslab_reclaimable 0\n",
    )
    assert got == GIB + GIB // 4


def test_no_limit_is_none(system):
    got = system(
        proc__self__cgroup="0::/a\n5:memory:/b\n",
        cgroup__memory_DOT_max="max\n",
        cgroup__memory__memory_DOT_limit_in_bytes=UNLIMITED_V1,
        cgroup__memory__memory_DOT_usage_in_bytes=GIB,
    )
    assert got == 8 * GIB


def test_a_group_above_may_be_the_tightest(system):
    got = system(
        proc__self__cgroup="0::/pod/box\n",
        cgroup__pod__memory_DOT_max=GIB,
        cgroup__pod__memory_DOT_current=0,
        cgroup__pod__box__memory_DOT_max=2 * GIB,
        cgroup__pod__box__memory_DOT_current=0,
    )
    assert got == GIB


def test_a_path_of_the_host_means_the_mount(system):
    got = system(
        proc__self__cgroup="0::/../../docker/0123\n",
        cgroup__memory_DOT_max=GIB,
        cgroup__memory_DOT_current=0,
    )
    assert got == GIB


@pytest.mark.parametrize(
    ("swap_max", "expected"), [("max", 2 * GIB), (0, GIB), (GIB // 2, 3 * GIB // 2)]
)
def test_swap_of_a_group(swap_max, expected, system):
    got = system(
        proc__meminfo="MemAvailable: 8388608 kB\nSwapFree: 1048576 kB\n",
        proc__self__cgroup="0::/\n",
        cgroup__memory_DOT_max=GIB,
        cgroup__memory_DOT_current=0,
        cgroup__memory_DOT_swap_DOT_max=swap_max,
        cgroup__memory_DOT_swap_DOT_current=0,
    )
    assert got == expected


def test_limit_of_a_group_of_version_1(system):
    files = {
        "proc__self__cgroup": "4:cpu,memory:/box\n0::/\n",
        "cgroup__memory__box__memory_DOT_limit_in_bytes": 2 * GIB,
        "cgroup__memory__box__memory_DOT_usage_in_bytes": GIB,
        "cgroup__memory__box__memory_DOT_stat": f"total_inactive_file {GIB // 2}\n",
    }
    assert system(**files) == GIB + GIB // 2
    with_swap = {"cgroup__memory__box__memory_DOT_memsw_DOT_limit_in_bytes": GIB}
    assert system(**with_swap) == GIB


def test_more_used_than_allowed_is_nothing_left(system):
    got = system(
        proc__self__cgroup="0::/\n",
        cgroup__memory_DOT_max=GIB,
        cgroup__memory_DOT_current=2 * GIB,
    )
    assert got == 0


def test_files_of_another_form_are_passed_over(system):
    got = system(proc__self__cgroup="nonsense\n", cgroup__memory_DOT_max="?")
    assert got == 8 * GIB


def test_limit_of_the_process(tmp_path, monkeypatch):
    monkeypatch.setattr(available_memory, "_free_in_heap", lambda: 0)
    limits = {"AS": 3 * GIB, "DATA": 2 * GIB}
    fake = SimpleNamespace(
        RLIMIT_AS="AS",
        RLIMIT_DATA="DATA",
        RLIM_INFINITY=-1,
        getrlimit=lambda name: (limits[name], -1),
    )
    monkeypatch.setitem(sys.modules, "resource", fake)
    (tmp_path / "self").mkdir()
    (tmp_path / "meminfo").write_text("MemAvailable: 8388608 kB\n")
    status = f"VmSize: {GIB // 1024} kB\nVmData: {GIB // 4096} kB\n"
    (tmp_path / "self" / "status").write_text(status)
    assert available_bytes(tmp_path, tmp_path) == 2 * GIB - GIB // 4
    limits["DATA"] = -1
    assert available_bytes(tmp_path, tmp_path) == 2 * GIB


def test_other_systems(tmp_path, monkeypatch):
    monkeypatch.setattr(available_memory, "_free_in_heap", lambda: 0)
    monkeypatch.setattr(available_memory, "_limits_of_process", lambda proc: [])
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(available_memory, "_physical_bytes", lambda: 5)
    assert available_bytes(tmp_path, tmp_path) == 5
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(available_memory, "_windows_bytes", lambda: 7)
    assert available_bytes(tmp_path, tmp_path) == 7


def test_nothing_known_is_none(tmp_path, monkeypatch):
    monkeypatch.setattr(available_memory, "_limits_of_process", lambda proc: [])
    monkeypatch.setattr(available_memory, "_physical_bytes", lambda: None)
    monkeypatch.setattr(available_memory, "_windows_bytes", lambda: None)
    assert available_bytes(tmp_path, tmp_path) is None


def test_windows_is_asked_by_its_structure(monkeypatch):
    def ask(status):
        assert status._obj.dwLength == 64
        status._obj.ullAvailPageFile = 3 * GIB
        return 1

    kernel32 = SimpleNamespace(GlobalMemoryStatusEx=ask)
    fake = SimpleNamespace(kernel32=kernel32)
    monkeypatch.setattr(available_memory.ctypes, "windll", fake, raising=False)
    assert available_memory._windows_bytes() == 3 * GIB
    kernel32.GlobalMemoryStatusEx = lambda status: 0
    assert available_memory._windows_bytes() is None


def test_what_was_freed_can_be_used_again(system, monkeypatch):
    monkeypatch.setattr(available_memory, "_free_in_heap", lambda: 10)
    assert system() == 8 * GIB + 10


def test_heap_of_this_process():
    assert 0 <= available_memory._free_in_heap() < 2**40


def test_no_heap_is_asked_elsewhere(monkeypatch):
    monkeypatch.setattr(available_memory.ctypes, "CDLL", lambda name: object())
    assert available_memory._free_in_heap() == 0
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(available_memory.ctypes, "CDLL", None)
    assert available_memory._free_in_heap() == 0


def test_this_machine_has_some():
    available = available_bytes()
    assert available is None or available > 0
