"""Draw curves of whole families: the best so far, the expected best of n draws, and distributions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from statistics import median
from typing import TypeVar

from markupsafe import Markup

from blockspace.quantities import Quantity, find_quantity
from blockspace.reporting.html.charts.axis import Axis, make_axis
from blockspace.reporting.html.charts.distribution import shorten_name
from blockspace.reporting.html.charts.plot import MARK_KINDS, draw_chart, draw_mark, draw_plot_frame
from blockspace.reporting.html.markup import format_px, join_markup, tag
from blockspace.reporting.independent_draws import ENOUGH_DRAWS, IndependentDraws, expect_best
from blockspace.reporting.study_report import StudyReport

WIDTH, HEIGHT, LEFT, RIGHT, BOTTOM = 380, 280, 54, 16, 52
LINE, ROOM = 18, 26  # height of a line of the legend, and from there to the plot
MOST_POINTS = 200  # of one line

Point = TypeVar("Point")


@dataclass(frozen=True)
class FamilyCurve:
    """A curve of the family at `place`: points (x, y), and the ends of a band around each, all in the units of the axes."""

    place: int
    name: str
    points: Sequence[tuple[float, float]]
    band: Sequence[tuple[float, float]] = ()  # low and high at each point


def draw_best_so_far(run: StudyReport, metric: str) -> Markup:
    """Return the chart of the best value so far over the trainings of each family, median and range over the searches.

    Empty before anything trained.
    """
    here = find_quantity(metric)
    curves = []
    for place, family in enumerate(run.families):
        traces = trace_best(run, family, metric)
        columns = [[value * here.scale for value in column] for column in zip(*traces)]
        points = [(number + 1.0, median(column)) for number, column in enumerate(columns)]
        band = [(min(column), max(column)) for column in columns] if len(traces) > 1 else []
        if points:
            curves.append(FamilyCurve(place, family, thin_out(points), thin_out(band)))
    words = f"best {here.title} so far over the trainings of each family"
    return draw_family_curves(curves, "trainings of the family", here, words, is_stepped=True)


def trace_best(run: StudyReport, family: str, metric: str) -> list[list[float]]:
    """Return, for each search, the best value of a family after 1, 2, ... of its trainings within the budgets.

    A search that is still open is left out where there are others, and all are as long as the shortest.
    """
    best = max if run.direction(metric) == "maximize" else min
    traces = []
    for repeat in list_whole_repeats(run):
        own = [t for t in run.trials if t.repeat == repeat and run.family_of[t.number] == family]
        values = [t.quantities[metric] for t in own if t.is_feasible and metric in t.quantities]
        traces.append(list(accumulate(values, best)))
    shortest = min(map(len, traces), default=0)
    return [trace[:shortest] for trace in traces]


def list_whole_repeats(run: StudyReport) -> list[int]:
    """Return the numbers of the searches, without one that is not finished where there are others."""
    numbers = sorted({trial.repeat for trial in run.trials})
    return [number for number in numbers if number in run.searches.whole] or numbers


def draw_expected_best(draws: IndependentDraws, families: Sequence[str], is_maximum: bool) -> Markup:
    """Return the chart of the expected best of n draws of each family, with a standard deviation to both sides within what was seen."""
    here = find_quantity(draws.metric)
    curves = []
    for place, family in enumerate(families):
        values = draws.values.get(family, ())
        if len(values) < ENOUGH_DRAWS:
            continue
        found = thin_out(expect_best(values, is_maximum))
        low, high = min(values), max(values)
        points = [(float(one.count), one.mean * here.scale) for one in found]
        ends = [(max(low, one.mean - one.deviation), min(high, one.mean + one.deviation)) for one in found]
        curves.append(FamilyCurve(place, family, points, [(a * here.scale, b * here.scale) for a, b in ends]))
    words = f"expected best {here.title} of n networks of each family"
    return draw_family_curves(curves, "networks drawn", here, words)


def draw_edf(draws: IndependentDraws, families: Sequence[str]) -> Markup:
    """Return the chart of each family's empirical distribution function: the share of networks with at most a value."""
    here, share = find_quantity(draws.metric), Quantity("share", "share of networks at or below it")
    known = [(place, family, sorted(draws.values.get(family, ()))) for place, family in enumerate(families)]
    spread = [value * here.scale for _, _, values in known for value in values if len(values) >= ENOUGH_DRAWS]
    if not spread:
        return Markup("")
    room = (max(spread) - min(spread)) * 0.06
    curves = []
    for place, family, values in known:
        if len(values) < ENOUGH_DRAWS:
            continue
        steps = thin_out([(value * here.scale, (rank + 1) / len(values)) for rank, value in enumerate(values)])
        curves.append(FamilyCurve(place, family, [(min(spread) - room, 0.0), *steps, (max(spread) + room, 1.0)]))
    words = f"distribution of {here.title} of each family"
    return draw_family_curves(curves, here.axis_title, share, words, is_stepped=True)


