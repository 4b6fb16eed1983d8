"""How much cheaper a network can be without being worse than the baseline: a lower bound for each network, and the choice among them.

The networks are taken as given, so the unit of these statements is a training: of the same networks, trained again with other seeds and
scored on other images of this kind. For each network i, with S_i seeds, and the baseline b, the estimate d_i is the difference of mean
accuracies, and

    V_i = s^2 (1/S_i + 1/S_b) + I_i,    I_i = max(0, var_n(d_in)/N - W/N (1/S_i + 1/S_b)).

s^2 is the variance of a training's accuracy over seeds, pooled over all networks (one recipe) and never below W/N; W is the variance of
one image's correctness over seeds, pooled likewise; var_n is the variance over the N images of the per-image difference. The sum holds W
once. I_i is at least 1/N^2, one image judged otherwise: agreement on every image by chance is no certainty. With one seed a network, s^2
is not known: V_i is then of images only, and the sentence says so.

The bounds d_i - q_i sqrt(V_i) hold for all networks together. The estimates are correlated, through the baseline and through the images,
so their joint law is simulated: normal estimates with the covariance of the data, s^2 redrawn by chi-square, each network with its own
degrees of freedom (Satterthwaite). q_i is Student's quantile at the level that the smallest of all p values is below in 5 % of the draws.
Because the bounds hold together, the cheapest network whose bound is above the margin may be chosen by them. A measured cost may not be
reported as it was when the network was chosen: the smallest of several noisy measurements is too small, so it is measured anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy
from scipy.special import stdtr, stdtrit

from blockspace.formatting import count_noun
from blockspace.reporting.answer import Answer, ScoredFinalist, score_network
from blockspace.reporting.bootstrap import Runs, check_runs
from blockspace.reporting.sentences import format_level

DRAWS = 20_000
MANY_IMAGES = 1_000_000  # of which the degrees of freedom make no difference


@dataclass(frozen=True)
class CostRatio:
    """A measured cost as a ratio to the baseline's: the mean of `measurements`, each in a process of its own, with its 95 % interval."""

    ratio: float
    low: float
    high: float
    measurements: int


@dataclass(frozen=True)
class BoundedNetwork:
    """A network beside the baseline: its cost as a ratio, its accuracy minus the baseline's (0..1), and that difference's lower bound."""

    name: str
    ratio: float
    difference: float
    bound: float


@dataclass(frozen=True)
class CheaperAnswer:
    """How much cheaper than the baseline a network is that is not worse by more than the margin (a difference of accuracies, 0..1).

    `networks` are all finalists, the cheapest first; their bounds hold together at `level`. `chosen` is the name of the cheapest that
    passes; empty where none does. `remeasured` is its cost, measured after the choice; None for counted costs, and where that failed.
    """

    cost: str
    margin: float
    networks: tuple[BoundedNetwork, ...]
    chosen: str
    images: int
    seeds: int
    level: float = 0.95
    remeasured: CostRatio | None = None

    @property
    def network(self) -> BoundedNetwork | None:
        """Return the chosen network; None where none passes."""
        return next((one for one in self.networks if one.name == self.chosen), None)

    @property
    def nearest(self) -> BoundedNetwork | None:
        """Return the network with the highest bound among those that are cheaper than the baseline; None where none is cheaper."""
        return max((one for one in self.networks if one.ratio < 1), key=lambda one: one.bound, default=None)

    def sentence(self) -> str:
        """Return the answer in one sentence: the chosen network with its cost and bound, or the nearest one."""
        if self.network is not None:
            return self._describe_chosen(self.network)
        if self.nearest is None:
            least = self.networks[0]
            count = count_noun(len(self.networks), "finalist")
            return f"none of {count} has lower {self.cost} than the baseline: {least.name} has the lowest, {least.ratio:.2f}x"
        rivals = sum(one.ratio < 1 for one in self.networks)
        who = "not excluded for the only network" if rivals == 1 else f"excluded for none of the {rivals} networks"
        lead = f"a loss of more than {self._margin()} is {who} with lower {self.cost} than the baseline"
        place = self.nearest.name if rivals == 1 else f"the nearest, {self.nearest.name},"
        return f"{lead}: {place} takes {self.nearest.ratio:.2f}x of it, with {self._evidence(self.nearest)}"

    def _describe_chosen(self, one: BoundedNetwork) -> str:
        """Return the sentence of the chosen network."""
        equal = f"is not worse than the baseline by more than {self._margin()}, with {self._evidence(one)}"
        if self.remeasured is None:
            once = " (measured once, before the choice)" if self.cost == "latency" else ""
            return f"{one.name} takes {one.ratio:.2f}x of the baseline's {self.cost}{once} and {equal}"
        found = self.remeasured
        interval = f"({format_level(self.level)} {found.low:.2f} to {found.high:.2f}, measured after the choice)"
        cost = f"takes {found.ratio:.2f}x of the baseline's {self.cost} {interval}"
        if found.high >= 1:
            return f"{one.name} {equal}, but is not shown to be cheaper: it {cost}"
        return f"{one.name} {cost} and {equal}"

    def _margin(self) -> str:
        """Return the margin in points: `0.5 points`."""
        return f"{self.margin * 100:g} {'point' if self.margin == 0.01 else 'points'}"

    def _evidence(self, one: BoundedNetwork) -> str:
        """Return difference and bound of a network, and what they rest on."""
        others = f", all {len(self.networks)} networks together" if len(self.networks) > 1 else ""
        bound = f"at least {one.bound * 100:+.2f} ({format_level(self.level)}{others}"
        seeds = f"{self.seeds} seeds" if self.seeds > 1 else "1 seed: what another seed would change is not in the bound"
        return f"a difference of {one.difference * 100:+.2f} points, {bound}; {count_noun(self.images, 'image')}, {seeds})"


