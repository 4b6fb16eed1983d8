"""blockspace report: write the report of a run directory from the files in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typer import Typer


def register(app: Typer) -> None:
    """Add the command to the app."""
    import typer

    @app.command(epilog="blockspace report runs/hs_vs_resnext")
    def report(folder: str = typer.Argument(help="a run directory, finished or not, also while its study runs")) -> None:
        """Write report.html and front.png of a run directory anew."""
        from blockspace.study import write_report

        path = write_report(folder)
        print(f"{path}  {path.stat().st_size:,} bytes")
