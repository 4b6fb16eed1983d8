"""Choose the printed file's classes: one per distinct block, with the numbers that differ between its uses as constructor arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from blockspace.compiler.printing.instances import BlockInstance, BlockItem, replace_calls
from blockspace.compiler.printing.layout import CodeExpr, call_expr, text_expr
from blockspace.compiler.printing.numbers import CHANNELS, DEFAULTS, Slot, call_numbers, fill_defaults, number_role, outline_call
from blockspace.graph import to_attribute

ENDS = ("channels", "in_channels", "out_channels")  # what a block takes and gives: positional, in this order
SHORTCUTS = {"skip", "shortcut", "downsample", "projection"}
Key = tuple[int, Slot]  # a number of a block: the item's position, and the slot in its call


@dataclass(eq=False)
class NumberColumn:
    """One number over all uses of a class. `name` is its parameter or local name; or it is `times` another column."""

    values: tuple[Any, ...]
    channels: bool
    uses: list[tuple[str, str]]  # (item name, role)
    name: str = ""
    times: tuple[int, NumberColumn] | None = None

    def text(self, prefix: str = "") -> str:
        """Return how code refers to it; `prefix` is `self.` outside the constructor."""
        if self.name or self.times is None:
            return prefix + self.name
        factor, base = self.times
        return f"{factor} * {base.text(prefix)}"

    @property
    def stored_name(self) -> str:
        """Return its name, or that of the column it is a multiple of."""
        return self.name or (self.times[1].name if self.times else "")

    @property
    def default(self) -> object:
        """Return the default of a parameter, or None when it must be given."""
        return DEFAULTS.get(self.name)


@dataclass(eq=False)
class PrintedClass:
    """A class of the printed file: its name, its uses, and for each of its numbers a column or the literal they all share."""

    name: str
    uses: list[BlockInstance]
    columns: dict[Key, NumberColumn | object] = field(default_factory=dict)

    @property
    def example(self) -> BlockInstance:
        """Return the first of its uses."""
        return self.uses[0]

    def named(self) -> list[NumberColumn]:
        """Return every column that has a name, each once: what a block takes and gives first."""
        found = list(dict.fromkeys(c for c in self.columns.values() if isinstance(c, NumberColumn)))
        bases = [c.times[1] for c in found if c.times]
        found = [c for c in dict.fromkeys([*bases, *found]) if c.name]
        return sorted(found, key=lambda c: (ENDS.index(c.name) if c.name in ENDS else 3, not c.channels, c.default is not None))

    @property
    def params(self) -> list[NumberColumn]:
        """Return the constructor's parameters in order."""
        return [c for c in self.named() if not c.times]

    def value(self, column: NumberColumn, use: BlockInstance) -> object:
        """Return the number of a column in one use of the class."""
        return column.values[self.uses.index(use)]

    def number(self, index: int, slot: Slot, prefix: str = "") -> CodeExpr:
        """Return the text of one number."""
        found = self.columns[index, slot]
        return text_expr(found.text(prefix) if isinstance(found, NumberColumn) else repr(found))


def group_classes(root: BlockInstance) -> tuple[list[PrintedClass], dict[BlockInstance, PrintedClass]]:
    """Return the classes, inner ones before those that use them and the network last, and which class each instance is of."""
    everything = root.all()
    of: dict[BlockInstance, PrintedClass] = {}
    found: list[PrintedClass] = []
    taken = {"F", "nn", "torch", "Layers", "Weights", "Path", "Registered"}
    network = unique_name(camel_case(root.block), taken)
    for height in range(root.height + 1):
        level = [one for one in everything if one.height == height and one is not root]
        for uses in group_by_skeleton(level, of):
            made = PrintedClass("", uses)
            found.append(made)
            of.update((use, made) for use in uses)
    found.append(PrintedClass(network, [root]))
    of[root] = found[-1]
    found.sort(key=lambda one: everything.index(one.example))
    name_classes(found[:-1], taken)
    for one in found:
        write_out_keywords(one)
        assign_columns(one, of)
    return found, of


