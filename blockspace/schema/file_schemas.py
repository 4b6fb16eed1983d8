"""Schemas of block and network files."""

from __future__ import annotations

from typing import Any

from blockspace.blocks import list_names, reference_pattern, vocabulary
from blockspace.schema import operation_schemas, step_schemas
from blockspace.schema.descriptions import DEFAULTS_MEAN, FILE_KEYS
from blockspace.schema.value_schemas import NAME, SCALAR, Schema, any_of, chosen, described, has, mapping, ref
from blockspace.schema.value_schemas import definitions as value_definitions

TITLE = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
FLOWS = {"block": ("flow",), "network": ("stem", "stages", "head")}


def file_schema(kind: str) -> Schema:
    """The schema of a block file or a network file."""
    own = {"equation": SCALAR, "flow": True}
    if kind == "network":
        own = {"variants": variants(), "input": shape()} | Schema.fromkeys(FLOWS["network"], True)
    properties: dict[str, Any] = {
        "format": {"const": f"blockspace/{kind}/1"},
        kind: {"type": ["string", "number"], "pattern": TITLE},
        "doc": SCALAR,
        "paper": SCALAR,
        "reference": reference(kind),
        "params": section(ref("param")),
        "let": section({}),
        "require": any_of(ref("expression"), {"type": "array", "items": any_of(ref("expression"), {"type": "boolean"})}),
        "defaults": any_of({"type": "null"}, mapping({key: described(default(key), text) for key, text in DEFAULTS_MEAN.items()})),
        "blocks": section({"type": "string"}, unit_names()),
        "parts": section(ref("part"), unit_names()),
        **own,
    }
    described_properties = {key: described(schema if schema is not True else {}, FILE_KEYS[key]) for key, schema in properties.items()}
    needed = ("format", kind, "flow") if kind == "block" else ("format", kind)
    some = {} if kind == "block" else {"anyOf": [{"required": [key]} for key in FLOWS["network"]]}
    return mapping(described_properties, needed, **some, **by_degree(kind)) | {"$defs": definitions()}


def section(values: Schema, keys: Schema | None = None) -> Schema:
    """A mapping from names to values; left empty, nothing."""
    return any_of({"type": "null"}, {"type": "object", "propertyNames": keys or param_names(), "additionalProperties": values})


def reference(kind: str) -> Schema:
    return {"type": "string", "pattern": f"^(?:{reference_pattern(kind)})$"}


def variants() -> Schema:
    """The members of a network's family: params of the file, and what a variant says of itself."""
    about = {"doc": SCALAR, "paper": SCALAR, "reference": reference("network")}
    return section({"type": "object", "properties": about}, {"pattern": TITLE})


def param_names() -> Schema:
    return {"pattern": NAME, "not": {"enum": sorted(vocabulary.RESERVED | vocabulary.OWN_NAMES)}}


def unit_names() -> Schema:
    """Names of parts and blocks of one's own: no operation, no block of the library, no word of the grammar."""
    taken = {*operation_schemas.keyed(), *vocabulary.RESERVED, *vocabulary.OWN_NAMES, *vocabulary.STEP_KEYS, *list_names("block")}
    return {"pattern": NAME, "not": {"enum": sorted(taken)}}


def default(key: str) -> Schema:
    """The schema of one of the `defaults:`."""
    if key == "init":
        return SCALAR
    return operation_schemas.setting(key)


def shape() -> Schema:
    return {"type": "array", "items": ref("integer"), "minItems": 3, "maxItems": 3}


def by_degree(kind: str) -> Schema:
    """Which steps the flows may hold, by the sections the file has."""

    def flows(degree: str) -> Schema:
        return {"properties": {key: ref(f"flow_{degree}") for key in FLOWS[kind]}}

    return chosen(
        (any_of(has("parts"), has("blocks")), flows("open")),
        (any_of(has("params"), has("let")), flows("named")),
        otherwise=flows("closed"),
    )


def part() -> Schema:
    """A part of a file: a flow, or `{params, flow}`."""
    full = mapping(
        {
            "params": section(ref("param")),
            "let": section({}),
            "require": True,
            "defaults": True,
            "flow": ref("flow_open"),
            "doc": SCALAR,
        },
        ("flow",),
    )
    return chosen((has("flow"), full), otherwise=ref("flow_open"))


def definitions() -> Schema:
    return {
        **value_definitions(),
        **operation_schemas.definitions(),
        **operation_schemas.block_definitions(),
        **step_schemas.definitions(),
        "part": part(),
    }
