"""Equal operations on neighbouring parts of a value can be done before the split."""

from __future__ import annotations

from blockspace.graph import Graph, Node
from blockspace.ops import OPS, Add, BatchNorm, Conv, Op, Part
from blockspace.passes.channelwise import merge_channelwise, op_per_channel
from blockspace.passes.match import Match
from blockspace.passes.mutable_graph import MutableGraph, has_op
from blockspace.passes.rule import WIDEN, rule


def example() -> Graph:
    """Return a graph on which the rule fires: two of three parts are alike."""
    graph = Graph((4, 5, 5))
    graph.add(Conv(4, 9, (1, 1)), "input", name="conv")
    for i, act in enumerate(("relu", "tanh", "tanh")):
        graph.add(Part(3 * i, 3 * i + 3), "conv", name=f"p{i}.part")
        graph.add(BatchNorm(3, momentum=0.2 if i else 0.1), f"p{i}.part", name=f"p{i}.norm")
        graph.add(OPS[act](), f"p{i}.norm", name=f"p{i}.act")
        graph.add(Conv(3, 2, (1, 1 + 2 * i), padding=(0, i)), f"p{i}.act", name=f"p{i}.conv")
    graph.add(Add(), *(f"p{i}.conv" for i in range(3)), name="add")
    return graph


@rule("f(x[a:b]), f(x[b:c]) = y[a:b], y[b:c]   with y[a:c] = f(x[a:c]), for channelwise f", at=Op, rank=WIDEN, example=example)
def channelwise_parts(graph: MutableGraph, node: Node) -> Match | str:
    """One wide norm or activation instead of k. Looks at a value; its parts are those that are read once, by f."""
    row = longest_row(graph, node)
    if len(row) < 2:
        return "no two neighbouring parts of it are read by one and the same channelwise operation alone"
    match = Match(graph)
    parts, readers = [part for part, _ in row], [reader for _, reader in row]
    start, stop = parts[0].op.start, parts[-1].op.stop
    whole = (start, stop) == (0, node.shape[0])
    value = node.name if whole else match.add(Part(start, stop), node.name, of=parts, last="part")
    done = merge_channelwise(match, readers, value)
    for part, reader in row:
        match.put(reader, match.add(Part(part.op.start - start, part.op.stop - start), done, of=[reader], last="part"))
    return match


def longest_row(graph: MutableGraph, node: Node) -> list[tuple[Node[Part], Node]]:
    """Return the longest row of neighbouring parts whose one reader is of one kind, each with that reader; the first of several."""
    ready = [
        (part, reader, one)
        for part in graph.readers_of(node)
        if has_op(part, Part) and (reader := graph.reader(part)) and (one := op_per_channel(reader.op))
    ]
    rows: list[list[tuple[Node[Part], Node, Op]]] = []
    for part, reader, one in sorted(ready, key=lambda found: (found[0].op.start, found[0].op.stop)):
        last = rows[-1][-1] if rows else None
        if last and last[0].op.stop == part.op.start and last[2] == one:
            rows[-1].append((part, reader, one))
        else:
            rows.append([(part, reader, one)])
    return [(part, reader) for part, reader, _ in max(rows, key=len, default=[])]
