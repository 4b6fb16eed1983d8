"""The timm format: what a timm user expects of a model holds for an exported folder, without blockspace."""

import json
import runpy
import sys

import pytest
import timm
import torch
from library.sizes import families
from safetensors.torch import load_file

import blockspace as bs
from blockspace.compiler import compile, python_name, to_timm_source
from blockspace.errors import BlockspaceError, ExportError
from blockspace.exporting import export_folder, timm_format
from blockspace.graph import find_features
from blockspace.records import TrainingFacts

torch.set_num_threads(1)
NET = """
format: blockspace/network/1
network: Tiny-0.5x
params: {classes: 7}
input: [3, 32, 32]
stem: [conv3x3: {out: 8, stride: 2}, conv3x3: {out: 8, order: norm-act-conv}]
stages:
  - {block: resnet_basic, repeat: 2, out_channels: 8}
  - {block: resnet_basic, repeat: 1, out_channels: 16, stride: 2}
  - {norm}
  - {relu}
head: [conv1x1: 24, global_avgpool, dropout: 0.3, linear: classes]
""".replace("{norm}", "norm").replace("{relu}", "relu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An exported network with statistics of its own, and its module."""
    place = tmp_path_factory.mktemp("timm")
    (place / "net.yaml").write_text(NET)
    graph = bs.load(str(place / "net.yaml")).graph()
    module = compile(graph, seed=0)
    module(torch.randn(16, 3, 32, 32))
    facts = TrainingFacts(mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6))
    made = export_folder(graph, module, place / "out", "arch: 1\n", "# card\n", formats=("timm",), facts=facts)
    assert sorted(p.name for p in made.folder.iterdir()) == sorted(made.sizes) == [
        "arch.yaml", "card.md", "config.json", "facts.json", "tiny_0_5x.py", "weights.safetensors",
    ]  # fmt: skip
    assert made.differences["timm"] <= 1e-5
    return made.folder, module.eval()


@pytest.fixture(scope="module")
def registered(folder):
    """The folder's file imported here, as a user does."""
    sys.path.insert(0, str(folder[0]))
    try:
        yield __import__("tiny_0_5x").__name__
    finally:
        sys.path.remove(str(folder[0]))
        sys.modules.pop("tiny_0_5x", None)


X = torch.randn(2, 3, 32, 48, generator=torch.Generator().manual_seed(1))


def test_pretrained(folder, registered):
    module = folder[1]
    assert timm.is_model(registered) and timm.is_model_pretrained(registered)
    model = timm.create_model(registered, pretrained=True).eval()
    with torch.inference_mode():
        assert torch.allclose(model(X), module(X), atol=1e-5)
        assert torch.allclose(model.forward_head(model.forward_features(X)), module(X), atol=1e-5)
        assert model.forward_head(model.forward_features(X), pre_logits=True).shape == (2, 24)
        assert model.forward_features(X).shape == (2, model.num_features, 8, 12)
    assert model.state_dict().keys() == load_file(folder[0] / "weights.safetensors").keys()
    fresh = timm.create_model(registered).eval()
    assert not torch.allclose(fresh(X), module(X), atol=1e-3)


def test_what_timm_says_of_it(folder, registered):
    model = timm.create_model(registered)
    cfg = model.pretrained_cfg
    assert cfg["mean"] == (0.1, 0.2, 0.3) and cfg["std"] == (0.4, 0.5, 0.6) and cfg["num_classes"] == model.num_classes == 7
    assert cfg["input_size"] == (3, 32, 32) and cfg["classifier"] == "head.linear" and model.default_cfg is cfg
    assert timm.data.resolve_model_data_config(model)["mean"] == (0.1, 0.2, 0.3)
    assert isinstance(model.get_classifier(), torch.nn.Linear) and model.head_hidden_size == 24
    config = json.loads((folder[0] / "config.json").read_text())
    assert config["architecture"] == registered and config["num_features"] == model.num_features == 16


def test_other_classes_and_channels(folder, registered):
    module = folder[1]
    model = timm.create_model(registered, pretrained=True, num_classes=3).eval()
    assert model(X).shape == (2, 3) and model.num_classes == 3
    whole = module.state_dict()
    assert all(torch.equal(t, whole[key]) for key, t in model.state_dict().items() if not key.startswith("head.linear"))
    pooled = timm.create_model(registered, pretrained=True, num_classes=0).eval()
    assert pooled(X).shape == (2, 24) and isinstance(pooled.get_classifier(), torch.nn.Identity)
    maps = timm.create_model(registered, pretrained=True, num_classes=0, global_pool="").eval()
    assert maps(X).shape == (2, 16, 8, 12)
    model.reset_classifier(5)
    assert model(X).shape == (2, 5)
    grey = timm.create_model(registered, pretrained=True, in_chans=1).eval()
    with torch.inference_mode():  # timm sums the weights of the colours
        assert torch.allclose(grey(X[:, :1]), module(X[:, :1].expand(-1, 3, -1, -1)), atol=1e-4)
    with pytest.raises(ValueError, match="global_pool"):
        timm.create_model(registered, global_pool="max")


def test_dropout_and_checkpointing(registered):
    model = timm.create_model(registered, drop_rate=0.9)
    assert model.head.dropout.p == 0.9 and timm.create_model(registered).head.dropout.p == 0.3
    plain, saving = (timm.create_model(registered, pretrained=True, drop_rate=0.0).train() for _ in range(2))
    saving.set_grad_checkpointing(True)
    for one in (plain, saving):
        one(X.clone()).sum().backward()
    assert all(torch.allclose(a.grad, b.grad, atol=1e-5) for a, b in zip(plain.parameters(), saving.parameters()))


