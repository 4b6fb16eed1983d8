"""Schemas of block and network files."""

from __future__ import annotations

from typing import Any

from blockspace.blocks import list_names, reference_pattern, syntax
from blockspace.schema import operation_schemas, step_schemas
from blockspace.schema.descriptions import DEFAULTS_MEAN, FILE_KEYS
from blockspace.schema.value_schemas import (
    NAME,
    SCALAR,
    Schema,
    any_of,
    choose_first,
    define_values as value_definitions,
    describe_value,
    has_keys,
    make_ref,
    object_schema,
)

TITLE = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
FLOWS = {"block": ("flow",), "network": ("stem", "stages", "head")}


def file_schema(kind: str) -> Schema:
    """Return the schema of a block file or a network file."""
    own = {"equation": SCALAR, "flow": True}
    if kind == "network":
        own = {"variants": variants_schema(), "input": shape_schema()} | dict.fromkeys(FLOWS["network"], True)
    properties: dict[str, Any] = {
        "format": {"const": f"blockspace/{kind}/1"},
        kind: {"type": ["string", "number"], "pattern": TITLE},
        "doc": SCALAR,
        "paper": SCALAR,
        "reference": reference_schema(kind),
        "params": section_schema(make_ref("param")),
        "let": section_schema({}),
        "require": any_of(make_ref("expression"), {"type": "array", "items": any_of(make_ref("expression"), {"type": "boolean"})}),
        "defaults": any_of(
            {"type": "null"}, object_schema({key: describe_value(default_schema(key), text) for key, text in DEFAULTS_MEAN.items()})
        ),
        **units_schema(),
        **own,
    }
    described_properties = {key: describe_value(schema if schema is not True else {}, FILE_KEYS[key]) for key, schema in properties.items()}
    needed = ("format", kind, "flow") if kind == "block" else ("format", kind)
    some = {} if kind == "block" else {"anyOf": [{"required": [key]} for key in FLOWS["network"]]}
    return object_schema(described_properties, needed, **some, **choose_flow_schema(kind)) | {"$defs": define_file_schemas()}


def units_schema() -> dict[str, Schema]:
    """Return the schemas of `blocks:` and `parts:`."""
    return {
        "blocks": section_schema(choose_first((has_keys(), make_ref("block")), otherwise={"type": "string"}), unit_name_schema()),
        "parts": section_schema(make_ref("part"), unit_name_schema()),
    }


def block_schema() -> Schema:
    """Return the schema of a block that `blocks:` holds: a block file's keys, of which it may leave out format and name."""
    own = {"format": {"const": "blockspace/block/1"}, "block": {"type": ["string", "number"], "pattern": TITLE}}
    said = {key: SCALAR for key in ("doc", "paper", "equation")} | {"reference": reference_schema("block")}
    return object_schema({**own, **said, **unit_schema(), **units_schema()}, ("flow",))


def section_schema(values: Schema, keys: Schema | None = None) -> Schema:
    """Return the schema of a mapping from names to values; it may be left empty."""
    return any_of({"type": "null"}, {"type": "object", "propertyNames": keys or param_name_schema(), "additionalProperties": values})


def reference_schema(kind: str) -> Schema:
    """Return the schema of a `reference:`."""
    return {"type": "string", "pattern": f"^(?:{reference_pattern(kind)})$"}


def variants_schema() -> Schema:
    """Return the schema of `variants:`: settings of params, and what a variant says of itself."""
    about = {"doc": SCALAR, "paper": SCALAR, "reference": reference_schema("network")}
    return section_schema({"type": "object", "properties": about}, {"pattern": TITLE})


def param_name_schema() -> Schema:
    """Return the schema of a param's name."""
    return {"pattern": NAME, "not": {"enum": sorted(syntax.RESERVED | syntax.OWN_NAMES)}}


def unit_name_schema() -> Schema:
    """Return the schema of a user's part or block name: not an operation, a library block or a word of the grammar."""
    taken = {*operation_schemas.list_step_keys(), *syntax.RESERVED, *syntax.OWN_NAMES, *syntax.STEP_KEYS, *list_names("block")}
    return {"pattern": NAME, "not": {"enum": sorted(taken)}}


def default_schema(key: str) -> Schema:
    """Return the schema of one of the `defaults:`."""
    if key == "init":
        return SCALAR
    return operation_schemas.setting_schema(key)


def shape_schema() -> Schema:
    """Return the schema of an input shape `[C, H, W]`."""
    return {"type": "array", "items": make_ref("integer"), "minItems": 3, "maxItems": 3}


def choose_flow_schema(kind: str) -> Schema:
    """Return the schema that chooses the steps that flows may hold, by the sections of the file."""

    def flows(degree: str) -> Schema:
        return {"properties": {key: make_ref(f"flow_{degree}") for key in FLOWS[kind]}}

    return choose_first(
        (any_of(has_keys("parts"), has_keys("blocks")), flows("open")),
        (any_of(has_keys("params"), has_keys("let")), flows("named")),
        otherwise=flows("closed"),
    )


def unit_schema() -> dict[str, Any]:
    """Return the schemas of the keys that parts and blocks have."""
    return {
        "params": section_schema(make_ref("param")),
        "let": section_schema({}),
        "require": True,
        "defaults": True,
        "flow": make_ref("flow_open"),
    }


def part_schema() -> Schema:
    """Return the schema of a part: a flow, or `{params, flow}`."""
    full = object_schema({**unit_schema(), "doc": SCALAR}, ("flow",))
    return choose_first((has_keys("flow"), full), otherwise=make_ref("flow_open"))


def define_file_schemas() -> Schema:
    """Return every definition that the schema of a file refers to."""
    return {
        **value_definitions(),
        **operation_schemas.define_operations(),
        **operation_schemas.define_blocks(),
        **step_schemas.define_steps(),
        "part": part_schema(),
        "block": block_schema(),
    }
