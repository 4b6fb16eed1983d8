"""The study file: one question, written in YAML, read with every mistake at its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field, create_model

from blockspace.costs import COSTS, Budget
from blockspace.data import DataSetting, DataSpec, read_spec
from blockspace.errors import BlockspaceError, Mark, Mistake, Source, did_you_mean, error
from blockspace.inputs import expand_path, relate_path
from blockspace.options import AS_COUNT, Measured, Options, PathText, refuse, suggest_key, validate
from blockspace.reader import Map, Scalar, read_yaml
from blockspace.records import RunDir
from blockspace.runtimes import runtime_names
from blockspace.searching import HoleValues, SearchOptions
from blockspace.shipped import find_shipped, list_shipped
from blockspace.study.local_paths import resolve_tree
from blockspace.study.overrides import KeyPath, apply_keyword, apply_text, apply_texts, find_mark, split_key, tree_as_data
from blockspace.study.tune_options import TuneOptions, make_recipes
from blockspace.training import DEFAULT_TASK, TASKS, Recipe, list_objectives
from blockspace.units import BASELINE_RATIO, BYTES_COST, COUNTED_COST, POINTS, NumberKind, parse_measure, to_int_or_float

FORMAT = "blockspace/study/1"
MEASURED = ("latency",)
NAME = r"[a-z0-9][a-z0-9._-]{0,63}"
Bound = float | int | str | None
COUNT_BOUND, BYTE_BOUND, RATIO_BOUND = (Measured(kind, kept=kind.units) for kind in (COUNTED_COST, BYTES_COST, BASELINE_RATIO))


class CostWindow(Options):
    """A budget on a counted cost: numbers (`60M`), or shares of the baseline's (`96%`)."""

    low: Annotated[Bound, Field(description="the least it may cost"), COUNT_BOUND] = None
    high: Annotated[Bound, Field(description="the most it may cost"), COUNT_BOUND] = None


class ByteWindow(CostWindow):
    """A budget on a cost in bytes: a size (`4MiB`), or shares of the baseline's (`96%`)."""

    low: Annotated[Bound, Field(description="the least it may cost"), BYTE_BOUND] = None
    high: Annotated[Bound, Field(description="the most it may cost"), BYTE_BOUND] = None


def check_runtime(name: str) -> str:
    """Return the name of a runtime. Raises a refusal (E-TYPE) for a name that no runtime has."""
    known = runtime_names()
    if name not in known:
        near = did_you_mean(name, known)
        raise refuse("E-TYPE", f"unknown runtime {name!r}", f"{near + ' ' if near else ''}known: {', '.join(known)}")
    return name


def list_runtimes(schema: dict[str, Any]) -> None:
    """Write the names of all runtimes into the JSON schema of a field."""
    schema["enum"] = list(runtime_names())


class LatencyWindow(CostWindow):
    """A budget on latency, as a multiple of the baseline network's (`1.3`, `130%`), and how it is measured."""

    low: Annotated[Bound, Field(description="the least it may take"), RATIO_BOUND] = None
    high: Annotated[Bound, Field(description="the most it may take"), RATIO_BOUND] = None
    runtime: Annotated[
        str, AfterValidator(check_runtime), Field(description="how the network is run", json_schema_extra=list_runtimes)
    ] = "eager"
    threads: Annotated[int, Field(ge=1, le=256, description="of one call"), AS_COUNT] = 1
    batch: Annotated[int, Field(ge=1, le=4096, description="images in one call"), AS_COUNT] = 1


if TYPE_CHECKING:
    CountedBudgets = Options  # its fields are made from the registry of costs, which type checkers cannot follow
else:
    windows = {
        name: ((ByteWindow if cost.symbol == "B" else CostWindow) | None, Field(None, description=cost.doc)) for name, cost in COSTS.items()
    }
    CountedBudgets = create_model("CountedBudgets", __base__=Options, **windows)


class Budgets(CountedBudgets):
    """The windows, one for each cost there is; what is not named is free."""

    latency: Annotated[LatencyWindow | None, Field(description="CPU time of one call, as a ratio to the baseline's")] = None


