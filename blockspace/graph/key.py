"""The structural hash of a graph: of its operations and connections only.

Each node gets a colour from its op, its inputs and its readers, swept down and up until the colours tell apart what can be told apart
(Weisfeiler and Leman); inputs of merges that commute count as a set. Where that leaves a choice on which others depend, as between two
branches alike that are read twice, one is marked and the colours are found anew. The graph is then written out from the output in the order
the colours give, and that text is hashed: equal hashes mean equal text, so two different graphs never share one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING

from blockspace.ops import Op

if TYPE_CHECKING:
    from blockspace.graph.graph import Graph, Node

VERSION = "v3"  # v3: choices among branches alike agree; v2: of the form with every rule applied; v1: of the form without copies
ROUNDS = 2
WORD = (1 << 64) - 1
SPREAD = 0xD1B54A32D192ED03  # slots differ in all bits: of small numbers, sums over two readers with their slots exchanged would be equal


def structural_key(graph: Graph) -> str:
    """Return `v3:` and 32 hex digits; names, marks and values that only pass through do not count."""
    return f"{VERSION}:{hash_text(serialize_structure(graph)[0])}"


def hash_text(text: str) -> str:
    """Return the 128-bit BLAKE2b hash of a text as 32 hex digits."""
    return blake2b(text.encode(), digest_size=16).hexdigest()


@lru_cache(maxsize=16384)
def describe_op(op: Op) -> tuple[str, int, bool, bool]:
    """Return an op as text, as a number, whether the order of its inputs is free, and whether it passes its one input through."""
    text = repr(op)
    number = int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")
    return text, number, op.commutes, op.kind not in ("input", "merge") and op.call() is None


def mix_bits(a: int, b: int) -> int:
    """Return two numbers of 64 bits as one that depends on their order; the same on every machine."""
    a = (a * 0x9E3779B97F4A7C15 + b) & WORD
    return ((a ^ (a >> 29)) * 0xBF58476D1CE4E5B9 + 0x632BE59BD9B4E019) & WORD


def strip_passthrough(nodes: Iterable[Node], output: str) -> tuple[dict[str, tuple[str, ...]], dict[str, Op], str]:
    """Return inputs and ops by name without the nodes that pass a value through, and the output. `nodes` come after what they read."""
    stands_for: dict[str, str] = {}
    inputs: dict[str, tuple[str, ...]] = {}
    ops: dict[str, Op] = {}
    for node in nodes:
        sources = tuple([stands_for.get(s, s) for s in node.inputs]) if stands_for else node.inputs
        if describe_op(node.op)[3]:
            stands_for[node.name] = sources[0]
        else:
            inputs[node.name], ops[node.name] = sources, node.op
    return inputs, ops, stands_for.get(output, output)


def refine_colours(inputs: dict[str, tuple[str, ...]], ops: dict[str, Op], output: str) -> dict[str, int]:
    """Return a number per node that depends on everything above and below it, not on names; nodes of one colour can be exchanged freely.

    This is 1-dimensional Weisfeiler-Leman refinement; where it is too weak, nodes are individualised one after the other.
    """
    marked: list[str] = []
    while True:
        colours = sweep_colours(inputs, ops, output, marked)
        if len(set(colours.values())) == len(colours) or (entangled := find_entangled(colours, inputs, ops)) is None:
            return colours
        marked.append(entangled)


def sweep_colours(inputs: dict[str, tuple[str, ...]], ops: dict[str, Op], output: str, marked: Sequence[str]) -> dict[str, int]:
    """Return the colours after `ROUNDS` sweeps down and up; the output and each marked node start with a colour of their own."""
    known = {name: describe_op(op) for name, op in ops.items()}
    colours = {name: trait[1] for name, trait in known.items()}
    for number, name in enumerate((output, *marked)):
        colours[name] = mix_bits(colours[name], 1 + number)
    for _ in range(ROUNDS):
        for name, sources in inputs.items():  # downwards: inputs come first in this order
            value = colours[name]
            if known[name][2]:
                value = mix_bits(value, sum([mix_bits(colours[s], 7) for s in sources]) & WORD)
            else:
                for source in sources:
                    value = mix_bits(value, colours[source])
            colours[name] = value
        above = dict.fromkeys(inputs, 0)
        for name in reversed(inputs):  # upwards: readers first
            value = colours[name] = mix_bits(colours[name], above[name])
            free = known[name][2]
            for slot, source in enumerate(inputs[name]):
                above[source] = (above[source] + mix_bits(value, SPREAD if free else SPREAD * (2 + slot))) & WORD
    return colours


def find_entangled(colours: dict[str, int], inputs: dict[str, tuple[str, ...]], ops: dict[str, Op]) -> str | None:
    """Return a node that shares its colour with nodes computed from other values, of the lowest such colour; None when there is none.

    To choose among such nodes is to choose among the other readers of these values. Nodes computed from the same values are exchanged as a
    whole, together with all that is read for them alone.
    """
    groups: dict[int, list[str]] = {}
    for name in reversed(inputs):  # readers first
        groups.setdefault(colours[name], []).append(name)
    uses = Counter(source for sources in inputs.values() for source in sources)
    whole: set[str] = set()  # nodes that are exchanged with one that reads them
    open: list[tuple[int, str]] = []
    for colour, group in groups.items():
        if len(group) > 1 and not whole.issuperset(group):
            subgraphs = [collect_exclusive_inputs(name, inputs, uses) for name in group]
            if len({describe_subgraph(inside, colours, inputs, ops) for inside in subgraphs}) == 1:
                whole.update(*subgraphs)
            else:
                open.append((colour, group[0]))
    return min(open)[1] if open else None


def collect_exclusive_inputs(name: str, inputs: dict[str, tuple[str, ...]], uses: Counter[str]) -> set[str]:
    """Return a node, and all that is read for it alone."""
    inside, left, times = {name}, [name], Counter[str]()
    while left:
        for source in inputs[left.pop()]:
            times[source] += 1
            if times[source] == uses[source]:
                inside.add(source)
                left.append(source)
    return inside


def describe_subgraph(
    inside: set[str], colours: dict[str, int], inputs: dict[str, tuple[str, ...]], ops: dict[str, Op]
) -> tuple[tuple[int | str, ...], ...]:
    """Return nodes and what they read, in a canonical order: each other by colour, other values by name."""
    rows: list[tuple[int | str, ...]] = []
    for name in inside:
        parts = [str(colours[source]) if source in inside else source for source in inputs[name]]
        rows.append((colours[name], *(sorted(parts) if ops[name].commutes else parts)))
    return tuple(sorted(rows))


def serialize_structure(graph: Graph) -> tuple[str, list[str]]:
    """Return the graph as text, numbered from the output in an order that does not depend on names; and the nodes by number."""
    live = graph.live()
    inputs, ops, output = strip_passthrough((node for node in graph if node.name in live), graph.output)
    rank = refine_colours(inputs, ops, output)
    number: dict[str, int] = {}
    lines: list[str] = []
    stack = [(output, False)]
    while stack:
        name, done = stack.pop()
        text, _, free, _ = describe_op(ops[name])
        if done:
            row = [number[s] for s in inputs[name]]
            lines.append(f"{number[name]}={text}{sorted(row) if free else row}")
        elif name not in number:
            number[name] = len(number)
            stack.append((name, True))
            sources: Sequence[str] = inputs[name]
            if free:  # equal colours: what is numbered already comes first
                sources = sorted(sources, key=lambda s: (rank[s], number.get(s, WORD)))
            stack.extend((source, False) for source in reversed(sources))
    return "\n".join(lines), list(number)


def is_passthrough(op: Op) -> bool:
    """Return whether the op passes its one input through as it is: an identity, the copy of a split."""
    return describe_op(op)[3]
