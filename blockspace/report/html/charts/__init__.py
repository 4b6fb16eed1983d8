"""Charts of a run as SVG: classes for colours, so that one style sheet serves the page in light and dark, and the PNG."""

from blockspace.report.html.charts.curves import curves
from blockspace.report.html.charts.distribution import distribution
from blockspace.report.html.charts.front import axes_of, front
from blockspace.report.html.charts.intervals import intervals
from blockspace.report.html.charts.marks import KINDS, mark

__all__ = ["KINDS", "axes_of", "curves", "distribution", "front", "intervals", "mark"]
