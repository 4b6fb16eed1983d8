"""Optuna's samplers by name, made stateless: what trial n draws depends on the study's seed, on n and on the trials before it alone.

Optuna seeds a sampler once, so a study that is closed and opened again repeats its first draws. Here a fresh sampler is made for
every trial, and one for every independently drawn parameter: a trial continued after a kill between two of its parameters then draws the
second as it would have been drawn.

Optuna's samplers also know nothing of duplicates: in a small space a model proposes its optimum again and again. After `STUCK` of them in
a row the next trial is drawn at random.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import optuna
from optuna.samplers import BaseSampler

from blockspace.searching.seeds import derive

SAMPLERS: dict[str, Callable[[int], BaseSampler]] = {
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed, multivariate=True, group=True, constant_liar=True),
    "nsga2": lambda seed: optuna.samplers.NSGAIISampler(seed=seed),
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
    "grid": lambda seed: optuna.samplers.BruteForceSampler(seed=seed),  # every assignment once, also of conditional spaces
    "gp": lambda seed: optuna.samplers.GPSampler(seed=seed),
}
MODELS = ("tpe", "nsga2", "gp")  # those that repeat themselves; `grid` enumerates
STUCK = 5  # duplicates in a row


def sampler(name: str, seed: int) -> Stateless:
    """The sampler `name` of `SAMPLERS`, resume-exact."""
    return Stateless(SAMPLERS[name], seed, SAMPLERS["random"] if name in MODELS else None)


class Stateless(BaseSampler):
    """A fresh inner sampler per trial number, from `relief` when `make`'s is stuck. `exhausted` is true when a grid has nothing left."""

    def __init__(self, make: Callable[[int], BaseSampler], seed: int, relief: Callable[[int], BaseSampler] | None = None):
        self._make, self._seed, self._relief = make, seed, relief
        self._inner: dict[int, BaseSampler] = {}
        self._relieved: set[int] = set()
        self.exhausted = False

    def _fresh(self, make: Callable[[int], BaseSampler], *parts) -> BaseSampler:
        with warnings.catch_warnings():  # `group` and BruteForce are marked experimental
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return make(derive("sampler", self._seed, *parts))

    def _maker(self, trial) -> Callable[[int], BaseSampler]:
        return self._relief if self._relief and trial.number in self._relieved else self._make

    def _of(self, trial) -> BaseSampler:
        if trial.number not in self._inner:
            self._inner[trial.number] = self._fresh(self._maker(trial), trial.number)
        return self._inner[trial.number]

    def infer_relative_search_space(self, study, trial):
        return self._of(trial).infer_relative_search_space(study, trial)

    def sample_relative(self, study, trial, search_space):
        return self._of(trial).sample_relative(study, trial, search_space)

    def sample_independent(self, study, trial, param_name, param_distribution):
        return self._fresh(self._maker(trial), trial.number, param_name).sample_independent(study, trial, param_name, param_distribution)

    def before_trial(self, study, trial):
        if self._relief and stuck(study, trial.number):
            self._relieved.add(trial.number)
        self._of(trial).before_trial(study, trial)

    def after_trial(self, study, trial, state, values):
        try:
            self._of(trial).after_trial(study, trial, state, values)
        except RuntimeError:  # a finished grid calls study.stop(), which only study.optimize() takes
            self.exhausted = True
        self._inner.pop(trial.number, None)


def stuck(study: optuna.Study, number: int) -> bool:
    """Whether the trials just before `number` were all duplicates: a function of what is stored, so a resumed search agrees."""
    before = study.get_trials(deepcopy=False)[max(0, number - STUCK) : number]
    return len(before) == STUCK and all("duplicate_of" in trial.user_attrs for trial in before)
