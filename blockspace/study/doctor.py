"""Doctor: whether this machine has what a search needs, one check a line, each with the next step where something is amiss."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from blockspace.data import DataSpec, Preflight, cache_folder, make_importable, preflight, read_spec
from blockspace.errors import BlockspaceError, Mistake
from blockspace.inputs import expand_path
from blockspace.study.overrides import apply_texts, empty_tree, find_mark, tree_as_data
from blockspace.study.study_file import load_study
from blockspace.training import Recipe, read_recipe

if TYPE_CHECKING:
    from packaging.requirements import Requirement

GIB = 2**30
NETWORK_FILE_SYSTEMS = ("nfs", "cifs", "smb", "9p", "fuse.sshfs", "lustre", "gpfs", "ceph", "afs", "glusterfs", "beegfs")
MIB = 2**20
SHARED_MEMORY = 64 * MIB  # what containers have by default, and the least for a few processes that load images


class DoctorCheck(NamedTuple):
    """The result of one check: `state` is ok, warn or fail; `help` the next step."""

    name: str
    state: str
    text: str
    help: str | None = None


def diagnose(out: str = "runs") -> Iterator[DoctorCheck]:
    """Yield every check, one after the other; `out` is where runs would be written."""
    for check in (check_python, *list_package_checks(), check_cores, check_device, check_bf16, check_channels_last, check_compiler):
        yield run_check(check)
    yield run_check(check_shared_memory)
    yield run_check(check_cache)
    for place in (check_disk, check_writable, check_storage):
        yield run_check(partial(place, expand_path(out)))


def run_check(check: Callable[[], DoctorCheck]) -> DoctorCheck:
    """Run a check; one that breaks is a failed check."""
    try:
        return check()
    except Exception as reason:  # whatever a broken installation comes up with
        name = getattr(check, "__name__", "check").strip("<>").removeprefix("check_")
        return DoctorCheck(name, "fail", f"{type(reason).__name__}: {reason}")


# -- software ------------------------------------------------------------------------------------------------------------------------------


def read_requirements() -> tuple[str, list[Requirement]]:
    """Return the range of Python versions and the package's own requirements, as its metadata or its pyproject.toml says."""
    from packaging.requirements import Requirement

    try:
        about = metadata.metadata("blockspace")
        python, texts = about["Requires-Python"], metadata.requires("blockspace") or []
    except metadata.PackageNotFoundError:
        import tomllib

        project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
        python, texts = project["requires-python"], project["dependencies"]
    return python, [found for found in map(Requirement, texts) if "extra" not in str(found.marker or "")]


def check_python() -> DoctorCheck:
    """Check that Python is new enough."""
    from packaging.specifiers import SpecifierSet

    wanted, _ = read_requirements()
    version = ".".join(map(str, sys.version_info[:3]))
    if version in SpecifierSet(wanted):
        return DoctorCheck("python", "ok", version)
    return DoctorCheck("python", "fail", f"{version}, wanted {wanted}", "install a newer Python, and make the environment with it")


def list_package_checks() -> list[Callable[[], DoctorCheck]]:
    """Return a check for each package that is required."""
    return [partial(check_package, wanted) for wanted in read_requirements()[1]]


def check_package(wanted: Requirement) -> DoctorCheck:
    """Check that a required package is there, new enough, and can be imported."""
    fetch = f"pip install '{wanted.name}{wanted.specifier}'"
    try:
        version = metadata.version(wanted.name)
    except metadata.PackageNotFoundError:
        return DoctorCheck(wanted.name, "fail", f"is not installed, wanted {wanted.specifier}", fetch)
    if not wanted.specifier.contains(version, prereleases=True):
        return DoctorCheck(wanted.name, "fail", f"{version}, wanted {wanted.specifier}", fetch)
    try:
        import_module(find_module_name(wanted.name))
    except Exception as reason:
        return DoctorCheck(
            wanted.name, "fail", f"{version} cannot be imported: {reason}", f"pip install --force-reinstall '{wanted.name}=={version}'"
        )
    return DoctorCheck(wanted.name, "ok", version)