@pytest.mark.parametrize(("indices", "expected"), [(None, [0, 1]), ((1,), [1]), ((-2,), [0]), ((0, -1), [0, 1])])
def test_features_only(folder, registered, indices, expected):
    given = {} if indices is None else {"out_indices": indices}
    theirs = timm.create_model(registered, pretrained=True, features_only=True, **given).eval()
    whole = bs.load(str(folder[0].parent / "net.yaml")).graph()
    ours = compile(whole, features_only=True).eval()
    ours.load_state_dict(folder[1].state_dict(), strict=False)
    maps = ours(X)
    assert all(torch.allclose(a, maps[i], atol=1e-5) for a, i in zip(theirs(X), expected, strict=True))
    assert theirs.feature_info.channels() == [(8, 16)[i] for i in expected]
    assert theirs.feature_info.reduction() == [(2, 4)[i] for i in expected]
    if expected == [0]:
        assert not any("stage2" in key or "head" in key for key in theirs.state_dict())


def test_intermediates(registered):
    model = timm.create_model(registered, pretrained=True).eval()
    last, maps = model.forward_intermediates(X)
    assert torch.equal(last, model.forward_features(X)) and [m.shape[1] for m in maps] == [8, 16]
    assert [m.shape[1] for m in model.forward_intermediates(X, indices=1, intermediates_only=True)] == [16]
    with pytest.raises(ValueError, match="0 to 1"):
        model.forward_intermediates(X, indices=[2])


def test_from_the_folder(folder, registered):
    model = timm.create_model(f"local-dir:{folder[0]}", pretrained=True).eval()
    with torch.inference_mode():
        assert torch.allclose(model(X), folder[1](X), atol=1e-5)
    assert model.pretrained_cfg["mean"] == [0.1, 0.2, 0.3]


def test_a_training_step(registered):
    """With timm's own optimizer, which asks a model for its groups."""
    from timm.optim import create_optimizer_v2

    model = timm.create_model(registered, pretrained=True, num_classes=2, drop_rate=0.0)
    before = {key: p.detach().clone() for key, p in model.named_parameters()}
    optimizer = create_optimizer_v2(model, opt="adamw", lr=0.1, weight_decay=0.05)
    torch.nn.functional.cross_entropy(model(X), torch.tensor([0, 1])).backward()
    optimizer.step()
    assert all(not torch.equal(p, before[key]) for key, p in model.named_parameters())


@pytest.mark.parametrize("name", families())
def test_every_network_prints(name, tmp_path):
    """The printed network has our names and maps, and its parts are the whole."""
    graph = bs.load(name).graph()
    path = tmp_path / "net.py"
    path.write_text(to_timm_source(graph, f"printed_{python_name(name)}", {}, "weights.safetensors"))
    with torch.device("meta"):
        space = runpy.run_path(str(path), run_name="printed")
        model = space[f"printed_{python_name(name)}"]().eval()
        ours = compile(graph).eval()
        x = torch.empty(2, *graph.input_shape)
        assert model(x).shape == ours(x).shape
    assert {k: t.shape for k, t in model.state_dict().items()} == {k: t.shape for k, t in ours.state_dict().items()}
    channels = [feature.channels for feature in find_features(graph)]
    assert [one["num_chs"] for one in model.feature_info] == channels
    with torch.device("meta"):
        assert [m.shape[1] for m in model.forward_intermediates(x, intermediates_only=True)] == channels
        model.prune_intermediate_layers([0])
        assert len(model.forward_intermediates(x, indices=[0], intermediates_only=True)) == 1


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("shufflenet_v1_g3_1.0x", "shufflenet_v1_g3_1_0x"),
        ("3a", "net_3a"),
        ("json", "net_json"),
        ("model", "net_model"),
        ("class", "net_class"),
    ],
)
def test_names(name, expected):
    assert python_name(name) == expected


def test_timms_own_names_are_left_alone():
    assert timm_format.choose_timm_name("resnet50") == "bs_resnet50" and timm_format.choose_timm_name("resnet20") == "resnet20"


def test_without_timm(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(timm_format, "find_spec", lambda name: None)
    with pytest.raises(BlockspaceError) as caught:
        export_folder(bs.load("resnet20").graph(), folder[1], tmp_path / "out", "", "", formats=("py", "timm"))
    assert caught.value.mistakes[0].code == "E-KEY" and "pip install timm" in caught.value.render()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("F.relu", "F.gelu", "timm: "),
        pytest.param("import torch\n", "import torhc\n", "timm: the written model does not load: ", marks=pytest.mark.slow),
    ],
)
def test_what_differs_leaves_nothing(folder, tmp_path, monkeypatch, old, new, message):
    graph = bs.load(str(folder[0].parent / "net.yaml")).graph()
    source = timm_format.to_timm_source
    monkeypatch.setattr(timm_format, "to_timm_source", lambda *args: source(*args).replace(old, new).replace(", inplace=True", ""))
    with pytest.raises(ExportError, match=message):
        export_folder(graph, folder[1], tmp_path / "out", "", "", formats=("timm",))
    assert not list(tmp_path.iterdir())
