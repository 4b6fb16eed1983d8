"""The registry of samplers: names, flags, and one more sampler without a change of another file."""

from __future__ import annotations

from typing import get_args

import pytest
from fakes import PRELOAD, search_fakes
from optuna.samplers import RandomSampler

from blockspace.executors import LocalExecutor
from blockspace.searching import SearchOptions
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
