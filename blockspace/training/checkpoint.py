"""The checkpoint `last.ckpt`: whole or absent, checked before use, loadable with `weights_only=True`."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.checkpoint_io import CheckpointIO
from torch import nn

from blockspace.data import Split
from blockspace.files import write_atomic
from blockspace.training.recipe import Recipe
from blockspace.training.tasks import DEFAULT_TASK, Task


class AtomicCheckpoints(CheckpointIO):
    """Lightning's checkpoints written in one rename: its own saver leaves torn files when killed, and is silent when it may not write."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write a checkpoint whole or not at all. Raises StorageError."""
        buffer = io.BytesIO()
        torch.save(checkpoint, buffer)
        write_atomic(path, buffer.getvalue())

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = True) -> dict[str, Any]:
        """Return a checkpoint's content; nothing in it is executed."""
        content: dict[str, Any] = torch.load(path, map_location=map_location or "cpu", weights_only=True)
        return content

    def remove_checkpoint(self, path: Any) -> None:
        """Remove a checkpoint."""
        Path(path).unlink(missing_ok=True)


def compute_identity(module: nn.Module, train: Split, task: Task, recipe: Recipe, seed: int) -> str:
    """Return a hash of what a checkpoint belongs to: task, recipe, seed, initial weights, training labels, and the images' statistics."""
    settings: list[Any] = [recipe.computed(), seed, [list(train.images.shape), train.mean, train.std]]
    if task.name != DEFAULT_TASK:  # checkpoints of classification are older than tasks
        settings.append(task.name)
    total = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for name, value in {**module.state_dict(), "labels": train.labels}.items():
        total.update(name.encode())
        total.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return total.hexdigest()


def is_usable(path: Path, identity: str) -> bool:
    """Return whether `path` is an undamaged checkpoint of the training with this identity.

    The archive holds a CRC of each tensor, so flipped bits show.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.testzip() is not None:
                return False
        content = torch.load(path, map_location="cpu", weights_only=True)
        return bool(content["blockspace"]["identity"] == identity)
    except Exception:  # torn files raise RuntimeError, OSError, EOFError, KeyError, BadZipFile, UnpicklingError
        return False
