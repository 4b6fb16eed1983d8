"""The state shared by the steps of one expansion, and the frame and names that a step is expanded with."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from blockspace.blocks.evaluate import INVALID, Invalid, InvalidRead, LexicalScope, Settings, Value, ValueContext, evaluate_node
from blockspace.blocks.holes import Holes, Token
from blockspace.blocks.syntax import INHERITED, MOST_MISTAKES, FlowStep
from blockspace.blocks.template_file import BlockUnit
from blockspace.blocks.typed_values import evaluate_boolean, evaluate_integer, evaluate_real
from blockspace.errors import BlockspaceError, Mark, Mistake, error
from blockspace.graph import MAX_NODES, Graph, to_attribute
from blockspace.ops import Op, Shape
from blockspace.reader import Map, Node

MAX_STEPS = 50_000

GraphValue: TypeAlias = "str | Invalid"  # the name of a node
StepValue: TypeAlias = "GraphValue | list[StepValue]"  # a list: the parts of a split without `merge:`

# how the `defaults:` that are not words are read
NUMBERS: dict[str, Callable[[Node, LexicalScope, str], Any]] = {
    **dict.fromkeys(("bn_eps", "bn_momentum", "norm_eps"), evaluate_real), "norm_groups": evaluate_integer,
    **dict.fromkeys(("bias", "ceil_mode", "count_include_pad"), evaluate_boolean),
}  # fmt: skip


class UnitScope(LexicalScope):
    """The names of one use of a block or part (`unit`) in an expansion (`context`), and the defaults that hold in it."""

    __slots__ = ("caller", "cache")

    def __init__(self, unit: BlockUnit, caller: LexicalScope | None, outer: LexicalScope | None, context: ValueContext):
        super().__init__(outer, {}, unit, context)
        self.caller = caller
        self.cache: dict[str, Value | None] = {}

    def default(self, key: str) -> Value | None:
        """Return the value of a `defaults:` word here, or None: the unit's own, its file's, then, where it inherits, the caller's."""
        if key not in self.cache:
            self.cache[key] = self._default(key)
        return self.cache[key]

    def _default(self, key: str) -> Value | None:
        if key in self.unit.defaults:
            node = self.unit.defaults[key]
            return NUMBERS[key](node, self, f"defaults: {key}") if key in NUMBERS else evaluate_node(node, self)
        if isinstance(self.outer, UnitScope):
            return self.outer.default(key)
        calling = find_unit_scope(self.caller)
        return calling.default(key) if calling is not None and key in INHERITED else None


def find_unit_scope(env: LexicalScope | None) -> UnitScope | None:
    """Return the environment of the innermost block or part around `env`; None outside of all."""
    while env is not None and not isinstance(env, UnitScope):
        env = env.outer
    return env


class Frame:
    """The names, graph values and dotted path that a step is expanded with."""

    __slots__ = ("env", "values", "path", "label", "again")

    def __init__(
        self, env: LexicalScope, values: dict[str, StepValue], path: str, label: str | None = None, again: set[str] | None = None
    ):
        self.env, self.values, self.path = env, values, path
        self.label = label  # the name of a step that has none of its own; stages have their number
        self.again = set() if again is None else again  # names of values that earlier rounds of a loop gave, and this one may give anew

    def inside(self, path: str | None = None, **names: Value) -> Frame:
        """Return a frame for a branch: graph values made in it stay local."""
        return Frame(LexicalScope(self.env, dict(names)) if names else self.env, dict(self.values), self.path if path is None else path)


def join_scopes(written: LexicalScope, place: LexicalScope) -> LexicalScope:
    """Return the names for a flow written in one place and used in another: the latter, if it sees the former's names, else both."""
    env: LexicalScope | None = place
    while env is not None:
        if env is written:
            return place
        env = env.outer
    return JoinedScope(written, place)


class JoinedScope(LexicalScope):
    """Names of the place where a flow was written, then of the place where it is used; defaults are those of the latter."""

    __slots__ = ("written",)
    outer: LexicalScope

    def __init__(self, written: LexicalScope, place: LexicalScope):
        super().__init__(place, unit=written.unit)
        self.written = written

    def find(self, name: str) -> Value | None:
        """Return the value of `name`; names of the current step are those of the place of use."""
        found = None if name in CURRENT else self.written.find(name)
        return self.outer.find(name) if found is None else found

    def has(self, name: str) -> bool:
        """Return whether either place has `name`."""
        return self.written.has(name) or self.outer.has(name)


CURRENT = ("index", "part", "channels", "in_channels")


