"""The checklists of reviewers, filled in from a study's run directory: what is met, what is not and how it would be, what is left to you.

Items are those of "Best Practices for Scientific Research on Neural Architecture Search" (Lindauer and Hutter, JMLR 2020) and of the
NeurIPS paper checklist (2025), as far as a program can know anything about them. An item is a function of the report; `ITEMS` is the only
list.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from blockspace.formatting import count_noun, format_duration, hide_path, hide_paths
from blockspace.reporting.study_report import StudyProtocol, StudyReport

NAS, NEURIPS, SPLIT = "NAS best practices", "NeurIPS", "Test split"
ENOUGH_SEARCHES = 3  # from which on a statement about families can be made
ENOUGH_RANDOM = 3  # random networks of a family, from which on a search is compared with them

ChecklistState: TypeAlias = Literal["met", "not met", "by you"]


@dataclass(frozen=True)
class Finding:
    """What a run directory says about an item: the state, the fact that shows it, and for what is not met the command or key that would."""

    state: ChecklistState
    fact: str
    remedy: str = ""


@dataclass(frozen=True)
class ChecklistRow:
    """An item of a checklist, filled in."""

    source: str
    number: str
    text: str
    finding: Finding


Examine: TypeAlias = Callable[[StudyReport, StudyProtocol], Finding]


def fill_checklist(run: StudyReport) -> list[ChecklistRow]:
    """Return every item with what the run directory says about it; nothing for a report without a study's settings."""
    asked = run.protocol
    return [ChecklistRow(source, number, text, examine(run, asked)) for source, number, text, examine in ITEMS] if asked else []


def count_findings(rows: list[ChecklistRow]) -> str:
    """Return how many items are met, how many are not, and how many are left to you."""
    states = [row.finding.state for row in rows]
    return ", ".join(f"{states.count(state)} {state}" for state in ("met", "not met", "by you"))


def write_checklist_text(run: StudyReport) -> str:
    """Return the content of `checklist.md`."""
    rows = fill_checklist(run)
    lines = [f"# Checklists of {run.name}", "", f"{count_findings(rows)}. Filled in by blockspace from `{run.folder}`."]
    for source in dict.fromkeys(row.source for row in rows):
        lines += ["", f"## {TITLES[source]}", ""]
        lines += [format_item(row) for row in rows if row.source == source]
    return hide_paths("\n".join(lines)) + "\n"


def format_item(row: ChecklistRow) -> str:
    """Return one item as a line of Markdown, with a box that is ticked when it is met."""
    found = row.finding
    box = "x" if found.state == "met" else " "
    number = f"{row.number} " if row.number else ""
    state = "" if found.state == "met" else f" **{found.state}**:"
    remedy = f" To meet it: `{found.remedy}`" if found.remedy else ""
    return f"- [{box}] {number}{row.text}{state or ':'} {found.fact}.{remedy}"


# the items


def add_setting(run: StudyReport, *settings: str) -> str:
    """Return the command that runs the study with further settings."""
    return " ".join([run.command, *settings])


def in_new_folder(run: StudyReport, ending: str, *settings: str) -> str:
    """Return the command that runs the study with further settings in a run directory of its own."""
    words = (word for word in shlex.split(run.command) if not word.startswith("out="))
    return " ".join([shlex.join(words), *settings, f"out={hide_path(run.folder)}-{ending}"])


def examine_code(run: StudyReport, _: StudyProtocol) -> Finding:
    """Find whether the code that ran is known: a commit without changes, or an installed version."""
    if not run.machines:
        return Finding("not met", "the run directory is older than the record of its code", in_new_folder(run, "again"))
    changed = [one for one in run.machines if one.dirty]
    if changed:
        fact = f"it ran with changes that are in no commit, on top of {changed[-1].commit[:12]}"
        return Finding("not met", fact, f"git commit, then {in_new_folder(run, 'again')}")
    commits = dict.fromkeys(one.commit[:12] for one in run.machines if one.commit)
    version = run.machines[-1].packages.get("blockspace", "")
    known = " and ".join(f"commit {commit}" for commit in commits) or "an installed package"
    return Finding("met", f"blockspace {version}, {known}; the run directory has every network as model.py or arch.yaml")


