"""Lightning's Trainer with nothing but its loop, on the devices that a recipe asks for."""

from __future__ import annotations

import sys

import lightning as L
import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import Callback

from blockspace.errors import error
from blockspace.formatting import count_noun
from blockspace.training.checkpoint import AtomicCheckpoints
from blockspace.training.recipe import Recipe
from blockspace.training.torch_compile import require_compiler


def make_trainer(recipe: Recipe, evaluate: bool, callback: Callback) -> L.Trainer:
    """Return Lightning's Trainer without logger, bar, summary, sanity steps or signal handlers.

    Raises BlockspaceError: E-DEVICE for a device, strategy or precision this machine does not have, E-TYPE for a batch that does not divide
    among the devices, E-COMPILE without a compiler.
    """
    try:
        trainer = L.Trainer(
            max_epochs=recipe.epochs,
            accelerator=recipe.accelerator,
            devices=recipe.devices,
            strategy=choose_strategy(recipe),
            precision=recipe.precision,
            callbacks=[callback],
            plugins=[AtomicCheckpoints(), LightningEnvironment()],
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            limit_val_batches=1.0 if evaluate else 0,
            inference_mode=True,
            use_distributed_sampler=False,
        )
    except (MisconfigurationException, ValueError) as reason:
        help = f"this machine has: {', '.join(list_accelerators())}"
        raise error("E-DEVICE", f"train: {str(reason).splitlines()[0]}", help=help) from None
    # SIGTERM belongs to the caller: Lightning would take it over, finish the batch and end the process with status 0
    trainer._signal_connector.register_signal_handlers = suspend_signal_handlers  # type: ignore[method-assign]
    check_devices(trainer, recipe)
    return trainer


def suspend_signal_handlers() -> None:
    """Do nothing; a function with a name, so that it can be sent to another process."""


def choose_strategy(recipe: Recipe) -> str:
    """Return Lightning's name of the strategy.

    Its own `ddp` runs the whole program once per device; ours starts processes for the training alone:
    by fork on CPUs, which costs nothing, and by spawn for GPUs, which do not survive a fork.
    """
    several = recipe.devices not in (1, "auto") and not (isinstance(recipe.devices, list) and len(recipe.devices) == 1)
    if recipe.strategy not in ("auto", "ddp") or (recipe.strategy == "auto" and not several):
        return recipe.strategy
    on_gpu = recipe.accelerator in ("gpu", "cuda") or (recipe.accelerator == "auto" and torch.cuda.is_available())
    return "ddp_spawn" if on_gpu or sys.platform != "linux" else "ddp_fork"


def check_devices(trainer: L.Trainer, recipe: Recipe) -> None:
    """Check precision, batch and compiler against the devices. Raises BlockspaceError (E-DEVICE, E-TYPE, E-COMPILE)."""
    device, ranks = trainer.strategy.root_device, trainer.world_size
    if recipe.precision == "16-mixed" and device.type == "cpu":
        raise error("E-DEVICE", "train.precision: 16-mixed needs a GPU, and this training runs on the CPU", help="on a CPU use bf16-mixed")
    if recipe.batch % ranks:
        near = max(ranks, recipe.batch - recipe.batch % ranks)
        batch = count_noun(recipe.batch, "image does", "images do")
        raise error("E-TYPE", f"train.batch: {batch} not divide among {ranks} devices", help=f"batch: {near}")
    if recipe.compile:
        require_compiler(device)


def list_accelerators() -> list[str]:
    """Return the accelerators of this machine, in words."""
    found = ["cpu"]
    if torch.cuda.is_available():
        found.append(f"gpu (cuda, {torch.cuda.device_count()} of them)")
    if torch.backends.mps.is_available():
        found.append("mps")
    return found
