"""Schemas of steps and flows, in three degrees of what a file's own names allow.

A schema cannot look a name up, so it looks at which sections a file has. `closed`: no names of its own, a word is an operation or a
library block. `named`: params or lets, which may hold flows; a bare word may be any name. `open`: parts or blocks of its own; a key may be
any name too.
"""

from __future__ import annotations

from blockspace.blocks import syntax
from blockspace.schema import operation_schemas
from blockspace.schema.descriptions import STEP_KEYS_MEAN as MEAN
from blockspace.schema.value_schemas import (
    IS_VALUE,
    NAME,
    TERNARY,
    Schema,
    any_of,
    choose_first,
    describe_value,
    has_keys,
    make_ref,
    object_schema,
)

DEGREES = ("closed", "named", "open")
MERGES = tuple(sorted(syntax.MERGES))
LOOP = r"^\s*[A-Za-z_]\w*\s+in\s+.+\.\..+$"


class StepSchemas:
    """The definitions of one degree."""

    def __init__(self, degree: str):
        self.degree = degree

    def ref(self, name: str) -> Schema:
        """Return a reference to a definition of this degree."""
        return make_ref(f"{name}_{self.degree}")

    def definitions(self) -> Schema:
        """Return the definitions of this degree by name."""
        found = {
            "flow": choose_first(({"type": "array"}, {"items": self.ref("step")}), otherwise=self.ref("step")),
            "inner": self.inner(),
            "word": self.word(),
            "step": self.step(),
            "split": self.split(),
            "loop": self.loop(),
            "staged": self.staged(),
            "either": self.either(),
            "operation": self.operation(),
        }
        return {f"{name}_{self.degree}": schema for name, schema in found.items()}

    def word(self) -> Schema:
        """Return the schema of a bare word as a step."""
        if self.degree == "closed":
            return any_of(
                {"enum": operation_schemas.list_bare_words()}, {"type": "string", "pattern": operation_schemas.bare_word_pattern()}
            )
        named = {"type": "string", "pattern": NAME, "not": {"enum": operation_schemas.list_incomplete_words()}}
        return any_of({"enum": operation_schemas.list_bare_words()}, named)

    def inner(self) -> Schema:
        """Return the schema of a flow inside a split: a list, a step, a name that holds a flow, `none`, a condition or a hole."""
        return choose_first(
            ({"type": "array"}, self.ref("flow")),
            (IS_VALUE, make_ref("placeholder")),
            (has_keys(), self.ref("step")),
            otherwise=any_of({"const": "none"}, self.ref("word"), *([] if self.degree == "closed" else [make_ref("expression")])),
        )

    def words(self, *allowed: str) -> Schema:
        """Return the schema of one of these words, or of what may stand for one: in a file without names, only a condition."""
        other = {"type": "string", "pattern": TERNARY} if self.degree == "closed" else make_ref("expression")
        return any_of({"enum": list(allowed)}, other, make_ref("placeholder"))

    def step(self) -> Schema:
        """Return the schema of a step."""
        described_keys = {key: {"description": text} for key, text in MEAN.items()}
        cases = choose_first(
            (any_of(has_keys("split"), has_keys("branches")), self.ref("split")),
            (any_of(has_keys("do", "for"), has_keys("do", "repeat")), self.ref("loop")),
            (has_keys("block"), self.ref("staged")),
            (has_keys("if", "then"), self.ref("either")),
            (has_keys(), self.ref("operation")),
            otherwise=self.ref("word"),
        )
        return {"type": ["string", "object"], "properties": described_keys, **cases}

    def modifiers(self, *without: str) -> Schema:
        """Return the schemas of the keys that any step may carry."""
        label = {"type": "string", "pattern": r"^\w+$"}
        found = {"from": make_ref("references"), "as": label, "name": label, "if": make_ref("flag")}
        return {key: schema for key, schema in found.items() if key not in without}

    def split(self) -> Schema:
        """Return the schema of a split."""
        count = {"type": "object", "minProperties": 1, "maxProperties": 1}
        sizes = {"type": "array", "items": make_ref("number"), "minItems": 1}
        listed = sizes if self.degree == "closed" else any_of(sizes, make_ref("expression"))
        parts = object_schema({"copy": make_ref("integer"), "chunk": make_ref("integer"), "sizes": listed, "shares": listed}) | count
        ends = object_schema({"first": self.ref("inner"), "last": self.ref("inner")}) | count
        share = object_schema({"take": make_ref("number"), "join": self.words("concat", "add")}, ("take",))
        is_map = {"type": "object", "not": IS_VALUE}
        return object_schema(
            {
                "split": choose_first((is_map, parts), otherwise=self.words("copy", "chunk")),
                "branches": {"type": "object", "additionalProperties": self.ref("inner"), "minProperties": 1},
                "each": self.ref("inner"),
                "keep": choose_first((is_map, ends), otherwise=self.words("none", "first", "last")),
                "carry": choose_first((is_map, share), otherwise=self.words("none", "add", "concat", "half")),
                "merge": self.words(*MERGES),
                **self.modifiers(),
            }
        ) | {"not": has_keys("branches", "each")}

    def loop(self) -> Schema:
        """Return the schema of a loop."""
        keys = {"for": {"type": "string", "pattern": LOOP}, "repeat": make_ref("integer"), "do": self.ref("flow"), **self.modifiers()}
        return object_schema(keys, ("do",), oneOf=[{"required": ["for"]}, {"required": ["repeat"]}])

    def either(self) -> Schema:
        """Return the schema of `if`, `then`, `else`."""
        branch = any_of({"const": "none"}, self.ref("flow"))
        return object_schema({"if": make_ref("flag"), "then": branch, "else": branch, **self.modifiers("if")}, ("if", "then"))

    def staged(self) -> Schema:
        """Return the schema of a `block:` step; where the block is known, so are the settings beside it."""
        called = choose_first(
            ({"type": "array"}, self.ref("flow")),
            (IS_VALUE, make_ref("placeholder")),
            (has_keys(), self.ref("operation")),
            otherwise=self.called_word(),
        )
        own = {"block": called, "repeat": make_ref("integer"), "stride": make_ref("pair"), **self.modifiers()}
        known = [
            {"if": test, "then": {"propertyNames": {"enum": sorted({*own, *keys})}}}
            for test, keys in operation_schemas.list_block_settings()
        ]
        properties = {key: describe_value(schema, MEAN[key]) for key, schema in own.items()}
        return {"type": "object", "properties": properties, "required": ["block"], "allOf": known}

    def called_word(self) -> Schema:
        """Return the schema of the word of a `block:`: any operation but a merge, since its settings may be given beside it."""
        if self.degree == "closed":
            named = sorted({*operation_schemas.list_step_keys()} - set(MERGES))
            windows = [{"type": "string", "pattern": pattern} for pattern in operation_schemas.list_patterns()]
            return any_of({"enum": named}, *windows)
        return {"type": "string", "pattern": NAME, "not": {"enum": list(MERGES)}}

    def operation(self) -> Schema:
        """Return the schema of one operation or block, with modifiers beside it."""
        more: Schema | bool = False
        if self.degree == "open":
            more = choose_first((IS_VALUE, make_ref("placeholder")), otherwise={"type": ["object", "null"]})
        return {
            "type": "object",
            "properties": operation_schemas.list_step_keys() | {key: describe_value(s, MEAN[key]) for key, s in self.modifiers().items()},
            "patternProperties": operation_schemas.list_patterns(),
            "additionalProperties": more,
            "allOf": [make_ref("one_operation_0_0")],
        }


def count_modifiers() -> Schema:
    """Return the definitions `one_operation_i_k`: any modifiers from the i-th on, exactly k of those before, and one other key."""
    found = {}
    last = len(syntax.MODIFIERS)
    for i, key in enumerate(syntax.MODIFIERS):
        for k in range(i + 1):
            there, absent = make_ref(f"one_operation_{i + 1}_{k + 1}"), make_ref(f"one_operation_{i + 1}_{k}")
            found[f"one_operation_{i}_{k}"] = choose_first((has_keys(key), there), otherwise=absent)
    return found | {f"one_operation_{last}_{k}": {"minProperties": k + 1, "maxProperties": k + 1} for k in range(last + 1)}


def define_steps() -> Schema:
    """Return the definitions of steps, in every degree."""
    found = count_modifiers()
    for degree in DEGREES:
        found |= StepSchemas(degree).definitions()
    return found
