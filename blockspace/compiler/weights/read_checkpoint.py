"""Checkpoints as people find them: the tensors of a file, out of whatever they are wrapped in. Nothing but tensors is ever unpickled."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import torch

from blockspace.errors import error
from blockspace.inputs import expand_path

State = dict[str, torch.Tensor]
SUFFIXES = (".safetensors", ".pth", ".pt", ".bin", ".ckpt", ".tar")
AROUND = ("state_dict_ema", "model_ema", "state_dict", "model_state_dict", "model", "net", "weights")  # keys of training scripts
COUNTER = "num_batches_tracked"  # of batch norms; older checkpoints have none
BEFORE = ("_orig_mod.", "module.", "model.", "net.")  # torch.compile, DistributedDataParallel, Lightning


def read_checkpoint(path: str | PathLike[str]) -> State:
    """Return the tensors of a .safetensors file or of one that `torch.save` wrote, by name, without what wrappers put before each name.

    Raises BlockspaceError: E-FILE when there is no such file or it is not a checkpoint, E-WEIGHTS when it holds more than tensors (a whole
    pickled model), or none.
    """
    path = expand_path(path)
    if not path.is_file():
        raise error("E-FILE", f"no file {str(path)!r}", help=f"a checkpoint: {', '.join(SUFFIXES[:4])}")
    found = read_safetensors(path) if path.suffix == ".safetensors" else read_pickled(path)
    state = {str(key): value for key, value in unwrap_state(found).items() if isinstance(value, torch.Tensor)}
    if not state:
        raise error("E-WEIGHTS", f"{path} contains no weights", help="save a state_dict: torch.save(model.state_dict(), path)")
    return strip_prefixes(state)


def read_safetensors(path: Path) -> State:
    """Return the tensors of a safetensors file."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(str(path))
    except (OSError, SafetensorError) as reason:
        raise error("E-FILE", f"cannot read weights from {path}: {reason}", help="a whole safetensors file is needed") from None


def read_pickled(path: Path) -> Any:
    """Return what `torch.save` wrote, if it is tensors in containers alone."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as reason:
        if zipfile.is_zipfile(path) and "GLOBAL" in str(reason):  # a pickle names what it would have to import
            help = "save its state_dict: torch.save(model.state_dict(), path)"
            what = "holds pickled Python objects, which are not loaded: they could run code"
            raise error("E-WEIGHTS", f"{path} {what}", help=help) from None
    except Exception:  # bytes that are not a pickle can fail in any way
        pass
    help = "a file that torch.save or safetensors wrote, whole"
    raise error("E-FILE", f"cannot read weights from {path}: it is not a checkpoint, or damaged", help=help)


def unwrap_state(found: Any) -> Mapping[str, Any]:
    """Return the mapping from names to tensors inside a training script's own mapping."""
    while isinstance(found, Mapping) and not any(isinstance(value, torch.Tensor) for value in found.values()):
        found = next((found[key] for key in AROUND if isinstance(found.get(key), Mapping)), None)
    return found if isinstance(found, Mapping) else {}


def strip_prefixes(state: State) -> State:
    """Strip a wrapper prefix (`module.`, `model.`, ...) that all names share."""
    while word := next((word for word in BEFORE if all(name.startswith(word) for name in state)), None):
        state = {name.removeprefix(word): tensor for name, tensor in state.items()}
    return state
