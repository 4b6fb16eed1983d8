"""blockspace show: draw a block or network with its channels and costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from blockspace.cli.arguments import option, take_options

if TYPE_CHECKING:
    from typer import Typer

    from blockspace.blocks import Block, Network
    from blockspace.cli.arguments import GraphFile
    from blockspace.graph import Graph

FEW = 8  # members of a family that are named


@dataclass(frozen=True, kw_only=True)
class ShowOptions:
    """What to show of a graph: the command's options. `svg` and `png` are files to write."""

    full: bool = option(False, "--full", help="Every node of a network, not its blocks.")
    nodes: bool = option(False, "--nodes", help="A table of every node with each of its costs.")
    source: bool = option(False, "--source", help="The network as plain PyTorch code.")
    as_json: bool = option(False, "--json", help="The graph as JSON.")
    svg: str | None = option(None, "--svg", metavar="FILE", help="The picture as an SVG file, for light and dark pages.")
    png: str | None = option(None, "--png", metavar="FILE", help="The picture as a PNG file.")
    theme: str | None = option(None, "--theme", help="light or dark; an SVG without it follows its reader's setting.")
    mermaid: bool = option(False, "--mermaid", help="The text of a Mermaid flowchart.")
    passes: bool = option(False, "--passes", help="Each step to the canonical form: the rule, what it changes and saves.")
    deploy: bool = option(False, "--deploy", help="The form for inference alone; with --passes, the steps to it.")
    why: str | None = option(None, "--why", metavar="RULE", help="Where a rule applies, and why it does not elsewhere.")
    rules: str | None = option(None, "--rules", metavar="FILE", help="A Python file of more rules, for --passes; proven first.")

    @property
    def pictures(self) -> dict[str, str]:
        """The files to write, by `svg` and `png`."""
        return {kind: path for kind, path in (("svg", self.svg), ("png", self.png)) if path}


def run(target: str | None = None, *settings: str, options: ShowOptions | None = None) -> None:
    """Print the drawing of a library name or YAML file, or what `options` ask for.

    `settings` are `key=value` texts - params and holes - and `input=CxHxW`.
    """
    from blockspace.cli.arguments import expand_target, parse_settings
    from blockspace.errors import error

    if target is None:
        raise error("E-FILE", "nothing to show", help="blockspace show resnext")
    options = options or ShowOptions()
    template, graph = expand_target(target, parse_settings(settings))
    explain = bool(options.passes or options.why or options.rules)
    if options.deploy and not explain:
        from blockspace.passes import deploy

        graph = deploy(graph)
    if options.as_json:
        print_json(template, graph)
    elif explain:
        print(explain_rewriting(graph, options.why, options.rules, options.deploy))
    elif options.pictures:
        for kind, path in options.pictures.items():
            write_picture(graph, kind, path, options.theme, options.full)
    elif options.mermaid:
        print(graph.mermaid(), end="")
    elif options.source:
        from blockspace.compiler import to_source

        print(to_source(graph, document(template)))
    else:
        print_drawing(template, graph, options)


def print_json(template: Block | Network | GraphFile, graph: Graph) -> None:
    """Print the graph with its costs and key as JSON; of a found network also what is known of its training."""
    import json

    from blockspace.blocks import Network
    from blockspace.cli.form_costs import cost_canonical
    from blockspace.costs import cost

    facts = template.trained if isinstance(template, Network) else None
    trained = {"trained": facts.as_dict()} if facts else {}
    costs = {"costs": cost(graph).as_dict(), "canonical_costs": cost_canonical(graph).as_dict()}
    print(json.dumps(graph.as_dict() | costs | {"key": graph.key()} | trained))


def document(template: Block | Network | GraphFile) -> str:
    """Return the docstring of the printed code: what it is, and of a found network what is known of its training."""
    from blockspace.blocks import Network

    facts = template.trained if isinstance(template, Network) else None
    return facts.document(template.doc or template.name) if facts else template.doc


def print_drawing(template: Block | Network | GraphFile, graph: Graph, options: ShowOptions) -> None:
    """Print what the file says of the graph, its drawing or the table of its nodes, and its costs."""
    from blockspace.blocks import Network
    from blockspace.cli.arguments import GraphFile
    from blockspace.cli.form_costs import format_form_costs
    from blockspace.costs import cost
    from blockspace.drawing import draw_lanes, draw_outline

    print("".join(letter for letter in f"{template.name}: {template.doc}".rstrip(": ") if letter.isprintable() or letter == "\n"))
    if isinstance(template, Network) and (facts := read_trained(template)):
        print("\n".join(f"{title}: {text}" for title, text in facts.items()))
    for line in [] if isinstance(template, GraphFile) else [*list_sources(template), *list_open_parameters(template)]:
        print(line)
    print()
    if options.nodes:
        print(format_node_table(graph))
    else:
        print(draw_outline(graph) if isinstance(template, Network) and not options.full else draw_lanes(graph))
    print(f"\n{cost(graph)} at {'x'.join(map(str, graph.input_shape))}")
    if line := format_form_costs(graph):
        print(line)


