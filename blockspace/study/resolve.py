"""Resolve a study file: the space fitted to the data, the baseline solved, budgets as numbers. No torch."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any

from blockspace.blocks import Hole, Network, Unknown, find_idle_holes, find_input_holes, format_token, load, serialize_network
from blockspace.costs import COSTS, Budget
from blockspace.data import Description, can_describe, describe, make_importable
from blockspace.errors import BlockspaceError, InfeasibleError, Mark, Mistake, error
from blockspace.graph import Graph
from blockspace.records import name_family
from blockspace.searching import BudgetedSpace, Candidate, SearchSpace, Solver, Stratifier
from blockspace.study.initial_trials import NamedSeeds, resolve_seeds
from blockspace.study.overrides import KeyPath, find_data_mark
from blockspace.study.study_file import MEASURED, Study, StudyFile, load_study, parse_cost, resolve_budget
from blockspace.study.tune_options import make_recipes
from blockspace.training import Recipe, check_batchnorm

if TYPE_CHECKING:
    from blockspace.study.tuned_recipes import TunedRecipes


@dataclass(frozen=True)
class ResolvedStudy:
    """A study ready to be searched."""

    study: Study
    space: SearchSpace
    budgeted_space: BudgetedSpace
    baseline: Candidate
    limits: dict[str, tuple[float | None, float | None]]  # on what is measured
    initial: tuple[dict[str, Any], ...] = ()  # assignments that are proposed before all others
    named_seeds: NamedSeeds | None = None  # the same, where the study names them
    notes: tuple[str, ...] = ()  # where the data overruled the network file, or was not looked at
    tuned: TunedRecipes | None = None  # once recipes were tried

    @property
    def options(self) -> StudyFile:
        """Return the options of the study file."""
        return self.study.options

    @property
    def per(self) -> str | None:
        """Return the hole whose choices are compared, if any."""
        return next(iter(self.budgeted_space.by), None)

    def candidate(self, assignment: dict[str, Any]) -> Candidate:
        """Return the expanded, solved and costed candidate of an assignment."""
        found = self.budgeted_space.propose(assignment)
        return self.named_seeds.label(found) if self.named_seeds else found

    def family_of(self, candidate: Candidate) -> str:
        """Return the name of a candidate's family; the space's where the study compares none."""
        return self.name_choices({name: choice for name, choice in candidate.assignment.items() if name == self.per})

    def name_choices(self, fixed: Mapping[str, Any]) -> str:
        """Return the name of the family with one choice of the compared hole, `{"block": "hs"}`; the space's where there is none."""
        return next((name_family(str(choice), hole) for hole, choice in fixed.items()), self.space.name)

    def recipe_of(self, candidate: Candidate) -> Recipe:
        """Return the recipe that trains a candidate: the tuned one where there is one."""
        return self.options.train if self.tuned is None else self.tuned.recipe_of(self.family_of(candidate))

    def to_yaml(self, candidate: Candidate) -> str:
        """Return the candidate as a network file of its own; a training checks that it loads to the same graph before writing it."""
        return serialize_network(self.space.network, candidate.arch["values"])

    def digest(self) -> dict[str, Any]:
        """Return the settings that must not change between starts, as plain data."""
        options: dict[str, Any] = self.options.model_dump(mode="json", exclude={"out", "doc", "search"})
        deeper = deeper_imports_as_data(self.space.network)
        found = options | {"space": space_as_data(self.space.network), "baseline_key": self.baseline.key}
        return found | ({"imports": deeper} if deeper else {})


def space_as_data(network: Network) -> dict[str, Any]:
    """Return the space as data: its file's content, its input and settings, and the blocks it imports."""
    from blockspace.reader import to_plain

    imported = {word: to_plain(file.root) for word, file in network.file.imported.items()}
    given = network.settings | network.filled
    return {"file": to_plain(network.file.root), "input": list(network.input_shape), "settings": given, "blocks": imported}


def deeper_imports_as_data(network: Network) -> dict[str, Any]:
    """Return the content of the blocks that imported blocks import, by their words from the space on, as `unit/norm`."""
    from blockspace.reader import to_plain

    return {"/".join(words): to_plain(file.root) for words, file in network.file.walk_imports() if len(words) > 1}


