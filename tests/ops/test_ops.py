"""The registry, and each op against torch: output shape, params, and what it says of itself. The registry is the list of tests."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from cases import try_each

from blockspace.blocks.syntax import is_operation
from blockspace.errors import BlockspaceError
from blockspace.graph import Graph
from blockspace.ops import OPS, Conv, Merge, Op, Pool, op_from_dict, register_op
from blockspace.ops.op import count_window_positions

ATTRIBUTES = {  # what an op needs beside what its input gives
    "conv": {"in_channels": 12, "out_channels": 8, "kernel": (3, 1), "stride": (2, 1), "padding": (1, 0), "groups": 4, "bias": True},
    "linear": {"out": 5},
    "group_norm": {"groups": 4},
    "maxpool": {"kernel": (3, 3), "stride": (2, 2), "padding": (1, 1), "ceil_mode": True},
    "avgpool": {"kernel": (2, 3), "stride": (2, 1), "count_include_pad": False, "padding": (0, 1)},
    "adaptive_avgpool": {"size": 3},
    "part": {"start": 3, "stop": 7},
    "slice": {"channels": 5},
    "pad_channels": {"channels": 20},
    "channel_shuffle": {"groups": 3},
    "scale": {"by": "learned", "init": 1e-6},
    "softmax": {"paths": 3},
    "local_response_norm": {"size": 5},
    "drop_path": {"p": 0.2},
}
NAMES = sorted(set(OPS) - {"input"})


def example(name: str) -> Graph:
    """A graph of this op alone."""
    shape = {"linear": (12,), "transpose": (12, 1, 1)}.get(name, (12, 9, 11))
    graph = Graph(shape)
    cls = OPS[name]
    op = cls(**ATTRIBUTES[name]) if name == "conv" else cls.make(shape, **ATTRIBUTES.get(name, {}))
    graph.add(op, *["input"] * (2 if issubclass(cls, Merge) else 1), name="op")
    return graph


def check_forward(name: str) -> None:
    torch = pytest.importorskip("torch")
    from blockspace import compile, cost

    graph = example(name)
    module = compile(graph).eval()
    with torch.no_grad():
        output = module(torch.randn(2, *graph.input_shape))
    assert tuple(output.shape[1:]) == graph.output_shape
    assert cost(graph).params == sum(p.numel() for p in module.parameters())


def test_equal_to_torch():
    try_each(check_forward, NAMES)


def check_memory(name: str) -> None:
    """A view lies in its input's memory in eval mode; a fresh output never does, and may be overwritten before the backward runs."""
    torch = pytest.importorskip("torch")
    from blockspace import compile

    op, graph = OPS[name], example(name)
    module, shared = compile(graph), {}
    for train in (True, False):
        value = torch.rand(2, *graph.input_shape).requires_grad_() * 1
        output = module.train(train)(value)
        shared[train] = output.untyped_storage().data_ptr() == value.untyped_storage().data_ptr()
        if op.fresh and output.requires_grad:
            output.mul_(2).sum().backward()  # raises when the backward reads the overwritten output
    assert shared[False] == op.view
    assert not (op.fresh and any(shared.values()))


def test_memory_of_the_output():
    try_each(check_memory, NAMES)


def check_json(name: str) -> None:
    graph = example(name)
    again = Graph.from_dict(json.loads(json.dumps(graph.as_dict())))
    assert again["op"].op == graph["op"].op and again.key() == graph.key()


def test_survives_json():
    try_each(check_json, NAMES)


def check_words(name: str) -> None:
    cls = OPS[name]
    assert cls.name == name and cls.__doc__ and cls.kind in ("split", "transform", "merge")
    assert example(name)["op"].op.label()
    if cls.step and not issubclass(cls, Merge):
        assert is_operation(name)


def test_says_what_it_is():
    try_each(check_words, NAMES)


def test_a_name_is_registered_once():
    with pytest.raises(TypeError, match="registered twice"):
        register_op("conv")(OPS["linear"])


def test_an_op_without_a_shape_is_refused():
    @dataclass(frozen=True)
    class Shapeless(Op):
        pass

    with pytest.raises(TypeError, match="no shape rule"):
        register_op("shapeless")(Shapeless)
    assert "shapeless" not in OPS


def test_an_unknown_op_in_a_file():
    with pytest.raises(BlockspaceError, match="unknown op 'nothing'"):
        op_from_dict({"op": "nothing"})


@pytest.mark.parametrize("size", range(1, 15))
def test_windows_are_rounded_as_torch_does(size):
    torch = pytest.importorskip("torch")
    value = torch.zeros(1, 1, size, size)
    for kernel, stride, padding, ceil in (
        (2, 2, 0, True),
        (3, 2, 1, True),
        (3, 2, 0, True),
        (3, 3, 1, True),
        (2, 2, 0, False),
        (3, 1, 1, False),
    ):
        found = count_window_positions(size, kernel, stride, padding, 1, ceil)
        if found < 1 or size + 2 * padding < kernel:
            continue
        assert found == torch.nn.functional.max_pool2d(value, kernel, stride, padding, ceil_mode=ceil).shape[-1]


