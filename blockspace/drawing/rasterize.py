"""Convert SVG to PNG with resvg, which needs no graphviz, browser or system font."""

from __future__ import annotations

from pathlib import Path

from blockspace.drawing.font import covers_char
from blockspace.errors import error

FONTS = Path(__file__).parent / "fonts"
MAX_PIXELS = 64_000_000  # 256 MB of RGBA


def rasterize_svg(svg: str, *, scale: float = 2, background: str | None = None) -> bytes:
    """Return an SVG as PNG, `scale` pixels per SVG unit, on the CSS colour `background` (None: transparent).

    Colours have to be literal, as resvg supports neither `var(--name)` nor `@media`.
    Raises BlockspaceError: E-TYPE for text that is not an SVG, E-TOO-BIG for more than 64 million pixels.
    """
    import resvg_py

    width, height = _read_svg_size(svg)
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
            skip_system_fonts=all(map(covers_char, svg)),  # they take 50 ms to find, and differ from machine to machine
        )
    except ValueError as e:
        raise error("E-TYPE", f"not a picture: {e}") from None


def _read_svg_size(svg: str) -> tuple[float, float]:
    """Return width and height in SVG units. Raises BlockspaceError: E-TYPE for text that is not an SVG."""
    from xml.etree import ElementTree

    try:
        root = ElementTree.fromstring(svg)
    except ElementTree.ParseError as e:
        raise error("E-TYPE", f"not a picture: {e}") from None
    box = [float(number) for number in root.get("viewBox", "0 0 100 100").replace(",", " ").split()]
    return _parse_length(root.get("width"), box[2]), _parse_length(root.get("height"), box[3])


def _parse_length(text: str | None, default: float) -> float:
    """Return the number in an attribute such as `120` or `120px`; `default` for None and for a percentage."""
    if text is None or text.endswith("%"):
        return default
    return float(text.removesuffix("px"))
