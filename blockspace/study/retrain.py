"""Retraining: the best of each family and the baseline are trained again, scored once on the test split, compared, and exported."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blockspace.errors import FailureError, StorageError, error
from blockspace.executors import Executor, Job, Result, TimeLimits, read_result
from blockspace.graph import Graph
from blockspace.records import (
    BASELINE,
    Listener,
    NetworkExported,
    RunDir,
    TrainingDir,
    TrainingFacts,
    TrialRecord,
    Warned,
    finalist_name,
    read_card,
    select_best,
)
from blockspace.searching import Candidate, derive_repeat_seed, derive_seed, derive_training_seed, run_jobs
from blockspace.study.model_card import describe_network, model_card
from blockspace.study.random_networks import RandomNetwork
from blockspace.study.resolve import ResolvedStudy
from blockspace.study.training_facts import read_facts
from blockspace.study.worker_jobs import adapt_watchdog, check_weights, read_epochs, read_scores, train_finalist

if TYPE_CHECKING:
    from blockspace.reporting import Answer, FinalistRole


@dataclass(frozen=True)
class Finalist:
    """A network that is retrained: folder name, family, candidate, the trial that found it (None for the baseline), its search, and why.
    """

    name: str
    family: str
    candidate: Candidate
    record: TrialRecord | None = None
    repeat: int = 0
    role: FinalistRole = "best"


def select_finalists(resolved: ResolvedStudy, records: list[TrialRecord], repeat: int = 0) -> list[Finalist]:
    """Return the best `take` networks that a search trained, of each choice of `per` by the first objective, and of the first the baseline.
    """
    finalists = [make_finalist(resolved, record, repeat) for record in select_records(resolved, records)]
    return finalists if repeat else [*finalists, Finalist(BASELINE, BASELINE, resolved.baseline, role="baseline")]


def make_random_finalist(resolved: ResolvedStudy, network: RandomNetwork) -> Finalist:
    """Return the finalist that a random network becomes."""
    return Finalist(network.name, network.family, resolved.candidate(network.params), role="random")


def make_finalist(resolved: ResolvedStudy, record: TrialRecord, repeat: int, role: FinalistRole = "best") -> Finalist:
    """Return the finalist that a trial becomes."""
    family = record.family(resolved.per, resolved.space.name)
    return Finalist(finalist_name(record.label, repeat), family, resolved.candidate(record.params), record, repeat, role)


def select_records(resolved: ResolvedStudy, records: Iterable[TrialRecord]) -> list[TrialRecord]:
    """Return the best `take` trials of each choice of `per` by the first objective."""
    return select_best(
        records, resolved.study.objectives, resolved.per, list_declared_choices(resolved), resolved.options.finalists.take
    )  # fmt: skip


def select_exported(resolved: ResolvedStudy, finalists: Sequence[Finalist]) -> list[Finalist]:
    """Return the finalists that are exported: the best `take` of each family over all searches, so that more searches export no more."""
    records = select_records(resolved, [finalist.record for finalist in finalists if finalist.record is not None])
    best = {record.number for record in records}
    return [finalist for finalist in finalists if finalist.record is not None and finalist.record.number in best]


def list_declared_choices(resolved: ResolvedStudy) -> list[str]:
    """Return the choices of the parameter by which the study compares, in their declared order."""
    return [str(choice) for choice in resolved.space.choices(resolved.per)] if resolved.per else []


def run_of(resolved: ResolvedStudy) -> RunDir:
    """Return the study's run directory."""
    return RunDir(resolved.study.folder).absolute()


def finalist_jobs(resolved: ResolvedStudy, finalists: list[Finalist]) -> list[Job]:
    """Return one job per network and seed, in folders of their own."""
    options = resolved.options
    data = resolved.study.data.as_dict()
    limits = TimeLimits(stall=adapt_watchdog(options).stall_s)
    jobs: list[Job] = []
    for finalist in finalists:
        shared = {"data": data, "recipe": make_final_recipe(resolved, finalist.candidate)}
        for replicate in range(options.finalists.seeds):
            folder = str(run_of(resolved).finalist(finalist.name, replicate))
            candidate = finalist.candidate
            seed = derive_training_seed(find_own_seed(resolved, finalist), candidate.key, 1 + replicate)  # 0 was the search's
            arch = candidate.arch | {"arch": resolved.to_yaml(candidate)}
            jobs.append(Job(folder, arch, seed, candidate.key, shared, len(jobs), f"{finalist.name} seed {replicate}", limits))
    return jobs


def make_final_recipe(resolved: ResolvedStudy, candidate: Candidate) -> dict[str, Any]:
    """Return the recipe of a finalist's trainings, as plain data."""
    recipe, epochs = resolved.recipe_of(candidate).as_dict(), resolved.options.finalists.epochs
    return recipe if epochs is None else recipe | {"epochs": epochs}


