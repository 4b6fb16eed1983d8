"""What a study has taken, by its run directory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from blockspace.files import read_json
from blockspace.records import ComputeTotals, RunDir, TrainingDir, TrialRecord, TrialState, read_events, sum_compute
from blockspace.searching import read_stored_study
from blockspace.study.study_file import StudyFile, load_study


def read_compute(run: RunDir) -> ComputeTotals:
    """Return the totals of the study in a run directory so far. Raises BlockspaceError, StorageError."""
    return measure_compute(run, load_study(run.study_yaml).options, read_stored_study(run).records)


def measure_compute(run: RunDir, options: StudyFile, records: Iterable[TrialRecord]) -> ComputeTotals:
    """Return the totals of a study of these trials so far.

    Trainings that were taken over from another run cost nothing here, and are not among them.
    """
    trials = [(record.state, record.seconds) for record in records if record.state.is_training_end and not record.reused]
    finals, tuning = list(read_trainings(run.finalists, "*/seed-*")), list(read_trainings(run.tuning, "*/*/seed-*"))
    each = options.finalists.epochs or options.train.epochs
    epochs = options.train.epochs * count_trained([*trials, *tuning]) + each * count_trained(finals)
    return sum_compute(read_events(run), {"tuning": tuning, "search": trials, "finals": finals}, epochs)


def read_trainings(stage: Path, pattern: str) -> Iterator[tuple[TrialState, float]]:
    """Yield the state and the seconds of each training in a stage's folder that has ended, also of networks that are no longer wanted."""
    for folder in sorted(stage.glob(pattern)):
        try:
            result = read_json(TrainingDir(folder).result)["result"]
            yield TrialState(result["state"]), float(result["seconds"])
        except (OSError, ValueError, KeyError, TypeError):  # it has not ended, or its file is damaged, which others say
            continue


def count_trained(ended: Iterable[tuple[TrialState, float]]) -> int:
    """Return how many trainings came to their end."""
    return sum(state.is_trained for state, _ in ended)
