"""Texts of the user's in a picture: fonts that have their characters, and no surprises.

matplotlib's own font knows no Chinese and few emoji, and warns of each glyph it lacks;
between two dollar signs it reads formulas. So the fonts of the system are asked for
what is missing, and what no font has is spelt out.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

INVISIBLE = "\u200c\u200d\ufe0e\ufe0f"
"""Joiners and selectors of variants: nothing to see where there is no variant."""

MARGIN_SPACE = "\N{OPEN BOX}"
"""Stands for a space at an end: a run of characters may begin or end with one."""

_PLACEHOLDERS = ("Last Resort", "Adobe Blank", "Noto Sans Blank")
"""Fonts that draw the same box for whatever they are asked for."""


@dataclass(frozen=True)
class Lettering:
    """How some texts are lettered.

    Parameters
    ----------
    families : tuple of str
        Fonts to look for each glyph in, in this order: those of the style in use, then
        others of the system.
    missing : frozenset of str
        Characters that none of these has.
    """

    families: tuple[str, ...]
    missing: frozenset[str]

    @classmethod
    def of(cls, texts: Iterable[Any]) -> Lettering:
        """Lettering for texts, or whatever else shows itself by ``str``."""
        import matplotlib as mpl

        found = frozenset("".join(map(str, texts)) + MARGIN_SPACE + "…×")
        characters = frozenset(c for c in found if c > "~" and c.isprintable())
        families = mpl.rcParams["font.family"]
        preferred = mpl.rcParams["font.sans-serif"]
        return cls(*_search(characters, tuple(families), tuple(preferred)))

    def spell(self, text: Any, width: int = 30) -> str:
        """Return a text on one line, in characters that there are glyphs for.

        Parameters
        ----------
        text : object
        width : int, default=30
            Longer texts are cut. Wide characters, as of Chinese, count twice.
        """
        text = str(text)
        inner = text.strip(" ")
        before = len(text) - len(text.lstrip(" ")) if inner else len(text)
        after = len(text) - len(inner) - before
        marked = MARGIN_SPACE * before + inner + MARGIN_SPACE * after
        shown = "".join(map(self._spelt, marked, " " + marked))
        return cut(shown, width) if _columns(shown) > width else shown

    @property
    def style(self) -> dict[str, Any]:
        """Properties for matplotlib's texts: the fonts, and to take nothing for TeX."""
        return {
            "fontfamily": list(self.families),
            "parse_math": False,
            "usetex": False,
        }

    def _spelt(self, character: str, before: str) -> str:
        if character in INVISIBLE and not before.isspace():
            return ""
        if character == MARGIN_SPACE and character in self.missing:
            return "_"
        if (
            character.isprintable()
            and character not in self.missing
            and character not in INVISIBLE
        ):
            return character
        name = unicodedata.name(character, "").lower()
        if name and unicodedata.category(character) == "So":
            return f"[{name}]"  # emoji, mostly
        return ascii(character)[1:-1]


def cut(text: str, width: int) -> str:
    """Return the beginning of a text, and dots. Wide characters count twice."""
    taken = 0
    for i, character in enumerate(text):
        taken += _columns(character)
        if taken > width - 1:
            return f"{text[:i].rstrip()}…"
    return text


def _columns(text: str) -> int:
    return sum(
        2 if unicodedata.east_asian_width(c) in "WF" else not unicodedata.combining(c)
        for c in text
    )


@lru_cache(maxsize=64)
def _search(
    characters: frozenset[str], own: tuple[str, ...], preferred: tuple[str, ...]
) -> tuple[tuple[str, ...], frozenset[str]]:
    """Families that have the characters, and those that none has."""
    from matplotlib.font_manager import FontProperties, findfont

    missing = characters
    for family in own:
        missing -= _covered(findfont(FontProperties(family=[family])), missing)
    families = list(own)
    if not missing:
        return own, missing
    candidates = _regular_fonts(preferred)
    while missing:
        covered = {name: _covered(path, missing) for name, path in candidates.items()}
        # Of fonts that have as many the first.
        best = max(covered, key=lambda name: len(covered[name]), default=None)
        if best is None or not covered[best]:
            break
        families.append(best)
        missing -= covered[best]
    return tuple(families), missing


def _covered(path: Any, characters: frozenset[str]) -> frozenset[str]:
    """Those of the characters that a font has."""
    from matplotlib.font_manager import get_font

    try:
        font = get_font(path)
    except (RuntimeError, OSError):  # coloured bitmaps, say
        return frozenset()
    return frozenset(c for c in characters if font.get_char_index(ord(c)))


def _regular_fonts(preferred: tuple[str, ...]) -> dict[str, str]:
    """Family and file of the upright fonts of usual weight, plain ones first."""
    from matplotlib.font_manager import fontManager

    found = [
        entry
        for entry in fontManager.ttflist
        if (entry.weight, entry.style, entry.stretch) == (400, "normal", "normal")
        and not entry.name.startswith(_PLACEHOLDERS)
    ]
    rank = {name: number for number, name in enumerate(preferred)}
    found.sort(
        key=lambda entry: (
            rank.get(entry.name, len(rank)),
            "Sans" not in entry.name,
            "Mono" in entry.name,
            entry.fname,
        )
    )
    fonts: dict[str, str] = {}
    for entry in found:
        fonts.setdefault(entry.name, entry.fname)
    return fonts