def group_by_skeleton(instances: Iterable[BlockInstance], of: dict[BlockInstance, PrintedClass]) -> list[list[BlockInstance]]:
    """Group instances of one block whose items are the same but for numbers."""
    groups: dict[tuple[object, ...], list[BlockInstance]] = {}
    for one in instances:
        rows = tuple((item.name, outline_item(item, of), tuple(map(one.number, item.inputs))) for item in one.items)
        groups.setdefault((one.block, rows, one.number(one.output)), []).append(one)
    return list(groups.values())


def outline_item(item: BlockItem, of: dict[BlockInstance, PrintedClass]) -> PrintedClass | tuple[object, ...] | None:
    """Return what items of one class have in common: an inner block's class, a call without its numbers."""
    if item.inner is not None:
        return of[item.inner]
    return None if item.call is None else outline_call(item.call)


def write_out_keywords(one: PrintedClass) -> None:
    """Write out a keyword number (`stride=1`) in every use when one of them has it."""
    keys = [set().union(*(call.kwargs for call in calls if call)) for calls in zip(*([i.call for i in use.items] for use in one.uses))]
    for use in one.uses:
        replace_calls(use, [item.call and fill_defaults(item.call, given) for item, given in zip(use.items, keys)])


# -- numbers ---------------------------------------------------------------------------------------------------------------------------


def assign_columns(one: PrintedClass, of: dict[BlockInstance, PrintedClass]) -> None:
    """Give every number of the class its literal or its column, and every column its name."""
    columns: dict[tuple[str, tuple[Any, ...]], NumberColumn] = {}
    for index, item in enumerate(one.example.items):
        channels = {param.name for param in of[item.inner].params if param.channels} if item.inner else CHANNELS
        for slot, word, values in number_rows(one, index, item, of):
            if len({repr(v) for v in values}) == 1:
                one.columns[index, slot] = values[0]
                continue
            family = "channels" if word in channels else word
            column = columns.setdefault((family, values), NumberColumn(values, family == "channels", []))
            column.uses.append((item.name, word))
            one.columns[index, slot] = column
    relate_channels(one, list(columns.values()))
    name_columns(one, list(columns.values()))


def number_rows(
    one: PrintedClass, index: int, item: BlockItem, of: dict[BlockInstance, PrintedClass]
) -> Iterator[tuple[Slot, str, tuple[Any, ...]]]:
    """Yield each number of an item: its slot, its role, and its value in every use of the class."""
    same = [use.items[index] for use in one.uses]
    if item.call is not None:
        found = [call_numbers(other.call) for other in same if other.call is not None]
        for slot in found[0]:
            yield slot, number_role(item.call, slot), tuple(row[slot] for row in found)
    elif item.inner is not None:
        inner = of[item.inner]
        for param in inner.params:
            yield ("param", param.name), param.name, tuple(inner.value(param, other.inner) for other in same if other.inner is not None)


def relate_channels(one: PrintedClass, columns: list[NumberColumn]) -> None:
    """Name what the block takes and gives, and write other channel counts as small multiples of a smaller one where that always holds."""
    taken, given = tuple(u.in_channels for u in one.uses), tuple(u.out_channels for u in one.uses)
    bases: list[NumberColumn] = []
    for column in sorted((c for c in columns if c.channels), key=lambda c: (c.values not in (taken, given), min(c.values))):
        if column.values in (taken, given):
            column.name = "channels" if taken == given else "in_channels" if column.values == taken else "out_channels"
            bases.append(column)
        elif times := multiple(column, bases):
            column.times = times
        else:
            bases.append(column)


