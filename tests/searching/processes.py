"""Looking at processes from a test, by /proc."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

PATIENCE = 120.0  # seconds until a test gives up on what it waits for, on a machine however loaded; judges nothing else
needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")


def children(pid: int) -> list[int]:
    """Pids below `pid`."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        parents[int(stat.parent.name)] = int(fields[1])
    found, new = [], [pid]
    while new:
        new = [child for child, parent in parents.items() if parent in new]
        found += new
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def group(leader: int) -> list[int]:
    """Living pids of a process group."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, own = stat.read_text().rsplit(")", 1)[1].split()[:3]
        except OSError:
            continue
        if int(own) == leader and state != "Z":
            found.append(int(stat.parent.name))
    return found


def wait_for(condition) -> bool:
    """Return whether the condition came true within the patience."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return condition()
