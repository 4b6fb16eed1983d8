"""Operations: a step of one operation becomes one node, or, for a convolution, convolution, norm and activation in their order."""

from __future__ import annotations

from blockspace.blocks.expansion.frame import unit_env
from blockspace.blocks.expansion.references import references
from blockspace.blocks.reading.syntax import OpStep
from blockspace.blocks.reading.words import ACTIVATIONS, CONV, MERGES, NORMS, ORDERS, POOL, POOLS, SIMPLE
from blockspace.blocks.values.meaning import UNKNOWN, ArgEnv, Silenced, as_integer, boolean, integer, pair, real, value, word
from blockspace.errors import error
from blockspace.ops import AdaptiveAvgPool, AvgPool, BatchNorm, Conv, Flatten, GroupNorm, LayerNorm, Linear, Op, PadChannels

MAX_KERNEL = 255
NORM_WORDS = frozenset({*NORMS, "none"})
ACT_WORDS = frozenset({*ACTIVATIONS, "none"})


class Settings:
    """The settings of one step, evaluated when asked for; the main argument stands under its own name."""

    def __init__(self, step: OpStep, frame, main: str | None):
        self.step, self.env = step, frame.env
        self.nodes = dict(step.settings)
        if step.main is not None:
            if main is None:
                raise error("E-TYPE", f"{step.word} takes no argument", step.main.mark, f"write `- {step.word}`")
            self.nodes[main] = step.main
        self.pairs = {key: (node, frame.env) for key, node in self.nodes.items()}
        self.unit = unit_env(frame.env)

    def __contains__(self, key: str) -> bool:
        return key in self.nodes

    def get(self, read, key: str, default=None, *args):
        """`read(node, env, what, ...)` for a setting that is given, else the default."""
        if key not in self.nodes:
            return default
        env = ArgEnv(self.env, self.pairs, key) if len(self.pairs) > 1 else self.env
        found = read(self.nodes[key], env, f"{self.step.word}: {key}", *args)
        self.env.run.noticed(self, key, found)
        return found

    def value(self, key: str):
        return self.get(lambda node, env, _: value(node, env), key)

    def default(self, key: str, fallback):
        """The `defaults:` word in force here."""
        found = self.unit.default(key) if self.unit is not None else None
        return fallback if found is None else found


def run_operation(run, step: OpStep, frame, source):
    """Add what `step` means to the graph; returns the last node."""
    text = step.word
    base = step.name or step.as_ or frame.label or text
    if text in MERGES:
        return named_merge(run, step, frame, source, base)
    if source is UNKNOWN:
        return probed(step, frame)
    shape = run.shape(source)
    if text in ("conv", "dwconv") or CONV.fullmatch(text):
        return convolution(run, step, frame, source, base)
    if match := POOL.fullmatch(text):
        op = pooling(Settings(step, frame, None), match[1], (int(match[2]), int(match[3])))
    elif text == "shortcut":
        return shortcut(run, step, frame, source, base)
    elif text == "norm":
        op = norm(Settings(step, frame, "norm"), shape[0])
    elif text == "global_avgpool":
        Settings(step, frame, None)
        op = AdaptiveAvgPool(1)
    else:
        op = simple(step, frame, shape)
        if isinstance(op, Linear) and len(shape) == 3 and shape[1:] == (1, 1):
            source = run.add(Flatten(), source, path=frame.path, base="flatten", mark=step.mark)
    return run.add(op, source, path=frame.path, base=base, mark=step.mark)


def probed(step: OpStep, frame):
    """A step after a mistake: its settings are read all the same, so that an unknown name in them is found too."""
    for node in [*step.settings.values(), *([step.main] if step.main is not None else [])]:
        try:
            value(node, frame.env)
        except Silenced:
            pass
    return UNKNOWN


# -- convolutions --------------------------------------------------------------------------------------------------------------------------


