"""A sampler made stateless: what trial n draws depends on the study's seed, on n and on the trials before it alone.

Optuna seeds a sampler once, so a study that is closed and opened again repeats its first draws. Here a fresh sampler is made for
every trial, and one for every independently drawn parameter: a trial continued after a kill between two of its parameters then draws the
second as it would have been drawn.

Optuna's samplers also know nothing of duplicates: in a small space a model proposes its optimum again and again. After `STUCK` of them in
a row the next trial is drawn at random.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from blockspace.searching.samplers import SAMPLERS, SamplerEntry
from blockspace.searching.seeds import derive_seed

STUCK = 5  # duplicates in a row

MakeSampler = Callable[[int], BaseSampler]


class ReproducibleSampler(BaseSampler):
    """A fresh sampler per trial number, a random one where the entry's is stuck. `exhausted` is true once a grid has nothing left."""

    def __init__(self, entry: SamplerEntry, seed: int):
        self._make, self._seed = entry.make, seed
        self._make_relief = SAMPLERS["random"].make if entry.repeats_itself else None
        self._by_trial: dict[int, BaseSampler] = {}
        self._stuck_trials: set[int] = set()
        self.exhausted = False

    def _new_sampler(self, trial: FrozenTrial, *parts: int | str) -> BaseSampler:
        make = self._make_relief if self._make_relief and trial.number in self._stuck_trials else self._make
        with warnings.catch_warnings():  # `group` and BruteForce are marked experimental
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return make(derive_seed("sampler", self._seed, trial.number, *parts))

    def _sampler_of(self, trial: FrozenTrial) -> BaseSampler:
        if trial.number not in self._by_trial:
            self._by_trial[trial.number] = self._new_sampler(trial)
        return self._by_trial[trial.number]

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Return the search space of the trial's own sampler."""
        return self._sampler_of(trial).infer_relative_search_space(study, trial)

    def sample_relative(self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]) -> dict[str, Any]:
        """Return what the trial's own sampler draws."""
        return self._sampler_of(trial).sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:  # as in Optuna's base class
        """Return a value drawn by a sampler that is made for this trial and parameter."""
        return self._new_sampler(trial, param_name).sample_independent(study, trial, param_name, param_distribution)

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Note whether the search is stuck at this trial."""
        if self._make_relief and _is_stuck(study, trial.number):
            self._stuck_trials.add(trial.number)
        self._sampler_of(trial).before_trial(study, trial)

    def after_trial(self, study: optuna.Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        """Note whether a grid is exhausted, and drop the trial's sampler."""
        try:
            self._sampler_of(trial).after_trial(study, trial, state, values)
        except RuntimeError:  # a finished grid calls study.stop(), which only study.optimize() takes
            self.exhausted = True
        self._by_trial.pop(trial.number, None)


def _is_stuck(study: optuna.Study, number: int) -> bool:
    """Return whether the trials just before `number` were all duplicates: a function of what is stored, so a resumed search agrees."""
    before = study.get_trials(deepcopy=False)[max(0, number - STUCK) : number]
    return len(before) == STUCK and all("duplicate_of" in trial.user_attrs for trial in before)