class ExpansionContext(ABC):
    """One expansion in progress: the graph made so far, the mistakes found, and the means to expand steps and evaluate names.

    `eager` says whether names are evaluated before they are needed, so that mistakes in them are found whether or not they are used.
    """

    eager = True

    def __init__(self, holes: Holes, assignment: Mapping[str, Token], shape: Shape):
        self.holes, self.assignment = holes, dict(assignment)
        self.graph = Graph(shape, holes.file.name)
        self.mistakes: dict[tuple[str, int, int] | Mistake, Mistake] = {}
        self.used: set[str] = {"input"}
        self.counts: dict[str, int] = {}  # the last number given to each name that was wanted more than once
        self.depth = self.steps = self.chain = self.handed = self.tries = 0
        self.exhausted = False  # a limit was passed: no further mistakes are looked for

    def report(self, e: BlockspaceError, mark: Mark | None, path: str) -> None:
        """Record the mistakes of `e`, one a place; a place in another file says where it was used."""
        for mistake in e.at(mark).mistakes:
            place = mistake.mark
            elsewhere = place is not None and place.source.path != self.holes.file.root.mark.source.path and path
            if elsewhere:
                mistake = Mistake(mistake.code, f"{mistake.message} (in {path})", place, mistake.help)
            self.mistakes.setdefault((place.source.path, place.line, place.column) if place else mistake, mistake)
        self.exhausted = self.exhausted or len(self.mistakes) >= MOST_MISTAKES

    def recover(self, e: BlockspaceError, mark: Mark | None, path: str) -> None:
        """Record the mistakes of `e` and go on. Raises `e` when a limit was passed."""
        if self.exhausted or len(self.graph) >= MAX_NODES:
            raise e.at(mark)
        self.report(e, mark, path)

    def count_step(self, mark: Mark | None) -> None:
        """Count one more step, round of a loop, or use of a block. Raises E-TOO-BIG."""
        self.steps += 1
        if self.steps > MAX_STEPS:
            self.exhausted = True
            raise error("E-TOO-BIG", f"more than {MAX_STEPS:,} steps", mark, "fewer repeats")

    def unique_name(self, path: str, base: str) -> str:
        """Return a dotted name below `path` that is not taken, and take it."""
        base = to_attribute(base)
        prefix = f"{path}." if path else ""
        name = wanted = prefix + base
        count = self.counts.get(wanted, 1)  # where the last search ended: all numbers below are taken
        while name in self.used:
            count += 1
            name = f"{wanted}_{count}"
        self.counts[wanted] = count
        self.used.add(name)
        return name

    def refuse_growth(self, rounds: int, nodes: int, steps: int, mark: Mark | None) -> None:
        """Raise E-TOO-BIG when so many more rounds of so many nodes and steps pass a limit, without expanding them."""
        if len(self.graph) + rounds * nodes > MAX_NODES or self.steps + rounds * steps > MAX_STEPS:
            self.exhausted = True
            limit = f"{MAX_NODES:,} nodes" if rounds * nodes > MAX_NODES else f"{MAX_STEPS:,} steps"
            raise error("E-TOO-BIG", f"more than {limit}", mark, "fewer repeats")

    def add_node(self, op: Op, *inputs: StepValue, path: str, base: str, mark: Mark, names: tuple[str, ...] = ()) -> GraphValue:
        """Add a node below `path` and return its name; INVALID when an input is."""
        sources = [source for source in inputs if isinstance(source, str)]
        if len(sources) < len(inputs):
            return INVALID
        return self.graph.add(op, *sources, name=self.unique_name(path, base), mark=mark, names=names).name

    def shape_of(self, source: StepValue) -> Shape:
        """Return the shape `(C, H, W)` of a graph value. Raises InvalidRead for INVALID."""
        if not isinstance(source, str):
            raise InvalidRead
        return self.graph.nodes[source].shape

    def channels_of(self, source: StepValue) -> int | Invalid:
        """Return the number of channels of a graph value; INVALID for INVALID and for a list of parts."""
        return self.graph.nodes[source].shape[0] if isinstance(source, str) else INVALID

    def observe_setting(self, settings: object, key: str, found: object) -> None:  # noqa: B027
        """Take note that a setting of an operation was read, or, with an empty key, that a convolution begins; a hook for subclasses."""

    def observe_merge(self, results: list[StepValue], count: int) -> None:  # noqa: B027
        """Take note of the values made so far of the `count` that will be merged; a hook for subclasses."""

    @abstractmethod
    def read_hole(self, node: Map, env: LexicalScope) -> Value:
        """Return the value of a `search:` mapping."""

    @abstractmethod
    def read_unknown(self, node: Map, env: LexicalScope) -> Value:
        """Return the value of a `solve:` mapping."""

    @abstractmethod
    def expand_flow(self, node: Node, frame: Frame, source: StepValue) -> StepValue:
        """Expand the steps of a flow from the value `source` and return the last value."""

    @abstractmethod
    def expand_step(self, step: FlowStep, frame: Frame, source: StepValue) -> StepValue:
        """Expand one step and return its value."""

    @abstractmethod
    def expand_callable(
        self, what: Node, place: LexicalScope, settings: Settings, source: StepValue, path: str, base: str, mark: Mark
    ) -> StepValue:
        """Expand what a `block:` step names, with the settings beside it, and return its value."""

    @abstractmethod
    def expand_value(
        self, found: Value, place: LexicalScope, settings: Settings, source: StepValue, path: str, base: str, mark: Mark
    ) -> StepValue:
        """Expand a value that holds a flow and return its value."""
