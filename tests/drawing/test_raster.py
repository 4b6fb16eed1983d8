"""SVG to PNG: right size, right colours, and text also where no font is installed."""

from __future__ import annotations

import io

import pytest

from blockspace.drawing import rasterize_svg
from blockspace.drawing.font import measure_text
from blockspace.drawing.rasterize import FONTS
from blockspace.errors import BlockspaceError

Image = pytest.importorskip("PIL.Image")
TEXT = "concat 64→128"
SVG = f"""<svg xmlns="http://www.w3.org/2000/svg" width="200" height="60" viewBox="0 0 200 60">
<text x="10" y="30" font-family="Inter, sans-serif" font-size="20" fill="#102030">{TEXT}</text></svg>"""


def opened(data: bytes):
    return Image.open(io.BytesIO(data)).convert("RGBA")


def ink(image, box) -> int:
    """Pixels of a region that something was drawn on."""
    return sum(alpha > 128 for alpha in image.crop(box).getchannel("A").tobytes())


@pytest.mark.parametrize("scale", [1, 2, 3.5])
def test_size(scale):
    assert opened(rasterize_svg(SVG, scale=scale)).size == (200 * scale, 60 * scale)


def test_background():
    assert opened(rasterize_svg(SVG)).getpixel((1, 1)) == (0, 0, 0, 0)
    assert opened(rasterize_svg(SVG, background="#fafbfc")).getpixel((1, 1)) == (0xFA, 0xFB, 0xFC, 255)


def test_text_stands_where_it_is_measured_to_without_any_system_font(monkeypatch, tmp_path):
    import resvg_py

    plain = resvg_py.svg_to_bytes
    monkeypatch.setattr(resvg_py, "svg_to_bytes", lambda **given: plain(**given | {"skip_system_fonts": True}))
    image = opened(rasterize_svg(SVG, scale=1))
    end = 10 + measure_text(TEXT, 20)
    assert ink(image, (10, 12, round(end), 34)) > 300
    assert ink(image, (round(end) - 12, 12, round(end) + 1, 34)) > 5 and ink(image, (round(end) + 2, 0, 200, 60)) == 0


def test_our_own_font_is_used_for_what_it_has():
    """The same bytes with and without system fonts: pictures do not depend on the machine."""
    import resvg_py

    files = [str(path) for path in sorted(FONTS.glob("*.ttf"))]
    assert rasterize_svg(SVG, scale=1) == resvg_py.svg_to_bytes(svg_string=SVG, zoom=1, font_files=files, skip_system_fonts=True)


def test_names_in_other_scripts_do_not_fail():
    assert opened(rasterize_svg(SVG.replace(TEXT, "漢字 שלום"))).size == (400, 120)


@pytest.mark.parametrize("text", ["", "no svg", "<svg", "<html/>"])
def test_what_is_no_picture(text):
    with pytest.raises(BlockspaceError, match="not a picture") as caught:
        rasterize_svg(text)
    assert caught.value.mistakes[0].code == "E-TYPE"


def test_a_picture_too_large():
    with pytest.raises(BlockspaceError, match="20,000 x 6,000 pixels") as caught:
        rasterize_svg(SVG, scale=100)
    assert caught.value.mistakes[0].code == "E-TOO-BIG"
