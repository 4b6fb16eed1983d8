"""Handover: a network, found or from the library, as a folder that runs without blockspace."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from blockspace.blocks import Block, Network, find_target, load, serialize_network
from blockspace.errors import error
from blockspace.exporting import DEFAULT_FORMATS
from blockspace.files import WEIGHTS as WEIGHTS_FILE
from blockspace.graph import Graph, GraphLike, as_graph, is_graph_file, is_nx
from blockspace.inputs import FLAG, NAMES, PATH, WEIGHTS, ArgumentKind, check_arguments, expand_path, is_path, optional
from blockspace.passes import canonical
from blockspace.records import TrainingFacts, split_run_target
from blockspace.study.model_card import UNTRAINED, USAGE, describe_network, model_card
from blockspace.study.training_facts import read_facts

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
    network = open_network(target)
    if not isinstance(network, Network):
        what = f"{network.name} is a {type(network).__name__.lower()}; export takes a network"
        raise error("E-OP", what, help="put a block into a network's stages; `bs.to_source(graph)` prints any graph as code")
    if weights is not None and not isinstance(weights, (str, PathLike)):
        help = "of its graph it takes one: bs.export(network.graph(), ...)"
        raise error("E-TYPE", f"the weights of a network should be a path, got {type(weights).__name__}", help=help)
    own = network.folder.weights if network.folder is not None and network.folder.weights.is_file() else None
    source = expand_path(weights) if isinstance(weights, PathLike) else weights or own
    if isinstance(source, str) and split_run_target(source)[0] != source:  # RUN#17
        source = find_target(source).weights
    found = find_weights(network, source) if source is not None else None
    trained = network.trained if weights is None else describe_beside(network, source)
    network = found.network if found else network
    graph = canonical(network.graph())
    facts = describe_network(graph, trained or describe_pretrained(found, source), name_weights(source))
    about = model_card(network.name, facts.question or network.doc, facts, usage=USAGE if trained else "")
    arch = serialize_network(network, {})
    return write_export(graph, initial_module(graph, found), expand_path(folder), arch, about, formats, force, facts, deploy)


def describe_beside(network: Network, source: str | Path | None) -> TrainingFacts | None:
    """Return the facts of given weights where the folder that they lie in has them, of this very network; otherwise None."""
    folder = Path(source or "").parent
    if Path(source or "").name != WEIGHTS_FILE or not folder.is_dir():
        return None
    facts = read_facts(folder)
    return facts if facts is not None and facts.key == canonical(network.graph()).key() else None


def describe_pretrained(found: PretrainedWeights | None, source: str | Path | None) -> TrainingFacts | None:
    """Return the facts of weights that were trained elsewhere: where they are from, and how images were normalised, if that is known."""
    if found is None:
        return None
    mean, std = (tuple(found.about.get(name, ())) for name in ("mean", "std"))
    return TrainingFacts(note=name_weights(source), mean=mean, std=std)


def name_weights(source: object) -> str:
    """Return where weights are from, for a card."""
    if source is None:
        return UNTRAINED
    return f"from {Path(source).name}" if isinstance(source, (str, PathLike)) else "from a module in memory"


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
    facts = describe_network(graph, None, name_weights(weights))
    about = model_card(graph.name, "A graph built in Python.", facts, usage="")
    module = compile(graph, seed=0, weights_from=module)
    return write_export(graph, module, expand_path(folder), None, about, formats, force, facts, deploy)


def open_network(target: object) -> Block | Network | Graph:
    """Return the network that is meant. Raises BlockspaceError."""
    return target if isinstance(target, (Block, Network, Graph)) else load(str(target))


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
