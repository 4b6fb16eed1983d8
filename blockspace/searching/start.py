"""run: a search from its arguments to its rows. The same call in the same folder resumes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from blockspace.executors import PRELOAD, Evaluate, Executor, LocalExecutor
from blockspace.files import sweep_temporaries
from blockspace.records import Listener, TrialRecord, ignore_event
from blockspace.searching.interrupt import stoppable
from blockspace.searching.loop import Loop
from blockspace.searching.options import SearchOptions
from blockspace.searching.plan import Again, Limits, Measure, Plan
from blockspace.searching.record.lock import StudyLock
from blockspace.searching.record.result_cache import ResultCache
from blockspace.searching.record.storage import open_study
from blockspace.searching.reproducible_sampler import ReproducibleSampler
from blockspace.searching.samplers import SAMPLERS
from blockspace.searching.space.balance import Balance
from blockspace.searching.space.candidate import Space


def run(
    study_name: str,
    folder: str | Path,
    space: Space,
    evaluate: Evaluate,
    objectives: dict[str, str],
    options: SearchOptions,
    measure: Measure | None = None,
    limits: Limits | None = None,
    digest: dict[str, Any] | None = None,
    recipe: dict[str, Any] | None = None,
    on_event: Listener | None = None,
    stop: Callable[[], bool] | None = None,
    workers: Executor | None = None,
    lock: StudyLock | None = None,
    again: Again | None = None,
    first: Sequence[dict[str, Any]] = (),
    earlier: ResultCache | None = None,
) -> list[TrialRecord]:
    """Search until `options.trials` distinct networks are trained, in all starts together; every proposal's row, by number.

    `objectives` maps names (of metrics, measured values or costs) to `maximize` or `minimize`. `measure` is called here, in the driver,
    at most once per network, while workers train; `limits` are the (low, high) budgets on what it returns. `digest` is the resolved
    study as plain data: with another one the folder is refused. `recipe` reaches every task as its `options`. `on_event`
    is called with each event. Pass `workers` to keep them for what follows (their number then holds), and a `lock` that is already held.
    `first` are whole assignments that are proposed before the sampler is asked; `earlier` are results of other runs, taken over instead of
    being trained again. `again(task, result)` may answer an unsuccessful training with (changed options, why): it is run once more, and
    is not comparable.

    Raises StorageError (locked, damaged, full), BlockspaceError (changed study), FailureError, InfeasibleError, and Interrupted
    after Ctrl-C, SIGTERM or `stop()` returning true: unfinished trials stay, and the next start continues them under their numbers.
    """
    folder = Path(folder).absolute()
    limits, measured = dict(limits or {}), measure is not None
    asked: dict[str, Any] = {"sampler": options.sampler, "seed": options.seed, "per_choice": options.per_choice}
    asked |= {"seeds": list(first)} if first else {}
    digest = {**(digest or {}), "objectives": objectives, "limits": limits, "measured": measured, "search": asked}
    draw = ReproducibleSampler(SAMPLERS[options.sampler], options.seed)
    with ExitStack() as stack:
        if lock is None:
            stack.enter_context(StudyLock(folder))
        sweep_temporaries(folder)
        study = stack.enter_context(open_study(folder, study_name, objectives, draw, digest, options.trials))
        balance = Balance(space, options.per_choice, options.trials)
        request = stack.enter_context(stoppable(stop))
        if workers is None:
            workers = stack.enter_context(LocalExecutor(options.worker_count(), PRELOAD))
        plan = Plan(
            folder, space, evaluate, objectives, options, measure, limits, recipe or {}, on_event or ignore_event, balance, again, first,
            earlier or ResultCache(),
        )  # fmt: skip
        return Loop(plan, study, workers, request, lambda: draw.exhausted).go()
