"""How long the report of a study of 1,000 trained trials takes, and how large it is.

    python benchmarks/report.py [trials]

The run directory is as a study leaves it: networks, costs, files and database are real, only what training would have given is drawn at
random. Beside it, as a measure of the machine: the time Optuna alone takes to read the same trials, in a process of its own.
"""

from __future__ import annotations

import io
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy
import optuna

from blockspace.files import write_atomic
from blockspace.records import BASELINE, RunDir, select_best
from blockspace.reporting import answer_json
from blockspace.study import resolve_study
from blockspace.study.run_reader import read_run
from blockspace.study.run_search import study_as_yaml

STUDY = "studies/hs_vs_resnext.yaml"
NETWORKS = 60  # distinct ones; the rest repeat their files under other keys
VERSIONS = {"python": "3", "blockspace": "0", "torch": "2", "lightning": "2", "optuna": "5", "machine": "made up", "device": "cpu"}
HEADER = "epoch,train_loss,val_loss,val_acc,lr,seconds\n"


def made(folder: Path, trials: int) -> None:
    """The run directory of a finished study of that many trained trials, with duplicates and refused ones between them."""
    resolved = resolve_study(STUDY, [f"out={folder}", f"search.trials={trials}"])
    draw = random.Random(0)
    candidates = [resolved.candidate(resolved.space.random(seed)) for seed in range(NETWORKS)]
    arches = [resolved.to_yaml(candidate) for candidate in candidates]
    write_atomic(folder / "study.yaml", study_as_yaml(resolved))
    write_atomic(folder / "baseline.yaml", resolved.to_yaml(resolved.baseline))
    write_atomic(folder / "log.txt", "2026-01-01T00:00:00 asked\n2026-01-01T00:10:00 done \n")
    rows = []
    for number in range(trials * 4 // 3):
        candidate = candidates[number % NETWORKS]
        status = ("trained", "trained", "trained", "over_budget" if number % 8 else "duplicate")[number % 4]
        acc, latency = draw.random(), 0.6 + draw.random() / 2
        facts = {"label": candidate.label, "key": f"v1:{number:032x}", "families": candidate.families, "costs": candidate.costs}
        told = {"status": status, "measured": {"latency": latency}, "violations": {"latency": 0.1 if status == "over_budget" else -0.1}}
        if status == "trained":
            told |= {"metrics": {"val_acc": acc, "val_loss": 1 - acc}, "seconds": 1.0, "seed": number, "solved": candidate.solved}
            trained(RunDir(folder).trial(number).path, f"v1:{number:032x}", number, told["metrics"], arches[number % NETWORKS])
        finished = status != "over_budget"
        values = {"values": [acc, latency]} if finished else {"state": optuna.trial.TrialState.PRUNED}
        params = {"block": candidate.families["block"]}
        holes = {"block": optuna.distributions.CategoricalDistribution(["hs", "resnext"])}
        rows.append(optuna.create_trial(params=params, distributions=holes, user_attrs=facts | told, **values))
    stored(folder, rows)
    finals(folder, resolved, candidates, arches)
    write_atomic(folder / "answer.json", answer_json(read_run(folder).answer))


def stored(folder: Path, rows: list) -> None:
    study = optuna.create_study(storage=f"sqlite:///{folder / 'study.db'}", study_name="report", directions=["maximize", "minimize"])
    study.set_metric_names(["val_acc", "latency"])
    study.add_trials(rows)


def trained(place: Path, key: str, seed: int, metrics: dict, arch: str) -> None:
    """A training's folder."""
    place.mkdir(parents=True)
    (place / "arch.yaml").write_text(arch)
    (place / "metrics.csv").write_text(HEADER + "".join(f"{n},{2 / (n + 1)},{1 / (n + 1)},{1 - 1 / (n + 2)},0.1,1.0\n" for n in range(8)))
    (place / "result.json").write_text(json.dumps({"result": {"state": "trained", "metrics": metrics, "seed": seed, "versions": VERSIONS}}))


def finals(folder: Path, resolved, candidates, arches) -> None:
    """The finals' folders, with scores of 897 images."""
    from blockspace.searching import read_stored_study as read

    found = read(folder)
    chosen = select_best(found.records, found.objectives, "block", ["hs", "resnext"], resolved.options.finalists.take)
    draw = numpy.random.default_rng(0)
    for name in [*(row.label for row in chosen), BASELINE]:
        for seed in range(resolved.options.finalists.seeds):
            place = folder / "finalists" / name / f"seed-{seed}"
            if not place.exists():
                trained(place, "", seed, {"test_acc": 0.9, "test_loss": 0.3}, arches[0])
                buffer = io.BytesIO()
                numpy.savez_compressed(buffer, correct=draw.random(897) < 0.9, log_loss=draw.random(897), mean=0.0, std=1.0)
                (place / "scores.npz").write_bytes(buffer.getvalue())


def timed(code: str, *arguments: str) -> float:
    """The best of three runs of the code in a process of its own, in seconds."""
    times = []
    for _ in range(3):
        start = perf_counter()
        subprocess.run([sys.executable, "-c", code, *arguments], check=True, stdout=subprocess.DEVNULL, env=os.environ)
        times.append(perf_counter() - start)
    return min(times)


REPORT = "import sys; from blockspace.cli import main; sys.exit(main(['report', sys.argv[1]]))"
READ = "import sys, optuna; print(len(optuna.load_study(study_name='report', storage='sqlite:///' + sys.argv[1] + '/study.db').trials))"


def main(trials: int) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "run"
        folder.mkdir()
        made(folder, trials)
        report, read = timed(REPORT, str(folder)), timed(READ, str(folder))
        size = (folder / "report.html").stat().st_size
    print(f"report of {trials:,} trained trials: {report:.2f} s from start to end, {size:,} bytes; Optuna reading them: {read:.2f} s")
    print(f"ratio {report / read:.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