def read_trained(network: Network) -> dict[str, str]:
    """Return lines with what is known of a found network's training, or why that cannot be read; its costs are said of the drawing."""
    from blockspace.errors import BlockspaceError

    try:
        facts = network.trained
    except BlockspaceError as reason:
        return {"training": str(reason).splitlines()[0]}
    return {title: text for title, text in facts.lines().items() if title != "costs"} if facts else {}


def list_sources(template: Block | Network) -> list[str]:
    """Return lines with the file's paper, reference, equation, and the other members of a network's family."""
    file = template.file
    names = [name for name in (file.family.name, *file.variants) if name != file.name]
    others = ", ".join(names[:FEW]) + (f", and {len(names) - FEW} more" if len(names) > FEW else "")
    rows = {"source": file.paper, "reference": file.reference, "equation": file.equation, "family": others}
    return [f"{key}: {text}" for key, text in rows.items() if text]


def explain_rewriting(graph: Graph, why: str | None, rules: str | None, deploy: bool) -> str:
    """Return the steps to the canonical form (also with a file of rules, proven first) or to deployment, or why a rule does not apply."""
    from blockspace.cli import rewriting_text

    if why:
        return rewriting_text.explain_rule(graph, why)
    if rules:
        from blockspace.compiler import load_proven_rules

        return rewriting_text.format_canonical_steps(graph, load_proven_rules(rules, [graph]))
    return rewriting_text.format_deploy_steps(graph) if deploy else rewriting_text.format_canonical_steps(graph)


def format_node_table(graph: Graph) -> str:
    """Return a table of every node with its shape and each of its costs."""
    from blockspace.costs import COSTS, cost
    from blockspace.formatting import format_table
    from blockspace.ops import format_shape

    def text(name: str, value: int) -> str:
        return (COSTS[name].format_amount(value) if COSTS[name].symbol else f"{value:,}") if value else ""

    found = cost(graph).per_node
    rows = [(n.name, n.op.label(), format_shape(n.shape), *(text(name, getattr(found[n.name], name)) for name in COSTS)) for n in graph]
    return format_table(["node", "operation", "shape", *(quantity.word for quantity in COSTS.values())], rows, left=2)


def write_picture(graph: Graph, kind: str, path: str, theme: str | None, full: bool) -> None:
    """Write the drawing as svg or png to a file, and print its size."""
    from blockspace.files import PNG_BEGINNING, SVG_BEGINNINGS, check_replaceable, write_atomic
    from blockspace.inputs import expand_path

    stages = False if full else None
    place = expand_path(path)
    check_replaceable(place, *(SVG_BEGINNINGS if kind == "svg" else (PNG_BEGINNING,)))
    data = graph.svg(theme=theme or "auto", stages=stages) if kind == "svg" else graph.png(theme=theme or "light", stages=stages)
    print(f"{write_atomic(place, data)}: {len(data):,} bytes")


def list_open_parameters(template: Block | Network) -> list[str]:
    """Return a line for each hole and each width to be solved."""
    from blockspace.blocks import format_token

    found = template.open
    rows = []
    for hole in found.holes.values():
        where = f"  where {hole.under[0]} is {format_token(hole.under[1])}" if hole.under else ""
        rows.append(f"  {hole.name}: {hole.domain}  (default {format_token(hole.default)}){where}")
    rows += [f"  {u.name}: {u.domain}  (default {u.default}, solved to the budget of {u.cost})" for u in found.unknowns.values()]
    return ["open:", *rows] if rows else []


def register(app: Typer) -> None:
    """Add the command to the app."""
    import typer

    from blockspace.cli.complete import complete_block_settings, complete_templates

    @app.command(epilog="blockspace show hs_block input=64x56x56 splits=4")
    @take_options(ShowOptions)
    def show(
        target: str = typer.Argument(
            help="a library name, a YAML file, RUN#NUMBER, a folder, or a networkx graph as JSON", autocompletion=complete_templates
        ),
        settings: list[str] = typer.Argument(
            None, help="params and holes as key=value, and input=CxHxW", autocompletion=complete_block_settings
        ),
        *,
        options: ShowOptions,
    ) -> None:
        """Draw a block or network with its channels and costs."""
        run(target, *(settings or []), options=options)
