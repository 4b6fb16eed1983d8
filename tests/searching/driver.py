"""A search as its own process, which a test can kill: `python driver.py FOLDER JSON`.

It kills itself with -9: `kill_at: [event, n]` at the n-th event of that kind; `before_tell: n` between a training's result file and its
n-th record; `between_parameters: n` when the n-th trial has one of its parameters; `before_ask: n` between the queueing and the start of
a trial.
"""

from __future__ import annotations

import json
import os
import signal
import sys

import optuna
from fakes import PRELOAD, search_fakes

from blockspace.executors import LocalExecutor
from blockspace.searching import Interrupted, SearchOptions, optuna_adapter

print("main runs", flush=True)  # once: a worker must never run it again


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def kill_before_tell(number: int) -> None:
    tell, calls = optuna_adapter.Teller.tell, []

    def counted(self, trial, state, *rest, **attributes):
        calls.append(state)
        if calls.count("trained") == number and state == "trained":
            die()
        return tell(self, trial, state, *rest, **attributes)

    optuna_adapter.Teller.tell = counted


def kill_between_parameters(number: int) -> None:
    original, calls = optuna.trial.Trial.suggest_int, []

    def counted(self, name, *rest, **options):
        calls.append(name)
        if calls.count("width") == number and name == "width":
            die()
        return original(self, name, *rest, **options)

    optuna.trial.Trial.suggest_int = counted


def kill_before_ask(number: int) -> None:
    enqueue, calls = optuna.Study.enqueue_trial, []

    def counted(self, params):
        enqueue(self, params)
        calls.append(params)
        if len(calls) == number:
            die()

    optuna.Study.enqueue_trial = counted


HOOKS = {"before_tell": kill_before_tell, "between_parameters": kill_between_parameters, "before_ask": kill_before_ask}


def main(folder: str, plan: dict) -> int:
    counts: dict[str, int] = {}

    def listen(event):
        counts[event.kind] = counts.get(event.kind, 0) + 1
        if plan.get("print"):
            print(event, flush=True)
        if [event.kind, counts[event.kind]] == plan.get("kill_at"):
            die()

    for name, hook in HOOKS.items():
        if plan.get(name):
            hook(plan[name])
    measure = (lambda candidate: {"latency": candidate.costs["macs"] / 10_000}) if plan.get("measure") else None
    options = SearchOptions(**plan.get("options", {}))
    try:
        with LocalExecutor(options.worker_count(), PRELOAD) as workers:
            search_fakes(folder, workers, options, on_event=listen, measure=measure, job_options=plan.get("recipe", {}))
    except Interrupted as reason:
        return reason.exit_code
    return 0


sys.exit(main(sys.argv[1], json.loads(sys.argv[2])))
