"""The model card beside an exported network: what one needs to know to use it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from blockspace.data import kept_preflight
from blockspace.records import RunDir

USAGE = "`model.py` needs torch (and safetensors to read the weights); `arch.yaml` is the same network for `blockspace show`."


def model_card(name: str, doc: str, facts: Mapping[str, Any], choices: Mapping[str, Any] | None = None, usage: str = USAGE) -> str:
    """Return the card as Markdown: one line a fact, then what a search chose."""
    chosen = ["Chosen by the search:", list_items(choices)] if choices is not None else []
    return "\n\n".join([f"# {name}", doc, list_items(facts), *chosen, *([usage] if usage else [])]) + "\n"


def list_items(items: Mapping[str, Any]) -> str:
    """Return the items as a Markdown list."""
    return "\n".join(f"- {name}: {value}" for name, value in items.items())


def input_text(shape: tuple[int, ...] | list[int], scores: Mapping[str, Any]) -> str:
    """Return the input's shape (C, H, W) and how its pixels are normalised, by the scores of a training."""
    mean, std = (", ".join(f"{value:.6g}" for value in scores[name]) for name in ("mean", "std"))
    return f"{'x'.join(map(str, shape))}; pixels in 0..1, minus {mean}, divided by {std} (per channel, of the training images)"


def class_names(run: RunDir, most: int = 100) -> str:
    """Return the classes in the order of the network's outputs, as the preflight of the data found them."""
    preflight = kept_preflight(run)
    if preflight is None:
        return "not recorded"
    more = f" and {len(preflight.classes) - most:,} more, in preflight.json" if len(preflight.classes) > most else ""
    return ", ".join(preflight.classes[:most]) + more
