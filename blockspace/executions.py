"""Code of others that this package executes: every kind, how a user names it, and the commands that may run it. The only list of them.

docs/security.md and its test are made from `EXECUTIONS` and `READS`. Whoever is about to run such code calls `announce_execution` first,
which says so on stderr, or refuses where the command that runs now is not one of that kind's.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from blockspace.errors import error


@dataclass(frozen=True)
class Execution:
    """A kind of foreign code: how it is named, what of it runs, the commands that may run it, and the functions of the Python API."""

    name: str
    written: str
    runs: str
    commands: tuple[str, ...]
    calls: tuple[str, ...] = ()


EXECUTIONS = {
    one.name: one
    for one in (
        Execution(
            "data",
            "`data: {python: package.module:function}` in a study, a setting, or the record of a training that is repeated",
            "the module, when it is imported, and the function: in the command, and in each of its workers. The module lies in the current "
            "folder, beside the study, or in an installed package; Python's standard library and builtins are refused",
            ("search", "train", "doctor", "replay"),
            ("bs.search", "bs.train"),
        ),
        Execution(
            "rules",
            "a Python file of rewrite rules, named on the command line: `prove FILE.py`, `show --passes --rules FILE.py`",
            "the whole file",
            ("prove", "show"),
        ),
    )
}

DRY_RUN = "search --dry-run"  # a command of its own here: it looks at a study as `check` does
TEMPLATES = "blocks and networks: YAML, or a graph as JSON; the files that they name under `blocks:`"
FOUND = "of a trained network also its `facts.json`, or the files of its run directory"
WEIGHTS = "weights: the tensors of a safetensors file or a checkpoint, nothing else of it"
READS = {
    "check": f"{TEMPLATES}; studies with their spaces; the names of images in folders",
    "compare": TEMPLATES,
    "cp": "the YAML file that is copied",
    "doctor": "with `--data`, a study and every image of its data",
    "export": f"{TEMPLATES}; {FOUND}; {WEIGHTS}",
    "locate": TEMPLATES,
    "ls": "the first lines of the YAML files in `searchspaces/` and `studies/`",
    "prove": "the file of rules",
    "replay": "a run directory, as `report` does, with its space, weights and every image of its data",
    "report": "a run directory: YAML, JSON, CSV, numpy arrays without objects, SQLite",
    "schema": "nothing",
    "search": "a study, its space, every image of its data; run directories; checkpoints of its own, as tensors alone",
    DRY_RUN: "a study and its space; the names of images in folders",
    "show": f"{TEMPLATES}; {FOUND}; with `--rules`, the file of rules",
    "train": f"{TEMPLATES}; {FOUND}; every image of the data; {WEIGHTS}",
}

_commands: list[str] = []  # the commands that run now, the innermost last; empty when the package is used from Python


@contextmanager
def running_command(name: str) -> Iterator[None]:
    """Say which command runs inside the `with` block: foreign code is refused in all others than its own."""
    _commands.append(name)
    try:
        yield
    finally:
        _commands.pop()


def may_execute(kind: str) -> bool:
    """Return whether the command that runs now may run foreign code of this kind; from Python every call may."""
    return not _commands or _commands[-1] in EXECUTIONS[kind].commands


def announce_execution(kind: str, what: str) -> None:
    """Say on stderr, in one line, that foreign code is about to run. Raises BlockspaceError (E-CODE) in a command that runs none of it."""
    if not may_execute(kind):
        allowed = ", ".join(EXECUTIONS[kind].commands)
        raise error("E-CODE", f"{_commands[-1]} runs no code that a file names: {what}", help=f"these do: {allowed}")
    if sys.stderr is not None:
        with suppress(OSError, ValueError):  # a closed stream must not change what is computed
            print(f"running {what}", file=sys.stderr, flush=True)
