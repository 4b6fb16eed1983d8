"""Options read from YAML into pydantic models, with every mistake of a mapping reported at once in this project's own words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_serializer
from pydantic_core import PydanticCustomError

from blockspace.errors import BlockspaceError, Mark, Mistake, did_you_mean
from blockspace.inputs import expand_path

Path = tuple[str | int, ...]
M = TypeVar("M", bound=BaseModel)


class Options(BaseModel):
    """A mapping of settings: unknown keys, wrong types, NaN and infinity are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Choice(Options):
    """One alternative of several, written in YAML as its name or as `{name: {settings}}`; `kind` holds the name."""

    kind: str

    @model_serializer(mode="wrap")
    def _as_written(self, inner: Callable[[Options], dict[str, Any]]) -> dict[str, Any]:
        settings = inner(self)
        return {settings.pop("kind"): settings}


def unfold_choice(value: Any) -> Any:
    """Return `name` or `{name: {settings}}` as the flat mapping that pydantic's tagged unions read; other values unchanged."""
    if isinstance(value, str):
        return {"kind": value}
    if isinstance(value, dict) and len(value) == 1:
        ((name, settings),) = value.items()
        if settings is None or isinstance(settings, dict):
            return {"kind": name, **(settings or {})}
    return value


# A field that holds one of several `Choice` classes is of the type `Annotated[A | B, BY_KIND, UNFOLDED]`.
BY_KIND = Field(discriminator="kind")
UNFOLDED = BeforeValidator(unfold_choice)


def refuse(code: str, message: str, help: str | None = None) -> PydanticCustomError:
    """Return the error that a validator raises to be reported with a code and a next step of its own."""
    return PydanticCustomError("refusal", "{message}", {"code": code, "message": message, "help": help})


def check_path_option(text: str) -> str:
    """Return a path as it was written. Raises a refusal (E-FILE) for what is no path, or begins with `~` where no home is known."""
    try:
        expand_path(text)
    except BlockspaceError as e:
        raise refuse(e.mistakes[0].code, e.mistakes[0].message, e.mistakes[0].help) from None
    return text


PathText = Annotated[str, AfterValidator(check_path_option)]  # a path in a file: kept as written, expanded where it is used


def validate(model: type[M], values: Any, what: str, mark_of: Callable[[Path], Mark | None] | None = None) -> M:
    """Return `values` as a `model`; `what` names the section in messages and `mark_of` finds the place of a path in the file.

    Raises BlockspaceError with one mistake per fault: E-KEY for unknown or missing keys, E-TYPE for the rest.
    """
    try:
        return model.model_validate(values)
    except ValidationError as caught:
        raise BlockspaceError(*(describe_fault(model, fault, what, mark_of) for fault in caught.errors())) from None


def describe_fault(model: type[BaseModel], fault: Any, what: str, mark_of: Callable[[Path], Mark | None] | None) -> Mistake:
    """Return one of pydantic's faults in the form of this package's errors: what on what, the rule, what was got, the next step."""
    path: Path = fault["loc"]
    where = ".".join([what, *map(str, path)])
    mark = mark_of(path) if mark_of else None
    if fault["type"] == "extra_forbidden":
        known = known_keys(model, path[:-1])
        holder = ".".join([what, *map(str, path[:-1])])
        return Mistake("E-KEY", f"{holder}: unknown key {path[-1]!r}", mark, suggest_key(str(path[-1]), known))
    if fault["type"] == "refusal":
        return Mistake(fault["ctx"]["code"], f"{where}: {fault['ctx']['message']}", mark, fault["ctx"]["help"])
    if fault["type"] == "missing":
        return Mistake("E-KEY", f"{where}: missing", mark)
    if fault["type"] in ("union_tag_invalid", "union_tag_not_found", "model_attributes_type"):
        return unknown_choice(fault, where, mark)
    if fault["type"] == "model_type":
        keys = known_keys(model, path)
        help = f"write {path[-1]}: {{{keys[0]}: {fault['input']!r}}}; known: {', '.join(keys)}" if path and keys else ""
        return Mistake("E-TYPE", f"{where}: should be a mapping of settings, got {fault['input']!r}", mark, help)
    text = fault["msg"].removeprefix("Value error, ").removeprefix("Input ")
    got = "" if isinstance(fault["input"], dict) else f", got {fault['input']!r}"
    return Mistake("E-TYPE", f"{where}: {text}{got}", mark)


def unknown_choice(fault: Any, where: str, mark: Mark | None) -> Mistake:
    """Return the mistake for a name that a union does not have, or for a value that is not `name` or `{name: {settings}}`."""
    context = fault.get("ctx", {})
    if "tag" not in context:
        return Mistake("E-TYPE", f"{where}: should be a name or {{name: {{settings}}}}, got {fault['input']!r}", mark)
    known = [word.strip(" '") for word in context["expected_tags"].split(",")]
    return Mistake("E-KEY", f"{where}: unknown {context['tag']!r}", mark, suggest_key(context["tag"], known))


def suggest_key(word: str, known: list[str]) -> str:
    """Return the nearest of the known names, and all of them."""
    near = did_you_mean(word, known)
    return f"{near + ' ' if near else ''}known: {', '.join(sorted(known))}"


def known_keys(model: type[BaseModel], path: Path) -> list[str]:
    """Return the keys that the model at `path` inside `model` takes."""
    here = [model]
    for part in path:
        if isinstance(part, str):
            here = [inner for outer in here for inner in list_step_models(outer, part)]
    return [key for one in here for key in one.model_fields if key != "kind"]


def list_step_models(model: type[BaseModel], part: str) -> list[type[BaseModel]]:
    """Return the models under one part of a path: those of a field, or the model itself when the part is its tag."""
    if part in model.model_fields:
        return list_models(model.model_fields[part].annotation)
    tag = model.model_fields.get("kind")
    return [model] if tag is not None and tag.default == part else []


def list_models(annotation: Any) -> list[type[BaseModel]]:
    """Return every model named in a type."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for argument in get_args(annotation) for found in list_models(argument)]
