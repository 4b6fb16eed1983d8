"""Reader of a study's run directory: its trials, finalists, scores and answer, while the study runs and after.

No lock is taken and nothing of the study is written.
"""

from __future__ import annotations

import json
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from blockspace.costs import COSTS, Budget
from blockspace.data import kept_preflight
from blockspace.errors import error
from blockspace.files import write_atomic
from blockspace.formatting import count_noun, hide_path
from blockspace.records import (
    RunDir,
    SearchEnded,
    TrialRecord,
    name_family,
    read_command,
    read_environments,
    read_events,
    read_last_stage,
    select_best_of_repeats,
)
from blockspace.reporting import (
    Answer,
    Environment,
    FinalistReport,
    SearchCounts,
    StudyReport,
    StudyState,
    write_checklist_text,
    write_page,
)
from blockspace.searching import StoredStudy, find_lock_holder, read_stored_study
from blockspace.study.answer_reader import current_answer
from blockspace.study.cheaper_networks import choose_cheaper_finalists, insert_cheaper
from blockspace.study.compute import measure_compute
from blockspace.study.finalist_reader import graph_costs, read_finalist, read_finalists, read_graph, read_result_fields
from blockspace.study.local_paths import hide_values
from blockspace.study.protocol import describe_protocol
from blockspace.study.random_draws import collect_draws
from blockspace.study.study_file import MEASURED, Study, load_study, resolve_budget
from blockspace.study.test_use import read_test_use
from blockspace.study.tuned_recipes import describe_recipe
from blockspace.study.worker_jobs import without_host


def write_report(folder: str | Path) -> Path:
    """Write `report.html`, `front.png` and `checklist.md` of a run directory from what is in it; return the page.

    Raises BlockspaceError, StorageError.
    """
    found = read_run(folder)
    write_atomic(RunDir.of(folder).checklist, write_checklist_text(found))
    return write_page(found, folder)


def read_run(folder: str | Path) -> StudyReport:
    """Return the run directory as of now. Raises BlockspaceError (E-FILE where there is none), StorageError (a damaged database)."""
    run = RunDir.of(folder)
    if not run.is_study:
        raise error("E-FILE", f"{folder} is not a run directory: it has no study.yaml", help="give a folder such as runs/hs_vs_resnext")
    run.refuse_links()
    study, database = load_study(run.study_yaml), read_stored_study(run)
    notes = list(database.notes)
    per = compared_parameter(study, database.records)
    choices = list_seen_choices(database, per)
    best = select_best_of_repeats(database.records, database.objectives, per, choices, study.options.finalists.take)
    finals = read_finalists(run, study, best, [record.family(per, study.name) for record in best], notes)
    searches = read_searches(database, study, finals)
    records, taken = ([record for record in some if record.repeat in searches.whole] for some in (database.records, best))
    cheap = choose_cheaper_finalists(run, study, finals, records, taken)
    finals = insert_cheaper(finals, [read_finalist(run, study, record, record.family(per, study.name), notes) for record in cheap])
    state, words = study_state(run, database.records, study, finals, searches)
    notes += describe_short_searches(run, study.options.search.trials)
    families = tuple(name_family(choice, per) for choice in choices if per) or (study.name,)
    draws, no_draws = collect_draws(study, database.records, finals, families, per)
    baseline = baseline_costs(run, notes)
    return StudyReport(
        name=study.name, question=" ".join(study.options.doc.split()), state=state, words=words, folder=run.display(),
        command=read_command(run) or command_of_folder(run), objectives=database.objectives,
        trials=tuple(database.records), per=per, wanted=study.options.search.trials * study.options.search.repeat_count,
        families=families, draws=draws, no_draws=no_draws,
        budgets=resolved_budgets(study, baseline), baseline=baseline, finals=finals,
        searches=searches, answer=read_answer_of_whole(run, finals, study, choices, searches, notes),
        settings=run.study_yaml.read_text(encoding="utf-8"), facts=conditions(study, run), left_out=unreadable_files(run),
        environments=count_environments(run, database.records, finals), machines=read_environments(run),
        compute=measure_compute(run, study.options, database.records), test_use=read_test_use(run),
        protocol=describe_protocol(study, run), notes=tuple(notes),
    )  # fmt: skip


