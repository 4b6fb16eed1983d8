"""blockspace ls: the blocks, networks, search spaces, studies, operations and rules there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from blockspace.cli.catalog import KINDS, describe_names

if TYPE_CHECKING:
    from typer import Typer


def run(pattern: str = "*", *more: str, kinds: tuple[str, ...] = KINDS, costs: bool = False, as_json: bool = False) -> None:
    """List names of these kinds that match `pattern` (`*hs*`), each with one line of what it is, and its costs when asked for."""
    from fnmatch import fnmatch

    if more:
        from blockspace.errors import error

        raise error("E-KEY", f"ls takes one pattern, got {1 + len(more)}", help="quote it, so that the shell leaves it alone: '*res*'")
    found = {kind: {n: d for n, d in describe_names(kind).items() if fnmatch(n, pattern)} for kind in kinds}
    if as_json:
        import json

        print(json.dumps(add_costs(found) if costs else found))
        return
    rows = {
        kind: [(name, *(format_cost_cells(name, kind) if costs else ()), doc) for name, doc in listing.items()]
        for kind, listing in found.items()
    }
    print("\n".join(format_listing(rows)) or explain_no_match(pattern))


def explain_no_match(pattern: str) -> str:
    """Return the message for a pattern that matches nothing."""
    from blockspace.errors import did_you_mean

    hint = did_you_mean(pattern, [name for kind in KINDS for name in describe_names(kind)]) or "`blockspace ls` lists all"
    return f"nothing is called {pattern!r}; {hint}"


def format_listing(rows: dict[str, list[tuple[str, ...]]]) -> list[str]:
    """Return the lines of the listing: each kind's rows under its heading, in columns."""
    every = [row for some in rows.values() for row in some]
    widths = [max(len(row[i]) for row in every) for i in range(len(every[0]) - 1)] if every else []
    lines = []
    for kind, some in rows.items():
        lines += [f"{kind}:"] * bool(some)
        for name, *numbers, doc in some:
            right = "".join(f"  {text:>{width}}" for text, width in zip(numbers, widths[1:]))
            lines.append(f"  {name:<{widths[0]}}{right}  {doc}".rstrip())
    return lines


def add_costs(found: dict[str, dict[str, str]]) -> dict[str, dict[str, dict[str, object]]]:
    """Return the listing with costs, for `--json`."""
    return {kind: {name: {"doc": doc} | compute_costs(name, kind) for name, doc in listing.items()} for kind, listing in found.items()}


def format_cost_cells(name: str, kind: str) -> tuple[str, str]:
    """Return (params, macs) as cells; empty for kinds without costs."""
    from blockspace.formatting import format_si

    found = compute_costs(name, kind)
    return (f"{format_si(found['params'])} params", f"{format_si(found['macs'])} macs at {found['input']}") if found else ("", "")


def compute_costs(name: str, kind: str) -> dict[str, Any]:
    """Return params, macs (batch 1) and input of a block or network at its defaults; {} for the other kinds."""
    if kind not in ("blocks", "networks"):
        return {}
    from blockspace.cli.arguments import expand_target
    from blockspace.costs import cost

    graph = expand_target(name, {})[1]
    found = cost(graph)
    return {"params": found.params, "macs": found.macs, "input": "x".join(map(str, graph.input_shape))}


def register(app: Typer) -> None:
    """Add the command to the app."""
    import typer

    from blockspace.cli.complete import complete_patterns

    def only(what: str) -> Any:
        return typer.Option(False, f"--{what}", help=f"Only {what}.")

    @app.command(epilog="blockspace ls '*res*' --blocks --costs")
    def ls(
        pattern: str = typer.Argument("*", help="a name with wildcards", autocompletion=complete_patterns),
        blocks: bool = only("blocks"),
        networks: bool = only("networks"),
        spaces: bool = only("spaces"),
        studies: bool = only("studies"),
        operations: bool = typer.Option(False, "--ops", help="Only operations."),
        rules: bool = only("rules"),
        costs: bool = typer.Option(False, "--costs", help="Params and macs of blocks and networks, at their defaults."),
        as_json: bool = typer.Option(False, "--json", help="As JSON."),
    ) -> None:
        """List blocks, networks, search spaces, studies, operations and rules."""
        asked = zip(KINDS, (blocks, networks, spaces, studies, operations, rules), strict=True)
        kinds = tuple(kind for kind, wanted in asked if wanted) or KINDS
        run(pattern, kinds=kinds, costs=costs, as_json=as_json)
