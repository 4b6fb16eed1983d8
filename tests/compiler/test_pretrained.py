"""load_pretrained: checkpoints as people find them, on our names; their outputs are those of the module they were saved from."""

import socket
import urllib.error

import pytest
import timm
import torch
import torchvision
from library.peers import filled
from safetensors.torch import save_file

import blockspace as bs
from blockspace.compiler import compile, find_weights
from blockspace.errors import BlockspaceError

X = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    """No test here may reach a network."""

    def refuse(*_):
        raise OSError("no network in tests")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def small(make, **options):
    """A reference with random weights, in float32."""
    return filled(lambda: make(**options)).float()


def close(ours, theirs):
    with torch.inference_mode():
        expected, got = theirs(X), ours.eval()(X)
    return got.shape == expected.shape and (got - expected).abs().max() <= 1e-4 * expected.abs().max()


@pytest.fixture(scope="module")
def resnet():
    return small(torchvision.models.resnet18)


WRAPPED = {
    "plain.pth": lambda state: state,
    "state_dict.tar": lambda state: {"epoch": 3, "arch": "resnet18", "state_dict": {f"module.{key}": t for key, t in state.items()}},
    "model.pt": lambda state: {"model": state, "optimizer": {"state": {}, "param_groups": [{"lr": 0.1}]}},
    "lightning.ckpt": lambda state: {"state_dict": {f"model.{key}": t for key, t in state.items()}, "hyper_parameters": {"lr": 0.1}},
    "compiled.bin": lambda state: {"model_ema": {f"module._orig_mod.{key}": t for key, t in state.items()}, "model": {"x": torch.ones(1)}},
    "half.pth": lambda state: {key: t.double() for key, t in state.items()},
    "old.pth": lambda state: {key: t for key, t in state.items() if not key.endswith("num_batches_tracked")},
    "weights.safetensors": lambda state: state,
}


@pytest.mark.parametrize("name", WRAPPED)
def test_checkpoints_as_people_find_them(resnet, tmp_path, name):
    (save_file if name.endswith("safetensors") else torch.save)(WRAPPED[name](resnet.state_dict()), tmp_path / name)
    ours = bs.load_pretrained("resnet18", tmp_path / name)
    assert close(ours, resnet) and ours.meta["pretrained"] == {"source": str(tmp_path / name)}


def test_ours_and_timms_are_known_by_their_names(tmp_path):
    theirs = small(lambda: timm.create_model("ghostnet_100"))
    torch.save(theirs.state_dict(), tmp_path / "timm.pth")
    first = bs.load_pretrained("ghostnet_100", str(tmp_path / "timm.pth"))
    assert close(first, theirs)
    save_file(first.state_dict(), tmp_path / "ours.safetensors")
    assert close(bs.load_pretrained("ghostnet_100", tmp_path / "ours.safetensors"), theirs)


def test_heads_for_training_are_left_out(tmp_path):
    theirs = small(torchvision.models.googlenet, init_weights=False)
    theirs.transform_input = False
    torch.save(theirs.state_dict(), tmp_path / "googlenet.pth")
    assert close(bs.load_pretrained("googlenet", tmp_path / "googlenet.pth"), theirs)


def test_another_number_of_classes(resnet, tmp_path):
    ten = small(torchvision.models.resnet18, num_classes=10)
    torch.save(ten.state_dict(), tmp_path / "ten.pth")
    assert close(bs.load_pretrained("resnet18", tmp_path / "ten.pth", classes=10), ten)
    new = bs.load_pretrained("resnet18", tmp_path / "ten.pth", classes=7).eval()
    whole = bs.load_pretrained("resnet18", tmp_path / "ten.pth", classes=10).state_dict()
    assert new(X).shape == (2, 7)
    assert all(torch.equal(tensor, whole[key]) for key, tensor in new.state_dict().items() if not key.startswith("head"))
    code, told = refused("resnet18", tmp_path / "ten.pth")
    assert code == "E-WEIGHTS" and "ten.pth has 10 classes, resnet18 has 1000" in told
    assert "classes=10 takes its last layer too, classes=1000 draws it anew" in told
    assert find_weights(bs.load("resnet18"), tmp_path / "ten.pth").network.graph().output_shape == (10,)


