"""The exported folder: written beside its place, every file checked against the trained module, then renamed as a whole."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from blockspace.compiler import compile
from blockspace.errors import did_you_mean, error
from blockspace.exporting.export_format import DEFAULT_FORMATS, EXPORT_FORMATS
from blockspace.exporting.export_job import ExportJob
from blockspace.exporting.formats import FORMATS
from blockspace.exporting.staging import replace_folder, staged_folder
from blockspace.exporting.timm_format import check_timm
from blockspace.files import ARCH, CARD, FACTS, GRAPH
from blockspace.graph import Graph, to_node_link
from blockspace.passes import deploy
from blockspace.records import TrainingFacts

BATCHES = (1, 3, 8)
TOLERANCE = 1e-4


@dataclass(frozen=True)
class ExportedFolder:
    """The written export: the folder, per format the largest difference to the trained module that was seen, per file its bytes."""

    folder: Path
    differences: dict[str, float]
    sizes: dict[str, int]


def export_folder(
    graph: Graph, module: nn.Module, folder: str | Path, arch_yaml: str | None, card: str,
    formats: Sequence[str] = DEFAULT_FORMATS, force: bool = False, facts: TrainingFacts | None = None,
    deployed: bool = False,
) -> ExportedFolder:  # fmt: skip
    """Write `arch.yaml`, `card.md` and the files of `formats` to `folder`; `module` holds the trained weights of `compile(graph)`.

    A graph that no YAML describes (`arch_yaml` None) is written as `graph.json`, in networkx's node-link form.

    The formats are those of `EXPORT_FORMATS`; `facts` are what is known of the training: they are written to `facts.json`, and into each
    file that can hold them. With `deployed` `py`, `onnx`
    and `pt2` are of the form for deployment (see `blockspace.deploy`) and their files are named `model_deploy`;
    `weights_deploy.safetensors` is written beside the weights that can be trained on. Before the folder appears, each is loaded anew and
    run at batch 1, 3 and 8 in eval mode and 32 bits; it must equal the module to 1e-4 (times the largest output where that is above 1). An
    existing folder is refused, or with `force` replaced at the end. Raises ExportError (E-EXPORT-MISMATCH), BlockspaceError (E-IO for an
    existing folder, E-KEY for an unknown format or timm not installed, E-WEIGHTS for another module's weights) and StorageError (E-IO,
    E-DISK); then nothing is left behind and an existing folder is as it was.
    """
    check_formats(formats)
    folder = Path(folder)
    reference = copy_trained(graph, module)
    with staged_folder(folder, force) as stage:
        if arch_yaml is None:
            (stage / GRAPH).write_text(json.dumps(to_node_link(graph), indent=1), encoding="utf-8")
        else:
            (stage / ARCH).write_text(arch_yaml, encoding="utf-8")
        (stage / CARD).write_text(card, encoding="utf-8")
        if facts is not None and facts.is_trained:
            (stage / FACTS).write_text(facts.to_json(), encoding="utf-8")
        job = ExportJob(graph, reference, stage, make_examples(graph, reference), TOLERANCE, facts)
        fast = deploy_job(job) if deployed else None
        # weights first: model.py is checked with the weights file beside it
        for name in sorted(formats, key=list(FORMATS).index):
            for form in format_jobs(name, job, fast):
                FORMATS[name](form)
        sizes = {path.name: path.stat().st_size for path in sorted(stage.iterdir())}
        replace_folder(folder, stage, force)
    return ExportedFolder(folder, dict(job.differences), sizes)


def deploy_job(job: ExportJob) -> ExportJob:
    """Return the same job with the form for deployment, which has to give what the trained module gives."""
    graph = deploy(job.graph)
    return replace(job, graph=graph, module=compile(graph, weights_from=job.module).eval())


def format_jobs(name: str, job: ExportJob, fast: ExportJob | None) -> list[ExportJob]:
    """Return a format's jobs: with a form for deployment, weights are written in both, timm's folder as trained, all else deployed."""
    if fast is None or name == "timm":
        return [job]
    return [job, fast] if name == "safetensors" else [fast]


def check_formats(formats: Sequence[str]) -> None:
    """Check that every format exists and its packages are installed. Raises BlockspaceError (E-KEY)."""
    if not formats:
        raise error("E-KEY", "no format is asked for", help=f"one or more of {', '.join(FORMATS)}")
    if "timm" in formats:
        check_timm()
    for name in formats:
        if name not in EXPORT_FORMATS:
            help = did_you_mean(name, EXPORT_FORMATS) or f"known: {', '.join(FORMATS)}"
            raise error("E-KEY", f"unknown export format {name!r}", help=help)


def copy_trained(graph: Graph, module: nn.Module) -> nn.Module:
    """Return a copy of the module's weights in `compile(graph)`: on the CPU, in 32 bits, in eval mode."""
    copied = compile(graph, seed=0)
    state = {key: tensor.detach().cpu() for key, tensor in module.state_dict().items()}
    try:
        copied.load_state_dict({key: t.float() if t.is_floating_point() else t for key, t in state.items()})
    except RuntimeError as reason:
        raise error("E-WEIGHTS", f"the module is not of this graph: {str(reason).splitlines()[-1].strip()}") from reason
    return copied.eval()


def make_examples(graph: Graph, reference: nn.Module) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Return inputs of several batch sizes and what the module makes of them."""
    generator = torch.Generator().manual_seed(0)
    inputs = [torch.randn(batch, *graph.input_shape, generator=generator) for batch in BATCHES]
    with torch.inference_mode():
        return [(x.clone(), reference(x)) for x in inputs]


