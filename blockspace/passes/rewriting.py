"""Running rules: a column of them over a graph until none applies, each step checked against what its rule promises, and recorded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from blockspace.errors import BlockspaceError, error
from blockspace.graph import Graph, Node
from blockspace.ops import Shape, format_shape
from blockspace.passes.match import Match
from blockspace.passes.mutable_graph import MutableGraph
from blockspace.passes.rule import Rule, pipeline_rules
from blockspace.passes.weight_map import WeightExpr, WeightMap

DEPTH = 5  # how far from a change rules may have something new to see


@dataclass(frozen=True)
class RewriteStep:
    """One application of a rule: the node it looked at, what went, what came."""

    rule: Rule
    at: str
    gone: tuple[Node, ...]
    added: tuple[Node, ...]
    weights: dict[str, WeightExpr] = field(repr=False)

    @property
    def saves(self) -> dict[str, int]:
        """Return by how much the step reduces macs, params, nodes and launches."""
        before, after = count_totals(self.gone), count_totals(self.added)
        return {name: before[name] - after[name] for name in before}


def count_totals(nodes: Iterable[Node]) -> dict[str, int]:
    """Return macs at batch 1, params, nodes, and launches: calls that compute something, views not counted."""
    nodes = list(nodes)
    return {
        "macs": sum(n.op.macs(n.shape) for n in nodes),
        "params": sum(n.op.params() for n in nodes),
        "nodes": len(nodes),
        "launches": sum(map(count_launches, nodes)),
    }


def count_launches(node: Node) -> int:
    """Return how many torch calls that compute something a node makes."""
    if node.op.view or node.kind == "input" or node.call is None:
        return 0
    return len(node.op.results([node.shape] * len(node.inputs), node.shape))


@dataclass(frozen=True)
class Rewriting:
    """A graph, what it became, and the steps between."""

    before: Graph
    after: Graph
    steps: tuple[RewriteStep, ...]

    @cached_property
    def weights(self) -> WeightMap:
        """Return every tensor of `after` as an expression over those of `before`."""
        found = WeightMap()
        for step in self.steps:
            if step.weights:
                found = found.then(WeightMap(step.weights))
        return found.only(tensor_shapes(self.after))

    @property
    def saves(self) -> dict[str, int]:
        """Return by how much all steps together reduce macs, params, nodes and launches."""
        before, after = count_totals(self.before), count_totals(self.after)
        return {name: before[name] - after[name] for name in before}


def tensor_shapes(graph: Graph) -> dict[str, Shape]:
    """Return the shapes of a graph's parameters and buffers by their state_dict names."""
    return {f"{node.name}.{key}": size for node in graph for key, size in node.op.tensors().items()}


def rewrite(graph: Graph, pipeline: str = "canonical", rules: Iterable[Rule] | None = None) -> Rewriting:
    """Run the rules of a pipeline, or `rules`, until none applies; `graph` stays as it is.

    Raises BlockspaceError (E-RULE) naming the rule that broke a promise, the node, and the difference.
    """
    found = pipeline_rules(pipeline) if rules is None else pipeline_rules(pipeline, rules)
    try:
        return run_rules(graph, found, pipeline)
    except UnsoundRewrite:
        return run_rules(graph, found, pipeline, checked=True)  # once more, looking at the whole graph after every step


class UnsoundRewrite(Exception):
    """The rewritten graph does not hold together; which step did it is found by checking each."""


def run_rules(graph: Graph, rules: Sequence[Rule], pipeline: str, checked: bool = False) -> Rewriting:
    """Return the same, with the whole graph verified after every step, or once at the end."""
    draft = MutableGraph(graph)
    waiting = RuleQueue(rules, draft)
    steps: list[RewriteStep] = []
    limit = 100 + 20 * len(graph)
    while (found := waiting.next()) is not None:
        rule, node = found
        step, touched = apply_rule(draft, rule, node)
        if step is None:
            continue
        steps.append(step)
        waiting.look_at(touched)
        if checked:
            verify_step(draft, rule, node)
        if len(steps) > limit:
            last = ", ".join(sorted({s.rule.name for s in steps[-9:]}))
            raise error("E-RULE", f"{graph.name}: the rules do not terminate, alternating between: {last}")
    try:
        after = draft.graph().verify()
    except BlockspaceError as reason:
        raise reason if checked or not steps else UnsoundRewrite from None
    after.form, after.written = pipeline, graph
    return Rewriting(graph, after, tuple(steps))


def verify_step(draft: MutableGraph, rule: Rule, node: Node) -> None:
    """Verify the whole graph. Raises BlockspaceError (E-RULE) naming the rule."""
    try:
        draft.graph().verify()
    except BlockspaceError as reason:
        raise broken_promise(rule, node, str(reason)) from None


