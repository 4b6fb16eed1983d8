"""Mixed batches are torchvision's, in the shares that were asked for."""

import pytest
import torch
from torchvision.transforms import v2

from blockspace.data import Split
from blockspace.training import Batches, read_recipe
from blockspace.training.batches.transforms import BatchMixing


@pytest.mark.parametrize(("name", "theirs"), [("mixup", v2.MixUp), ("cutmix", v2.CutMix)])
def test_a_mixed_batch_is_torchvisions(name, theirs):
    images, labels = torch.rand(8, 3, 12, 12), torch.arange(8) % 5
    mixing = BatchMixing(read_recipe({name: {"alpha": 0.7}}), classes=5)
    way, seed = mixing.draw(torch.Generator().manual_seed(1))
    ours = mixing.apply(images, labels, (way, seed))
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        expected = theirs(alpha=0.7, num_classes=5)(images, labels)
    assert torch.equal(ours[0], expected[0]) and torch.equal(ours[1], expected[1])
    assert torch.allclose(ours[1].sum(1), torch.ones(8)) and not torch.equal(ours[0], images)


@pytest.mark.parametrize(
    ("keys", "shares"),
    [
        ({}, (0, 0)),
        ({"mixup": True}, (1, 0)),
        ({"mixup": True, "cutmix": True}, (0.5, 0.5)),
        ({"mixup": {"p": 0.3}, "cutmix": True}, (0.3, 0.7)),
        ({"mixup": {"p": 0.25}, "cutmix": {"p": 0.25}}, (0.25, 0.25)),
    ],
)
def test_shares_of_the_batches(keys, shares):
    recipe = read_recipe(keys)
    assert recipe.mixing() == pytest.approx(shares)
    random, mixing = torch.Generator().manual_seed(0), BatchMixing(recipe, 10)
    ways = [mixing.draw(random) for _ in range(2000)]
    counted = [sum(w is not None and mixing.ways[w[0]][1].__class__.__name__.lower() == name for w in ways) for name in ("mixup", "cutmix")]
    assert [count / 2000 for count in counted] == pytest.approx(shares, abs=0.05)


def test_mixing_leaves_the_global_generator_and_plain_recipes_alone():
    split = Split(torch.rand(32, 1, 8, 8), torch.arange(32) % 4, 4)
    torch.manual_seed(3)
    before = torch.rand(1)
    torch.manual_seed(3)
    mixed = list(Batches(split, read_recipe({"batch": 16, "mixup": True, "cutmix": True}), 0))
    assert torch.equal(torch.rand(1), before) and all(labels.shape == (16, 4) for _, labels in mixed)
    plain = list(Batches(split, read_recipe({"batch": 16}), 0))
    assert all(labels.dtype == torch.int64 for _, labels in plain)
