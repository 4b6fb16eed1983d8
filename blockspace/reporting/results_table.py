"""The table of all trials, `results.csv`: one row a trial."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from blockspace.files import write_atomic
from blockspace.records import TrialRecord, TrialState

# the columns every results.csv begins with, in this order; a value that is not known is an empty cell
COLUMNS = {
    "number": "the trial's number, from 0",
    "state": f"{', '.join(list(TrialState)[:-1])} or {TrialState.RUNNING}",
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
REPEAT = "repeat"  # the search that proposed it, from 0: the last column, where a study has several


def results_csv(records: Iterable[TrialRecord], per: str | None) -> str:
    """Return the CSV text; `per` is the search parameter whose choices are the families.

    After `COLUMNS` come further values, then the choices, each in alphabetical order; of a study of several searches the last is which.
    """
    rows = []
    for record in records:
        row = flatten_record(record, per)
        choices = row.pop("choices")
        rows.append(row | {f"{PARAM}{name}": value for name, value in choices.items()})
    further = {name for row in rows for name in row} - {*COLUMNS, REPEAT}
    several = [REPEAT] if any(row[REPEAT] for row in rows) else []
    header = [*COLUMNS, *sorted(further, key=lambda name: (name.startswith(PARAM), name)), *several]
    text = io.StringIO()
    writer = csv.DictWriter(text, header, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def flatten_record(record: TrialRecord, per: str | None) -> dict[str, Any]:
    """Return a trial as one flat mapping, with what was chosen for it under `choices`."""
    return {
        "number": record.number,
        "state": record.state.value,
        "family": record.family(per, ""),
        **({"nearest": record.nearest["seed"], "changed": record.nearest["changed"]} if record.nearest else {}),
        "label": record.label,
        "key": record.key,
        **record.costs,
        "latency": record.measured.get("latency"),
        "val_acc": record.metrics.get("val_acc", record.values.get("val_acc")),
        "val_loss": record.metrics.get("val_loss"),
        "seconds": round(record.seconds, 3),
        "seed": record.seed,
        "reason": record.reason,
        "duplicate_of": record.duplicate_of,
        "comparable": "yes" if record.comparable else "no",
        "reused": record.reused,
        "choices": record.choices,
        REPEAT: record.repeat,
    }


def write_results(path: str | Path, records: Iterable[TrialRecord], per: str | None) -> Path:
    """Write `results.csv` in one rename; return its path. Raises StorageError when it cannot be written."""
    return write_atomic(path, results_csv(records, per))
