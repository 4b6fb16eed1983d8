"""blockspace search: run a study to its answer; the same command resumes."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from blockspace.errors import error
from blockspace.executions import DRY_RUN, running_command

if TYPE_CHECKING:
    from typer import Typer


def register(app: Typer) -> None:
    """Add the command to the app."""
    import typer

    from blockspace.cli.complete import complete_studies, complete_study_settings

    @app.command(epilog="blockspace search studies/hs_vs_resnext.yaml search.trials=40 data=fashion_mnist")
    def search(
        study: str = typer.Argument(help="a study file", autocompletion=complete_studies),
        overrides: list[str] = typer.Argument(None, help="key.path=value, applied after the file", autocompletion=complete_study_settings),
        dry_run: bool = typer.Option(False, "--dry-run", help="Say what it would do: space, costs, budget. Nothing is trained or written."),
        measure: bool = typer.Option(False, "--measure", help="With --dry-run: time a training step and estimate the whole."),
        spread: list[str] = typer.Option(
            None, metavar="RUN", help="With --dry-run: earlier runs, or a shipped study, that show how far searches differ; repeatable."
        ),
        reuse: list[str] = typer.Option(None, metavar="RUN", help="A run directory whose equal trainings are taken over; repeatable."),
        workers: int = typer.Option(None, help="Worker processes (default: one per core)."),
        as_json: bool = typer.Option(False, "--json", help="The answer as JSON on stdout."),
        verbose: bool = typer.Option(False, "--verbose", "-v", help="Show what the trainings say, Lightning's warnings too."),
        quiet: bool = typer.Option(False, "--quiet", "-q", help="Only the answer: no progress."),
    ) -> None:
        """Search, retrain the finalists, compare them, and export them."""
        if verbose and quiet:
            raise error("E-KEY", "-v and -q ask for opposite things", help="give one of them")
        texts = [*(overrides or []), *([f"search.workers={workers}"] if workers else [])]
        if measure and not dry_run:
            help = shlex.join(["blockspace", "search", study, *texts, "--dry-run", "--measure"])
            raise error("E-KEY", "--measure belongs to --dry-run", help=help)
        if spread and not dry_run:
            help = shlex.join(["blockspace", "search", study, *texts, "--dry-run", *(word for run in spread for word in ("--spread", run))])
            raise error("E-KEY", "--spread belongs to --dry-run", help=help)
        if dry_run:
            with running_command(DRY_RUN):
                code = print_dry_run(study, texts, measure, reuse or [], spread or [])
            if code:
                raise typer.Exit(code)
        elif code := run(study, texts, as_json, verbose, quiet, reuse or []):
            raise typer.Exit(code)


def print_dry_run(study: str, overrides: list[str], measure: bool, reuse: Sequence[str] = (), spread: Sequence[str] = ()) -> int:
    """Print what the study would do and could show, and what it would take over from other runs; with `measure`, also how long it takes.

    How far searches differ is read from `spread`, else from the runs that are reused. Return the exit code: 7 where the time was asked for
    and is not known.
    """
    from blockspace.data import can_describe
    from blockspace.study import (
        StudyTimer,
        describe_power,
        describe_reuse,
        draw_families,
        dry_run_text,
        read_prior_runs,
        read_spread,
        read_spread_of_reused,
        resolve_study,
    )

    resolved = resolve_study(study, overrides)
    runs = read_prior_runs(resolved, reuse)
    resolved.budgeted_space.check_reachable()
    print(dry_run_text(resolved, draw_families(resolved)))
    for line in describe_reuse(resolved, runs):
        print(line)
    timer = StudyTimer.of(resolved) if measure and can_describe(resolved.study.data) else None
    known = read_spread(spread) if spread else read_spread_of_reused(reuse)
    print()
    for line in describe_power(resolved, known, timer.estimate if timer else None):
        print(line)
    if timer:
        print("\n" + timer.describe(resolved))
    elif measure:
        print(f"\ntime: not measured, since that needs the data: {resolved.study.data.python} is run by `search`, not by a dry run")
    return 7 if measure and not timer else 0


def run(study: str, overrides: list[str], as_json: bool, verbose: bool = False, quiet: bool = False, reuse: Sequence[str] = ()) -> int:
    """Run a study: progress to stderr, the answer to stdout.

    Return the exit code: 0, 7 where something is missing from the answer, or the signal's after an interruption (typer would make it 130).
    """
    from blockspace.cli.progress import Progress
    from blockspace.searching import ignore_signals, raise_on_signals
    from blockspace.study import format_result_json as to_json, search

    with raise_on_signals(), Progress(verbose=verbose, quiet=quiet) as progress:
        try:
            outcome = search(study, overrides, progress, reuse)
        except KeyboardInterrupt as stop:
            ignore_signals()
            progress.close()
            again = ["blockspace", "search", study, *overrides, *(word for run in reuse for word in ("--reuse", run))]
            progress.say(f"{progress.summary()}\nstopped; go on with: {shlex.join(again)}")
            return getattr(stop, "exit_code", 130)
    print(to_json(outcome) if as_json else outcome.text())
    folder = outcome.study.folder
    names = ", ".join(place.name for place in outcome.exported)
    if not quiet:
        print(f"\nexported: {names} in {folder}/best; all trials in {folder}/results.csv", file=sys.stderr)
    return outcome.exit_code