def examine_space(run: StudyReport, asked: StudyProtocol) -> Finding:
    """Find whether the search space lies in the run directory."""
    if asked.space_inside:
        return Finding("met", f"{asked.space_inside}, with the block files that it imports")
    return Finding("not met", "the run directory names its space and does not hold it", f"{run.command} (resuming writes it)")


def examine_final_settings(_: StudyReport, asked: StudyProtocol) -> Finding:
    """Find whether the settings and seeds of the final trainings are kept."""
    seeds = count_noun(asked.final_seeds, "seed")
    return Finding("met", f"study.yaml has every setting, defaults too; {seeds} a network, each in its result.json")


def examine_search_settings(_: StudyReport, asked: StudyProtocol) -> Finding:
    """Find whether the settings and seeds of the search are kept."""
    return Finding("met", f"study.yaml: {asked.sampler}, {count_noun(asked.trials, 'trial')} a search, seed {asked.seed}")


def examine_same_conditions(run: StudyReport, asked: StudyProtocol) -> Finding:
    """Find whether all families were searched and trained under the same conditions."""
    windows = "; ".join(map(str, run.budgets)) or "no budget"
    shares = f", equal numbers of trials for each {' and '.join(asked.per_choice)}" if asked.per_choice else ""
    fact = f"one data set with one test split, one space, one recipe, {windows}{shares}"
    if len(run.families) < 2 or asked.per_choice:
        return Finding("met", fact)
    fact += "; but the sampler divided the trials among the families"
    return Finding("not met", fact, in_new_folder(run, "equal", f"'search.per_choice={{{run.per}: equal}}'"))


def examine_confounders(run: StudyReport, _: StudyProtocol) -> Finding:
    """Find whether all trainings ran with the same versions on the same kind of hardware."""
    kinds, machines = len(run.environments), len(run.machines)
    if kinds <= 1 and machines <= 1:
        return Finding("met", "all trainings ran with the same versions, on the same kind of machine and number of threads")
    fact = f"trainings ran in {count_noun(max(kinds, machines), 'environment')}, listed in report.html and environment.json"
    return Finding("not met", fact, in_new_folder(run, "again"))


def examine_ablations(_: StudyReport, __: StudyProtocol) -> Finding:
    """Leave to the authors which parts of a method matter."""
    return Finding("by you", "a study compares families; `finalists:` of a study without one choice of the space would be an ablation")


def examine_protocol(run: StudyReport, asked: StudyProtocol) -> Finding:
    """Find whether every finalist and the baseline were trained and scored alike, and all of them."""
    done, wanted = run.trainings
    seeds = count_noun(asked.final_seeds, "seed")
    fact = f"{done} of {count_noun(wanted, 'final training')} done, all with one recipe and {seeds} a network"
    return Finding("met", fact) if wanted and done == wanted else Finding("not met", fact, run.command)


def examine_progress(run: StudyReport, _: StudyProtocol) -> Finding:
    """Find whether performance over time is kept."""
    if not run.counts["trained"]:
        return Finding("not met", "nothing is trained yet", run.command)
    return Finding("met", "results.csv has every trial in order with its value and seconds, report.html the curves")


def examine_random(run: StudyReport, asked: StudyProtocol) -> Finding:
    """Find whether the search was compared with random networks of its space."""
    if asked.sampler == "random":
        return Finding("met", "the search itself is random")
    if asked.random >= ENOUGH_RANDOM:
        return Finding("met", f"{count_noun(asked.random, 'random network')} of each family under the protocol of the finalists")
    few = f"only {count_noun(asked.random, 'random network')} of a family"
    fact = few if asked.random else "no random network was trained beside the finalists"
    return Finding("not met", fact, add_setting(run, f"finalists.random={ENOUGH_RANDOM}"))


def examine_searches(run: StudyReport, asked: StudyProtocol) -> Finding:
    """Find whether the search was run several times."""
    whole = len(run.searches.whole)
    fact = f"{count_noun(whole, 'independent search', 'independent searches')}, seed {asked.seed}"
    if whole >= ENOUGH_SEARCHES:
        return Finding("met", fact)
    remedy = run.command if asked.repeats >= ENOUGH_SEARCHES else add_setting(run, "search.repeats=5")
    return Finding("not met", f"{fact}, so nothing can be said of families", remedy)


