"""Probe: an expansion that asks for each hole when it is read, and is given up at the first node that a wanted graph does not have.

Every node is compared by its cone: its operation and, through its inputs, everything above it. So a wrong value of a hole is known at the
first node it makes, and looking for the values that make one graph of another need not try all of them together.
"""

from __future__ import annotations

from collections import Counter

from blockspace.blocks.expansion.control_flow import bind_stage, make_scalar
from blockspace.blocks.expansion.expander import Expansion
from blockspace.blocks.holes import Holes
from blockspace.blocks.syntax import BlockStep
from blockspace.blocks.template import Network
from blockspace.blocks.vocabulary import CONV
from blockspace.errors import BlockspaceError
from blockspace.graph import Graph
from blockspace.ops import Activation, BatchNorm, Conv, GroupNorm, LayerNorm, Op, Shape, show

ATTRIBUTES = {"k": "kernel", "out": "out_channels", "groups": "groups", "stride": "stride"}  # settings of a convolution and what they make
LIGHT = (Activation, BatchNorm, GroupNorm, LayerNorm)  # what may come before the convolution of its step

Cone = int


class NeedValue(Exception):
    """More of a hole or unknown must be known to go on: which of these groups of tokens its value is in."""

    def __init__(self, name: str, groups: list[tuple]):
        super().__init__(name)
        self.name, self.groups = name, groups


class UnsettledValue:
    """The value of a hole of which only the tokens it may be are known. To compare it is to ask as little as the comparison needs;
    whoever looks at it otherwise, if only at its class, asks for the value itself."""

    def __init__(self, name: str, tokens: tuple):
        self.name, self.tokens = name, tokens

    @property  # type: ignore[misc]  # typeshed's __class__ can be set, too
    def __class__(self):
        raise NeedValue(self.name, [(token,) for token in self.tokens])

    def _compared(self, test) -> bool:
        yes = tuple(token for token in self.tokens if test(token))
        if 0 < len(yes) < len(self.tokens):
            raise NeedValue(self.name, [yes, tuple(token for token in self.tokens if token not in yes)])
        return bool(yes)

    def __eq__(self, other) -> bool:
        return self._compared(lambda token: token == other)

    def __ne__(self, other) -> bool:
        return self._compared(lambda token: token != other)

    def __lt__(self, other) -> bool:
        return self._compared(lambda token: token < other)

    def __le__(self, other) -> bool:
        return self._compared(lambda token: token <= other)

    def __gt__(self, other) -> bool:
        return self._compared(lambda token: token > other)

    def __ge__(self, other) -> bool:
        return self._compared(lambda token: token >= other)

    def __bool__(self) -> bool:
        return self._compared(bool)

    def __hash__(self) -> int:
        return hash(self.__class__)


class Mismatch(Exception):
    """The values lead to another graph than the wanted one, or to none."""


def hash_cone(op: Op, inputs: list[Cone]) -> Cone:
    """A number for an operation on values of these cones; the order of inputs does not count where the operation does not mind it."""
    return hash((op, tuple(sorted(inputs) if op.commutes else inputs)))


class TargetGraph:
    """A graph to be found: its nodes by cone, without those that only hand a value on."""

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
                self.words.setdefault(cones[node.name], f"{name_op(node.op)} of {show(node.shape)}")
                if node.kind == "merge":
                    self.merges[cones[node.name]] = node.op.commutes, inputs
                if isinstance(node.op, Conv):
                    self.convolutions[cones[node.name]] = node.op, above[node.name]
        self.shape, self.output = graph.input_shape, cones[graph.output]


def name_op(op: Op) -> str:
    """An operation as people name it."""
    return op.word() if hasattr(op, "word") else op.name


def is_pass_through(node) -> bool:
    """Whether a node hands its one input on: an identity, the copy of a split."""
    return node.kind != "input" and node.call is None


