"""Syntax: the grammar's words, and flows: lists of steps, read once from positioned nodes.

Values inside a step stay nodes until they are evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import permutations
from typing import Protocol

from blockspace.blocks.foreign_names import explain_absence, find_step
from blockspace.errors import BlockspaceError, Mark, Mistake, did_you_mean, error, list_known
from blockspace.ops import OPS, Activation, Merge, Pool
from blockspace.reader import Map, Node, Scalar, Seq

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

CONDITION_KEYS = ("if", "then", "else")
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
MOST_MISTAKES = 100  # of one kind, before the rest is left
LOCAL = ("branches", "each", "keep", "as")  # names that are given inside are not seen behind


class CallableUnit(Protocol):
    """A block or part that steps can call, with params by name."""

    @property
    def params(self) -> Mapping[str, object]:
        """Return the params by name."""


class FlowNames(Protocol):
    """The file or part that a flow is written in: which blocks, parts and params its steps may name."""

    def unit(self, word: str) -> CallableUnit | None:
        """Return the block or part called `word`, or None."""

    def unit_names(self) -> list[str]:
        """Return the names of all blocks and parts."""

    def declares(self, name: str) -> bool:
        """Return whether `name` is a param or let."""


class FlowStep:
    """One step of a flow: the word it is known by, the modifiers any step may carry, and the node it is written as, when that has keys."""

    __slots__ = ("word", "mark", "node", "source", "as_", "name", "condition")

    def __init__(self, word: str, mark: Mark, node: Map | None = None):
        self.word, self.mark = word, mark
        self.node: Node | None = node
        get = node.items.get if node else lambda _: None
        self.source, self.condition = get("from"), get("if")
        self.as_, self.name = read_label(get("as"), "as"), read_label(get("name"), "name")


class BadStep(FlowStep):
    """A step that could not be read; `mistakes` say why. It is kept, so that the rest of the flow is still looked at."""

    __slots__ = ("mistakes",)

    def __init__(self, node: Node, mistakes: tuple[Mistake, ...]):
        super().__init__("bad", node.mark)
        self.node, self.mistakes = node, mistakes


class OpStep(FlowStep):
    """An operation: its main argument (or None) and its settings."""

    __slots__ = ("main", "settings")

    def __init__(self, word: str, mark: Mark, node: Map | None, main: Node | None, settings: dict[str, Node]):
        super().__init__(word, mark, node)
        self.main, self.settings = main, settings


class BlockStep(FlowStep):
    """A block, a part, or what a param holds; `what` is a word's Scalar or a structure, `settings` stand beside it."""

    __slots__ = ("what", "settings", "repeat", "stride", "staged")

    def __init__(self, mark: Mark, node: Map | None, what: Node, settings: dict[str, Node], staged: bool):
        super().__init__(what.text if isinstance(what, Scalar) else "block", mark, node)
        self.what, self.settings, self.staged = what, settings, staged
        self.repeat = settings.pop("repeat", None) if staged else None
        self.stride = settings.get("stride") if staged else None


class SplitStep(FlowStep):
    """Split, transform, merge."""

    __slots__ = SPLIT_KEYS
    split: Node | None
    branches: Node | None
    each: Node | None
    keep: Node | None
    carry: Node | None
    merge: Node | None

    def __init__(self, mark: Mark, node: Map):
        super().__init__("split", mark, node)
        for key in SPLIT_KEYS:
            setattr(self, key, node.get(key))


class LoopStep(FlowStep):
    """`for: i in a..b` or `repeat: n`, with `do:`."""

    __slots__ = ("loop", "do")

    def __init__(self, mark: Mark, node: Map):
        super().__init__("for" if "for" in node else "repeat", mark, node)
        self.loop, self.do = node.items.get("for") or node.items["repeat"], node.items["do"]


class IfStep(FlowStep):
    """`if`, `then`, `else` as a step: one of two flows."""

    __slots__ = ("test", "then", "otherwise")

    def __init__(self, mark: Mark, node: Map):
        super().__init__("if", mark, node)
        self.test, self.condition = node.items["if"], None
        self.then, self.otherwise = node.items["then"], node.get("else")


def read_label(node: Node | None, key: str) -> str | None:
    """Return the text of `as:` or `name:`. Raises E-NAME, E-WORD."""
    if node is None:
        return None
    if not isinstance(node, Scalar) or not (node.text.isascii() and node.text.replace("_", "a").isalnum()):
        raise error("E-NAME", f"`{key}:` needs one word of letters, digits and _", node.mark)
    if key == "as" and node.text in ("input", "prev"):
        raise error("E-WORD", f"{node.text!r} is a word of the grammar", node.mark, "choose another name")
    return node.text


