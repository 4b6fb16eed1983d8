"""Data made by a function of the user's: what it may return, and one clear line for everything else."""

from __future__ import annotations

import importlib
import sys

import numpy
import pytest
import torch

from blockspace.data import custom, decode, describe, load
from blockspace.errors import BlockspaceError
from blockspace.training import Batches, read_recipe

MODULE = '''
import numpy, torch
from PIL import Image
from torch.utils.data import Dataset

R = numpy.random.default_rng(0)
X = R.integers(0, 256, (60, 3, 8, 8), dtype=numpy.uint8)
Y = numpy.arange(60) % 3

class Items(Dataset):
    def __init__(self, kind, count=60): self.kind, self.count = kind, count
    def __len__(self): return self.count
    def __getitem__(self, i):
        x = X[i % 60]
        tensor = torch.from_numpy(x)
        brain = (tensor / 255).bfloat16()
        image = {"brain": brain, "pil": Image.fromarray(x.transpose(1, 2, 0)), "array": x, "tensor": tensor, "float": tensor / 255}
        return image[self.kind], int(Y[i % 60])

def arrays(): return X, Y
def parts(): return {"train": (X[:40], Y[:40]), "test": (X[40:], Y[40:]), "classes": ["ant", "bee", "cow"]}
def pair(): return (X[:40], Y[:40]), (X[40:], Y[40:])
def tensors(): return torch.from_numpy(X), torch.from_numpy(Y)
def floats(): return X / 255.0, Y
def brains(): return torch.from_numpy(X / 255.0).bfloat16(), Y
def ml_brains():
    import ml_dtypes
    return (X / 255.0).astype(ml_dtypes.bfloat16), Y
def grey(): return X[:, 0], Y
def items(kind="pil"): return Items(kind)
def long(kind="pil"): return {"train": Items(kind, 60), "test": Items(kind, 30)}

def raises(): raise ValueError("no such file: 7")
def number(): return 3
def nothing(): return {}
def odd(): return {"train": (X, Y), "tst": (X, Y)}
def last(): return X.transpose(0, 2, 3, 1), Y
def ints(): return X.astype(int), Y
def lengths(): return X, Y[:5]
def unlabelled(): return X, numpy.where(Y == 2, -100, Y)
def gap(): return X, Y * 2
def named_gap(): return {"train": (X, Y * 2), "classes": ["a", "b", "c"]}
def soft(): return X, Y / 2
def nan(): return X / 0.0 * 0, Y
def empty(): return Items("pil", 0)
class Torn(Items):
    def __getitem__(self, i): return Image.open("gone.png"), 0
def torn(): return Torn("pil", 9)
def sparse(): return torch.zeros(9, 1, 2, 2).to_sparse(), torch.arange(9)
def ragged(): return X[:2], [[1], [2, 3]]
def single(): return [1, 2, 3]
def words(): return [(X[0], "cat")] * 3
thing = 5
'''


@pytest.fixture(autouse=True)
def module(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "their_data.py").write_text(MODULE)
    (tmp_path / "broken.py").write_text("import not_installed_anywhere\n")
    (tmp_path / "crash.py").write_text("1 / 0\n")
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    custom.load_cached.cache_clear()
    for name in ("their_data", "broken", "crash"):
        sys.modules.pop(name, None)


def spec(name, **more):
    return {"python": f"their_data:{name}"} | more


@pytest.mark.parametrize("name", ["arrays", "tensors", "floats", "grey", "items"])
def test_one_part_is_cut_into_three(name):
    data = load(spec(name))
    assert data.counts == {"train": 42, "val": 6, "test": 12, "doubles": 0} and data.classes == ("0", "1", "2")
    assert (data.input_shape, 3) == tuple(describe(spec(name))) and data.digest == load(spec(name)).digest
    assert data.train.images.dtype == (torch.float32 if name == "floats" else torch.uint8)
    seen = data.train.normalized(data.train.images)
    assert abs(seen.mean()) < 1e-3 and abs(seen.std() - 1) < 1e-2


@pytest.mark.parametrize("name", ["parts", "pair"])
def test_given_parts_are_kept(name):
    data = load(spec(name))
    assert data.counts == {"train": 36, "val": 4, "test": 20, "doubles": 0}
    assert data.classes == (("ant", "bee", "cow") if name == "parts" else ("0", "1", "2"))


@pytest.mark.parametrize("kind", ["pil", "array", "tensor", "float"])
def test_what_does_not_fit_into_memory_is_asked_for_again(kind, monkeypatch):
    small = load(spec("long", options={"kind": kind}))
    assert isinstance(small.train.images, torch.Tensor) and small.counts["doubles"] == 30
    custom.load_cached.cache_clear()
    monkeypatch.setattr(decode, "IN_MEMORY", 1000)
    monkeypatch.setattr(custom, "IN_MEMORY", 1000)
    large = load(spec("long", options={"kind": kind}))
    assert not isinstance(large.train.images, torch.Tensor)
    sixteen = read_recipe({"batch": 16})
    for here, there in zip(Batches(small.train, sixteen, 3), Batches(large.train, sixteen, 3), strict=True):
        assert torch.equal(here[0], there[0]) and torch.equal(here[1], there[1])
    final, _ = large.final_split()
    assert len(final) == 60 and next(final.raw([torch.arange(5)])).shape == (5, 3, 8, 8)


