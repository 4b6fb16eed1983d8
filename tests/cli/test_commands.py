"""The command line: exit codes, what goes to stdout and stderr, and what it does not import."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from study import tiny

from blockspace import canonical, cost, load
from blockspace.cli import main
from blockspace.costs import COSTS
from blockspace.searching import Interrupted
from blockspace.study.model_card import describe_network

ROOT = Path(__file__).parents[2]
BAD = "format: blockspace/block/1\nblock: bad\nflow: [conv33: same]\n"
GOOD = "format: blockspace/block/1\nblock: good\nflow: [conv3x3: same]\n"
STUDY = str(ROOT / "studies" / "hs_vs_resnext.yaml")


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.yaml").write_text(BAD)
    (tmp_path / "good.yaml").write_text(GOOD)
    return tmp_path


def said(capsys, *argv: str) -> tuple[int, str, str]:
    code = main(list(argv))
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    return code, out, err


@pytest.mark.parametrize(
    "argv, code",
    [
        (["show", "resnext"], 0),
        (["show", "hs_block", "input=64x56x56", "splits=4"], 0),
        (["show", "good.yaml"], 0),
        (["show", "resnext50_32x4d", "--full"], 0),
        (["check", "good.yaml"], 0),
        (["check", "good.yaml", "bad.yaml"], 2),
        (["check", "bad.yaml", "--json"], 2),
        (["check"], 2),
        (["check", "gone.yaml"], 2),
        (["ls"], 0),
        (["ls", "*hs*"], 0),
        (["ls", "a", "b"], 2),
        (["ls", "--json"], 0),
        (["--version"], 0),
        (["--help"], 0),
        (["show", "--help"], 0),
        (["show"], 2),
        (["show", "resnxt"], 2),
        (["show", "resnext", "cardinalty=4"], 2),
        (["show", "resnext", "input=3x0x5"], 2),
        (["show", "resnext", "input=axbxc"], 2),
        (["show", "resnext", "cardinality"], 2),
        (["show", "resnext", "cardinality=7/2"], 2),
        (["show", "resnext", "cardinality="], 2),
        (["show", "hs_block", "splits=60"], 2),
        (["show", "--nothing"], 2),
        (["shw", "resnext"], 2),
        (["search", "gone.yaml"], 2),
        (["search", "good.yaml"], 2),
        (["search", STUDY, "--dry-run", "budget.macs.low=1", "budget.macs.high=2"], 5),
        (["search", STUDY, "--dry-run", "serach.trials=4"], 2),
        (["export", "gone", "out"], 2),
    ],
    ids=lambda v: " ".join(Path(w).name for w in v) if isinstance(v, list) else None,
)
def test_exit_codes(argv, code, files, capsys):
    found, out, err = said(capsys, *argv)
    assert found == code, out + err
    if code and "--json" not in argv:
        assert err.startswith("error: ") and len(err.splitlines()) <= 12
    assert sorted(p.name for p in files.iterdir()) == ["bad.yaml", "good.yaml"], "a command that fails writes nothing"


def test_results_on_stdout_mistakes_on_stderr(files, capsys):
    code, out, err = said(capsys, "check", "good.yaml", "bad.yaml")
    assert "good.yaml: ok" in out and "bad" not in out and "conv33" in err and "good" not in err


def test_mistakes_as_json(files, capsys):
    _, out, err = said(capsys, "check", "bad.yaml", "--json")
    (mistake,) = json.loads(out)["errors"]
    assert (mistake["code"], mistake["line"], mistake["column"]) == ("E-OP", 3, 8) and not err
    code, out, err = said(capsys, "show", "resnxt", "--json")
    assert code == 2 and json.loads(out)["errors"][0]["code"] == "E-OP" and not err


def test_show_as_json(capsys):
    _, out, _ = said(capsys, "show", "resnet50", "--json")
    found = json.loads(out)
    assert found["costs"]["params"] == 25_557_032 and found["key"].startswith("v")


def test_costs_of_both_forms_are_named(capsys):
    """An exported network's card has the costs of the canonical form, which `show` of its file names too."""
    graph = load("resnext_a").graph()
    own, form = cost(graph), cost(canonical(graph))
    _, out, _ = said(capsys, "show", "resnext_a")
    written, other = out.rstrip().splitlines()[-2:]
    assert written == f"{own} at 256x56x56"
    assert other.startswith("as written; its canonical form, which is trained, exported and reported: ")
    assert f"{COSTS['bytes'].format_amount(form.bytes)} moved, {COSTS['peak_memory'].format_amount(form.peak_memory)} peak memory" in other
    found = json.loads(said(capsys, "show", "resnext_a", "--json")[1])
    assert found["costs"] == own.as_dict() and found["canonical_costs"] == form.as_dict()
    facts = describe_network(canonical(graph), None)
    assert f"{form.bytes:,} bytes" in facts.lines()["costs of the canonical form"]
    assert "canonical" not in said(capsys, "show", "resnet50")[1] and "canonical" not in said(capsys, "show", "resnext_a", "--deploy")[1]
    _, out, _ = said(capsys, "compare", "resnext", "resnext_a", "input=64x8x8", "width=8", "cardinality=8")
    (row,) = [line for line in out.splitlines() if line.startswith("moved, canonical form")]
    assert row.endswith("equal")


