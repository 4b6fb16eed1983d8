"""Repeat a training of a run directory in a scratch folder, and compare its weights, metrics and scores bit by bit."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from blockspace.executors import Evaluate, Executor, Job, Result, read_result, submit_and_wait
from blockspace.files import RESULT
from blockspace.records import RunDir, RunEnvironment, TrainingDir, read_environments
from blockspace.study.environment import name_cpu
from blockspace.study.worker_jobs import describe_machine, read_scores, without_host

PACKAGES = ("blockspace", "torch", "lightning")  # by which a training may change; results name their versions
ALSO = ("numpy", "torchvision", "scikit-learn", "pillow", "timm")  # the same of what environment.json names: data and augmentation


@dataclass(frozen=True)
class RepeatedTraining:
    """A training and its repetition: `differences` are lines, empty where all is bit-equal.

    `obstacle` says why they cannot be compared here, `compared` what was.
    """

    name: str
    compared: str = ""
    differences: tuple[str, ...] = ()
    obstacle: str = ""

    def sentence(self) -> str:
        """Return what came out, as a line."""
        if self.obstacle:
            return f"{self.name}: not comparable here: {self.obstacle}"
        if self.differences:
            return f"{self.name}: differs: {'; '.join(self.differences)}"
        return f"{self.name}: bit-equal: {self.compared}"


def repeat_training(run: RunDir, name: str, job: Job, evaluate: Evaluate, executor: Executor) -> RepeatedTraining:
    """Train a job of the run directory again, in a folder that is removed, and return how it compares; the run directory is only read.

    Nothing is trained where it could not be compared. Raises StorageError.
    """
    stored = TrainingDir(Path(job.folder))
    result = read_result(stored.path)
    obstacle = find_obstacle(run, result, job)
    if obstacle or result is None:
        return RepeatedTraining(name, obstacle=obstacle)
    with TemporaryDirectory() as folder:
        place = TrainingDir(Path(folder) / "training")
        place.path.mkdir()
        again = submit_and_wait(executor, evaluate, replace(job, folder=str(place)))
        if again is None:
            return RepeatedTraining(name, obstacle="the training was stopped")
        return compare_trainings(name, stored, result, place, again)


def find_obstacle(run: RunDir, result: Result | None, job: Job) -> str:
    """Return why a training cannot be compared with its repetition on this machine; empty where it can."""
    if result is None:
        return f"it has no {RESULT}"
    if result.origin:
        return f"it was taken over from {result.origin}"
    if (result.key, result.seed) != (job.key, job.seed):
        return f"its {RESULT} is of network {result.key} with seed {result.seed}, the study now makes {job.key} with {job.seed}"
    recorded, here = describe_recorded(result, read_environments(run)), describe_here()
    other = [name for name, text in recorded.items() if here.get(name, text) != text]
    if not other:
        return ""
    before, now = (", ".join(f"{name} {found[name]}" for name in other) for found in (recorded, here))
    return f"recorded {before}; here {now}"


def describe_recorded(result: Result, environments: Sequence[RunEnvironment]) -> dict[str, str]:
    """Return what a result says of the software and hardware that made it; CPU and further packages where all starts had the same."""
    versions = without_host(result.versions)
    found = {name: versions[name] for name in ("python", *PACKAGES, "device") if name in versions}
    if "machine" in versions:
        found["system"] = versions["machine"].partition(",")[0]
    cpus = {one.cpu for one in environments}
    if len(cpus) == 1:
        found["CPU"] = cpus.pop()
    for name in ALSO:
        known = {one.packages.get(name, "") for one in environments}
        if len(known) == 1 and (text := known.pop()):
            found[name] = text
    return found


def describe_here() -> dict[str, str]:
    """Return the same of this machine: a worker trains with one thread, or on the GPU."""
    import torch

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu, 1 thread"
    found = {"python": platform.python_version(), "device": device, "system": describe_machine().partition(",")[0], "CPU": name_cpu()}
    return found | {name: find_version(name) for name in (*PACKAGES, *ALSO)}


def find_version(package: str) -> str:
    """Return an installed package's version, or `none`."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


def compare_trainings(name: str, stored: TrainingDir, result: Result, place: TrainingDir, again: Result) -> RepeatedTraining:
    """Return how a repeated training compares with the stored one."""
    if again.state is not result.state:
        return RepeatedTraining(name, differences=(f"it is {again.state.label} here ({again.reason}), stored {result.state.label}",))
    differences = [*compare_numbers(again.metrics, result.metrics)]
    compared = [f"{key} {value:.6g}" for key, value in sorted(result.metrics.items())]
    if stored.weights.is_file() and place.weights.is_file():
        found, tensors = compare_weights(place.weights, stored.weights)
        differences += found
        compared.insert(0, f"{tensors} tensors")
    else:
        compared.insert(0, "no weights are kept")
    if stored.scores.is_file():
        differences += compare_scores(place.scores, stored.scores)
    return RepeatedTraining(name, ", ".join(compared), tuple(differences))


def compare_numbers(ours: Mapping[str, float], theirs: Mapping[str, float]) -> list[str]:
    """Return a line for each number that differs; NaN is NaN."""
    names = dict.fromkeys([*theirs, *ours])
    return [
        f"{name} {ours.get(name, 'absent')} here, {theirs.get(name, 'absent')} stored"
        for name in names
        if repr(ours.get(name)) != repr(theirs.get(name))
    ]


def compare_weights(ours: Path, theirs: Path) -> tuple[list[str], int]:
    """Return a line for each tensor that differs (three at most, then how many more), and how many tensors there are."""
    from safetensors.torch import load_file

    here, there = load_file(str(ours)), load_file(str(theirs))
    lines = [line for name in dict.fromkeys([*there, *here]) if (line := compare_tensors(name, here.get(name), there.get(name)))]
    more = [f"{len(lines) - 3} more tensors"] if len(lines) > 3 else []
    return [*lines[:3], *more], len(there)


def compare_tensors(name: str, ours: Any, theirs: Any) -> str:
    """Return in what two torch tensors differ, bit by bit; empty where they do not."""
    import torch

    if ours is None or theirs is None:
        return f"{name} is {'absent' if ours is None else 'new'} here"
    if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
        return f"{name} is {tuple(ours.shape)} {ours.dtype} here, {tuple(theirs.shape)} {theirs.dtype} stored"
    if torch.equal(ours.reshape(-1).view(torch.uint8), theirs.reshape(-1).view(torch.uint8)):
        return ""
    return f"{name} by up to {(ours.double() - theirs.double()).abs().max().item():.3g}"


def compare_scores(ours: Path, theirs: Path) -> list[str]:
    """Return a line for each array of scores on the test split that differs."""
    here, there = read_scores(ours), read_scores(theirs)
    return [
        f"{name} in {theirs.name}"
        for name in dict.fromkeys([*there, *here])
        if name not in here or name not in there or here[name].tobytes() != there[name].tobytes()
    ]
