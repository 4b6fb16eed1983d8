"""ResNeXt-50 written as 32 summed branches (form a), as its canonical form, and as grouped convolutions (form c): one network, three times.

    python benchmarks/forms.py [batch] [side]

Prints the ratio of each to form c, for one training step (forward and backward) and for inference, in CPU time of one thread, in turn.
"""

from __future__ import annotations

import sys

import torch
from paired import in_turn, ratios
from torch import nn

import blockspace as bs

SECONDS = 20.0


def step(module: nn.Module, x: torch.Tensor) -> None:
    """Forward and backward, gradients thrown away."""
    module(x).square().mean().backward()
    module.zero_grad()


def main(batch: int = 4, side: int = 96) -> None:
    torch.set_num_threads(1)
    graphs = {form: bs.load("resnext50_32x4d", form=form).graph((3, side, side)) for form in ("resnext", "resnext_a")}
    written = bs.compile(graphs["resnext_a"], seed=0)
    modules = {
        "form c": bs.compile(graphs["resnext"], weights_from=written),
        "form a, canonical": bs.compile(bs.canonical(graphs["resnext_a"]), weights_from=written),
        "form a, as written": written,
    }
    x = torch.randn(batch, 3, side, side, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        first, *others = [module.eval()(x) for module in modules.values()]
    apart = max((first - other).abs().max() / first.abs().max() for other in others)
    print(f"ResNeXt-50 (32x4d) at {side}x{side}, batch {batch}, one thread, fp32; outputs agree to {apart:.1e}")
    for mode in ("training step", "inference"):
        for module in modules.values():
            module.train(mode == "training step")
        calls = {name: (lambda m=module: step(m, x)) if module.training else (lambda m=module: m(x)) for name, module in modules.items()}
        with torch.set_grad_enabled(mode == "training step"):
            found = ratios(in_turn(calls, SECONDS), "form c")
        for name, (ratio, ms) in found.items():
            print(f"{mode:14} {name:20} {ratio:6.2f}x   {ms:8.0f} ms")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
