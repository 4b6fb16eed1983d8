"""Seeds are pure functions of what they are for, so that a resumed search draws what the uninterrupted one would have drawn."""

from __future__ import annotations

from hashlib import sha256


def derive_seed(*parts: int | str) -> int:
    """Return a 32-bit seed from any parts; equal parts give an equal seed, on every machine."""
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in parts)
    return int.from_bytes(sha256(text.encode()).digest()[:4], "big")


def derive_training_seed(seed: int, key: str, replicate: int = 0) -> int:
    """Return the seed of one training, from the study's seed, the network's key and the replicate alone."""
    return derive_seed("training", seed, key, replicate)


def derive_repeat_seed(seed: int, repeat: int) -> int:
    """Return the seed of one of a study's searches: its own for the first, so that a study of one search draws what it always drew."""
    return derive_seed("repeat", seed, repeat) if repeat else seed
