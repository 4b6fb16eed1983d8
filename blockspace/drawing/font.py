"""Measure texts in the font Inter by a table of advance widths, so that no font file is read to lay out a drawing.

Inter is wider than Helvetica, Arial and Roboto, so a text that fits its box in Inter fits in those too.
"""

from __future__ import annotations

FONT_FAMILY = "Inter, 'Helvetica Neue', Helvetica, Arial, Roboto, 'Liberation Sans', sans-serif"

# Advance widths of the characters from space to ~, in thousandths of the font size.
REGULAR = (
    281, 288, 466, 633, 642, 982, 644, 300, 365, 365, 501, 662, 288, 460, 288, 360, 631, 407, 610, 618, 646, 593, 620, 566, 619, 620,
    288, 302, 662, 662, 662, 511, 966, 690, 654, 730, 722, 601, 590, 746, 743, 269, 571, 672, 565, 903, 753, 765, 639, 765, 644, 642,
    646, 744, 690, 985, 682, 679, 629, 365, 360, 365, 471, 456, 323, 562, 612, 571, 612, 583, 370, 613, 591, 242, 242, 549, 242, 876,
    591, 600, 612, 612, 376, 528, 327, 591, 562, 818, 546, 562, 552, 426, 333, 426, 662,
)  # fmt: skip
SEMIBOLD = (
    252, 321, 523, 644, 650, 1004, 663, 326, 373, 373, 540, 673, 319, 465, 319, 379, 660, 423, 623, 636, 666, 612, 640, 576, 640, 640,
    319, 329, 673, 673, 673, 543, 999, 728, 659, 737, 722, 605, 588, 749, 746, 277, 580, 703, 565, 922, 759, 769, 645, 773, 652, 650,
    660, 736, 728, 1020, 720, 713, 652, 373, 379, 373, 481, 469, 351, 574, 624, 583, 624, 591, 389, 625, 612, 262, 262, 569, 262, 900,
    612, 609, 624, 624, 397, 549, 353, 612, 587, 839, 569, 588, 566, 455, 359, 455, 673,
)  # fmt: skip
OTHER = {"×": 673, "·": 319, "→": 954, "…": 956, "–": 500}
WIDEST = 1000  # any other character; a Chinese one is a square


def measure_text(text: str, size: float = 12, *, bold: bool = False) -> float:
    """Return the width of `text` at font size `size`, in the unit of the size, without kerning, which mostly narrows a text."""
    table = SEMIBOLD if bold else REGULAR
    total = sum(table[ord(c) - 32] if " " <= c <= "~" else OTHER.get(c, WIDEST) for c in text)
    return total * size / 1000


def covers_char(char: str) -> bool:
    """Return whether the Inter of this package has a character: Latin, Greek, Cyrillic and signs; other scripts need a system font."""
    return char < "\u0530" or "\u2000" <= char < "\u2800"
