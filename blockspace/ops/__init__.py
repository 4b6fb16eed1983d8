"""The operators: one class each. `OPS` is the registry; importing this package fills it from every file beside it."""

import os
from importlib import import_module

from blockspace.ops.op import FLOAT, INPUTS, OPS, POINT, AllInputs, Call, In, Op, Shape, Weight, Window, elements, from_dict, register, show

for _file in sorted(os.listdir(os.path.dirname(__file__))):
    if _file.endswith(".py") and not _file.startswith("_"):
        import_module(f"blockspace.ops.{_file[:-3]}")

from blockspace.ops.activation import Activation  # noqa: E402
from blockspace.ops.conv import Conv, Linear  # noqa: E402
from blockspace.ops.merge import Add, Concat, Max, Merge, Mul  # noqa: E402
from blockspace.ops.norm import BatchNorm, GroupNorm, LayerNorm, Norm  # noqa: E402
from blockspace.ops.pool import AdaptiveAvgPool, AvgPool, MaxPool, Pool  # noqa: E402
from blockspace.ops.rearrange import ChannelShuffle, Copy, Flatten, Identity, Input, PadChannels, Part, Slice  # noqa: E402
from blockspace.ops.scale import Dropout, DropPath, Scale, Zero  # noqa: E402

__all__ = [
    "FLOAT", "INPUTS", "OPS", "POINT", "Activation", "AdaptiveAvgPool", "Add", "AllInputs", "AvgPool", "BatchNorm", "Call",
    "ChannelShuffle", "Concat", "Conv", "Copy", "DropPath", "Dropout", "Flatten", "GroupNorm", "Identity", "In", "Input", "LayerNorm",
    "Linear", "Max", "MaxPool", "Merge", "Mul", "Norm", "Op", "PadChannels", "Part", "Pool", "Scale", "Shape", "Slice", "Weight",
    "Window", "Zero", "elements", "from_dict", "register", "show",
]  # fmt: skip
