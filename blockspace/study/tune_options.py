"""The `tune:` section of a study: which recipes are tried on default networks before the search."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations, product
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from blockspace.errors import BlockspaceError, Mark, Mistake, Source, error
from blockspace.options import AS_COUNT, Options, refuse, suggest_key, validate
from blockspace.reader import Map
from blockspace.study.overrides import KeyPath, apply_keyword, tree_as_data
from blockspace.training import Recipe

# keys of a recipe that are not tried: what a training costs is the same for all, and so is where it runs
FIXED = ("epochs", "accelerator", "devices", "strategy", *sorted(set(Recipe.model_fields) - set(Recipe().computed())))
LIST_FORM = "write its values as a list: optimizer.adamw.lr: [0.001, 0.003]"


def read_grid(values: Any) -> Any:
    """Return the grid with a list for every key. Raises a refusal (E-TYPE) for a key whose values are no list."""
    for key, choices in values.items() if isinstance(values, dict) else ():
        if isinstance(choices, dict):
            whole = f"{key}.{next(iter(choices), 'lr')}"
            raise refuse("E-TYPE", f"{key} is a mapping", f"write the whole key, with dots: {whole}: [0.001, 0.003]")
        if not isinstance(choices, list) or not choices:
            raise refuse("E-TYPE", f"{key} should be a list of values to try, got {choices!r}", LIST_FORM)
    return values


class TuneOptions(Options):
    """The recipes that are tried on each family's default network before the search; the best one is the study's.

    Keys are those of `train`, with dots: `optimizer.adamw.lr`. What a recipe does not name is as in `train`.
    """

    grid: Annotated[
        dict[str, list[Any]],
        BeforeValidator(read_grid),
        Field(description="keys of `train` and the values to try, in every combination: `optimizer.adamw.lr: [0.001, 0.003]`"),
    ] = {}
    recipes: Annotated[
        list[dict[str, Any]],
        Field(description="the recipes one by one, in place of a grid: `[{optimizer.sgd.lr: 0.1}, {optimizer.adamw.lr: 0.003}]`"),
    ] = []
    per: Annotated[
        Literal["study", "family"], Field(description="one recipe for all, by its mean rank over the families; or each family its own best")
    ] = "study"
    seeds: Annotated[int, Field(ge=1, le=100, description="trainings of each recipe on each network"), AS_COUNT] = 1

    @model_validator(mode="after")
    def _there_is_a_choice(self) -> TuneOptions:
        if self.grid and self.recipes:
            raise refuse("E-TYPE", "has both grid and recipes", "give one of them")
        if len(self.list_changes()) < 2:
            raise refuse("E-TYPE", "needs at least two recipes to choose from", "grid: {optimizer.adamw.lr: [0.001, 0.003]}")
        return self

    def list_changes(self) -> list[dict[str, Any]]:
        """Return, for each recipe in its written order, the keys of `train` that it sets and their values."""
        if self.recipes:
            return [dict(changes) for changes in self.recipes]
        return [dict(zip(self.grid, values)) for values in product(*self.grid.values())] if self.grid else []

    def list_places(self) -> list[dict[str, KeyPath]]:
        """Return, for each recipe, where each of its values is written, as a path of keys from `tune` on."""
        if self.recipes:
            return [{key: ("tune", "recipes", place, key) for key in changes} for place, changes in enumerate(self.recipes)]
        places = product(*([("tune", "grid", key, place) for place in range(len(values))] for key, values in self.grid.items()))
        return [dict(zip(self.grid, some)) for some in places]


def make_recipes(train: Recipe, tune: TuneOptions, mark_of: Callable[[KeyPath], Mark | None]) -> tuple[Recipe, ...]:
    """Return the recipes of a study's `tune:`, each `train` with its changes, in their written order.

    Raises BlockspaceError, with every mistake at its place: E-KEY for a key that a recipe does not have or that is not tried, E-TYPE for
    a value that it does not take and for two recipes that are the same.
    """
    found: list[Recipe] = []
    mistakes: dict[tuple[str, str], Mistake] = {}  # a key and a value of a grid are in many recipes
    for changes, places in zip(tune.list_changes(), tune.list_places()):
        try:
            found.append(change_recipe(train, changes, {key: mark_of(path) for key, path in places.items()}))
        except BlockspaceError as e:
            mistakes = {(one.code, one.message): one for one in e.mistakes} | mistakes
    if mistakes:
        raise BlockspaceError(*mistakes.values())
    same = [(a, b) for a, b in combinations(range(len(found)), 2) if found[a].computed() == found[b].computed()]
    if same:
        first, second = (place + 1 for place in same[0])
        raise error("E-TYPE", f"tune: recipes {first} and {second} are the same", mark_of(("tune",)), "leave one of them out")
    return tuple(found)


def change_recipe(train: Recipe, changes: Mapping[str, Any], marks: Mapping[str, Mark | None]) -> Recipe:
    """Return `train` with some keys set, as `train.KEY=VALUE` would set them. Raises BlockspaceError (E-KEY, E-TYPE) at the key's mark."""
    root = Map(Mark(Source("<train>", ""), 1, 1))
    apply_keyword(root, "train", train.as_dict(), ["train"])
    for key, value in changes.items():
        first = key.partition(".")[0]
        if first in FIXED:
            known = sorted(set(Recipe.model_fields) - set(FIXED))
            message = f"tune: {first} is the same for all recipes, whose trainings are equal"
            raise error("E-KEY", message, marks[key], f"set train.{first}; what can be tried: {', '.join(known)}")
        if first not in Recipe.model_fields:
            raise error("E-KEY", f"tune: unknown key {key!r}", marks[key], suggest_key(first, list(Recipe.model_fields)))
        apply_keyword(root, key, value, ["train", *key.split(".")])

    def mark_of(path: KeyPath) -> Mark | None:
        dotted = ".".join(map(str, path))
        return next((mark for key, mark in marks.items() if f"{key}.".startswith(f"{dotted}.") or dotted.startswith(f"{key}.")), None)

    return validate(Recipe, tree_as_data(root)["train"], "tune", mark_of)
