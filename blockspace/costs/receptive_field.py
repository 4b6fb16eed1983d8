"""Receptive field: how many pixels of the input, along the longer side, one position of a value depends on.

Along a chain a window of k positions adds (k - 1) times the jump, which is the product of the strides before it (Araujo et al., "Computing
Receptive Fields of Convolutional Neural Networks", Distill 2019). Where paths meet, the field is the hull of theirs: with the usual
symmetric padding the largest of them. It counts padding, so it may be wider than the input.

Global pooling, and norms with statistics over the whole map, see the whole input. A network's field is that of its features: the widest
before, or beside, paths that see everything.
"""

from __future__ import annotations

from collections.abc import Iterable

from blockspace.costs.quantity import register_cost
from blockspace.graph import Graph, Node
from blockspace.ops import POINT, Shape, Window

Span = tuple[int, int, int]  # first and last input pixel that position 0 reads, and how far both move per position


class Field(int):
    """A receptive field in pixels. `jump` is the stride to the input, `local` the field without paths that see everything (0: no other)."""

    spans: tuple[Span, ...]  # of rows and columns; empty when all paths see everything
    jump: int
    local: int
    everything: bool

    @classmethod
    def of(cls, spans: tuple[Span, ...], everything: bool, whole: int) -> Field:
        """The field of these spans; `whole` is the input's longer side."""
        local = max((last - first + 1 for first, last, _ in spans), default=0)
        field = cls(max(local, whole if everything else 0))
        field.spans, field.everything, field.local = spans, everything, local
        field.jump = max((jump for _, _, jump in spans), default=whole)
        return field


def widest(fields: Iterable[Field]) -> int:
    """The widest field of paths that do not see everything."""
    return max(field.local for field in fields)


@register_cost(
    "receptive_field", place=6, title="receptive field", unit="pixels", total=widest, symbol="px", word="receptive field"
)
def receptive_field(graph: Graph) -> dict[str, Field]:
    """Pixels of the input, along its longer side, that one position of the features depends on."""
    whole = max(graph.input_shape[1:], default=1)
    found: dict[str, Field] = {}
    for node in graph:
        found[node.name] = field(node, graph.shapes(node), [found[name] for name in node.inputs], whole)
    return found


def field(node: Node, shapes: list[Shape], inputs: list[Field], whole: int) -> Field:
    """A node's field from its inputs'."""
    if not inputs:
        return Field.of(((0, 0, 1), (0, 0, 1)), False, whole)
    window = node.op.window(shapes[0])
    if window is POINT and len(inputs) == 1 and not node.op.everywhere:
        return inputs[0]
    everything = window is None or node.op.everywhere or any(one.everything for one in inputs)
    return Field.of(() if window is None else moved(hull(inputs), window), everything, whole)


def hull(fields: list[Field]) -> tuple[Span, ...]:
    """The spans around those of all fields that have some."""
    rows_and_columns = zip(*(one.spans for one in fields if one.spans))
    return tuple((min(a for a, _, _ in spans), max(b for _, b, _ in spans), max(j for *_, j in spans)) for spans in rows_and_columns)


def moved(spans: tuple[Span, ...], window: Window) -> tuple[Span, ...]:
    """The spans of a window over positions that have these."""
    sides = zip(spans, window.reach, window.stride, window.padding)
    return tuple((a - pad * jump, b + (reach - 1 - pad) * jump, jump * stride) for (a, b, jump), reach, stride, pad in sides)
