"""Forms of a module that converters take: equal to it at the height and width of the example, at any batch size, with weights in common.

ONNX has no pooling that rounds sizes up as torch does; and converters take seconds for a hundred calls, so a merge of many is one call.
"""

from __future__ import annotations

import math
import operator
from collections import Counter
from collections.abc import Callable
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import fx, nn
from torch.fx.passes.shape_prop import ShapeProp

MANY = 33  # calls that are gathered to one
REDUCTIONS: dict[Any, Callable[[torch.Tensor, int], torch.Tensor]] = {
    operator.add: torch.sum,
    operator.mul: torch.prod,
    torch.maximum: torch.amax,
}


def make_convertible(module: nn.Module, example: torch.Tensor, ceil_pools: bool = True) -> nn.Module:
    """Return the module with merges of many values, and the many parts of one, as single calls; without `ceil_pools`, also no such pools.

    `example` is an input `(N, C, H, W)`; the result is equal to the module at its height and width. A module without such calls is returned
    as it is.
    """
    if not (isinstance(module, fx.GraphModule) and has_such_calls(module.graph, ceil_pools)):
        return module
    code = fx.Graph()
    code.output(code.graph_copy(module.graph, {}))
    twin = fx.GraphModule(module, code)
    with torch.no_grad():
        ShapeProp(twin).propagate(example)
    for node in list(code.nodes):
        if not ceil_pools and node.op == "call_function" and node.kwargs.get("ceil_mode"):
            replace_ceil_pool(twin, node)
    for node in list(code.nodes):
        gather_merge(node)
    for node in list(code.nodes):
        gather_parts(node)
    code.eliminate_dead_code()
    twin.recompile()
    return twin.train(module.training)


def has_such_calls(code: fx.Graph, ceil_pools: bool) -> bool:
    """Return whether there is anything that `make_convertible` may replace."""
    calls = Counter(node.target for node in code.nodes if node.op == "call_function")
    rounds_up = any(node.kwargs.get("ceil_mode") for node in code.nodes)
    return rounds_up and not ceil_pools or any(calls[target] >= MANY - 1 for target in (*REDUCTIONS, operator.getitem))


def shape_of(node: fx.Node) -> torch.Size:
    """Return the shape of a node's value on the example."""
    return cast(torch.Size, node.meta["tensor_meta"].shape)


# -- pooling -------------------------------------------------------------------------------------------------------------------------------


def replace_ceil_pool(module: fx.GraphModule, node: fx.Node) -> None:
    """Replace a pool that rounds sizes up: by the one that rounds down, where both agree; else its input is padded by what is missing."""
    source, kernel = cast(fx.Node, node.args[0]), as_pair(node.args[1])
    stride, padding = as_pair(node.kwargs.get("stride", kernel)), as_pair(node.kwargs.get("padding", 0))
    sizes, wanted = shape_of(source)[2:], shape_of(node)[2:]
    lacks = [max(0, (out - 1) * s + k - size - 2 * p) for out, s, k, size, p in zip(wanted, stride, kernel, sizes, padding)]
    plain = {key: value for key, value in node.kwargs.items() if key != "ceil_mode"}
    if not any(lacks):
        node.kwargs = plain
        return
    code = module.graph
    with code.inserting_before(node):
        if node.target is F.max_pool2d:
            padded = code.call_function(F.pad, (source, (0, lacks[1], 0, lacks[0])), {"value": -math.inf})
            new = code.call_function(F.max_pool2d, (padded, kernel), plain)
        else:
            around = (padding[1], padding[1] + lacks[1], padding[0], padding[0] + lacks[0])
            pooled = code.call_function(F.avg_pool2d, (code.call_function(F.pad, (source, around)), kernel), {"stride": stride})
            name = f"{node.name}_share"
            ones, own = torch.ones(1, 1, *sizes), cast(dict[str, Any], node.kwargs)
            module.register_buffer(name, F.avg_pool2d(ones, kernel, **own) / F.avg_pool2d(F.pad(ones, around), kernel, stride))
            new = code.call_function(operator.mul, (pooled, code.get_attr(name)))
    replace_node(node, new)


