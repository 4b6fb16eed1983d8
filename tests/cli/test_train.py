"""blockspace train: what goes to stdout and stderr, exit codes, and the line to go on with after an interruption."""

from __future__ import annotations

import json
import os
import signal
import sys

import pytest

from blockspace.cli import main
from blockspace.cli.progress import EpochProgress

NET = """
format: blockspace/network/1
network: small
params: {classes: 10}
input: [1, 16, 16]
stem: [conv3x3: {out: 8, stride: 2}]
head: [global_avgpool, linear: classes]
"""
TEXTS = ["data={name: digits, train: 80, val: 40, test: 60}", "train.epochs=1", "train.batch=40", "out=run"]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.yaml").write_text(NET)
    return tmp_path


def test_result_on_stdout_progress_on_stderr(capsys):
    assert main(["train", "net.yaml", *TEXTS]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("test accuracy ") and "(60 images, scored once); val accuracy" in out and len(out.splitlines()) == 1
    assert err.splitlines()[0].startswith("epoch 1/1  loss ") and err.splitlines()[-1] == "in run"
    assert main(["train", "net.yaml", *TEXTS, "--json", "--quiet"]) == 0
    out, err = capsys.readouterr()
    assert set(json.loads(out)["metrics"]) == {"val_acc", "val_loss", "test_acc", "test_loss"} and not err
    assert main(["train", "run", TEXTS[0], "--evaluate"]) == 0
    assert capsys.readouterr().out.endswith("(60 images)\n")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["train", "gone.yaml"], "no file 'gone.yaml'"),
        (["train", "net.yaml", "data=digit"], "unknown data set 'digit'"),
        (["train", "net.yaml", *TEXTS, "--to", "pth"], "unknown export format 'pth'"),
        (["train", "net.yaml", "--recipe", "gone.yaml"], "gone.yaml"),
        (["train", "net.yaml", "--evaluate"], "has no weights"),
    ],
)
def test_mistakes_are_one_line_and_exit_with_2(argv, message, capsys):
    assert main(argv) == 2
    err = capsys.readouterr().err
    assert message in err and "Traceback" not in err
    assert not os.path.exists("run/training.yaml")


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_keeps_a_checkpoint_and_says_how_to_go_on(here, monkeypatch, capsys):
    """The signal itself, when the second epoch is told; a search gets it in a process of its own in test_interrupt.py."""
    tell = EpochProgress.__call__

    def interrupt(progress, event):
        tell(progress, event)
        if event.kind == "epoch" and event.epoch == 2:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(EpochProgress, "__call__", interrupt)
    assert main(["train", "net.yaml", TEXTS[0], "train.epochs=100000", "train.batch=40", "out=run"]) == 130
    said = capsys.readouterr().err
    assert "stopped; go on with: blockspace train net.yaml 'data={name: digits" in said and "Traceback" not in said
    assert (here / "run" / "last.ckpt").is_file()
