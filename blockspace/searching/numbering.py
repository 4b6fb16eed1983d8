"""Numbers of trials: Optuna counts the trials of each repeat from 0, a run directory counts those of all repeats together.

Numbers are given in the order in which trials are asked for. Where a repeat's numbers begin, and where they go on when it asks for more
after others had begun, is stored in its study before the first trial with such a number exists: a kill in between leaves nothing unknown.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import optuna

from blockspace.records import TrialRecord
from blockspace.searching.optuna_adapter import DamagedRecord, read_trial_record

SEGMENTS = "blockspace:numbers"
REPEAT_NAME = re.compile(r"(?P<study>.*) repeat (?P<repeat>\d+)", re.DOTALL)  # names of studies in files have no spaces

Segment = tuple[int, int]


class TrialNumbers:
    """The numbers of one repeat's trials. `others` is how many trials all other repeats have.

    A segment is (Optuna's number of its first trial, that trial's number in the run directory).
    """

    def __init__(self, repeat: int = 0, segments: Sequence[Segment] = ((0, 0),), others: int = 0):
        self.repeat, self.segments, self.others = repeat, sorted(segments), others

    def find(self, local: int) -> int:
        """Return the number in the run directory of a trial by Optuna's number."""
        start, number = max(segment for segment in self.segments if segment[0] <= local)
        return number + local - start

    def reserve(self, study: optuna.Study, local: int) -> None:
        """See to it, before the trial exists, that Optuna's number `local` stands for the first number that no trial has yet."""
        number = local + self.others
        if self.find(local) != number:
            self.segments = [*(segment for segment in self.segments if segment[0] < local), (local, number)]
            study.set_user_attr(SEGMENTS, self.segments)


def read_numbers(study: optuna.Study, repeat: int, others: int, start: int = 0) -> TrialNumbers:
    """Return the numbers of a repeat's trials as its study has them; one that stores none begins at `start`. Raises DamagedRecord."""
    stored = study.user_attrs.get(SEGMENTS, [[0, start]])
    try:
        segments = [(int(local), int(number)) for local, number in stored]
        if min(segments)[0] != 0:
            raise ValueError("the first trial has no number")
    except (ValueError, TypeError) as reason:
        raise DamagedRecord(f"{SEGMENTS}: {reason}") from reason
    return TrialNumbers(repeat, segments, others)


def read_trial_records(study: optuna.Study, objectives: dict[str, str], numbers: TrialNumbers) -> list[TrialRecord]:
    """Return all trials of a repeat's study, by number."""
    trials = study.get_trials(deepcopy=False)
    return [read_trial_record(trial, objectives, numbers.find(trial.number), numbers.repeat) for trial in trials]


def name_repeat(study: str, repeat: int) -> str:
    """Return the name of a repeat's study in the database: the study's own for the first."""
    return f"{study} repeat {repeat}" if repeat else study


def split_repeat(name: str) -> tuple[str, int]:
    """Return the study and the repeat of a name in the database."""
    found = REPEAT_NAME.fullmatch(name)
    return (found["study"], int(found["repeat"])) if found else (name, 0)
