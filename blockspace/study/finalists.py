"""Finalists as their folders have them: file, trainings, scores; for the report, finished or not."""

from __future__ import annotations

import json
import os
import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from blockspace.blocks import load
from blockspace.errors import BlockspaceError
from blockspace.files import ARCH, RESULT
from blockspace.graph import Graph
from blockspace.passes import canonical
from blockspace.records import RunDir, TrialRecord
from blockspace.reporting import Final, Finalist, Surroundings, Training
from blockspace.study.finals import BASELINE, folder_name
from blockspace.study.study_file import Study
from blockspace.study.worker_jobs import SCORES, epochs_of, read_scores


def finalists(folder: Path, study: Study, chosen: Sequence[TrialRecord], per: str | None, notes: list[str]) -> tuple[Final, ...]:
    """The chosen rows with their trainings, then the baseline once its finals have begun."""
    found = [finalist(folder, study, row, row.family(per, study.name), notes) for row in chosen]
    seeds = seed_folders(folder, BASELINE, study)
    if any(place.is_dir() for place in seeds):
        path = next((p for p in (folder / "baseline.yaml", *(s / ARCH for s in seeds)) if p.is_file()), folder / "baseline.yaml")
        trainings = tuple(training(place, n) for n, place in enumerate(seeds))
        graph = graph_of(path, notes)
        costs = counted(graph) | ({"latency": 1.0} if study.options.budget.latency else {})
        found.append(described(folder, BASELINE, BASELINE, None, costs, graph, path, trainings))
    return tuple(found)


def finalist(folder: Path, study: Study, row: TrialRecord, family: str, notes: list[str]) -> Final:
    """One row: its search training, and those of the finals once they have begun."""
    name, own = folder_name(row.label), RunDir(folder).trial(row.number).path
    seeds = seed_folders(folder, name, study)
    final = [training(place, n) for n, place in enumerate(seeds)] if (folder / "finalists").is_dir() else []
    trainings = (training(own, None), *final)
    costs = {**row.costs, **{key: value for key, value in row.measured.items() if key == "latency"}}
    return described(folder, name, family, row, costs, graph_of(own / ARCH, notes), own / ARCH, trainings)


def described(folder: Path, name: str, family: str, row: TrialRecord | None, costs, graph, path: Path, trainings) -> Final:
    """The plain data; the command exports the trained weights of the first seed, or of the search."""
    final = any(t.replicate is not None and t.state == "trained" for t in trainings)
    source = name if final or row is None else row.number
    exported = folder / "best" / name
    key = row.key if row else graph.key() if graph else ""
    return Final(
        name=name, family=family, number=row.number if row else None, costs=costs, key=key, graph=graph, trainings=trainings,
        yaml=path.read_text(encoding="utf-8", errors="replace") if path.is_file() else "",
        command=shlex.join(["blockspace", "export", f"{near(folder)}#{source}", name, "--to", "py,onnx,safetensors,pt2"]),
        exported=near(exported) if exported.is_dir() else "",
    )  # fmt: skip


def near(folder: Path) -> str:
    """The folder as one would type it: relative to where we are, when it is below."""
    path = os.path.relpath(folder)
    return str(folder.absolute()) if path.startswith("..") else path


def counted(graph: Graph | None) -> dict[str, float]:
    """The graph's costs, none without a graph."""
    from blockspace.costs import cost

    return dict(cost(graph).as_dict()) if graph else {}


def graph_of(path: Path, notes: list[str]) -> Graph | None:
    """The canonical graph of a network file; a note where it does not load."""
    try:
        found = load(str(path))
        return canonical(found.graph(found.usual_shape))
    except (BlockspaceError, OSError) as reason:
        notes.append(f"{path} could not be read: {str(reason).splitlines()[0]}")
        return None


def seed_folders(folder: Path, name: str, study: Study) -> list[Path]:
    return [folder / "finalists" / name / f"seed-{n}" for n in range(study.options.finalists.seeds)]


def training(place: Path, replicate: int | None) -> Training:
    """One training's folder: `waiting` before its result is there."""
    result = result_of(place)
    metrics = result.get("metrics", {})
    state = result.get("state", "unfinished" if place.is_dir() else "waiting")
    return Training(replicate, result.get("seed"), state, epochs_of(place), metrics.get("test_acc"), metrics.get("test_loss"))


def scored(folder: Path, finals: Sequence[Final], names: Sequence[str]) -> tuple[list[Finalist], Finalist | None]:
    """Those finalists that have scores on the test split, and the baseline when it has; with the costs of these names, and latency."""
    import numpy

    found, base = [], None
    for one in finals:
        done = [t for t in one.trainings if t.replicate is not None and t.state == "trained"]
        if not done:
            continue
        scores = [read_scores(folder / "finalists" / one.name / f"seed-{t.replicate}" / SCORES) for t in done]
        correct, losses = (numpy.stack([s[name] for s in scores]) for name in ("correct", "log_loss"))
        costs = {name: one.costs[name] for name in (*names, "latency") if name in one.costs}
        entry = Finalist(one.family, one.name, costs, correct, losses)
        if one.number is None:
            base = entry
        else:
            found.append(entry)
    return found, base


def surroundings(folder: Path, rows: Sequence[TrialRecord], finals: Sequence[Final]) -> tuple[Surroundings, ...]:
    """The versions and machines that the trainings recorded, most frequent first."""
    places = [RunDir(folder).trial(row.number).path for row in rows if row.seconds]
    places += [folder / "finalists" / one.name / f"seed-{t.replicate}" for one in finals for t in one.trainings if t.replicate is not None]
    found = Counter(json.dumps(versions) for place in places if (versions := result_of(place).get("versions")))
    return tuple(Surroundings(json.loads(text), count) for text, count in found.most_common())


def result_of(place: Path) -> dict:
    """The content of result.json; empty where there is none that can be read."""
    try:
        return dict(json.loads((place / RESULT).read_bytes())["result"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}