def test_a_backbone(resnet, tmp_path):
    torch.save(resnet.state_dict(), tmp_path / "resnet18.pth")
    ours = bs.load_pretrained("resnet18", tmp_path / "resnet18.pth", features_only=True, out_indices=(-1,)).eval()
    assert ours.feature_info.channels() == [512] and not any(key.startswith("head") for key in ours.state_dict())
    with torch.inference_mode():
        assert torch.allclose(ours(X)[0].mean((2, 3)) @ resnet.fc.weight.T + resnet.fc.bias, resnet(X), rtol=1e-3, atol=1e-3)


def test_a_variant_with_settings_of_its_own(tmp_path):
    theirs = small(torchvision.models.mobilenet_v2, width_mult=0.5)
    torch.save(theirs.state_dict(), tmp_path / "half.pth")
    graph = bs.load("mobilenet_v2", alpha="0.5").graph()
    bs.transplant(theirs, compile(graph))  # the layers are the same, but nothing says which constructor made them
    assert refused("mobilenet_v2", tmp_path / "half.pth", alpha="0.5")[0] == "E-WEIGHTS"


# -- the libraries' own weights, their download replaced ----------------------------------------------------------------------------------


def test_torchvisions_own(resnet, monkeypatch):
    weights = torchvision.models.ResNet18_Weights
    monkeypatch.setattr(weights, "get_state_dict", lambda self, *args, **options: resnet.state_dict())
    for source in ("torchvision", None):
        ours = bs.load_pretrained("resnet18", source)
        assert close(ours, resnet)
        assert ours.meta["pretrained"] == {
            "source": "torchvision:resnet18", "weights": "ResNet18_Weights.IMAGENET1K_V1",
            "mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225),
        }  # fmt: skip


def test_torchvisions_googlenet_is_given_the_images_it_computes_with(monkeypatch):
    """Its weights come with `transform_input`: ImageNet's normalisation is turned into (x - 0.5) / 0.5 inside."""
    theirs = small(torchvision.models.googlenet, init_weights=False)
    theirs.transform_input = True
    monkeypatch.setattr(torchvision.models.GoogLeNet_Weights, "get_state_dict", lambda *args, **options: theirs.state_dict())
    ours = bs.load_pretrained("googlenet", "torchvision").eval()
    image = torch.rand(2, 3, 64, 64)
    about = ours.meta["pretrained"]
    normal = [torch.tensor(v).view(1, 3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), about["mean"], about["std"])]
    with torch.inference_mode():
        expected, got = theirs((image - normal[0]) / normal[1]), ours((image - normal[2]) / normal[3])
    assert (got - expected).abs().max() <= 1e-4 * expected.abs().max()


def test_timms_own(monkeypatch):
    theirs = small(lambda: timm.create_model("resnet18"))
    made, real = [], timm.create_model

    def create(name, pretrained=False, **options):
        made.append((name, pretrained))
        if not pretrained:
            return real(name, **options)
        theirs.pretrained_cfg = timm.get_pretrained_cfg(name).to_dict()
        return theirs

    monkeypatch.setattr(timm, "create_model", create)
    ours = bs.load_pretrained("resnet18", "timm")
    assert close(ours, theirs) and ("resnet18", True) in made
    assert ours.meta["pretrained"]["source"] == "timm:resnet18" and len(ours.meta["pretrained"]["mean"]) == 3


def test_without_a_network_the_path_is_asked_for(monkeypatch, tmp_path):
    def unreachable(*args, **options):
        raise urllib.error.URLError("no route")

    monkeypatch.setattr(torch.hub, "download_url_to_file", unreachable)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    code, told = refused("resnet18", "torchvision")
    assert (
        code == "E-FILE" and "torchvision:resnet18 cannot be downloaded: <urlopen error no route>" in told and "source='FILE.pth'" in told
    )


# -- mistakes ----------------------------------------------------------------------------------------------------------------------------


def refused(name, source, **options):
    with pytest.raises(BlockspaceError) as caught:
        bs.load_pretrained(name, source, **options)
    assert "\n" not in str(caught.value)
    return caught.value.mistakes[0].code, caught.value.render()


class Anything:
    """An object of a training script."""


