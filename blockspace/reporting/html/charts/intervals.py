"""Draw the differences of the answer with their confidence intervals."""

from __future__ import annotations

from markupsafe import Markup

from blockspace.reporting.answer import Answer
from blockspace.reporting.difference import FamilyDifference
from blockspace.reporting.html.charts.axis import Axis, make_axis
from blockspace.reporting.html.charts.distribution import shorten_name
from blockspace.reporting.html.charts.plot import draw_chart
from blockspace.reporting.html.markup import format_px, tag
from blockspace.reporting.sentences import format_level

WIDTH, LEFT, RIGHT, TOP, LANE, BOTTOM = 780, 200, 150, 14, 38, 56


def draw_intervals(answer: Answer) -> Markup:
    """Return the chart of differences of test accuracy in points, first minus second, with their intervals; empty if there are none."""
    rows = answer.statements
    if not rows:
        return Markup("")
    height = TOP + LANE * len(rows) + BOTTOM
    bottom = height - BOTTOM
    ends = [100 * v for d in rows for v in (d.accuracy.low, d.accuracy.high)]
    x = make_axis(ends, LEFT, WIDTH - RIGHT, lambda v: f"{v:+g}" if v else "0", zero=True)
    ground = tag("rect", x=LEFT, y=TOP, width=WIDTH - RIGHT - LEFT, height=LANE * len(rows), class_="ground")
    grid = [tag("path", d=f"M{format_px(x(v))} {bottom}V{TOP}", class_="grid") for v, _ in x.ticks]
    ticks = [tag("text", words, x=x(v), y=bottom + 17, class_="tick middle") for v, words in x.ticks]
    zero = tag("path", d=f"M{format_px(x(0))} {bottom}V{TOP}", class_="zero")
    together = ", all together" if all(d.statements > 1 for d in rows) else ""
    words = f"test accuracy, first minus second, in points, with its {format_level(rows[0].level)} interval{together}"
    title = tag("text", words, x=(LEFT + WIDTH - RIGHT) / 2, y=bottom + 38)
    body = [part for place, d in enumerate(rows) for part in _draw_difference(d, x, TOP + LANE * (place + 0.5))]
    spoken = "; ".join(d.sentence() for d in rows)
    return draw_chart(WIDTH, height, spoken, [ground, *grid, *ticks, tag("g", title, class_="title middle"), zero, *body], "intervals")


def _draw_difference(difference: FamilyDifference, x: Axis, middle: float) -> list[Markup]:
    """Return one difference at height `middle`: names, interval, numbers."""
    found = difference.accuracy
    low, at, high = (100 * v for v in (found.low, found.estimate, found.high))
    sure = "sure" if difference.is_sure else "unsure"
    second = "random" if difference.kind == "random" else shorten_name(difference.second)
    left, right, y = format_px(x(low)), format_px(x(high)), format_px(middle)
    top = format_px(middle - 5)
    bar = f"M{left} {y}H{right}M{left} {top}v10M{right} {top}v10"
    return [
        tag("text", f"{shorten_name(difference.first)} − {second}", x=LEFT - 12, y=middle + 4, class_="name end"),
        tag("path", tag("title", difference.sentence()), d=bar, class_=f"bar {sure}"),
        tag("circle", tag("title", difference.sentence()), cx=x(at), cy=middle, r=4.5, class_=f"estimate {sure}"),
        tag("text", f"{at:+.2f}  [{low:+.2f}, {high:+.2f}]", x=WIDTH - RIGHT + 10, y=middle + 4, class_="key"),
    ]
