"""A study whose storage fails once: at the k-th write, fsync or rename of a process below the run directory. Each is followed by a re-run.

    python tests/faults/campaign.py --every 1 --upto 60        (about a minute for each k on one core)

Either the answer equals the undisturbed one, or there is one line and an exit code; and the re-run's answer always equals it. The calls
fail by `fault_shim.c`, a library that is loaded before libc. A count of k is per process; those that no process reaches are left out.
"""

from __future__ import annotations

import argparse
import csv
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
FUNCTIONS = ("write", "fsync", "rename")
STUDY = """
format: blockspace/study/1
study: tiny
doc: A study of seconds.
space: tiny_space.yaml
data: {name: digits, train: 128, val: 64, test: 64}
baseline: {block: basic}
search: {trials: 3, sampler: random, workers: 1}
train: {epochs: 1, batch: 32}
finalists: {take: 1, seeds: 1}
"""
SPACE = """
format: blockspace/network/1
network: tiny
params:
  classes: 10
  width: {default: 8, search: [8, 12, 16]}
  block:
    default: basic
    search:
      basic: {resnet_basic: {}}
      next: {resnext: {cardinality: {default: 2, search: [1, 2]}, width: 4}}
input: [1, 16, 16]
stem: [conv3x3: width]
stages:
  - {block: block, repeat: 1, out_channels: 16, stride: 2}
head: [global_avgpool, linear: classes]
"""
TIMED = ("seconds", "latency")  # columns of results.csv that no two runs share
CODES = (0, 3, 4, 6, 7)  # of a run whose storage fails


@dataclass(frozen=True)
class Ended:
    """A run of the study: its exit code, its last error or missing line, whether a traceback was printed, and its answer."""

    code: int
    line: str
    has_traceback: bool
    answer: tuple[str, ...] | None


@dataclass(frozen=True)
class Row:
    """One fault: the function, k, the run with the fault, the run after it, and whether each answer is the undisturbed one."""

    function: str
    k: int
    first: Ended
    again: Ended
    expected: tuple[str, ...]

    @property
    def is_fine(self) -> bool:
        """Return whether the first run gave the answer or a line, and the second the answer."""
        first, again = self.first, self.again
        told = first.answer == self.expected if first.code == 0 else first.code in CODES and bool(first.line)
        return told and not first.has_traceback and not again.has_traceback and again.code == 0 and again.answer == self.expected

    def cells(self) -> tuple[str, ...]:
        """Return the row of the table."""
        equal = "equal" if self.again.answer == self.expected else "differs"
        fine = "fine" if self.is_fine else "NOT FINE"
        return (self.function, str(self.k), str(self.first.code), str(self.again.code), equal, fine, self.first.line)


