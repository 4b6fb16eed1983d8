"""The front as a picture file, for slides and papers."""

from __future__ import annotations

import re

from blockspace.reporting.html.assets import static
from blockspace.reporting.html.charts import axes_of, front
from blockspace.reporting.study_report import StudyReport

VARIABLE = re.compile(r"--([\w-]+):\s*([^;]+);")
USE = re.compile(r"var\(--([\w-]+)\)")


def front_svg(run: StudyReport) -> str | None:
    """The front on its own, in the light colours of the page, with its style inside. None before anything trained."""
    planes = axes_of(run)
    if not planes:
        return None
    numbers = [one.number for one in run.finals if one.number is not None]
    svg = str(front(run, *planes[0], numbers))
    return svg.replace(">", f"><style>{style()}</style>", 1)


def front_png(run: StudyReport) -> bytes | None:
    """The same as PNG, two pixels a unit, on white."""
    from blockspace.drawing import rasterize_svg

    svg = front_svg(run)
    return rasterize_svg(svg, scale=2, background="#ffffff") if svg else None


def style() -> str:
    """The charts' style with the light palette's colours in place of variables: a rasteriser knows none."""
    palette = dict(reversed(VARIABLE.findall(static("palette.css"))))  # the first block, which is light, wins
    return USE.sub(lambda found: palette[found[1]].strip(), static("chart.css"))