def find_own_seed(resolved: ResolvedStudy, finalist: Finalist) -> int:
    """Return the seed from which those of a finalist's trainings follow: its search's.

    A random network has one of its own: one that is drawn twice, or found by the search too, is then trained independently.
    """
    seed = derive_repeat_seed(resolved.options.search.seed, finalist.repeat)
    return derive_seed("random network", seed, finalist.name) if finalist.role == "random" else seed


def retrain(resolved: ResolvedStudy, finalists: list[Finalist], executor: Executor, on_event: Listener) -> list[Result]:
    """Train every finalist with every seed; what was finished before is not trained again. Returns the results, by finalist and seed.

    Raises FailureError when all fail, StorageError when they fail because the storage does.
    """
    jobs = finalist_jobs(resolved, finalists)
    for job in jobs:
        remove_stale_result(job, on_event)
    return run_jobs(jobs, train_finalist, executor, on_event)


def remove_stale_result(job: Job, on_event: Listener) -> None:
    """Remove a result that was trained for another number of epochs, which may change while the search stands, or has lost its files."""
    place = TrainingDir(Path(job.folder))
    epochs = read_epochs(place)
    if epochs and len(epochs) != job.options["recipe"]["epochs"]:
        place.result.unlink(missing_ok=True)
    damage = find_damage(place) if place.result.is_file() else ""
    if damage:
        on_event(Warned(f"{damage}; the training is repeated"))
        place.result.unlink(missing_ok=True)


def find_damage(place: TrainingDir) -> str:
    """Return what is wrong with the scores or weights of a finished training; empty where both can be read."""
    result = read_result_quietly(place)
    if result is None or not result.trained:
        return ""
    try:
        read_scores(place.scores)
        if place.weights.exists():  # older run directories may be kept without
            check_weights(place.weights)
    except StorageError as reason:
        return str(reason)
    return ""


def read_result_quietly(place: TrainingDir) -> Result | None:
    """Return the result of a training; None where there is none that can be read."""
    try:
        return read_result(place.path)
    except StorageError:
        return None


def answer_study(resolved: ResolvedStudy, finalists: list[Finalist]) -> Answer:
    """Return the comparison of the finalists, from their scores on disk. Raises BlockspaceError (E-FAILED) when none has any."""
    from blockspace.study.answer_reader import compute_answer
    from blockspace.study.finalist_reader import read_finalists

    rivals = [(finalist.record, finalist.family) for finalist in finalists if finalist.record is not None]
    best, families = [record for record, _ in rivals], [family for _, family in rivals]
    roles = {finalist.name: finalist.role for finalist in finalists}
    found = read_finalists(run_of(resolved), resolved.study, best, families, [])
    reports = [replace(report, role=roles.get(report.name, report.role)) for report in found]
    answer = compute_answer(run_of(resolved), reports, resolved.study, list_declared_choices(resolved), [])
    if answer is None:
        raise error("E-FAILED", "no finalist could be trained", help="see the log.txt in finalists/*/seed-*", cls=FailureError)
    return answer


def export_finalists(resolved: ResolvedStudy, finalists: list[Finalist], emit: Listener) -> list[Path]:
    """Export each of these finalists to `best/`, with the weights of its first seed; return the folders.

    A folder whose model card would say the same is left. `emit` is told of each.
    """
    folders = []
    for finalist in finalists:
        folder = run_of(resolved).exported(finalist.name)
        place = run_of(resolved).finalist(finalist.name, 0)
        result = read_result_quietly(place)
        is_trained = result is not None and result.trained
        if finalist.record is not None and is_trained and place.weights.exists():
            facts = finalist_facts(finalist, place)
            card = model_card(finalist.name, resolved.options.doc or resolved.study.name, facts)
            if read_card(folder) != card:
                export_finalist(resolved, finalist, place, folder, card, facts)
            folders.append(folder)
            emit(NetworkExported(finalist.name))
        elif finalist.record is not None:
            why = f"{place.weights} is missing" if is_trained else "the training of its first seed failed"
            emit(Warned(f"{finalist.name} is not exported: {why}"))
    return folders


def finalist_facts(finalist: Finalist, place: TrainingDir) -> TrainingFacts:
    """Return what travels with a finalist: what its run directory says of it."""
    return describe_network(Graph.from_dict(finalist.candidate.arch["graph"]), read_facts(place))


def export_finalist(
    resolved: ResolvedStudy, finalist: Finalist, place: TrainingDir, folder: Path, card: str, facts: TrainingFacts
) -> None:
    """Write one finalist's folder. Raises what `blockspace.exporting.export_folder` raises."""
    from safetensors.torch import load_file

    from blockspace.compiler import compile
    from blockspace.exporting import export_folder

    graph = Graph.from_dict(finalist.candidate.arch["graph"])
    module = compile(graph, seed=0)
    module.load_state_dict(load_file(str(place.weights)))
    export_folder(graph, module, folder, resolved.to_yaml(finalist.candidate), card, force=True, facts=facts)
