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
KEEPING = ("cp", "export", "report", "search", "train")  # commands whose result is in files; what they print is a copy
COMPLETING = "_BLOCKSPACE_COMPLETE"  # set by the shell's completion, which typer answers


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code. Mistakes of the user are printed without a traceback."""
    from blockspace.cli.output import safe_output

    argv = sys.argv[1:] if argv is None else argv
    with safe_output() as out:
        code = run_command(argv)
        out.flush()
        return report_lost_output(out.lost, argv, code) if out.lost is not None else code


def run_command(argv: list[str]) -> int:
    """Run one command and return its exit code; print the mistakes of the user."""
    from blockspace.errors import BlockspaceError
    from blockspace.executions import running_command

    try:
        with running_command(next((word for word in argv if not word.startswith("-")), "blockspace")):
            if is_quick(argv):
                return import_module(f"blockspace.cli.{argv[0]}").run(*argv[1:]) or 0
            from blockspace.cli.app import run

            return run(argv)
    except BlockspaceError as e:
        return report_mistakes(e, "--json" in argv)
    except KeyboardInterrupt as stop:
        return getattr(stop, "exit_code", 130)


def report_lost_output(reason: OSError, argv: list[str], code: int) -> int:
    """Say that stdout could not be written, and return the exit code: 3 where the command's only result was its output.

    A reader that has left (`| head -1`) wants no more, and a command that keeps its result in files has done its work.
    """
    if isinstance(reason, BrokenPipeError):
        return code
    kept = bool(argv) and argv[0] in KEEPING
    print(f"error: the output could not be written to stdout: {reason.strerror or reason}", file=sys.stderr)
    print(f"   = help: {'the result is in its files' if kept else 'free some space, or send the output elsewhere'}", file=sys.stderr)
    return code or (0 if kept else 3)


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
    from blockspace.cli.output import open_missing_streams

    open_missing_streams()
    code = main()
    if is_quick(sys.argv[1:]):
        os._exit(code)
    sys.exit(code)