def test_show_as_a_picture(files, capsys):
    code, out, _ = said(capsys, "show", "hs_block", "--svg", "a/hs.svg", "--png", "hs.png", "--theme", "dark")
    assert code == 0 and out.startswith("a/hs.svg: ") and "hs.png: " in out
    assert "#0d1117" in (files / "a/hs.svg").read_text() and (files / "hs.png").read_bytes().startswith(b"\x89PNG")
    _, out, _ = said(capsys, "show", "hs_block", "--mermaid")
    assert out.startswith("flowchart TD\n")
    code, _, err = said(capsys, "show", "hs_block", "--png", "b.png", "--theme", "drak")
    assert code == 2 and "did you mean 'dark'?" in err and not (files / "b.png").exists()


def test_show_prints_holes_costs_and_the_paper(capsys):
    _, out, _ = said(capsys, "show", str(ROOT / "searchspaces" / "hs_vs_resnext.yaml"))
    assert "block.hs.splits" in out and "where block is hs" in out and "solved to the budget of macs" in out
    _, out, _ = said(capsys, "show", "resnet50")
    assert "25,557,032 params" in out and "4.089G macs" in out and "arXiv:1512.03385" in out


def test_what_locate_prints_can_be_shown(capsys):
    space = str(ROOT / "searchspaces" / "universal.yaml")
    code, out, _ = said(capsys, "locate", "resnext", "cardinality=8", "--in", space, "input=64x8x8")
    changed = [line.strip() for line in out.splitlines() if line.startswith("  ")]
    defaults = next(line for line in out.splitlines() if line.startswith("at their defaults: ")).removeprefix("at their defaults: ").split()
    assert code == 0 and changed == ["unit.main.groups.part1=8"] and "bare=false" in defaults
    code, out, _ = said(capsys, "show", space, *changed, *defaults, "stage1.width=5", "--full")
    assert code == 0 and "conv3x3 40 g8" in out and "unit.main.groups.part1:" not in out and "stage1.width:" not in out
    code, out, _ = said(capsys, "compare", space, space, "B.unit.main.groups.part1=8", "stage3.width=8", "--json")
    assert code == 0 and json.loads(out)["B"]["settings"] == {"unit.main.groups.part1": "8", "stage3.width": "8"}


@pytest.mark.parametrize(
    "argv",
    [
        ["show", "resnext", "cardnality=3", "widht=4"],
        ["show", "resnext", "cardinality", "4"],
        ["compare", "resnext", "hs_block", "cardnality=3", "A.width=4", "widht=4"],
        ["search", STUDY, "search.trails=4", "trian.epochs=3", "--dry-run"],
        ["search", STUDY, "search.trails=4", "thirty", "--dry-run"],
        ["train", "resnet20", "clases=3", "widht=4"],
        ["train", "resnet20", "input=3x8x8", "thirty"],
    ],
)
def test_every_wrong_setting_of_a_command_is_said_at_once(argv, capsys):
    code, _, err = said(capsys, *argv)
    assert code == 2 and err.count("error: ") == 2