class GuidedExpansion(Expansion):
    """One try: `tokens` are those that each hole and unknown may still be; more are asked for when they are needed."""

    eager = False

    def __init__(self, holes: Holes, tokens: dict[str, tuple], wanted: TargetGraph):
        super().__init__(holes, {name: left[0] for name, left in tokens.items() if len(left) == 1}, wanted.shape)
        self.tokens, self.wanted, self.left = tokens, wanted, Counter(wanted.nodes)
        self.cones = {"input": hash_cone(self.graph.input.op, [])}
        self.left[self.cones["input"]] -= 1
        self.reading: tuple[object, dict] = (None, {})
        self.read: set[str] = set()
        self.asked: NeedValue | None = None  # what stopped it

    def hole(self, node, env):
        return self._given(node, env, super().hole)

    def unknown(self, node, env):
        return self._given(node, env, super().unknown)

    def _given(self, node, env, read):
        name = self.holes.name_at(node, env)
        if name is not None:
            self.read.add(name)
            if name not in self.assignment:
                return UnsettledValue(name, self.tokens[name])
        return read(node, env)

    def report(self, e, mark, path) -> None:
        raise Mismatch

    def noticed(self, settings, key: str, found) -> None:
        """A setting of a convolution was read: some wanted convolution must have it, beside those read before."""
        step = settings.step
        if key and key not in ATTRIBUTES or not (CONV.fullmatch(step.word) or step.word in ("conv", "dwconv")):
            return
        if self.reading[0] is not settings:
            match = CONV.fullmatch(step.word)
            self.reading = settings, {"kernel": (int(match[2]), int(match[3]))} if match else {}
        have = self.reading[1]
        if key and not isinstance(found, str):
            have[ATTRIBUTES[key]] = found
        source = self.cones[self.source]
        left = (op for one, (op, above) in self.wanted.convolutions.items() if self.left[one] > 0 and source in above)
        if not any(all(getattr(op, name) == value for name, value in have.items()) for op in left):
            raise Mismatch

    def step(self, step, frame, source):
        self.source = source
        return super().step(step, frame, source)

    def merging(self, results: list, count: int) -> None:
        made = [self.cones[name] for name in results if not isinstance(name, list)]
        if count > 1 and not any(
            len(inputs) == count and self.left[one] > 0 and (made == inputs[: len(made)] or free and not Counter(made) - Counter(inputs))
            for one, (free, inputs) in self.wanted.merges.items()
        ):
            raise Mismatch

    def add(self, op: Op, *inputs, path: str, base: str, mark, names: tuple[str, ...] = ()):
        name = super().add(op, *inputs, path=path, base=base, mark=mark, names=names)
        cones = [self.cones[source] for source in inputs]
        if is_pass_through(self.graph[name]):
            self.cones[name] = cones[0]
            return name
        made = self.cones[name] = hash_cone(op, cones)
        self.left[made] -= 1
        if self.left[made] < 0:
            raise Mismatch
        return name

    def missing(self) -> int:
        """How many nodes of the wanted graph are not made."""
        return sum(number for number in self.left.values() if number > 0)

    def lacks(self) -> str:
        """The first node of the wanted graph that is not made, in words."""
        return next((self.wanted.words[one] for one in self.wanted.nodes if self.left[one] > 0), "nothing")

    def finished(self, output) -> Graph:
        """The graph, when it is the wanted one. Raises Refuted."""
        if isinstance(output, list) or self.cones[output] != self.wanted.output or any(self.left.values()):
            raise Mismatch
        self.graph.output = output
        return self.graph


class RecordingExpansion(Expansion):
    """An expansion that notes which holes and unknowns are read, and reads nothing before it is needed."""

    eager = False

    def __init__(self, holes: Holes, values: dict, shape: Shape):
        super().__init__(holes, values, shape)
        self.read: set[str] = set()

    def hole(self, node, env):
        if name := self.holes.name_at(node, env):
            self.read.add(name)
        return super().hole(node, env)


def find_used_holes(network: Network, values: dict) -> frozenset[str]:
    """The holes whose values made the network what it is; the others were never looked at."""
    run = RecordingExpansion(network.holes, network.filled | values, network.input_shape)
    network._run(run)
    return frozenset(run.read)


class StageBlock:
    """A stage of a network whose block is looked at by itself, with an input, a width and a stride of its own."""

    def __init__(self, network: Network, segment):
        self.network, self.segment, self.step = network, segment, segment.step

    @property
    def name(self) -> str:
        return self.segment.label

    def expand(self, run: Expansion, given: dict[str, int]):
        """One block of the stage in `run`; `given` stand for settings beside it (`out_channels`, `stride`). Returns its output."""
        env = self.network._names(run)
        run.require(self.network.file, env, "")
        place, settings = bind_stage(run, self.step, env, 1, "input")
        for key, number in given.items():
            if key in settings:
                settings[key] = make_scalar(number, settings[key][0].mark), place
                place.table |= {key: number} if key == "stride" else {}
        return run.apply(self.step.what, place, settings, "input", "", self.step.word, self.step.mark)

    def graph(self, shape: Shape, values: dict, given: dict[str, int]) -> Graph:
        """The block by itself for an input of `(C, H, W)`, with holes and unknowns filled. Raises BlockspaceError."""
        run = Expansion(self.network.holes, self.network.filled | values, shape)
        output = self.expand(run, given)
        if run.mistakes:
            raise BlockspaceError(*run.mistakes.values())
        run.graph.output = output
        return run.graph.verify()


def list_stage_blocks(network: Network) -> list[StageBlock]:
    """The stages of a network whose blocks differ in more than width and stride; of those alike, one that strides."""
    found: dict[tuple, StageBlock] = {}
    for segment in sorted(network.segments, key=lambda one: "stride" not in getattr(one.step, "settings", ())):
        if isinstance(segment.step, BlockStep) and segment.step.staged and segment.label:
            found.setdefault((segment.step.word, frozenset(segment.step.settings) - {"stride"}), StageBlock(network, segment))
    return list(found.values())
