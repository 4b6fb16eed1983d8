"""optimize: a search from its plan to its records. The same call in the same folder resumes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from blockspace.executors import PRELOAD, Executor, LocalExecutor
from blockspace.files import sweep_temporaries
from blockspace.records import Listener, RunDir, TrialRecord, ignore_event
from blockspace.searching.interrupt import handle_stop_signals
from blockspace.searching.plan import SearchPlan
from blockspace.searching.record.lock import StudyLock
from blockspace.searching.record.storage import open_study
from blockspace.searching.reproducible_sampler import ReproducibleSampler
from blockspace.searching.samplers import SAMPLERS
from blockspace.searching.search_loop import SearchLoop


def optimize(
    plan: SearchPlan,
    study_name: str,
    folder: str | Path,
    digest: dict[str, Any] | None = None,
    on_event: Listener | None = None,
    stop: Callable[[], bool] | None = None,
    executor: Executor | None = None,
    lock: StudyLock | None = None,
) -> list[TrialRecord]:
    """Search until `trials` distinct networks are trained, in all starts together. Returns the record of every proposal, by number.

    `digest` is the resolved study as plain data: with another one the folder is refused. `on_event` is called with each event. Pass an
    `executor` to keep it for what follows (its capacity then holds), and a `lock` that is already held.

    Raises StorageError (locked, damaged, full), BlockspaceError (changed study), FailureError, InfeasibleError, and Interrupted
    after Ctrl-C, SIGTERM or `stop()` returning true: unfinished trials stay, and the next start continues them under their numbers.
    """
    folder, options = Path(folder).absolute(), plan.options
    sampler = ReproducibleSampler(SAMPLERS[options.sampler], options.seed)
    with ExitStack() as stack:
        if lock is None:
            stack.enter_context(StudyLock(folder))
        sweep_temporaries(folder)
        study = stack.enter_context(
            open_study(folder, study_name, plan.objectives, sampler, {**(digest or {}), **plan.digest()}, options.trials)
        )
        loop = SearchLoop(plan, RunDir(folder), study, lambda: sampler.exhausted, on_event or ignore_event)
        request = stack.enter_context(handle_stop_signals(stop))
        if executor is None:
            executor = stack.enter_context(LocalExecutor(options.worker_count(), PRELOAD))
        return loop.run(executor, request)
