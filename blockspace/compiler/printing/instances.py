"""The graph as a tree of block instances: what becomes a class, and what each of them does in order.

A scope becomes an instance when it reads one value, gives one value and holds a layer; others are dissolved into the block around them.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field, replace

from blockspace.graph import Graph, Plan, Step
from blockspace.ops import Call


@dataclass(frozen=True)
class BlockItem:
    """One thing a block does: a layer or function (`call`), an inner block (`inner`), or neither: layers in a row, called as one.

    `name` is relative to the block; `inputs` and `value` are values of the whole graph.
    """

    name: str
    inputs: tuple[str, ...]
    value: str
    call: Call | None = None
    inner: BlockInstance | None = None

    @property
    def is_module(self) -> bool:
        """Return whether it is called as an attribute of the block, rather than as a function."""
        return self.call is None or self.call.is_layer

    @property
    def is_attribute(self) -> bool:
        """Return whether the block has an attribute for it: what it calls, or the weights of a function."""
        return self.call is None or self.call.is_attribute


@dataclass(eq=False)
class BlockInstance:
    """One use of a block: `path` is its place (`stage1.block2`), empty for the network itself."""

    path: str
    block: str
    input: str
    output: str
    in_channels: int
    out_channels: int
    items: list[BlockItem] = field(default_factory=list)
    _numbers: dict[str, int] = field(default_factory=dict, repr=False)  # of the items' values, as long as there are no more

    @property
    def height(self) -> int:
        """Return 0 without inner blocks, else one more than the highest of them."""
        return max((item.inner.height + 1 for item in self.items if item.inner), default=0)

    def all(self) -> list[BlockInstance]:
        """Return all instances below this one and itself, inner ones first."""
        return [found for item in self.items if item.inner for found in item.inner.all()] + [self]

    def number(self, value: str) -> int:
        """Return a value as its position: -1 for the input, else the item that makes it."""
        if value == self.input:
            return -1
        if len(self._numbers) != len(self.items):
            self._numbers = {item.value: at for at, item in enumerate(self.items)}
        return self._numbers[value]


def find_instances(graph: Graph, plan: Plan) -> BlockInstance:
    """Return the network as an instance that holds all others."""
    members = {path: steps for path, steps in steps_by_scope(graph, plan).items() if any(step.call.is_attribute for step in steps)}
    ends = {path: found for path, steps in members.items() if (found := find_border(path, steps, plan))}

    def instance(path: str, block: str, source: str, output: str) -> BlockInstance:
        return BlockInstance(path, block, source, output, graph[source].shape[0], graph[output].shape[0])

    root = instance("", graph.name, "input", plan.output)
    made = {"": root}
    for step in plan.steps:
        holder = root
        for path in enclosing_scopes(step.name, ends):
            if path not in made:
                made[path] = instance(path, graph.scopes[path].block, *ends[path])
                holder.items.append(BlockItem(relative_name(path, holder.path), (ends[path][0],), ends[path][1], inner=made[path]))
            holder = made[path]
        holder.items.append(BlockItem(relative_name(step.name, holder.path), step.inputs, step.name, step.call))
    return root


def steps_by_scope(graph: Graph, plan: Plan) -> dict[str, list[Step]]:
    """Return for each scope the steps inside it."""
    members: dict[str, list[Step]] = {}
    for step in plan.steps:
        for path in enclosing_scopes(step.name, graph.scopes):
            members.setdefault(path, []).append(step)
    return members


def enclosing_scopes(name: str, paths: Container[str]) -> list[str]:
    """Return those of `paths` that hold the node, outermost first."""
    return [name[:i] for i, letter in enumerate(name) if letter == "." and name[:i] in paths]


def relative_name(name: str, path: str) -> str:
    """Return a dotted name without the path it lies under."""
    return name[len(path) + 1 :] if path else name


def find_border(path: str, steps: list[Step], plan: Plan) -> tuple[str, str] | None:
    """Return the one value a scope reads and the one it gives; None when there are more."""
    inside = {step.name for step in steps}
    read = {source for step in steps for source in step.inputs} - inside
    given = {source for step in plan.steps if step.name not in inside for source in step.inputs if source in inside}
    given |= inside & {plan.output}
    return (read.pop(), given.pop()) if len(read) == 1 and len(given) == 1 else None


def fold_rows(instance: BlockInstance, whole: BlockInstance | None = None) -> list[BlockItem]:
    """Return the instance's items, each container whose layers run in a row as one item: `self.conv1(x)` for all of conv1.

    `whole` is what the instance is a part of: a container that has layers in other parts is none of these.
    """
    modules = [item for item in (whole or instance).items if item.is_attribute]
    here = {item.value for item in instance.items}
    uses = count_reads(instance.items, instance.output)
    first: dict[str, int] = {}
    inside: dict[str, list[BlockItem]] = {}
    for index, item in enumerate(modules):
        for path in name_prefixes(item.name):
            first.setdefault(path, index)
            inside.setdefault(path, []).append(item)
    rows: dict[str, list[BlockItem]] = {}
    for path in sorted(inside, key=lambda p: p.count(".")):
        beyond = any(item.value not in here for item in inside[path]) or any(path.startswith(f"{taken}.") for taken in rows)
        if not beyond and is_row(inside[path], uses, first):
            rows[path] = inside[path]
    heads = {items[0].value: BlockItem(path, items[0].inputs, items[-1].value) for path, items in rows.items()}
    gone = {item.value for items in rows.values() for item in items}
    return [heads.get(item.value, item) for item in instance.items if item.value in heads or item.value not in gone]


def name_prefixes(name: str) -> list[str]:
    """Return the prefixes of a dotted name: a.b.c -> a, a.b"""
    return [name[:i] for i, letter in enumerate(name) if letter == "."]


def count_reads(items: list[BlockItem], output: str) -> dict[str, int]:
    """Return how often each value is read, being the output counted too."""
    uses = {output: 1}
    for item in items:
        for source in item.inputs:
            uses[source] = uses.get(source, 0) + 1
    return uses


def is_row(items: list[BlockItem], uses: dict[str, int], first: dict[str, int]) -> bool:
    """Return whether each is called, reads just the one before it, nobody else does, and they stand in the container in that order."""
    called = all(item.is_module for item in items) and len(items[0].inputs) == 1
    chained = all(b.inputs == (a.value,) and uses[a.value] == 1 for a, b in zip(items, items[1:]))
    order = sorted(range(len(items)), key=lambda i: [first[path] for path in name_prefixes(items[i].name)])
    return called and chained and order == list(range(len(items)))


def replace_calls(instance: BlockInstance, calls: list[Call | None]) -> None:
    """Replace the calls of the instance's items."""
    instance.items = [replace(item, call=call) for item, call in zip(instance.items, calls)]
