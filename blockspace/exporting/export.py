"""The exported folder: written beside its place, every file checked against the trained module, then renamed as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from blockspace.compiler import compile
from blockspace.errors import did_you_mean, error
from blockspace.exporting.folder import replaced_by, staging
from blockspace.exporting.formats import FORMATS
from blockspace.exporting.job import Job
from blockspace.exporting.timm_format import check_installed
from blockspace.files import ARCH, CARD
from blockspace.graph import Graph
from blockspace.passes import deploy

BATCHES = (1, 3, 8)
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Exported:
    """What was written: the folder, per format the largest difference to the trained module that was seen, per file its bytes."""

    folder: Path
    differences: dict[str, float]
    sizes: dict[str, int]


def export(
    graph: Graph, module: nn.Module, folder: str | Path, arch_yaml: str, card: str,
    formats: Sequence[str] = ("py", "onnx", "safetensors"), force: bool = False, images: dict[str, Any] | None = None,
    deployed: bool = False,
) -> Exported:  # fmt: skip
    """Write `arch.yaml`, `card.md` and the files of `formats` to `folder`; `module` holds the trained weights of `compile(graph)`.

    Formats: `py` (model.py, plain torch), `safetensors` (weights), `onnx` (any batch), `pt2` (torch.export, any batch), `timm` (a file that
    registers the network with timm, config.json, weights; `images` says by which `mean` and `std` they were normalised). With `deployed`
    `py`, `onnx` and `pt2` are of the form for deployment (see `blockspace.deploy`) and their files are named `model_deploy`;
    `weights_deploy.safetensors` is written beside the weights that can be trained on. Before the folder
    appears, each is loaded anew and run at batch 1, 3 and 8 in eval mode and 32 bits; it must equal the module to 1e-4 (times the largest
    output where that is above 1). An existing folder is refused, or with `force` replaced at the end. Raises ExportError
    (E-EXPORT-MISMATCH), BlockspaceError (E-IO for an existing folder, E-KEY for an unknown format or timm not installed, E-WEIGHTS for
    another module's weights) and StorageError (E-IO, E-DISK); then nothing is left behind and an existing folder is as it was.
    """
    check_formats(formats)
    folder = Path(folder)
    reference = trained(graph, module)
    with staging(folder, force) as stage:
        (stage / ARCH).write_text(arch_yaml, encoding="utf-8")
        (stage / CARD).write_text(card, encoding="utf-8")
        job = Job(graph, reference, stage, examples(graph, reference), TOLERANCE, images or {})
        fast = in_fast_form(job) if deployed else None
        # weights first: model.py is checked with the weights file beside it
        for name in sorted(formats, key=list(FORMATS).index):
            for form in forms(name, job, fast):
                FORMATS[name](form)
        sizes = {path.name: path.stat().st_size for path in sorted(stage.iterdir())}
        replaced_by(folder, stage, force)
    return Exported(folder, dict(job.differences), sizes)


def in_fast_form(job: Job) -> Job:
    """The same job with the form for deployment, which has to give what the trained module gives."""
    graph = deploy(job.graph)
    return replace(job, graph=graph, module=compile(graph, weights_from=job.module).eval())


def forms(name: str, job: Job, fast: Job | None) -> list[Job]:
    """The forms that a format is written in: with one for deployment, weights in both, timm's folder as trained, all else in that one."""
    if fast is None or name == "timm":
        return [job]
    return [job, fast] if name == "safetensors" else [fast]


def check_formats(formats: Sequence[str]) -> None:
    """Every format is one that can be written. Raises BlockspaceError (E-KEY)."""
    if "timm" in formats:
        check_installed()
    for name in formats:
        if name not in FORMATS:
            raise error("E-KEY", f"unknown export format {name!r}", help=did_you_mean(name, FORMATS) or f"known: {', '.join(FORMATS)}")


def trained(graph: Graph, module: nn.Module) -> nn.Module:
    """A copy of the module's weights in `compile(graph)`: on the CPU, in 32 bits, in eval mode."""
    copied = compile(graph, seed=0)
    state = {key: tensor.detach().cpu() for key, tensor in module.state_dict().items()}
    try:
        copied.load_state_dict({key: t.float() if t.is_floating_point() else t for key, t in state.items()})
    except RuntimeError as reason:
        raise error("E-WEIGHTS", f"the module is not of this graph: {str(reason).splitlines()[-1].strip()}") from reason
    return copied.eval()


def examples(graph: Graph, reference: nn.Module) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Inputs of several batch sizes and what the module makes of them."""
    generator = torch.Generator().manual_seed(0)
    inputs = [torch.randn(batch, *graph.input_shape, generator=generator) for batch in BATCHES]
    with torch.inference_mode():
        return [(x.clone(), reference(x)) for x in inputs]


