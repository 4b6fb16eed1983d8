"""What a study has taken, by its events: a stop, a kill, a refused start and a resume in between."""

from __future__ import annotations

from blockspace.records import ResourcesSpent, StudyFinished, StudyRefused, StudyStarted, TrialState, sum_compute


def started(cpu: float) -> StudyStarted:
    return StudyStarted("tiny", 6, {"val_acc": "maximize"}, cpu=cpu)


KILLED = [
    ("2026-01-01T10:00:00", started(2.0)),
    ("2026-01-01T10:00:30", ResourcesSpent("training", 20.0, driver=3.0)),
    ("2026-01-01T10:01:00", ResourcesSpent("measuring", 1.5, 2.0, 4.0)),
]
REFUSED = [("2026-01-01T11:00:00", started(1.0)), ("2026-01-01T11:00:05", StudyRefused("another's"))]
RESUMED = [
    ("2026-01-01T12:00:00", started(100.0)),
    ("2026-01-01T12:00:20", ResourcesSpent("training", 10.0, driver=101.0)),
    ("2026-01-01T12:00:40", ResourcesSpent("driver", driver=105.0)),
    ("2026-01-01T12:00:40", StudyFinished()),
]
TRIALS = [(TrialState.TRAINED, 9.0), (TrialState.TRAINED, 11.0), (TrialState.DIVERGED, 2.0)]


def test_all_starts_count_but_those_that_were_refused():
    found = sum_compute([*KILLED, *REFUSED, *RESUMED], {"search": TRIALS, "finals": [(TrialState.TRAINED, 30.0)]}, 16)
    assert (found.starts, found.wall, found.epochs) == (2, 60.0 + 40.0, 16)
    assert found.cpu == (20.0 + 1.5 + 2.0) + (10.0 + 5.0)
    assert (found.measured, found.measuring) == (1, 2.0)
    assert [(one.stage, one.state, one.count, one.seconds) for one in found.trainings] == [
        ("search", "trained", 2, 20.0), ("search", "diverged", 1, 2.0), ("finals", "trained", 1, 30.0),
    ]  # fmt: skip
    assert found.lines()["trainings of the search"] == "2 trained in 20 s, 1 diverged in 2 s"


def test_a_run_of_a_version_that_kept_no_cpu_time_says_so():
    found = sum_compute([("2026-01-01T10:00:00", started(0.0)), ("2026-01-01T10:02:00", StudyFinished())], {}, 0)
    assert found.cpu is None and found.wall == 120 and found.lines()["CPU time"] == "not recorded"
    assert sum_compute([], {"search": TRIALS}, 0).starts == 0


def test_a_clock_that_was_set_back_costs_no_more_than_its_start():
    back = [("2026-01-01T10:00:00", started(0.0)), ("2026-01-01T09:00:00", StudyFinished())]
    assert sum_compute([*back, *RESUMED], {}, 0).wall == 40.0
