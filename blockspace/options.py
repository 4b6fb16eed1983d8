"""Options read from YAML into pydantic models, with every mistake of a mapping reported at once in this project's own words."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    model_serializer,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from blockspace.errors import BlockspaceError, Mark, Mistake, did_you_mean
from blockspace.inputs import expand_path
from blockspace.units import (
    COUNT,
    PLAIN,
    SHARE,
    TIME,
    NumberKind,
    parse_measure,
    parse_plain_number,
    split_measure,
    to_int_or_float,
)

Path = tuple[str | int, ...]
M = TypeVar("M", bound=BaseModel)


MOST_FAULTS = 50  # mistakes of one mapping that are described


class Options(BaseModel):
    """A mapping of settings: unknown keys, wrong types, NaN and infinity are refused. Nothing behind its key is the same as no settings."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _nothing_given(cls, value: Any) -> Any:
        return {} if value is None else value


class Measured:
    """The annotation of a setting that is a number of some kind: a text with a unit of it becomes the number, any other unit is E-VALUE.

    Texts whose unit is one of `kept` stay as they are written. Stands last in an `Annotated[...]`, so that it reads the value first.
    """

    def __init__(self, kind: NumberKind, kept: Iterable[str] = ()):
        self.kind, self.kept = kind, frozenset(kept)

    def read(self, value: Any) -> Any:
        """Return a text with a unit as a number; every other value unchanged. Raises what `validate` reports."""
        if self.kind.needs_unit and isinstance(value, (int, float)) and not isinstance(value, bool):
            value = str(value)  # refused as the same text would be
        parts = split_measure(value) if isinstance(value, str) else None
        if parts is None or not (parts[1] or self.kind.needs_unit):
            return value
        try:
            number = parse_measure(value, self.kind)
        except BlockspaceError as e:
            raise refuse(e.mistakes[0].code, e.mistakes[0].message, e.mistakes[0].help) from None
        return value if number is None or parts[1] in self.kept else to_int_or_float(number)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.read, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        found = handler(core)
        own = [*found["anyOf"]] if [*found] == ["anyOf"] else [found]
        own = [one for one in own if one != {"type": "string"}] if self.kept else own  # a text is a number with a unit
        return {"anyOf": [*own, {"type": "string", "pattern": self.kind.pattern()}]}


AS_COUNT, AS_TIME, AS_SHARE, AS_PLAIN = (Measured(kind) for kind in (COUNT, TIME, SHARE, PLAIN))


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


class OwnKey(str):
    """The last part of a path that stands for a key itself, and not for its value."""

    __slots__ = ()


def validate(model: type[M], values: Any, what: str, mark_of: Callable[[Path], Mark | None] | None = None) -> M:
    """Return `values` as a `model`; `what` names the section in messages and `mark_of` finds the place of a path in the file.

    Raises BlockspaceError with one mistake per fault, at most `MOST_FAULTS`: E-KEY for unknown or missing keys, E-VALUE for units that do
    not fit, E-TYPE for the rest.
    """
    try:
        return model.model_validate(values)
    except ValidationError as caught:
        faults = list(group_faults(values, caught.errors()).items())[:MOST_FAULTS]
        section = Section(model, values, what, mark_of)
        raise BlockspaceError(*(describe_fault(section, path, some) for path, some in faults)) from None


class Section:
    """Values that a model refused: what they are called in messages, where they stand, and whether it takes another value in a place."""

    def __init__(self, model: type[BaseModel], values: Any, what: str, mark_of: Callable[[Path], Mark | None] | None):
        self.model, self.values, self.what, self.mark_of = model, values, what, mark_of

    def name(self, path: Path) -> str:
        """Return the dotted name of a place."""
        return ".".join([self.what, *map(str, path)])

    def mark(self, path: Path) -> Mark | None:
        """Return the place in the file."""
        return self.mark_of(path) if self.mark_of else None

    def accepts(self, path: Path, value: Any) -> bool:
        """Return whether the model takes `value` at `path` (`LEFT_OUT`: nothing there), whatever else is wrong."""
        changed = replace_value(self.values, path, value)
        try:
            self.model.model_validate(changed)
        except ValidationError as caught:
            return not any(found[: len(path)] == path for found in group_faults(changed, caught.errors()))
        return True


LEFT_OUT = object()


def replace_value(values: Any, path: Path, value: Any) -> Any:
    """Return a copy of nested mappings and lists with another value at `path`, or, for `LEFT_OUT`, without that key."""
    if not path:
        return value
    head, rest = path[0], path[1:]
    if isinstance(values, list) and isinstance(head, int):
        return [*values[:head], replace_value(values[head], rest, value), *values[head + 1 :]]
    if not isinstance(values, dict):
        return values
    if value is LEFT_OUT and not rest:
        return {key: item for key, item in values.items() if key != head}
    return {**values, head: replace_value(values.get(head), rest, value)}


