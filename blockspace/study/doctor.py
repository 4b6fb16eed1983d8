"""Doctor: whether this machine has what a search needs, one check a line, each with the next step where something is amiss."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib import import_module, metadata
from pathlib import Path
from typing import NamedTuple

from blockspace.data import DataSpec, Preflight, preflight, read_spec
from blockspace.errors import BlockspaceError
from blockspace.study.overrides import apply_texts, empty_tree, tree_as_data
from blockspace.study.study_file import load_study

GIB = 2**30
NETWORK_FILE_SYSTEMS = ("nfs", "cifs", "smb", "9p", "fuse.sshfs", "lustre", "gpfs", "ceph", "afs", "glusterfs", "beegfs")
IMPORTED = {"scikit-learn": "sklearn", "pyyaml": "yaml"}  # distributions whose module has another name


class Check(NamedTuple):
    """One thing looked at: `state` is ok, warn or fail; `help` the next step."""

    name: str
    state: str
    text: str
    help: str | None = None


def diagnose(out: str = "runs") -> Iterator[Check]:
    """Every check, one after the other; `out` is where runs would be written."""
    for check in (python, *packages(), cores, torch_build, bf16, channels_last, compiler):
        yield guarded(check)
    for place in (disk, writable, storage):
        yield guarded(partial(place, Path(out)))


def guarded(check: Callable[[], Check]) -> Check:
    """What a check finds; one that breaks is itself a finding."""
    try:
        return check()
    except Exception as reason:  # whatever a broken installation comes up with
        return Check(getattr(check, "__name__", "check").strip("<>"), "fail", f"{type(reason).__name__}: {reason}")


# -- software ------------------------------------------------------------------------------------------------------------------------------


def requirements() -> tuple[str, list]:
    """(the range of Python versions, the requirements of the package itself), as its metadata or its pyproject.toml says."""
    from packaging.requirements import Requirement

    try:
        about = metadata.metadata("blockspace")
        python, texts = about["Requires-Python"], metadata.requires("blockspace") or []
    except metadata.PackageNotFoundError:
        import tomllib

        project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
        python, texts = project["requires-python"], project["dependencies"]
    return python, [found for found in map(Requirement, texts) if "extra" not in str(found.marker or "")]


def python() -> Check:
    from packaging.specifiers import SpecifierSet

    wanted, _ = requirements()
    version = ".".join(map(str, sys.version_info[:3]))
    if version in SpecifierSet(wanted):
        return Check("python", "ok", version)
    return Check("python", "fail", f"{version}, wanted {wanted}", "install a newer Python, and make the environment with it")


def packages() -> list[Callable[[], Check]]:
    """A check for each package that is required."""
    return [partial(package, wanted) for wanted in requirements()[1]]


def package(wanted) -> Check:
    """Whether a required package is there, new enough, and can be imported."""
    fetch = f"pip install '{wanted.name}{wanted.specifier}'"
    try:
        version = metadata.version(wanted.name)
    except metadata.PackageNotFoundError:
        return Check(wanted.name, "fail", f"is not installed, wanted {wanted.specifier}", fetch)
    if not wanted.specifier.contains(version, prereleases=True):
        return Check(wanted.name, "fail", f"{version}, wanted {wanted.specifier}", fetch)
    try:
        import_module(IMPORTED.get(wanted.name, wanted.name))
    except Exception as reason:
        return Check(
            wanted.name, "fail", f"{version} cannot be imported: {reason}", f"pip install --force-reinstall '{wanted.name}=={version}'"
        )
    return Check(wanted.name, "ok", version)


# -- the machine ---------------------------------------------------------------------------------------------------------------------------


def cores() -> Check:
    """Cores this process may use: affinity and a container's quota counted in."""
    from blockspace.searching import count_available_cores

    usable, there = count_available_cores(), os.cpu_count() or 1
    threads = os.environ.get("OMP_NUM_THREADS")
    said = f"{usable} of {there} usable" + (f", OMP_NUM_THREADS={threads}" if threads else "")
    if threads and threads.isdigit() and int(threads) > usable:
        return Check("cores", "warn", said, f"more threads than cores slow each other down: unset it, or OMP_NUM_THREADS={usable}")
    return Check("cores", "ok", said)


def torch_build() -> Check:
    import torch

    gpu = f"cuda {torch.version.cuda}, {torch.cuda.get_device_name()}" if torch.cuda.is_available() else "no GPU: training is on the CPU"
    return Check("device", "ok", f"{gpu}; CPU {torch.backends.cpu.get_cpu_capability()}, {torch.get_num_threads()} threads")


