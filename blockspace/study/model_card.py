"""The model card beside an exported network: what one needs to know to use it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from blockspace.costs import cost
from blockspace.graph import Graph
from blockspace.records import TrainingFacts

USAGE = "`model.py` needs torch (and safetensors to read the weights); `arch.yaml` is the same network for `blockspace show`."
UNTRAINED = "freshly drawn (seed 0), not trained"


def describe_network(graph: Graph, facts: TrainingFacts | None, weights: str = UNTRAINED) -> TrainingFacts:
    """Return the facts of a training with those of the graph that it lacks; without a training, `weights` says where they are from."""
    known = facts or TrainingFacts(note=weights)
    own: dict[str, Any] = {"network": known.network or graph.name, "key": known.key or graph.key()}
    own |= {"input": known.input or tuple(graph.input_shape), "costs": known.costs or cost(graph).as_dict()}
    return known.model_copy(update=own)


def model_card(name: str, doc: str, facts: TrainingFacts, usage: str = USAGE) -> str:
    """Return the card as Markdown: one line a fact, then what a search chose."""
    chosen = ["Chosen by the search:", list_items(facts.choices)] if facts.choices else []
    return "\n\n".join([f"# {name}", *filter(None, [doc]), list_items(facts.lines()), *chosen, *([usage] if usage else [])]) + "\n"


def list_items(items: Mapping[str, Any]) -> str:
    """Return the items as a Markdown list."""
    return "\n".join(f"- {name}: {value}" for name, value in items.items())

