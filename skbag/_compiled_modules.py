"""Why skbag cannot be imported, where its compiled modules are missing."""

from __future__ import annotations

from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

ADVICE = (
    "{error}\n"
    "The folder {folder} holds the source of skbag, and these of its modules have not "
    "been compiled for this Python: {names}. Run `python -m pip install -e .` in "
    "{root}, or, to use an installed skbag, start Python in another folder."
)


def not_compiled(package: Path) -> list[Path]:
    """List the sources of compiled modules that have none beside them.

    Parameters
    ----------
    package : Path
        The folder of a package.

    Returns
    -------
    sources : list of Path
        Empty for an installed package, which holds no such sources.
    """
    return [
        source
        for source in sorted(package.rglob("*.pyx"))
        if not any(source.with_suffix(suffix).exists() for suffix in EXTENSION_SUFFIXES)
    ]


def explain(error: ImportError) -> None:
    """Raise an error that says what to do, if modules have not been compiled.

    Parameters
    ----------
    error : ImportError
        What importing skbag raised.

    Raises
    ------
    ImportError
        With the advice. Whatever else is missing, the caller raises its own.
    """
    package = Path(__file__).parent
    sources = not_compiled(package)
    if sources:
        names = ", ".join(source.relative_to(package).as_posix() for source in sources)
        raise ImportError(
            ADVICE.format(error=error, folder=package, names=names, root=package.parent)
        ) from error
