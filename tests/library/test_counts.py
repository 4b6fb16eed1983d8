"""Every library network and variant has the published parameters and multiply-accumulates, to the unit.

The figures are those of `golden/golden.json`, counted by other libraries; a network that has no row there is counted beside its reference,
live. To add a network: its file, or its line under `variants:`, with a `reference:`; and where that is `paper`, a re-implementation
(`library/peers.py` says where). These tests find it by its name.
"""

from __future__ import annotations

import subprocess
import sys

import pytest
from cases import try_each
from golden.rows import ALIASES, ROWS

from blockspace import load
from blockspace.blocks import list_names
from library import peers

MEMORY = """
import sys
from blockspace import cost, load
params = cost(load(sys.argv[1]).graph()).params
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(params, int(peak.split()[1]) // 1024, "torch" in sys.modules)
"""


def test_equal_to_the_published_figures():
    try_each(check_figures, list_names("network"))


def check_figures(name: str) -> None:
    ours, published = peers.figures(name)
    assert ours == published


def test_aliases_are_of_networks_and_rows():
    assert set(ALIASES) <= set(list_names("network")) and set(ALIASES.values()) <= set(ROWS["networks"])


def test_every_network_of_a_paper_has_a_re_implementation_and_none_is_idle():
    assert set(peers.papers()) == {name for name in list_names("network") if peers.source(load(name)) == "paper"}


@pytest.mark.skipif(sys.platform != "linux", reason="/proc/self/status is read")
@pytest.mark.parametrize("name", [max(list_names("network"), key=peers.params)])
def test_costing_the_largest_allocates_nothing(name):
    done = subprocess.run([sys.executable, "-c", MEMORY, name], capture_output=True, text=True, check=True)
    params, megabytes, torch = done.stdout.split()
    assert int(params) == peers.params(name) and int(megabytes) < 200 and torch == "False"
