"""Norms: what batch normalisation cannot train on, told from shapes alone. No torch here."""

from __future__ import annotations

from blockspace.errors import BlockspaceError, Mark, error
from blockspace.graph import Graph
from blockspace.training.recipe import Recipe


def check_norms(graph: Graph, recipe: Recipe, mark: Mark | None = None) -> None:
    """A batch of one image gives batch norm on a 1x1 map a single value per channel, whose deviation is nothing: torch refuses to train it.

    Batches of two or more are never cut down to one, since the last, smaller batch of an epoch is left out.
    Raises BlockspaceError (E-BN-1X1).
    """
    if images_per_device(recipe) > 1:
        return
    for node in graph.nodes.values():
        if node.op.name == "batch_norm" and node.shape[1:] == (1, 1):
            raise one_value(f"{node.name} in {graph.name} sees 1x1 maps, and train.batch is {recipe.batch}", mark)


def images_per_device(recipe: Recipe) -> int:
    """Of a batch; `auto` counts as one device, since no more is known here."""
    devices = len(recipe.devices) if isinstance(recipe.devices, list) else recipe.devices
    return recipe.batch // (1 if devices == "auto" else devices)


def one_value(what: str, mark: Mark | None = None) -> BlockspaceError:
    """The error for a single value per channel."""
    help = "set train.batch to 2 or more images per device, or use group_norm there"
    return error("E-BN-1X1", f"batch normalisation needs more than one value per channel: {what}", mark, help)
