"""Replay a stored search: the sampler is asked again in the stored order of asks and tells, and every step is compared.

The loop is the one that searched. It gets a database in memory, the stored results of trainings in place of trainings, and the stored
values in place of measurements; so what it proposes and decides follows from the code, the settings and the results alone. What a sampler
proposes depends on which trials are finished and which are running, so each result is told just when it was told then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial

from blockspace.executors import Job, Result
from blockspace.records import (
    Event,
    RecordEvent,
    RunDir,
    TimedEvent,
    TrialFinished,
    TrialProposed,
    TrialRecord,
)
from blockspace.searching.numbering import TrialNumbers
from blockspace.searching.options import FailureLimits
from blockspace.searching.optuna_adapter import read_trial_record
from blockspace.searching.plan import SearchPlan, diff_configs
from blockspace.searching.reproducible_sampler import ReproducibleSampler
from blockspace.searching.result_cache import ResultCache
from blockspace.searching.samplers import SAMPLERS
from blockspace.searching.search_loop import SearchLoop
from blockspace.searching.space.candidate import Candidate
from blockspace.searching.storage import StoredSearch, silence_optuna, to_json_data

NOWHERE = Path("/nonexistent/replayed")  # the run directory of the loop: no result lies in it
NO_LIMITS = FailureLimits(first=10**9, share=1.0, after=10**9)  # earlier starts had limits of their own, each from its own beginning
PROPOSED = ("label", "params", "families", "solved", "key", "costs")  # of a record: what was proposed
DECIDED = ("state", "duplicate_of", "violations", "measured", "metrics", "values", "seed", "comparable", "reused")  # what became of it
FindResult = Callable[[TrialRecord], Result | None]
Step = tuple[str, int]  # `proposed` or `finished`, and the trial's number


@dataclass(frozen=True)
class ReplayDifference:
    """The first difference between a stored run and its replay: where, what, and both values as text."""

    where: str
    what: str
    replayed: str
    stored: str

    def sentence(self) -> str:
        """Return the difference as a line: `trial 12: proposed hs-s4, stored hs-s5`."""
        return f"{self.where}: {self.what} {self.replayed}, stored {self.stored}"


class _DifferenceFound(Exception):
    """Raised inside the loop at the first difference."""

    def __init__(self, difference: ReplayDifference):
        super().__init__(difference)
        self.difference = difference


def replay_search(plan: SearchPlan, stored: StoredSearch, find_result: FindResult) -> ReplayDifference | None:
    """Replay one search of a study and return the first difference; None where every proposal and decision is the same.

    `find_result` returns the result of a trial's training, None where it is not known: then what the database says of it is told. The
    plan's `measure` says whether the study measures; it is not called. Raises what the space raises.
    """
    try:
        with silence_optuna():
            _SearchReplay(plan, stored, find_result).run()
    except _DifferenceFound as found:
        return found.difference
    return None


def find_changed_setting(plan: SearchPlan, digest: dict[str, Any], stored: StoredSearch) -> ReplayDifference | None:
    """Return the first setting that is another than the one the search was made with; None where all are the same."""
    rows = diff_configs(stored.digest, to_json_data({**digest, **plan.digest()}), ignored=plan.checked_elsewhere) if stored.digest else []
    if not rows:
        return None
    name, _, values = rows[0].partition(": ")
    before, _, now = values.partition(" -> ")
    return ReplayDifference("settings", name, now, before)


def find_other_order(searches: list[StoredSearch], events: list[TimedEvent]) -> ReplayDifference | None:
    """Return the first place where the database and the log of events have proposals and results in another order; None where none is.

    Steps that one of them does not have, as after a kill between the two, are passed over.
    """
    logged = dict.fromkeys(step for _, event in events if (step := _step_of(event)) is not None)
    for stored in searches:
        kept = [step for step in list_steps(stored) if step in logged]
        known = set(kept)
        for ours, theirs in zip(kept, (step for step in logged if step in known), strict=True):
            if ours != theirs:
                words = (f"trial {number} {word}" for word, number in (theirs, ours))
                return ReplayDifference("order", "next by events.jsonl", *words)
    return None


def _step_of(event: Event) -> Step | None:
    """Return the step that an event logs, if any."""
    if isinstance(event, TrialProposed | TrialFinished):
        return event.kind, event.number
    return None


def list_steps(stored: StoredSearch) -> list[Step]:
    """Return the asks and tells of a stored search in their order: asks by number, a result before the first ask that came after it.

    A trial that was never asked, because a kill came before, has no step.
    """
    asked = [trial for trial in stored.trials if trial.datetime_start is not None]
    told = sorted((trial for trial in asked if trial.datetime_complete is not None), key=_completed)
    steps: list[Step] = []
    done = 0
    for trial in asked:
        while done < len(told) and _completed(told[done]) < (trial.datetime_start or datetime.min) and told[done].number < trial.number:
            steps.append(("finished", stored.numbers.find(told[done].number)))
            done += 1
        steps.append(("proposed", stored.numbers.find(trial.number)))
    return [*steps, *(("finished", stored.numbers.find(trial.number)) for trial in told[done:])]


def _completed(trial: FrozenTrial) -> datetime:
    return trial.datetime_complete or datetime.max


class _StoredNumbers(TrialNumbers):
    """The numbers that trials have, which are not given anew."""

    def reserve(self, study: optuna.Study, local: int) -> None:
        """Do nothing: the number is stored."""


@dataclass
class _ReusedResults(ResultCache):
    """The results that trials took over from other runs, by their numbers."""

    by_number: dict[int, Result] = field(default_factory=dict)

    def take(self, job: Job) -> Result | None:
        """Return the result that the trial had taken over."""
        return self.by_number.get(job.number)


class _SearchReplay:
    """The loop, in the hands of the stored steps."""

    def __init__(self, plan: SearchPlan, stored: StoredSearch, find_result: FindResult):
        self.stored, self.find_result = stored, find_result
        self.records = {record.number: record for record in stored.records}
        self.attributes = {stored.numbers.find(trial.number): trial.user_attrs for trial in stored.trials}
        self.measured = {record.key: record.measured for record in reversed(stored.records) if record.key and record.measured}
        reused = {number: self.result_of(record) for number, record in self.records.items() if record.reused}
        plan = replace(
            plan, measure=self.measure if plan.measure is not None else None, retry=None, earlier=_ReusedResults(by_number=reused),
            options=plan.options.model_copy(update={"failures": NO_LIMITS}),
        )  # fmt: skip
        sampler = ReproducibleSampler(SAMPLERS[plan.options.sampler], plan.seed)
        directions = [optuna.study.StudyDirection[word.upper()] for word in plan.objectives.values()]
        self.study = optuna.create_study(sampler=sampler, directions=directions)
        self.study.set_metric_names(list(plan.objectives))
        numbers = _StoredNumbers(stored.numbers.repeat, stored.numbers.segments)
        self.loop = SearchLoop(plan, RunDir(NOWHERE), self.study, numbers, lambda: sampler.exhausted, self.listen)

    def run(self) -> None:
        """Take every stored step. Raises _DifferenceFound."""
        for word, number in list_steps(self.stored):
            if word == "proposed":
                self.loop.next_job()
            else:
                self.finish(number)

    def finish(self, number: int) -> None:
        """Tell the stored result of a training; what was decided without one was told when it was proposed."""
        proposal = next((one for one in self.loop.pending if one.job.number == number), None)
        if proposal is None:
            if not self.is_finished(number):
                raise _DifferenceFound(ReplayDifference(f"trial {number}", "is", "unfinished", self.records[number].state.label))
            return
        if "retried" in self.attributes[number]:
            proposal.change_options(*self.attributes[number]["retried"])
        self.loop.finish_job(proposal, self.result_of(self.records[number]))

    def is_finished(self, number: int) -> bool:
        """Return whether a trial has its outcome in the replay."""
        numbers = self.loop.numbers
        return any(trial.state.is_finished() and numbers.find(trial.number) == number for trial in self.study.get_trials(deepcopy=False))

    def result_of(self, record: TrialRecord) -> Result:
        """Return the result of a trial's training: its file's, else what the database says."""
        if not record.state.is_training_end:
            raise _DifferenceFound(ReplayDifference(f"trial {record.number}", "is to be", "trained", record.state.label))
        known = Result(record.state, record.metrics, record.seconds, record.seed or 0, record.key, record.reason, origin=record.reused)
        return self.find_result(record) or known

    def measure(self, candidate: Candidate) -> dict[str, float]:
        """Return what was measured of a network. Raises LookupError where it could not be measured then."""
        if candidate.key not in self.measured:
            raise LookupError("not measured")
        return self.measured[candidate.key]

    def listen(self, event: Event) -> None:
        """Compare what the loop proposes and decides with what is stored. Raises _DifferenceFound."""
        if isinstance(event, TrialProposed):
            self.compare(self.read_replayed(event.number), PROPOSED)
        elif isinstance(event, RecordEvent):
            self.compare(event.record, (*PROPOSED, *DECIDED))

    def read_replayed(self, number: int) -> TrialRecord:
        """Return the record of a trial in the replay."""
        trials = self.study.get_trials(deepcopy=False)
        trial = next(one for one in reversed(trials) if self.loop.numbers.find(one.number) == number)
        return read_trial_record(trial, self.loop.plan.objectives, number, self.stored.numbers.repeat)

    def compare(self, replayed: TrialRecord, names: tuple[str, ...]) -> None:
        """Compare fields of a trial. Raises _DifferenceFound for the first that differs."""
        stored = self.records[replayed.number]
        if stored.state.value == "running" and not stored.key:  # killed before it was written down
            return
        for name in names:
            ours, theirs = (to_json_data(getattr(record, name)) for record in (replayed, stored))
            if ours != theirs:
                raise _DifferenceFound(describe_difference(replayed, stored, name))


def describe_difference(replayed: TrialRecord, stored: TrialRecord, name: str) -> ReplayDifference:
    """Return the difference of two records of a trial in the field `name`, in words."""
    where = f"trial {stored.number}"
    if name == "label":
        return ReplayDifference(where, "proposed", replayed.label or "no network", stored.label or "no network")
    ours, theirs = getattr(replayed, name), getattr(stored, name)
    if not isinstance(ours, dict) or not isinstance(theirs, dict):
        words = {"state": "", "duplicate_of": "duplicate of"}.get(name, name)
        return ReplayDifference(where, f"{stored.label} is {words}".rstrip(), str(ours), str(theirs))
    key = next(key for key in [*theirs, *ours] if ours.get(key) != theirs.get(key))
    return ReplayDifference(where, f"{stored.label}: {name}: {key} is", str(ours.get(key, "absent")), str(theirs.get(key, "absent")))
