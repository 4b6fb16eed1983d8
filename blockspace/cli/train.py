"""blockspace train: train one network by itself; the same command resumes."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
    from blockspace.formatting import count_noun
    from blockspace.study import evaluate

    found = evaluate(network, settings)
    if as_json:
        import json

        print(json.dumps(found))
        return
    print(f"test accuracy {100 * found['test_acc']:.2f} %, log-loss {found['test_loss']:.4f} nats ({count_noun(found['images'], 'image')})")


def run(network: str, settings: list[str], recipe: str | None, formats: list[str], as_json: bool, quiet: bool) -> int:
    """Run a training: progress to stderr, the result to stdout. Return the exit code: 0, or the signal's after an interruption."""
    from blockspace.cli.progress import EpochProgress
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
