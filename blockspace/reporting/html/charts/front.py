"""Draw the Pareto front: each trained trial by cost and metric, the budget, and a staircase of the best trials of each family."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from blockspace.formatting import count_noun
from blockspace.quantities import find_quantity
from blockspace.records import TrialRecord, TrialState
from blockspace.reporting.html.charts.axis import Axis, make_axis
from blockspace.reporting.html.charts.plot import MARK_KINDS, define_marks, draw_chart, draw_dots, draw_legend, draw_plot_frame, reuse_mark
from blockspace.reporting.html.markup import format_px, join_markup, tag
from blockspace.reporting.study_report import DEFAULT_METRIC, StudyReport

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 780, 470, 62, 20, 66, 62


def is_metric(name: str) -> bool:
    """Return whether a quantity is measured on validation images; a trial's other numbers are costs."""
    return find_quantity(name).kind == "metric"


def choose_front_axes(run: StudyReport) -> list[tuple[str, str]]:
    """Return (cost, metric) of each front to draw, that of the objectives and budgets first."""
    metric = next((name for name in run.objectives if is_metric(name)), DEFAULT_METRIC)
    asked = [name for name in run.objectives if not is_metric(name)]
    known = [name for t in run.trials if t.state.is_trained for name in t.quantities if not is_metric(name)]
    budgeted = [b.cost for b in run.budgets]
    costs = dict.fromkeys([*asked, *reversed(budgeted), "latency", "macs", "params"])
    return [(cost, metric) for cost in costs if cost in known]


@dataclass(frozen=True)
class FrontPlane:
    """Axes of a front: cost to the right, metric upwards."""

    run: StudyReport
    cost: str
    metric: str
    x: Axis
    y: Axis

    def locate(self, trial: TrialRecord) -> tuple[float, float]:
        """Return the place of a trial in pixels."""
        return self.x(trial.quantities[self.cost]), self.y(trial.quantities[self.metric] * find_quantity(self.metric).scale)


def draw_front(run: StudyReport, cost: str, metric: str, finalists: Sequence[int] = (), detail: bool = True) -> Markup:
    """Return the chart of `metric` over `cost`.

    With `detail` each point is a link to its row with a tooltip, else a dot; `finalists` are trial numbers.
    """
    points = [t for t in run.trials if t.state.is_trained and cost in t.quantities and metric in t.quantities]
    refused = [t for t in run.trials if t.state is TrialState.OVER_BUDGET and cost in t.quantities]
    plane = _fit_plane(run, cost, metric, points, refused)
    parts = [define_marks(len(run.families) if detail else 0)]
    parts.append(draw_plot_frame(plane.x, plane.y, find_quantity(cost).axis_title, find_quantity(metric).axis_title))
    parts += [_draw_budget(plane), _draw_refused(plane, refused)]
    for place, family in enumerate(run.families):
        own = [t for t in points if run.family_of[t.number] == family]
        parts.append(_draw_staircase(plane, place, own))
        parts.append(_draw_trials(plane, place, own, finalists) if detail else draw_dots(place, [plane.locate(t) for t in own]))
    counts = [(family, sum(run.family_of[t.number] == family for t in points)) for family in run.families]
    parts.append(draw_legend(counts, LEFT, 22, WIDTH - LEFT - 290))
    parts.append(_draw_front_key(bool(refused), detail and bool(finalists)))
    titles = f"{find_quantity(metric).title} over {find_quantity(cost).title}"
    words = f"{titles} of {count_noun(len(points), 'trained network')} in {count_noun(len(run.families), 'family', 'families')}"
    return draw_chart(WIDTH, HEIGHT, words, parts, "front")


def _fit_plane(run: StudyReport, cost: str, metric: str, points: list[TrialRecord], refused: list[TrialRecord]) -> FrontPlane:
    """Return axes around every proposal, the ends of the budget and the baseline."""
    budget = run.budget(cost)
    marked = [v for v in (run.baseline.get(cost), budget and budget.low, budget and budget.high) if v]
    x = make_axis([t.quantities[cost] for t in (*points, *refused)] + marked, LEFT, WIDTH - RIGHT, find_quantity(cost).format_tick)
    scale = find_quantity(metric).scale
    y = make_axis([t.quantities[metric] * scale for t in points], HEIGHT - BOTTOM, TOP, lambda v: f"{v:.4g}")
    return FrontPlane(run, cost, metric, x, y)