def add_cheaper(
    answer: Answer,
    best: Sequence[ScoredFinalist],
    cheap: Sequence[ScoredFinalist],
    baseline: ScoredFinalist | None,
    cost: str,
    margin: float,
) -> Answer:
    """Return the answer with `cheap` among its networks, before the baseline, and with the cheapest finalist that is not worse.

    Its level is that of the answer, which counts earlier answers of the study.
    """
    rows = [row for row in answer.rows if baseline is None or row.name != baseline.name]
    rows += [score_network(one) for one in (*cheap, *([baseline] if baseline else []))]
    drawn = [one for one in (*best, *cheap) if not one.is_random]
    return replace(answer, rows=tuple(rows), cheaper=find_cheaper(drawn, baseline, cost, margin, level=answer.level) if baseline else None)


def find_cheaper(
    finalists: Sequence[ScoredFinalist],
    baseline: ScoredFinalist,
    cost: str,
    margin: float,
    *,
    level: float = 0.95,
    seed: int = 0,
) -> CheaperAnswer | None:
    """Return the cheapest finalist whose accuracy is not below the baseline's by more than `margin`, with bounds for all of them.

    Finalists of unknown cost are left out; None where none is left. The result is a function of the arguments. Raises ValueError when the
    arrays are not over the same images.
    """
    unit = baseline.costs.get(cost)
    known = [one for one in finalists if one.costs.get(cost) is not None] if unit else []
    if not unit or not known:
        return None
    differences, bounds = bound_differences([one.correct for one in known], baseline.correct, level, seed)
    networks = [BoundedNetwork(one.name, one.costs[cost] / unit, *found) for one, *found in zip(known, differences, bounds)]
    networks.sort(key=lambda one: (one.ratio, one.name))
    chosen = next((one.name for one in networks if one.ratio < 1 and one.bound > -margin), "")
    seeds = min(len(one.correct) for one in (baseline, *known))
    return CheaperAnswer(cost, margin, tuple(networks), chosen, int(baseline.correct.shape[1]), seeds, level)


@dataclass(frozen=True, eq=False)
class DifferenceModel:
    """The joint law of networks' differences from the baseline, as far as the bounds need it.

    `covariance` is that of the estimates. Each variance is `seed_variance` times the network's of `weights` and its of `image_part`;
    `seed_variance` is estimated with `freedom` degrees of freedom (0: not known), and is not below `noise`.
    """

    covariance: numpy.ndarray
    seed_variance: float
    noise: float
    freedom: int
    weights: numpy.ndarray
    image_part: numpy.ndarray
    images: int

    def estimate_errors(self, seed_variance: numpy.ndarray | float) -> tuple[numpy.ndarray, numpy.ndarray]:
        """Return the standard errors of the differences and their degrees of freedom (Satterthwaite), by an estimated seed variance."""
        seed_part = numpy.maximum(seed_variance, self.noise) * self.weights
        total = seed_part + self.image_part
        inverse = self.image_part**2 / max(1, self.images - 1) + (seed_part**2 / self.freedom if self.freedom else 0.0)
        return numpy.sqrt(total), total**2 / inverse

    def simulate(self, seed: int, draws: int) -> tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray]:
        """Return `(draws, networks)` deviations of the estimates from the truth, with the errors and freedoms that would be estimated."""
        random = numpy.random.default_rng([seed, 20_112])
        roots = numpy.linalg.cholesky(self.covariance + 1e-12 * numpy.eye(len(self.weights)))
        deviations = random.standard_normal((draws, len(self.weights))) @ roots.T
        redrawn = self.seed_variance * (random.chisquare(self.freedom, draws) / self.freedom if self.freedom else numpy.zeros(draws))
        return deviations, *self.estimate_errors(redrawn[:, None])


