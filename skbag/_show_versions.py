"""The versions of what skbag runs on, for reports of faults."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from threadpoolctl import threadpool_info

REQUIRED = (
    "skbag",
    "torch",
    "scikit-learn",
    "numpy",
    "scipy",
    "joblib",
    "threadpoolctl",
    "safetensors",
)
OPTIONAL = (
    "pandas",
    "polars",
    "pyarrow",
    "onnx",
    "onnxruntime",
    "matplotlib",
    "optuna",
    "skops",
    "dask",
    "distributed",
    "ray",
    "pyspark",
)


def show_versions() -> None:
    """Print the versions of Python, of what skbag needs and of what it can use.

    For reports of faults. Nothing is imported to find out; packages that are not
    installed are left out, but for those that skbag needs.

    .. versionadded:: 0.1

    Examples
    --------
    >>> import skbag
    >>> skbag.show_versions()  # doctest: +ELLIPSIS
    System
        python: 3...
    """
    system = {"python": sys.version.replace("\n", " "), "machine": platform.platform()}
    needed = {name: _version_of(name) or "not installed" for name in REQUIRED}
    found = {name: _version_of(name) for name in OPTIONAL}
    pools = {
        f"{pool['user_api']} ({pool['internal_api']})": (
            f"{pool['num_threads']} threads, version {pool['version']}"
        )
        for pool in threadpool_info()
    }
    sections: dict[str, dict[str, str]] = {
        "System": system,
        "Needed": needed,
        "Optional": {name: value for name, value in found.items() if value},
        "Threads of loaded libraries": pools,
    }
    for title, lines in sections.items():
        sys.stdout.write(f"{title}\n")
        for name, value in lines.items():
            sys.stdout.write(f"    {name}: {value}\n")


def _version_of(package: str) -> str | None:
    """Version of an installed package."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
