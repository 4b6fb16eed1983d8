"""Schedules: the learning rate's factor, step by step. No torch here; a factor is a function of the step alone, so a resumed training needs
no scheduler's state.

`steps` are optimizer steps: with `accumulate: k` one for every k batches.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field

from blockspace.options import AS_COUNT, AS_SHARE, Choice

Share = Annotated[float, Field(ge=0, le=1), AS_SHARE]
Warmup = Annotated[float, Field(ge=0, le=1e6, description="epochs of linear rise to the peak, before anything else"), AS_COUNT]


class Cosine(Choice):
    """Half a cosine from the peak to `floor` times the peak, after `warmup` epochs of linear rise."""

    kind: Literal["cosine"] = "cosine"
    warmup: Warmup = 0
    floor: Annotated[Share, Field(description="where it ends, as a share of the peak")] = 0

    def factor(self, step: int, steps: int, per_epoch: int) -> float:
        """Return the factor at step `step` (from 0) of `steps`, with `per_epoch` steps in an epoch."""
        rise = self.warmup * per_epoch
        if step < rise:
            return (step + 1) / (rise + 1)
        done = (step - rise) / max(1, steps - rise)
        return self.floor + (1 - self.floor) * 0.5 * (1 + math.cos(math.pi * done))


class OneCycle(Choice):
    """A cosine rise from 1/25 of the peak over the first `rise` of all steps, then a cosine fall to 1/250,000 (Smith & Topin 2018, torch's
    OneCycleLR); momentum stays as it is."""

    kind: Literal["one_cycle"] = "one_cycle"
    rise: Annotated[float, Field(gt=0, lt=1, description="share of all steps until the peak"), AS_SHARE] = 0.3

    def factor(self, step: int, steps: int, per_epoch: int) -> float:
        """Return the factor at step `step` (from 0) of `steps`, with `per_epoch` steps in an epoch."""
        low, last = 1 / 25, 1 / 250_000
        peak = self.rise * steps
        if step < peak:
            return low + (1 - low) * 0.5 * (1 - math.cos(math.pi * step / peak))
        return last + (1 - last) * 0.5 * (1 + math.cos(math.pi * (step - peak) / max(1, steps - peak)))


class Constant(Choice):
    """The same rate throughout, after `warmup` epochs of linear rise."""

    kind: Literal["constant"] = "constant"
    warmup: Warmup = 0

    def factor(self, step: int, steps: int, per_epoch: int) -> float:
        """Return the factor at step `step` (from 0) of `steps`, with `per_epoch` steps in an epoch."""
        rise = self.warmup * per_epoch
        return (step + 1) / (rise + 1) if step < rise else 1.0
