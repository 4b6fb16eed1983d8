"""Read what is known of a trained network: from the facts beside it, or from the run directory that its folder is in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from statistics import fmean
from typing import Any

from blockspace.data import DataSpec, Preflight, kept_preflight, read_spec
from blockspace.errors import BlockspaceError, error
from blockspace.formatting import hide_path
from blockspace.reader import Map, read_yaml
from blockspace.records import (
    BASELINE,
    RunDir,
    TrainingDir,
    TrainingFacts,
    TrainingPlace,
    TrialRecord,
    finalist_name,
    find_training_place,
    read_facts_file,
)
from blockspace.study.local_paths import resolve_tree
from blockspace.study.overrides import tree_as_data
from blockspace.study.random_networks import read_random_networks
from blockspace.study.study_file import Study, load_study
from blockspace.study.tuned_recipes import read_tuned_recipes
from blockspace.study.worker_jobs import read_scores, without_host
from blockspace.training import Recipe, read_recipe


def read_facts(folder: str | PathLike[str]) -> TrainingFacts | None:
    """Return what is known of the training of the network in a folder; None where nothing is.

    A folder in a run directory is described by what the study or training keeps there; any other by its `facts.json`. Raises
    BlockspaceError for files that are damaged.
    """
    path = Path(folder)
    place = find_training_place(path)
    if place is None:
        return read_facts_file(path)
    return read_single_facts(place) if place.is_single else read_trial_facts(place)


def read_single_facts(place: TrainingPlace) -> TrainingFacts:
    """Return the facts of a network that was trained by itself. Raises BlockspaceError."""
    run = place.run
    settings = read_training_yaml(run)
    data = read_spec(settings["data"]) if settings.get("data") else None
    recipe = read_recipe(settings.get("train"))
    start = settings.get("weights")
    started = str(start or "")
    known: dict[str, Any] = {
        "network": str(settings.get("network", "")), "key": str(settings.get("key", "")), "source": place.label,
        "started_from": f"weights with the SHA-256 {started[:16]}..." if len(started) == 64 else started, "trained_on": "train split",
        "recipe": recipe.as_dict(), "seed": settings.get("seed"),
    }  # fmt: skip
    return TrainingFacts(**known | describe_data(run, run.training, data) | describe_results([run.training]))


def read_trial_facts(place: TrainingPlace) -> TrainingFacts:
    """Return the facts of a trial or a finalist of a study. Raises BlockspaceError."""
    run, study = place.run, load_study(place.run.study_yaml)
    record, options = find_record(place), study.options.finalists
    recipe = recipe_of_place(run, study, find_family(place, record, study))
    if place.finalist:
        recipe = recipe.model_copy(update={"epochs": options.epochs or recipe.epochs})
        folders = [run.finalist(place.finalist, replicate) for replicate in range(options.seeds)]
    else:
        folders = [run.trial(place.number or 0)]
    results = describe_results(folders)
    before = record.metrics if record and place.finalist else {}
    known: dict[str, Any] = {
        "source": place.label, "study": study.name, "question": " ".join(study.options.doc.split()), "recipe": recipe.as_dict(),
        "trained_on": "train and validation" if place.finalist else "train split",
    }  # fmt: skip
    known |= describe_data(run, folders[0], study.data) | results | describe_record(record, study)
    return TrainingFacts(**known | {"results": {**before, **results["results"]}})


def recipe_of_place(run: RunDir, study: Study, family: str) -> Recipe:
    """Return the recipe that a run directory's networks of a family, or its baseline, are trained with: the tuned one where there is one.

    Raises StorageError.
    """
    tuned = read_tuned_recipes(run) if study.options.tune else None
    return study.options.train if tuned is None else tuned.recipe_of(family)


def find_family(place: TrainingPlace, record: TrialRecord | None, study: Study) -> str:
    """Return the family of a trial's or finalist's network, which its recipe may depend on; the baseline is its own."""
    if place.finalist == BASELINE:
        return BASELINE
    drawn = next((one.family for one in read_random_networks(place.run) if one.name == place.finalist), "")
    return drawn or (record.family(study.options.finalists.per, study.name) if record else "")


def find_record(place: TrainingPlace) -> TrialRecord | None:
    """Return the trial that found a network; None for the baseline, or where the database cannot be read."""
    from blockspace.searching import read_stored_study

    try:
        records = read_stored_study(place.run).records
    except BlockspaceError:
        return None
    if place.number is not None:
        return next((record for record in records if record.number == place.number), None)
    key = read_result_content(place.run.finalist(place.finalist, 0)).get("key")
    alike = [record for record in records if record.key and record.key == key and record.state.is_trained]
    named = [record for record in alike if finalist_name(record.label, record.repeat) == place.finalist]  # several searches may find it
    return next(iter(named + alike), None)


def describe_record(record: TrialRecord | None, study: Study) -> dict[str, Any]:
    """Return the fields that a trial's record fills: costs, choices, latency, and what was unusual."""
    if record is None:
        return {}
    ratio, window = record.measured.get("latency"), study.options.budget.latency
    latency = f"{ratio:.3f} of the baseline's (CPU time of one {window.runtime} call beside it)" if ratio and window else ""
    note = "" if record.state.is_trained and record.comparable else f"{record.state.label}: {record.reason}".rstrip(": ")
    return {"costs": dict(record.costs), "choices": dict(record.choices), "latency": latency, "note": note}