def parse_flow(node: Node, file: FlowNames) -> list[FlowStep]:
    """Return the steps of a flow written in `file`; a BadStep where one cannot be read."""
    if node.parsed is not None and not isinstance(node, Scalar):
        return node.parsed
    steps: list[FlowStep] = []
    bad = 0
    for item in node.items if isinstance(node, Seq) else [node]:
        try:
            steps.append(parse_step(item, file))
        except BlockspaceError as e:
            steps.append(BadStep(item, e.at(item.mark).mistakes))
            bad += 1
        if bad >= MOST_MISTAKES:
            break
    if not isinstance(node, Scalar):
        node.parsed = steps
    return steps


def list_value_names(node: Node | None) -> Iterator[str]:
    """Yield the names that a step, and the steps in it whose names are visible after it, give to values."""
    if isinstance(node, Map):
        name = node.get("as")
        if isinstance(name, Scalar):
            yield name.text
        node = Seq([value for key, value in node.items.items() if key not in LOCAL], node.mark)
    if isinstance(node, Seq):
        for item in node.items:
            yield from list_value_names(item)


def parse_step(node: Node, file: FlowNames) -> FlowStep:
    """Return one step. Raises BlockspaceError."""
    if isinstance(node, Scalar):
        return parse_word_step(node, file)
    if isinstance(node, Seq):
        raise error("E-TYPE", "a list where a step was expected", node.mark, "a step is a word, or `operation: argument`")
    if "split" in node or "branches" in node:
        return strict(node, SplitStep, (*SPLIT_KEYS, *MODIFIERS))
    if "do" in node and ("for" in node or "repeat" in node):
        return strict(node, LoopStep, ("for", "repeat", "do", *MODIFIERS))
    if "block" in node:
        settings = {key: value for key, value in node.items.items() if key != "block" and key not in MODIFIERS}
        return BlockStep(node.keys["block"], node, node.items["block"], settings, staged=True)
    if "if" in node and "then" in node:
        return strict(node, IfStep, ("if", "then", "else", *[m for m in MODIFIERS if m != "if"]))
    return parse_operation_step(node, file)


def strict(node: Map, cls: type[SplitStep | LoopStep | IfStep], allowed: tuple[str, ...]) -> FlowStep:
    """Return a step of fixed keys. Raises E-KEY."""
    refuse_unknown_keys(node, allowed, cls.__name__.removesuffix("Step").lower())
    first = next(iter(node.keys))
    return cls(node.keys[first], node)


def refuse_unknown_keys(node: Map, allowed: Sequence[str], what: str) -> None:
    """Raise E-KEY for every key of `node` that is not allowed."""
    unknown = [key for key in node.items if key not in allowed][:MOST_MISTAKES]
    if unknown:
        raise BlockspaceError(*(comma_mistake(node, key) or unknown_key_mistake(key, node.keys[key], allowed, what) for key in unknown))


def comma_mistake(node: Map, key: str) -> Mistake | None:
    """Return the mistake of a `{out: max(1, w)}`, where YAML splits at the comma inside the braces; None for other keys."""
    value = node.items[key]
    if not (isinstance(value, Scalar) and not value.text and not value.quoted):
        return None
    return Mistake(
        "E-KEY", f"YAML splits {{...}} at each comma, which makes {key!r} a key", node.keys[key], 'quote the value before it: "a, b"'
    )


def unknown_key_mistake(key: str, mark: Mark, allowed: Sequence[str], what: str) -> Mistake:
    """Return E-KEY for an unknown setting, with the nearest known one."""
    known = list_known(allowed) if allowed else f"{what} takes no settings"
    hint = suggest_word(key, allowed)
    return Mistake("E-KEY", f"{what} has no setting {key!r}", mark, f"{hint} {known}" if hint else known)


def parse_word_step(node: Scalar, file: FlowNames) -> FlowStep:
    """Return the step of one word: `relu`, `my_part`, or the name of a param that holds a flow. Raises E-OP."""
    if is_operation(node.text):
        return OpStep(node.text, node.mark, None, None, {})
    if file.unit(node.text) or file.declares(node.text):
        return BlockStep(node.mark, None, node, {}, staged=False)
    raise unknown_operation_error(node.text, node.mark, file)


def unknown_operation_error(word: str, mark: Mark, file: FlowNames) -> BlockspaceError:
    """Return E-OP for an unknown word, with the step to write for a name from elsewhere, or the nearest operation or block."""
    if step := find_step(word):
        return error("E-OP", f"unknown operation {word!r}", mark, f"write `{step}`")
    if absent := explain_absence(word):
        return error("E-OP", f"there is no operation {word!r}", mark, f"{absent}; `blockspace ls --ops` lists the operations")
    known = [*list_operation_words(), *file.unit_names()]
    return error("E-OP", f"unknown operation {word!r}", mark, suggest_word(word, known) or "`blockspace ls` lists operations and blocks")


