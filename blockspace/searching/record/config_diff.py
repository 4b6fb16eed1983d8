"""Differences between two configurations, of the keys that may not change while a run directory stands."""

from __future__ import annotations

import json
from typing import Any

MUTABLE_KEYS = (
    "out", "train.loader", "train.workers", "search.workers", "search.trials", "search.timeout", "search.stall_s",
    "finalists", "compare",  # what comes after the search
)  # fmt: skip


def diff_configs(old: Any, new: Any, path: str = "") -> list[str]:
    """Return one line per leaf that differs: `search.seed: 0 -> 1`. `MUTABLE_KEYS` are passed over."""
    if path in MUTABLE_KEYS or old == new:
        return []
    if isinstance(old, dict) and isinstance(new, dict):
        names = [*old, *(name for name in new if name not in old)]
        inner = ((f"{path}.{name}" if path else name, old.get(name), new.get(name)) for name in names)
        return [row for place, a, b in inner for row in diff_configs(a, b, place)]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [row for i, (a, b) in enumerate(zip(old, new)) for row in diff_configs(a, b, f"{path}[{i}]")]
    return [f"{path}: {format_value(old)} -> {format_value(new)}"]


def format_value(value: Any) -> str:
    """Return a value as short JSON."""
    text = "(absent)" if value is None else json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."
