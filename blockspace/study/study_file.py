"""The study file: one question, written in YAML, read with every mistake at its place."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, create_model

from blockspace.blocks import number
from blockspace.costs import COSTS, Budget
from blockspace.data import DataSpec, read_spec
from blockspace.errors import BlockspaceError, Mark, Mistake, Source, did_you_mean, error
from blockspace.formatting import parse_bytes
from blockspace.options import Options, refusal, validated
from blockspace.reader import Map, Node, Scalar, Seq, parse, read
from blockspace.runtimes import runtime_names
from blockspace.searching import SearchOptions
from blockspace.training import Recipe

FORMAT = "blockspace/study/1"
MEASURED = ("latency",)
NAME = r"[a-z0-9][a-z0-9._-]{0,63}"
Bound = float | int | str | None


class Window(Options):
    """A budget on a counted cost: numbers (`60M`; for bytes also `4MiB`), or shares of the baseline's (`96%`)."""

    low: Annotated[Bound, Field(description="the least it may cost")] = None
    high: Annotated[Bound, Field(description="the most it may cost")] = None


def check_runtime(name: str) -> str:
    """Return the name of a runtime. Raises a refusal (E-TYPE) for a name that no runtime has."""
    known = runtime_names()
    if name not in known:
        near = did_you_mean(name, known)
        raise refusal("E-TYPE", f"unknown runtime {name!r}", f"{near + ' ' if near else ''}known: {', '.join(known)}")
    return name


def list_runtimes(schema: dict[str, Any]) -> None:
    """Write the names of all runtimes into the JSON schema of a field."""
    schema["enum"] = list(runtime_names())


class LatencyWindow(Window):
    """A budget on latency, as a ratio to the baseline network's, and how it is measured."""

    runtime: Annotated[
        str, AfterValidator(check_runtime), Field(description="how the network is run", json_schema_extra=list_runtimes)
    ] = "eager"
    threads: Annotated[int, Field(ge=1, le=256, description="of one call")] = 1
    batch: Annotated[int, Field(ge=1, le=4096, description="images in one call")] = 1


if TYPE_CHECKING:
    Counted = Options  # a class made of the registry of costs is none that can be known before it runs
else:
    Counted = create_model("Counted", __base__=Options, **{n: (Window | None, Field(None, description=q.doc)) for n, q in COSTS.items()})


class Budgets(Counted):
    """The windows, one for each cost there is; what is not named is free."""

    latency: Annotated[LatencyWindow | None, Field(description="CPU time of one call, as a ratio to the baseline's")] = None


class Finalists(Options):
    """Which trained networks are retrained for the answer: the best `take` of each choice of `per`, with `seeds` seeds each."""

    take: Annotated[int, Field(ge=1, le=100, description="networks of each choice")] = 2
    per: Annotated[str | None, Field(description="the hole whose choices are meant; unset: the one that is compared")] = None
    epochs: Annotated[int | None, Field(ge=1, description="of a final training; unset: as in the search")] = None
    seeds: Annotated[int, Field(ge=1, le=100, description="trainings of each network")] = 3


class Compare(Options):
    """The hole whose choices are compared."""

    by: Annotated[str, Field(description="its name, such as `block`")]


class StudyFile(Options):
    """The whole file, as written."""

    format: Annotated[Literal["blockspace/study/1"], Field(description="which grammar the file is written in")]
    study: Annotated[str, Field(pattern=f"^{NAME}$", description="its name: small letters, digits, `.`, `_`, `-`")]
    doc: Annotated[str, Field(description="the question, in one line")] = ""
    space: Annotated[str, Field(description="the network file with holes, relative to this file, or a library network")]
    data: Annotated[str | dict[str, Any], Field(description="a data set's name, or `{folder: my/images}` and other settings")] = "digits"
    baseline: Annotated[
        dict[str, str | int | float | bool],
        Field(description="holes of the space and their values: the network that shares and ratios refer to; `macs: 5M` solves its widths"),
    ] = {}
    budget: Annotated[Budgets, Field(description="what a network may cost")] = Budgets()
    objectives: Annotated[
        list[dict[Literal["maximize", "minimize"], str]],
        Field(description="what is searched for: `val_acc`, `val_loss`, or a cost"),
    ] = [{"maximize": "val_acc"}]
    search: Annotated[SearchOptions, Field(description="how the space is searched")] = SearchOptions()
    train: Annotated[Recipe, Field(description="how each network is trained")] = Recipe()
    finalists: Annotated[Finalists, Field(description="which networks are retrained for the answer")] = Finalists()
    compare: Annotated[Compare | None, Field(description="what the answer compares")] = None
    out: Annotated[str | None, Field(description="the run directory; unset: `runs/` and the study's name")] = None


