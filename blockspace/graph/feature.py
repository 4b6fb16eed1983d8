"""Features: the maps a network passes on its way down, one for each reduction, as backbones hand them to detection and segmentation.

A top-level unit is a step of the stem, a block of a stage, or a step between stages. For each reduction the feature is what the last unit
at that reduction gives; the inside of a unit and the head give none. That is timm's choice too (`features_only=True`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from blockspace.errors import error
from blockspace.graph.graph import Graph, Node

HEAD, STEM = "head", "stem"
BLOCK = re.compile(r"block\d+")
OWN = re.compile(r"stem|head|stage\d+")  # what the first part of a network's names can be; a block's graph has none of them


@dataclass(frozen=True, slots=True)
class Feature:
    """A map: the unit that gives it (`stage1.block3`), its node, its channels, and input pixels per position (2, 4, 8, ...)."""

    unit: str
    node: str
    channels: int
    reduction: int


def features(graph: Graph) -> tuple[Feature, ...]:
    """The network's feature maps, by rising reduction. Raises BlockspaceError (E-SHAPE) when it has none, as a block has."""
    found: dict[int, Feature] = {}
    strides = reductions(graph)
    for unit, node in outputs(graph).items():
        reduction = strides[node.name]
        if len(node.shape) == 3 and reduction is not None:
            found[reduction] = Feature(unit, node.name, node.shape[0], reduction)
    if not found or not any(OWN.fullmatch(name.partition(".")[0]) for name in graph.nodes):
        help = "features are those of a network: a stem, stages, a head"
        raise error("E-SHAPE", f"{graph.name} has no stages that give feature maps", help=help)
    return tuple(found[reduction] for reduction in sorted(found))


def unit(name: str) -> str | None:
    """The top-level unit that holds a node: `stem.conv7x7`, `stage1.block3`, `stage2`, `transition`; None in the head."""
    first, *rest = name.split(".")
    if first == HEAD:
        return None
    return f"{first}.{rest[0]}" if rest and (first == STEM or BLOCK.fullmatch(rest[0])) else first


def outputs(graph: Graph) -> dict[str, Node]:
    """For each unit, in order, the one value it gives; units that give several are left out."""
    holder = {node.name: unit(node.name) for node in graph if node.kind != "input"}
    given: dict[str | None, set[str]] = {}
    for node in graph:
        for source in node.inputs:
            if source in holder and holder[source] != holder[node.name]:
                given.setdefault(holder[source], set()).add(source)
    if graph.output in holder:
        given.setdefault(holder[graph.output], set()).add(graph.output)
    order = dict.fromkeys(place for place in holder.values() if place is not None)
    return {place: graph[next(iter(given[place]))] for place in order if len(given.get(place, ())) == 1}


def reductions(graph: Graph) -> dict[str, int | None]:
    """Input pixels per position of each value, along the side where they are more; None for values over the whole map."""
    found: dict[str, int | None] = {"input": 1}
    for node in graph:
        if node.kind != "input":
            window = node.op.window(graph.shapes(node)[0])
            known = [stride for name in node.inputs if (stride := found[name]) is not None]
            found[node.name] = max(known) * max(window.stride) if known and window is not None else None
    return found
