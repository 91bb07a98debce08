"""Texts to try things on, without a download."""

from skbag.datasets._docstrings import load_docstrings

__all__ = ["load_docstrings"]
