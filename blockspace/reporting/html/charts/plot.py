"""Draw what charts share: the SVG, the frame of a plot with grid and axes, lines, and the marks of families."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup

from blockspace.reporting.html.charts.axis import Axis
from blockspace.reporting.html.markup import format_px, join_markup, tag

# outlines of marks around (0, 0), of about equal area
MARK_PATHS = (
    "M-4 0A4 4 0 1 0 4 0A4 4 0 1 0-4 0Z",  # circle
    "M0-5L4.8 3.6H-4.8Z",  # triangle
    "M-3.6-3.6H3.6V3.6H-3.6Z",  # square
    "M0-5.2L5.2 0L0 5.2L-5.2 0Z",  # diamond
    "M0 5L4.8-3.6H-4.8Z",  # triangle, point down
    "M-1.7-5H1.7V-1.7H5V1.7H1.7V5H-1.7V1.7H-5V-1.7H-1.7Z",  # plus
    "M0-5.4L1.6-1.8L5.2-1.7L2.4 0.7L3.3 4.4L0 2.3L-3.3 4.4L-2.4 0.7L-5.2-1.7L-1.6-1.8Z",  # star
    "M-2.4-4.4H2.4L5 0L2.4 4.4H-2.4L-5 0Z",  # hexagon
)
MARK_KINDS = len(MARK_PATHS)


def draw_chart(width: float, height: float, title: str, parts: Iterable[Markup], class_: str = "") -> Markup:
    """Return an SVG of parts; `title` is its text for screen readers."""
    box = f"0 0 {format_px(width)} {format_px(height)}"
    attributes = {"viewBox": box, "width": format_px(width), "height": format_px(height), "role": "img", "aria-label": title}
    return tag("svg", join_markup(parts), xmlns="http://www.w3.org/2000/svg", class_=f"chart {class_}".strip(), **attributes)


def draw_plot_frame(x: Axis, y: Axis, x_title: str, y_title: str) -> Markup:
    """Return background, grid, ticks and titles of a plot with axes `x` (left to right) and `y` (bottom to top)."""
    left, right, bottom, top = x.start, x.end, y.start, y.end
    ground = tag("rect", x=left, y=top, width=right - left, height=bottom - top, class_="ground")
    grid = [tag("path", d=f"M{format_px(x(v))} {format_px(bottom)}V{format_px(top)}", class_="grid") for v, _ in x.ticks]
    grid += [tag("path", d=f"M{format_px(left)} {format_px(y(v))}H{format_px(right)}", class_="grid") for v, _ in y.ticks]
    words = [tag("text", t, x=x(v), y=bottom + 17, class_="tick middle") for v, t in x.ticks]
    words += [tag("text", t, x=left - 7, y=y(v) + 4, class_="tick end") for v, t in y.ticks]
    titles = [tag("text", x_title + _note_log_scale(x), x=(left + right) / 2, y=bottom + 38, class_="title middle")]
    titles += [tag("text", y_title + _note_log_scale(y), x=left, y=top - 10, class_="title")]
    return join_markup([ground, *grid, *words, *titles])


def _note_log_scale(axis: Axis) -> str:
    """Return the addition to the title of a logarithmic axis."""
    return ", logarithmic" if axis.log else ""


def draw_polyline(points: list[tuple[float, float]], class_: str) -> Markup:
    """Return a path through points, empty for fewer than two."""
    if len(points) < 2:
        return Markup("")
    first, *rest = (f"{format_px(x)} {format_px(y)}" for x, y in points)
    return tag("path", d=f"M{first}L{'L'.join(rest)}", class_=class_)


# -- marks of families: a shape and a colour each, so that neither alone has to be told apart ----------------------------------------------

def find_mark_path(place: int) -> str:
    """Return the path data of the mark of the family at `place` in the order of families."""
    return MARK_PATHS[place % MARK_KINDS]


def draw_mark(place: int, x: float, y: float, *children: object, size: float = 1.0, class_: str = "") -> Markup:
    """Return the mark of a family at (x, y), with children such as a tooltip."""
    scale = f" scale({size:g})" if size != 1 else ""
    where = f"translate({format_px(x)} {format_px(y)}){scale}"
    return tag("path", *children, d=find_mark_path(place), transform=where, class_=f"mark f{place % MARK_KINDS} {class_}".strip())


def define_marks(families: int) -> Markup:
    """Return definitions of the marks of families, and of their finalists, for `reuse_mark`, as a large chart has a thousand marks."""
    small = [tag("path", id=f"m{place}", d=find_mark_path(place)) for place in range(min(families, MARK_KINDS))]
    large = [tag("path", id=f"M{place}", d=find_mark_path(place), transform="scale(1.35)") for place in range(min(families, MARK_KINDS))]
    return tag("defs", join_markup(small + large))


def reuse_mark(place: int, x: float, y: float, note: str, class_: str = "", large: bool = False) -> Markup:
    """Return a mark by reference to `define_marks`, with the tooltip `note`."""
    name = f"#{'M' if large else 'm'}{place % MARK_KINDS}"
    return tag("use", tag("title", note), href=name, x=x, y=y, class_=f"mark f{place % MARK_KINDS} {class_}".strip())


def draw_dots(place: int, points: list[tuple[float, float]], class_: str = "") -> Markup:
    """Return points of one family as dots in one path, which is small, for charts without a tooltip at each point."""
    dots = "".join(f"M{format_px(x)} {format_px(y)}h0" for x, y in points)
    return tag("path", d=dots, class_=f"dots s{place % MARK_KINDS} {class_}".strip()) if points else Markup("")


def draw_legend(names: list[tuple[str, int]], x: float, y: float, width: float) -> Markup:
    """Return marks with the names of their families and numbers of points, in lines at most `width` long."""
    parts, left, line = [], x, y
    for place, (name, count) in enumerate(names):
        words = f"{name} ({count})"
        room = 22 + 7.2 * len(words)
        if left + room > x + width and left > x:
            left, line = x, line + 18
        parts += [draw_mark(place, left + 6, line - 4), tag("text", words, x=left + 16, y=line, class_="name")]
        left += room
    return join_markup(parts)
