"""Weight maps: each tensor of a rewritten graph as an expression over the tensors of the graph before. Data; no torch here.

Expressions know their shapes, so a map that does not fit is refused when it is written. Maps compose, and those that only move numbers
(the canonical ones) can be inverted. `blockspace.compiler` applies them to tensors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace

from blockspace.errors import error
from blockspace.ops import Shape


@dataclass(frozen=True)
class WeightExpr:
    """A tensor as an expression; `of` and `parts` are what it is made from."""

    @property
    def shape(self) -> Shape:
        """Return the shape of the tensor."""
        return self.inner[0].shape

    @property
    def inner(self) -> tuple[WeightExpr, ...]:
        """Return the expressions it reads."""
        found = [getattr(self, f.name) for f in fields(self)]
        return tuple(e for value in found for e in (value if isinstance(value, tuple) else (value,)) if isinstance(e, WeightExpr))

    def over(self, sources: Mapping[str, WeightExpr]) -> WeightExpr:
        """Return the same with source tensors replaced by expressions; those not named stay."""
        changed: dict[str, WeightExpr | tuple[WeightExpr, ...]] = {}
        for f in fields(self):
            value = getattr(self, f.name)
            if isinstance(value, WeightExpr):
                changed[f.name] = value.over(sources)
            elif isinstance(value, tuple) and value and isinstance(value[0], WeightExpr):
                changed[f.name] = tuple(part.over(sources) for part in value)
        return replace(self, **changed)

    def leaves(self) -> Iterator[SourceExpr]:
        """Yield the source tensors, once per use."""
        for part in self.inner:
            yield from part.leaves()

    def back(self, target: WeightExpr) -> Iterator[tuple[str, Region, WeightExpr]]:
        """Yield what `target`, a tensor of this shape, says of the source tensors, region by region. Raises BlockspaceError (E-WEIGHTS)."""
        raise error("E-WEIGHTS", f"weight map is not invertible: {type(self).__name__.removesuffix('Expr')} discards information")


Region = tuple[tuple[int, int], ...]  # start and stop in each dimension


@dataclass(frozen=True)
class SourceExpr(WeightExpr):
    """A tensor of the graph before, by its state_dict name."""

    name: str
    size: Shape

    @property
    def shape(self) -> Shape:
        """Return the shape of the tensor."""
        return self.size

    def over(self, sources: Mapping[str, WeightExpr]) -> WeightExpr:
        """Return the expression that takes this tensor's place."""
        return sources.get(self.name, self)

    def leaves(self) -> Iterator[SourceExpr]:
        """Yield the tensor itself."""
        yield self

    def back(self, target: WeightExpr) -> Iterator[tuple[str, Region, WeightExpr]]:
        """Yield what `target` says of the source tensors."""
        yield self.name, tuple((0, n) for n in self.size), target


@dataclass(frozen=True)
class ConcatExpr(WeightExpr):
    """Parts one after the other along `dim`."""

    parts: tuple[WeightExpr, ...]
    dim: int = 0

    def __post_init__(self) -> None:
        rests = {p.shape[: self.dim] + p.shape[self.dim + 1 :] for p in self.parts}
        require_shape(len(rests) == 1, f"concat of shapes {', '.join(map(str, [p.shape for p in self.parts]))}")

    @property
    def shape(self) -> Shape:
        """Return the shape of the tensor."""
        first = self.parts[0].shape
        return (*first[: self.dim], sum(p.shape[self.dim] for p in self.parts), *first[self.dim + 1 :])

    def back(self, target: WeightExpr) -> Iterator[tuple[str, Region, WeightExpr]]:
        """Yield what `target` says of the source tensors."""
        start = 0
        for part in self.parts:
            stop = start + part.shape[self.dim]
            yield from part.back(slice_expr(target, self.dim, start, stop))
            start = stop


