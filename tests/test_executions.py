"""What executes code of others: one list of it, a line before it runs, and nothing anywhere else."""

from __future__ import annotations

import sys

import pytest
from study import tiny

from blockspace.cli import main
from blockspace.cli.app import build_app
from blockspace.data import custom
from blockspace.errors import BlockspaceError
from blockspace.executions import DRY_RUN, EXECUTIONS, READS, announce_execution, running_command

OWN = """
from functools import partial
from os import system
from pathlib import Path

import numpy

Path("ran").touch()


def make(count=240):
    labels = numpy.arange(count) % 2
    return {"train": (numpy.random.default_rng(0).integers(0, 255, (count, 1, 16, 16)).astype("uint8"), labels)}


small = partial(make, 120)
hidden = partial(system)
"""


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A study whose data is a function, in a folder beside the working directory."""
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    path = tiny.write(tmp_path / "there")
    path.write_text(path.read_text().replace("{name: digits, train: 200, val: 100, test: 300}", '{python: "their_own:make"}'))
    (tmp_path / "there" / "their_own.py").write_text(OWN)
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield path
    custom.load_cached.cache_clear()
    sys.modules.pop("their_own", None)


def test_the_list_names_every_command():
    registered = {command.name or command.callback.__name__ for command in build_app().registered_commands}
    assert set(READS) == registered | {DRY_RUN} and all(READS.values())
    assert {name for one in EXECUTIONS.values() for name in one.commands} <= registered
    assert not {"check", "report", "export", "compare", DRY_RUN} & {name for one in EXECUTIONS.values() for name in one.commands}


@pytest.mark.parametrize("kind", EXECUTIONS)
def test_a_command_that_is_not_listed_runs_nothing(kind, capsys):
    for name in READS:
        with running_command(name):
            if name in EXECUTIONS[kind].commands:
                announce_execution(kind, "it")
                assert capsys.readouterr().err == "running it\n"
            else:
                with pytest.raises(BlockspaceError) as caught:
                    announce_execution(kind, "it")
                assert caught.value.mistakes[0].code == "E-CODE" and not capsys.readouterr().err
    with running_command("check"), running_command("search"):
        announce_execution("data", "the innermost counts")


def test_looking_at_a_study_runs_nothing_and_says_so(study, tmp_path, capsys):
    for argv, code in ((["check"], 0), (["search", "--dry-run"], 0), (["search", "--dry-run", "--measure"], 7)):
        assert main([argv[0], str(study), *argv[1:]]) == code
        out, err = capsys.readouterr()
        assert "their_own:make is not run here; the input 1x16x16 and 10 classes are the network's own" in out and not err
    assert "time: not measured" in out and not (tmp_path / "here" / "ran").exists() and "their_own" not in sys.modules
    assert main(["check", str(study)]) == 0


def test_size_and_channels_of_the_settings_are_used_where_the_function_is_not_run(study, capsys):
    assert main(["search", str(study), "--dry-run", "data.size=8", "data.channels=3"]) == 0
    assert "the input 3x8x8 and 10 classes" in capsys.readouterr().out


def test_a_module_beside_the_study_runs_after_a_line(study, tmp_path, capsys):
    assert main(["doctor", "--data", str(study)]) == 0
    out, err = capsys.readouterr()
    assert "2 classes, 1x16x16" in out and (tmp_path / "here" / "ran").exists()
    assert err == f"running their_own:make for the data ({tmp_path / 'there' / 'their_own.py'})\n"
    assert main(["doctor", "--data", str(study), "data.python=their_own:small"]) == 0
    assert "84 train" in capsys.readouterr().out


@pytest.mark.parametrize("target", ["os:system", "posix:system", "builtins:exec", "subprocess:run", "importlib.util:find_spec"])
def test_a_function_of_pythons_own_library_is_refused_where_it_is_written(study, target, capsys):
    study.write_text(study.read_text().replace("their_own:make", target))
    line = next(i for i, text in enumerate(study.read_text().splitlines(), 1) if text.startswith("data:"))
    for argv in (["check", str(study)], ["search", str(study), "--dry-run"], ["search", str(study)], ["doctor", "--data", str(study)]):
        assert main(argv) == 2
        err = capsys.readouterr().err
        assert "of Python's standard library" in err and f"{study}:{line}:" in err and "running" not in err


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("their_own:system", "their_own:system is a function of posix, of Python's standard library"),
        ("their_own:hidden", "their_own:hidden is a function of posix, of Python's standard library"),
        ("their_own:Path", "their_own:Path is a function of pathlib, of Python's standard library"),
        ("test.support:run_unittest", "test.support is of Python's standard library"),
        ("../their_own:make", "names no function"),
        ("their_own:make\x1b[2J", "names no function"),
        ("their_own:os.system", "names no function"),
        (".their_own:make", "names no function"),
    ],
)
def test_whatever_the_name_under_which_it_is_passed_on(study, target, message, capsys):
    with pytest.raises(BlockspaceError) as caught:
        custom.make_importable(study.parent)
        custom.import_function(target)
    assert message in str(caught.value)


def test_rules_run_after_a_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules.py").write_text("raise SystemExit(3)\n")
    for argv in (["prove", "rules.py"], ["show", "resnext", "--passes", "--rules", "rules.py"]):
        assert main(argv) == 2
        err = capsys.readouterr().err
        assert err.startswith("running the rules of rules.py\nerror: rules.py: SystemExit: 3")