def examine_tabular(_: StudyReport, __: StudyProtocol) -> Finding:
    """Leave to the authors how the method does on a tabular benchmark."""
    return Finding("by you", "searchspaces/nasbench201.yaml is the space of NAS-Bench-201; the sampler is Optuna's, unchanged")


def examine_tuning(run: StudyReport, asked: StudyProtocol) -> Finding:
    """Find whether it is known how the recipe was chosen."""
    if asked.tune:
        return Finding("met", f"the recipe was tuned in this study, {asked.tune}")
    fact = "the recipe is the study file's; how it was chosen is not recorded"
    return Finding("not met", fact, in_new_folder(run, "tuned", "'tune={grid: {optimizer.adamw.lr: [0.001, 0.003, 0.01]}}'"))


def examine_total_time(run: StudyReport, _: StudyProtocol) -> Finding:
    """Find whether the time of the whole method is known, not only that of its search."""
    found = run.compute
    if found is None or not found.starts:
        return Finding("not met", "the run directory is older than the record of its time", in_new_folder(run, "again"))
    return Finding("met", f"{format_duration(found.wall)} from the start to the last event, {count_noun(found.starts, 'start')}")


def examine_details(run: StudyReport, _: StudyProtocol) -> Finding:
    """Find whether hardware and versions are known."""
    if not run.machines:
        return Finding("not met", "the run directory has no environment.json", f"{run.command} (resuming writes it)")
    last = run.machines[-1]
    return Finding("met", f"{last.cpu}, {last.system}, python {last.python}, {len(last.packages):,} packages with their versions")


def examine_claims(run: StudyReport, _: StudyProtocol) -> Finding:
    """Find whether the sentences claim what was done."""
    if run.answer is None:
        return Finding("not met", "there is no answer yet", run.command)
    unit = "searches of a family" if len(run.searches.whole) >= ENOUGH_SEARCHES else "the networks that were trained, not families"
    return Finding("met", f"the sentences of the answer are about {unit}, with {count_noun(run.answer.images, 'test image')}")


def examine_limitations(_: StudyReport, __: StudyProtocol) -> Finding:
    """Leave to the authors what an answer does not show."""
    return Finding("by you", "one data set, one recipe, one cost: docs/protocol.md says what an answer supports and what it does not")


def examine_reproducibility(run: StudyReport, asked: StudyProtocol) -> Finding:
    """Find whether the run directory is enough to repeat the study."""
    if not asked.space_inside or not run.machines:
        return Finding("not met", "the run directory is not whole", f"{run.command} (resuming completes it)")
    return Finding("met", f"the run directory is whole: blockspace replay {run.folder} --train repeats and compares every step")


def examine_open_access(_: StudyReport, asked: StudyProtocol) -> Finding:
    """Leave to the authors what they publish."""
    return Finding("by you", f"publish the run directory and the data ({asked.data}, SHA-256 {asked.digest[:12]}...)")


def examine_settings(_: StudyReport, asked: StudyProtocol) -> Finding:
    """Find whether splits and settings are kept."""
    parts = ", ".join(f"{count:,} {part}" for part, count in asked.parts.items())
    leaked = f"; {asked.leaked:,} test images are also in train or val" if asked.leaked else ""
    return Finding("met", f"images: {parts or 'not recorded'}{leaked}; settings in study.yaml")


def examine_significance(run: StudyReport, asked: StudyProtocol) -> Finding:
    """Find whether there are intervals, and over what."""
    if asked.final_seeds < 2:
        return Finding("not met", "one seed: what another seed would change is in no interval", add_setting(run, "finalists.seeds=3"))
    if run.answer is None:
        return Finding("not met", "there is no answer yet", run.command)
    over = "searches, test images and seeds" if len(run.searches.whole) > 1 else "test images and seeds, not other searches"
    return Finding("met", f"each difference has an interval over {over}")


