"""blockspace ls: the blocks, networks and operations there are."""

from __future__ import annotations


def run(pattern: str = "*", *more: str, as_json: bool = False) -> None:
    """List names that match `pattern` (`*hs*`), each with one line of what it is."""
    from fnmatch import fnmatch

    if more:
        from blockspace.errors import error

        raise error("E-KEY", f"ls takes one pattern, got {1 + len(more)}", help="quote it, so that the shell leaves it alone: '*res*'")

    found = {kind: {n: d for n, d in listing.items() if fnmatch(n, pattern)} for kind, listing in everything().items()}
    if as_json:
        import json

        print(json.dumps(found))
        return
    width = max((len(name) for listing in found.values() for name in listing), default=0)
    for kind, listing in found.items():
        if listing:
            print(f"{kind}:")
            print("\n".join(f"  {name:<{width}}  {doc}".rstrip() for name, doc in listing.items()))


def everything() -> dict[str, dict[str, str]]:
    """Names and docs by kind."""
    from blockspace.blocks import find, load, names
    from blockspace.ops import OPS

    found = {f"{kind}s": {name: load(find(name, kind)).doc for name in names(kind)} for kind in ("block", "network")}
    return found | {"operations": {name: first_line(op) for name, op in sorted(OPS.items()) if op.kind != "input"}}


def first_line(op: type) -> str:
    return (op.__doc__ or "").strip().splitlines()[0]


def register(app) -> None:
    import typer

    @app.command(epilog="blockspace ls '*res*'")
    def ls(
        pattern: str = typer.Argument("*", help="a name with wildcards"),
        as_json: bool = typer.Option(False, "--json", help="As JSON."),
    ) -> None:
        """List blocks, networks and operations."""
        run(pattern, as_json=as_json)
