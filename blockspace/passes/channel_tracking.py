"""Channel tracking: which channel of which value every channel is, through the ops that only move channels; and an order of the channels
of each value in which those that are read together are adjacent.

Values of dense convolutions may come in any order (the rows of the kernel are permuted), and dense convolutions read any order. Norms,
activations, pooling and depthwise convolutions hand an order on. Everything else wants its channels as they were.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from blockspace.graph import Node
from blockspace.ops import POINT, ChannelShuffle, Concat, Conv, Flatten, Linear, Op, Part
from blockspace.passes.mutable_graph import MutableGraph

MAX_RANGES = 4  # a reader takes at most so many pieces of each value, on average
Channel = tuple[str, int]  # a value and one of its channels


class ChannelRange(NamedTuple):
    """Channels start:stop of a value in its new order."""

    value: str
    start: int
    stop: int


def is_dense(op: Op) -> bool:
    """Return whether every output depends on every input by a weight of its own."""
    return isinstance(op, Linear) or isinstance(op, Conv) and op.groups == 1


def keeps_channels(node: Node) -> bool:
    """Return whether it does to each channel something of its own, so that channels in another order give the result in that order."""
    op = node.op
    if isinstance(op, Flatten):
        return node.shape[0] == flattened_channels(node)
    return op.channelwise or isinstance(op, Conv) and op.depthwise


def flattened_channels(node: Node) -> int:
    """Return the channels of what a flatten reads when that has one position, else 0."""
    return node.shape[0] if node.op.window((node.shape[0], 1, 1)) == POINT else 0


class ChannelTracker:
    """The origins of the channels of every value. Shuffles in `stay` keep their place; all others are to be removed."""

    def __init__(self, graph: MutableGraph, stay: frozenset[str] = frozenset()):
        self.graph, self.stay = graph, stay
        self.names = graph.order()
        self.number = {name: i for i, name in enumerate(self.names)}
        self.of: dict[str, list[Channel]] = {}  # per value: where its channels come from, through moving ops
        self.root: dict[str, list[Channel]] = {}  # per value that is not a move: the same through ops that hand an order on, too
        for name in self.names:
            node = graph[name]
            if self.moves(node):
                self.of[name] = move_channels(node.op, [self.of[source] for source in node.inputs])
            else:
                self.of[name] = [(name, c) for c in range(node.shape[0])]
                self.root[name] = [self.root[v][c] for v, c in self.of[node.inputs[0]]] if keeps_channels(node) else self.of[name]

    def moves(self, node: Node) -> bool:
        """Return whether it only moves channels."""
        return isinstance(node.op, (Part, Concat)) or isinstance(node.op, ChannelShuffle) and node.name not in self.stay

    # -- what is wanted --------------------------------------------------------------------------------------------------------------

    @cached_property
    def free(self) -> dict[str, bool]:
        """Return for each value whether all that is made of it accepts any order."""
        found: dict[str, bool] = {}
        for name in reversed(self.names):
            readers = self.graph.readers_of(self.graph[name])
            content = all(is_dense(r.op) or (self.moves(r) or keeps_channels(r)) and found[r.name] for r in readers)
            found[name] = content and name != self.graph.output
        return found

    @cached_property
    def wanted(self) -> dict[Channel, list[tuple[int, int]]]:
        """Return for each channel who reads it in the end, and at which place where the place counts."""
        found: dict[Channel, list[tuple[int, int]]] = {}
        for number, name in enumerate(self.names):
            node = self.graph[name]
            if self.moves(node):
                continue
            for source in node.inputs:
                if keeps_channels(node) and not (self.free[name] and self.moves(self.graph[source])):
                    continue
                loose = is_dense(node.op) or keeps_channels(node)
                for place, (value, c) in enumerate(self.of[source]):
                    found.setdefault(self.root[value][c], []).append((number, 0 if loose else place))
        for place, (value, c) in enumerate(self.of[self.graph.output]):
            found.setdefault(self.root[value][c], []).append((len(self.names), place))
        return found

    def sorted(self, name: str) -> list[int]:
        """Return the channels of a dense convolution, by who reads them."""
        keys = [self.wanted.get((name, c), []) for c in range(self.graph[name].shape[0])]
        alone = len({number for key in keys for number, _ in key}) == 1
        return sorted(range(len(keys)), key=keys.__getitem__) if self.free[name] or alone else list(range(len(keys)))

    # -- what is done ----------------------------------------------------------------------------------------------------------------

    @cached_property
    def order(self) -> dict[str, list[int]]:
        """Return, for each value that is not a move, its old channels in their new order."""
        found: dict[str, list[int]] = {}
        self.place: dict[str, dict[int, int]] = {}  # the inverse: old channel -> new one
        for name in self.names:
            node = self.graph[name]
            if self.moves(node):
                continue
            if keeps_channels(node):
                found[name] = self.arranged(node.inputs[0], not self.free[name])
            else:
                found[name] = self.sorted(name) if is_dense(node.op) else list(range(node.shape[0]))
            self.place[name] = {old: new for new, old in enumerate(found[name])}
        return found

    def arranged(self, source: str, exact: bool) -> list[int]:
        """Return the channels of a value in the order in which a reader gets them: as they were, or by where they come from."""
        lanes = self.of[source]
        moving = self.moves(self.graph[source])
        if exact and moving:
            return list(range(len(lanes)))
        return sorted(range(len(lanes)), key=lambda c: (self.number[lanes[c][0]], self.place[lanes[c][0]][lanes[c][1]]))

    def reading(self, node: Node, source: str) -> list[int]:
        """Return the channels of one of its inputs in the order in which a node reads them in the end."""
        order = self.order
        if keeps_channels(node):
            return order[node.name]
        return self.arranged(source, exact=False) if is_dense(node.op) else list(range(len(self.of[source])))

    def pieces(self, source: str, channels: Sequence[int]) -> list[ChannelRange]:
        """Return channels of a value as ranges of the values they come from."""
        found: list[ChannelRange] = []
        for c in channels:
            value, old = self.of[source][c]
            new = self.place[value][old]
            last = found[-1] if found else None
            if last and last.value == value and last.stop == new:
                found[-1] = ChannelRange(value, last.start, new + 1)
            else:
                found.append(ChannelRange(value, new, new + 1))
        return found

    def changed(self, source: str) -> bool:
        """Return whether a shuffle precedes this value, or something comes in another order."""
        node = self.graph[source]
        if not self.moves(node):
            return self.order[source] != list(range(node.shape[0]))
        return isinstance(node.op, ChannelShuffle) or any(self.changed(inner) for inner in node.inputs)

    def scattered(self) -> set[str]:
        """Return the shuffles before readers that would have to collect their channels one by one."""
        ends = [(node, source) for name in self.names if not self.moves(node := self.graph[name]) for source in node.inputs]
        found: set[str] = set()
        for node, source in ends:
            found |= self.hard(source, self.reading(node, source))
        return found | self.hard(self.graph.output, range(len(self.of[self.graph.output])))

    def hard(self, source: str, channels: Sequence[int]) -> set[str]:
        """Return the shuffles next before a value, when it would have to be put together from too many pieces."""
        pieces = self.pieces(source, channels)
        return self.shuffles(source) if len(pieces) > MAX_RANGES * len({piece.value for piece in pieces}) else set()

    def shuffles(self, source: str) -> set[str]:
        """Return the shuffles next before a value."""
        node = self.graph[source]
        if not self.moves(node):
            return set()
        if isinstance(node.op, ChannelShuffle):
            return {source}
        return {name for inner in node.inputs for name in self.shuffles(inner)}


def move_channels(op: Op, inputs: list[list[Channel]]) -> list[Channel]:
    """Return the lanes of a part, a concat or a shuffle."""
    if isinstance(op, Part):
        return inputs[0][op.start : op.stop]
    if isinstance(op, ChannelShuffle):
        (lanes,) = inputs
        step = len(lanes) // op.groups
        return [lanes[group * step + i] for i in range(step) for group in range(op.groups)]
    return [lane for lanes in inputs for lane in lanes]


def track_channels(graph: MutableGraph) -> ChannelTracker | None:
    """Return the lanes with as many shuffles gone as can go; None when none can."""
    stay: frozenset[str] = frozenset()
    shuffles = {name for name, node in graph.nodes.items() if isinstance(node.op, ChannelShuffle)}
    while stay < shuffles:
        lanes = ChannelTracker(graph, stay)
        _ = lanes.order
        more = lanes.scattered()
        if not more:
            return lanes
        stay |= more
    return None
