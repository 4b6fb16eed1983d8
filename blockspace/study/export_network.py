"""Handover: a network, found or from the library, as a folder that runs without blockspace."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blockspace.blocks import Block, Network, load, serialize_network
from blockspace.errors import error
from blockspace.exporting import DEFAULT_FORMATS
from blockspace.graph import Graph, GraphLike, as_graph, is_graph_file, is_nx
from blockspace.inputs import FLAG, NAMES, PATH, WEIGHTS, ArgumentKind, check_arguments, expand_path, is_path, optional
from blockspace.passes import canonical
from blockspace.records import RunDir, TrainingDir, runs_around, split_run_target

if TYPE_CHECKING:
    from torch import nn

    from blockspace.compiler import PretrainedWeights
    from blockspace.exporting import ExportedFolder
    from blockspace.study.study_result import Solution


TARGET = ArgumentKind(
    "a network: its name or path, RUN#NUMBER, one of `front`, or a graph",
    lambda value: is_path(value) or isinstance(value, (Block, Network, Graph)) or is_nx(value) or hasattr(value, "source"),
)


@check_arguments(target=TARGET, folder=PATH, formats=NAMES, weights=optional(WEIGHTS), force=FLAG, deploy=FLAG)
def export(
    target: str | PathLike[str] | Network | Solution | GraphLike,
    folder: str | PathLike[str],
    formats: Sequence[str] = DEFAULT_FORMATS,
    weights: str | PathLike[str] | nn.Module | None = None,
    force: bool = False,
    deploy: bool = False,
) -> ExportedFolder:
    """Export `target` to `folder`, each file checked against the module (see `blockspace.exporting`).

    `target` is a `Network`, a library network's name, a YAML file, an exported folder, `RUN#29` or `RUN#name` (a trial or a finalist of a
    run directory), or one of an outcome's `front`. `weights` is the path of a checkpoint - ours, torchvision's or timm's - or
    `torchvision` or `timm`, whose own are downloaded; the network gets as many classes as they have. Found networks bring their own.
    Without any, weights are freshly drawn with seed 0. With `deploy` the files are of the form for deployment, named `model_deploy`.

    A Graph or a networkx DAG (see `from_nx`) is a target too. Its `weights` are a module that `compile` made of it, or a checkpoint with
    the names of its nodes, and `graph.json` takes the place of arch.yaml.

    Returns the folder, with the size of each file and the largest difference of each format. Raises BlockspaceError for a target or
    weights that cannot be read, and what `blockspace.exporting.export_folder` raises.
    """
    from blockspace.compiler import find_weights
    from blockspace.exporting import export_folder as write_export

    if isinstance(target, Graph) or is_nx(target) or is_graph_file(target):
        return export_graph(target, folder, formats, weights, force, deploy)
    network, own = open_network(target)
    if not isinstance(network, Network):
        what = f"{network.name} is a {type(network).__name__.lower()}; export takes a network"
        raise error("E-OP", what, help="put a block into a network's stages; `bs.to_source(graph)` prints any graph as code")
    if weights is not None and not isinstance(weights, (str, PathLike)):
        help = "of its graph it takes one: bs.export(network.graph(), ...)"
        raise error("E-TYPE", f"the weights of a network should be a path, got {type(weights).__name__}", help=help)
    source = expand_path(weights) if isinstance(weights, PathLike) else weights or own
    found = find_weights(network, source) if source is not None else None
    network = found.network if found else network
    graph = canonical(network.graph())
    about = untrained_card(network.name, network.doc, graph, source)
    module, normal = initial_module(graph, found), normalisation_of(found, own)
    return write_export(graph, module, expand_path(folder), serialize_network(network, {}), about, formats, force, normal, deploy)


def export_graph(
    target: GraphLike,
    folder: str | PathLike[str],
    formats: Sequence[str],
    weights: str | PathLike[str] | nn.Module | None,
    force: bool,
    deploy: bool,
) -> ExportedFolder:
    """Export a graph that no YAML describes, in its canonical form. Raises BlockspaceError, ExportError."""
    from blockspace.compiler import compile, load_state, read_checkpoint
    from blockspace.exporting import export_folder as write_export

    written = as_graph(target)
    graph = canonical(written)
    module: nn.Module = compile(written, seed=0)
    if isinstance(weights, (str, PathLike)):
        load_state(module, written, read_checkpoint(weights), Path(weights).name, anew=False)
    elif weights is not None:
        module = weights
    about = untrained_card(graph.name, "A graph built in Python.", graph, weights)
    return write_export(graph, compile(graph, seed=0, weights_from=module), expand_path(folder), None, about, formats, force, None, deploy)


def open_network(target: object) -> tuple[Block | Network | Graph, Path | None]:
    """Return the network that is meant, and its weights if it has any."""
    if isinstance(target, (Block, Network, Graph)):
        return target, None
    arch, own = locate_network(str(target))
    return load(arch), own


def locate_network(target: str) -> tuple[str, Path | None]:
    """Return the network's file or library name, and its weights if it has any."""
    run, name = split_run_target(target)
    place = RunDir.of(run).training_named(name) if run != target else TrainingDir(expand_path(target))
    if not place.path.is_dir():
        return target, None
    if not place.arch.is_file():
        raise error("E-FILE", f"{place} has no {place.arch.name}", help="give an exported folder, or RUN#NUMBER")
    return str(place.arch), place.weights if place.weights.is_file() else None


