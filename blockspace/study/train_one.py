"""train: one network trained by itself, from the data to the score on the test split. The same call resumes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blockspace.data import Preflight, preflight
from blockspace.errors import FailureError, error
from blockspace.executors import Result, adopt_result
from blockspace.files import as_storage_error, write_atomic
from blockspace.formatting import count_noun
from blockspace.inputs import ANYTHING, CALLABLE, NAMES, PATH, SEED, TEXTS, VALUE, check_arguments, optional
from blockspace.records import EpochEnded, EventLog, Listener, NetworkTrainingStarted, RunDir, TrainingFound, TrialState, Warned
from blockspace.searching import StudyLock, diff_configs, handle_stop_signals
from blockspace.study.environment import note_environment
from blockspace.study.keywords import RecipeKeywords
from blockspace.study.local_paths import hide_local_paths, write_local_paths
from blockspace.study.model_card import describe_network, model_card
from blockspace.study.retrain import find_damage
from blockspace.study.run_search import check_same_data, is_same_data
from blockspace.study.test_use import note_test_use
from blockspace.study.train_config import TrainConfig, resolve_training
from blockspace.study.training_facts import read_facts
from blockspace.study.worker_jobs import describe_environment, save_scores, save_weights

if TYPE_CHECKING:
    from blockspace.training import EpochResult


@dataclass(frozen=True)
class Trained:
    """A finished training: its folder, its result (`metrics` has val_acc, val_loss, test_acc, test_loss), and where it was exported to."""

    folder: Path
    result: Result
    images: int  # in the test split
    exported: Path | None = None

    def text(self) -> str:
        """Return the result in one line."""
        found = self.result.metrics
        test = f"test accuracy {100 * found['test_acc']:.2f} %, log-loss {found['test_loss']:.4f} nats"
        return f"{test} ({count_noun(self.images, 'image')}, scored once); val accuracy {100 * found['val_acc']:.2f} %"

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        exported = str(self.exported) if self.exported else None
        found = {"folder": str(self.folder), "seed": self.result.seed, "key": self.result.key, "seconds": self.result.seconds}
        return found | {"metrics": self.result.metrics, "images": self.images, "exported": exported}


@check_arguments(
    target=PATH, overrides=TEXTS, recipe=optional(PATH), to=NAMES, on_event=optional(CALLABLE), stop=optional(CALLABLE), seed=SEED,
    **{name: ANYTHING for name in ("data", "train", "out", "weights")}, others=VALUE,
)  # fmt: skip
def train(
    target: str | PathLike[str],
    /,
    overrides: Sequence[str] = (),
    recipe: str | PathLike[str] | None = None,
    to: Sequence[str] = (),
    on_event: Listener | None = None,
    stop: Callable[[], bool] | None = None,
    *,
    data: str | PathLike[str] | Mapping[str, object] | None = None,
    train: RecipeKeywords | None = None,
    seed: int = 0,
    out: str | PathLike[str] | None = None,
    weights: str | PathLike[str] | None = None,
    **params: str | int | float | bool,
) -> Trained:
    """Train a network on the train split, watch it on val, and score it once on test. The same call resumes.

    `target` is a library network, a YAML file, an exported folder, or `RUN#17`. The settings are

    - `data`: a data set's name, a folder of images, or a mapping as in studies; unset: the data a found network was trained on, or digits,
    - `train`: the keys of the recipe that differ from `recipe`, a YAML file, or from the defaults: `train={"epochs": 3}`,
    - `seed`, `out` (the run directory), `stall_s` (the longest time between two batches, half an hour),
    - `weights`: where to start: a checkpoint of ours, of torchvision's or of timm's, a folder with one, or `torchvision` or `timm`; a last
      layer with another number of outputs starts anew,
    - and the network's own params: `n=3`.

    `overrides` are the same as `key.path=value` texts (`train.epochs=3`), which win over the settings. `to` exports the trained network in
    these formats to `export/` of the run directory, which also holds arch.yaml, model.py, weights.safetensors, result.json, metrics.csv and
    log.txt. `on_event` hears of the progress; the training ends with its epoch once `stop` returns True.

    Raises BlockspaceError, FailureError (the loss was not finite, or no batch came for `stall_s`), ExportError, and Interrupted when a
    signal stops it.
    """
    options = {"data": data, "train": train, "seed": seed, "out": out, "weights": weights}
    given = {key: value for key, value in options.items() if value is not None}
    config = resolve_training(target, overrides, recipe, {**given, **params})
    RunDir(config.folder).check_owner(is_study=False)
    if to:
        from blockspace.exporting import check_formats

        check_formats(to)
    look = preflight(config.data, config.folder)
    with as_storage_error(config.folder), StudyLock(config.folder):
        check_same_training(config, is_same_data(config.folder, look, config.data))
        check_same_data(config.folder, look, config.data)
        emit = EventLog(RunDir(config.folder), on_event)
        done = find_finished(config, emit)
        if done is None:
            module, notes = build_start_module(config)
            write_training_files(config, look)
            note_environment(RunDir(config.folder))
            emit(NetworkTrainingStarted(config.options.train.epochs, (*config.notes, *look.notes(), *notes)))
            done = fit_and_score(config, module, look, emit, stop)
        else:
            emit(TrainingFound(str(config.folder)))
        images = look.counts["test"]
        exported = export_trained(config, to) if to else None
        return Trained(config.folder, done, images, exported)


@check_arguments(target=PATH, overrides=TEXTS)
def evaluate(target: str | PathLike[str], overrides: Sequence[str] = (), **settings: object) -> dict[str, Any]:
    """Score given weights - `weights=PATH`, or those a found network brings - on the test split; nothing is trained or written.

    Returns test_acc, test_loss (nats) and images. Raises BlockspaceError.
    """
    from blockspace.data import load
    from blockspace.study.export_network import load_module
    from blockspace.training import score

    asked = resolve_training(target, overrides, keywords=settings)
    weights = asked.start or asked.own
    if weights is None:
        raise error("E-FILE", f"{target} has no weights", help="weights=PATH, or a trained network: RUN#NUMBER or an exported folder")
    scores = score(load_module(asked.network, asked.graph, weights), load(asked.data).final_split()[1])
    return scores.means("test") | {"images": len(scores), "weights": str(weights)}


def find_finished(asked: TrainConfig, emit: Listener) -> Result | None:
    """Return the result of this very training where it is finished and its files are whole; `emit` is told of files that are not."""
    done = adopt_result(asked.folder, asked.graph.key(), asked.options.seed, lambda text: emit(Warned(text)))
    damage = find_damage(RunDir(asked.folder).training) if done is not None else ""
    if damage:
        emit(Warned(f"{damage}; the training is repeated"))
    return None if damage else done


def check_same_training(asked: TrainConfig, is_data_same: bool = False) -> None:
    """Check that the folder is new, or of this same training. Raises BlockspaceError (E-CHANGED).

    Where the data has the same content, it does not matter how it is named.
    """
    import yaml

    path = RunDir(asked.folder).training_yaml
    if not path.is_file():
        return
    kept, now = hide_local_paths(yaml.safe_load(path.read_text(encoding="utf-8"))), json.loads(json.dumps(asked.record()))
    changes = diff_configs(kept, now, ignored=("data",) if is_data_same else ())
    if changes:
        message = f"{asked.folder} contains another training: {', '.join(changes[:3])}{', ...' if len(changes) > 3 else ''}"
        raise error("E-CHANGED", message, help="choose another folder with out=FOLDER")


def write_training_files(asked: TrainConfig, look: Any) -> None:
    """Write the files of the folder that exist before the training starts."""
    import yaml

    write_local_paths(RunDir(asked.folder), {"data": asked.data.as_dict()}, asked.record())
    write_atomic(RunDir(asked.folder).training_yaml, yaml.safe_dump(json.loads(json.dumps(asked.record())), sort_keys=False))
    write_atomic(RunDir(asked.folder).training.arch, asked.arch)
    look.write(asked.folder)
    write_source(asked)


def write_source(asked: TrainConfig) -> None:
    """Write the network as Python code, with what is known of its training so far."""
    from blockspace.compiler import to_source

    facts = describe_network(asked.graph, read_facts(asked.folder))
    write_atomic(RunDir(asked.folder).model_py, to_source(asked.graph, facts.document(asked.network.doc or asked.network.name)))


def build_start_module(asked: TrainConfig) -> tuple[Any, list[str]]:
    """Return the module before its first step, and what is to be said of its weights. Raises BlockspaceError (E-FILE, E-WEIGHTS)."""
    from blockspace.compiler import compile, find_weights, load_state

    module = compile(asked.graph, seed=asked.options.seed, init=asked.options.train.init or "default")
    if asked.start is None:
        return module, []
    found = find_weights(asked.network, asked.start)
    note = load_state(module, asked.graph, found.onto(asked.graph), found.origin)
    return module, [note] if note else []


def fit_and_score(asked: TrainConfig, module: Any, look: Preflight, emit: Listener, stop: Callable[[], bool] | None) -> Result:
    """Train, score, and write the result last.

    Raises Interrupted, and FailureError (E-FAILED) when the loss is not finite or no batch comes for `stall_s`.
    """
    from blockspace.data import load
    from blockspace.training import Diverged, FitCallbacks, fit, score

    options, folder, data = asked.options, asked.folder, load(asked.data)
    place, stall = RunDir(folder).training, asked.stall_limit
    train_split, val_split = data.search_split()
    with handle_stop_signals(stop) as request:

        def note_step() -> None:
            request.expect_step(stall)

        note_step()
        try:
            fitted = fit(
                module, train_split, val_split, options.train, options.seed, folder,
                callbacks=FitCallbacks(
                    lambda: bool(request), lambda epoch: emit(make_epoch_event(epoch, options.train.epochs)), note_step if stall else None
                ),
            )  # fmt: skip
        except KeyboardInterrupt:
            raise request.interrupted() from None
        except Diverged as reason:
            for path in (place.checkpoint, RunDir(folder).training_yaml):  # not worth keeping, and another recipe may use the folder
                path.unlink(missing_ok=True)
            help = "a smaller learning rate usually helps: train.optimizer={sgd: {lr: 0.01}}"
            raise error("E-FAILED", f"{asked.network.name}: {reason}", help=help, cls=FailureError) from None
        if fitted.stopped:
            raise request.interrupted()
        # a signal that comes from here on ends the command once the training is kept
        note_test_use(RunDir(folder), look)
        scores = score(module, data.final_split()[1], on_batch=note_step)
        request.expect_step(0)
        metrics = dict(sorted(fitted.metrics.items())) | scores.means("test")
        result = Result(TrialState.TRAINED, metrics, fitted.seconds, options.seed, asked.graph.key(), versions=describe_environment())
        save_weights(module, place.weights)
        save_scores(scores, train_split, place.scores)
        result.write(folder)
        write_source(asked)
        place.checkpoint.unlink(missing_ok=True)
    return result


def make_epoch_event(epoch: EpochResult, epochs: int) -> EpochEnded:
    """Return the event of an epoch, counted from 1."""
    metrics = dict(sorted(epoch.metrics.items()))
    return EpochEnded(epoch.epoch + 1, epochs, epoch.train_loss, metrics, epoch.lr, epoch.seconds)


def export_trained(asked: TrainConfig, formats: Sequence[str]) -> Path:
    """Export the trained network as a folder that runs without blockspace, each file checked; an earlier one is replaced."""
    from blockspace.exporting import export_folder as write
    from blockspace.study.export_network import load_module

    run = RunDir(asked.folder)
    module, facts = load_module(asked.network, asked.graph, run.training.weights), describe_network(asked.graph, read_facts(run))
    about = model_card(asked.network.name, asked.network.doc, facts)
    write(asked.graph, module, run.export, asked.arch, about, list(formats), force=run.export.is_dir(), facts=facts)
    return run.export
