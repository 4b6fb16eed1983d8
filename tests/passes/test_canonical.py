"""The canonical form: equal forms are one graph, it costs no more, rewriting it again changes nothing."""

from __future__ import annotations

import pickle

import pytest
from written import built

from blockspace import canonical, deploy, load
from blockspace.blocks import list_families
from blockspace.graph import Graph
from blockspace.ops import Scale
from blockspace.passes import random_graph, rewrite, rewriting, rewriting_of

RESNEXT = {"out_channels": 64, "cardinality": 8, "width": 4}


@pytest.mark.parametrize("name", list_families())
def test_library_networks(name):
    graph = load(name).graph()
    found = rewrite(graph)
    assert found.after.verify().output_shape == graph.output_shape and found.after.key() == graph.key()
    assert found.saves["macs"] == found.saves["params"] == 0 and found.saves["launches"] >= 0
    assert all(node.call is not None for node in found.after if node.kind != "input")


@pytest.mark.parametrize("name", list_families())
def test_it_is_at_rest(name):
    again = Graph.from_dict(canonical(load(name).graph()).as_dict())
    assert not rewrite(again).steps and canonical(again).as_dict() == again.as_dict()


@pytest.mark.parametrize("shape", [(64, 8, 8), (32, 8, 8)], ids=["identity", "projection"])
def test_form_a_becomes_form_c(shape):
    a, c = (canonical(load(name, **RESNEXT).graph(shape)) for name in ("resnext_a", "resnext"))
    assert a.key() == c.key()
    assert [(n.op, n.shape) for n in a] == [(n.op, n.shape) for n in c]
    assert "main.conv3x3.conv" in a.nodes and "main.conv1x1_2.conv" in a.nodes  # names as a person would give them


def test_resnext50_in_any_form():
    keys = {load("resnext50_32x4d", form=form).graph((3, 64, 64)).key() for form in ("resnext", "resnext_a", "resnext_b")}
    assert len(keys) == 1


FORM_B = """
- branches:
    main:
      - split: {copy: 4}
        each: [conv1x1: 2, conv3x3: 2]
        merge: concat
      - conv1x1: {out: 8, act: none}
    skip: []
  merge: add
- relu
"""
FORM_C = """
- branches:
    skip: []
    main: [conv1x1: 8, conv3x3: {out: 8, groups: 4}, conv1x1: {out: 8, act: none}]
  merge: add
- relu
"""


def test_form_b_becomes_form_c():
    assert built(FORM_B).key() == built(FORM_C).key()


def test_identities_are_dropped():
    graph = canonical(built("- identity\n- branches: {a: [relu], b: [identity]}\n  merge: add\n- identity"))
    assert [node.op.name for node in graph] == ["input", "relu", "add"] and graph.output == "add"


def test_nothing_but_identities():
    graph = canonical(built("[identity, identity]"))
    assert len(graph) == 1 and graph.output == "input"


def test_scopes_follow_their_values():
    graph = canonical(built("[identity, hs_block: {splits: 2}]"))
    assert graph.scopes["hs_block"].input == "input"


def counted_rewrites(monkeypatch) -> list[str]:
    """The pipelines that are run from now on."""
    runs: list[str] = []
    run = rewriting.run_rules

    def counted(graph, rules, pipeline, **more):
        runs.append(pipeline)
        return run(graph, rules, pipeline, **more)

    monkeypatch.setattr(rewriting, "run_rules", counted)
    return runs


def test_a_graph_is_rewritten_once_as_long_as_its_form_is_held(monkeypatch):
    runs = counted_rewrites(monkeypatch)
    graph = random_graph(3)
    form = canonical(graph)
    assert canonical(graph) is form and rewriting_of(graph).after is form and canonical(form) is form
    assert graph.key() == form.key() and rewriting_of(form).steps == ()
    fast = deploy(graph)
    assert deploy(form) is fast and rewriting_of(form, "deploy").after is fast
    assert runs == ["canonical", "deploy"]


def test_the_key_outlives_the_form(monkeypatch):
    runs = counted_rewrites(monkeypatch)
    graph = random_graph(3)
    assert graph.key() == graph.key() and runs == ["canonical"]


def test_a_graph_that_has_changed_is_rewritten_again():
    graph = random_graph(3)
    form, key = canonical(graph), graph.key()
    graph.add(Scale(graph.output_shape[0], 0.5), graph.output, name="half")
    assert canonical(graph) is not form and graph.key() != key and form.key() == key


def test_a_form_that_has_changed_is_not_handed_out():
    graph = random_graph(3)
    form, before = canonical(graph), canonical(graph).as_dict()
    form.add(Scale(form.output_shape[0], 0.5), form.output, name="half")
    assert canonical(graph) is not form and canonical(graph).as_dict() == before
    form = canonical(graph)
    form.output = "input"  # also where only a field was set
    assert canonical(graph) is not form and canonical(graph).as_dict() == before


def test_what_a_graph_keeps_does_not_travel():
    graph = random_graph(3)
    form = canonical(graph)
    copy = pickle.loads(pickle.dumps(form))  # noqa: S301 (made here)
    assert copy.derived() == {} and form.derived() and copy.as_dict() == form.as_dict() and copy.form == "canonical"
