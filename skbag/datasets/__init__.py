"""Texts to try things on, without a download, and texts from files, part by part."""

from skbag.datasets._docstrings import load_docstrings
from skbag.datasets._read_texts import read_texts
from skbag.datasets._stream_fit import stream_fit

__all__ = ["load_docstrings", "read_texts", "stream_fit"]