def convolution(run, step: OpStep, frame, source, base: str):
    """Convolution, norm and activation, in the order the defaults or the step give."""
    settings = Settings(step, frame, "out")
    run.noticed(settings, "", None)
    kernel = kernel_of(step, settings)
    order = one_word(settings, "order", ORDERS, "conv-norm-act")
    op: Op | None
    path = run.unique(frame.path, base)
    for part in order.split("-"):
        channels = run.channels(source)
        if part == "conv":
            op, name = conv_op(step, settings, kernel, channels), "conv"
        elif part == "norm":
            op, name = norm(settings, channels), "norm"
        else:
            name = one_word(settings, "act", ACT_WORDS, "relu")
            op = None if name == "none" else ACTIVATIONS[name]()
        if op is not None:
            source = run.add(op, source, path=path, base=name, mark=step.mark)
    return source


def kernel_of(step: OpStep, settings: Settings) -> tuple[int, int]:
    if match := CONV.fullmatch(step.word):
        kernel = int(match[2]), int(match[3])
    else:
        kernel = settings.get(pair, "k")
        if kernel is None:
            raise error("E-KEY", f"{step.word} needs its kernel size", step.mark, f"write {step.word}: {{k: 3, ...}}, or {step.word}3x3")
    if not 1 <= min(kernel) <= max(kernel) <= MAX_KERNEL:
        raise error("E-TOO-BIG", f"{step.word}: a kernel of {kernel[0]}x{kernel[1]}; at most {MAX_KERNEL}", step.mark)
    return kernel


