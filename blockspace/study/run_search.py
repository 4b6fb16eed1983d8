"""search: a study from its file to its answer. The same call resumes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any, Unpack

from blockspace.costs import Budget
from blockspace.data import Preflight, check_data, kept_preflight, preflight
from blockspace.errors import StorageError, error
from blockspace.executors import Executor, Job, LocalExecutor, TimeLimits, submit_and_wait
from blockspace.files import write_atomic
from blockspace.records import (
    DataChecked,
    Event,
    EventLog,
    ExportStarted,
    Listener,
    RetrainingStarted,
    ReusePlanned,
    RunDir,
    SearchGivenUp,
    SearchOpened,
    StudyStarted,
    TrialRecord,
)
from blockspace.reporting import write_results
from blockspace.searching import Candidate, ResultCache, SearchPlan, StudyLock, optimize
from blockspace.study.ending import reported, write_answer
from blockspace.study.keywords import SearchKeywords
from blockspace.study.resolve import ResolvedStudy, resolve_study
from blockspace.study.retrain import answer_study, export_finalists, retrain, select_finalists
from blockspace.study.study_file import LatencyWindow
from blockspace.study.study_result import StudyResult
from blockspace.study.warm_start import collect_prior_results, read_prior_runs
from blockspace.study.worker_jobs import PRELOAD, adapt_watchdog, halve_batch, measure_latency, train_trial

MEASURE_PRELOAD = ("torch", "blockspace.compiler")
MEASURE_TIMEOUT = 300.0  # seconds
LATENCY_PAIRS = 100  # about a second; the ratio then repeats within 3 % beside two busy workers


def search(
    path: str | PathLike[str],
    overrides: Sequence[str] = (),
    on_event: Listener | None = None,
    reuse: Sequence[str | PathLike[str]] = (),
    **settings: Unpack[SearchKeywords],
) -> StudyResult:
    """Run a study to its answer: search, retrain the finalists, compare, export. The same call resumes.

    Settings are the study's top-level keys (`study`, `doc`, `space`, `data`, `baseline`, `budget`, `objectives`, `search`, `train`,
    `finalists`, `compare`, `out`) and those of its `search:` section by themselves (`sampler`, `trials`, `workers`, `seed`, `per_choice`,
    `timeout`, `stall_s`, `proposals`, `seeds`, `failures`), as Python data: `trials=40`, `data="fashion_mnist"`, `out=Path("runs/mine")`.
    A section given as a mapping changes the keys it names, `train={"epochs": 3}`; `data`, `baseline` and `objectives` are replaced whole.
    `overrides` are the same as `key.path=value` texts. What comes later wins: the file, settings, overrides.

    Everything is kept in the run directory, where the same call goes on if it was stopped. `reuse` are other run directories: a training
    that one of them has done - the same network, recipe, data, seed and versions - is taken over. `on_event` hears of the progress.

    Raises BlockspaceError with every mistake of the study and the settings, and Interrupted when a signal stops it.
    """
    question = resolve_study(path, overrides, settings)
    runs = read_prior_runs(question, reuse)
    check_data(question.study.data)
    question.proposals.check_reachable()
    # the workers' server starts while the data is looked at; a study that cannot run leaves no folder behind
    with LocalExecutor(question.options.search.worker_count(), PRELOAD) as workers:
        look = preflight(question.study.data, question.study.folder)
        known, lines = collect_prior_results(question, look, runs)
        folder = prepare_run_dir(question)
        emit = EventLog(RunDir(folder), on_event)
        emit(make_start_event(question, look, lines))
        for line in look.lines():
            emit(DataChecked(line))
        for line in lines:
            emit(ReusePlanned(line))
        with reported(folder, emit), StudyLock(folder) as lock:
            return run_stages(question, folder, workers, lock, emit, look, known)


def run_stages(
    question: ResolvedStudy, folder: Path, workers: Executor, lock: StudyLock, emit: Listener, look: Preflight, known: ResultCache
) -> StudyResult:
    """Search, finals, answer, export."""
    rows = run_trials(question, folder, workers, lock, emit, look, known)
    write_results(RunDir(folder).results, rows, question.per)
    finalists = select_finalists(question, rows)
    emit(RetrainingStarted(len(finalists), len(finalists) * question.options.finalists.seeds))
    retrain(question, finalists, workers, emit)
    answer = answer_study(question, finalists)
    emit(ExportStarted(sum(finalist.record is not None for finalist in finalists)))
    exported = export_finalists(question, finalists, answer, emit)
    outcome = StudyResult(question, rows, answer, exported)
    write_answer(folder, outcome)
    return outcome


def make_start_event(question: ResolvedStudy, look: Preflight, lines: Sequence[str]) -> StudyStarted:
    """Return the event that says what the study asks, and notes on it and its data."""
    study = question.study
    budgets = [*map(str, question.proposals.budgets.values()), *(str(Budget(name, *bounds)) for name, bounds in question.limits.items())]
    notes = (*question.notes, *look.notes(), *lines)
    return StudyStarted(study.name, question.options.search.trials, study.objectives, question.per, tuple(budgets), notes)


def prepare_run_dir(question: ResolvedStudy) -> Path:
    """The run directory, made and known to be writable. Raises StorageError."""
    folder = question.study.folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as reason:
        message = f"{folder} cannot be made: {reason.strerror}"
        raise error("E-IO", message, help="choose another with out=FOLDER", cls=StorageError) from None
    write_atomic(folder / ".probe", b"")
    (folder / ".probe").unlink()
    return folder.absolute()


def run_trials(
    question: ResolvedStudy, folder: Path, workers: Executor, lock: StudyLock, emit: Listener, look: Preflight, known: ResultCache
) -> list[TrialRecord]:
    """The search itself; latency is measured in one child of its own."""
    study, options = question.study, question.options
    recipe = {"data": study.data.as_dict(), "recipe": options.train.as_dict()}
    with ExitStack() as stack:
        measuring = make_latency_measurer(question, folder, stack) if question.limits or "latency" in study.objectives else None

        def listen(event: Event) -> None:
            if isinstance(event, SearchOpened):  # the study is the one this folder was made for
                write_atomic(RunDir(folder).study_yaml, study_as_yaml(question))
                check_same_data(folder, look)
                look.write(folder)
                write_atomic(RunDir(folder).baseline, question.settled(question.baseline))
            if isinstance(event, SearchGivenUp):
                write_results(RunDir(folder).results, event.records, question.per)
            emit(event)

        plan = SearchPlan(
            ProposalsWithFiles(question), train_trial, study.objectives, adapt_watchdog(options), measure=measuring, limits=question.limits,
            job_options=recipe, retry=halve_batch, initial=question.first, earlier=known,
        )  # fmt: skip
        return optimize(plan, study.name, folder, question.digest(), listen, executor=workers, lock=lock)


def check_same_data(folder: Path, look: Preflight) -> None:
    """The data is what it was when the run directory was made. Raises BlockspaceError (E-CHANGED)."""
    before = kept_preflight(folder)
    if before is not None and before.digest != look.digest:
        message = f"{folder}: the data has changed since this study was started: {look.lines()[0]}"
        raise error("E-CHANGED", message, help="restore the data, or start again with out=FOLDER")


class ProposalsWithFiles:
    """The proposals, each with its network file for the trial's folder."""

    def __init__(self, question: ResolvedStudy):
        self.question = question
        self.suggest, self.choices = question.proposals.suggest, question.proposals.choices

    def propose(self, assignment: dict) -> Candidate:
        candidate = self.question.candidate(assignment)
        return replace(candidate, arch=candidate.arch | {"arch": self.question.settled(candidate)})


