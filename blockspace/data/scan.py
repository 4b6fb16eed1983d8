"""Read, decode and hash every image file once.

The results are cached by the file's size and time of change, so that a second scan costs a `stat` per file; and images that fit into memory
are cached decoded, in one file that all processes share.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy

from blockspace.data.decode import fill_pixels, forbid_decompression_bombs, make_unreadable_error
from blockspace.data.decoding import VERSION, Decoding
from blockspace.data.file_inspection import hash_pixels, inspect_file
from blockspace.data.image_facts import ImageFacts
from blockspace.data.known_files import KnownFiles, read_known_files, write_known_files
from blockspace.errors import BlockspaceError
from blockspace.files import find_home_folder, write_atomic

CACHE_VARIABLE = "BLOCKSPACE_CACHE"  # a folder for what can always be made again
PIXELS_KEPT = 4 * 2**30  # bytes of decoded images in the cache; the longest unused go first
CHUNK = 64  # files that a thread reads at a time: to hand out each by itself costs as much as to decode a small one
T = TypeVar("T")
LATEST: dict[Path | None, KnownFiles] = {}  # of the last scan, by its place in the cache: one command asks for it three times


@dataclass(frozen=True, eq=False)
class FileScan:
    """Per file, in the order asked for: a hash of its bytes, why it cannot be decoded ("" when it can), and its facts.

    `shows` is the smallest hash of those files that show the same picture, `thumbnails` uint8 `(N, 81)`.
    """

    hashes: list[bytes]
    faults: list[str]
    facts: list[ImageFacts]
    shows: list[bytes]
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
    stamps = numpy.array([stamp_file(name) for name in names], numpy.int64).reshape(-1, 2)
    folder = os.path.commonpath({os.path.dirname(name) for name in names}) if names else ""
    place = find_cached("scans", f"{hash_listing(f'decoding {VERSION}: {folder}')}.npz")
    known = LATEST.get(place) or (read_known_files(place) if place else KnownFiles())
    fresh = known.find_changed(names, stamps)
    if fresh:
        fresh_names = [names[i] for i in fresh]
        known = known.update(fresh_names, stamps[fresh], run_in_threads(inspect_file, fresh_names))
    places = known.locate(names)
    compared = compare_pixels(known, places)
    if place and (fresh or compared):
        write_known_files(place, known)
    LATEST.clear()
    LATEST[place] = known
    return collect_scan(known, places)


def compare_pixels(known: KnownFiles, places: numpy.ndarray) -> bool:
    """Hash the pixels of the files whose thumbnails are those of other files; return whether there were any that had not been hashed.

    Files of one thumbnail may show the same; all others are known not to.
    """
    rows = known.rows[places]
    alike: dict[bytes, list[int]] = {}
    for place, thumbnail in zip(places.tolist(), list_fields(rows["thumbnail"])):
        if not known.faults[place]:
            alike.setdefault(thumbnail, []).append(place)
    contents = known.rows["content"]
    several = [place for found in alike.values() if len(found) > 1 and len({bytes(contents[i]) for i in found}) > 1 for place in found]
    asked = sorted({place for place in several if not any(bytes(known.rows["pixels"][place]))})
    for place, pixels in zip(asked, run_in_threads(hash_pixels, [known.names[place] for place in asked])):
        known.rows["pixels"][place] = numpy.frombuffer(pixels, "V16")[0]
    return bool(asked)


def collect_scan(known: KnownFiles, places: numpy.ndarray) -> FileScan:
    """Return what is known of the files at these places."""
    rows, faults = known.rows[places], [known.faults[place] for place in places]
    shapes, traits, levels = rows["shape"].tolist(), rows["traits"].tolist(), rows["levels"].tolist()
    facts = [ImageFacts(c, h, w, trait, low, high) for (c, h, w), trait, (low, high) in zip(shapes, traits, levels)]
    hashes = list_fields(rows["content"])
    return FileScan(hashes, faults, facts, group_by_pixels(hashes, list_fields(rows["pixels"])), rows["thumbnail"])


def group_by_pixels(hashes: list[bytes], pixels: list[bytes]) -> list[bytes]:
    """Return for each file the smallest of the hashes of those files that show the same picture."""
    unknown = bytes(16)
    first: dict[bytes, bytes] = {}
    for content, shown in zip(hashes, pixels):
        if shown != unknown:
            first[shown] = min(content, first.get(shown, content))
    return [first.get(shown, content) for content, shown in zip(hashes, pixels)] if first else hashes


def list_fields(rows: numpy.ndarray) -> list[bytes]:
    """Return the bytes of each row."""
    content = rows.tobytes()
    size = len(content) // max(1, len(rows))
    return [content[start : start + size] for start in range(0, len(content), size)] if size else []


def stamp_file(name: str) -> tuple[int, int]:
    """Return size in bytes and time of change in nanoseconds; (-1, 0) for a file that is not there."""
    try:
        found = os.stat(name)
    except OSError:
        return -1, 0
    return found.st_size, found.st_mtime_ns


def run_in_threads(function: Callable[[str], T], names: list[str]) -> list[T]:
    """Return what a function returns for each file; decoding runs outside Python's global lock, so threads help."""
    chunks = [names[start : start + CHUNK] for start in range(0, len(names), CHUNK)]
    with forbid_decompression_bombs(), ThreadPoolExecutor(os.cpu_count()) as pool:
        return [found for chunk in pool.map(lambda chunk: list(map(function, chunk)), chunks) for found in chunk]


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
        pixels = decode_in_threads(files, decoding)
        if place:
            write_pixels(place, pixels)
    return pixels


def decode_in_threads(files: Sequence[Path], decoding: Decoding) -> numpy.ndarray:
    """Return files as uint8 `(N, C, H, W)`. Raises BlockspaceError (E-DATA) naming those that cannot be read."""
    pixels = numpy.empty((len(files), *decoding.shape), numpy.uint8)

    def fill(start: int) -> dict[Path, str]:
        return fill_pixels(pixels[start : start + CHUNK], files[start : start + CHUNK], decoding)

    with forbid_decompression_bombs(), ThreadPoolExecutor(os.cpu_count()) as pool:
        bad = {path: fault for found in pool.map(fill, range(0, len(files), CHUNK)) for path, fault in found.items()}
    if bad:
        raise make_unreadable_error(bad)
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
