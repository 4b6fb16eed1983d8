"""blockspace compare: two blocks or networks beside each other - costs, structure, stages, drawings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from blockspace.blocks import Block, Network
    from blockspace.costs import Cost
    from blockspace.graph import Graph

USAGE = "blockspace compare resnext resnet_bottleneck input=256x56x56 A.cardinality=8"


@dataclass(frozen=True)
class Side:
    """One of the two: its letter, what was typed, its settings, the template, the graph and what it costs."""

    letter: str
    target: str
    settings: dict[str, str]
    template: Block | Network
    graph: Graph
    cost: Cost

    def title(self) -> str:
        """`A  resnext cardinality=8 at 256x56x56`."""
        from blockspace.ops import show

        given = " ".join(f"{key}={value}" for key, value in self.settings.items())
        return f"{self.letter}  {' '.join(filter(None, (self.target, given)))} at {show(self.graph.input_shape)}"

    def as_dict(self) -> dict:
        """The JSON form."""
        from blockspace.graph import Structure

        return {
            "target": self.target,
            "settings": self.settings,
            "input": list(self.graph.input_shape),
            "output": list(self.graph.output_shape),
            "costs": self.cost.as_dict(),
            "structure": vars(Structure.of(self.graph)),
            "key": key(self.graph),
        }


def run(
    first: str | None = None, second: str | None = None, *texts: str, full: bool = False, as_json: bool = False, svg: str | None = None
) -> None:
    """Print two library names, YAML files or trials of a run (`runs/NAME#17`) beside each other.

    `key=value` holds for each of the two that has the param, `A.key=value` and `B.key=value` for one of them.
    """
    from blockspace.errors import error

    if first is None or second is None or "=" in second:
        raise error("E-FILE", "compare needs two blocks or networks", help=USAGE)
    a, b = sides(first, second, texts)
    if svg:
        written(a, b, svg, full)
        return
    if as_json:
        import json

        print(json.dumps({"A": a.as_dict(), "B": b.as_dict(), "ratio": ratios(a, b), "same": key(a.graph) == key(b.graph)}))
        return
    sections = [f"{a.title()}\n{b.title()}", costs(a, b), structure(a, b), verdict(a, b), by_stage(a, b), drawings(a, b, full)]
    print("\n\n".join(filter(None, sections)))


# -- the two -------------------------------------------------------------------------------------------------------------------------------


def sides(first: str, second: str, texts) -> tuple[Side, Side]:
    """Both, expanded. Blocks without an `input=` stand at the usual input of A, so that both read the same."""
    from blockspace.blocks import Block, load_unchecked
    from blockspace.cli.arguments import expanded, settings, usual_channels
    from blockspace.costs import cost

    paths = [located(first), located(second)]
    templates = [load_unchecked(path) for path in paths]
    given = shared_out(settings(texts), templates)
    blocks = [isinstance(template, Block) for template in templates]
    if all(blocks) and not any("input" in own for own in given):
        channels = usual_channels(templates[0](**given[0]))
        given = [own | {"input": f"{channels}x56x56"} for own in given]
    found = []
    for letter, target, path, own in zip("AB", (first, second), paths, given):
        template, graph = expanded(path, own)
        shown = {name: value for name, value in own.items() if name != "input"}
        found.append(Side(letter, target, shown, template, graph, cost(graph)))
    return found[0], found[1]


def located(target: str) -> str:
    """The file of a run's trial, or what was typed."""
    if "#" not in target:
        return target
    from blockspace.study import locate_network

    return locate_network(target)[0]


def shared_out(given: dict[str, str], templates) -> list[dict[str, str]]:
    """The settings of A and of B. Raises E-KEY for those that neither takes."""
    from blockspace.blocks import unknown_param_mistake
    from blockspace.errors import BlockspaceError

    found: list[dict[str, str]] = [{}, {}]
    params = [[*template.file.params, *["variant"] * bool(template.file.variants)] for template in templates]
    taken = [[*own, *template.holes.holes, *template.holes.unknowns] for own, template in zip(params, templates)]
    mistakes = []
    for text, value in given.items():
        letter, dot, name = text.partition(".")
        only = dot and letter in ("A", "B")
        takers = ["AB".index(letter)] if only else [i for i in (0, 1) if text == "input" or text in taken[i]]
        if not takers:
            a, b = (template.name for template in templates)
            whose = f"{a} has no" if a == b else f"neither {a} nor {b} has a"
            mistakes.append(unknown_param_mistake(whose, text, ["input", *params[0], *params[1]], [*taken[0], *taken[1]]))
        for i in takers:
            found[i][name if only else text] = value
    if mistakes:
        raise BlockspaceError(*mistakes)
    return found


# -- what differs --------------------------------------------------------------------------------------------------------------------------


def key(graph) -> str:
    """The key of the canonical graph: equal for equal networks."""
    from blockspace.passes import canonical

    return canonical(graph).key()


def ratios(a: Side, b: Side) -> dict[str, float | None]:
    """B's costs as multiples of A's; None where A's is 0."""
    theirs = b.cost.as_dict()
    return {name: theirs[name] / value if value else None for name, value in a.cost.as_dict().items()}


def times(a: int, b: int) -> str:
    """The ratio as text."""
    return "equal" if a == b else f"{b / a:.4g}" if a else "-"


