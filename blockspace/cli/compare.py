"""blockspace compare: two blocks or networks beside each other - costs, structure, stages, drawings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typer import Typer

    from blockspace.blocks import Block, Network
    from blockspace.cli.arguments import GraphFile
    from blockspace.costs import Cost
    from blockspace.graph import Graph

USAGE = "blockspace compare resnext resnet_bottleneck input=256x56x56 A.cardinality=8"


@dataclass(frozen=True)
class Side:
    """One side of the comparison: its letter, the target as typed, settings, template, graph and cost."""

    letter: str
    target: str
    settings: dict[str, str]
    template: Block | Network | GraphFile
    graph: Graph
    cost: Cost

    def title(self) -> str:
        """Return the heading, as `A  resnext cardinality=8 at 256x56x56`."""
        from blockspace.ops import format_shape

        given = " ".join(f"{key}={value}" for key, value in self.settings.items())
        return f"{self.letter}  {' '.join(filter(None, (self.target, given)))} at {format_shape(self.graph.input_shape)}"

    def as_dict(self) -> dict[str, object]:
        """Return the side as plain data for `--json`."""
        from blockspace.graph import Structure

        return {
            "target": self.target,
            "settings": self.settings,
            "input": list(self.graph.input_shape),
            "output": list(self.graph.output_shape),
            "costs": self.cost.as_dict(),
            "structure": vars(Structure.of(self.graph)),
            "key": compute_canonical_key(self.graph),
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
    a, b = expand_sides(first, second, texts)
    if svg:
        write_both_svgs(a, b, svg, full)
        return
    if as_json:
        import json

        same = compute_canonical_key(a.graph) == compute_canonical_key(b.graph)
        print(json.dumps({"A": a.as_dict(), "B": b.as_dict(), "ratio": compute_cost_ratios(a, b), "same": same}))
        return
    tables = [format_costs(a, b), format_structure(a, b), format_verdict(a, b), format_stages(a, b)]
    sections = [f"{a.title()}\n{b.title()}", *tables, draw_side_by_side(a, b, full)]
    print("\n\n".join(filter(None, sections)))


# -- the two -------------------------------------------------------------------------------------------------------------------------------


def expand_sides(first: str, second: str, texts: Sequence[str]) -> tuple[Side, Side]:
    """Return both sides, expanded. Two blocks without an `input=` both get the usual input of A."""
    from blockspace.blocks import Block
    from blockspace.cli.arguments import expand_target, parse_settings
    from blockspace.costs import cost

    templates = [load_side(target) for target in (first, second)]
    given = assign_settings(parse_settings(texts), templates)
    if not any("input" in own for own in given):
        common = find_common_input(templates, given)
        given = [own | common if isinstance(one, Block) else own for one, own in zip(templates, given)]
    found = []
    for letter, target, own in zip("AB", (first, second), given):
        template, graph = expand_target(target, own)
        shown = {name: value for name, value in own.items() if name != "input"}
        found.append(Side(letter, target, shown, template, graph, cost(graph)))
    return found[0], found[1]


def load_side(target: str) -> Block | Network | Graph:
    """Return a block or network, or the graph of a JSON file. Raises BlockspaceError."""
    from blockspace.blocks import find_target, load_unchecked
    from blockspace.graph import load_node_link

    path = find_target(target).path
    return load_node_link(path) if path.endswith(".json") else load_unchecked(target)


def find_common_input(templates: Sequence[Block | Network | Graph], given: Sequence[dict[str, str]]) -> dict[str, str]:
    """Return the `input=` of blocks where none is given: that of a graph beside it, else the usual one of A; none beside a network."""
    from blockspace.blocks import Block
    from blockspace.graph import Graph

    graph = next((one for one in templates if isinstance(one, Graph)), None)
    if graph is not None:
        return {"input": "x".join(map(str, graph.input_shape))}
    first = templates[0]
    if not all(isinstance(one, Block) for one in templates) or isinstance(first, Graph):
        return {}
    return {"input": f"{first(**given[0]).usual_shape[0]}x56x56"}


def takes_setting(template: Block | Network | Graph, name: str, taken: Sequence[str]) -> bool:
    """Return whether a setting that is given for both sides holds for this one: `input`, for all but a graph, and what it takes."""
    from blockspace.graph import Graph

    return name in taken or (name == "input" and not isinstance(template, Graph))


def list_settings(template: Block | Network | Graph) -> tuple[list[str], list[str]]:
    """Return the params that a template takes, and with them its holes and unknowns; a graph takes none."""
    from blockspace.graph import Graph

    if isinstance(template, Graph):
        return [], []
    params = [*template.file.params, *["variant"] * bool(template.file.variants)]
    return params, [*params, *template.holes.holes, *template.holes.unknowns]


def assign_settings(given: dict[str, str], templates: Sequence[Block | Network | Graph]) -> list[dict[str, str]]:
    """Return the settings of A and of B. Raises BlockspaceError (E-KEY) for those that neither takes."""
    from blockspace.blocks import unknown_param_mistake
    from blockspace.errors import BlockspaceError

    found: list[dict[str, str]] = [{}, {}]
    params, taken = zip(*map(list_settings, templates))
    mistakes = []
    for text, value in given.items():
        letter, dot, name = text.partition(".")
        only = dot and letter in ("A", "B")
        takers = ["AB".index(letter)] if only else [i for i in (0, 1) if takes_setting(templates[i], text, taken[i])]
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


def compute_canonical_key(graph: Graph) -> str:
    """Return the key of the graph's canonical form, which is equal for equal networks."""
    from blockspace.passes import canonical

    return canonical(graph).key()


