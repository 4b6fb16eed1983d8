"""Reader of the finalists of a run directory: their networks, and their trainings as far as they have come."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from blockspace.blocks import load
from blockspace.errors import BlockspaceError, StorageError
from blockspace.exporting import PORTABLE_FORMATS
from blockspace.files import read_json
from blockspace.graph import Graph
from blockspace.passes import canonical
from blockspace.records import (
    BASELINE,
    RunDir,
    TrainingDir,
    TrialRecord,
    TrialState,
    finalist_name,
)
from blockspace.reporting import (
    FinalistReport,
    FinalistTraining,
)
from blockspace.study.random_networks import select_random_networks
from blockspace.study.study_file import Study
from blockspace.study.worker_jobs import read_epochs


def read_finalists(
    run: RunDir, study: Study, best: Sequence[TrialRecord], families: Sequence[str], notes: list[str]
) -> tuple[FinalistReport, ...]:
    """Return the best trials, of these families, with their trainings, then the baseline once the finalists' trainings have begun.

    What cannot be read is said in `notes`.
    """
    finalists = [read_finalist(run, study, record, family, notes) for record, family in zip(best, families)]
    places = seed_dirs(run, BASELINE, study)
    if any(place.path.is_dir() for place in places):
        file = next((path for path in (run.baseline, *(place.arch for place in places)) if path.is_file()), run.baseline)
        graph = read_graph(file, notes)
        costs = graph_costs(graph) | ({"latency": 1.0} if study.options.budget.latency else {})
        trainings = [read_training(place, replicate) for replicate, place in enumerate(places)]
        finalists.append(replace(finalist_report(run, BASELINE, BASELINE, None, costs, graph, file, trainings), role="baseline"))
    return (*finalists, *read_random_finalists(run, study, notes))


def read_random_finalists(run: RunDir, study: Study, notes: list[str]) -> Iterator[FinalistReport]:
    """Yield the random networks whose trainings have begun."""
    try:
        networks = select_random_networks(run, study.options)
    except StorageError as reason:
        notes.append(str(reason))
        return
    for network in networks:
        places = seed_dirs(run, network.name, study)
        file = next((place.arch for place in places if place.arch.is_file()), None)
        if file is not None:
            trainings = [read_training(place, replicate) for replicate, place in enumerate(places)]
            costs = {**network.costs, **network.measured}
            final = finalist_report(run, network.name, network.family, None, costs, read_graph(file, notes), file, trainings)
            yield replace(final, role="random")


def read_finalist(run: RunDir, study: Study, record: TrialRecord, family: str, notes: list[str]) -> FinalistReport:
    """Return a trial with its search training, and its final ones once they have begun."""
    name, place = finalist_name(record.label, record.repeat), run.trial(record.number)
    places = seed_dirs(run, name, study) if run.finalists.is_dir() else []
    trainings = [read_training(place, None), *(read_training(final, replicate) for replicate, final in enumerate(places))]
    costs = {**record.costs, **{key: value for key, value in record.measured.items() if key == "latency"}}
    return finalist_report(run, name, family, record, costs, read_graph(place.arch, notes), place.arch, trainings)


def finalist_report(
    run: RunDir,
    name: str,
    family: str,
    record: TrialRecord | None,
    costs: dict[str, float],
    graph: Graph | None,
    file: Path,
    trainings: Sequence[FinalistTraining],
) -> FinalistReport:
    """Return a finalist (`record` is None for the baseline); its command exports the weights of the first seed, or of the search."""
    source = name if record is None or any(training.is_scored for training in trainings) else record.number
    exported = run.exported(name)
    return FinalistReport(
        name=name, family=family, number=record.number if record else None, costs=costs, repeat=record.repeat if record else 0,
        key=record.key if record else graph.key() if graph else "", graph=graph, trainings=tuple(trainings),
        yaml=file.read_text(encoding="utf-8", errors="replace") if file.is_file() else "",
        command=shlex.join(["blockspace", "export", f"{run.display()}#{source}", name, "--to", ",".join(PORTABLE_FORMATS)]),
        exported=RunDir(exported).display() if exported.is_dir() else "",
    )  # fmt: skip


def seed_dirs(run: RunDir, name: str, study: Study) -> list[TrainingDir]:
    """Return the folders of a finalist's trainings, whether or not they are there."""
    return [run.finalist(name, replicate) for replicate in range(study.options.finalists.seeds)]


def read_training(place: TrainingDir, replicate: int | None) -> FinalistTraining:
    """Return one training as its folder has it."""
    result = read_result_fields(place)
    state = next((state for state in TrialState if state == result.get("state")), None)
    return FinalistTraining(replicate, result.get("seed"), state, place.path.is_dir(), read_epochs(place), result.get("metrics", {}))


def read_result_fields(place: TrainingDir) -> dict[str, Any]:
    """Return the content of a result file; empty where there is none that can be read."""
    try:
        return dict(read_json(place.result)["result"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def read_graph(file: Path, notes: list[str]) -> Graph | None:
    """Return the canonical graph of a network's file; None, and a note, where it does not load."""
    try:
        network = load(str(file))
        return canonical(network.graph(network.usual_shape))
    except (BlockspaceError, OSError) as reason:
        notes.append(f"{file} could not be read: {str(reason).splitlines()[0]}")
        return None


def graph_costs(graph: Graph | None) -> dict[str, float]:
    """Return the graph's costs; none without a graph."""
    from blockspace.costs import cost

    return dict(cost(graph).as_dict()) if graph else {}
