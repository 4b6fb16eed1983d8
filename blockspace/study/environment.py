"""Note what a run's start runs on: the package's commit, Python, packages, CPU, memory, BLAS, threads."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import replace
from datetime import datetime
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from blockspace.records import RunDir, RunEnvironment, read_environments, write_environments
from blockspace.searching import count_available_cores

PACKAGE = Path(__file__).resolve().parents[1]
CPU_LIST = Path("/proc/cpuinfo")
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS", "CUDA_VISIBLE_DEVICES")
TORCH_WORDS = ("MKL", "OpenMP", "LAPACK", "CPU capability", "CUDA Runtime", "CuDNN")  # lines of torch's description that are kept
GIT_TIMEOUT = 10.0  # seconds


def note_environment(run: RunDir) -> None:
    """Add what this process runs on to the run directory's `environment.json`, unless its last entry says the same. Raises StorageError."""
    before, now = read_environments(run), collect_environment()
    if not before or not before[-1].is_same(now):
        write_environments(run, [*before, replace(now, torch_build=describe_torch_build())])


def collect_environment() -> RunEnvironment:
    """Return what this process runs on, as far as it can be known without importing torch."""
    commit, dirty = read_checkout(PACKAGE)
    return RunEnvironment(
        since=datetime.now().isoformat(timespec="seconds"), python=platform.python_version(),
        system=f"{platform.system()} {platform.release()}, {platform.machine()}", cpu=name_cpu(),
        cores=count_available_cores(), all_cores=os.cpu_count() or 1, memory=count_memory(), blas=name_blas(),
        commit=commit, dirty=dirty, threads={name: os.environ[name] for name in THREADS if name in os.environ}, packages=list_packages(),
    )  # fmt: skip


def read_checkout(package: Path) -> tuple[str, bool]:
    """Return the commit that a package's folder is checked out at, and whether files in it differ; no commit where git does not know it.

    A package that is installed somewhere below another project's checkout is not tracked there, and has none.
    """
    if run_git(package, "ls-files", "--error-unmatch", "__init__.py") is None:
        return "", False
    commit = (run_git(package, "rev-parse", "HEAD") or "").strip()
    return commit, bool(commit and (run_git(package, "status", "--porcelain", "--", ".") or "").strip())


def run_git(folder: Path, *arguments: str) -> str | None:
    """Return what git prints about a folder; None where it fails, or is not installed."""
    command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=GIT_TIMEOUT, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def list_packages() -> dict[str, str]:
    """Return every installed package with its version, by name."""
    found = {str(one.metadata["Name"]): str(one.version) for one in distributions() if one.metadata["Name"]}
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def name_cpu() -> str:
    """Return the model of the CPU: Linux says it in its list, other systems by `platform`."""
    try:
        lines = CPU_LIST.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.lower().startswith("model name")]
    return next(iter(models), "") or platform.processor() or platform.machine()


def count_memory() -> int:
    """Return the machine's memory in bytes; 0 where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 0


def name_blas() -> str:
    """Return numpy's BLAS with its version and configuration."""
    import numpy

    config: dict[str, Any] = dict(numpy.show_config(mode="dicts") or {})
    found: dict[str, Any] = dict(config.get("Build Dependencies", {}).get("blas", {}))
    words = (str(found.get(key) or "") for key in ("name", "version", "openblas configuration"))
    return " ".join(filter(None, words))


def describe_torch_build() -> str:
    """Return the libraries that torch was built with, and the instructions of this CPU that it uses."""
    import torch

    lines = (line.strip(" -") for line in torch.__config__.show().splitlines())
    return "; ".join(line for line in lines if any(word in line for word in TORCH_WORDS) and not line.startswith("Build settings"))
