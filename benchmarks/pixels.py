"""The time from a folder of images to the first trial: shape, preflight and a worker's loading, with an empty cache.

    python benchmarks/pixels.py [--count N] [--side PIXELS] [--format png|jpg] [--rounds N] [--against CHECKOUT]

`count` images in ten classes are made in a temporary folder. Each round is a process of its own with a new cache; `--against` measures
another checkout of blockspace too, in alternation, and prints the ratio of the medians. Seconds are of the wall and of the CPU; `peak` is
the largest resident memory.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

ROOT = Path(__file__).parent.parent
CLASSES = 10


def make_images(folder: Path, count: int, side: int, suffix: str) -> None:
    """Write `count` images in RGB: blots of noise, which compress as photographs do."""
    import numpy
    from PIL import Image

    random = numpy.random.default_rng(0)
    for i in range(CLASSES):
        (folder / f"class{i}").mkdir(parents=True)
    for i in range(count):
        noise = Image.fromarray(random.integers(0, 256, (max(2, side // 8), max(2, side // 8), 3), dtype=numpy.uint8))
        noise.resize((side, side), Image.Resampling.BICUBIC).save(folder / f"class{i % CLASSES}" / f"{i:06}.{suffix}")


def measure_pass(folder: Path) -> dict[str, float]:
    """Return the seconds of each step in this process, and its memory."""
    import torch  # its import is not part of the pass

    from blockspace.data import describe, load, preflight

    torch.set_num_threads(1)
    spec, times = {"folder": str(folder)}, {}
    start, cpu = perf_counter(), process_time()
    for name, step in (("describe", describe), ("preflight", preflight), ("load", load)):
        begin = perf_counter()
        step(spec)
        times[name] = perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return times | {"total": perf_counter() - start, "cpu": process_time() - cpu, "peak": peak}


def run_pass(checkout: Path, folder: Path) -> dict[str, float]:
    """Return the figures of a checkout, in a process of its own with an empty cache."""
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "PYTHONPATH": str(checkout), "BLOCKSPACE_CACHE": cache}
        command = [sys.executable, __file__, "--measure", str(folder)]
        run = subprocess.run(command, env=environment, cwd=checkout, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(run.stdout.splitlines()[-1]))


def main() -> None:
    """Print a row for every checkout."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=60_000, help="images")
    parser.add_argument("--side", type=int, default=32, help="pixels on each side")
    parser.add_argument("--format", choices=("png", "jpg"), default="png")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--against", type=Path, help="another checkout, printed first")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        print("\n" + json.dumps(measure_pass(asked.measure)))
        return
    checkouts = {"against": asked.against.absolute()} if asked.against else {}
    checkouts["here"] = ROOT
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "images"
        make_images(folder, asked.count, asked.side, asked.format)
        rounds = [{name: run_pass(checkout, folder) for name, checkout in checkouts.items()} for _ in range(asked.rounds)]
    columns = list(rounds[0]["here"])
    print(f"{asked.count:,} images of {asked.side}x{asked.side} ({asked.format}), median of {asked.rounds}: seconds, and MB")
    print(f"{'checkout':10}" + "".join(f"{column:>12}" for column in columns))
    middle = {name: {column: median(one[name][column] for one in rounds) for column in columns} for name in checkouts}
    for name, row in middle.items():
        print(f"{name:10}" + "".join(f"{row[column]:>12,.2f}" for column in columns))
    if asked.against:
        ratios = {column: median(one["here"][column] / max(one["against"][column], 1e-9) for one in rounds) for column in columns}
        print(f"{'ratio':10}" + "".join(f"{ratios[column]:>12,.2f}" for column in columns))


if __name__ == "__main__":
    main()