def load_module(network: Network, graph: Graph, weights: str | Path) -> nn.Module:
    """Return the graph's module with these weights of the network. Raises BlockspaceError (E-FILE, E-NAME, E-WEIGHTS)."""
    from blockspace.compiler import find_weights

    return initial_module(graph, find_weights(network, weights))


def initial_module(graph: Graph, found: PretrainedWeights | None) -> nn.Module:
    """Return the graph's module, with weights that were found, or drawn with seed 0. Raises BlockspaceError (E-WEIGHTS)."""
    from blockspace.compiler import compile, load_state

    module = compile(graph, seed=0)
    if found is not None:
        load_state(module, graph, found.onto(graph), found.origin, anew=False)
    return module


def normalisation_of(found: PretrainedWeights | None, own: Path | None) -> dict[str, tuple[Any, ...]]:
    """By which `mean` and `std` images were normalised, and the classes, where weights or the training they are of say it."""
    from blockspace.data import kept_preflight
    from blockspace.study.worker_jobs import read_scores

    if found is not None and "mean" in found.about:
        return {key: found.about[key] for key in ("mean", "std")}
    if own is None:
        return {}
    place = TrainingDir(own.absolute().parent)
    run = next((run for run in runs_around(place.path) if kept_preflight(run)), RunDir(place.path))
    places = (place, run.finalist(place.path.name, 0))  # best/NAME is the finalist's first seed
    scores = next((read_scores(place.scores) for place in places if place.scores.is_file()), {})
    known = {key: tuple(round(float(value), 6) for value in scores[key].ravel()) for key in ("mean", "std") if key in scores}
    look = kept_preflight(run)
    return known | ({"label_names": tuple(look.classes)} if look else {})


def untrained_card(name: str, doc: str, graph: Graph, weights: str | PathLike[str] | nn.Module | None) -> str:
    """Return the model card of a network that was not trained here."""
    from blockspace.costs import cost
    from blockspace.study.model_card import model_card

    source = "freshly drawn (seed 0), not trained"
    if weights is not None:
        source = f"from {Path(weights).name}" if isinstance(weights, (str, PathLike)) else "from a module in memory"
    facts = {"input": "x".join(map(str, graph.input_shape)), "costs": cost(graph), "key": graph.key(), "weights": source}
    return model_card(name, doc, facts, usage="")
