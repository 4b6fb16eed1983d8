"""The `train:` section: what is accepted, what is said of the rest, and the schedules' numbers."""

import pytest

from blockspace.errors import BlockspaceError, Mark, Source
from blockspace.training import read_recipe

STUDY = {
    "epochs": 8,
    "batch": 64,
    "optimizer": {"sgd": {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 5e-4}},
    "schedule": "cosine",
    "augment": ["crop", {"flip": {"p": 0.25}}],
}


def test_a_recipe_is_read_written_and_read_again():
    recipe = read_recipe(STUDY)
    assert recipe.optimizer.lr == 0.1 and recipe.augment[0].padding == 2 and recipe.augment[1].p == 0.25
    written = recipe.as_dict()
    assert written["optimizer"] == STUDY["optimizer"] and written["augment"][1] == {"flip": {"p": 0.25}}
    assert read_recipe(written) == recipe
    assert read_recipe(None) == read_recipe({})


def test_whole_numbers_stand_for_floats_and_names_for_their_defaults():
    assert read_recipe({"optimizer": {"adamw": {"lr": 1}}}).optimizer.lr == 1.0
    assert read_recipe({"optimizer": {"sgd": None}}) == read_recipe({"optimizer": "sgd"})


@pytest.mark.parametrize(
    ("values", "code", "message", "help"),
    [
        ({"epoch": 3}, "E-KEY", "train: unknown key 'epoch'", "did you mean 'epochs'?"),
        ({"optimizer": "sdg"}, "E-KEY", "train.optimizer: unknown 'sdg'", "did you mean 'sgd'? known: adamw, sgd"),
        (
            {"optimizer": {"sgd": {"lrr": 1}}},
            "E-KEY",
            "train.optimizer.sgd: unknown key 'lrr'",
            "known: lr, momentum, nesterov, weight_decay",
        ),
        ({"epochs": "3"}, "E-TYPE", "train.epochs: should be a valid integer, got '3'", None),
        ({"epochs": True}, "E-TYPE", "train.epochs: should be a valid integer, got True", None),
        ({"epochs": 0}, "E-TYPE", "train.epochs: should be greater than or equal to 1, got 0", None),
        ({"optimizer": {"sgd": {"lr": float("nan")}}}, "E-TYPE", "train.optimizer.sgd.lr: should be a finite number", None),
        ({"optimizer": {"sgd": {"momentum": 0}}}, "E-TYPE", "train.optimizer.sgd: nesterov needs a momentum above 0", None),
        ({"schedule": 3}, "E-TYPE", "train.schedule: should be a name or {name: {settings}}, got 3", None),
        ({"augment": ["flop"]}, "E-KEY", "train.augment.0: unknown 'flop'", "did you mean 'flip'? known: "),
        ({"precision": "16"}, "E-TYPE", "train.precision: should be '32-true', 'bf16-mixed' or '16-mixed', got '16'", None),
        ([], "E-TYPE", "train: should be a", None),
    ],
)
def test_mistakes_say_what_and_the_next_step(values, code, message, help):
    with pytest.raises(BlockspaceError) as caught:
        read_recipe(values)
    (mistake,) = caught.value.mistakes
    assert mistake.code == code and mistake.message.startswith(message)
    assert help is None or help in mistake.help


def test_all_mistakes_at_once_each_at_its_place():
    source = Source("study.yaml", "train:\n  epochs: 0\n")
    places = {("epochs",): Mark(source, 2, 3), ("optimizer", "sgd", "lr"): Mark(source, 3, 9)}
    with pytest.raises(BlockspaceError) as caught:
        read_recipe({"epochs": 0, "optimizer": {"sgd": {"lr": -1}}}, places.get)
    assert [str(mistake.mark) for mistake in caught.value.mistakes] == ["study.yaml:2:3", "study.yaml:3:9"]


def rates(schedule, steps=100, per_epoch=10):
    recipe = read_recipe({"schedule": schedule, "optimizer": {"sgd": {"lr": 1}}})
    return [recipe.lr(step, steps, per_epoch) for step in range(steps)]


def test_cosine_falls_from_the_peak_to_its_floor_after_warming_up():
    plain = rates("cosine")
    assert plain[0] == 1 and plain == sorted(plain, reverse=True) and plain[50] == pytest.approx(0.5) and plain[-1] < 0.001
    warm = rates({"cosine": {"warmup": 1, "floor": 0.1}})
    assert warm[:10] == pytest.approx([(step + 1) / 11 for step in range(10)]) and warm[10] == 1 and 0.1 < warm[-1] < 0.102


def test_one_cycle_equals_torchs():
    import torch

    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], 1.0)
    reference = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1.0, total_steps=100, pct_start=0.3, cycle_momentum=False)
    theirs = []
    for _ in range(100):
        theirs.append(reference.get_last_lr()[0])
        optimizer.step()
        reference.step()
    assert rates("one_cycle") == pytest.approx(theirs, abs=0.06)  # theirs peaks one step earlier and ends on its last value
    assert max(rates("one_cycle")) == 1 and rates("one_cycle")[0] == pytest.approx(0.04)


def test_constant_is_constant():
    assert set(rates("constant")) == {1.0}
