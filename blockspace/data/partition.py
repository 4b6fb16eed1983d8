"""Splits that depend on what the images are, not on their order or names, and never put one image into two parts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy

from blockspace.errors import error
from blockspace.formatting import count_noun


def hash_contents(images: numpy.ndarray, seed: int) -> list[bytes]:
    """Return a seeded hash of each image of `(N, ...)`, 16 bytes."""
    salt = str(seed).encode()
    flat = numpy.ascontiguousarray(images).reshape(len(images), -1)
    return [hashlib.blake2b(row.data, digest_size=16, key=salt).digest() for row in flat]


def reorder_keys(keys: Sequence[bytes], seed: int) -> list[bytes]:
    """Return other keys, 16 bytes each, equal where the given ones are, whose order is another for each seed."""
    salt = str(seed).encode()
    return [hashlib.blake2b(key, digest_size=16, key=salt).digest() for key in keys]


def partition_indices(keys: Sequence[bytes], labels: Sequence[int], sizes: Mapping[str, int | None]) -> dict[str, numpy.ndarray]:
    """Return the indices of each part, ascending, stratified by label.

    `keys` are the images' content hashes: their order is the (seeded) random order, and images of one key stay together. A size of None,
    last, takes the rest; without it what is left is not used. Parts have exactly their size when no image is double.
    Raises BlockspaceError (E-DATA) when there are too few images.
    """
    check_sizes(len(keys), sizes)
    groups = group_by_label(keys, labels)
    counts = {label: sum(map(len, members)) for label, members in groups.items()}
    quotas = allot_parts(counts, sizes)
    parts: dict[str, list[int]] = {name: [] for name in sizes}
    for label, members in groups.items():
        fill_parts(parts, members, [(name, quotas[name][label]) for name in sizes])
    return {name: numpy.array(sorted(indices), dtype=numpy.int64) for name, indices in parts.items()}


def check_sizes(available: int, sizes: Mapping[str, int | None]) -> None:
    """Check that there are images for every part, and at least one for the rest. Raises BlockspaceError (E-DATA)."""
    wanted = sum(size if size is not None else 1 for size in sizes.values())
    if wanted > available:
        text = " + ".join(f"{size if size is not None else 'rest'} {name}" for name, size in sizes.items())
        needs = f"a split into {text} needs {count_noun(wanted, 'image')}"
        raise error("E-DATA", f"{needs}, there {'is' if available == 1 else 'are'} {available:,}", help="ask for fewer")


def group_by_label(keys: Sequence[bytes], labels: Sequence[int]) -> dict[int, list[list[int]]]:
    """Return label -> groups of indices with one key, in key order; a group whose images disagree counts for its first one's label."""
    by_key: dict[bytes, list[int]] = {}
    for index, key in enumerate(keys):
        by_key.setdefault(key, []).append(index)
    groups: dict[int, list[list[int]]] = {}
    for key in sorted(by_key):
        groups.setdefault(int(labels[by_key[key][0]]), []).append(by_key[key])
    return dict(sorted(groups.items()))


def allot_parts(counts: Mapping[int, int], sizes: Mapping[str, int | None]) -> dict[str, dict[int, int]]:
    """Return part -> label -> how many, by largest remainders of what earlier parts left; the rest takes everything."""
    left = dict(counts)
    quotas = {}
    for name, size in sizes.items():
        quotas[name] = dict(left) if size is None else allot_proportionally(left, size)
        left = {label: left[label] - quotas[name][label] for label in left}
    return quotas


def allot_proportionally(counts: Mapping[int, int], size: int) -> dict[int, int]:
    """Return `size` items shared among labels in proportion to `counts`, in whole numbers, none above its count."""
    total = sum(counts.values())
    quotas = {label: size * count // total for label, count in counts.items()}
    remainder = {label: size * count % total for label, count in counts.items()}
    for label in sorted(counts, key=lambda label: (-remainder[label], label))[: size - sum(quotas.values())]:
        quotas[label] += 1
    return quotas


def fill_parts(parts: dict[str, list[int]], groups: list[list[int]], quotas: list[tuple[str, int]]) -> None:
    """Hand out one label's groups in order; a group larger than what is missing still stays whole."""
    queue = iter(groups)
    for name, quota in quotas:
        taken = 0
        while taken < quota and (group := next(queue, None)) is not None:
            parts[name].extend(group)
            taken += len(group)
