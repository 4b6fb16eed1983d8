"""A task is one object: a regression by mean squared error is trained end to end, and no file of the package knows it."""

import csv

import numpy
import pytest
import torch
from nets import small
from torch import nn

from blockspace.data import Split
from blockspace.errors import BlockspaceError, error
from blockspace.quantities import QUANTITIES, Quantity, find_quantity
from blockspace.training import TASKS, Checkpointing, FitCallbacks, fit, predict, read_recipe, register_task, score

RECIPE = {"epochs": 12, "batch": 16, "accelerator": "cpu", "optimizer": {"sgd": {"lr": 0.02}}}


class Regression:
    """One number per image."""

    name = "regress"
    metrics = (Quantity("rmse", "root mean squared error", "px", decimals=3), Quantity("within", "within 1 px", "%", "maximize", 100, 1))
    sums = ("squared", "within")
    main_metric = "rmse"

    def check_outputs(self, outputs, split):
        if outputs.shape[1:] != (1,):
            raise error("E-LABEL", "a regression has one output")

    def loss(self, outputs, targets, recipe):
        return nn.functional.mse_loss(self.predict(outputs), targets)

    def predict(self, outputs):
        return outputs[:, 0]

    def measure(self, outputs, targets):
        errors = self.predict(outputs) - targets
        return {"squared": float((errors**2).sum()), "within": int((errors.abs() < 1).sum())}

    def summarize(self, sums, images):
        return {"rmse": (sums["squared"] / images) ** 0.5, "within": sums["within"] / images}

    def score(self, outputs, targets):
        errors = (self.predict(outputs) - targets).abs().numpy()
        return {"rmse": errors, "within": errors < 1}


@pytest.fixture
def task():
    tasks, quantities = dict(TASKS), dict(QUANTITIES)
    register_task(found := Regression())
    yield found
    for registry, before in ((TASKS, tasks), (QUANTITIES, quantities)):
        registry.clear()
        registry.update(before)


def columns(count: int, seed: int) -> Split:
    """Noisy images with one bright column, whose number is the target."""
    random = numpy.random.default_rng(seed)
    images, targets = random.random((count, 1, 16, 16), numpy.float32) / 10, random.integers(0, 16, count)
    images[numpy.arange(count), 0, :, targets] = 1
    return Split(torch.from_numpy(images), torch.tensor(targets, dtype=torch.float32), 0)


def net() -> nn.Module:
    generator = torch.Generator().manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(256, 1))
    nn.init.normal_(net[1].weight, 0, 0.01, generator=generator)
    nn.init.zeros_(net[1].bias)
    return net


def test_a_regression_is_trained_from_registration_to_scores(task, tmp_path):
    train, val = columns(256, 0), columns(64, 1)
    module, seen = net(), []
    callbacks = FitCallbacks(on_epoch=seen.append)
    fitted = fit(module, train, val, read_recipe(RECIPE), 0, tmp_path, task=TASKS["regress"], callbacks=callbacks)
    assert fitted.metrics["val_rmse"] < 1 < seen[0].metrics["val_rmse"] and fitted.metrics["val_within"] > 0.6
    assert [set(epoch.metrics) for epoch in seen] == [{"val_rmse", "val_within"}] * 12

    rows = list(csv.DictReader((tmp_path / "metrics.csv").open()))
    assert list(rows[0]) == ["epoch", "train_loss", "val_rmse", "val_within", "lr", "seconds"]
    assert float(rows[-1]["val_rmse"]) == fitted.metrics["val_rmse"]

    errors = predict(module, val)[:, 0] - val.labels
    assert fitted.metrics["val_rmse"] == pytest.approx(float((errors**2).mean() ** 0.5), rel=1e-4)
    scores = score(module, val, task=task)
    assert len(scores) == 64 and scores.means("test")["test_within"] == fitted.metrics["val_within"]
    assert find_quantity("val_rmse").format_with_unit(0.5) == "0.500 px" and find_quantity("test_within").direction == "maximize"


def test_a_regression_resumes_and_is_not_taken_for_a_classification(task, tmp_path):
    train, recipe = columns(64, 0), read_recipe(RECIPE | {"epochs": 4})
    every_epoch = Checkpointing(every_s=0)
    fit(net(), train, train, recipe, 0, tmp_path, task=task, checkpointing=every_epoch)
    resumed = fit(net(), train, train, recipe, 0, tmp_path, task=task)
    assert resumed.resumed == 3 and [epoch.epoch for epoch in resumed.history] == [0, 1, 2, 3]
    assert all(epoch.metrics["val_rmse"] > 0 for epoch in resumed.history)

    labelled = Split(torch.rand(32, 1, 16, 16), torch.arange(32) % 10, 10)
    fit(small(), labelled, None, recipe, 0, tmp_path / "labels", checkpointing=every_epoch)
    assert fit(small(), labelled, None, recipe, 0, tmp_path / "labels").resumed == 3


def test_a_task_checks_its_outputs(task):
    with pytest.raises(BlockspaceError, match="one output"):
        fit(small(), columns(32, 0), None, read_recipe(RECIPE), 0, task=task)


def test_a_name_has_one_task(task):
    register_task(task)
    with pytest.raises(TypeError, match="'regress' is registered twice"):
        register_task(Regression())
