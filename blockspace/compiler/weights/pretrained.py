"""Pretrained weights: a checkpoint of torchvision's, of timm's or of ours, on the names of a library network."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from blockspace.blocks import LIBRARIES, Network, Target, find_target, load, load_target
from blockspace.compiler.compile import compile
from blockspace.compiler.features import INDICES, Indices
from blockspace.compiler.weights.convert import convert_weights
from blockspace.compiler.weights.load_state import load_state
from blockspace.compiler.weights.read_checkpoint import COUNTER, SUFFIXES, State, read_checkpoint
from blockspace.compiler.weights.reference import PRIVATE, ReferenceModel, check_library, find_reference, list_references
from blockspace.compiler.weights.transplant import transplant
from blockspace.errors import BlockspaceError, error
from blockspace.files import WEIGHTS
from blockspace.graph import Graph
from blockspace.inputs import COUNT, FLAG, PATH, VALUE, check_arguments, expand_path, optional
from blockspace.ops import Shape
from blockspace.passes import canonical, tensor_shapes


@dataclass(frozen=True)
class PretrainedWeights:
    """Weights on our names. `network` has as many classes as they; `origin` says where they are from; `about` how images were normalised.

    The names are of the graph as written or, from a file of ours, of its canonical form.
    """

    network: Network
    state: State
    origin: str
    about: dict[str, Any] = field(default_factory=dict)

    def onto(self, graph: Graph) -> State:
        """Return the same weights for a graph of this network, as written or canonical, on its names."""
        written = self.network.graph()
        forms = {"canonical": canonical(written), "written": written}
        own = next((form for form in forms.values() if names_fit(self.state, tensor_shapes(form))), None)
        if own is None or names_fit(self.state, tensor_shapes(graph)):
            return self.state
        return convert_weights(self.state, own, forms[graph.form])


@check_arguments(name=PATH, source=optional(PATH), classes=optional(COUNT), features_only=FLAG, out_indices=INDICES, others=VALUE)
def load_pretrained(
    name: str | Path, source: str | Path | None = None, classes: int | None = None, features_only: bool = False,
    out_indices: Indices = None, **settings: Any,
) -> nn.Module:  # fmt: skip
    """Return a network as a module with a checkpoint's weights; `name` is of the library or a YAML file, `settings` bind its params.

    A folder of an export or a training, or `RUN#17`, is a name too, and brings its own weights. `source` is otherwise `torchvision` or
    `timm`, whose own weights of this network are downloaded by that library (by default the one that `reference:` names); or the path of a
    checkpoint (.pth, .pt, .bin, .safetensors) with the names of torchvision, of timm or of ours, also inside what training scripts put
    around a state_dict. Only tensors are read (`weights_only=True`). `classes` is the number of outputs wanted: where the checkpoint has
    another, the last layer starts anew; not given, it must have the network's. `features_only` and `out_indices` are those of `compile`.
    `module.meta["pretrained"]` says where the weights are from and, if known, the `mean` and `std` of the images, and the classes.

    Raises BlockspaceError: E-FILE (no such file, no checkpoint, no download), E-NAME (an unknown source), E-WEIGHTS (weights of another
    network, or with another number of classes).
    """
    place = find_target(name)
    network = load(name, **settings)
    if not isinstance(network, Network):
        raise error("E-OP", f"{name} is a block; only networks have pretrained weights", help="`blockspace ls` lists the networks")
    own = place.weights if source is None else None
    found = find_weights(network, own or source)
    if classes is not None:
        network = replace_classes(network, classes)
    graph = network.graph()
    whole = compile(graph)
    load_state(whole, graph, found.onto(graph), found.origin, anew=classes is not None)
    module = whole
    if features_only or out_indices is not None:
        module = compile(graph, features_only=features_only, out_indices=out_indices)
        state = whole.state_dict()
        module.load_state_dict({key: state[key] for key in module.state_dict()})
    module.meta["pretrained"] = {"source": found.origin} | found.about | (describe_images(place) if own else {})
    return module


def describe_images(place: Target) -> dict[str, Any]:
    """Return what is known of the images that a found network was trained on: `mean` and `std` per channel, and `classes`."""
    network = load_target(place)
    found = network.trained if isinstance(network, Network) else None
    known = {"mean": found.mean, "std": found.std, "classes": found.classes} if found else {}
    return {name: value for name, value in known.items() if value}


def find_weights(network: Network, source: str | Path | None = None) -> PretrainedWeights:
    """Return a network's weights from a source, with as many classes as they have. Raises BlockspaceError as `load_pretrained`."""
    base = Network(network.file, network.settings | network.filled)  # at its own input shape, whatever the data's
    if source is None:
        source = base.reference.partition(":")[0]
        if source not in LIBRARIES:
            help = "source='FILE.pth', or 'torchvision' or 'timm' for a network of theirs"
            raise error("E-WEIGHTS", f"{network.name} has no reference in a library with weights", help=help)
    if is_weights_path(source):
        return read_weights_file(base, expand_path(source))
    reference = find_reference(base, check_library(str(source)))
    state, about = reference.download()
    return map_reference(base, reference, reference.module(), state, str(reference), about)


