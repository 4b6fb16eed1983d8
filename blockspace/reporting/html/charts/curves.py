"""Draw the learning curves of the trainings of a network."""

from __future__ import annotations

from markupsafe import Markup

from blockspace.quantities import find_quantity
from blockspace.reporting.html.charts.axis import make_axis
from blockspace.reporting.html.charts.plot import MARK_KINDS, draw_chart, draw_plot_frame, draw_polyline
from blockspace.reporting.html.markup import join_markup, tag
from blockspace.reporting.study_report import FinalistReport, FinalistTraining

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 380, 250, 54, 14, 44, 52
DASHES = 4  # kinds of line for seeds; the search's own is one more


def draw_curves(final: FinalistReport, place: int | None = None) -> list[Markup]:
    """Return a chart for each of training loss and validation accuracy that was recorded, in the colour of the family at `place`."""
    return [chart for name in ("train_loss", "val_acc") if (chart := _draw_curve(final, name, place))]


def _draw_curve(final: FinalistReport, name: str, place: int | None) -> Markup:
    """Return the chart of metric `name` over epochs, a line for each training; empty if none has the metric."""
    here = find_quantity(name)
    found = [(t, spots) for t in final.trainings if (spots := _list_points(t, name, here.scale))]
    if not found:
        return Markup("")
    epochs = [e for _, spots in found for e, _ in spots]
    x = make_axis([0, *epochs], LEFT, WIDTH - RIGHT, lambda v: f"{v:g}", wanted=min(6, max(epochs)), zero=True)
    y = make_axis([v for _, spots in found for _, v in spots], HEIGHT - BOTTOM, TOP, lambda v: f"{v:.3g}", wanted=5)
    parts = [draw_plot_frame(x, y, "epoch", here.axis_title)]
    for training, spots in found:
        places = [(x(e), y(v)) for e, v in spots]
        parts.append(draw_polyline(places, f"curve {_classify_line(training, place)}"))
        note = f"{training.name}: {here.format_with_unit(spots[-1][1] / here.scale)} after epoch {spots[-1][0]}"
        end = {"cx": places[-1][0], "cy": places[-1][1], "r": 3.2}
        parts.append(tag("circle", tag("title", note), class_=f"end-point {_classify_line(training, place)}", **end))
    parts.append(_draw_line_names([t for t, _ in found], place))
    return draw_chart(WIDTH, HEIGHT, f"{here.title} of {final.title} by epoch", parts, "curves")


def _list_points(training: FinalistTraining, name: str, scale: float) -> list[tuple[int, float]]:
    """Return (epoch from 1, value) where the value is known."""
    return [(n + 1, value * scale) for n, e in enumerate(training.epochs) if (value := e.get(name)) is not None]


def _classify_line(training: FinalistTraining, place: int | None) -> str:
    """Return the classes of a line: colour by family, dashes by seed; grey for the search, black for the baseline."""
    if training.replicate is None:
        return "c-search"
    return f"{'ink' if place is None else f's{place % MARK_KINDS}'} c{training.replicate % DASHES}"


def _draw_line_names(trainings: list[FinalistTraining], place: int | None) -> Markup:
    """Return the key of lines above the plot, for at most five trainings."""
    parts, left = [], LEFT
    for training in trainings[:5]:
        parts.append(tag("path", d=f"M{left} 12h20", class_=f"curve {_classify_line(training, place)}"))
        parts.append(tag("text", training.name, x=left + 24, y=16, class_="key"))
        left += 34 + 6 * len(training.name)
    return join_markup(parts)