def conv_op(step: OpStep, settings: Settings, kernel: tuple[int, int], channels: int) -> Conv:
    depthwise = step.word.startswith("dw")
    if "out" not in settings and not depthwise:
        raise error("E-KEY", f"{step.word} needs its output channels", step.mark, f"write {step.word}: 64, or {step.word}: same")
    if depthwise and "groups" in settings:
        raise error("E-KEY", f"{step.word} has one group per channel", settings.nodes["groups"].mark, "use conv with groups")
    found = settings.value("out")
    out = channels if found in (None, "same") else as_integer(found, f"{step.word}: out", settings.nodes["out"].mark)
    dilation = settings.get(pair, "dilation", (1, 1))
    padding = settings.get(pair, "padding", None, 0) or tuple(d * (k - 1) // 2 for d, k in zip(dilation, kernel))
    bias = settings.get(boolean, "bias", settings.default("bias", False))
    groups = channels if depthwise else settings.get(integer, "groups", 1)
    return Conv(channels, out, kernel, settings.get(pair, "stride", (1, 1)), padding, dilation, groups, bias)


def norm(settings: Settings, channels: int):
    """The norm in force, or None for `none`."""
    kind = one_word(settings, "norm", NORM_WORDS, "batch")
    if kind == "none":
        return None
    if kind == "batch":
        return BatchNorm(channels, number(settings, "bn_eps", 1e-5), number(settings, "bn_momentum", 0.1))
    eps = number(settings, "norm_eps", 1e-5)
    if kind == "layer":
        return LayerNorm(channels, eps)
    return GroupNorm(channels, eps, settings.get(integer, "norm_groups", settings.default("norm_groups", 32)))


def number(settings: Settings, key: str, fallback: float) -> float:
    """A setting, or the default in force."""
    return settings.get(real, key, settings.default(key, fallback))


def one_word(settings: Settings, key: str, allowed, fallback: str) -> str:
    """A setting, or the default in force, that must be one of the allowed words."""
    if key in settings:
        return settings.get(word, key, None, allowed)
    found = settings.default(key, fallback)
    if found not in allowed:
        raise error("E-TYPE", f"defaults: {key} is one of {', '.join(sorted(allowed))}; got {found}", settings.step.mark)
    return str(found)


# -- the others ----------------------------------------------------------------------------------------------------------------------------


def pooling(settings: Settings, kind: str, kernel: tuple[int, int]):
    padding = settings.get(pair, "padding", tuple((k - 1) // 2 for k in kernel), 0)
    extra = {"ceil_mode": settings.get(boolean, "ceil_mode", settings.default("ceil_mode", False))}
    if POOLS[kind] is AvgPool:
        extra["count_include_pad"] = settings.get(boolean, "count_include_pad", settings.default("count_include_pad", True))
    return POOLS[kind](kernel, settings.get(pair, "stride", (1, 1)), padding, **extra)


def factor(node, env, what: str):
    """A number, or the word `learned`."""
    found = value(node, env)
    return found if found == "learned" else real(node, env, what)


READ = {"int": integer, "float": real, "bool": boolean, "Factor": factor}


def simple(step: OpStep, frame, shape):
    """An op of the registry whose settings are its attributes."""
    cls = SIMPLE[step.word]
    declared = cls.settings()
    settings = Settings(step, frame, next(iter(declared), None))
    missing = [key for key in cls.required() if key not in settings]
    if missing:
        raise error("E-KEY", f"{step.word} needs `{missing[0]}`", step.mark, f"write {step.word}: VALUE")
    given = {key: settings.get(READ[kind], key) for key, (kind, _) in declared.items() if key in settings}
    return cls.make(shape, **given)


def named_merge(run, step: OpStep, frame, source, base: str):
    """`add: a, b`: a merge on named values."""
    if step.main is None:
        raise error("E-KEY", f"{step.word} needs the values it merges", step.mark, f"write {step.word}: a, b")
    values = references(step.main, frame, source, frame.env)
    if not values:
        raise error("E-REF", f"{step.word} merges nothing: every range is empty", step.main.mark)
    return merge(run, step.word, values, (), frame, step.mark, base)


def merge(run, kind: str, values: list, labels: tuple[str, ...], frame, mark, base: str):
    """One value from several; a single one passes through."""
    if any(isinstance(v, list) for v in values):
        raise error("E-REF", f"{kind} merges values, and one of these is a list of parts", mark)
    if len(values) == 1:
        return values[0]
    return run.add(MERGES[kind](), *values, path=frame.path, base=base, mark=mark, names=labels)


def shortcut(run, step: OpStep, frame, source, base: str):
    """Identity where shape and channels agree; else convolution 1x1 and norm, without activation.

    `pool: avg` strides by average pooling first (ResNet-D, arXiv:1812.01187 figure 2c); `pool: pad` slices and pads with zero channels
    (option A, arXiv:1512.03385 section 4.2).
    """
    settings = Settings(step, frame, None)
    out, stride = (own_or_named(settings, key, name) for key, name in (("out", "out_channels"), ("stride", "stride")))
    pool = one_word(settings, "pool", {"none", "avg", "pad"}, "none")
    channels = run.channels(source)
    if stride == 1 and out == channels:
        return source
    path = run.unique(frame.path, base)
    if pool == "pad":
        return option_a(run, source, path, step.mark, out, stride)
    if pool == "avg" and stride > 1:
        op = AvgPool((stride, stride), (stride, stride), (0, 0), ceil_mode=True, count_include_pad=False)
        source, stride = run.add(op, source, path=path, base="avgpool", mark=step.mark), 1
    source = run.add(Conv(channels, out, (1, 1), (stride, stride)), source, path=path, base="conv", mark=step.mark)
    op = norm(settings, out)
    return source if op is None else run.add(op, source, path=path, base="norm", mark=step.mark)


def own_or_named(settings: Settings, key: str, name: str) -> int:
    """A setting of `shortcut`, or the file's own name for it."""
    if key in settings:
        return settings.get(integer, key)
    found = settings.env.find(name)
    if found is None:
        raise error(
            "E-NAME",
            f"shortcut needs `{name}`, which is no name here",
            settings.step.mark,
            f"add a param, or write shortcut: {{{key}: ...}}",
        )
    return as_integer(settings.env.lookup(name), name, settings.step.mark)


def option_a(run, source, path: str, mark, out: int, stride: int):
    if stride > 1:
        source = run.add(POOLS["maxpool"]((1, 1), (stride, stride)), source, path=path, base="stride", mark=mark)
    channels = run.channels(source)
    if out == channels:
        return source
    return run.add(PadChannels(channels, out), source, path=path, base="pad", mark=mark)
