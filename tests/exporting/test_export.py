"""export: whole, checked folders, or nothing."""

import json
import os
import subprocess
import sys

import onnxruntime
import pytest
import torch
from compiler.graphs import network
from safetensors import safe_open

from blockspace.compiler import compile
from blockspace.errors import BlockspaceError, ExportError
from blockspace.exporting import EXPORT_FORMATS, PORTABLE_FORMATS, export_folder, formats
from blockspace.exporting.export_folder import make_examples
from blockspace.graph import Graph
from blockspace.ops import OPS, Add, BatchNorm, Concat, Conv, Linear, Part

torch.set_num_threads(1)
ENV = {**os.environ, "OMP_NUM_THREADS": "1"}
ALL = tuple(name for name in formats.FORMATS if name in PORTABLE_FORMATS)  # timm takes networks alone, and has tests of its own
QUICK = ("py", "safetensors")  # the converters take seconds


@pytest.fixture
def graph():
    """Split, transform, merge, with dropout, which must be off in every file."""
    graph = Graph((3, 8, 8), "tiny")
    graph.add(Conv(3, 8, (3, 3), padding=(1, 1)), "input", name="stem.conv")
    graph.add(BatchNorm(8), "stem.conv", name="stem.norm")
    graph.add(OPS["relu"](), "stem.norm", name="stem.relu")
    parts = [graph.add(Part(4 * i, 4 * i + 4), "stem.relu", name=f"split{i}").name for i in range(2)]
    graph.add(Conv(4, 4, (3, 3), padding=(1, 1), groups=2), parts[1], name="part.conv")
    graph.add(Concat(), parts[0], "part.conv", name="concat")
    graph.add(OPS["channel_shuffle"](2), "concat", name="shuffle")
    graph.add(Add(), "shuffle", "stem.relu", name="add")
    graph.add(OPS["adaptive_avgpool"](1), "add", name="pool")
    graph.add(OPS["flatten"](), "pool", name="flatten")
    graph.add(OPS["dropout"](0.5), "flatten", name="dropout")
    graph.add(Linear(8, 5), "dropout", name="linear")
    return graph


@pytest.fixture
def trained(graph):
    module = compile(graph, seed=0)
    module(torch.randn(16, 3, 8, 8))  # so that the norms have statistics
    return module


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_all_formats_are_checked_and_silent(graph, trained, tmp_path, capfd):
    made = export_folder(graph, trained, tmp_path / "out", "arch: 1\n", "# card\n", formats=ALL)
    assert capfd.readouterr() == ("", "")
    assert names(tmp_path) == ["out"] and made.folder == tmp_path / "out"
    files = ["arch.yaml", "card.md", "model.onnx", "model.pt2", "model.py", "weights.safetensors"]
    assert names(made.folder) == files == sorted(made.sizes)
    assert all(made.sizes[name] == (made.folder / name).stat().st_size for name in files)
    assert made.differences.keys() == set(ALL) and max(made.differences.values()) <= 1e-4
    assert (made.folder / "arch.yaml").read_text() == "arch: 1\n" and (made.folder / "card.md").read_text() == "# card\n"
    assert trained.training
    with safe_open(made.folder / "weights.safetensors", "pt") as file:
        assert file.metadata() == {"format": "pt", "network": "tiny", "key": graph.key()}
    session = onnxruntime.InferenceSession(made.folder / "model.onnx", providers=["CPUExecutionProvider"])
    x = torch.randn(5, 3, 8, 8)
    got = session.run(None, {"input": x.numpy()})[0]
    assert abs(got - trained.eval()(x).detach().numpy()).max() <= 1e-5


def test_the_form_for_deployment(graph, trained, tmp_path):
    """Without norms and shuffles, equal to the trained module; the weights that can be trained on are kept beside."""
    made = export_folder(graph, trained, tmp_path / "out", "arch: 1\n", "# card\n", formats=ALL, deployed=True)
    files = ["model_deploy.onnx", "model_deploy.pt2", "model_deploy.py", "weights.safetensors", "weights_deploy.safetensors"]
    assert names(made.folder) == ["arch.yaml", "card.md", *files]
    assert made.differences.keys() == set(ALL) and max(made.differences.values()) <= 1e-4
    assert "BatchNorm" not in (made.folder / "model_deploy.py").read_text()
    with safe_open(made.folder / "weights_deploy.safetensors", "pt") as file:
        assert file.metadata() == {"format": "pt", "network": "tiny", "key": graph.key(), "form": "deploy"}
        assert not any("norm" in key for key in file.keys())


