"""Library blocks compute what the published modules compute: weights copied, norms disturbed, in train and eval mode, in float64.

Judges are torchvision's and timm's modules, and for what neither holds the paper's own words as a few lines of torch (in `papers`).
"""

from __future__ import annotations

from functools import partial
from importlib import import_module

import papers
import pytest
import timm
import torch
import torchvision
from library.references import hs_resnet, res2net, units, wide_resnet
from torch import nn
from torchvision.models.googlenet import Inception
from torchvision.models.inception import InceptionA, InceptionB, InceptionC, InceptionD, InceptionE

import blockspace as bs
from blockspace.blocks import list_names
from blockspace.compiler import compile, transplant

tv = torchvision.models
ghost, effnet, senet = timm.models.ghostnet, timm.models._efficientnet_blocks, timm.models.senet
v4, irv2 = (import_module(f"timm.models.{name}") for name in ("inception_v4", "inception_resnet_v2"))  # timm.models has functions there
valid = partial(timm.layers.ConvNormAct, padding=0, norm_kwargs={"eps": 1e-3})  # the convolution both are made of


def down(channels, out, stride):
    """The shortcut of a residual block that changes shape."""
    return nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))


class Appended(nn.Module):
    """DenseNet's layer with its input before its output, as its caller concatenates them."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return torch.cat([x, self.layer(x)], 1)


def stride_first(block):
    """The block with the stride of its 3x3 on the first 1x1."""
    block.conv1.stride, block.conv2.stride = block.conv2.stride, (1, 1)
    return block


def se_bottleneck(channels, width, groups=1, stride=1):
    """timm's ResNet bottleneck with squeeze-and-excitation behind the last norm, as its seresnet50 and seresnext50_32x4d build it."""
    change = down(channels, 64, stride) if stride > 1 or channels != 64 else None
    attention = partial(timm.layers.SEModule, rd_channels=4)
    return timm.models.resnet.Bottleneck(channels, 16, stride, change, groups, width * 4, attn_layer=attention)


def eca_bottleneck(channels, width, stride=1):
    change = timm.models.resnet.downsample_avg(channels, 64, 1, stride) if stride > 1 or channels != 64 else None
    return timm.models.resnet.Bottleneck(channels, width, stride, change, attn_layer=timm.layers.EcaModule)


def sk(channels, out, groups, paths=2, **settings):
    kernels = [2 * i + 1 for i in range(1, paths + 1)]
    return timm.layers.SelectiveKernel(channels, out, kernels, groups=groups, split_input=False, rd_divisor=32, **settings)


def resnest(channels, stride=1):
    change = timm.models.resnet.downsample_avg(channels, 64, 1, stride) if stride > 1 or channels != 64 else None
    return timm.models.resnest.ResNestBottleneck(channels, 16, stride, change, radix=2, avd=True)


def vgg_unit(convs, norm=False):
    return tv.vgg.make_layers([64] * convs + ["M"], norm)


def bottle2neck(channels, stride=1, change=None, cardinality=1, width=6):
    options = {"cardinality": cardinality, "base_width": 4 * width, "norm_layer": nn.BatchNorm2d}
    return timm.models.res2net.Bottle2neck(channels, 16, stride, change, **options)


def res2net_opening(channels, out, width, cardinality, stride):
    """The Res2NeXt-29 block that opens a stage and convolves all its four parts, with squeeze-and-excitation."""
    part = width * cardinality
    scales = res2net.Scales(part, 4, cardinality, stride, opening=True, whole=True)
    main = nn.Sequential(units.unit(channels, 4 * part), scales, units.unit(4 * part, out, act=False), res2net.Squeeze(out))
    return units.Residual(channels, out, stride, main)


def hs_plain(channels, inner, out, stride):
    """The block that strides in HS-ResNet-vd: a plain 3x3 and a pooled shortcut."""
    main = nn.Sequential(units.unit(channels, inner), units.unit(inner, inner, 3, stride), units.unit(inner, out, act=False))
    return units.Residual(channels, out, stride, main, pooled=True)


def inception_v4_stem():
    convs = [valid(3, 32, kernel_size=3, stride=2), valid(32, 32, kernel_size=3), valid(32, 64, kernel_size=3, padding=1)]
    return nn.Sequential(*convs, v4.Mixed3a(valid), v4.Mixed4a(valid), v4.Mixed5a(valid))


