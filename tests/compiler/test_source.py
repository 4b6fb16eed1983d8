"""to_source: the printed file computes what compile computes, reads well, and needs only torch."""

import ast
import os
import subprocess
import sys

import pytest
import torch
import written
from graphs import KINDS, Sketch, bottleneck, network, shuffle
from library.sizes import families

import blockspace as bs
from blockspace.compiler import compile, to_source
from blockspace.graph import Graph
from blockspace.ops import OPS, Add, Concat, Part


def run(source):
    """The classes of a printed file, in order."""
    space = {"__name__": "printed"}
    exec(source, space)
    return [v for v in space.values() if isinstance(v, type) and v.__module__ == "printed"]


def assert_equal(graph, source, x):
    """Same keys in the same order, same outputs with the same weights, in train (with the same dropout) and eval."""
    module, printed = compile(graph, seed=0), run(source)[-1]()
    assert list(printed.state_dict()) == list(module.state_dict())
    printed.load_state_dict(module.state_dict(), strict=True)
    for mode in (True, False):
        module.train(mode), printed.train(mode)
        torch.manual_seed(0)
        expected = module(x)
        torch.manual_seed(0)
        assert torch.equal(expected, printed(x))
    assert source.count("inplace=True") == 0 or "inplace" in module.code


@pytest.mark.parametrize("kind", KINDS)
def test_equals_compile(kind):
    graph = network(kind)
    source = to_source(graph)
    assert_equal(graph, source, torch.randn(2, 3, 16, 16))
    assert max(map(len, source.splitlines())) <= 120


@pytest.mark.parametrize("name", families())
def test_library_networks_equal_compile(name):
    network = bs.load(name)
    side = 32 if network.input_shape[1] == 32 else 80  # the smallest that inception_v3 takes
    shape = (network.input_shape[0], side, side)
    graph = network.graph(shape)
    source = to_source(graph)
    assert_equal(graph, source, torch.randn(2, *shape))
    assert max(map(len, source.splitlines())) <= 120


def test_one_class_per_distinct_block():
    names = {kind: [cls.__name__ for cls in run(to_source(network(kind)))] for kind in ("bottleneck", "hs", "se")}
    assert names == {
        "bottleneck": ["Layers", "Bottleneck", "BottleneckProjection", "TinyBottleneck"],
        "hs": ["Layers", "HsBlock", "HsBottleneck", "HsBottleneckProjection", "TinyHs"],
        "se": ["Layers", "Se", "TinySe"],
    }


def test_numbers_that_differ_are_arguments_and_the_others_literal():
    s = Sketch((3, 16, 16), "two")
    s.conv("stem", 16)
    bottleneck(s, "block1", 8, 32, groups=2)
    bottleneck(s, "block2", 12, 64, stride=2, groups=2)
    source = to_source(s.head())
    assert "def __init__(self, in_channels, out_channels, width, stride=1):" in source
    assert "self.block1 = Bottleneck(16, 32, width=8)" in source
    assert "self.block2 = Bottleneck(32, 64, width=12, stride=2)" in source
    assert "nn.Conv2d(width, width, 3, stride=stride, padding=1, groups=2, bias=False)" in source


def test_forward_reads_as_a_person_writes_it():
    s = Sketch((8, 16, 16), "reading")
    shuffle(s, "block", 2)
    bottleneck(s, "last", 8, 16)
    source = to_source(s.graph)
    for line in (
        "main = F.relu(self.main(x[:, 4:8]), inplace=True)",
        "return F.channel_shuffle(torch.cat([x[:, :4], main], 1), 2)",
        "main = F.relu(self.main.conv1x1(x), inplace=True)",
        "return F.relu(self.main.conv1x1_2(main) + self.skip(x), inplace=True)",
        "x = self.block(x)",
        "return self.last(x)",
    ):
        assert f"        {line}\n" in source, line


def test_weights_of_functions_read_as_a_person_writes_them():
    source = to_source(network("convnext"))
    for line in (
        "    norm=Weights(weight=torch.ones(channels), bias=torch.zeros(channels)),",
        "    scale=Weights(weight=torch.full((channels, 1, 1), 0.1)),",
        "main = self.main.project(main) * self.main.scale.weight",
        "x = F.layer_norm(x.movedim(1, -1), [8], self.head.norm.weight, self.head.norm.bias, 1e-05).movedim(-1, 1)",
    ):
        assert f"        {line}\n" in source, line
    assert source.count("class Convnext") == 1
    assert "over_channels" in to_source(network("paths")) and "class Weights" not in to_source(network("paths"))


def test_order_of_evaluation_is_kept_by_parentheses():
    s = Sketch((4, 6, 6), "sums")
    a = s.conv("a", 4)
    b = s.conv("b", 4)
    inner = s.add(OPS["add"](), a, b, name="inner")
    s.add(OPS["mul"](), "input", inner, name="product")
    s.add(Add(), b, s.at, name="outer")
    s.add(Add(), "input", s.at, name="last")
    assert_equal(s.graph, to_source(s.graph), torch.randn(2, 4, 6, 6))
    assert "x + (" in to_source(s.graph)