@pytest.mark.parametrize("kind", ["convnext", "paths"])
def test_weights_of_functions_are_in_every_format(kind, tmp_path):
    """Layer norms, learned scales, softmax over paths and convolutions over channels, with weights that are not those of the start."""
    graph, generator = network(kind, widths=(4,)), torch.Generator().manual_seed(1)
    module = compile(graph, seed=0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.rand(parameter.shape, generator=generator))
    largest = max(expected.abs().max().item() for _, expected in make_examples(graph, module.eval()))
    made = export_folder(graph, module, tmp_path / "out", "arch: 1\n", "# card\n", formats=ALL)
    assert made.differences.keys() == set(ALL) and max(made.differences.values()) <= 1e-4 * max(1, largest)


def test_the_folder_runs_alone(graph, trained, tmp_path):
    folder = export_folder(graph, trained, tmp_path / "out", "", "", formats=QUICK).folder
    code = (
        "import json, runpy, sys, torch; from safetensors.torch import load_file; space = runpy.run_path('model.py');"
        "model = list(v for v in space.values() if isinstance(v, type))[-1]().eval();"
        "model.load_state_dict(load_file('weights.safetensors'));"
        "assert 'blockspace' not in sys.modules; print(json.dumps(model(torch.ones(1, 3, 8, 8)).tolist()))"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, cwd=folder, env=ENV)
    assert done.returncode == 0, done.stderr
    assert torch.allclose(torch.tensor(json.loads(done.stdout)), trained.eval()(torch.ones(1, 3, 8, 8)), atol=1e-6)


@pytest.mark.parametrize("what", ["number", "shape", "nan", "weights"])
def test_a_mismatch_leaves_nothing(graph, trained, tmp_path, monkeypatch, what):
    source = formats.to_source(graph)
    wrong = {
        "number": source.replace("F.relu", "F.gelu").replace(", inplace=True", ""),
        "shape": source.replace("torch.flatten(", "torch.squeeze("),
        "nan": source.replace("return self.", "return torch.nan * self."),
        "weights": source.replace("self.linear", "self.dense"),
    }[what]
    assert wrong != source
    monkeypatch.setattr(formats, "to_source", lambda graph: wrong)
    with pytest.raises(ExportError) as caught:
        export_folder(graph, trained, tmp_path / "out", "", "", formats=QUICK)
    assert caught.value.mistakes[0].code == "E-EXPORT-MISMATCH" and caught.value.exit_code == 6
    assert names(tmp_path) == []


