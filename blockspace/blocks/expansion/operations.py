"""Operations: a step of one operation becomes one node, or, for a convolution, convolution, norm and activation in their order."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, TypeVar

from blockspace.blocks.evaluate import INVALID, ArgumentScope, Invalid, InvalidRead, LexicalScope, Value, evaluate_node
from blockspace.blocks.expansion.context import ExpansionContext, Frame, StepValue, find_unit_scope
from blockspace.blocks.expansion.references import resolve_references
from blockspace.blocks.syntax import ACTIVATIONS, CONV, MERGES, NORMS, ORDERS, POOL, POOLS, SIMPLE, OpStep
from blockspace.blocks.typed_values import (
    check_integer,
    check_pair,
    evaluate_boolean,
    evaluate_integer,
    evaluate_pair,
    evaluate_real,
    evaluate_word,
    refuse_share,
)
from blockspace.errors import Mark, error
from blockspace.ops import AdaptiveAvgPool, AvgPool, BatchNorm, Conv, Flatten, GroupNorm, LayerNorm, Linear, Op, PadChannels, Shape
from blockspace.reader import Node

T = TypeVar("T")
MAX_KERNEL = 255
MAX_MERGED = 4096  # as many as a split has parts
NORM_WORDS = frozenset({*NORMS, "none"})
ACT_WORDS = frozenset({*ACTIVATIONS, "none"})


class StepSettings:
    """The settings of one step, evaluated when asked for; the main argument stands under its own name."""

    def __init__(self, step: OpStep, frame: Frame, main: str | None):
        self.step, self.env = step, frame.env
        self.nodes = dict(step.settings)
        if step.main is not None:
            if main is None:
                raise error("E-TYPE", f"{step.word} takes no argument", step.main.mark, f"write `- {step.word}`")
            self.nodes[main] = step.main
        self.pairs = {key: (node, frame.env) for key, node in self.nodes.items()}
        self.unit = find_unit_scope(frame.env)

    def __contains__(self, key: str) -> bool:
        return key in self.nodes

    def get(self, read: Callable[..., Any], key: str, default: Any = None, *args: Any) -> Any:
        """Return `read(node, env, what, ...)` for a setting that is given, else the default."""
        if key not in self.nodes:
            return default
        env = ArgumentScope(self.env, self.pairs, key) if len(self.pairs) > 1 else self.env
        found = read(self.nodes[key], env, f"{self.step.word}: {key}", *args)
        self.env.context.observe_setting(self, key, found)
        return found

    def value(self, key: str) -> Value | None:
        """Return the value of a setting, None when it is not given."""
        found: Value | None = self.get(lambda node, env, _: evaluate_node(node, env), key)
        return found

    def default(self, key: str, fallback: Any) -> Any:
        """Return the `defaults:` word in force here."""
        found = self.unit.default(key) if self.unit is not None else None
        return fallback if found is None else found


def expand_operation(context: ExpansionContext, step: OpStep, frame: Frame, source: StepValue) -> StepValue:
    """Add the nodes of an operation step to the graph and return the last one."""
    text = step.word
    base = step.name or step.as_ or frame.label or text
    op: Op | None
    if text in MERGES:
        return add_named_merge(context, step, frame, source, base)
    if source is INVALID:
        return check_settings_names(step, frame)
    shape = context.shape_of(source)
    if text in ("conv", "dwconv") or CONV.fullmatch(text):
        return add_convolution(context, step, frame, source, base)
    if match := POOL.fullmatch(text):
        op = make_pooling(StepSettings(step, frame, None), match[1], (int(match[2]), int(match[3])))
    elif text == "shortcut":
        return add_shortcut(context, step, frame, source, base)
    elif text == "norm":
        op = make_norm(StepSettings(step, frame, "norm"), shape[0])
    elif text == "global_avgpool":
        StepSettings(step, frame, None)
        op = AdaptiveAvgPool(1)
    else:
        op = make_registry_op(step, frame, shape)
        if isinstance(op, Linear) and len(shape) == 3 and shape[1:] == (1, 1):
            source = context.add_node(Flatten(), source, path=frame.path, base="flatten", mark=step.mark)
    return source if op is None else context.add_node(op, source, path=frame.path, base=base, mark=step.mark)


def check_settings_names(step: OpStep, frame: Frame) -> Invalid:
    """Evaluate the settings of a step after a mistake, so that unknown names in them are found too; return INVALID."""
    for node in [*step.settings.values(), *([step.main] if step.main is not None else [])]:
        try:
            evaluate_node(node, frame.env)
        except InvalidRead:
            pass
    return INVALID


# -- convolutions --------------------------------------------------------------------------------------------------------------------------


def add_convolution(context: ExpansionContext, step: OpStep, frame: Frame, source: StepValue, base: str) -> StepValue:
    """Add convolution, norm and activation, in the order the defaults or the step give."""
    settings = StepSettings(step, frame, "out")
    context.observe_setting(settings, "", None)
    kernel = read_kernel(step, settings)
    order = read_word(settings, "order", ORDERS, "conv-norm-act")
    op: Op | None
    path = context.unique_name(frame.path, base)
    for part in order.split("-"):
        channels = context.shape_of(source)[0]
        if part == "conv":
            op, name = make_convolution(step, settings, kernel, channels), "conv"
        elif part == "norm":
            op, name = make_norm(settings, channels), "norm"
        else:
            name = read_word(settings, "act", ACT_WORDS, "relu")
            op = None if name == "none" else ACTIVATIONS[name]()
        if op is not None:
            source = context.add_node(op, source, path=path, base=name, mark=step.mark)
    return source


def read_kernel(step: OpStep, settings: StepSettings) -> tuple[int, int]:
    """Return the kernel's (height, width), from the word or from `k:`. Raises E-KEY, E-TOO-BIG."""
    if match := CONV.fullmatch(step.word):
        kernel = int(match[2]), int(match[3])
    else:
        kernel = settings.get(evaluate_pair, "k")
        if kernel is None:
            raise error("E-KEY", f"{step.word} needs its kernel size", step.mark, f"write {step.word}: {{k: 3, ...}}, or {step.word}3x3")
    if not 1 <= min(kernel) <= max(kernel) <= MAX_KERNEL:
        raise error("E-TOO-BIG", f"{step.word}: a kernel of {kernel[0]}x{kernel[1]}; at most {MAX_KERNEL}", step.mark)
    return kernel


