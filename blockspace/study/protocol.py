"""The protocol of a study: what checklists ask about its settings and its data."""

from __future__ import annotations

from blockspace.data import kept_preflight
from blockspace.records import RunDir
from blockspace.reporting import StudyProtocol
from blockspace.study.study_file import Study
from blockspace.study.training_facts import name_data
from blockspace.study.tuned_recipes import describe_recipe


def describe_protocol(study: Study, run: RunDir) -> StudyProtocol:
    """Return what checklists ask about a study."""
    look, options = kept_preflight(run), study.options
    inside = run.path / options.space
    return StudyProtocol(
        sampler=options.search.sampler, seed=options.search.seed, trials=options.search.trials, repeats=options.search.repeat_count,
        per_choice=tuple(options.search.per_choice), final_seeds=options.finalists.seeds, random=options.finalists.random,
        tune=describe_recipe(run, True) if options.tune is not None else "",
        space_inside=options.space if inside.parent == run.space and inside.is_file() else "",
        data=name_data(study.data), digest=look.digest if look else "",
        parts=look.counts if look else {}, leaked=look.leaked if look else 0,
    )  # fmt: skip
