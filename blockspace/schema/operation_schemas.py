"""Schemas of operations, from the registry: each word with its settings, their types, defaults and what must be given."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import MISSING
from typing import Any

from blockspace.blocks import list_library_files, list_names, load, syntax
from blockspace.ops import OPS, Op
from blockspace.schema.descriptions import SETTINGS
from blockspace.schema.value_schemas import (
    IS_VALUE,
    Schema,
    any_of,
    choose_first,
    describe_value,
    has_keys,
    make_ref,
    object_schema,
    word_schema as one_word,
)

TYPES = {"Size": "pair", "int": "integer", "float": "number", "bool": "flag", "Factor": "factor"}
SIZE = r"\d{1,3}x\d{1,3}$"
KINDS = dict.fromkeys(("k", "stride", "dilation", "padding"), "pair") | dict.fromkeys(("out", "groups", "norm_groups"), "integer")
KINDS |= dict.fromkeys(("bias", "ceil_mode", "count_include_pad"), "flag")
NOTHING = {"type": "null"}

# Words of windows hold their kernel's size, so that a pattern stands for all of them: definition, pattern, examples.
PATTERNS = {
    "convolution": (f"^conv{SIZE}", ("conv1x1", "conv3x3", "conv5x5", "conv7x7", "conv1x7", "conv7x1")),
    "depthwise_convolution": (f"^dwconv{SIZE}", ("dwconv3x3", "dwconv5x5")),
    "max_pooling": (f"^maxpool{SIZE}", ("maxpool2x2", "maxpool3x3")),
    "average_pooling": (f"^avgpool{SIZE}", ("avgpool2x2", "avgpool3x3")),
}


def pattern_words() -> dict[str, str]:
    """Return example words of windows, each with the name of its definition."""
    return {word: name for name, (_, examples) in PATTERNS.items() for word in examples}


def setting_schema(key: str) -> Schema:
    """Return the schema of one setting of convolutions, pools, norms and shortcuts."""
    listed = {
        "act": (*syntax.ACTIVATIONS, "none"),
        "norm": (*syntax.NORMS, "none"),
        "order": tuple(syntax.ORDERS),
        "pool": ("none", "avg", "pad"),
    }
    if key in listed:
        return describe_value(one_word(*listed[key]), SETTINGS[key])
    return describe_value(make_ref(KINDS.get(key, "number")), SETTINGS[key])


def settings_schema(keys: Iterable[str], required: tuple[str, ...] = ()) -> Schema:
    """Return the schema of a mapping of these settings."""
    return object_schema({key: setting_schema(key) for key in keys}, required)


def argument_schema(main: Schema, inner: Schema) -> Schema:
    """Return the schema of an operation's value: settings, or its main argument (also a condition or a hole)."""
    return choose_first((IS_VALUE, main), ({"type": "object"}, inner), otherwise=main)


def define_operations() -> Schema:
    """Return one definition per operation, and per kind of window."""
    conv = ("k", *syntax.CONV_KEYS)
    depthwise = [key for key in syntax.CONV_KEYS if key != "groups"]
    pools = syntax.POOL_KEYS
    found = {
        "convolution": describe_value(
            argument_schema(make_ref("integer"), settings_schema(syntax.CONV_KEYS, ("out",))),
            f"{first_doc_line('conv')} Then norm and activation.",
        ),
        "depthwise_convolution": describe_value(
            argument_schema(any_of(make_ref("integer"), NOTHING), settings_schema(depthwise)),
            "A convolution with one group per channel, norm and activation.",
        ),
        "max_pooling": describe_value(any_of(NOTHING, settings_schema(pools[:3])), first_doc_line("maxpool")),
        "average_pooling": describe_value(any_of(NOTHING, settings_schema(pools)), first_doc_line("avgpool")),
        "op_conv": describe_value(
            settings_schema(conv, ("k", "out")), "A convolution whose kernel `k` is a setting, with norm and activation."
        ),
        "op_dwconv": describe_value(settings_schema(["k", *depthwise], ("k",)), "A depthwise convolution whose kernel `k` is a setting."),
        "op_norm": describe_value(
            argument_schema(any_of(one_word(*syntax.NORMS, "none"), NOTHING), settings_schema(syntax.NORM_KEYS)),
            "Normalisation: batch, layer, group.",
        ),
        "op_global_avgpool": describe_value(any_of(NOTHING, object_schema({})), "The mean over space: (C, H, W) -> (C, 1, 1)."),
        "op_shortcut": describe_value(
            any_of(NOTHING, settings_schema(syntax.SHORTCUT_KEYS)),
            "The value itself where its shape is right, else convolution 1x1 and norm.",
        ),
    }
    found |= {f"op_{name}": describe_value(make_ref("references"), first_doc_line(name)) for name in syntax.MERGES}
    return found | {f"op_{name}": describe_value(registry_op_schema(op), first_doc_line(name)) for name, op in syntax.SIMPLE.items()}


