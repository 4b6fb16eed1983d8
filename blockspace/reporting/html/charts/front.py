"""The front: each trained trial at its cost and metric, the budget's window, and per family the line of those that no other beats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from blockspace.quantities import find_quantity
from blockspace.records import TrialRecord, TrialState
from blockspace.reporting.html.charts.axis import Axis, axis
from blockspace.reporting.html.charts.marks import KINDS, legend, many, outlines, placed
from blockspace.reporting.html.charts.plot import frame, picture
from blockspace.reporting.html.text import figure, joined, tag
from blockspace.reporting.study_report import DEFAULT_METRIC, StudyReport

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 780, 470, 62, 20, 66, 62


def is_metric(name: str) -> bool:
    """Return whether a quantity is measured on validation images; a trial's other numbers are costs."""
    return find_quantity(name).kind == "metric"


def axes_of(run: StudyReport) -> list[tuple[str, str]]:
    """(cost, metric) of each front worth drawing, the one that the objectives and budgets are about first."""
    metric = next((name for name in run.objectives if is_metric(name)), DEFAULT_METRIC)
    asked = [name for name in run.objectives if not is_metric(name)]
    known = [name for t in run.trials if t.state.is_trained for name in t.quantities if not is_metric(name)]
    budgeted = [b.cost for b in run.budgets]
    costs = dict.fromkeys([*asked, *reversed(budgeted), "latency", "macs", "params"])
    return [(cost, metric) for cost in costs if cost in known]


@dataclass(frozen=True)
class Plane:
    """Where a trial stands: its cost to the right, its metric upwards."""

    run: StudyReport
    cost: str
    metric: str
    x: Axis
    y: Axis

    def spot(self, trial: TrialRecord) -> tuple[float, float]:
        return self.x(trial.quantities[self.cost]), self.y(trial.quantities[self.metric] * find_quantity(self.metric).scale)


def front(run: StudyReport, cost: str, metric: str, finalists: Sequence[int] = (), detail: bool = True) -> Markup:
    """The chart of `metric` over `cost`. With `detail` each point is a link to its row and says its name; else points are dots."""
    points = [t for t in run.trials if t.state.is_trained and cost in t.quantities and metric in t.quantities]
    refused = [t for t in run.trials if t.state is TrialState.OVER_BUDGET and cost in t.quantities]
    plane = planned(run, cost, metric, points, refused)
    parts = [outlines(len(run.families) if detail else 0)]
    parts += [frame(plane.x, plane.y, find_quantity(cost).axis_title, find_quantity(metric).axis_title), window(plane), rug(plane, refused)]
    for place, family in enumerate(run.families):
        own = [t for t in points if run.family_of[t.number] == family]
        parts.append(staircase(plane, place, own))
        parts.append(marks(plane, place, own, finalists) if detail else many(place, [plane.spot(t) for t in own]))
    counts = [(family, sum(run.family_of[t.number] == family for t in points)) for family in run.families]
    parts.append(legend(counts, LEFT, 22, WIDTH - LEFT - 290))
    parts.append(key(bool(refused), detail and bool(finalists)))
    titles = f"{find_quantity(metric).title} over {find_quantity(cost).title}"
    words = f"{titles} of {len(points)} trained networks in {len(run.families)} families"
    return picture(WIDTH, HEIGHT, words, parts, "front")


def planned(run: StudyReport, cost: str, metric: str, points: list[TrialRecord], refused: list[TrialRecord]) -> Plane:
    """Axes that hold every proposal, the budget's ends and the baseline."""
    budget = run.budget(cost)
    marked = [v for v in (run.baseline.get(cost), budget and budget.low, budget and budget.high) if v]
    x = axis([t.quantities[cost] for t in (*points, *refused)] + marked, LEFT, WIDTH - RIGHT, find_quantity(cost).format_tick)
    scale = find_quantity(metric).scale
    return Plane(run, cost, metric, x, axis([t.quantities[metric] * scale for t in points], HEIGHT - BOTTOM, TOP, lambda v: f"{v:.4g}"))


