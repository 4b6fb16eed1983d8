"""Changes: what changed between two trees of settings, for those that may not change."""

from __future__ import annotations

import json
from typing import Any

FREE = (
    "out", "train.loader", "train.workers", "search.workers", "search.trials", "search.timeout", "search.stall_s",
    "finalists", "compare",  # what comes after the search
)  # fmt: skip


def differences(old: Any, new: Any, path: str = "") -> list[str]:
    """One line per leaf that differs: `search.seed: 0 -> 1`. The paths in `FREE` are passed over."""
    if path in FREE or old == new:
        return []
    if isinstance(old, dict) and isinstance(new, dict):
        names = [*old, *(name for name in new if name not in old)]
        inner = ((f"{path}.{name}" if path else name, old.get(name), new.get(name)) for name in names)
        return [row for place, a, b in inner for row in differences(a, b, place)]
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [row for i, (a, b) in enumerate(zip(old, new)) for row in differences(a, b, f"{path}[{i}]")]
    return [f"{path}: {short(old)} -> {short(new)}"]


def short(value: Any) -> str:
    text = "(absent)" if value is None else json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."
