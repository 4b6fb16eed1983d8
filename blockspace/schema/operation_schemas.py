"""Schemas of operations, from the registry: each word with its settings, their types, defaults and what must be given."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import MISSING
from typing import Any

from blockspace.blocks import list_files, list_names, load, vocabulary
from blockspace.ops import OPS, Op
from blockspace.schema.descriptions import SETTINGS
from blockspace.schema.value_schemas import IS_VALUE, Schema, any_of, chosen, described, has, mapping, ref
from blockspace.schema.value_schemas import words as one_word

TYPES = {"int": "integer", "float": "number", "bool": "flag", "Factor": "factor"}
SIZE = r"\d{1,3}x\d{1,3}$"
KINDS = dict.fromkeys(("k", "stride", "dilation", "padding"), "pair") | Schema.fromkeys(("out", "groups", "norm_groups"), "integer")
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
    """Example words of windows, each with the name of its definition."""
    return {word: name for name, (_, examples) in PATTERNS.items() for word in examples}


def setting(key: str) -> Schema:
    """The schema of one setting of convolutions, pools, norms and shortcuts."""
    listed = {
        "act": (*vocabulary.ACTIVATIONS, "none"),
        "norm": (*vocabulary.NORMS, "none"),
        "order": tuple(vocabulary.ORDERS),
        "pool": ("none", "avg", "pad"),
    }
    if key in listed:
        return described(one_word(*listed[key]), SETTINGS[key])
    return described(ref(KINDS.get(key, "number")), SETTINGS[key])


def settings(keys: Iterable[str], required: tuple[str, ...] = ()) -> Schema:
    return mapping({key: setting(key) for key in keys}, required)


def argument(main: Schema, inner: Schema) -> Schema:
    """An operation's value: settings, or its main argument; a condition or a hole is a main argument."""
    return chosen((IS_VALUE, main), ({"type": "object"}, inner), otherwise=main)


def definitions() -> Schema:
    """One definition per operation, and per kind of window."""
    conv = ("k", *vocabulary.CONV_KEYS)
    depthwise = [key for key in vocabulary.CONV_KEYS if key != "groups"]
    pools = vocabulary.POOL_KEYS
    found = {
        "convolution": described(
            argument(ref("integer"), settings(vocabulary.CONV_KEYS, ("out",))), f"{first_line('conv')} Then norm and activation."
        ),
        "depthwise_convolution": described(
            argument(any_of(ref("integer"), NOTHING), settings(depthwise)), "A convolution with one group per channel, norm and activation."
        ),
        "max_pooling": described(any_of(NOTHING, settings(pools[:3])), first_line("maxpool")),
        "average_pooling": described(any_of(NOTHING, settings(pools)), first_line("avgpool")),
        "op_conv": described(settings(conv, ("k", "out")), "A convolution whose kernel `k` is a setting, with norm and activation."),
        "op_dwconv": described(settings(["k", *depthwise], ("k",)), "A depthwise convolution whose kernel `k` is a setting."),
        "op_norm": described(
            argument(any_of(one_word(*vocabulary.NORMS, "none"), NOTHING), settings(vocabulary.NORM_KEYS)),
            "Normalisation: batch, layer, group.",
        ),
        "op_global_avgpool": described(any_of(NOTHING, mapping({})), "The mean over space: (C, H, W) -> (C, 1, 1)."),
        "op_shortcut": described(
            any_of(NOTHING, settings(vocabulary.SHORTCUT_KEYS)), "The value itself where its shape is right, else convolution 1x1 and norm."
        ),
    }
    found |= {f"op_{name}": described(ref("references"), first_line(name)) for name in vocabulary.MERGES}
    return found | {f"op_{name}": described(simple(op), first_line(name)) for name, op in vocabulary.SIMPLE.items()}


def first_line(name: str) -> str:
    return (OPS[name].__doc__ or "").strip().splitlines()[0]


def simple(op: type[Op]) -> Schema:
    """An op whose settings are its attributes: the first may stand alone."""
    declared = op.settings()
    if not declared:
        return any_of(NOTHING, mapping({}))
    inner = mapping({key: typed(*row) for key, row in declared.items()}, tuple(op.required()))
    main = typed(*next(iter(declared.values())))
    return argument(main if op.required() else any_of(NOTHING, main), inner)


def typed(kind: str, default: Any) -> Schema:
    return ref(TYPES[kind]) | ({} if default is MISSING else {"default": default})


def setting_rows(word: str) -> list[tuple[str, str]]:
    """(setting, default as text) of an operation of the registry; empty text: it must be given."""
    return [(key, "" if default is MISSING else str(default).lower()) for key, (_, default) in vocabulary.SIMPLE[word].settings().items()]


# -- blocks of the library -----------------------------------------------------------------------------------------------------------------


def block_definitions() -> Schema:
    """One definition per library block: its params, and what each means."""
    docs = {name: load(file).doc for name, file in list_files("block").items()}
    return {f"block_{name}": described(any_of(NOTHING, mapping(params(name))), doc) for name, doc in docs.items()}


def params(name: str) -> Schema:
    """A library block's params; `stride` is known to every block, since stages give it."""
    block = load(list_files("block")[name])
    found = {key: described({}, f"{param.doc or key}; default {block.params[key]}") for key, param in block.file.params.items()}
    return {"stride": described({}, SETTINGS["stride"])} | found


# -- where they stand ----------------------------------------------------------------------------------------------------------------------


def keyed() -> Schema:
    """Every word that may be a step's key, with its definition."""
    own = {word: ref(f"op_{word}") for word in (*sorted(vocabulary.STEP_WORDS), *vocabulary.MERGES, *vocabulary.SIMPLE)}
    shown = {word: ref(name) for word, name in pattern_words().items()}
    return own | shown | {name: ref(f"block_{name}") for name in list_names("block")}


def patterned() -> Schema:
    return {pattern: ref(name) for name, (pattern, _) in PATTERNS.items()}


def bare() -> list[str]:
    """Words that are a whole step: what needs no argument."""
    simple_words = [name for name, op in vocabulary.SIMPLE.items() if not op.required()]
    windows = [word for word in pattern_words() if not word.startswith("conv")]
    return sorted({*simple_words, "norm", "global_avgpool", "shortcut", *windows, *list_names("block")})


def bare_pattern() -> str:
    return f"^(dwconv|maxpool|avgpool){SIZE}"


def incomplete() -> list[str]:
    """Words that are no step by themselves."""
    return sorted({"conv", "dwconv", *vocabulary.MERGES, *(name for name, op in vocabulary.SIMPLE.items() if op.required())})


def placed() -> list[tuple[Schema, tuple[str, ...]]]:
    """Settings beside a `block:` step, by what its `block:` is: (test, keys)."""
    rows = {name: {"const": name} for name in list_names("block")}
    found = [(test, tuple(params(name))) for name, test in rows.items()]
    found.append(({"type": "string", "pattern": PATTERNS["convolution"][0]}, vocabulary.CONV_KEYS))
    return [(has("block") | {"properties": {"block": test}}, keys) for test, keys in found]