def as_pair(value: Any) -> tuple[int, int]:
    """Return a size as (height, width)."""
    return (value, value) if isinstance(value, int) else (value[0], value[1])


# -- many calls of one kind ----------------------------------------------------------------------------------------------------------------


def gather_merge(last: fx.Node) -> None:
    """Replace the end of a chain of many equal calls, as a + b + c + ..., by one reduction, where all values have one shape."""
    if last.target not in REDUCTIONS or continues(last):
        return
    values: list[fx.Node] = []
    node = last
    while True:
        first, second = node.args[0], node.args[1]
        if not (isinstance(first, fx.Node) and isinstance(second, fx.Node)):
            return
        values.append(second)
        if not (first.target == last.target and len(first.users) == 1):
            values.append(first)
            break
        node = first
    if len(values) < MANY or len({shape_of(value) for value in values}) > 1 or len(shape_of(last)) < 2:
        return
    values.reverse()
    code, shape = last.graph, shape_of(last)[1:]
    with code.inserting_before(last):
        joined = find_whole(values) or code.call_function(torch.cat, (values, 1))
        split = code.call_function(torch.reshape, (joined, (-1, len(values), *shape)))
        new = code.call_function(REDUCTIONS[last.target], (split, 1))
    replace_node(last, new)


def find_whole(values: list[fx.Node]) -> fx.Node | None:
    """Return the value that these are all parts of, one after the other; None where they are not."""
    sources = {value.args[0] if value.args else None for value in values}
    bounds = [channel_slice(value) for value in values]
    source = sources.pop()
    if sources or not isinstance(source, fx.Node) or any(one is None for one in bounds):
        return None
    ends = [one for one in bounds if one is not None]
    whole = ends[0][0] == 0 and ends[-1][1] == shape_of(source)[1] and all(a[1] == b[0] for a, b in zip(ends, ends[1:]))
    return source if whole else None


def continues(node: fx.Node) -> bool:
    """Return whether the node's value is the left side of one more call of its kind, and read by nothing else."""
    readers = list(node.users)
    return len(readers) == 1 and readers[0].target == node.target and readers[0].args[0] is node


def gather_parts(source: fx.Node) -> None:
    """Replace many slices of one value that divide its channels, as x[:, 4:8], by one call of `torch.split`."""
    slices = {bounds: reader for reader in source.users if (bounds := channel_slice(reader)) is not None}
    ends = sorted(slices)
    if len(ends) < MANY or ends[0][0] != 0 or any(a[1] != b[0] for a, b in zip(ends, ends[1:])) or ends[-1][1] != shape_of(source)[1]:
        return
    code = source.graph
    with code.inserting_after(source):
        parts = code.call_function(torch.split, (source, [stop - start for start, stop in ends], 1))
    for index, bounds in enumerate(ends):
        with code.inserting_before(slices[bounds]):
            replace_node(slices[bounds], code.call_function(operator.getitem, (parts, index)))


def channel_slice(node: fx.Node) -> tuple[int, int] | None:
    """Return start and stop of x[:, start:stop]; None for any other call."""
    index = node.args[1] if node.target is operator.getitem and len(node.args) == 2 else None
    if not (isinstance(index, tuple) and len(index) == 2 and index[0] == slice(None) and isinstance(index[1], slice)):
        return None
    start, stop, step = index[1].start or 0, index[1].stop, index[1].step
    return (start, stop) if isinstance(stop, int) and step in (None, 1) else None


def replace_node(old: fx.Node, new: fx.Node) -> None:
    """Let everything that reads `old` read `new`."""
    new.meta = dict(old.meta)
    old.replace_all_uses_with(new)
    old.graph.erase_node(old)