def test_a_network_the_converter_refuses_leaves_nothing(graph, trained, tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise RuntimeError("no decomposition\nand much more")

    monkeypatch.setattr(formats.torch.onnx, "export", refuse)
    with pytest.raises(ExportError, match="onnx: the network cannot be converted: no decomposition$"):
        export_folder(graph, trained, tmp_path / "out", "", "", formats=("onnx",))
    assert names(tmp_path) == []


def test_an_existing_folder_is_refused_then_replaced_by_force(graph, trained, tmp_path, monkeypatch):
    target = tmp_path / "out"
    target.mkdir()
    (target / "mine.txt").write_text("keep")
    with pytest.raises(BlockspaceError) as caught:
        export_folder(graph, trained, target, "", "", formats=QUICK)
    assert caught.value.mistakes[0].code == "E-IO" and "--force" in caught.value.render()
    assert names(target) == ["mine.txt"]
    with pytest.raises(BlockspaceError, match="holds mine.txt and no card.md: it is not an export"):
        export_folder(graph, trained, target, "", "", formats=QUICK, force=True)
    (target / "mine.txt").unlink()
    for force in (False, True):  # an empty folder, then an export
        export_folder(graph, trained, target, "", "", formats=QUICK, force=force)
        assert names(target) == ["arch.yaml", "card.md", "model.py", "weights.safetensors"] and names(tmp_path) == ["out"]
    (target / "notes.txt").write_text("keep")
    with pytest.raises(BlockspaceError, match="holds notes.txt, which no export wrote"):
        export_folder(graph, trained, target, "", "", formats=QUICK, force=True)
    assert (target / "notes.txt").read_text() == "keep"
    monkeypatch.chdir(tmp_path)
    for place in (".", "..", tmp_path, "out/.."):
        with pytest.raises(BlockspaceError, match="cannot be replaced as a whole"):
            export_folder(graph, trained, place, "", "", formats=QUICK, force=True)


def test_a_failed_replacement_keeps_the_old_folder(graph, trained, tmp_path, monkeypatch):
    target = tmp_path / "out"
    export_folder(graph, trained, target, "old", "", formats=("safetensors",))
    monkeypatch.setattr(formats, "to_source", lambda graph: "class Net: pass")
    with pytest.raises(ExportError):
        export_folder(graph, trained, target, "new", "", formats=QUICK, force=True)
    assert (target / "arch.yaml").read_text() == "old" and names(tmp_path) == ["out"]


def test_a_file_or_a_link_is_never_replaced(graph, trained, tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    for name in ("file", "link"):
        with pytest.raises(BlockspaceError, match="is not a folder"):
            export_folder(graph, trained, tmp_path / name, "", "", formats=QUICK, force=True)
    assert names(tmp_path) == ["file", "link", "real"] and (tmp_path / "file").read_text() == "mine"


@pytest.fixture
def dead():
    """The id of a process that has ended."""
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    child.wait()
    return child.pid


def test_what_killed_exports_left_is_swept(graph, trained, tmp_path, dead):
    for name in (f".out.{dead}.tmp", f".out.{os.getppid()}.tmp", f".other.{dead}.tmp", ".out.notes"):
        (tmp_path / name).mkdir()
    export_folder(graph, trained, tmp_path / "out", "", "", formats=QUICK)
    assert names(tmp_path) == sorted([f".out.{os.getppid()}.tmp", f".other.{dead}.tmp", ".out.notes", "out"])


def test_a_replacement_killed_halfway_is_put_back(graph, trained, tmp_path, dead):
    aside = tmp_path / f".out.{dead}.old"
    aside.mkdir()
    (aside / "model.py").write_text("old")
    with pytest.raises(BlockspaceError, match="exists"):
        export_folder(graph, trained, tmp_path / "out", "", "", formats=QUICK)
    assert (tmp_path / "out" / "model.py").read_text() == "old" and names(tmp_path) == ["out"]


def test_a_kill_while_writing_leaves_no_folder(graph, tmp_path):
    code = (
        "import json, os, sys; from blockspace.graph import Graph; from blockspace.compiler import compile;"
        "from blockspace.exporting import export_folder, formats;"
        "graph = Graph.from_dict(json.loads(sys.argv[1])); formats.to_source = lambda graph: os._exit(9);"
        "export_folder(graph, compile(graph), sys.argv[2], '', '', formats=('safetensors', 'py'))"
    )
    path = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(graph.as_dict()), str(tmp_path / "out")], env={**ENV, "PYTHONPATH": path}
    )
    assert done.returncode == 9 and [name.rpartition(".")[2] for name in names(tmp_path)] == ["tmp"]
    export_folder(graph, compile(graph), tmp_path / "out", "", "", formats=("safetensors",))
    assert names(tmp_path) == ["out"]


def test_an_unknown_format_and_foreign_weights_are_refused(graph, trained, tmp_path):
    with pytest.raises(BlockspaceError) as caught:
        export_folder(graph, trained, tmp_path / "out", "", "", formats=("onxx",))
    assert "did you mean 'onnx'?" in caught.value.render()
    with pytest.raises(BlockspaceError) as caught:
        export_folder(graph, torch.nn.Linear(2, 2), tmp_path / "out", "", "", formats=QUICK)
    assert caught.value.mistakes[0].code == "E-WEIGHTS"
    assert names(tmp_path) == []


def test_every_format_is_listed_and_can_be_written():
    assert set(EXPORT_FORMATS) == set(formats.FORMATS)
    assert all(name == one.name and one.files for name, one in EXPORT_FORMATS.items())
