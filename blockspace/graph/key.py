"""The canonical key of a graph: a hash of its structure only.

Each node gets a colour from its op, its inputs and its readers, refined until the colours tell apart what can be told apart
(Weisfeiler and Leman); inputs of merges that commute count as a set. The graph is then written out from the output in the order the colours
give, and that text is hashed: equal keys mean equal text, so two different graphs never share one.
"""

from __future__ import annotations

from hashlib import blake2b

VERSION = "v1"
ROUNDS = 2


def key(graph) -> str:
    """`v1:` and 32 hex digits; names, marks and values that only pass through do not count."""
    inputs, ops, output = skeleton(graph)
    colours = refine(inputs, ops, output)
    return f"{VERSION}:{digest(written(inputs, ops, output, colours))}"


def digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=16).hexdigest()


def skeleton(graph):
    """The graph without pass-through nodes: inputs by name, op texts by name, whether the order of inputs is free, and the output."""
    stands_for: dict[str, str] = {}
    inputs: dict[str, list[str]] = {}
    ops: dict[str, tuple[str, bool]] = {}
    live = graph.live()
    for node in graph:
        if node.name not in live:
            continue
        sources = [stands_for.get(s, s) for s in node.inputs]
        if node.call is None and node.kind != "input":
            stands_for[node.name] = sources[0]
        else:
            inputs[node.name] = sources
            ops[node.name] = (repr(node.op), node.op.commutes)
    return inputs, ops, stands_for.get(graph.output, graph.output)


def refine(inputs, ops, output) -> dict[str, str]:
    """A colour per node that depends on everything above and below it, not on names."""
    readers: dict[str, list[tuple[str, int]]] = {name: [] for name in inputs}
    for name, sources in inputs.items():
        for slot, source in enumerate(sources):
            readers[source].append((name, 0 if ops[name][1] else slot))
    colours = {name: "" for name in inputs}
    for _ in range(ROUNDS):
        for name, sources in inputs.items():  # downwards: inputs come first in this order
            below = [colours[s] for s in sources]
            colours[name] = digest("|".join([ops[name][0], colours[name], *(sorted(below) if ops[name][1] else below)]))
        for name in reversed(inputs):  # upwards: readers first
            above = sorted(f"{slot}:{colours[reader]}" for reader, slot in readers[name])
            colours[name] = digest("|".join([colours[name], str(name == output), *above]))
    return colours


def written(inputs, ops, output, colours) -> str:
    """The graph as text, numbered from the output in an order that does not depend on names."""
    number: dict[str, int] = {}
    lines: list[str] = []

    stack = [(output, False)]
    while stack:
        name, done = stack.pop()
        if done:
            row = [number[s] for s in inputs[name]]
            lines.append(f"{number[name]}={ops[name][0]}{sorted(row) if ops[name][1] else row}")
        elif name not in number:
            number[name] = len(number)
            stack.append((name, True))
            ordered = sorted(inputs[name], key=colours.__getitem__) if ops[name][1] else inputs[name]
            stack.extend((source, False) for source in reversed(ordered))
    return "\n".join(lines)