def first_doc_line(name: str) -> str:
    """Return the first line of an op's docstring."""
    return (OPS[name].__doc__ or "").strip().splitlines()[0]


def registry_op_schema(op: type[Op]) -> Schema:
    """Return the schema of an op whose settings are its attributes; the first may be given alone."""
    declared = op.settings()
    if not declared:
        return any_of(NOTHING, object_schema({}))
    inner = object_schema({key: typed_schema(*row) for key, row in declared.items()}, tuple(op.required()))
    main = typed_schema(*next(iter(declared.values())))
    return argument_schema(main if op.required() else any_of(NOTHING, main), inner)


def typed_schema(kind: str, default: Any) -> Schema:
    """Return the schema of an attribute of this type, with its default."""
    return make_ref(TYPES[kind]) | ({} if default is MISSING else {"default": default})


def setting_rows(word: str) -> list[tuple[str, str]]:
    """Return (setting, default as text) of an operation of the registry; an empty text for a required setting."""
    return [(key, "" if default is MISSING else str(default).lower()) for key, (_, default) in syntax.SIMPLE[word].settings().items()]


# -- blocks of the library -----------------------------------------------------------------------------------------------------------------


def define_blocks() -> Schema:
    """Return one definition per library block: its params with their meanings."""
    docs = {name: load(file).doc for name, file in list_library_files("block").items()}
    return {f"block_{name}": describe_value(any_of(NOTHING, object_schema(block_params(name))), doc) for name, doc in docs.items()}


def block_params(name: str) -> Schema:
    """Return the schemas of a library block's params, and of `stride`, which stages give to every block."""
    block = load(list_library_files("block")[name])
    found = {key: describe_value({}, f"{param.doc or key}; default {block.params[key]}") for key, param in block.file.params.items()}
    return {"stride": describe_value({}, SETTINGS["stride"])} | found


# -- where they stand ----------------------------------------------------------------------------------------------------------------------


def list_step_keys() -> Schema:
    """Return every word that may be a step's key, with its definition."""
    own = {word: make_ref(f"op_{word}") for word in (*sorted(syntax.STEP_WORDS), *syntax.MERGES, *syntax.SIMPLE)}
    shown = {word: make_ref(name) for word, name in pattern_words().items()}
    return own | shown | {name: make_ref(f"block_{name}") for name in list_names("block")}


def list_patterns() -> Schema:
    """Return the definitions of windows by pattern."""
    return {pattern: make_ref(name) for name, (pattern, _) in PATTERNS.items()}


def list_bare_words() -> list[str]:
    """Return the words that are a whole step: those that need no argument."""
    simple_words = [name for name, op in syntax.SIMPLE.items() if not op.required()]
    windows = [word for word in pattern_words() if not word.startswith("conv")]
    return sorted({*simple_words, "norm", "global_avgpool", "shortcut", *windows, *list_names("block")})


def bare_word_pattern() -> str:
    """Return the pattern of windows that need no argument."""
    return f"^(dwconv|maxpool|avgpool){SIZE}"


def list_incomplete_words() -> list[str]:
    """Return the words that are not a step by themselves: operations that need an argument."""
    return sorted({"conv", "dwconv", *syntax.MERGES, *(name for name, op in syntax.SIMPLE.items() if op.required())})


def list_block_settings() -> list[tuple[Schema, tuple[str, ...]]]:
    """Return the settings beside a `block:` step, by what its `block:` is: (test, keys)."""
    rows = {name: {"const": name} for name in list_names("block")}
    found = [(test, tuple(block_params(name))) for name, test in rows.items()]
    found.append(({"type": "string", "pattern": PATTERNS["convolution"][0]}, syntax.CONV_KEYS))
    return [(has_keys("block") | {"properties": {"block": test}}, keys) for test, keys in found]