def mobilenet_v3(*row):
    """Torchvision's block of a row (channels in, kernel, expanded, out, SE, activation, stride)."""
    v3 = tv.mobilenetv3
    return v3.InvertedResidual(v3.InvertedResidualConfig(*row, 1, 1.0), partial(nn.BatchNorm2d, eps=1e-3, momentum=0.01))


def mbconv(expand, kernel, stride, channels, out):
    config = tv.efficientnet.MBConvConfig(expand, kernel, stride, channels, out, 1)
    return tv.efficientnet.MBConv(config, 0.0, nn.BatchNorm2d)


def csp_stage(channels, out, stride, depth, unit, **ratios):
    layers = {"act_layer": nn.LeakyReLU, "norm_layer": nn.BatchNorm2d}
    return timm.models.cspnet.CrossStage(channels, out, stride, 1, depth, block_fn=unit, **ratios, **layers)


WIDTHS = {"b1": 16, "b2_reduce": 24, "b2": 32, "b3_reduce": 4, "b3": 8, "b4": 12}

# block, settings, channels that enter, the published module
PEERS = {
    "basic": ("resnet_basic", {"out_channels": 32}, 32, lambda: tv.resnet.BasicBlock(32, 32)),
    "basic, strided": ("resnet_basic", {"stride": 2}, 32, lambda: tv.resnet.BasicBlock(32, 64, 2, down(32, 64, 2))),
    "bottleneck": ("resnet_bottleneck", {"out_channels": 64}, 64, lambda: tv.resnet.Bottleneck(64, 16)),
    "bottleneck, strided": (
        "resnet_bottleneck", {"out_channels": 64, "stride": 2}, 32, lambda: tv.resnet.Bottleneck(32, 16, 2, down(32, 64, 2)),
    ),
    "bottleneck, pooled shortcut": (
        "resnet_bottleneck", {"out_channels": 64, "stride": 2, "pool": "avg"}, 32,
        lambda: timm.models.resnet.Bottleneck(32, 16, 2, timm.models.resnet.downsample_avg(32, 64, 1, 2)),
    ),
    "bottleneck, strided first": (
        "resnet_bottleneck", {"out_channels": 64, "stride": 2, "stride_first": True}, 32,
        lambda: stride_first(tv.resnet.Bottleneck(32, 16, 2, down(32, 64, 2))),
    ),
    "pre-activation": ("resnet_preact", {"out_channels": 32}, 32, lambda: wide_resnet.PreActivation(32, 32)),
    "pre-activation, wider": ("resnet_preact", {"out_channels": 48}, 32, lambda: wide_resnet.PreActivation(32, 48)),
    "pre-activation, strided": ("resnet_preact", {"stride": 2}, 32, lambda: wide_resnet.PreActivation(32, 64, 2)),
    "resnext": (
        "resnext", {"out_channels": 64, "cardinality": 8, "width": 4}, 64, lambda: tv.resnet.Bottleneck(64, 16, groups=8, base_width=16),
    ),
    "res2net": ("res2net", {"out_channels": 64, "width": 6}, 64, lambda: bottle2neck(64)),
    "res2net, opening": (
        "res2net", {"out_channels": 64, "width": 6, "opening": True, "stride": 2}, 32,
        lambda: bottle2neck(32, 2, down(32, 64, 2)),
    ),
    "res2net, pooled shortcut": (
        "res2net", {"out_channels": 64, "width": 6, "opening": True, "stride": 2, "pool": "avg"}, 32,
        lambda: bottle2neck(32, 2, timm.models.resnet.downsample_avg(32, 64, 1, 2)),
    ),
    "res2next": ("res2net", {"out_channels": 64, "width": 3, "cardinality": 4}, 64, lambda: bottle2neck(64, cardinality=4, width=3)),
    "res2next, opening with convolutions, squeezed": (
        "res2net", {"out_channels": 64, "width": 3, "cardinality": 4, "opening": True, "pooled": False, "squeeze": True, "stride": 2}, 32,
        lambda: res2net_opening(32, 64, 3, 4, 2),
    ),
    "inception": ("inception_v1", {**WIDTHS, "k3": 3}, 24, lambda: Inception(24, 16, 24, 32, 4, 8, 12)),
    "inception, 5x5": ("inception_v1", {**WIDTHS, "k3": 5}, 24, lambda: papers.Inception(24, 16, 24, 32, 4, 8, 12)),
    "inception, naive": ("inception_v1", {**WIDTHS, "reduce": False, "bias": True}, 24, lambda: papers.NaiveInception(24, 16, 32, 8)),
    "inception v3 a": ("inception_v3_a", {"pool": 16}, 24, lambda: InceptionA(24, 16)),
    "inception v3 c": ("inception_v3_c", {"width": 32}, 24, lambda: InceptionC(24, 32)),
    "inception v3 e": ("inception_v3_e", {}, 24, lambda: InceptionE(24)),
    "inception v3, first reduction": (
        "inception_reduction_a", {"k": 64, "l": 96, "m": 96, "n": 384}, 24, lambda: InceptionB(24),
    ),
    "inception v3, second reduction": (
        "inception_reduction_b", {"b3_reduce": 192, "b3": 320, "b7_reduce": 192, "b7": 192}, 24, lambda: InceptionD(24),
    ),
    "inception v4, stem": ("inception_v4_stem", {}, 3, inception_v4_stem),
    "inception v4 a": ("inception_v4_a", {}, 384, lambda: v4.InceptionA(valid)),
    "inception v4 b": ("inception_v4_b", {}, 1024, lambda: v4.InceptionB(valid)),
    "inception v4 c": ("inception_v4_c", {}, 1536, lambda: v4.InceptionC(valid)),
    "inception v4, first reduction": ("inception_reduction_a", {}, 384, lambda: v4.ReductionA(valid)),
    "inception v4, second reduction": ("inception_reduction_b", {}, 1024, lambda: v4.ReductionB(valid)),
    "inception resnet, first module": ("inception_v3_a", {"b1": 96, "pool": 64}, 192, lambda: irv2.Mixed_5b(valid)),
    "inception resnet a": ("inception_resnet_a", {}, 320, lambda: irv2.Block35(0.17, valid)),
    "inception resnet b": ("inception_resnet_b", {}, 1088, lambda: irv2.Block17(0.1, valid)),
    "inception resnet c": ("inception_resnet_c", {}, 2080, lambda: irv2.Block8(0.2, conv_block=valid)),
    "inception resnet c, final": ("inception_resnet_c", {"scale": 1, "final": True}, 2080, lambda: irv2.Block8(1.0, True, valid)),
    "inception resnet, first reduction": (
        "inception_reduction_a", {"k": 256, "l": 256, "m": 384, "n": 384}, 320, lambda: irv2.Mixed_6a(valid),
    ),
    "inception resnet, second reduction": ("inception_resnet_reduction_b", {}, 1088, lambda: irv2.Mixed_7a(valid)),
    "se": ("se", {"ratio": 8}, 32, lambda: timm.layers.SEModule(32, rd_channels=4)),
    "se, caffe": ("se", {}, 64, lambda: senet.SEModule(64, 16)),
    "se bottleneck": ("se_bottleneck", {"out_channels": 64}, 64, lambda: se_bottleneck(64, 16)),
    "se resnext, strided": (
        "se_bottleneck", {"out_channels": 64, "cardinality": 8, "width": 4, "stride": 2}, 32, lambda: se_bottleneck(32, 4, 8, 2),
    ),
    "se bottleneck, caffe": (
        "se_bottleneck", {"out_channels": 64, "stride": 2, "stride_first": True}, 32,
        lambda: senet.SEResNetBottleneck(32, 16, 1, 16, 2, down(32, 64, 2)),
    ),
    "shufflenet v1": ("shufflenet_v1", {"out_channels": 48}, 48, lambda: papers.ShuffleUnit(48, 48, 3)),
    "shufflenet v1, strided": (
        "shufflenet_v1", {"out_channels": 96, "groups": 4, "stride": 2}, 48, lambda: papers.ShuffleUnit(48, 96, 4, 2),
    ),
    "shufflenet v1, first": (
        "shufflenet_v1", {"out_channels": 48, "stride": 2, "groups_in": 1}, 24, lambda: papers.ShuffleUnit(24, 48, 3, 2, first=True),
    ),
    "shufflenet v1, released": (
        "shufflenet_v1", {"out_channels": 96, "groups": 8, "released": True}, 96, lambda: papers.ReleasedShuffleUnit(96, 96, 8),
    ),
    "shufflenet v2": ("shufflenet_v2", {"out_channels": 32}, 32, lambda: tv.shufflenetv2.InvertedResidual(32, 32, 1)),
    "shufflenet v2, strided": (
        "shufflenet_v2", {"out_channels": 48, "stride": 2}, 24, lambda: tv.shufflenetv2.InvertedResidual(24, 48, 2),
    ),
    "ghost": ("ghost", {"out_channels": 33, "dw_k": 5, "ratio": 3, "k": 3}, 16, lambda: ghost.GhostModule(16, 33, 3, 3, 5)),
    "ghost, linear": ("ghost", {"out_channels": 32, "act": "none"}, 16, lambda: ghost.GhostModule(16, 32, act_layer=nn.Identity)),
    "ghost bottleneck": ("ghost_bottleneck", {"squeeze": True}, 24, lambda: ghost.GhostBottleneck(24, 72, 24, se_ratio=0.25)),
    "ghost bottleneck, strided": (
        "ghost_bottleneck", {"width": 48, "k": 5, "stride": 2}, 16, lambda: ghost.GhostBottleneck(16, 48, 24, 5, 2),
    ),
    "dense layer": ("dense_layer", {"growth": 12}, 24, lambda: Appended(tv.densenet._DenseLayer(24, 12, 4, 0.0))),
    "dense transition": ("dense_transition", {}, 24, lambda: tv.densenet._Transition(24, 12)),
    "inverted residual": ("inverted_residual", {}, 24, lambda: tv.mobilenetv2.InvertedResidual(24, 24, 1, 6)),
    "inverted residual, strided": (
        "inverted_residual", {"out_channels": 32, "stride": 2, "expand": 3}, 24, lambda: tv.mobilenetv2.InvertedResidual(24, 32, 2, 3),
    ),
    "inverted residual, no expansion": (
        "inverted_residual", {"out_channels": 16, "expand": 1}, 32, lambda: tv.mobilenetv2.InvertedResidual(32, 16, 1, 1),
    ),
    "inverted residual, 5x5": (
        "inverted_residual", {"k": 5}, 24,
        lambda: effnet.InvertedResidual(24, 24, 5, exp_ratio=6.0, act_layer=nn.ReLU6),
    ),
    "mobilenet v3": (
        "mobilenet_v3", {"k": 5, "width": 72, "squeeze": True, "act": "relu", "stride": 2}, 24,
        lambda: mobilenet_v3(24, 5, 72, 40, True, "RE", 2),
    ),
    "mobilenet v3, hardswish": ("mobilenet_v3", {"width": 104}, 40, lambda: mobilenet_v3(40, 3, 104, 40, False, "HS", 1)),
    "mobilenet v3, no expansion": (
        "mobilenet_v3", {"width": 16, "out_channels": 16, "squeeze": True}, 16, lambda: mobilenet_v3(16, 3, 16, 16, True, "HS", 1),
    ),
    "mbconv": ("mbconv", {"k": 5}, 40, lambda: mbconv(6, 5, 1, 40, 40)),
    "mbconv, strided": ("mbconv", {"stride": 2}, 24, lambda: mbconv(6, 3, 2, 24, 40)),
    "mbconv, no expansion": ("mbconv", {"expand": 1, "out_channels": 16}, 32, lambda: mbconv(1, 3, 1, 32, 16)),
    "regnet x": ("regnet", {}, 64, lambda: timm.models.regnet.Bottleneck(64, 64, group_size=16, se_ratio=0)),
    "regnet x, strided": (
        "regnet", {"out_channels": 48, "group_width": 24, "stride": 2}, 32,
        lambda: tv.regnet.ResBottleneckBlock(32, 48, 2, nn.BatchNorm2d, nn.ReLU, 24, 1.0, None),
    ),
    "regnet y, strided": (
        "regnet", {"out_channels": 48, "group_width": 24, "squeeze": "1/4", "stride": 2}, 32,
        lambda: timm.models.regnet.Bottleneck(32, 48, 2, group_size=24, se_ratio=0.25),
    ),
    "repvgg": ("repvgg", {"out_channels": 32}, 32, lambda: timm.models.byobnet.RepVggBlock(32, 32)),
    "repvgg, strided": ("repvgg", {"out_channels": 48, "stride": 2}, 32, lambda: timm.models.byobnet.RepVggBlock(32, 48, stride=2)),
    "csp stage, resnet": (
        "csp_stage", {"out_channels": 48, "stride": 2}, 32,
        lambda: csp_stage(32, 48, 2, 3, timm.models.cspnet.BottleneckBlock, bottle_ratio=0.5, expand_ratio=2.0, cross_linear=True),
    ),
    "csp stage, darknet": (
        "csp_stage", {"unit": "dark", "blocks": 2, "out_channels": 48, "stride": 2, "grow": True, "linear": False, "expand": 1, "inner": 1},
        32, lambda: csp_stage(32, 48, 2, 2, timm.models.cspnet.DarkBlock, block_ratio=0.5, down_growth=True),
    ),
    "depthwise separable": (
        "depthwise_separable", {"out_channels": 48, "stride": 2}, 32, lambda: effnet.DepthwiseSeparableConv(32, 48, 3, 2, pw_act=True),
    ),
    "depthwise separable, 5x5": (
        "depthwise_separable", {"k": 5, "out_channels": 32}, 32,
        lambda: effnet.DepthwiseSeparableConv(32, 32, 5, noskip=True, pw_act=True),
    ),
    "convnext": ("convnext", {}, 24, lambda: tv.convnext.CNBlock(24, 1e-6, 0.0)),
    "convnext, dropped": ("convnext", {"drop": 0.5}, 24, lambda: tv.convnext.CNBlock(24, 1e-6, 0.5)),
    "convnext, timm": (
        "convnext", {"k": 5, "expand": 3}, 24, lambda: timm.models.convnext.ConvNeXtBlock(24, kernel_size=5, mlp_ratio=3, conv_mlp=True),
    ),
    "eca": ("eca", {}, 32, lambda: timm.layers.EcaModule(32)),
    "eca, wider": ("eca", {"k": 7}, 48, lambda: timm.layers.EcaModule(kernel_size=7)),
    "eca bottleneck": ("eca_bottleneck", {"out_channels": 64}, 64, lambda: eca_bottleneck(64, 16)),
    "eca bottleneck, strided": (
        "eca_bottleneck", {"out_channels": 64, "stride": 2, "pool": "avg"}, 32, lambda: eca_bottleneck(32, 16, 2),
    ),
    "sk": ("sk", {"groups": 8}, 32, lambda: sk(32, 32, 8)),
    "sk, three paths": (
        "sk", {"groups": 4, "paths": 3, "out_channels": 24, "stride": 2, "ratio": 8}, 16,
        lambda: sk(16, 24, 4, 3, stride=2, rd_ratio=1 / 8),
    ),
    "sk bottleneck": (
        "sk_bottleneck", {"out_channels": 64, "cardinality": 8, "stride": 2}, 32,
        lambda: timm.models.sknet.SelectiveKernelBottleneck(
            32, 16, 2, down(32, 64, 2), 8, 16, {"split_input": False, "rd_ratio": 1 / 16, "rd_divisor": 32},
        ),
    ),
    "split attention": ("split_attention", {}, 32, lambda: timm.layers.SplitAttn(32, norm_layer=nn.BatchNorm2d)),
    "split attention, four splits": (
        "split_attention", {"radix": 4, "out_channels": 48}, 96, lambda: timm.layers.SplitAttn(96, 48, radix=4, norm_layer=nn.BatchNorm2d),
    ),
    "resnest": ("resnest_bottleneck", {"out_channels": 64}, 64, lambda: resnest(64)),
    "resnest, strided": ("resnest_bottleneck", {"out_channels": 64, "stride": 2}, 32, lambda: resnest(32, 2)),
    "vgg": ("vgg_unit", {"convs": 3}, 3, lambda: vgg_unit(3)),
    "vgg, batch norm": ("vgg_unit", {"norms": "batch"}, 3, lambda: vgg_unit(2, norm=True)),
    "vgg, groups": (
        "vgg_unit", {"convs": 1, "groups": 4, "pool": False}, 32, lambda: nn.Sequential(nn.Conv2d(32, 64, 3, 1, 1, groups=4), nn.ReLU()),
    ),
    "hs block": ("hs_block", {"splits": 4}, 32, lambda: papers.HSBlock([8] * 4)),
    "hs block, uneven": ("hs_block", {"splits": 5}, 24, lambda: papers.HSBlock([5, 5, 5, 5, 4])),
    "hs bottleneck": ("hs_bottleneck", {"out_channels": 64, "splits": 3, "width": 7}, 64, lambda: papers.HSBottleneck(64, [7] * 3)),
    "hs bottleneck, projected": (
        "hs_bottleneck", {"out_channels": 64, "splits": 3, "width": 7}, 32,
        lambda: units.Residual(32, 64, 1, nn.Sequential(units.unit(32, 21), hs_resnet.Split([7] * 3), units.unit(21, 64, act=False))),
    ),
    "hs bottleneck, strided": (
        "hs_bottleneck", {"out_channels": 64, "stride": 2, "plain": 20, "pool": "avg"}, 32, lambda: hs_plain(32, 20, 64, 2),
    ),
}  # fmt: skip
DEFAULTS = {  # below which the block stands
    "inception": {"bn_eps": 1e-3},
    "inception, 5x5": {},
    "inception, naive": {"norm": "none"},
    "inception v3": {"bn_eps": 1e-3},
    "inception v4": {"bn_eps": 1e-3, "count_include_pad": False},
    "inception resnet": {"bn_eps": 1e-3, "count_include_pad": False},
    "mobilenet v3": {"bn_eps": 1e-3, "bn_momentum": 0.01},
}
SIZES = {"inception v3": 8, "inception v4": 7, "inception v4, stem": 35, "inception resnet": 7}  # others see 14 x 14
FORMS = {"resnext_a", "resnext_b"}  # equal to resnext with mapped weights: test_resnext_forms


