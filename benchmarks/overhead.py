"""What a search spends beside training: driver, storage, process start, expansion and costs, measuring latency.

    python benchmarks/overhead.py [study] [key=value ...]

Runs the study in a temporary folder and compares the time its workers had (wall time of a stage x workers) with the time they spent
training and evaluating. What is left over is everything around training, idle workers at the end of a stage included.
"""

from __future__ import annotations

import sys
import tempfile
from time import perf_counter

import blockspace as bs
from blockspace.records import Event, FinalistTrained, TrialFinished
from blockspace.study import resolve_study


def main(study: str, overrides: list[str]) -> None:
    started, marks, training = perf_counter(), {}, {"search": 0.0, "finals": 0.0}

    def listen(event: Event) -> None:
        if event.kind in ("opened", "finals", "exporting"):
            marks[event.kind] = perf_counter()
        if isinstance(event, TrialFinished):
            training["search"] += event.record.seconds
        if isinstance(event, FinalistTrained):
            training["finals"] += event.seconds

    workers = resolve_study(study, overrides).options.search.worker_count()
    with tempfile.TemporaryDirectory() as folder:
        bs.search(study, [*overrides, f"out={folder}/run"], on_event=listen)
    ended = perf_counter()
    spans = {"search": (started, marks["finals"]), "finals": (marks["finals"], marks["exporting"])}
    for name, (begin, end) in spans.items():
        wall = end - begin
        around = wall * workers / training[name] - 1
        print(f"{name:7} {wall:6.1f} s wall x {workers} workers, {training[name]:6.1f} s training: {around:+.1%} around it")
    start, export = marks["opened"] - started, ended - marks["exporting"]
    print(f"{'start':7} {start:6.1f} s (in search)   export {export:.1f} s   together {ended - started:.1f} s")
    wall = (marks["exporting"] - started) * workers
    print(f"everything around training adds {wall / sum(training.values()) - 1:.1%} to it")


if __name__ == "__main__":
    arguments = sys.argv[1:]
    file = arguments.pop(0) if arguments and "=" not in arguments[0] else "studies/hs_vs_resnext.yaml"
    main(file, arguments)
