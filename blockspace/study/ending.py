"""How a study ends: its answer as files, a line of the log that says how, and the report of what there is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from blockspace.errors import BlockspaceError
from blockspace.files import write_atomic
from blockspace.searching import Interrupted
from blockspace.study.outcome import Outcome

Event = Callable[[str, dict[str, Any]], None]


@contextmanager
def reported(folder: Path, emit: Event) -> Iterator[None]:
    """However the study ends, the log says how, and the report shows what there is."""
    ended = "failed", "an error of the program"
    try:
        yield
        ended = "done", ""
    except Interrupted:
        ended = "stopped", ""
        raise
    except BlockspaceError as reason:
        refused = any(mistake.code in ("E-LOCKED", "E-CHANGED") for mistake in reason.mistakes)  # the folder is another's
        ended = "refused" if refused else "failed", str(reason).splitlines()[0]
        raise
    finally:
        with suppress(OSError):  # what is on its way out matters more
            emit(ended[0], {"reason": ended[1]})
            if ended[0] != "refused" and (folder / "study.yaml").is_file():
                write_report_or_warn(folder, emit)


def write_report_or_warn(folder: Path, emit: Event) -> None:
    """A study is worth more than its report: where that cannot be written, a line says so."""
    from blockspace.study.reading import write_report

    try:
        write_report(folder)
    except Exception as reason:
        text = str(reason).splitlines()[0] if str(reason) else type(reason).__name__
        emit("warning", {"reason": f"report.html was not written: {text}"})


def write_answer(folder: Path, outcome: Outcome) -> None:
    """answer.txt for people, answer.json for the report and other programs."""
    from blockspace.reporting import answer_json

    write_atomic(folder / "answer.json", answer_json(outcome.answer))
    write_atomic(folder / "answer.txt", outcome.text() + "\n")
