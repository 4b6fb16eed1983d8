"""Locating: the values of a space's holes that make its unit a given block, found by search.

Holes are asked for one by one, in the order in which the unit reads them, and each value is dropped at the first node that the block does
not have. Numbers are tried where they divide a number of the block: channels, kernels, groups, how many values a merge takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from math import gcd

from blockspace.blocks import GuidedExpansion, Mismatch, NeedValue, Network, StageBlock, TargetGraph, list_stage_blocks
from blockspace.graph import Graph
from blockspace.ops import Conv
from blockspace.passes import canonical

SMALL = 8  # a domain of so few values is tried whole
MOST_TRIES = 30_000


@dataclass(frozen=True)
class BlockMatch:
    """Where a block lies in a space: its stage, the values of the holes that are read, those of unknowns, and what the stage is given."""

    place: StageBlock
    values: dict
    solved: dict[str, int]
    given: dict[str, int]
    graph: Graph

    @property
    def changed(self) -> dict:
        """The holes that are off their defaults."""
        holes = self.place.network.holes.holes
        return {name: token for name, token in self.values.items() if token != holes[name].default}


@dataclass(frozen=True)
class NearestMiss:
    """The nearest that was found: how many of the block's nodes were made, by which values, and the first that was not."""

    made: int
    wanted: int
    values: dict
    lacks: str


def match_block(network: Network, graph: Graph, fixed: dict | None = None) -> BlockMatch | NearestMiss:
    """The values under which a block of `network` is `graph`: as it is written, else in its canonical form; holes may be `fixed`."""
    misses = []
    for form in (graph, canonical(graph)):
        for place in list_stage_blocks(network):
            found = BlockSearch(place, form, network.filled | (fixed or {})).run()
            if isinstance(found, BlockMatch):
                return found
            misses.append(found)
    return max(misses, key=lambda miss: miss.made / miss.wanted)