def is_weights_path(source: str | Path) -> bool:
    """Return whether a source is meant as a file, not as a library's name."""
    path = expand_path(source)
    return isinstance(source, Path) or path.exists() or path.suffix in SUFFIXES or len(path.parts) > 1


def read_weights_file(network: Network, path: Path) -> PretrainedWeights:
    """Return the weights of a file, whose names say whose they are. Raises BlockspaceError (E-FILE, E-WEIGHTS)."""
    path = path / WEIGHTS if path.is_dir() else path
    state = read_checkpoint(path)
    written = network.graph()
    tried = [(network.name, set(tensor_shapes(written)))]
    for own in (tensor_shapes(written), tensor_shapes(canonical(written))):
        if names_fit(state, own):
            classes = differing_outputs(own, state)
            return PretrainedWeights(replace_classes(network, classes) if classes else network, state, str(path))
    for reference in list_references(network):
        module = reference.module()
        names = set(module.state_dict())
        if names_fit(state, names):
            return map_reference(network, reference, module, state, str(path))
        tried.append((str(reference), names))
    raise unknown_names_error(path, state, network, tried)


def names_fit(state: State, names: Collection[str]) -> bool:
    """Return whether a state holds these names, counters of batches and layers for training alone aside."""
    return all(name.startswith(PRIVATE) or name.endswith(COUNTER) for name in set(names) ^ state.keys())


def unknown_names_error(path: Path, state: State, network: Network, tried: list[tuple[str, set[str]]]) -> BlockspaceError:
    """Return the error for names of no known network, compared with the nearest."""
    what, names = max(tried, key=lambda one: len(one[1] & state.keys()))
    missing = sorted(n for n in names - state.keys() if not n.endswith(COUNTER))
    unknown = sorted(n for n in state.keys() - names if not n.endswith(COUNTER))
    differences = [f"{word} {', '.join(some[:2])}{f' and {len(some) - 2} more' if len(some) > 2 else ''}"
                   for word, some in (("missing", missing), ("unknown", unknown)) if some]  # fmt: skip
    help = f"a checkpoint of {' or '.join(dict.fromkeys(name for name, _ in tried))} is needed"
    return error("E-WEIGHTS", f"{path} does not fit {network.name}: {'; '.join(differences)}", help=help)


def map_reference(
    network: Network, reference: ReferenceModel, module: nn.Module, state: State, origin: str, about: dict[str, Any] | None = None
) -> PretrainedWeights:
    """Load a state into a reference's layers and return it under our names. Raises BlockspaceError (E-WEIGHTS)."""
    classes = differing_outputs(state_shapes(module), state)
    if classes is not None:
        module = reference.module(classes)
    fill_module(module, state, origin)
    graph = network.graph()
    if graph.output_shape != (outputs := count_outputs(state_shapes(module)),):
        network = replace_classes(network, outputs)
        graph = network.graph()
    with torch.device("meta"):
        ours = compile(graph)
    try:
        transplant(module, ours.to_empty(device="cpu"))
    except BlockspaceError as reason:
        raise error("E-WEIGHTS", f"the layers of {reference} are not those of {network.name}: {reason}") from None
    return PretrainedWeights(network, dict(ours.state_dict()), origin, about=about or {})


def state_shapes(module: nn.Module) -> dict[str, Shape]:
    """Return the shapes of a module's parameters and buffers."""
    return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}


def differing_outputs(own: Mapping[str, Shape], state: State) -> int | None:
    """Return a state's number of classes if that is all in which it differs from tensors of these shapes, else None."""
    differing = [name for name in own if name in state and own[name] != tuple(state[name].shape)]
    pairs = {(own[n][0], len(state[n])) for n in differing if own[n] and own[n][1:] == tuple(state[n].shape[1:])}
    return pairs.pop()[1] if len(pairs) == 1 and len(differing) <= 2 else None


def count_outputs(own: dict[str, Shape]) -> int:
    """Return the outputs of the last layer among tensors of these shapes, in the order of a constructor."""
    return next((size[0] for name, size in reversed(own.items()) if name.endswith("weight") and len(size) > 1), 0)


def fill_module(module: nn.Module, state: State, origin: str) -> None:
    """Put a state into a module without copying it. Raises BlockspaceError (E-WEIGHTS) for another shape."""
    own = module.state_dict()
    wrong = [name for name in own if name in state and own[name].shape != state[name].shape]
    if wrong:
        theirs, here = ("x".join(map(str, tensor.shape)) for tensor in (state[wrong[0]], own[wrong[0]]))
        raise error(
            "E-WEIGHTS", f"{origin}: {wrong[0]} is {theirs}, the network has {here}", help="give weights of exactly this network"
        )
    found = {name: state.get(name, torch.zeros(tensor.shape, dtype=tensor.dtype)) for name, tensor in own.items()}
    module.load_state_dict({name: t.float() if t.is_floating_point() else t for name, t in found.items()}, assign=True)


def replace_classes(network: Network, classes: int) -> Network:
    """Return the network with this number of outputs. Raises BlockspaceError (E-WEIGHTS) when it has no param for it."""
    if "classes" not in network.file.params:
        help = "write `params: {classes: 1000}` and `linear: classes`"
        raise error("E-WEIGHTS", f"{network.name} has no param `classes`, so its outputs cannot be {classes}", help=help)
    return network(classes=classes)
