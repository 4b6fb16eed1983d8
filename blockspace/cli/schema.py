"""blockspace schema: the JSON Schema of the files people write."""

from __future__ import annotations


def register(app) -> None:
    import typer

    @app.command(epilog="blockspace schema study > study.schema.json")
    def schema(
        kind: str = typer.Argument(help="block, network or study", autocompletion=kinds),
        path: bool = typer.Option(False, "--path", help="Where the package keeps it, for an editor's settings."),
    ) -> None:
        """Print the JSON Schema of block, network or study files, by which editors complete and check them."""
        from blockspace.schema import KINDS, stored, text

        if path and kind in KINDS:
            print(stored(kind))
        else:
            print(text(kind), end="")


def kinds(incomplete: str) -> list[str]:
    """Completions of the argument."""
    from blockspace.schema import KINDS

    return [kind for kind in KINDS if kind.startswith(incomplete)]
