"""Split, transform, merge: the unit this grammar is about.

A value is split into parts, each part runs a flow, and the results merge. `keep` says which part passes untouched, `carry` what each part
hands to the next, `merge` how they come together (grammar, rule 4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from math import lcm

from blockspace.blocks.evaluate import INVALID, Alternative, FlowValue, InvalidRead, LexicalScope, Value, evaluate_node
from blockspace.blocks.expansion.context import ExpansionContext, Frame, StepValue
from blockspace.blocks.expansion.operations import add_merge
from blockspace.blocks.syntax import MERGES, SplitStep, is_value, parse_flow
from blockspace.blocks.typed_values import check_integer, evaluate_integer, evaluate_word, get_list, refuse_share
from blockspace.errors import BlockspaceError, Mark, Mistake, error
from blockspace.ops import Add, Concat, Copy, Part
from blockspace.reader import Map, Node, Scalar, Seq
from blockspace.units import Rational, is_number, make_fraction

MAX_PARTS = 4096

Keep = tuple[int | None, Node | None]  # the index of the kept part, and the flow it runs


class Branch:
    """One part of a split: its name, its flow (None: untouched), and the value it starts from."""

    __slots__ = ("name", "node", "mark", "env", "source")

    def __init__(self, name: str, node: Node | None, mark: Mark, env: LexicalScope, source: StepValue):
        self.name, self.node, self.mark, self.env, self.source = name, node, mark, env, source


class Carry:
    """The share that a part carries to the next: its whole output (`take` is None), or some of its last channels.

    `take` is (numerator, denominator).
    """

    __slots__ = ("take", "join")

    def __init__(self, take: tuple[int, int] | None, join: str):
        self.take, self.join = take, join


def expand_split(context: ExpansionContext, step: SplitStep, frame: Frame, source: StepValue) -> StepValue:
    """Return the merged value, or the list of results when there is no `merge:`."""
    branches = make_branches(context, step, frame, source)
    keep = cache(lambda: read_keep(step, frame, len(branches)))
    carry = cache(lambda: read_carry(step, frame))
    into = step.merge
    merging = cache(lambda: None if into is None else evaluate_word(into, frame.env, "merge", MERGES))
    if context.eager:
        read_all(keep, carry, merging)
    if into is not None:
        context.observe_merge([], len(branches))
    results: list[StepValue] = []
    for result in expand_branches(context, frame, branches, keep, carry):
        results.append(result)
        if into is not None:
            context.observe_merge(results, len(branches))
    kind = merging()
    if into is None or kind is None:
        return results
    labels = tuple(f"{b.name} = {{}} (line {b.mark.line})" for b in branches)
    return add_merge(context, kind, results, labels, frame, into.mark, step.name or step.as_ or kind)


def read_all(*reads: Callable[[], object]) -> None:
    """Call each of `reads`; the mistakes of all of them at once."""
    mistakes: list[Mistake] = []
    for read in reads:
        try:
            read()
        except BlockspaceError as e:
            mistakes.extend(e.mistakes)
    if mistakes:
        raise BlockspaceError(*mistakes)


# -- split ---------------------------------------------------------------------------------------------------------------------------------


def make_branches(context: ExpansionContext, step: SplitStep, frame: Frame, source: StepValue) -> list[Branch]:
    """Return the branches with the values they start from; a branch that is `none` does not exist."""
    if step.branches is not None and step.each is not None:
        raise error("E-KEY", "a split has `branches:` or `each:`, not both", step.mark, "keep one")
    named = list_branch_flows(step, frame)
    how, count, weights, mark = read_split(step, frame, len(named) if named is not None else None)
    if named is not None and count != len(named):
        raise error(
            "E-SPLIT",
            f"a split into {count} parts with {len(named)} branches",
            mark,
            f"write split: {{{how}: {len(named)}}}, or `split: {how}`",
        )
    sources = add_parts(context, how, count, weights, source, frame, mark)
    if named is not None:
        branches = [Branch(name, node, node.mark, env, src) for (name, node, env), src in zip(named, sources)]
        return [branch for branch in branches if not is_absent(branch)]
    return [
        Branch(f"part{i}", step.each, step.each.mark if step.each else step.mark, LexicalScope(frame.env, {"part": i}), src)
        for i, src in enumerate(sources, 1)
    ]


def is_absent(branch: Branch) -> bool:
    """Return whether a branch is `none`, directly or by what a name holds."""
    node = branch.node
    if isinstance(node, Scalar) and node.text == "none":
        return True
    if node is not None and (is_value(node) or isinstance(node, Scalar) and branch.env.has(node.text)):
        value = evaluate_node(node, branch.env)
        if isinstance(value, Alternative):
            return isinstance(value.node, Scalar) and value.node.text == "none"
        return value == "none"
    return False


def list_branch_flows(step: SplitStep, frame: Frame) -> list[tuple[str, Node, LexicalScope]] | None:
    """Return the flows of `branches:` by name; None without. Raises E-TYPE."""
    if step.branches is None:
        return None
    if not isinstance(step.branches, Map):
        raise error("E-TYPE", "`branches:` maps names to flows", step.branches.mark, "branches: {main: [...], skip: [shortcut]}")
    return [(name, node, frame.env) for name, node in step.branches.items.items()]


def read_split(step: SplitStep, frame: Frame, named: int | None) -> tuple[str, int, list[Value], Mark]:
    """Return (copy | chunk | sizes | shares, how many parts, sizes or shares where there are some, mark)."""
    node, env = step.split, frame.env
    if node is None:
        return "copy", named or 1, [], step.mark
    if is_value(node) or (isinstance(node, Scalar) and env.has(node.text)):
        value = evaluate_node(node, env)
        node = value.node if isinstance(value, (FlowValue, Alternative)) else Scalar(str(value), node.mark)
    if isinstance(node, Scalar):
        if node.text not in ("copy", "chunk"):
            raise error(
                "E-SPLIT",
                f"cannot split by {node.text!r}",
                node.mark,
                "copy, chunk, {copy: n}, {chunk: n}, {sizes: [...]}, {shares: [...]}",
            )
        if named is None:
            raise error(
                "E-SPLIT",
                f"`split: {node.text}` does not say into how many",
                node.mark,
                f"write split: {{{node.text}: 4}}, or name the branches",
            )
        return node.text, named, [], node.mark
    if not isinstance(node, Map) or len(node.items) != 1 or (how := next(iter(node.items))) not in HOW:
        raise error("E-SPLIT", "a split is copy, chunk, sizes or shares", node.mark, "split: {chunk: 4}")
    argument = node.items[how]
    if how in ("copy", "chunk"):
        return how, evaluate_integer(argument, env, f"split: {how}", 1, MAX_PARTS), [], argument.mark
    listed, names = (argument, env) if isinstance(argument, Seq) else get_list(evaluate_node(argument, env)) or (argument, env)
    if not isinstance(listed, Seq) or not listed.items:
        raise error("E-TYPE", f"`{how}:` is a list of numbers", argument.mark)
    if how == "sizes":
        for item in listed.items:
            refuse_share(item, "a part's size")
    numbers = [evaluate_node(item, names) for item in listed.items]
    return how, len(numbers), numbers, argument.mark


HOW = ("copy", "chunk", "sizes", "shares")


def add_parts(
    context: ExpansionContext, how: str, count: int, weights: list[Value], source: StepValue, frame: Frame, mark: Mark
) -> list[StepValue]:
    """Add the nodes of kind split that make the parts, and return the parts' values."""
    if source is INVALID:
        return [INVALID] * count
    if how == "copy":
        if count == 1:
            return [source]
        return [context.add_node(Copy(), source, path=frame.path, base="copy", mark=mark)] * count
    sizes = compute_part_sizes(how, count, weights, context.shape_of(source)[0], mark)
    if count == 1:
        return [source]
    stops = [sum(sizes[: i + 1]) for i in range(count)]
    return [
        context.add_node(Part(stop - size, stop), source, path=frame.path, base=f"split{i}", mark=mark)
        for i, (size, stop) in enumerate(zip(sizes, stops), 1)
    ]


