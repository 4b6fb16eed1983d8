"""Costs are exact integers with their unit; budgets are windows on them."""

from __future__ import annotations

import pytest
from written import built

from blockspace import cost
from blockspace.cost import Budget, short


def test_a_convolution_by_hand():
    found = cost(built("- conv3x3: {out: 16, stride: 2, groups: 4, bias: true}", (8, 9, 9)))
    assert found.params == 2 * 16 * 9 + 16 + 2 * 16
    assert found.macs == 2 * 9 * 16 * 5 * 5 and found.flops == 2 * found.macs and found.acts == 16 * 5 * 5
    assert all(isinstance(v, int) for v in found.as_dict().values())


def test_nodes_add_up():
    found = cost(built("[conv3x3: 16, {branches: {a: [conv1x1: same], b: []}, merge: add}, global_avgpool, linear: 7]"))
    for name in ("params", "macs", "acts"):
        assert sum(getattr(node, name) for node in found.per_node.values()) == getattr(found, name)
    assert found.per_node["linear"].macs == 16 * 7 and found.per_node["linear"].params == 17 * 7


@pytest.mark.parametrize(
    "number, text", [(0, "0"), (999, "999"), (4230479872, "4.230G"), (300774272, "300.8M"), (25557, "25.56k"), (15470264320, "15.47G")]
)
def test_short_numbers(number, text):
    assert short(number) == text


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
