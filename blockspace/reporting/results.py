"""results.csv: one row per trial."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from blockspace.files import write_atomic

# the columns every results.csv begins with, in this order; a value that is not known is an empty cell
COLUMNS = {
    "number": "the trial's number, from 0",
    "state": "trained, duplicate, over_budget, diverged, failed, oom, timeout, hung or running",
    "family": "the choice that the study compares by",
    "key": "the canonical hash of the architecture",
    "macs": "multiply-accumulates at batch 1",
    "params": "trainable elements",
    "latency": "CPU time as a ratio to the baseline's",
    "val_acc": "validation accuracy of the last epoch, 0..1",
    "val_loss": "validation log-loss of the last epoch, nats",
    "seconds": "of training",
    "seed": "of the training",
    "reason": "why the trial has no result",
    "comparable": "no: it was not trained as the study says, for the reason given",
    "duplicate_of": "the number of the trial whose result was copied",
    "reused": "the trial of another run whose result was taken over, as runs/first#17",
}
PARAM = "param."  # what the sampler chose follows, as `param.NAME`


def results_csv(trials: Iterable[Mapping[str, Any]]) -> str:
    """The CSV text. A trial is a mapping of `COLUMNS`, any further values, and `choices`: what was chosen for each hole, by name.

    After `COLUMNS` come further values, then choices, each in alphabetical order.
    """
    rows = [flat(trial) for trial in trials]
    found = {name for row in rows for name in row} - set(COLUMNS)
    header = [*COLUMNS, *sorted(found, key=lambda name: (name.startswith(PARAM), name))]
    text = io.StringIO()
    writer = csv.DictWriter(text, header, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def flat(trial: Mapping[str, Any]) -> dict[str, Any]:
    """One row: choices under their own names."""
    row = {name: value for name, value in trial.items() if name != "choices"}
    return row | {f"{PARAM}{name}": value for name, value in trial.get("choices", {}).items()}


def write_results(path: str | Path, trials: Iterable[Mapping[str, Any]]) -> Path:
    """Write results.csv in one rename. Raises StorageError when it cannot be written."""
    return write_atomic(path, results_csv(trials))
