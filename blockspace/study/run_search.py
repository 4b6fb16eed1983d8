"""search: a study from its file to its answer. The same call resumes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from os import PathLike
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, Any, Unpack

from blockspace.costs import Budget
from blockspace.data import DataSpec, Preflight, check_data, is_same_content, kept_preflight, preflight
from blockspace.errors import BlockspaceError, InfeasibleError, StorageError, error
from blockspace.executors import open_executor
from blockspace.files import as_storage_error, make_folder, write_atomic
from blockspace.inputs import CALLABLE, PATH, PATHS, TEXTS, check_arguments, optional
from blockspace.records import (
    Assignment,
    DataChecked,
    Event,
    EventLog,
    ExportStarted,
    Listener,
    ResourcesSpent,
    RetrainingStarted,
    ReusePlanned,
    RunDir,
    SearchEnded,
    SearchGivenUp,
    SearchOpened,
    StudyFailed,
    StudyFinished,
    StudyRefused,
    StudyStarted,
    StudyStopped,
    TrialRecord,
    Warned,
    count_shared_networks,
)
from blockspace.reporting import write_results
from blockspace.searching import Candidate, Interrupted, ResultCache, SearchPlan, StudyLock, optimize, read_stored_study
from blockspace.study.cheaper_stage import NO_CHEAP_FINALS, CheapFinals, complete_cheaper, find_cheaper_records
from blockspace.study.compute import read_compute
from blockspace.study.environment import note_environment
from blockspace.study.keywords import SearchKeywords
from blockspace.study.latency_measurer import Measure, make_latency_measurer
from blockspace.study.local_paths import hide_local_paths, relative_path, write_local_paths
from blockspace.study.missing import find_failed_trainings, find_missing
from blockspace.study.random_networks import RandomDrawer
from blockspace.study.recipe_tuning import tune_recipe
from blockspace.study.repeats import StudyStart, WholeRepeat, join_finalists, join_records, run_repeats
from blockspace.study.resolve import ResolvedStudy, resolve_study
from blockspace.study.resume_command import write_search_command
from blockspace.study.retrain import (
    answer_study,
    export_finalists,
    make_finalist,
    make_random_finalist,
    retrain,
    select_exported,
    select_finalists,
)
from blockspace.study.space_files import find_space_inside, list_import_sections, write_space_files
from blockspace.study.study_result import StudyResult
from blockspace.study.test_use import note_test_use
from blockspace.study.warm_start import collect_prior_results, read_prior_runs
from blockspace.study.worker_jobs import PRELOAD, adapt_watchdog, halve_batch, train_trial

if TYPE_CHECKING:
    from blockspace.reporting import Answer


@check_arguments(path=PATH, overrides=TEXTS, on_event=optional(CALLABLE), reuse=PATHS)
def search(
    path: str | PathLike[str],
    overrides: Sequence[str] = (),
    on_event: Listener | None = None,
    reuse: Sequence[str | PathLike[str]] = (),
    **settings: Unpack[SearchKeywords],
) -> StudyResult:
    """Run a study to its answer: search, retrain the finalists, compare, export. The same call resumes.

    Settings are the study's top-level keys (`study`, `doc`, `space`, `data`, `baseline`, `budget`, `objectives`, `search`, `train`,
    `tune`, `finalists`, `compare`, `out`) and those of its `search:` section by themselves (`sampler`, `trials`, `repeats`, `workers`,
    `seed`, `per_choice`, `timeout`, `stall_s`, `proposals`, `seeds`, `failures`), as Python data: `trials=40`, `data="fashion_mnist"`,
    `out=Path("runs/mine")`.
    A section given as a mapping changes the keys it names, `train={"epochs": 3}`; `data`, `baseline` and `objectives` are replaced whole.
    `overrides` are the same as `key.path=value` texts. What comes later wins: the file, settings, overrides.

    Everything is kept in the run directory, where the same call goes on if it was stopped. `reuse` are other run directories: a training
    that one of them has done - the same network, recipe, data, seed and versions - is taken over. `on_event` hears of the progress.

    Raises BlockspaceError with every mistake of the study and the settings, and Interrupted when a signal stops it.
    """
    resolved = resolve_study(path, overrides, settings, run_code=True)
    with as_storage_error(resolved.study.folder):
        return search_resolved(resolved, on_event, reuse, write_search_command(path, overrides, settings, reuse))


def search_resolved(
    resolved: ResolvedStudy, on_event: Listener | None, reuse: Sequence[str | PathLike[str]], command: str
) -> StudyResult:
    """Run a resolved study to its answer; `command` starts it again.

    Raises what `search` raises, and OSError for files that are not the study's.
    """
    RunDir.of(resolved.study.folder).check_owner(is_study=True)
    runs = read_prior_runs(resolved, reuse)
    check_data(resolved.study.data)
    resolved.budgeted_space.check_reachable()
    # the workers' server starts while the data is looked at; a study that cannot run leaves no folder behind
    with open_executor("local", resolved.options.search.worker_count(), PRELOAD) as workers:
        look = preflight(resolved.study.data, resolved.study.folder)
        known, lines = collect_prior_results(resolved, look, runs)
        folder = prepare_run_dir(resolved)
        emit = EventLog(RunDir(folder), on_event)
        emit(make_start_event(resolved, look, lines, command))
        for line in look.lines():
            emit(DataChecked(line))
        for line in lines:
            emit(ReusePlanned(line))
        with report_end(folder, emit), StudyLock(folder) as lock:
            return run_stages(StudyStart(resolved, folder, workers, lock, emit, look, known))


def run_stages(start: StudyStart) -> StudyResult:
    """Run the stages of a study: its searches, each with the finals of its own, the comparison, the exports. Returns the result."""
    folder, emit = start.folder, start.emit
    resolved = tune_recipe(start.resolved, start.look, start.workers, emit)
    start = replace(start, resolved=resolved)
    window = resolved.options.budget.latency  # a study whose objective is latency has one
    with ExitStack() as stack:
        measure = make_latency_measurer(resolved.baseline, window, folder, stack, emit) if window is not None else None
        whole = run_repeats(
            resolved.options.search, lambda repeat: run_repeat(start, repeat, measure), lambda whole: is_study_decided(start, whole)
        )
    cheap = retrain_cheaper(start, whole)
    answer = complete_cheaper(resolved, join_records(whole), answer_repeats(resolved, whole, cheap), emit)
    chosen = [*select_exported(resolved, join_finalists(whole)), *cheap.finalists]
    emit(ExportStarted(len(chosen)))
    exported = export_finalists(resolved, chosen, emit)
    outcome = StudyResult(resolved, join_records(whole), answer, exported)
    emit(ResourcesSpent("driver", driver=process_time()))
    write_answer(folder, answer)
    return outcome


def run_repeat(start: StudyStart, repeat: int, measure: Measure | None) -> WholeRepeat:
    """Run one search and the final trainings of its finalists, and write the table of all trials so far."""
    resolved = start.resolved
    records, reason = run_trials(start, repeat, measure)
    write_all_results(start, records)
    finalists = select_finalists(resolved, records, repeat)
    if repeat == 0:  # once for all searches, as the baseline
        finalists += [make_random_finalist(resolved, one) for one in RandomDrawer(resolved, measure, start.emit).draw_all()]
    if not finalists:
        return WholeRepeat(repeat, records, [], [], reason)
    note_test_use(RunDir(start.folder), start.look)
    start.emit(RetrainingStarted(len(finalists), len(finalists) * resolved.options.finalists.seeds, repeat))
    return WholeRepeat(repeat, records, finalists, retrain(resolved, finalists, start.workers, start.emit), reason)


def retrain_cheaper(start: StudyStart, whole: Sequence[WholeRepeat]) -> CheapFinals:
    """Retrain the networks that are finalists for their cost, out of all searches; none where the study does not ask for them."""
    resolved, emit = start.resolved, start.emit
    best = [finalist.record for finalist in join_finalists(whole) if finalist.record is not None]
    records = find_cheaper_records(resolved, join_records(whole), best, start.workers, emit)
    finalists = [make_finalist(resolved, record, record.repeat, "cheap") for record in records]
    if not finalists:
        return NO_CHEAP_FINALS
    emit(RetrainingStarted(len(finalists), len(finalists) * resolved.options.finalists.seeds))
    return CheapFinals(finalists, retrain(resolved, finalists, start.workers, emit))


def write_all_results(start: StudyStart, records: Sequence[TrialRecord]) -> None:
    """Write the table of all trials; `records` are those of the search that goes on. Raises StorageError."""
    is_single = start.resolved.options.search.repeat_count == 1
    everything = records if is_single else read_stored_study(start.folder).records
    write_results(RunDir(start.folder).results, everything, start.resolved.per)


def answer_repeats(resolved: ResolvedStudy, whole: Sequence[WholeRepeat], cheap: CheapFinals = NO_CHEAP_FINALS) -> Answer:
    """Return the answer of the searches that are whole, with what it lacks."""
    finalists, results = join_finalists(whole), [result for one in whole for result in one.results]
    missing = find_missing(resolved, join_records(whole), finalists, results, {one.number: one.reason for one in whole})
    lost = find_failed_trainings(resolved, cheap.finalists, cheap.results)
    shared = count_shared_networks(join_records(whole), resolved.per)
    answer = answer_study(resolved, [*finalists, *cheap.finalists])
    return replace(answer, missing=(*missing, *lost), shared=tuple((*pair, count) for pair, count in shared.items()))


def is_study_decided(start: StudyStart, whole: Sequence[WholeRepeat]) -> bool:
    """Look at the answer of the searches so far, which is written, and return whether every sentence of it is decided.

    Where an earlier start has begun the next search, it has looked, and nothing was decided: that look is not taken again.
    """
    if any(record.repeat >= len(whole) for record in read_stored_study(start.folder).records):
        return False
    answer = answer_repeats(start.resolved, whole)
    write_answer(start.folder, answer)
    return answer.is_decided


def make_start_event(resolved: ResolvedStudy, look: Preflight, lines: Sequence[str], command: str) -> StudyStarted:
    """Return the event that says what the study asks, notes on it and its data, and the command that starts it again."""
    study = resolved.study
    budgets = list(map(str, resolved.budgeted_space.budgets.values()))
    budgets += [str(Budget(name, *bounds)) for name, bounds in resolved.limits.items()]
    notes = (*resolved.notes, *look.notes(), *lines)
    search = resolved.options.search
    return StudyStarted(
        study.name, search.trials, study.objectives, resolved.per, tuple(budgets), notes, command, repeats=search.repeat_count,
        cpu=process_time(),
    )  # fmt: skip


def prepare_run_dir(resolved: ResolvedStudy) -> Path:
    """Make the run directory and return its absolute path. Raises StorageError (E-IO) unless it can be written.

    The lock file, which is made first, marks the folder as a run directory, also if nothing else comes to be in it.
    """
    folder = resolved.study.folder
    try:
        make_folder(folder)
    except OSError as reason:
        message = f"{folder} cannot be made: {reason.strerror}"
        raise error("E-IO", message, help="choose another with out=FOLDER", cls=StorageError) from None
    RunDir.of(folder).refuse_links()
    with as_storage_error(folder):
        RunDir.of(folder).lock.touch()
        write_atomic(folder / ".probe", b"")
        (folder / ".probe").unlink()
    return folder.absolute()


def run_trials(start: StudyStart, repeat: int, measure: Measure | None) -> tuple[list[TrialRecord], str]:
    """Run one of the study's searches; return its records, and why there are fewer trained networks than were asked for.

    Where a search after the first has no network at all, that is its result: the other searches stand. Raises InfeasibleError in the
    first.
    """
    resolved, folder, look, study = start.resolved, start.folder, start.look, start.resolved.study
    told: list[SearchEnded | SearchGivenUp] = []

    def listen(event: Event) -> None:
        if isinstance(event, SearchOpened) and repeat == 0:  # the study is the one this folder was made for
            write_study(resolved, RunDir(folder))
            check_same_data(folder, look, study.data)
            look.write(folder)
            write_atomic(RunDir(folder).baseline, resolved.to_yaml(resolved.baseline))
            note_environment(RunDir(folder))
        if isinstance(event, SearchGivenUp):
            write_all_results(start, event.records)
        if isinstance(event, SearchEnded | SearchGivenUp):
            told.append(event)
        start.emit(event)

    checked = ("data",) if is_same_data(folder, look, study.data) else ()
    plan = make_search_plan(resolved, repeat, measure, start.known, checked)
    try:
        records = optimize(plan, study.name, folder, resolved.digest(), listen, executor=start.workers, lock=start.lock)
    except InfeasibleError as reason:
        if repeat == 0 or not told:
            raise
        return list(getattr(told[-1], "records", ())), str(reason).splitlines()[0]
    return records, next((event.reason for event in told if isinstance(event, SearchEnded)), "")


def make_search_plan(
    resolved: ResolvedStudy, repeat: int, measure: Measure | None, known: ResultCache, checked: Sequence[str] = ()
) -> SearchPlan:
    """Return the plan of one of a study's searches; `known` are results of other runs, `checked` sections that are compared elsewhere."""
    study, options = resolved.study, resolved.options
    settings = {"data": study.data.as_dict(), **({"repeat": repeat} if repeat else {})}
    return SearchPlan(
        TrialSpace(resolved), train_trial, study.objectives, adapt_watchdog(options), measure=measure, limits=resolved.limits,
        job_options=settings, options_of=lambda one: {"recipe": resolved.recipe_of(one).as_dict()},
        retry=halve_batch, initial=resolved.initial, earlier=known,
        compared=tuple(dict.fromkeys(filter(None, (resolved.per, *options.search.per_choice)))),
        checked_elsewhere=(*list_import_sections(resolved.space.network), *checked), repeat=repeat,
    )  # fmt: skip