def of(table: dict, name: str, default):
    """The entry of the longest name that `name` begins with."""
    return table[max(found, key=len)] if (found := [key for key in table if f"{name} ".startswith((f"{key},", f"{key} "))]) else default


def test_every_library_block_has_a_judge():
    assert {block for block, *_ in PEERS.values()} | FORMS == set(list_names("block"))


@pytest.mark.parametrize("name", PEERS)
def test_the_published_block_is_ours(name):
    block, settings, channels, peer = PEERS[name]
    size = of(SIZES, name, 14)
    graph = papers.graph(block, settings, (channels, size, size), of(DEFAULTS, name, {}))
    theirs, ours = disturbed(peer()).double(), compile(graph, seed=0).double()
    x = torch.randn(3, channels, size, size, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()
    transplant(theirs, ours, example=x)
    for training in (False, True):
        expected, got = drawn(theirs.train(training), x.clone()), drawn(ours.train(training), x)
        assert got.shape == expected.shape
        assert (got - expected).abs().max() <= 1e-10 * expected.abs().max()
        upstream = torch.randn(expected.shape, dtype=x.dtype, generator=torch.Generator().manual_seed(2))
        (wanted,), (found,) = (torch.autograd.grad(value, x, upstream) for value in (expected, got))
        assert (found - wanted).abs().max() <= 1e-10 * wanted.abs().max()


def drawn(module, x):
    """The output, whatever is drawn on the way (dropped paths) being drawn from one seed."""
    torch.manual_seed(3)
    return module(x)


def disturbed(module):
    """The module with norms that differ per channel, so that a swapped pair of layers or channels shows."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if name.endswith("running_mean"):
                tensor.normal_(0, 0.1, generator=generator)
            elif tensor.squeeze().ndim == 1 and tensor.shape[0] > 1:  # one number per channel
                tensor.uniform_(0.5, 1.5, generator=generator)
    return module


def test_a_wrong_channel_is_noticed():
    theirs = disturbed(tv.shufflenetv2.InvertedResidual(32, 32, 1)).double().eval()
    ours = transplant(theirs, compile(bs.load("shufflenet_v2", out_channels=32).graph((32, 14, 14))).double().eval())
    x = torch.randn(1, 32, 14, 14, dtype=torch.float64)
    assert (ours(x).roll(1, 1) - theirs(x)).abs().max() > 1e-3
