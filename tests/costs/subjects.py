"""What the costs are judged on: every library block and network, small networks of each kind, every op alone; and what torch says of each.

Networks for ImageNet stand at 96 x 96 pixels, those for CIFAR at their own 32 x 32, and blocks at 28 x 28, so that the tests are quick.
"""

from __future__ import annotations

from functools import cache

import pytest
from compiler.graphs import KINDS, network, one_op
from library.sizes import LARGE, params

from blockspace.blocks import list_families, list_names, load
from blockspace.graph import Graph
from blockspace.ops import OPS

SUBJECTS = (
    {name: lambda name=name: block(load(name)) for name in list_names("block")}
    | {name: lambda name=name: small(load(name)) for name in list_families()}
    | {f"tiny {kind}": lambda kind=kind: network(kind) for kind in KINDS}
    | {f"op {word}": lambda word=word: one_op(word) for word in sorted(set(OPS) - {"input"})}
)


def subjects() -> list:
    """The names, for `parametrize`; large networks are slow tests."""
    return [pytest.param(name, marks=[pytest.mark.slow] * (name in list_families() and params(name) > LARGE)) for name in SUBJECTS]


def small(network) -> Graph:
    side = 32 if network.input_shape[1] == 32 else 96
    return network.graph((3, side, side))


def block(template) -> Graph:
    return template.graph((template.usual_shape[0], 28, 28))


@cache
def subject(name: str) -> Graph:
    return SUBJECTS[name]()


@cache
def torch_says(name: str) -> tuple[int, int]:
    """Bytes that torch's operators move, and torch's peak memory, of one compiled module."""
    from measured import moved, peak, run

    module, images = run(subject(name))
    return moved(module, images), peak(module, images)
