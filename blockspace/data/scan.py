"""Scan: every image file read, decoded and hashed once. What was found is kept in a cache by the file's size and time of change, so that a
second look costs a `stat` per file; and images that fit into memory are kept decoded, one file that all processes share."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy

from blockspace.data.decode import Shape, decode_all, first_line, no_bombs
from blockspace.errors import BlockspaceError
from blockspace.files import write_atomic

CACHE_VARIABLE = "BLOCKSPACE_CACHE"  # a folder for what can always be made again
PIXELS_KEPT = 4 * 2**30  # bytes of decoded images in the cache; the longest unused go first


@dataclass(frozen=True, eq=False)
class Scan:
    """Per file, in the order asked for: a hash of its bytes (16), and why it cannot be decoded ("" when it can)."""

    hashes: list[bytes]
    faults: list[str]


def cache_folder() -> Path:
    """$BLOCKSPACE_CACHE, else `~/.cache/blockspace`."""
    return Path(os.environ.get(CACHE_VARIABLE) or "~/.cache/blockspace").expanduser()


def scan(files: Sequence[Path]) -> Scan:
    """Read, decode and hash each file that was not seen before as it is now."""
    names = [os.path.abspath(path) for path in files]
    stamps = [stamp(name) for name in names]
    place = cache_folder() / "scans" / f"{text_hash(os.path.commonpath({os.path.dirname(name) for name in names}) if names else '')}.npz"
    known = recall(place)
    fresh = [i for i, name in enumerate(names) if known.get(name, (None,))[0] != stamps[i]]
    if fresh:
        known |= {names[i]: (stamps[i], *found) for i, found in zip(fresh, looked_at([names[i] for i in fresh]))}
        keep(place, known)
    return Scan([known[name][1] for name in names], [known[name][2] for name in names])


def stamp(name: str) -> tuple[int, int]:
    """Size in bytes and time of change in nanoseconds; (-1, 0) for a file that is not there."""
    try:
        found = os.stat(name)
    except OSError:
        return -1, 0
    return found.st_size, found.st_mtime_ns


def looked_at(names: list[str]) -> list[tuple[bytes, str]]:
    """(hash, fault) of each file; decoding runs outside Python's lock, so threads help."""
    with no_bombs(), ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(look_at, names, chunksize=64))


def look_at(name: str) -> tuple[bytes, str]:
    """The hash of a file's bytes, and why it cannot be decoded."""
    from PIL import Image

    try:
        content = Path(name).read_bytes()
    except OSError as reason:
        return b"\0" * 16, reason.strerror or "cannot be read"
    try:
        with Image.open(io.BytesIO(content)) as image:
            image.load()
        fault = ""
    except Exception as reason:  # PIL raises a dozen types for damaged files
        fault = first_line(reason)
    return hashlib.blake2b(content, digest_size=16).digest(), fault


def recall(place: Path) -> dict[str, tuple[tuple[int, int], bytes, str]]:
    """What an earlier scan kept: name -> (stamp, hash, fault); nothing when there is none or it is damaged."""
    try:
        with numpy.load(place, allow_pickle=False) as kept:
            names, faults = (bytes(kept[key]).decode("utf-8", "surrogateescape").split("\0") for key in ("names", "faults"))
            stamps, hashes = kept["stamps"].tolist(), kept["hashes"]
    except Exception:  # a torn or foreign file: a dozen types again
        return {}
    if not len(names) == len(faults) == len(stamps) == len(hashes):
        return {}
    return {name: (tuple(s), h.tobytes(), fault) for name, s, h, fault in zip(names, stamps, hashes, faults)}


def keep(place: Path, known: dict[str, tuple[tuple[int, int], bytes, str]]) -> None:
    """Write the cache; where it cannot be written there is none."""
    stamps, hashes, faults = zip(*known.values())
    buffer = io.BytesIO()
    numpy.savez(
        buffer, names=blob(known), faults=blob(faults), stamps=numpy.array(stamps, numpy.int64),
        hashes=numpy.frombuffer(b"".join(hashes), numpy.uint8).reshape(-1, 16),
    )  # fmt: skip
    try:
        write_atomic(place, buffer.getvalue())
    except BlockspaceError:
        pass


def blob(texts) -> numpy.ndarray:
    """Texts as one array of bytes, with zeros between them, which no file name holds."""
    return numpy.frombuffer("\0".join(texts).encode("utf-8", "surrogateescape"), numpy.uint8)


def text_hash(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def decoded(files: Sequence[Path], hashes: Sequence[bytes], shape: Shape, fit: str) -> numpy.ndarray:
    """All files as uint8 `(N, C, H, W)`: mapped from the cache, which processes share, else decoded and kept there."""
    total = hashlib.blake2b(repr((shape, fit)).encode() + b"".join(hashes), digest_size=16)
    place = cache_folder() / "pixels" / f"{total.hexdigest()}.npy"
    try:
        pixels = numpy.load(place, mmap_mode="c", allow_pickle=False)
        os.utime(place)
        if pixels.shape == (len(files), *shape) and pixels.dtype == numpy.uint8:
            return pixels
    except (OSError, ValueError, EOFError):
        pass
    pixels = decode_all(files, shape, fit)
    buffer = io.BytesIO()
    numpy.save(buffer, pixels)
    try:
        write_atomic(place, buffer.getbuffer())
        shrink(place.parent, place)
    except (BlockspaceError, OSError):
        pass
    return pixels


def shrink(folder: Path, latest: Path) -> None:
    """Remove the longest unused files above `PIXELS_KEPT`; never the one just written."""
    others = sorted((path for path in folder.glob("*.npy") if path != latest), key=lambda path: -path.stat().st_mtime)
    total = latest.stat().st_size
    for path in others:
        total += path.stat().st_size
        if total > PIXELS_KEPT:
            path.unlink(missing_ok=True)


def recall_keys(place: Path, count: int) -> list[bytes] | None:
    """Hashes that were kept under a name of their own, when there are so many."""
    try:
        kept = numpy.load(place, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return [row.tobytes() for row in kept] if kept.shape == (count, 16) else None


def keep_keys(place: Path, keys: list[bytes]) -> None:
    """Keep hashes; where they cannot be written they are not."""
    buffer = io.BytesIO()
    numpy.save(buffer, numpy.frombuffer(b"".join(keys), numpy.uint8).reshape(-1, 16))
    try:
        write_atomic(place, buffer.getvalue())
    except BlockspaceError:
        pass