def multiple(column: NumberColumn, bases: list[NumberColumn]) -> tuple[int, NumberColumn] | None:
    """Return the smallest factor from 2 to 16 and the base that give the column in every use."""
    found = [(k, base) for k in range(2, 17) for base in bases if all(v == k * b for v, b in zip(column.values, base.values))]
    return found[0] if found else None


def name_columns(one: PrintedClass, columns: list[NumberColumn]) -> None:
    """Name the columns: torch's word or `width`, with the place in front when several would have the same."""
    free = [c for c in columns if not c.name and (not c.times or len(c.uses) > 2)]
    reserved = {item.name.split(".")[0] for item in one.example.items} | {"self", *ENDS}
    for column in free:
        rivals = [c for c in free if c is not column and column_word(c) == column_word(column)]
        taken = {p for rival in rivals for p in column_places(rival)}
        own = next((p for p in column_places(column) if p not in taken), None)
        alone = not rivals or own is None or column_word(column) == "cut"
        column.name = unique_name(column_word(column) if alone else f"{own}_{column_word(column)}", reserved)


def column_word(column: NumberColumn) -> str:
    """Return the name of a column that is the only one of its kind: an inner block's word for it, `width`, `cut`, `groups`, `stride`."""
    words = [use for _, use in column.uses]
    if not column.channels:
        return words[0]
    own = [w for w in words if w not in CHANNELS]
    if own or set(words) in ({"cut"}, {"groups"}):
        return (own or words)[0]
    return "inner" if column.times else "width"


def column_places(column: NumberColumn) -> list[str]:
    """Return words for where the number is an output, or first used, shortest first: main.part2.conv -> main, part2, main_part2."""
    made = next((name for name, use in column.uses if use in ("out_channels", "out_features")), column.uses[0][0])
    around = made.split(".")[:-1] or [made]
    return [*around, "_".join(around), made.replace(".", "_"), f"{made.replace('.', '_')}_{column.uses[0][1]}"]


def constructor_call(one: PrintedClass, number: Callable[[str], CodeExpr]) -> CodeExpr:
    """Return `Bottleneck(64, 256, width=64, stride=2)`; `number` gives the text for each parameter name."""
    args, kwargs = [], {}
    for param in one.params:
        given = number(param.name)
        if given.head == repr(param.default):
            continue
        if param.name in ENDS:
            args.append(given)
        else:
            kwargs[param.name] = given
    return call_expr(one.name, *args, **kwargs)


# -- names -----------------------------------------------------------------------------------------------------------------------------


def camel_case(name: str) -> str:
    """Return hs_bottleneck as HsBottleneck, resnext50_32x4d as Resnext50_32x4d; only ASCII letters and digits are kept."""
    made = ""
    for part in "".join(c if c.isascii() and c.isalnum() else " " for c in name).split():
        made += ("_" if made[-1:].isdigit() and part[0].isdigit() else "") + part[0].upper() + part[1:]
    return made if made[:1].isalpha() else f"Net{made}"


def unique_name(name: str, taken: set[str]) -> str:
    """Return `name`, numbered when it is taken, and mark it as taken."""
    name = to_attribute(name)
    numbered = f"{name}_" if name[-1:].isdigit() else name
    found = name if name not in taken else next(n for i in range(2, len(taken) + 3) if (n := f"{numbered}{i}") not in taken)
    taken.add(found)
    return found


def name_classes(found: list[PrintedClass], taken: set[str]) -> None:
    """Name the classes: the block's name; `...Projection` for variants with layers on the shortcut when others have none; numbered."""
    plain = {one.example.block for one in found if not has_projection(one.example)}
    for one in found:
        block = one.example.block
        projection = block in plain and has_projection(one.example)
        one.name = unique_name(camel_case(block) + ("Projection" if projection else ""), taken)


def has_projection(use: BlockInstance) -> bool:
    """Return whether a shortcut of the block has layers."""
    return any(SHORTCUTS & set(item.name.split(".")) for item in use.items if item.is_attribute)
