"""Shell completion, through the protocol the shells speak: the words typed so far in the environment, completions on stdout."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path

import pytest

from blockspace.blocks import list_names
from blockspace.cli import main
from blockspace.shipped import list_shipped

ROOT = Path(__file__).parents[2]


def asked(environment: dict[str, str], folder: Path) -> list[str]:
    """What the program prints when a shell asks it, in this process: the last tests are about processes."""
    said, errors = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said), redirect_stderr(errors):
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["blockspace"])
        for name, value in environment.items():
            patch.setenv(name, value)
        with suppress(SystemExit):
            main([])
    assert errors.getvalue() == ""
    return [line for line in said.getvalue().splitlines() if line]


def bash(folder: Path, *words: str) -> list[str]:
    """Completions of the last word, as bash asks for them; it splits words at `=` itself."""
    typed = ["blockspace", *words]
    return asked({"_BLOCKSPACE_COMPLETE": "complete_bash", "COMP_WORDS": "\n".join(typed), "COMP_CWORD": str(len(words))}, folder)


@pytest.fixture
def here(tmp_path):
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "mine.yaml").write_text("format: blockspace/study/1\n")
    (tmp_path / "block.yaml").write_text("format: blockspace/block/1\n")
    for trial in ("0003", "0017"):
        (tmp_path / "runs" / "first" / "trials" / trial).mkdir(parents=True)
        (tmp_path / "runs" / "first" / "trials" / trial / "result.json").write_text("{}")
    (tmp_path / "runs" / "first" / "best" / "hs-ba8").mkdir(parents=True)
    (tmp_path / "runs" / "first" / "study.yaml").write_text("")
    return tmp_path


def test_commands(here):
    assert {"show", "search", "schema"} <= set(bash(here, "s")) and "ls" not in bash(here, "s")


def test_names_and_files(here):
    assert bash(here, "show", "resnet") == [n for n in [*list_names("block"), *list_names("network")] if n.startswith("resnet")]
    assert bash(here, "show", "bl") == ["block.yaml"] and bash(here, "show", "stu") == ["studies/"]
    assert bash(here, "search", "") == sorted(["block.yaml", "runs/", "studies/", "studies/mine.yaml", *list_shipped("study")])
    assert bash(here, "cp", "mi") == ["mine"] and bash(here, "schema", "") == ["block", "network", "study"]


def test_settings_of_a_block(here):
    assert bash(here, "show", "resnext", "card") == ["cardinality=32"]
    assert bash(here, "show", "resnext", "cardinality", "=", "") == ["32", "1", "2", "4", "8", "16"]
    assert bash(here, "show", "resnext", "cardinality", "=") == ["32", "1", "2", "4", "8", "16"]
    assert bash(here, "show", "resnext", "cardinality", "=", "8", "wid") == ["width=4"]
    assert bash(here, "show", "nothing_of_this_name", "w") == []


def test_settings_of_a_study(here):
    assert bash(here, "search", "studies/mine.yaml", "search.tr") == ["search.trials=24"]
    assert "train.optimizer=sgd" in bash(here, "search", "studies/mine.yaml", "train.")


def test_trials_of_a_run(here):
    assert bash(here, "export", "runs/")[:3] == ["runs/first#hs-ba8", "runs/first#3", "runs/first#17"]
    assert bash(here, "export", "runs/first#1") == ["runs/first#17"]


def test_options_and_nothing(here):
    assert bash(here, "ls", "--bl") == ["--blocks"]
    shipped = ["hs_splits", "hs_vs_resnext"]  # each a space and a study
    assert bash(here, "ls", "hs_") == ["hs_block", "hs_bottleneck", "hs_resnet50", *shipped]
    assert bash(here, "show", "quite_unknown") == []


def test_zsh_and_fish(here):
    zsh = asked({"_BLOCKSPACE_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "blockspace show hs_bl"}, here)
    assert zsh == ["_arguments '*: :((\"hs_block\"))'"]
    fish = {
        "_BLOCKSPACE_COMPLETE": "complete_fish",
        "_TYPER_COMPLETE_ARGS": "blockspace show hs_bl",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    assert asked(fish, here) == ["hs_block"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_that_a_shell_reads(shell, here):
    lines = asked({"_BLOCKSPACE_COMPLETE": f"source_{shell}"}, here)
    assert any(f"_BLOCKSPACE_COMPLETE=complete_{shell}" in line for line in lines)


def test_bash_itself(here):
    """The script in a real bash: its own function fills COMPREPLY."""
    program = here / "bin" / "blockspace"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\nfrom blockspace.cli import entry\nentry()\n")
    program.chmod(0o755)
    script = """
    eval "$(_BLOCKSPACE_COMPLETE=source_bash blockspace)"
    COMP_WORDS=(blockspace show hs_bl); COMP_CWORD=2
    _blockspace_completion blockspace; echo "${COMPREPLY[@]}"
    """
    settings = os.environ | {"PYTHONPATH": str(ROOT), "PATH": f"{program.parent}:{os.environ['PATH']}"}
    run = subprocess.run(["bash", "--norc", "-c", script], env=settings, cwd=here, capture_output=True, text=True, timeout=300)
    assert run.stdout.split() == ["hs_block"], run.stderr


def test_completion_is_light(here):
    code = f"""
import os, sys
os.environ.update(_BLOCKSPACE_COMPLETE="complete_bash", COMP_WORDS="blockspace\\nsearch\\nx.yaml\\ntrain.", COMP_CWORD="3")
sys.path.insert(0, {str(ROOT)!r})
from blockspace.cli import main
try:
    main([])
except SystemExit:
    print([m for m in ("torch", "optuna", "lightning") if m in sys.modules])
"""
    run = subprocess.run([sys.executable, "-c", code], cwd=here, capture_output=True, text=True, timeout=300)
    assert run.stdout.splitlines()[-1] == "[]", run.stderr
