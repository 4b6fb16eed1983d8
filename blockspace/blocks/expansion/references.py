"""References: the graph values that `from:`, `add:` and `concat:` name."""

from __future__ import annotations

from blockspace.blocks.evaluate import INVALID, LexicalScope
from blockspace.blocks.expansion.context import Frame, StepValue
from blockspace.blocks.typed_values import evaluate_integer
from blockspace.errors import Mark, did_you_mean, error, list_known
from blockspace.reader import Node, Scalar, Seq

FAR = 10**6  # indices beyond this are refused before anything is looked up


def resolve_references(node: Node, frame: Frame, previous: StepValue, env: LexicalScope) -> list[StepValue]:
    """Return the graph values named in `from:`, `add:`, `concat:`: `a, b`, `x[1]`, `y[2..s-1]`, or a list of these."""
    texts = node.items if isinstance(node, Seq) else [node]
    found = []
    for item in texts:
        if not isinstance(item, Scalar):
            raise error("E-TYPE", "a list of names was expected", item.mark)
        for text in split_commas(item.text):
            found.extend(resolve_reference(text.strip(), item.mark, frame, previous, env))
    return found


def split_commas(text: str) -> list[str]:
    """Split at commas outside brackets."""
    parts, depth, start = [], 0, 0
    for place, c in enumerate(text):
        depth += (c in "([") - (c in ")]")
        if c == "," and depth == 0:
            parts.append(text[start:place])
            start = place + 1
    return [*parts, text[start:]]


def resolve_reference(text: str, mark: Mark, frame: Frame, previous: StepValue, env: LexicalScope) -> list[StepValue]:
    """Return the graph values of one reference: `a`, `x[1]` or `y[2..s-1]`. Raises E-REF."""
    name, _, index = text.partition("[")
    name = name.strip()
    if name == "prev":
        found = previous
    elif name in frame.values:
        found = frame.values[name]
    else:
        known = sorted(frame.values) + ["prev"]
        hint = did_you_mean(name, known)
        listed = list_known(known)
        raise error("E-REF", f"unknown value {name!r}", mark, f"{hint} {listed}" if hint else listed)
    if found is INVALID:
        return [INVALID]
    if not index:
        return list(found) if isinstance(found, list) else [found]
    if not isinstance(found, list):
        raise error("E-REF", f"{name!r} is one value, not a list of parts", mark, f"write {name}")
    return [found[i - 1] for i in parse_indices(index.rstrip().removesuffix("]"), name, len(found), mark, env)]


def parse_indices(text: str, name: str, count: int, mark: Mark, env: LexicalScope) -> range:
    """`3` or `2..s-1`, from 1 and inclusive; an empty range is legal."""
    low, dots, high = text.partition("..")
    first = evaluate_integer(Scalar(low.strip(), mark), env, "an index", -FAR)
    last = evaluate_integer(Scalar(high.strip(), mark), env, "an index", -FAR) if dots else first
    if last >= first and not (1 <= first and last <= count):
        bad = first if first < 1 else last
        raise error("E-REF", f"{name}[{bad}] does not exist", mark, f"{name} has parts 1 to {count}")
    return range(first, last + 1)


def require_single(values: list[StepValue], node: Node) -> StepValue:
    """Return the one value of a reference. Raises E-REF for several."""
    if len(values) != 1:
        raise error("E-REF", f"one value was expected, got {len(values)}", node.mark, "merge them first")
    return values[0]
