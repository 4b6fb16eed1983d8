"""The page: one HTML file that needs nothing else, not even JavaScript, and may load nothing else."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from blockspace.files import write_atomic
from blockspace.quantities import find_quantity
from blockspace.records import RunDir
from blockspace.reporting.html.answer import answered
from blockspace.reporting.html.assets import static
from blockspace.reporting.html.charts import KINDS, axes_of, distribution, front, intervals, mark
from blockspace.reporting.html.drawing import drawing_style
from blockspace.reporting.html.families import families
from blockspace.reporting.html.finalists import finalists
from blockspace.reporting.html.image import front_png
from blockspace.reporting.html.text import safe, shown, tag
from blockspace.reporting.html.trials import trials
from blockspace.reporting.study_report import DEFAULT_METRIC, REPORTED_STATES, StudyReport

MOST = 1_000_000  # bytes of the file
STYLES = ("palette.css", "chart.css", "page.css")
SCRIPT = "script.js"


@dataclass(frozen=True)
class Limits:
    """How much of a large study the page shows: rows of the table, points that say their names, finalists drawn, nodes of each."""

    rows: int = 3_000
    points: int = 2_000
    drawings: int = 12
    nodes: int = 300

    def halved(self) -> Limits:
        return Limits(self.rows // 2, self.points // 2, self.drawings // 2, self.nodes // 2)


def page(run: StudyReport) -> str:
    """The HTML of the report, at most 1 MB: what a large study has too much of is left out, and the page says where it is."""
    limits = Limits()
    text = rendered(run, limits)
    while len(text.encode()) > MOST and limits.rows > 8:
        limits = limits.halved()
        text = rendered(replace(run, settings=run.settings[:100_000]), limits)
    return text


def write_page(run: StudyReport, folder: str | Path) -> Path:
    """Write `report.html`, and `front.png` where something trained, in one rename each. Raises StorageError."""
    place = RunDir.of(folder)
    picture = front_png(run)
    if picture:
        write_atomic(place.front_png, picture)
    return write_atomic(place.report, page(run))


def rendered(run: StudyReport, limits: Limits) -> str:
    planes = axes_of(run)
    numbers = [one.number for one in run.finals if one.number is not None]
    metric = planes[0][1] if planes else DEFAULT_METRIC
    trained = run.counts["trained"]
    fronts = [
        (find_quantity(cost), front(run, cost, metric, numbers, detail=not place and trained <= limits.points))
        for place, (cost, metric) in enumerate(planes)
    ]
    style, script = Markup(f"{static(*STYLES)}\n{drawing_style()}"), Markup(static(SCRIPT))
    return environment().get_template("page.html").render(
        run=run, made=datetime.now().astimezone().isoformat(timespec="seconds"), policy=policy(style, script), style=style, script=script,
        answer=answered(run), intervals=intervals(run.answer) if run.answer else "", fronts=fronts, metric=find_quantity(metric),
        distribution=distribution(run, metric, numbers) if trained else "", families=families(run, metric), states=REPORTED_STATES,
        finalists=finalists(run, limits), trials=trials(run, limits.rows), limits=limits,
    )  # fmt: skip


@cache
@cache
def environment() -> Environment:
    """Templates with everything escaped; `finalize` also spells out what cannot be seen."""
    env = Environment(
        loader=PackageLoader("blockspace.reporting.html"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        finalize=safe,
    )  # fmt: skip
    env.filters["state"] = lambda name: shown(name).replace("_", " ")
    env.globals.update(badge=badge, kinds=KINDS)
    return env


def badge(place: int | None) -> Markup:
    """A family's mark, small enough to stand in a line of text."""
    if place is None:
        return tag("svg", tag("path", d="M-4 0H4M0-4V4", class_="base"), class_="badge", viewBox="-6 -6 12 12", aria_hidden="true")
    return tag("svg", mark(place, 0, 0), class_="badge", viewBox="-6 -6 12 12", aria_hidden="true")


def policy(style: str, script: str) -> str:
    """The content security policy: nothing is loaded, and only this style and this script, known by their hashes, are used."""
    sources = f"style-src {digest(style)}; script-src {digest(script)}; img-src data:"
    return f"default-src 'none'; {sources}; base-uri 'none'; form-action 'none'"


def digest(text: str) -> str:
    """The text's hash as a source of the policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
