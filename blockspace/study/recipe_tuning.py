"""Tuning: recipes are tried on each family's default network before the search, with equal trainings, and the best one is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import isfinite
from statistics import fmean
from typing import Any

from blockspace.data import Preflight
from blockspace.errors import error
from blockspace.executors import Executor, Job, Result, TimeLimits
from blockspace.quantities import find_quantity
from blockspace.records import Event, FinalistTrained, Listener, RecipeTried, RecipeTuned, RunDir, TuningStarted, Warned
from blockspace.searching import Candidate, derive_seed, derive_training_seed, diff_configs, run_jobs
from blockspace.study.resolve import ResolvedStudy
from blockspace.study.tune_options import TuneOptions, make_recipes
from blockspace.study.tuned_recipes import TunedRecipes, read_asked, read_tuned_recipes, write_tuning
from blockspace.study.worker_jobs import adapt_watchdog, train_trial
from blockspace.training import DEFAULT_TASK, TASKS, Recipe


def tune_recipe(resolved: ResolvedStudy, look: Preflight, workers: Executor, emit: Listener) -> ResolvedStudy:
    """Return the study with the recipes that its `tune:` chooses, as it is without one. Trainings of earlier starts are not repeated.

    Raises BlockspaceError (E-CHANGED) where the run directory was tuned for something else, FailureError when every training fails,
    StorageError, and Interrupted.
    """
    tune = resolved.options.tune
    if tune is None:
        return resolved
    run = RunDir(resolved.study.folder).absolute()
    recipes, networks = make_recipes(resolved.options.train, tune, resolved.study.mark_of), default_networks(resolved)
    asked = describe_tuning(resolved, tune, recipes, networks, look)
    check_same_tuning(run, asked)
    tuned = read_tuned_recipes(run)
    if tuned is None:
        write_tuning(run, asked, None)
        emit(TuningStarted(len(recipes), len(networks), len(recipes) * len(networks) * tune.seeds))
        results = run_jobs(tuning_jobs(resolved, tune, recipes, networks), train_trial, workers, lambda event: emit(as_tuning_event(event)))
        tuned = judge_recipes(resolved, tune, recipes, list(networks), results)
        for family, values in tuned.scores.items():
            if all(value is None for value in values):
                emit(Warned(f"tune: no recipe trained the default network of {family}, so it has no say in the choice"))
        write_tuning(run, asked, tuned)
    emit(RecipeTuned(tuned.sentence()))
    return replace(resolved, tuned=tuned)


def default_networks(resolved: ResolvedStudy) -> dict[str, Candidate]:
    """Return the network of each family with every other hole at its default, solved for the budget, by the family's name."""
    defaults = (resolved.candidate(resolved.space.default(fixed)) for fixed in resolved.budgeted_space.families())
    return {resolved.family_of(candidate): candidate for candidate in defaults}


def describe_tuning(
    resolved: ResolvedStudy, tune: TuneOptions, recipes: Sequence[Recipe], networks: dict[str, Candidate], look: Preflight
) -> dict[str, Any]:
    """Return, as plain data, all that the outcome of a tuning depends on."""
    metric, direction = tuned_metric(resolved)
    return {
        "search": {"seed": resolved.options.search.seed},
        "tune": {"recipes": [recipe.computed() for recipe in recipes], "per": tune.per, "seeds": tune.seeds},
        "objectives": {metric: direction}, "networks": {family: one.key for family, one in networks.items()}, "data": look.digest,
    }  # fmt: skip


def check_same_tuning(run: RunDir, asked: dict[str, Any]) -> None:
    """Raise BlockspaceError (E-CHANGED) where recipes were tuned for something else here, or trials trained without tuning."""
    kept, help = read_asked(run), "undo the change, or choose another `out` folder"
    if kept is None and run.storage.is_file() and not run.tuning.is_dir():
        raise error("E-CHANGED", f"{run.display()} holds trials that were trained before `tune` was set", help=help)
    rows = [] if kept is None else diff_configs(kept, asked)
    if rows:
        message = "the study was changed since its recipe was tuned:\n  " + "\n  ".join(rows[:12])
        raise error("E-CHANGED", message, help=help)


def tuning_jobs(
    resolved: ResolvedStudy, tune: TuneOptions, recipes: Sequence[Recipe], networks: dict[str, Candidate]
) -> list[Job]:
    """Return one job per family, recipe and seed; the recipes of a network are tried with the same seeds."""
    search, limits = resolved.options.search, TimeLimits(resolved.options.search.timeout, adapt_watchdog(resolved.options).stall_s)
    data = resolved.study.data.as_dict()
    run, jobs = RunDir(resolved.study.folder).absolute(), list[Job]()
    for family, candidate in networks.items():
        arch = candidate.arch | {"arch": resolved.to_yaml(candidate)}
        for place, recipe in enumerate(recipes):
            for replicate in range(tune.seeds):
                seed = derive_training_seed(derive_seed("tuning", search.seed), candidate.key, replicate)
                folder, label = str(run.tuned(family, place, replicate)), f"{family} recipe {place + 1} seed {replicate}"
                options = {"data": data, "recipe": recipe.as_dict()}
                jobs.append(Job(folder, arch, seed, candidate.key, options, len(jobs), label, limits))
    return jobs


def as_tuning_event(event: Event) -> Event:
    """Return the event that listeners are told: a training of a recipe is none of a finalist."""
    return RecipeTried(**vars(event)) if isinstance(event, FinalistTrained) else event


def judge_recipes(
    resolved: ResolvedStudy, tune: TuneOptions, recipes: tuple[Recipe, ...], families: Sequence[str], results: Sequence[Result]
) -> TunedRecipes:
    """Return what each recipe reached on each family's network; `results` are by family, recipe and seed."""
    metric, direction = tuned_metric(resolved)
    values = [result.metrics.get(metric) if result.trained else None for result in results]
    groups = [values[start : start + tune.seeds] for start in range(0, len(values), tune.seeds)]
    means = [mean_if_whole(group) for group in groups]
    scores = {family: tuple(means[place * len(recipes) : (place + 1) * len(recipes)]) for place, family in enumerate(families)}
    baseline = resolved.family_of(resolved.baseline)
    return TunedRecipes(tuple(tune.list_changes()), recipes, metric, direction, scores, tune.per == "family", baseline)


def mean_if_whole(values: Sequence[float | None]) -> float | None:
    """Return the mean; None where one of the values is missing or not finite, since a recipe that may fail is no better than its best."""
    known = [value for value in values if value is not None and isfinite(value)]
    return fmean(known) if known and len(known) == len(values) else None


def tuned_metric(resolved: ResolvedStudy) -> tuple[str, str]:
    """Return the metric by which recipes are compared, and its direction: the first objective that is one, else the task's main metric."""
    for name, direction in resolved.study.objectives.items():
        if find_quantity(name).kind == "metric":
            return name, direction
    return f"val_{TASKS[DEFAULT_TASK].main_metric}", "maximize"