def resolve_study(
    path: str | PathLike[str], overrides: Sequence[str] = (), keywords: Mapping[str, object] | None = None, run_code: bool = False
) -> ResolvedStudy:
    """Read a study file with settings beside it (see `load_study`) and make it concrete.

    Data of a function of the user's is described by running it, with `run_code`; otherwise the space keeps its own input shape and number
    of classes, and a note says so. Raises BlockspaceError with the mistakes of the study, its space, its data and its budget.
    """
    study = load_study(path, overrides, keywords)
    space, notes = fit_space(study, load_space(study), run_code)
    check_choices(study, space)
    solver = Solver(space)
    baseline = resolve_baseline(study, space, solver)
    budgets, limits = resolve_budgets(study, baseline)
    budgeted = BudgetedSpace(space, budgets, solver, study.costs, [name for _, name in compared_holes(study)])
    check_batch(study, budgeted, baseline)
    seeds = tuple(resolve_seeds(study, budgeted))
    names = study.options.search.seeds
    named_seeds = NamedSeeds(space, names, seeds) if isinstance(names, dict) and names else None
    notes = (*notes, *unread_holes(space), *describe_two_searches(study))
    return ResolvedStudy(study, space, budgeted, baseline, limits, seeds, named_seeds, notes)


def describe_data(study: Study) -> Description:
    """Return input shape and number of classes of the study's data. Raises BlockspaceError at its place in the file."""
    data = study.data
    try:
        return describe(data)
    except BlockspaceError as e:
        raise e.at(find_data_mark(data, study.mark_of)) from None


def fit_space(study: Study, network: Network, run_code: bool) -> tuple[SearchSpace, tuple[str, ...]]:
    """Return the space for the study's data, and notes on where the data overruled the file, or was not looked at."""
    data = study.data
    if run_code or can_describe(data):
        make_importable(study.path.parent)
        shape, classes = describe_data(study)
        space = SearchSpace(network.fitted(shape, classes))
        check_decided_holes(network, space, shape, classes)
        return space, data_overrides(network, shape, classes)
    if data.channels and data.size:
        network = Network(network.file, network.settings | network.filled, (data.channels, data.size, data.size))
    size = "x".join(map(str, network.input_shape))
    outputs = f" and {network.params['classes']} classes" if "classes" in network.params else ""
    command = shlex.join(["blockspace", "doctor", "--data", str(study.path)])
    note = f"data: {data.python} is not run here; the input {size}{outputs} are the network's own. `{command}` runs it"
    return SearchSpace(network), (note,)


def resolve_budgets(study: Study, baseline: Candidate) -> tuple[dict[str, Budget], dict[str, tuple[float | None, float | None]]]:
    """Return the budgets on counted costs, shares of the baseline's as numbers; and the limits on what is measured."""
    named = [name for name in (*COSTS, *MEASURED) if getattr(study.options.budget, name) is not None]
    found = {}
    for name in named:
        reference = 1.0 if name in MEASURED else baseline.costs[name]
        found[name] = resolve_budget(getattr(study.options.budget, name), name, reference, study.mark_of(("budget", name)))
    limits = {name: (found[name].low, found[name].high) for name in named if name in MEASURED}
    return {name: budget for name, budget in found.items() if name not in MEASURED}, limits


def check_batch(study: Study, budgeted: BudgetedSpace, baseline: Candidate) -> None:
    """Raise BlockspaceError (E-BN-1X1) unless the baseline and each family's default can be trained with the recipe's batch."""
    options, mark = study.options, study.mark_of(("train", "batch"))
    tried = make_recipes(options.train, options.tune, study.mark_of) if options.tune else ()
    recipes = [recipe for recipe in (options.train, *tried) if recipe.batch == 1 or recipe.devices != 1]
    if not recipes:
        return
    defaults = [budgeted.space.default(fixed) for fixed in budgeted.families()]
    for graph in (Graph.from_dict(baseline.arch["graph"]), *map(budgeted.space.graph, defaults)):
        for recipe in recipes:
            check_batchnorm(graph, recipe, mark)


def data_overrides(network: Network, shape: tuple[int, ...], classes: int) -> tuple[str, ...]:
    """Return a note for each setting of the network file, shape or classes, that the data overrules."""
    notes = []
    if network.file.input is not None and network.input_shape != tuple(shape):
        given, wins = ("x".join(map(str, s)) for s in (network.input_shape, shape))
        notes.append(f"input: {wins}, as the data is; {network.name} says {given}")
    if "classes" in network.params and network.params["classes"] != str(classes):
        notes.append(f"classes: {classes}, as the data has; {network.name} says {network.params['classes']}")
    return tuple(notes)