def examine_compute(run: StudyReport, _: StudyProtocol) -> Finding:
    """Find whether hardware and total compute are known, failed trainings included."""
    found = run.compute
    if found is None or found.cpu is None or not run.machines:
        return Finding("not met", "CPU time was not recorded by the version that ran it", in_new_folder(run, "again"))
    trainings = sum(one.count for one in found.trainings)
    fact = f"{format_duration(found.cpu)} of CPU time on {run.machines[-1].cpu}, {count_noun(trainings, 'training')}, failed ones included"
    return Finding("met", fact)


def examine_licences(_: StudyReport, asked: StudyProtocol) -> Finding:
    """Leave to the authors what a data set does not say."""
    return Finding("by you", f"name the licence of the data: {asked.data}")


def examine_assets(run: StudyReport, _: StudyProtocol) -> Finding:
    """Find whether what the study leaves is documented."""
    exported = [one.name for one in run.finals if one.exported]
    if not exported:
        return Finding("not met", "no finalist is exported yet", run.command)
    return Finding("met", f"{count_noun(len(exported), 'network')} in best/, each with card.md and facts.json")


def examine_conduct(_: StudyReport, __: StudyProtocol) -> Finding:
    """Leave to the authors what no program knows."""
    return Finding("by you", "nothing in a run directory says it")


def examine_test_uses(run: StudyReport, _: StudyProtocol) -> Finding:
    """Find whether the test split was scored by this study only, as far as this machine knows."""
    use = run.test_use
    if use is None:
        scored = run.trainings[0] > 0
        fact = "the run directory is older than the count" if scored else "nothing is scored yet"
        return Finding("not met", fact, f"{run.command} (resuming counts it)" if scored else run.command)
    if use.uses is None:
        return Finding("by you", use.sentence())
    if use.uses == 1:
        return Finding("met", use.sentence())
    remedy = "new test images, or another part as the test split: data.seed=1"
    return Finding("not met", f"{use.sentence()}, and each choice made by what they said adapts to it", remedy)


TITLES = {
    NAS: "Best practices for research on neural architecture search (Lindauer and Hutter, 2020)",
    NEURIPS: "NeurIPS paper checklist",
    SPLIT: "Uses of the test split",
}
ITEMS: tuple[tuple[str, str, str, Examine], ...] = (
    (NAS, "1a", "Code of the training pipeline that evaluates the final networks", examine_code),
    (NAS, "1b", "Code of the search space", examine_space),
    (NAS, "1c", "Hyperparameters and seeds of the final evaluation", examine_final_settings),
    (NAS, "1d", "Code of the search method", examine_code),
    (NAS, "1e", "Hyperparameters and seeds of the search method", examine_search_settings),
    (NAS, "2a", "The same data, splits, search space, training code and hyperparameters for all that is compared", examine_same_conditions),
    (NAS, "2b", "Confounding factors controlled: hardware, versions, run times", examine_confounders),
    (NAS, "2c", "Ablation studies", examine_ablations),
    (NAS, "2d", "The same evaluation protocol for all that is compared", examine_protocol),
    (NAS, "2e", "Performance over time", examine_progress),
    (NAS, "2f", "Comparison with random search", examine_random),
    (NAS, "2g", "Several runs, with their seeds", examine_searches),
    (NAS, "2h", "Tabular or surrogate benchmarks", examine_tabular),
    (NAS, "3a", "How hyperparameters were tuned, and what that took", examine_tuning),
    (NAS, "3b", "Time of the entire method from end to end", examine_total_time),
    (NAS, "3c", "All details of the experimental setup", examine_details),
    (NEURIPS, "1", "Claims match the results", examine_claims),
    (NEURIPS, "2", "Limitations", examine_limitations),
    (NEURIPS, "4", "Results can be reproduced", examine_reproducibility),
    (NEURIPS, "5", "Open access to data and code", examine_open_access),
    (NEURIPS, "6", "Splits, hyperparameters and how they were chosen", examine_settings),
    (NEURIPS, "7", "Statistical significance, and what error bars are over", examine_significance),
    (NEURIPS, "8", "Compute resources, of everything that was run", examine_compute),
    (NEURIPS, "12", "Licences of what was used", examine_licences),
    (NEURIPS, "13", "New assets are documented", examine_assets),
    (NEURIPS, "9-11, 14-16", "Ethics, impacts, safeguards, people, use of language models", examine_conduct),
    (SPLIT, "", "The test split was scored by one study only", examine_test_uses),
)
