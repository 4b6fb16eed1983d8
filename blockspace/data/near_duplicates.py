"""Find pictures that look alike by their difference hashes: reported, never moved between parts.

dHash (N. Krawetz, "Kind of Like That", 2013) in rows and columns: a picture in grey at 9x9 gives 8x8 bits that say whether a pixel is
brighter than its left neighbour, and 8x8 whether it is brighter than the one above. Copies in another size, format or quality differ in
few of the 128 bits, different pictures in about 64.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy

NEAR = 7  # bits, so that at least one of 8 words of 16 bits is equal
LEAST = 16  # bits that are set, and that are not: pictures with fewer are flat, and alike without being copies
MOST = 500  # pictures that share a word and are compared with each other; more of them say that the word says nothing


def hash_differences(thumbnails: numpy.ndarray) -> numpy.ndarray:
    """Return the difference hashes of grey pictures, uint8 `(N, 81)`, as uint8 `(N, 16)`."""
    side = int(thumbnails.shape[1] ** 0.5)
    grey = thumbnails.reshape(-1, side, side)
    rows, columns = grey[:, :-1, 1:] > grey[:, :-1, :-1], grey[:, 1:, :-1] > grey[:, :-1, :-1]
    return numpy.packbits(numpy.concatenate([rows, columns], axis=1).reshape(len(grey), -1), axis=1)


def find_near(hashes: numpy.ndarray, part: numpy.ndarray) -> dict[int, int]:
    """Return picture -> one that looks like it in a part of smaller number; hashes are uint8 `(N, 16)`, parts `(N,)`."""
    bits = numpy.ascontiguousarray(hashes).view(numpy.uint64)
    weight = numpy.bitwise_count(bits).sum(axis=1)
    chosen = numpy.flatnonzero((weight >= LEAST) & (weight <= hashes.shape[1] * 8 - LEAST))
    match = numpy.full(len(hashes), -1)
    for here, there in list_candidates(hashes, part, chosen):
        near = numpy.bitwise_count(bits[here] ^ bits[there]).sum(axis=1) <= NEAR
        fresh = near & (match[here] < 0)
        match[here[fresh]] = there[fresh]
    return {int(here): int(match[here]) for here in numpy.flatnonzero(match >= 0)}


def list_candidates(hashes: numpy.ndarray, part: numpy.ndarray, chosen: numpy.ndarray) -> Iterator[tuple[numpy.ndarray, numpy.ndarray]]:
    """Yield pairs `(here, there)` of chosen pictures that share one of the words of 16 bits of their hashes, `there` of an earlier part."""
    words = numpy.ascontiguousarray(hashes).view(numpy.uint16)
    for column in range(words.shape[1]):
        word = words[chosen, column]
        few = numpy.bincount(word, minlength=2**16)[word] <= MOST
        order = chosen[few][numpy.argsort(word[few], kind="stable")]
        word = words[order, column]
        for step in range(1, MOST):  # pictures of one word follow each other
            first = numpy.flatnonzero(word[:-step] == word[step:])
            if not len(first):
                break
            one, other = order[first], order[first + step]
            later = part[one] > part[other]
            here, there = numpy.where(later, one, other), numpy.where(later, other, one)
            differ = part[here] > part[there]
            yield here[differ], there[differ]
