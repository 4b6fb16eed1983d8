"""The formats: each writes its file, loads it as a user would, and compares. Their order is the order of work."""

from __future__ import annotations

import contextlib
import io
import json
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
from blockspace.exporting.convertible import make_convertible
from blockspace.exporting.export_job import ExportJob, as_export_error, export_mismatch
from blockspace.exporting.timm_format import write_timm_files
from blockspace.files import FACTS, WEIGHTS
from blockspace.graph import Graph
from blockspace.ops import format_shape

WEIGHTS_METADATA = ("network", "key", "form", "facts")  # the facts hold all the others


def write_safetensors(job: ExportJob) -> None:
    """Write weights.safetensors, with the graph's key in its metadata; compared bit by bit."""
    write_weights(job)
    job.differences["safetensors"] = 0.0


def write_weights(job: ExportJob) -> None:
    """Write the file of the weights. Raises ExportError (E-EXPORT-MISMATCH) when it does not hold them."""
    path = job.file(WEIGHTS)
    state = {key: tensor.contiguous().clone() for key, tensor in job.module.state_dict().items()}
    about = {name: text for name, text in job.metadata().items() if name in WEIGHTS_METADATA} | {"format": "pt"}
    path.write_bytes(sort_header(save(state, metadata=about)))
    loaded = load_file(path)
    if set(loaded) != set(state) or not all(torch.equal(loaded[key], tensor) for key, tensor in state.items()):
        raise export_mismatch("safetensors: the file does not hold the model's weights")


def sort_header(data: bytes) -> bytes:
    """Return a safetensors file with its metadata in order; safetensors writes it in another one each time."""
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # tensors begin at a multiple of 8 bytes
    return len(text).to_bytes(8, "little") + text + data[8 + size :]


def write_py(job: ExportJob) -> None:
    """Write model.py; it is run from its text, with the weights of the file beside it if there is one."""
    path = job.file("model.py")
    text = to_source(job.graph, job.facts.document(describe_shapes(job.graph))) if job.facts else to_source(job.graph)
    path.write_text(text, encoding="utf-8")
    weights = job.file(WEIGHTS)
    with as_export_error("py: the printed file does not run"):
        network = load_printed(path).eval()
        network.load_state_dict(load_file(weights) if weights.exists() else job.module.state_dict())
    job.compare("py", network)


def describe_shapes(graph: Graph) -> str:
    """Return a network's name and the shapes of its input and output."""
    return f"{graph.name}: {format_shape(graph.input_shape)} -> {format_shape(graph.output_shape)}"


def load_printed(path: Path) -> nn.Module:
    """Return the last class of a file we printed, constructed; it is run, not imported, which would leave a __pycache__ beside it."""
    space = runpy.run_path(str(path), run_name="exported_model")
    network: nn.Module = [v for v in space.values() if isinstance(v, type) and v.__module__ == "exported_model"][-1]()
    return network


def write_onnx(job: ExportJob) -> None:
    """Write model.onnx: one file, any batch size, checked by ONNX and run by onnxruntime."""
    path = job.file("model.onnx")
    with as_export_error("onnx: the network cannot be converted"), quiet_converters():
        program = torch.onnx.export(
            make_convertible(job.module, batch_of_two(job), ceil_pools=False),
            (batch_of_two(job),),
            input_names=["input"],
            output_names=["output"],
            dynamic_shapes=({0: "batch"},),
            dynamo=True,
            verbose=False,
        )
        assert program is not None  # only the old exporter returns nothing
        program.save(path, external_data=False)
        describe_onnx(path, job.metadata())
        onnx.checker.check_model(path, full_check=True)
        session = onnxruntime.InferenceSession(path, silent_options(), providers=["CPUExecutionProvider"])
    job.compare("onnx", lambda x: torch.from_numpy(session.run(None, {"input": x.numpy()})[0]))


def describe_onnx(path: Path, about: dict[str, str]) -> None:
    """Write what is known of the network into an ONNX file, in place of the converter's notes, which hold paths of this machine."""
    model = onnx.load(path)
    for part in (model, model.graph, *model.functions, *model.graph.node, *(node for one in model.functions for node in one.node),
                 *model.graph.initializer, *model.graph.value_info, *model.graph.input, *model.graph.output):  # fmt: skip
        part.ClearField("doc_string")
        part.ClearField("metadata_props")
    onnx.helper.set_model_props(model, about)
    onnx.save(model, path)


def silent_options() -> onnxruntime.SessionOptions:
    """Return options of onnxruntime under which it logs errors only."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return options


def write_pt2(job: ExportJob) -> None:
    """Write model.pt2: torch.export, any batch size, for inference."""
    path = job.file("model.pt2")
    buffer = io.BytesIO()
    with as_export_error("pt2: the network cannot be converted"), quiet_converters():
        convertible = make_convertible(job.module, batch_of_two(job))
        program = torch.export.export(convertible, (batch_of_two(job),), dynamic_shapes=({0: torch.export.Dim("batch")},))
        for module in program.graph_module.modules():
            for node in module.graph.nodes if isinstance(module, torch.fx.GraphModule) else []:
                node.meta.pop("stack_trace", None)  # it holds paths of this machine
        torch.export.save(program, buffer, extra_files={FACTS: job.facts.to_json()} if job.facts else None)
        path.write_bytes(buffer.getvalue())
        loaded = torch.export.load(path).module()
    job.compare("pt2", loaded)


def batch_of_two(job: ExportJob) -> torch.Tensor:
    """Return an input of batch 2: from a batch of 1 torch.export concludes that it is always 1."""
    return torch.zeros(2, *job.graph.input_shape)


@contextlib.contextmanager
def quiet_converters() -> Iterator[None]:
    """Suppress output, warnings and log lines of the converters."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def write_timm_folder(job: ExportJob) -> None:
    """Write NAME.py and config.json, which timm takes, and weights.safetensors; timm loads them in a fresh interpreter."""
    weights = job.folder / WEIGHTS
    if not weights.exists():
        write_weights(job)
    with as_export_error("timm: the written model does not load"):
        ways = write_timm_files(job, weights)
    for outputs in ways.values():
        job.compare("timm", replay_outputs(outputs))


def replay_outputs(outputs: list[torch.Tensor]) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return a function that gives these, one a call, whatever it is asked."""
    found = iter(outputs)
    return lambda _: next(found)


FORMATS: dict[str, Callable[[ExportJob], None]] = {
    "safetensors": write_safetensors,
    "py": write_py,
    "onnx": write_onnx,
    "pt2": write_pt2,
    "timm": write_timm_folder,
}