@dataclass(frozen=True)
class Study:
    """A study file with what it refers to: the options, where the file is, and marks for later complaints."""

    options: StudyFile
    path: Path
    mark_of: Callable[[tuple], Mark | None]

    @property
    def name(self) -> str:
        return self.options.study

    @property
    def folder(self) -> Path:
        """The run directory."""
        return Path(self.options.out or f"runs/{self.name}")

    @property
    def space_path(self) -> str:
        """The space's file, relative to the study's, or a library name."""
        beside = self.path.parent / self.options.space
        return os.path.relpath(beside.parent.resolve() / beside.name) if beside.is_file() else self.options.space

    @property
    def objectives(self) -> dict[str, str]:
        """Metric or cost -> maximize or minimize."""
        return {name: direction for item in self.options.objectives for direction, name in item.items()}

    @property
    def costs(self) -> list[str]:
        """The counted costs that an answer shows: macs, params, and what a budget or an objective names."""
        named = [name for name in COSTS if getattr(self.options.budget, name) is not None or name in self.objectives]
        return list(dict.fromkeys(["macs", "params", *named]))

    @property
    def data(self) -> DataSpec:
        """Raises BlockspaceError (E-DATA, E-KEY) for data that is not known."""
        return read_spec(self.options.data, lambda path: self.mark_of(("data", *path)))


def load_study(path: str | Path, overrides: Sequence[str] = ()) -> Study:
    """Read a study file, with `key.path=value` overrides applied after it.

    Raises BlockspaceError with every mistake: E-FILE, E-YAML, E-KEY, E-TYPE.
    """
    root = read(str(path))
    if not isinstance(root, Map) or "study" not in root:
        raise error("E-KEY", f"{path} is not a study", root.mark, f"a study starts with `format: {FORMAT}` and `study: NAME`")
    wrong = override_all(root, overrides)

    def mark_of(where: tuple) -> Mark | None:
        return find_mark(root, where)

    try:
        options = validated(StudyFile, values(root), "study", mark_of)
    except BlockspaceError as e:
        raise BlockspaceError(*wrong, *e.mistakes) from None
    if wrong:
        raise BlockspaceError(*wrong)
    study = Study(options, Path(path), mark_of)
    check_names(study)
    return study


def override_all(root: Map, texts: Sequence[str]) -> list[Mistake]:
    """Put every `key.path=value` into the tree; the mistakes of those that are none."""
    mistakes: list[Mistake] = []
    for text in texts:
        try:
            override(root, text)
        except BlockspaceError as e:
            mistakes += e.mistakes
    return mistakes


def override(root: Map, text: str) -> None:
    """Put one `key.path=value` into the tree; the value is YAML."""
    key, equals, content = text.partition("=")
    source = Source("<command line>", text)
    if not equals or not key:
        raise error("E-KEY", f"{text!r} is not an override", Mark(source, 1, 1), "write key.path=value, as search.trials=40")
    node = parse(content, "<command line>") if content.strip() else Scalar("", Mark(source, 1, len(key) + 2))
    if isinstance(node, Scalar):  # shown with the key before it
        node.mark = Mark(source, 1, len(key) + 2, max(1, len(content)))
    *parents, last = split_path(root, key)
    here = root
    for part in parents:
        inner = here.get(part)
        if not isinstance(inner, Map):
            inner = named_data(part, inner, Map(Mark(source, 1, 1, len(key))))
        here.items[part], here.keys[part] = inner, here.keys.get(part, Mark(source, 1, 1, len(key)))
        here = inner
    here.items[last], here.keys[last] = node, Mark(source, 1, 1, len(key))


