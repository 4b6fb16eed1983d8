"""Found networks in torchvision's detection and segmentation: a training step reaches every weight, and other sizes run."""

from collections import OrderedDict

import pytest
import torch
from torch import nn
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.segmentation import DeepLabV3
from torchvision.models.segmentation.deeplabv3 import DeepLabHead
from torchvision.ops import FeaturePyramidNetwork, MultiScaleRoIAlign

import blockspace as bs
from blockspace.blocks import serialize_network

CHOICES = {"hs": {"block": "hs"}, "resnext": {"block": "resnext"}}


@pytest.fixture(params=CHOICES)
def found(request, tmp_path):
    """The graph of a network of a search space, as its arch.yaml is read, in the form that is trained, for colour images."""
    (tmp_path / "arch.yaml").write_text(serialize_network(bs.load("searchspaces/hs_vs_resnext.yaml"), CHOICES[request.param]))
    return bs.canonical(bs.load(str(tmp_path / "arch.yaml")).graph((3, 64, 64)))


class Named(nn.Module):
    """A backbone whose maps have names, behind torchvision's feature pyramid if `out_channels` says so."""

    def __init__(self, body, names, out_channels=None):
        super().__init__()
        self.body, self.names, self.out_channels = body, names, out_channels
        self.fpn = FeaturePyramidNetwork(body.feature_info.channels(), out_channels) if out_channels else nn.Identity()

    def forward(self, x):
        return self.fpn(OrderedDict(zip(self.names, self.body(x), strict=True)))


def stepped(model, loss):
    """One step of SGD; every trained parameter had a gradient and moved."""
    before = [p.detach().clone() for p in model.parameters()]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    optimizer.step()
    assert sum(not torch.equal(a, b) for a, b in zip(before, model.parameters())) > 0.9 * len(before)


def test_detection(found):
    torch.manual_seed(0)
    body = bs.compile(found, seed=0, features_only=True, out_indices=3)
    names = ["0", "1", "2"]
    model = FasterRCNN(
        Named(body, names, 16), num_classes=3, min_size=64, max_size=96,
        rpn_anchor_generator=AnchorGenerator(((8,), (16,), (32,)), ((0.5, 1.0, 2.0),) * 3),
        box_roi_pool=MultiScaleRoIAlign(names, output_size=3, sampling_ratio=2),
    )  # fmt: skip
    images = [torch.rand(3, 64, 80), torch.rand(3, 72, 64)]
    boxes = [torch.tensor([[4.0, 4.0, 36.0, 40.0], [30.0, 20.0, 60.0, 60.0]]), torch.tensor([[10.0, 8.0, 50.0, 60.0]])]
    targets = [{"boxes": one, "labels": torch.arange(1, len(one) + 1)} for one in boxes]
    losses = model.train()(images, targets)
    assert set(losses) == {"loss_classifier", "loss_box_reg", "loss_objectness", "loss_rpn_box_reg"}
    stepped(model, sum(losses.values()))
    detected = model.eval()([torch.rand(3, 90, 70)])[0]
    assert detected["boxes"].shape[1] == 4 and set(detected) == {"boxes", "labels", "scores"}


def test_segmentation(found):
    torch.manual_seed(0)
    body = bs.compile(found, seed=0, features_only=True, out_indices=(-1,))
    model = DeepLabV3(Named(body, ["out"]), DeepLabHead(body.feature_info.channels()[0], 4)).train()
    masks = torch.randint(0, 4, (2, 64, 48))
    scores = model(torch.rand(2, 3, 64, 48))["out"]
    assert scores.shape == (2, 4, 64, 48)
    stepped(model, nn.functional.cross_entropy(scores, masks))
    assert model.eval()(torch.rand(1, 3, 100, 36))["out"].shape == (1, 4, 100, 36)