def latency_options(window: LatencyWindow) -> dict[str, Any]:
    """Return the settings of `measure_graphs` for the latency of a study's networks."""
    return {"runtime": window.runtime, "threads": window.threads, "batch": window.batch, "pairs": LATENCY_PAIRS}


def make_latency_measurer(question: ResolvedStudy, folder: Path, stack: ExitStack) -> Callable[[Candidate], dict[str, float]]:
    """The function that measures a candidate against the baseline, in a child forked from a server that has torch."""
    shared = {"baseline": question.baseline.arch["graph"], "latency": latency_options(question.options.budget.latency)}
    child: list[Executor] = []  # started with the first measurement: a finished study that is run again needs none

    def measured(candidate: Candidate) -> dict[str, float]:
        if not child:
            child.append(stack.enter_context(LocalExecutor(1, MEASURE_PRELOAD)))
        place = RunDir(folder).measuring
        place.mkdir(exist_ok=True)
        job = Job(str(place), {"graph": candidate.arch["graph"]}, 0, candidate.key, shared, limits=TimeLimits(MEASURE_TIMEOUT))
        result = submit_and_wait(child[0], measure_latency, job)
        if result is None or not result.trained:
            reason = result.reason if result else "it was stopped"
            raise error("E-LATENCY", f"the latency of {candidate.label} could not be measured: {reason}")
        return {"latency": result.metrics["latency"]}

    return measured


def study_as_yaml(question: ResolvedStudy) -> str:
    """The study as it is run, every default spelled out: the hole that is compared, the space as it is found from the run directory."""
    import yaml

    study = question.study
    space = os.path.relpath(study.space_path, study.folder.resolve()) if os.path.isfile(study.space_path) else study.space_path
    options = question.options.model_dump(mode="json") | {"space": space}
    options["finalists"]["per"] = question.per
    return yaml.safe_dump(options, sort_keys=False)
