"""Augmentation as a recipe writes it: `[crop, flip, {rand_augment: {magnitude: 7}}, {rotation: 10}]`. No torch here.

`crop` and `flip` change a whole batch at a time; every other name is a transform of torchvision's (`torchvision.transforms.v2`) and changes
one image after the other. Their names and parameters are read out of torchvision's source with `ast`, so that checking a study imports
neither torchvision nor torch, and the list is always the installed version's.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, model_serializer

from blockspace.options import AS_COUNT, AS_SHARE, Choice, refuse, suggest_key, unfold_choice

Share = Annotated[float, Field(ge=0, le=1), AS_SHARE]


class Crop(Choice):
    """A random window of the image's own size out of the image with `padding` black pixels on each side."""

    kind: Literal["crop"] = "crop"
    padding: Annotated[int, Field(ge=1, le=1024, description="pixels on each side"), AS_COUNT] = 2


class Flip(Choice):
    """A mirror image, left to right, with probability `p`. Not for digits or letters."""

    kind: Literal["flip"] = "flip"
    p: Annotated[Share, Field(description="probability")] = 0.5


class Transform(Choice):
    """A transform of torchvision's (`torchvision.transforms.v2`) by its name in snake case, with its own keyword arguments."""

    kind: Literal["transform"] = "transform"
    name: Annotated[str, Field(description="the class's name in snake case, `random_` may be left out")]
    settings: Annotated[dict[str, Any], Field(description="its keyword arguments")] = {}

    @model_serializer(mode="wrap")
    def _as_written(self, inner: Callable[[Any], Any]) -> dict[str, Any]:
        return {self.name: self.settings}


OWN = ("crop", "flip")
MOST_TRANSFORMS = 200
MIXES = {name: f"it mixes two images: write {name}: {{alpha: ...}} beside augment" for name in ("mixup", "cutmix")}


def read_augment(value: Any) -> Any:
    """Return one entry as the mapping of Crop, Flip or Transform: `name`, `{name: {settings}}`, or `{name: the first setting}`."""
    if isinstance(value, Choice):
        return value
    if isinstance(value, dict) and len(value) == 1:
        ((name, settings),) = value.items()
    else:
        name, settings = value, None
    if name in OWN or not isinstance(name, str):
        return unfold_choice(value)
    return read_transform(name, settings)


def read_transform(name: str, settings: Any) -> dict[str, Any]:
    """Return the mapping of an entry that names a transform.

    Raises what `validated` reports as E-KEY: unknown names, unknown or missing arguments.
    """
    found = find_transform(name)
    if found is None:
        known = suggest_key(name, [*OWN, *read_signatures()])
        raise refuse("E-KEY", f"unknown {name!r}", MIXES.get(name, known))
    if settings is None:
        settings = {}
    elif not isinstance(settings, dict):
        if not found.parameters:
            raise refuse("E-KEY", f"{found.name} takes no settings, got {settings!r}")
        settings = {found.parameters[0]: settings}
    for key in settings:
        if key not in found.parameters:
            raise refuse("E-KEY", f"{found.name}: unknown key {key!r}", suggest_key(str(key), list(found.parameters)))
    missing = [key for key in found.parameters[: found.required] if key not in settings]
    if missing:
        raise refuse("E-KEY", f"{found.name}: missing {', '.join(missing)}", f"write {{{found.name}: {{{missing[0]}: ...}}}}")
    return {"kind": "transform", "name": found.name, "settings": {key: read_transform_setting(item) for key, item in settings.items()}}


def read_transform_setting(value: Any) -> Any:
    """Return a setting with numbers for texts such as `1k`; lists item by item.

    Raises what `validated` reports as E-VALUE: a number with any other unit, since torchvision knows none.
    """
    if isinstance(value, list):
        return [read_transform_setting(item) for item in value]
    return AS_COUNT.read(value)


