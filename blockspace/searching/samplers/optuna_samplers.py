"""Optuna's own samplers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blockspace.searching.samplers.base import SamplerEntry, register_sampler

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


def make_tpe(seed: int) -> BaseSampler:
    """Return the tree-structured Parzen estimator, multivariate and grouped by condition (Bergstra et al. 2011)."""
    from optuna.samplers import TPESampler

    return TPESampler(seed=seed, multivariate=True, group=True, constant_liar=True)


def make_nsga2(seed: int) -> BaseSampler:
    """Return NSGA-II (Deb et al. 2002)."""
    from optuna.samplers import NSGAIISampler

    return NSGAIISampler(seed=seed)


def make_random(seed: int) -> BaseSampler:
    """Return the sampler that draws every parameter independently and uniformly."""
    from optuna.samplers import RandomSampler

    return RandomSampler(seed=seed)


def make_grid(seed: int) -> BaseSampler:
    """Return the sampler that proposes every assignment once, also those of conditional spaces."""
    from optuna.samplers import BruteForceSampler

    return BruteForceSampler(seed=seed)


def make_gp(seed: int) -> BaseSampler:
    """Return Optuna's Gaussian process sampler."""
    from optuna.samplers import GPSampler

    return GPSampler(seed=seed)


# `random_start` is Optuna's default `n_startup_trials`, and NSGA-II's `population_size`: the first generation has no parents
register_sampler(SamplerEntry("tpe", make_tpe, repeats_itself=True, random_start=10))
register_sampler(SamplerEntry("nsga2", make_nsga2, repeats_itself=True, ignores_pruned=True, random_start=50))
register_sampler(SamplerEntry("random", make_random, random_start=None))
register_sampler(SamplerEntry("grid", make_grid))
register_sampler(SamplerEntry("gp", make_gp, repeats_itself=True, needs_equal_constraints=True, random_start=10))
