"""Read, decode and hash every image file once.

The results are cached by the file's size and time of change, so that a second scan costs a `stat` per file; and images that fit into memory
are cached decoded, in one file that all processes share.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy

from blockspace.data.decode import decode_all, forbid_decompression_bombs
from blockspace.data.decoding import VERSION, Decoding
from blockspace.data.file_inspection import THUMBNAIL, InspectedFile, inspect_file
from blockspace.data.image_facts import ImageFacts
from blockspace.errors import BlockspaceError
from blockspace.files import find_home_folder, write_atomic

CACHE_VARIABLE = "BLOCKSPACE_CACHE"  # a folder for what can always be made again
PIXELS_KEPT = 4 * 2**30  # bytes of decoded images in the cache; the longest unused go first


# what is kept of a file beside its name and fault; the stamp is its size in bytes and time of change, the shape (C, H, W)
ROW = numpy.dtype(
    [
        ("stamp", "i8", 2), ("content", "u1", 16), ("pixels", "u1", 16), ("thumbnail", "u1", THUMBNAIL**2),
        ("shape", "i4", 3), ("traits", "i4"), ("levels", "f8", 2),
    ]
)  # fmt: skip
KnownFiles = dict[str, tuple[numpy.void, str]]  # name -> (ROW, fault)
LATEST: dict[Path | None, KnownFiles] = {}  # the last scan, by its place in the cache: one command asks for it three times


@dataclass(frozen=True, eq=False)
class FileScan:
    """Per file, in the order asked for, what `InspectedFile` says; `thumbnails` is uint8 `(N, 81)`."""

    hashes: list[bytes]
    faults: list[str]
    facts: list[ImageFacts]
    pixels: list[bytes]
    thumbnails: numpy.ndarray

    def good_facts(self) -> list[ImageFacts]:
        """Return the facts of the files that can be decoded."""
        return [one for one, fault in zip(self.facts, self.faults) if not fault]


def cache_folder() -> Path | None:
    """Return $BLOCKSPACE_CACHE, else `~/.cache/blockspace`; None where there is no home folder, and nothing is cached."""
    return find_home_folder(Path(os.environ.get(CACHE_VARIABLE) or "~/.cache/blockspace"))


def find_cached(kind: str, name: str) -> Path | None:
    """Return the path of a file in the cache, which need not exist; None without a cache."""
    folder = cache_folder()
    return None if folder is None else folder / kind / name


def scan_files(files: Sequence[Path]) -> FileScan:
    """Read, decode and hash each file that was not seen before as it is now."""
    names = [os.path.abspath(path) for path in files]
    stamps = [stamp_file(name) for name in names]
    folder = os.path.commonpath({os.path.dirname(name) for name in names}) if names else ""
    place = find_cached("scans", f"{hash_listing(f'decoding {VERSION}: {folder}')}.npz")
    known = LATEST.get(place) or (read_scan(place) if place else {})
    fresh = [i for i, name in enumerate(names) if name not in known or tuple(known[name][0]["stamp"].tolist()) != stamps[i]]
    if fresh:
        known |= {names[i]: make_row(stamps[i], found) for i, found in zip(fresh, inspect_files([names[i] for i in fresh]))}
        if place:
            write_scan(place, known)
    LATEST.clear()
    LATEST[place] = known
    return collect_scan([known[name] for name in names])


def collect_scan(found: Sequence[tuple[numpy.void, str]]) -> FileScan:
    """Return the rows of files as a scan."""
    rows = numpy.array([row for row, _ in found], ROW)
    shapes, traits, levels = rows["shape"].tolist(), rows["traits"].tolist(), rows["levels"].tolist()
    facts = [ImageFacts(c, h, w, trait, low, high) for (c, h, w), trait, (low, high) in zip(shapes, traits, levels)]
    hashes, pixels = list_hashes(rows["content"]), list_hashes(rows["pixels"])
    return FileScan(hashes, [fault for _, fault in found], facts, pixels, rows["thumbnail"])


def list_hashes(rows: numpy.ndarray) -> list[bytes]:
    """Return the rows of uint8 `(N, 16)` as bytes."""
    content = rows.tobytes()
    return [content[start : start + 16] for start in range(0, len(content), 16)]


def make_row(stamp: tuple[int, int], found: InspectedFile) -> tuple[numpy.void, str]:
    """Return what is kept of a file."""
    content, pixels, thumbnail = (numpy.frombuffer(part, numpy.uint8) for part in (found.content, found.pixels, found.thumbnail))
    facts = found.facts
    row = numpy.array([(stamp, content, pixels, thumbnail, facts[:3], facts.traits, (facts.low, facts.high))], ROW)
    return row[0], found.fault


def stamp_file(name: str) -> tuple[int, int]:
    """Return size in bytes and time of change in nanoseconds; (-1, 0) for a file that is not there."""
    try:
        found = os.stat(name)
    except OSError:
        return -1, 0
    return found.st_size, found.st_mtime_ns


def inspect_files(names: list[str]) -> list[InspectedFile]:
    """Return what is in each file; decoding runs outside Python's global lock, so threads help."""
    with forbid_decompression_bombs(), ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(inspect_file, names, chunksize=64))


