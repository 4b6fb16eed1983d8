"""The finals: the best of each family and the baseline are trained again, scored once on the test split, compared, and exported."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from blockspace.data import kept_preflight
from blockspace.errors import error
from blockspace.executors import Executor, Job, Result, TimeLimits
from blockspace.files import CARD, RESULT, WEIGHTS
from blockspace.records import Listener, NetworkExported, TrialRecord, first_is_reference, select_best
from blockspace.searching import Candidate, run_tasks, training_seed
from blockspace.study.resolve import ResolvedStudy
from blockspace.study.worker_jobs import SCORES, epochs_of, read_scores, train_finalist, watched

BASELINE = "baseline"


@dataclass(frozen=True)
class Chosen:
    """A network that goes to the finals: its folder name, family, candidate, and what the search measured of it."""

    name: str
    family: str
    candidate: Candidate
    measured: dict[str, float]

    def measured_ratio(self) -> dict[str, float]:
        """The latency as a ratio to the baseline's, when it was measured."""
        return {name: value for name, value in self.measured.items() if name == "latency"}


def choose(question: ResolvedStudy, rows: list[TrialRecord]) -> list[Chosen]:
    """The best `take` trained rows of each choice of `per` by the first objective, then the baseline."""
    per = question.per
    families = [str(choice) for choice in question.space.choices(per)] if per else []
    found = select_best(rows, question.study.objectives, per, families, question.options.finalists.take)
    finalists = [of_row(question, r, r.family(per, question.space.name)) for r in found]
    base = question.baseline
    return [*finalists, Chosen(BASELINE, BASELINE, base, {"latency": 1.0} if question.limits else {})]


def of_row(question: ResolvedStudy, row: TrialRecord, family: str) -> Chosen:
    return Chosen(folder_name(row.label), family, question.candidate(row.params), row.measured)


def folder_name(label: str) -> str:
    """The label as a folder's name."""
    return re.sub(r"[^a-z0-9._-]", "_", label.lower())[:64]


def finalist_tasks(question: ResolvedStudy, chosen: list[Chosen]) -> list[Job]:
    """One task per network and seed, in folders of their own."""
    options = question.options
    recipe = options.train.as_dict()
    if options.finalists.epochs is not None:
        recipe["epochs"] = options.finalists.epochs
    shared = {"data": question.study.data.as_dict(), "recipe": recipe}
    limits = TimeLimits(stall=watched(options).stall_s)
    tasks: list[Job] = []
    for one in chosen:
        for replicate in range(options.finalists.seeds):
            folder = seed_folder(question, one, replicate)
            seed = training_seed(options.search.seed, one.candidate.key, 1 + replicate)  # 0 was the search's
            arch = one.candidate.arch | {"arch": question.settled(one.candidate)}
            tasks.append(Job(str(folder), arch, seed, one.candidate.key, shared, len(tasks), f"{one.name} seed {replicate}", limits))
    return tasks


def seed_folder(question: ResolvedStudy, one: Chosen, replicate: int) -> Path:
    return question.study.folder.absolute() / "finalists" / one.name / f"seed-{replicate}"


def retrain(question: ResolvedStudy, chosen: list[Chosen], workers: Executor, on_event: Listener) -> list[Result]:
    """The finalists' results in the order of `finalist_tasks`; those finished before are read, not trained again."""
    tasks = finalist_tasks(question, chosen)
    for task in tasks:
        forget_other(task)
    return run_tasks(tasks, train_finalist, workers, on_event)


def forget_other(task: Job) -> None:
    """Take away a result that was trained for another number of epochs, which may change while the search stands."""
    epochs = epochs_of(Path(task.folder))
    if epochs and len(epochs) != task.options["recipe"]["epochs"]:
        (Path(task.folder) / RESULT).unlink(missing_ok=True)


