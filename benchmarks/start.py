"""How long `blockspace show` and `blockspace check` take, start to end, against a Python that does nothing.

    python benchmarks/start.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path
from time import perf_counter

ROUNDS = 15
BLOCKSPACE = str(Path(sys.executable).with_name("blockspace"))
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "blockspace show hs_block": [BLOCKSPACE, "show", "hs_block"],
    "blockspace check resnet50": [BLOCKSPACE, "check", "resnet50"],
}


def main() -> None:
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS):  # in turn, so that a change of the machine's pace meets all of them
        for name, command in COMMANDS.items():
            start = perf_counter()
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
            times[name].append(perf_counter() - start)
    bare = times["python -c pass"]
    for name, column in times.items():
        ratio = statistics.median(a / b for a, b in zip(column, bare))
        print(f"{name:28} {statistics.median(column) * 1e3:6.1f} ms  {ratio:.1f}x")


if __name__ == "__main__":
    main()
