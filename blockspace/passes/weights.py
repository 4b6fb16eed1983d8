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
class Expr:
    """A tensor as an expression; `of` and `parts` are what it is made from."""

    @property
    def shape(self) -> Shape:
        return self.inner[0].shape

    @property
    def inner(self) -> tuple[Expr, ...]:
        """The expressions it reads."""
        found = [getattr(self, f.name) for f in fields(self)]
        return tuple(e for value in found for e in (value if isinstance(value, tuple) else (value,)) if isinstance(e, Expr))

    def over(self, sources: Mapping[str, Expr]) -> Expr:
        """The same with source tensors replaced by expressions; those not named stay."""
        changed: dict[str, Expr | tuple[Expr, ...]] = {}
        for f in fields(self):
            value = getattr(self, f.name)
            if isinstance(value, Expr):
                changed[f.name] = value.over(sources)
            elif isinstance(value, tuple) and value and isinstance(value[0], Expr):
                changed[f.name] = tuple(part.over(sources) for part in value)
        return replace(self, **changed)

    def leaves(self) -> Iterator[Source]:
        """The source tensors, once per use."""
        for part in self.inner:
            yield from part.leaves()

    def back(self, target: Expr) -> Iterator[tuple[str, Region, Expr]]:
        """What `target`, a tensor of this shape, says of the source tensors: region by region. Raises BlockspaceError (E-WEIGHTS)."""
        raise error("E-WEIGHTS", f"this weight map cannot be inverted: {type(self).__name__.lower()} loses numbers")


Region = tuple[tuple[int, int], ...]  # start and stop in each dimension


@dataclass(frozen=True)
class Source(Expr):
    """A tensor of the graph before, by its state_dict name."""

    name: str
    size: Shape

    @property
    def shape(self) -> Shape:
        return self.size

    def over(self, sources: Mapping[str, Expr]) -> Expr:
        return sources.get(self.name, self)

    def leaves(self) -> Iterator[Source]:
        yield self

    def back(self, target: Expr) -> Iterator[tuple[str, Region, Expr]]:
        yield self.name, tuple((0, n) for n in self.size), target


@dataclass(frozen=True)
class Concat(Expr):
    """Parts one after the other along `dim`."""

    parts: tuple[Expr, ...]
    dim: int = 0

    def __post_init__(self) -> None:
        rests = {p.shape[: self.dim] + p.shape[self.dim + 1 :] for p in self.parts}
        check(len(rests) == 1, f"concat of shapes {', '.join(map(str, [p.shape for p in self.parts]))}")

    @property
    def shape(self) -> Shape:
        first = self.parts[0].shape
        return (*first[: self.dim], sum(p.shape[self.dim] for p in self.parts), *first[self.dim + 1 :])

    def back(self, target: Expr) -> Iterator[tuple[str, Region, Expr]]:
        start = 0
        for part in self.parts:
            stop = start + part.shape[self.dim]
            yield from part.back(cut(target, self.dim, start, stop))
            start = stop


@dataclass(frozen=True)
class Slice(Expr):
    """Positions `start` to `stop` along `dim`."""

    of: Expr
    dim: int
    start: int
    stop: int

    def __post_init__(self) -> None:
        check(0 <= self.start < self.stop <= self.of.shape[self.dim], f"slice {self.start}..{self.stop} of {self.of.shape}")

    @property
    def shape(self) -> Shape:
        size = self.of.shape
        return (*size[: self.dim], self.stop - self.start, *size[self.dim + 1 :])

    def back(self, target: Expr) -> Iterator[tuple[str, Region, Expr]]:
        if not isinstance(self.of, (Slice, Source)):
            yield from super().back(target)
        for name, region, expr in self.of.back(target):
            start, _ = region[self.dim]
            yield name, (*region[: self.dim], (start + self.start, start + self.stop), *region[self.dim + 1 :]), expr


@dataclass(frozen=True)
class Permute(Expr):
    """Dimensions in another order, as torch's `permute`."""

    of: Expr
    order: tuple[int, ...]

    @property
    def shape(self) -> Shape:
        return tuple(self.of.shape[i] for i in self.order)

    def back(self, target: Expr) -> Iterator[tuple[str, Region, Expr]]:
        yield from self.of.back(Permute(target, tuple(self.order.index(i) for i in range(len(self.order)))))


@dataclass(frozen=True)
class Reshape(Expr):
    """The same numbers in order, in another shape."""

    of: Expr
    size: Shape

    @property
    def shape(self) -> Shape:
        return self.size

    def back(self, target: Expr) -> Iterator[tuple[str, Region, Expr]]:
        yield from self.of.back(Reshape(target, self.of.shape))


@dataclass(frozen=True)
class Pad(Expr):
    """Zeros before and after along `dim`."""

    of: Expr
    dim: int
    before: int
    after: int

    @property
    def shape(self) -> Shape:
        size = self.of.shape
        return (*size[: self.dim], self.before + size[self.dim] + self.after, *size[self.dim + 1 :])

    def back(self, target: Expr) -> Iterator[tuple[str, Region, Expr]]:
        yield from self.of.back(cut(target, self.dim, self.before, self.before + self.of.shape[self.dim]))


