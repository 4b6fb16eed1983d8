"""Trials: the table of all proposals with what became of each."""

from __future__ import annotations

from typing import Any

from blockspace.quantities import Quantity, find_quantity
from blockspace.reporting.run import DEFAULT_METRIC, Run, Trial

SHOWN = ("val_acc", "val_loss", "latency", "macs", "params")


def trials(run: Run, most: int) -> dict[str, Any]:
    """Columns and rows of the table; past `most` rows those that matter least are left to results.csv."""
    known = {name for t in run.trials for name in t.values}
    columns = [find_quantity(name) for name in dict.fromkeys((*SHOWN, *run.objectives)) if name in known]
    kept = sorted(sorted(run.trials, key=lambda t: importance(t, run))[:most], key=lambda t: t.number)
    finals = {one.number for one in run.finals}
    return {
        "columns": columns,
        "rows": [line(t, columns, finals, run) for t in kept],
        "left_out": len(run.trials) - len(kept),
        "states": sorted({t.state for t in run.trials}),
    }


def importance(trial: Trial, run: Run) -> tuple:
    """Finalists and the front first, then what trained, the best first, then the rest."""
    final = trial.number in {one.number for one in run.finals}
    metric, direction = next(iter(run.objectives.items()), (DEFAULT_METRIC, "maximize"))
    value = trial.values.get(metric, 0.0) * (-1 if direction == "maximize" else 1)
    return (not final, not trial.front, trial.state != "trained", value, trial.number)


def line(trial: Trial, columns: list[Quantity], finals: set, run: Run) -> dict[str, Any]:
    """One row: what it was, its numbers, and why it has none."""
    why = trial.reason or (f"same network as #{trial.duplicate_of}" if trial.duplicate_of is not None else "")
    return {
        "number": trial.number,
        "state": trial.state,
        "words": "unfinished" if trial.state == "running" and run.state != "running" else trial.state.replace("_", " "),
        "family": trial.family,
        "place": run.families.index(trial.family) if trial.family in run.families else None,
        "label": trial.label,
        "choices": ", ".join(f"{name}={value}" for name, value in trial.choices.items()),
        "cells": [column.format_exact(trial.values.get(column.name)) for column in columns],
        "seconds": f"{trial.seconds:.1f}" if trial.seconds else "",
        "why": why,
        "final": trial.number in finals,
        "front": trial.front,
    }
