"""blockspace doctor: whether this machine has what a search needs."""

from __future__ import annotations


def register(app) -> None:
    import typer

    @app.command(epilog="blockspace doctor out=/scratch/runs")
    def doctor(
        settings: list[str] = typer.Argument(None, help="out=FOLDER: where runs would be written (default: runs)"),
        as_json: bool = typer.Option(False, "--json", help="The checks as JSON."),
    ) -> None:
        """Check Python, packages, cores, device, disk and folder; each line says ok, warn or fail, and the next step."""
        from blockspace.cli.arguments import settings as given
        from blockspace.study import diagnose

        if code := report(diagnose(**only_out(given(settings or []))), as_json):
            raise typer.Exit(code)


def only_out(given: dict[str, str]) -> dict[str, str]:
    from blockspace.errors import error

    for key in given:
        if key != "out":
            raise error("E-KEY", f"doctor has no setting {key!r}", help="out=FOLDER")
    return given


def report(checks, as_json: bool) -> int:
    """Print the checks as they come; 2 when one failed."""
    found = []
    for check in checks:
        found.append(check)
        if not as_json:
            print(f"{check.state:<4}  {check.name:<14} {check.text}")
            if check.help:
                print(f"{'':<20} = help: {check.help}", flush=True)
    if as_json:
        import json

        print(json.dumps([check._asdict() for check in found]))
    return 2 if any(check.state == "fail" for check in found) else 0
