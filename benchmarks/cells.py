"""How many of the 15,625 cells of NAS-Bench-201 are different functions: by canonical key, beside the 6,466 classes that were published.

    python benchmarks/cells.py

Every cell is the library's (`nasbench201`), cut out of the network. The published classes are those of the benchmark's own code: operations
are written out from node to node, `skip` left out, what comes along `none` as a zero (github.com/D-X-Y/AutoDL-Projects,
`CellStructure.to_unique_str`). A rule explains a merge of such classes when the keys are different without it.

That text also takes for one what is two: a norm that sees zeros alone still adds its learned shift; and a value read twice is written as
two values are, though these have weights of their own. There the keys are different, and so are the functions.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import product

from blockspace import Graph, canonical, cost, load
from blockspace.graph import Node
from blockspace.ops import OPS, BatchNorm, Conv, Zero
from blockspace.passes import Rule, pipeline_rules, rewrite

EDGES = ("e21", "e31", "e32", "e41", "e42", "e43")  # eIJ leads from node J to node I
OPERATIONS = ("none", "skip", "nor1x1", "nor3x3", "avg3x3")
PUBLISHED = 6466
Relu = OPS["relu"]
Cell = tuple[str, ...]  # an operation for each edge
NETWORK = load("nasbench201", n=1, c=4)


def cells() -> Iterator[Cell]:
    return product(OPERATIONS, repeat=len(EDGES))


def graph(cell: Cell) -> Graph:
    """The first cell of the network, its input `(4, 8, 8)`."""
    whole = NETWORK.graph((3, 8, 8), values=dict(zip(EDGES, cell)))
    scope = next(scope for scope in whole.scopes.values() if scope.block == "cell")
    made = Graph(whole[scope.input].shape, "cell")
    names = {scope.input: "input"}
    for node in whole:
        if node.name.startswith(f"{scope.path}."):
            name = node.name.removeprefix(f"{scope.path}.")
            names[node.name] = made.add(node.op, *(names[source] for source in node.inputs), name=name).name
    return made


def published(cell: Cell) -> str:
    """The class of a cell as the benchmark's code writes it."""
    nodes = ["0"]
    edges = iter(cell)
    for number in range(1, 4):
        nodes.append("+".join(sorted(along(next(edges), nodes[source]) for source in range(number))))
    return nodes[-1]


def along(operation: str, value: str) -> str:
    """What an edge makes of a node's text."""
    if operation == "none" or value == "#":
        return "#"
    return value if operation == "skip" else f"({value})@{operation}"


def keyed(wanted: Iterable[Cell]) -> dict[str, dict[str, Cell]]:
    """Under each canonical key the published classes that have it, with a cell of each."""
    found: dict[str, dict[str, Cell]] = defaultdict(dict)
    for cell in wanted:
        found[graph(cell).key()].setdefault(published(cell), cell)
    return found


def shifted(cell: Cell) -> bool:
    """Whether a norm sees nothing but zeros: its learned shift is left, which the published classes take for zero too."""
    form = canonical(graph(cell))
    return any(isinstance(node.op, BatchNorm) and isinstance(form[node.inputs[0]].op, (Zero, Conv)) and zero(form, node) for node in form)


def zero(form: Graph, node: Node) -> bool:
    """Whether a norm, or the convolution before it, reads zeros."""
    while node.inputs and not isinstance(node.op, Zero):
        node = form[node.inputs[0]] if isinstance(node.op, (BatchNorm, Conv, Relu)) else form.input
    return isinstance(node.op, Zero)


def explained(groups: Iterable[list[Cell]]) -> Counter:
    """For every rule how many groups of cells fall apart without it; `nothing but names` where none does."""
    count: Counter = Counter()
    for group in groups:
        graphs = [graph(cell) for cell in group]
        used = {step.rule for one in graphs for step in rewrite(one).steps}
        needed = [rule.name for rule in used if apart(graphs, rule)]
        count.update(needed or ["several rules, each enough"])
    return count


def apart(graphs: list[Graph], rule: Rule) -> bool:
    """Whether the graphs have several keys without a rule."""
    rest = [other for other in pipeline_rules() if other is not rule]
    return len({rewrite(one, rules=rest).after.structure()[0] for one in graphs}) > 1


def main() -> None:
    keys = keyed(cells())
    classes = {text for group in keys.values() for text in group}
    print(f"{len(OPERATIONS) ** len(EDGES):,} cells: {len(classes):,} classes as published ({PUBLISHED:,}), {len(keys):,} canonical keys")
    merged = [list(group.values()) for group in keys.values() if len(group) > 1]
    print(f"{len(merged):,} keys hold several published classes; of these fall apart without the rule:")
    for name, number in explained(merged).most_common():
        print(f"    {name:28} {number:6,}")
    classes = split(keys)
    reasons = Counter(reason(found) for found in classes.values())
    print(f"{len(classes):,} published classes have several keys:")
    for name, number in reasons.most_common():
        print(f"    {name:28} {number:6,}")


def split(keys: dict[str, dict[str, Cell]]) -> dict[str, list[Cell]]:
    """The published classes with several keys, and a cell for each key."""
    found: dict[str, list[Cell]] = defaultdict(list)
    for group in keys.values():
        for text, cell in group.items():
            found[text].append(cell)
    return {text: cells for text, cells in found.items() if len(cells) > 1}


def reason(found: list[Cell]) -> str:
    """Why cells of one published class are different functions."""
    plain = [cell for cell in found if not shifted(cell)]
    if len({own(cell) for cell in plain}) < len(plain):
        return "for no reason known"
    return "a norm sees zeros alone" if len(plain) < len(found) else "one layer, or two alike"


def own(cell: Cell) -> int:
    """The parameters of a cell as it is computed."""
    return cost(canonical(graph(cell))).params


if __name__ == "__main__":
    main()
