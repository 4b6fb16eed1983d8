"""Curves: what each training of a network did epoch by epoch."""

from __future__ import annotations

from markupsafe import Markup

from blockspace.quantities import find_quantity
from blockspace.reporting.html.charts.axis import axis
from blockspace.reporting.html.charts.marks import KINDS
from blockspace.reporting.html.charts.plot import frame, line, picture
from blockspace.reporting.html.text import joined, tag
from blockspace.reporting.study_report import FinalistReport, FinalistTraining

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 380, 250, 54, 14, 44, 52
DASHES = 4  # kinds of line for seeds; the search's own is one more


def curves(final: FinalistReport, place: int | None = None) -> list[Markup]:
    """One chart for each of training loss and validation accuracy that was recorded, in the colour of the family at `place`."""
    return [chart for name in ("train_loss", "val_acc") if (chart := curve(final, name, place))]


def curve(final: FinalistReport, name: str, place: int | None) -> Markup:
    """`name` over epochs, one line a training. Empty when no training has it."""
    here = find_quantity(name)
    found = [(t, spots) for t in final.trainings if (spots := points(t, name, here.scale))]
    if not found:
        return Markup("")
    epochs = [e for _, spots in found for e, _ in spots]
    x = axis([0, *epochs], LEFT, WIDTH - RIGHT, lambda v: f"{v:g}", wanted=min(6, max(epochs)), zero=True)
    y = axis([v for _, spots in found for _, v in spots], HEIGHT - BOTTOM, TOP, lambda v: f"{v:.3g}", wanted=5)
    parts = [frame(x, y, "epoch", here.axis_title)]
    for training, spots in found:
        places = [(x(e), y(v)) for e, v in spots]
        parts.append(line(places, f"curve {kind(training, place)}"))
        note = f"{training.name}: {here.format_with_unit(spots[-1][1] / here.scale)} after epoch {spots[-1][0]}"
        end = {"cx": places[-1][0], "cy": places[-1][1], "r": 3.2}
        parts.append(tag("circle", tag("title", note), class_=f"end-point {kind(training, place)}", **end))
    parts.append(names([t for t, _ in found], place))
    return picture(WIDTH, HEIGHT, f"{here.title} of {final.title} by epoch", parts, "curves")


def points(training: FinalistTraining, name: str, scale: float) -> list[tuple[int, float]]:
    """(epoch from 1, value) where the value is known."""
    return [(n + 1, value * scale) for n, e in enumerate(training.epochs) if (value := e.get(name)) is not None]


def kind(training: FinalistTraining, place: int | None) -> str:
    """Colour by family, dashes by seed; the search's own training is grey, the baseline's are black."""
    if training.replicate is None:
        return "c-search"
    return f"{'ink' if place is None else f's{place % KINDS}'} c{training.replicate % DASHES}"


def names(trainings: list[FinalistTraining], place: int | None) -> Markup:
    """Which line is which, above the plot; of many seeds only the first."""
    parts, left = [], LEFT
    for training in trainings[:5]:
        parts.append(tag("path", d=f"M{left} 12h20", class_=f"curve {kind(training, place)}"))
        parts.append(tag("text", training.name, x=left + 24, y=16, class_="key"))
        left += 34 + 6 * len(training.name)
    return joined(parts)
