"""What is printed of versions."""

from __future__ import annotations

import re

import sklearn
import torch

import skbag
from skbag import _show_versions


def test_versions_of_what_is_needed_are_shown(capsys):
    skbag.show_versions()
    shown = capsys.readouterr().out
    assert f"scikit-learn: {sklearn.__version__}\n" in shown
    assert f"torch: {torch.__version__.partition('+')[0]}" in shown
    for name in _show_versions.REQUIRED:
        assert re.search(rf"^    {name}: \d", shown, re.MULTILINE), name
    titles = [line for line in shown.splitlines() if not line.startswith(" ")]
    assert titles == ["System", "Needed", "Optional", "Threads of loaded libraries"]


def test_what_is_not_installed(capsys, monkeypatch):
    missing = "no-such-package"
    monkeypatch.setattr(_show_versions, "REQUIRED", (missing,))
    monkeypatch.setattr(_show_versions, "OPTIONAL", (missing,))
    skbag.show_versions()
    shown = capsys.readouterr().out
    assert shown.count(missing) == 1
    assert f"{missing}: not installed" in shown