class FinalistOptions(Options):
    """The trained networks that are retrained for the answer: the best `take` of each choice of `per`, with `seeds` seeds each."""

    take: Annotated[int, Field(ge=1, le=100, description="networks of each choice"), AS_COUNT] = 2
    per: Annotated[str | None, Field(description="the hole whose choices are meant; unset: the one that is compared")] = None
    epochs: Annotated[int | None, Field(ge=1, description="of a final training; unset: as in the search"), AS_COUNT] = None
    seeds: Annotated[int, Field(ge=1, le=100, description="trainings of each network"), AS_COUNT] = 3
    random: Annotated[
        int,
        Field(ge=0, le=100, description="networks of each choice drawn at random from the space and trained beside the finalists"),
        AS_COUNT,
    ] = 0


def check_margin(text: str) -> str:
    """Return a margin as it is kept, `0.5 points`. Raises a refusal (E-RANGE, E-TYPE) for what is no difference of accuracies above 0."""
    points = parse_measure(text, POINTS)
    if points is None:
        raise refuse("E-TYPE", f"{text!r} is not {POINTS.name}", POINTS.form.format(digits="0.5"))
    if not 0 < points <= 100:
        raise refuse("E-RANGE", f"a margin of {text} is not above 0 and at most 100 points", "write 0.5 points")
    return f"{float(points):g} point" + ("" if points == 1 else "s")


def check_cost_name(name: str | None) -> str | None:
    """Return the name of a cost that a network can have less of. Raises a refusal (E-KEY) for any other name."""
    known = (*COSTS, *MEASURED)
    if name is not None and name not in known:
        near = did_you_mean(name, known)
        raise refuse("E-KEY", f"{name!r} is no cost that is counted or measured", f"{near + ' ' if near else ''}known: {', '.join(known)}")
    return name


def list_costs(schema: dict[str, Any]) -> None:
    """Write the names of all costs into the JSON schema of a field."""
    schema["anyOf"] = [{"enum": [*COSTS, *MEASURED]}, {"type": "null"}]


class CompareOptions(Options):
    """What the answer compares: the choices of a hole with each other, and how much cheaper a network can be without being worse."""

    by: Annotated[str | None, Field(description="the hole whose choices are compared, such as `block`")] = None
    against: Annotated[
        Literal["baseline"] | None, Field(description="the network that `cheaper` is asked of; unset: the baseline, the only one there is")
    ] = None
    cheaper: Annotated[
        str | None,
        AfterValidator(check_cost_name),
        Field(
            description="a cost, or `latency`: how much less of it does a network need that is not worse than the baseline by the margin?",
            json_schema_extra=list_costs,
        ),
    ] = None
    margin: Annotated[
        str,
        AfterValidator(check_margin),
        Field(description="differences of accuracy below it do not matter, in percentage points"),
        Measured(POINTS, POINTS.units),
    ] = "0.5 points"

    @property
    def margin_share(self) -> float:
        """Return the margin as a difference of accuracies in 0..1."""
        return float(Fraction(parse_measure(self.margin, POINTS) or 0) / 100)


class StudyFile(Options):
    """The whole file, as written."""

    format: Annotated[Literal["blockspace/study/1"], Field(description="which grammar the file is written in")]
    study: Annotated[str, Field(pattern=f"^{NAME}$", description="its name: small letters, digits, `.`, `_`, `-`")]
    doc: Annotated[str, Field(description="the question, in one line")] = ""
    space: Annotated[PathText, Field(description="the network file with holes, relative to this file, or a library network")]
    data: Annotated[DataSetting, Field(description="a data set's name, or `{folder: my/images}` and other settings")] = "digits"
    baseline: Annotated[
        HoleValues,
        Field(description="holes of the space and their values: the network that shares and ratios refer to; `macs: 5M` solves its widths"),
    ] = {}
    budget: Annotated[Budgets, Field(description="what a network may cost")] = Budgets()
    objectives: Annotated[
        list[dict[Literal["maximize", "minimize"], str]],
        Field(description="what is searched for: `val_acc`, `val_loss`, or a cost"),
    ] = [{"maximize": "val_acc"}]
    search: Annotated[SearchOptions, Field(description="how the space is searched")] = SearchOptions()
    train: Annotated[Recipe, Field(description="how each network is trained")] = Recipe()
    tune: Annotated[TuneOptions | None, Field(description="the recipes to try before the search; unset: `train` as it is written")] = None
    finalists: Annotated[FinalistOptions, Field(description="which networks are retrained for the answer")] = FinalistOptions()
    compare: Annotated[CompareOptions | None, Field(description="what the answer compares")] = None
    out: Annotated[PathText | None, Field(description="the run directory; unset: `runs/` and the study's name")] = None