def compute_part_sizes(how: str, count: int, weights: list[Value], channels: int, mark: Mark) -> list[int]:
    """Return the channels of each part: as torch.chunk does, as listed, or in shares."""
    if how == "chunk":
        size = -(-channels // count)
        sizes = [min(size, channels - start) for start in range(0, channels, size)]
        if len(sizes) < count:
            raise error("E-SPLIT", f"split: {channels} channels do not divide into {count}", mark, suggest_chunk_channels(channels, count))
        return sizes
    if how == "sizes":
        sizes = [check_integer(w, "a part's size", mark) for w in weights]
        if sum(sizes) != channels:
            raise error("E-SPLIT", f"split: sizes {sizes} add up to {sum(sizes)}, not to the {channels} channels they split", mark)
        return sizes
    numbers = [w for w in weights if is_number(w) and w > 0]
    if len(numbers) < len(weights):
        raise error("E-TYPE", f"shares are positive numbers, got {format_shares(weights)}", mark)
    exact = [make_fraction(channels) * w / sum(numbers) for w in numbers]
    if any(e.denominator != 1 for e in exact):
        help = f"nearest channels: {suggest_share_channels(channels, numbers)}"
        raise error("E-SPLIT", f"split: {channels} channels do not divide into shares {format_shares(weights)}", mark, help)
    return [int(e) for e in exact]


def format_shares(weights: Sequence[object]) -> str:
    """Return shares as a message shows them."""
    return f"[{', '.join(map(str, weights))}]"


def suggest_share_channels(channels: int, weights: list[Rational]) -> str:
    """Return the channel counts around `channels` that divide into these shares."""
    smallest = [make_fraction(w) / sum(weights) for w in weights]
    unit = lcm(*(s.denominator for s in smallest))
    below = channels // unit * unit
    return ", ".join(str(c) for c in (below, below + unit) if c)


def suggest_chunk_channels(channels: int, count: int) -> str:
    """Return the next step for channels that do not divide into `count` chunks."""
    below, above = channels // count * count, -(-channels // count) * count
    counts = [n for n in range(count - 1, 0, -1) if -(-channels // -(-channels // n)) == n][:1]
    near = [str(c) for c in sorted({below, above}) if c >= count]
    return f"nearest channels: {', '.join(near)}; or {counts[0]} parts" if counts else f"nearest channels: {', '.join(near)}"


# -- transform -----------------------------------------------------------------------------------------------------------------------------


def read_keep(step: SplitStep, frame: Frame, count: int) -> Keep:
    """Return the index of the kept part, and the flow it runs, if any."""
    if step.keep is None:
        return None, None
    node, inner = resolve_keep(step.keep, frame), None
    if isinstance(node, Map):
        if len(node.items) != 1 or next(iter(node.items)) not in ("first", "last"):
            raise error("E-KEY", "`keep:` is none, first, last, or {last: [flow]}", node.mark)
        which, inner = next(iter(node.items.items()))
    else:
        which = evaluate_word(node, frame.env, "keep", ("none", "first", "last"))
    if which == "none":
        return None, None
    if count < 2:
        raise error("E-SPLIT", f"`keep: {which}` needs two or more parts, got {count}", step.keep.mark)
    return (0 if which == "first" else count - 1), inner


def resolve_keep(node: Node, frame: Frame) -> Node:
    """Return what `keep:` stands for: a word, or a mapping as `{last: [flow]}`; also where a name or a condition stands for it."""
    if is_value(node) or (isinstance(node, Scalar) and frame.env.has(node.text)):
        value = evaluate_node(node, frame.env)
        return value.node if isinstance(value, (FlowValue, Alternative)) else Scalar(str(value), node.mark)
    return node


def read_carry(step: SplitStep, frame: Frame) -> Carry | None:
    """Return what `carry:` says; None for none. Raises E-KEY, E-TYPE."""
    if step.carry is None:
        return None
    node = step.carry
    if isinstance(node, Map) and not is_value(node):
        if "take" not in node or set(node.items) - {"take", "join"}:
            raise error("E-KEY", "`carry:` is none, add, concat, half, or {take: 1/3, join: concat}", node.mark)
        share = evaluate_node(node.items["take"], frame.env)
        if not is_number(share) or not 0 < share < 1:
            raise error("E-TYPE", f"carry: take a share between 0 and 1, got {share}", node.items["take"].mark)
        join = evaluate_word(node.items["join"], frame.env, "join", ("concat", "add")) if "join" in node else "concat"
        return Carry((share.numerator, share.denominator), join)
    kind = evaluate_word(node, frame.env, "carry", ("none", "add", "concat", "half"))
    return {"none": None, "half": Carry((1, 2), "concat"), "add": Carry(None, "add"), "concat": Carry(None, "concat")}[kind]


def expand_branches(
    context: ExpansionContext, frame: Frame, branches: list[Branch], keep: Callable[[], Keep], carry: Callable[[], Carry | None]
) -> Iterator[StepValue]:
    """Yield the results of the branches, one by one; a kept part gives and takes nothing. `keep` and `carry` are read when needed."""
    carried: StepValue | None = None
    kept, keep_flow = keep()
    last = max((i for i in range(len(branches)) if i != kept), default=None)
    for i, branch in enumerate(branches):
        path = context.unique_name(frame.path, branch.name)
        if i == kept:
            yield expand_branch(context, keep_flow, branch, branch.source, frame, path)
            continue
        source = branch.source
        if carried is not None and (taken := carry()) is not None:
            source = add_carried(context, source, carried, taken.join, path, branch)
        result = expand_branch(context, branch.node, branch, source, frame, path)
        if i == last or (handed := carry()) is None:
            yield result
        else:
            emitted, carried = divide_carry(context, result, handed, path, branch)
            yield emitted


def expand_branch(
    context: ExpansionContext, node: Node | None, branch: Branch, source: StepValue, frame: Frame, path: str
) -> StepValue:
    """Expand the branch's flow from `source`; names made in it stay local."""
    if node is None:
        return source
    inner = frame.inside(path)
    inner.env = LexicalScope(branch.env, {"channels": context.channels_of(source)})
    if isinstance(node, Scalar) and inner.env.has(node.text) or is_value(node):
        env, mark = inner.env, branch.mark
        return catch_mistakes(
            context, branch, frame, lambda: context.expand_value(evaluate_node(node, env), env, {}, source, path, "flow", mark)
        )
    parse_flow(node, inner.env.unit)
    return context.expand_flow(node, inner, source)


def catch_mistakes(context: ExpansionContext, branch: Branch, frame: Frame, act: Callable[[], StepValue]) -> StepValue:
    """Return the result of `act`; INVALID, with the mistake recorded, where it raises."""
    try:
        return act()
    except BlockspaceError as e:
        context.recover(e, branch.mark, frame.path)
    except InvalidRead:
        pass
    return INVALID


def add_carried(
    context: ExpansionContext, source: StepValue, carried: StepValue, how: str, path: str, branch: Branch
) -> StepValue:
    """Return the next part's input with what was carried into it; its own channels come first."""
    op = Add() if how == "add" else Concat()
    return context.add_node(
        op, source, carried, path=path, base="carry", mark=branch.mark, names=(f"{branch.name} = {{}}", "the carried value = {}")
    )


def divide_carry(
    context: ExpansionContext, result: StepValue, carry: Carry, path: str, branch: Branch
) -> tuple[StepValue, StepValue]:
    """Return (what the part emits, what the next part receives)."""
    if isinstance(result, list):
        raise error("E-REF", "carry takes one value, and this part ends in a split without `merge:`", branch.mark)
    if carry.take is None or result is INVALID:
        return result, result
    channels = context.shape_of(result)[0]
    share, whole = carry.take
    taken = share * channels // whole
    if taken == 0:
        raise error("E-SPLIT", f"carry: {share}/{whole} of {channels} channels rounds to 0", branch.mark, "make the parts wider")
    emitted = context.add_node(Part(0, channels - taken), result, path=path, base="emit", mark=branch.mark)
    return emitted, context.add_node(Part(channels - taken, channels), result, path=path, base="hand", mark=branch.mark)
