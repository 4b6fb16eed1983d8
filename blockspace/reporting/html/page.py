"""Write the report as one HTML file, which loads nothing and works without JavaScript, and its front as SVG and PNG."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from blockspace.drawing import build_style_sheet, rasterize_svg
from blockspace.files import write_atomic
from blockspace.formatting import count_noun
from blockspace.quantities import find_quantity
from blockspace.records import RunDir
from blockspace.reporting.html.charts import MARK_KINDS, choose_front_axes, draw_distribution, draw_front, draw_intervals, draw_mark
from blockspace.reporting.html.curve_section import describe_curves
from blockspace.reporting.html.markup import escape_text, reveal_unseen, tag
from blockspace.reporting.html.sections import (
    describe_finalists,
    summarize_answer,
    summarize_checklist,
    summarize_families,
    tabulate_trials,
)
from blockspace.reporting.study_report import DEFAULT_METRIC, REPORTED_STATES, StudyReport

MAX_BYTES = 1_000_000  # of the file
STYLES = ("palette.css", "chart.css", "page.css")
SCRIPT = "script.js"
CSS_VARIABLE = re.compile(r"--([\w-]+):\s*([^;]+);")
CSS_USE = re.compile(r"var\(--([\w-]+)\)")


@dataclass(frozen=True)
class PageLimits:
    """Limits on how much of a large study the page shows: rows of the table, points with names, finalists with drawings, nodes of each."""

    rows: int = 3_000
    points: int = 2_000
    drawings: int = 12
    nodes: int = 300

    def halve(self) -> PageLimits:
        """Return limits half as large."""
        return PageLimits(self.rows // 2, self.points // 2, self.drawings // 2, self.nodes // 2)


def render_page(run: StudyReport) -> str:
    """Return the HTML of the report, at most 1 MB: parts of a large study are left out, and the page says where they are."""
    limits = PageLimits()
    text = _render_within(run, limits)
    while len(text.encode()) > MAX_BYTES and limits.rows > 8:
        limits = limits.halve()
        text = _render_within(replace(run, settings=run.settings[:100_000]), limits)
    return text


def write_page(run: StudyReport, folder: str | Path) -> Path:
    """Write `report.html`, and `front.png` where something trained, in one rename each. Raises StorageError."""
    place = RunDir.of(folder)
    picture = draw_front_png(run)
    if picture:
        write_atomic(place.front_png, picture)
    return write_atomic(place.report, render_page(run))


def _render_within(run: StudyReport, limits: PageLimits) -> str:
    """Return the HTML of the report within limits."""
    planes = choose_front_axes(run)
    numbers = [one.number for one in run.finals if one.number is not None]
    metric = planes[0][1] if planes else DEFAULT_METRIC
    trained = run.counts["trained"]
    fronts = [
        (find_quantity(cost), draw_front(run, cost, metric, numbers, detail=not place and trained <= limits.points))
        for place, (cost, metric) in enumerate(planes)
    ]
    style, script = Markup(f"{read_static(*STYLES)}\n{_build_drawing_style()}"), Markup(read_static(SCRIPT))
    made = datetime.now().astimezone().isoformat(timespec="seconds")
    return _make_environment().get_template("page.html").render(
        run=run, made=made, policy=_build_policy(style, script), style=style, script=script,
        answer=summarize_answer(run), intervals=draw_intervals(run.answer) if run.answer else "",
        fronts=fronts, metric=find_quantity(metric),
        distribution=draw_distribution(run, metric, numbers) if trained else "",
        families=summarize_families(run, metric), states=REPORTED_STATES, curves=describe_curves(run, metric),
        finalists=describe_finalists(run, limits.drawings, limits.nodes), trials=tabulate_trials(run, limits.rows), limits=limits,
        checklist=summarize_checklist(run),
    )  # fmt: skip


def draw_front_svg(run: StudyReport) -> str | None:
    """Return the first front as SVG in the light colours of the page, with its style inside; None before anything trained."""
    planes = choose_front_axes(run)
    if not planes:
        return None
    numbers = [one.number for one in run.finals if one.number is not None]
    svg = str(draw_front(run, *planes[0], numbers))
    return svg.replace(">", f"><style>{_inline_palette()}</style>", 1)


def draw_front_png(run: StudyReport) -> bytes | None:
    """Return the first front as PNG, two pixels per unit of the SVG, on white; None before anything trained."""
    svg = draw_front_svg(run)
    return rasterize_svg(svg, scale=2, background="#ffffff") if svg else None


def _inline_palette() -> str:
    """Return the style of charts with the light palette in place of variables, which rasterisers do not support."""
    palette = dict(reversed(CSS_VARIABLE.findall(read_static("palette.css"))))  # the first block, which is light, wins
    return CSS_USE.sub(lambda found: palette[found[1]].strip(), read_static("chart.css"))


def _build_drawing_style() -> str:
    """Return the style sheet of the drawings: light and dark by the reader's system, on paper light."""
    return f"{build_style_sheet()}\n@media print {{\n{build_style_sheet('light')}\n}}"


def read_static(*names: str) -> str:
    """Return the text of files of this package's `static` folder, one after the other."""
    folder = files("blockspace.reporting.html") / "static"
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)


@cache
def _make_environment() -> Environment:
    """Return the templates with everything escaped; `finalize` also spells out invisible characters."""
    env = Environment(
        loader=PackageLoader("blockspace.reporting.html"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        finalize=escape_text,
    )  # fmt: skip
    env.filters["state"] = lambda name: reveal_unseen(name).replace("_", " ")
    env.filters["counted"] = count_noun
    env.globals.update(badge=draw_badge, kinds=MARK_KINDS)
    return env


def draw_badge(place: int | None) -> Markup:
    """Return the mark of the family at `place` for a line of text; None is the baseline."""
    if place is None:
        return tag("svg", tag("path", d="M-4 0H4M0-4V4", class_="base"), class_="badge", viewBox="-6 -6 12 12", aria_hidden="true")
    return tag("svg", draw_mark(place, 0, 0), class_="badge", viewBox="-6 -6 12 12", aria_hidden="true")


def _build_policy(style: str, script: str) -> str:
    """Return the content security policy: nothing is loaded, and only this style and this script, named by their hashes, are used."""
    sources = f"style-src {_hash_source(style)}; script-src {_hash_source(script)}; img-src data:"
    return f"default-src 'none'; {sources}; base-uri 'none'; form-action 'none'"


def _hash_source(text: str) -> str:
    """Return the hash of a text as a source of the policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
