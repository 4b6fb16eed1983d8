"""blockspace doctor: check that this machine has what a search needs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typer import Typer

    from blockspace.study import DoctorCheck


def register(app: Typer) -> None:
    """Add the command to the app."""
    import typer

    @app.command(epilog="blockspace doctor --data studies/hs_vs_resnext.yaml")
    def doctor(
        settings: list[str] = typer.Argument(None, help="out=FOLDER: where runs would be written (default: runs)"),
        data: str = typer.Option(None, "--data", help="Look at data instead: a study file, a data set's name, or a folder of images."),
        sheet: str = typer.Option(None, "--sheet", help="With --data: a PNG to write, of the images before and after augmentation."),
        as_json: bool = typer.Option(False, "--json", help="The checks as JSON."),
    ) -> None:
        """Check Python, packages, cores, device, disk and folder; each line says ok, warn or fail, and the next step."""
        if data is not None:
            report_data(data, settings or [], as_json, sheet)
            return
        if sheet is not None:
            from blockspace.errors import error

            raise error("E-KEY", "--sheet shows data, and none is named", help="blockspace doctor --data my/images --sheet classes.png")
        from blockspace.cli.arguments import parse_settings as given
        from blockspace.study import diagnose

        if code := report_checks(diagnose(**check_doctor_settings(given(settings or []))), as_json):
            raise typer.Exit(code)


def report_data(target: str, overrides: list[str], as_json: bool, sheet: str | None = None) -> None:
    """Read a whole data set and print what was found; damaged files, wrong labels and missing files are mistakes, with exit code 2."""
    from blockspace.data import preflight
    from blockspace.study import check_sheet_path, read_data_target, write_contact_sheet

    data, recipe = read_data_target(target, overrides)
    if sheet is not None:
        check_sheet_path(sheet)
    found = preflight(data)
    written = write_contact_sheet(sheet, data, recipe, found) if sheet is not None else None
    if as_json:
        import json

        print(json.dumps(found.as_dict()))
        return
    first, *notes = found.lines()
    print("\n".join([f"ok    {first}", *(f"warn  {note}" for note in notes), *found.table(), *([f"ok    {written}"] if written else [])]))


def check_doctor_settings(given: dict[str, str]) -> dict[str, str]:
    """Return the settings. Raises BlockspaceError (E-KEY) for any but `out`."""
    from blockspace.errors import error

    for key in given:
        if key != "out":
            raise error("E-KEY", f"doctor has no setting {key!r}", help="out=FOLDER")
    return given


def report_checks(checks: Iterable[DoctorCheck], as_json: bool) -> int:
    """Print the checks as they come. Return the exit code: 2 when one failed."""
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