SECTIONS = ("budget", "search", "train", "tune", "finalists", "compare")  # keys whose mapping is merged into the file's


@dataclass(frozen=True)
class Study:
    """A study file with what it refers to: the options, where the file is, and marks for later complaints."""

    options: StudyFile
    path: Path
    mark_of: Callable[[KeyPath], Mark | None]

    @property
    def name(self) -> str:
        """The study's name."""
        return self.options.study

    @property
    def folder(self) -> Path:
        """The run directory."""
        return expand_path(self.options.out or f"runs/{self.name}")

    @property
    def space_path(self) -> str:
        """The space's file, relative to the study's, or a library name."""
        beside = self.path.parent / expand_path(self.options.space)
        return relate_path(beside.parent.resolve() / beside.name) if beside.is_file() else self.options.space

    @property
    def objectives(self) -> dict[str, str]:
        """Metric or cost -> maximize or minimize."""
        return {name: direction for item in self.options.objectives for direction, name in item.items()}

    @property
    def comparison(self) -> CompareOptions:
        """What the answer compares; where nothing is written, the defaults."""
        return self.options.compare or CompareOptions()

    @property
    def costs(self) -> list[str]:
        """The counted costs that an answer shows: macs, params, and what a budget, an objective or the comparison names."""
        asked = (*self.objectives, self.comparison.cheaper)
        named = [name for name in COSTS if getattr(self.options.budget, name) is not None or name in asked]
        return list(dict.fromkeys(["macs", "params", *named]))

    @property
    def data(self) -> DataSpec:
        """Raises BlockspaceError (E-DATA, E-KEY) for data that is not known."""
        return read_spec(self.options.data, lambda path: self.mark_of(("data", *path)))


def load_study(
    path: str | PathLike[str], overrides: Sequence[str] = (), keywords: Mapping[str, object] | None = None
) -> Study:
    """Read a study file, then `keywords` (as of `search`), then `key.path=value` texts; what comes later wins.

    Raises BlockspaceError with every mistake: E-FILE, E-YAML, E-KEY, E-TYPE.
    """
    path = find_study_file(path)
    root = read_yaml(str(path))
    if not isinstance(root, Map) or "study" not in root:
        raise error("E-KEY", f"{path} is not a study", root.mark, f"a study starts with `format: {FORMAT}` and `study: NAME`")
    run = RunDir(Path(path).parent)
    if Path(path) == run.study_yaml and (run.local.is_file() or run.storage.is_file()):  # a run goes on where it is, also a copy
        resolve_tree(root, run)
        if isinstance(root.get("out"), Scalar):
            root.items["out"] = Scalar(str(run), root.keys["out"], quoted=True)
    mistakes = [*_apply_keywords(root, keywords or {}), *apply_texts(root, overrides)]

    def mark_of(where: KeyPath) -> Mark | None:
        return find_mark(root, where)

    try:
        options = validate(StudyFile, tree_as_data(root), "study", mark_of)
    except BlockspaceError as e:
        raise BlockspaceError(*mistakes, *e.mistakes) from None
    if mistakes:
        raise BlockspaceError(*mistakes)
    study = Study(options, path, mark_of)
    check_objectives(study)
    check_comparison(study)
    if options.tune is not None:
        make_recipes(options.train, options.tune, mark_of)
    return study


def find_study_file(path: str | PathLike[str]) -> Path:
    """Return the path of a study: a file's, or that of a shipped study by its name. Raises BlockspaceError (E-FILE) for an unknown name."""
    place = expand_path(path)
    if place.is_file() or place.suffix or len(place.parts) != 1:
        return place
    found = find_shipped(str(path), "study")
    if found is None:
        known = list_shipped("study")
        help = did_you_mean(str(path), known) or "give a study file, or a name that `blockspace ls --studies` lists"
        raise error("E-FILE", f"no study called {str(path)!r}", help=help)
    return Path(found)