def _draw_budget(plane: FrontPlane) -> Markup:
    """Return shades over the area outside the budget, and lines at its ends and at the baseline."""
    x, y, budget, base = plane.x, plane.y, plane.run.budget(plane.cost), plane.run.baseline.get(plane.cost)
    ends = [(budget.low, x.start, "at least", 30), (budget.high, x.end, "at most", 14)] if budget else []
    parts = []
    for value, outer, words, down in ends:
        if value:
            left, right = sorted((x(value), outer))
            parts.append(tag("rect", x=left, y=y.end, width=right - left, height=y.start - y.end, class_="out"))
            label = f"budget: {words} {find_quantity(plane.cost).format_tick(value)}"
            parts.append(_draw_vertical_line(x(value), y, "limit", label, y.end + down))
    return join_markup([*parts, *([_draw_vertical_line(x(base), y, "base", "baseline", y.start - 14)] if base else [])])


def _draw_vertical_line(at: float, y: Axis, class_: str, words: str, height: float) -> Markup:
    """Return a vertical line with a text on its left, or on its right where there is no room."""
    line = tag("path", d=f"M{format_px(at)} {format_px(y.start)}V{format_px(y.end)}", class_=class_)
    near = at < LEFT + 7 * len(words)
    label = tag("text", words, x=at + (5 if near else -5), y=height, class_=f"{class_}-name {'' if near else 'end'}".strip())
    return join_markup([line, label])


def _draw_refused(plane: FrontPlane, refused: list[TrialRecord]) -> Markup:
    """Return short lines at the bottom at the cost of proposals that were refused before training, which have no metric."""
    ticks = "".join(f"M{format_px(plane.x(t.quantities[plane.cost]))} {format_px(plane.y.start)}v-9" for t in refused)
    return tag("path", d=ticks, class_="rug") if refused else Markup("")


def _draw_staircase(plane: FrontPlane, place: int, own: list[TrialRecord]) -> Markup:
    """Return the staircase of the non-dominated networks of a family within all budgets."""
    spots = [plane.locate(t) for t in find_undominated([t for t in own if t.is_feasible], plane.cost, plane.metric, plane.run)]
    if not spots:
        return Markup("")
    path = f"M{format_px(spots[0][0])} {format_px(spots[0][1])}" + "".join(f"H{format_px(a)}V{format_px(b)}" for a, b in spots[1:])
    budget = plane.run.budget(plane.cost)
    end = plane.x(budget.high) if budget and budget.high else plane.x.end
    path += f"H{format_px(max(end, spots[-1][0]))}" if plane.run.direction(plane.cost) == "minimize" else ""
    return tag("path", d=path, class_=f"steps s{place % MARK_KINDS}")


def find_undominated(trials: list[TrialRecord], cost: str, metric: str, run: StudyReport) -> list[TrialRecord]:
    """Return the trials that no other beats in both cost and metric, the best cost first."""
    signs = [1 if run.direction(name) == "minimize" else -1 for name in (cost, metric)]
    found: list[TrialRecord] = []
    for trial in sorted(trials, key=lambda t: (signs[0] * t.quantities[cost], signs[1] * t.quantities[metric])):
        if not found or signs[1] * trial.quantities[metric] < signs[1] * found[-1].quantities[metric]:
            found.append(trial)
    return found


def _draw_trials(plane: FrontPlane, place: int, own: list[TrialRecord], finalists: Sequence[int]) -> Markup:
    """Return the marks of trials as links to their rows; finalists are larger, outlined, with their number."""
    here, there = find_quantity(plane.cost), find_quantity(plane.metric)
    parts = []
    for trial in sorted(own, key=lambda t: (t.number in finalists, t.number in plane.run.front)):
        final, (x, y) = trial.number in finalists, plane.locate(trial)
        class_ = "final" if final else "best" if trial.number in plane.run.front else ""
        metric, cost = trial.quantities[plane.metric], trial.quantities[plane.cost]
        note = f"{trial.name}: {there.format_with_unit(metric)}, {here.format_with_unit(cost)}"
        drawn = [reuse_mark(place, x, y, note, class_, final)]
        if final:
            drawn.append(tag("text", f"#{trial.number}", x=x + 9, y=y - 7, class_="number"))
        parts.append(tag("a", join_markup(drawn), href=f"#t{trial.number}"))
    return join_markup(parts)


def _draw_front_key(refused: bool, finalists: bool) -> Markup:
    """Return the key of lines and outlines, at the right above the plot."""
    rows = ["steps: best of each family within the budgets"]
    rows += ["outlined, with #number: finalists"] * finalists + ["short lines at the bottom: refused before training"] * refused
    return join_markup(tag("text", words, x=WIDTH - RIGHT, y=18 + 15 * n, class_="key end") for n, words in enumerate(rows))