@dataclass(frozen=True)
class SliceExpr(WeightExpr):
    """Positions `start` to `stop` along `dim`."""

    of: WeightExpr
    dim: int
    start: int
    stop: int

    def __post_init__(self) -> None:
        require_shape(0 <= self.start < self.stop <= self.of.shape[self.dim], f"slice {self.start}..{self.stop} of {self.of.shape}")

    @property
    def shape(self) -> Shape:
        """Return the shape of the tensor."""
        size = self.of.shape
        return (*size[: self.dim], self.stop - self.start, *size[self.dim + 1 :])

    def back(self, target: WeightExpr) -> Iterator[tuple[str, Region, WeightExpr]]:
        """Yield what `target` says of the source tensors."""
        if not isinstance(self.of, (SliceExpr, SourceExpr)):
            yield from super().back(target)
        for name, region, expr in self.of.back(target):
            start, _ = region[self.dim]
            yield name, (*region[: self.dim], (start + self.start, start + self.stop), *region[self.dim + 1 :]), expr


@dataclass(frozen=True)
class PermuteExpr(WeightExpr):
    """Dimensions in another order, as torch's `permute`."""

    of: WeightExpr
    order: tuple[int, ...]

    @property
    def shape(self) -> Shape:
        """Return the shape of the tensor."""
        return tuple(self.of.shape[i] for i in self.order)

    def back(self, target: WeightExpr) -> Iterator[tuple[str, Region, WeightExpr]]:
        """Yield what `target` says of the source tensors."""
        yield from self.of.back(PermuteExpr(target, tuple(self.order.index(i) for i in range(len(self.order)))))


@dataclass(frozen=True)
class ReshapeExpr(WeightExpr):
    """The same numbers in order, in another shape."""

    of: WeightExpr
    size: Shape

    @property
    def shape(self) -> Shape:
        """Return the shape of the tensor."""
        return self.size

    def back(self, target: WeightExpr) -> Iterator[tuple[str, Region, WeightExpr]]:
        """Yield what `target` says of the source tensors."""
        yield from self.of.back(ReshapeExpr(target, self.of.shape))


@dataclass(frozen=True)
class PadExpr(WeightExpr):
    """Zeros before and after along `dim`."""

    of: WeightExpr
    dim: int
    before: int
    after: int

    @property
    def shape(self) -> Shape:
        """Return the shape of the tensor."""
        size = self.of.shape
        return (*size[: self.dim], self.before + size[self.dim] + self.after, *size[self.dim + 1 :])

    def back(self, target: WeightExpr) -> Iterator[tuple[str, Region, WeightExpr]]:
        """Yield what `target` says of the source tensors."""
        yield from self.of.back(slice_expr(target, self.dim, self.before, self.before + self.of.shape[self.dim]))


@dataclass(frozen=True)
class ScaleExpr(WeightExpr):
    """Times a number, or times a vector along the first dimension."""

    of: WeightExpr
    by: WeightExpr | float

    def back(self, target: WeightExpr) -> Iterator[tuple[str, Region, WeightExpr]]:
        """Yield what `target` says of the source tensors."""
        if isinstance(self.by, WeightExpr) or not self.by:
            yield from super().back(target)
        else:
            yield from self.of.back(ScaleExpr(target, 1 / self.by))


@dataclass(frozen=True)
class GatherExpr(WeightExpr):
    """Positions along `dim` in another order, as torch's `index_select`."""

    of: WeightExpr
    dim: int
    order: tuple[int, ...]

    def __post_init__(self) -> None:
        holds = sorted(self.order) == list(range(self.of.shape[self.dim]))
        require_shape(holds, f"gather that is not a permutation of the rows of {self.of.shape}")

    def back(self, target: WeightExpr) -> Iterator[tuple[str, Region, WeightExpr]]:
        """Yield what `target` says of the source tensors."""
        yield from self.of.back(GatherExpr(target, self.dim, tuple(sorted(range(len(self.order)), key=self.order.__getitem__))))


@dataclass(frozen=True)
class AddExpr(WeightExpr):
    """The sum of parts of one shape."""

    parts: tuple[WeightExpr, ...]


@dataclass(frozen=True)
class SumExpr(WeightExpr):
    """The sum over all dimensions but the first."""

    of: WeightExpr

    @property
    def shape(self) -> Shape:
        """Return the shape of the tensor."""
        return self.of.shape[:1]


