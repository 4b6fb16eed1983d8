"""Reading: a run directory as the report's plain data, while the study runs and after. No lock is taken, nothing of the study written."""

from __future__ import annotations

import json
from pathlib import Path

from blockspace.costs import COSTS, Budget
from blockspace.data import kept_preflight
from blockspace.errors import error
from blockspace.records import RunDir, TrialRecord, first_is_reference, name_family, pareto_front, read_last_stage, select_best
from blockspace.reporting import Run, Trial, read_answer, write_page
from blockspace.searching import find_lock_holder, stored
from blockspace.study.finalists import counted, finalists, graph_of, near, scored, surroundings
from blockspace.study.finals import BASELINE
from blockspace.study.study_file import MEASURED, Study, load_study, resolve_budget


def write_report(folder: str | Path) -> Path:
    """Write `report.html` and `front.png` of a run directory from what is in it. Raises BlockspaceError, StorageError."""
    return write_page(read_run(folder), folder)


def read_run(folder: str | Path) -> Run:
    """The run directory as of now. Raises BlockspaceError (E-FILE for a folder that is none) and StorageError (a damaged database)."""
    folder = Path(folder)
    if not (folder / "study.yaml").is_file():
        raise error("E-FILE", f"{folder} is no run directory: it has no study.yaml", help="give a folder such as runs/hs_vs_resnext")
    notes: list[str] = []
    study, found = load_study(folder / "study.yaml"), stored(folder)
    per = hole(study, found.rows)
    families = family_names(found, per)
    chosen = select_best(found.rows, found.objectives, per, families, study.options.finalists.take)
    finals = finalists(folder, study, chosen, per, notes)
    state, words = state_of(folder, found.rows, study, finals)
    base, place = baseline(folder, notes), near(folder)
    return Run(
        name=study.name, question=" ".join(study.options.doc.split()), state=state, words=words, folder=place,
        command=f"blockspace search STUDY.yaml out={place}", objectives=found.objectives,
        trials=trials(found.rows, found.objectives, per, study.name), wanted=study.options.search.trials,
        families=tuple(name_family(choice, per) for choice in families if per) or (study.name,),
        budgets=budgets(study, base), baseline=base, finals=finals,
        answer=answer(folder, finals, study, first_is_reference(families), notes),
        settings=(folder / "study.yaml").read_text(encoding="utf-8"), facts=facts(study, folder), left_out=left_out(folder),
        surroundings=surroundings(folder, found.rows, finals), notes=tuple(notes),
    )  # fmt: skip


def hole(study: Study, rows: list[TrialRecord]) -> str | None:
    """The hole whose choices are compared: named by the study, else the first that the rows know."""
    compared = study.options.compare.by if study.options.compare else None
    known = next((name for row in rows for name in row.families), None)
    return study.options.finalists.per or compared or known


def family_names(found, per: str | None) -> list[str]:
    """The choices of the compared hole in their declared order; those no proposal had yet are named too."""
    if per is None:
        return []
    seen = [choice for row in found.rows if (choice := row.choice(per)) is not None]
    return list(dict.fromkeys([*found.choices.get(per, []), *seen]))


def trials(rows: list[TrialRecord], objectives: dict[str, str], per: str | None, name: str) -> tuple[Trial, ...]:
    """Every row as the report has it."""
    ahead = {row.number for row in pareto_front(rows, objectives)}
    return tuple(
        Trial(
            number=row.number, state=row.state, family=row.family(per, "" if per else name), label=row.label, key=row.key,
            values={**row.costs, **row.values, **row.metrics, **row.measured}, choices={**row.params, **row.solved},
            allowed=row.is_feasible, front=row.number in ahead, seconds=row.seconds, seed=row.seed,
            reason=row.reason or (f"trained as {row.reused}" if row.reused else ""), duplicate_of=row.duplicate_of, reused=row.reused,
        )
        for row in rows
    )  # fmt: skip


def baseline(folder: Path, notes: list[str]) -> dict[str, float]:
    """The baseline's costs, counted from its file; its latency is the unit of latency."""
    places = [folder / "baseline.yaml", *sorted((folder / "finalists" / BASELINE).glob("seed-*/arch.yaml"))]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        notes.append("The baseline's file is not there, so the baseline and budgets relative to it are not drawn.")
        return {}
    graph = graph_of(path, notes)
    return {**counted(graph), "latency": 1.0} if graph else {}


def budgets(study: Study, base: dict[str, float]) -> tuple[Budget, ...]:
    """The study's windows as numbers; one relative to a baseline that is not known is left out."""
    found = []
    for name in (*COSTS, *MEASURED):
        window = getattr(study.options.budget, name, None)
        reference = 1.0 if name in MEASURED else base.get(name)
        if window is not None and reference is not None:
            found.append(resolve_budget(window, name, reference, None))
    return tuple(budget for budget in found if budget is not None)


def answer(folder: Path, finals, study: Study, first: bool, notes: list[str]):
    """The answer as the study wrote it, when it is of these finalists and their trainings, else made anew of those that are scored."""
    rivals, base = scored(folder, finals, study.costs)
    if not rivals:
        return None
    names = {(one.name, len(one.correct)) for one in (*rivals, *([base] if base else []))}
    try:
        written = read_answer((folder / "answer.json").read_text(encoding="utf-8"))
        if {(row.name, row.seeds) for row in written.rows} == names:
            return written
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as reason:
        notes.append(f"answer.json could not be read ({reason}); the answer was made anew from the scores.")
    from blockspace.reporting import compare

    return compare(rivals, base, against=rivals[0].family if first else None, seed=study.options.search.seed)


def state_of(folder: Path, rows: list[TrialRecord], study: Study, finals) -> tuple[str, str]:
    """finished, running, stopped or failed, and one line about it."""
    who = find_lock_holder(folder)
    trained = sum(row.state.is_trained for row in rows)
    final = [t for one in finals for t in one.trainings if t.replicate is not None]
    finished = sum(t.state == "trained" for t in final)
    done = f"{trained} of {study.options.search.trials} networks trained, {finished} of {len(final)} trainings of the finals"
    if who:
        return "running", f"{done}; {who}"
    last = read_last_stage(RunDir(folder))
    if last.kind == "done" or (last.kind == "exporting" and RunDir(folder).answer.is_file()):
        return "finished", last.time
    if last.kind == "failed":
        return "failed", f"{last.reason} ({done})"
    return "stopped", f"before its end: {done}. The same command goes on."


def facts(study: Study, folder: Path) -> dict[str, str]:
    """What a reader asks of the conditions, one line each."""
    looked = kept_preflight(folder)
    options = study.options
    final, search = options.finalists, options.search
    epochs, each = final.epochs or options.train.epochs, f" of each {final.per}" if final.per else ""
    return {
        "data": options.data if isinstance(options.data, str) else json.dumps(options.data),
        **({"images": "; ".join(line.removeprefix("data: ") for line in looked.lines())} if looked else {}),
        "search": f"{search.sampler}, {search.trials} networks, seed {search.seed}; a training's follows from it and the network's key",
        "training": f"{options.train.epochs} epochs in the search, batch {options.train.batch}, {options.train.precision}",
        "finals": f"best {final.take}{each} and the baseline, {final.seeds} seeds each, {epochs} epochs",
    }


def left_out(folder: Path) -> dict[str, str]:
    """The files of the data that could not be read and were left out, each with the reason."""
    looked = kept_preflight(folder)
    return dict(looked.skipped) if looked else {}