def thin_out(points: Sequence[Point]) -> list[Point]:
    """Return at most about `MOST_POINTS` of the points, evenly, with the first and the last one."""
    step = max(1, len(points) // MOST_POINTS)
    return [point for place, point in enumerate(points) if place % step == 0 or place == len(points) - 1]


def draw_family_curves(
    curves: Sequence[FamilyCurve], x_title: str, y_quantity: Quantity, words: str, is_stepped: bool = False
) -> Markup:
    """Return a small chart of a curve for each family, with bands and a legend; empty without curves."""
    if not curves:
        return Markup("")
    legend, lines = draw_curve_legend(curves)
    top = 14 + LINE * lines + ROOM
    height = HEIGHT + LINE * (lines - 1)
    xs = [x for curve in curves for x, _ in curve.points]
    ys = [y for curve in curves for _, y in curve.points] + [end for curve in curves for ends in curve.band for end in ends]
    is_count = all(value.is_integer() for value in xs)  # an axis of counts starts at 0
    x = make_axis(xs, LEFT, WIDTH - RIGHT, lambda v: f"{v:.4g}", wanted=5, zero=is_count)
    y = make_axis(ys, height - BOTTOM, top, lambda v: f"{v:.4g}", wanted=5)
    parts = [draw_plot_frame(x, y, x_title, y_quantity.axis_title), legend]
    parts += [draw_band(curve, x, y, is_stepped) for curve in curves]
    parts += [draw_family_curve(curve, x, y, is_stepped) for curve in curves]
    return draw_chart(WIDTH, height, words, parts, "small")


def draw_family_curve(curve: FamilyCurve, x: Axis, y: Axis, is_stepped: bool) -> Markup:
    """Return the line of one family, with its mark at the end."""
    spots = [(x(a), y(b)) for a, b in curve.points]
    path = tag("path", d=trace_path(spots, is_stepped), class_=f"curve s{curve.place % MARK_KINDS}")
    note = tag("title", f"{curve.name}: {curve.points[-1][1]:.4g} at {curve.points[-1][0]:.4g}")
    return join_markup([path, draw_mark(curve.place, *spots[-1], note, class_="final")])


def draw_band(curve: FamilyCurve, x: Axis, y: Axis, is_stepped: bool) -> Markup:
    """Return the band around a line; empty without one."""
    if not curve.band:
        return Markup("")
    lower, upper = ([(x(a), y(ends[side])) for (a, _), ends in zip(curve.points, curve.band)] for side in (0, 1))
    back = list(reversed(to_steps(lower) if is_stepped else lower))
    outline = [*(to_steps(upper) if is_stepped else upper), *back]
    return tag("path", d=f"{trace_path(outline, False)}Z", class_=f"band f{curve.place % MARK_KINDS}")


def to_steps(spots: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the points of a line that stays at a value until the next one."""
    between = [spot for (_, low), (right, high) in pairwise(spots) for spot in ((right, low), (right, high))]
    return [*spots[:1], *between]


def trace_path(spots: Sequence[tuple[float, float]], is_stepped: bool) -> str:
    """Return the path data of a line through points."""
    first, *rest = (f"{format_px(a)} {format_px(b)}" for a, b in (to_steps(spots) if is_stepped else spots))
    return f"M{first}" + "".join(f"L{spot}" for spot in rest)


def draw_curve_legend(curves: Sequence[FamilyCurve]) -> tuple[Markup, int]:
    """Return marks with the names of families above the plot, and in how many lines."""
    parts, left, line = [], float(LEFT), 1
    for curve in curves:
        words = shorten_name(curve.name)
        room = 26 + 7.2 * len(words)
        if left + room > WIDTH - RIGHT and left > LEFT:
            left, line = float(LEFT), line + 1
        height = 4 + LINE * line
        parts += [draw_mark(curve.place, left + 6, height - 4), tag("text", words, x=left + 16, y=height, class_="name")]
        left += room
    return join_markup(parts), line
