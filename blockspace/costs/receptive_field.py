"""Count the receptive field: pixels of the input, along the longer side, that one position of a value depends on.

Along a chain a window of k positions adds (k - 1) times the jump, which is the product of the strides before it (Araujo et al., "Computing
Receptive Fields of Convolutional Neural Networks", Distill 2019). Where paths meet, the field is the hull of theirs: with the usual
symmetric padding the largest of them. It counts padding, so it may be wider than the input.

Global pooling, and norms with statistics over the whole map, see the whole input. A network's field is that of its features: the widest
before, or beside, paths that see everything.
"""

from __future__ import annotations

from collections.abc import Iterable

from blockspace.costs.cost import register_cost
from blockspace.graph import Graph, Node
from blockspace.ops import POINT, Shape, Window

Span = tuple[int, int, int]  # first and last input pixel that position 0 reads, and how far both move per position


class ReceptiveField(int):
    """A receptive field in pixels of the input.

    Attributes:
        spans: those of rows and columns; empty when all paths see the whole map.
        jump: input pixels per position.
        local: the field of the paths that do not see the whole map; 0 when there are none.
        everything: whether a path sees the whole map.
    """

    spans: tuple[Span, ...]
    jump: int
    local: int
    everything: bool

    @classmethod
    def of(cls, spans: tuple[Span, ...], everything: bool, whole: int) -> ReceptiveField:
        """Return the field of these spans; `whole` is the longer side of the input."""
        local = max((last - first + 1 for first, last, _ in spans), default=0)
        field = cls(max(local, whole if everything else 0))
        field.spans, field.everything, field.local = spans, everything, local
        field.jump = max((jump for _, _, jump in spans), default=whole)
        return field


def find_widest(fields: Iterable[ReceptiveField]) -> int:
    """Return the widest field, in pixels, among paths that do not see the whole map."""
    return max(field.local for field in fields)


@register_cost(
    "receptive_field",
    place=6,
    title="receptive field",
    unit="pixels",
    doc="Pixels of the input, along its longer side, that one position of the features depends on.",
    total=find_widest,
    symbol="px",
    word="receptive field",
)
def count_receptive_field(graph: Graph) -> dict[str, ReceptiveField]:
    """Return the receptive field of one position of each node's value, by node name."""
    whole = max(graph.input_shape[1:], default=1)
    fields: dict[str, ReceptiveField] = {}
    for node in graph:
        fields[node.name] = compute_field(node, graph.shapes(node), [fields[name] for name in node.inputs], whole)
    return fields


def compute_field(node: Node, shapes: list[Shape], inputs: list[ReceptiveField], whole: int) -> ReceptiveField:
    """Return a node's field from those of its inputs."""
    if not inputs:
        return ReceptiveField.of(((0, 0, 1), (0, 0, 1)), False, whole)
    window = node.op.window(shapes[0])
    if window is POINT and len(inputs) == 1 and not node.op.everywhere:
        return inputs[0]
    everything = window is None or node.op.everywhere or any(field.everything for field in inputs)
    return ReceptiveField.of(() if window is None else apply_window(enclose_spans(inputs), window), everything, whole)


def enclose_spans(fields: list[ReceptiveField]) -> tuple[Span, ...]:
    """Return the smallest spans that contain those of all fields with spans."""
    rows_and_columns = zip(*(field.spans for field in fields if field.spans))
    return tuple((min(a for a, _, _ in spans), max(b for _, b, _ in spans), max(j for *_, j in spans)) for spans in rows_and_columns)


def apply_window(spans: tuple[Span, ...], window: Window) -> tuple[Span, ...]:
    """Return the spans of a window over positions with these spans."""
    sides = zip(spans, window.reach, window.stride, window.padding)
    return tuple((a - pad * jump, b + (reach - 1 - pad) * jump, jump * stride) for (a, b, jump), reach, stride, pad in sides)