def _apply_keywords(root: Map, keywords: Mapping[str, object]) -> list[Mistake]:
    """Put keyword arguments into a study's tree, and return the mistakes of those that it does not know."""
    mistakes: list[Mistake] = []
    sections = tuple(StudyFile.model_fields)
    for key, value in keywords.items():
        path = split_key(key)
        try:
            if path[0] in sections:
                apply_keyword(root, key, value, path, SECTIONS)
            elif path[0] not in SearchOptions.model_fields:
                mistakes.append(_unknown_keyword(key, value, path))
            elif isinstance(value, str):  # read as on the command line: trials="40"
                apply_text(root, f"search.{key}={value}")
            else:
                apply_keyword(root, key, value, split_key(f"search.{key}"))
        except BlockspaceError as e:
            mistakes += e.mistakes
    return mistakes


def _unknown_keyword(key: str, value: object, path: Sequence[str]) -> Mistake:
    """Return the mistake for a keyword argument of `search` that is not a key of a study."""
    mark = Mark(Source("<argument>", f"{key}={value!r}"), 1, 1, len(key))
    if path[0] in Recipe.model_fields:
        return Mistake("E-KEY", f"search: unknown key {key!r}", mark, f"write train={{{key!r}: {value!r}}}")
    known = [*StudyFile.model_fields, *SearchOptions.model_fields]
    return Mistake("E-KEY", f"search: unknown key {key!r}", mark, suggest_key(key, known))


def check_objectives(study: Study) -> None:
    """Check that the objectives are metrics or costs. Raises BlockspaceError (E-KEY)."""
    known = (*list_objectives(TASKS[DEFAULT_TASK]), *COSTS, *MEASURED)
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


def check_comparison(study: Study) -> None:
    """Check that the cost which is to be cheaper is known of each network. Raises BlockspaceError (E-KEY)."""
    if study.comparison.cheaper in MEASURED and study.options.budget.latency is None:
        message = f"compare: cheaper: {study.comparison.cheaper} is not measured in this study"
        help = "add budget: {latency: {}}, with a bound if one is wanted, as {latency: {high: 130%}}"
        raise error("E-KEY", message, study.mark_of(("compare", "cheaper")), help)


def resolve_budget(window: CostWindow, cost: str, baseline: float, mark: Mark | None) -> Budget:
    """Return a window as a Budget: shares become counts of the baseline's cost (for latency, ratios)."""
    low, high = (resolve_bound(value, cost, baseline, mark) for value in (window.low, window.high))
    if low is not None and high is not None and low > high:
        raise error("E-RANGE", f"budget: {cost}: low ({window.low}) is above high ({window.high})", mark)
    return Budget(cost, low, high)


def find_number_kind(cost: str) -> NumberKind:
    """Return how bounds of a cost are written."""
    if cost in MEASURED:
        return BASELINE_RATIO
    return BYTES_COST if COSTS[cost].symbol == "B" else COUNTED_COST


def parse_cost(text: str, cost: str, mark: Mark | None = None) -> Fraction | int | None:
    """`60M`, `96%`, and for costs in bytes `4MiB`, as a number; None when the text is none. Raises BlockspaceError (E-VALUE) for a unit
    that does not fit."""
    try:
        amount = parse_measure(text, find_number_kind(cost))
    except BlockspaceError as e:
        raise e.at(mark, f"{cost}: ") from None
    return round(amount) if amount is not None and text.strip().endswith("B") else amount


def resolve_bound(value: Bound, cost: str, baseline: float, mark: Mark | None) -> float | None:
    """Return one bound as a number; shares become counts of `baseline`. Raises BlockspaceError (E-TYPE)."""
    amount = parse_cost(value, cost, mark) if isinstance(value, str) else value
    if value is not None and (amount is None or amount <= 0):
        raise error("E-TYPE", f"budget.{cost}: {value!r} is not a valid cost", mark, find_number_kind(cost).form)
    if amount is None or not (isinstance(value, str) and value.strip().endswith("%")):
        return to_int_or_float(amount) if isinstance(amount, Fraction) else amount
    return float(amount * Fraction(baseline)) if cost == "latency" else int(amount * Fraction(baseline))
