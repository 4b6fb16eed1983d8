"""Check before training that batch normalisation sees more than one value per channel, from shapes alone. No torch here."""

from __future__ import annotations

from blockspace.errors import BlockspaceError, Mark, error
from blockspace.graph import Graph
from blockspace.training.recipe import Recipe


def check_batchnorm(graph: Graph, recipe: Recipe, mark: Mark | None = None) -> None:
    """Check that no batch norm is trained on a 1x1 map with one image per device: of a single value per channel there is no deviation.

    Batches of two or more are never cut down to one, since the last, smaller batch of an epoch is left out.
    Raises BlockspaceError (E-BN-1X1).
    """
    if count_images_per_device(recipe) > 1:
        return
    for node in graph.nodes.values():
        if node.op.name == "batch_norm" and node.shape[1:] == (1, 1):
            raise make_single_value_error(f"{node.name} in {graph.name} sees 1x1 maps, and train.batch is {recipe.batch}", mark)


def count_images_per_device(recipe: Recipe) -> int:
    """Return the images of a batch on each device; `auto` counts as one device, since no more is known here."""
    devices = len(recipe.devices) if isinstance(recipe.devices, list) else recipe.devices
    return recipe.batch // (1 if devices == "auto" else devices)


def make_single_value_error(what: str, mark: Mark | None = None) -> BlockspaceError:
    """Return the error (E-BN-1X1) for a single value per channel."""
    help = "set train.batch to 2 or more images per device, or use group_norm there"
    return error("E-BN-1X1", f"batch normalisation needs more than one value per channel: {what}", mark, help)
