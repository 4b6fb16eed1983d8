"""What is known of image files that were scanned: a row a file, kept in the cache between commands."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy

from blockspace.data.file_inspection import THUMBNAIL, InspectedFile
from blockspace.errors import BlockspaceError
from blockspace.files import write_atomic

# `stamp` is a file's size in bytes and time of change, `shape` is (C, H, W); `pixels` is zero unless they had to be compared
ROW = numpy.dtype(
    [
        ("stamp", "i8", 2), ("content", "V16"), ("pixels", "V16"), ("thumbnail", "u1", THUMBNAIL**2),
        ("shape", "i4", 3), ("traits", "i4"), ("levels", "f8", 2),
    ]
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class KnownFiles:
    """Files by absolute name: rows, and why they cannot be decoded ("" when they can)."""

    names: list[str] = field(default_factory=list)
    rows: numpy.ndarray = field(default_factory=lambda: numpy.empty(0, ROW))
    faults: list[str] = field(default_factory=list)
    places: dict[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "places", {name: place for place, name in enumerate(self.names)})

    def locate(self, names: Sequence[str]) -> numpy.ndarray:
        """Return the place of each file among the rows; -1 for one that is not known."""
        return numpy.array([self.places.get(name, -1) for name in names], numpy.int64)

    def find_changed(self, names: Sequence[str], stamps: numpy.ndarray) -> list[int]:
        """Return the indices of the files that are not known with their stamps `(N, 2)`."""
        places = self.locate(names)
        same = places >= 0
        same[same] = (self.rows["stamp"][places[same]] == stamps[same]).all(axis=1)
        return [int(index) for index in numpy.flatnonzero(~same)]

    def update(self, names: Sequence[str], stamps: numpy.ndarray, found: Sequence[InspectedFile]) -> KnownFiles:
        """Return these files with others added or replaced."""
        rows = numpy.zeros(len(found), ROW)
        rows["stamp"] = stamps
        rows["content"] = numpy.frombuffer(b"".join(one.content for one in found), "V16")
        rows["thumbnail"] = numpy.frombuffer(b"".join(one.thumbnail for one in found), numpy.uint8).reshape(-1, THUMBNAIL**2)
        rows["shape"] = [one.facts[:3] for one in found]
        rows["traits"] = [one.facts.traits for one in found]
        rows["levels"] = [one.facts[4:] for one in found]
        replaced = set(names)
        kept = [place for place, name in enumerate(self.names) if name not in replaced]
        return KnownFiles(
            [*(self.names[place] for place in kept), *names],
            numpy.concatenate([self.rows[kept], rows]),
            [*(self.faults[place] for place in kept), *(one.fault for one in found)],
        )


def read_known_files(place: Path) -> KnownFiles:
    """Return what an earlier scan kept; nothing when there is none or it is damaged."""
    try:
        with numpy.load(place, allow_pickle=False) as kept:
            names, faults = (bytes(kept[key]).decode("utf-8", "surrogateescape").split("\0") for key in ("names", "faults"))
            rows = kept["rows"]
    except Exception:  # a torn or foreign file: a dozen types
        return KnownFiles()
    if rows.dtype != ROW or not len(names) == len(faults) == len(rows):
        return KnownFiles()
    return KnownFiles(names, rows, faults)


def write_known_files(place: Path, known: KnownFiles) -> None:
    """Write the cache, or nothing where it cannot be written."""
    buffer = io.BytesIO()
    numpy.savez(buffer, names=pack_texts(known.names), faults=pack_texts(known.faults), rows=known.rows)
    try:
        write_atomic(place, buffer.getvalue())
    except BlockspaceError:
        pass


def pack_texts(texts: Iterable[str]) -> numpy.ndarray:
    """Return texts as one array of bytes, with zeros between them, which no file name holds."""
    return numpy.frombuffer("\0".join(texts).encode("utf-8", "surrogateescape"), numpy.uint8)
