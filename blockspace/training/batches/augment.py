"""Augmentation as a recipe writes it: `[crop, flip, {rand_augment: {magnitude: 7}}, {rotation: 10}]`. No torch here.

`crop` and `flip` change a whole batch at a time; every other name is a transform of torchvision's and changes one image after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, model_serializer

from blockspace.options import Choice, refuse, suggest_key, unfold_choice
from blockspace.training.batches import transforms

Share = Annotated[float, Field(ge=0, le=1)]


class Crop(Choice):
    """A random window of the image's own size out of the image with `padding` black pixels on each side."""

    kind: Literal["crop"] = "crop"
    padding: Annotated[int, Field(ge=1, le=1024, description="pixels on each side")] = 2


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
    def _as_written(self, inner: Callable) -> dict:
        return {self.name: self.settings}


OWN = ("crop", "flip")
MIXES = {name: f"it mixes two images: write {name}: {{alpha: ...}} beside augment" for name in ("mixup", "cutmix")}


def read_augment(value: Any) -> Any:
    """One entry as the mapping of Crop, Flip or Transform: `name`, `{name: {settings}}`, or `{name: the first setting}`."""
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
    """An entry that names a transform. Raises what `validated` reports as E-KEY: unknown names, unknown or missing arguments."""
    found = transforms.find(name)
    if found is None:
        known = suggest_key(name, [*OWN, *transforms.signatures()])
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
    return {"kind": "transform", "name": found.name, "settings": settings}


def as_tuple(value: Any) -> Any:
    """A YAML list as a tuple, so that the recipe is immutable."""
    return tuple(value) if isinstance(value, list) else value


class Written:
    """The JSON Schema of an entry: torchvision's names in the place of `transform`. Their arguments are left to `read_transform`."""

    @staticmethod
    def __get_pydantic_json_schema__(core: Any, handler: GetJsonSchemaHandler) -> dict:
        found = handler(core)
        if [*found] != ["anyOf"]:  # a generator that does not write alternatives as `name` or `{name: settings}`
            return found
        bare, full = found["anyOf"]
        full["properties"].pop("transform")
        ways = transforms.spellings()
        names = {"enum": sorted({*OWN, *ways})}
        alone = {way for way, name in ways.items() if not transforms.signatures()[name].required}
        return {"anyOf": [{"enum": sorted({*bare["enum"], *alone})}, full | {"additionalProperties": True, "propertyNames": names}]}


Entry = Annotated[Annotated[Crop | Flip | Transform, Field(discriminator="kind")], BeforeValidator(read_augment), Written]
Augment = Annotated[tuple[Entry, ...], BeforeValidator(as_tuple)]
