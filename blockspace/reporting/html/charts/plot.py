"""Plot: the frame of a chart: background, grid, ticks, titles of axes; what it shows is added by each chart."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup

from blockspace.reporting.html.charts.axis import Axis
from blockspace.reporting.html.text import figure, joined, tag


def picture(width: float, height: float, title: str, parts: Iterable[Markup], class_: str = "") -> Markup:
    """A whole SVG; `title` is what a screen reader says of it."""
    box = f"0 0 {figure(width)} {figure(height)}"
    attributes = {"viewBox": box, "width": figure(width), "height": figure(height), "role": "img", "aria-label": title}
    return tag("svg", joined(parts), xmlns="http://www.w3.org/2000/svg", class_=f"chart {class_}".strip(), **attributes)


def frame(x: Axis, y: Axis, x_title: str, y_title: str) -> Markup:
    """Ground, grid and words of a plot whose axes are `x` (left to right) and `y` (bottom to top)."""
    left, right, bottom, top = x.start, x.end, y.start, y.end
    ground = tag("rect", x=left, y=top, width=right - left, height=bottom - top, class_="ground")
    grid = [tag("path", d=f"M{figure(x(v))} {figure(bottom)}V{figure(top)}", class_="grid") for v, _ in x.ticks]
    grid += [tag("path", d=f"M{figure(left)} {figure(y(v))}H{figure(right)}", class_="grid") for v, _ in y.ticks]
    words = [tag("text", t, x=x(v), y=bottom + 17, class_="tick middle") for v, t in x.ticks]
    words += [tag("text", t, x=left - 7, y=y(v) + 4, class_="tick end") for v, t in y.ticks]
    titles = [tag("text", x_title + logs(x), x=(left + right) / 2, y=bottom + 38, class_="title middle")]
    titles += [tag("text", y_title + logs(y), x=left, y=top - 10, class_="title")]
    return joined([ground, *grid, *words, *titles])


def logs(axis: Axis) -> str:
    return ", logarithmic" if axis.log else ""


def line(points: list[tuple[float, float]], class_: str) -> Markup:
    """A path through the points."""
    if len(points) < 2:
        return Markup("")
    first, *rest = (f"{figure(x)} {figure(y)}" for x, y in points)
    return tag("path", d=f"M{first}L{'L'.join(rest)}", class_=class_)
