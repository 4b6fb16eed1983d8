"""blockspace replay: ask a finished search's sampler again, or train one of its networks again, and compare with what is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typer import Typer


def register(app: Typer) -> None:
    """Add the command to the app."""
    import typer

    @app.command(epilog="blockspace replay runs/hs_vs_resnext#17")
    def replay(
        target: str = typer.Argument(help="a run directory, or RUN#NUMBER or RUN#NAME: one of its trainings"),
        train: bool = typer.Option(False, "--train", help="Also train every trial and finalist of the run again."),
        as_json: bool = typer.Option(False, "--json", help="The outcome as JSON on stdout."),
    ) -> None:
        """Repeat a run, or one training, and compare it with what is stored; the run directory is only read."""
        from blockspace.searching import raise_on_signals
        from blockspace.study import replay as run_replay

        with raise_on_signals():
            found = run_replay(target, train, None if as_json else print)
        if as_json:
            import json

            print(json.dumps({"lines": found.lines, "is_equal": found.is_equal, "exit_code": found.exit_code}))
        if found.exit_code:
            raise typer.Exit(found.exit_code)