def as_tuple(value: Any) -> Any:
    """Return a YAML list as a tuple, so that the recipe is immutable. Raises what `validated` reports as E-TYPE for a very long one."""
    if isinstance(value, list) and len(value) > MOST_TRANSFORMS:
        raise refuse("E-TYPE", f"{len(value):,} changes to each image; at most {MOST_TRANSFORMS}")
    return tuple(value) if isinstance(value, list) else value


class AugmentationSchema:
    """The JSON Schema of an entry: torchvision's names in the place of `transform`. Their arguments are left to `read_transform`."""

    @staticmethod
    def __get_pydantic_json_schema__(core: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        found = handler(core)
        if [*found] != ["anyOf"]:  # a generator that does not write alternatives as `name` or `{name: settings}`
            return found
        bare, full = found["anyOf"]
        full["properties"].pop("transform")
        ways = list_spellings()
        names = {"enum": sorted({*OWN, *ways})}
        alone = {way for way, name in ways.items() if not read_signatures()[name].required}
        return {"anyOf": [{"enum": sorted({*bare["enum"], *alone})}, full | {"additionalProperties": True, "propertyNames": names}]}


Entry = Annotated[Annotated[Crop | Flip | Transform, Field(discriminator="kind")], BeforeValidator(read_augment), AugmentationSchema]
Augment = Annotated[tuple[Entry, ...], BeforeValidator(as_tuple)]


FILES = ("_transform", "_augment", "_auto_augment", "_color", "_geometry", "_misc")
# not of one image, not of YAML's values, or the recipe's own business
LEFT_OUT = {
    "Transform", "MixUp", "CutMix", "Lambda", "LinearTransformation", "Normalize", "ToDtype", "ConvertImageDtype", "FiveCrop", "TenCrop",
    "RandomIoUCrop", "SanitizeBoundingBoxes", "SanitizeKeyPoints",
}  # fmt: skip


class TransformSignature(NamedTuple):
    """A transform: its class, and the names of its parameters in order; the first `required` have no default."""

    cls: str
    parameters: tuple[str, ...]
    required: int

    @property
    def name(self) -> str:
        """The class's name as a recipe writes it: `RandomErasing` is `random_erasing`."""
        return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", self.cls).lower()


@cache
def read_signatures() -> dict[str, TransformSignature]:
    """Return every transform by its name in snake case."""
    found = find_spec("torchvision")
    (home, *_) = (found and found.submodule_search_locations) or []
    place = Path(home) / "transforms" / "v2"
    trees = [ast.parse((place / f"{file}.py").read_text(encoding="utf-8")) for file in FILES]
    classes = {node.name: node for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)}
    shown = [name for name in classes if not name.startswith("_") and name not in LEFT_OUT]
    signed = [TransformSignature(name, *read_parameters(name, classes)) for name in shown]
    return {signature.name: signature for signature in signed}


def read_parameters(cls: str, classes: dict[str, ast.ClassDef]) -> tuple[tuple[str, ...], int]:
    """Return the parameters of a class's `__init__`, its own or its first base's that has one, and how many have no default."""
    if cls not in classes:
        return (), 0
    for node in classes[cls].body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            names = [argument.arg for argument in (*node.args.args[1:], *node.args.kwonlyargs)]
            return tuple(names), len(node.args.args) - 1 - len(node.args.defaults)
    bases = [base.id for base in classes[cls].bases if isinstance(base, ast.Name)]
    return read_parameters(bases[0], classes) if bases else ((), 0)


@cache
def list_spellings() -> dict[str, str]:
    """Return every way to write a name, with the name: `random_` may be left out (`rotation`), underscores too (`randaugment`)."""
    ways: dict[str, str] = {}
    for name in read_signatures():
        short = name.removeprefix("random_")
        for way in (short.replace("_", ""), name.replace("_", ""), short, name):
            ways.setdefault(way, name)
    return ways | {name: name for name in read_signatures()}


def find_transform(name: str) -> TransformSignature | None:
    """Return the transform of that name, however it is spelled, or None."""
    known = list_spellings().get(name)
    return read_signatures()[known] if known else None
