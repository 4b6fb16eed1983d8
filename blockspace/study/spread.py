"""How far the searches of earlier runs differ, by family: what a study's power is computed from before it is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt
from os import PathLike, fspath

import numpy

from blockspace.errors import BlockspaceError, did_you_mean, error
from blockspace.formatting import count_noun
from blockspace.inputs import expand_path
from blockspace.records import RunDir
from blockspace.reporting import (
    ScoredFinalist,
    estimate_image_variance,
    make_drawn_side,
    pool_seed_variance,
    predict_unit_variance,
)


@dataclass(frozen=True)
class FamilySpread:
    """The variance between searches of a family's score, each the mean accuracy (0..1) of its finalists, and its degrees of freedom."""

    variance: float
    freedom: int


@dataclass(frozen=True)
class MeasuredSpread:
    """How far searches differ, measured on runs whose searches had `take` finalists a family, each with `seeds` seeds.

    `seed_sd` is between trainings of one network. `image_variance` is one image's part of the variance of a difference between families,
    beyond single trainings' errors; divided by the number of test images it is that of the difference. `source` says where it is from.
    """

    families: Mapping[str, FamilySpread]
    seed_sd: float
    take: float
    seeds: int
    image_variance: float
    images: int
    source: str

    def predict_variance(self, family: str, take: int, seeds: int) -> FamilySpread:
        """Return the spread of a family's searches with other numbers of finalists and seeds; of an unknown family, the largest known.

        Finalists of one search are taken as independent, which is too hopeful for more of them than were measured.
        """
        found = self.families.get(family) or max(self.families.values(), key=lambda one: one.variance)
        if (take, seeds) == (self.take, self.seeds):
            return found
        network = max(0.0, found.variance * self.take - self.seed_sd**2 / self.seeds)
        return FamilySpread(predict_unit_variance(sqrt(network), self.seed_sd, take, seeds), found.freedom)


# Measured on two cores with the study as it is shipped: 4-epoch trials, 5-epoch finals.
SHIPPED_SPREADS = {
    "hs_vs_resnext": MeasuredSpread(
        {"hs": FamilySpread(0.00561**2, 4), "resnext": FamilySpread(0.01062**2, 4)},
        0.0088, 1, 3, 0.000183, 897, "5 searches of hs_vs_resnext, seed 0",
    ),
}  # fmt: skip


def read_spread(sources: Sequence[str | PathLike[str]]) -> MeasuredSpread:
    """Return the spread of the searches of these run directories together, or of one shipped study.

    Raises BlockspaceError: E-FILE for what is neither, E-RANGE for runs that have fewer than two searches, or different test images.
    """
    names = [fspath(source) for source in sources]
    if len(names) == 1 and names[0] in SHIPPED_SPREADS and not RunDir.of(names[0]).is_study:
        return SHIPPED_SPREADS[names[0]]
    runs = [read_searches(name) for name in names]
    sizes = {name: run[0].correct.shape[1] for name, run in zip(names, runs)}
    if len(set(sizes.values())) > 1:
        told = ", ".join(f"{count:,} in {name}" for name, count in sizes.items())
        raise error("E-RANGE", f"--spread: the runs have different test images ({told})", help="give runs of one study")
    return measure_spread(runs, ", ".join(RunDir.of(name).display() for name in names))


def read_spread_of_reused(folders: Sequence[str | PathLike[str]]) -> MeasuredSpread | None:
    """Return the spread of the searches of runs whose trainings are reused; None where they are too few, or cannot be read as one study."""
    try:
        return read_spread(folders) if folders else None
    except BlockspaceError:
        return None


def read_searches(name: str) -> list[ScoredFinalist]:
    """Return the scored finalists of a run directory. Raises BlockspaceError (E-FILE)."""
    from blockspace.study.answer_reader import read_scored
    from blockspace.study.run_reader import read_run

    if not RunDir.of(name).is_study:
        near = did_you_mean(name, list(SHIPPED_SPREADS))
        help = f"{near + ' ' if near else ''}give a run directory, or a shipped study of which it is known: {', '.join(SHIPPED_SPREADS)}"
        raise error("E-FILE", f"--spread {name}: no run directory, it has no study.yaml", help=help)
    run = RunDir(expand_path(name))
    try:
        report = read_run(run.path)
        best = [final for final in report.finals if final.role == "best"]
        found, _ = read_scored(run, best, (), [])
    except BlockspaceError as reason:
        raise error("E-FILE", f"--spread {name}: it cannot be read: {str(reason).splitlines()[0]}") from reason
    if not found:
        raise error("E-FILE", f"--spread {name}: no finalist of it is scored yet")
    return found


def measure_spread(runs: Sequence[Sequence[ScoredFinalist]], source: str) -> MeasuredSpread:
    """Return the spread of all searches of some runs, each a list of finalists. Raises BlockspaceError (E-RANGE) for too few searches."""
    units: dict[str, dict[tuple[int, int], list[numpy.ndarray]]] = {}
    for place, run in enumerate(runs):
        for one in run:
            units.setdefault(one.family, {}).setdefault((place, one.repeat), []).append(one.correct)
    several = {family: found for family, found in units.items() if len(found) > 1}
    if not several:
        help = "a second run with another search.seed, or search.repeats: 2 and more, would show it"
        raise error("E-RANGE", f"--spread: {source} holds one search, which does not show how far searches differ", help=help)
    seeds = pool_seed_variance([runs for found in units.values() for group in found.values() for runs in group])
    sides = {
        family: make_drawn_side(numpy.stack([numpy.mean([runs.mean(0) for runs in group], axis=0) for group in found.values()]), seeds)
        for family, found in several.items()
    }
    groups = [group for found in several.values() for group in found.values()]
    images = groups[0][0].shape[1]
    parts = [estimate_image_variance(*pair) * images for pair in combinations(sides.values(), 2)]
    count = count_noun(max(map(len, several.values())), "search", "searches")
    return MeasuredSpread(
        {family: FamilySpread(side.variance * side.units, side.freedom) for family, side in sides.items()}, sqrt(seeds.variance),
        float(numpy.mean([len(group) for group in groups])), min(len(runs) for group in groups for runs in group),
        float(numpy.mean(parts)) if parts else 0.0, images, f"{count} in {source}",
    )  # fmt: skip
