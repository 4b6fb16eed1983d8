"""Every network of the library beside its reference: params, macs, whether the figures are equal, and how far the outputs are apart.

    python benchmarks/verify.py [PATTERN] [--large]

Outputs are compared in float64 and eval mode under the weights of the reference (random, norms disturbed), on a small image; given is the
largest difference over the largest output. Networks above 30M parameters are run with `--large` only; the largest are counted, not run.
The tests in `tests/library` hold each row of this table; the judges are in `tests/library/peers.py`.
"""

from __future__ import annotations

import sys
from fnmatch import fnmatch
from itertools import chain
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from library import peers  # noqa: E402

from blockspace import load  # noqa: E402
from blockspace.blocks import list_names  # noqa: E402

HEADER = ("network", "params", "macs", "figures", "reference", "max difference")
WIDTHS = (32, 13, 17, 8, 58, 16)


def row(name: str, most: int) -> tuple[str, ...]:
    """One line of the table; networks above `most` parameters are not run."""
    network = load(name)
    ours, published = peers.figures(name)
    apart = f"{peers.difference(name):.1e}" if ours["params"] <= most else "not run"
    verdict = "equal" if ours == published else "DIFFER"
    return name, f"{ours['params']:,}", f"{ours['macs']:,}", verdict, network.reference, apart


def main(pattern: str, most: int) -> int:
    torch.set_num_threads(1)
    wrong = 0
    rows = (row(name, most) for name in list_names("network") if fnmatch(name, pattern))
    for cells in chain([HEADER], rows):
        left = (0, 3, 4)
        print("  ".join(f"{c:<{w}}" if i in left else f"{c:>{w}}" for i, (c, w) in enumerate(zip(cells, WIDTHS))).rstrip(), flush=True)
        wrong += cells[3] == "DIFFER" or (cells[5][0].isdigit() and float(cells[5]) > peers.TOLERANCE)
    print(f"{wrong} wrong" if wrong else "all equal")
    return int(wrong > 0)


if __name__ == "__main__":
    patterns = [text for text in sys.argv[1:] if not text.startswith("-")]
    sys.exit(main(patterns[0] if patterns else "*", peers.LARGEST if "--large" in sys.argv else peers.USUAL))
