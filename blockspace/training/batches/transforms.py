"""Which of torchvision's transforms (`torchvision.transforms.v2`) a recipe can name, and what each takes.

Read out of torchvision's source with `ast`, so that checking a study imports neither torchvision nor torch, and the list is always the
installed version's.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

FILES = ("_transform", "_augment", "_auto_augment", "_color", "_geometry", "_misc")
# not of one image, not of YAML's values, or the recipe's own business
LEFT_OUT = {
    "Transform", "MixUp", "CutMix", "Lambda", "LinearTransformation", "Normalize", "ToDtype", "ConvertImageDtype", "FiveCrop", "TenCrop",
    "RandomIoUCrop", "SanitizeBoundingBoxes", "SanitizeKeyPoints",
}  # fmt: skip


class Signature(NamedTuple):
    """A transform: its class, and the names of its parameters in order; the first `required` have no default."""

    cls: str
    parameters: tuple[str, ...]
    required: int

    @property
    def name(self) -> str:
        """The class's name as a recipe writes it: `RandomErasing` is `random_erasing`."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", self.cls).lower()


@cache
def signatures() -> dict[str, Signature]:
    """Every transform by its name in snake case."""
    found = find_spec("torchvision")
    (home, *_) = (found and found.submodule_search_locations) or []
    place = Path(home) / "transforms" / "v2"
    trees = [ast.parse((place / f"{file}.py").read_text(encoding="utf-8")) for file in FILES]
    classes = {node.name: node for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)}
    shown = [name for name in classes if not name.startswith("_") and name not in LEFT_OUT]
    signed = [Signature(name, *parameters(name, classes)) for name in shown]
    return {signature.name: signature for signature in signed}


def parameters(cls: str, classes: dict[str, ast.ClassDef]) -> tuple[tuple[str, ...], int]:
    """The parameters of a class's `__init__`, its own or its first base's that has one, and how many have no default."""
    if cls not in classes:
        return (), 0
    for node in classes[cls].body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            names = [argument.arg for argument in (*node.args.args[1:], *node.args.kwonlyargs)]
            return tuple(names), len(node.args.args) - 1 - len(node.args.defaults)
    bases = [base.id for base in classes[cls].bases if isinstance(base, ast.Name)]
    return parameters(bases[0], classes) if bases else ((), 0)


@cache
def spellings() -> dict[str, str]:
    """Every way to write a name, and the name: `random_` may be left out (`rotation`), underscores too (`randaugment`)."""
    ways: dict[str, str] = {}
    for name in signatures():
        short = name.removeprefix("random_")
        for way in (short.replace("_", ""), name.replace("_", ""), short, name):
            ways.setdefault(way, name)
    return ways | {name: name for name in signatures()}


def find(name: str) -> Signature | None:
    """The transform of that name, however it is spelled."""
    known = spellings().get(name)
    return signatures()[known] if known else None
