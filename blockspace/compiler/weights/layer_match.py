"""Which layers of two modules correspond, by their traces.

First each call of a module is described by its function and settings, by all calls above it and by all below it. Where both modules have
the same descriptions, they are the same, and calls of one description correspond. Else the functions do not count: a layer is described by
the shapes of its tensors, by the layers whose values reach it, and by those its own value reaches, all the way up and down. So a shortcut
that one module runs before the main path and the other after it finds its weights, although both hold a 1x1 convolution of one shape.

Where several layers share a description, the first of them in both modules are paired and marked, and all are described anew: what follows
the one branch is not paired with what follows the other. That is a choice, and where the functions did not count it may be wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

from blockspace.compiler.weights.layer_trace import ModuleTrace, TracedCall, TracedLayer
from blockspace.errors import error
from blockspace.formatting import count_noun

Marks = Mapping[TracedLayer, str]  # of layers that were paired by choice
Describe = Callable[[ModuleTrace, Marks], list[str]]
COMMUTING = ("add", "mul", "maximum", "minimum")


@dataclass(frozen=True)
class MatchChoice:
    """One choice: the layer of the destination, by its number, which layer of the source it got, and which it could have had."""

    place: int
    chosen: int
    candidates: tuple[int, ...]


@dataclass(frozen=True)
class LayerMatch:
    """Pairs of corresponding layers, source first, in the destination's order; `certain` when no choice could be wrong."""

    pairs: list[tuple[TracedLayer, TracedLayer]]
    certain: bool
    choices: list[MatchChoice] = field(default_factory=list)


def match_layers(source: ModuleTrace, into: ModuleTrace) -> LayerMatch:
    """Return the corresponding layers. Raises BlockspaceError (E-WEIGHTS) naming the first that has no partner."""
    found = match_by(describe_calls, source, into, {})
    if found is not None:
        return LayerMatch(found.pairs, True)  # the same calls on both sides: whichever was chosen computes the same
    return match_by(describe_layers, source, into, {}) or match_in_order(source.layers, into.layers)


def rematch_layers(source: ModuleTrace, into: ModuleTrace, forced: Mapping[int, int]) -> LayerMatch | None:
    """Return the corresponding layers with some choices, by the destination's number, made otherwise; None where that leads to no match."""
    return match_by(describe_layers, source, into, forced)


def match_by(describe: Describe, source: ModuleTrace, into: ModuleTrace, forced: Mapping[int, int]) -> LayerMatch | None:
    """Return pairs of layers of one description; None where those of both modules differ."""
    theirs: dict[TracedLayer, str] = {}
    ours: dict[TracedLayer, str] = {}
    choices: list[MatchChoice] = []
    while True:
        given, wanted = describe(source, theirs), describe(into, ours)
        if sorted(given) != sorted(wanted):
            return None
        groups: dict[str, list[int]] = {}
        for number, text in enumerate(given):
            groups.setdefault(text, []).append(number)
        place = next((i for i, text in enumerate(wanted) if len(groups[text]) > 1), None)
        if place is None:
            pairs = [(source.layers[groups[text][0]], layer) for text, layer in zip(wanted, into.layers)]
            return LayerMatch(pairs, not choices, choices)
        candidates = groups[wanted[place]]
        chosen = forced[place] if forced.get(place) in candidates else candidates[0]
        choices.append(MatchChoice(place, chosen, tuple(candidates)))
        theirs[source.layers[chosen]] = ours[into.layers[place]] = f"choice {len(choices)}"


def match_in_order(source: list[TracedLayer], into: list[TracedLayer]) -> LayerMatch:
    """Return pairs by execution order alone, for modules whose functions between the layers differ. Raises BlockspaceError (E-WEIGHTS)."""
    for a, b in zip(source, into):
        if layer_form(a) != layer_form(b):
            text = f"layers differ from {b.name} on: it holds {b.shapes}; the source has {a.name} there with {a.shapes}"
            raise error("E-WEIGHTS", text, help="both modules must have the same layers")
    if len(source) != len(into):
        longer, what = (source, "source") if len(source) > len(into) else (into, "destination")
        text = f"the source runs {count_noun(len(source), 'layer')} with weights, the destination {len(into)}"
        raise error("E-WEIGHTS", f"{text}; the first without a partner is {longer[min(len(source), len(into))].name} of the {what}")
    return LayerMatch(list(zip(source, into)), certain=False)


# -- descriptions ----------------------------------------------------------------------------------------------------------------------


def layer_form(layer: TracedLayer) -> str:
    """Return the shapes of a layer's tensors, written so that shapes which mean the same are equal."""
    shapes = {key: "x".join(map(str, standard_shape(tuple(tensor.shape)))) for key, tensor in layer.keys().items()}
    return ", ".join(f"{key} {shape}" for key, shape in sorted(shapes.items())) if len(shapes) > 1 else "".join(shapes.values())


def standard_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return (o, i, 1, 1) as (o, i), (C, 1, 1) as (C,), and the (o, i, k) of a 1-d convolution as (o, i, 1, k)."""
    core = shape
    while core and core[-1] == 1:
        core = core[:-1]
    if len(core) <= 2:
        return core
    return (*shape[:2], 1, shape[2]) if len(shape) == 3 else shape


def describe_layers(trace: ModuleTrace, marks: Marks) -> list[str]:
    """Return for each layer a hash of its form, of everything before it, then of everything after it."""
    down: dict[TracedLayer, str] = {}
    for layer in trace.layers:
        down[layer] = hash_parts(layer_form(layer) + marks.get(layer, ""), sorted(down[other] for other in layer.before))
    up: dict[TracedLayer, str] = {}
    for layer in reversed(trace.layers):
        up[layer] = hash_parts(down[layer], sorted(up.get(other, "again") for other in layer.after))
    return [up[layer] for layer in trace.layers]


def describe_calls(trace: ModuleTrace, marks: Marks) -> list[str]:
    """Return for each layer a hash of its calls, of all calls above them with their settings, then of all below."""
    forms = {layer: layer_form(layer) + marks.get(layer, "") for layer in trace.layers}
    down: dict[TracedCall, str] = {}
    above: dict[TracedCall, list[str]] = {}
    for call in trace.calls:
        read = [down.get(source, "input") for source in call.inputs]
        text = call.text if call.layer is None else f"{call.text} {forms[call.layer]}"
        down[call] = hash_parts(text, sorted(read) if call.text.startswith(COMMUTING) else read)
    up: dict[TracedCall, str] = {}
    of: dict[TracedLayer, list[str]] = {}
    for call in reversed(trace.calls):
        up[call] = hash_parts(down[call], sorted(above.get(call, ())))
        for slot, source in enumerate(call.inputs):
            above.setdefault(source, []).append(up[call] if call.text.startswith(COMMUTING) else f"{slot} {up[call]}")
        if call.layer is not None:
            of.setdefault(call.layer, []).append(up[call])
    return [hash_parts("", of[layer]) for layer in trace.layers]


def hash_parts(text: str, others: list[str]) -> str:
    """Return a hash of a text and of others in order."""
    return blake2b("|".join([text, *others]).encode(), digest_size=12).hexdigest()