def is_same_data(folder: Path, look: Preflight, data: DataSpec) -> bool:
    """Return whether the data has the content that it had when the run directory was made, wherever it is now."""
    before = kept_preflight(folder)
    return before is not None and is_same_content(data, look, before)


def check_same_data(folder: Path, look: Preflight, data: DataSpec) -> None:
    """Raise BlockspaceError (E-CHANGED) unless the data is what it was when the run directory was made."""
    if kept_preflight(folder) is not None and not is_same_data(folder, look, data):
        message = f"{folder}: the data has changed since this study was started: {look.lines()[0]}"
        raise error("E-CHANGED", message, help="restore the data, or start again with out=FOLDER")


class TrialSpace:
    """The study's space, as the search sees it: its candidates bring their network files for the trials' folders."""

    def __init__(self, resolved: ResolvedStudy):
        self.resolved = resolved
        self.suggest, self.choices = resolved.budgeted_space.suggest, resolved.budgeted_space.choices

    def propose(self, assignment: Assignment) -> Candidate:
        """Return the candidate of an assignment, with its network file in `arch`."""
        candidate = self.resolved.candidate(assignment)
        return replace(candidate, arch=candidate.arch | {"arch": self.resolved.to_yaml(candidate)})


def write_study(resolved: ResolvedStudy, run: RunDir) -> None:
    """Write the study as it is run: `study.yaml`, and where its paths lead to on this machine. Raises StorageError."""
    study, shown = resolved.study, study_settings(resolved)
    write_space_files(resolved, run)
    write_local_paths(run, study.options.model_dump(mode="json") | {"space": study.space_path}, shown, study.path.parent)
    write_atomic(run.study_yaml, study_as_yaml(resolved))


