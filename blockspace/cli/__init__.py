"""The command line. One file a command; a command's imports stand inside it.

`show`, `compare`, `check` and `ls` with plain arguments skip typer, whose import alone costs more than their work: they answer in the time
it takes to start Python a few times. Everything else, and every option, goes through typer.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

QUICK = ("check", "compare", "ls", "show")
COMPLETING = "_BLOCKSPACE_COMPLETE"  # set by the shell's completion, which typer answers


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns its exit code. Mistakes of the user's are printed without a traceback."""
    argv = sys.argv[1:] if argv is None else argv
    from blockspace.errors import BlockspaceError

    try:
        if quick(argv):
            code = import_module(f"blockspace.cli.{argv[0]}").run(*argv[1:]) or 0
        else:
            from blockspace.cli.app import run

            code = run(argv)
        sys.stdout.flush()  # here, where a reader that left is no error
        return code
    except BlockspaceError as e:
        return failed(e, "--json" in argv)
    except KeyboardInterrupt as stop:
        return getattr(stop, "exit_code", 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader left: nothing more to say, and no complaint at exit
        return 0


def failed(e, as_json: bool) -> int:
    """Print the mistakes, on stdout as JSON when that was asked for, and return the exit code."""
    if as_json:
        import json

        print(json.dumps({"errors": [mistake.as_dict() for mistake in e.mistakes]}))
    else:
        print(e.render(), file=sys.stderr)
    return e.exit_code


def quick(argv: list[str]) -> bool:
    """Whether the short way answers this: a light command with plain arguments, and no shell that asks for completions."""
    return bool(argv) and argv[0] in QUICK and not any(a.startswith("-") for a in argv[1:]) and COMPLETING not in os.environ


def entry() -> None:
    """The console script. After a light command there is nothing to tear down, and taking a thousand objects apart takes longer than it."""
    code = main()
    sys.stderr.flush()
    if quick(sys.argv[1:]):
        os._exit(code)
    sys.exit(code)
