"""Files made to exhaust time or memory are refused early; each is read in a child with little memory and little time."""

from __future__ import annotations

import subprocess
import sys

import pytest

BLOCK = "format: blockspace/block/1\nblock: bomb\n"
TEN = "".join(f"  p{i}: [{', '.join([f'p{i - 1}'] * 10)}]\n" for i in range(1, 10))
BOMBS = {
    "aliases": BLOCK + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10 if i else ['x'] * 10)}]\n" for i in range(10)) + "flow: *a9\n",
    "merge_keys": BLOCK + "a0: &a0 {x: 1}\n" + "".join(f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}\n" for i in range(1, 9)),
    "brackets": BLOCK + "flow: " + "[" * 400_000,
    "braces": BLOCK + "flow: " + "{a: " * 100_000,
    "dashes": BLOCK + "flow:\n  " + "- " * 100_000 + "relu\n",
    "large": BLOCK + "flow: [" + "relu, " * 300_000 + "relu]\n",
    "many_values": BLOCK + "flow: [" + "relu, " * 100_000 + "relu]\n",
    "channels": BLOCK + "flow: [conv3x3: 1000000000]\n",
    "channels_by_product": BLOCK + "flow: [conv3x3: 60000 * 60000]\n",
    "kernel": BLOCK + "flow: [conv: {k: 1000000, out: 8}]\n",
    "kernel_word": BLOCK + "flow: [conv999x999: 8]\n",
    "padding": BLOCK + "flow: [conv3x3: {out: 8, padding: 1000000000}]\n",
    "repeats": BLOCK + "flow: [{repeat: 1000000, do: [relu]}]\n",
    "stage_repeats": BLOCK + "flow: [{block: conv1x1, out: 8, repeat: 1000000}]\n",
    "loop": BLOCK + "flow: [{for: i in 1..1000000, do: [relu]}]\n",
    "nested_loops": BLOCK + "flow: [{repeat: 1000, do: [{repeat: 1000, do: [{repeat: 1000, do: []}]}]}]\n",
    "parts": BLOCK + "flow: [{split: {copy: 1000000}, each: [relu], merge: add}]\n",
    "expansion": BLOCK + f"parts:\n  p0: [relu]\n{TEN}flow: [p9]\n",
    "empty_expansion": BLOCK + f"parts:\n  p0: []\n{TEN}flow: [p9]\n",
    "recursion": BLOCK + "parts: {p: [p]}\nflow: [p]\n",
    "wide_recursion": BLOCK + "parts: {p: [p, p, p]}\nflow: [p]\n",
    "expression": BLOCK + f"flow: [conv1x1: {'(' * 200}1{')' * 200}]\n",
    "digits": BLOCK + f"flow: [conv1x1: {'9' * 500_000}]\n",
    "exponent": BLOCK + "flow: [conv1x1: 1e999999999]\n",
    "exponent_3": BLOCK + "flow: [conv1x1: 1e999]\n",
    "domain": "format: blockspace/network/1\nnetwork: b\ninput: [3, 8, 8]\nstem: [conv1x1: {out: {search: 1..1000000000000}}]\n",
    "input": "format: blockspace/network/1\nnetwork: b\ninput: [1000000000, 100000, 100000]\nstem: [relu]\n",
}
CHILD = """
import sys, resource
from blockspace.blocks import load_unchecked
from blockspace.blocks import Network
from blockspace.errors import BlockspaceError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
try:
    found = load_unchecked(sys.argv[1])
    found.graph() if isinstance(found, Network) else found.graph((64, 56, 56))
    print("loads")
except BlockspaceError as e:
    print(",".join(sorted({m.code for m in e.mistakes})), len(e.render()))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


@pytest.mark.parametrize("name", BOMBS)
def test_bomb(name, tmp_path):
    path = tmp_path / f"{name}.yaml"
    path.write_text(BOMBS[name])
    run = subprocess.run([sys.executable, "-c", CHILD, str(path)], capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr[-500:]
    said, megabytes = run.stdout.splitlines()
    assert said.startswith("E-") and int(said.split()[1]) < 3000, said
    assert float(megabytes) < 150, megabytes
