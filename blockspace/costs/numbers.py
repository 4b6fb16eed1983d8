"""Numbers of costs as people read and write them: 45.61M macs, 9.188 MiB, a budget of 512KiB."""

from __future__ import annotations

import re

from blockspace.costs.quantity import COSTS

BINARY = {"GiB": 2**30, "MiB": 2**20, "KiB": 2**10}
SIZES = BINARY | {"GB": 10**9, "MB": 10**6, "KB": 10**3, "kB": 10**3, "B": 1}


def short(number: float) -> str:
    """Four significant digits and a unit: 4230479872 is 4.230G."""
    for unit, size in (("T", 10**12), ("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if abs(number) >= size:
            return f"{digits(number / size)}{unit}"
    return f"{number:g}"


def digits(number: float) -> str:
    """Four significant digits of a number from 1 to 1024."""
    return f"{number:.{max(0, 4 - len(str(int(abs(number)))))}f}"


def amount(name: str, number: float) -> str:
    """A number of the cost `name` with its unit: 45.61M, 9.188 MiB, 427 px; for `latency` a ratio, 1.3x."""
    if name not in COSTS:
        return f"{number:.3g}x"
    unit = COSTS[name].unit
    if unit != "B":
        return f"{number:,} {unit}" if unit else short(number)
    prefix, size = next(((prefix, size) for prefix, size in BINARY.items() if abs(number) >= size), ("B", 1))
    return f"{digits(number / size) if size > 1 else f'{number:g}'} {prefix}"


def size_of(text: str) -> int | None:
    """The bytes of `4MiB`, `1.5 GB`, `512KiB` (KiB = 1024 bytes, kB = 1000); None when the text is no size."""
    match = re.fullmatch(r"(\d+\.?\d*|\.\d+)\s*([KMGk]i?B|B)", text.strip()) if len(text) < 40 else None
    return round(float(match[1]) * SIZES[match[2]]) if match and match[2] in SIZES else None
