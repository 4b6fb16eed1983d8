"""Files that try to run code or to leave their folder, and what to run on them: a script, for `test_hostile.py`.

`python hostile.py FOLDER` writes the files into FOLDER, runs the commands there under an audit hook, and prints as JSON every event that
reading data does not need: imports from the folder, programs, sockets, unpickled names, files written or opened outside.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import pickle
import sys
from functools import partial
from pathlib import Path

BLOCK = "format: blockspace/block/1\nblock: {name}\ndoc: {doc}\nflow: [{step}]\n"
SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(1)>"
STUDY = """format: blockspace/study/1
study: evil
doc: "{doc}"
space: {space}
data: {data}
baseline: {{block: resnext, block.resnext.cardinality: 8, base: 12}}
budget: {{macs: {{low: 96%, high: 100%}}}}
search: {{trials: 2}}
compare: {{by: block}}
"""
MODULE = "from pathlib import Path\nPath('ran').touch()\ndef make(): Path('ran').touch()\n"


class Payload:
    """Touches a file when it is unpickled."""

    def __reduce__(self):
        return os.system, ("touch ran",)


def write_files(folder: Path) -> None:
    """Write every hostile file."""
    (folder / "evil_data.py").write_text(MODULE)
    (folder / "sitecustom_rules.py").write_text(MODULE)
    steps = ["!!python/object/apply:os.system ['touch ran']", '"__import__(\'os\').system(\'touch ran\')"', "conv3x3: {out: \"exec('x')\"}"]
    for i, step in enumerate(steps):
        (folder / f"block{i}.yaml").write_text(BLOCK.format(name=f"block{i}", doc=SCRIPT, step=step))
    for i, name in enumerate(["../../escape", "/etc/passwd", "a\\nb", "CON", "$(touch ran)", "`touch ran`"]):
        (folder / f"name{i}.yaml").write_text(BLOCK.format(name=json.dumps(name), doc="x", step="relu"))
    (folder / "import.yaml").write_text("format: blockspace/block/1\nblock: b\nblocks: {x: weights.pth, y: /etc/passwd}\nflow: [x, y]\n")
    datas = ['{python: "os:system", options: {command: "touch ran"}}', '{python: "evil_data:make"}', '{python: "pickle:loads"}']
    for i, data in enumerate(datas):
        (folder / f"study{i}.yaml").write_text(STUDY.format(doc=SCRIPT, space="hs_vs_resnext", data=data))
    (folder / "weights.pth").write_bytes(pickle.dumps(Payload()))
    (folder / "weights.safetensors").write_bytes((2**40).to_bytes(8, "little") + b"{}")
    (folder / "dag.json").write_text(json.dumps({"nodes": [{"id": "../../x", "op": "os.system"}], "links": [], "multigraph": True}))
    write_run(folder / "run", folder)
    export = folder / "export"
    export.mkdir()
    (export / "arch.yaml").write_text((folder / "run/trials/0000/arch.yaml").read_text())
    facts = {"format": "blockspace/facts/1", "source": "\x1b[2J", "data": {"python": "os:system", "options": {"command": "touch ran"}}}
    (export / "facts.json").write_text(json.dumps(facts))
    (export / "model.py").write_text(MODULE)
    (folder / "torn").mkdir()
    (folder / "torn/arch.yaml").symlink_to("/etc/passwd")


def write_run(run: Path, folder: Path) -> None:
    """Write a run directory as somebody might send it."""
    trial = run / "trials" / "0000"
    trial.mkdir(parents=True)
    net = "format: blockspace/network/1\nnetwork: n\nparams: {classes: 10}\ninput: [1, 8, 8]\nhead: [global_avgpool, linear: classes]\n"
    (trial / "arch.yaml").write_text(net)
    (trial / "result.json").write_text("[" * 100_000)
    (trial / "weights.safetensors").write_bytes(pickle.dumps(Payload()))
    (trial / "last.ckpt").write_bytes(pickle.dumps(Payload()))
    (trial / "scores.npz").write_bytes(pickle.dumps(Payload()))
    (run / "study.yaml").write_text(STUDY.format(doc=SCRIPT, space="hs_vs_resnext", data='{python: "evil_data:make"}'))
    (run / "study.db").write_bytes(pickle.dumps(Payload()))
    (run / "preflight.json").write_text(json.dumps({"format": "blockspace/preflight/1", "stamp": "", "name": SCRIPT}))
    (run / "local.json").write_text(json.dumps({"format": "blockspace/local/1", "beside": str(folder), "paths": [{"key": "x"}, 3]}))


COMMANDS = [
    *(["check", f"{name}.yaml"] for name in ("block0", "block1", "block2", "import", "study0", "study1", "study2")),
    *(["show", f"name{i}.yaml"] for i in range(6)),
    ["search", "study1.yaml", "--dry-run"], ["search", "study2.yaml", "--dry-run"],
    ["show", "dag.json"], ["check", "dag.json"], ["show", "run#0"], ["show", "run#../../../etc"], ["show", "run#0/../../x"],
    ["show", "export"], ["check", "export", "run#0", "run", "torn"], ["compare", "export", "run#0"], ["report", "run"],
    ["cp", "run/study.yaml", "copy.yaml"], ["ls"], ["show", "resnext", "--svg", "picture.svg"],
]  # fmt: skip
WITH_TORCH = [
    ["export", "run#0", "out1"], ["export", "export", "out2", "--to", "py"], ["export", "resnet20", "out3", "--weights", "weights.pth"],
    ["export", "resnet20", "out4", "--weights", "weights.safetensors"], ["train", "resnet20", "--evaluate", "weights=weights.pth"],
    ["train", "export", "out=out5"],
]  # fmt: skip
WRITTEN = {"copy.yaml", "picture.svg", "report.html", "front.png"}  # by the commands, as they were asked to


def watch(folder: Path, seen: list[str]) -> None:
    """Collect the events that reading data does not need."""
    here = str(folder)

    def hook(event: str, arguments: tuple) -> None:
        if not watching:
            return
        if event == "subprocess.Popen" and str(arguments[0]).endswith("ldconfig"):  # torch looks for its libraries
            return
        if event in ("os.system", "subprocess.Popen", "os.exec", "os.posix_spawn", "pickle.find_class", "socket.connect", "os.fork"):
            seen.append(f"{event} {str(arguments[:2])[:200]}")
        elif event == "open" and isinstance(arguments[0], str):
            path, mode = os.path.abspath(arguments[0]), arguments[1] or ""
            name = os.path.basename(path)
            if path.startswith(here) and path.endswith((".py", ".pyc")) and not allowed(path, name, here):
                seen.append(f"open {path}")
            elif any(letter in str(mode) for letter in "wax+") and not allowed(path, name, here):
                seen.append(f"write {path}")

    sys.addaudithook(hook)


def allowed(path: str, name: str, here: str) -> bool:
    """Return whether a file is one that a command was asked to write."""
    asked = path.startswith((f"{here}/out", f"{here}/.out")) or (path.startswith(here) and (name in WRITTEN or name.startswith(".")))
    return asked or path.startswith(("/dev/", "/proc/")) or "cache" in path


watching, current = False, [""]


def main(folder: Path, commands: list[list[str]]) -> dict[str, object]:
    """Run the commands in the folder; return the events and what each command did."""
    global watching
    os.chdir(folder)
    import blockspace.study
    from blockspace.cli import main as run

    blockspace.study.draw_families = partial(blockspace.study.draw_families, samples=2)  # of a dry run, which takes seconds otherwise
    sys.path.insert(0, str(folder))  # as if it were the current folder of `python -m`
    seen: list[str] = []
    watch(folder, seen)
    done = {}
    for argv in commands:
        current[0] = " ".join(argv)
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            watching = True
            try:
                code = run(argv)
            finally:
                watching = False
        done[current[0]] = [code, out.getvalue()[-2000:]]
    return {"seen": seen, "done": done, "ran": (folder / "ran").exists()}


if __name__ == "__main__":
    place = Path(sys.argv[1])
    write_files(place)
    print(json.dumps(main(place, WITH_TORCH if sys.argv[2] == "torch" else COMMANDS)))
