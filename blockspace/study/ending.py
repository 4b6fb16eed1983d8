"""How a study ends: its answer as files, a line of the log that says how, and the report of what there is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from blockspace.errors import BlockspaceError
from blockspace.files import write_atomic
from blockspace.records import Event, Listener, RunDir, StudyFailed, StudyFinished, StudyRefused, StudyStopped, Warned
from blockspace.searching import Interrupted
from blockspace.study.study_result import StudyResult


@contextmanager
def reported(folder: Path, emit: Listener) -> Iterator[None]:
    """Log how the study ends, however it does, and write the report of what there is."""
    end: Event = StudyFailed("an error of the program")
    try:
        yield
        end = StudyFinished()
    except Interrupted:
        end = StudyStopped()
        raise
    except BlockspaceError as reason:
        refused = any(mistake.code in ("E-LOCKED", "E-CHANGED") for mistake in reason.mistakes)  # the folder is another's
        end = (StudyRefused if refused else StudyFailed)(str(reason).splitlines()[0])
        raise
    finally:
        with suppress(OSError):  # what is on its way out matters more
            emit(end)
            if not isinstance(end, StudyRefused) and RunDir(folder).is_study:
                write_report_or_warn(folder, emit)


def write_report_or_warn(folder: Path, emit: Listener) -> None:
    """Write the report; where that fails, emit a warning, because the study matters more."""
    from blockspace.study.run_reader import write_report

    try:
        write_report(folder)
    except Exception as reason:
        text = str(reason).splitlines()[0] if str(reason) else type(reason).__name__
        emit(Warned(f"report.html was not written: {text}"))


def write_answer(folder: Path, outcome: StudyResult) -> None:
    """Write the answer for people, and for the report and other programs."""
    from blockspace.reporting import answer_json

    write_atomic(RunDir(folder).answer_json, answer_json(outcome.answer))
    write_atomic(RunDir(folder).answer, outcome.text() + "\n")
