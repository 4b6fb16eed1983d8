"""The jobs of worker processes: train a candidate, train and score a finalist, measure a latency. Each writes its result file last."""

from __future__ import annotations

import csv
import io
import os
import platform
import signal
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from blockspace.data import read_spec
from blockspace.errors import Mistake, StorageError
from blockspace.executors import Job, JobStopped, ProgressReporter, Result
from blockspace.files import RESULT, write_atomic
from blockspace.formatting import count_noun
from blockspace.records import TrainingDir, TrialState
from blockspace.searching import count_available_cores, derive_repeat_seed

if TYPE_CHECKING:
    from torch import nn

    from blockspace.data import Split
    from blockspace.searching import SearchOptions
    from blockspace.study.study_file import StudyFile
    from blockspace.training import EpochResult, Scores

PRELOAD = ("torch", "lightning", "blockspace.compiler", "blockspace.training.fitting", "sklearn.datasets")
SCORE_NAMES = {"acc": "correct", "loss": "log_loss"}  # the arrays of classification have names of their own in scores.npz


def train_trial(task: Job) -> Result:
    """Train one candidate on the search's split; `val_acc` and `val_loss` of the last epoch are its metrics."""
    from blockspace.data import load

    data = load(task.options["data"], find_resplit(task.options))
    result, module = compile_and_fit(task, *data.search_split())
    if result.trained:
        save_weights(module, TrainingDir(Path(task.folder)).weights)
    result.write(task.folder)
    return result


def find_resplit(options: Mapping[str, Any]) -> int | None:
    """Return the seed by which the search of a job cuts its validation images; None for the first, which has the data's own split."""
    repeat = options.get("repeat", 0)
    return derive_repeat_seed(read_spec(options["data"]).seed, repeat) if repeat else None


def train_finalist(task: Job) -> Result:
    """Train one finalist on train + validation and score it on the test split, once; weights and scores stay beside the result."""
    from blockspace.data import load
    from blockspace.training import score

    final, test = load(task.options["data"]).final_split()
    result, module = compile_and_fit(task, final, None)
    if result.trained:
        scores = score(module, test, on_batch=task.reporter.step)
        result = Result(TrialState.TRAINED, scores.means("test"), result.seconds, task.seed, task.key, versions=result.versions)
        save_weights(module, TrainingDir(Path(task.folder)).weights)
        save_scores(scores, final, TrainingDir(Path(task.folder)).scores)
    result.write(task.folder)
    return result


def measure_latency(task: Job) -> Result:
    """Measure the candidate's latency as a ratio to the baseline's, paired call by call."""
    from blockspace.runtimes import measure_graphs

    start = perf_counter()
    found = measure_graphs(task.arch["graph"], task.options["baseline"], **task.options["latency"])
    metrics = {"latency": found.ratio, "latency_iqr": found.iqr, "latency_ms": found.candidate_ms, "baseline_ms": found.baseline_ms}
    return Result(TrialState.TRAINED, metrics, perf_counter() - start, task.seed, task.key)


def compile_and_fit(task: Job, training: Split, evaluation: Split | None) -> tuple[Result, nn.Module]:
    """Compile and fit a network; return the result (trained or diverged) and the module. Raises JobStopped after SIGTERM."""
    from blockspace.blocks import check_serialized
    from blockspace.compiler import compile
    from blockspace.graph import Graph
    from blockspace.training import Diverged, FitCallbacks, fit, read_recipe

    recipe = read_recipe(task.options["recipe"])
    graph = Graph.from_dict(task.arch["graph"])
    module = compile(graph, seed=task.seed, init=recipe.init or "default")
    if "arch" in task.arch:
        check_serialized(task.arch["arch"], graph)
        write_atomic(TrainingDir(Path(task.folder)).arch, task.arch["arch"])
    start = perf_counter()
    stop = StopAtEpoch()
    try:
        fitted = fit(
            module, training, evaluation, recipe, task.seed, task.folder,
            callbacks=FitCallbacks(stop, make_epoch_callback(task.reporter, recipe.epochs), task.reporter.step), verbose=True,
        )  # fmt: skip
    except Diverged as reason:
        TrainingDir(Path(task.folder)).checkpoint.unlink(missing_ok=True)  # of finite epochs, which lead where these led
        return Result(TrialState.DIVERGED, {}, perf_counter() - start, task.seed, task.key, str(reason), describe_environment()), module
    if fitted.stopped:
        raise JobStopped
    metrics = dict(sorted(fitted.metrics.items()))
    return Result(TrialState.TRAINED, metrics, fitted.seconds, task.seed, task.key, versions=describe_environment()), module


def make_epoch_callback(reporter: ProgressReporter, epochs: int) -> Callable[[EpochResult], None]:
    """Return the callback that reports each epoch with its loss and the task's main metric."""
    from blockspace.training import DEFAULT_TASK, TASKS

    metric = f"val_{TASKS[DEFAULT_TASK].main_metric}"
    return lambda epoch: reporter.epoch(epoch.epoch + 1, epochs, epoch.train_loss, epoch.metrics.get(metric))


