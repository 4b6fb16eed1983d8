"""The grammar's vocabulary: reserved words, operation words, and the right word for a likely guess."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import permutations

from blockspace.ops import OPS, Activation, Merge, Pool

CONV = re.compile(r"(dw)?conv(\d{1,3})x(\d{1,3})")
POOL = re.compile(r"(maxpool|avgpool)(\d{1,3})x(\d{1,3})")

ACTIVATIONS = {name: op for name, op in OPS.items() if issubclass(op, Activation)}
POOLS = {name: op for name, op in OPS.items() if issubclass(op, Pool)}
MERGES = {name: op for name, op in OPS.items() if issubclass(op, Merge)}
NORMS = {"batch": "batch_norm", "layer": "layer_norm", "group": "group_norm"}
ORDERS = {"-".join(words) for words in permutations(("conv", "norm", "act"))}

VALUE_WORDS = frozenset({"copy", "chunk", "first", "last", "none", "half", "same", "true", "false", "pad", "avg", "learned"})
RESERVED = VALUE_WORDS | frozenset(ACTIVATIONS) | frozenset(MERGES) | frozenset(NORMS) | frozenset(ORDERS)
OWN_NAMES = frozenset({"input", "prev", "index", "part", "in_channels", "channels"})

# Words of steps that are not simply an op of the registry.
STEP_WORDS = frozenset({"conv", "dwconv", "norm", "global_avgpool", "shortcut"})
SIMPLE = {name: op for name, op in OPS.items() if op.step}

MODIFIERS = ("from", "as", "name", "if")
DEFAULTS = ("norm", "act", "order", "bias", "bn_eps", "bn_momentum", "norm_eps", "norm_groups", "init", "ceil_mode", "count_include_pad")
INHERITED = tuple(word for word in DEFAULTS if word not in ("order", "bias"))
NORM_SETTINGS = ("bn_eps", "bn_momentum", "norm_eps", "norm_groups")
CONV_KEYS = ("out", "groups", "stride", "dilation", "padding", "bias", "act", "norm", "order", *NORM_SETTINGS)
POOL_KEYS = ("stride", "padding", "ceil_mode", "count_include_pad")
NORM_KEYS = ("norm", *NORM_SETTINGS)
SHORTCUT_KEYS = ("out", "stride", "pool")
SPLIT_KEYS = ("split", "branches", "each", "keep", "carry", "merge")

STEP_KEYS = frozenset({*SPLIT_KEYS, *MODIFIERS, "for", "repeat", "do", "then", "else", "block"})

LIKELY = {  # rule 15: one spelling each
    "filters": "out", "out_ch": "out", "c": "out", "channels": "out", "out_channels": "out", "features": "out",
    "kernel_size": "k", "kernel": "k", "ks": "k",
    "strides": "stride", "pad": "padding", "num_groups": "groups",
    "sum": "add", "plus": "add", "cat": "concat", "concatenate": "concat", "multiply": "mul",
    "conv3": "conv3x3", "conv1": "conv1x1", "conv5": "conv5x5", "conv7": "conv7x7",
    "gap": "global_avgpool", "avg_pool": "avgpool3x3", "max_pool": "maxpool3x3", "fc": "linear", "dense": "linear",
    "activation": "act", "bn": "norm", "batchnorm": "norm", "shuffle": "channel_shuffle", "depthwise": "dwconv3x3",
    "swish": "silu", "maxpool": "maxpool3x3", "avgpool": "avgpool3x3",
}  # fmt: skip


def is_operation(word: str) -> bool:
    """Return whether `word` is an operation of the grammar (blocks and parts are not)."""
    return word in SIMPLE or word in STEP_WORDS or word in MERGES or bool(CONV.fullmatch(word) or POOL.fullmatch(word))


def list_operation_words() -> list[str]:
    """Examples of every operation, for suggestions."""
    windows = [f"{op}{k}x{k}" for op in ("conv", "dwconv", "maxpool", "avgpool") for k in (1, 2, 3, 5, 7)]
    return sorted({*SIMPLE, *STEP_WORDS, *MERGES, *windows})


def suggest_word(word: str, known: Iterable[str]) -> str | None:
    """Return a suggestion for a word that is not among `known`, or None."""
    from blockspace.errors import did_you_mean

    known = list(known)
    right = LIKELY.get(word)
    return f"did you mean {right!r}?" if right in known else did_you_mean(word, known)