@pytest.mark.parametrize("name", ["brains", "ml_brains", "items"])
def test_floats_of_another_kind_keep_their_values(name):
    """bfloat16, which numpy does not have: of torch, of ml_dtypes as JAX gives it, and of a Dataset's items."""
    if name == "ml_brains":
        pytest.importorskip("ml_dtypes")
    theirs = load(spec(name, options={"kind": "brain"}) if name == "items" else spec(name))
    numbers = importlib.import_module("their_data").X / 255.0
    expected = {image.numpy().tobytes() for image in torch.from_numpy(numbers).bfloat16().float()}
    seen = [theirs.train.images, theirs.val.images, theirs.final_split()[1].images]
    assert {image.numpy().tobytes() for part in seen for image in part} == expected and theirs.train.images.dtype == torch.float32


def test_size_and_channels():
    assert load(spec("items", size=4, channels=1)).input_shape == (1, 4, 4) == describe(spec("items", size=4, channels=1)).input_shape
    assert load(spec("arrays", size=4)).input_shape == (3, 4, 4)


@pytest.mark.parametrize(
    ("target", "code", "message"),
    [
        ("their_data", "E-DATA", "'their_data' names no function"),
        ("no_such.module:make", "E-DATA", "no module 'no_such'"),
        ("broken:make", "E-DATA", "broken imports 'not_installed_anywhere', which is not installed"),
        ("crash:make", "E-DATA", "importing crash raised ZeroDivisionError: division by zero"),
        ("their_data:array", "E-DATA", "their_data has no 'array'"),
        ("their_data:thing", "E-DATA", "their_data holds no function 'thing'"),
        ("their_data:raises", "E-DATA", "raised ValueError: no such file: 7 (their_data.py, line"),
        ("their_data:number", "E-DATA", "train is int, neither (images, labels) nor a Dataset"),
        ("their_data:nothing", "E-DATA", "there is no train part"),
        ("their_data:odd", "E-DATA", "the part 'tst' is unknown"),
        ("their_data:last", "E-DATA", "(60, 8, 8, 3), channels last"),
        ("their_data:ints", "E-DATA", "train has images of int64"),
        ("their_data:lengths", "E-DATA", "labels of shape (5,)"),
        ("their_data:unlabelled", "E-LABEL", "labels run from -100 to 1, expected 0 and up"),
        ("their_data:gap", "E-LABEL", "labels run from 0 to 4, but only 3 of them occur; missing: 1, 3"),
        ("their_data:named_gap", "E-LABEL", "labels run from 0 to 4, expected 0 to 2 for 3 classes"),
        ("their_data:soft", "E-LABEL", "train has labels of float64, not integers"),
        ("their_data:nan", "E-DATA", "NaN or infinite"),
        ("their_data:empty", "E-DATA", "train is empty"),
        ("their_data:torn", "E-DATA", "train[0] raised FileNotFoundError: [Errno 2] No such file or directory: "),
        ("their_data:sparse", "E-DATA", "the images of train cannot be read as an array: "),
        ("their_data:ragged", "E-DATA", "the labels of train cannot be read as an array: ValueError: "),
        ("their_data:single", "E-DATA", "train is list, neither (images, labels) nor a Dataset"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_one_clear_line(target, code, message):
    with pytest.raises(BlockspaceError) as caught:
        load({"python": target})
    (mistake,) = caught.value.mistakes
    assert mistake.code == code and message in mistake.message and "\n" not in mistake.message, mistake


def test_wrong_options_and_a_near_name():
    with pytest.raises(BlockspaceError, match="raised TypeError: arrays.. got an unexpected keyword argument 'sise'"):
        load(spec("arrays", options={"sise": 3}))
    with pytest.raises(BlockspaceError) as caught:
        load({"python": "their_data:aray"})
    assert "did you mean 'arrays'?" in caught.value.mistakes[0].help


def test_other_content_is_another_digest(tmp_path):
    before = load(spec("arrays")).digest
    custom.load_cached.cache_clear()
    sys.modules.pop("their_data")
    (tmp_path / "their_data.py").write_text(MODULE.replace("default_rng(0)", "default_rng(1_000)"))
    assert load(spec("arrays")).digest != before


def test_numpy_integers_are_labels():
    made = custom.check_parts((numpy.zeros((3, 1, 2, 2), numpy.uint8), numpy.array([0, 1, 2], numpy.uint8)))
    assert made.parts["train"].labels == [0, 1, 2]