def adapt_watchdog(options: StudyFile) -> SearchOptions:
    """Return the search's options, without the watchdog where Lightning spawns a process per GPU: those cannot reach the reporter."""
    spawns = options.train.accelerator != "cpu" and options.train.devices not in (1, "1")
    return options.search.model_copy(update={"stall_s": None}) if spawns else options.search


def halve_batch(task: Job, result: Result) -> tuple[dict[str, Any], str] | None:
    """Return the changed options and the reason for a second try with half the batch, or None.

    It is for a trial that ran out of memory, where its recipe says `on_oom: half_batch`.
    """
    recipe = task.options["recipe"]
    if result.state is not TrialState.OOM or recipe.get("on_oom") != "half_batch" or recipe["batch"] < 2:
        return None
    batch = recipe["batch"] // 2
    return {"recipe": recipe | {"batch": batch}}, f"trained with batches of {batch}: out of memory with {recipe['batch']}"


class StopAtEpoch:
    """True once SIGTERM came: the training ends with its epoch."""

    def __init__(self) -> None:
        self.asked = False
        signal.signal(signal.SIGTERM, self._note)

    def _note(self, _signum: int, _frame: object) -> None:
        self.asked = True

    def __call__(self) -> bool:
        """Return whether the worker was asked to stop."""
        return self.asked


def describe_environment() -> dict[str, str]:
    """Return the versions, machine and device that a result depends on beside its inputs."""
    names = ("blockspace", "torch", "lightning", "optuna")
    packages = {name: version(name) for name in names}
    return {"python": platform.python_version(), **packages, "machine": describe_machine(), "device": describe_device()}


def describe_machine() -> str:
    """Return the kind of machine: `Linux x86_64, 8 of 16 cores`; its name stays here, since results are passed on."""
    return f"{platform.system()} {platform.machine()}, {count_available_cores()} of {os.cpu_count()} cores"


def without_host(versions: Mapping[str, str]) -> dict[str, str]:
    """Return versions without the machine's name, which results of earlier versions begin with."""
    return {name: text.partition(": ")[2] or text if name == "machine" else str(text) for name, text in versions.items()}


def describe_device() -> str:
    """Return torch's default device: the GPU's name, or the CPU with its number of threads."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    threads = torch.get_num_threads()
    return f"cpu, {count_noun(threads, 'thread')}"


def save_weights(module: nn.Module, path: Path) -> None:
    """Write the module's state to a safetensors file."""
    from safetensors.torch import save

    write_atomic(path, save({key: tensor.contiguous() for key, tensor in module.state_dict().items()}))


def save_scores(scores: Scores, training: Split, path: Path) -> None:
    """Write each metric per test image, and the mean and deviation per channel by which the images were normalised."""
    import numpy

    buffer = io.BytesIO()
    values: dict[str, Any] = {SCORE_NAMES.get(name, name): scores.values[name] for name in sorted(scores.values)}
    numpy.savez_compressed(buffer, **values, mean=training.mean, std=training.std)
    write_atomic(path, buffer.getvalue())


def read_scores(path: Path) -> dict[str, Any]:
    """Return the arrays that `save_scores` wrote: correct, log_loss, mean, std. Raises StorageError (E-STORE) where they cannot be read."""
    import numpy

    try:
        with open(path, "rb") as file, numpy.load(file, allow_pickle=False) as content:
            found = dict(content)
        if not found:
            raise ValueError("it is empty")
        return found
    except Exception as reason:  # torn and foreign files raise a dozen types
        raise damaged_file(path, reason) from reason


def check_weights(path: Path) -> None:
    """Check that a file of weights is whole, by its header. Raises StorageError (E-STORE)."""
    from safetensors import safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            file.keys()
    except Exception as reason:
        raise damaged_file(path, reason) from reason


def damaged_file(path: Path, reason: Exception) -> StorageError:
    """Return the error (E-STORE) of a training's file that cannot be read."""
    text = (reason.strerror if isinstance(reason, OSError) else None) or (str(reason).splitlines() or [type(reason).__name__])[0]
    help = f"delete the {RESULT} beside it and run the same command again: that training is repeated"
    return StorageError(Mistake("E-STORE", f"{path}: damaged or missing ({text})", help=help), path=str(path))


def read_epochs(place: TrainingDir) -> tuple[dict[str, float | None], ...]:
    """Return the rows of a training's table of epochs; empty where there is none."""
    try:
        with open(place.metrics, newline="", encoding="utf-8") as file:
            return tuple({name: float(text) if text else None for name, text in row.items()} for row in csv.DictReader(file))
    except (OSError, ValueError, TypeError):
        return ()
