"""One training by itself, as it was asked for: a network fitted to the data, a recipe, a seed, a folder. No torch here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from os import PathLike
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from blockspace.blocks import LIBRARIES, Block, Network, Target, find_target, load_target, serialize_network
from blockspace.data import DataSetting, DataSpec, describe, read_spec
from blockspace.errors import BlockspaceError, Mark, Mistake, Source, error
from blockspace.files import ARCH, FACTS
from blockspace.graph import Graph
from blockspace.inputs import expand_path
from blockspace.options import AS_COUNT, AS_TIME, Options, PathText, validate
from blockspace.passes import canonical
from blockspace.reader import Map, Node, Scalar, read_yaml
from blockspace.records import TrainingFacts, find_training_place
from blockspace.study.local_paths import hide_local_paths, import_beside, resolve_tree
from blockspace.study.overrides import (
    KeyPath,
    apply_keyword,
    apply_texts,
    data_as_node,
    empty_tree,
    find_data_mark,
    find_mark,
    tree_as_data,
)
from blockspace.study.resolve import data_overrides
from blockspace.study.training_facts import read_facts
from blockspace.training import Recipe


class TrainingOptions(Options):
    """Options of `blockspace train NET key=value ...` in addition to the network's own params."""

    data: DataSetting = "digits"
    train: Recipe = Recipe()
    seed: Annotated[int, Field(ge=0, lt=2**32), AS_COUNT] = 0
    # the run directory
    out: PathText | None = None
    # the longest time between two batches, in seconds without a unit: a data set's code that does not return ends the training
    stall_s: Annotated[float | None, Field(gt=0), AS_TIME] = 1800.0
    # where to start from: a checkpoint (.safetensors, .pth), a folder or RUN#NUMBER that has one, or torchvision or timm, whose own
    weights: PathText | None = None


@dataclass(frozen=True)
class TrainConfig:
    """A training ready to be run. `own` are the weights that a found network brings with it; `start` those to begin with, if any:
    a file, or the library that has them."""

    target: str
    network: Network
    graph: Graph
    data: DataSpec
    options: TrainingOptions
    own: Path | None
    start: Path | str | None
    notes: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """The run directory."""
        data = self.data.name or Path(self.data.folder or str(self.data.python)).name
        name = re.sub(r"[^a-z0-9._-]", "_", f"{self.network.name}-{data}-seed{self.options.seed}".lower())
        return expand_path(self.options.out or f"runs/{name}")

    @property
    def stall_limit(self) -> float:
        """The seconds that may pass between two batches; 0 for no limit, and for processes of several devices, whose batches go unseen."""
        return (self.options.stall_s or 0.0) if self.options.train.devices in (1, "1") else 0.0

    @property
    def arch(self) -> str:
        """The network as YAML, for arch.yaml."""
        return serialize_network(self.network, {})

    def record(self) -> dict[str, Any]:
        """Return the settings that must not change between starts, as plain data; absolute paths are reduced to their last names."""
        start = sha256(self.start.read_bytes()).hexdigest() if isinstance(self.start, Path) else self.start
        return hide_local_paths({
            "network": self.network.name, "key": self.graph.key(), "data": self.data.as_dict(), "train": self.options.train.as_dict(),
            "seed": self.options.seed, "weights": start,
        })  # fmt: skip


def resolve_training(
    target: str | PathLike[str],
    overrides: Sequence[str] = (),
    recipe: str | PathLike[str] | None = None,
    keywords: Mapping[str, object] | None = None,
) -> TrainConfig:
    """Return the training of `target` - a library network, a YAML file, an exported folder, `RUN#17` - with its settings.

    `keywords` are the training's options (see `TrainingOptions`), every other one a param of the network; `overrides` are the same as
    `key=value` texts, also with dots (`train.epochs=3`). `recipe` is a YAML file with a recipe, or with a `train:` section as studies have.
    What comes later wins: recipe, keywords, texts. Raises BlockspaceError with every mistake.
    """
    known = tuple(TrainingOptions.model_fields)
    own = [text for text in overrides if text.partition("=")[0].split(".")[0] in known]
    place = find_target(target)
    folder = find_record_folder(place)
    facts = read_facts(folder) if folder is not None else None
    recorded = recorded_settings(folder, facts) if folder is not None and facts is not None else {}
    given = dict(keywords or {})
    settings = {key: value for key, value in given.items() if key.split(".")[0] in known}
    options, mark_of = read_training_options(own, recipe, settings, recorded)
    params = {key: value for key, value in given.items() if key.split(".")[0] not in known}
    params |= read_params([text for text in overrides if text not in own])
    found = _load_target(place, params)
    if not isinstance(found, Network):
        raise error("E-OP", f"{target} is a block; train takes a network", help="put it into a network's stages")
    data = read_spec(options.data, lambda path: mark_of(("data", *path)))
    try:
        shape, classes = describe(data)
    except BlockspaceError as e:
        raise e.at(find_data_mark(data, mark_of)) from None
    network = found.fitted(shape, classes)
    graph = canonical(network.graph())
    check_output_shape(graph, classes)
    notes = data_overrides(found, shape, classes)
    if facts is not None and facts.source:
        notes = (f"recipe and data, where not given: as {facts.source}", *notes)
    return TrainConfig(str(target), network, graph, data, options, place.weights, locate_weights(options.weights), notes)