def make_convolution(step: OpStep, settings: StepSettings, kernel: tuple[int, int], channels: int) -> Conv:
    """Return the convolution of a step on `channels` input channels. Raises E-KEY, E-TYPE, E-INEXACT."""
    depthwise = step.word.startswith("dw")
    if "out" not in settings and not depthwise:
        raise error("E-KEY", f"{step.word} needs its output channels", step.mark, f"write {step.word}: 64, or {step.word}: same")
    if depthwise and "groups" in settings:
        raise error("E-KEY", f"{step.word} has one group per channel", settings.nodes["groups"].mark, "use conv with groups")
    if "out" in settings:
        refuse_share(settings.nodes["out"], f"{step.word}: out")
    found = settings.value("out")
    out = channels if found in (None, "same") else check_integer(found, f"{step.word}: out", settings.nodes["out"].mark)
    dilation = settings.get(evaluate_pair, "dilation", (1, 1))
    padding = settings.get(evaluate_pair, "padding", None, 0) or tuple(d * (k - 1) // 2 for d, k in zip(dilation, kernel))
    bias = settings.get(evaluate_boolean, "bias", settings.default("bias", False))
    groups = channels if depthwise else settings.get(evaluate_integer, "groups", 1)
    return Conv(channels, out, kernel, settings.get(evaluate_pair, "stride", (1, 1)), padding, dilation, groups, bias)


def make_norm(settings: StepSettings, channels: int) -> Op | None:
    """Return the norm in force, or None for `none`."""
    kind = read_word(settings, "norm", NORM_WORDS, "batch")
    if kind == "none":
        return None
    if kind == "batch":
        return BatchNorm(channels, read_number(settings, "bn_eps", 1e-5), read_number(settings, "bn_momentum", 0.1))
    eps = read_number(settings, "norm_eps", 1e-5)
    if kind == "layer":
        return LayerNorm(channels, eps)
    return GroupNorm(channels, eps, settings.get(evaluate_integer, "norm_groups", settings.default("norm_groups", 32)))


def read_number(settings: StepSettings, key: str, fallback: float) -> float:
    """Return a setting, or the default in force, as a float."""
    return float(settings.get(evaluate_real, key, settings.default(key, fallback)))


def read_word(settings: StepSettings, key: str, allowed: Collection[str], fallback: str) -> str:
    """Return a setting, or the default in force, that must be one of the allowed words."""
    if key in settings:
        return str(settings.get(evaluate_word, key, None, allowed))
    found = settings.default(key, fallback)
    if found not in allowed:
        raise error("E-TYPE", f"defaults: {key} is one of {', '.join(sorted(allowed))}; got {found}", settings.step.mark)
    return str(found)


# -- the others ----------------------------------------------------------------------------------------------------------------------------


def make_pooling(settings: StepSettings, kind: str, kernel: tuple[int, int]) -> Op:
    """Return the pooling called `kind`. Raises E-TYPE, E-INEXACT."""
    padding = settings.get(evaluate_pair, "padding", tuple((k - 1) // 2 for k in kernel), 0)
    extra = {"ceil_mode": settings.get(evaluate_boolean, "ceil_mode", settings.default("ceil_mode", False))}
    if POOLS[kind] is AvgPool:
        extra["count_include_pad"] = settings.get(evaluate_boolean, "count_include_pad", settings.default("count_include_pad", True))
    return POOLS[kind](kernel, settings.get(evaluate_pair, "stride", (1, 1)), padding, **extra)


def read_factor(node: Node, env: LexicalScope, what: str) -> float | str:
    """Return a number, or the word `learned`."""
    found = evaluate_node(node, env)
    return "learned" if found == "learned" else evaluate_real(node, env, what)


def read_size(node: Node, env: LexicalScope, what: str) -> int | tuple[int, int]:
    """Return one number for both axes, also where two are written that agree, or (height, width)."""
    height, width = evaluate_pair(node, env, what)
    return height if height == width else (height, width)


READ = {"Size": read_size, "int": evaluate_integer, "float": evaluate_real, "bool": evaluate_boolean, "Factor": read_factor}


def make_registry_op(step: OpStep, frame: Frame, shape: Shape) -> Op:
    """Return an op of the registry whose settings are its attributes."""
    cls = SIMPLE[step.word]
    declared = cls.settings()
    settings = StepSettings(step, frame, next(iter(declared), None))
    missing = [key for key in cls.required() if key not in settings]
    if missing:
        raise error("E-KEY", f"{step.word} needs `{missing[0]}`", step.mark, f"write {step.word}: VALUE")
    given = {key: settings.get(READ[kind], key) for key, (kind, _) in declared.items() if key in settings}
    return cls.make(shape, **given)


def add_named_merge(context: ExpansionContext, step: OpStep, frame: Frame, source: StepValue, base: str) -> StepValue:
    """Add a merge of named values: `add: a, b`."""
    if step.main is None:
        raise error("E-KEY", f"{step.word} needs the values it merges", step.mark, f"write {step.word}: a, b")
    values = resolve_references(step.main, frame, source, frame.env)
    if not values:
        raise error("E-REF", f"{step.word} merges nothing: every range is empty", step.main.mark)
    return add_merge(context, step.word, values, (), frame, step.mark, base)


def add_merge(
    context: ExpansionContext, kind: str, values: list[StepValue], labels: tuple[str, ...], frame: Frame, mark: Mark, base: str
) -> StepValue:
    """Add the merge of several values and return its node; a single value is returned as it is. Raises E-REF for a list of parts."""
    if any(isinstance(v, list) for v in values):
        raise error("E-REF", f"{kind} merges values, and one of these is a list of parts", mark)
    if len(values) == 1:
        return values[0]
    if len(values) > MAX_MERGED:
        raise error("E-TOO-BIG", f"{kind} merges {len(values):,} values; at most {MAX_MERGED:,}", mark, "merge them in groups")
    return context.add_node(MERGES[kind](), *values, path=frame.path, base=base, mark=mark, names=labels)


def add_shortcut(context: ExpansionContext, step: OpStep, frame: Frame, source: StepValue, base: str) -> StepValue:
    """Add a shortcut: identity where shape and channels agree; else convolution 1x1 and norm, without activation.

    `pool: avg` strides by average pooling first (ResNet-D, arXiv:1812.01187 figure 2c); `pool: pad` slices and pads with zero channels
    (option A, arXiv:1512.03385 section 4.2).
    """
    settings = StepSettings(step, frame, None)
    out = read_own_or_named(settings, "out", "out_channels", evaluate_integer, check_integer)
    stride = read_own_or_named(settings, "stride", "stride", evaluate_pair, check_pair)
    pool = read_word(settings, "pool", {"none", "avg", "pad"}, "none")
    channels = context.shape_of(source)[0]
    if stride == (1, 1) and out == channels:
        return source
    path = context.unique_name(frame.path, base)
    if pool == "pad":
        return add_padded_shortcut(context, source, path, step.mark, out, stride)
    if pool == "avg" and stride != (1, 1):
        pooled = AvgPool(stride, stride, (0, 0), ceil_mode=True, count_include_pad=False)
        source, stride = context.add_node(pooled, source, path=path, base="avgpool", mark=step.mark), (1, 1)
    source = context.add_node(Conv(channels, out, (1, 1), stride), source, path=path, base="conv", mark=step.mark)
    op = make_norm(settings, out)
    return source if op is None else context.add_node(op, source, path=path, base="norm", mark=step.mark)


def read_own_or_named(settings: StepSettings, key: str, name: str, read: Callable[..., T], check: Callable[[Any, str, Mark], T]) -> T:
    """Return a setting of `shortcut`, or the file's own name for it, read by `read` and checked by `check`."""
    if key in settings:
        own: T = settings.get(read, key)
        return own
    found = settings.env.find(name)
    if found is None:
        raise error(
            "E-NAME",
            f"shortcut needs `{name}`, which is not a name here",
            settings.step.mark,
            f"add a param, or write shortcut: {{{key}: ...}}",
        )
    return check(settings.env.lookup(name), name, settings.step.mark)


def add_padded_shortcut(
    context: ExpansionContext, source: StepValue, path: str, mark: Mark, out: int, stride: tuple[int, int]
) -> StepValue:
    """Add a shortcut that slices and pads with zero channels (option A, arXiv:1512.03385 section 4.2)."""
    if stride != (1, 1):
        source = context.add_node(POOLS["maxpool"]((1, 1), stride), source, path=path, base="stride", mark=mark)
    channels = context.shape_of(source)[0]
    if out == channels:
        return source
    return context.add_node(PadChannels(channels, out), source, path=path, base="pad", mark=mark)
