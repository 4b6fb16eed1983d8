"""features_only: the maps are timm's, map by map, for every library network that timm can build; and what stands around them."""

import copy
import pickle

import pytest
import timm
import torch
from graphs import Sketch, network
from library.peers import LARGEST, TOLERANCE, filled, images
from library.sizes import LARGE, families, params

import blockspace as bs
from blockspace.blocks import list_families, list_names, parse_reference
from blockspace.compiler import compile, transplant
from blockspace.errors import BlockspaceError
from blockspace.graph import find_features

NAMES = {"mobilenet_v2": "mobilenetv2_100"}  # timm's name of networks whose reference is another library's
# Where timm's maps are not those of the last units: the modules of timm's whole network that give ours. Its GhostNets take the first
# block of each reduction; the stem of our Inception v4 is one block, so the maps inside it are none.
FIRSTS = ("blocks.0", "blocks.2", "blocks.4", "blocks.6", "blocks.8")
ELSEWHERE = {"ghostnet_100": FIRSTS, "ghostnet_050": FIRSTS, "inception_v4": ("features.9", "features.17", "features.21")}


def timms(name):
    """timm's name of a library network, and the settings of its constructor; None when timm does not build it."""
    reference = parse_reference(bs.load(name).reference)
    if reference and reference.library == "timm":
        return reference.name, reference.settings
    peer = NAMES.get(name, name)
    return (peer, {}) if reference and not reference.settings and timm.is_model(peer) else None


def usual(name):
    """Whether the default suite runs it: one network of a family, not the largest."""
    return name in list_families() and params(name) <= LARGE


PEERS = [
    pytest.param(n, marks=[pytest.mark.slow] * (not usual(n)))
    for n in list_names("network")
    if params(n) <= LARGEST and timms(n)
]


def gathered(module, where):
    """A function that gives what the submodules at these places give."""
    found = {}
    for place in where:
        module.get_submodule(place).register_forward_hook(lambda part, args, output, place=place: found.update({place: output}))

    def run(x):
        module(x)
        return [found[place] for place in where]

    return run


def built(graph, **options):
    """A backbone in float64 without weights of its own."""
    with torch.device("meta"):
        return compile(graph, **options).double().to_empty(device="cpu").eval()


@pytest.mark.parametrize("name", PEERS)
def test_maps_are_timms(name):
    (peer, settings), graph = timms(name), bs.load(name).graph()
    apart = ELSEWHERE.get(name)
    theirs = filled(lambda: timm.create_model(peer, features_only=not apart, **settings))
    ours = built(graph, features_only=True)
    if apart:
        ours.load_state_dict(transplant(theirs, built(graph)).state_dict(), strict=False)
    else:
        transplant(theirs, ours)
    x = images(bs.load(name))
    with torch.inference_mode():
        expected, got = (gathered(theirs, apart) if apart else theirs)(x), ours(x)
    assert isinstance(got, list) and [m.shape for m in got] == [m.shape for m in expected]
    for theirs_is, ours_is in zip(expected, got):
        assert (theirs_is - ours_is).abs().max() <= TOLERANCE * theirs_is.abs().max()
    info = ours.feature_info
    assert info.channels() == [m.shape[1] for m in expected]
    if not apart:
        judge = theirs.feature_info
        assert (info.channels(), info.reduction(), info.out_indices) == (judge.channels(), judge.reduction(), tuple(judge.out_indices))


@pytest.mark.parametrize(
    ("name", "channels", "reduction"),
    [
        ("googlenet", [64, 192, 480, 832, 1024], [2, 4, 8, 16, 32]),  # arXiv:1409.4842 table 1
        ("shufflenet_v2_x1_0", [24, 24, 116, 232, 464], [2, 4, 8, 16, 32]),  # arXiv:1807.11164 table 5
        ("shufflenet_v1_g3_1.0x", [24, 24, 240, 480, 960], [2, 4, 8, 16, 32]),  # arXiv:1707.01083 table 1
        ("resnet20", [16, 32, 64], [1, 2, 4]),  # arXiv:1512.03385 section 4.2
    ],
)
def test_maps_of_papers(name, channels, reduction):
    found = find_features(bs.load(name).graph())
    assert [f.channels for f in found] == channels and [f.reduction for f in found] == reduction


@pytest.mark.parametrize("name", families())
def test_every_network_is_a_backbone(name):
    """Maps of the shapes it says, for a size that is not its own, and nothing behind them."""
    graph = bs.load(name).graph()
    with torch.device("meta"):
        model = compile(graph, features_only=True).eval()
        maps = model(torch.empty(2, graph.input_shape[0], 96, 160))
    info = model.feature_info
    assert [m.shape[1] for m in maps] == info.channels()
    for (_, _, height, width), stride in zip((m.shape for m in maps), info.reduction()):
        assert abs(height - 96 / stride) <= 4 and abs(width - 160 / stride) <= 4  # stems without padding lose a few
    assert info.reduction() == sorted(set(info.reduction()))
    assert not any(key.startswith("head") for key in model.state_dict())


