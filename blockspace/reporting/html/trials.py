"""Trials: the table of all proposals with what became of each."""

from __future__ import annotations

from typing import Any

from blockspace.quantities import Quantity, find_quantity
from blockspace.records import TrialRecord, TrialState
from blockspace.reporting.study_report import DEFAULT_METRIC, StudyReport

SHOWN = ("val_acc", "val_loss", "latency", "macs", "params")


def trials(run: StudyReport, most: int) -> dict[str, Any]:
    """Columns and rows of the table; past `most` rows those that matter least are left to results.csv."""
    known = {name for t in run.trials for name in t.quantities}
    columns = [find_quantity(name) for name in dict.fromkeys((*SHOWN, *run.objectives)) if name in known]
    kept = sorted(sorted(run.trials, key=lambda t: importance(t, run))[:most], key=lambda t: t.number)
    finals = {one.number for one in run.finals}
    return {
        "columns": columns,
        "rows": [line(t, columns, finals, run) for t in kept],
        "left_out": len(run.trials) - len(kept),
        "states": sorted({t.state.value for t in run.trials}),
    }


def importance(trial: TrialRecord, run: StudyReport) -> tuple:
    """Finalists and the front first, then what trained, the best first, then the rest."""
    final = trial.number in {one.number for one in run.finals}
    metric, direction = next(iter(run.objectives.items()), (DEFAULT_METRIC, "maximize"))
    value = trial.quantities.get(metric, 0.0) * (-1 if direction == "maximize" else 1)
    return (not final, trial.number not in run.front, not trial.state.is_trained, value, trial.number)


def line(trial: TrialRecord, columns: list[Quantity], finals: set, run: StudyReport) -> dict[str, Any]:
    """One row: what it was, its numbers, and why it has none."""
    family = run.family_of[trial.number]
    why = trial.explanation or (f"same network as #{trial.duplicate_of}" if trial.duplicate_of is not None else "")
    return {
        "number": trial.number,
        "state": trial.state,
        "words": "unfinished" if trial.state is TrialState.RUNNING and run.state != "running" else trial.state.label,
        "family": family,
        "place": run.families.index(family) if family in run.families else None,
        "label": trial.label,
        "choices": ", ".join(f"{name}={value}" for name, value in trial.choices.items()),
        "cells": [column.format_exact(trial.quantities.get(column.name)) for column in columns],
        "seconds": f"{trial.seconds:.1f}" if trial.seconds else "",
        "why": why,
        "final": trial.number in finals,
        "front": trial.number in run.front,
    }