def test_many_branches_and_long_names_fit_the_line():
    s = Sketch((32, 4, 4), "branches")
    parts = [s.conv(f"a_rather_long_name_of_a_branch_{i}.conv1x1", 32, src="input") for i in range(16)]
    s.add(Add(), *parts, name="sum")
    slices = [s.add(Part(i, i + 2), "sum", name=f"slice{i}") for i in range(16)]
    s.add(Concat(), *slices, name="concat")
    source = to_source(s.graph)
    assert max(map(len, source.splitlines())) <= 120
    assert_equal(s.graph, source, torch.randn(2, 32, 4, 4))


def test_a_scope_with_two_outputs_is_dissolved():
    s = Sketch((8, 4, 4), "leaky")
    s.graph.scope("unit", "unit", "input")
    a = s.conv("unit.a", 8)
    b = s.conv("unit.b", 8)
    s.add(Add(), a, b, name="sum")
    source = to_source(s.graph)
    assert [cls.__name__ for cls in run(source)] == ["Layers", "Leaky"]
    assert_equal(s.graph, source, torch.randn(2, 8, 4, 4))


def test_awkward_names_stay_python():
    s = Sketch((8, 4, 4), "3d model!")
    s.graph.scope("x", "layers", "input")
    s.conv("x.self.width", 4)
    s.graph.scope("y", "torch", s.at)
    s.conv("y.torch.F", 6)
    s.add("relu", name="list")
    s.add("sigmoid", name="lambda_")
    s.add(Add(), s.at, "list", name="nn")
    source = to_source(s.graph)
    assert run(source)[-1].__name__ == "Net3dModel"
    assert_equal(s.graph, source, torch.randn(2, 8, 4, 4))


def test_a_doc_cannot_end_its_docstring():
    doc = 'says """ and \\" and ends with "'
    source = to_source(network("se"), doc=doc)
    assert ast.get_docstring(ast.parse(source)) == doc
    tree = ast.parse(to_source(network("se"), doc='"""\nimport os\n"""'))
    assert not any("'os'" in ast.dump(node) for node in tree.body if isinstance(node, ast.Import))


def test_an_empty_network_returns_its_input():
    graph = Graph((3, 4, 4), "nothing")
    x = torch.randn(1, 3, 4, 4)
    assert torch.equal(run(to_source(graph))[-1]()(x), x) and torch.equal(compile(graph)(x), x)


def test_runs_alone_with_nothing_but_torch(tmp_path):
    path = tmp_path / "model.py"
    path.write_text(to_source(network("hs")))
    nodes = list(ast.walk(ast.parse(path.read_text())))
    imports = {n.names[0].name for n in nodes if isinstance(n, ast.Import)} | {n.module for n in nodes if isinstance(n, ast.ImportFrom)}
    imports -= {"torch.nn.functional"}
    assert imports == {"torch", "safetensors.torch"}
    code = f"import runpy, sys; runpy.run_path({str(path)!r}, run_name='__main__'); assert 'blockspace' not in sys.modules"
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    params = sum(p.numel() for p in compile(network("hs")).parameters())
    assert f"{params:,} parameters, output (1, 10)" in done.stdout and "the weights are random" in done.stdout


@pytest.mark.parametrize("merge", ["add", "max", "mul", "concat"])
def test_a_merge_of_a_thousand_values(merge):
    """Nothing nests as deep as the merge is wide: the call, the module, the printed file, its classes."""
    split = f"{{split: {{chunk: 1024}}, each: [], merge: {merge}}}"
    text = f"input: [3, 4, 4]\nstem: [conv1x1: 1024]\nstages: [{split}]\nhead: [global_avgpool]"
    graph = written.network(text).graph()
    module = compile(graph, seed=0).eval()
    printed = run(to_source(graph))[-1]().eval()
    printed.load_state_dict(module.state_dict())
    x = torch.randn(2, 3, 4, 4)
    assert torch.equal(printed(x), module(x))
    values = compile(written.network(text.split("stages")[0]).graph(), seed=0).eval()(x)
    expected = {"add": values.sum(1, True), "max": values.amax(1, True), "mul": values.prod(1, True), "concat": values}[merge]
    torch.testing.assert_close(module(x), expected.mean((-1, -2), keepdim=True), atol=1e-3, rtol=1e-4)


def test_a_merge_of_few_values_is_written_as_a_person_does():
    text = "input: [3, 4, 4]\nstem: [conv1x1: 8]\nstages: [{split: {chunk: 4}, each: [], merge: add}]"
    source = to_source(written.network(text).graph())
    assert "reduce" not in source and " + " in source


def test_a_merge_of_too_many_values_is_refused_at_its_line():
    flow = "split: {chunk: 4000}, each: [], as"
    text = f"input: [3, 4, 4]\nstem: [conv1x1: 4000]\nstages:\n  - {{{flow}: a}}\n  - add: a[1..4000], a[1..100]"
    found = written.mistakes(written.network(text).graph)
    assert any(one.code == "E-TOO-BIG" and "add merges 4,100 values; at most 4,096" in one.message and one.mark.line == 7 for one in found)
