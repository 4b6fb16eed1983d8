"""One training by itself, as it was asked for: a network fitted to the data, a recipe, a seed, a folder. No torch here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from blockspace.blocks import LIBRARIES, Network, load, settled
from blockspace.data import DataSpec, describe, read_spec
from blockspace.errors import BlockspaceError, Mark, Mistake, Source, error
from blockspace.files import ARCH
from blockspace.graph import Graph
from blockspace.options import Options, validated
from blockspace.passes import canonical
from blockspace.reader import Map, Node, Scalar, read
from blockspace.study.export_network import locate_network
from blockspace.study.resolve import data_overrides
from blockspace.study.study_file import find_mark, override_all, values
from blockspace.training import Recipe

RECORD = "training.yaml"  # in the run directory: what was trained, on what, how


class TrainingOptions(Options):
    """What `blockspace train NET key=value ...` takes beside the network's own params."""

    data: str | dict[str, Any] = "digits"
    train: Recipe = Recipe()
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    # the run directory
    out: str | None = None
    # where to start from: a checkpoint (.safetensors, .pth), a folder or RUN#NUMBER that has one, or torchvision or timm, whose own
    weights: str | None = None


@dataclass(frozen=True)
class Training:
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
        return Path(self.options.out or f"runs/{name}")

    @property
    def arch(self) -> str:
        """The network as YAML, for arch.yaml."""
        return settled(self.network, {})

    def record(self) -> dict[str, Any]:
        """What must not change between starts, as plain data."""
        start = sha256(self.start.read_bytes()).hexdigest() if isinstance(self.start, Path) else self.start
        return {
            "network": self.network.name, "key": self.graph.key(), "data": self.data.as_dict(), "train": self.options.train.as_dict(),
            "seed": self.options.seed, "weights": start,
        }  # fmt: skip


def plan(target: str, overrides: Sequence[str] = (), recipe: str | Path | None = None, **given: Any) -> Training:
    """The training of `target` - a library network, a YAML file, an exported folder, `RUN#17` - under `key=value` overrides.

    `data`, `train`, `seed`, `out` and `weights` (also with dots, as `train.epochs=3`) are the training's, every other key is a param of the
    network. `recipe` is a YAML file with a recipe, or with a `train:` section as studies have. Raises BlockspaceError with every mistake.
    """
    known = tuple(TrainingOptions.model_fields)
    mine = [text for text in overrides if text.partition("=")[0].split(".")[0] in known]
    arch, own = locate_network(str(target))
    options, mark_of = options_of(mine, recipe, {key: value for key, value in given.items() if key in known}, arch)
    settings = params([text for text in overrides if text not in mine]) | {k: v for k, v in given.items() if k not in known}
    found = load(arch, **settings)
    if not isinstance(found, Network):
        raise error("E-OP", f"{target} is a block; train takes a network", help="put it into a network's stages")
    data = read_spec(options.data, lambda path: mark_of(("data", *path)))
    shape, classes = describe(data)
    network = found.fitted(shape, classes)
    graph = canonical(network.graph())
    check_outputs(graph, classes)
    return Training(str(target), network, graph, data, options, own, weights_of(options.weights), data_overrides(found, shape, classes))


def check_outputs(graph: Graph, classes: int) -> None:
    """The network gives one number for each class. Raises BlockspaceError (E-LABEL)."""
    output = graph.nodes[graph.output].shape
    if tuple(output) != (classes,):
        help = "end it in `head: [global_avgpool, linear: classes]`, with `params: {classes: 10}`: the data then sets the number"
        raise error("E-LABEL", f"{graph.name} gives {'x'.join(map(str, output))}, the data has {classes} classes", help=help)


def options_of(overrides: Sequence[str], recipe: str | Path | None, given: Mapping[str, Any], arch: str):
    """The options, and what finds the place of one of them for later complaints. Raises BlockspaceError."""
    root = Map(Mark(Source("<command line>", " ".join(overrides)), 1, 1))
    if "data" not in given:
        root.items["data"] = data_of(arch)
        root.keys["data"] = root.items["data"].mark
    if recipe is not None:
        root.items["train"] = train_section(read(str(recipe)))
        root.keys["train"] = root.items["train"].mark
    if wrong := override_all(root, overrides):
        raise BlockspaceError(*wrong)

    def mark_of(path: tuple) -> Mark | None:
        return find_mark(root, path)

    return validated(TrainingOptions, merged(given, values(root)), "training", mark_of), mark_of


def data_of(arch: str) -> Node:
    """The data that a found network was trained on, as its run directory says; otherwise the default."""
    folder = Path(arch).parent
    near = (folder, *list(folder.parents)[:3]) if Path(arch).name == ARCH else ()
    records = (place / name for place in near for name in (RECORD, "study.yaml"))
    kept = next((place for place in records if place.is_file()), None)
    record = None if kept is None else read(str(kept))
    if isinstance(record, Map) and "data" in record:
        return record.items["data"]
    return Scalar(TrainingOptions.model_fields["data"].default, Mark(Source("<default>", ""), 1, 1))


def merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Both mappings, the second one's values winning, level by level."""
    both = dict(under)
    for key, value in over.items():
        inner = both.get(key)
        both[key] = merged(inner, value) if isinstance(inner, Mapping) and isinstance(value, Mapping) else value
    return both


def train_section(root):
    """The recipe of a file: its `train:` section, or the whole file. Raises BlockspaceError (E-TYPE)."""
    found = root.items["train"] if isinstance(root, Map) and "train" in root else root
    if not isinstance(found, Map):
        raise error("E-TYPE", "a recipe is a mapping", found.mark, "epochs: 8")
    return found


def params(texts: Sequence[str]) -> dict[str, str]:
    """`key=value` params and holes of the network. Raises BlockspaceError (E-KEY) with every mistake in them."""
    found, mistakes = {}, []
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            mistakes.append(Mistake("E-KEY", f"{text!r} is no setting", help="write key=value"))
        elif key == "input":
            mistakes.append(Mistake("E-KEY", "the input shape comes from the data", help="data.size=32 resizes the images"))
        found[key] = value
    if mistakes:
        raise BlockspaceError(*mistakes)
    return found


def weights_of(source: str | None) -> Path | str | None:
    """The weights that `weights=` names: a file, or a library that offers its own. Raises BlockspaceError (E-FILE)."""
    if source is None or source in LIBRARIES:
        return source
    if Path(source).is_file():
        return Path(source)
    if Path(source).is_dir() or "#" in source:
        found = locate_network(source)[1]
        if found is not None:
            return found
    help = f"a checkpoint, a folder or RUN#NUMBER that holds one, or {' or '.join(LIBRARIES)}"
    raise error("E-FILE", f"no weights at {source!r}", help=help)
