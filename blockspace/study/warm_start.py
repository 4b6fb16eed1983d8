"""Reuse: which trained results of other run directories stand for trainings of this study, and why those of a run do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from os import PathLike
from pathlib import Path

from blockspace.data import Preflight, is_same_content, kept_preflight
from blockspace.errors import BlockspaceError, error
from blockspace.formatting import count_noun
from blockspace.inputs import expand_path
from blockspace.records import TRIAL_FILES, RunDir, TrialRecord
from blockspace.searching import ResultCache, diff_configs, read_stored_study
from blockspace.study.resolve import ResolvedStudy
from blockspace.study.study_file import Study, load_study

CODE = ("blockspace", "torch", "lightning")  # packages by which a result may change
PLACES = ("data.name", "data.folder", "data.python")  # where the data is: its digest says what it is


@dataclass(frozen=True)
class PriorRun:
    """Another run directory: its study and its trials."""

    folder: Path
    study: Study
    records: list[TrialRecord]


def read_prior_runs(resolved: ResolvedStudy, folders: Sequence[str | PathLike[str]]) -> list[PriorRun]:
    """Return the run directories, read. Raises BlockspaceError (E-FILE) for one that is none, is damaged, or is the study's own."""
    found = []
    for folder in map(expand_path, folders):
        if not RunDir(folder).is_study:
            help = "give a folder such as runs/hs_vs_resnext"
            raise error("E-FILE", f"--reuse {folder}: no run directory, it has no study.yaml", help=help)
        if folder.resolve() == resolved.study.folder.resolve():
            help = "what is there is kept without being named"
            raise error("E-FILE", f"--reuse {folder}: the study's own run directory", help=help)
        try:
            RunDir(folder).refuse_links()
            found.append(PriorRun(folder, load_study(RunDir(folder).study_yaml), read_stored_study(folder).records))
        except BlockspaceError as reason:
            raise error("E-FILE", f"--reuse {folder}: it cannot be read: {str(reason).splitlines()[0]}") from reason
    return found


def describe_reuse(resolved: ResolvedStudy, runs: Sequence[PriorRun]) -> list[str]:
    """Return a line for each run: how many of its networks a study could take over, or why none; for a dry run, which reads no images."""
    lines = []
    code, seed = {name: version(name) for name in CODE}, resolved.options.search.seed
    for run in runs:
        name, reasons = RunDir(run.folder).display(), find_differences(run, resolved, None)
        ready, stale = (0, 0) if reasons else ResultCache(TRIAL_FILES).add(run.folder, name, run.records, seed, code)
        words = f"nothing can be taken over: {'; '.join(reasons) or explain_none(stale)}"
        if ready:
            words = f"{count_noun(ready, 'trained network')} can be taken over, if the images are the same"
        lines.append(f"reuse: {name}: {words}")
    return lines


def collect_prior_results(resolved: ResolvedStudy, look: Preflight, runs: Sequence[PriorRun]) -> tuple[ResultCache, list[str]]:
    """Return the results of other runs that trainings of this study would repeat, and a line for each run: how many, or why none."""
    found, lines = ResultCache(TRIAL_FILES), []
    code = {name: version(name) for name in CODE}
    for run in runs:
        name, reasons = RunDir(run.folder).display(), find_differences(run, resolved, look)
        taken, stale = (0, 0) if reasons else found.add(run.folder, name, run.records, resolved.options.search.seed, code)
        words = "; ".join(reasons) or explain_none(stale)
        ready = f"{count_noun(taken, 'trained network is', 'trained networks are')} not trained again"
        lines.append(f"reuse: {name}: {ready if taken else f'nothing can be taken over: {words}'}")
    return found, lines


def explain_none(stale: int) -> str:
    """Return why a run of the same recipe and data has nothing to take over."""
    if not stale:
        return "it has trained no network"
    return f"its {count_noun(stale, 'trained network is', 'trained networks are')} of other versions of {', '.join(CODE)}"


def find_differences(run: PriorRun, resolved: ResolvedStudy, look: Preflight | None) -> list[str]:
    """Return what makes a training of that run another training: its recipe, its data, or its seed; images only with `look`."""
    there, here = run.study.options, resolved.options
    found = diff_configs(there.train.as_dict(), here.train.as_dict(), "train")
    found += ["tune: its recipe was tuned"] if there.tune else ["tune: the recipe of this study is tuned first"] if here.tune else []
    data = diff_configs(run.study.data.as_dict(), resolved.study.data.as_dict(), "data")
    found += [line for line in data if line.partition(":")[0] not in PLACES]
    kept = kept_preflight(run.folder)
    if look is not None and (kept is None or not is_same_content(resolved.study.data, look, kept)):
        found.append("data: other images" if kept else "data: not recorded there")
    return found + diff_configs(there.search.seed, here.search.seed, "search.seed")