def bf16() -> Check:
    """Whether bfloat16 is computed by the device, rather than emulated."""
    import torch

    if torch.cuda.is_available():
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        flags = Path("/proc/cpuinfo").read_text() if os.path.exists("/proc/cpuinfo") else ""
        fast = "bf16" in flags  # avx512_bf16 and amx_bf16 on x86, bf16 on Arm
    if fast:
        return Check("bf16", "ok", "computed by the device")
    return Check("bf16", "warn", "emulated by this device: right, but slow", "leave train.precision at 32-true")


def channels_last() -> Check:
    """Whether a convolution keeps the NHWC layout that training uses."""
    import torch

    layer = torch.nn.Conv2d(8, 8, 3, padding=1).to(memory_format=torch.channels_last)
    image = torch.rand(2, 8, 8, 8).to(memory_format=torch.channels_last)
    if layer(image).is_contiguous(memory_format=torch.channels_last):
        return Check("channels_last", "ok", "kept by convolutions")
    return Check("channels_last", "warn", "convolutions here give another layout", "train.channels_last=false")


def compiler() -> Check:
    """A C++ compiler, which torch.compile needs on a CPU."""
    names = [os.environ["CXX"]] if os.environ.get("CXX") else ["g++", "clang++", "c++", "cl"]
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found:
        return Check("compiler", "ok", found)
    return Check("compiler", "warn", f"no C++ compiler ({', '.join(names)})", "only torch.compile needs one: apt-get install g++")


# -- the run directory ---------------------------------------------------------------------------------------------------------------------


def existing(place: Path) -> Path:
    """The nearest folder above that exists."""
    place = place.absolute()
    return next(folder for folder in (place, *place.parents) if folder.is_dir())


def disk(out: Path) -> Check:
    free = shutil.disk_usage(existing(out)).free
    said = f"{free / GIB:.1f} GiB free at {existing(out)}"
    if free < GIB / 10:
        return Check("disk", "fail", said, "free some space, or write elsewhere: out=/other/disk/my_run")
    if free < GIB:
        return Check("disk", "warn", said, "a study of 24 small networks needs about 100 MB")
    return Check("disk", "ok", said)


def writable(out: Path) -> Check:
    folder = existing(out)
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"blockspace")
    except OSError as reason:
        return Check("folder", "fail", f"{folder} cannot be written: {reason.strerror or reason}", "choose another: out=/somewhere/my_run")
    return Check("folder", "ok", f"{folder} can be written")


def storage(out: Path) -> Check:
    """Whether the database of a run would lie on a file system whose locks SQLite can trust."""
    kind = file_system(existing(out), mounts())
    said = f"SQLite {sqlite3.sqlite_version} on {kind or 'a file system of unknown kind'}"
    if kind.startswith(NETWORK_FILE_SYSTEMS):
        return Check(
            "storage", "warn", f"{said}, a network file system, whose locks are not reliable", "write to a local disk: out=/local/my_run"
        )
    return Check("storage", "ok", said)


def mounts() -> str:
    """Linux' list of mounted file systems; empty elsewhere."""
    place = Path("/proc/self/mounts")
    return place.read_text(errors="replace") if place.exists() else ""


def file_system(folder: Path, listed: str) -> str:
    """The kind of file system that holds `folder`: the last mount with the longest path above it. Lines are `device path kind ...`."""
    found = [line.split()[1:3] for line in listed.splitlines() if len(line.split()) > 2]
    above = [(len(path), i, kind) for i, (path, kind) in enumerate(found) if Path(path.replace("\\040", " ")) in (folder, *folder.parents)]
    return max(above, default=(0, 0, ""))[2]


# -- a data set ----------------------------------------------------------------------------------------------------------------------------


def preflight_target(target: str, overrides: Sequence[str] = ()) -> Preflight:
    """Return the preflight of a study's data, or of a data set's name or a folder, with `data.key=value` overrides.

    Raises BlockspaceError: E-DATA, E-LABEL, and the mistakes of the study file.
    """
    if target.endswith((".yaml", ".yml")):
        return preflight(load_study(target, overrides).data)
    return preflight(_data_of([f"data={target}", *overrides]))


def _data_of(overrides: Sequence[str]) -> DataSpec:
    """Return the data that overrides alone describe. Raises BlockspaceError."""
    root = empty_tree(overrides)
    if mistakes := apply_texts(root, overrides):
        raise BlockspaceError(*mistakes)
    return read_spec(tree_as_data(root)["data"])
