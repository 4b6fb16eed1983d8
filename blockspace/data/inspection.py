"""Inspect a data set before anything is trained on it: what is wrong, or worth knowing. torch is imported only when data is read."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from blockspace.data.data_spec import DataSpec, check_data, find_place, read_spec
from blockspace.data.decode import join_names
from blockspace.data.decoding import VERSION
from blockspace.data.folder_tree import identify
from blockspace.data.image_folder import find_images
from blockspace.data.named_datasets import DATASETS
from blockspace.data.scan import stamp_file
from blockspace.data.test_uses import compute_test_digest
from blockspace.files import write_atomic
from blockspace.formatting import count_noun
from blockspace.records import RunDir

if TYPE_CHECKING:
    from blockspace.data.image_pool import ImagePool

FORMAT = "blockspace/preflight/1"
IMBALANCE = 10  # the largest class over the smallest, from which on it is said
PARTS = ("train", "val", "test")


@dataclass(frozen=True)
class Preflight:
    """The result of inspecting a whole data set. Nothing here stops a study: what would is raised.

    `per_class` has the images of each class by part. `repeated` are images that occur more than once within train and val (they stay
    together in one of them), `leaked` test images that also occur in train or val, by content; `contradictory` are images that occur with
    different labels. `skipped` are the files that were left out because they cannot be read, by their paths below the folder of the data,
    with the reason; `remarks` are lines on what else was left out, and on what was decided. `given` are the parts that the data brings; the
    others are cut by us; None where an earlier version did not record it. `mean` and `std` are of pixels in 0..1, or of floats as they were
    given (`pixels` is then "given"). `test_digest` is a hash of the test split alone, by which its uses are counted.
    """

    name: str
    classes: tuple[str, ...]
    input_shape: tuple[int, int, int]
    counts: dict[str, int]
    per_class: dict[str, list[int]]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    digest: str
    repeated: int = 0
    leaked: int = 0
    contradictory: int = 0
    skipped: dict[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    seconds: float = 0.0
    stamp: str = ""
    pixels: str = "0..1"
    given: tuple[str, ...] | None = None
    test_digest: str = ""

    @property
    def has_one_validation_split(self) -> bool:
        """Return whether the data brings its validation part, so that all searches of a study choose by the same images."""
        return self.given is not None and "val" in self.given

    def lines(self) -> list[str]:
        """Return the findings as lines, oddities last."""
        shape = "x".join(map(str, self.input_shape))
        parts = ", ".join(f"{self.counts[part]:,} {part}" for part in PARTS)
        return [f"data: {self.name}: {parts}; {count_noun(len(self.classes), 'class', 'classes')}, {shape}", *self.notes()]

    def notes(self) -> list[str]:
        """Return a line for each oddity."""
        found = []
        if self.leaked:
            tests, are = self.counts["test"], is_or_are(self.leaked)
            found.append(f"{self.leaked:,} of {tests:,} test images ({self.leaked / tests:.2%}) {are} also in train or val")
        if self.repeated:
            copies = "is a copy" if self.repeated == 1 else "are copies"
            found.append(f"{count_noun(self.repeated, 'image')} of train and val {copies} of another; copies are never in both")
        if self.contradictory:
            occur = "occurs" if self.contradictory == 1 else "occur"
            found.append(f"{count_noun(self.contradictory, 'image')} {occur} with more than one label")
        found += self.imbalance()
        if self.skipped:
            shown = ", ".join(f"{path} ({reason})" for path, reason in list(self.skipped.items())[:3])
            more = ", ..." if len(self.skipped) > 3 else ""
            files = f"{count_noun(len(self.skipped), 'file')} cannot be read and {is_or_are(len(self.skipped))} left out"
            found.append(f"{files}: {shown}{more}")
        return [f"data: {text}" for text in (*found, *self.remarks)]

    def imbalance(self) -> Iterator[str]:
        """Yield a line for classes that are missing from train, or far apart in size."""
        train = self.per_class["train"]
        none = [self.classes[i] for i, count in enumerate(train) if not count]
        if none:
            have = "class has" if len(none) == 1 else "classes have"
            yield f"{len(none)} {have} no train image: {', '.join(none[:5])}{', ...' if len(none) > 5 else ''}"
        low, high = min(range(len(train)), key=train.__getitem__), max(range(len(train)), key=train.__getitem__)
        if train[low] and train[high] >= IMBALANCE * train[low]:
            yield (
                f"classes are far apart in size: {self.classes[high]} has {train[high]:,} train images, {self.classes[low]} "
                f"{train[low]:,}; accuracy speaks for the large ones"
            )

    def table(self) -> list[str]:
        """Return the images per class and part as lines, for `doctor --data`."""
        width = max(len(name) for name in ("class", *self.classes))
        rows = [f"  {'class':<{width}}  {'train':>9} {'val':>9} {'test':>9}"]
        for i, name in enumerate(self.classes):
            rows.append(f"  {name:<{width}}  " + " ".join(f"{self.per_class[part][i]:>9,}" for part in PARTS))
        return rows

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return asdict(self)

    def write(self, folder: str | Path) -> Path:
        """Write `preflight.json` into a run directory and return its path. Raises StorageError."""
        return write_atomic(RunDir.of(folder).preflight, json.dumps({"format": FORMAT} | self.as_dict(), indent=1) + "\n")


def is_or_are(number: int) -> str:
    """Return the verb that agrees with the number."""
    return "is" if number == 1 else "are"


def preflight(spec: str | Mapping[str, Any] | DataSpec, folder: str | Path | None = None) -> Preflight:
    """Read and inspect the whole data set: every file decoded, every label in range, every image hashed.

    With a `folder` (a run directory) an earlier preflight of the same, unchanged files is taken from there. Raises BlockspaceError: E-DATA
    for data that is missing, unreadable or may not be downloaded, E-LABEL for labels outside the classes.
    """
    spec = read_spec(spec)
    check_data(spec)
    now = compute_stamp(spec)
    kept = read_preflight(folder, now) if folder is not None and now else None
    return kept if kept is not None and kept.given is not None and kept.test_digest else replace(inspect_data(spec), stamp=now)


def inspect_data(spec: DataSpec) -> Preflight:
    """Return the preflight of data that is read now, without a stamp."""
    from torch import uint8

    from blockspace.data.data import assemble_data, describe_copies, open_source

    start = perf_counter()
    source, pools = open_source(spec)
    data = assemble_data(source, pools)
    rows = {part: list(zip(pools[part].keys, pools[part].labels)) for part in PARTS}
    sizes = {part: Counter(label for _, label in rows[part]) for part in PARTS}
    known = [key for part in ("train", "val") for key, _ in rows[part]]
    pairs = {pair for part in PARTS for pair in rows[part]}
    copies = describe_copies(source.pools["train"], data.classes)
    return Preflight(
        name=data.name, classes=data.classes, input_shape=data.input_shape,
        counts={part: data.counts[part] for part in PARTS},
        per_class={part: [sizes[part][i] for i in range(len(data.classes))] for part in PARTS},
        mean=data.train.mean, std=data.train.std, digest=data.digest,
        repeated=len(known) - len(set(known)), leaked=data.counts["doubles"],
        contradictory=len(pairs) - len({key for key, _ in pairs}),
        skipped=source.skipped,
        remarks=(*source.remarks, *filter(None, [copies]), *describe_alike(pools, data.classes), *describe_near(pools)),
        seconds=round(perf_counter() - start, 3),
        pixels="0..1" if data.train.images.dtype == uint8 else "given",
        given=tuple(source.pools),
        test_digest=compute_test_digest(pools["test"].keys, pools["test"].labels),
    )  # fmt: skip


def describe_alike(pools: Mapping[str, ImagePool], classes: tuple[str, ...]) -> Iterator[str]:
    """Yield a line for the classes whose train images are all equal as a network sees them, although they are no copies."""
    pool = pools["train"]
    members: dict[int, list[int]] = {}
    for index, label in enumerate(pool.labels):
        members.setdefault(label, []).append(index)
    several = {label: indices for label, indices in sorted(members.items()) if len({pool.keys[i] for i in indices}) > 1}
    alike = [label for label, indices in several.items() if pool.are_equal(indices)]
    if alike:
        named = join_names(f"{classes[label]} ({len(members[label]):,})" for label in alike)
        yield f"all train images of {count_noun(len(alike), 'class', 'classes')} are equal, pixel by pixel: {named}"


def describe_near(pools: Mapping[str, ImagePool]) -> Iterator[str]:
    """Yield a line for each part whose image files look like files of an earlier part, without being equal."""
    import numpy

    from blockspace.data.near_duplicates import NEAR, find_near, hash_differences

    known = [pools[part].thumbnails for part in PARTS]
    thumbnails = [found for found in known if found is not None]
    if len(thumbnails) < len(PARTS):
        return
    place = numpy.repeat(numpy.arange(len(PARTS)), [len(pools[part]) for part in PARTS])
    keys = [key for part in PARTS for key in pools[part].keys]
    names = [name for part in PARTS for name in pools[part].names]
    near = find_near(hash_differences(numpy.concatenate(thumbnails)), place)
    for number, part in enumerate(PARTS[1:], 1):
        found = [(i, j) for i, j in near.items() if place[i] == number and keys[i] != keys[j]]
        if found:
            here, there = (names[index] for index in min(found))
            earlier = " or ".join(PARTS[:number])
            looks = "looks" if len(found) == 1 else "look"
            images = f"{len(found):,} of {len(pools[part]):,} {part} images"
            yield f"{images} {looks} like one in {earlier} (dHash, up to {NEAR} of 128 bits differ): {here} like {there}"


def compute_stamp(spec: DataSpec) -> str:
    """Return a hash of how images are decoded, of the spec, and of name, size and time of change of every file it reads.

    It is empty where that cannot be known.
    """
    total = hashlib.sha256(f"decoding {VERSION}: {json.dumps(spec.as_dict(), sort_keys=True)}".encode())
    if spec.python is not None:
        return ""
    try:
        if spec.folder is not None:
            return finish_stamp(total, list_folder_files(spec))
        return finish_stamp(total, list_place_files(spec))
    except OSError:  # whoever reads the data meets it too, and says so
        return ""


def finish_stamp(total: Any, files: Iterable[tuple[str, int, int]]) -> str:
    """Return the hash `total` after the names, sizes and times of change of files."""
    for path, size, changed in files:
        total.update(f"{path}\0{size}\0{changed}\n".encode("utf-8", "surrogateescape"))
    return str(total.hexdigest())


def list_folder_files(spec: DataSpec) -> Iterator[tuple[str, int, int]]:
    """Yield path, size and time of change of each image of a folder, and what is said of the folder with its size and time as 0."""
    found = find_images(str(spec.folder), spec.layout)
    for path in sorted((str(path) for files in found.files.values() for path in files), key=lambda path: path.split(os.sep)):
        yield path, *stamp_file(path)
    for line in found.remarks:
        yield line, 0, 0


def list_place_files(spec: DataSpec) -> Iterator[tuple[str, int, int]]:
    """Yield path, size and time of change of every file that a named set is read from."""
    if place := find_place(spec):
        inside = place.marker if place.marker.is_dir() else place.marker.parent
        deep = place.marker.is_dir() or DATASETS[str(spec.name)].holds == "files"
        for path, found in list_entries(inside, deep):
            yield path, found.st_size, found.st_mtime_ns


def list_entries(root: Path, deep: bool = True, above: frozenset[tuple[int, int]] = frozenset()) -> Iterator[tuple[str, os.stat_result]]:
    """Yield every file in a folder, by name, and those in the folders below it; a link to a folder above is not followed."""
    here = above | {identify(os.stat(root))}
    for entry in sorted(os.scandir(root), key=lambda entry: entry.name):
        if entry.is_file():
            yield entry.path, entry.stat()
        elif deep and entry.is_dir() and identify(entry.stat()) not in here:
            yield from list_entries(Path(entry.path), deep, here)


def read_preflight(folder: str | os.PathLike[str], stamp: str) -> Preflight | None:
    """Return the preflight kept in a run directory, or None unless it is of these files."""
    try:
        kept = json.loads(RunDir.of(folder).preflight.read_bytes())
        if kept.pop("format") != FORMAT or kept["stamp"] != stamp:
            return None
        tuples = {name: tuple(kept[name]) for name in ("classes", "input_shape", "mean", "std", "remarks", "given") if name in kept}
        return Preflight(**kept | tuples)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def kept_preflight(folder: str | os.PathLike[str]) -> Preflight | None:
    """Return the preflight of a run directory, whatever became of the files since; None where there is none."""
    try:
        return read_preflight(folder, json.loads(RunDir.of(folder).preflight.read_bytes())["stamp"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_same_content(spec: DataSpec, look: Preflight, kept: Preflight) -> bool:
    """Return whether the data of `spec`, with the preflight `look`, has the images, labels and classes that `kept` recorded.

    It may have another name now, as a folder that was moved; that is part of a digest, so it is computed again under the old one.
    """
    if look.digest == kept.digest:
        return True
    known = ("classes", "input_shape", "counts", "per_class")
    if look.name == kept.name or any(getattr(look, name) != getattr(kept, name) for name in known):
        return False
    from blockspace.data.data import compute_digest, open_source

    source, pools = open_source(spec)
    return compute_digest(replace(source, name=kept.name), pools) == kept.digest
