"""The registry of samplers: names, flags, and one more sampler without a change of another file."""

from __future__ import annotations

from typing import get_args

import optuna
import pytest
from fakes import PRELOAD, FakeSpace, search_fakes
from optuna.samplers import RandomSampler

from blockspace.executors import LocalExecutor
from blockspace.searching import SearchOptions
from blockspace.searching.reproducible_sampler import ReproducibleSampler
from blockspace.searching.samplers import SAMPLERS, SamplerEntry, register_sampler


def test_the_options_and_their_schema_name_the_registered_samplers():
    assert get_args(SearchOptions.model_fields["sampler"].annotation) == tuple(SAMPLERS)
    assert SearchOptions.model_json_schema()["properties"]["sampler"]["enum"] == list(SAMPLERS)


def test_a_name_is_registered_once():
    with pytest.raises(ValueError, match="sampler 'tpe' is registered twice"):
        register_sampler(SamplerEntry("tpe", lambda seed: RandomSampler(seed=seed)))


class NarrowSampler(RandomSampler):
    """Draws the smallest value of every integer."""

    def sample_independent(self, study, trial, param_name, param_distribution):
        low = getattr(param_distribution, "low", None)
        return super().sample_independent(study, trial, param_name, param_distribution) if low is None else low


def test_one_more_sampler_is_one_entry(tmp_path, monkeypatch):
    monkeypatch.setitem(SAMPLERS, "narrow", SamplerEntry("narrow", lambda seed: NarrowSampler(seed=seed)))
    options = SearchOptions(trials=2, workers=1).model_copy(update={"sampler": "narrow"})
    with LocalExecutor(1, PRELOAD) as workers:
        rows = search_fakes(tmp_path, workers, options)
    assert sum(row.state == "trained" for row in rows) == 2 and {row.params["width"] for row in rows} == {1}


@pytest.mark.parametrize("repeats", [True, False])
def test_a_sampler_that_repeats_itself_is_relieved(tmp_path, monkeypatch, repeats):
    monkeypatch.setitem(SAMPLERS, "narrow", SamplerEntry("narrow", lambda seed: NarrowSampler(seed=seed), repeats_itself=repeats))
    options = SearchOptions(trials=6, workers=1, proposals=8).model_copy(update={"sampler": "narrow"})
    with LocalExecutor(1, PRELOAD) as workers:
        rows = search_fakes(tmp_path, workers, options)
    assert sum(row.state == "trained" for row in rows) == (6 if repeats else 5)  # one width has five networks


def propose_all(name: str, count: int, sign: float) -> list[dict]:
    """The assignments that a sampler proposes one after the other, told values that grow or fall with the width."""
    study = optuna.create_study(sampler=ReproducibleSampler(SAMPLERS[name], 7), direction="maximize")
    space, found = FakeSpace(), []
    for _ in range(count):
        trial = study.ask()
        found.append(space.suggest(trial))
        study.tell(trial, sign * found[-1]["width"] + 0.01 * trial.number)
    return found


@pytest.mark.parametrize("name, beyond", [("tpe", 20), ("nsga2", 60), ("random", 0), ("gp", 0)])
def test_the_random_start_does_not_depend_on_what_was_told(name, beyond):
    """And where a sampler has learnt enough to be told apart, the proposals after it do."""
    start = SAMPLERS[name].random_start
    count = 30 if start is None else start
    high, low = (propose_all(name, count + beyond, sign) for sign in (1.0, -1.0))
    assert high[:count] == low[:count]
    assert not beyond or high[count:] != low[count:]
    widths = [one["width"] for one in high[:count]]
    assert len(set(widths)) > 3