def window(plane: Plane) -> Markup:
    """What the budget leaves out is shaded, its ends are lines with their numbers; the baseline is a line too."""
    x, y, budget, base = plane.x, plane.y, plane.run.budget(plane.cost), plane.run.baseline.get(plane.cost)
    ends = [(budget.low, x.start, "at least", 30), (budget.high, x.end, "at most", 14)] if budget else []
    parts = []
    for value, outer, words, down in ends:
        if value:
            left, right = sorted((x(value), outer))
            parts.append(tag("rect", x=left, y=y.end, width=right - left, height=y.start - y.end, class_="out"))
            parts.append(upright(x(value), y, "limit", f"budget: {words} {find_quantity(plane.cost).format_tick(value)}", y.end + down))
    return joined([*parts, *([upright(x(base), y, "base", "baseline", y.start - 14)] if base else [])])


def upright(at: float, y: Axis, class_: str, words: str, height: float) -> Markup:
    """A line from bottom to top with words on its left, or on its right where there is no room."""
    line = tag("path", d=f"M{figure(at)} {figure(y.start)}V{figure(y.end)}", class_=class_)
    near = at < LEFT + 7 * len(words)
    label = tag("text", words, x=at + (5 if near else -5), y=height, class_=f"{class_}-name {'' if near else 'end'}".strip())
    return joined([line, label])


def rug(plane: Plane, refused: list[TrialRecord]) -> Markup:
    """Proposals that were refused before training have a cost and no metric: short lines at the bottom."""
    ticks = "".join(f"M{figure(plane.x(t.quantities[plane.cost]))} {figure(plane.y.start)}v-9" for t in refused)
    return tag("path", d=ticks, class_="rug") if refused else Markup("")


def staircase(plane: Plane, place: int, own: list[TrialRecord]) -> Markup:
    """The family's non-dominated networks in this plane, within all budgets, joined by steps."""
    spots = [plane.spot(t) for t in undominated([t for t in own if t.is_feasible], plane.cost, plane.metric, plane.run)]
    if not spots:
        return Markup("")
    path = f"M{figure(spots[0][0])} {figure(spots[0][1])}" + "".join(f"H{figure(a)}V{figure(b)}" for a, b in spots[1:])
    budget = plane.run.budget(plane.cost)
    end = plane.x(budget.high) if budget and budget.high else plane.x.end
    path += f"H{figure(max(end, spots[-1][0]))}" if plane.run.direction(plane.cost) == "minimize" else ""
    return tag("path", d=path, class_=f"steps s{place % KINDS}")


def undominated(trials: list[TrialRecord], cost: str, metric: str, run: StudyReport) -> list[TrialRecord]:
    """Those that no other beats in both, from the best cost on."""
    signs = [1 if run.direction(name) == "minimize" else -1 for name in (cost, metric)]
    found: list[TrialRecord] = []
    for trial in sorted(trials, key=lambda t: (signs[0] * t.quantities[cost], signs[1] * t.quantities[metric])):
        if not found or signs[1] * trial.quantities[metric] < signs[1] * found[-1].values[metric]:
            found.append(trial)
    return found


def marks(plane: Plane, place: int, own: list[TrialRecord], finalists: Sequence[int]) -> Markup:
    """Each trial a link to its row; finalists larger, outlined and with their number."""
    here, there = find_quantity(plane.cost), find_quantity(plane.metric)
    parts = []
    for trial in sorted(own, key=lambda t: (t.number in finalists, t.number in plane.run.front)):
        final, (x, y) = trial.number in finalists, plane.spot(trial)
        class_ = "final" if final else "best" if trial.number in plane.run.front else ""
        metric, cost = trial.quantities[plane.metric], trial.quantities[plane.cost]
        note = f"{trial.name}: {there.format_with_unit(metric)}, {here.format_with_unit(cost)}"
        drawn = [placed(place, x, y, note, class_, final)]
        if final:
            drawn.append(tag("text", f"#{trial.number}", x=x + 9, y=y - 7, class_="number"))
        parts.append(tag("a", joined(drawn), href=f"#t{trial.number}"))
    return joined(parts)


def key(refused: bool, finalists: bool) -> Markup:
    """What the signs beside the families' marks mean, at the right above the plot."""
    rows = ["steps: best of each family within the budgets"]
    rows += ["outlined, with #number: finalists"] * finalists + ["short lines at the bottom: refused before training"] * refused
    return joined(tag("text", words, x=WIDTH - RIGHT, y=18 + 15 * n, class_="key end") for n, words in enumerate(rows))