def find_module_name(package: str) -> str:
    """Return the module by which an installed package is imported, as its own list of files says: `yaml` of pyyaml."""
    found = metadata.distribution(package)
    listed = (found.read_text("top_level.txt") or "").split()
    tops = [path.parts[0] for path in found.files or () if len(path.parts) == 2 and path.name == "__init__.py"]
    files = [path.name.partition(".")[0] for path in found.files or () if len(path.parts) == 1 and path.suffix in (".py", ".so", ".pyd")]
    names = [name for name in dict.fromkeys((*listed, *tops, *files)) if not name.startswith("_")]
    usual = re.sub(r"[-.]+", "_", package)
    return next((name for name in names if name.lower() == usual.lower()), names[0] if names else usual)


# -- the machine ---------------------------------------------------------------------------------------------------------------------------


def check_cores() -> DoctorCheck:
    """Report the cores this process may use, affinity and a container's quota counted in."""
    from blockspace.searching import count_available_cores

    usable, there = count_available_cores(), os.cpu_count() or 1
    threads = os.environ.get("OMP_NUM_THREADS")
    said = f"{usable} of {there} usable" + (f", OMP_NUM_THREADS={threads}" if threads else "")
    if threads and threads.isdigit() and int(threads) > usable:
        return DoctorCheck("cores", "warn", said, f"more threads than cores slow each other down: unset it, or OMP_NUM_THREADS={usable}")
    return DoctorCheck("cores", "ok", said)


def check_device() -> DoctorCheck:
    """Report the device that torch computes on."""
    import torch

    gpu = f"cuda {torch.version.cuda}, {torch.cuda.get_device_name()}" if torch.cuda.is_available() else "no GPU: training is on the CPU"
    return DoctorCheck("device", "ok", f"{gpu}; CPU {torch.backends.cpu.get_cpu_capability()}, {torch.get_num_threads()} threads")


def check_bf16() -> DoctorCheck:
    """Check whether bfloat16 is computed by the device, rather than emulated."""
    import torch

    if torch.cuda.is_available():
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        flags = Path("/proc/cpuinfo").read_text() if os.path.exists("/proc/cpuinfo") else ""
        fast = "bf16" in flags  # avx512_bf16 and amx_bf16 on x86, bf16 on Arm
    if fast:
        return DoctorCheck("bf16", "ok", "computed by the device")
    return DoctorCheck("bf16", "warn", "emulated by this device: right, but slow", "leave train.precision at 32-true")


def check_channels_last() -> DoctorCheck:
    """Check that a convolution keeps the NHWC layout that training uses."""
    import torch

    layer = torch.nn.Conv2d(8, 8, 3, padding=1).to(memory_format=torch.channels_last)
    image = torch.rand(2, 8, 8, 8).to(memory_format=torch.channels_last)
    if layer(image).is_contiguous(memory_format=torch.channels_last):
        return DoctorCheck("channels_last", "ok", "kept by convolutions")
    return DoctorCheck("channels_last", "warn", "convolutions here give another layout", "train.channels_last=false")


def check_compiler() -> DoctorCheck:
    """Look for a C++ compiler, which torch.compile needs on a CPU."""
    names = [os.environ["CXX"]] if os.environ.get("CXX") else ["g++", "clang++", "c++", "cl"]
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found:
        return DoctorCheck("compiler", "ok", found)
    return DoctorCheck("compiler", "warn", f"no C++ compiler ({', '.join(names)})", "only torch.compile needs one: apt-get install g++")


def check_shared_memory(place: str = "/dev/shm") -> DoctorCheck:
    """Check that there is shared memory for the processes that load images; systems without a folder for it have no such limit."""
    if not os.path.isdir(place):
        return DoctorCheck("shared memory", "ok", "no limit known")
    free = shutil.disk_usage(place).free
    if free >= SHARED_MEMORY:
        return DoctorCheck("shared memory", "ok", f"{free / MIB:,.0f} MiB free")
    help = "load images in the training's own process (train.workers=0), or start the container with --shm-size=1g"
    return DoctorCheck("shared memory", "warn", f"{free / MIB:,.1f} MiB free: little for processes that load images", help)


def try_writing(folder: Path) -> None:
    """Write a file in the folder and remove it. Raises OSError."""
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"blockspace")


def check_cache() -> DoctorCheck:
    """Check that decoded images can be kept for the next run."""
    folder = cache_folder()
    if folder is None:
        return DoctorCheck("cache", "warn", "no home folder: image files are decoded anew in each run", "BLOCKSPACE_CACHE=/a/folder")
    try:
        nearest = next(place for place in (folder.absolute(), *folder.absolute().parents) if os.path.lexists(place))
        try_writing(nearest)
    except OSError as reason:
        text = f"{folder} cannot be written: {reason.strerror or reason}: image files are decoded anew in each run"
        return DoctorCheck("cache", "warn", text, "BLOCKSPACE_CACHE=/a/folder")
    return DoctorCheck("cache", "ok", f"{folder}")


