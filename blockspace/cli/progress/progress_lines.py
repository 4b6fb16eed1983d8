"""Format progress as plain lines, for logs and pipes: a line per trial, which starts with the same words in every version."""

from __future__ import annotations

from blockspace.cli.progress.progress_state import ProgressState
from blockspace.formatting import count_noun, format_duration, format_table
from blockspace.quantities import find_quantity
from blockspace.records import (
    Event,
    ExportStarted,
    FinalistTrained,
    RecipeTried,
    RecipeTuned,
    RetrainingStarted,
    SearchEnded,
    SearchOpened,
    StopRequested,
    StudyStarted,
    TrainingRetried,
    TrialFinished,
    TrialRecord,
    TuningStarted,
    Warned,
)


def format_event(event: Event, state: ProgressState) -> str | None:
    """Return what is printed of an event that `state` has taken; None for most."""
    match event:
        case StudyStarted(notes=notes):
            return "\n".join(notes) or None
        case SearchOpened(proposals=proposals):
            return format_search_start(state) if proposals or state.repeats > 1 else None
        case TrialFinished():
            return format_trial(event.record, state)
        case FinalistTrained() | RecipeTried():
            return format_finalist(event, state)
        case TuningStarted():
            tried = f"{count_noun(event.recipes, 'recipe')} on {count_noun(event.networks, 'default network')}"
            return f"tuning: {count_noun(event.trainings, 'training')} of {tried}"
        case RecipeTuned():
            return event.label
        case TrainingRetried():
            return f"trial {event.number:>3}  {event.label:<28} once more, {event.reason}"
        case SearchEnded():
            return format_search_end(event, state)
        case RetrainingStarted():
            return f"{state.stage_name.rstrip(',')}: {count_noun(event.trainings, 'training')} of {count_noun(event.networks, 'network')}"
        case ExportStarted():
            return f"exporting {count_noun(event.networks, 'network')}"
        case Warned():
            return event.reason
        case StopRequested():
            return format_stop(event)
    return None


def format_search_start(state: ProgressState) -> str:
    """Return `resumed: 4 of 24 trials trained`, of a study of several searches with the search."""
    done = f"{state.done} of {count_noun(state.total, 'trial')} trained"
    if state.repeats == 1:
        return f"resumed: {done}"
    return f"search {state.repeat + 1} of {state.repeats}{f': {done}' if state.done else ''}"


def format_trial(record: TrialRecord, state: ProgressState) -> str:
    """Return the line of a trial whose training has ended."""
    outcome = format_objectives(record) if record.state.is_trained else f"{record.state.label}: {record.reason}"
    time = f"trained as {record.reused}" if record.reused else f"{record.seconds:.1f} s"
    return f"trial {record.number:>3}  {record.label:<28} {outcome}  {time}  |  {format_stage_left(state)}"


def format_finalist(event: FinalistTrained | RecipeTried, state: ProgressState) -> str:
    """Return the line of a finalist, or of a recipe that is tried, whose training has ended."""
    word = "final" if isinstance(event, FinalistTrained) else "tune "
    outcome = event.state.label if event.state.is_trained else f"{event.state.label}: {event.reason}"
    return f"{word} {event.number:>3}  {event.label:<28} {outcome}  {event.seconds:.1f} s  |  {format_stage_left(state)}"


def format_search_end(event: SearchEnded, state: ProgressState) -> str:
    """Return `search done: 24 networks of 31 proposals; 6 trainings saved (4 duplicates, 2 reused)`, and why there are no more networks."""
    copies, reused = event.saved["duplicate"], event.saved["reused"]
    parts = [*([count_noun(copies, 'duplicate')] if copies else []), *([f"{reused} reused"] if reused else [])]
    text = f"search done: {count_noun(event.trained, 'network')} of {count_noun(event.proposals, 'proposal')}"
    saved = [f"{count_noun(copies + reused, 'training')} saved ({', '.join(parts)})"] if parts else []
    fewer = [event.reason] if event.reason and event.trained < state.trials else []
    return "; ".join([text, *saved, *fewer])


def format_stage_left(state: ProgressState) -> str:
    """Return `search 4/24  about 3.5 min left in this stage`."""
    left = state.left()
    time = "" if left is None else f"  about {format_duration(left)} left in this stage"
    return f"{state.stage_name} {state.done}/{state.total}{time}"


def format_stop(event: StopRequested) -> str:
    """Return what a person who pressed Ctrl-C once should know."""
    if not event.running:
        return "stopping"
    trainings = count_noun(event.running, "training")
    return f"stopping: {trainings} at the end of the epoch" + ("; Ctrl-C again stops now" if event.patient else "")


def format_summary(state: ProgressState) -> str:
    """Return the state of an interrupted study: a line, and the front by family as a table."""
    done = f"{state.stage_name.rstrip(',')}: {state.done} of {state.total} done" if state.total else state.stage
    counts = ", ".join(f"{count} {format_state_name(name)}" for name, count in state.counts().items() if count and name != "running")
    text = f"{done} ({counts})" if counts else done
    if not state.ranking:
        return f"{text}\nnothing trained yet"
    header = ["family", "network", "trial", *state.objectives, "front"]
    rows = [
        [best.family, best.row.label, str(best.row.number), *list_objective_cells(best.row.values), "*" if best.leads else ""]
        for best in state.ranking
    ]
    return f"{text}\n\n{format_table(header, rows)}\n"


def list_objective_cells(objectives: dict[str, float]) -> list[str]:
    """Return a cell for each objective's value."""
    return [find_quantity(name).format_stored(number) for name, number in objectives.items()]


def format_objectives(row: TrialRecord) -> str:
    """Return a trained trial's objectives, as `val_acc 0.9233  latency 0.871`."""
    return "  ".join(f"{name} {find_quantity(name).format_stored(number)}" for name, number in row.values.items())


def format_state_name(word: str) -> str:
    """Return a state as a person reads it: `over budget`."""
    return word.replace("_", " ")
