"""Settings that are given beside a file: `key.path=value` texts and Python keyword arguments, written into the file's tree.

Both end up as nodes with a place of their own, so that a mistake in one is shown like a mistake in the file: `<command line>:1:14` quotes
the text, `<argument>:1:7` the argument. A mapping given for a section sets the keys that it names and leaves the others; a deeper value
replaces what was there, and one of several alternatives (`data.folder`, `train.optimizer.adamw`) replaces the other one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, get_origin

from pydantic import BaseModel

from blockspace.data import DataSpec
from blockspace.errors import BlockspaceError, Mark, Mistake, Source, error
from blockspace.options import Choice, OwnKey, list_models
from blockspace.reader import Map, Node, Scalar, Seq, parse_yaml
from blockspace.searching import SearchOptions
from blockspace.training import Recipe
from blockspace.units import parse_count, parse_plain_number, to_int_or_float

KeyPath = tuple[str | int, ...]
PATH_KEYS = ("out", "space", "data", "folder", "path", "root", "weights")  # last parts of the keys whose values are paths
# the alternatives of `data:`, with the keys that only they take
DATA_SOURCES: dict[str, set[str]] = {"name": {"path", "root", "download", "options"}, "folder": set(), "python": {"options"}}


def list_choices(model: type[BaseModel], path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the path of every section of a model that holds one of several `Choice`s, written `{name: {settings}}`."""
    for name, field in model.model_fields.items():
        if Choice in (kind.__base__ for kind in list_models(field.annotation)) and get_origin(field.annotation) is not tuple:
            yield (*path, name)


CHOICES = frozenset((*list_choices(Recipe, ("train",)), *list_choices(SearchOptions, ("search",))))


class PythonScalar(Scalar):
    """A value from Python: taken as it is, where the text of a file is read as a number or a word."""

    __slots__ = ("value",)

    def __init__(self, value: object, mark: Mark):
        super().__init__("" if value is None else str(value), mark, quoted=True)
        self.value = value


def empty_tree(texts: Sequence[str]) -> Map:
    """Return a mapping without keys, for settings that have no file; `texts` are what its mistakes quote."""
    return Map(Mark(Source("<command line>", " ".join(texts)), 1, 1))


def apply_texts(root: Map, texts: Sequence[str]) -> list[Mistake]:
    """Put every `key.path=value` into the tree, and return the mistakes of those that cannot be read."""
    mistakes: list[Mistake] = []
    for text in texts:
        try:
            apply_text(root, text)
        except BlockspaceError as e:
            mistakes += e.mistakes
    return mistakes


def apply_text(root: Map, text: str) -> None:
    """Put one `key.path=value` into the tree; the value is YAML. Raises BlockspaceError (E-KEY, E-YAML)."""
    key, equals, content = text.partition("=")
    source = Source("<command line>", text)
    if not equals or not key:
        raise error("E-KEY", f"{text!r} is not an override", Mark(source, 1, 1), "write key.path=value, as search.trials=40")
    if key.rpartition(".")[2] in PATH_KEYS and "#" in content and content.strip()[0] not in "{['\"":
        node: Node = Scalar(content.strip(), Mark(source, 1, len(key) + 2), quoted=True)  # YAML would take ` #` for a comment
    else:
        node = parse_yaml(content, "<command line>") if content.strip() else Scalar("", Mark(source, 1, len(key) + 2))
    if isinstance(node, Scalar):  # shown with the key before it
        node.mark = Mark(source, 1, len(key) + 2, max(1, len(content)))
    parts = split_key(key)
    starts = [len(".".join(parts[:place])) + (place > 0) for place in range(len(parts))]
    _put(root, parts, node, [Mark(source, 1, start + 1, len(part)) for start, part in zip(starts, parts)])


def apply_keyword(root: Map, key: str, value: object, path: Sequence[str], sections: Collection[str] = ()) -> None:
    """Put a keyword argument into the tree at `path`: a mapping, list, number, text, bool, None or path.

    A mapping that is given for one of `sections` is merged key by key into the section of the file.
    """
    plain = plain_data(value)
    text = f"{key}={plain!r}"
    source = Source("<argument>", text)
    mark, node = Mark(source, 1, 1, len(key)), _to_node(plain, source, len(key) + 2)
    if len(path) == 1 and path[0] in sections and isinstance(node, Map):
        for inner, item in node.items.items():
            _put(root, [*path, inner], item, [mark, node.keys[inner]])
    else:
        _put(root, path, node, [mark] * len(path))


