"""Optuna's samplers by name, made stateless: what trial n draws depends on the study's seed, on n and on the trials before it alone.

Optuna seeds a sampler once, so a study that is closed and opened again repeats its first draws. Here a fresh sampler is made for
every trial, and one for every independently drawn parameter: a trial continued after a kill between two of its parameters then draws the
second as it would have been drawn.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import optuna
from optuna.samplers import BaseSampler

from blockspace.search.seeds import derive

SAMPLERS: dict[str, Callable[[int], BaseSampler]] = {
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed, multivariate=True, group=True, constant_liar=True),
    "nsga2": lambda seed: optuna.samplers.NSGAIISampler(seed=seed),
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
    "grid": lambda seed: optuna.samplers.BruteForceSampler(seed=seed),  # every assignment once, also of conditional spaces
    "gp": lambda seed: optuna.samplers.GPSampler(seed=seed),
}


def sampler(name: str, seed: int) -> Stateless:
    """The sampler `name` of `SAMPLERS`, resume-exact."""
    return Stateless(SAMPLERS[name], seed)


class Stateless(BaseSampler):
    """A fresh inner sampler per trial number. `exhausted` turns true when a grid has nothing left to propose."""

    def __init__(self, make: Callable[[int], BaseSampler], seed: int):
        self._make, self._seed = make, seed
        self._inner: dict[int, BaseSampler] = {}
        self.exhausted = False

    def _fresh(self, *parts) -> BaseSampler:
        with warnings.catch_warnings():  # `group` and BruteForce are marked experimental
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return self._make(derive("sampler", self._seed, *parts))

    def _of(self, trial) -> BaseSampler:
        if trial.number not in self._inner:
            self._inner[trial.number] = self._fresh(trial.number)
        return self._inner[trial.number]

    def infer_relative_search_space(self, study, trial):
        return self._of(trial).infer_relative_search_space(study, trial)

    def sample_relative(self, study, trial, search_space):
        return self._of(trial).sample_relative(study, trial, search_space)

    def sample_independent(self, study, trial, param_name, param_distribution):
        return self._fresh(trial.number, param_name).sample_independent(study, trial, param_name, param_distribution)

    def before_trial(self, study, trial):
        self._of(trial).before_trial(study, trial)

    def after_trial(self, study, trial, state, values):
        try:
            self._of(trial).after_trial(study, trial, state, values)
        except RuntimeError:  # a finished grid calls study.stop(), which only study.optimize() takes
            self.exhausted = True
        self._inner.pop(trial.number, None)