@dataclass(frozen=True)
class Scale(Expr):
    """Times a number, or times a vector along the first dimension."""

    of: Expr
    by: Expr | float

    def back(self, target: Expr) -> Iterator[tuple[str, Region, Expr]]:
        if isinstance(self.by, Expr) or not self.by:
            yield from super().back(target)
        else:
            yield from self.of.back(Scale(target, 1 / self.by))


@dataclass(frozen=True)
class Gather(Expr):
    """Positions along `dim` in another order, as torch's `index_select`."""

    of: Expr
    dim: int
    order: tuple[int, ...]

    def __post_init__(self) -> None:
        check(sorted(self.order) == list(range(self.of.shape[self.dim])), f"gather that is no order of the rows of {self.of.shape}")

    def back(self, target: Expr) -> Iterator[tuple[str, Region, Expr]]:
        yield from self.of.back(Gather(target, self.dim, tuple(sorted(range(len(self.order)), key=self.order.__getitem__))))


@dataclass(frozen=True)
class Add(Expr):
    """The sum of parts of one shape."""

    parts: tuple[Expr, ...]


@dataclass(frozen=True)
class Sum(Expr):
    """The sum over all dimensions but the first."""

    of: Expr

    @property
    def shape(self) -> Shape:
        return self.of.shape[:1]


@dataclass(frozen=True)
class Full(Expr):
    """A tensor of one number."""

    size: Shape
    number: float

    @property
    def shape(self) -> Shape:
        return self.size


@dataclass(frozen=True)
class Dirac(Expr):
    """The 1x1 kernel in groups that changes nothing, `(channels, channels / groups, 1, 1)`."""

    channels: int
    groups: int

    @property
    def shape(self) -> Shape:
        return (self.channels, self.channels // self.groups, 1, 1)


@dataclass(frozen=True)
class Rsqrt(Expr):
    """1 / sqrt(x + eps), as batch norm divides."""

    of: Expr
    eps: float


@dataclass(frozen=True)
class Same(Expr):
    """One of several tensors that always hold the same, as the counters of batch norms do."""

    parts: tuple[Expr, ...]

    def back(self, target: Expr) -> Iterator[tuple[str, Region, Expr]]:
        for part in self.parts:
            yield from part.back(target)


def cut(of: Expr, dim: int, start: int, stop: int) -> Expr:
    """A slice, written as short as it can be: of a slice, of one part of a concat, of everything."""
    if (start, stop) == (0, of.shape[dim]):
        return of
    if isinstance(of, Slice) and of.dim == dim:
        return cut(of.of, dim, of.start + start, of.start + stop)
    if isinstance(of, Concat) and of.dim == dim:
        at = 0
        for part in of.parts:
            end = at + part.shape[dim]
            if at <= start and stop <= end:
                return cut(part, dim, start - at, stop - at)
            at = end
    return Slice(of, dim, start, stop)


def check(holds: bool, what: str) -> None:
    if not holds:
        raise error("E-WEIGHTS", f"a weight map has a {what}")


@dataclass(frozen=True)
class WeightMap:
    """For each tensor of a rewritten graph an expression over those of the graph before; tensors not named keep name and numbers."""

    entries: Mapping[str, Expr] = field(default_factory=dict)

    def then(self, later: WeightMap) -> WeightMap:
        """This map and then another, as one. What `later` does not name passes through."""
        return WeightMap({**self.entries, **{name: expr.over(self.entries) for name, expr in later.entries.items()}})

    def only(self, names: Mapping[str, Shape]) -> WeightMap:
        """The entries of these tensors, those that keep their name written out."""
        return WeightMap({name: self.entries.get(name) or Source(name, size) for name, size in names.items()})

    def inverse(self) -> WeightMap:
        """The way back; tensors that this map does not read are not in it. Raises BlockspaceError (E-WEIGHTS) when numbers are lost."""
        pieces: dict[str, dict[Region, Expr]] = {}
        for name, expr in self.entries.items():
            for source, region, part in expr.back(Source(name, expr.shape)):
                pieces.setdefault(source, {})[region] = part
        return WeightMap({name: joined(name, found) for name, found in pieces.items()})


def joined(name: str, pieces: dict[Region, Expr]) -> Expr:
    """A tensor from its pieces along one dimension, which must touch."""
    if len(pieces) == 1:
        return next(iter(pieces.values()))
    rows = sorted(pieces.items())
    dim = next(d for d, (a, b) in enumerate(zip(rows[0][0], rows[1][0])) if a != b)
    touching = all(a[0][dim][1] == b[0][dim][0] for a, b in zip(rows, rows[1:]))
    if not touching:
        raise error("E-WEIGHTS", f"this weight map cannot be inverted: it reads {name} in pieces that do not touch")
    return Concat(tuple(expr for _, expr in rows), dim)
