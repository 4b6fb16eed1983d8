"""How many files and functions one value passes through, counted with `sys.setprofile`, calls at import time included.

    python benchmarks/journeys.py [--against CHECKOUT] [--list] [JOURNEY ...]

Journeys: `show` (a block's text drawing), `search` (the tests' tiny study, 3 trials, 1 worker; the driver's process alone), `canonical`,
`compile` (with the weights of the form as written) and `source` (of ResNeXt's block in 32 branches; what comes before is not counted).
A file counts when a function of it is called, importing it included; `imported` are those whose text was run at all.
`--against` counts in another checkout of blockspace too and prints both; `--list` prints the files with their lines.
"""

from __future__ import annotations

import argparse
import json
import os
import runpy
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from inspect import CO_OPTIMIZED
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).parent.parent
TRIALS = 3
JOURNEYS = ("show", "search", "canonical", "compile", "source")
COLUMNS = ("files", "imported", "lines", "longest", "functions", "calls", "cross-file", "mutual pairs")


class CallCounter:
    """Counts calls between functions of one package, by caller's and callee's file."""

    def __init__(self, package: Path):
        self.package = str(package) + os.sep
        self.imported: set[str] = set()
        self.calls: Counter[tuple[str, str]] = Counter()
        self.functions: set[tuple[str, str]] = set()

    def record_call(self, frame: FrameType, event: str, _argument: Any) -> None:
        """Take one event of the profiler."""
        callee = frame.f_code.co_filename
        if event != "call" or not callee.startswith(self.package):
            return
        if not frame.f_code.co_flags & CO_OPTIMIZED:  # the body of a module or a class is not a function
            self.imported.add(callee)
            return
        caller = frame.f_back
        while caller is not None and not caller.f_code.co_filename.startswith(self.package):
            caller = caller.f_back  # through the import system, Optuna or pydantic
        self.functions.add((callee, frame.f_code.co_qualname))
        self.calls[caller.f_code.co_filename if caller else "", callee] += 1

    def count(self, action: Callable[[], object]) -> None:
        """Run `action` under the profiler, in all threads it starts."""
        threading.setprofile(self.record_call)
        sys.setprofile(self.record_call)
        try:
            action()
        finally:
            sys.setprofile(None)
            threading.setprofile(None)  # type: ignore[arg-type]  # None takes it away, as the documentation says

    def figures(self) -> dict[str, Any]:
        """Return the figures of a journey, and the files it touched with their numbers of lines."""
        files = sorted({callee for _, callee in self.calls})
        pairs = {(a, b) for a, b in self.calls if a and a != b}
        lines = {name.removeprefix(self.package): len(Path(name).read_text(encoding="utf-8").splitlines()) for name in files}
        crossing = sum(count for (a, b), count in self.calls.items() if a and a != b)
        figures = (
            len(files), len(self.imported), sum(lines.values()), max(lines.values()), len(self.functions),
            sum(self.calls.values()), crossing, sum((b, a) in pairs for a, b in pairs) // 2,
        )  # fmt: skip
        return {"figures": dict(zip(COLUMNS, figures)), "files": lines}


def show_block() -> None:
    """Draw a block as the command does."""
    from blockspace.cli import main

    main(["show", "hs_block", "input=64x56x56", "splits=4"])


def search_tiny_study() -> None:
    """Run the tests' study from its file to its answer."""
    import blockspace as bs

    with tempfile.TemporaryDirectory() as folder:
        study = runpy.run_path(str(ROOT / "tests" / "study" / "tiny.py"))["write"](Path(folder))
        bs.search(study, [f"search.trials={TRIALS}", "search.workers=1", f"out={folder}/run"])


def rewriting_journey(name: str) -> Callable[[], object]:
    """Return what is counted of a journey through the passes and the compiler; what it starts from is made here."""
    import blockspace as bs

    graph = bs.load("resnext_a").graph((256, 8, 8))
    if name == "canonical":
        return lambda: bs.canonical(graph)
    canonical = bs.canonical(graph)
    if name == "source":
        return lambda: bs.to_source(canonical)
    written = bs.compile(graph, seed=0)
    return lambda: bs.compile(canonical, weights_from=written)


def count_journey(name: str) -> dict[str, Any]:
    """Count one journey in this process, in which nothing of blockspace is imported yet."""
    import importlib.util

    spec = importlib.util.find_spec("blockspace")
    assert spec is not None and spec.origin is not None
    counter = CallCounter(Path(spec.origin).parent)
    actions: dict[str, Callable[[], object]] = {"show": show_block, "search": search_tiny_study}
    counter.count(actions[name] if name in actions else rewriting_journey(name))
    return counter.figures()


def count_in(checkout: Path, name: str) -> dict[str, Any]:
    """Count one journey of a checkout, in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    command = [sys.executable, __file__, "--count", name]
    run = subprocess.run(command, env=environment, cwd=checkout, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(run.stdout.splitlines()[-1]))


def main() -> None:
    """Print a row for every journey and checkout."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("journeys", nargs="*", metavar="JOURNEY", help=", ".join(JOURNEYS))
    parser.add_argument("--against", type=Path, help="another checkout, printed first")
    parser.add_argument("--list", action="store_true", help="the files that a journey touches")
    parser.add_argument("--count", choices=JOURNEYS, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.count:
        print("\n" + json.dumps(count_journey(asked.count)))
        return
    if wrong := set(asked.journeys) - set(JOURNEYS):
        parser.error(f"unknown journey {', '.join(sorted(wrong))}; there are {', '.join(JOURNEYS)}")
    checkouts = [*([asked.against.absolute()] if asked.against else []), ROOT]
    print(f"{'journey':10} {'checkout':10}" + "".join(f"{column:>14}" for column in COLUMNS))
    for name in asked.journeys or JOURNEYS:
        for checkout in checkouts:
            found = count_in(checkout, name)
            label = "here" if checkout == ROOT else "against"
            print(f"{name:10} {label:10}" + "".join(f"{found['figures'][column]:>14,}" for column in COLUMNS), flush=True)
            if asked.list:
                print("".join(f"    {lines:>5}  {file}\n" for file, lines in found["files"].items()), end="")


if __name__ == "__main__":
    main()