def study_as_yaml(resolved: ResolvedStudy) -> str:
    """Return the study as it is run, as YAML."""
    import yaml

    return str(yaml.safe_dump(study_settings(resolved), sort_keys=False))


def study_settings(resolved: ResolvedStudy) -> dict[str, Any]:
    """Return the study as it is run as plain data: every default, the hole that is compared, the space's file in the run directory.

    Absolute paths are reduced to their last names, also a space's whose path would name folders of a user.
    """
    study = resolved.study
    options = hide_local_paths(resolved.options.model_dump(mode="json"))
    inside = find_space_inside(resolved)
    if inside:
        options["space"] = inside
    elif os.path.isfile(study.space_path):
        options["space"] = relative_path(study.space_path, study.folder) or os.path.basename(study.space_path)
    options["finalists"]["per"] = resolved.per
    return options


@contextmanager
def report_end(folder: Path, emit: Listener) -> Iterator[None]:
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
        with suppress(OSError, StorageError):  # what is on its way out matters more
            emit(ResourcesSpent("driver", driver=process_time()))
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


def write_answer(folder: Path, answer: Answer) -> None:
    """Write the answer for people, and for the report and other programs with what the study has taken; it is one more look at the study.

    Raises StorageError.
    """
    from blockspace.reporting import answer_json, answer_table, record_look

    record_look(RunDir(folder).looks, answer)
    write_atomic(RunDir(folder).answer_json, answer_json(answer, read_compute(RunDir(folder))))
    write_atomic(RunDir(folder).answer, answer_table(answer) + "\n")
