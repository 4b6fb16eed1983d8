"""blockspace locate: find the values of a search space's holes that make a block."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typer import Typer

    from blockspace.blocks import Network
    from blockspace.graph import Graph
    from blockspace.searching import BlockMatch

USAGE = "blockspace locate resnext cardinality=8 --in searchspaces/universal.yaml input=256x56x56"


def run(target: str, space: str, *texts: str, as_json: bool = False) -> None:
    """Print the values of the holes of `space` under which a block of it is `target`, with `key=value` settings and `input=CxHxW`.

    Raises BlockspaceError (E-SPACE) when there are none, with the nearest.
    """
    from blockspace.blocks import Block, Network, format_token, load
    from blockspace.cli.arguments import expand_template, parse_settings
    from blockspace.errors import error
    from blockspace.searching import BlockMatch, match_block

    network = load(space)
    if not isinstance(network, Network) or not network.open.holes:
        raise error("E-SPACE", f"{space} is not a search space", help="give a network file with holes, as searchspaces/universal.yaml")
    template, graph = expand_template(target, parse_settings(texts))
    if not isinstance(template, Block):
        raise error("E-OP", f"{target} is a network; a block is located", help=USAGE)
    found = match_block(network, graph)
    if not isinstance(found, BlockMatch):
        nearest = ", ".join(f"{name}={format_token(token)}" for name, token in found.values.items()) or "none"
        made = f"the nearest make {found.made} of its {found.wanted} nodes, and not the {found.lacks}"
        raise error("E-SPACE", f"no values of {network.name} were found that make {template.name}: {made}", help=f"nearest: {nearest}")
    if as_json:
        import json

        head = {"block": template.name, "input": list(graph.input_shape), "space": network.name}
        print(json.dumps(head | location_as_dict(found, graph)))
        return
    print(describe_location(template.name, network, graph, found))


def location_as_dict(found: BlockMatch, graph: Graph) -> dict[str, object]:
    """Return a location as plain data for `--json`."""
    return {
        "stage": found.place.name,
        "given": found.given,
        "solved": found.solved,
        "values": found.values,
        "changed": found.changed,
        "key": found.graph.key(),
        "same": found.graph.key() == graph.key(),
    }


def describe_location(name: str, network: Network, graph: Graph, found: BlockMatch) -> str:
    """Return a location as text: the stage's arguments, holes that differ from their defaults, the others, and the key."""
    from blockspace.blocks import format_token
    from blockspace.ops import format_shape

    beside = {**found.given, **{one.rpartition(".")[2]: token for one, token in found.solved.items()}}
    others = {one: token for one, token in found.values.items() if one not in found.changed}
    changed = "\n".join(f"  {one}={format_token(token)}" for one, token in found.changed.items())
    lines = [
        f"{name} at {format_shape(graph.input_shape)} is a block of {network.name} with {format_values(beside)} and",
        changed or "  every hole at its default",
        f"at their defaults: {format_values(others)}" if found.changed and others else "",
        f"the same network: both have the canonical key {found.graph.key()}",
    ]
    return "\n".join(filter(None, lines))


def format_values(values: Mapping[str, Any]) -> str:
    """Return `name=value` pairs as they would be typed."""
    from blockspace.blocks import format_token

    return " ".join(f"{name}={format_token(token)}" for name, token in values.items())


def register(app: Typer) -> None:
    """Add the command to the app."""
    import typer

    from blockspace.cli.complete import complete_block_settings, complete_templates

    @app.command(epilog=USAGE)
    def locate(
        target: str = typer.Argument(help="a block of the library, or a YAML file", autocompletion=complete_templates),
        settings: list[str] = typer.Argument(None, help="key=value, and input=CxHxW", autocompletion=complete_block_settings),
        space: str = typer.Option(..., "--in", metavar="SPACE", help="A search space: a network file with holes."),
        as_json: bool = typer.Option(False, "--json", help="The values, and the key, as JSON."),
    ) -> None:
        """Find the values of a space's holes that make a block."""
        run(target, space, *(settings or []), as_json=as_json)
