"""Draw a metric of every trained network as a strip for each family: a mark for each network, quartiles as a box."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median, quantiles

from markupsafe import Markup

from blockspace.quantities import find_quantity
from blockspace.records import TrialRecord
from blockspace.reporting.html.charts.axis import Axis, make_axis
from blockspace.reporting.html.charts.plot import MARK_KINDS, draw_chart, draw_dots, draw_mark
from blockspace.reporting.html.markup import format_px, join_markup, tag
from blockspace.reporting.study_report import StudyReport

WIDTH, LEFT, RIGHT, TOP, LANE, BOTTOM = 780, 150, 20, 12, 58, 56
SPREAD = 15  # half the height over which marks are spread, so that equal values stay visible
GOLDEN = 0.618033988749895
BOXED = 5  # networks from which quartiles say something


def draw_distribution(run: StudyReport, metric: str, finalists: Sequence[int] = ()) -> Markup:
    """Return the chart of `metric` with a strip and a box plot for each family; `finalists` are trial numbers."""
    here = find_quantity(metric)
    trained = [t for t in run.trials if t.state.is_trained and metric in t.quantities]
    groups = [(family, [t for t in trained if run.family_of[t.number] == family]) for family in run.families]
    height = TOP + LANE * len(groups) + BOTTOM
    x = make_axis([t.quantities[metric] * here.scale for _, own in groups for t in own], LEFT, WIDTH - RIGHT, lambda v: f"{v:.4g}")
    bottom = height - BOTTOM
    ground = tag("rect", x=LEFT, y=TOP, width=WIDTH - RIGHT - LEFT, height=LANE * len(groups), class_="ground")
    grid = [tag("path", d=f"M{format_px(x(v))} {bottom}V{TOP}", class_="grid") for v, _ in x.ticks]
    ticks = [tag("text", words, x=x(v), y=bottom + 17, class_="tick middle") for v, words in x.ticks]
    title = tag("text", here.axis_title, x=(LEFT + WIDTH - RIGHT) / 2, y=bottom + 38, class_="title middle")
    strips = [
        _draw_family_strip(place, family, own, x, TOP + LANE * (place + 0.5), metric, finalists)
        for place, (family, own) in enumerate(groups)
    ]
    words = f"{here.title} of every trained network, by family"
    return draw_chart(WIDTH, height, words, [ground, *grid, *ticks, title, *strips], "distribution")


def _draw_family_strip(
    place: int, family: str, own: list[TrialRecord], x: Axis, middle: float, metric: str, finalists: Sequence[int]
) -> Markup:
    """Return the strip of one family at height `middle`: name, number of networks, box plot, marks."""
    here = find_quantity(metric)
    name = [draw_mark(place, 16, middle - 4), tag("text", shorten_name(family), x=28, y=middle, class_="name")]
    name.append(tag("text", f"n = {len(own)}", x=28, y=middle + 15, class_="key"))
    values = [t.quantities[metric] * here.scale for t in own]
    spots = [(x(v), middle + SPREAD * (2 * ((n * GOLDEN) % 1) - 1)) for n, v in enumerate(values)]
    small = [spot for spot, t in zip(spots, own) if t.number not in finalists]
    large = [(spot, t) for spot, t in zip(spots, own) if t.number in finalists]
    parts = [*name, _draw_box_plot(place, values, x, middle), draw_dots(place, small)]
    for (at, height), t in large:
        note = tag("title", f"{t.name}: {here.format_with_unit(t.quantities[metric])}")
        parts.append(draw_mark(place, at, height, note, size=1.2, class_="final"))
    return join_markup(parts)


def shorten_name(name: str, most: int = 15) -> str:
    """Return a name with at most `most` characters."""
    return name if len(name) <= most else name[: most - 1] + "…"


def _draw_box_plot(place: int, values: list[float], x: Axis, middle: float) -> Markup:
    """Return a box plot: quartiles, median, and whiskers to the farthest value within 1.5 times their distance (Tukey)."""
    if len(values) < BOXED:
        return Markup("")
    low, mid, high = quantiles(values, n=4, method="inclusive")
    reach = 1.5 * (high - low)
    ends = min(v for v in values if v >= low - reach), max(v for v in values if v <= high + reach)
    rect = tag("rect", x=x(low), y=middle - 19, width=max(1, x(high) - x(low)), height=38, class_=f"box s{place % MARK_KINDS}")
    y = format_px(middle)
    lines = f"M{format_px(x(ends[0]))} {y}H{format_px(x(low))}M{format_px(x(high))} {y}H{format_px(x(ends[1]))}"
    lines += f"M{format_px(x(median(values)))} {format_px(middle - 19)}v38"
    note = tag("title", f"median {mid:.4g}, quartiles {low:.4g} and {high:.4g}")
    return join_markup([rect, tag("path", note, d=lines, class_=f"whisker s{place % MARK_KINDS}")])