def plain_data(value: Any) -> Any:
    """Return Python data as a file could hold it: paths as texts, tuples as lists, keys as texts."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, Mapping):
        return {str(key): plain_data(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_data(item) for item in value]
    if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:  # a scalar of numpy's
        return value.item()
    return value


def data_as_node(value: object, name: str) -> Node:
    """Return Python data as a tree whose places are in its `repr`, in a source called `name`."""
    plain = plain_data(value)
    return _to_node(plain, Source(name, repr(plain)), 1)


def _to_node(value: Any, source: Source, column: int) -> Node:
    """Return plain data as nodes whose places are in its `repr`, which starts at `column` of the source."""
    mark = Mark(source, 1, column, len(repr(value)))
    if isinstance(value, dict):
        tree = Map(Mark(source, 1, column))
        column += 1
        for key, item in value.items():
            tree.keys[key] = Mark(source, 1, column, len(repr(key)))
            column += len(repr(key)) + 2
            tree.items[key] = _to_node(item, source, column)
            column += len(repr(item)) + 2
        return tree
    if isinstance(value, list):
        items, column = [], column + 1
        for item in value:
            items.append(_to_node(item, source, column))
            column += len(repr(item)) + 2
        return Seq(items, mark)
    return PythonScalar(value, mark)


def _put(root: Map, path: Sequence[str], node: Node, marks: Sequence[Mark]) -> None:
    """Set the node at a path of keys, each with its place; what is on the way and no mapping becomes one."""
    *parents, last = path
    here = root
    for depth, part in enumerate(parents):
        mark = marks[depth]
        inner = here.get(part)
        if part == "data" and not depth:
            inner = _spell_out_data(inner, mark)
        elif not isinstance(inner, Map):
            inner = Map(mark)
        if tuple(parents[: depth + 1]) in CHOICES:
            _remove_keys(inner, set(inner.items) - {path[depth + 1]})
        here.items[part], here.keys[part] = inner, here.keys.get(part, mark)
        here = inner
    mark = marks[-1]
    if tuple(parents) == ("data",) and last in DATA_SOURCES:
        _leave_other_sources(here, last, mark)
    if tuple(parents) == ("baseline",):
        _leave_other_choice(here, last, node, mark)
    here.items[last], here.keys[last] = node, mark


def _spell_out_data(old: Node | None, mark: Mark) -> Map:
    """Return a study's `data:` as a mapping with a `name`, also where it is written `digits` or `{cifar10: {root: ...}}`."""
    if isinstance(old, Map) and len(old.items) == 1 and (name := next(iter(old.items))) not in DataSpec.model_fields and name != "root":
        outer, old = old, old.items[name]
        found = old if isinstance(old, Map) else Map(outer.mark)
        found.items["name"], found.keys["name"] = Scalar(name, outer.keys[name]), outer.keys[name]
        return found
    if isinstance(old, Map):
        return old
    found = Map(mark)
    if isinstance(old, Scalar):
        found.items["name"], found.keys["name"] = old, old.mark
    return found


def _leave_other_sources(data: Map, source: str, mark: Mark) -> None:
    """Remove the other sources of data, and the keys of the file that belong to them; those that were given beside the file stay."""
    others = DATA_SOURCES.keys() & data.items.keys() - {source}
    options = data.get("options") if others else None
    if isinstance(options, Map):  # the arguments of another function or set
        _remove_keys(options, [key for key in options.items if options.keys[key].source.path != mark.source.path])
        if not options.items:
            _remove_keys(data, ["options"])
    owned = {key for other in others for key in DATA_SOURCES[other] - DATA_SOURCES[source] if key in data}
    _remove_keys(data, others | {key for key in owned if data.keys[key].source.path != mark.source.path})


def _leave_other_choice(baseline: Map, hole: str, choice: Node, mark: Mark) -> None:
    """Remove what the file says of a choice that is replaced: with `baseline.block=hs` the keys `block.resnext.*` go."""
    old = baseline.get(hole)
    if isinstance(old, Scalar) and isinstance(choice, Scalar) and old.text != choice.text:
        owned = [key for key in baseline.items if key.startswith(f"{hole}.{old.text}.")]
        _remove_keys(baseline, [key for key in owned if baseline.keys[key].source.path != mark.source.path])


def _remove_keys(node: Map, keys: Collection[str]) -> None:
    """Remove keys of a mapping."""
    for key in keys:
        del node.items[key], node.keys[key]


def find_data_mark(data: DataSpec, mark_of: Callable[[KeyPath], Mark | None]) -> Mark | None:
    """Return the place of the source of data, given the function that finds the place of a path of keys."""
    return mark_of(("data", next(source for source in DATA_SOURCES if getattr(data, source) is not None)))


def split_key(key: str) -> list[str]:
    """Return the parts of a dotted key; below `baseline`, `per_choice` and `tune.grid` the rest is one key, which has dots itself."""
    parts = key.split(".")
    if parts[0] == "baseline" and len(parts) > 1:
        return ["baseline", ".".join(parts[1:])]
    if parts[:2] in (["search", "per_choice"], ["tune", "grid"]) and len(parts) > 2:
        return [*parts[:2], ".".join(parts[2:])]
    return parts


def tree_as_data(node: Node, counts: bool = False) -> Any:
    """Return the tree as Python values: numbers where a text is one; a number with a unit (`96%`, `500ms`) and everything else as text.

    With `counts`, and in windows of counted costs below `budget`, a text such as `60M` is a number too: other bounds are kept as written,
    and run directories hold them so. Raises BlockspaceError for a number that is out of range, at its place.
    """
    if isinstance(node, Map):
        below = {key: (counts or key == "budget") and key != "latency" for key in node.items}
        return {key: tree_as_data(item, below[key]) for key, item in node.items.items()}
    if isinstance(node, Seq):
        return [tree_as_data(item, counts) for item in node.items]
    if isinstance(node, PythonScalar):
        return node.value
    if node.quoted:
        return node.text
    if node.text in ("true", "false"):
        return node.text == "true"
    if node.text in ("", "null", "~"):
        return None
    try:
        value = parse_count(node.text) if counts else parse_plain_number(node.text)
    except BlockspaceError as e:
        raise e.at(node.mark) from None
    return node.text if value is None else to_int_or_float(value)


def find_mark(node: Node, path: KeyPath) -> Mark | None:
    """Return the place of a path of keys, or of the nearest node above it that exists: of its value if that is a text, else of its key.

    Where the path ends in an `OwnKey`, it is the place of the key.
    """
    mark = node.mark
    for part in path:
        if isinstance(node, Map) and str(part) in node:
            mark, node = node.keys[str(part)], node.items[str(part)]
        elif isinstance(node, Seq) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
            mark = node.mark
    is_value = isinstance(node, Scalar) and node.text and path and not isinstance(path[-1], OwnKey)
    return node.mark if is_value and node.mark.line else mark
