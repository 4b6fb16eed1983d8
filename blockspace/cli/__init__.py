"""The command line: one file per command, which imports what it needs inside its functions.

`show`, `compare`, `check` and `ls` with positional arguments alone skip typer, whose import takes longer than their work. Everything else,
and every option, goes through typer.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from blockspace.errors import BlockspaceError

QUICK = ("check", "compare", "ls", "show")
COMPLETING = "_BLOCKSPACE_COMPLETE"  # set by the shell's completion, which typer answers


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code. Mistakes of the user are printed without a traceback."""
    argv = sys.argv[1:] if argv is None else argv
    from blockspace.errors import BlockspaceError

    try:
        if is_quick(argv):
            code = import_module(f"blockspace.cli.{argv[0]}").run(*argv[1:]) or 0
        else:
            from blockspace.cli.app import run

            code = run(argv)
        sys.stdout.flush()  # here, where a closed pipe is not an error
        return code
    except BlockspaceError as e:
        return report_mistakes(e, "--json" in argv)
    except KeyboardInterrupt as stop:
        return getattr(stop, "exit_code", 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader left: nothing more to say, and no complaint at exit
        return 0


def report_mistakes(e: BlockspaceError, as_json: bool) -> int:
    """Print the mistakes to stderr, or as JSON to stdout. Return the exit code."""
    if as_json:
        import json

        print(json.dumps({"errors": [mistake.as_dict() for mistake in e.mistakes]}))
    else:
        print(e.render(), file=sys.stderr)
    return e.exit_code


def is_quick(argv: list[str]) -> bool:
    """Return whether typer can be skipped: a light command with plain arguments, and not a completion request."""
    return bool(argv) and argv[0] in QUICK and not any(a.startswith("-") for a in argv[1:]) and COMPLETING not in os.environ


def entry() -> None:
    """Run the console script. After a light command the interpreter's teardown is skipped, which would take longer than the command."""
    code = main()
    sys.stderr.flush()
    if is_quick(sys.argv[1:]):
        os._exit(code)
    sys.exit(code)
