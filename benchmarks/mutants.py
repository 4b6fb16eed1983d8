"""Damage blocks, networks, studies and overrides at random and read them: how many load, are refused, end in tracebacks, or take long.

    python benchmarks/mutants.py --count 20000 --seed 1

Each mutant is a function of the seed and its number, so a failure is repeated with `--seed S --only NUMBER`. The damage is done to the
library's files, the shipped search spaces and studies, and to overrides of a study. Time is the process's CPU time.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

from blockspace.blocks import Block, Network, list_library_files
from blockspace.blocks.template_file import TemplateFile
from blockspace.errors import BlockspaceError
from blockspace.reader import parse_yaml
from blockspace.shipped import find_shipped, list_shipped
from blockspace.study.resolve import resolve_study
from blockspace.study.study_file import load_study

SOLVING = ("universal",)  # studies whose seeds and widths take seconds to solve, undamaged too
LONG = 2.0  # seconds of CPU time that no mutant may take
WORDS = (
    "0 -1 1e3 5e-4 60M 010 1:30 yes on off none same true x[1] [] {} [relu] 1/3 ~ input prev block index part channels width "
    "concat 1..3 20ms 3s 50% 4MiB 9**9 (((( ' \" &a *a !!int <<: conv3x3 99999999999 100000 -5 1e999 {copy:2} {search:[1,2]} "
    "{search:1..3} {if:1,then:2} {solve:macs,range:1..4} {a:{b:{c:1}}} [[[1]]] batch_norm Conv2d upsample inherit "
    "out_channels stride 3ms 1h auto null digits adamw"
).split()  # fmt: skip
OVERRIDES = (
    "search.trials search.timeout search.workers search.seeds search.failures.share train.epochs train.batch train.optimizer "
    "train.schedule train.augment train.ema train.mixup train.mixup.p train.devices budget.macs.high budget.macs.low "
    "budget.latency.high budget.bytes.high baseline baseline.block baseline.macs data data.name data.size data.train "
    "objectives finalists.take finalists.per finalists compare compare.by out space study format doc"
).split()  # fmt: skip


def damage(text: str, rng: random.Random) -> str:
    """Return the text with one to three mutations: a word replaced, a character put in, or a line lost, doubled, moved or indented."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        lines = text.splitlines() or [""]
        place = rng.randrange(len(lines))
        line, kind = lines[place], rng.randrange(8)
        if kind == 0:
            del lines[place]
        elif kind == 1:
            lines[place:place] = [line] * rng.choice((1, 1, 1, 50))
        elif kind == 2:
            lines[place] = " " * rng.randint(0, 8) + line.strip()
        elif kind == 3:
            lines.insert(rng.randrange(len(lines)), lines.pop(place))
        elif kind == 4:
            at = rng.randrange(len(line) + 1)
            lines[place] = line[:at] + rng.choice(":,[]{}#-&*!|>'\"% 0a.\t\u00e9") * rng.choice((1, 1, 40)) + line[at + rng.randint(0, 1) :]
        else:
            words = line.replace(",", " , ").replace("}", " }").replace("]", " ]").replace(":", " : ").split(" ")
            words[rng.randrange(len(words))] = rng.choice(WORDS)
            lines[place] = " ".join(words).replace(" : ", ": ")
        text = "\n".join(lines) + "\n"
    return text


def list_subjects() -> list[tuple[str, Path]]:
    """Return the files that are damaged, each with its kind."""
    blocks = [("block", Path(path)) for path in list_library_files("block").values()]
    networks = sorted({("network", Path(path)) for path in list_library_files("network").values()})
    spaces = [("network", Path(str(find_shipped(name, "space")))) for name in list_shipped("space")]
    studies = [("study", Path(str(find_shipped(name, "study")))) for name in list_shipped("study")]
    return [*blocks, *networks, *spaces, *studies * 8, *[("overrides", path) for _, path in studies] * 8]


def read_mutant(kind: str, path: Path, rng: random.Random, folder: Path) -> None:
    """Damage a file, or the overrides of one, and read it as `check` does. Raises what the reading raises."""
    if kind == "overrides":
        texts = [damage(f"{rng.choice(OVERRIDES)}={rng.choice(WORDS)}", rng).strip() for _ in range(rng.randint(1, 3))]
        load_study(path, texts)
        return
    text = path.read_text(encoding="utf-8")
    if kind == "study":
        mutant = folder / path.name
        beside = re.sub(r"(?m)^space: (\S+/\S+)", lambda match: f"space: {path.parent / match[1]}", text)
        mutant.write_text(damage(beside, rng), encoding="utf-8")
        load_study(mutant)
        if rng.random() < 0.3 and path.stem not in SOLVING:
            resolve_study(mutant)
        return
    file = TemplateFile(parse_yaml(damage(text, rng), str(path)), str(path)).check()
    if file.mistakes:
        raise BlockspaceError(*file.mistakes)
    if file.kind == "block":
        Block(file).graph((64, 56, 56))
    else:
        Network(file).graph()


def main(count: int, seed: int, only: int | None = None) -> int:
    """Read so many mutants and print what came of them. Return the number of tracebacks and of mutants that took long."""
    subjects, outcomes, wrong = list_subjects(), Counter[str](), 0
    slowest = (0.0, "none")
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count) if only is None else [only]:
            rng = random.Random(f"{seed}:{number}")
            kind, path = rng.choice(subjects)
            start, outcome = time.process_time(), "loads"
            try:
                read_mutant(kind, path, rng, Path(folder))
            except BlockspaceError as e:
                outcome = "refused" if e.render() else "refused without a word"
            except Exception:
                outcome = "traceback"
                print(f"number {number}, {kind} {path.name}:", *traceback.format_exc().splitlines()[-3:], sep="\n  ", flush=True)
            taken = time.process_time() - start
            slowest = max(slowest, (taken, f"number {number}, {kind} {path.name}"))
            if taken > LONG:
                print(f"number {number}, {kind} {path.name}: {taken:.1f} s", flush=True)
            wrong += outcome in ("traceback", "refused without a word") or taken > LONG
            outcomes[f"{kind} {outcome}"] += 1
    print(f"seed {seed}, {count} mutants: {', '.join(f'{what} {times}' for what, times in sorted(outcomes.items()))}")
    print(f"tracebacks or over {LONG:g} s: {wrong}; the slowest took {slowest[0]:.2f} s ({slowest[1]})")
    return wrong


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="the number of one mutant")
    asked = parser.parse_args()
    sys.exit(min(1, main(asked.count, asked.seed, asked.only)))
