"""Expansion: a block or network, with values for its names and an input shape, becomes a Graph node by node.

Each step runs in a Frame (names, graph values, path). A mistake in a step is recorded and its value becomes INVALID, which silences
whatever reads it, so that all mistakes of a file come at once and none twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain

from blockspace.blocks import syntax
from blockspace.blocks.evaluate import (
    INVALID,
    PART_LIST,
    Alternative,
    ArgumentScope,
    FlowValue,
    Invalid,
    InvalidRead,
    LexicalScope,
    Settings,
    Thunk,
    Value,
    evaluate_condition,
    evaluate_node,
)
from blockspace.blocks.expansion.context import ExpansionContext, Frame, StepValue, UnitScope, join_scopes
from blockspace.blocks.expansion.control_flow import (
    expand_block,
    expand_condition,
    expand_loop,
    foresee_rounds,
    measure_expansion,
)
from blockspace.blocks.expansion.operations import expand_operation
from blockspace.blocks.expansion.references import require_single, resolve_references
from blockspace.blocks.expansion.splits import expand_split
from blockspace.blocks.holes import Categorical, IntRange, Token, is_inherited, parse_domain, parse_solved_range, parse_token
from blockspace.blocks.parameters import Param, is_list_value
from blockspace.blocks.syntax import MERGES, BadStep, BlockStep, FlowStep, IfStep, LoopStep, OpStep, SplitStep, is_operation, is_value
from blockspace.blocks.template_file import BlockUnit
from blockspace.errors import BlockspaceError, Mark, Mistake, error
from blockspace.reader import Map, Node, Scalar, Seq, count_runs

MAX_NESTING = 32
LONG_FLOW = 8  # steps of a flow in which equal ones are looked for
NEAR, MAX_TRIES = 257, 4_000  # values tried around a param that breaks a rule; in one expansion


class Expansion(ExpansionContext):
    """One expansion; `graph` is its result, `mistakes` what was found on the way."""

    # -- values left open ------------------------------------------------------------------------------------------------------------

    def read_hole(self, node: Map, env: LexicalScope) -> Value:
        """Return the value of a `search:` mapping: as assigned, else its default, else the first of its domain.

        What is inherited, domain or default, is read in the names of the block that declares it.
        """
        name = self.holes.name_at(node, env)
        search, default, home = self._declared(node, env)
        if name is not None and name in self.assignment:
            return self._chosen(self.holes.holes[name].domain, self.assignment[name], home)
        if default is not None:
            place = env if "default" in node else home
            if isinstance(search, Map) and isinstance(default, Scalar) and default.text in search:
                return Alternative(default.text, search.items[default.text], home)
            return evaluate_node(default, place)
        found = self.holes.holes[name].domain if name else parse_domain(search)
        return self._chosen(found, found.values()[0], home)

    def _declared(self, node: Map, env: LexicalScope) -> tuple[Node, Node | None, LexicalScope]:
        """Return the domain, the default and the names of a hole: its own, or, for `search: inherit`, those of the block's param."""
        search, default = node.items["search"], node.get("default")
        inherited = env.inherited() if is_inherited(node) and isinstance(env, ArgumentScope) else None
        if inherited is None:
            return search, default, env
        param, home = inherited
        if param.search is None:
            message = f"block {home.unit.name!r} has no search domain for {param.name!r}"
            raise error("E-RANGE", message, search.mark, "give a domain of its own")
        return param.search, default or param.default, home

    def _chosen(self, found: IntRange | Categorical, chosen: Token, env: LexicalScope) -> Value:
        if not isinstance(found, Categorical):
            return int(chosen)
        node = found.nodes[chosen]
        if (isinstance(node, Scalar) or is_list_value(node)) and parse_token(node) == chosen:
            return evaluate_node(node, env)
        return Alternative(str(chosen), node, env)

    def read_unknown(self, node: Map, env: LexicalScope) -> Value:
        """Return the value of a `solve:` mapping: as solved, else its default, else the low end of its range."""
        name = self.holes.name_at(node, env)
        if name is not None:
            return int(self.assignment.get(name, self.holes.unknowns[name].default))
        return evaluate_node(node.items["default"], env) if "default" in node else parse_solved_range(node).low

    # -- flows -----------------------------------------------------------------------------------------------------------------------

    def expand_flow(self, node: Node, frame: Frame, source: StepValue) -> StepValue:
        """Expand the steps of a flow from the value `source` and return the last value."""
        steps = syntax.parse_flow(node, frame.env.unit)
        runs = count_runs(node) if isinstance(node, Seq) and len(steps) >= LONG_FLOW else None
        for place, step in enumerate(steps):
            size = measure_expansion(self, source) if runs and runs[place] else None
            source = self.expand_step(step, frame, source)
            if runs and size and step.as_ is None:
                foresee_rounds(self, size, source, runs[place], step.mark)
        return source

    def expand_step(self, step: FlowStep, frame: Frame, source: StepValue) -> StepValue:
        """Expand one step and return its value; INVALID, with the mistake recorded, where it cannot be expanded."""
        if isinstance(step, BadStep):
            self.report(BlockspaceError(*step.mistakes), step.mark, frame.path)
            return self.invalidate(step, frame)
        self.count_step(step.mark)
        env = LexicalScope(frame.env, {"channels": PART_LIST if isinstance(source, list) else self.channels_of(source)})
        try:
            if step.source is not None:
                source = require_single(resolve_references(step.source, frame, source, env), step.source)
                env.table["channels"] = self.channels_of(source)
            if step.condition is not None and not evaluate_condition(step.condition, env):
                return self._named(step, frame, source)
            if isinstance(source, list):
                refuse_part_list(step)
            result = EXPAND[type(step)](self, step, Frame(env, frame.values, frame.path, frame.label, frame.again), source)
        except BlockspaceError as e:
            self.recover(e, step.mark, frame.path)
            result = self.invalidate(step, frame)
        except InvalidRead:
            result = self.invalidate(step, frame)
        return self._named(step, frame, result)

    def invalidate(self, step: FlowStep, frame: Frame) -> Invalid:
        """Return INVALID, bound also to the names that the failed step would have given: reading them adds no further mistake."""
        for name in syntax.list_value_names(step.node):
            if name != step.as_:
                frame.values.setdefault(name, INVALID)
        return INVALID

    def _named(self, step: FlowStep, frame: Frame, result: StepValue) -> StepValue:
        if step.as_ is not None:
            if step.as_ in frame.values and step.as_ not in frame.again and not isinstance(step, LoopStep):
                self.report(
                    error("E-NAME", f"the name {step.as_!r} is given twice", step.mark, "each value has one name"), step.mark, frame.path
                )
            frame.values[step.as_] = result
            frame.again.discard(step.as_)
        return result

    # -- blocks ----------------------------------------------------------------------------------------------------------------------

    def expand_unit(self, unit: BlockUnit, settings: Settings, caller: LexicalScope, source: StepValue, path: str) -> StepValue:
        """Expand one use of a block or part below `path`: bind its params, check its rules, expand its flow."""
        self.count_step(None)
        if self.depth >= MAX_NESTING:
            self.exhausted = True
            start = ".".join(path.split(".")[:3])
            raise error("E-RECURSION", f"blocks nested deeper than {MAX_NESTING}, in {start}...: does {unit.name!r} contain itself?")
        self._check_settings(unit, settings)
        env = self.bind_unit(unit, settings, caller, source, path)
        before = len(self.graph)
        self.depth += 1
        try:
            legal = self.check_requirements(unit, env, path)
            result = self.expand_flow(unit.flow, Frame(env, {"input": source}, path), source) if legal else INVALID
        finally:
            self.depth -= 1
        if len(self.graph) > before and isinstance(source, str):
            self.graph.scope(path, unit.name, source)
        return result

    def _check_settings(self, unit: BlockUnit, settings: Settings) -> None:
        unknown = [
            syntax.unknown_key_mistake(key, node.key, list(unit.params), unit.name)
            for key, (node, _) in settings.items()
            if key not in unit.params
        ]
        if unknown:
            raise BlockspaceError(*unknown)

    def bind_unit(self, unit: BlockUnit, settings: Settings, caller: LexicalScope, source: StepValue, path: str = "") -> UnitScope:
        """Return the unit's scope: params as given or by default, lets, and the channels that enter."""
        home = None
        if unit.owner is not None:
            home = caller
            while home.outer is not None:
                home = home.outer
        env = UnitScope(unit, caller, home, self)
        for key, param in unit.params.items():
            given = settings.get(key)
            env.table[key] = Thunk(param.node, env) if given is None else self._argument(param, given, settings, env)
        for key, node in unit.lets.items():
            env.table[key] = Thunk(node, env)
        env.table["in_channels"] = self.channels_of(source)
        if self.eager:
            self.evaluate_names(unit, env, path)
        return env

    def evaluate_names(self, unit: BlockUnit, env: UnitScope, path: str) -> None:
        """Read every name of a unit; one that cannot be read becomes INVALID, with its mistake reported once."""
        circle = False  # of names that depend on each other, only the first is reported
        for key in (*unit.params, *unit.lets):
            try:
                env.find(key)
                continue
            except InvalidRead:
                pass
            except BlockspaceError as e:
                again = circle and e.mistakes[0].code == "E-RECURSION"
                circle = circle or e.mistakes[0].code == "E-RECURSION"
                if not again:
                    node = unit.params[key].node if key in unit.params else unit.lets[key]
                    self.recover(e, node.mark, path)
            env.table[key] = INVALID

    def _argument(self, param: Param, given: tuple[Node, LexicalScope], settings: Settings, env: LexicalScope) -> Alternative | Thunk:
        """Return the value of a param that was set: a word of its `search:` is that alternative; others are read in the caller's names."""
        node, place = given
        entries = param.entries()
        if isinstance(node, Scalar) and node.text in entries and not place.has(node.text):
            entry = entries[node.text]
            return Alternative(node.text, entry, env) if isinstance(param.search, Map) else Thunk(entry, env)
        return Thunk(node, ArgumentScope(place, settings, param.name, home=env))

    def check_requirements(self, unit: BlockUnit, env: UnitScope, path: str) -> bool:
        """Return whether the unit's rules hold; report those that do not (one, where another value of one param mends all)."""
        broken = [rule for rule in unit.requires if not self._legal(rule, env, path)]
        hint = suggest_legal_value(self, unit, env) if broken else None
        for rule in broken[:1] if hint else broken:
            parsed = rule.parsed if isinstance(rule, Scalar) else None
            names = sorted(parsed[1].names) if parsed is not None and parsed[0] == "expression" else []
            values = ", ".join(f"{name} = {env.find(name)}" for name in names if env.find(name) is not None)
            where = f" in {path}" if path else ""
            self.report(error("E-REQUIRE", f"{str(rule)!r} does not hold{where} ({values})", rule.mark, hint), rule.mark, "")
        return not broken

    def _legal(self, rule: Node, env: UnitScope, path: str) -> bool:
        """Return whether a rule holds; one that cannot be read counts as holding, with its mistake reported."""
        try:
            return evaluate_condition(rule, env)
        except InvalidRead:
            return True
        except BlockspaceError as e:
            self.recover(e, rule.mark, path)
            return True

    def expand_callable(
        self, what: Node, place: LexicalScope, settings: Settings, source: StepValue, path: str, base: str, mark: Mark
    ) -> StepValue:
        """Expand what a `block:` step names: an operation, a block, a structure, or what a param holds, with the settings beside it."""
        if isinstance(what, Scalar) and not place.has(what.text):
            if is_operation(what.text):
                return self._operation(what, settings, place, source, path, base)
            unit = place.unit.unit(what.text)
            if unit is not None:
                return self.expand_unit(unit, settings, place, source, self.unique_name(path, base))
        found = evaluate_node(what, place) if isinstance(what, Scalar) or is_value(what) else FlowValue(what, place)
        return self.expand_value(found, place, settings, source, path, base, mark)

    def expand_value(
        self, found: Value, place: LexicalScope, settings: Settings, source: StepValue, path: str, base: str, mark: Mark
    ) -> StepValue:
        """Expand a value that holds a flow: an alternative, a list of steps, `{block: settings}`, or a word."""
        if isinstance(found, (Alternative, FlowValue)):
            env = join_scopes(found.env, place)
            node = found.node
            if is_list_value(node):
                raise error("E-OP", f"a block was expected, got {found}", mark, "a block's name, `{name: {settings}}`, or a list of steps")
            if isinstance(node, Scalar) and node.text == "none":
                return source
            if isinstance(node, Map) and len(node.items) == 1 and not is_value(node):
                key, inner = next(iter(node.items.items()))
                unit = env.unit.unit(key)
                if unit is not None:
                    own = {k: (n, env) for k, n in syntax.read_block_settings(key, inner).items()}
                    return self.expand_unit(unit, merge_settings(own, settings, key), env, source, self.unique_name(path, base))
            if self.handed >= MAX_NESTING:
                self.exhausted = True
                raise error("E-RECURSION", f"a flow that contains itself, or more than {MAX_NESTING} in each other", mark)
            self.handed += 1
            try:
                return self._expand_held(node, env, settings, source, path, base, mark)
            finally:
                self.handed -= 1
        if found == "none":
            return source
        if isinstance(found, str) and is_operation(found):
            return self._operation(Scalar(found, mark), settings, place, source, path, base)
        raise error("E-OP", f"a block was expected, got {found}", mark, "a block's name, `{name: {settings}}`, or a list of steps")

    def _expand_held(
        self, node: Node, env: LexicalScope, settings: Settings, source: StepValue, path: str, base: str, mark: Mark
    ) -> StepValue:
        """Expand a flow, or the name or condition of one, that a value holds."""
        if isinstance(node, Scalar) or is_value(node):
            return self.expand_callable(node, env, settings, source, path, base, mark)
        siblings = {k: v for k, v in settings.items() if not env.has(k)}
        inner_env = LexicalScope(env, {k: Thunk(n, ArgumentScope(e, settings, k)) for k, (n, e) in siblings.items()})
        return self.expand_flow(node, Frame(inner_env, {"input": source}, self.unique_name(path, base)), source)

    def _operation(self, what: Scalar, settings: Settings, place: LexicalScope, source: StepValue, path: str, base: str) -> StepValue:
        nodes = {key: node for key, (node, _) in settings.items()}
        if what.text in MERGES:
            raise error("E-OP", f"{what.text} merges named values and is not a block", what.mark, f"write `- {what.text}: a, b`")
        allowed = syntax.list_settings(what.text)
        bad = [syntax.unknown_key_mistake(k, n.key, allowed, what.text) for k, n in nodes.items() if k not in allowed]
        if bad:
            raise BlockspaceError(*bad)
        step = OpStep(what.text, what.mark, None, None, nodes)
        step.name = base
        return expand_operation(self, step, Frame(place, {"input": source}, path), source)


