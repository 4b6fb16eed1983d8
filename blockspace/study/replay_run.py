"""replay: repeat a run, or one training of it, and compare every step with what is stored. The run directory is only read."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from blockspace.data import Preflight, preflight
from blockspace.errors import INCOMPLETE, ExportError, StorageError, error
from blockspace.executors import Evaluate, Job, Result, open_executor, read_result
from blockspace.formatting import count_noun
from blockspace.inputs import CALLABLE, FLAG, PATH, check_arguments, optional
from blockspace.records import RunDir, TrainingDir, TrialRecord, read_events, split_run_target
from blockspace.reporting import Answer, answer_json, read_answer
from blockspace.searching import (
    ReplayDifference,
    ResultCache,
    SearchPlan,
    StoredSearch,
    diff_configs,
    find_changed_setting,
    find_other_order,
    make_job,
    read_stored_searches,
    read_stored_study,
    replay_search,
)
from blockspace.study.answer_reader import compute_answer
from blockspace.study.random_networks import select_random_networks
from blockspace.study.replayed_training import RepeatedTraining, repeat_training
from blockspace.study.resolve import ResolvedStudy, resolve_study
from blockspace.study.retrain import Finalist, finalist_jobs, make_finalist, make_random_finalist, select_finalists
from blockspace.study.run_reader import list_seen_choices, read_run
from blockspace.study.run_search import check_same_data, make_search_plan
from blockspace.study.tuned_recipes import read_tuned_recipes
from blockspace.study.worker_jobs import PRELOAD, train_finalist, train_trial

Say = Callable[[str], object]
# parts of an answer that do not follow from its scores alone, and the sentences, which are made from the others
NOT_RECOMPUTED = ("missing", "sentences", "remarks")


@dataclass(frozen=True)
class Replay:
    """What came out of a replay: its lines, whether all that was compared is equal, and whether something could not be compared here."""

    lines: tuple[str, ...]
    is_equal: bool
    is_complete: bool = True

    @property
    def exit_code(self) -> int:
        """Return the exit code of the command: 0, 6 where something differs, 7 where something could not be compared."""
        if not self.is_equal:
            return ExportError.exit_code
        return 0 if self.is_complete else INCOMPLETE


@dataclass(frozen=True)
class StoredRun:
    """A run directory that is replayed: its study as it is made today, and its searches as they are stored."""

    run: RunDir
    resolved: ResolvedStudy
    searches: list[StoredSearch]

    @cached_property
    def look(self) -> Preflight:
        """Return the inspection of the data. Raises BlockspaceError (E-CHANGED) where it is not what the run had."""
        found = preflight(self.resolved.study.data, self.run.path)
        check_same_data(self.run.path, found, self.resolved.study.data)
        return found

    def plan(self, stored: StoredSearch) -> SearchPlan:
        """Return the plan of a search; its `measure` is not to be called."""
        measure = refuse_to_measure if self.resolved.options.budget.latency is not None else None
        return make_search_plan(self.resolved, stored.numbers.repeat, measure, ResultCache(), ("data",))


def refuse_to_measure(candidate: object) -> dict[str, float]:
    """Raise LookupError: a replay reads what was measured."""
    raise LookupError(f"{candidate} is not measured in a replay")


@check_arguments(target=PATH, train=FLAG, say=optional(CALLABLE))
def replay(target: str | os.PathLike[str], train: bool = False, say: Say | None = None) -> Replay:
    """Repeat a run, or with `RUN#17` or `RUN#name` one training of it, and compare it with what is stored; nothing is written there.

    Of a run, the sampler is asked again in the stored order of asks and tells, with the stored results and measurements; every proposal,
    every decision and the answer are compared, up to the first difference. `train` also repeats every training. A training is compared
    bit by bit where CPU, number of threads and versions are the recorded ones. `say` is called with each line as it comes.

    Raises BlockspaceError for what is no run directory, and for data that has changed (E-CHANGED).
    """
    path, name = split_run_target(os.fspath(target))
    run = RunDir.of(path)
    if not run.is_study:
        help = "give a folder such as runs/hs_vs_resnext, or one of its trainings as runs/hs_vs_resnext#17"
        raise error("E-FILE", f"{path} is not the run directory of a study", help=help)
    run.refuse_links()
    resolved = replace(resolve_study(run.study_yaml, run_code=True), tuned=read_tuned_recipes(run))
    stored = StoredRun(run, resolved, read_stored_searches(run))
    report = ReplayReport(say)
    if name:
        replay_trainings(stored, [find_training(stored, name)], report)
    else:
        replay_searches(stored, report)
        if report.is_equal:
            replay_answer(stored, report)
        if train and report.is_equal:
            replay_trainings(stored, list(list_trainings(stored)), report)
    return Replay(tuple(report.lines), report.is_equal, report.is_complete)


@dataclass
class ReplayReport:
    """What is found on the way."""

    say: Say | None
    lines: list[str] = field(default_factory=list)
    is_equal: bool = True
    is_complete: bool = True

    def add(self, line: str) -> None:
        """Add a line."""
        self.lines.append(line)
        if self.say is not None:
            self.say(line)

    def differ(self, found: ReplayDifference) -> None:
        """Add a difference."""
        self.is_equal = False
        self.add(found.sentence())


# searches and answer


def replay_searches(stored: StoredRun, report: ReplayReport) -> None:
    """Replay every search, up to the first difference."""
    for one in stored.searches:
        plan = stored.plan(one)
        found = find_changed_setting(plan, stored.resolved.digest(), one)
        found = found or replay_search(plan, one, lambda record: read_stored(stored, record))
        if found is not None:
            return report.differ(found)
        report.add(describe_search(one, len(stored.searches)))
    events = read_events(stored.run)
    found = find_other_order(stored.searches, events)
    if found is not None:
        return report.differ(found)
    if not events:
        report.add(f"order: by {stored.run.storage.name} alone, since there is no {stored.run.events.name}")


def read_stored(stored: StoredRun, record: TrialRecord) -> Result | None:
    """Return the result of a trial by its file; None where there is none that can be read."""
    try:
        found = read_result(stored.run.trial(record.number).path)
    except StorageError:
        return None
    return found if found is not None and (found.key, found.seed) == (record.key, record.seed) else None


def describe_search(one: StoredSearch, searches: int) -> str:
    """Return a line about a search that was replayed without a difference."""
    name = f"search {one.numbers.repeat + 1} of {searches}" if searches > 1 else "search"
    counts = Counter(record.state.label for record in one.records)
    states = ", ".join(f"{count} {state}" for state, count in counts.items())
    return f"{name}: {count_noun(len(one.records), 'proposal')} and decisions are equal ({states})"


def replay_answer(stored: StoredRun, report: ReplayReport) -> None:
    """Compare the answer that is written with one that is made anew from the scores."""
    try:
        written = read_answer(stored.run.answer_json.read_text(encoding="utf-8"))
    except (OSError, ValueError) as reason:
        report.is_complete = False
        return report.add(f"answer: not compared, {stored.run.answer_json.name} cannot be read ({reason})")
    fresh = recompute_answer(stored)
    if fresh is None:
        report.is_complete = False
        return report.add("answer: not compared, its scores are missing")
    rows = diff_configs(answer_as_data(written), answer_as_data(fresh))
    if rows:
        where, _, values = rows[0].partition(": ")
        before, _, now = values.partition(" -> ")
        return report.differ(ReplayDifference("answer", where, now, before))
    report.add(f"answer: {count_noun(len(written.rows), 'network')} and {count_noun(len(written.sentences()), 'sentence')} are equal")


def recompute_answer(stored: StoredRun) -> Answer | None:
    """Return the answer that follows from the scores of the finalists."""
    report, study = read_run(stored.run.path), stored.resolved.study
    choices = list_seen_choices(read_stored_study(stored.run), report.per)
    return compute_answer(stored.run, [one for one in report.finals if report.searches.has(one)], study, choices, [])


def answer_as_data(answer: Answer) -> dict[str, Any]:
    """Return the parts of an answer that follow from the scores; a cost that was measured anew is not among them."""
    if answer.cheaper is not None:
        answer = replace(answer, cheaper=replace(answer.cheaper, remeasured=None))
    return {name: value for name, value in json.loads(answer_json(answer)).items() if name not in NOT_RECOMPUTED}


# trainings


@dataclass(frozen=True)
class StoredTraining:
    """A training of the run: its name for people, its job, and what does it."""

    name: str
    job: Job
    evaluate: Evaluate


def list_trainings(stored: StoredRun) -> Iterator[StoredTraining]:
    """Yield every training of the run that has ended as the study asked: trials, then final trainings."""
    for one in stored.searches:
        for record in one.records:
            if record.state.is_trained and record.comparable and not record.reused:
                yield make_trial_training(stored, one, record)
    yield from list_finals(stored)


def make_trial_training(stored: StoredRun, one: StoredSearch, record: TrialRecord) -> StoredTraining:
    """Return the training of a trial, as the search made it."""
    plan = stored.plan(one)
    job = make_job(plan, stored.run.absolute(), record.number, plan.space.propose(record.params))
    return StoredTraining(f"{stored.run}#{record.number} {record.label}", job, train_trial)


def list_finals(stored: StoredRun) -> Iterator[StoredTraining]:
    """Yield every final training that has a result."""
    for job in finalist_jobs(stored.resolved, list_finalists(stored)):
        if TrainingDir(Path(job.folder)).result.is_file():
            yield StoredTraining(f"{stored.run}#{job.label}", job, train_finalist)


def list_finalists(stored: StoredRun) -> list[Finalist]:
    """Return the finalists of every search with the baseline, the random networks, and those that were trained for their cost."""
    found = [
        finalist
        for one in stored.searches
        for finalist in select_finalists(stored.resolved, one.records, one.numbers.repeat)
    ]
    drawn = select_random_networks(stored.run, stored.resolved.options)
    found += [make_random_finalist(stored.resolved, network) for network in drawn]
    records = {record.number: record for one in stored.searches for record in one.records}
    cheap = [records[final.number] for final in read_run(stored.run.path).finals if final.role == "cheap" and final.number is not None]
    return [*found, *(make_finalist(stored.resolved, record, record.repeat, "cheap") for record in cheap)]


def find_training(stored: StoredRun, name: str) -> StoredTraining:
    """Return the training that `RUN#name` means: of a trial by its number, of a finalist (its first seed) by its name."""
    place = stored.run.training_named(name)
    if name.isdecimal():
        found = ((one, record) for one in stored.searches for record in one.records if record.number == int(name))
        one, record = next(found, (None, None))
        if one is None or record is None or not record.state.is_trained:
            raise error("E-FILE", f"{stored.run}#{name} was not trained to its end", help="results.csv names the states of all trials")
        if not record.comparable:
            raise error("E-FILE", f"{stored.run}#{name} was not trained as the study says: {record.reason}")
        return make_trial_training(stored, one, record)
    folder = str(stored.run.absolute().finalist(name, 0).path)
    finals = [one for one in list_finals(stored) if one.job.folder == folder]
    if not finals:
        raise error("E-FILE", f"{place} is no training of the study as it is now", help="name a finalist of its answer")
    return finals[0]


def replay_trainings(stored: StoredRun, trainings: list[StoredTraining], report: ReplayReport) -> None:
    """Repeat trainings one after the other in a worker, and compare each."""
    assert stored.look  # the data is what it was
    with open_executor("local", 1, PRELOAD) as executor:
        for one in trainings:
            note_training(repeat_training(stored.run, one.name, one.job, one.evaluate, executor), report)


def note_training(found: RepeatedTraining, report: ReplayReport) -> None:
    """Take note of how a repeated training compares."""
    report.is_equal = report.is_equal and not found.differences
    report.is_complete = report.is_complete and not found.obstacle
    report.add(found.sentence())
