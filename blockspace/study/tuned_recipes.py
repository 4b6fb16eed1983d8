"""The recipes that a study tried before its search, what each reached, and which one trains a network; kept in `tuning.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite
from statistics import fmean
from typing import Any

from blockspace.errors import BlockspaceError, Mistake, StorageError
from blockspace.files import read_json, write_atomic
from blockspace.formatting import count_noun
from blockspace.records import BASELINE, RunDir
from blockspace.training import Recipe, read_recipe

FORMAT = "blockspace/tuning/1"


@dataclass(frozen=True)
class TunedRecipes:
    """The recipes that were tried, in their written order, and what they reached.

    `changes` are the keys of `train` that each sets. `scores` maps a family to the value of `metric` for each recipe, a mean over seeds;
    None where no training ended with one. With `is_per_family` each family is trained with its own best recipe, else all with the one
    whose mean rank over the families is best. Equal ranks: the one that is written first. `baseline` is the family of the baseline.
    """

    changes: tuple[Mapping[str, Any], ...]
    recipes: tuple[Recipe, ...]
    metric: str
    direction: str
    scores: Mapping[str, tuple[float | None, ...]]
    is_per_family: bool = False
    baseline: str = ""

    def mean_ranks(self, families: Sequence[str]) -> list[float]:
        """Return the mean rank of each recipe over these families, 1 for the best; recipes without a value share the last ranks."""
        from scipy.stats import rankdata  # half a second to import

        sign = -1.0 if self.direction == "maximize" else 1.0
        values = [[inf if score is None else sign * score for score in self.scores[family]] for family in families]
        ranks = [rankdata(some) for some in values]
        return [fmean(float(rank[place]) for rank in ranks) for place in range(len(self.recipes))]

    def choose(self, family: str) -> int:
        """Return the place of the recipe that trains networks of a family, or the baseline, from 0."""
        own = self.baseline if family == BASELINE else family
        ranks = self.mean_ranks([own] if self.is_per_family and own in self.scores else list(self.scores))
        return ranks.index(min(ranks))

    def recipe_of(self, family: str) -> Recipe:
        """Return the recipe that trains networks of a family, or the baseline."""
        return self.recipes[self.choose(family)]

    def sentence(self) -> str:
        """Return what was chosen, of how many, and by what."""
        tried = f"of {len(self.recipes)} recipes"
        if self.is_per_family:
            chosen = "; ".join(f"{family}: {self.describe(self.choose(family))}" for family in self.scores)
            return f"recipe tuned for each family: {chosen}; the best {tried} by {self.metric} on its default network"
        (place,) = {self.choose(family) for family in self.scores}
        networks = count_noun(len(self.scores), "default network")
        return f"recipe tuned: {self.describe(place)}; the best {tried} by mean rank of {self.metric} over {networks}"

    def describe(self, place: int) -> str:
        """Return what a recipe sets: `optimizer.adamw.lr 0.003`."""
        changes = self.changes[place]
        return ", ".join(f"{key} {format_setting(value)}" for key, value in changes.items()) or "train as written"


def format_setting(value: object) -> str:
    """Return the value of a setting as YAML writes it on one line."""
    return value if isinstance(value, str) else json.dumps(value)


def write_tuning(run: RunDir, asked: Mapping[str, Any], tuned: TunedRecipes | None) -> None:
    """Write what is asked of the tuning and, once there is one, its outcome. Raises StorageError."""
    content: dict[str, Any] = {"format": FORMAT, "asked": dict(asked)}
    if tuned is not None:
        content |= {
            "metric": tuned.metric, "direction": tuned.direction, "per": "family" if tuned.is_per_family else "study",
            "changes": [dict(one) for one in tuned.changes], "recipes": [one.as_dict() for one in tuned.recipes],
            "scores": {family: list(values) for family, values in tuned.scores.items()},
            "chosen": {family: tuned.choose(family) for family in tuned.scores}, "sentence": tuned.sentence(),
            "baseline": tuned.baseline,
        }  # fmt: skip
    write_atomic(run.tuning_json, json.dumps(content, indent=1) + "\n")


def read_asked(run: RunDir) -> dict[str, Any] | None:
    """Return what was asked of the tuning in a run directory; None where there was none. Raises StorageError (E-STORE)."""
    content = read_tuning(run)
    return None if content is None else dict(content["asked"])


def read_tuned_recipes(run: RunDir) -> TunedRecipes | None:
    """Return the outcome of a study's tuning; None where it has none, or none yet. Raises StorageError (E-STORE) for a damaged file."""
    content = read_tuning(run)
    if content is None or "scores" not in content:
        return None
    try:
        scores = {str(family): tuple(map(read_score, values)) for family, values in content["scores"].items()}
        recipes = tuple(read_recipe(values) for values in content["recipes"])
        if not scores or any(len(values) != len(recipes) for values in scores.values()):
            raise ValueError("scores and recipes do not match")
        is_per_family = content["per"] == "family"
        changes, baseline = tuple(map(dict, content["changes"])), str(content["baseline"])
        return TunedRecipes(changes, recipes, content["metric"], content["direction"], scores, is_per_family, baseline)
    except (BlockspaceError, KeyError, TypeError, AttributeError, ValueError) as reason:
        raise damaged_tuning(run, reason) from reason


def describe_recipe(run: RunDir, is_asked: bool) -> str:
    """Return in words how the recipe of a run directory's trainings was chosen; `is_asked` says whether it was to be tuned."""
    if not is_asked:
        return "not tuned: as `train` was written"
    try:
        tuned = read_tuned_recipes(run)
    except StorageError as reason:
        return str(reason)
    return tuned.sentence().removeprefix("recipe ") if tuned else "not tuned yet"


def read_tuning(run: RunDir) -> dict[str, Any] | None:
    """Return the content of `tuning.json`; None where there is no such file. Raises StorageError (E-STORE) where it cannot be read."""
    try:
        content = read_json(run.tuning_json)
        if content["format"] != FORMAT or not isinstance(content["asked"], dict):
            raise ValueError(f"format {content['format']!r}")
        return dict(content)
    except FileNotFoundError:
        return None
    except (OSError, KeyError, TypeError, ValueError) as reason:
        raise damaged_tuning(run, reason) from reason


def read_score(value: object) -> float | None:
    """Return a stored score. Raises ValueError for anything but a finite number or nothing."""
    if value is None:
        return None
    if not isinstance(value, int | float) or not isfinite(value):
        raise ValueError(f"the score {value!r}")
    return float(value)


def damaged_tuning(run: RunDir, reason: Exception) -> StorageError:
    """Return the error (E-STORE) of a `tuning.json` that cannot be read."""
    text = (str(reason).splitlines() or [type(reason).__name__])[0]
    help = f"delete it and run the same command again: the trainings in {run.tuning.name}/ are kept"
    return StorageError(Mistake("E-STORE", f"{run.tuning_json}: damaged ({text})", help=help), path=str(run.tuning_json))
