"""Which networks of the library the default suite compiles, and which the slow tests."""

from __future__ import annotations

from functools import cache

import pytest
from golden.rows import network_row

from blockspace import load
from blockspace.blocks import list_families
from blockspace.costs import cost

LARGE = 15_000_000  # params


@cache
def params(name: str) -> int:
    """Parameters of a library network: as published, else as counted by us."""
    row = network_row(name)
    return row["params"] if row else cost(load(name).graph()).params


def families(left_out: tuple[str, ...] = ()) -> list:
    """The network that each family is named after, for `parametrize`; a large one is a slow test."""
    names = [name for name in list_families() if name not in left_out]
    return [pytest.param(name, marks=[pytest.mark.slow] * (params(name) > LARGE)) for name in names]
