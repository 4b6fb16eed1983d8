"""Pretrained weights: a checkpoint of torchvision's, of timm's or of ours, on the names of a library network."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from blockspace.blocks import LIBRARIES, Network, load
from blockspace.compiler.compile import compile
from blockspace.compiler.features import Indices
from blockspace.compiler.weights.checkpoint import COUNTER, SUFFIXES, State, read_checkpoint
from blockspace.compiler.weights.maps import converted
from blockspace.compiler.weights.reference import PRIVATE, Reference, library_of, reference_in, references
from blockspace.compiler.weights.starting import start_from
from blockspace.compiler.weights.transplant import transplant
from blockspace.errors import BlockspaceError, error
from blockspace.files import ARCH, WEIGHTS
from blockspace.graph import Graph
from blockspace.ops import Shape
from blockspace.passes import canonical, tensors


@dataclass(frozen=True)
class Weights:
    """Weights on our names. `network` has as many classes as they; `origin` says where they are from; `about` how images were normalised.

    The names are of the graph as written or, from a file of ours, of its canonical form.
    """

    network: Network
    state: State
    origin: str
    about: dict[str, Any] = field(default_factory=dict)

    def onto(self, graph: Graph) -> State:
        """The same weights for a graph of this network, as written or canonical, on its names."""
        written = self.network.graph()
        forms = {"canonical": canonical(written), "written": written}
        own = next((form for form in forms.values() if names_fit(self.state, tensors(form))), None)
        if own is None or names_fit(self.state, tensors(graph)):
            return self.state
        return converted(self.state, own, forms[graph.form])


def load_pretrained(
    name: str | Path, source: str | Path | None = None, classes: int | None = None, features_only: bool = False,
    out_indices: Indices = None, **settings: Any,
) -> nn.Module:  # fmt: skip
    """The network `name` - of the library or of a YAML file, its params bound to `settings` - as a module with a checkpoint's weights.

    An exported folder, or that of a training, is a name too, and brings its own weights. `source` is otherwise `torchvision` or `timm`,
    whose own weights of this network are downloaded by that library (by default the one that `reference:` names); or the path of a
    checkpoint (.pth, .pt, .bin, .safetensors) with the names of torchvision, of timm or of ours, also inside what training scripts put
    around a state_dict. Only tensors are read (`weights_only=True`). `classes` is the number of outputs wanted: where the checkpoint has
    another, the last layer starts anew; not given, it must have the network's. `features_only` and `out_indices` are those of `compile`.
    `module.meta["pretrained"]` says where the weights are from and, if known, the `mean` and `std` of the images.

    Raises BlockspaceError: E-FILE (no such file, no checkpoint, no download), E-NAME (an unknown source), E-WEIGHTS (weights of another
    network, or with another number of classes).
    """
    if Path(name).is_dir():
        name, source = Path(name) / ARCH, source or Path(name) / WEIGHTS
    network = load(str(name), **settings)
    if not isinstance(network, Network):
        raise error("E-OP", f"{name} is a block; pretrained weights are of networks", help="`blockspace ls` lists the networks")
    found = weights_of(network, source)
    if classes is not None:
        network = with_classes(network, classes)
    graph = network.graph()
    whole = compile(graph)
    start_from(whole, graph, found.onto(graph), found.origin, anew=classes is not None)
    module = whole
    if features_only or out_indices is not None:
        module = compile(graph, features_only=features_only, out_indices=out_indices)
        state = whole.state_dict()
        module.load_state_dict({key: state[key] for key in module.state_dict()})
    module.meta["pretrained"] = {"source": found.origin} | found.about
    return module


def weights_of(network: Network, source: str | Path | None = None) -> Weights:
    """The weights that a source holds of a network, with as many classes as they have. Raises BlockspaceError as `load_pretrained`."""
    base = Network(network.file, network.settings | network.filled)  # at its own input shape, whatever the data's
    if source is None:
        source = base.reference.partition(":")[0]
        if source not in LIBRARIES:
            help = "source='FILE.pth', or 'torchvision' or 'timm' for a network of theirs"
            raise error("E-WEIGHTS", f"{network.name} names no library that has weights of it", help=help)
    if is_path(source):
        return of_file(base, Path(source))
    reference = reference_in(base, library_of(str(source)))
    state, about = reference.download()
    return mapped(base, reference, reference.module(), state, str(reference), about)


def is_path(source: str | Path) -> bool:
    """Whether a source is meant as a file, not as a library's name."""
    path = Path(source)
    return isinstance(source, Path) or path.exists() or path.suffix in SUFFIXES or len(path.parts) > 1


