"""Matching: the values of a space's holes that make its unit a given block, found by search.

Holes are asked for one by one, in the order in which the unit reads them, and each value is dropped at the first node that the block does
not have. Numbers are tried where they divide a number of the block: channels, kernels, groups, how many values a merge takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from math import gcd
from typing import TypeAlias

from blockspace.blocks import GuidedExpansion, Mismatch, NeedValue, Network, StageBlock, TargetGraph, Token, list_stage_blocks
from blockspace.graph import Graph
from blockspace.ops import Conv
from blockspace.passes import canonical
from blockspace.records import Assignment

SMALL = 8  # a domain of so few values is tried whole
MOST_TRIES = 30_000

Choices: TypeAlias = dict[str, tuple[Token, ...]]  # what each hole and unknown may still be
QueueEntry: TypeAlias = tuple[tuple[int, ...], Choices, int]  # priority, whose last number is unique; choices; how many were asked for


@dataclass(frozen=True)
class BlockMatch:
    """A block's position in a space: its stage, the values of the holes that are read, those of unknowns, and what the stage is given."""

    place: StageBlock
    values: Assignment
    solved: dict[str, int]
    given: dict[str, int]
    graph: Graph

    @property
    def changed(self) -> Assignment:
        """Return the values of the holes that are off their defaults."""
        holes = self.place.network.holes.holes
        return {name: token for name, token in self.values.items() if token != holes[name].default}


@dataclass(frozen=True)
class NearestMiss:
    """The nearest that was found: how many of the block's nodes were made, by which values, and the first that was not."""

    made: int
    wanted: int
    values: Assignment
    lacks: str


def match_block(network: Network, graph: Graph, fixed: Assignment | None = None) -> BlockMatch | NearestMiss:
    """Return the values under which a block of `network` is `graph`, as it is written, else in its canonical form; else the nearest miss.

    Holes may be `fixed`.
    """
    misses = []
    for form in (graph, canonical(graph)):
        for place in list_stage_blocks(network):
            match = BlockSearch(place, form, network.filled | (fixed or {})).run()
            if isinstance(match, BlockMatch):
                return match
            misses.append(match)
    return max(misses, key=lambda miss: miss.made / miss.wanted)


class BlockSearch:
    """The search for the values under which the block of one stage is a graph."""

    def __init__(self, place: StageBlock, graph: Graph, fixed: Assignment):
        self.place, self.graph, self.wanted, self.fixed = place, graph, TargetGraph(graph), fixed
        self.holes = place.network.holes
        self.given = {"out_channels": graph.output_shape[0], "stride": infer_stride(graph)}
        self.hints = NumberHints(graph)
        self.tries = 0
        self.nearest = NearestMiss(0, sum(self.wanted.nodes.values()), {}, "anything")

    def run(self) -> BlockMatch | NearestMiss:
        """Return the match, or the nearest miss.

        What has made most of the graph is carried on first; of those alike, in turns, what is nearest to the defaults or known best.
        """
        queues: tuple[list[QueueEntry], list[QueueEntry]] = [], []
        order, done, number, depth = count(), set(), -1, 0
        choices = {name: self.list_choices(name) for name in (*self.holes.holes, *self.holes.unknowns)}
        while self.tries < MOST_TRIES:
            expansion = None if number in done else self.expand(choices)
            done.add(number)
            if expansion is not None:
                if expansion.asked is None:
                    return self.make_match(self.simplify(self.prefer_defaults(choices)))
                for group in expansion.asked.groups:
                    narrowed, number = choices | {expansion.asked.name: group}, next(order)
                    missing, changed = expansion.missing(), self.count_changed(narrowed)
                    heappush(queues[0], ((missing, changed, number), narrowed, depth + 1))
                    heappush(queues[1], ((missing, -depth, changed, number), narrowed, depth + 1))
            queue = queues[self.tries % 2] or queues[0] or queues[1]
            if not queue:
                break
            (*_, number), choices, depth = heappop(queue)
        return self.nearest

    def expand(self, choices: Choices) -> GuidedExpansion | None:
        """Return the expansion as far as it is determined by `choices`; None where it leads to another graph."""
        self.tries += 1
        expansion = GuidedExpansion(self.holes, choices, self.wanted)
        try:
            expansion.finished(self.place.expand(expansion, self.given))
        except NeedValue as asked:
            expansion.asked = asked
        except Mismatch:
            made = self.nearest.wanted - expansion.missing()
            if made > self.nearest.made:
                known = {name: token for name, token in expansion.assignment.items() if name in expansion.read}
                self.nearest = NearestMiss(made, self.nearest.wanted, known, expansion.lacks())
            return None
        return expansion

    def default(self, name: str) -> Token:
        """Return the default of a hole or unknown."""
        return (self.holes.holes.get(name) or self.holes.unknowns[name]).default

    def count_changed(self, choices: Choices) -> int:
        """Return how many holes cannot be at their defaults."""
        return sum(name in self.holes.holes and self.default(name) not in left for name, left in choices.items())

    def list_choices(self, name: str) -> tuple[Token, ...]:
        """Return the values of a hole or unknown worth trying, its default first."""
        if name in self.holes.unknowns:
            unknown = self.holes.unknowns[name]
            return tuple(width for width in self.hints.widths if width in unknown.domain)
        hole = self.holes.holes[name]
        if name in self.fixed:
            return (self.fixed[name],)
        tokens = [token for token in hole.domain.values() if token == hole.default or not self.hints.is_idle(token, len(hole.domain))]
        return tuple(sorted(tokens, key=lambda token: token != hole.default))

    def prefer_defaults(self, choices: Choices) -> Choices:
        """Return one value for each hole and unknown: the default where it may be."""
        return {name: (self.default(name) if self.default(name) in left else left[0],) for name, left in choices.items()}

    def simplify(self, choices: Choices) -> Choices:
        """Return choices of the same graph with each hole at its default if possible, else at the first word of its domain that does."""
        for name, (token,) in list(choices.items()):
            hole = self.holes.holes.get(name)
            if hole is None or name in self.fixed or token == hole.default:
                continue
            words = [word for word in hole.domain.values() if isinstance(word, str)]
            for simpler in (hole.default, *(words[: words.index(token)] if token in words else ())):
                if self.expand(choices | {name: (simpler,)}) is not None:
                    choices = choices | {name: (simpler,)}
                    break
        return choices

    def make_match(self, choices: Choices) -> BlockMatch:
        """Return the match of choices that leave one value each, with those that the expansion reads."""
        expansion = self.expand(choices)
        read = {name: left[0] for name, left in choices.items() if expansion is not None and name in expansion.read}
        values = {name: token for name, token in read.items() if name in self.holes.holes}
        solved = {name: int(token) for name, token in read.items() if name not in values}
        return BlockMatch(self.place, values, solved, self.given, self.place.graph(self.wanted.shape, read, self.given))


def infer_stride(graph: Graph) -> int:
    """Return by which factor the graph makes its input's height smaller."""
    (_, high, _), (_, low, *_) = graph.input_shape, (*graph.output_shape, 1)
    return max(1, round(high / low))


class NumberHints:
    """The numbers of a graph, which the numbers among its holes' values divide or equal."""

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

    def is_idle(self, token: Token, among: int) -> bool:
        """Return whether a value, one of `among`, is a number that nothing in the graph is.

        Of a long domain: a number that makes no width of another.
        """
        if isinstance(token, bool) or not isinstance(token, int) or token < 2:
            return False
        return token not in (self.factors if among > SMALL else self.small)
