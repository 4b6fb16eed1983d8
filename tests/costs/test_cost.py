"""Costs are exact integers with their unit; budgets are windows on them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from written import built

from blockspace import cost
from blockspace.cli import main
from blockspace.costs import COSTS, Budget, format_amount, register_cost
from blockspace.ops import Conv
from blockspace.quantities import QUANTITIES, find_quantity


def test_a_convolution_by_hand():
    found = cost(built("- conv3x3: {out: 16, stride: 2, groups: 4, bias: true}", (8, 9, 9)))
    assert found.params == 2 * 16 * 9 + 16 + 2 * 16
    assert found.macs == 2 * 9 * 16 * 5 * 5 and found.flops == 2 * found.macs and found.acts == 16 * 5 * 5
    assert all(isinstance(v, int) for v in found.as_dict().values())


def test_nodes_add_up():
    found = cost(built("[conv3x3: 16, {branches: {a: [conv1x1: same], b: []}, merge: add}, global_avgpool, linear: 7]"))
    for name in ("params", "macs", "acts", "bytes"):
        assert COSTS[name].additive and sum(getattr(node, name) for node in found.per_node.values()) == getattr(found, name)
    assert found.per_node["linear"].macs == 16 * 7 and found.per_node["linear"].params == 17 * 7


def test_every_cost_is_an_integer_of_the_graph_and_of_each_node():
    found = cost(built("[conv3x3: 16, global_avgpool, linear: 7]"))
    assert list(found.as_dict()) == list(COSTS)
    assert all(type(v) is int and v > 0 for v in found.as_dict().values())
    assert all(isinstance(v, int) for node in found.per_node.values() for v in node.as_dict().values())
    assert all(quantity.doc and quantity.name == name for name, quantity in COSTS.items())
    for thing in (found, found.per_node["linear"]):
        with pytest.raises(AttributeError, match="no cost 'latency'"):
            thing.latency  # noqa: B018


def test_nothing_is_counted_before_it_is_asked_for(monkeypatch):
    counted = []
    for name, quantity in list(COSTS.items()):
        count = quantity.per_node
        spy = replace(quantity, per_node=lambda graph, name=name, count=count: counted.append(name) or count(graph))
        monkeypatch.setitem(COSTS, name, spy)
    found = cost(built("[conv3x3: 16]"))
    assert found.macs == found.macs and counted == ["macs"]
    assert found.peak_memory == found.per_node["conv3x3.norm"].peak_memory and counted == ["macs", "peak_memory"]


def test_a_cost_registers_once():
    for name, place in (("macs", 99), ("other", COSTS["macs"].place)):
        with pytest.raises(TypeError, match="registered twice"):
            register_cost(name, place, "title", "", "doc")(lambda graph: {})
    assert "other" not in COSTS


def test_one_more_cost_is_one_registration(capsys):
    """A cost registered elsewhere is counted, budgeted and listed as the package's own are."""

    @register_cost("convs", 99, "convolutions", "convolutions", "Convolutions of the graph.", word="convolutions")
    def count_convs(graph):
        return {node.name: int(isinstance(node.op, Conv)) for node in graph}

    try:
        found = cost(built("[conv3x3: 16, conv1x1: 8]"))
        assert found.convs == 2 and found.as_dict()["convs"] == 2 and "2 convolutions" in str(found)
        assert Budget("convs", None, 1).violation(found.convs) == 1 and find_quantity("convs").title == "convolutions"
        assert main(["show", "resnext", "--nodes"]) == 0 and "convolutions" in capsys.readouterr().out
        assert "share of convs" in found.graph.svg(heat="convs"), "drawings know it too"
    finally:
        COSTS.pop("convs", None)
        QUANTITIES.pop("convs", None)


def test_costs_read_well():
    """Two 1x1 convolutions of 8 channels on 8 x 8: 2 KiB a value, 256 B of weights each."""
    found = cost(built("- conv1x1: {out: 8, norm: none, act: none}\n- conv1x1: {out: 8, norm: none, act: none}"))
    assert str(found) == "128 params, 8.192k macs, 1.024k acts, 8.500 KiB moved, 6.000 KiB peak memory, 1 px receptive field"


@pytest.mark.parametrize(
    "name, number, text",
    [("bytes", 9635840, "9.189 MiB"), ("bytes", 1000, "1000 B"), ("peak_memory", 2**30, "1.000 GiB"), ("bytes", 1023 * 1024, "1023 KiB"),
     ("receptive_field", 1507, "1,507 px"), ("macs", 45_609_984, "45.61M"), ("latency", 1.3, "1.3x")],
)  # fmt: skip
def test_amounts_have_their_units(name, number, text):
    assert format_amount(name, number) == text


@pytest.mark.parametrize(
    "low, high, value, holds",
    [
        (None, 100, 100, True),
        (None, 100, 101, False),
        (96, 100, 95, False),
        (96, 100, 96, True),
        (96, None, 1000, True),
        (None, None, 5, True),
    ],
)
def test_budgets(low, high, value, holds):
    budget = Budget("macs", low, high)
    assert budget.holds(value) is holds
    assert (budget.violation(value) > 0) is not holds


def test_budgets_read_well():
    assert str(Budget("macs", 5_760_000, 6_000_000)) == "macs 5.760M to 6.000M"
    assert str(Budget("latency", None, 1.3)) == "latency at most 1.3x"
    assert str(Budget("params", 1000, None)) == "params at least 1.000k"