class RuleQueue:
    """The nodes that each rule has not yet examined. A rule runs until it finds nothing; after a change the column starts at its top."""

    def __init__(self, rules: Sequence[Rule], draft: MutableGraph):
        self.rules, self.draft = rules, draft
        self.queues: list[dict[str, None]] = [{} for _ in rules]
        self.at: dict[type, list[int]] = {}
        self.current, self.changed = 0, False
        for node in draft.nodes.values():
            self.put(node)

    def put(self, node: Node) -> None:
        """Let every rule that looks at such ops look at this node."""
        kind = type(node.op)
        if kind not in self.at:
            self.at[kind] = [i for i, rule in enumerate(self.rules) if issubclass(kind, rule.at)]
        for i in self.at[kind]:
            self.queues[i][node.name] = None

    def look_at(self, names: Iterable[str]) -> None:
        """Let the rules look again at nodes that changed, and at what is a few steps below or above."""
        self.changed = True
        nodes, readers = self.draft.nodes, self.draft.readers
        start = {name for name in names if name in nodes}
        seen = set(start)
        for near in (readers.__getitem__, lambda name: nodes[name].inputs):
            level = start
            for _ in range(DEPTH):
                level = {other for name in level for other in near(name)} - seen
                seen |= level
        for name in sorted(seen, key=self.draft.place.__getitem__):
            self.put(nodes[name])

    def next(self) -> tuple[Rule, Node] | None:
        """Return the next rule and node; None when nothing waits."""
        while self.current < len(self.rules):
            queue = self.queues[self.current]
            while queue:
                name = next(iter(queue))
                del queue[name]
                node = self.draft.nodes.get(name)
                if node is not None and isinstance(node.op, self.rules[self.current].at):
                    return self.rules[self.current], node
            if self.changed:
                self.draft.found = None  # the next rule finds another graph
            self.current = 0 if self.changed else self.current + 1
            self.changed = False
        return None


def apply_rule(draft: MutableGraph, rule: Rule, node: Node) -> tuple[RewriteStep | None, set[str]]:
    """Apply a rule at a node if it matches: the step, and the nodes that have something new to see."""
    wanted = match_rule(draft, rule, node)
    if isinstance(wanted, str):
        return None, set()
    check_match(draft, rule, node, wanted)
    place = (*draft.place[node.name], len(draft.nodes))
    same = {name: draft.nodes[name] for name in wanted.nodes if name in draft.nodes}
    touched = set(wanted.nodes)
    for number, new in enumerate(wanted.nodes.values()):
        draft.add(new, (*place, number))
        touched.update(new.inputs)
    for old, value in wanted.values.items():
        if old != value:
            touched.update(draft.redirect(old, value, but=wanted.nodes))
    orphans = [*wanted.dropped, *(old for old in wanted.values if old not in same), *(s for old in same.values() for s in old.inputs)]
    gone = draft.drop(orphans)
    touched.update(source for old in gone for source in old.inputs if source in draft.nodes)
    step = RewriteStep(rule, node.name, (*gone, *same.values()), tuple(wanted.nodes.values()), wanted.weights)
    before, after = count_totals(step.gone)["macs"], count_totals(step.added)["macs"]
    if after > before and not rule.costlier:
        raise broken_promise(rule, node, f"{after:,} macs in place of {before:,}")
    return step, touched


def match_rule(draft: MutableGraph, rule: Rule, node: Node) -> Match | str:
    """Return the rule's match at a node, or why it does not apply. Raises BlockspaceError (E-RULE) for what the rule itself raises."""
    try:
        wanted = rule.match(draft, node)
    except BlockspaceError as reason:
        raise broken_promise(rule, node, str(reason)) from reason
    except Exception as reason:
        raise broken_promise(rule, node, f"it raised {type(reason).__name__}: {reason}") from reason
    if not isinstance(wanted, str) and not rule.crosses and len(wanted.blocks) > 1:
        return f"would cross the border of {' and '.join(sorted(block or 'the network' for block in wanted.blocks))}"
    return wanted


def check_match(draft: MutableGraph, rule: Rule, node: Node, wanted: Match) -> None:
    """Check, before anything changes, the shapes of the values and that each tensor of a new node gets one of its shape."""
    for old, new in wanted.values.items():
        if draft[old].shape != wanted.shape(new):
            raise broken_promise(rule, draft[old], f"{format_shape(wanted.shape(new))} in place of {format_shape(draft[old].shape)}")
    needed = {f"{name}.{key}": size for name, new in wanted.nodes.items() for key, size in new.op.tensors().items()}
    for name in sorted(needed.keys() | wanted.weights.keys()):
        expr = wanted.weights.get(name)
        if name not in needed:
            raise broken_promise(rule, node, f"its weight map names {name}, which does not exist")
        if expr is None or expr.shape != needed[name]:
            given = "nothing" if expr is None else format_shape(expr.shape)
            holds = format_shape(needed[name]) or "a number"
            raise broken_promise(rule, node, f"its weight map gives {given} for {name}, which holds {holds}")


def broken_promise(rule: Rule, node: Node, difference: str) -> BlockspaceError:
    """Return the error (E-RULE) for a rule that does not keep what it promises."""
    text = f"the rule {rule.name} breaks its promise at {node.name}: {difference}"
    return error("E-RULE", text, node.mark, "the graph was not changed; correct the rule or leave it out")
