"""Names from torch, timm, Keras and papers: what is advised is written as advised, and never refused for its word."""

from __future__ import annotations

import re

import pytest
from cases import try_each
from written import block

from blockspace.blocks import syntax
from blockspace.blocks.foreign_names import MISSING, STEPS, WRITE
from blockspace.cli.catalog import describe_operations
from blockspace.errors import BlockspaceError

NAMES = [
    ("batch_norm", "norm: batch"), ("BatchNorm2d", "norm: batch"), ("nn.BatchNorm2d", "norm: batch"), ("torch.nn.LayerNorm", "norm: layer"),
    ("GroupNorm", "norm: group"), ("Conv2d", "conv3x3: 64"), ("keras.layers.Conv2D", "conv3x3: 64"), ("DepthwiseConv2D", "dwconv3x3"),
    ("MaxPool2d", "maxpool3x3: {stride: 2}"), ("GlobalAveragePooling2D", "global_avgpool"), ("AdaptiveAvgPool2d", "adaptive_avgpool: 1"),
    ("Dense", "linear: 10"), ("nn.ReLU", "relu"), ("LeakyReLU", "leaky_relu"), ("DropPath", "drop_path: 0.1"), ("SqueezeExcite", "se"),
    ("Concatenate", "concat: a, b"), ("swish", "silu"), ("BatchNormAct2d", "norm: batch"), ("F.elu", "elu"),
    ("BasicBlock", "resnet_basic: {out_channels: 64}"),
    ("fully_connected", "linear: 10"), ("Dropout2d", "dropout: 0.1"), ("layer_norm", "norm: layer"), ("group_norm", "norm: group"),
]  # fmt: skip


def mistake(flow):
    with pytest.raises(BlockspaceError) as caught:
        block(flow).graph((64, 8, 8))
    (found,) = caught.value.mistakes
    return found


def test_the_step_to_write():
    def check(name, step):
        for form in ("{}", "{{{}: 64}}", "{{{}: {{}}}}"):
            found = mistake(f"[{form.format(name)}]")
            assert (found.code, found.help) == ("E-OP", f"write `{step}`"), form

    try_each(check, NAMES)


def test_what_is_advised_is_read():
    try_each(check_step, STEPS)


def check_step(step: str) -> None:
    before = ["global_avgpool"] if step.startswith("linear") else ["relu"]
    before = ["{identity: {}, as: a}", "{relu: {}, as: b}"] if step.endswith("a, b") else before
    steps = [*before, f"{step}\n    each: [relu]\n    merge: concat" if step.startswith("split") else step]
    graph = block("\n  - " + "\n  - ".join(steps)).graph((64, 8, 8))
    assert len(graph) >= len(before)


ABSENT = ["upsample", "ConvTranspose2d", "nn.Upsample", "PixelShuffle", "MultiheadAttention", "InstanceNorm2d", "zero_pad"]


def test_there_is_no_such_operation():
    def check(name):
        found = mistake(f"[{name}]")
        assert found.code == "E-OP" and found.message == f"there is no operation {name!r}" and "did you mean" not in found.help

    try_each(check, ABSENT)


def test_no_name_is_in_two_places_or_an_operation():
    assert not set(WRITE) & set(MISSING)
    assert not [name for name in MISSING if syntax.is_operation(name)]


def test_every_operation_that_ls_lists_is_a_word_of_a_step():
    words = describe_operations()
    assert all(syntax.is_operation(word) for word in words) and "batch_norm" not in words and "norm" in words


def test_hints_name_words_that_exist():
    for step in STEPS:
        word = re.split(r"[:\s]", step)[0]
        assert word == "split" or syntax.is_operation(word) or word in ("se", "eca") or "out_channels" in step
