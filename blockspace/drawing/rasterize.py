"""SVG to PNG with resvg: no graphviz, no browser, no system font needed."""

from __future__ import annotations

from pathlib import Path

from blockspace.drawing.font import drawn
from blockspace.errors import error

FONTS = Path(__file__).parent / "fonts"
MAX_PIXELS = 64_000_000  # 256 MB of RGBA


def rasterize_svg(svg: str, *, scale: float = 2, background: str | None = None) -> bytes:
    """The picture as PNG, `scale` pixels per SVG unit, on a CSS colour (None: transparent where nothing is drawn).

    The SVG says its colours plainly: a rasteriser knows no page, so neither `var(--name)` nor `@media` reach it.
    Raises BlockspaceError: E-TYPE for text that is no SVG, E-TOO-BIG for a picture past 64 million pixels.
    """
    import resvg_py

    width, height = size(svg)
    if width * height * scale * scale > MAX_PIXELS:
        wanted = f"{width * scale:,.0f} x {height * scale:,.0f} pixels"
        raise error("E-TOO-BIG", f"a PNG of {wanted} is too large to draw", help="write the SVG instead, or a smaller scale")
    try:
        return resvg_py.svg_to_bytes(
            svg_string=svg,
            zoom=scale,
            background=background,
            font_files=[str(path) for path in sorted(FONTS.glob("*.ttf"))],
            font_family="Inter",
            sans_serif_family="Inter",
            skip_system_fonts=all(map(drawn, svg)),  # they take 50 ms to find, and differ from machine to machine
        )
    except ValueError as e:
        raise error("E-TYPE", f"not a picture: {e}") from None


def size(svg: str) -> tuple[float, float]:
    """Width and height in SVG units. Raises BlockspaceError: E-TYPE when the text is no SVG."""
    from xml.etree import ElementTree

    try:
        root = ElementTree.fromstring(svg)
    except ElementTree.ParseError as e:
        raise error("E-TYPE", f"not a picture: {e}") from None
    box = [float(number) for number in root.get("viewBox", "0 0 100 100").replace(",", " ").split()]
    return length(root.get("width"), box[2]), length(root.get("height"), box[3])


def length(text: str | None, default: float) -> float:
    """An attribute such as `120` or `120px`; `default` for none, and for a share of a page there is none of."""
    if text is None or text.endswith("%"):
        return default
    return float(text.removesuffix("px"))
