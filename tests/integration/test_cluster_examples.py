"""The examples that start processes run as scripts, which is how they are meant."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2]
if not (FOLDER / "examples").is_dir():
    pytest.skip("examples/ is not in this installation", allow_module_level=True)

pytestmark = pytest.mark.cluster

DASK = ["dask.dataframe", "distributed"]

EXAMPLES = {
    "search_on_dask": (DASK, ["undisturbed", "a worker killed", "other texts"]),
    "score_with_dask": (DASK, ["texts in 10 files", "sklearn"]),
    "distributed/fit_on_dask": (
        ["distributed"],
        ["Accuracy 0.9", "2 ranks, and tables that differ: 0"],
    ),
    "distributed/fit_on_ray": (["ray.train"], ["Accuracy 0.9", "6 libraries"]),
}
"""Packages that each needs, and words that it prints."""


@pytest.fixture(scope="module")
def environment(docstrings_folder):
    """Texts are not kept in the user's folder; skbag is this one."""
    return {
        **os.environ,
        "SKBAG_DATA": docstrings_folder,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(FOLDER), *sys.path])),
    }


@pytest.mark.parametrize("name", EXAMPLES)
def test_it_runs_and_leaves_no_process(name, environment, tmp_path):
    packages, printed = EXAMPLES[name]
    for package in packages:
        pytest.importorskip(package, reason=f"the example is for {package}")
    import psutil

    command = [sys.executable, FOLDER / "examples" / f"{name}.py"]
    done = subprocess.run(
        command,
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    for words in printed:
        assert words in done.stdout
    # Workers run in the directory of their parent, which is this test's own.
    left = []
    for process in psutil.process_iter(["cwd"]):
        if process.info["cwd"] == str(tmp_path):
            left.append(process)
    assert not left
