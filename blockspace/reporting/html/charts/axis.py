"""Map numbers to pixels along an axis with round ticks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

EXTREME = 1e150  # no quantity is as large, or, but for 0, as small as the inverse
DECADE = 10.0  # a span of more than this is drawn on a logarithmic scale


@dataclass(frozen=True)
class Axis:
    """Maps [low, high] to [start, end] in pixels; `ticks` are (value, text)."""

    low: float
    high: float
    start: float
    end: float
    log: bool
    ticks: tuple[tuple[float, str], ...]

    def __call__(self, value: float) -> float:
        """Return the pixel of a value, clipped to the axis."""
        low, high, at = (math.log(v) for v in (self.low, self.high, max(value, 1e-300))) if self.log else (self.low, self.high, value)
        share = min(1.0, max(0.0, (at - low) / (high - low)))
        return self.start + share * (self.end - self.start)


def make_axis(
    values: Sequence[float], start: float, end: float, words: Callable[[float], str], wanted: int = 6, zero: bool = False
) -> Axis:
    """Return an axis around all values with a margin, logarithmic where they are positive and span more than a decade.

    `words` formats the value of a tick, `wanted` is the number of ticks to aim at, `zero` includes zero.
    """
    finite = [clip_extreme(float(v)) for v in values if v is not None and math.isfinite(v)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    log = low > 0 and high / low > DECADE
    if log:
        room = (high / low) ** 0.05
        low, high = low / room, high * room
        places = _choose_log_ticks(low, high, wanted)
    else:
        room = (high - low) * 0.06 or abs(high) * 0.05 or 1.0
        is_point = low == high  # all differences are 0: room on both sides of it
        low, high = low - room * (low != 0 or not zero or is_point), high + room * (high != 0 or not zero or is_point)
        places = _choose_linear_ticks(low, high, wanted)
    return Axis(low, high, start, end, log, tuple((v, t) for v, t in zip(places, _label_ticks(places, words))))


def clip_extreme(value: float) -> float:
    """Return the value, or the nearest of a size whose ratios and differences are still numbers."""
    return 0.0 if abs(value) < 1 / EXTREME else min(EXTREME, max(-EXTREME, value))


def _choose_linear_ticks(low: float, high: float, wanted: int) -> list[float]:
    """Return multiples of 1, 2 or 5 times a power of ten inside [low, high]."""
    raw = (high - low) / max(1, wanted)
    power = 10 ** math.floor(math.log10(raw))
    step = next(f * power for f in (1, 2, 5, 10) if f * power >= raw * 0.75)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(n * step, 12) for n in range(first, last + 1)]


def _choose_log_ticks(low: float, high: float, wanted: int) -> list[float]:
    """Return 1, 2 and 5 of each decade inside [low, high]; only powers of ten where that is too many."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        found = [f * 10.0**d for d in decades for f in factors if low <= f * 10.0**d <= high]
        if len(found) <= wanted + 2:
            return found
    return found[:: max(1, len(found) // wanted)]


def _label_ticks(values: Sequence[float], words: Callable[[float], str]) -> list[str]:
    """Return the text of each value, with six digits where the given format makes two of them equal."""
    found = [words(v) for v in values]
    return found if len(set(found)) == len(found) else [f"{v:.6g}" for v in values]
