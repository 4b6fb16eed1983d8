"""blockspace ls: the blocks, networks, search spaces, studies, operations and rules there are."""

from __future__ import annotations

from blockspace.cli.shelf import KINDS, listed


def run(pattern: str = "*", *more: str, kinds: tuple[str, ...] = KINDS, costs: bool = False, as_json: bool = False) -> None:
    """List names of these kinds that match `pattern` (`*hs*`), each with one line of what it is, and its costs when asked for."""
    from fnmatch import fnmatch

    if more:
        from blockspace.errors import error

        raise error("E-KEY", f"ls takes one pattern, got {1 + len(more)}", help="quote it, so that the shell leaves it alone: '*res*'")
    found = {kind: {n: d for n, d in listed(kind).items() if fnmatch(n, pattern)} for kind in kinds}
    if as_json:
        import json

        print(json.dumps(costed(found) if costs else found))
        return
    rows = {
        kind: [(name, *(cost_texts(name, kind) if costs else ()), doc) for name, doc in listing.items()] for kind, listing in found.items()
    }
    print("\n".join(table(rows)) or nothing(pattern))


def nothing(pattern: str) -> str:
    """What is said when nothing matches."""
    from blockspace.errors import did_you_mean

    hint = did_you_mean(pattern, [name for kind in KINDS for name in listed(kind)]) or "`blockspace ls` lists all"
    return f"nothing is called {pattern!r}; {hint}"


def table(rows: dict[str, list[tuple[str, ...]]]) -> list[str]:
    """The rows under their kinds, in columns."""
    every = [row for some in rows.values() for row in some]
    widths = [max(len(row[i]) for row in every) for i in range(len(every[0]) - 1)] if every else []
    lines = []
    for kind, some in rows.items():
        lines += [f"{kind}:"] * bool(some)
        for name, *numbers, doc in some:
            right = "".join(f"  {text:>{width}}" for text, width in zip(numbers, widths[1:]))
            lines.append(f"  {name:<{widths[0]}}{right}  {doc}".rstrip())
    return lines


def costed(found: dict[str, dict[str, str]]) -> dict[str, dict[str, dict]]:
    """The listing with costs, for `--json`."""
    return {kind: {name: {"doc": doc} | costs_of(name, kind) for name, doc in listing.items()} for kind, listing in found.items()}


def cost_texts(name: str, kind: str) -> tuple[str, str]:
    """(params, macs) as columns; empty for what has none."""
    from blockspace.formatting import format_si

    found = costs_of(name, kind)
    return (f"{format_si(found['params'])} params", f"{format_si(found['macs'])} macs at {found['input']}") if found else ("", "")


def costs_of(name: str, kind: str) -> dict:
    """Params and macs of a block or network at its defaults: {} for the other kinds."""
    if kind not in ("blocks", "networks"):
        return {}
    from blockspace.cli.arguments import expanded
    from blockspace.costs import cost

    graph = expanded(name, {})[1]
    found = cost(graph)
    return {"params": found.params, "macs": found.macs, "input": "x".join(map(str, graph.input_shape))}


def register(app) -> None:
    import typer

    from blockspace.cli.complete import patterns

    def only(what: str) -> bool:
        return typer.Option(False, f"--{what}", help=f"Only {what}.")

    @app.command(epilog="blockspace ls '*res*' --blocks --costs")
    def ls(
        pattern: str = typer.Argument("*", help="a name with wildcards", autocompletion=patterns),
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
