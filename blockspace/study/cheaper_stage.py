"""The stage of a study that asks how much cheaper a network can be: train the baseline as the search does, choose finalists by their cost,
and, once one of them is the answer, measure it anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from blockspace.errors import BlockspaceError, FailureError, StorageError
from blockspace.executors import Executor, Job, Result, TimeLimits
from blockspace.records import Listener, RetrainingStarted, RunDir, TrialRecord, Warned, finalist_name
from blockspace.reporting import Answer, Missing
from blockspace.searching import derive_training_seed, run_jobs
from blockspace.study.cheaper_networks import choose_cheaper_networks, read_baseline_accuracy
from blockspace.study.latency_measurer import make_latency_measurer
from blockspace.study.remeasured_cost import add_remeasured, write_remeasured
from blockspace.study.resolve import ResolvedStudy
from blockspace.study.study_file import MEASURED
from blockspace.study.worker_jobs import adapt_watchdog, train_trial

if TYPE_CHECKING:
    from blockspace.study.retrain import Finalist

MEASUREMENTS = 9  # of the chosen network, each in a process of its own


@dataclass(frozen=True)
class CheapFinals:
    """The networks that were retrained for their cost, and their results by network and seed."""

    finalists: Sequence[Finalist] = ()
    results: Sequence[Result] = ()


NO_CHEAP_FINALS = CheapFinals()


def find_cheaper_records(
    resolved: ResolvedStudy, records: Sequence[TrialRecord], best: Sequence[TrialRecord], executor: Executor, emit: Listener
) -> list[TrialRecord]:
    """Return the trials that become finalists for their cost, beside the `best`; none where the study does not ask.

    The baseline is trained once as in the first search, unless a trial was it or it was trained before.
    """
    if resolved.study.comparison.cheaper is None:
        return []
    run, baseline = RunDir(resolved.study.folder).absolute(), resolved.baseline
    if read_baseline_accuracy(run, records, baseline.key) is None:
        train_baseline(resolved, run, executor, emit)
    costs = {**baseline.costs, **dict.fromkeys(MEASURED, 1.0)}
    return choose_cheaper_networks(run, resolved.study, records, best, costs, baseline.key)


def train_baseline(resolved: ResolvedStudy, run: RunDir, executor: Executor, emit: Listener) -> None:
    """Train the baseline as the first search trains its networks. A training that fails is a warning: the answer then lacks something."""
    options, baseline = resolved.options, resolved.baseline
    settings = {"data": resolved.study.data.as_dict(), "recipe": resolved.recipe_of(resolved.baseline).as_dict()}
    limits = TimeLimits(options.search.timeout, adapt_watchdog(options).stall_s)
    seed = derive_training_seed(options.search.seed, baseline.key)
    arch = baseline.arch | {"arch": resolved.to_yaml(baseline)}
    job = Job(str(run.baseline_trial), arch, seed, baseline.key, settings, 0, "baseline, as in the search", limits)
    emit(RetrainingStarted(1, 1))
    try:
        run_jobs([job], train_trial, executor, emit)
    except FailureError as reason:
        emit(Warned(f"no networks are retrained for their cost: {str(reason).splitlines()[0]}"))


def complete_cheaper(resolved: ResolvedStudy, records: Sequence[TrialRecord], answer: Answer, emit: Listener) -> Answer:
    """Return the answer with the chosen network's cost as it is measured after the choice; what is stored is not measured again.

    Where a study asks how much cheaper a network can be and a part of that cannot be said, the answer names what is missing.
    """
    cost, run = resolved.study.comparison.cheaper, RunDir(resolved.study.folder).absolute()
    if cost is None:
        return answer
    if read_baseline_accuracy(run, records, resolved.baseline.key) is None:
        answer = add_missing(answer, "training", "of the baseline, as in the search", f"see {run.baseline_trial.log}")
    found = answer.cheaper
    if found is None:
        return add_missing(answer, "comparison", f"cheaper: {cost}", "the baseline or every finalist has no result with this cost")
    if not found.chosen or cost not in MEASURED or found.remeasured is not None:
        return answer
    chosen = next(record for record in records if finalist_name(record.label, record.repeat) == found.chosen)
    candidate = resolved.candidate(chosen.params)
    window = resolved.options.budget.latency
    assert window is not None  # `check_comparison` has refused a study without
    try:
        with ExitStack() as stack:
            measure = make_latency_measurer(resolved.baseline, window, run.path, stack)
            ratios = [measure(candidate)[cost] for _ in range(MEASUREMENTS)]
    except StorageError:
        raise
    except BlockspaceError as reason:
        text = str(reason).splitlines()[0]
        emit(Warned(text))
        return add_missing(answer, "measurement", f"{cost} of {found.chosen}", text)
    write_remeasured(run, found.chosen, candidate.key, cost, ratios)
    return add_remeasured(run, answer, {found.chosen: candidate.key})


def add_missing(answer: Answer, kind: str, name: str, reason: str) -> Answer:
    """Return the answer with one more thing that it lacks."""
    return replace(answer, missing=(*answer.missing, Missing(kind, name, reason)))
