"""Schemas of values: every number, word or switch of a step may also be an expression, a condition, a hole, or a solved unknown."""

from __future__ import annotations

from typing import Any

from blockspace.blocks import holes
from blockspace.schema.descriptions import PARAM_KEYS
from blockspace.units import DIGITS, NETWORK_NUMBER

# A number with a unit that numbers of a network do not take.
FOREIGN = rf"\s*{DIGITS}\s*(?!(?:{'|'.join(NETWORK_NUMBER.units)})?\s*$)[A-Za-zµ%]+\s*$"
# An expression as far as its letters show: no octal number, no power, nothing but names, numbers, operators and parentheses.
EXPRESSION = rf"^(?!\s*[+-]?0\d)(?!.*\*\*)(?!{FOREIGN})[\w\s+*/%().,<>=!-]+$"
TERNARY = r"^.+ if .+ else .+$"
NAME = r"^[A-Za-z_][A-Za-z0-9_]{0,63}$"
RANGE = r"^\s*-?\d+\s*\.\.\s*-?\d+\s*(step\s+\d+|log)?\s*$"
Schema = dict[str, Any]  # a JSON Schema, or a part of one

SCALAR: Schema = {"type": ["string", "number", "boolean"]}
LIST: Schema = {"type": "array", "items": {"type": ["string", "number"]}, "minItems": 1}  # of numbers, as [2, 1]


def make_ref(name: str) -> Schema:
    """Return a reference to a definition."""
    return {"$ref": f"#/$defs/{name}"}


def any_of(*options: Schema) -> Schema:
    """Return the schema of what fits one of the options."""
    return {"anyOf": list(options)}


def object_schema(properties: Schema, required: tuple[str, ...] = (), **extra: Any) -> Schema:
    """Return the schema of an object with these keys and no others."""
    needed = {"required": list(required)} if required else {}
    return {"type": "object", "properties": properties, **needed, "additionalProperties": False, **extra}


def choose_first(*cases: tuple[Schema, Schema], otherwise: Schema) -> Schema:
    """Return a schema where the first case whose test holds decides, so that a mistake is reported for the form that was meant."""
    for test, then in reversed(cases):
        otherwise = {"if": test, "then": then, "else": otherwise}
    return otherwise


def has_keys(*keys: str) -> Schema:
    """Return the test for an object with all of these keys."""
    return {"type": "object", "required": list(keys)}


IS_VALUE = any_of(has_keys("search"), has_keys("solve"), has_keys("if", "then"))


def word_schema(*allowed: str) -> Schema:
    """Return the schema of one of these words, or of what may stand for one."""
    return any_of({"enum": sorted(allowed)}, make_ref("expression"), make_ref("placeholder"))


def describe_value(schema: Schema, text: str) -> Schema:
    """Return the schema with a description, kept beside a `$ref`."""
    return {"description": text, **schema} if text else schema


def define_values() -> Schema:
    """Return the definitions of the values that steps and params are made of."""
    return {
        "expression": {"type": "string", "pattern": EXPRESSION, "maxLength": 512},
        "number": any_of({"type": "number"}, make_ref("expression"), make_ref("placeholder")),
        "factor": any_of({"const": "learned"}, {"type": "number"}, make_ref("expression"), make_ref("placeholder")),
        "integer": any_of({"type": "integer"}, make_ref("expression"), make_ref("placeholder")),
        "pair": any_of(make_ref("integer"), {"type": "array", "items": make_ref("integer"), "minItems": 2, "maxItems": 2}),
        "flag": any_of({"type": "boolean"}, make_ref("expression"), make_ref("placeholder")),
        "references": any_of({"type": "string", "minLength": 1}, {"type": "array", "items": {"type": "string"}, "minItems": 1}),
        "placeholder": {
            "type": "object",
            **choose_first(
                (has_keys("search"), make_ref("hole")), (has_keys("solve"), make_ref("solved")), otherwise=make_ref("condition")
            ),
        },
        "condition": object_schema({"if": make_ref("flag"), "then": True, "else": True}, ("if", "then")),
        "hole": object_schema(
            {
                "default": describe_value({}, PARAM_KEYS["default"]),
                "search": make_ref("domain"),
                "doc": describe_value(SCALAR, PARAM_KEYS["doc"]),
                "untied": describe_value({"type": ["boolean", "string"]}, PARAM_KEYS["untied"]),
            },
            ("search",),
        ),
        "solved": object_schema(
            {
                "default": describe_value(SCALAR, PARAM_KEYS["default"]),
                "solve": describe_value({"enum": list(holes.SOLVABLE)}, PARAM_KEYS["solve"]),
                "range": describe_value({"type": "string", "pattern": RANGE}, PARAM_KEYS["range"]),
                "doc": describe_value(SCALAR, PARAM_KEYS["doc"]),
            },
            ("solve", "range"),
        ),
        "domain": describe_value(
            any_of(
                {"type": "array", "items": any_of(SCALAR, LIST), "minItems": 1, "uniqueItems": True},
                {"type": "string", "pattern": RANGE},
                {"const": "inherit"},
                {"type": "object", "minProperties": 1},
            ),
            PARAM_KEYS["search"],
        ),
        "param": describe_value(
            choose_first(
                (has_keys("search"), make_ref("hole")),
                (has_keys("solve"), make_ref("solved")),
                (
                    any_of(has_keys("default"), has_keys("doc")),
                    object_schema({key: describe_value({}, text) for key, text in PARAM_KEYS.items()}),
                ),
                otherwise={},
            ),
            "a value, an expression, a list of two numbers, a flow, or `{default, search, solve, range, doc}`",
        ),
    }