def named_data(part: str, old: Node | None, new: Map) -> Map:
    """The mapping that takes the place of something else; `data: digits` stays the name when `data.size=8` is added to it."""
    if part == "data" and isinstance(old, Scalar):
        new.items["name"], new.keys["name"] = old, old.mark
    return new


def split_path(root: Map, key: str) -> list[str]:
    """The parts of a dotted path; below `baseline` and `per_choice` the rest is one key, since holes have dotted names."""
    parts = key.split(".")
    if parts[0] == "baseline" and len(parts) > 1:
        return ["baseline", ".".join(parts[1:])]
    if parts[:2] == ["search", "per_choice"] and len(parts) > 2:
        return ["search", "per_choice", ".".join(parts[2:])]
    return parts


def values(node: Node):
    """The tree as Python values: numbers where a text is one, shares (`96%`) and everything else as text."""
    if isinstance(node, Map):
        return {key: values(item) for key, item in node.items.items()}
    if isinstance(node, Seq):
        return [values(item) for item in node.items]
    if node.quoted or node.text.endswith("%"):
        return node.text
    if node.text in ("true", "false"):
        return node.text == "true"
    if node.text in ("", "null", "~"):
        return None
    try:
        found = number(node.text)
    except BlockspaceError as e:
        raise e.at(node.mark) from None
    return node.text if found is None else found if isinstance(found, int) else float(found)


def find_mark(node: Node, path: tuple) -> Mark | None:
    """The place of a path of keys, or of the nearest node above it that exists; the key itself where it was not expected."""
    mark = node.mark
    for part in path:
        if isinstance(node, Map) and part in node:
            mark, node = node.keys[part], node.items[part]
        elif isinstance(node, Seq) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
            mark = node.mark
    return node.mark if isinstance(node, Scalar) and node.text and path and node.mark.line else mark


def check_names(study: Study) -> None:
    """Objectives must be something a trial gives."""
    known = ("val_acc", "val_loss", *COSTS, *MEASURED)
    for name in study.objectives:
        if name not in known:
            raise error(
                "E-KEY",
                f"unknown objective {name!r}",
                study.mark_of(("objectives",)),
                did_you_mean(name, known) or f"known: {', '.join(known)}",
            )
    if "latency" in study.objectives and study.options.budget.latency is None:
        raise error(
            "E-KEY",
            "the objective latency needs to know how it is measured",
            study.mark_of(("objectives",)),
            "add budget: {latency: {high: 130%}}",
        )


def resolved(window: Window, cost: str, baseline: float, mark: Mark | None) -> Budget:
    """A window as a Budget: shares become counts of the baseline's cost (for latency, ratios)."""
    low, high = (bound(value, cost, baseline, mark) for value in (window.low, window.high))
    if low is not None and high is not None and low > high:
        raise error("E-RANGE", f"budget: {cost}: low ({window.low}) is above high ({window.high})", mark)
    return Budget(cost, low, high)


def count(text: str, cost: str):
    """`60M`, `96%`, and for costs in bytes `4MiB`, as a number; None when the text is none."""
    size = parse_bytes(text) if cost in COSTS and COSTS[cost].symbol == "B" else None
    return number(text.strip()) if size is None else size


def bound(value: Bound, cost: str, baseline: float, mark: Mark | None) -> float | None:
    share = count(value, cost) if isinstance(value, str) else value
    if value is not None and (share is None or share <= 0):
        example = "4MiB" if cost in COSTS and COSTS[cost].symbol == "B" else "8M"
        raise error("E-TYPE", f"budget: {cost}: {value!r} is no cost", mark, f"write {example}, or a share of the baseline's: 96%")
    if share is None or not (isinstance(value, str) and value.strip().endswith("%")):
        return share
    return float(share * baseline) if cost == "latency" else int(share * baseline)