def parse_operation_step(node: Map, file: FlowNames) -> FlowStep:
    """Return the step of `word: argument`, with modifiers beside it. Raises E-KEY, E-OP."""
    words = [key for key in node.items if key not in MODIFIERS]
    if len(words) != 1:
        operations = [w for w in words if is_operation(w) or file.unit(w)]
        if len(operations) == 1:
            raise BlockspaceError(*explain_misplaced_settings(node, operations[0], [w for w in words if w not in operations], file))
        if not words:
            raise error("E-KEY", "a step without an operation", node.mark, "give one operation, `block:`, or `split:`")
        raise error(
            "E-KEY",
            f"one operation a step, got {', '.join(words)}",
            node.keys[words[1]],
            "start each step with '- '; quote text with commas",
        )
    word = words[0]
    mark, value = node.keys[word], node.items[word]
    if file.unit(word) and not is_operation(word):
        return BlockStep(mark, node, Scalar(word, mark), read_block_settings(word, value), staged=False)
    if not is_operation(word):
        raise unknown_operation_error(word, mark, file)
    main, settings = read_arguments(word, value)
    return OpStep(word, mark, node, main, settings)


def explain_misplaced_settings(node: Map, word: str, extra: list[str], file: FlowNames) -> list[Mistake]:
    """Return the mistakes of keys beside an operation or block that belong inside it, or are not settings of it."""
    if cut := comma_mistake(node, extra[0]):
        return [cut]
    unit = file.unit(word)
    allowed = list_settings(word) if unit is None or is_operation(word) else tuple(unit.params)
    main, inside = node.items[word], [key for key in extra if key in allowed]
    first = [f"out: {main.text}"] if CONV.fullmatch(word) and isinstance(main, Scalar) and main.text else []
    help = f"write {word}: {{{', '.join([*first, *(f'{key}: ...' for key in inside)])}}}"
    return [
        Mistake("E-KEY", f"{key!r} is given next to {word!r}, not inside it", node.keys[key], help)
        if key in inside
        else unknown_key_mistake(key, node.keys[key], allowed, word)
        for key in extra
    ]


def read_block_settings(word: str, value: Node) -> dict[str, Node]:
    """Return the settings of a block used as an operation. Raises E-TYPE."""
    if isinstance(value, Map):
        return dict(value.items)
    if isinstance(value, Scalar) and not value.text:
        return {}
    raise error("E-TYPE", f"{word} is a block: its settings are named", value.mark, f"write {word}: {{setting: value}}")


def read_arguments(word: str, value: Node) -> tuple[Node | None, dict[str, Node]]:
    """Return the main argument and the settings of an operation; an `{if, then, else}` or a hole is the main argument."""
    if word in MERGES:
        return value, {}
    if isinstance(value, Scalar) and not value.text and not value.quoted:
        return None, {}
    if not isinstance(value, Map) or is_value(value):
        return value, {}
    refuse_unknown_keys(value, list_settings(word), word)
    return None, dict(value.items)


def is_value(node: Node) -> bool:
    """Return whether a node is a mapping that stands for a value (condition, hole, unknown) rather than settings."""
    return isinstance(node, Map) and ("search" in node or "solve" in node or ("if" in node and "then" in node))


def list_settings(word: str) -> tuple[str, ...]:
    """Return the settings that an operation knows."""
    if word in MERGES:
        return ()
    if word in ("conv", "dwconv"):
        return ("k", *CONV_KEYS)
    if CONV.fullmatch(word):
        return CONV_KEYS
    if match := POOL.fullmatch(word):
        return POOL_KEYS if match[1] == "avgpool" else POOL_KEYS[:3]
    if word in STEP_WORDS:
        return {"norm": NORM_KEYS, "shortcut": SHORTCUT_KEYS, "global_avgpool": ()}[word]
    return tuple(SIMPLE[word].settings())


def is_operation(word: str) -> bool:
    """Return whether `word` is an operation of the grammar (blocks and parts are not)."""
    return word in SIMPLE or word in STEP_WORDS or word in MERGES or bool(CONV.fullmatch(word) or POOL.fullmatch(word))


def list_operation_words() -> list[str]:
    """Return examples of every operation, for suggestions."""
    windows = [f"{op}{k}x{k}" for op in ("conv", "dwconv", "maxpool", "avgpool") for k in (1, 2, 3, 5, 7)]
    return sorted({*SIMPLE, *STEP_WORDS, *MERGES, *windows})


def suggest_word(word: str, known: Iterable[str]) -> str | None:
    """Return a suggestion for a word that is not among `known`, or None."""
    known = list(known)
    right = LIKELY.get(word)
    return f"did you mean {right!r}?" if right in known else did_you_mean(word, known)
