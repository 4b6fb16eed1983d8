"""blockspace schema: print the JSON Schema of block, network and study files."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typer import Typer


def register(app: Typer) -> None:
    """Add the command to the app."""
    import typer

    @app.command(epilog="blockspace schema study > study.schema.json")
    def schema(
        kind: str = typer.Argument(help="block, network or study", autocompletion=complete_schema_kinds),
        path: bool = typer.Option(False, "--path", help="Where the package keeps it, for an editor's settings."),
    ) -> None:
        """Print the JSON Schema of block, network or study files, by which editors complete and check them."""
        from blockspace.schema import KINDS, schema_text, stored_path

        if path and kind in KINDS:
            print(stored_path(kind))
        else:
            print(schema_text(kind), end="")


def complete_schema_kinds(incomplete: str) -> list[str]:
    """Complete the argument."""
    from blockspace.schema import KINDS

    return [kind for kind in KINDS if kind.startswith(incomplete)]