def of_file(network: Network, path: Path) -> Weights:
    """The weights of a file, whose names say whose they are. Raises BlockspaceError (E-FILE, E-WEIGHTS)."""
    path = path / WEIGHTS if path.is_dir() else path
    state = read_checkpoint(path)
    written = network.graph()
    tried = [(network.name, set(tensors(written)))]
    for own in (tensors(written), tensors(canonical(written))):
        if names_fit(state, own):
            classes = other_outputs(own, state)
            return Weights(with_classes(network, classes) if classes else network, state, str(path))
    for reference in references(network):
        module = reference.module()
        names = set(module.state_dict())
        if names_fit(state, names):
            return mapped(network, reference, module, state, str(path))
        tried.append((str(reference), names))
    raise unlike(path, state, network, tried)


def names_fit(state: State, names: Collection[str]) -> bool:
    """Whether a state holds these names, counters of batches and layers for training alone aside."""
    return all(name.startswith(PRIVATE) or name.endswith(COUNTER) for name in set(names) ^ state.keys())


def unlike(path: Path, state: State, network: Network, tried: list[tuple[str, set[str]]]) -> BlockspaceError:
    """The error for names that are nobody's, told beside the nearest."""
    what, names = max(tried, key=lambda one: len(one[1] & state.keys()))
    missing = sorted(n for n in names - state.keys() if not n.endswith(COUNTER))
    unknown = sorted(n for n in state.keys() - names if not n.endswith(COUNTER))
    told = [f"{word} {', '.join(some[:2])}{f' and {len(some) - 2} more' if len(some) > 2 else ''}"
            for word, some in (("missing", missing), ("unknown", unknown)) if some]  # fmt: skip
    help = f"a checkpoint of {' or '.join(dict.fromkeys(name for name, _ in tried))} is needed"
    return error("E-WEIGHTS", f"{path} does not fit {network.name}: {'; '.join(told)}", help=help)


def mapped(
    network: Network, reference: Reference, module: nn.Module, state: State, origin: str, about: dict[str, Any] | None = None
) -> Weights:
    """A reference's weights on our names: loaded into the reference's layers, and transplanted. Raises BlockspaceError (E-WEIGHTS)."""
    classes = other_outputs(shapes(module), state)
    if classes is not None:
        module = reference.module(classes)
    filled_with(module, state, origin)
    graph = network.graph()
    if graph.output_shape != (outputs := last_outputs(shapes(module)),):
        network = with_classes(network, outputs)
        graph = network.graph()
    with torch.device("meta"):
        ours = compile(graph)
    try:
        transplant(module, ours.to_empty(device="cpu"))
    except BlockspaceError as reason:
        raise error("E-WEIGHTS", f"the layers of {reference} are not those of {network.name}: {reason}") from None
    return Weights(network, dict(ours.state_dict()), origin, about=about or {})


def shapes(module: nn.Module) -> dict[str, Shape]:
    """The shapes of a module's parameters and buffers."""
    return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}


def other_outputs(own: Mapping[str, Shape], state: State) -> int | None:
    """The number of classes of a state that differs in that alone from tensors of these shapes; None when nothing differs, or more does."""
    differing = [name for name in own if name in state and own[name] != tuple(state[name].shape)]
    pairs = {(own[n][0], len(state[n])) for n in differing if own[n] and own[n][1:] == tuple(state[n].shape[1:])}
    return pairs.pop()[1] if len(pairs) == 1 and len(differing) <= 2 else None


def last_outputs(own: dict[str, Shape]) -> int:
    """Outputs of the last layer among tensors of these shapes, in the order in which a constructor makes them."""
    return next((size[0] for name, size in reversed(own.items()) if name.endswith("weight") and len(size) > 1), 0)


def filled_with(module: nn.Module, state: State, origin: str) -> None:
    """Put a state into a module without copying it. Raises BlockspaceError (E-WEIGHTS) for another shape."""
    own = module.state_dict()
    wrong = [name for name in own if name in state and own[name].shape != state[name].shape]
    if wrong:
        theirs, here = ("x".join(map(str, tensor.shape)) for tensor in (state[wrong[0]], own[wrong[0]]))
        raise error(
            "E-WEIGHTS", f"{origin}: {wrong[0]} is {theirs}, the network has {here}", help="weights of this very network are needed"
        )
    found = {name: state.get(name, torch.zeros(tensor.shape, dtype=tensor.dtype)) for name, tensor in own.items()}
    module.load_state_dict({name: t.float() if t.is_floating_point() else t for name, t in found.items()}, assign=True)


def with_classes(network: Network, classes: int) -> Network:
    """The network with this number of outputs. Raises BlockspaceError (E-WEIGHTS) when it has no param for it."""
    if "classes" not in network.file.params:
        help = "write `params: {classes: 1000}` and `linear: classes`"
        raise error("E-WEIGHTS", f"{network.name} has no param `classes`, so its outputs cannot be {classes}", help=help)
    return network(classes=classes)