def compute_cost_ratios(a: Side, b: Side) -> dict[str, float | None]:
    """Return B's costs as multiples of A's; None where A's is 0."""
    theirs = b.cost.as_dict()
    return {name: theirs[name] / value if value else None for name, value in a.cost.as_dict().items()}


def format_ratio(a: int, b: int) -> str:
    """Return b / a as text."""
    return "equal" if a == b else f"{b / a:.4g}" if a else "-"


def format_costs(a: Side, b: Side) -> str:
    """Return the table of costs: of both as written, and those of their canonical forms that are others."""
    from blockspace.cli.form_costs import cost_canonical, list_differing_costs
    from blockspace.costs import COSTS
    from blockspace.formatting import format_table

    def text(name: str, value: int) -> str:
        return COSTS[name].format_amount(value) if COSTS[name].symbol else f"{value:,}"

    rows = [(q.word, *(text(name, getattr(side.cost, name)) for side in (a, b)), format_ratio(getattr(a.cost, name), getattr(b.cost, name)))
            for name, q in COSTS.items()]  # fmt: skip
    differing = {**list_differing_costs(a.graph), **list_differing_costs(b.graph)}
    forms = [cost_canonical(side.graph) for side in (a, b)] if differing else []
    for name in (name for name in COSTS if name in differing):
        values = [getattr(form, name) for form in forms]
        rows.append((f"{COSTS[name].word}, canonical form", *(text(name, value) for value in values), format_ratio(*values)))
    return format_table(["cost", "A", "B", "B / A"], rows, left=1)


def format_structure(a: Side, b: Side) -> str:
    """Return a table of depths, kinds of nodes, and the operations whose counts differ."""
    from blockspace.formatting import format_table
    from blockspace.graph import Structure
    from blockspace.ops import format_shape

    one, two = (Structure.of(side.graph) for side in (a, b))
    rows = [("output", format_shape(a.graph.output_shape), format_shape(b.graph.output_shape))]
    rows += [("layers on the deepest path", str(one.layers), str(two.layers))]
    rows += [("steps on the longest path", str(one.steps), str(two.steps))]
    rows += [(f"{kind} nodes", str(one.kinds[kind]), str(two.kinds[kind])) for kind in one.kinds]
    words = [word for word in dict.fromkeys([*one.ops, *two.ops]) if one.ops.get(word) != two.ops.get(word)]
    rows += [(f"  {word}", str(one.ops.get(word, 0)), str(two.ops.get(word, 0))) for word in words]
    return format_table(["structure", "A", "B"], rows, left=1)


