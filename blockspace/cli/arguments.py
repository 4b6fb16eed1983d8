"""Arguments as typed: `key=value` settings, input shapes as `256x56x56`, and the options of a command as a dataclass.

    @dataclass(frozen=True, kw_only=True)
    class ListOptions:
        as_json: bool = option(False, "--json", help="As JSON.")

    @app.command()
    @take_options(ListOptions)
    def ls(pattern: str, *, options: ListOptions) -> None: ...

So an option's name, type, default and help are written once. typer is imported when a command is built: light commands do without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, TypeVar, get_type_hints

from blockspace.errors import BlockspaceError, Mistake, error

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from blockspace.blocks import Block, Network
    from blockspace.graph import Graph

T = TypeVar("T")


@dataclass(frozen=True)
class GraphFile:
    """A graph from a JSON file, where a template of YAML would be: it has a name, and nothing to set."""

    name: str
    doc: str = ""
    open: tuple[()] = ()


def parse_settings(texts: Iterable[str]) -> dict[str, str]:
    """Return `key=value` texts as a dict. Raises BlockspaceError (E-KEY) with every text of another form."""
    parts = [text.partition("=") for text in texts]
    wrong = [Mistake("E-KEY", f"{''.join(part)!r} is not a setting", help="write key=value") for part in parts if not (part[0] and part[1])]
    if wrong:
        raise BlockspaceError(*wrong)
    return {key: value for key, _, value in parts}


def parse_input_shape(text: str) -> tuple[int, ...]:
    """Return `CxHxW` as (C, H, W). Raises BlockspaceError (E-TYPE)."""
    parts = text.lower().split("x")
    if len(parts) != 3 or not all(p.isdigit() and int(p) for p in parts):
        raise error("E-TYPE", f"{text!r} is not an input shape", help="write channels x height x width: input=256x56x56")
    return tuple(map(int, parts))


def expand_target(target: str, given: Mapping[str, str]) -> tuple[Block | Network | GraphFile, Graph]:
    """Return the template and graph of a block or network, or of a JSON file in networkx's node-link form.

    `given` are values of its params and holes; `input=CxHxW` among them is the input shape.
    """
    from blockspace.blocks import find_target

    place = find_target(target)
    if place.path.endswith(".json"):
        return open_graph_file(place.path, given)
    return expand_template(target, given)


def expand_template(target: str, given: Mapping[str, str]) -> tuple[Block | Network, Graph]:
    """Return the template and graph of a block or network, as `expand_target` does. Raises BlockspaceError (E-FILE) for a JSON file."""
    from blockspace.blocks import load_unchecked

    given = dict(given)
    wanted = given.pop("input", None)
    template = load_unchecked(target, **given)
    if wanted is not None:
        return template, template.graph(parse_input_shape(wanted))
    return template, template.graph(template.usual_shape)


def open_graph_file(path: str, given: Mapping[str, str]) -> tuple[GraphFile, Graph]:
    """Return the graph of a JSON file in networkx's node-link form. Raises BlockspaceError, E-KEY for settings."""
    from blockspace.graph import load_node_link

    if given:
        raise error("E-KEY", f"{path}: a graph has no settings, got {', '.join(given)}", help="edit its nodes, or show a YAML file")
    graph = load_node_link(path)
    return GraphFile(graph.name), graph


# -- options of a command ----------------------------------------------------------------------------------------------------------------


def option(default: T, *names: str, help: str, metavar: str | None = None) -> T:
    """Return a dataclass field that is an option of a command; without `names` it is called as the field is."""
    return field(default=default, metadata={"names": names, "help": help, "metavar": metavar})


def take_options(kind: type[DataclassInstance]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator for a command whose parameter `options` is a dataclass of `option`s: typer sees one parameter a field."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def run_with_options(**given: object) -> None:
            options = kind(**{one.name: given.pop(one.name) for one in fields(kind)})
            command(**given, options=options)

        own = [one for one in signature(command, eval_str=True).parameters.values() if one.name != "options"]
        vars(run_with_options)["__signature__"] = Signature([*own, *list_parameters(kind)])
        return run_with_options

    return decorate


def list_parameters(kind: type[DataclassInstance]) -> list[Parameter]:
    """Return the fields of a dataclass of `option`s as parameters that typer reads, in their order."""
    import typer

    types = get_type_hints(kind)
    found = []
    for one in fields(kind):
        about = one.metadata
        default = typer.Option(one.default, *about["names"], help=about["help"], metavar=about["metavar"])
        found.append(Parameter(one.name, Parameter.KEYWORD_ONLY, default=default, annotation=types[one.name]))
    return found
