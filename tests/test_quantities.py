"""Quantities: one registry for costs and metrics, and their numbers as text."""

import pytest

from blockspace.costs import COSTS
from blockspace.quantities import QUANTITIES, Quantity, find_quantity, register_quantity
from blockspace.training import TASKS


def test_costs_and_metrics_are_found_by_name():
    for name, cost in COSTS.items():
        assert find_quantity(name) is cost and cost.kind == "cost" and cost.title and cost.unit
    for task in TASKS.values():
        for metric in task.metrics:
            assert find_quantity(f"val_{metric.name}").kind == "metric"
            assert find_quantity(f"test_{metric.name}").direction == metric.direction
        assert task.main_metric in {metric.name for metric in task.metrics}


def test_a_name_has_one_quantity():
    register_quantity(find_quantity("val_acc"))
    with pytest.raises(TypeError, match="'val_acc' is registered twice"):
        register_quantity(Quantity("val_acc", "another"))
    assert find_quantity("val_acc").title == "validation accuracy"
    assert find_quantity("unheard").axis_title == "unheard" and "unheard" not in QUANTITIES


@pytest.mark.parametrize(
    "name, value, shown, stored",
    [
        ("val_acc", 0.97514, "97.51 %", "0.9751"),
        ("val_loss", 0.12345, "0.1235 nats", "0.1235"),
        ("latency", 0.8446, "0.845 x baseline", "0.845"),
        ("macs", 4_468_224, "4.468M macs", "4.468M"),
        ("params", 9_999, "9999 params", "9.999k"),
        ("receptive_field", 427, "427 px receptive field", "427"),
        ("bytes", 9_635_840, "9.189 MiB moved", "9.636M"),
        ("peak_memory", 2_459_000, "2.345 MiB peak memory", "2.459M"),
    ],
)
def test_numbers_are_shown_and_stored(name, value, shown, stored):
    quantity = find_quantity(name)
    assert (quantity.format_with_unit(value), quantity.format_stored(value)) == (shown, stored)