def format_verdict(a: Side, b: Side) -> str:
    """Return the sentence that says whether both are one network, by their canonical keys."""
    keys = [compute_canonical_key(side.graph) for side in (a, b)]
    if keys[0] == keys[1]:
        return f"the same network: both have the canonical key {keys[0]}"
    return f"not the same network, according to rewriting: canonical keys {keys[0]} and {keys[1]}"


def format_stages(a: Side, b: Side) -> str:
    """Return a table of stem, stages and head with shapes, params and macs; empty unless both are networks."""
    from blockspace.blocks import Network
    from blockspace.formatting import format_si, format_table
    from blockspace.graph import group_by_stage
    from blockspace.ops import format_shape

    if not all(isinstance(side.template, Network) for side in (a, b)):
        return ""
    parts = [group_by_stage(side.graph) for side in (a, b)]
    rows = []
    for name in dict.fromkeys([*parts[0], *parts[1]]):
        nodes = [part.get(name, []) for part in parts]
        row = [name, *(format_shape(own[-1].shape) if own else "-" for own in nodes)]
        for quantity in ("params", "macs"):
            spent = [sum(getattr(side.cost.per_node[n.name], quantity) for n in own) for side, own in zip((a, b), nodes)]
            row += [*map(format_si, spent), format_ratio(*spent)]
        rows.append(row)
    return format_table(["stage", "A", "B", "params A", "params B", "B / A", "macs A", "macs B", "B / A"], rows, left=1)


def draw_side_by_side(a: Side, b: Side, full: bool) -> str:
    """Return both drawings, side by side where the terminal is wide enough."""
    from shutil import get_terminal_size

    from blockspace.blocks import Network
    from blockspace.drawing import draw_lanes, draw_outline
    from blockspace.formatting import join_side_by_side

    def drawn(side: Side) -> str:
        picture = draw_outline(side.graph) if isinstance(side.template, Network) and not full else draw_lanes(side.graph)
        return f"{side.letter}  {side.template.name}\n{picture}"

    return join_side_by_side(drawn(a), drawn(b), get_terminal_size((160, 24)).columns)


def write_both_svgs(a: Side, b: Side, path: str, full: bool) -> None:
    """Write both drawings side by side to one SVG file, and print its size."""
    from blockspace.files import SVG_BEGINNINGS, check_replaceable, write_atomic
    from blockspace.inputs import expand_path

    stages, place = False if full else None, expand_path(path)
    check_replaceable(place, *SVG_BEGINNINGS)
    text = join_svgs(a.graph.svg(stages=stages), b.graph.svg(stages=stages))
    print(f"{write_atomic(place, text)}: {len(text.encode()):,} bytes")


def join_svgs(left: str, right: str, gap: int = 24) -> str:
    """Return one SVG with two drawings side by side, aligned at the top; `gap` in SVG units."""
    import re

    (wide, high), (other, height) = (map(int, re.findall(r'width="(\d+)" height="(\d+)"', text)[0]) for text in (left, right))
    width, height = wide + gap + other, max(high, height)
    moved = right.replace("<svg ", f'<svg x="{wide + gap}" ', 1)
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n{left}\n{moved}\n</svg>\n'


def register(app: Typer) -> None:
    """Add the command to the app."""
    import typer

    from blockspace.cli.complete import complete_templates

    @app.command(epilog=USAGE)
    def compare(
        first: str = typer.Argument(help="A: a library name, a YAML file, RUN#NUMBER, or a folder", autocompletion=complete_templates),
        second: str = typer.Argument(help="B: the same", autocompletion=complete_templates),
        settings: list[str] = typer.Argument(None, help="key=value for both, A.key=value, B.key=value, and input=CxHxW"),
        full: bool = typer.Option(False, "--full", help="Every node of a network, not its blocks."),
        as_json: bool = typer.Option(False, "--json", help="Costs, structure and keys as JSON."),
        svg: str = typer.Option(None, "--svg", metavar="FILE", help="Both pictures side by side, as an SVG file."),
    ) -> None:
        """Put two blocks or networks beside each other: costs, structure, drawings."""
        run(first, second, *(settings or []), full=full, as_json=as_json, svg=svg)