def find_critical_share(simulated: tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray], level: float) -> float:
    """Return the one-sided error that each bound may have, so that all together have 1 - level."""
    deviations, errors, degrees = simulated
    return float(numpy.quantile(stdtr(degrees, -deviations / errors).min(axis=1), 1 - level))


def bound_differences(
    networks: Runs, baseline: numpy.ndarray, level: float = 0.95, seed: int = 0, draws: int = DRAWS
) -> tuple[list[float], list[float]]:
    """Return each network's mean minus the baseline's, and lower bounds of these differences that hold together at `level`.

    Arrays are `(seeds, images)`. Raises ValueError unless all are over the same images.
    """
    networks, (base,) = check_runs(networks, [baseline])
    per_image = numpy.stack([runs.mean(axis=0) for runs in networks]) - base.mean(axis=0)
    images, estimates = per_image.shape[1], per_image.mean(axis=1)
    seed_variance, noise, freedom = split_seed_variance([base, *networks])
    shares = numpy.array([1 / len(runs) for runs in networks])
    weights = shares + 1 / len(base)
    total = numpy.atleast_2d(numpy.cov(per_image)) / images if images > 1 else numpy.ones((len(networks), len(networks)))
    known = numpy.diag(total) - noise * weights
    image_part = numpy.maximum(known, 1 / images**2)
    covariance = total + (seed_variance - noise) * (numpy.diag(shares) + 1 / len(base)) + numpy.diag(image_part - known)
    model = DifferenceModel(covariance, seed_variance, noise, freedom, weights, image_part, images)
    share = find_critical_share(model.simulate(seed, draws), level)
    errors, degrees = model.estimate_errors(seed_variance)
    return estimates.tolist(), (estimates + stdtrit(degrees, share) * errors).tolist()


def compute_pass_chance(networks: int, seeds: int, seed_sd: float, image_sd: float, margin: float, level: float = 0.95) -> float:
    """Return the probability that a network exactly as good as the baseline passes the margin, when so many are bounded together.

    `seed_sd` is between trainings of one network, `image_sd` what other test images would change in a difference; of accuracies in 0..1.
    """
    freedom, weights = (networks + 1) * (seeds - 1), numpy.full(networks, 2 / seeds)
    image_part = numpy.full(networks, image_sd**2)
    covariance = seed_sd**2 * (numpy.eye(networks) + 1) / seeds + numpy.diag(image_part)
    model = DifferenceModel(covariance, seed_sd**2, 0.0, freedom, weights, image_part, MANY_IMAGES)
    simulated = model.simulate(0, DRAWS)
    deviations, errors, degrees = simulated
    return float((deviations + stdtrit(degrees, find_critical_share(simulated, level)) * errors > -margin).mean())


def split_seed_variance(networks: Runs) -> tuple[float, float, int]:
    """Return the variance of a training's mean over seeds, the part of it that is single images' noise, and its degrees of freedom.

    Pooled over all networks with more than one seed; zeros without one. The variance is at least the noise.
    """
    repeated = [runs for runs in networks if len(runs) > 1]
    freedom = sum(len(runs) - 1 for runs in repeated)
    if freedom == 0:
        return 0.0, 0.0, 0
    variance = sum(float(((runs.mean(axis=1) - runs.mean()) ** 2).sum()) for runs in repeated) / freedom
    noise = sum(float(runs.var(axis=0, ddof=1).mean()) / runs.shape[1] * (len(runs) - 1) for runs in repeated) / freedom
    return max(variance, noise), noise, freedom