def check_decided_holes(network: Network, space: SearchSpace, shape: tuple[int, ...], classes: int) -> None:
    """Raise BlockspaceError (E-SPACE) for every hole and unknown that sets the input or the classes alone: the data decides those."""
    open_places: dict[str, Hole | Unknown] = {**network.open.holes, **network.open.unknowns}
    sizes = find_input_holes(network.holes)
    idle = find_idle_holes(network.holes, fixed=["classes"])
    decided = {name: f"the input, {'x'.join(map(str, shape))}" for name in sizes & idle}
    decided |= {name: f"the classes, {classes}" for name in open_places if network.holes.declared.get(name) == "classes"}
    mistakes = [
        Mistake(
            "E-SPACE",
            f"{name} is searched, but the data decides {what}: its values would all be one network",
            open_places[name].mark,
            f"write {name}: {space_default(network, name)}" if name in network.file.params else "write one number in its place",
        )
        for name, what in sorted(decided.items())
        if name in open_places
    ]
    if mistakes:
        raise BlockspaceError(*mistakes)


def space_default(network: Network, name: str) -> str:
    """Return the default of a hole or unknown as YAML writes it."""
    places: dict[str, Hole | Unknown] = {**network.open.holes, **network.open.unknowns}
    return format_token(places[name].default)


def unread_holes(space: SearchSpace) -> tuple[str, ...]:
    """Return a note for each hole that nothing of the network reads, so that its values are one network."""
    idle = find_idle_holes(space.network.holes, fixed=["classes"])
    return tuple(f"{name} is searched, but nothing reads it: its values are one network" for name in space.holes if name in idle)


def describe_two_searches(study: Study) -> tuple[str, ...]:
    """Return a note for a study of two searches, which show how far searches differ, and give no verdict."""
    if study.options.search.repeat_count != 2:
        return ()
    return ("search.repeats: 2 searches give an interval over searches, but no verdict on the families; that takes 3 or more",)


def load_space(study: Study) -> Network:
    """Load the study's network with holes. Raises BlockspaceError (E-SPACE, and what `load` raises)."""
    mark = study.mark_of(("space",))
    try:
        network = load(study.space_path)
    except BlockspaceError as e:
        raise e.at(mark) from None
    if not isinstance(network, Network):
        raise error("E-SPACE", f"{study.options.space!r} is a block; a study searches a network", mark)
    if not network.holes.holes:
        raise error("E-SPACE", f"{study.options.space!r} has no holes to search", mark, "give a param `search: [...]`")
    return network


def check_choices(study: Study, space: SearchSpace) -> None:
    """Raise BlockspaceError unless the holes a study names are holes of its space that divide its trials equally."""
    options = study.options
    for where, name in compared_holes(study):
        try:
            space.choices(name)
        except BlockspaceError as e:
            raise e.at(study.mark_of(where)) from None
        if under := space.holes[name].under:
            message = f"{name} exists only where {under[0]} is {under[1]}, so not every network is of one of its choices"
            raise error("E-SPACE", message, study.mark_of(where), f"compare by {under[0]}, or by another hole of every network")
    try:
        Stratifier(space, options.search.per_choice, options.search.trials)
    except BlockspaceError as e:
        raise e.at(study.mark_of(("search", "trials"))) from None


def compared_holes(study: Study) -> list[tuple[KeyPath, str]]:
    """Return the holes whose choices the study tells apart, each with where it is written: what makes the finalists' families first."""
    options = study.options
    found: list[tuple[KeyPath, str]] = [(("finalists", "per"), options.finalists.per)] if options.finalists.per else []
    found += [(("compare", "by"), study.comparison.by)] if study.comparison.by else []
    return found + [(("search", "per_choice", name), name) for name in options.search.per_choice]


def resolve_baseline(study: Study, space: SearchSpace, solver: Solver) -> Candidate:
    """Return the baseline as a candidate: holes as given, else at their defaults, unknowns solved to its own `macs:` (or another cost)."""
    given = dict(study.options.baseline)
    mark = study.mark_of(("baseline",))
    targets = {name: read_target(given.pop(name), name, mark) for name in COSTS if name in given}
    try:
        assignment = space.default({name: token for name, token in given.items()})
    except BlockspaceError as e:
        raise e.at(mark) from None
    own = BudgetedSpace(space, {name: Budget(name, None, value) for name, value in targets.items()}, solver, study.costs)
    candidate = own.propose(assignment)
    missed = [name for name, violation in candidate.violations.items() if violation > 0]
    if missed:
        name = missed[0]
        message = f"the baseline cannot be brought down to {targets[name]:,} {name}; its nearest is {candidate.costs[name]:,}"
        raise error("E-INFEASIBLE", message, mark, "raise the figure, or choose a smaller baseline", cls=InfeasibleError)
    return candidate


def read_target(value: object, name: str, mark: Mark | None) -> int:
    """Return a cost that the baseline is solved to. Raises BlockspaceError (E-TYPE)."""
    found = parse_cost(value, name, mark) if isinstance(value, str) else value
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise error("E-TYPE", f"baseline: {name} must be a count, as 8M; got {value}", mark)
    return found