def read_searches(database: StoredStudy, study: Study, finals: Sequence[FinalistReport]) -> SearchCounts:
    """Return which of the study's searches are whole: their trials are done, and so is every final training of what they found.

    Of a study of one search nothing is kept back: its finals are shown as they come.
    """
    wanted, begun = study.options.search, sorted({record.repeat for record in database.records})
    if wanted.repeat_count == 1 and begun in ([], [0]):
        return SearchCounts()
    whole = []
    for repeat in begun:
        is_followed = any(later > repeat for later in begun)  # finals that left no result were tried before
        are_done = is_followed or all(final.is_done for final in finals if final.repeat == repeat)
        if database.ended.get(repeat) == wanted.trials and are_done:
            whole.append(repeat)
    still_open = next((repeat for repeat in begun if repeat not in whole), None)
    return SearchCounts(wanted.repeat_count, tuple(whole), still_open, wanted.is_sequential)


def read_answer_of_whole(
    run: RunDir, finals: Sequence[FinalistReport], study: Study, choices: Sequence[str], searches: SearchCounts, notes: list[str]
) -> Answer | None:
    """Return the answer of the searches that are whole; the one that has begun is named in it."""
    answer = current_answer(run, [one for one in finals if searches.has(one)], study, choices, notes)
    if answer is None or searches.repeats == 1 or searches.still_open is None:
        return answer
    return replace(answer, open_repeats=(searches.still_open,))


def describe_short_searches(run: RunDir, trials: int) -> list[str]:
    """Return a line for each search that ended with fewer networks than `trials`, with the reason, by `events.jsonl`."""
    ended = {event.repeat: event for _, event in read_events(run) if isinstance(event, SearchEnded)}
    short = [event for _, event in sorted(ended.items()) if event.reason and event.trained < trials]
    names = [f"Search {event.repeat + 1}" if len(ended) > 1 else "The search" for event in short]
    wanted = count_noun(trials, "network")
    return [f"{name} trained {event.trained} of {wanted}: {event.reason}." for name, event in zip(names, short)]


def command_of_folder(run: RunDir) -> str:
    """Return the command that goes on with a study whose own command is not known, by the study file in its run directory."""
    folder = run.display()
    return shlex.join(["blockspace", "search", f"{folder}/{run.study_yaml.name}", f"out={folder}"])


def compared_parameter(study: Study, records: Iterable[TrialRecord]) -> str | None:
    """Return the search parameter whose choices are compared: named by the study, else the first that the trials know."""
    known = next((name for record in records for name in record.families), None)
    return study.options.finalists.per or study.comparison.by or known


def list_seen_choices(database: StoredStudy, per: str | None) -> list[str]:
    """Return the choices of the compared parameter in their declared order, also those that no trial had yet."""
    if per is None:
        return []
    seen = [choice for record in database.records if (choice := record.choice(per)) is not None]
    return list(dict.fromkeys([*database.choices.get(per, []), *seen]))


def baseline_costs(run: RunDir, notes: list[str]) -> dict[str, float]:
    """Return the baseline's costs, counted from its file; its latency is the unit of latency."""
    file = next(iter(run.baseline_files()), None)
    if file is None:
        notes.append("The baseline's file is missing, so the baseline and budgets relative to it are not drawn.")
        return {}
    graph = read_graph(file, notes)
    return {**graph_costs(graph), "latency": 1.0} if graph else {}


def resolved_budgets(study: Study, baseline: dict[str, float]) -> tuple[Budget, ...]:
    """Return the study's budgets as numbers; one relative to a baseline that is not known is left out."""
    budgets = []
    for name in (*COSTS, *MEASURED):
        window = getattr(study.options.budget, name, None)
        reference = 1.0 if name in MEASURED else baseline.get(name)
        if window is not None and reference is not None:
            budgets.append(resolve_budget(window, name, reference, None))
    return tuple(budget for budget in budgets if budget is not None)


