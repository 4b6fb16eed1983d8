"""Build the typer app: every file of this package with a `register` function is a command."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import typer

from blockspace.errors import error

EXAMPLES = """\
blockspace search studies/hs_vs_resnext.yaml              run a study; the same command resumes

blockspace search studies/hs_vs_resnext.yaml --dry-run    what it would do

blockspace show hs_block input=64x56x56 splits=4          draw a block

blockspace check my_block.yaml                            find every mistake in a file

blockspace ls '*hs*'                                      blocks, networks and operations
"""


def build_app() -> typer.Typer:
    """Return the app with all its commands."""
    app = typer.Typer(
        name="blockspace",
        help="Search convolutional blocks written as split, transform and merge.",
        epilog=EXAMPLES,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(root)
    for file in sorted(Path(__file__).parent.glob("[a-z]*.py")):
        command = import_module(f"blockspace.cli.{file.stem}")
        if hasattr(command, "register"):
            command.register(app)
    return app


def run(argv: list[str]) -> int:
    """Parse the arguments and run the command. Return the exit code."""
    try:
        return build_app()(args=argv, prog_name="blockspace", standalone_mode=False) or 0
    except Exception as e:
        if not hasattr(e, "format_message"):  # only typer's own complaints about the command line have one
            raise
        help = "`blockspace --help` lists commands, `blockspace COMMAND --help` its options"
        raise error("E-KEY", e.format_message().rstrip("."), help=help) from None


def show_version(asked: bool) -> None:
    """Print the version and exit."""
    if asked:
        from blockspace import __version__

        typer.echo(f"blockspace {__version__}")
        raise typer.Exit()


def root(version: bool = typer.Option(False, "--version", help="Print the version.", is_eager=True, callback=show_version)) -> None:
    """Take the options of the program itself."""
