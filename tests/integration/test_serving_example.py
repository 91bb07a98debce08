"""The example of a model server: requests while models take the place of others."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "serve.py"
if not EXAMPLE.is_file():
    pytest.skip("examples/ is not in this installation", allow_module_level=True)

pytestmark = pytest.mark.slow


def test_no_request_fails_while_models_are_swapped():
    done = subprocess.run(
        [sys.executable, str(EXAMPLE)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^p50 \d.*ms; 0 failed$", done.stdout, re.MULTILINE)
    assert int(re.search(r"^(\d) models took the place", done.stdout, re.M)[1]) >= 1
