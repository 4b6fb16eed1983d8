"""Inference of a published model as its library runs it, against the form for deployment, in torch and in onnxruntime.

    python benchmarks/deploy.py [--compile] [--side 224] [NETWORK ...]

One thread, fp32, batch 1 and 8, CPU time, all in turn; a ratio is how many times faster than the library's own model in eager mode. Weights
are the library's own, freshly drawn, norms as after one batch of noise; every form's output is first compared with the library's.
`--compile` adds torch.compile with freezing, which takes some twenty seconds a network and batch.
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from paired import in_turn, ratios
from torch import nn

import blockspace as bs

NETWORKS = ("resnext50_32x4d", "res2net50_26w_4s", "googlenet", "densenet121", "shufflenet_v2_x1_0")
SECONDS = 10.0
EAGER = "eager"
COLUMNS = ("deployed", "channels_last")  # the form for deployment in eager mode, and in that memory format
COMPILED = ("torch.compile", "deployed + torch.compile")
ONNX = ("onnxruntime", "deployed + onnxruntime")
Run = Callable[[torch.Tensor], torch.Tensor]


def published(name: str, side: int) -> nn.Module:
    """The model that the network's file refers to, its norms with the statistics of one batch of noise."""
    library, _, model = bs.load(name).reference.partition(":")
    if library == "timm":
        import timm

        found = timm.create_model(model)
    else:
        from torchvision import models

        extra = {"aux_logits": False, "init_weights": False} if model == "googlenet" else {}
        found = getattr(models, model)(weights=None, **extra)
    for part in found.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.momentum = 1.0
    with torch.no_grad():
        found.train()(torch.randn(4, 3, side, side, generator=torch.Generator().manual_seed(1)))
    return found.eval()


def compared(runs: dict[str, Run], x: torch.Tensor) -> tuple[float, dict[str, tuple[float, float]]]:
    """How far the outputs are apart, and what was timed."""
    with torch.inference_mode():
        expected = runs[EAGER](x)
        apart = max(((run(x) - expected).abs().max() / expected.abs().max()).item() for run in runs.values())
        calls = {key: (lambda run=run: run(x)) for key, run in runs.items()}
        return apart, ratios(in_turn(calls, SECONDS), EAGER)


def onnx(module: nn.Module, shape: tuple[int, ...], folder: str) -> Run:
    """The module in onnxruntime, one thread."""
    import onnxruntime

    path = Path(folder) / f"{id(module)}.onnx"
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module, (torch.zeros(2, *shape),), input_names=["x"], dynamic_shapes=({0: "batch"},), dynamo=True, verbose=False
        )
        program.save(path)
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda x: torch.from_numpy(session.run(None, {"x": x.numpy()})[0])


def channels_last(module: nn.Module) -> Run:
    last = bs.compile(module.meta["graph"], weights_from=module).eval().to(memory_format=torch.channels_last)
    return lambda x: last(x.contiguous(memory_format=torch.channels_last))


def compiled(module: nn.Module) -> Run:
    """torch.compile with the weights frozen in."""
    import torch._inductor.config as inductor

    inductor.freezing = True
    return torch.compile(module)


def forms(name: str, side: int, folder: str, compile: bool) -> dict[str, Run]:
    """Everything that is timed, under the name it is printed with."""
    theirs, shape = published(name, side), (3, side, side)
    fast = bs.compile(bs.deploy(bs.load(name).graph(shape)), weights_from=theirs).eval()
    found: dict[str, Run] = {EAGER: theirs} | dict(zip(COLUMNS, (fast, channels_last(fast))))
    if compile:
        found |= dict(zip(COMPILED, map(compiled, (theirs, fast))))
    return found | dict(zip(ONNX, (onnx(theirs, shape, folder), onnx(fast, shape, folder))))


def main(names: list[str], side: int, compile: bool) -> None:
    torch.set_num_threads(1)
    columns = [*COLUMNS, *(COMPILED if compile else ()), *ONNX]
    print(f"{side}x{side}: times faster than the library's model in eager mode, which takes")
    print(f"{'':20}batch{'ms':>8}" + "".join(f"{title:>{len(title) + 3}}" for title in columns) + "   outputs apart")
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            runs = forms(name, side, folder, compile)
            for batch in (1, 8):
                x = torch.randn(batch, 3, side, side, generator=torch.Generator().manual_seed(0))
                apart, found = compared(runs, x)
                row = "".join(f"{1 / found[title][0]:>{len(title) + 3}.2f}" for title in columns)
                print(f"{name:20}{batch:>5}{found[EAGER][1]:>8.1f}{row}{apart:>16.1e}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", default=NETWORKS)
    parser.add_argument("--side", type=int, default=224)
    parser.add_argument("--compile", action="store_true")
    given = parser.parse_args()
    main(list(given.names), given.side, given.compile)