def answer(question: ResolvedStudy, chosen: list[Chosen], results: list[Result]):
    """The comparison. A network whose trainings all failed is left out; families keep their order."""
    from blockspace.reporting import Finalist, compare

    seeds = question.options.finalists.seeds
    found = []
    for place, one in enumerate(chosen):
        trained = [i for i, r in enumerate(results[place * seeds : (place + 1) * seeds]) if r.trained]
        if trained:
            found.append(finalist(Finalist, question, one, trained))
    rivals = [f for f in found if f.family != BASELINE]
    if not rivals:
        raise error("E-FAILED", "no finalist could be trained", help="see the log.txt in finalists/*/seed-*")
    choices = map(str, question.space.choices(question.per)) if question.per else []
    against = rivals[0].family if first_is_reference(choices) else None
    baseline = next((f for f in found if f.family == BASELINE), None)
    return compare(rivals, baseline, against=against, seed=question.options.search.seed)


def finalist(cls, question: ResolvedStudy, one: Chosen, replicates: list[int]):
    import numpy

    scores = [read_scores(seed_folder(question, one, i) / SCORES) for i in replicates]
    correct, losses = (numpy.stack([s[name] for s in scores]) for name in ("correct", "log_loss"))
    costs = {name: one.candidate.costs[name] for name in question.study.costs} | one.measured_ratio()
    return cls(one.family, one.name, costs, correct, losses)


def export_all(question: ResolvedStudy, chosen: list[Chosen], lines: dict[str, str], emit: Listener) -> list[Path]:
    """Each finalist's folder in `best/`, with the weights of its first seed; one that says the same is left. `emit` hears of each."""
    folders = []
    for one in chosen:
        folder = question.study.folder.absolute() / "best" / one.name
        weights = seed_folder(question, one, 0) / WEIGHTS
        if one.family != BASELINE and weights.exists():
            about = card(question, one, lines.get(one.name, ""))
            if said(folder) != about:
                export_one(question, one, weights, folder, about)
            folders.append(folder)
            emit(NetworkExported(one.name))
    return folders


def said(folder: Path) -> str | None:
    """The card of a folder; None where there is none."""
    place = folder / CARD
    return place.read_text(encoding="utf-8") if place.is_file() else None


def export_one(question: ResolvedStudy, one: Chosen, weights: Path, folder: Path, about: str) -> None:
    from safetensors.torch import load_file

    from blockspace.compiler import compile
    from blockspace.exporting import export
    from blockspace.graph import Graph

    graph = Graph.from_dict(one.candidate.arch["graph"])
    module = compile(graph, seed=0)
    module.load_state_dict(load_file(str(weights)))
    export(graph, module, folder, question.settled(one.candidate), about, force=True)


def class_names(folder: Path, most: int = 100) -> str:
    """The classes in the order of the network's outputs, as the look at the data found them."""
    look = kept_preflight(folder)
    if look is None:
        return "not recorded"
    more = f" and {len(look.classes) - most:,} more, in preflight.json" if len(look.classes) > most else ""
    return ", ".join(look.classes[:most]) + more


def card(question: ResolvedStudy, one: Chosen, line: str) -> str:
    """What a stranger needs to know of the exported network."""
    options, candidate, data = question.options, one.candidate, question.study.data
    shape = "x".join(map(str, candidate.arch["graph"]["input"]))
    scores = read_scores(seed_folder(question, one, 0) / SCORES)
    mean, std = (", ".join(f"{v:.6g}" for v in scores[name]) for name in ("mean", "std"))
    chosen = "\n".join(f"- {name}: {token}" for name, token in candidate.arch["values"].items())
    costs = ", ".join(f"{value:,} {name}" for name, value in candidate.costs.items())
    ratio = one.measured.get("latency")
    latency = ""
    if ratio:
        latency = f"\n- latency: {ratio:.3f} of the baseline's (CPU time of one {options.budget.latency.runtime} call beside it)"
    epochs = options.finalists.epochs or options.train.epochs
    return f"""# {one.name}

{options.doc or question.study.name}

- input: {shape}; pixels in 0..1, minus {mean}, divided by {std} (per channel, of the training images)
- classes: {class_names(question.study.folder)}
- costs: {costs}{latency}
- key: {candidate.key}
- trained on: {data.name or data.folder or data.python}, train and validation, {epochs} epochs
- test: {line or "not scored"}
- weights: of the first of {options.finalists.seeds} seeds, which was not chosen by its test score

Chosen by the search:

{chosen}

`model.py` needs torch (and safetensors to read the weights); `arch.yaml` is the same network for `blockspace show`.
"""
