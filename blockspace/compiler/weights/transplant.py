"""Weights from one module into another that holds the same layers under other names, or runs its branches in another order.

Both modules run once on the meta device (no arithmetic), and layers that are described alike correspond (`layer_match`). Where that leaves
a choice, as between branches of one shape, both also run on the example input with the weights as they would be, and must compute the same;
otherwise other choices are tried, and where none helps, the pair of layers whose values differ is named.

Shapes that mean the same are the same: a linear layer over channels is a convolution 1x1, a factor per channel may be (C,) or (C, 1, 1),
and a 1-d convolution is one of height 1. A layer's only tensor may have any name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce
from itertools import islice

import torch
from torch import nn

from blockspace.compiler.module import build_module, module_graph, module_input_shape
from blockspace.compiler.weights.convert import apply_weight_map, convert_weights
from blockspace.compiler.weights.example_check import ExampleDifference, compare_runs, run_example
from blockspace.compiler.weights.layer_match import LayerMatch, match_layers, rematch_layers
from blockspace.compiler.weights.layer_trace import ModuleTrace, TracedLayer, saved_tensors, trace_layers
from blockspace.errors import BlockspaceError, error
from blockspace.graph import Graph
from blockspace.inputs import MODULE, ArgumentKind, check_arguments, optional
from blockspace.passes import rewriting_of

BATCH = 2
MOST_TRIES = 64  # other pairings that are compared on the example
TENSOR = ArgumentKind("a tensor of shape (N, C, H, W)", lambda value: isinstance(value, torch.Tensor) and value.ndim > 1)


@check_arguments(src=MODULE, dst=MODULE, example=optional(TENSOR))
def transplant(src: nn.Module, dst: nn.Module, example: torch.Tensor | None = None) -> nn.Module:
    """Copy parameters and buffers of `src` into the corresponding layers of `dst`, in place, and return `dst`.

    Two modules that `compile` made may be different forms of one network: its weight map is applied. A `dst` of a rewritten graph also
    takes the layers of the form it was written in. A `dst` in the form for deployment takes any form's, batch norms folded in, in 64 bits;
    that is a one-way street. No digit is lost: where the numbers of `src` are wider than those of `dst`, as float64 is than float32, `dst`
    becomes as wide.

    `example` is an input `(N, C, H, W)`; by default one of the shape of whichever module `compile` made, drawn at random. Where layers of
    one shape could correspond in several ways, both modules are compared on it. Layers of `src` that do not run in eval mode (auxiliary
    heads) are left out. Raises BlockspaceError (E-WEIGHTS) naming the first layer that differs, the pair of layers whose values differ,
    when there is no example, or when a layer of `dst` would keep its old weights; `dst` is then unchanged.
    """
    check_numbers(src, dst)
    source, target = module_graph(src), module_graph(dst)
    trained = target.written if target is not None and target.form == "deploy" else None  # the form that `dst` is made of
    if source is not None and target is not None and not (trained is not None and source.key() == trained.key()):
        if source.key() == target.key():
            return load_tensors(dst, convert_weights(src.state_dict(), source, target), widest_dtype(src))
    if trained is not None:
        return load_tensors(dst, fold_weights(transplant(src, build_module(trained), example), trained), widest_dtype(src))
    try:
        found = find_weights_of_layers(src, dst, example)
    except BlockspaceError:
        if target is None or target.written is None:
            raise
        written = transplant(src, build_module(target.written), example)
        found = convert_weights(written.state_dict(), target.written, target)
    return load_tensors(dst, found, widest_dtype(src))


def check_numbers(src: nn.Module, dst: nn.Module) -> None:
    """Raise BlockspaceError (E-WEIGHTS) for a source on the meta device, which holds no numbers, unless the destination has none either."""
    empty = next((name for name, tensor in saved_tensors(src).items() if tensor.is_meta), None)
    if empty is not None and not any(tensor.is_meta for tensor in saved_tensors(dst).values()):
        raise error("E-WEIGHTS", f"{empty} of the source is on the meta device and holds no numbers", help="load its weights first")


def fold_weights(module: nn.Module, before: Graph) -> dict[str, torch.Tensor]:
    """Return the tensors for deployment, made of a module of the graph before; in 64 bits, so that folding costs no digits."""
    state = {name: tensor if tensor.is_meta else tensor.detach().cpu() for name, tensor in module.state_dict().items()}
    wide = {name: tensor.double() if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    return apply_weight_map(rewriting_of(before, "deploy").weights, wide)


def widest_dtype(module: nn.Module) -> torch.dtype | None:
    """Return the floating-point type that holds all parameters and buffers of a module; None without any."""
    found = {tensor.dtype for tensor in saved_tensors(module).values() if tensor.is_floating_point()}
    return reduce(torch.promote_types, found) if found else None


def load_tensors(module: nn.Module, state: dict[str, torch.Tensor], dtype: torch.dtype | None) -> nn.Module:
    """Return the module with these tensors, of the type that holds `dtype` and its own; others keep their numbers."""
    own = widest_dtype(module)
    if own is not None and dtype is not None and torch.promote_types(own, dtype) != own:
        module.to(torch.promote_types(own, dtype))
    into = saved_tensors(module)
    with torch.no_grad():
        for name, tensor in state.items():
            into[name].copy_(tensor)
    return module


def find_weights_of_layers(src: nn.Module, dst: nn.Module, example: torch.Tensor | None) -> dict[str, torch.Tensor]:
    """Return the tensors of `dst` by name, each as the corresponding layer of `src` holds it. Raises BlockspaceError (E-WEIGHTS)."""
    shape = tuple(example.shape) if example is not None else resolve_example_shape(src, dst)
    theirs, ours = trace_layers(src, shape), trace_layers(dst, shape)
    match = match_layers(theirs, ours)
    check_all_reached(dst, match)
    state = collect_tensors(match)
    if match.certain or any(tensor.is_meta for tensor in (*saved_tensors(src).values(), *saved_tensors(dst).values())):
        return state
    return choose_by_example((src, dst), (theirs, ours), match, make_image(example, shape))


def check_all_reached(dst: nn.Module, match: LayerMatch) -> None:
    """Raise BlockspaceError (E-WEIGHTS) for a tensor of `dst` that no layer reads."""
    reached = {name for _, into in match.pairs for name in (*into.tensors, *into.unread)}
    for name in saved_tensors(dst):
        if name not in reached:
            raise error("E-WEIGHTS", f"{name} of the destination is not read, so nothing corresponds to it")


def collect_tensors(match: LayerMatch) -> dict[str, torch.Tensor]:
    """Return the source's tensors by the destination's names, in its shapes."""
    return {
        name: found.detach().reshape(tensor.shape)
        for source, into in match.pairs
        for name, tensor, found in pair_tensors(source, into)
    }


def make_image(example: torch.Tensor | None, shape: tuple[int, ...]) -> torch.Tensor:
    """Return the example in 64 bits; one that is the same everywhere, or none, is drawn at random, since it would tell nothing apart."""
    if example is not None and not example.is_meta and example.is_floating_point() and example.double().std() > 0:
        return example.detach().cpu().double()
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


# -- compared on the example -----------------------------------------------------------------------------------------------------------


def choose_by_example(
    modules: tuple[nn.Module, nn.Module], traces: tuple[ModuleTrace, ModuleTrace], match: LayerMatch, image: torch.Tensor
) -> dict[str, torch.Tensor]:
    """Return the tensors of the first pairing under which both modules compute the same. Raises BlockspaceError (E-WEIGHTS)."""
    src, dst = modules
    expected = run_example(src, image, {})
    if expected is None:
        return collect_tensors(match)

    def difference(found: LayerMatch) -> ExampleDifference:
        return compare_runs(found, expected, run_example(dst, image, collect_tensors(found)))

    first = difference(match)
    if first.agrees:
        return collect_tensors(match)
    found = improve_match(traces, match, first, difference)
    found = found or next((other for other in islice(list_matches(traces, {}), MOST_TRIES) if difference(other).agrees), None)
    if found is None:
        raise error("E-WEIGHTS", first.text(match), help="copy these layers by name, or let both modules run them in one order")
    return collect_tensors(found)


def improve_match(
    traces: tuple[ModuleTrace, ModuleTrace],
    match: LayerMatch,
    best: ExampleDifference,
    difference: Callable[[LayerMatch], ExampleDifference],
) -> LayerMatch | None:
    """Return a match that agrees, found by making one choice after the other as brings both outputs nearest; None without one."""
    settled: dict[int, int] = {}
    tries = 0
    while (choice := next((c for c in match.choices if c.place not in settled), None)) is not None:
        settled[choice.place] = choice.chosen
        for candidate in choice.candidates:
            other = None if candidate == choice.chosen else rematch_layers(*traces, {**settled, choice.place: candidate})
            if other is None:
                continue
            if (tries := tries + 1) > MOST_TRIES:
                return None
            found = difference(other)
            if found.agrees:
                return other
            if found.distance < best.distance:
                match, best, settled[choice.place] = other, found, candidate
    return None


def list_matches(traces: tuple[ModuleTrace, ModuleTrace], settled: dict[int, int]) -> Iterator[LayerMatch]:
    """Yield the matches that the choices allow, those `settled` made."""
    found = rematch_layers(*traces, settled)
    choice = None if found is None else next((c for c in found.choices if c.place not in settled), None)
    if found is not None and choice is None:
        yield found
    for candidate in choice.candidates if choice is not None else ():
        yield from list_matches(traces, {**settled, choice.place: candidate} if choice is not None else settled)


def resolve_example_shape(src: nn.Module, dst: nn.Module) -> tuple[int, ...]:
    """Return the shape of an input that both modules take. Raises BlockspaceError (E-WEIGHTS) when it is not known."""
    found = module_input_shape(dst) or module_input_shape(src)
    if found is None:
        raise error("E-WEIGHTS", "neither module says what input it takes", help="give transplant an example=torch.zeros(2, C, H, W)")
    return (BATCH, *found)


def pair_tensors(source: TracedLayer, into: TracedLayer) -> Iterator[tuple[str, torch.Tensor, torch.Tensor]]:
    """Yield each tensor to write, after its name, with the one to read; of unread ones (a count of batches) those that both layers have."""
    if len(into.tensors) == 1:
        yield *next(iter(into.tensors.items())), next(iter(source.tensors.values()))
    else:
        theirs = source.keys()
        yield from ((name, tensor, theirs[key]) for (name, tensor), key in zip(into.tensors.items(), into.keys()))
    rest = {name.rpartition(".")[2]: tensor for name, tensor in source.unread.items()}
    for name, tensor in into.unread.items():
        found = rest.get(name.rpartition(".")[2])
        if found is not None and found.shape == tensor.shape:
            yield name, tensor, found
