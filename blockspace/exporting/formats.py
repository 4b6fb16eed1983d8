"""The formats: each writes its file, loads it as a user would, and compares. Their order is the order of work."""

from __future__ import annotations

import contextlib
import io
import logging
import runpy
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import onnx
import onnxruntime
import torch
from safetensors.torch import load_file, save
from torch import nn

from blockspace.compiler import to_source
from blockspace.exporting.job import Job, mismatch, refusing
from blockspace.exporting.timm_format import write_timm
from blockspace.files import WEIGHTS


def safetensors(job: Job) -> None:
    """weights.safetensors, with the graph's key in its metadata; compared bit by bit."""
    write_weights(job)
    job.differences["safetensors"] = 0.0


def write_weights(job: Job) -> None:
    """The file of the weights. Raises ExportError (E-EXPORT-MISMATCH) when it does not hold them."""
    path, deployed = job.file(WEIGHTS), job.graph.form == "deploy"
    state = {key: tensor.contiguous().clone() for key, tensor in job.module.state_dict().items()}
    about = {"format": "pt", "network": job.graph.name, "key": ((job.graph.written if deployed else None) or job.graph).key()}
    path.write_bytes(save(state, metadata=about | {"form": "deploy"} if deployed else about))
    loaded = load_file(path)
    if set(loaded) != set(state) or not all(torch.equal(loaded[key], tensor) for key, tensor in state.items()):
        raise mismatch("safetensors: the file does not hold the model's weights")


def py(job: Job) -> None:
    """model.py, run from its text, with the weights of the file beside it if there is one."""
    path = job.file("model.py")
    path.write_text(to_source(job.graph), encoding="utf-8")
    weights = job.file(WEIGHTS)
    with refusing("py: the printed file does not run"):
        network = network_of(path).eval()
        network.load_state_dict(load_file(weights) if weights.exists() else job.module.state_dict())
    job.compare("py", network)


def network_of(path: Path) -> nn.Module:
    """The last class of a file we printed, constructed; it is run, not imported, which would leave a __pycache__ beside it."""
    space = runpy.run_path(str(path), run_name="exported_model")
    return [v for v in space.values() if isinstance(v, type) and v.__module__ == "exported_model"][-1]()


def onnx_file(job: Job) -> None:
    """model.onnx: one file, any batch size, checked by ONNX and run by onnxruntime."""
    path = job.file("model.onnx")
    with refusing("onnx: the network cannot be converted"), quiet():
        program = torch.onnx.export(
            job.module,
            (two(job),),
            input_names=["input"],
            output_names=["output"],
            dynamic_shapes=({0: "batch"},),
            dynamo=True,
            verbose=False,
        )
        assert program is not None  # only the old exporter returns nothing
        program.save(path, external_data=False)
        onnx.checker.check_model(path, full_check=True)
        session = onnxruntime.InferenceSession(path, silent(), providers=["CPUExecutionProvider"])
    job.compare("onnx", lambda x: torch.from_numpy(session.run(None, {"input": x.numpy()})[0]))


def silent() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return options


def pt2(job: Job) -> None:
    """model.pt2: torch.export, any batch size, for inference."""
    path = job.file("model.pt2")
    buffer = io.BytesIO()
    with refusing("pt2: the network cannot be converted"), quiet():
        program = torch.export.export(job.module, (two(job),), dynamic_shapes=({0: torch.export.Dim("batch")},))
        torch.export.save(program, buffer)
        path.write_bytes(buffer.getvalue())
        loaded = torch.export.load(path).module()
    job.compare("pt2", loaded)


def two(job: Job) -> torch.Tensor:
    """An input of batch 2: from a batch of 1 torch.export concludes that it is always 1."""
    return torch.zeros(2, *job.graph.input_shape)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """No output, warnings or log lines of the converters inside."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def timm(job: Job) -> None:
    """NAME.py and config.json, which timm takes, and weights.safetensors; loaded by timm in an interpreter of its own."""
    weights = job.folder / WEIGHTS
    if not weights.exists():
        write_weights(job)
    with refusing("timm: the written model does not load"):
        ways = write_timm(job, weights, job.images)
    for outputs in ways.values():
        job.compare("timm", in_turn(outputs))


def in_turn(outputs: list[torch.Tensor]) -> Callable[[torch.Tensor], torch.Tensor]:
    """A function that gives these, one a call, whatever it is asked."""
    found = iter(outputs)
    return lambda _: next(found)


FORMATS: dict[str, Callable[[Job], None]] = {"safetensors": safetensors, "py": py, "onnx": onnx_file, "pt2": pt2, "timm": timm}