def describe_data(run: RunDir, place: TrainingDir, data: DataSpec | None) -> dict[str, Any]:
    """Return the fields of the data: settings, images, classes, and how the network sees them."""
    look = kept_preflight(run)
    found: dict[str, Any] = {"data": data.as_dict() if data else {}}
    if look is not None:
        return found | describe_preflight(look)
    try:
        scores = read_scores(place.scores)
        return found | {name: tuple(round(float(value), 6) for value in scores[name].ravel()) for name in ("mean", "std")}
    except (BlockspaceError, OSError, ValueError, KeyError):  # a record of the data is damaged too: what is left is still of use
        return found


def describe_preflight(look: Preflight) -> dict[str, Any]:
    """Return the fields that the record of the data fills."""
    return {
        "input": tuple(look.input_shape), "classes": tuple(look.classes), "images": dict(look.counts), "data_digest": look.digest,
        "mean": tuple(look.mean), "std": tuple(look.std), "pixels": look.pixels,
    }  # fmt: skip


def describe_results(folders: Iterable[TrainingDir]) -> dict[str, Any]:
    """Return the fields that the results of trainings fill: metrics as means over those that ended, the rest of the first."""
    found = [content for folder in folders if (content := read_result_content(folder)).get("state") == "trained"]
    if not found:
        return {"results": {}}
    names = [name for name in found[0].get("metrics", {}) if all(isinstance(one["metrics"].get(name), float | int) for one in found)]
    first = found[0]
    return {
        "results": {name: fmean(one["metrics"][name] for one in found) for name in names}, "seeds": len(found),
        "key": str(first.get("key", "")), "seed": first.get("seed"), "versions": without_host(first.get("versions", {})),
    }  # fmt: skip


def read_result_content(place: TrainingDir) -> dict[str, Any]:
    """Return the content of a result file; empty where there is none that can be read."""
    try:
        return dict(json.loads(place.result.read_bytes())["result"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}


def read_training_yaml(run: RunDir) -> Mapping[str, Any]:
    """Return what was trained, on what and how, by itself; paths lead where they led. Raises BlockspaceError (E-FILE, E-YAML)."""
    root = read_yaml(str(run.training_yaml))
    if not isinstance(root, Map):
        raise error("E-FILE", f"{run.training_yaml} is damaged: it is no mapping", root.mark)
    resolve_tree(root, run)
    found: Mapping[str, Any] = tree_as_data(root)
    return found


def name_data(data: DataSpec) -> str:
    """Return the data's name for people: a known set, the folder's last name, or the function."""
    return data.name or hide_path(data.folder or "") or str(data.python)