class BlockSearch:
    """One search: a unit and a graph."""

    def __init__(self, place: StageBlock, graph: Graph, fixed: dict):
        self.place, self.graph, self.wanted, self.fixed = place, graph, TargetGraph(graph), fixed
        self.holes = place.network.holes
        self.given = {"out_channels": graph.output_shape[0], "stride": infer_stride(graph)}
        self.hints = NumberHints(graph)
        self.tries = 0
        self.nearest = NearestMiss(0, sum(self.wanted.nodes.values()), {}, "anything")

    def run(self) -> BlockMatch | NearestMiss:
        """The location, or the nearest miss.

        What has made most of the graph is carried on first; of those alike, in turns, what is nearest to the defaults or known best.
        """
        lines: tuple[list, list] = [], []
        order, done = count(), set()
        tokens, asked, number = {name: self.candidates(name) for name in (*self.holes.holes, *self.holes.unknowns)}, 0, -1
        while self.tries < MOST_TRIES:
            probe = None if number in done else self.tried(tokens)
            done.add(number)
            if probe is not None:
                if probe.asked is None:
                    return self.located(self.simplest(self.plainest(tokens)))
                for group in probe.asked.groups:
                    more, number = tokens | {probe.asked.name: group}, next(order)
                    changed = self.changed(more)
                    heappush(lines[0], (probe.missing(), changed, number, more, asked + 1))
                    heappush(lines[1], (probe.missing(), -asked, changed, number, more, asked + 1))
            line = lines[self.tries % 2] or lines[0] or lines[1]
            if not line:
                break
            *_, number, tokens, asked = heappop(line)
        return self.nearest

    def tried(self, tokens: dict[str, tuple]) -> GuidedExpansion | None:
        """The expansion as far as what is known goes; None where it leads elsewhere."""
        self.tries += 1
        probe = GuidedExpansion(self.holes, tokens, self.wanted)
        try:
            probe.finished(self.place.expand(probe, self.given))
        except NeedValue as asked:
            probe.asked = asked
        except Mismatch:
            made = self.nearest.wanted - probe.missing()
            if made > self.nearest.made:
                known = {name: token for name, token in probe.assignment.items() if name in probe.read}
                self.nearest = NearestMiss(made, self.nearest.wanted, known, probe.lacks())
            return None
        return probe

    def default(self, name: str):
        return (self.holes.holes.get(name) or self.holes.unknowns[name]).default

    def changed(self, tokens: dict[str, tuple]) -> int:
        """How many holes cannot be at their defaults."""
        return sum(name in self.holes.holes and self.default(name) not in left for name, left in tokens.items())

    def candidates(self, name: str) -> tuple:
        """The tokens of a hole or unknown worth trying, its default first."""
        if name in self.holes.unknowns:
            unknown = self.holes.unknowns[name]
            return tuple(width for width in self.hints.widths if width in unknown.domain)
        hole = self.holes.holes[name]
        if name in self.fixed:
            return (self.fixed[name],)
        tokens = [token for token in hole.domain.values() if token == hole.default or not self.hints.idle(token, len(hole.domain))]
        return tuple(sorted(tokens, key=lambda token: token != hole.default))

    def plainest(self, tokens: dict[str, tuple]) -> dict[str, tuple]:
        """One token for each: the default where it may be."""
        return {name: (self.default(name) if self.default(name) in left else left[0],) for name, left in tokens.items()}

    def simplest(self, tokens: dict[str, tuple]) -> dict[str, tuple]:
        """The same graph with every hole at its default, or at a word named earlier in the file, that may be."""
        for name, (token,) in list(tokens.items()):
            hole = self.holes.holes.get(name)
            if hole is None or name in self.fixed or token == hole.default:
                continue
            before = [one for one in hole.domain.values() if isinstance(one, str)]
            for plainer in (hole.default, *(before[: before.index(token)] if token in before else ())):
                if self.tried(tokens | {name: (plainer,)}) is not None:
                    tokens = tokens | {name: (plainer,)}
                    break
        return tokens

    def located(self, tokens: dict[str, tuple]) -> BlockMatch:
        probe = self.tried(tokens)
        read = {name: left[0] for name, left in tokens.items() if probe is not None and name in probe.read}
        holes = {name: token for name, token in read.items() if name in self.holes.holes}
        solved = {name: token for name, token in read.items() if name not in holes}
        return BlockMatch(self.place, holes, solved, self.given, self.place.graph(self.wanted.shape, read, self.given))


def infer_stride(graph: Graph) -> int:
    """By how much the graph makes its input smaller."""
    (_, high, _), (_, low, *_) = graph.input_shape, (*graph.output_shape, 1)
    return max(1, round(high / low))


class NumberHints:
    """The numbers of a graph: what a hole may be to make one of them."""

    def __init__(self, graph: Graph):
        convolutions = [node.op for node in graph if isinstance(node.op, Conv)]
        whole = [op for op in convolutions if not op.depthwise]
        own = {op.out_channels // op.groups for op in whole} | {node.shape[0] for node in graph if node.kind == "split"}
        own |= {graph.input_shape[0], *(op.out_channels for op in convolutions)}
        self.widths = sorted(own | {gcd(*own), gcd(*(op.out_channels for op in whole))} - {0})
        self.factors = {c // w for c in self.widths for w in self.widths if c % w == 0}
        self.small = {0, 1, 2, 3}
        for op in convolutions:
            self.small |= {*op.kernel, op.groups, op.in_channels // op.out_channels, op.out_channels // op.in_channels}
        self.small |= {len(node.inputs) for node in graph} | {n for node in graph for n in vars(node.op).values() if isinstance(n, int)}

    def idle(self, token, among: int) -> bool:
        """Whether a token is a number that nothing in the graph is; of a long domain, one that makes no width of another."""
        if isinstance(token, bool) or not isinstance(token, int) or token < 2:
            return False
        return token not in (self.factors if among > SMALL else self.small)
