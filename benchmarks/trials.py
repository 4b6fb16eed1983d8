"""Short trials per minute: the search's workers against Lightning's defaults with a DataLoader, on the same candidates.

    python benchmarks/trials.py [--trials 8] [--epochs 4] [--rounds 3] [--bf16] [study] [key=value ...]

Ours: the workers of `blockspace search`, one process per core with one thread each, forked from a server that has imported torch. Theirs:
one process that trains the candidates one after another with `L.Trainer()` as it comes, a `DataLoader` over single images with its default
collate, and as many threads as there are cores. Both train the study's recipe from the same weights: optimizer, schedule, batch,
augmentation, one evaluation at each epoch's end. The sides alternate; what counts is the wall time from the first candidate handed in to
the last accuracy known. Imports, and loading the data for the first time, are counted for neither side. `--bf16` adds ours in bf16.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import warnings
from pathlib import Path
from statistics import mean, median, stdev
from time import perf_counter

import lightning as L
import torch
from torch.nn.functional import cross_entropy, pad
from torch.utils.data import DataLoader, Dataset

from blockspace.compiler import compile
from blockspace.data import load
from blockspace.executors import Job, LocalExecutor
from blockspace.graph import Graph
from blockspace.searching import derive_training_seed, run_jobs
from blockspace.study import resolve_study
from blockspace.study.worker_jobs import PRELOAD, train_trial


class Images(Dataset):
    """Single images, as a tutorial would write it: normalised, and shifted by up to `padding` pixels."""

    def __init__(self, split, padding: int = 0):
        self.images, self.labels, self.padding = split.normalized(split.images), split.labels, padding

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, place: int):
        image, p = self.images[place], self.padding
        if p:
            y, x = torch.randint(0, 2 * p + 1, (2,)).tolist()
            height, width = image.shape[1:]
            image = pad(image, (p, p, p, p))[:, y : y + height, x : x + width]
        return image, self.labels[place]


class Plain(L.LightningModule):
    """A LightningModule as its documentation has it."""

    def __init__(self, module, recipe, steps: int):
        super().__init__()
        self.module, self.recipe, self.steps = module, recipe, steps

    def training_step(self, batch, _):
        images, labels = batch
        loss = cross_entropy(self.module(images), labels, label_smoothing=self.recipe.label_smoothing)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, _):
        images, labels = batch
        logits = self.module(images)
        self.log("val_loss", cross_entropy(logits, labels))
        self.log("val_acc", (logits.argmax(1) == labels).float().mean())

    def configure_optimizers(self):
        chosen = self.recipe.optimizer
        spared = [p for p in self.module.parameters() if p.ndim <= 1]
        groups = [{"params": [p for p in self.module.parameters() if p.ndim > 1]}, {"params": spared, "weight_decay": 0.0}]
        if chosen.kind == "adamw":
            optimizer = torch.optim.AdamW(groups, chosen.lr, (chosen.beta1, chosen.beta2), weight_decay=chosen.weight_decay)
        else:
            optimizer = torch.optim.SGD(groups, chosen.lr, chosen.momentum, weight_decay=chosen.weight_decay, nesterov=chosen.nesterov)
        per_epoch = self.steps // self.recipe.epochs
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: self.recipe.schedule.factor(step, self.steps, per_epoch))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def theirs(candidates, resolved, data, folder: str) -> list[float]:
    """Accuracies of the candidates, trained one after another."""
    recipe, (train, val) = resolved.options.train, data.search_split()
    padding = next((change.padding for change in recipe.augment if change.kind == "crop"), 0)
    accuracies = []
    for candidate in candidates:
        seed = derive_training_seed(resolved.options.search.seed, candidate.key)
        module = compile(Graph.from_dict(candidate.arch["graph"]), seed=seed, init=recipe.init or "default")
        L.seed_everything(seed, verbose=False)
        batches = DataLoader(Images(train, padding), recipe.batch, shuffle=True, drop_last=True)
        trainer = L.Trainer(max_epochs=recipe.epochs, accelerator="cpu", default_root_dir=folder)
        trainer.fit(Plain(module, recipe, len(batches) * recipe.epochs), batches, DataLoader(Images(val), recipe.batch))
        accuracies.append(float(trainer.callback_metrics["val_acc"]))
    return accuracies


def ours(candidates, resolved, workers, folder: str, **changes) -> list[float]:
    """Accuracies of the candidates, trained by the workers of a search."""
    options = {"data": resolved.study.data.as_dict(), "recipe": resolved.options.train.as_dict() | changes}
    seeds = [derive_training_seed(resolved.options.search.seed, candidate.key) for candidate in candidates]
    places = [Path(folder) / str(number) for number in range(len(candidates))]
    tasks = [Job(str(p), c.arch, seed, c.key, options, n) for n, (p, c, seed) in enumerate(zip(places, candidates, seeds, strict=True))]
    for place in places:
        place.mkdir(parents=True)
    return [result.metrics["val_acc"] for result in run_jobs(tasks, train_trial, workers)]


def drawn(resolved, count: int) -> list:
    """Candidates within the budget, of every family in turn."""
    families, found, seed = resolved.budgeted_space.families(), [], 0
    while len(found) < count:
        candidate = resolved.candidate(resolved.space.random(seed, families[seed % len(families)]))
        if all(violation <= 0 for violation in candidate.violations.values()) and candidate.key not in {c.key for c in found}:
            found.append(candidate)
        seed += 1
    return found


def main(study: str, overrides: list[str], count: int, epochs: int, rounds: int, bf16: bool) -> None:
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    logging.getLogger("lightning.pytorch.utilities.rank_zero").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    resolved = resolve_study(study, [*overrides, f"train.epochs={epochs}"])
    cores = resolved.options.search.worker_count()
    torch.set_num_threads(cores)
    data, candidates = load(resolved.study.data), drawn(resolved, count)
    sides = {"Lightning's defaults, DataLoader": None, "blockspace": {}}
    if bf16:
        sides["blockspace, bf16"] = {"precision": "bf16-mixed"}
    seconds, accuracies = {name: [] for name in sides}, {name: [] for name in sides}
    with LocalExecutor(cores, PRELOAD) as workers, tempfile.TemporaryDirectory() as folder:
        ours(candidates[:cores], resolved, workers, f"{folder}/warm")
        for turn in range(rounds):
            for side, (name, changes) in enumerate(sides.items()):
                place, start = f"{folder}/{turn}-{side}", perf_counter()
                if changes is None:
                    found = theirs(candidates, resolved, data, place)
                else:
                    found = ours(candidates, resolved, workers, place, **changes)
                seconds[name].append(perf_counter() - start)
                accuracies[name] += found
    recipe = resolved.options.train
    print(f"\n{count} candidates of {study}, {epochs} epochs of {len(data.train)} images, batch {recipe.batch}, {cores} cores")
    first = median(seconds[next(iter(sides))])
    for name in sides:
        spent, found = median(seconds[name]), accuracies[name]
        spread = f"{100 * mean(found):.2f} ± {100 * stdev(found) / len(found) ** 0.5 if len(found) > 1 else 0:.2f} %"
        print(f"{name:34} {60 * count / spent:7.1f} trials a minute  {first / spent:5.2f}x   mean accuracy {spread}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("arguments", nargs="*")
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bf16", action="store_true")
    given = parser.parse_args()
    named = [text for text in given.arguments if "=" not in text]
    changed = [text for text in given.arguments if "=" in text]
    main(named[0] if named else "studies/hs_vs_resnext.yaml", changed, given.trials, given.epochs, given.rounds, given.bf16)
