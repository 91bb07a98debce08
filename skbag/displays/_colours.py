"""Colours that keep apart for those who cannot tell red from green, on any ground.

They are dark enough for white and light enough for black; grey and the colour of text
are of the style in use.
"""

from __future__ import annotations

FOR, AGAINST = "#2678e4", "#e46014"
"""What speaks for a class, and against it: as in the HTML of an explanation."""

CLASSES = (
    ("#0072b2", "o"),
    ("#e69f00", "s"),
    ("#009e73", "^"),
    ("#d55e00", "D"),
    ("#56b4e9", "v"),
    ("#cc79a7", "P"),
    ("#8c6bb1", "X"),
)
"""Colour and marker of each class. The first six colours are from M. Okabe, K. Ito,
"Color Universal Design", 2008, without those that vanish on white or on black; markers
tell the classes apart without colours, in print."""

OTHERS = ("#8c8c8c", ".")
"""Of what is not told apart."""