def costs(a: Side, b: Side) -> str:
    """The table of costs."""
    from blockspace.costs import COSTS
    from blockspace.formatting import format_table

    def text(name: str, value: int) -> str:
        return COSTS[name].format_amount(value) if COSTS[name].symbol else f"{value:,}"

    rows = [(q.word, *(text(name, getattr(side.cost, name)) for side in (a, b)), times(getattr(a.cost, name), getattr(b.cost, name)))
            for name, q in COSTS.items()]  # fmt: skip
    return format_table(["cost", "A", "B", "B / A"], rows, left=1)


def structure(a: Side, b: Side) -> str:
    """Depth, kinds of nodes, and the operations whose numbers differ."""
    from blockspace.formatting import format_table
    from blockspace.graph import Structure
    from blockspace.ops import show

    one, two = (Structure.of(side.graph) for side in (a, b))
    rows = [("output", show(a.graph.output_shape), show(b.graph.output_shape))]
    rows += [("layers on the deepest path", str(one.layers), str(two.layers))]
    rows += [("steps on the longest path", str(one.steps), str(two.steps))]
    rows += [(f"{kind} nodes", str(one.kinds[kind]), str(two.kinds[kind])) for kind in one.kinds]
    words = [word for word in dict.fromkeys([*one.ops, *two.ops]) if one.ops.get(word) != two.ops.get(word)]
    rows += [(f"  {word}", str(one.ops.get(word, 0)), str(two.ops.get(word, 0))) for word in words]
    return format_table(["structure", "A", "B"], rows, left=1)


def verdict(a: Side, b: Side) -> str:
    """Whether both are one network, by their canonical keys."""
    keys = [key(side.graph) for side in (a, b)]
    if keys[0] == keys[1]:
        return f"the same network: both have the canonical key {keys[0]}"
    return f"not the same network, as far as rewriting shows: canonical keys {keys[0]} and {keys[1]}"


def by_stage(a: Side, b: Side) -> str:
    """Stem, stages and head of two networks: shapes, params and macs; nothing for blocks."""
    from blockspace.blocks import Network
    from blockspace.formatting import format_si, format_table
    from blockspace.graph import stages
    from blockspace.ops import show

    if not all(isinstance(side.template, Network) for side in (a, b)):
        return ""
    parts = [stages(side.graph) for side in (a, b)]
    rows = []
    for name in dict.fromkeys([*parts[0], *parts[1]]):
        nodes = [part.get(name, []) for part in parts]
        row = [name, *(show(own[-1].shape) if own else "-" for own in nodes)]
        for quantity in ("params", "macs"):
            spent = [sum(getattr(side.cost.per_node[n.name], quantity) for n in own) for side, own in zip((a, b), nodes)]
            row += [*map(format_si, spent), times(*spent)]
        rows.append(row)
    return format_table(["stage", "A", "B", "params A", "params B", "B / A", "macs A", "macs B", "B / A"], rows, left=1)


def drawings(a: Side, b: Side, full: bool) -> str:
    """Both drawings, side by side where the terminal is wide enough."""
    from shutil import get_terminal_size

    from blockspace.blocks import Network
    from blockspace.drawing import draw_lanes, draw_outline
    from blockspace.formatting import join_side_by_side

    def drawn(side: Side) -> str:
        picture = draw_outline(side.graph) if isinstance(side.template, Network) and not full else draw_lanes(side.graph)
        return f"{side.letter}  {side.template.name}\n{picture}"

    return join_side_by_side(drawn(a), drawn(b), get_terminal_size((160, 24)).columns)


def written(a: Side, b: Side, path: str, full: bool) -> None:
    """Write both pictures side by side as one SVG file, and say so."""
    from blockspace.files import write_atomic

    stages = False if full else None
    text = joined(a.graph.svg(stages=stages), b.graph.svg(stages=stages))
    print(f"{write_atomic(path, text)}: {len(text.encode()):,} bytes")


def joined(left: str, right: str, gap: int = 24) -> str:
    """Two SVG pictures in one, from the same height."""
    import re

    (wide, high), (other, height) = (map(int, re.findall(r'width="(\d+)" height="(\d+)"', text)[0]) for text in (left, right))
    width, height = wide + gap + other, max(high, height)
    moved = right.replace("<svg ", f'<svg x="{wide + gap}" ', 1)
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n{left}\n{moved}\n</svg>\n'


def register(app) -> None:
    import typer

    from blockspace.cli.complete import templates

    @app.command(epilog=USAGE)
    def compare(
        first: str = typer.Argument(help="A: a library name, a YAML file, or RUN#NUMBER", autocompletion=templates),
        second: str = typer.Argument(help="B: the same", autocompletion=templates),
        settings: list[str] = typer.Argument(None, help="key=value for both, A.key=value, B.key=value, and input=CxHxW"),
        full: bool = typer.Option(False, "--full", help="Every node of a network, not its blocks."),
        as_json: bool = typer.Option(False, "--json", help="Costs, structure and keys as JSON."),
        svg: str = typer.Option(None, "--svg", metavar="FILE", help="Both pictures side by side, as an SVG file."),
    ) -> None:
        """Put two blocks or networks beside each other: costs, structure, drawings."""
        run(first, second, *(settings or []), full=full, as_json=as_json, svg=svg)
