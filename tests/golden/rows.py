"""Published figures, counted by other libraries, and the parameter shapes of a graph without torch.

`golden.json` holds, per network and per unit, input and output shape, params, macs, and for networks the activations of convolutions and a
hash of the sorted list of all parameter shapes: an equal hash and equal macs mean the same set of layers. The output of a dense layer is
that of its concat. `blocks.yaml` says which of our blocks, under which settings, stands for a unit.
"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import yaml

from blockspace.graph import Graph
from blockspace.ops import OPS, Conv, Linear, Norm

HERE = Path(__file__).parent
ROWS = json.loads((HERE / "golden.json").read_text())
USES = yaml.safe_load((HERE / "blocks.yaml").read_text())
ALIASES = {  # our name: the row's, where a family is called after its best known member
    "resnet20": "resnet20_cifar10_A",
    "hs_resnet50": "hsresnet50_17w_5s_plainplanes",
    "shufflenet_v1_g3": "shufflenet_v1_g3_1.0x",
}


def network_row(name: str) -> dict | None:
    """The row of a library network; None when nobody counted it before."""
    return ROWS["networks"].get(ALIASES.get(name, name))


def param_shapes(graph: Graph) -> list[list[int]]:
    """Shapes of all parameters, as torch would make them."""
    found: list[list[int]] = []
    for op in (node.op for node in graph):
        if isinstance(op, Conv):
            found.append([op.out_channels, op.in_channels // op.groups, *op.kernel])
            found += [[op.out_channels]] * op.bias
        elif isinstance(op, Linear):
            found.append([op.out, op.in_features])
            found += [[op.out]] * op.bias
        elif isinstance(op, Norm):
            found += [[op.channels], [op.channels]]
        elif call := op.call():
            found += [list(weight.shape) for weight in call.weights]
        elif isinstance(op, OPS["scale"]) and op.learned:
            found.append([op.channels, 1, 1])
    return sorted(found)


def shapes_hash(graph: Graph) -> str:
    return sha256(json.dumps(param_shapes(graph)).encode()).hexdigest()[:16]


def conv_acts(graph: Graph) -> int:
    """Elements of convolution outputs only, as the rows count them."""
    return sum(node.op.acts(node.shape) for node in graph if isinstance(node.op, Conv))
