"""What a worker is given: an architecture, a seed and a folder. It never sees the study's storage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from blockspace.executors.pulse import Pulse
from blockspace.executors.result import Result


@dataclass(frozen=True)
class Task:
    """One training. `arch` and `options` are plain data; the result must carry `key` and `seed`, by which a later start knows it.

    What it runs calls `pulse.beat()` at every step, or is taken for hung after a while.
    """

    folder: str
    arch: dict[str, Any]
    seed: int
    key: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    number: int = 0
    label: str = ""
    pulse: Pulse = field(default_factory=Pulse, compare=False, repr=False)


Evaluate = Callable[[Task], Result]


class Stopped(Exception):
    """Raised by a training that was asked to stop and left a checkpoint: it has no result, and the next start goes on with it."""
