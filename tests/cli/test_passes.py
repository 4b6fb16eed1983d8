"""blockspace show --passes and --why, blockspace prove: what rewriting does, and rules of the user's own."""

from __future__ import annotations

import pytest

from blockspace import BlockspaceError, Graph
from blockspace.cli.prove import run as prove
from blockspace.cli.show import ShowOptions, run
from blockspace.passes import RULES, load_rules

OWN = '''
from blockspace.graph import Graph
from blockspace.ops import OPS, Conv
from blockspace.passes import Match, rule
from blockspace.passes.rule import TIDY

def example():
    graph = Graph((4, 5, 5))
    graph.add(Conv(4, 4, (1, 1)), "input", name="conv")
    graph.add(OPS["{first}"](), "conv", name="a")
    graph.add(OPS["relu6"](), "a", name="b")
    return graph

@rule("relu6 of it = relu6", at=OPS["relu6"], rank=TIDY, example=example)
def own(graph, node):
    """Cuts off once."""
    first = graph.source(node)
    if first.op.name != "{first}":
        return "another"
    match = Match(graph)
    match.add(node.op, *first.inputs, of=[node], same=True)
    return match
'''


def show(target: str, *settings: str, **options) -> None:
    run(target, *settings, options=ShowOptions(**options))


def test_each_step(capsys):
    show("resnext_a", "cardinality=4", "input=64x8x8", passes=True)
    out = capsys.readouterr().out
    assert "grouped_convolution" in out and "[W₁ ∗ x[0:d]" in out and "4 conv" in out
    assert "nodes become" in out.splitlines()[-2] and "launches" in out.splitlines()[-2]


def test_nothing_to_do(capsys):
    show("vgg16", passes=True)
    assert "is in canonical form: no rule applies" in capsys.readouterr().out


def test_the_steps_to_deployment(capsys):
    show("repvgg", "input=64x8x8", "out_channels=64", passes=True, deploy=True)
    out = capsys.readouterr().out
    assert "affine_after_convolution" in out and "parallel_windows" in out and "8 nodes become 3" in out
    show("eca", passes=True, deploy=True)
    assert "is that for deployment: no rule applies" in capsys.readouterr().out
    show("repvgg", "input=64x8x8", "out_channels=64", deploy=True)
    assert "norm" not in capsys.readouterr().out.split("equation:")[1].partition("\n")[2]
    show("densenet121", why="affine_after_convolution")
    assert "it follows concat" in (out := capsys.readouterr().out) or "has other readers" in out


def test_why(capsys):
    show("inception_v1", why="parallel_convolutions")
    out = capsys.readouterr().out
    assert "applied 1 time: input" in out and "no two of its readers are dense convolutions" in out
    with pytest.raises(BlockspaceError, match="no rule 'idenity'"):
        show("resnext", why="idenity")


def test_a_rule_of_ones_own(tmp_path, capsys):
    path = tmp_path / "mine.py"
    path.write_text(OWN.replace("{first}", "relu"))
    assert [rule.name for rule in load_rules(path)] == ["own"] and "own" not in RULES
    prove(str(path), "idempotent")
    assert "ok  own         relu6 of it = relu6" in capsys.readouterr().out
    show("resnext", rules=str(path))
    assert "nodes become" in capsys.readouterr().out


def test_an_untrue_one_is_refused(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(OWN.replace("{first}", "silu"))
    with pytest.raises(BlockspaceError, match="the rule own is not correct: eval mode: the output differs") as caught:
        show("resnext", rules=str(path))
    assert "a = Silu()(conv)" in str(caught.value)


NONE = [("x = 1", "defines no rule"), ("x = ", "SyntaxError"), ("import nothing_of_this_name", "ModuleNotFoundError")]


@pytest.mark.parametrize("text, what", NONE)
def test_files_that_hold_none(tmp_path, text, what):
    path = tmp_path / "mine.py"
    path.write_text(text)
    with pytest.raises(BlockspaceError, match=what):
        load_rules(path)
    with pytest.raises(BlockspaceError, match="cannot read rules"):
        load_rules(tmp_path / "none.py")
    assert isinstance(RULES["identity"].example(), Graph)
