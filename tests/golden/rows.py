"""Published figures, counted by other libraries, and the parameter shapes of a graph without torch.

`golden.json` holds, per network and per unit, input and output shape, params, macs, and for networks the activations of convolutions and a
hash of the sorted list of all parameter shapes: an equal hash and equal macs mean the same set of layers. The output of a dense layer is
that of its concat. Where a row says `linear`, what we write as convolutions 1x1 are linear layers in the counted model. `blocks.yaml` says
which of our blocks, under which settings, stands for a unit.
"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import yaml

from blockspace.graph import Graph
from blockspace.ops import Conv, Linear, Norm

HERE = Path(__file__).parent
ROWS = json.loads((HERE / "golden.json").read_text())
USES = yaml.safe_load((HERE / "blocks.yaml").read_text())
ALIASES = {  # our name: the row's, where a family is called after its best known member
    "resnet20": "resnet20_cifar10_A",
    "hs_resnet50": "hsresnet50_17w_5s_plainplanes",
}


def network_row(name: str) -> dict | None:
    """The row of a library network; None when nobody counted it before."""
    return ROWS["networks"].get(ALIASES.get(name, name))


def param_shapes(graph: Graph, linear: bool = False) -> list[list[int]]:
    """Shapes of all parameters, as torch would make them; `linear`: where linear layers do what our convolutions 1x1 do."""
    found: list[list[int]] = []
    for op in (node.op for node in graph):
        if isinstance(op, Conv):
            kernel = () if linear and op.kernel == (1, 1) else op.kernel
            found.append([op.out_channels, op.in_channels // op.groups, *kernel])
            found += [[op.out_channels]] * op.bias
        elif isinstance(op, Linear):
            found.append([op.out, op.in_features])
            found += [[op.out]] * op.bias
        elif isinstance(op, Norm):
            found += [[op.channels], [op.channels]]
        elif call := op.call():
            found += [list(weight.shape) for weight in call.weights]
    return sorted(found)


def shapes_hash(graph: Graph, linear: bool = False) -> str:
    return sha256(json.dumps(param_shapes(graph, linear)).encode()).hexdigest()[:16]


def conv_acts(graph: Graph, linear: bool = False) -> int:
    """Elements of convolution outputs only, as the rows count them."""
    convs = (node for node in graph if isinstance(node.op, Conv))
    return sum(node.op.acts(node.shape) for node in convs if not (linear and node.op.kernel == (1, 1)))