def group_faults(values: Any, faults: Iterable[Any]) -> dict[Path, list[Any]]:
    """Return pydantic's faults by the path of the value they are about; a union gives one fault for each of its types."""
    found: dict[Path, list[Any]] = {}
    for fault in faults:
        found.setdefault(find_path(values, fault), []).append(fault)
    return found


def find_path(values: Any, fault: Any) -> Path:
    """Return the part of a fault's location that exists in the values, without the names of a union's types."""
    location: Path = fault["loc"]
    missing = location[-1:] if fault["type"] == "missing" else ()
    found: Path = ()
    for part in location[: len(location) - len(missing)]:
        if isinstance(values, dict) and part in values:
            values = values[str(part)]
        elif isinstance(values, list) and isinstance(part, int) and part < len(values):
            values = values[part]
        else:
            break
        found = (*found, part)
    return found + missing


def describe_fault(section: Section, path: Path, faults: list[Any]) -> Mistake:
    """Return pydantic's faults about one value in the form of this package's errors: the rule, what was got, the next step."""
    fault, where, mark = faults[0], section.name(path), section.mark(path)
    refused = next((one for one in faults if one["type"] == "refusal"), None)
    if refused is not None:
        return Mistake(refused["ctx"]["code"], f"{where}: {refused['ctx']['message']}", mark, refused["ctx"]["help"])
    if fault["type"] == "extra_forbidden":
        return unknown_key(section, path, fault["loc"])
    if fault["type"] == "missing":
        only = get_args(section.model.model_fields[str(path[0])].annotation) if len(path) == 1 else ()
        return Mistake("E-KEY", f"{where}: missing", mark, f"add `{path[0]}: {only[0]}`" if len(only) == 1 else None)
    if fault["type"] in ("union_tag_invalid", "union_tag_not_found", "model_attributes_type"):
        return unknown_choice(fault, where, mark)
    rules = [one["msg"].removeprefix("Value error, ").removeprefix("Input ") for one in faults if one["type"] != "model_type"]
    if len(rules) < len(faults):
        rules.append("should be a mapping of settings")
    rest = (rule.removeprefix("should be ") if rules[0].startswith("should be ") else rule for rule in dict.fromkeys(rules[1:]))
    text = " or ".join([rules[0], *rest])
    got = "" if isinstance(fault["input"], dict) else ", but nothing is given" if fault["input"] is None else f", got {fault['input']!r}"
    return Mistake("E-TYPE", f"{where}: {text}{got}", mark, suggest_setting(section, path, fault))


def unknown_key(section: Section, path: Path, location: Path) -> Mistake:
    """Return E-KEY for a key that a mapping does not have, with the known ones."""
    word = str(path[-1])
    help = suggest_key(word, known_keys(section.model, location[:-1]))
    return Mistake("E-KEY", f"{section.name(path[:-1])}: unknown key {word!r}", section.mark((*path[:-1], OwnKey(word))), help)


YES, NO = ("on", "yes", "y", "true", "enabled", "default"), ("off", "no", "n", "none", "false", "disabled")


def suggest_setting(section: Section, path: Path, fault: Any) -> str | None:
    """Return how to write what was probably meant, out of spellings that the model takes in this place; None where it takes none."""
    if not path:
        return None
    key, given = path[-1], fault["input"]
    keys = known_keys(section.model, fault["loc"]) if fault["type"] == "model_type" else []
    for value in list_meanings(given, keys):
        if section.accepts(path, value):
            known = f"; known: {', '.join(keys)}" if keys else ""
            return f"write {format_entry(key, value)}{known}"
    if section.accepts(path, LEFT_OUT):
        return f"leave {key} out for its default" + (f", or give settings of it: {', '.join(keys)}" if keys else "")
    return None


def list_meanings(given: Any, keys: list[str]) -> list[Any]:
    """Return what a refused value may stand for: a truth value, nothing, a number in quotes, or one setting of a section with `keys`."""
    found: list[Any] = []
    word = given.strip().lower() if isinstance(given, str) else ""
    found += [True] if word in YES else [False, None] if word in NO else []
    if word:
        try:
            number = parse_plain_number(word)
        except BlockspaceError:
            number = None
        found += [] if number is None else [to_int_or_float(number)]
    if given is not None and word not in (*YES, *NO):
        found += [{key: given} for key in keys]
    return found + ([True, {}] if keys and given is not None else [])


def format_entry(key: str | int, value: Any) -> str:
    """Return `key: value` as YAML writes it on one line."""
    if isinstance(value, dict):
        return f"{key}: {{{', '.join(format_entry(*item) for item in value.items())}}}"
    if value is None or isinstance(value, bool):
        return f"{key}: {'null' if value is None else str(value).lower()}"
    return f"{key}: {value}"


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
