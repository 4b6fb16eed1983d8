"""The software and hardware of a run, `environment.json`: an entry for each kind of machine that its starts ran on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields, replace

from blockspace.files import read_json, write_atomic
from blockspace.formatting import format_bytes
from blockspace.records.facts import without_paths
from blockspace.records.rundir import RunDir

FORMAT = "blockspace/environment/1"


@dataclass(frozen=True)
class RunEnvironment:
    """What a start ran on. No name of a user or host, and no absolute path, is in it.

    `since` is the time of the first start there (local, ISO 8601). `commit` is that of the checkout that the package runs from, empty where
    it was installed in another way, and `dirty` whether files of the package differ from it. `cores` may be used of `all_cores`, `memory`
    is in bytes (0: not known). `blas` is numpy's, `torch_build` torch's libraries and the instructions of the CPU that it uses. `threads`
    are the variables of the environment that limit threads, `packages` every installed package with its version.
    """

    since: str
    python: str
    system: str
    cpu: str
    cores: int
    all_cores: int
    memory: int
    blas: str
    torch_build: str = ""
    commit: str = ""
    dirty: bool = False
    threads: dict[str, str] = field(default_factory=dict)
    packages: dict[str, str] = field(default_factory=dict)

    def is_same(self, other: RunEnvironment) -> bool:
        """Return whether both are one environment, whenever they were noted."""
        return replace(self, since="", torch_build="") == replace(other, since="", torch_build="")

    def lines(self) -> dict[str, str]:
        """Return what a report shows of it, by titles; the packages are in the file."""
        state = " with changes" if self.dirty else ""
        found = {
            "code": f"commit {self.commit[:12]}{state}" if self.commit else "an installed package",
            "python": self.python,
            "system": self.system,
            "CPU": f"{self.cpu}, {self.cores} of {self.all_cores} cores",
            "memory": format_bytes(self.memory) if self.memory else "",
            "BLAS": self.blas,
            "torch": self.torch_build,
            "threads": ", ".join(f"{name}={value}" for name, value in self.threads.items()),
            "packages": f"{len(self.packages):,}, listed in {RunDir.of('.').environment.name}",
        }
        return {title: text for title, text in found.items() if text}


def read_environments(run: RunDir) -> tuple[RunEnvironment, ...]:
    """Return the environments that a run directory has recorded, in the order of their first starts; none where the file cannot be read."""
    names = {one.name for one in fields(RunEnvironment)}
    try:
        content = read_json(run.environment)
        if content["format"] != FORMAT:
            return ()
        return tuple(RunEnvironment(**{key: one[key] for key in names & set(one)}) for one in content["environments"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ()


def write_environments(run: RunDir, environments: Sequence[RunEnvironment]) -> None:
    """Write `environment.json`. Raises StorageError."""
    entries = [without_paths(asdict(one)) for one in environments]
    write_atomic(run.environment, json.dumps({"format": FORMAT, "environments": entries}, indent=1) + "\n")