def read_scan(place: Path) -> KnownFiles:
    """Return an earlier scan; empty when there is none or it is damaged."""
    try:
        with numpy.load(place, allow_pickle=False) as kept:
            names, faults = (bytes(kept[key]).decode("utf-8", "surrogateescape").split("\0") for key in ("names", "faults"))
            rows = kept["rows"]
    except Exception:  # a torn or foreign file: a dozen types again
        return {}
    if rows.dtype != ROW or not len(names) == len(faults) == len(rows):
        return {}
    return dict(zip(names, zip(rows, faults)))


def write_scan(place: Path, known: KnownFiles) -> None:
    """Write the cache, or nothing where it cannot be written."""
    rows, faults = zip(*known.values())
    buffer = io.BytesIO()
    numpy.savez(buffer, names=pack_texts(known), faults=pack_texts(faults), rows=numpy.array(list(rows), ROW))
    try:
        write_atomic(place, buffer.getvalue())
    except BlockspaceError:
        pass


def pack_texts(texts: Iterable[str]) -> numpy.ndarray:
    """Return texts as one array of bytes, with zeros between them, which no file name holds."""
    return numpy.frombuffer("\0".join(texts).encode("utf-8", "surrogateescape"), numpy.uint8)


def hash_listing(text: str) -> str:
    """Return the hash of a text in hexadecimal, as a file name."""
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def decode_files(files: Sequence[Path], contents: Sequence[bytes], decoding: Decoding) -> numpy.ndarray:
    """Return all files as uint8 `(N, C, H, W)`: mapped from the cache, which processes share, else decoded and kept there.

    `contents` identify the decoded images but for shape and fit.
    """
    total = hashlib.blake2b(repr((decoding.shape, decoding.fit)).encode() + b"".join(contents), digest_size=16)
    place = find_cached("pixels", f"{total.hexdigest()}.npy")
    pixels = read_pixels(place, (len(files), *decoding.shape)) if place else None
    if pixels is None:
        pixels = decode_all(files, decoding)
        if place:
            write_pixels(place, pixels)
    return pixels


def read_pixels(place: Path, shape: tuple[int, ...]) -> numpy.ndarray | None:
    """Return cached images, mapped into memory; None unless the cache holds bytes of this shape."""
    try:
        pixels: numpy.ndarray = numpy.load(place, mmap_mode="c", allow_pickle=False)
        os.utime(place)
    except (OSError, ValueError, EOFError):
        return None
    return pixels if pixels.shape == shape and pixels.dtype == numpy.uint8 else None


def write_pixels(place: Path, pixels: numpy.ndarray) -> None:
    """Write decoded images to the cache, or nothing where it cannot be written."""
    buffer = io.BytesIO()
    numpy.save(buffer, pixels)
    try:
        write_atomic(place, buffer.getbuffer())
        shrink_cache(place.parent, place)
    except (BlockspaceError, OSError):
        pass


def shrink_cache(folder: Path, latest: Path) -> None:
    """Remove the longest unused files above `PIXELS_KEPT`; never the one just written."""
    others = sorted((path for path in folder.glob("*.npy") if path != latest), key=lambda path: -path.stat().st_mtime)
    total = latest.stat().st_size
    for path in others:
        total += path.stat().st_size
        if total > PIXELS_KEPT:
            path.unlink(missing_ok=True)


def read_keys(place: Path, count: int) -> list[bytes] | None:
    """Return cached content hashes, or None unless the cache holds exactly `count` of them."""
    try:
        kept = numpy.load(place, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return [row.tobytes() for row in kept] if kept.shape == (count, 16) else None


def write_keys(place: Path, keys: list[bytes]) -> None:
    """Write content hashes to the cache, or nothing where it cannot be written."""
    buffer = io.BytesIO()
    numpy.save(buffer, numpy.frombuffer(b"".join(keys), numpy.uint8).reshape(-1, 16))
    try:
        write_atomic(place, buffer.getvalue())
    except BlockspaceError:
        pass