# the study


def study_state(
    run: RunDir, records: Sequence[TrialRecord], study: Study, finals: Sequence[FinalistReport], searches: SearchCounts
) -> tuple[StudyState, str]:
    """Return finished, running, stopped or failed, and one line about it."""
    owner = find_lock_holder(run)
    done = describe_progress(records, study, finals, searches)
    if owner:
        return "running", f"{done}; {re.sub(r' on .* since ', ' since ', owner)}"  # a report does not name the machine
    last = read_last_stage(run)
    if last.kind == "done" or (last.kind == "exporting" and run.answer.is_file()):
        return "finished", last.time
    if last.kind == "failed":
        return "failed", f"{last.reason} ({done})"
    return "stopped", f"interrupted: {done}. Run the same command to resume."


def describe_progress(records: Sequence[TrialRecord], study: Study, finals: Sequence[FinalistReport], searches: SearchCounts) -> str:
    """Return how much is done: networks and trainings, of a study of several searches those of the open one."""
    here = searches.still_open if searches.repeats > 1 else 0
    trained = sum(record.state.is_trained for record in records if record.repeat == here)
    trainings = [training for final in finals if final.repeat == here for training in final.trainings if training.is_final]
    scored = sum(training.is_scored for training in trainings)
    networks = f"{trained} of {count_noun(study.options.search.trials, 'network')} trained"
    done = f"{networks}, {scored} of {count_noun(len(trainings), 'training')} of the finals"
    if searches.repeats == 1:
        return done
    return searches.words() if here is None else f"{searches.words()}; search {here + 1}: {done}"


def conditions(study: Study, run: RunDir) -> dict[str, str]:
    """Return data, seeds, and epochs, one line each."""
    preflight = kept_preflight(run)
    options = study.options
    final, search = options.finalists, options.search
    derived = "a training's follows from it and the network's key"
    repeated = f" in each of {search.repeats} independent searches" if search.repeat_count > 1 else ""
    epochs, each = final.epochs or options.train.epochs, f" of each {final.per}" if final.per else ""
    drawn = f", {count_noun(final.random, 'random network')}{each}" if final.random else ""
    each += " in each search" if repeated else ""
    return {
        "data": hide_path(options.data) if isinstance(options.data, str) else json.dumps(hide_values(options.data)),
        **({"images": "; ".join(line.removeprefix("data: ") for line in preflight.lines())} if preflight else {}),
        "search": f"{search.sampler}, {count_noun(search.trials, 'network')}{repeated}, seed {search.seed}; {derived}",
        "training": f"{count_noun(options.train.epochs, 'epoch')} in the search, batch {options.train.batch}, {options.train.precision}",
        "recipe": describe_recipe(run, options.tune is not None),
        "finals": f"best {final.take}{each}{drawn} and the baseline, {count_noun(final.seeds, 'seed')} each, {count_noun(epochs, 'epoch')}",
    }


def unreadable_files(run: RunDir) -> dict[str, str]:
    """Return the files of the data that could not be read and were left out, by their paths below its folder, each with the reason.

    Earlier versions kept whole paths, of which folder and name are taken.
    """
    preflight = kept_preflight(run)
    skipped = preflight.skipped if preflight else {}
    return {"/".join(Path(path).parts[-2:]) if Path(path).is_absolute() else path: reason for path, reason in skipped.items()}


def count_environments(
    run: RunDir, records: Iterable[TrialRecord], finals: Iterable[FinalistReport]
) -> tuple[Environment, ...]:
    """Return the versions and machines that the trainings recorded, most frequent first."""
    places = [run.trial(record.number) for record in records if record.seconds]
    replicates = ((final.name, training.replicate) for final in finals for training in final.trainings)
    places += [run.finalist(name, replicate) for name, replicate in replicates if replicate is not None]
    found = (read_result_fields(place).get("versions") for place in places)
    counts = Counter(json.dumps(without_host(versions)) for versions in found if versions)
    return tuple(Environment(json.loads(text), count) for text, count in counts.most_common())
