"""A study's events, made up: what a listener hears."""

from __future__ import annotations

from blockspace.records import (
    Event,
    SearchOpened,
    StudyStarted,
    TrainingProgressed,
    TrainingStarted,
    TrialDuplicated,
    TrialFinished,
    TrialProposed,
    TrialRecord,
    TrialRefused,
    TrialState,
)

OBJECTIVES = {"val_acc": "maximize", "latency": "minimize"}
LONG = "hs-ba16-s4-r1.2.2-with-a-very-long-label-that-does-not-fit"


def trained(number: int, family: str, accuracy: float, latency: float, label: str = "", **rest) -> TrialRecord:
    values = {"val_acc": accuracy, "latency": latency}
    facts = {"families": {"block": family}, "values": values, **rest}
    return TrialRecord(number, TrialState.TRAINED, label or f"{family}-{number}", f"v1:{number}", **facts)


def asked(notes=()) -> StudyStarted:
    budgets = ("macs 4.29M to 4.47M", "latency at most 1.3x")
    return StudyStarted("tiny", 6, OBJECTIVES, "block", budgets, tuple(notes))


def opened(records=()) -> SearchOpened:
    return SearchOpened(sum(record.state.is_trained for record in records), len(records), 0, tuple(records))


def started(number: int, label: str = "net", folder: str = "/nowhere") -> TrainingStarted:
    return TrainingStarted(number, label, folder)


beat, finished = TrainingProgressed, TrialFinished


def search_half_done() -> list[Event]:
    """Three trained of six, one of each other state, two running."""
    states = ("diverged", "timeout", "hung", "oom", "failed")
    bad = [TrialRecord(4 + place, TrialState(state), f"net-{state}", reason=f"why {state}") for place, state in enumerate(states)]
    good = [trained(0, "hs", 0.91, 0.9), trained(1, "hs", 0.93, 1.1, LONG), trained(2, "resnext", 0.92, 1.2)]
    copy = TrialRecord(9, TrialState.DUPLICATE, duplicate_of=0, values={"val_acc": 0.91, "latency": 0.9})
    refused = TrialRecord(10, TrialState.OVER_BUDGET, violations={"macs": 0.03})
    events = [asked(), opened(), started(0), started(1, LONG)]
    events += [finished(row, count) for count, row in enumerate(good, 1)]
    events += [finished(row, 3) for row in bad]
    events += [TrialDuplicated(copy)]
    events += [TrialRefused(refused)]
    events += [TrialProposed(11), TrialProposed(12), started(11, "[bold]odd"), started(12, LONG)]
    return [*events, beat(11, steps=40, epoch=3, epochs=8, loss=0.4123, metric=0.8812)]
