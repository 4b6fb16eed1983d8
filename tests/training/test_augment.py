"""Augmentations by name: torchvision's, image by image, a function of seed and epoch; whoever loads the images."""

import subprocess
import sys

import pytest
import torch
from torchvision.transforms import v2

from blockspace.data import Split
from blockspace.errors import BlockspaceError
from blockspace.training import Batches, read_recipe
from blockspace.training.batches.augmentation import find_transform, read_signatures
from blockspace.training.batches.transforms import BatchTransforms

COLOUR = torch.randint(0, 256, (6, 3, 16, 16), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
NEEDED = {
    "jpeg": {"quality": 50}, "random_posterize": {"bits": 4}, "random_solarize": {"threshold": 128}, "random_rotation": {"degrees": 20},
    "random_adjust_sharpness": {"sharpness_factor": 2}, "random_affine": {"degrees": 10}, "gaussian_blur": {"kernel_size": 3},
    "random_resized_crop": {"size": 16}, "random_crop": {"size": 16, "padding": 2}, "center_crop": {"size": 16},
    "auto_augment": {"policy": "cifar10", "interpolation": "bilinear"}, "resize": {"size": [16, 16]},
    "elastic_transform": {"sigma": 1.0},
}  # fmt: skip
CHANGE_SHAPE = {"pad", "random_resize", "random_shortest_size", "scale_jitter", "grayscale", "random_zoom_out"}


def changes(*entries):
    return BatchTransforms(read_recipe({"augment": list(entries)}).augment)


@pytest.mark.parametrize("name", sorted(set(read_signatures()) - CHANGE_SHAPE))
def test_every_transform_is_torchvisions_image_by_image(name):
    settings = NEEDED.get(name, {})
    ours = changes({name: settings})
    drawn = ours.draw(6, torch.Generator().manual_seed(4))
    ours.check(COLOUR[0])
    found = ours.apply(COLOUR, drawn)
    words = {"interpolation": v2.InterpolationMode, "policy": v2.AutoAugmentPolicy}
    theirs = getattr(v2, read_signatures()[name].cls)(**{key: words[key](v) if key in words else v for key, v in settings.items()})
    with torch.random.fork_rng([]):
        for image, seed, got in zip(COLOUR, drawn[0].tolist(), found):
            torch.manual_seed(seed)
            assert torch.equal(theirs(image), got)


def test_the_list_is_torchvisions_own():
    import inspect

    for name, signature in read_signatures().items():
        parameters = inspect.signature(getattr(v2, signature.cls)).parameters
        assert tuple(parameters) == signature.parameters, name
        assert sum(p.default is p.empty for p in parameters.values()) == signature.required, name


@pytest.mark.parametrize(
    ("written", "name"),
    [("randaugment", "rand_augment"), ("random_erasing", "random_erasing"), ("rotation", "random_rotation"), ("erasing", "random_erasing")],
)
def test_names_may_be_written_as_they_are_said(written, name):
    assert find_transform(written).name == name


def test_one_value_is_the_first_setting():
    recipe = read_recipe({"augment": [{"rotation": 10}, "horizontal_flip"]})
    assert recipe.as_dict()["augment"] == [{"random_rotation": {"degrees": 10}}, {"random_horizontal_flip": {}}]
    assert read_recipe(recipe.as_dict()) == recipe


@pytest.mark.parametrize(
    ("entry", "message", "help"),
    [
        ("rand_augmnt", "train.augment.0: unknown 'rand_augmnt'", "did you mean 'rand_augment'"),
        ({"rand_augment": {"magnitud": 7}}, "train.augment.0: rand_augment: unknown key 'magnitud'", "did you mean 'magnitude'"),
        ("random_rotation", "train.augment.0: random_rotation: missing degrees", "write {random_rotation: {degrees: ...}}"),
        ("mixup", "train.augment.0: unknown 'mixup'", "write mixup: {alpha: ...} beside augment"),
        ({"rgb": 3}, "train.augment.0: rgb takes no settings, got 3", None),
        ({"crop": {"pading": 3}}, "train.augment.0.crop: unknown key 'pading'", "did you mean 'padding'?"),
    ],
)
def test_mistakes_in_names_are_found_without_torchvision(entry, message, help):
    with pytest.raises(BlockspaceError) as caught:
        read_recipe({"augment": [entry]})
    (mistake,) = caught.value.mistakes
    assert mistake.code == "E-KEY" and mistake.message.startswith(message) and (help is None or help in mistake.help)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"random_erasing": {"p": 2}}, "train.augment: random_erasing: "),
        ({"auto_augment": {"policy": "cifar11"}}, "train.augment: auto_augment: 'cifar11' is not a valid AutoAugmentPolicy"),
        ({"pad": 2}, r"train.augment: pad makes \(3, 20, 20\) torch.uint8 of \(3, 16, 16\) torch.uint8"),
    ],
)
def test_mistakes_in_values_are_found_before_the_first_step(entry, message):
    split = Split(COLOUR, torch.arange(6), 6)
    with pytest.raises(BlockspaceError, match=message) as caught:
        Batches(split, read_recipe({"augment": [entry]}), 0)
    assert caught.value.mistakes[0].code == "E-TYPE"


def test_reading_a_recipe_imports_neither_torch_nor_torchvision():
    code = "import sys; from blockspace.training import read_recipe; read_recipe({'augment': ['randaugment']}); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "torchvision"} & set(loaded)


def test_epochs_differ_and_repeat_and_devices_share_what_was_drawn():
    split = Split(COLOUR, torch.arange(6), 6)
    recipe = read_recipe({"batch": 4, "augment": ["crop", "flip", {"rotation": 30}]})
    first, again = Batches(split, recipe, 7), Batches(split, recipe, 7)
    whole = list(first)
    assert all(torch.equal(a, b) for (a, _), (b, _) in zip(whole, again))
    again.epoch = 1
    assert not torch.equal(next(iter(again))[0], whole[0][0])
    again.epoch = 0
    for rank in (0, 1):
        again.share = (rank, 2)
        assert all(torch.equal(a[rank::2], b) for (a, _), (b, _) in zip(whole, again))
