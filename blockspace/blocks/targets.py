"""Targets: what a text means where a block or network is taken. The one place where it is read, for every command and function."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from blockspace.blocks.library_files import find_file, list_names
from blockspace.errors import did_you_mean, error
from blockspace.files import ARCH, GRAPH
from blockspace.inputs import expand_path
from blockspace.records import RunDir, TrainingDir, split_run_target
from blockspace.shipped import find_shipped, list_shipped

FORMS = "a library name, a YAML file, the folder of an export or of a training, or RUN#NUMBER"


@dataclass(frozen=True)
class Target:
    """A block or network that was asked for: its file, and the folder of its training or export where it is of one.

    `name` is the library's name, empty for files; a variant's file is its family's.
    """

    path: str
    name: str = ""
    folder: TrainingDir | None = None

    @property
    def weights(self) -> Path | None:
        """Return the trained weights in its folder, if any."""
        return self.folder.weights if self.folder is not None and self.folder.weights.is_file() else None


def find_target(text: str | os.PathLike[str]) -> Target:
    """Return what a text means: a file, a library name or shipped search space, a folder with arch.yaml, or `RUN#17` or `RUN#name`.

    A name of the library comes before a folder of that name: write `./resnet20` for the folder. Raises BlockspaceError (E-FILE, E-OP).
    """
    text = os.fspath(text)
    path = str(expand_path(text)) if text.startswith("~") else text
    if os.path.isfile(path):
        return Target(path)
    if found := find_file(text, "block") or find_file(text, "network") or find_shipped(text, "space"):
        return Target(found, text)
    if os.path.isdir(path):
        return find_in_folder(TrainingDir(Path(path)), text)
    run, name = split_run_target(text)
    if run != text:
        place = RunDir.of(run).training_named(name)
        return Target(str(place.arch), folder=place)
    raise unknown_target_error(text)


def find_in_folder(place: TrainingDir, text: str) -> Target:
    """Return the network of a folder, given as `text`. Raises BlockspaceError (E-FILE) for a folder that holds none, or many."""
    if place.arch.is_file():
        return Target(str(place.arch), folder=place)
    if (place.path / GRAPH).is_file():
        return Target(str(place.path / GRAPH), folder=place)
    if RunDir(place.path).is_study:
        help = f"name one of its networks: {place}#NUMBER or {place}#NAME; its study is {RunDir(place.path).study_yaml}"
        raise error("E-FILE", f"{text!r} is the run directory of a study", help=help)
    files = sorted(path.name for path in place.path.glob("*.yaml") if path.is_file())
    help = f"it holds {files[0]}" if files else f"it has no {ARCH}, as exports and trainings have"
    raise error("E-FILE", f"{text!r} is a folder; a file is wanted", help=help)


def unknown_target_error(text: str) -> Exception:
    """Return the error for a text that is no file and no name; of what cannot be a path, that of `expand_path`."""
    expand_path(text)
    known = [*list_names("block"), *list_names("network"), *list_shipped("space")]
    if text.endswith((".yaml", ".yml", ".json")) or os.sep in text:
        name = Path(text).stem
        return error("E-FILE", f"no file {text!r}", help=f"write {name}, a name of the library" if name in known else f"give {FORMS}")
    return error("E-OP", f"no block or network called {text!r}", help=did_you_mean(text, known) or "`blockspace ls` lists them all")
