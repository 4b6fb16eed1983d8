"""What torch itself does when a compiled graph runs: bytes it allocates, tensors its operators read and write, pixels a gradient reaches.

Nothing here knows how the costs are counted: allocations come from the profiler, operands from the dispatcher, pixels from autograd.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from blockspace import compile
from blockspace.graph import Graph

torch.set_num_threads(1)
LOOKED_AT = {"aten.zeros_like.default"}  # calls that ask a tensor for its shape and read none of it


def run(graph: Graph):
    """The compiled graph in eval mode, and an input of batch 1."""
    return compile(graph, seed=0).eval(), torch.randn(1, *graph.input_shape, generator=torch.Generator().manual_seed(0))


# -- memory --------------------------------------------------------------------------------------------------------------------------------


def allocations(module, images) -> list[tuple[int, int, int, int | None]]:
    """Every allocation and release of torch's CPU allocator in one run, in order: time, bytes, address, the convolution it is inside of."""
    with torch.inference_mode():
        module(images)
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
            module(images)
    return sorted(found(profiled.profiler.kineto_results.experimental_event_tree(), None))


def found(events, convolution: int | None) -> Iterator[tuple[int, int, int, int | None]]:
    for event in events:
        if event.tag.name == "Allocation":
            yield event.start_time_ns, event.extra_fields.alloc_size, event.extra_fields.ptr, convolution
        yield from found(event.children, event.id if event.name == "aten::conv2d" else convolution)


def peak(module, images, copies: bool = False) -> int:
    """The most bytes allocated at once, the input included; `copies`: with those that a convolution makes and frees while it runs."""
    now = most = images.untyped_storage().nbytes()
    events = allocations(module, images)
    for index, (_, size, _, convolution) in enumerate(events):
        if not copies and convolution is not None and passing(events, index):
            continue
        now += size
        most = max(most, now)
    return most


def passing(events, index: int) -> bool:
    """Whether what is allocated here is released inside the same convolution, or was allocated inside the one that releases it."""
    _, size, address, convolution = events[index]
    others = events[index + 1 :] if size > 0 else reversed(events[:index])
    other = next((event for event in others if event[2] == address), None)
    return other is not None and other[3] == convolution


# -- operands ------------------------------------------------------------------------------------------------------------------------------


class Operands(TorchDispatchMode):
    """Bytes of the tensors that each operator reads and writes; operators whose result lies in an argument's memory count as views."""

    def __init__(self):
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        name, read, written = str(function), tensors((args, kwargs)), tensors(result)
        shared = {t.untyped_storage().data_ptr() for t in read} & {t.untyped_storage().data_ptr() for t in written}
        if not shared or "_." in name:  # an in-place call reads and writes
            self.bytes += sum(4 * t.numel() for t in [*(read if name not in LOOKED_AT else []), *written])
        return result


def tensors(tree) -> list[torch.Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)]


def moved(module, images) -> int:
    """Bytes that all operators of one run read and write."""
    with torch.inference_mode(), Operands() as operands:
        module(images)
    return operands.bytes


# -- pixels --------------------------------------------------------------------------------------------------------------------------------


def reached(graph: Graph) -> tuple[int, ...]:
    """Rows and columns of the input that the centre of the output depends on: the box around all pixels with a gradient.

    Weights are positive and maxima become means, so that no gradient is lost by cancelling or by chance.
    """
    module, images = run(graph)
    for node in module.graph.nodes:
        if node.target is torch.nn.functional.max_pool2d:
            node.target = torch.nn.functional.avg_pool2d
    module.recompile()
    module.double()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.full_like(parameter, 1 / max(1, parameter[0].numel())))
    images = images.double().abs().requires_grad_()
    output = module(images)
    centre = output[0, :, output.shape[2] // 2, output.shape[3] // 2] if output.dim() == 4 else output[0]
    centre.sum().backward()
    pixels = images.grad[0].abs().sum(0).nonzero()  # (how many, 2)
    return tuple((pixels.max(0).values - pixels.min(0).values + 1).tolist())
