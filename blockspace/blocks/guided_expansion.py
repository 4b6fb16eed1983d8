"""Guided expansion: expand towards a wanted graph, asking for a hole when it is read and stopping at the first node the graph lacks.

Every node is compared by its cone: its operation and, through its inputs, everything above it. So a wrong value of a hole is known at the
first node it makes, and looking for the values that make one graph of another need not try all of them together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, cast

from blockspace.blocks.evaluate import LexicalScope, Value
from blockspace.blocks.expansion.context import Frame, GraphValue, StepValue
from blockspace.blocks.expansion.expander import Expansion
from blockspace.blocks.expansion.operations import StepSettings
from blockspace.blocks.holes import Holes, Token
from blockspace.blocks.network import Network
from blockspace.blocks.syntax import CONV, FlowStep
from blockspace.errors import BlockspaceError, Mark
from blockspace.graph import Graph, Node as GraphNode
from blockspace.ops import Activation, BatchNorm, Conv, GroupNorm, LayerNorm, Op, Shape, format_shape
from blockspace.reader import Map

ATTRIBUTES = {"k": "kernel", "out": "out_channels", "groups": "groups", "stride": "stride"}  # settings of a convolution and what they make
LIGHT = (Activation, BatchNorm, GroupNorm, LayerNorm)  # what may come before the convolution of its step

Cone = int
Tokens = tuple[Token, ...]  # what a hole or unknown may still be


class NeedValue(Exception):
    """Raised when the expansion must know in which of these groups of tokens the value of a hole or unknown is."""

    def __init__(self, name: str, groups: list[Tokens]):
        super().__init__(name)
        self.name, self.groups = name, groups


class UnsettledValue:
    """Placeholder for a hole with several candidate values. Comparing it raises NeedValue with the candidates grouped only as far as the
    comparison requires; any other use, if only of its class, asks for the value itself."""

    def __init__(self, name: str, tokens: Tokens):
        self.name, self.tokens = name, tokens

    @property  # type: ignore[misc]  # typeshed's __class__ can be set, too
    def __class__(self) -> type[UnsettledValue]:
        raise NeedValue(self.name, [(token,) for token in self.tokens])

    def _compared(self, test: Callable[[Any], bool]) -> bool:
        yes = tuple(token for token in self.tokens if test(token))
        if 0 < len(yes) < len(self.tokens):
            raise NeedValue(self.name, [yes, tuple(token for token in self.tokens if token not in yes)])
        return bool(yes)

    def __eq__(self, other: object) -> bool:
        return self._compared(lambda token: token == other)

    def __ne__(self, other: object) -> bool:
        return self._compared(lambda token: token != other)

    def __lt__(self, other: Any) -> bool:
        return self._compared(lambda token: token < other)

    def __le__(self, other: Any) -> bool:
        return self._compared(lambda token: token <= other)

    def __gt__(self, other: Any) -> bool:
        return self._compared(lambda token: token > other)

    def __ge__(self, other: Any) -> bool:
        return self._compared(lambda token: token >= other)

    def __bool__(self) -> bool:
        return self._compared(bool)

    def __hash__(self) -> int:
        return hash(self.__class__)


class Mismatch(Exception):
    """Raised when the values lead to another graph than the wanted one, or to none."""


def hash_cone(op: Op, inputs: list[Cone]) -> Cone:
    """Return a hash of an operation on values of these cones; the order of inputs does not count where the operation does not mind it."""
    return hash((op, tuple(sorted(inputs) if op.commutes else inputs)))


class TargetGraph:
    """The graph to be found: its nodes by cone, without those that pass their one input through."""

    def __init__(self, graph: Graph):
        cones: dict[str, Cone] = {}
        self.nodes: Counter[Cone] = Counter()
        self.words: dict[Cone, str] = {}  # for people
        self.convolutions: dict[Cone, tuple[Conv, list[Cone]]] = {}  # with the cones above that a step of it may start from
        self.merges: dict[Cone, tuple[bool, list[Cone]]] = {}  # whether the order of what they merge is free, and that
        above: dict[str, list[Cone]] = {}
        live = graph.live()
        for node in graph:
            if node.name not in live:
                continue
            inputs = [cones[name] for name in node.inputs]
            before = graph[node.inputs[0]] if inputs else node
            above[node.name] = inputs + (above[before.name] if isinstance(before.op, LIGHT) or is_pass_through(before) else [])
            cones[node.name] = inputs[0] if is_pass_through(node) else hash_cone(node.op, inputs)
            if not is_pass_through(node):
                self.nodes[cones[node.name]] += 1
                self.words.setdefault(cones[node.name], f"{name_op(node.op)} of {format_shape(node.shape)}")
                if node.kind == "merge":
                    self.merges[cones[node.name]] = node.op.commutes, inputs
                if isinstance(node.op, Conv):
                    self.convolutions[cones[node.name]] = node.op, above[node.name]
        self.shape, self.output = graph.input_shape, cones[graph.output]


def name_op(op: Op) -> str:
    """Return the name of an operation as messages show it."""
    return op.word()


def is_pass_through(node: GraphNode) -> bool:
    """Return whether a node hands its one input on: an identity, the copy of a split."""
    return node.kind != "input" and node.call is None


class GuidedExpansion(Expansion):
    """One try: `tokens` are those that each hole and unknown may still be; more are asked for when they are needed."""

    eager = False

    def __init__(self, holes: Holes, tokens: Mapping[str, Tokens], wanted: TargetGraph):
        super().__init__(holes, {name: left[0] for name, left in tokens.items() if len(left) == 1}, wanted.shape)
        self.tokens, self.wanted, self.left = tokens, wanted, Counter(wanted.nodes)
        self.cones = {"input": hash_cone(self.graph.input.op, [])}
        self.left[self.cones["input"]] -= 1
        self.reading: tuple[object, dict[str, object]] = (None, {})
        self.read: set[str] = set()
        self.source: StepValue = "input"  # of the step being expanded
        self.asked: NeedValue | None = None  # what stopped it

    def read_hole(self, node: Map, env: LexicalScope) -> Value:
        """Return the value of a hole; an UnsettledValue while it has several candidates."""
        return self._given(node, env, super().read_hole)

    def read_unknown(self, node: Map, env: LexicalScope) -> Value:
        """Return the value of an unknown; an UnsettledValue while it has several candidates."""
        return self._given(node, env, super().read_unknown)

    def _given(self, node: Map, env: LexicalScope, read: Callable[[Map, LexicalScope], Value]) -> Value:
        name = self.holes.name_at(node, env)
        if name is not None:
            self.read.add(name)
            if name not in self.assignment:
                return cast(Value, UnsettledValue(name, self.tokens[name]))  # it stands for any value, and raises where it is used
        return read(node, env)

    def report(self, e: BlockspaceError, mark: Mark | None, path: str) -> None:
        """Raise Mismatch: values that break a rule do not lead to the wanted graph."""
        raise Mismatch

    def observe_setting(self, settings: object, key: str, found: object) -> None:
        """Raise Mismatch unless some wanted convolution has the setting just read and those read before."""
        if not isinstance(settings, StepSettings):
            return
        step = settings.step
        if key and key not in ATTRIBUTES or not (CONV.fullmatch(step.word) or step.word in ("conv", "dwconv")):
            return
        if self.reading[0] is not settings:
            match = CONV.fullmatch(step.word)
            self.reading = settings, {"kernel": (int(match[2]), int(match[3]))} if match else {}
        have = self.reading[1]
        if key and not isinstance(found, str):
            have[ATTRIBUTES[key]] = found
        if not isinstance(self.source, str):
            return
        source = self.cones[self.source]
        left = (op for one, (op, above) in self.wanted.convolutions.items() if self.left[one] > 0 and source in above)
        if not any(all(getattr(op, name) == value for name, value in have.items()) for op in left):
            raise Mismatch

    def expand_step(self, step: FlowStep, frame: Frame, source: StepValue) -> StepValue:
        """Expand one step, keeping the value it starts from."""
        self.source = source
        return super().expand_step(step, frame, source)

    def observe_merge(self, results: list[StepValue], count: int) -> None:
        """Raise Mismatch unless some wanted merge of `count` values takes those made so far."""
        made = [self.cones[name] for name in results if isinstance(name, str)]
        if count > 1 and not any(
            len(inputs) == count and self.left[one] > 0 and (made == inputs[: len(made)] or free and not Counter(made) - Counter(inputs))
            for one, (free, inputs) in self.wanted.merges.items()
        ):
            raise Mismatch

    def add_node(self, op: Op, *inputs: StepValue, path: str, base: str, mark: Mark, names: tuple[str, ...] = ()) -> GraphValue:
        """Add a node. Raises Mismatch when the wanted graph has no such node left."""
        name = super().add_node(op, *inputs, path=path, base=base, mark=mark, names=names)
        cones = [self.cones[source] for source in inputs if isinstance(source, str)]
        if not isinstance(name, str):
            return name
        if is_pass_through(self.graph[name]):
            self.cones[name] = cones[0]
            return name
        made = self.cones[name] = hash_cone(op, cones)
        self.left[made] -= 1
        if self.left[made] < 0:
            raise Mismatch
        return name

    def missing(self) -> int:
        """Return how many nodes of the wanted graph are not made."""
        return sum(number for number in self.left.values() if number > 0)

    def lacks(self) -> str:
        """Return the first node of the wanted graph that is not made, in words."""
        return next((self.wanted.words[one] for one in self.wanted.nodes if self.left[one] > 0), "nothing")

    def finished(self, output: StepValue) -> Graph:
        """Return the graph. Raises Mismatch when it is not the wanted one."""
        if not isinstance(output, str) or self.cones[output] != self.wanted.output or any(self.left.values()):
            raise Mismatch
        self.graph.output = output
        return self.graph


class RecordingExpansion(Expansion):
    """An expansion that notes which holes and unknowns are read, and reads nothing before it is needed."""

    eager = False

    def __init__(self, holes: Holes, values: Mapping[str, Token], shape: Shape):
        super().__init__(holes, values, shape)
        self.read: set[str] = set()

    def read_hole(self, node: Map, env: LexicalScope) -> Value:
        """Return the value of a hole, noting its name."""
        if name := self.holes.name_at(node, env):
            self.read.add(name)
        return super().read_hole(node, env)


def find_used_holes(network: Network, values: Mapping[str, Token]) -> frozenset[str]:
    """Return the names of the holes that are read when the network is expanded under `values`."""
    context = RecordingExpansion(network.holes, {**network.filled, **values}, network.shape_under(values))
    network._run(context)
    return frozenset(context.read)
