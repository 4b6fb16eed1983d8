"""Which networks of a study were drawn independently of each other, so that curves and tests over draws hold for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from statistics import fmean

from blockspace.formatting import count_noun
from blockspace.quantities import find_quantity
from blockspace.records import TrialRecord
from blockspace.reporting import ENOUGH_DRAWS, FinalistReport, IndependentDraws
from blockspace.searching import SAMPLERS
from blockspace.study.study_file import Study
from blockspace.training import DEFAULT_TASK, TASKS


def collect_draws(
    study: Study, records: Sequence[TrialRecord], finals: Sequence[FinalistReport], families: Sequence[str], per: str | None
) -> tuple[tuple[IndependentDraws, ...], str]:
    """Return the networks that were drawn independently, as far as there are enough of them; else why there are none."""
    metric = find_searched_metric(study.objectives)
    start = SAMPLERS[study.options.search.sampler].random_start
    own: dict[str, list[float]] = {family: [] for family in families}
    for record in list_random_trials(records, start, len(study.options.search.seeds)):
        if record.is_feasible and metric in record.quantities:
            own.setdefault(record.family(per, study.name), []).append(record.quantities[metric])
    words = "all networks of the search" if start is None else f"the random start of the search, its first {start} proposals"
    found = [IndependentDraws(words, metric, freeze_values(own)), collect_random_finalists(finals, families)]
    kept = tuple(draws for draws in found if any(len(values) >= ENOUGH_DRAWS for values in draws.values.values()))
    return kept, "" if kept else explain_no_draws(study, max(map(len, own.values()), default=0))


def find_searched_metric(objectives: Mapping[str, str]) -> str:
    """Return the first objective that is a metric of validation, else the task's main one."""
    named = (name for name in objectives if find_quantity(name).kind == "metric")
    return next(named, f"val_{TASKS[DEFAULT_TASK].main_metric}")


def list_random_trials(records: Sequence[TrialRecord], start: int | None, initial: int) -> Iterator[TrialRecord]:
    """Yield the trials of each search that its sampler drew at random: its first `start` (None: all), without the `initial` ones.

    The networks that a study gives in `search.seeds` are the first of each search, and were not drawn.
    """
    for _, group in groupby(sorted(records, key=lambda record: (record.repeat, record.number)), key=lambda record: record.repeat):
        yield from list(group)[initial:start]


def collect_random_finalists(finals: Sequence[FinalistReport], families: Sequence[str]) -> IndependentDraws:
    """Return the test results of the random networks that were trained beside the finalists, each a mean over its seeds."""
    metric = f"test_{TASKS[DEFAULT_TASK].main_metric}"
    found: dict[str, list[float]] = {family: [] for family in families}
    for final in finals:
        scores = [training.metrics[metric] for training in final.trainings if training.is_scored and metric in training.metrics]
        if final.role == "random" and scores:
            found.setdefault(final.family, []).append(fmean(scores))
    return IndependentDraws("random networks, trained as the finalists were", metric, freeze_values(found))


def freeze_values(values: Mapping[str, Sequence[float]]) -> dict[str, tuple[float, ...]]:
    """Return the values of each family as a tuple."""
    return {family: tuple(some) for family, some in values.items()}


def explain_no_draws(study: Study, most: int) -> str:
    """Return why a study has too few independent draws, and what would give them; `most` is how many its largest family has."""
    sampler = study.options.search.sampler
    start = SAMPLERS[sampler].random_start
    if start is None:
        why = f"{count_noun(most, 'network')} of a family at most are trained"
    elif start == 0:
        why = f"the sampler {sampler} does not draw at random"
    else:
        trained = f"which trained {count_noun(most, 'network')} of a family at most"
        why = f"the sampler {sampler} learns from results after {start} proposals, {trained}"
    return f"they need {ENOUGH_DRAWS} independent draws of a family, and {why}; `finalists.random={ENOUGH_DRAWS}` adds them"