@pytest.mark.parametrize(
    "argv, message, help",
    [
        (["export", "resnet20", "n=1"], "'n=1' stands where the folder to write is expected", "blockspace export resnet20 FOLDER n=1"),
        (["export", "width=300", "out"], "'width=300' stands where the network is expected", "blockspace export NETWORK FOLDER width=300"),
        (["export", "resnet20", "out", "width=300"], "resnet20 has no param", "known: classes, n"),
        (["export", "resnet20", "out", "input=3x8x8"], "a network is exported at its own input shape", "blockspace cp"),
        (["export", "resnet20", "out", "--to", ""], "no format is asked for", "py, onnx"),
        (["search", STUDY, "--dry-run", "--reuse", "gone"], "--reuse gone: no run directory", "runs/hs_vs_resnext"),
        (["search", STUDY, "--measure"], "--measure belongs to --dry-run", "--dry-run --measure"),
    ],
)
def test_settings_and_options_in_the_wrong_place(argv, message, help, files, capsys):
    code, _, err = said(capsys, *argv)
    assert code == 2 and message in err and help in err and sorted(p.name for p in files.iterdir()) == ["bad.yaml", "good.yaml"]


def test_settings_of_an_exported_network(monkeypatch, capsys):
    seen = []

    def export(target, *_):
        seen.append(target)
        return SimpleNamespace(sizes={}, differences={}, folder="out")

    monkeypatch.setattr("blockspace.study.export", export)
    assert said(capsys, "export", "resnet20", "out", "n=1")[0] == 0 and seen[0].params["n"] == "1"
    assert said(capsys, "export", "resnet20", "./a=b")[0] == 0 and seen[1] == "resnet20"


def test_check_of_a_study(capsys):
    code, out, _ = said(capsys, "check", STUDY)
    assert code == 0 and "topologies" in out


# -- real processes ------------------------------------------------------------------------------------------------------------------------

LIGHT = [  # commands, one after another in one process, and the packages of which none has been imported after each
    (argv, ("torch", "torchvision", "networkx", "optuna", "lightning", "numpy", "sklearn", "onnx"))
    for argv in (["--help"], ["ls"], ["ls", "--json"], ["check", "resnet50"], ["show", "resnext"], ["show", "resnet50", "--nodes"],
                 ["compare", "resnext", "resnet_bottleneck"])
] + [(["search", "study.yaml", "--dry-run"], ("torch", "torchvision", "lightning"))]  # fmt: skip
RUN_LIGHT = f"""
import sys
from blockspace.cli import main
for argv, heavy in {LIGHT!r}:
    code = main(argv)
    print("after", *argv, code, *(name for name in heavy if name in sys.modules), file=sys.stderr)
"""


def test_never_imports_torch(tmp_path):
    tiny.write(tmp_path)
    run = subprocess.run([sys.executable, "-c", RUN_LIGHT], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    said = [line for line in run.stderr.splitlines() if line.startswith("after ")]
    assert said == [f"after {' '.join(argv)} 0" for argv, _ in LIGHT], run.stderr


def test_a_mistake_in_a_real_process(files):
    run = subprocess.run(
        [sys.executable, "-c", "from blockspace.cli import entry; entry()", "check", "bad.yaml"],
        capture_output=True, text=True, timeout=300,
    )
    assert run.returncode == 2 and run.stdout == "" and run.stderr.startswith("error: unknown operation 'conv33'")


def test_a_reader_that_leaves():
    """`blockspace show ... | head -1`: no complaint."""
    command = f"{sys.executable} -c 'from blockspace.cli import entry; entry()' show resnext50_32x4d --full | head -1"
    run = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, timeout=300)
    assert run.stderr == "" and len(run.stdout.splitlines()) == 1


@pytest.mark.parametrize("signum, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_search_says_how_to_go_on(signum, code, monkeypatch, capsys):
    def stopped(*_args, **_kwargs):
        raise Interrupted(signum)

    monkeypatch.setattr("blockspace.study.search", stopped)
    assert main(["search", "study.yaml", "search.trials=3"]) == code
    assert "go on with: blockspace search study.yaml search.trials=3" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["-v", "--verbose"])
def test_verbose_and_quiet_exclude_each_other(flag, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    tiny.write(tmp_path)
    assert main(["search", "study.yaml", flag, "-q"]) == 2
    assert "-q" in capsys.readouterr().err and not (tmp_path / "runs").exists()