def _load_target(place: Target, params: Mapping[str, object]) -> Block | Network:
    """Load the network with its params; a setting of the recipe among them (`epochs=3`) is told from a misspelt param."""
    try:
        found = load_target(place, **params)
        if found.file.mistakes:
            raise BlockspaceError(*found.file.mistakes)
        return found
    except BlockspaceError as e:
        hints = {f"no param {key!r}": f"write train.{key}=VALUE, or from Python train={{{key!r}: VALUE}}" for key in Recipe.model_fields}
        help_of = {m: next((hint for words, hint in hints.items() if m.message.endswith(words)), m.help) for m in e.mistakes}
        raise BlockspaceError(*(replace(m, help=help_of[m]) for m in e.mistakes)) from None


def check_output_shape(graph: Graph, classes: int) -> None:
    """Check that the network has one output per class. Raises BlockspaceError (E-LABEL)."""
    output = graph.nodes[graph.output].shape
    if tuple(output) != (classes,):
        help = "end it in `head: [global_avgpool, linear: classes]`, with `params: {classes: 10}`: the data then sets the number"
        raise error("E-LABEL", f"{graph.name} gives {'x'.join(map(str, output))}, the data has {classes} classes", help=help)


def read_training_options(
    overrides: Sequence[str], recipe: str | PathLike[str] | None, keywords: Mapping[str, object], recorded: Mapping[str, Node]
) -> tuple[TrainingOptions, Callable[[KeyPath], Mark | None]]:
    """Return the options, and a function that finds the place of one of them for later complaints; `recorded` are those of the network.

    Raises BlockspaceError.
    """
    root = empty_tree(overrides)
    default: Node = Scalar(TrainingOptions.model_fields["data"].default, Mark(Source("<default>", ""), 1, 1))
    for key, node in {"data": default, **recorded}.items():
        root.items[key], root.keys[key] = node, node.mark
    if recipe is not None:
        root.items["train"] = read_recipe_section(read_yaml(str(expand_path(recipe))))
        root.keys["train"] = root.items["train"].mark
    for key, value in keywords.items():
        apply_keyword(root, key, value, key.split("."), ("train",))
    if mistakes := apply_texts(root, overrides):
        raise BlockspaceError(*mistakes)

    def mark_of(path: KeyPath) -> Mark | None:
        return find_mark(root, path)

    return validate(TrainingOptions, tree_as_data(root), "training", mark_of), mark_of


def find_record_folder(place: Target) -> Path | None:
    """Return the folder that says how a found network was trained: of its training or export, also where its arch.yaml was named."""
    if place.folder is not None:
        return place.folder.path
    return Path(place.path).parent if not place.name and Path(place.path).name == ARCH else None


def recorded_settings(folder: Path, facts: TrainingFacts) -> dict[str, Node]:
    """Return the data and the recipe that a found network was trained with, as `data` and `train`, as far as they are known.

    In a run directory the data is found where it lies on this machine.
    """
    known = {"train": facts.recipe, "data": facts.data}
    found = {key: data_as_node(value, str(folder / FACTS)) for key, value in known.items() if value}
    if (place := find_training_place(folder)) is not None:
        import_beside(place.run)
        record = read_yaml(str(place.run.training_yaml if place.is_single else place.run.study_yaml))
        if isinstance(record, Map) and "data" in record:
            resolve_tree(record, place.run)
            found["data"] = record.items["data"]
    return found


def read_recipe_section(root: Node) -> Map:
    """Return the recipe of a file: its `train:` section, or the whole file. Raises BlockspaceError (E-TYPE)."""
    found = root.items["train"] if isinstance(root, Map) and "train" in root else root
    if not isinstance(found, Map):
        raise error("E-TYPE", "a recipe is a mapping", found.mark, "epochs: 8")
    return found


def read_params(texts: Sequence[str]) -> dict[str, str]:
    """`key=value` params and holes of the network. Raises BlockspaceError (E-KEY) with every mistake in them."""
    found, mistakes = {}, []
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            mistakes.append(Mistake("E-KEY", f"{text!r} is not a setting", help="write key=value"))
        elif key == "input":
            mistakes.append(Mistake("E-KEY", "the input shape comes from the data", help="data.size=32 resizes the images"))
        found[key] = value
    if mistakes:
        raise BlockspaceError(*mistakes)
    return found


def locate_weights(source: str | None) -> Path | str | None:
    """Return the weights that `weights=` names: a file, or a library that offers its own. Raises BlockspaceError (E-FILE)."""
    if source is None or source in LIBRARIES:
        return source
    place = expand_path(source)
    if place.is_file():
        return place
    if place.is_dir() or "#" in source:
        found = find_target(source).weights
        if found is not None:
            return found
    help = f"a checkpoint, a folder or RUN#NUMBER that holds one, or {' or '.join(LIBRARIES)}"
    raise error("E-FILE", f"no weights at {source!r}", help=help)