def refuse_part_list(step: FlowStep) -> None:
    """Raise E-REF when a step that takes one value follows a split without `merge:`."""
    if isinstance(step, (SplitStep, BlockStep)) or (isinstance(step, OpStep) and step.word not in MERGES):
        help = "give the split a `merge:`, or name it (`as: x`) and take a part (`from: x[1]`)"
        raise error("E-REF", f"{step.word} takes one value, and the split before it gives a list of parts", step.mark, help)


def merge_settings(own: Settings, beside: Settings, block: str) -> Settings:
    """Return the settings inside and beside a block. Raises E-KEY for one given in both places."""
    both = [key for key in own if key in beside]
    if both:
        message = "{!r} is given both inside {!r} and next to it"
        mistakes = (Mistake("E-KEY", message.format(key, block), own[key][0].mark, "keep one") for key in both)
        raise BlockspaceError(*mistakes)
    return own | beside


def suggest_legal_value(context: ExpansionContext, unit: BlockUnit, env: UnitScope) -> str | None:
    """Return the nearest values of one integer param that make all rules hold, as a next step; None where none is found.

    At most `MAX_TRIES` values are tried in an expansion: around the given one and, far from small numbers, up to the latter.
    """
    for name in unit.params:
        current = env.table.get(name)
        if isinstance(current, bool) or not isinstance(current, int):
            continue
        nearby = (range(current - 1, max(0, current - NEAR), -1), range(min(current - NEAR, NEAR), 0, -1))
        ways = (chain(*nearby), range(current + 1, current + NEAR))
        below, above = (find_legal_value(context, unit, env, name, values) for values in ways)
        if below or above:
            return f"nearest legal {name}: {', '.join(map(str, filter(None, (below, above))))}"
    return None


def find_legal_value(context: ExpansionContext, unit: BlockUnit, env: UnitScope, name: str, values: Iterable[int]) -> int | None:
    """Return the first of the values for a param that makes all rules hold; None where none does, or after too many tries."""
    for value in values:
        context.tries += 1
        if context.tries > MAX_TRIES:
            return None
        if _satisfies(unit, env, name, value):
            return value
    return None


def _satisfies(unit: BlockUnit, env: UnitScope, name: str, trial: int) -> bool:
    twin = UnitScope(unit, env.caller, env.outer, env.context)
    twin.table = {key: env.table[key] for key in unit.params} | {name: trial, "in_channels": env.table["in_channels"]}
    twin.table |= {key: Thunk(node, twin) for key, node in unit.lets.items()}
    try:
        return all(evaluate_condition(rule, twin) for rule in unit.requires)
    except (BlockspaceError, InvalidRead):
        return False


EXPAND: dict[type[FlowStep], Callable[..., StepValue]] = {
    LoopStep: expand_loop, BlockStep: expand_block, IfStep: expand_condition, OpStep: expand_operation, SplitStep: expand_split,
}
