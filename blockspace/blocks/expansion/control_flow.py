"""Expand control flow: conditions, loops, and the repeats of a `block:` step."""

from __future__ import annotations

import re

from blockspace.blocks.evaluate import Alternative, FlowValue, LexicalScope, Settings, evaluate_condition, evaluate_node
from blockspace.blocks.expansion.context import ExpansionContext, Frame, StepValue
from blockspace.blocks.syntax import RESERVED, BlockStep, IfStep, LoopStep
from blockspace.blocks.typed_values import evaluate_integer
from blockspace.errors import Mark, error
from blockspace.ops import Shape
from blockspace.reader import Map, Node, Scalar, Seq

MAX_ROUNDS = 50_000
MAX_BLOCKS = 10_000
MANY_ROUNDS = 64  # from here on it is foreseen whether rounds pass a limit


def expand_condition(context: ExpansionContext, step: IfStep, frame: Frame, source: StepValue) -> StepValue:
    """Expand the flow that the condition chooses."""
    chosen = step.then if evaluate_condition(step.test, frame.env) else step.otherwise
    if chosen is None or (isinstance(chosen, Scalar) and chosen.text == "none"):
        return source
    return context.expand_flow(chosen, frame, source)


def expand_loop(context: ExpansionContext, step: LoopStep, frame: Frame, source: StepValue) -> StepValue:
    """Expand `for: i in a..b` or `repeat: n`.

    Names made inside are visible after; each round gives them anew, and before it does, they are those of the round before.
    """
    variable, span = parse_loop_range(step, frame.env)
    if len(span) > MAX_ROUNDS:
        raise error("E-TOO-BIG", f"a loop of {len(span):,} rounds", step.mark, "fewer repeats")
    before = set(frame.values)
    alike = len(span) > MANY_ROUNDS and not mentions(step.do, variable or "index", "as")
    for number, i in enumerate(span, 1):
        size = measure_expansion(context, source)
        context.count_step(step.mark)
        names = {variable: i} if variable else {"index": i}
        again = frame.again | (set(frame.values) - before)
        source = context.expand_flow(step.do, Frame(LexicalScope(frame.env, names), frame.values, frame.path, again=again), source)
        if alike:
            foresee_rounds(context, size, source, len(span) - number, step.mark)
    return source


def mentions(node: Node | None, *words: str) -> bool:
    """Return whether a text in the node holds one of the words, or a key is one."""
    if isinstance(node, Scalar):
        return any(re.search(rf"\b{word}\b", node.text) for word in words)
    if isinstance(node, Map):
        return any(key in words or mentions(value, *words) for key, value in node.items.items())
    return isinstance(node, Seq) and any(mentions(item, *words) for item in node.items)


def measure_expansion(context: ExpansionContext, source: StepValue) -> tuple[int, int, Shape | None]:
    """Return the nodes and steps so far, and the shape of a value."""
    return len(context.graph), context.steps, context.shape_of(source) if isinstance(source, str) else None


def foresee_rounds(
    context: ExpansionContext, before: tuple[int, int, Shape | None], source: StepValue, rounds: int, mark: Mark | None
) -> None:
    """Raise E-TOO-BIG when rounds like the last one, which gave the shape that it got, pass a limit."""
    nodes, steps, shape = measure_expansion(context, source)
    if shape is not None and shape == before[2]:
        context.refuse_growth(rounds, nodes - before[0], steps - before[1], mark)


def parse_loop_range(step: LoopStep, env: LexicalScope) -> tuple[str | None, range]:
    """Return the loop's variable (None for `repeat:`) and its range. Raises E-EXPR, E-TYPE, E-TOO-BIG."""
    if step.word == "repeat":
        return None, range(1, evaluate_integer(step.loop, env, "repeat", 0, MAX_ROUNDS) + 1)
    text = step.loop.text if isinstance(step.loop, Scalar) else ""
    variable, inside, span = text.partition(" in ")
    low, dots, high = span.partition("..")
    if not (inside and dots and variable.strip().isidentifier()) or variable.strip() in RESERVED:
        raise error("E-EXPR", f"not a loop: {text!r}", step.loop.mark, "write `for: i in 2..splits`")
    mark, limit = step.loop.mark, 10**6
    bounds = [evaluate_integer(Scalar(t.strip(), mark), env, "a loop bound", -limit, limit) for t in (low, high)]
    return variable.strip(), range(bounds[0], bounds[1] + 1)


def expand_block(context: ExpansionContext, step: BlockStep, frame: Frame, source: StepValue) -> StepValue:
    """Expand `block:` with repeat and stride, or a block used as an operation."""
    if not step.staged:
        settings = {key: (node, frame.env) for key, node in step.settings.items()}
        return context.expand_callable(step.what, frame.env, settings, source, frame.path, step.name or step.word, step.mark)
    repeat = 1 if step.repeat is None else evaluate_integer(step.repeat, frame.env, "repeat", 0, MAX_BLOCKS)
    base = frame.label or step.name or step.word
    path = frame.path if step.repeat is None else context.unique_name(frame.path, base)
    roots = (context.holes.file.root, frame.env.unit.file.root)
    alike = repeat > MANY_ROUNDS and not any(mentions(root, "index") for root in roots)
    for index in range(1, repeat + 1):
        size = measure_expansion(context, source)
        place, settings = bind_stage(context, step, frame.env, index, source)
        name = base if step.repeat is None else f"block{index}"
        source = context.expand_callable(step.what, place, settings, source, path, name, step.mark)
        if alike and index > 1:
            foresee_rounds(context, size, source, repeat - index, step.mark)
    return source


def bind_stage(
    context: ExpansionContext, step: BlockStep, env: LexicalScope, index: int, source: StepValue
) -> tuple[LexicalScope, Settings]:
    """Return the names and settings for one of the repeated blocks: only the first strides."""
    channels = context.channels_of(source)
    place = LexicalScope(env, {"index": index, "in_channels": channels, "channels": channels})
    settings = {key: (node, place) for key, node in step.settings.items()}
    if step.stride is not None:
        own = LexicalScope(env, {"index": index})
        stride = evaluate_node(step.stride, own) if index == 1 else 1
        place.table["stride"] = stride
        listed = isinstance(stride, (Alternative, FlowValue))  # [2, 1], or what stands for it, stays as it is written
        settings["stride"] = (step.stride, own) if listed else (make_scalar(stride, step.stride.mark), place)
    elif not env.has("stride"):
        place.table["stride"] = 1
    return place, settings


def make_scalar(found: object, mark: Mark) -> Scalar:
    """Return a value as the node of its text."""
    return Scalar(str(found), mark)
