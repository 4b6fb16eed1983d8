"""Draw a contact sheet as SVG: rows of images with a label, in two groups that are told apart by their heads."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from blockspace.drawing.font import FONT_FAMILY, measure_text
from blockspace.drawing.theme import LIGHT

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Pixels = NDArray[numpy.uint8]

TILE = 72  # the longer side of an image on the sheet; small ones are enlarged by a whole number up to it
SHARPEST = 2 * TILE  # pixels on the longer side of an image in the file
GAP, MARGIN, LABEL, BETWEEN = 5, 28, 148, 26
FOOTER_LINES = 6
ROWS_IN_A_COLUMN = 10


@dataclass(frozen=True)
class SheetRow:
    """A row: its label and a note below it, and the images of both groups, uint8 `(H, W, 3)`."""

    label: str
    note: str
    left: Sequence[Pixels]
    right: Sequence[Pixels]


def draw_contact_sheet(title: str, lines: Sequence[str], heads: tuple[str, str], rows: Sequence[SheetRow], footer: str = "") -> str:
    """Return the sheet as SVG: title and lines, the rows below the heads of the two groups, in two columns if there are many, and a footer.

    Every row has the same number of images, and every image the same shape.
    """
    sample = next(image for row in rows for image in row.left)
    width, height = scale_tile(sample.shape[1], sample.shape[0])
    count = max(max(len(row.left), len(row.right)) for row in rows)
    group = count * width + (count - 1) * GAP
    column = LABEL + 2 * group + BETWEEN
    columns = 1 if len(rows) <= ROWS_IN_A_COLUMN else 2
    deep = -(-len(rows) // columns)
    top = MARGIN + 30 + 19 * len(lines) + 30
    step = max(height, 34) + 2 * GAP
    total = max(2 * MARGIN + columns * column + (columns - 1) * 2 * MARGIN, 2 * MARGIN + int(measure_text(title, 20, bold=True)))
    notes = wrap_text(footer, total - 2 * MARGIN) if footer else []
    bottom = top + deep * step + (12 + 17 * len(notes) if notes else 0) + MARGIN - GAP
    parts = [draw_text(MARGIN, MARGIN + 16, title, 20, bold=True)]
    shortened = [shorten_text(line, total - 2 * MARGIN, 13) for line in lines]
    parts += [draw_text(MARGIN, MARGIN + 40 + 19 * i, line, 13, "muted") for i, line in enumerate(shortened)]
    for number in range(columns):
        left = MARGIN + number * (column + 2 * MARGIN)
        for place, head in zip((left + LABEL, left + LABEL + group + BETWEEN), heads):
            parts.append(draw_text(place, top - 12, shorten_text(head, group + BETWEEN - 6, 12), 12, "muted", bold=True))
        for index, row in enumerate(rows[number * deep : (number + 1) * deep]):
            parts += draw_row(row, left, top + index * step, (width, height), group)
    parts += [draw_text(MARGIN, top + deep * step + 17 + 17 * i, line, 12, "muted") for i, line in enumerate(notes)]
    size = f'width="{total}" height="{bottom}" viewBox="0 0 {total} {bottom}"'
    paper = f'<rect width="{total}" height="{bottom}" fill="{LIGHT["paper"]}"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="{FONT_FAMILY}">{paper}{"".join(parts)}</svg>'


def scale_tile(width: int, height: int) -> tuple[int, int]:
    """Return width and height of an image on the sheet: enlarged by a whole number, or reduced to the tile."""
    longer = max(width, height)
    if longer <= TILE:
        factor = max(1, TILE // longer)
        return width * factor, height * factor
    return max(1, round(width * TILE / longer)), max(1, round(height * TILE / longer))


def draw_row(row: SheetRow, x: int, y: int, tile: tuple[int, int], group: int) -> Iterator[str]:
    """Yield the elements of a row whose upper left corner is at `(x, y)`."""
    middle = y + tile[1] / 2
    yield draw_text(x, middle - 2, shorten_name(row.label, LABEL - 12), 13, bold=True)
    yield draw_text(x, middle + 14, shorten_text(row.note, LABEL - 12, 11), 11, "muted")
    for start, images in ((x + LABEL, row.left), (x + LABEL + group + BETWEEN, row.right)):
        for index, image in enumerate(images):
            place = f'x="{start + index * (tile[0] + GAP)}" y="{y}" width="{tile[0]}" height="{tile[1]}"'
            rendering = 'preserveAspectRatio="none"' + (' image-rendering="optimizeSpeed"' if max(image.shape[:2]) <= TILE else "")
            yield f'<image {place} {rendering} href="{embed_image(image)}"/>'
            yield f'<rect {place} fill="none" stroke="{LIGHT["rim"]}" stroke-width="0.5"/>'


def embed_image(image: Pixels) -> str:
    """Return an image `(H, W, 3)` as the address of a PNG in the text itself, reduced to what the sheet shows."""
    from PIL import Image

    picture = Image.fromarray(image)
    if max(picture.size) > SHARPEST:
        picture.thumbnail((SHARPEST, SHARPEST), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def draw_text(x: float, y: float, text: str, size: int, colour: str = "ink", *, bold: bool = False) -> str:
    """Return a text element with its baseline at `y`."""
    weight = ' font-weight="600"' if bold else ""
    return f'<text x="{x:g}" y="{y:g}" font-size="{size}" fill="{LIGHT[colour]}"{weight}>{escape(clean_text(text))}</text>'


def clean_text(text: str) -> str:
    """Return a text with a question mark for each character that XML does not have, as names of files may hold them."""
    return "".join(char if char.isprintable() and not "\ud800" <= char <= "\udfff" else "?" for char in text)


def shorten_text(text: str, width: float, size: int, *, bold: bool = False) -> str:
    """Return a text that fits a width, its end replaced by an ellipsis where needed."""
    if measure_text(text, size, bold=bold) <= width:
        return text
    while text and measure_text(text + "…", size, bold=bold) > width:
        text = text[:-1]
    return text.rstrip() + "…"


def shorten_name(name: str, width: float) -> str:
    """Return a row's label that fits a width, its middle replaced by an ellipsis where needed: names often differ at their ends."""
    short = name
    for left in range(len(name) - 1, 0, -1):
        if measure_text(short, 13, bold=True) <= width:
            break
        short = f"{name[: left - left // 2]}…{name[len(name) - left // 2 :]}"
    return short


def wrap_text(text: str, width: float) -> list[str]:
    """Return a text as lines that fit a width, at most six."""
    lines: list[str] = []
    for word in text.split():
        if lines and measure_text(f"{lines[-1]} {word}", 12) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(shorten_text(word, width, 12))
    return [*lines[: FOOTER_LINES - 1], lines[FOOTER_LINES - 1] + " …"] if len(lines) > FOOTER_LINES else lines
