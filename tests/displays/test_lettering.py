"""Texts of the user's are drawn with the fonts there are, and never break a picture."""

from __future__ import annotations

import unicodedata

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import font_manager

from skbag.displays import _lettering
from skbag.displays._lettering import MARGIN_SPACE, Lettering, cut


@pytest.fixture
def only_dejavu(monkeypatch):
    """A system with matplotlib's own font alone."""
    own = [e for e in font_manager.fontManager.ttflist if e.name == "DejaVu Sans"]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", own)
    _lettering._search.cache_clear()
    yield
    _lettering._search.cache_clear()


def spelt(text, width=30):
    return Lettering.of([text]).spell(text, width)


def test_texts_of_known_characters_stay_as_they_are():
    lettering = Lettering.of(["parcel", "déjà vu", "Ω"])
    assert lettering.missing == frozenset()
    assert lettering.families == tuple(mpl.rcParams["font.family"])
    for text in ("parcel", "déjà vu", "my parcel", "$x$ and _y^2", "\\alpha"):
        assert lettering.spell(text) == text


def test_numbers_and_other_labels_are_spelt():
    assert [spelt(label) for label in (3, 2.5, True)] == ["3", "2.5", "True"]


def test_what_no_font_has_is_spelt_out(only_dejavu):
    assert spelt("体育") == r"\u4f53\u80b2"
    assert spelt("\N{TWO HEARTS} love") == "[two hearts] love"
    assert spelt("\N{GRINNING FACE}") == "\N{GRINNING FACE}"  # DejaVu has it


def test_other_fonts_of_the_system_are_asked():
    # A font of matplotlib's without Cyrillic letters; others of its own have them.
    with mpl.rc_context({"font.family": ["cmr10"]}):
        lettering = Lettering.of(["Женя"])
    assert lettering.missing == frozenset()
    assert lettering.families[0] == "cmr10" and len(lettering.families) > 1
    assert lettering.spell("Женя") == "Женя"


def test_fonts_that_the_style_prefers_come_first():
    with mpl.rc_context(
        {"font.family": ["cmr10"], "font.sans-serif": ["DejaVu Sans Mono"]}
    ):
        assert Lettering.of(["Ж"]).families == ("cmr10", "DejaVu Sans Mono")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("line\nbreak\ttab", r"line\nbreak\ttab"),
        ("\ud800", r"\ud800"),
        ("evil\u202etxt", r"evil\u202etxt"),
        ("\u2764\ufe0f", "\u2764"),  # a selector of variants draws nothing
        ("\ufe0f", r"\ufe0f"),  # but alone, as a token, it is not to vanish
        ("", ""),
    ],
)
def test_what_cannot_be_seen_is_spelt_out(text, expected):
    assert spelt(text) == expected


def test_spaces_at_an_end_are_marked():
    assert spelt(" th") == f"{MARGIN_SPACE}th"
    assert spelt("e  ") == f"e{MARGIN_SPACE}{MARGIN_SPACE}"
    assert spelt(" ") == MARGIN_SPACE
    assert spelt("e d") == "e d"


def test_long_texts_are_cut():
    assert spelt("abcdefgh", 5) == "abcd…"
    assert spelt("abcde", 5) == "abcde"
    assert cut("体育新闻体育", 6) == "体育…"  # wide characters count twice
    assert cut("e\u0301" * 9, 4) == "e\u0301" * 3 + "…"  # accents take no room


@pytest.mark.slow
@given(text=st.text(max_size=60))
def test_anything_is_drawn_without_a_warning(text):
    lettering = Lettering.of([text])
    shown = lettering.spell(text, 40)
    width = sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in shown)
    assert "\n" not in shown and width <= 80
    figure, ax = plt.subplots(figsize=(1, 1))
    try:
        ax.set_yticks([0], [shown], **lettering.style)
        figure.draw_without_rendering()
        assert ax.get_yticklabels()[0].get_text() == shown
    finally:
        plt.close(figure)


def test_formulas_are_not_read():
    figure, ax = plt.subplots()
    text = ax.set_title(r"$\nonsense{$", **Lettering.of([]).style)
    figure.draw_without_rendering()
    plt.close(figure)
    assert text.get_text() == r"$\nonsense{$"