@pytest.mark.parametrize(
    ("name", "write", "code", "message"),
    [
        ("gone.pth", None, "E-FILE", "no file"),
        ("junk.pth", lambda path: path.write_bytes(b"junk"), "E-FILE", "is not a checkpoint, or damaged"),
        ("empty.pth", lambda path: path.write_bytes(b""), "E-FILE", "is not a checkpoint, or damaged"),
        ("torn.safetensors", lambda path: path.write_bytes(b"torn"), "E-FILE", "cannot read weights"),
        ("whole.pth", lambda path: torch.save(torch.nn.Linear(2, 2), path), "E-WEIGHTS", "pickled Python objects, which are not loaded"),
        ("args.pth", lambda path: torch.save({"args": Anything()}, path), "E-WEIGHTS", "pickled Python objects"),
        ("none.pth", lambda path: torch.save({"epoch": 3}, path), "E-WEIGHTS", "contains no weights"),
        ("other.pth", lambda path: torch.save(torch.nn.Linear(2, 2).state_dict(), path), "E-WEIGHTS", "does not fit resnet18: missing "),
    ],
)
def test_files_that_cannot_be_used(tmp_path, name, write, code, message):
    if write:
        write(tmp_path / name)
    found, told = refused("resnet18", tmp_path / name)
    assert found == code and message in told and "= help:" in told


def test_a_torn_checkpoint(resnet, tmp_path):
    torch.save(resnet.state_dict(), tmp_path / "whole.pth")
    (tmp_path / "torn.pth").write_bytes((tmp_path / "whole.pth").read_bytes()[:100_000])
    assert refused("resnet18", tmp_path / "torn.pth")[0] == "E-FILE"


def test_another_network(resnet, tmp_path):
    torch.save(resnet.state_dict(), tmp_path / "resnet18.pth")
    code, told = refused("resnet50", tmp_path / "resnet18.pth")
    assert code == "E-WEIGHTS" and "resnet18.pth does not fit resnet50: missing layer1.0.bn3.bias" in told
    wide = {key: torch.cat([t, t]) if key == "layer1.0.conv1.weight" else t for key, t in resnet.state_dict().items()}
    torch.save(wide, tmp_path / "wide.pth")
    assert "layer1.0.conv1.weight is 128x64x3x3, the network has 64x64x3x3" in refused("resnet18", tmp_path / "wide.pth")[1]


@pytest.mark.parametrize(
    ("name", "source", "code", "message"),
    [
        ("resnet18", "torchvison", "E-NAME", "did you mean 'torchvision'?"),
        ("ghostnet_100", "torchvision", "E-WEIGHTS", "its reference is timm:ghostnet_100; give source='timm'"),
        ("resnet20", None, "E-WEIGHTS", "has no reference in a library with weights"),
        ("se", "torchvision", "E-OP", "se is a block"),
    ],
)
def test_sources_that_do_not_exist(name, source, code, message):
    found, told = refused(name, source)
    assert found == code and message in told


def test_a_folder_of_ours(tmp_path):
    graph = bs.load("resnet20").graph()
    module = compile(graph, seed=0).eval()
    bs.export("resnet20", tmp_path / "out", formats=["safetensors"])
    save_file(module.state_dict(), tmp_path / "out" / "weights.safetensors")
    ours = bs.load_pretrained(tmp_path / "out").eval()
    assert torch.equal(ours(X), module(X))
    last = bs.load_pretrained(str(tmp_path / "out"), classes=3, features_only=True, out_indices=(-1,)).eval()
    assert last(X)[0].shape == (2, 64, 16, 16)


def test_either_form(tmp_path):
    """Weights of the canonical form, where branches are one grouped convolution, for the network as written, and the other way."""
    net = (
        "format: blockspace/network/1\nnetwork: branches\nparams: {classes: 5}\ninput: [3, 16, 16]\nstem: [conv3x3: 64]\n"
        "stages: [{block: resnext_a, repeat: 1, out_channels: 64}]\nhead: [global_avgpool, linear: classes]\n"
    )
    (tmp_path / "net.yaml").write_text(net)
    graph = bs.load(str(tmp_path / "net.yaml")).graph()
    canonical = bs.canonical(graph)
    assert len(canonical) < len(graph)
    module = compile(canonical, seed=0).eval()
    save_file(module.state_dict(), tmp_path / "canonical.safetensors")
    ours = bs.load_pretrained(tmp_path / "net.yaml", tmp_path / "canonical.safetensors").eval()
    assert ours.state_dict().keys() == compile(graph).state_dict().keys()
    x = X[:, :, :16, :16]
    assert torch.allclose(ours(x), module(x), atol=1e-4)
    save_file(ours.state_dict(), tmp_path / "written.safetensors")
    found = find_weights(bs.load(str(tmp_path / "net.yaml")), tmp_path / "written.safetensors")
    again = compile(canonical).eval()
    bs.compiler.load_state(again, canonical, found.onto(canonical), found.origin)
    assert torch.allclose(again(x), module(x), atol=1e-4)
