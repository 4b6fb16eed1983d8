"""The table of widths against the font it was taken from."""

from __future__ import annotations

from pathlib import Path

import pytest

import blockspace.drawing
from blockspace.drawing.font import measure_text

FONTS = Path(blockspace.drawing.__file__).parent / "fonts"
TEXTS = [
    "conv3x3 256->64 /2 g32", "batch norm, relu", "part2.conv3x3", "64×56×56 → 256×28×28", "14,680 params · 45.61M macs", "WAVE To",
    "".join(map(chr, range(32, 127))),
]  # fmt: skip


@pytest.mark.parametrize("bold", [False, True])
@pytest.mark.parametrize("text", TEXTS)
def test_widths_are_the_fonts(text, bold):
    font = pytest.importorskip("PIL.ImageFont").truetype(str(FONTS / ("Inter-SemiBold.ttf" if bold else "Inter-Regular.ttf")), 1000)
    real = font.getlength(text) / 1000 * 12
    assert real * 0.995 <= measure_text(text, 12, bold=bold) <= real * 1.06 + 0.1


def test_width_grows_with_size_and_text():
    assert measure_text("") == 0 and measure_text("abc", 24) == 2 * measure_text("abc", 12) and measure_text("漢字", 10) == 20


def test_the_font_is_small_and_free():
    assert sum(path.stat().st_size for path in FONTS.glob("*.ttf")) < 400_000
    assert "SIL OPEN FONT LICENSE" in (FONTS / "OFL.txt").read_text()
