"""The repeats of a study: independent searches, one after the other, each followed at once by the final trainings of what it found.

A study that is interrupted therefore has whole repeats, and only whole ones are units of what is said of families.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from blockspace.data import Preflight
from blockspace.executors import Executor, Result
from blockspace.records import Listener, TrialRecord
from blockspace.searching import ResultCache, SearchOptions, StudyLock
from blockspace.study.resolve import ResolvedStudy

if TYPE_CHECKING:
    from blockspace.study.retrain import Finalist


@dataclass(frozen=True)
class StudyStart:
    """One start of a study: what it is, its run directory, which is locked, and what every search of it uses.

    `look` is the inspection of the data, `known` are results of other runs.
    """

    resolved: ResolvedStudy
    folder: Path
    workers: Executor
    lock: StudyLock
    emit: Listener
    look: Preflight
    known: ResultCache


@dataclass(frozen=True)
class WholeRepeat:
    """One search with its finals: its trials, its finalists (of the first also the baseline), and their results by finalist and seed.

    `reason` says why it trained fewer networks than were asked for.
    """

    number: int
    records: list[TrialRecord]
    finalists: list[Finalist]
    results: list[Result]
    reason: str = ""


def run_repeats(
    options: SearchOptions, run: Callable[[int], WholeRepeat], is_decided: Callable[[Sequence[WholeRepeat]], bool]
) -> list[WholeRepeat]:
    """Run the searches of a study and return them; after a look at which every sentence `is_decided` there is no further one."""
    whole: list[WholeRepeat] = []
    for number in range(options.repeat_count):
        whole.append(run(number))
        if len(whole) in options.looks[:-1] and is_decided(whole):
            break
    return whole


def join_finalists(whole: Sequence[WholeRepeat]) -> list[Finalist]:
    """Return the finalists of all searches, in their order."""
    return [finalist for one in whole for finalist in one.finalists]


def join_records(whole: Sequence[WholeRepeat]) -> list[TrialRecord]:
    """Return the trials of all searches, by number."""
    return sorted((record for one in whole for record in one.records), key=lambda record: record.number)
