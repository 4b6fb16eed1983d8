"""Progress as plain lines, for logs and pipes: one a trial, whose first words never change."""

from __future__ import annotations

from blockspace.cli.progress.standing import Standing
from blockspace.cli.progress.words import state, values
from blockspace.formatting import format_duration, format_table
from blockspace.quantities import find_quantity


def line(kind: str, data: dict, standing: Standing) -> str | None:
    """What is printed of an event that `standing` has heard; None for most."""
    if kind == "asked":
        return "\n".join(data["notes"]) or None
    if kind == "opened":
        return f"resumed: {standing.done} of {standing.total} trials are trained" if data["proposals"] else None
    if kind == "finished":
        return finalist(data, standing) if standing.stage == "finals" else trial(data, standing)
    if kind == "retried":
        return f"trial {data['number']:>3}  {data['label']:<28} once more, {data['reason']}"
    if kind == "ended":
        return searched(data)
    if kind == "finals":
        return f"finals: {data['trainings']} trainings of {data['networks']} networks"
    if kind == "exporting":
        return f"exporting {data['networks']} networks"
    if kind == "warning":
        return data["reason"]
    return stopping(data) if kind == "stopping" else None


def trial(data: dict, standing: Standing) -> str:
    row = data["row"]
    outcome = values(row) if row.state.is_trained else f"{state(row.state)}: {row.reason}"
    time = f"trained as {row.reused}" if row.reused else f"{row.seconds:.1f} s"
    return f"trial {row.number:>3}  {row.label:<28} {outcome}  {time}  |  {stage(standing)}"


def finalist(data: dict, standing: Standing) -> str:
    outcome = data["status"] if data["status"] == "trained" else f"{state(data['status'])}: {data['reason']}"
    return f"final {data['number']:>3}  {data['label']:<28} {outcome}  {data['seconds']:.1f} s  |  {stage(standing)}"


def searched(data: dict) -> str:
    """`search done: 24 networks of 31 proposals; 6 trainings saved (4 duplicates, 2 reused)`."""
    copies, reused = data["saved"]["duplicate"], data["saved"]["reused"]
    parts = [*([f"{copies} duplicate{'s' if copies > 1 else ''}"] if copies else []), *([f"{reused} reused"] if reused else [])]
    text = f"search done: {data['trained']} networks of {data['proposals']} proposals"
    return f"{text}; {copies + reused} training{'s' if copies + reused > 1 else ''} saved ({', '.join(parts)})" if parts else text


def stage(standing: Standing) -> str:
    """`search 4/24  about 3.5 min left in this stage`."""
    left = standing.left()
    time = "" if left is None else f"  about {format_duration(left)} left in this stage"
    return f"{standing.stage} {standing.done}/{standing.total}{time}"


def stopping(data: dict) -> str:
    """What a person who pressed Ctrl-C once should know."""
    if not data["running"]:
        return "stopping"
    trainings = f"{data['running']} training{'s' if data['running'] > 1 else ''}"
    return f"stopping: {trainings} at the end of the epoch" + ("; Ctrl-C again stops now" if data["patient"] else "")


def summary(standing: Standing) -> str:
    """Where an interrupted study stands: a line, and the front by family as a table."""
    done = f"{standing.stage}: {standing.done} of {standing.total} done" if standing.total else standing.stage
    counts = ", ".join(f"{count} {state(name)}" for name, count in standing.counts().items() if count and name != "running")
    text = f"{done} ({counts})" if counts else done
    if not standing.ranking:
        return f"{text}\nnothing trained yet"
    header = ["family", "network", "trial", *standing.objectives, "front"]
    rows = [
        [best.family, best.row.label, str(best.row.number), *cells(best.row.values), "*" if best.leads else ""] for best in standing.ranking
    ]
    return f"{text}\n\n{format_table(header, rows)}\n"


def cells(objectives: dict[str, float]) -> list[str]:
    return [find_quantity(name).format_stored(number) for name, number in objectives.items()]
