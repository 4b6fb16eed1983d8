"""Forms of a module that converters take: pools that round up, and merges of many values, judged by torch and by onnxruntime."""

from __future__ import annotations

import io
import warnings
from itertools import product

import onnxruntime
import pytest
import torch
import torch.nn.functional as F
from cases import try_each
from torch import fx, nn
from written import network

from blockspace.compiler import compile
from blockspace.exporting.convertible import make_convertible
from blockspace.exporting.formats import quiet_converters

SIZES = [(h, w) for h in range(1, 12) for w in (1, 4, 7)]


class Pools(nn.Module):
    """Pools of one input, each an output."""

    def __init__(self, calls):
        super().__init__()
        self.calls = calls

    def forward(self, x):
        return [function(x, *args, **kwargs) for function, args, kwargs in self.calls]


def pools(height: int, width: int) -> list:
    """Every pool of the grid that takes an input of this size."""
    found = []
    for function, k, stride, include in product((F.max_pool2d, F.avg_pool2d), (1, 2, 3, 5), (1, 2, 3, (3, 2)), (True, False)):
        for padding in sorted({0, k // 2}):
            kwargs = {"stride": stride, "padding": padding, "ceil_mode": True}
            if function is F.avg_pool2d:
                kwargs["count_include_pad"] = include
            elif not include:
                continue
            try:
                function(torch.zeros(1, 1, height, width), k, **kwargs)
            except RuntimeError:  # it does not fit
                continue
            found.append((function, (k,), kwargs))
    return found


def test_a_pool_that_rounds_up_is_one_that_rounds_down():
    try_each(check_rounding, SIZES)


def check_rounding(height: int, width: int) -> None:
    x = torch.randn(2, 3, height, width)
    module = fx.symbolic_trace(Pools(pools(height, width)))
    twin = make_convertible(module, x, ceil_pools=False)
    assert not any(node.kwargs.get("ceil_mode") for node in twin.graph.nodes)
    for got, expected in zip(twin(x), module(x), strict=True):
        torch.testing.assert_close(got, expected, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("height, width", [(5, 4), (11, 6)])
def test_onnxruntime_pools_as_torch_does(height, width):
    x = torch.randn(3, 2, height, width)
    module = fx.symbolic_trace(Pools(pools(height, width)[::3])).eval()
    file = io.BytesIO()
    with warnings.catch_warnings(), quiet_converters():
        warnings.simplefilter("ignore")
        twin = make_convertible(module, x[:2], ceil_pools=False)
        torch.onnx.export(twin, (x[:2],), input_names=["x"], dynamic_shapes=({0: "batch"},), dynamo=True, verbose=False).save(file)
    session = onnxruntime.InferenceSession(file.getvalue(), providers=["CPUExecutionProvider"])
    for got, expected in zip(session.run(None, {"x": x.numpy()}), module(x), strict=True):
        torch.testing.assert_close(torch.from_numpy(got), expected, atol=1e-5, rtol=1e-5)


def test_a_module_without_such_calls_stays_itself():
    module = fx.symbolic_trace(Pools([(F.max_pool2d, (2,), {}), (F.relu, (), {})]))
    assert make_convertible(module, torch.zeros(1, 1, 4, 4), ceil_pools=False) is module
    rounding = fx.symbolic_trace(Pools([(F.max_pool2d, (2,), {"ceil_mode": True})]))
    assert make_convertible(rounding, torch.zeros(1, 1, 5, 5)) is rounding


@pytest.mark.parametrize("merge", ["add", "max", "mul", "concat"])
@pytest.mark.parametrize("split, each", [("chunk", "[]"), ("chunk", "[relu]"), ("copy", "[conv1x1: {out: 2, norm: none}]")])
def test_many_values_are_merged_by_a_few_calls(merge, split, each):
    text = f"input: [3, 4, 4]\nstem: [conv1x1: 80]\nstages: [{{split: {{{split}: 40}}, each: {each}, merge: {merge}}}]"
    module = compile(network(text).graph(), seed=0).double().eval()
    x = torch.randn(3, 3, 4, 4, dtype=torch.float64)
    twin = make_convertible(module, x)
    assert merge == "concat" or len(twin.graph.nodes) < len(module.graph.nodes)
    assert len(twin.graph.nodes) < 12 or (split, each) != ("chunk", "[]") or merge == "concat", "all parts of a value are that value"
    torch.testing.assert_close(twin(x), module(x))
    assert {name: id(p) for name, p in twin.named_parameters()} == {name: id(p) for name, p in module.named_parameters()}
