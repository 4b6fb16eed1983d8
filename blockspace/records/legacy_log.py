"""Reader of `log.txt` in run directories that are older than `events.jsonl`. Newer ones write that file for people only."""

from __future__ import annotations

from blockspace.records.rundir import RunDir


def read_log(run: RunDir) -> list[tuple[str, str, str]]:
    """Return (kind, time, words) of each line; empty where there is no log."""
    try:
        lines = run.log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    parts = [line.split(" ", 2) for line in lines]
    return [(kind, time, "".join(words)) for time, kind, *words in (part for part in parts if len(part) > 1)]