@pytest.fixture(scope="module")
def graph():
    return bs.load("resnet20").graph()


def test_indices_are_timms(graph):
    x = torch.randn(1, 3, 32, 32)
    maps = compile(graph, seed=0, features_only=True).eval()(x)
    for asked, expected in ((None, [0, 1, 2]), ((0, 2), [0, 2]), ((-1,), [2]), ((-1, 0), [2, 0]), (2, [1, 2]), ([1], [1])):
        model = compile(graph, seed=0, features_only=True, out_indices=asked).eval()
        assert all(torch.equal(a, maps[i]) for a, i in zip(model(x), expected, strict=True))
        info = model.feature_info
        assert info.channels() == [(16, 32, 64)[i] for i in expected] and info.reduction() == [(1, 2, 4)[i] for i in expected]
        assert info.module_name() == [f"stage{i + 1}.block3" for i in expected]
        assert info.channels(0) == 16 and info.channels([0, -1]) == [16, 64] and len(info) == 3
        assert info.get_dicts(["reduction", "index"]) == [{"reduction": 2**i, "index": i} for i in expected]
        assert info[1]["num_chs"] == 32


def test_only_what_is_wanted_is_built(graph):
    whole, model = compile(graph, seed=0), compile(graph, seed=0, features_only=True, out_indices=(0, 1))
    state = whole.state_dict()
    assert {key.partition(".")[0] for key in model.state_dict()} == {"stem", "stage1", "stage2"}
    assert all(torch.equal(tensor, state[key]) for key, tensor in model.state_dict().items())


def test_a_map_is_not_written_over():
    """The unit behind a map begins with an activation that could run in place."""
    s = Sketch((3, 8, 8), "preactivated")
    s.conv("stage1", 4, act=None)
    s.conv("stage2", 4, stride=2, act=None)
    s.add("relu", name="relu")
    graph = s.head()
    assert [step.name for step in bs.graph.plan_execution(graph).steps if step.call.kwargs.get("inplace")] == ["relu"]
    first = compile(graph, seed=0, features_only=True, out_indices=(0,)).eval()
    both = compile(graph, seed=0, features_only=True).eval()
    x = torch.randn(1, 3, 8, 8)
    assert torch.equal(both(x)[0], first(x)[0]) and (both(x)[0] < 0).any()
    assert both.feature_info.module_name() == ["stage1", "relu"] and (both(x)[1] >= 0).all()


def test_copies_keep_what_they_know(graph):
    model = compile(graph, seed=0, features_only=True, out_indices=(-1,)).eval()
    x = torch.randn(1, 3, 32, 32)
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):  # noqa: S301 (our own bytes)
        assert torch.equal(twin(x)[0], model(x)[0]) and twin.feature_info.channels() == [64]


def test_gradients_reach_the_stem(graph):
    model = compile(graph, seed=0, features_only=True)
    sum(m.mean() for m in model(torch.randn(2, 3, 40, 24))).backward()
    assert all(p.grad is not None for p in model.parameters())


def refusal(*args, **options):
    with pytest.raises(BlockspaceError) as caught:
        compile(*args, **options)
    return caught.value.mistakes[0].code, caught.value.render()


@pytest.mark.parametrize("indices", [(3,), (0, -4), 4, 0, -1, ()])
def test_indices_that_do_not_exist(graph, indices):
    code, told = refusal(graph, features_only=True, out_indices=indices)
    assert code == "E-TYPE" and "resnet20 has 3 feature maps" in told
    assert "0 (16 channels at 1/1), 1 (32 channels at 1/2), 2 (64 channels at 1/4), or -3 to -1" in told


def test_what_has_no_maps(graph):
    assert refusal(bs.load("hs_block").graph((64, 8, 8)), features_only=True)[0] == "E-SHAPE"
    assert "no stages" in refusal(Sketch((3, 8, 8), "nothing").graph, features_only=True)[1]
    assert "add features_only=True" in refusal(graph, out_indices=(0,))[1]


def test_found_networks(tmp_path):
    """A network of a search space, its choices settled and written out."""
    from blockspace.blocks import serialize_network

    space = bs.load("searchspaces/hs_vs_resnext.yaml")
    (tmp_path / "arch.yaml").write_text(serialize_network(space, {}))
    model = compile(bs.canonical(bs.load(str(tmp_path / "arch.yaml")).graph()), features_only=True)
    assert model.feature_info.channels() == [48, 96, 192] and model.feature_info.reduction() == [1, 2, 4]
    assert model.feature_info.module_name() == ["stage1.block2", "stage2.block2", "stage3.block2"]


def test_a_unit_that_gives_two_values_gives_no_map():
    graph = network("hs")
    assert all(f.unit.split(".")[0] != "head" for f in find_features(graph))