# -- the run directory ---------------------------------------------------------------------------------------------------------------------


def find_existing_folder(place: Path) -> Path:
    """Return the nearest folder above that exists."""
    place = place.absolute()
    return next(folder for folder in (place, *place.parents) if folder.is_dir())


def check_disk(out: Path) -> DoctorCheck:
    """Check the free space where runs are written."""
    free = shutil.disk_usage(find_existing_folder(out)).free
    said = f"{free / GIB:.1f} GiB free at {find_existing_folder(out)}"
    if free < GIB / 10:
        return DoctorCheck("disk", "fail", said, "free some space, or write elsewhere: out=/other/disk/my_run")
    if free < GIB:
        return DoctorCheck("disk", "warn", said, "a study of 24 small networks needs about 100 MB")
    return DoctorCheck("disk", "ok", said)


def check_writable(out: Path) -> DoctorCheck:
    """Check that the folder of runs can be written."""
    folder = find_existing_folder(out)
    try:
        try_writing(folder)
    except OSError as reason:
        text = f"{folder} cannot be written: {reason.strerror or reason}"
        return DoctorCheck("folder", "fail", text, "choose another: out=/somewhere/my_run")
    return DoctorCheck("folder", "ok", f"{folder} can be written")


def check_storage(out: Path) -> DoctorCheck:
    """Check whether the database of a run would lie on a file system whose locks SQLite can trust."""
    kind = find_file_system(find_existing_folder(out), read_mounts())
    said = f"SQLite {sqlite3.sqlite_version} on {kind or 'a file system of unknown kind'}"
    if kind.startswith(NETWORK_FILE_SYSTEMS):
        return DoctorCheck(
            "storage", "warn", f"{said}, a network file system, whose locks are not reliable", "write to a local disk: out=/local/my_run"
        )
    return DoctorCheck("storage", "ok", said)


def read_mounts() -> str:
    """Return Linux' list of mounted file systems; empty elsewhere."""
    place = Path("/proc/self/mounts")
    return place.read_text(errors="replace") if place.exists() else ""


def find_file_system(folder: Path, listed: str) -> str:
    """Return the kind of file system that holds `folder`: the last mount with the longest path above it.

    The lines of `listed` are `device path kind ...`.
    """
    found = [line.split()[1:3] for line in listed.splitlines() if len(line.split()) > 2]
    above = [(len(path), i, kind) for i, (path, kind) in enumerate(found) if Path(path.replace("\\040", " ")) in (folder, *folder.parents)]
    return max(above, default=(0, 0, ""))[2]


# -- a data set ----------------------------------------------------------------------------------------------------------------------------


def preflight_target(target: str, overrides: Sequence[str] = ()) -> Preflight:
    """Return the preflight of a study's data, or of a data set's name or a folder, with `data.key=value` overrides.

    Raises BlockspaceError: E-DATA, E-LABEL, and the mistakes of the study file.
    """
    return preflight(read_data_target(target, overrides)[0])


def read_data_target(target: str, overrides: Sequence[str] = ()) -> tuple[DataSpec, Recipe]:
    """Return the data and the recipe of a study, or the data that a name or a folder and overrides describe, with their recipe.

    Raises BlockspaceError: the mistakes of the study file, of the data or of the overrides.
    """
    if target.endswith((".yaml", ".yml")):
        study = load_study(target, overrides)
        make_importable(study.path.parent)
        return study.data, study.options.train
    texts = [f"data={target}", *overrides]
    root = empty_tree(texts)
    mistakes = apply_texts(root, texts)
    unknown = [key for key in root.items if key not in ("data", "train")]
    help = "data.KEY=VALUE and train.KEY=VALUE are read here; others belong to a study"
    mistakes += [Mistake("E-KEY", f"doctor --data has no setting {key!r}", root.keys[key], help) for key in unknown]
    if mistakes:
        raise BlockspaceError(*mistakes)
    values = tree_as_data(root)
    data = read_spec(values["data"], lambda path: find_mark(root, ("data", *path)))
    return data, read_recipe(values.get("train"), lambda path: find_mark(root, ("train", *path)))
