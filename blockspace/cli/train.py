"""blockspace train: train one network by itself; the same command resumes."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, TextIO

from blockspace.quantities import find_quantity
from blockspace.records import EpochEnded, Event, NetworkTrainingStarted, TrainingFound

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID
    from typer import Typer


def register(app: Typer) -> None:
    """Add the command to the app."""
    import typer

    from blockspace.cli.complete import complete_networks
    from blockspace.exporting import EXPORT_FORMATS

    @app.command(epilog="blockspace train resnet20 data=cifar10 train.epochs=30 seed=1 out=runs/resnet20")
    def train(
        network: str = typer.Argument(
            help="a library network, a YAML file, RUN#NUMBER, or an exported folder", autocompletion=complete_networks
        ),
        settings: list[str] = typer.Argument(None, help="data= train.epochs= seed= out= weights=, and params of the network"),
        recipe: str = typer.Option(None, "--recipe", help="A YAML file with a recipe, or a study: its train section."),
        evaluate: bool = typer.Option(False, "--evaluate", help="Only score given weights on the test split."),
        to: str = typer.Option("", "--to", help=f"Export the trained network: {', '.join(EXPORT_FORMATS)}."),
        as_json: bool = typer.Option(False, "--json", help="The result as JSON on stdout."),
        quiet: bool = typer.Option(False, "--quiet", "-q", help="Only the result: no progress."),
    ) -> None:
        """Train one network, score it once on the test split, and keep it in a run directory."""
        texts = settings or []
        if evaluate:
            print_scores(network, texts, as_json)
        elif code := run(network, texts, recipe, [f.strip() for f in to.split(",") if f.strip()], as_json, quiet):
            raise typer.Exit(code)


def print_scores(network: str, settings: list[str], as_json: bool) -> None:
    """Print the test scores of given weights."""
    from blockspace.study import evaluate

    found = evaluate(network, settings)
    if as_json:
        import json

        print(json.dumps(found))
        return
    print(f"test accuracy {100 * found['test_acc']:.2f} %, log-loss {found['test_loss']:.4f} nats ({found['images']:,} images)")


def run(network: str, settings: list[str], recipe: str | None, formats: list[str], as_json: bool, quiet: bool) -> int:
    """Train: progress to stderr, the result to stdout. Return the exit code: 0, or the signal's after an interruption."""
    from blockspace.searching import ignore_signals, raise_on_signals
    from blockspace.study import train

    options = [*(["--recipe", recipe] if recipe else []), *(["--to", ",".join(formats)] if formats else [])]
    with raise_on_signals(), EpochProgress(quiet) as progress:
        try:
            done = train(network, settings, recipe, formats, progress)
        except KeyboardInterrupt as stop:
            ignore_signals()
            progress.close()
            progress.say(f"stopped; go on with: {shlex.join(['blockspace', 'train', network, *settings, *options])}")
            return getattr(stop, "exit_code", 130)
    if as_json:
        import json

        print(json.dumps(done.as_dict()))
        return 0
    print(done.text())
    if not quiet:
        where = f", exported to {done.exported}" if done.exported else ""
        print(f"in {done.folder}{where}", file=sys.stderr)
    return 0


class EpochProgress:
    """Show one training's progress on stderr: a bar on a terminal, a line per epoch elsewhere."""

    def __init__(self, quiet: bool = False, stream: TextIO | None = None):
        self.stream, self.quiet = stream or sys.stderr, quiet
        self.bar: Progress | None = None
        self.task: TaskID | None = None

    def __enter__(self) -> EpochProgress:
        if not self.quiet and self.stream.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            console = Console(file=self.stream)
            columns = (TextColumn("epoch"), MofNCompleteColumn(), BarColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
            self.bar = Progress(*columns, console=console, transient=True)
            self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove the bar from the terminal."""
        if self.bar is not None:
            self.bar.stop()
            self.bar = None

    def say(self, text: str) -> None:
        """Print a line, above the bar where there is one."""
        if self.quiet:
            return
        if self.bar is not None:
            self.bar.console.print(text, highlight=False, markup=False)
        else:
            print(text, file=self.stream, flush=True)

    def __call__(self, event: Event) -> None:
        if isinstance(event, NetworkTrainingStarted):
            self.start(event)
        elif isinstance(event, TrainingFound):
            self.say(f"{event.folder} holds this training, finished")
        elif isinstance(event, EpochEnded):
            self.advance(event)

    def start(self, event: NetworkTrainingStarted) -> None:
        """Say the notes, and begin the bar."""
        for note in event.notes:
            self.say(note)
        if self.bar is not None:
            self.task = self.bar.add_task("", total=event.epochs)

    def advance(self, event: EpochEnded) -> None:
        """Show a finished epoch."""
        line = format_epoch(event)
        if self.bar is not None and self.task is not None:
            self.bar.update(self.task, completed=event.epoch, description=line)
        else:
            left = (event.epochs - event.epoch) * event.seconds
            ahead = f"  about {left:.0f} s left" if left else ""
            self.say(f"epoch {event.epoch}/{event.epochs}  {line}  {event.seconds:.1f} s{ahead}")


def format_epoch(event: EpochEnded) -> str:
    """Return an epoch's numbers as text."""
    val = "".join(f"  {name} {find_quantity(name).format_stored(value)}" for name, value in event.metrics.items())
    return f"loss {event.loss:.4f}{val}  lr {event.lr:.3g}"