def build_shim(folder: Path) -> Path | None:
    """Return the compiled library; None without a C compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        return None
    made = folder / "fault_shim.so"
    subprocess.run([compiler, "-w", "-shared", "-fPIC", "-o", str(made), str(HERE / "fault_shim.c"), "-ldl"], check=True)
    return made


class Campaign:
    """The runs of one campaign, in a folder of their own; `undisturbed` is the answer that is expected."""

    def __init__(self, folder: Path, shim: Path, errno: int = 5, path: str = "/run"):
        self.folder, self.shim, self.errno, self.path = folder, shim, errno, path
        (folder / "study.yaml").write_text(STUDY)
        (folder / "tiny_space.yaml").write_text(SPACE)
        first = self.run("undisturbed")
        if first.code or first.answer is None:
            raise RuntimeError(f"the undisturbed study ends with {first.code}: {first.line}")
        self.undisturbed = first.answer

    def run(self, name: str, **settings: object) -> Ended:
        """Run the study in `NAME/run`, with the shim's settings (`FN`, `K`, ...) if there are any."""
        place = self.folder / name / "run"
        place.parent.mkdir(exist_ok=True)
        environment = dict(os.environ, BLOCKSPACE_CACHE=str(self.folder / "cache"), OMP_NUM_THREADS="1")
        environment["PYTHONPATH"] = os.pathsep.join(path for path in (str(HERE.parents[1]), *sys.path) if path)
        if settings:
            environment |= {"LD_PRELOAD": str(self.shim), "SHIM_PATH": f"{place}/"}
            environment |= {f"SHIM_{key}": str(value) for key, value in settings.items()}
        words = [sys.executable, "-c", "from blockspace.cli import entry; entry()", "search", "study.yaml", f"out={place}"]
        done = subprocess.run(words, cwd=self.folder, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        said = done.stderr + done.stdout
        lines = [line.replace(str(self.folder), "") for line in said.splitlines() if line.startswith(("error:", "missing:"))]
        return Ended(done.returncode, lines[-1] if lines else "", "Traceback" in said, read_answer(place))

    def count(self, function: str) -> int:
        """Return how many calls of a function a process makes at most."""
        log = self.folder / f"{function}.log"
        self.run(f"count-{function}", FN=function, COUNT=1, LOG=log)
        counts = [int(found[1]) for line in log.read_text().splitlines() if (found := re.search(r"#(\d+) ", line))]
        shutil.rmtree(self.folder / f"count-{function}")
        return max(counts, default=0)

    def fail_at(self, function: str, k: int) -> Row:
        """Run the study with the k-th call of the function failing, then again without a fault."""
        name = f"{function}-{k}"
        log = self.folder / f"{name}.log"
        first = self.run(name, FN=function, K=k, ERRNO=self.errno, LOG=log)
        row = Row(function, k, first, self.run(name), self.undisturbed)
        if row.is_fine:
            shutil.rmtree(self.folder / name)
        return row

    def rows(self, functions: Sequence[str], every: int, upto: int, start: int = 1) -> Iterator[Row]:
        """Yield a row for every k-th call of each function, as far as there are so many."""
        for function in functions:
            for k in range(start, min(upto, self.count(function)) + 1, every):
                yield self.fail_at(function, k)


def read_answer(place: Path) -> tuple[str, ...] | None:
    """Return what a finished study says, but for times; None where it has not answered."""
    files = [place / name for name in ("answer.txt", "answer.json")]
    if not all(path.is_file() for path in files) or not (place / "results.csv").is_file():
        return None
    with open(place / "results.csv", newline="") as file:
        table = [{name: value for name, value in row.items() if name not in TIMED} for row in csv.DictReader(file)]
    exported = sorted(str(path.relative_to(place)) for path in (place / "best").rglob("*"))
    return (*(path.read_text() for path in files), str(table), str(exported))


def main(argv: Sequence[str] | None = None) -> int:
    """Run a campaign and print its table; the exit code is 1 if a row is not fine."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--functions", default=",".join(FUNCTIONS), help="of the system, joined by commas")
    parser.add_argument("--every", type=int, default=7, help="every k-th call")
    parser.add_argument("--start", type=int, default=1, help="the first call that fails")
    parser.add_argument("--upto", type=int, default=60, help="the last call that fails")
    parser.add_argument("--errno", type=int, default=5, help="5 is an error of the disk, 28 a full one")
    parser.add_argument("--folder", help="where to run; what is not fine is kept there")
    asked = parser.parse_args(argv)
    folder = Path(asked.folder or tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    shim = build_shim(folder)
    if shim is None:
        print("there is no C compiler to build the shim with")
        return 2
    campaign, outcomes = Campaign(folder, shim, asked.errno), Counter()
    for row in campaign.rows(asked.functions.split(","), asked.every, asked.upto, asked.start):
        print("  ".join(f"{cell:<7}" for cell in row.cells()), flush=True)
        outcomes[f"exit {row.first.code}, {'fine' if row.is_fine else 'NOT FINE'}"] += 1
    print(*(f"{count} x {outcome}" for outcome, count in sorted(outcomes.items())), sep="\n")
    return int(any("NOT" in outcome for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