@dataclass(frozen=True)
class FullExpr(WeightExpr):
    """A tensor of one number."""

    size: Shape
    number: float

    @property
    def shape(self) -> Shape:
        """Return the shape of the tensor."""
        return self.size


@dataclass(frozen=True)
class DiracExpr(WeightExpr):
    """The 1x1 kernel in groups that changes nothing, `(channels, channels / groups, 1, 1)`."""

    channels: int
    groups: int

    @property
    def shape(self) -> Shape:
        """Return the shape of the tensor."""
        return (self.channels, self.channels // self.groups, 1, 1)


@dataclass(frozen=True)
class RsqrtExpr(WeightExpr):
    """1 / sqrt(x + eps), as batch norm divides."""

    of: WeightExpr
    eps: float


@dataclass(frozen=True)
class SameExpr(WeightExpr):
    """One of several tensors that always hold the same, as the counters of batch norms do."""

    parts: tuple[WeightExpr, ...]

    def back(self, target: WeightExpr) -> Iterator[tuple[str, Region, WeightExpr]]:
        """Yield what `target` says of the source tensors."""
        for part in self.parts:
            yield from part.back(target)


def slice_expr(of: WeightExpr, dim: int, start: int, stop: int) -> WeightExpr:
    """Return a slice, written as short as it can be: of a slice, of one part of a concat, of everything."""
    if (start, stop) == (0, of.shape[dim]):
        return of
    if isinstance(of, SliceExpr) and of.dim == dim:
        return slice_expr(of.of, dim, of.start + start, of.start + stop)
    if isinstance(of, ConcatExpr) and of.dim == dim:
        at = 0
        for part in of.parts:
            end = at + part.shape[dim]
            if at <= start and stop <= end:
                return slice_expr(part, dim, start - at, stop - at)
            at = end
    return SliceExpr(of, dim, start, stop)


def require_shape(holds: bool, what: str) -> None:
    """Raise BlockspaceError (E-WEIGHTS) when a weight map does not fit its tensors."""
    if not holds:
        raise error("E-WEIGHTS", f"a weight map has a {what}")


@dataclass(frozen=True)
class WeightMap:
    """For each tensor of a rewritten graph an expression over those of the graph before; tensors not named keep name and numbers."""

    entries: Mapping[str, WeightExpr] = field(default_factory=dict)

    def then(self, later: WeightMap) -> WeightMap:
        """Return this map followed by another, as one. What `later` does not name passes through."""
        return WeightMap({**self.entries, **{name: expr.over(self.entries) for name, expr in later.entries.items()}})

    def only(self, names: Mapping[str, Shape]) -> WeightMap:
        """Return the entries of these tensors, those that keep their name written out."""
        return WeightMap({name: self.entries.get(name) or SourceExpr(name, size) for name, size in names.items()})

    def inverse(self) -> WeightMap:
        """Return the inverse, without tensors that this map does not read. Raises BlockspaceError (E-WEIGHTS) when it is not invertible."""
        pieces: dict[str, dict[Region, WeightExpr]] = {}
        for name, expr in self.entries.items():
            for source, region, part in expr.back(SourceExpr(name, expr.shape)):
                pieces.setdefault(source, {})[region] = part
        return WeightMap({name: join_regions(name, found) for name, found in pieces.items()})


def join_regions(name: str, pieces: dict[Region, WeightExpr]) -> WeightExpr:
    """Return a tensor from its pieces along one dimension, which must touch."""
    if len(pieces) == 1:
        return next(iter(pieces.values()))
    rows = sorted(pieces.items())
    dim = next(d for d, (a, b) in enumerate(zip(rows[0][0], rows[1][0])) if a != b)
    touching = all(a[0][dim][1] == b[0][dim][0] for a, b in zip(rows, rows[1:]))
    if not touching:
        raise error("E-WEIGHTS", f"weight map is not invertible: it reads {name} in pieces that do not touch")
    return ConcatExpr(tuple(expr for _, expr in rows), dim)
