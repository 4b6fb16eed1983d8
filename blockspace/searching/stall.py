"""The error of a training that stands still, and the line of its user's code in which it does."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path
from traceback import FrameSummary, extract_stack
from types import FrameType

from blockspace.errors import BlockspaceError, FailureError, error
from blockspace.formatting import format_duration

PACKAGE = Path(__file__).parents[1]
LIBRARIES = tuple(f"{Path(sysconfig.get_path(name))}{os.sep}" for name in ("stdlib", "platstdlib", "purelib", "platlib"))


def make_stall_error(seconds: float, frame: FrameType | None) -> BlockspaceError:
    """Return the error for `seconds` without a batch, while `frame` was running."""
    message, help = f"no batch for {format_duration(seconds)}", "stall_s=1h waits for an hour; the same command goes on"
    if place := find_users_line(frame):
        message += f": {Path(place.filename).name}, line {place.lineno}, does not return"
    else:
        help = f"train.workers=0 and data.workers=0 show the line, if a process that loads images does not return; {help}"
    return error("E-FAILED", message, help=help, cls=FailureError)


def find_users_line(frame: FrameType | None) -> FrameSummary | None:
    """Return the innermost line that is neither this package's nor an installed library's, if this package called it."""
    stack = list(reversed(extract_stack(frame) if frame is not None else []))
    callers = [place for place, one in enumerate(stack) if Path(one.filename).is_relative_to(PACKAGE)]
    deeper = stack[: callers[0]] if callers else []
    return next((one for one in deeper if os.path.isfile(one.filename) and not one.filename.startswith(LIBRARIES)), None)
