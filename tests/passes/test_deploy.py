"""The form for deployment: equal in eval mode on every library block and network, norms folded, shuffles gone where they can go."""

from __future__ import annotations

import runpy

import pytest
import torch
from library.sizes import families
from passes.narrow import blocks

import blockspace as bs
from blockspace.blocks import list_families, list_names
from blockspace.compiler import compile
from blockspace.compiler.weights.convert import apply_weight_map
from blockspace.ops import BatchNorm, ChannelShuffle, Concat, Conv, Dropout, DropPath, Part
from blockspace.passes import RULES, MutableGraph, canonical, rewrite

torch.set_num_threads(1)
SINGLE, DOUBLE = 1e-5, 1e-10  # largest difference allowed, as a share of the largest output


def warmed(graph: bs.Graph) -> torch.nn.Module:
    """A module as after some training: norms that do something."""
    module, generator = compile(graph, seed=0).eval(), torch.Generator().manual_seed(0)
    for name, tensor in module.state_dict().items():
        if name.endswith("running_var"):
            tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)
        elif tensor.ndim == 1:
            tensor.add_(torch.randn(tensor.shape, generator=generator) * 0.1)
    return module


def apart(module: torch.nn.Module, other: torch.nn.Module, shape: tuple, dtype: torch.dtype) -> float:
    x = torch.randn(2, *shape, dtype=dtype, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        ours, theirs = module(x.clone()), other.eval()(x)
    return ((ours - theirs).abs().max() / max(1.0, ours.abs().max())).item()


def equal(graph: bs.Graph) -> None:
    """Outputs agree in 32 bits, weights handed over by `weights_from`, and in 64 bits, weights by the map."""
    form = canonical(graph)
    found = rewrite(form, "deploy")
    module, fast = warmed(form), compile(found.after, seed=0)
    assert apart(module, bs.transplant(module, fast), graph.input_shape, torch.float32) <= SINGLE
    module, fast = module.double(), fast.double()
    fast.load_state_dict(apply_weight_map(found.weights, module.state_dict()))
    assert apart(module, fast, graph.input_shape, torch.float64) <= DOUBLE


@pytest.mark.parametrize("graph", blocks(), ids=list_names("block"))
def test_blocks_are_equal(graph):
    equal(graph)


@pytest.mark.parametrize("name", families(left_out=("vgg16",)))  # which has nothing but dropout to rewrite
def test_networks_are_equal(name):
    equal(small(name))


VARIANTS = sorted(set(list_names("network")) - set(list_families()))
LARGE = 30e6  # params


@pytest.mark.slow
@pytest.mark.parametrize("name", VARIANTS)
def test_variants_are_equal(name):
    graph = small(name)
    if bs.cost(graph).params > LARGE:
        pytest.skip(f"more than {LARGE:,.0f} params; its family has smaller members")
    equal(graph)


def small(name: str) -> bs.Graph:
    """The network on the smallest map that it takes."""
    network = bs.load(name)
    for side in (32, 64, 96, 160):
        try:
            return network.graph((3, side, side))
        except bs.BlockspaceError:
            continue
    return network.graph()


@pytest.mark.parametrize("name", list_families())
def test_what_is_left(name):
    """Norms stay where no convolution that they alone read is before them, shuffles between groups; nothing costs more."""
    graph = bs.load(name).graph()
    found = rewrite(canonical(graph), "deploy")
    draft = MutableGraph(found.after.verify())
    assert bs.deploy(graph).as_dict() == found.after.as_dict() and bs.deploy(found.after) is found.after
    assert not rewrite(bs.Graph.from_dict(found.after.as_dict()), "deploy").steps
    assert all(found.saves[what] >= 0 for what in ("macs", "params", "launches"))
    for node in found.after:
        assert not isinstance(node.op, (Dropout, DropPath))
        if isinstance(node.op, BatchNorm):
            assert RULES["affine_after_convolution"].why_not(draft, node)
        if isinstance(node.op, ChannelShuffle):
            assert {grouped(before) for before in ends(draft, node, draft.inputs)} == {True}
            assert {grouped(behind) for behind in ends(draft, node, draft.readers_of)} == {True}


def grouped(node) -> bool:
    return isinstance(node.op, Conv) and node.op.groups > 1


def ends(draft: MutableGraph, node, around) -> list:
    """The nodes next to it, those that do the same to every channel passed over."""
    found = []
    for other in around(node):
        found += ends(draft, other, around) if other.op.channelwise or isinstance(other.op, Conv) and other.op.depthwise else [other]
    return found


def test_shufflenet_v2_copies_only_what_it_reads():
    """No shuffle; a unit's input is put together from parts, and what passes is not touched until then. A stage's first unit concats."""
    graph = bs.deploy(bs.load("shufflenet_v2_x1_0").graph())
    assert not any(isinstance(node.op, ChannelShuffle) for node in graph)
    readers = graph.readers()
    for node in graph:
        if isinstance(node.op, Concat):
            first = node.name.startswith(tuple(f"stage{i}.block1." for i in (1, 2, 3))) and graph[node.inputs[0]].name.endswith("conv")
            assert first or all(isinstance(graph[reader].op, Conv) for reader in readers[node.name])
        if isinstance(node.op, Part):
            assert all(isinstance(graph[reader].op, (Conv, Concat)) for reader in readers[node.name])


def test_weights_of_torchvision():
    torchvision = pytest.importorskip("torchvision")
    theirs = torchvision.models.shufflenet_v2_x1_0(weights=None).eval()
    graph = bs.load("shufflenet_v2_x1_0").graph((3, 64, 64))
    fast = bs.compile(bs.deploy(graph), weights_from=theirs)
    assert apart(theirs, fast, graph.input_shape, torch.float32) <= SINGLE
    again = bs.compile(bs.deploy(graph), weights_from=fast)
    assert all(torch.equal(a, b) for a, b in zip(fast.state_dict().values(), again.state_dict().values()))


def test_repvgg_is_timms_reparameterised():
    timm = pytest.importorskip("timm")
    theirs = timm.utils.reparameterize_model(timm.create_model("repvgg_a0"))
    ours = bs.deploy(bs.load("repvgg_a0").graph())
    assert bs.cost(ours).params == sum(p.numel() for p in theirs.parameters())


def test_the_way_is_one_way():
    found = rewrite(canonical(bs.load("resnet20").graph()), "deploy")
    with pytest.raises(bs.BlockspaceError, match="weight map is not invertible: .* discards information"):
        found.weights.inverse()
    with pytest.raises(bs.BlockspaceError):
        bs.compile(bs.load("resnet20").graph(), weights_from=compile(found.after, seed=0))


def test_the_printed_source_runs(tmp_path):
    graph = bs.deploy(bs.load("shufflenet_v2_x1_0").graph((3, 64, 64)))
    (tmp_path / "model.py").write_text(bs.to_source(graph))
    space = runpy.run_path(str(tmp_path / "model.py"), run_name="printed")
    printed = [v for v in space.values() if isinstance(v, type) and v.__module__ == "printed"][-1]()
    module = compile(graph, seed=0).eval()
    printed.load_state_dict(module.state_dict())
    assert apart(module, printed, graph.input_shape, torch.float32) == 0
