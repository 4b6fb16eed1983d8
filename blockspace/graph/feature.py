"""Find the feature maps of a network: one for each reduction, as backbones give them to detection and segmentation heads.

A top-level unit is a step of the stem, a block of a stage, or a step between stages. For each reduction the feature is the output of the
last unit at that reduction; the inside of a unit and the head give none. timm chooses the same maps (`features_only=True`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from blockspace.errors import error
from blockspace.graph.graph import Graph, Node

HEAD, STEM = "head", "stem"
BLOCK = re.compile(r"block\d+")
NETWORK_PART = re.compile(r"stem|head|stage\d+")  # the first part of a name in a network; a block's graph has none of them


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature map.

    Attributes:
        unit: the top-level unit that gives it, `stage1.block3`.
        node: the name of its node.
        channels: its channels.
        reduction: input pixels per position: 2, 4, 8, ...
    """

    unit: str
    node: str
    channels: int
    reduction: int


def find_features(graph: Graph) -> tuple[Feature, ...]:
    """Return the network's feature maps, by rising reduction.

    Raises BlockspaceError (E-SHAPE) when it has none, as the graph of a block.
    """
    found: dict[int, Feature] = {}
    strides = compute_reductions(graph)
    for unit, node in find_unit_outputs(graph).items():
        reduction = strides[node.name]
        if len(node.shape) == 3 and reduction is not None:
            found[reduction] = Feature(unit, node.name, node.shape[0], reduction)
    if not found or not any(NETWORK_PART.fullmatch(name.partition(".")[0]) for name in graph.nodes):
        help = "features are those of a network: a stem, stages, a head"
        raise error("E-SHAPE", f"{graph.name} has no stages that give feature maps", help=help)
    return tuple(found[reduction] for reduction in sorted(found))


def find_unit(name: str) -> str | None:
    """Return the top-level unit that holds a node: `stem.conv7x7`, `stage1.block3`, `stage2`, `transition`; None in the head."""
    first, *rest = name.split(".")
    if first == HEAD:
        return None
    return f"{first}.{rest[0]}" if rest and (first == STEM or BLOCK.fullmatch(rest[0])) else first


def find_unit_outputs(graph: Graph) -> dict[str, Node]:
    """Return for each unit, in order, the one node whose value leaves it; units with several are left out."""
    units = {node.name: find_unit(node.name) for node in graph if node.kind != "input"}
    leaving: dict[str | None, set[str]] = {}
    for node in graph:
        for source in node.inputs:
            if source in units and units[source] != units[node.name]:
                leaving.setdefault(units[source], set()).add(source)
    if graph.output in units:
        leaving.setdefault(units[graph.output], set()).add(graph.output)
    order = dict.fromkeys(place for place in units.values() if place is not None)
    return {place: graph[next(iter(leaving[place]))] for place in order if len(leaving.get(place, ())) == 1}


def compute_reductions(graph: Graph) -> dict[str, int | None]:
    """Return the input pixels per position of each value, along the side where they are more; None for values over the whole map."""
    strides: dict[str, int | None] = {"input": 1}
    for node in graph:
        if node.kind != "input":
            window = node.op.window(graph.shapes(node)[0])
            known = [stride for name in node.inputs if (stride := strides[name]) is not None]
            strides[node.name] = max(known) * max(window.stride) if known and window is not None else None
    return strides