@pytest.mark.parametrize(
    "op, shape, code",
    [
        (lambda: Conv(8, 9, (3, 3), groups=4), None, "E-GROUPS"),
        (lambda: Conv(9, 8, (3, 3), groups=4), None, "E-GROUPS"),
        (lambda: Conv(8, 8, (3, 3)), (4, 8, 8), "E-SHAPE"),
        (lambda: Conv(8, 8, (3, 3)), (8, 2, 2), "E-SHAPE"),
        (lambda: Conv(8, 8, (3, 3)), (8,), "E-SHAPE"),
        (lambda: OPS["linear"](8, 4), (8, 2, 2), "E-SHAPE"),
        (lambda: OPS["maxpool"]((3, 3), padding=(2, 2)), (8, 8, 8), "E-SHAPE"),
        (lambda: OPS["maxpool"]((3, 3)), (8, 2, 2), "E-SHAPE"),
        (lambda: OPS["part"](4, 9), (8, 2, 2), "E-SPLIT"),
        (lambda: OPS["slice"](9), (8, 2, 2), "E-SHAPE"),
        (lambda: OPS["pad_channels"](8, 4), (8, 2, 2), "E-SHAPE"),
        (lambda: OPS["channel_shuffle"](3), (8, 2, 2), "E-GROUPS"),
        (lambda: OPS["group_norm"](8, groups=3), None, "E-GROUPS"),
        (lambda: OPS["dropout"](1.0), None, "E-TYPE"),
        (lambda: OPS["drop_path"](1.0), None, "E-TYPE"),
        (lambda: OPS["drop_path"](0.1), (8,), "E-SHAPE"),
        (lambda: OPS["scale"](8, "learned"), (8,), "E-SHAPE"),
        (lambda: OPS["scale"](8, 0.5, init=2.0), None, "E-TYPE"),
        (lambda: OPS["softmax"](3), (8, 1, 1), "E-GROUPS"),
        (lambda: OPS["layer_norm"](8), (4, 2, 2), "E-SHAPE"),
        (lambda: OPS["layer_norm"](8), (4,), "E-SHAPE"),
        (lambda: OPS["transpose"](), (8, 2, 1), "E-SHAPE"),
        (lambda: OPS["transpose"](), (8, 1, 2), "E-SHAPE"),
    ],
)
def test_shapes_that_do_not_fit(op, shape, code):
    with pytest.raises(BlockspaceError) as caught:
        op().shape(shape)
    assert caught.value.mistakes[0].code == code


def test_pools_are_pools():
    assert all(issubclass(OPS[name], Pool) for name in ("maxpool", "avgpool"))


@pytest.mark.parametrize("batch", [1, 6])
def test_paths_are_dropped_as_in_torchvision(batch):
    """Whole values of the batch, the others divided by 1 - p; in eval mode nothing happens."""
    torch = pytest.importorskip("torch")
    from blockspace import compile

    graph = Graph((3, 4, 5))
    graph.add(OPS["drop_path"](0.3), "input", name="op")
    ours, theirs = compile(graph), pytest.importorskip("torchvision").ops.StochasticDepth(0.3, "row")
    x = torch.randn(batch, 3, 4, 5)
    for seed in range(20):
        made = []
        for module in (ours, theirs):
            torch.manual_seed(seed)
            made.append(module(x))
        assert torch.allclose(*made) and {bool(row.any()) for row in made[0]} <= {True, False}
    assert torch.equal(ours.eval()(x), x)


@pytest.mark.parametrize("shape", [(12, 5, 6), (12, 1, 1), (12,)])
def test_layer_norm_is_over_the_channels_of_each_position(shape):
    torch = pytest.importorskip("torch")
    from blockspace import compile

    graph = Graph(shape)
    graph.add(OPS["layer_norm"](12, 1e-6), "input", name="op")
    ours = compile(graph)
    x = torch.randn(2, *shape)
    if len(shape) == 3:
        theirs = pytest.importorskip("torchvision").models.convnext.LayerNorm2d(12, 1e-6)
    else:
        theirs = torch.nn.LayerNorm(12, 1e-6)
    for parameter in theirs.parameters():
        torch.nn.init.normal_(parameter)
    ours.op.load_state_dict(theirs.state_dict())
    assert torch.allclose(ours(x), theirs(x), atol=1e-6) and list(ours.state_dict()) == ["op.weight", "op.bias"]


def test_a_constant_scale_has_no_parameter():
    pytest.importorskip("torch")
    from blockspace import compile

    graph = Graph((12, 2, 2))
    graph.add(OPS["scale"].make((12, 2, 2), by=0.5), "input", name="op")
    assert not list(compile(graph).parameters()) and graph["op"].op.params() == 0
