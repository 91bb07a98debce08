"""One environment for each library, made with venv and pip, kept for the next run.

pip reads the user's own configuration: nothing here names an index.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

INSTALLS: dict[str, list[list[str]]] = {
    # torch by itself and first: a bare requirement may bring gigabytes of CUDA along.
    "skbag": [["torch==2.13.0"], ["pyarrow", "-e", str(REPOSITORY)]],
    "fasttext": [["fasttext-community==0.11.9", "numpy", "pyarrow"]],
    "sklearn": [["scikit-learn", "pyarrow"]],
}
"""The calls of ``pip install`` that make each environment."""

MODULES = {"skbag": "skbag", "fasttext": "fasttext", "sklearn": "sklearn"}


SOURCES = (".py", ".pyx", ".pxd", ".h")
"""Of which files skbag is made."""


def default_folder() -> Path:
    """A folder in the user's cache."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "skbag-benchmarks"


def make(library: str, folder: Path) -> Path:
    """Make an environment, unless it is there already.

    Parameters
    ----------
    library : {'skbag', 'fasttext', 'sklearn'}
        What it is for.
    folder : Path
        Where environments lie; each has a folder of its own in it.

    Returns
    -------
    python : Path
        The interpreter of the environment.
    """
    home = folder / library
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = home / "installed.json"
    wanted = json.dumps([sys.version, INSTALLS[library]])
    if stamp.is_file() and stamp.read_text() == wanted:
        return python
    print(f"making the environment of {library} in {home}", flush=True)
    shutil.rmtree(home, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    for names in INSTALLS[library]:
        command = [str(python), "-m", "pip", "install", "--quiet", *names]
        subprocess.run(command, check=True)
    stamp.write_text(wanted)  # last: a half-made environment is made again
    return python


def present(library: str) -> Path | None:
    """Return this interpreter, if it has the library."""
    found = importlib.util.find_spec(MODULES[library]) is not None
    return Path(sys.executable) if found else None


def source_hash() -> str:
    """Short name of the very source of skbag that is measured."""
    digest = hashlib.sha256()
    for path in sorted((REPOSITORY / "skbag").rglob("*")):
        if path.suffix in SOURCES:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
