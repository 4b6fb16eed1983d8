"""Finalists: each with its drawing, its nodes, its curves, its file and the command that exports it."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from blockspace.costs import cost
from blockspace.graph import Graph
from blockspace.ops import show
from blockspace.quantities import find_quantity
from blockspace.reporting.html.answer import anchor
from blockspace.reporting.html.charts import curves
from blockspace.reporting.html.drawing import drawing
from blockspace.reporting.study_report import FinalistReport, FinalistTraining, StudyReport

HEATS = 10  # shades of a node's share of the costs


def finalists(run: StudyReport, limits) -> list[dict[str, Any]]:
    """One entry a finalist; from `limits.drawings` on without drawing and node table."""
    return [entry(one, run, place < limits.drawings, limits.nodes) for place, one in enumerate(run.finals)]


def entry(final: FinalistReport, run: StudyReport, drawn: bool, nodes: int) -> dict[str, Any]:
    graph = final.graph if drawn else None
    rows = node_rows(graph) if graph else []
    place = run.families.index(final.family) if final.family in run.families else None
    return {
        "final": final,
        "anchor": anchor(final),
        "place": place,
        "costs": [find_quantity(name).format_with_unit(value) for name, value in final.costs.items()],
        "drawing": drawing(graph) if graph else Markup(""),
        "curves": curves(final, place),
        "nodes": rows[:nodes],
        "left_out": len(rows[nodes:]),
        "trainings": [training(t) for t in final.trainings],
    }


def node_rows(graph: Graph) -> list[dict[str, Any]]:
    """Every node with its output shape (C, H, W), params, macs, and its share of all macs as a shade from 0 to 9."""
    found = cost(graph)
    total = found.macs or 1
    rows = []
    for node in graph:
        own = found.per_node[node.name]
        share = own.macs / total
        shade = min(HEATS - 1, int(share * 5 * HEATS))  # a fifth of all macs is the darkest
        rows.append(
            {"name": node.name, "kind": node.kind, "what": node.op.label(), "shape": show(node.shape)}
            | {"params": own.params, "macs": own.macs, "share": f"{share:.1%}" if own.macs else "", "shade": shade}
        )
    return rows


def training(one: FinalistTraining) -> dict[str, Any]:
    """One training's line: seed, state, epochs, what it ended with."""
    last = one.epochs[-1] if one.epochs else {}
    names = ("train_loss", "val_acc", "val_loss")
    ended = [find_quantity(name).format(last.get(name)) for name in names]
    tested = [find_quantity(name).format(one.metrics.get(name)) for name in ("test_acc", "test_loss")]
    seconds = sum(e.get("seconds") or 0 for e in one.epochs)
    time = f"{seconds:.1f}" if seconds else "-"
    return {"name": one.name, "seed": one.seed, "state": one.state_label, "epochs": len(one.epochs), "cells": [*ended, *tested, time]}
